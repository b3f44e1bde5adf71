"""What the participant is to see, in the plan's words, and what the operator is told."""

from dataclasses import replace

from emgrig.experiment.course.course import progress
from emgrig.experiment.course.engine import Engine
from emgrig.experiment.course.steps import Ask, Phase, View

_OPERATOR = {
    Phase.WAITING: "The recording begins",
    Phase.READY: "The participant reads what comes, tries it, and goes on",
    Phase.REST: "Rest; the request comes by itself",
    Phase.CONTRACT: "Contraction",
    Phase.MEASURE: "It is measured",
    Phase.DECIDE: "Accept the last one, ask again, or skip this repetition",
    Phase.READY_CLIPS: "The participant reads about the films, and goes on",
    Phase.BASELINE: "Rest before the first film",
    Phase.GAP: "Rest before the next film",
    Phase.CLIP: "A film plays",
    Phase.CLIP_FAILED: "Play it again, or skip it",
    Phase.RATING: "The participant rates",
    Phase.DONE: "That was all; the files are made now, and this page closes by itself",
    Phase.STOPPED: "What is done is kept; start the same command to go on",
}
_OF_PART_B = (Phase.BASELINE, Phase.GAP, Phase.CLIP, Phase.CLIP_FAILED, Phase.RATING)
_ASK = {
    Phase.READY: Ask.CONTINUE,
    Phase.READY_CLIPS: Ask.CONTINUE,
    Phase.DECIDE: Ask.CONTRACTION,
    Phase.CLIP_FAILED: Ask.CLIP,
    Phase.RATING: Ask.RATING,
}


def view_of(engine: Engine, unix_s: float) -> View:
    """Return what to show at a Unix time, s."""
    phase = engine.phase
    done, total = progress(engine.plan, engine.record)
    title, text = _said(engine)
    view = View(
        phase=phase,
        title=title,
        text=text,
        note=engine.plan.texts.again if engine.is_again and phase is Phase.REST else "",
        operator=f"{_OPERATOR[phase]}. {engine.note}".strip(),
        countdown_s=engine.left_s(unix_s),
        done=done,
        total=total,
        ask=_ask(engine),
        is_paused=engine.is_paused,
    )
    if phase in _OF_PART_B:
        view = _with_trial(view, engine)
    return _with_clip(view, engine) if phase is Phase.CLIP else _with_movement(view, engine)


def where_words(view: View) -> str:
    """Tell the operator how far the session is: what is done, the contraction or film, the phase.

    >>> view = View(Phase.GAP, "", "", done=3, total=9, trial=4, n_trials=9, clip_name="a (joy)")
    >>> where_words(view)
    '3 of 9 done · trial 4 of 9: film a (joy) · gap'
    """
    place = ""
    if view.channel:
        place = f" · c{view.channel}, repetition {view.repetition}, attempt {view.attempt}"
    elif view.trial:
        place = f" · trial {view.trial} of {view.n_trials}: film {view.clip_name}"
    return f"{view.done} of {view.total} done{place} · {view.phase}"


def _ask(engine: Engine) -> Ask:
    if engine.is_paused:
        return Ask.NOTHING
    return Ask.DOUBT if engine.is_in_doubt else _ASK.get(engine.phase, Ask.NOTHING)


def _said(engine: Engine) -> tuple[str, str]:
    """Return title and text of the participant's screen, in the plan's words."""
    plan, texts = engine.plan, engine.plan.texts
    wanted, n = engine.movement(), plan.part_a.repetitions
    instruction = wanted.movement.instruction if wanted is not None else ""
    times = texts.once if n == 1 else texts.several.format(n=n)
    explained = texts.movement.format(instruction=instruction, times=times)
    waiting, cross = (texts.wait_title, texts.wait), (texts.cross_title, texts.cross)
    said = {
        Phase.WAITING: ("", texts.waiting),
        Phase.READY: (texts.movement_title, explained),
        Phase.REST: (texts.rest_title, texts.rest.format(instruction=instruction)),
        Phase.CONTRACT: (texts.contract_title, texts.contract.format(instruction=instruction)),
        Phase.MEASURE: (texts.relax_title, texts.relax),
        Phase.DECIDE: waiting,
        Phase.READY_CLIPS: (texts.films_title, texts.films.format(key=plan.part_b.key.upper())),
        Phase.BASELINE: cross,
        Phase.GAP: cross,
        Phase.CLIP_FAILED: waiting,
        Phase.RATING: (texts.rating_title, plan.part_b.question),
        Phase.DONE: (texts.done_title, texts.done),
        Phase.STOPPED: (texts.stopped_title, texts.stopped),
    }
    return said.get(engine.phase, ("", ""))


def _with_trial(view: View, engine: Engine) -> View:
    """Tell the operator which film it is; the participant must not know before it is shown."""
    found = engine.trial()
    if found is None:
        return view
    number, clip = found
    return replace(
        view,
        trial=number,
        n_trials=len(engine.record.order),
        clip_name=f"{clip.id} ({clip.emotion})",
    )


def _with_clip(view: View, engine: Engine) -> View:
    trial, found = engine.current_trial(), engine.trial()
    assert trial is not None
    assert found is not None
    path = engine.plan.clip_path(found[1])
    return replace(view, clip=path, clip_trial=trial.trial, clip_attempt=trial.attempt)


def _with_movement(view: View, engine: Engine) -> View:
    wanted = engine.movement()
    of_part_a = (Phase.READY, Phase.REST, Phase.CONTRACT, Phase.MEASURE, Phase.DECIDE)
    if wanted is None or engine.phase not in of_part_a:
        return view
    channel, repetition, attempt = wanted.key
    operator = f"c{channel} ({wanted.movement.name}): {view.operator}"
    return replace(view, operator=operator, channel=channel, repetition=repetition, attempt=attempt)
