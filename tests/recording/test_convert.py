"""Captures that were cut short, damaged or strange become files of all that is whole in them."""

import json
import shutil
import tracemalloc
from collections import namedtuple
from pathlib import Path

import edfio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgrig
from emgrig.driver.board import Board
from emgrig.driver.captures.capture import CaptureReader, CaptureWriter, RecordKind
from emgrig.errors import RecordingError
from emgrig.protocol.account import Cause
from emgrig.protocol.decoder import Decoder, SamplePackets
from emgrig.recording import part, timeline
from emgrig.recording.convert import convert
from emgrig.recording.facts import Annotation, Gap
from emgrig.recording.part import PartBegin, Samples
from emgrig.recording.recorder import record
from emgrig.recording.timeline import Timeline
from fake_board import FakeBoard, FakeTransport, true_codes
from properties import examples

ASKED = 250  # samples of the recording that `capture` is of


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole capture of 1 s."""
    folder = tmp_path_factory.mktemp("whole")
    with Board(FakeTransport()) as board:
        record(board, folder / "a.bdf", 1.0)
    return folder / "a.capture"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cut")


def samples_in(capture: Path) -> int:
    """Samples of the whole packets in the whole records, counted without the code under test."""
    decoder = Decoder()
    received = (r.payload for r in CaptureReader(capture) if r.kind is RecordKind.RECEIVED)
    items = [item for payload in received for item in decoder.feed(payload)]
    return sum(item.frames[..., 0].size for item in items if isinstance(item, SamplePackets))


@pytest.mark.slow
@examples(60)
@given(share=st.floats(0, 1))
def test_a_capture_cut_anywhere_gives_every_sample_of_its_whole_records(
    capture: Path, folder: Path, share: float
) -> None:
    data = capture.read_bytes()
    cut = folder / "cut.capture"
    cut.write_bytes(data[: round(share * len(data))])
    try:
        expected = samples_in(cut)
    except RecordingError:  # not even its header is whole
        expected = 0
    if not expected:
        with pytest.raises(RecordingError, match=r"no samples|is empty|from which board|no emgrig"):
            convert(cut, overwrite=True)
        return
    made = convert(cut, overwrite=True)
    assert made.totals.received == expected
    expected = min(expected, ASKED)  # what came behind the length that was asked for is left out
    assert made.n_samples == expected
    codes = np.stack([s.digital for s in edfio.read_bdf(made.bdf_paths[0]).signals], axis=1)
    truth = true_codes(1, range(expected))
    np.testing.assert_array_equal(codes[:expected], truth)
    lost_bytes = len(cut.read_bytes()) - len(data)
    damage = json.loads(made.sidecar_paths[0].read_text())["capture"]["damage"]
    assert bool(damage) <= (lost_bytes < 0)


@pytest.mark.slow
@examples(40)
@given(at=st.floats(0, 1), value=st.integers(1, 255))
def test_a_damaged_capture_never_gives_a_wrong_sample(
    capture: Path, folder: Path, at: float, value: int
) -> None:
    data = bytearray(capture.read_bytes())
    data[round(at * (len(data) - 1))] ^= value
    damaged = folder / "damaged.capture"
    damaged.write_bytes(data)
    try:
        made = convert(damaged, overwrite=True)
    except RecordingError:
        return
    bdf = edfio.read_bdf(made.bdf_paths[0])
    codes = np.stack([signal.digital for signal in bdf.signals], axis=1)
    first = (int(codes[0, 0]) + (1 << 22) - 1_000_004) // 64  # see true_codes
    assert first == 0 or bdf.annotations[0].text.startswith("BAD_gap")  # the first packet is hit
    truth = true_codes(1, range(first, first + made.n_samples))
    wrong = (codes[: made.n_samples] != truth).any(axis=1)
    for note in bdf.annotations:
        if note.text.startswith("BAD_gap"):
            begin = round(note.onset * 250)
            wrong[begin : begin + round((note.duration or 0) * 250)] = False
    assert not wrong.any()
    assert len(codes) >= min(samples_in(damaged), ASKED)


def test_joining_records_changes_nothing(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of(path: Path) -> np.ndarray:
        return np.concatenate(
            [step.codes for step in Timeline(CaptureReader(path)) if isinstance(step, Samples)]
        )

    joined = all_of(capture)
    monkeypatch.setattr(timeline, "_JOIN_BYTES", 0)
    monkeypatch.setattr(timeline, "_JOIN_QUIET_BYTES", 0)
    np.testing.assert_array_equal(all_of(capture), joined)


def test_converting_again_gives_the_same_bytes(capture: Path, tmp_path: Path) -> None:
    made = convert(capture, tmp_path / "b.bdf")
    assert made.bdf_paths[0].read_bytes() == capture.with_suffix(".bdf").read_bytes()
    with pytest.raises(RecordingError, match=r"b\.bdf exists"):
        convert(capture, tmp_path / "b.bdf")
    with pytest.raises(ValueError, match=r"must end in \.bdf"):
        convert(capture, tmp_path / "b.edf")


def test_a_gap_of_hours_begins_a_new_file_instead_of_gigabytes(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder_items = [
        record for record in CaptureReader(capture) if record.kind is RecordKind.RECEIVED
    ]
    assert decoder_items
    monkeypatch.setattr(part, "MAX_FILL_S", 0.1)
    path = capture.with_name("gap.capture")
    with CaptureWriter(path) as writer:
        dropped = 0
        for record_ in CaptureReader(capture):
            is_big = record_.kind is RecordKind.RECEIVED and len(record_.payload) > 400
            if is_big and record_.time_us - decoder_items[0].time_us > 0.3e6 and dropped < 3:
                dropped += 1
                continue
            writer.append(record_.kind, record_.time_us, record_.payload)
    steps = list(Timeline(CaptureReader(path)))
    path.unlink()
    begins = [step for step in steps if isinstance(step, PartBegin)]
    (gap,) = [s.fact for s in steps if isinstance(s, Annotation) and isinstance(s.fact, Gap)]
    assert len(begins) == 2
    assert gap.cause is Cause.LINK
    assert not gap.is_filled
    assert (begins[1].board_time_us - begins[0].board_time_us) % 4000 == 0
    assert not any(step.is_fill for step in steps if isinstance(step, Samples))


def test_no_room_for_the_files_leaves_the_capture_and_nothing_half_written(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 10))
    with pytest.raises(RecordingError, match=r"make room; nothing is lost.*: convert it again"):
        convert(capture, tmp_path / "b.bdf")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_in_mid_file_leaves_nothing_half_written(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("emgrig.recording.bdf.writer._pack_codes", full)
    with pytest.raises(RecordingError, match="No space left on device; make room; nothing is lost"):
        convert(capture, tmp_path / "b.bdf")
    assert list(tmp_path.iterdir()) == []


def test_strangers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot read"):
        convert(tmp_path / "none.capture")
    (tmp_path / "b.capture").write_bytes(b"\xffBIOSEMI")
    with pytest.raises(RecordingError, match="no emgrig capture"):
        convert(tmp_path / "b.capture")


def test_two_chips_are_recorded_side_by_side(tmp_path: Path) -> None:
    import emgrig

    with emgrig.connect("sim:bench&chips=2") as board:
        made = record(board, tmp_path / "a.bdf", 0.2)
    bdf = edfio.read_bdf(made.bdf_paths[0])
    assert len(bdf.labels) == 16
    said = json.loads(made.sidecar_paths[0].read_text())
    assert len(said["registers"][0]["chips"]) == 2


def _most_of(capture: Path) -> tuple[int, int]:
    """Return the size of a capture, and the most memory that converting it takes, bytes."""
    tracemalloc.start()
    try:
        convert(capture, capture.with_suffix(".bdf"), overwrite=True)
        return capture.stat().st_size, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.long
@pytest.mark.slow
def test_memory_does_not_grow_with_the_capture(tmp_path: Path) -> None:
    """Of twice the capture a tenth of what it is longer at most: what is read at a time is 1 MB."""
    sizes, peaks = [], []
    for seconds in (320.0, 640.0):
        with Board(FakeTransport(FakeBoard())) as made:
            record(made, tmp_path / f"{seconds:g}.bdf", seconds)
        size, most = _most_of(tmp_path / f"{seconds:g}.capture")
        sizes.append(size)
        peaks.append(most)
    assert sizes[1] - sizes[0] > 2_000_000
    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 10


@pytest.mark.slow
def test_no_step_of_the_timeline_is_longer_than_what_is_joined(tmp_path: Path) -> None:
    board = FakeBoard()
    with Board(FakeTransport(board)) as made:
        record(made, tmp_path / "a.bdf", 20.0)
    sizes = [
        len(step.codes)
        for step in Timeline(CaptureReader(tmp_path / "a.capture"))
        if isinstance(step, Samples)
    ]
    assert sum(sizes) == 20 * 250 <= board.produced[0]
    assert max(sizes) <= 250 * (timeline._JOIN_QUIET_WITHIN_US * 1e-6 + 0.2)


def test_frames_out_of_step_are_marked_bad(tmp_path: Path) -> None:
    path = tmp_path / "slip.bdf"
    with emgrig.connect("sim:bench&fault=spi-slip:rate=1") as board:
        board.apply("facial-emg")
        record(board, path, 1.0)
    marks = [
        m
        for m in json.loads(path.with_suffix(".json").read_text())["annotations"]
        if m["kind"] == "bad_frames"
    ]
    # one of 27 slips takes the first byte, and then the status word begins otherwise
    assert 15 <= sum(mark["n_samples"] for mark in marks) <= 75
    shown = [
        text for _, _, text in edfio.read_bdf(path).annotations if text.startswith("BAD_frame")
    ]
    assert len(shown) == len(marks)
