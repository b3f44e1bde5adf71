"""The digital tube: which conversion changed it, and where that lies in the file."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgrig
from emgrig.errors import RecordingError
from emgrig.recording.notes import Notes
from emgrig.recording.recorder import Recorder
from emgrig.recording.sync.tube import Tube, tube_path


@pytest.mark.slow
@given(
    each=st.integers(1, 100),
    blocks=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200)), min_size=1, max_size=20),
)
def test_it_shows_the_conversion_whatever_was_lost(
    each: int, blocks: list[tuple[int, int]]
) -> None:
    tube, at = Tube(each), 0
    came: list[int] = []
    shown = {}
    for lost, n_samples in blocks:
        at += lost
        for change in tube.feed(at, at * 1000, n_samples, 1000.0):
            shown[change.number] = change
        came += range(at, at + n_samples)
        at += n_samples
    truth: dict[int, int] = {}
    for conversion in came:  # one by one: the first that came of each count above 0
        if conversion // each:
            truth.setdefault(conversion // each, conversion)
    assert {number: change.conversion for number, change in shown.items()} == truth
    assert all(change.board_time_us == 1000 * change.conversion for change in shown.values())


@pytest.mark.slow
def test_changes_are_placed_at_their_samples(tmp_path: Path) -> None:
    tube = Tube(32)
    with emgrig.connect("sim:fault=packets-lost:rate=0.05&seed=4") as board:
        board.apply("facial-emg")
        with board.stream(duration_s=2.0) as stream, Recorder(board, tmp_path / "a.bdf") as rec:
            for block in stream:
                rec.feed(block)
                if block.n_samples:
                    at = (block.first_conversion, block.board_time_us, block.n_samples)
                    changes = tube.feed(*at, block.epoch.rate_hz)
                    rec.note_tube(changes)
                    rec.note_tube_shown([(c.number, board.clock.unix_s()) for c in changes[:1]])
    with tube_path(tmp_path / "a.bdf").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    numbers = np.array([int(row["count"]) for row in rows])
    conversions = np.array([int(row["conversion"]) for row in rows])
    samples = np.array([int(row["sample"]) for row in rows])
    assert len(rows) > 50
    assert (conversions // 32 == numbers).all()
    # Nothing was paused, so the file's samples are the stream's conversions, less one beginning.
    assert np.ptp(samples - conversions) == 0
    assert any(row["shown"] != "n/a" for row in rows)


@pytest.mark.parametrize("rows", [None, [[1]], [[1, 2, "x"]], "abc"])
def test_damaged_notes_are_refused(rows: object) -> None:
    with pytest.raises(RecordingError, match="tube note"):
        Notes().take({"kind": "tube", "changes": rows})


def test_a_count_needs_conversions() -> None:
    with pytest.raises(ValueError, match="expected 1 or more"):
        Tube(0)
