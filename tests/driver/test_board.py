"""A connection to a board: who it is, its settings, and that it is left stopped."""

import json
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import emgrig
from emgrig.connect import connect
from emgrig.driver.board import Board
from emgrig.driver.captures.journal import Entry, read_epoch, read_identity
from emgrig.driver.chip.transaction import Mended
from emgrig.driver.recovery import ReconnectPolicy
from emgrig.errors import (
    DeviceError,
    IdentityError,
    ReadBackError,
    RecordingError,
    RequestRefused,
    TransportError,
    WireError,
)
from emgrig.protocol.packets import Capability, ErrorCode, Line, Request
from fake_board import FakeBoard, FakeTransport
from fake_server import TcpServer


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def board(transport: FakeTransport) -> Iterator[Board]:
    with Board(transport) as made:
        yield made


def test_the_identity_is_what_the_board_and_its_chip_say(board: Board) -> None:
    identity = board.identity
    assert (identity.serial_number, identity.firmware, identity.git_revision) == (
        "F-1",
        "0.1",
        "abc",
    )
    assert (identity.chip_count, identity.channels_per_chip) == (1, 8)
    assert identity.chip_ids == (0x3E,)
    assert (identity.f_clk_hz, identity.vref_v) == (2_048_000.0, 4.5)
    assert identity.channels_wired == (1, 2, 3, 4, 5, 6, 7)
    assert not identity.is_simulated
    assert str(identity) == "board F-1, firmware 0.1 (abc), 1 ADS1299 (ID 3Eh), 8 channels"


def test_the_simulated_board_says_that_it_is_one() -> None:
    with connect("sim:bench&chips=2") as board:
        assert board.identity.is_simulated
        assert board.identity.layout.n_channels == 16
        assert len(board.channel_names) == 16
        with board.stream(duration_s=0.2) as stream:
            assert {block.codes.shape[1] for block in stream} == {16}


def test_a_profile_is_applied_and_names_the_channels(board: Board) -> None:
    assert board.channel_names[0] == "channel 1"
    files = board.apply("facial-emg")
    assert board.chip.rate_hz == 1000.0
    np.testing.assert_array_equal(files[0].gains[:7], 12.0)
    assert board.channel_names[4] == "zygomaticus major"
    assert board.channel_names[7] == "channel 8"


def test_a_profile_that_does_not_hold_leaves_names_and_settings(
    board: Board, transport: FakeTransport
) -> None:
    transport.board.stuck[0x05] = 0x61
    with pytest.raises(ReadBackError, match="CH1SET"):
        board.apply("facial-emg")
    assert board.channel_names[0] == "channel 1"
    assert board.chip.rate_hz == 250.0


def test_a_change_of_rate_loses_no_other_setting(board: Board) -> None:
    # BrainFlow, rows A and B: a command reset the gains, and the scale did not follow.
    board.apply("facial-emg")
    board.chip.set_rate(500)
    np.testing.assert_array_equal(board.chip.gains[:7], 12.0)
    with board.stream(duration_s=0.1) as stream:
        block = next(stream)
    np.testing.assert_array_equal(block.epoch.gain[:7], 12.0)
    assert block.epoch.rate_hz == 500.0
    assert block.volts[0, 0] == pytest.approx(block.codes[0, 0] * 4.5 / 12 / 2**23)


def test_a_chip_that_is_none_is_refused_and_the_link_closed(transport: FakeTransport) -> None:
    transport.board.registers[:] = bytes(24)
    with pytest.raises(IdentityError, match="ID reads 00h"):
        Board(transport)
    with pytest.raises(TransportError, match="closed"):
        transport.write(b"x")


def test_a_sick_board_can_be_looked_at(transport: FakeTransport) -> None:
    transport.board.registers[:] = bytes(24)
    with Board(transport, identify=False) as board:
        assert board.identity.chip_ids == ()
        with board.quiet():
            assert board.ports[0].read(0, 2) == b"\x00\x00"
        with pytest.raises(DeviceError, match="identify"):
            board.stream()


def test_a_board_of_another_protocol_version_is_refused(transport: FakeTransport) -> None:
    transport.board.protocol_version = 2
    with pytest.raises(WireError, match=r"version 2 of the board link.*update the program"):
        Board(transport)


