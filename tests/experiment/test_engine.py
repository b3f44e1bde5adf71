"""The course of a session, with any events in any order."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.experiment.course.engine import Engine
from emgrig.experiment.course.mvc import Measurement
from emgrig.experiment.course.order import clip_order
from emgrig.experiment.course.steps import (
    Action,
    Ask,
    Begin,
    Choice,
    Choose,
    ClipEnded,
    ClipFailed,
    ClipShown,
    Continue,
    Done,
    Event,
    Key,
    Mark,
    Measure,
    Measured,
    Pause,
    Phase,
    Rate,
    Resume,
    Save,
    Stop,
    Tick,
    marker,
)
from emgrig.experiment.course.view import view_of, where_words
from emgrig.experiment.files.plan import (
    Clip,
    HowToRecord,
    Limits,
    Movement,
    PartA,
    PartB,
    Participant,
    Plan,
)
from emgrig.experiment.files.record import SessionRecord, read_record, write_record
from properties import examples

MARKER = re.compile(r"(key [A-Z]|[a-z]+( [a-z]+)*)( [a-z_]+=[^\s=]+)*")


def a_plan(n_movements: int = 2, n_each: int = 1) -> Plan:
    return Plan(
        participant=Participant("P01"),
        recording=HowToRecord(output="out"),
        part_a=PartA(
            movements=tuple(
                Movement(channel, f"muscle {channel}", f"move {channel}")
                for channel in range(1, n_movements + 1)
            ),
            repetitions=2,
            contract_s=3.0,
            rest_s=5.0,
            rule="maximum",
            limits=Limits(5.0, 0.5, 2.0, 3),
        ),
        part_b=PartB(
            clips=tuple(
                Clip(f"{emotion}{i}", f"{emotion}{i}.mp4", emotion, 0.0)
                for emotion in ("anger", "fear", "joy")
                for i in range(n_each)
            ),
            seed=3,
            baseline_s=4.0,
            gap_s=2.0,
            key="L",
            question="?",
        ),
        folder=Path("plans"),
    )


def new_record(plan: Plan) -> SessionRecord:
    ids = tuple(
        clip.id for clip in clip_order(plan.part_b.clips, plan.part_b.seed, plan.participant.number)
    )
    return SessionRecord(plan.participant.code, plan.content(), ids, True, "SIM-0000")


class Session:
    """An engine with a clock that is moved by hand, and all that it asked for."""

    def __init__(self, plan: Plan | None = None, record: SessionRecord | None = None) -> None:
        self.plan = plan or a_plan()
        self.engine = Engine(self.plan, record or new_record(self.plan))
        self.now_s = 1000.0
        self.actions: list[Action] = []
        self.do(Begin("P01.bdf"))

    def do(self, *events: Event, after_s: float = 0.0) -> None:
        self.now_s += after_s
        for event in events:
            self.actions += self.engine.handle(event, self.now_s)

    def marks(self, begin: str = "") -> list[str]:
        texts = [action.text for action in self.actions if isinstance(action, Mark)]
        return [text for text in texts if text.startswith(begin)]

    def contract(self, peak_uv: float | None = 200.0, **facts: object) -> None:
        """Go through rest and contraction, and give the measurement."""
        self.do(Tick(), after_s=5.0)
        assert self.engine.phase is Phase.CONTRACT
        self.do(Tick(), after_s=3.0)
        asked = [action for action in self.actions if isinstance(action, Measure)][-1]
        found = Measurement(peak_uv, 1.0, **facts)  # type: ignore[arg-type]
        self.do(Measured(asked.channel, asked.repetition, asked.attempt, found))

    def part_a(self) -> None:
        for _ in self.plan.part_a.movements:
            self.do(Continue())
            for _ in range(self.plan.part_a.repetitions):
                self.contract()

    def clip(self, rating: int = 4) -> None:
        assert self.engine.phase is Phase.CLIP
        number = self.engine.trial()
        assert number is not None
        self.do(ClipEnded(number[0]), after_s=30.0)
        self.do(Rate(rating), after_s=1.0)

    def part_b(self) -> None:
        self.do(Continue())
        self.do(Tick(), after_s=4.0)
        while True:
            self.clip()
            if self.engine.phase is Phase.DONE:
                return
            self.do(Tick(), after_s=2.0)


def test_a_session_from_its_beginning_to_its_end() -> None:
    session = Session()
    session.part_a()
    session.part_b()
    order = session.engine.record.order
    assert session.marks("session") == [
        "session begin participant=P01 seed=3 run=1",
        "session end",
    ]
    assert len(session.marks("mvc begin")) == len(session.marks("mvc end")) == 4
    assert session.marks("mvc end")[0] == (
        "mvc end channel=1 repetition=1 attempt=1 peak_uv=200.0 accepted=yes"
    )
    assert session.marks("mvc level") == [
        "mvc level channel=1 mvc_uv=200.0 rule=maximum n=2",
        "mvc level channel=2 mvc_uv=200.0 rule=maximum n=2",
    ]
    assert [text.split()[3] for text in session.marks("clip begin")] == [f"clip={x}" for x in order]
    assert session.marks("rating") == [f"rating trial={i} value=4" for i in (1, 2, 3)]
    assert isinstance(session.actions[-1], Done)
    assert session.engine.record.is_complete


def test_a_contraction_is_measured_over_what_was_shown() -> None:
    session = Session()
    session.do(Continue())
    session.do(Tick(), after_s=5.2)  # ticks come late
    session.do(Tick(), after_s=3.1)
    (asked,) = [action for action in session.actions if isinstance(action, Measure)]
    assert asked.contraction == (1005.2, pytest.approx(1008.3))
    assert asked.rest == (pytest.approx(1002.2), 1005.2)
    assert [m.unix_s for m in session.actions if isinstance(m, Mark)][-1] == 1005.2


def test_a_late_measurement_of_an_earlier_contraction_is_not_taken_for_this_one() -> None:
    session = Session()
    session.do(Continue())
    session.contract()
    session.do(Tick(), after_s=5.0)
    session.do(Tick(), after_s=3.0)
    assert session.engine.phase is Phase.MEASURE
    session.do(Measured(1, 1, 1, Measurement(999.0, 1.0)))
    assert session.engine.phase is Phase.MEASURE
    assert [one.peak_uv for one in session.engine.record.contractions] == [200.0]


@pytest.mark.parametrize("value", [0, 8])
def test_both_ends_of_the_scale_are_ratings(value: int) -> None:
    session = Session()
    session.part_a()
    session.do(Continue())
    session.do(Tick(), after_s=4.0)
    session.clip(rating=value)
    assert session.marks("rating") == [f"rating trial=1 value={value}"]


def test_a_weak_contraction_is_asked_for_again_with_the_reason() -> None:
    session = Session()
    session.do(Continue())
    session.contract(3.0)
    assert session.marks("mvc end")[-1].endswith("peak_uv=3.0 accepted=no problem=too-weak")
    view = view_of(session.engine, session.now_s)
    assert "too weak: 3.0 times the rest level" in view.operator
    assert (view.title, view.note) == ("Relax", "Once more, please")
    session.contract(150.0)
    assert session.marks("mvc end")[-1].startswith("mvc end channel=1 repetition=1 attempt=2")
    assert view_of(session.engine, session.now_s).note == ""


def test_after_three_attempts_the_operator_decides() -> None:
    session = Session()
    session.do(Continue())
    for _ in range(3):
        session.contract(3.0)
    assert view_of(session.engine, session.now_s).ask is Ask.CONTRACTION
    session.do(Tick(), after_s=100.0)
    assert session.engine.phase is Phase.DECIDE
    session.do(Choose(Choice.AGAIN))
    session.contract(3.5)
    session.do(Choose(Choice.ACCEPT_ANYWAY))
    assert session.engine.phase is Phase.DECIDE, "that was not asked"
    session.do(Choose(Choice.ACCEPT))
    view = view_of(session.engine, session.now_s)
    assert (view.ask, session.marks("mvc accept")) == (Ask.DOUBT, [])
    assert "3.5 µV after 1.0 µV at rest: 3.5 times" in view.operator
    assert (view.title, view.text, view.note) == ("One moment, please", "It goes on soon", "")
    session.do(Choose(Choice.ACCEPT_ANYWAY))
    assert session.marks("mvc accept") == ["mvc accept channel=1 repetition=1 attempt=4"]
    accepted = session.engine.record.accepted(1)[1]
    assert (accepted.peak_uv, accepted.decided_by, accepted.problem) == (
        3.5,
        "operator",
        "too-weak",
    )
    for _ in range(3):
        session.contract(None, has_gap=True)
    session.do(Choose(Choice.ACCEPT))
    assert session.engine.phase is Phase.DECIDE, "there is no peak to accept"
    session.do(Choose(Choice.SKIP))
    assert session.engine.record.skipped == ((1, 2),)
    assert session.marks("mvc level") == ["mvc level channel=1 mvc_uv=3.5 rule=maximum n=1"]
    assert session.engine.phase is Phase.READY


def test_a_repetition_that_a_later_one_beats_by_far_is_asked_for_again() -> None:
    session = Session()
    session.do(Continue())
    session.contract(50.0)
    session.contract(200.0)
    assert session.engine.phase is Phase.REST
    session.contract(210.0)
    assert session.marks("mvc end")[-1].startswith("mvc end channel=1 repetition=1 attempt=2")
    assert session.engine.record.accepted(1)[1].peak_uv == 210.0
    assert session.engine.phase is Phase.READY


def test_the_key_counts_while_a_clip_plays() -> None:
    session = Session(a_plan(0))
    session.do(Key("L"), Continue(), Key("L"))
    session.do(Tick(), after_s=4.0)
    session.do(Key("l"), after_s=1.5)
    session.do(Key("K"), after_s=1.0)
    session.do(Pause(), Key("L"), Resume())
    session.clip()
    session.do(Key("L"))
    assert session.marks("key") == ["key L trial=1"]
    assert session.engine.record.trials[0].key_s == (1.5,)


@pytest.mark.parametrize("value", [-1, 9, 100])
def test_a_rating_outside_of_the_scale_is_not_taken(value: int) -> None:
    session = Session(a_plan(0))
    session.do(Continue())
    session.do(Tick(), after_s=4.0)
    session.do(Rate(3))
    session.do(ClipEnded(1), after_s=10.0)
    session.do(Rate(value))
    assert session.engine.phase is Phase.RATING
    assert "0 to 8" in view_of(session.engine, session.now_s).operator
    assert session.marks("rating") == []


def test_a_pause_in_a_contraction_breaks_it_off_and_costs_no_attempt() -> None:
    session = Session()
    session.do(Continue())
    session.do(Tick(), after_s=5.0)
    session.do(Pause(), after_s=1.0)
    session.do(Tick(), after_s=60.0)
    view = view_of(session.engine, session.now_s)
    assert view.is_paused
    session.do(Resume())
    session.contract(200.0)
    assert session.marks("mvc broken") == ["mvc broken off channel=1 repetition=1 attempt=1"]
    assert session.engine.record.contractions[0].attempt == 1


def test_a_pause_holds_the_countdown() -> None:
    session = Session(a_plan(0))
    session.do(Continue())
    session.do(Pause(), after_s=1.0)
    session.do(Tick(), Resume(), after_s=50.0)
    assert view_of(session.engine, session.now_s).countdown_s == pytest.approx(3.0)
    session.do(Tick(), after_s=2.9)
    assert session.engine.phase is Phase.BASELINE
    session.do(Tick(), after_s=0.2)
    assert session.engine.phase is Phase.CLIP


def test_the_operator_reads_which_film_comes_plays_and_is_rated() -> None:
    session = Session(a_plan(0))
    record, names = session.engine.record, {c.id: c for c in session.engine.plan.part_b.clips}

    def told() -> tuple[Phase, str, str]:
        view = view_of(session.engine, session.now_s)
        return view.phase, f"{view.trial} of {view.n_trials} {view.clip_name}", where_words(view)

    assert told()[:2] == (Phase.READY_CLIPS, "0 of 0 ")
    session.do(Continue())
    films = [names[one] for one in record.order]
    for number, film in enumerate(films[:2], start=1):
        for phase, event in (
            (Phase.BASELINE if number == 1 else Phase.GAP, Tick()),
            (Phase.CLIP, ClipEnded(number)),
            (Phase.RATING, Rate(5)),
        ):
            where = f"{number} of {len(films)} {film.id} ({film.emotion})"
            assert told()[:2] == (phase, where)
            assert told()[2] == (
                f"{number - 1} of {len(films)} done · trial {number} of {len(films)}: film "
                f"{film.id} ({film.emotion}) · {phase}"
            )
            session.do(event, after_s=10.0)


def test_a_film_that_stalls_is_shown_once_and_again_when_it_is_begun_anew() -> None:
    """A browser says "playing" again after each stall; latencies are from the first picture."""
    session = Session(a_plan(0))
    session.do(Continue())
    session.do(Tick(), after_s=4.0)
    session.do(ClipShown(1))
    session.do(ClipShown(1), after_s=2.0)
    session.do(Pause(), Resume(), ClipShown(1))
    assert session.marks("clip shown") == ["clip shown trial=1"]
    session.do(ClipFailed(1, "no decoder"), Choose(Choice.AGAIN), ClipShown(1), ClipShown(1))
    assert session.marks("clip shown") == ["clip shown trial=1"] * 2


def test_a_clip_that_fails_is_begun_anew_or_skipped() -> None:
    session = Session(a_plan(0))
    session.do(Continue())
    session.do(Tick(), after_s=4.0)
    session.do(ClipFailed(1, "no decoder"))
    view = view_of(session.engine, session.now_s)
    assert "no decoder" in view.operator
    assert (view.title, view.text, view.note) == ("One moment, please", "It goes on soon", "")
    assert view.ask is Ask.CLIP
    session.do(Choose(Choice.AGAIN))
    assert session.marks("clip begin")[-1].endswith("attempt=2")
    assert view_of(session.engine, session.now_s).clip_attempt == 2
    session.do(ClipFailed(1, "no decoder"), Choose(Choice.SKIP))
    assert session.marks("clip skip") == ["clip skip trial=1"]
    assert session.engine.trial() is not None
    assert session.engine.trial()[0] == 2  # type: ignore[index]


def test_a_late_end_of_an_earlier_clip_does_not_end_this_one() -> None:
    session = Session(a_plan(0))
    session.do(Continue())
    session.do(Tick(), after_s=4.0)
    session.clip()
    session.do(Tick(), after_s=2.0)
    session.do(ClipEnded(1))
    assert session.engine.phase is Phase.CLIP


@pytest.mark.parametrize("n_steps", range(0, 40, 3))
def test_it_goes_on_from_its_record_wherever_it_was_stopped(n_steps: int, tmp_path: Path) -> None:
    """The record goes through its file; every clip is played to its end once, in the same order."""
    record, ends, runs = None, [], 0
    while record is None or not record.is_complete:
        session = Session(record=record)
        runs += 1
        for _ in range(n_steps + runs):
            if session.engine.phase is Phase.DONE:
                break
            advance(session)
        session.do(Stop())
        ends += session.marks("clip end")
        write_record(tmp_path / "s.json", session.engine.record)
        record = read_record(tmp_path / "s.json")
        assert record == replace(session.engine.record, plan=record.plan)
        assert runs < 100
    assert ends == ["clip end trial=1", "clip end trial=2", "clip end trial=3"]
    assert [trial.clip for trial in record.trials] == list(record.order)
    assert [mvc.n_repetitions for mvc in record.mvc] == [2, 2]
    assert [run.number for run in record.runs] == list(range(1, runs + 1))


def advance(session: Session) -> None:
    """Do the next thing that a well-meaning participant would."""
    engine = session.engine
    ask = view_of(engine, session.now_s).ask
    if ask is Ask.CONTINUE:
        session.do(Continue())
    elif ask is Ask.RATING:
        session.do(Rate(5))
    elif ask in (Ask.CONTRACTION, Ask.CLIP):
        session.do(Choose(Choice.SKIP))
    elif engine.phase is Phase.CLIP:
        session.do(ClipEnded(engine.trial()[0]), after_s=20.0)  # type: ignore[index]
    elif engine.phase is Phase.MEASURE:
        asked = [action for action in session.actions if isinstance(action, Measure)][-1]
        found = Measurement(200.0, 1.0)
        session.do(Measured(asked.channel, asked.repetition, asked.attempt, found))
    else:
        session.do(Tick(), after_s=5.0)


def test_a_clip_that_was_seen_but_not_rated_is_rated_first_in_the_next_run() -> None:
    session = Session(a_plan(0))
    session.do(Continue())
    session.do(Tick(), after_s=4.0)
    session.do(ClipEnded(1), after_s=20.0)
    session.do(Stop())
    assert session.marks()[-1] == "session interrupted"
    later = Session(session.plan, session.engine.record)
    assert later.marks() == ["session resumed participant=P01 seed=3 run=2"]
    assert later.engine.phase is Phase.RATING


MEASUREMENTS = st.builds(
    Measurement,
    peak_uv=st.none() | st.floats(0.1, 5000.0),
    rest_uv=st.none() | st.floats(0.1, 50.0),
    other_channel=st.integers(0, 8),
    other_uv=st.floats(0.0, 5000.0),
    has_gap=st.booleans(),
    is_clipped=st.booleans(),
)
EVENTS = st.one_of(
    st.just(Tick()),
    st.just(Tick()),
    st.just(Continue()),
    st.builds(Begin, st.just("x.bdf")),
    st.builds(Key, st.sampled_from(["l", "L", "x", ""])),
    st.builds(Rate, st.integers(-2, 10)),
    st.builds(Choose, st.sampled_from(list(Choice))),
    st.builds(ClipEnded, st.integers(0, 4)),
    st.builds(ClipEnded, st.integers(1, 3)),
    st.builds(ClipShown, st.integers(1, 3)),
    st.builds(ClipFailed, st.integers(1, 3), st.text(max_size=5)),
    st.builds(Measured, st.integers(1, 2), st.integers(1, 2), st.integers(1, 3), MEASUREMENTS),
    st.just(Pause()),
    st.just(Resume()),
    st.just(Resume()),
    st.builds(Stop),
)


@pytest.mark.long
@pytest.mark.slow
@examples(150)
@given(
    st.integers(0, 2),
    st.lists(st.tuples(st.integers(0, 9), EVENTS, st.sampled_from([0.0, 0.5, 6.0, -3.0]))),
    st.booleans(),
)
def test_any_events_in_any_order(
    n_movements: int, events: list[tuple[int, Event, float]], goes_on: bool
) -> None:
    """Nothing raises; markers are well-formed, in pairs; a clip ends once; ratings are 0 to 8."""
    session = Session(a_plan(n_movements))
    for n_before, event, after_s in events:
        for _ in range(n_before):
            advance(session)
        session.do(event, after_s=after_s)
        view = view_of(session.engine, session.now_s)
        assert (view.clip is not None) == (session.engine.phase is Phase.CLIP)
        assert 0 <= view.done <= view.total
    session.do(Resume())
    for _ in range(60 if goes_on else 0):
        advance(session)
    check_marks(session)
    check_record(session)
    if goes_on:
        assert session.engine.phase in (Phase.DONE, Phase.STOPPED)


def check_marks(session: Session) -> None:
    for text in session.marks():
        assert MARKER.fullmatch(text), text
    ends = session.marks("clip end")
    assert len(set(ends)) == len(ends)
    is_open = False
    for text in session.marks("clip"):
        if text.startswith("clip shown"):
            assert is_open
        elif text.startswith("clip begin"):
            assert not is_open
            is_open = True
        elif not text.startswith("clip skip"):
            assert is_open
            is_open = False
    for text in session.marks("rating"):
        assert 0 <= int(text.rpartition("=")[2]) <= 8
    assert len(session.marks("mvc end")) <= len(session.marks("mvc begin"))
    assert len(session.marks("session end")) <= 1


def check_record(session: Session) -> None:
    record = session.engine.record
    trials = [trial.trial for trial in record.trials]
    assert trials == sorted(set(trials))
    for trial in record.trials:
        assert trial.clip == record.order[trial.trial - 1]
        assert trial.rating is None or 0 <= trial.rating <= 8
    assert len({(c.channel, c.repetition, c.attempt) for c in record.contractions}) == len(
        record.contractions
    )
    for mvc in record.mvc:
        assert mvc.uv == record.best_uv(mvc.channel)
    if record.is_complete:
        assert len(record.trials) == len(record.order)
        assert all(trial.is_done for trial in record.trials)
    changed = [i for i, action in enumerate(session.actions) if isinstance(action, Save)]
    assert changed, "the beginning is saved"


def test_a_marker_has_no_space_in_a_value() -> None:
    assert marker("a b", c="d e=f", g=1.25, h=3) == "a b c=d-e-f g=1.2 h=3"


def test_a_record_that_is_damaged_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    write_record(path, new_record(a_plan()))
    whole = path.read_text(encoding="utf-8")
    for text in ("", "[]", "{}", whole[:200], whole.replace("session 1", "session 9")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Exception, match=r"s\.json") as caught:
            read_record(path)
        assert type(caught.value).__name__ == "UnreadableFile"
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob(".*")), "nothing half-written is left"
