"""A recording of a board whose every conversion is known, read back with edfio."""

import functools
import json
import shutil
import sys
import threading
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import edfio
import jsonschema
import numpy as np
import pytest

import emgrig
from attack_kinds import KINDS, Line
from emgrig.driver.board import Board
from emgrig.driver.recovery import ReconnectPolicy
from emgrig.driver.samples.block import Block
from emgrig.errors import RecordingError, TransportError
from emgrig.protocol.framing import PacketType
from emgrig.protocol.packets import EventType, TriggerEvent
from emgrig.recording import recorder as recorder_module
from emgrig.recording.convert import convert
from emgrig.recording.levels import Progress
from emgrig.recording.recorder import Recorder, record
from emgrig.recording.sidecar import schema
from emgrig.simulator.transport import SimTransport
from fake_board import FakeBoard, FakeTransport, true_codes

RATE_HZ = 250.0
SCALE_UV = 4.5e6 / 24 / 2**23


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def board(transport: FakeTransport) -> Board:
    with Board(transport, reconnect=ReconnectPolicy(total_s=3.0)) as made:
        yield made


def truth(n_samples: int, run: int = 1, first: int = 0) -> np.ndarray:
    return true_codes(run, range(first, first + n_samples))


def read(path: Path) -> tuple[np.ndarray, list[tuple[float, float | None, str]]]:
    """Digital values without the padding, shape (n_samples, n_channels), and annotations."""
    bdf = edfio.read_bdf(path)
    codes = np.stack([signal.digital for signal in bdf.signals], axis=1)
    notes = [tuple(note) for note in bdf.annotations]
    padding = [note for note in notes if note[2].startswith("BAD_padding")]
    n_padding = round(padding[0][1] * bdf.signals[0].sampling_frequency) if padding else 0
    kept = [note for note in notes if note not in padding]
    return codes[: len(codes) - n_padding], kept


@functools.cache
def sidecar_validator() -> jsonschema.Draft202012Validator:
    """Check sidecars; made once, for the schema itself is checked then."""
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def sidecar_of(path: Path) -> dict:
    """Read a sidecar that keeps its schema; of a thousand annotations a hundred are held to it."""
    content = json.loads(path.with_suffix(".json").read_text())
    sidecar_validator().validate({**content, "annotations": content["annotations"][:100]})
    return content


def drop(board: FakeBoard, packets: set[int]) -> None:
    """Let the link lose these sample packets, counted from 0."""
    count = -1

    def on_the_wire(packet: bytes) -> bytes:
        nonlocal count
        if packet[3] == PacketType.SAMPLES:
            count += 1
            return b"" if count in packets else packet
        return packet

    board.on_the_wire = on_the_wire


def test_the_file_holds_what_the_chip_converted(board: Board, tmp_path: Path) -> None:
    made = record(board, tmp_path / "a.bdf", 1.0)
    codes, notes = read(tmp_path / "a.bdf")
    assert len(codes) == 250
    np.testing.assert_array_equal(codes, truth(len(codes)))
    assert notes == []
    assert made.bdf_paths == (tmp_path / "a.bdf",)
    assert made.n_samples == len(codes)
    totals = made.totals
    assert (
        totals.received == board._connection.link.transport.board.produced[0] == 250 + totals.unused
    )
    bdf = edfio.read_bdf(tmp_path / "a.bdf")
    assert bdf.labels == tuple(f"channel {n}" for n in range(1, 9))  # shorted: no EMG
    assert bdf.signals[0].sampling_frequency == RATE_HZ
    np.testing.assert_array_equal(bdf.signals[2].data[: len(codes)], codes[:, 2] * SCALE_UV)
    assert bdf.signals[0].prefiltering == "HP:DC LP:65.5Hz (-3 dB, sinc3)"


