"""Events: read, corrected, undone, and saved into new files that others can read."""

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.analysis.clocks.robust_line import ClockMap
from emgrig.analysis.report.elan import read_elan, write_elan
from emgrig.errors import RecordingError
from emgrig.view.events import Event, Events, events_of_text, read_events, save_events

TABLE = """onset\tduration\ttrial_type\tchannel\tmvc_percent\tflags
1.5\t0.3\tmicro\tEMG Zyg\t12.5\tn/a
2.0\t0.75\tmacro\tEMG Cor\tn/a\tclipped
4\tn/a\tsmile\tn/a\tn/a\tn/a
"""
CHANNELS = ["EMG Zyg", "EMG Cor"]


@pytest.fixture
def events(tmp_path: Path) -> Events:
    path = tmp_path / "a_events.tsv"
    path.write_text(TABLE, encoding="utf-8")
    return Events([10.0], read_events(path))


def ids(events: Events) -> list[int]:
    return [one.id for one in events.of(0)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_a_table_is_read_with_all_its_columns(events: Events) -> None:
    first, second, third = events.of(0)
    assert (first.begin_s, first.end_s, first.channel, first.label) == (
        1.5, pytest.approx(1.8), "EMG Zyg", "micro",
    )  # fmt: skip
    assert second.more == {"mvc_percent": "n/a", "flags": "clipped"}
    assert (third.channel, third.label, third.begin_s, third.end_s) == ("", "smile", 4, 4)
    assert events.is_saved


def test_what_is_moved_loses_what_was_measured_of_it(events: Events) -> None:
    number = ids(events)[0]
    events.move(number, 1.4, 2.4)
    moved = events.get(number)
    assert (moved.begin_s, moved.end_s, moved.label, moved.edited) == (1.4, 2.4, "macro", "moved")
    assert set(moved.more.values()) == {"n/a"}
    events.label(number, "smile")
    events.move(number, 1.4, 1.5)
    assert events.get(number).label == "smile"  # a word of a person's stays
    assert not events.is_saved


def test_every_change_can_be_taken_back(events: Events) -> None:
    before = events.of(0)
    first, second, _ = ids(events)
    events.delete(second)
    events.add(0, 7.0, 7.5, "EMG Cor")
    events.label(first, "lip")
    assert [one.label for one in events.of(0)] == ["lip", "smile", "micro"]
    for _ in range(3):
        events.undo()
    assert events.of(0) == before
    assert events.is_saved
    assert not events.can_undo
    events.undo()  # nothing is left to take back
    assert events.of(0) == before


def test_a_drag_beyond_an_end_stops_there(events: Events) -> None:
    number = ids(events)[0]
    events.move(number, -3.0, 0.25)
    assert (events.get(number).begin_s, events.get(number).end_s) == (0.0, 0.25)
    assert events.add(0, 9.9, 12.0, "EMG Zyg").end_s == 10.0


@pytest.mark.parametrize("ends", [(3, 2), (11, 12), (-5, -4), (math.nan, 2), (1, math.inf)])
def test_times_that_make_no_event_are_refused(events: Events, ends: tuple[float, float]) -> None:
    before = events.of(0)
    with pytest.raises(ValueError, match="an event from"):
        events.add(0, *ends, "EMG Zyg")
    with pytest.raises(ValueError, match="an event from"):
        events.move(ids(events)[0], *ends)
    with pytest.raises(ValueError, match="not there any more"):
        events.delete(999)
    with pytest.raises(ValueError, match="needs a label"):
        events.label(ids(events)[0], " \n")
    assert events.of(0) == before


def test_saved_files_are_read_by_others_and_by_us(events: Events, tmp_path: Path) -> None:
    first, second, third = ids(events)
    events.move(first, 1.25, 1.5)
    events.delete(second)
    events.label(third, "große Freude")
    events.add(0, 5.0, 5.0005, "EMG Cor", "blink")
    table, elan = save_events(tmp_path, "P01", events.of(0), CHANNELS).paths
    assert (table.name, elan.name) == ("P01_corrected_events.tsv", "P01_corrected.eaf")
    found = rows(table)
    assert [(one["onset"], one["duration"], one["trial_type"], one["channel"], one["edited"])
            for one in found] == [
        ("1.250000", "0.250000", "micro", "EMG Zyg", "moved"),
        ("4.000000", "0.000000", "große Freude", "n/a", "labelled"),
        ("5.000000", "0.000500", "blink", "EMG Cor", "added"),
    ]  # fmt: skip
    assert found[0]["mvc_percent"] == "n/a"
    assert [one.label for one in read_events(table)] == ["micro", "große Freude", "blink"]
    pympi = pytest.importorskip("pympi")
    document = pympi.Elan.Eaf(str(elan))
    assert set(document.get_tier_names()) == {*CHANNELS, "events"}
    assert document.get_annotation_data_for_tier("EMG Zyg") == [(1250, 1500, "micro")]
    assert document.get_annotation_data_for_tier("EMG Cor") == [(5000, 5001, "blink")]
    assert [mark[2] for mark in read_elan(elan)["events"]] == ["große Freude"]


def test_nothing_is_ever_written_over(events: Events, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "P01_corrected.eaf").write_bytes(b"hours of work")
    second, third = (save_events(folder, "P01", events.of(0), CHANNELS).paths for _ in range(2))
    assert [path.name for path in (*second, *third)] == [
        "P01_corrected_run2_events.tsv", "P01_corrected_run2.eaf",
        "P01_corrected_run3_events.tsv", "P01_corrected_run3.eaf",
    ]  # fmt: skip
    assert (folder / "P01_corrected.eaf").read_bytes() == b"hours of work"
    assert len(list(folder.iterdir())) == 5


def test_a_file_that_appears_meanwhile_is_kept(
    events: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program writes the name between our look and our file."""
    other = tmp_path / "P01_corrected.eaf"
    real = Path.open

    def opened(self: Path, mode: str = "r", **more: object) -> object:
        if self == other and mode == "xb" and not other.exists():
            other.write_bytes(b"another program's")
        return real(self, mode, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", opened)
    written = save_events(tmp_path, "P01", events.of(0), CHANNELS).paths
    assert written[0].name == "P01_corrected_run2_events.tsv"
    assert other.read_bytes() == b"another program's"
    assert not (tmp_path / "P01_corrected_events.tsv").exists()


def test_a_folder_that_refuses_leaves_nothing(events: Events, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RecordingError, match="cannot"):
        save_events(tmp_path / "file", "P01", events.of(0), CHANNELS)


def test_an_elan_file_is_read_on_its_clock(tmp_path: Path) -> None:
    import numpy as np

    clock = ClockMap(0.0, np.array([-np.inf]), np.array([2.0]), np.zeros(0))
    write_elan(tmp_path / "a.eaf", {"EMG Zyg": [(1.0, 1.5, "lip")]}, clock=clock)
    (found,) = read_events(tmp_path / "a.eaf", 1, clock=clock)
    assert (found.begin_s, found.end_s, found.channel, found.label, found.file) == (
        1.0, 1.5, "EMG Zyg", "lip", 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no events table"),
        ("time\tlabel\n1\ta\n", "no events table"),
        ("onset,duration\n1,2\n", "no events table"),
        ("onset\tduration\nsoon\t1\n", "line 2: an onset of 'soon'"),
        ("onset\tduration\n1\t1\nnan\t1\n", "line 3"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=said):
        read_events(path)


@pytest.mark.slow
@given(st.text(alphabet="\t\n\r\"1.5e-/na'é\x1b\0", max_size=60))
def test_whatever_stands_in_a_table_it_is_read_or_refused(text: str) -> None:
    for head in ("", "onset\tduration\tchannel\ttrial_type\n"):
        try:
            found = events_of_text(head + text, Path("a.tsv"))
        except RecordingError:
            continue
        for one in found:
            assert one.begin_s <= one.end_s
            assert one.label.isprintable()


def test_of_several_recordings_each_has_its_own() -> None:
    events = Events([5.0, 9.0], [Event(1, 2, "a", "x"), Event(3, 4, "b", "y", file=1)])
    assert [one.label for one in events.of(1)] == ["y"]
    events.add(1, 8.0, 8.4, "b")
    assert [one.label for one in events.of(1)] == ["y", "micro"]
    events.delete(events.of(0)[0].id)
    assert events.files() == [0, 1]  # what was there is saved too, as nothing


def test_words_that_a_spreadsheet_would_run_are_the_same_when_they_are_read_again(
    tmp_path: Path,
) -> None:
    one = Event(1.0, 2.0, "=1+1", "'@smile", more={"note": "-3"})
    (table,) = save_events(tmp_path, "a", [one], ["=1+1"], elan=False).paths
    assert table.read_text().splitlines()[1].split("\t")[2:] == ["'@smile", "'=1+1", "-3", "n/a"]
    (again,) = read_events(table)
    assert (again.channel, again.more) == ("=1+1", {"note": "-3"})


def test_what_begins_before_the_film_is_counted(events: Events, tmp_path: Path) -> None:
    import numpy as np

    pytest.importorskip("pympi")
    clock = ClockMap(0.0, np.array([-np.inf]), np.array([-1.75]), np.zeros(0))
    saved = save_events(
        tmp_path, "a", events.of(0), CHANNELS, video=tmp_path / "face.mp4", clock=clock
    )
    assert saved.n_before == 1
    assert len(rows(saved.paths[0])) == 3
    (kept,) = read_elan(saved.paths[1])["EMG Cor"]
    assert kept[:2] == (0.25, 1.0)