def test_a_board_that_cannot_be_is_refused(transport: FakeTransport) -> None:
    transport.board.chip_count = 9
    with pytest.raises(DeviceError, match="9 chips; expected 1 to 4"):
        Board(transport)


def test_a_busy_board_says_what_to_do(transport: FakeTransport) -> None:
    transport.board.refuse[Request.HELLO] = (ErrorCode.BUSY, "another PC streams")
    with pytest.raises(RequestRefused, match=r"another PC streams.*close that"):
        Board(transport)


def test_the_board_is_left_stopped_when_the_program_is_interrupted(
    transport: FakeTransport,
) -> None:
    def run() -> None:
        with Board(transport) as board, board.stream() as stream:
            next(stream)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert not transport.board.streaming


def test_the_board_is_left_stopped_without_a_with_around_the_stream(
    transport: FakeTransport,
) -> None:
    with Board(transport) as board:
        next(board.stream())
        assert transport.board.streaming
    assert not transport.board.streaming


def test_a_board_that_was_left_running_is_stopped_on_connecting(transport: FakeTransport) -> None:
    first = Board(transport)
    next(first.stream())
    transport.reopen()
    with Board(transport) as board:
        assert not board.stats().streaming


def test_closing_on_a_dead_link_is_no_error(transport: FakeTransport) -> None:
    board = Board(transport)
    transport.cut()
    board.close()
    board.close()


def test_what_the_board_cannot_do_is_refused_before_anything_is_sent(
    transport: FakeTransport,
) -> None:
    transport.board.capabilities = Capability(0)
    with Board(transport) as board:
        n_requests = len(transport.board.requests)
        for call in (board.identify, board.reboot, lambda: board.set_counter(1)):
            with pytest.raises(DeviceError, match="F-1 cannot do"):
                call()
        with pytest.raises(DeviceError, match="cannot do SET_LINE"):
            board.set_line(Line.START, high=False)
        assert len(transport.board.requests) == n_requests


@pytest.mark.parametrize("count", [-1, 1 << 32])
def test_a_count_that_the_tube_cannot_hold_is_refused(board: Board, count: int) -> None:
    with pytest.raises(ValueError, match="count is"):
        board.set_counter(count)


@pytest.mark.parametrize("duration_s", [0.0, 66.0, float("nan")])
def test_a_blinking_that_cannot_be_is_refused(board: Board, duration_s: float) -> None:
    with pytest.raises(ValueError, match="duration_s is"):
        board.identify(duration_s)


def test_small_requests_reach_the_board(board: Board, transport: FakeTransport) -> None:
    board.identify()
    board.set_counter(7)
    board.set_line(Line.START, high=True)
    assert board.stats().run == 0
    assert transport.board.requests[-4:] == [
        Request.IDENTIFY,
        Request.SET_COUNTER,
        Request.SET_LINE,
        Request.STATS,
    ]


def test_a_reboot_is_waited_for_and_the_registers_are_known_again(
    board: Board, transport: FakeTransport
) -> None:
    board.apply("facial-emg")
    board.reboot()
    assert board.chip.rate_hz == 250.0
    with board.stream(duration_s=0.1) as stream:
        assert sum(block.n_samples for block in stream) == 25


def test_a_reboot_that_takes_the_link_down_is_waited_for(
    board: Board, transport: FakeTransport
) -> None:
    restart = transport.board.restart

    def restart_and_cut() -> None:
        restart()
        transport.cut()

    transport.board.restart = restart_and_cut  # type: ignore[method-assign]
    transport.reopen_refusals = 2
    board.reboot()
    assert board.chip.rate_hz == 250.0


def test_a_link_lost_while_idle_can_be_opened_again(board: Board, transport: FakeTransport) -> None:
    board.apply("facial-emg")
    transport.cut()
    with pytest.raises(TransportError, match="cut"):
        board.stats()
    transport.board.restart()
    recovery = board.reconnect()
    assert Mended(1, "CONFIG1", was=0x96, now=0x94) in recovery.restored
    assert board.chip.rate_hz == 1000.0


def test_the_clock_fit_follows_a_board_that_runs_fast(
    board: Board, transport: FakeTransport
) -> None:
    transport.board.tick_us = 1.0 + 80e-6
    transport.board.boot_s = transport.board.now_s
    assert board.clock_fit is None
    for _ in range(20):
        fit = board.synchronise(4)
        transport.clock.sleep(10.0)
    assert fit.drift_ppm == pytest.approx(80.0, abs=0.1)
    board_us = transport.board.board_us
    true_s = transport.board.now_s + 1600001000.0
    assert fit.unix_s(board_us) == pytest.approx(true_s, abs=5e-6)