@pytest.mark.slow
def test_the_sidecar_says_what_the_header_cannot(board: Board, tmp_path: Path) -> None:
    made = record(board, tmp_path / "a.bdf", 2.0, profile="bench")
    said = sidecar_of(tmp_path / "a.bdf")
    assert said["board"]["serial_number"] == "F-1"
    assert said["is_simulated"] is False
    assert said["profile"] == "bench"
    assert said["software"]["recorded_by"].startswith("emgrig")
    assert said["rate"]["nominal_hz"] == RATE_HZ
    assert said["rate"]["measured_by_board_clock_hz"] == pytest.approx(RATE_HZ, rel=1e-6)
    assert said["band"]["high_hz"] == pytest.approx(65.5)
    assert said["registers"][0]["chips"][0]["hex"].startswith("3E 96 C0")
    assert said["channels"][3]["scale_v"] == 4.5 / 24 / 2**23
    assert [abs(channel["header_scale_error"]) for channel in said["channels"]] == [0.0] * 8
    assert said["samples"]["received"] == made.n_samples
    assert said["capture"]["received"] == made.totals.received >= made.n_samples
    assert said["clock_fit"]["n_exchanges"] >= 8
    assert said["capture"]["damage"] == ""


def test_only_the_capture_is_written_while_it_runs(board: Board, tmp_path: Path) -> None:
    seen: list[list[str]] = []
    record(
        board,
        tmp_path / "a.bdf",
        1.2,
        progress=lambda _: seen.append(sorted(path.name for path in tmp_path.iterdir())),
    )
    assert seen == [["a.capture"]] * len(seen)
    assert len(seen) >= 2
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.bdf", "a.capture", "a.json"]


@pytest.mark.slow
def test_what_was_lost_is_held_marked_and_counted(
    board: Board, transport: FakeTransport, tmp_path: Path
) -> None:
    drop(transport.board, {3, 4, 9})
    made = record(board, tmp_path / "a.bdf", 1.0)
    codes, notes = read(tmp_path / "a.bdf")
    expected = truth(len(codes))
    expected[48:80] = expected[47]
    expected[144:160] = expected[143]
    np.testing.assert_array_equal(codes, expected)
    assert notes == [
        (48 / 250, 32 / 250, "BAD_gap 32 conversions: lost on the link"),
        (144 / 250, 16 / 250, "BAD_gap 16 conversions: lost on the link"),
    ]
    totals = made.totals
    assert totals.lost_on_link == 48
    assert totals.received + totals.lost == transport.board.produced[0]
    said = sidecar_of(tmp_path / "a.bdf")
    assert said["samples"]["filled"] == 48
    assert said["samples"]["missing_by_cause"] == {"link": 48}
    gaps = [one for one in said["annotations"] if one["kind"] == "gap"]
    assert [(gap["sample"], gap["n_lost"], gap["cause"]) for gap in gaps] == [
        (48, 32, "link"),
        (144, 16, "link"),
    ]
    assert said["n_annotations"] == {"gap": 2}


@pytest.mark.long
@pytest.mark.slow
def test_all_annotations_are_listed_however_many_there_are(
    board: Board, transport: FakeTransport, tmp_path: Path
) -> None:
    drop(transport.board, set(range(1, 3000, 2)))
    with (
        board.stream(10.0, frames_per_packet=1) as stream,
        Recorder(board, tmp_path / "a.bdf") as recorder,
    ):
        for block in stream:
            recorder.feed(block)
    content = sidecar_of(tmp_path / "a.bdf")
    gaps = [one for one in content["annotations"] if one["kind"] == "gap"]
    assert [gap["sample"] for gap in gaps] == list(range(1, 2500, 2))
    assert content["n_annotations"]["gap"] == content["samples"]["missing_by_cause"]["link"] == 1250
    texts = [note.text for note in edfio.read_bdf(tmp_path / "a.bdf").annotations]
    assert sorted(texts) == sorted(one["text"] for one in content["annotations"])
    lines = (tmp_path / "a.json").read_text().splitlines()
    assert sum('"kind": "gap"' in line for line in lines) == 1250


def test_what_is_lost_at_the_end_is_said_but_not_made_up(
    board: Board, transport: FakeTransport, tmp_path: Path
) -> None:
    drop(transport.board, set(range(12, 100)))
    with Recorder(board, tmp_path / "a.bdf") as recorder, board.stream() as stream:
        for _ in range(5):
            recorder.feed(next(stream))
        transport.clock.sleep(1.0)
    codes, notes = read(tmp_path / "a.bdf")
    lost = transport.board.produced[0] - len(codes)
    assert len(codes) == 12 * 16
    text = f"BAD_gap {lost} conversions: lost at the end of the run"
    assert notes == [(pytest.approx(192 / 250), None, text)]


