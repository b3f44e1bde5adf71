"""What the participant reads: all of it in the plan's words, in any language."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from emgrig.experiment.course.engine import Engine
from emgrig.experiment.course.mvc import Measurement
from emgrig.experiment.course.steps import (
    Begin,
    Choice,
    Choose,
    ClipEnded,
    ClipFailed,
    Continue,
    Measured,
    Pause,
    Phase,
    Rate,
    Resume,
    Stop,
    Tick,
)
from emgrig.experiment.course.view import view_of
from emgrig.experiment.files.plan import Plan, load_plan
from emgrig.experiment.files.record import SessionRecord, differences
from emgrig.experiment.files.texts import Texts
from places import ROOT
from session_plans import ONE_MOVEMENT, a_plan, plan_text, write_plan

FILLED = ("instruction", "times", "n", "key")
ALL_OWN = Texts(
    **{
        one.name: f"<{one.name}>"
        + "".join(f" {{{key}}}" for key in FILLED if f"{{{key}}}" in str(one.default))
        for one in fields(Texts)
    }  # type: ignore[arg-type]
)  # fmt: skip


def seen(plan: Plan) -> tuple[set[str], set[Phase]]:
    """Go through all that a session can show; return each text of the participant's screen."""
    ids = tuple(clip.id for clip in plan.part_b.clips)
    engine = Engine(plan, SessionRecord("P01", plan.content(), ids, True, "SIM-0000"))
    shown: set[str] = set()
    phases: set[Phase] = set()
    now_s = 1000.0

    def do(event: object, after_s: float = 0.0) -> None:
        nonlocal now_s
        now_s += after_s
        engine.handle(event, now_s)  # type: ignore[arg-type]
        view = view_of(engine, now_s)
        shown.update({view.title, view.text, view.note})
        phases.add(view.phase)

    def contract(peak_uv: float) -> None:
        do(Tick(), 60.0)
        do(Tick(), 60.0)
        wanted = engine.movement()
        assert wanted is not None
        do(Measured(*wanted.key, Measurement(peak_uv, 1.0)))

    view = view_of(engine, now_s)
    shown.update({view.title, view.text})
    phases.add(view.phase)
    do(Begin("a.bdf"))
    do(Continue())
    for _ in range(3):
        contract(3.0)
    do(Choose(Choice.ACCEPT))
    do(Choose(Choice.AGAIN))
    for peak_uv in (150.0, 160.0, 170.0):
        contract(peak_uv)
    do(Continue())
    do(Pause())
    do(Resume())
    do(Tick(), 60.0)
    do(ClipFailed(1, "codec of the operator"))
    do(Choose(Choice.AGAIN))
    do(ClipEnded(1), 10.0)
    do(Rate(4))
    do(Stop())
    return shown - {""}, phases


def test_the_participant_reads_nothing_but_the_plans_words(tmp_path: Path) -> None:
    plan = replace(a_plan(tmp_path, part_a=ONE_MOVEMENT), texts=ALL_OWN)
    shown, phases = seen(plan)
    own = {*plan.texts.changed()}
    others = {text for text in shown if not text.startswith("<")}
    assert others == {plan.part_b.question}  # it has a key of its own in the plan
    assert phases == set(Phase) - {Phase.DONE}
    said = {text[1:].partition(">")[0] for text in shown if text.startswith("<")}
    # Three stand on buttons and over everything; two are put into another; two come at the end.
    elsewhere = {"go_on", "paused", "lost", "once", "several", "done_title", "done"}
    assert own - said == elsewhere


def test_no_screen_of_the_participant_has_the_operators_words(tmp_path: Path) -> None:
    shown, _ = seen(a_plan(tmp_path, part_a=ONE_MOVEMENT))
    for text in shown:
        for word in ("perator", "times the rest", "µV", "codec", "accept", "skip", "command"):
            assert word not in text
    assert {"One moment, please", "Once more, please"} <= shown


def test_the_page_takes_every_word_from_the_plan() -> None:
    script = (ROOT / "src/emgrig/experiment/session_view.js").read_text("utf-8")
    template = script.partition("template: `")[2].partition("`,")[0]
    between = [part.partition("<")[0].strip() for part in template.split(">")[1:]]
    style = {part for part in between if part.startswith((".big", "border", ".rating"))}
    assert all(part.startswith("{{") for part in between if part and part not in style)


def test_a_plan_in_another_language_is_read(tmp_path: Path) -> None:
    plan = load_plan(ROOT / "examples/session_de.toml")
    usual = {one.name for one in fields(Texts)} - set(plan.texts.changed())
    assert usual == {"contract", "cross_title"}  # a place for the instruction, and a cross
    assert plan.part_b.question.startswith("Wie gut")
    assert all(movement.instruction.endswith("können") for movement in plan.part_a.movements)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('movement = "{instrucion}"', "nothing is put there; {instruction}, {times} may"),
        ('go_on = "{key}"', "{key}, and nothing is put there"),
        ('films = "{key:5}"', "nothing is put there"),
        ('films = "{key!r} {0}"', "nothing is put there"),
        ('rest = "Next: {"', "single brace"),
        ('rest = "  "', "a text in quotes"),
        ('rests = "x"', "did you mean 'rest'"),
    ],
)  # fmt: skip
def test_a_sentence_that_cannot_be_filled_in_is_refused(
    tmp_path: Path, line: str, words: str
) -> None:
    path = write_plan(tmp_path, f"{plan_text()}\n[texts]\n{line}\n")
    with pytest.raises(ValueError, match="texts") as caught:
        load_plan(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_words_are_another_plan_and_the_usual_ones_are_not(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    assert "texts" not in plan.content()  # sessions of earlier versions go on
    other = replace(plan, texts=Texts(relax="Entspannen"))
    assert differences(plan.content(), other.content()) == [
        "texts.relax was not there, is 'Entspannen'"
    ]