def test_the_journal_is_enough_to_scale_a_capture(transport: FakeTransport) -> None:
    entries: list[Entry] = []
    with Board(transport, journal=entries.append) as board:
        board.apply("facial-emg")
        with board.stream(duration_s=0.1) as stream:
            block = next(stream)
        identity = board.identity
    read = json.loads(json.dumps(entries))
    kinds = [entry["kind"] for entry in read]
    assert kinds[-6:] == ["epoch", "clock", "start", "stop", "clock", "stop"]
    assert read_identity([entry for entry in read if entry["kind"] == "identity"][-1]) == identity
    entry = [entry for entry in read if entry["kind"] == "epoch"][-1]
    assert entry["channel_names"][0] == "frontalis"
    epoch = read_epoch(entry)
    assert (epoch.number, epoch.registers) == (block.epoch.number, block.epoch.registers)
    np.testing.assert_array_equal(epoch.scale_v, block.epoch.scale_v)
    assert epoch.rate_hz == 1000.0


def test_a_journal_that_comes_late_is_told_what_is_known(board: Board) -> None:
    entries: list[Entry] = []
    board.journal = entries.append
    assert [entry["kind"] for entry in entries] == ["identity", "epoch"]
    board.journal = None


@pytest.mark.parametrize("read", [read_epoch, read_identity])
@pytest.mark.parametrize("entry", [{}, {"number": "x"}, {"capabilities": None}])
def test_an_entry_that_is_none_is_refused(read: object, entry: Entry) -> None:
    assert callable(read)
    with pytest.raises(RecordingError, match=r"note of the capture: .* expected"):
        read(entry)


@pytest.mark.parametrize(
    "policy",
    [{"total_s": -1.0}, {"first_wait_s": 0.0}, {"first_wait_s": 3.0}, {"total_s": float("nan")}],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected total_s"):
        ReconnectPolicy(**policy)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_s": 0.0},
        {"duration_s": float("inf")},
        {"frames_per_packet": 0},
        {"frames_per_packet": 65},
        {"queue_samples": 0},
    ],
)
def test_a_stream_that_makes_no_sense_is_refused_before_anything_is_sent(
    board: Board, transport: FakeTransport, wrong: dict[str, float]
) -> None:
    n_requests = len(transport.board.requests)
    with pytest.raises(ValueError, match=r"expected|this board can do"):
        board.stream(**wrong)  # type: ignore[arg-type]
    assert len(transport.board.requests) == n_requests


def test_two_streams_at_once_are_refused(board: Board) -> None:
    with board.stream() as stream:
        next(stream)
        with pytest.raises(ValueError, match="stop it first"):
            board.stream()
        with pytest.raises(ValueError, match="reboot while a stream is on"):
            board.reboot()
    with board.stream():
        pass


def test_nothing_is_left_running_after_a_real_link() -> None:
    with TcpServer(FakeBoard("F-7")) as server:
        with emgrig.connect(server.address) as board:
            assert board.identity.serial_number == "F-7"
            assert sum("emgrig reader" in thread.name for thread in threading.enumerate()) == 1
        assert not any("emgrig reader" in thread.name for thread in threading.enumerate())


def test_the_package_exports_what_a_user_writes() -> None:
    assert callable(emgrig.connect)
    assert emgrig.Board is Board
    assert emgrig.Block.__name__ == "Block"
    assert emgrig.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = emgrig.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("says", [b"GET / HTTP/1.1\r\n\r\n", b""])
def test_where_we_listen_a_stranger_is_let_go_and_the_board_waited_for(says: bytes) -> None:
    transport = FakeTransport()
    transport.listens = True  # type: ignore[attr-defined]
    write = transport.write
    transport.write = lambda _: transport.board.out.extend(says)  # type: ignore[method-assign]
    reopen = transport.reopen

    def next_one() -> None:
        transport.write = write  # type: ignore[method-assign]
        reopen()

    transport.reopen = next_one  # type: ignore[method-assign]
    with Board(transport) as board:
        assert board.identity.serial_number == "F-1"