@pytest.mark.slow
def test_a_marker_and_an_event_lie_where_they_happened(
    board: Board, transport: FakeTransport, tmp_path: Path
) -> None:
    with Recorder(board, tmp_path / "a.bdf") as recorder:
        recorder.mark("before anything")
        with board.stream() as stream:
            for _ in range(4):
                block = next(stream)
                recorder.feed(block)
            recorder.mark("smile µ")
            end = block.first_conversion + block.n_samples
            transport.board.event(EventType.TRIGGER, TriggerEvent(2, 1))
            happened = transport.board.conversions
            recorder.feed(next(stream))
            recorder.feed(next(stream))
        with pytest.raises(ValueError, match="needs a text"):
            recorder.mark("  ")
    _, notes = read(tmp_path / "a.bdf")
    assert [text for _, _, text in notes] == ["before anything", "smile µ", "trigger 2 high"]
    samples = [onset * RATE_HZ for onset, _, _ in notes]
    assert samples[0] == 0
    assert samples[1] == pytest.approx(end)
    assert samples[2] == pytest.approx(happened, abs=1.01)
    marks = [one for one in sidecar_of(tmp_path / "a.bdf")["annotations"] if not one["n_samples"]]
    assert [mark["kind"] for mark in marks] == ["marker", "marker", "trigger"]
    assert (marks[2]["line"], marks[2]["is_high"]) == (2, True)


def test_a_lost_link_is_a_gap_of_the_right_length(
    board: Board, transport: FakeTransport, tmp_path: Path
) -> None:
    with Recorder(board, tmp_path / "a.bdf") as recorder, board.stream(3.0) as stream:
        for number, block in enumerate(stream):
            recorder.feed(block)
            if number == 4:
                transport.cut()
                transport.reopen_refusals = 3
        live = stream.totals
    made = recorder.close()
    codes, notes = read(tmp_path / "a.bdf")
    assert made.totals.lost_in_outages == live.lost_in_outages > 0
    assert sum(transport.board.produced) == made.totals.produced
    gap = next(note for note in notes if "the link was down" in note[2])
    begin, end = round(gap[0] * RATE_HZ), round((gap[0] + gap[1]) * RATE_HZ)
    np.testing.assert_array_equal(codes[:begin], truth(begin))
    assert (codes[begin:end] == codes[begin - 1]).all()
    assert any(text.startswith("going on after") for _, _, text in notes)
    # Behind the restart the samples of run 2 lie where board time says, one data period apart.
    second = [n for n in range(len(codes)) if (codes[n] == true_codes(2, 0)).all()]
    assert len(second) == 1
    np.testing.assert_array_equal(codes[second[0] :], truth(len(codes) - second[0], run=2))


@pytest.mark.slow
def test_another_gain_begins_another_file(board: Board, tmp_path: Path) -> None:
    with Recorder(board, tmp_path / "a.bdf") as recorder, board.stream(2.0) as stream:
        for number, block in enumerate(stream):
            recorder.feed(block)
            if number == 5:
                board.chip.configure(channels=[3], gain=12)
    made = recorder.close()
    assert [path.name for path in made.bdf_paths] == ["a.bdf", "a-2.bdf"]
    first, _ = read(tmp_path / "a.bdf")
    second, _ = read(tmp_path / "a-2.bdf")
    np.testing.assert_array_equal(first, truth(len(first)))
    np.testing.assert_array_equal(second, truth(len(second), run=2))
    gains = [sidecar_of(path)["channels"][2]["gain"] for path in made.bdf_paths]
    assert gains == [24.0, 12.0]
    assert [sidecar_of(path)["files"]["part"] for path in made.bdf_paths] == [1, 2]
    one, two = (sidecar_of(path) for path in made.bdf_paths)
    between_s = two["start"]["unix_s"] - one["start"]["unix_s"]
    board_s = (two["start"]["board_time_us"] - one["start"]["board_time_us"]) * 1e-6
    assert between_s == pytest.approx(board_s, abs=1e-4)


