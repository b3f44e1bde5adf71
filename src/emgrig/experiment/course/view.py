"""What the participant and the operator are to see, from the state of the engine."""

from dataclasses import replace

from emgrig.experiment.course.course import progress
from emgrig.experiment.course.engine import Engine
from emgrig.experiment.course.steps import Ask, Phase, View

_FILMS = (
    "You will see some short films. Keep a neutral face, whatever you feel. Press {key} whenever "
    "you notice that your face showed something. Go on when you are ready."
)
_WORDS = {
    Phase.WAITING: ("", "The recording begins"),
    Phase.READY_CLIPS: ("Films", _FILMS),
    Phase.BASELINE: ("+", "Look at the cross, and let your face rest"),
    Phase.GAP: ("+", "Look at the cross, and let your face rest"),
    Phase.CLIP: ("", "Keep a neutral face; press {key} when you notice that it showed something"),
    Phase.CLIP_FAILED: ("The film cannot be played", "The operator decides: again, or skip it"),
    Phase.DONE: ("Thank you", "That was all"),
    Phase.STOPPED: ("Stopped", "What is done is kept; start the same command to go on"),
}
_ASK = {
    Phase.READY: Ask.CONTINUE,
    Phase.READY_CLIPS: Ask.CONTINUE,
    Phase.DECIDE: Ask.CONTRACTION,
    Phase.CLIP_FAILED: Ask.CLIP,
    Phase.RATING: Ask.RATING,
}


def view_of(engine: Engine, unix_s: float) -> View:
    """Return what to show at a Unix time, s."""
    plan, phase = engine.plan, engine.phase
    done, total = progress(plan, engine.record)
    title, text = _WORDS.get(phase, ("", ""))
    view = View(
        phase=phase,
        title=title,
        text=text.format(key=plan.part_b.key.upper()),
        note=engine.note,
        countdown_s=engine.left_s(unix_s),
        done=done,
        total=total,
        ask=_ask(engine),
        is_paused=engine.is_paused,
    )
    if phase is Phase.CLIP:
        return _with_clip(view, engine)
    if phase is Phase.RATING:
        return replace(view, title="How was it?", text=plan.part_b.question)
    return _with_movement(view, engine)


def _ask(engine: Engine) -> Ask:
    return Ask.NOTHING if engine.is_paused else _ASK.get(engine.phase, Ask.NOTHING)


def _with_clip(view: View, engine: Engine) -> View:
    trial, found = engine.current_trial(), engine.trial()
    assert trial is not None
    assert found is not None
    path = engine.plan.clip_path(found[1])
    return replace(view, clip=path, clip_trial=trial.trial, clip_attempt=trial.attempt)


def _with_movement(view: View, engine: Engine) -> View:
    wanted, phase = engine.movement(), engine.phase
    n_repetitions = engine.plan.part_a.repetitions
    if wanted is None or phase not in (
        Phase.READY,
        Phase.REST,
        Phase.CONTRACT,
        Phase.MEASURE,
        Phase.DECIDE,
    ):
        return view
    instruction, name = wanted.movement.instruction, wanted.movement.name
    times = "once" if n_repetitions == 1 else f"{n_repetitions} times"
    words = {
        Phase.READY: (
            "The next movement",
            f"{instruction}. Try it once; then go on. You will be asked {times}.",
        ),
        Phase.REST: ("Relax", f"Next: {instruction}"),
        Phase.CONTRACT: ("Now! As strong as you can", instruction),
        Phase.MEASURE: ("Relax", "Let your face rest"),
        Phase.DECIDE: (
            f"c{wanted.channel} ({name})",
            "The operator decides: accept the last one, ask again, or skip this repetition",
        ),
    }
    title, text = words[phase]
    channel, repetition, attempt = wanted.key
    return replace(
        view, title=title, text=text, channel=channel, repetition=repetition, attempt=attempt
    )
