"""A capture that is played again: the same board, the same bytes, the same blocks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import emgrig
from check_transport import check_transport
from emgrig.driver.board import Board
from emgrig.driver.captures.capture import CaptureReader, CaptureWriter, RecordKind
from emgrig.driver.captures.replay import ReplayTransport
from emgrig.driver.native.link import Direction
from emgrig.driver.recovery import ReconnectPolicy
from emgrig.errors import (
    DeviceError,
    RecordingError,
    RequestRefused,
)
from fake_board import FakeTransport, true_codes

NO_WAITING = ReconnectPolicy(total_s=0.1)


def capture_to(path: Path, board: Board) -> CaptureWriter:
    """Tap a board into a capture, as a recorder does."""
    writer = CaptureWriter(path)
    board.journal = lambda entry: writer.note(entry, board.clock.unix_s())
    board.tap = lambda direction, data, unix_s: (
        writer.sent if direction is Direction.SENT else writer.received
    )(data, unix_s)
    return writer


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def capture(transport: FakeTransport, tmp_path: Path) -> Path:
    """Two runs of a board: 1 s each, the second with another input."""
    with Board(transport) as board:
        board.chip.configure(channels=[1], mux="normal", gain=12)
        writer = capture_to(tmp_path / "a.capture", board)
        with board.stream(1.0) as stream:
            for _ in stream:
                pass
        board.chip.configure(channels=[1], mux="test")
        with board.stream(1.0) as stream:
            for _ in stream:
                pass
        board.tap = board.journal = None
        writer.close()
    return tmp_path / "a.capture"


@pytest.fixture
def replayed(capture: Path) -> Iterator[Board]:
    with emgrig.connect(f"replay:{capture}", reconnect=NO_WAITING) as board:
        yield board


def codes_of(board: Board, duration_s: float | None = None) -> np.ndarray:
    with board.stream(duration_s) as stream:
        return np.concatenate([block.codes for block in stream])


def test_it_passes_the_contract_of_transports(capture: Path) -> None:
    check_transport(lambda: ReplayTransport(capture))


def test_it_is_the_board_that_was_recorded(replayed: Board) -> None:
    assert replayed.identity.serial_number == "F-1"
    assert replayed.identity.firmware == "0.1"
    assert replayed.chip.files[0].channel(1).mux.word == "normal"
    assert replayed.chip.gains.tolist() == [12.0] + [24.0] * 7


def test_the_blocks_are_those_of_the_recorded_stream(replayed: Board) -> None:
    codes = codes_of(replayed, 1.0)
    assert codes.shape == (250, 8)
    np.testing.assert_array_equal(codes, true_codes(1, range(250)))


def test_the_second_start_plays_the_second_run_with_its_settings(replayed: Board) -> None:
    codes_of(replayed, 1.0)
    replayed.chip.read_registers()
    assert replayed.chip.files[0].channel(1).mux.word == "test"
    np.testing.assert_array_equal(codes_of(replayed, 1.0), true_codes(2, range(250)))
    with pytest.raises(RequestRefused, match="this is a replay and has no further run"):
        replayed.stream(1.0)


def test_the_bytes_of_a_run_are_the_recorded_ones(capture: Path) -> None:
    from check_transport import hello
    from emgrig.protocol.framing import PacketEncoder, PacketType
    from emgrig.protocol.packets import Request, RequestHeader, StartArguments

    replay = ReplayTransport(capture)
    replay.write(hello(1))
    replay.read(1000, timeout_s=1.0)
    start = RequestHeader(2, Request.START).encode() + StartArguments(16, 1).encode()
    replay.write(PacketEncoder(1)(PacketType.REQUEST, start))
    replay.read(1000, timeout_s=1.0)  # the answer
    got = b""
    while len(got) < 7000:
        got += replay.read(100, timeout_s=5.0)
    recorded = b"".join(
        record.payload for record in CaptureReader(capture) if record.kind is RecordKind.RECEIVED
    )
    assert got in recorded


def test_time_is_the_recorded_time(capture: Path) -> None:
    records = list(CaptureReader(capture))
    replay = ReplayTransport(capture)
    assert replay.clock.unix_s() == records[0].time_us * 1e-6
    board = Board(replay)
    codes_of(board, 1.0)
    passed_s = replay.clock.unix_s() - records[0].time_us * 1e-6
    assert passed_s == pytest.approx(1.0, abs=0.1)
    replay.clock.sleep(2.0)
    assert replay.clock.now_s() == pytest.approx(records[0].time_us * 1e-6 + passed_s + 2.0)
    board.close()


@pytest.mark.slow
def test_the_boards_clock_runs_as_recorded(transport: FakeTransport, tmp_path: Path) -> None:
    transport.board.tick_us = 1.0002
    with Board(transport) as board:
        writer = capture_to(tmp_path / "a.capture", board)
        with board.stream(30.0) as stream:
            for _ in stream:
                pass
        live = board.clock_fit
        board.tap = board.journal = None
        writer.close()
    with emgrig.connect(f"replay:{tmp_path / 'a.capture'}", reconnect=NO_WAITING) as replayed:
        codes_of(replayed, 30.0)
        fit = replayed.clock_fit
    assert live is not None
    assert fit is not None
    assert live.drift_ppm == pytest.approx(200.0, abs=5.0)
    assert fit.drift_ppm == pytest.approx(200.0, abs=80.0)  # by the last exchange, not the line


def test_settings_that_were_not_recorded_are_refused(replayed: Board) -> None:
    replayed.chip.configure(channels=[1], gain=12)  # as it was
    with pytest.raises(DeviceError, match=r"this is a replay: registers from 05h hold 50"):
        replayed.chip.configure(channels=[1], gain=24)
    with pytest.raises(DeviceError, match="this is a replay: no opcode 06h"):
        replayed.chip.reset()
    with pytest.raises(DeviceError, match="this is a replay: it cannot do that"):
        replayed.set_counter(5)


def test_at_the_end_of_the_last_run_the_stream_ends(replayed: Board) -> None:
    codes_of(replayed, 1.0)
    replayed.chip.read_registers()
    with replayed.stream() as stream:
        blocks = list(stream)
        assert sum(block.n_samples for block in blocks) == stream.totals.delivered
        assert stream.totals.lost == 0
        assert stream.totals.received >= 250


def test_a_stream_goes_on_over_a_pause_with_the_same_settings(
    transport: FakeTransport, tmp_path: Path
) -> None:
    with Board(transport) as board:
        writer = capture_to(tmp_path / "a.capture", board)
        with board.stream(2.0) as stream:
            for number, _ in enumerate(stream):
                if number == 10:
                    board.chip.read_registers()
        board.tap = board.journal = None
        writer.close()
    with emgrig.connect(f"replay:{tmp_path / 'a.capture'}") as replayed:
        codes = codes_of(replayed, 1.9)
    first = transport.board.produced[0]
    np.testing.assert_array_equal(codes[:first], true_codes(1, range(first)))
    rest = len(codes) - first
    np.testing.assert_array_equal(codes[first:], true_codes(2, range(rest)))


def test_a_capture_begun_in_mid_run_can_be_played(transport: FakeTransport, tmp_path: Path) -> None:
    with Board(transport) as board, board.stream() as stream:
        for _ in range(5):
            next(stream)
        writer = capture_to(tmp_path / "a.capture", board)
        first = next(stream).first_conversion
        for _ in range(10):
            next(stream)
        board.tap = board.journal = None
        writer.close()
    with emgrig.connect(f"replay:{tmp_path / 'a.capture'}", reconnect=NO_WAITING) as replayed:
        block = next(replayed.stream())
    np.testing.assert_array_equal(block.codes[0], true_codes(1, first))


def test_a_file_that_is_no_capture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot read"):
        emgrig.connect(f"replay:{tmp_path / 'none'}")
    CaptureWriter(tmp_path / "a.capture").close()
    with pytest.raises(RecordingError, match="does not say from which board"):
        emgrig.connect(f"replay:{tmp_path / 'a.capture'}")