@pytest.mark.slow
def test_another_input_is_marked_in_the_same_file(board: Board, tmp_path: Path) -> None:
    with Recorder(board, tmp_path / "a.bdf") as recorder, board.stream(2.0) as stream:
        for number, block in enumerate(stream):
            recorder.feed(block)
            if number == 5:
                board.chip.configure(channels=[3], mux="test")
    made = recorder.close()
    assert len(made.bdf_paths) == 1
    _, notes = read(tmp_path / "a.bdf")
    texts = [text for _, _, text in notes]
    assert texts[0].startswith("BAD_gap")
    assert texts[0].endswith("paused to change settings (counted by time)")
    assert texts[1] == "settings: CH3SET MUX3 shorted to test"
    said = sidecar_of(tmp_path / "a.bdf")
    assert len(said["registers"]) == 2
    assert said["registers"][1]["sample"] == round(notes[1][0] * RATE_HZ)


@pytest.mark.slow
def test_a_channel_that_is_powered_down_is_left_out(board: Board, tmp_path: Path) -> None:
    board.chip.configure(channels=[2], power_down=True)
    board.chip.configure(channels=[1, 3], mux="normal")
    record(board, tmp_path / "a.bdf", 0.5)
    bdf = edfio.read_bdf(tmp_path / "a.bdf")
    assert bdf.labels[:3] == ("EMG channel 1", "EMG channel 3", "channel 4")
    codes, _ = read(tmp_path / "a.bdf")
    np.testing.assert_array_equal(codes, np.delete(truth(len(codes)), 1, axis=1))
    assert sidecar_of(tmp_path / "a.bdf")["left_out"] == [
        {"channel": 2, "name": "channel 2", "why": "powered down"}
    ]


def test_a_recording_begun_in_mid_run_counts_nothing_from_before(
    board: Board, tmp_path: Path
) -> None:
    with board.stream() as stream:
        for _ in range(6):
            next(stream)
        with Recorder(board, tmp_path / "a.bdf") as recorder:
            first = next(stream)
            recorder.feed(first)
            for _ in range(5):
                recorder.feed(next(stream))
            recorder.mark("here")
    made = recorder.close()
    codes, notes = read(tmp_path / "a.bdf")
    assert made.totals.lost == 0
    assert made.totals.received == len(codes)
    np.testing.assert_array_equal(codes, truth(len(codes), first=first.first_conversion))
    assert notes == [(pytest.approx(len(codes) / RATE_HZ, abs=0.07), None, "here")]


def test_how_far_the_files_are_is_told_when_the_recording_is_over(
    board: Board, tmp_path: Path
) -> None:
    told: list[tuple[str, float]] = []
    record(
        board,
        tmp_path / "a.bdf",
        4.0,
        progress=lambda progress: told.append(("recording", progress.elapsed_s)),
        making=lambda share: told.append(("making", share)),
    )
    kinds = [kind for kind, _ in told]
    n_before = kinds.index("making")
    assert set(kinds[:n_before]) == {"recording"}
    assert set(kinds[n_before:]) == {"making"}
    shares = [share for _, share in told[n_before:]]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.02)


def test_progress_tells_rate_loss_and_levels(
    board: Board, transport: FakeTransport, tmp_path: Path
) -> None:
    drop(transport.board, {3})
    seen: list[Progress] = []
    record(board, tmp_path / "a.bdf", 2.0, progress=seen.append)
    assert [report.n_lost for report in seen] == [16] * len(seen)
    assert all(report.rate_hz == pytest.approx(250.0, rel=1e-3) for report in seen)
    assert seen[-1].elapsed_s == pytest.approx((seen[-1].n_samples + 16) / 250)
    assert seen[0].capture_bytes < seen[-1].capture_bytes
    n = seen[1].n_samples - seen[0].n_samples
    voltage_uv = truth(n, first=seen[0].n_samples + 16) * SCALE_UV
    np.testing.assert_allclose(seen[1].offset_uv, voltage_uv.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(seen[1].rms_uv, voltage_uv.std(axis=0), rtol=1e-6)
    assert (seen[1].clipped == 0).all()


def test_another_thread_ends_a_recording_and_it_is_whole(board: Board, tmp_path: Path) -> None:
    stop = threading.Event()

    def end(progress: Progress) -> None:
        if progress.elapsed_s >= 1.0:
            stop.set()

    made = record(board, tmp_path / "a.bdf", 60.0, progress=end, stop=stop)
    assert 1.0 <= made.n_samples / board.chip.rate_hz < 3.0
    assert made.totals.lost == 0
    assert recorder_module.CUT_AT_END not in made.remarks
    assert edfio.read_bdf(tmp_path / "a.bdf").num_signals > 0


def test_a_recording_that_ends_while_the_link_is_lost_says_so(tmp_path: Path) -> None:
    """Nobody can count what the board made then: "nothing lost" alone would be no answer."""
    stop, transport = threading.Event(), SimTransport("seed=3")

    def cut(progress: Progress) -> None:
        if progress.elapsed_s >= 1.0:
            transport.board.cut_link()
            stop.set()

    with Board(transport, reconnect=ReconnectPolicy(is_given_up=stop.is_set)) as board:
        made = record(board, tmp_path / "a.bdf", progress=cut, stop=stop)
    assert made.totals.received > 200
    remark = made.remarks[-1]
    assert remark == recorder_module.CUT_AT_END


@pytest.mark.parametrize("existing", ["a.bdf", "a.json", "a.capture", "a-2.bdf"])
def test_an_existing_file_is_refused_and_left_alone(
    board: Board, tmp_path: Path, existing: str
) -> None:
    (tmp_path / existing).write_bytes(b"precious")
    with pytest.raises(RecordingError, match="exists"):
        Recorder(board, tmp_path / "a.bdf")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"precious"]
    assert board.tap is None


