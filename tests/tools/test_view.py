"""`emgrig view` and `emgrig plot` at a shell, and what the page's script asks for."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emgrig.reading import Mark
from emgrig.tools.view.answers import MOST_COLUMNS, Asked, columns_body
from emgrig.tools.view.starting import shifts_s
from emgrig.tools.view.viewer import Viewer, stretch_of
from emgrig.view.events import Event, Events
from emgrig.view.eye import Eye
from emgrig.view.screen import Screen
from reading import made as files
from shell import Run, runner
from view import made


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return runner(monkeypatch, capfd)


@pytest.fixture
def bdf(tmp_path: Path) -> Path:
    codes = np.random.default_rng(3).integers(-9000, 9000, (2, 10_000))
    return files.edf(tmp_path / "a.bdf", list(codes), 500, physical=(-100_000, 99_999))


@pytest.fixture(scope="module")
def screen() -> Screen:
    x = made.holed(made.table(20_000), [(-1, 5000, 5500)])
    marks = [Mark(1.0, 0, "first"), Mark(2.0, np.inf, "for\never"), Mark(15.0, 0.5, "last")]
    return Screen(made.recording(x, marks=marks))


@pytest.fixture
def viewer(screen: Screen, tmp_path: Path) -> Viewer:
    events = Events([20.0, 20.0], [Event(1, 2, "EMG 1", "micro"), Event(3, 4, "voice", "word")])
    return Viewer([screen, screen], [0.0, 0.0], events, tmp_path)


def unpacked(body: bytes) -> tuple[dict, list[np.ndarray]]:
    """Read an answer as `answers` says that it is."""
    size = int.from_bytes(body[:4], "little")
    said = json.loads(body[4 : 4 + size])
    shape = len(said["channels"]), said["n"]
    n_bytes = 4 * shape[0] * shape[1]
    planes, at = [], 4 + size
    assert at % 4 == 0  # the script takes the planes as they lie
    for _ in range(3 if said["hasEnvelope"] else 2):
        planes.append(np.frombuffer(body[at : at + n_bytes], "<f4").reshape(shape))
        at += n_bytes
    planes.append(np.frombuffer(body[at:], np.uint8).reshape(shape))
    return said, planes


def test_an_answer_holds_columns_and_the_marks_they_meet(screen: Screen) -> None:
    said, (low, high, holes) = unpacked(columns_body(screen, Asked(4.9, 5.1, 500, [1, 0], Eye())))
    x = screen.recording.window(4900, 5100, [1, 0]).astype(np.float32)
    assert (said["first"], said["width"], said["n"]) == (4900, 1, 200)
    np.testing.assert_array_equal(low, x)
    np.testing.assert_array_equal(high, x)
    np.testing.assert_array_equal(holes, np.isnan(x))
    assert said["marks"] == [[2.0, 1e12, "for ever"]]
    assert (said["share"], said["eye"], said["isCentred"]) == (1.0, "unfiltered", False)


def test_an_answer_has_an_envelope_where_one_was_asked_for(screen: Screen) -> None:
    eye = Eye(20, 400, has_envelope=True)
    said, planes = unpacked(columns_body(screen, Asked(0, 3, 100, [0], eye)))
    assert said["isCentred"]
    assert said["eye"] == "20-400 Hz, envelope 6 Hz"
    assert (planes[2] > 0).all()


@pytest.mark.parametrize(
    "asked",
    [
        Asked(0, 1, 100, [2], Eye()),
        Asked(0, 1, 100, [-1], Eye()),
        Asked(0, 1, 100, [0, 1, 0], Eye()),
        Asked(1, 1, 100, [0], Eye()),
        Asked(float("nan"), 1, 100, [0], Eye()),
        Asked(0, float("inf"), 100, [0], Eye()),
        Asked(0, 1, 100, [0], Eye(-5, 100)),
    ],
)
def test_what_makes_no_sense_is_refused(screen: Screen, asked: Asked) -> None:
    with pytest.raises(ValueError, match=r"channels|stretch|edge"):
        columns_body(screen, asked)


def test_an_answer_is_never_large(screen: Screen) -> None:
    said, _ = unpacked(columns_body(screen, Asked(-1e11, 1e11, 10**9, [0], Eye())))
    assert said["n"] <= MOST_COLUMNS
    said, _ = unpacked(columns_body(screen, Asked(0, 20, -5, [0], Eye())))
    assert said["n"] <= 1


def test_events_are_changed_as_the_page_says(viewer: Viewer) -> None:
    told: list[int] = []
    viewer.told.append(lambda: told.append(1))
    first, voice = viewer.shown_events()
    assert (first["channel"], voice["channel"]) == (0, -1)  # a name of no channel is on all
    assert viewer.edit({"what": "choose", "id": first["id"]}) == first["id"]
    assert viewer.edit({"what": "choose", "id": 99}) == 0
    assert told == []
    viewer.edit({"what": "move", "id": first["id"], "begin": 1.5, "end": 2.75})
    added = viewer.edit({"what": "add", "file": 1, "channel": 1, "begin": 3, "end": 3.5})
    assert viewer.edit({"what": "label", "id": added, "label": "<b>smile"}) is None
    assert viewer.edit({"what": "delete", "id": voice["id"]}) == 0
    keys = ("file", "channel", "begin", "label")
    assert [tuple(one[key] for key in keys) for one in viewer.shown_events()] == [
        (0, 0, 1.5, "macro"),
        (1, 1, 3, "<b>smile"),
    ]
    assert len(told) == 4
    for _ in range(4):
        viewer.edit({"what": "undo"})
    assert viewer.shown_events() == [first, voice]


@pytest.mark.parametrize(
    "said",
    [
        None, "undo", {}, {"what": "explode"}, {"what": "delete", "id": 77},
        {"what": "delete", "id": "1"}, {"what": "delete", "id": True},
        {"what": "move", "id": 1, "begin": "1", "end": 2}, {"what": "move", "id": 1},
        {"what": "move", "id": 1, "begin": float("nan"), "end": 2},
        {"what": "add", "file": 5, "channel": 0, "begin": 1, "end": 2},
        {"what": "add", "file": 0, "channel": 9, "begin": 1, "end": 2},
        {"what": "add", "file": -1, "channel": 0, "begin": 1, "end": 2},
        {"what": "label", "id": 1, "label": " "},
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_changes_nothing(viewer: Viewer, said: object) -> None:
    before = viewer.shown_events()
    with pytest.raises(ValueError, match=r"\w"):
        viewer.edit(said)
    assert viewer.shown_events() == before
    assert viewer.events.is_saved


def test_a_stretch_is_clipped_to_its_recording(viewer: Viewer) -> None:
    found = stretch_of(viewer, {"file": 1, "channel": 1, "begin": 25, "end": 18})
    assert (found.file, found.channel, found.begin_s, found.end_s) == (1, 1, 18, 20)
    for said in (None, {"file": 0, "channel": 0, "begin": 30, "end": 40}, {"file": 0}):
        with pytest.raises(ValueError, match=r"stretch|number"):
            stretch_of(viewer, said)


def test_what_is_saved_is_new_and_of_each_recording(viewer: Viewer, tmp_path: Path) -> None:
    pytest.importorskip("pympi")
    viewer.edit({"what": "add", "file": 1, "channel": 0, "begin": 3, "end": 3.25})
    assert not viewer.events.is_saved
    written = [path for one in viewer.save() for path in one.paths]
    assert viewer.events.is_saved
    assert [path.name for path in written] == [
        "made_corrected_events.tsv", "made_corrected.eaf",
        "made_corrected_run2_events.tsv", "made_corrected_run2.eaf",
    ]  # fmt: skip
    assert "micro\tEMG 1\tadded" in written[2].read_text()


def test_recordings_are_placed_by_their_clock(screen: Screen) -> None:
    import datetime as dt

    at = dt.datetime(2026, 1, 2, 10, 0, 0)  # noqa: DTZ001 - files have no zone
    one = replace(screen.recording, start=at)
    other = replace(screen.recording, start=at - dt.timedelta(seconds=2.5))
    assert shifts_s([one, other], by_clock=True) == [2.5, 0.0]
    assert shifts_s([one, other], by_clock=False) == [0.0, 0.0]
    with pytest.raises(ValueError, match="does not say when"):
        shifts_s([one, screen.recording], by_clock=True)
    with pytest.raises(ValueError, match="time zone"):
        shifts_s([one, replace(other, start=at.replace(tzinfo=dt.UTC))], by_clock=True)


@pytest.mark.slow
def test_a_picture_is_made_and_never_over_another(run: Run, bdf: Path, tmp_path: Path) -> None:
    for name, begins in (("a.png", b"\x89PNG"), ("a.svg", b"<svg"), ("a.pdf", b"%PDF-")):
        out = tmp_path / name
        line = f"plot {bdf} -o {out} --from 1 --to 3.5 --channels 2 --low 20 --envelope --dpi 90"
        said = run(line)
        assert (said.code, said.out) == (0, f"written: {out}\n")
        made_of = out.read_bytes()
        assert made_of.startswith(begins)
        said = run(line)
        assert said.code == 5
        assert "exists; choose another name" in said.err
        assert out.read_bytes() == made_of
        assert run(f"{line} --overwrite").code == 0
        assert out.read_bytes() == made_of, "the same each time"
    made_of = (tmp_path / "a.pdf").read_bytes()
    assert b"Date" not in made_of
    assert b"/Subtype /Image" not in made_of  # lines, no picture of dots


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("view none.bdf", 5, "there is no recording none.bdf"),
        ("view", 2, "Missing argument"),
        ("view {bdf} --events none.tsv", 5, "there is no table none.tsv"),
        ("view {bdf} --events {bdf} --events {bdf}", 2, "at most one for each"),
        ("view {bdf} -o {bdf}", 5, "cannot make the folder"),
        ("view {bdf} --port 0 --events {bdf}", 5, "a.bdf"),
        ("view {bdf} --port 0 --channels jaw", 2, "no channel 'jaw'"),
        ("view {bdf} --port 0 --rate 250", 2, "rate"),
        ("plot {bdf} -o a.jpg", 2, ".png, .svg or .pdf"),
        ("plot {bdf} -o a.png --from 90", 2, "no stretch of a recording of 20 s"),
        ("plot {bdf} -o a.png --from 3 --to 2", 2, "no stretch"),
        ("plot {bdf} -o a.png --low 0.01", 2, "at least 0.5"),
        ("plot {bdf} -o a.png --low 100 --high 50", 2, "below the upper"),
        ("plot {bdf} -o a.png --width 1", 2, "30"),
        ("plot {bdf} -o none/a.png", 5, "the folder none does not exist"),
    ],
)
def test_wrong_words_and_files_are_refused_in_a_line(
    run: Run, bdf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    line: str, code: int, word: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    said = run(line.format(bdf=bdf))
    assert said.code == code, said
    assert word in " ".join(said.err.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bdf"] or (
        sorted(path.name for path in tmp_path.iterdir()) == ["a.bdf", "cache"]
    )


@pytest.mark.slow
def test_candidates_are_those_of_analyse() -> None:
    from emgrig.analysis.report.candidates import analyse
    from emgrig.tools.view.starting import candidates

    rng = np.random.default_rng(2)
    x = rng.normal(0, 3, (2, 20_000))
    for channel, begin, n in ((0, 6000, 400), (1, 12_000, 900)):
        x[channel, begin : begin + n] += np.hanning(n) * rng.normal(0, 90, n)
    recording = made.recording(x)
    found = candidates(recording, 1)
    expected = analyse(x.T, made.RATE_HZ, labels=recording.labels, units=recording.units).candidates
    assert len(found) == len(expected) >= 2
    for one, other in zip(found, expected, strict=True):
        assert one.begin_s == pytest.approx(other.start_s, abs=5e-4)
        assert one.end_s == pytest.approx(other.end_s, abs=1e-3)
        assert (one.file, one.channel) == (1, recording.labels[other.channel_index])
        assert one.label == ("micro" if other.is_micro else "macro")