def test_existing_files_are_replaced_if_that_is_said(board: Board, tmp_path: Path) -> None:
    for name in ("a.bdf", "a.json", "a.capture"):
        (tmp_path / name).write_bytes(b"old")
    record(board, tmp_path / "a.bdf", 0.3, overwrite=True)
    assert len(read(tmp_path / "a.bdf")[0]) >= 75


def test_a_target_that_cannot_be_is_one_clear_line_before_anything(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"must end in \.bdf"):
        Recorder(board, tmp_path / "a.edf")
    with pytest.raises(RecordingError, match=r"folder .*none does not exist"):
        Recorder(board, tmp_path / "none" / "a.bdf")
    with pytest.raises(ValueError, match="duration_s is -1"):
        Recorder(board, tmp_path / "a.bdf", duration_s=-1)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 10**12))
    with pytest.raises(RecordingError, match="cannot make"):
        Recorder(board, Path("/proc/a.bdf"))  # not even root can write there
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 20_000_000))
    with pytest.raises(RecordingError, match=r"86400 s of recording need \d+ MB .*20 MB are free"):
        Recorder(board, tmp_path / "a.bdf", duration_s=86400)
    assert list(tmp_path.iterdir()) == []
    with Recorder(board, tmp_path / "a.bdf", duration_s=60.0) as recorder:  # 60 s do fit
        recorder.feed(next(board.stream()))


def test_a_disk_that_fills_up_ends_the_recording_but_loses_nothing_of_it(
    board: Board, transport: FakeTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullCapture(recorder_module.CaptureWriter):
        def received(self, data: bytes, unix_s: float) -> None:
            if self.size_bytes > 10_000:
                raise RecordingError(
                    f"cannot write {self.path}: No space left on device; make room"
                )
            super().received(data, unix_s)

    monkeypatch.setattr(recorder_module, "CaptureWriter", FullCapture)
    with pytest.raises(RecordingError, match="No space left"):
        record(board, tmp_path / "a.bdf", 60.0)
    assert not transport.board.streaming
    assert [path.name for path in tmp_path.iterdir()] == ["a.capture"]
    convert(tmp_path / "a.capture")
    codes, _ = read(tmp_path / "a.bdf")
    assert len(codes) > 200
    np.testing.assert_array_equal(codes, truth(len(codes)))


def test_ctrl_c_ends_a_recording_properly(
    board: Board, transport: FakeTransport, tmp_path: Path
) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    made = record(board, tmp_path / "a.bdf", progress=interrupt)
    assert not transport.board.streaming
    assert made.n_samples == transport.board.produced[0]
    assert made.totals.lost == 0


def test_a_second_ctrl_c_while_the_file_is_made_says_where_the_recording_is(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(recorder_module, "convert", interrupt)
        with pytest.raises(KeyboardInterrupt):
            record(board, tmp_path / "a.bdf", 1.0)
    assert f"emgrig convert {tmp_path / 'a.capture'}" in caplog.text
    assert convert(tmp_path / "a.capture").n_samples == 250


def test_a_link_lost_for_good_leaves_a_file_of_what_came(
    board: Board, transport: FakeTransport, tmp_path: Path
) -> None:
    def cut(_: Progress) -> None:
        transport.cut()
        transport.reopen_refusals = 1000

    with pytest.raises(TransportError, match="not back after"):
        record(board, tmp_path / "a.bdf", 10.0, progress=cut)
    codes, _ = read(tmp_path / "a.bdf")
    np.testing.assert_array_equal(codes, truth(len(codes)))
    assert len(codes) >= 125


def test_nothing_recorded_is_said_and_the_capture_kept(board: Board, tmp_path: Path) -> None:
    recorder = Recorder(board, tmp_path / "a.bdf")
    with pytest.raises(RecordingError, match="holds no samples"):
        recorder.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.capture"]


def test_a_recorder_gives_back_journal_and_tap(board: Board, tmp_path: Path) -> None:
    entries: list[dict[str, object]] = []
    tapped: list[bytes] = []
    board.journal = entries.append
    board.tap = lambda _direction, data, _unix_s: tapped.append(data)
    record(board, tmp_path / "a.bdf", 0.3)
    assert {"start", "stop"} <= {entry["kind"] for entry in entries}
    assert tapped
    before = len(tapped)
    board.stats()
    assert len(tapped) > before


@pytest.mark.slow
def test_a_simulated_board_is_called_so_in_header_and_sidecar(tmp_path: Path) -> None:
    with emgrig.connect("sim:") as board:
        board.apply("facial-emg")
        record(board, tmp_path / "a.bdf", 0.5, profile="facial-emg")
    bdf = edfio.read_bdf(tmp_path / "a.bdf")
    assert bdf.recording.equipment_code == "emgrig_simulated_board"
    assert bdf.labels[0] == "EMG frontalis"
    assert len(bdf.labels) == len(set(bdf.labels)) == 7
    assert all("simulated" in signal.transducer_type for signal in bdf.signals)
    assert bdf.signals[0].prefiltering.startswith("HP:DC LP:262Hz")
    said = sidecar_of(tmp_path / "a.bdf")
    assert said["is_simulated"] is True
    assert said["left_out"] == [{"channel": 8, "name": "channel 8", "why": "powered down"}]


@pytest.mark.slow
@pytest.mark.parametrize("happens", ["restart", "brown_out", "cut", "changed", "lost"])
def test_the_account_of_the_file_is_that_of_the_live_stream(
    board: Board, transport: FakeTransport, tmp_path: Path, happens: str
) -> None:
    act = {
        "restart": transport.board.restart,
        "brown_out": transport.board.brown_out,
        "cut": transport.cut,
        "changed": lambda: board.chip.set_rate(500),
        "lost": lambda: drop(transport.board, {0, 5}),
    }[happens]
    with Recorder(board, tmp_path / "a.bdf") as recorder, board.stream(4.0) as stream:
        for number, block in enumerate(stream):
            recorder.feed(block)
            if number == 10:
                act()
    live = replace(stream.totals, dropped_here=0, unused=0)
    assert recorder.close().totals == live
    assert live.received > 900


# What happens to it while it runs.

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="there an open file cannot go")


def begun(board: Board, target: Path) -> Recorder:
    recorder = Recorder(board, target)
    with board.stream(1.0) as stream:
        for block in stream:
            recorder.feed(block)
    return recorder


@on_posix
@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_capture_that_goes_away_is_said_at_once(
    board: Board, tmp_path: Path, is_replaced: bool
) -> None:
    seen_s = []

    def look(block: Block, recorder: Recorder) -> None:
        seen_s.append(recorder.elapsed_s)
        if recorder.elapsed_s >= 1.0 and recorder.capture_path.exists():
            recorder.capture_path.unlink()
            if is_replaced:
                recorder.capture_path.write_bytes(b"of somebody else")

    said = "was replaced by another file" if is_replaced else "it was removed, or its disk is gone"
    with pytest.raises(RecordingError, match=said):
        record(board, tmp_path / "r.bdf", 60.0, look=look)
    assert seen_s[-1] < 2.5
    assert not board._connection.link.transport.board.streaming  # type: ignore[attr-defined]


@on_posix
def test_a_recording_that_is_on_cannot_be_overwritten(board: Board, tmp_path: Path) -> None:
    target = tmp_path / "r.bdf"
    recorder = begun(board, target)
    with pytest.raises(RecordingError, match="is being recorded right now"):
        Recorder(board, target, overwrite=True)
    made = recorder.close()
    assert made.n_samples == 256
    record(board, target, 0.5, overwrite=True)


@on_posix
def test_a_look_at_a_recording_that_is_on_does_not_take_its_name(
    board: Board, tmp_path: Path
) -> None:
    target = tmp_path / "r.bdf"
    recorder = begun(board, target)
    look = convert(recorder.capture_path)
    assert look.bdf_paths == (tmp_path / "r-so-far.bdf",)
    with pytest.raises(RecordingError, match=r"needs .*r\.bdf at its end"):
        convert(recorder.capture_path, target)
    assert recorder.close().bdf_paths == (target,)


def test_a_name_that_somebody_took_meanwhile_is_said_with_the_way_out(
    board: Board, tmp_path: Path
) -> None:
    recorder = begun(board, tmp_path / "r.bdf")
    (tmp_path / "r.json").write_text("of somebody else")
    with pytest.raises(RecordingError, match=r"emgrig convert .*r\.capture -o OTHER\.bdf"):
        recorder.close()
    assert convert(tmp_path / "r.capture", tmp_path / "other.bdf").n_samples == 256


@pytest.mark.slow
@pytest.mark.parametrize("text", ["A" * 70_000, "𝄞" * 70_000, "x" * 5000, "x" * 5001])
def test_a_marker_of_any_length_ends_nothing_and_is_whole_in_the_sidecar(
    board: Board, tmp_path: Path, text: str
) -> None:
    def look(block: Block, recorder: Recorder) -> None:
        if block.first_conversion == 160:
            recorder.mark(text, source="S" * 70_000)

    made = record(board, tmp_path / "m.bdf", 4.0, look=look)
    assert made.n_samples == 1000
    (marker,) = [a for a in sidecar_of(made.bdf_paths[0])["annotations"] if a["kind"] == "marker"]
    assert marker["marker"] == text
    assert marker["sample"] == 176
    _, notes = read(made.bdf_paths[0])
    assert [note[2] for note in notes] == [text[:248] + " …"]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("n_markers", [1, 400])
def test_markers_do_not_make_the_whole_file_longer(
    board: Board, tmp_path: Path, n_markers: int
) -> None:
    """Each data record has room for the longest: 400 in one instant are spread over records."""

    def look(block: Block, recorder: Recorder) -> None:
        if block.first_conversion == 1600:
            for number in range(n_markers):
                recorder.mark(f"{number:03d} " + "x" * (60_000 if n_markers == 1 else 40))

    made = record(board, tmp_path / "m.bdf", 40.0, look=look)
    size = made.bdf_paths[0].stat().st_size
    assert size < 1.5 * 10_000 * 8 * 3
    _, notes = read(made.bdf_paths[0])
    assert [note[2][:4] for note in notes] == [f"{number:03d} " for number in range(n_markers)]
    assert {note[0] for note in notes} == {1616 / RATE_HZ}


@pytest.mark.parametrize(
    ("serial", "said"),
    [
        ("EMG\x07BOARD", "EMG_BOARD"),
        ("O´Neil-1", "O_Neil-1"),
        ("A¨B", "A_B"),
        ("Ünï côdé", "Uni_code"),
        ("\x1b[31m", "[31m"),
        ("\ud800x", "?x"),
        ("", "X"),
        (" ", "X"),
        ("日本", "??"),
    ],
)
def test_any_serial_number_becomes_a_legal_header(
    transport: FakeTransport, tmp_path: Path, serial: str, said: str
) -> None:
    transport.board.serial_number = serial.encode("utf-8", "replace").decode()
    with Board(transport) as board:
        made = record(board, tmp_path / "s.bdf", 0.5)
    header = edfio.read_bdf(made.bdf_paths[0])
    assert header.recording.additional == (said,)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["answers to nobody", "clock stands", "80 packets again"])
def test_the_file_of_a_bad_board_holds_what_the_stream_gave(tmp_path: Path, kind: str) -> None:
    transport = FakeTransport()
    KINDS[kind](Line(transport, np.random.default_rng(1)))
    with Board(transport) as board:
        made = record(board, tmp_path / "r.bdf", 6.0)
    codes, _ = read(made.bdf_paths[0])
    np.testing.assert_array_equal(codes, truth(1500))
    assert made.totals.lost == 0
