"""Streams: what is missing is said, and what can be mended is mended."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.connect import connect
from emgrig.driver.board import Board
from emgrig.driver.chip.rate import RateVerdict
from emgrig.driver.chip.transaction import Mended
from emgrig.driver.interruption import Happened, Interruption
from emgrig.driver.recovery import ReconnectPolicy
from emgrig.driver.samples.block import Block
from emgrig.driver.stream import Stream
from emgrig.errors import (
    DeviceError,
    IdentityError,
    ReadBackError,
    TransportError,
)
from emgrig.protocol.account import Cause
from emgrig.protocol.packets import EventType, Request
from emgrig.simulator.transport import SimTransport
from fake_board import FakeTransport, true_codes
from fake_server import TcpServer
from properties import examples

SAMPLES, REPLY = 0x01, 0x11


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def board(transport: FakeTransport) -> Iterator[Board]:
    with Board(transport) as made:
        made.chip.set_rate(1000)
        yield made


def check_whole(blocks: list[Block]) -> None:
    """Every data period from 0 on is a sample or is said to be missing."""
    position = 0
    for block in blocks:
        assert block.first_conversion - block.lost_before == position
        position = block.first_conversion + block.n_samples


def take(stream: Stream, n_blocks: int) -> list[Block]:
    return [next(stream) for _ in range(n_blocks)]


def test_a_duration_is_kept_to_the_sample(board: Board) -> None:
    with board.stream(duration_s=0.123) as stream:
        blocks = list(stream)
    check_whole(blocks)
    assert sum(block.n_samples for block in blocks) == 123
    assert not stream.is_on
    assert stream.totals.delivered == 123
    assert stream.totals.received == stream.totals.delivered + stream.totals.unused


def test_what_is_delivered_is_what_was_converted(board: Board) -> None:
    with board.stream(duration_s=1.0, frames_per_packet=7) as stream:
        blocks = list(stream)
    codes = np.concatenate([block.codes for block in blocks])
    np.testing.assert_array_equal(codes, true_codes(1, range(1000)))


def test_stopping_gives_what_is_left_with_the_loss_at_the_end(
    board: Board, transport: FakeTransport
) -> None:
    stream = board.stream()
    blocks = take(stream, 3)
    transport.board.on_the_wire = lambda packet: b"" if packet[3] == SAMPLES else packet
    transport.clock.sleep(0.1)
    blocks += stream.stop()
    check_whole(blocks)
    assert (blocks[-1].n_samples, blocks[-1].cause) == (0, Cause.TAIL)
    assert stream.totals.produced == transport.board.produced[-1]
    assert stream.stop() == []
    with pytest.raises(StopIteration):
        next(stream)


def test_events_come_with_the_next_block(board: Board) -> None:
    with board.stream() as stream:
        next(stream)
        board.set_counter(12)
        block = next(event_block for event_block in stream if event_block.events)
    assert [event.event for event in block.events] == [EventType.COUNTER]


# Settings while it runs.


def test_settings_can_be_changed_while_it_runs(board: Board, transport: FakeTransport) -> None:
    with board.stream(duration_s=1.0) as stream:
        blocks = take(stream, 3)
        board.chip.configure(channels=[1], gain=4)
        blocks += stream
    check_whole(blocks)
    gains = [block.epoch.gain[0] for block in blocks]
    assert gains == sorted(gains, reverse=True)
    assert set(gains) == {24.0, 4.0}
    paused = [block for block in blocks if block.cause is Cause.PAUSE]
    assert len(paused) == 1
    assert paused[0].is_estimate
    assert paused[0].epoch.gain[0] == 4.0
    assert sum(transport.board.produced) == stream.totals.produced
    assert stream.totals.paused >= 4  # the filter settles anew


def test_a_refused_change_leaves_it_running(board: Board, transport: FakeTransport) -> None:
    with board.stream(duration_s=0.5) as stream:
        blocks = take(stream, 3)
        n_requests = len(transport.board.requests)
        with pytest.raises(ValueError, match="gain"):
            board.chip.configure(channels=[1], gain=7)
        assert len(transport.board.requests) == n_requests
        transport.board.stuck[0x05] = 0x61
        with pytest.raises(ReadBackError, match="CH1SET"):
            board.chip.configure(channels=[1], gain=4)
        blocks += stream
    check_whole(blocks)
    assert {block.epoch.gain[0] for block in blocks} == {24.0}


@pytest.mark.slow
def test_settings_can_be_changed_from_another_thread() -> None:
    with TcpServer() as server, connect(server.address) as board:
        board.chip.set_rate(16000)
        with board.stream(duration_s=0.2) as stream:
            blocks = take(stream, 1)
            thread = threading.Thread(target=board.chip.configure, kwargs={"gain": 2})
            thread.start()
            blocks += stream
            thread.join()
    check_whole(blocks)
    assert {block.epoch.gain[0] for block in blocks} >= {24.0}


# The link.


@pytest.mark.slow
def test_a_link_that_was_cut_comes_back_and_the_gap_is_exact(
    board: Board, transport: FakeTransport
) -> None:
    with board.stream(duration_s=10.0) as stream:
        blocks = take(stream, 5)
        transport.cut()
        transport.reopen_refusals = 3
        blocks += stream
    check_whole(blocks)
    gaps = [block for block in blocks if block.lost_before]
    # The board sent what it still held when it was told to stop: 12 samples between two gaps.
    assert [gap.cause for gap in gaps] == [Cause.OUTAGE, Cause.OUTAGE]
    assert [gap.is_estimate for gap in gaps] == [False, True]
    recovery = stream.recoveries[0]
    assert recovery.attempts == 4
    assert recovery.restored == ()
    assert recovery.down_s == pytest.approx(0.1 + 0.2 + 0.4)  # the back-off
    totals = stream.totals
    assert totals.produced == sum(transport.board.produced)
    assert totals.lost_in_outages == totals.lost > 500
    assert [gap.lost_before for gap in gaps] == [totals.lost, totals.paused]
    elapsed_us = gaps[1].board_time_us - blocks[0].board_time_us
    assert gaps[1].first_conversion == elapsed_us // 1000


def test_registers_that_changed_in_the_outage_are_restored_and_reported(
    board: Board, transport: FakeTransport
) -> None:
    with board.stream(duration_s=2.0) as stream:
        blocks = take(stream, 5)
        transport.cut()
        transport.board.registers[0x05] = 0x10
        blocks += stream
    assert stream.recoveries[0].restored == (Mended(1, "CH1SET", was=0x10, now=0x61),)
    assert {block.epoch.gain[0] for block in blocks} == {24.0}
    assert transport.board.registers[0x05] == 0x61


def test_registers_that_cannot_be_restored_end_the_stream(
    board: Board, transport: FakeTransport
) -> None:
    stream = board.stream()
    take(stream, 5)
    transport.cut()
    transport.board.registers[0x05] = transport.board.stuck[0x05] = 0x10
    with pytest.raises(ReadBackError, match="CH1SET"):
        take(stream, 100)


def test_another_board_on_the_same_address_is_refused(
    board: Board, transport: FakeTransport
) -> None:
    stream = board.stream()
    take(stream, 5)
    transport.cut()
    transport.board.serial_number = "F-2"
    with pytest.raises(IdentityError, match="'F-2' answers where 'F-1' was"):
        take(stream, 100)


@pytest.mark.parametrize(
    ("what", "value", "said"),
    [
        ("vref_uv", 2_500_000, "reference, V 2.5 where 4.5 was"),
        ("f_clk_hz", 1_024_000, "master clock, Hz 1024000.0 where 2048000.0 was"),
        ("channels_per_chip", 4, "channels a chip 4 where 8 was"),
        ("chip_count", 2, "chips 2 where 1 was"),
        ("capabilities", 0x8000001F, "simulated True where False was"),
    ],
)
def test_a_board_that_comes_back_changed_is_refused_and_none_of_its_samples_used(
    board: Board, transport: FakeTransport, what: str, value: int, said: str
) -> None:
    """Under the same serial number; with another reference its samples came 1.8 times too large."""
    stream = board.stream()
    before = take(stream, 5)
    transport.cut()
    setattr(transport.board, what, value)
    with pytest.raises(IdentityError, match=said):
        take(stream, 100)
    assert list(stream) == []
    assert stream.totals.received == sum(block.n_samples for block in before)


def test_another_chip_on_the_same_board_is_refused(board: Board, transport: FakeTransport) -> None:
    stream = board.stream()
    take(stream, 5)
    transport.cut()
    transport.board.registers[0] = 0x1E
    with pytest.raises(IdentityError, match="chip 1 has ID 1Eh where 3Eh was"):
        take(stream, 100)


def test_a_link_that_does_not_come_back_is_given_up(transport: FakeTransport) -> None:
    with Board(transport, reconnect=ReconnectPolicy(total_s=5.0)) as board:
        stream = board.stream()
        take(stream, 5)
        transport.cut()
        transport.reopen_refusals = 1000
        before_s = transport.clock.now
        with pytest.raises(
            TransportError, match=r"not back after 3\.1 s .6 attempts.: fake: nobody"
        ):
            take(stream, 100)
        assert transport.clock.now - before_s < 5.0
        with pytest.raises(StopIteration):
            next(stream)


def test_reconnection_can_be_switched_off(transport: FakeTransport) -> None:
    with Board(transport, reconnect=ReconnectPolicy(total_s=0.0)) as board:
        stream = board.stream()
        take(stream, 5)
        transport.cut()
        with pytest.raises(TransportError, match="the link is cut"):
            take(stream, 100)


@pytest.mark.slow
def test_a_link_that_is_cut_while_it_is_mended_is_mended_again(
    board: Board, transport: FakeTransport
) -> None:
    hello = transport.board._do
    cuts = iter([True, True, False])

    def cut_at_hello(asked: object) -> object:
        if transport.board.requests[-1] == Request.HELLO and next(cuts, False):
            transport.cut()
        return hello(asked)  # type: ignore[arg-type]

    with board.stream(duration_s=3.0) as stream:
        blocks = take(stream, 5)
        transport.board._do = cut_at_hello  # type: ignore[assignment, method-assign]
        transport.cut()
        blocks += stream
    check_whole(blocks)
    assert stream.recoveries[0].attempts == 3


def test_a_link_cut_at_the_very_end_costs_nothing_but_what_was_on_it(
    board: Board, transport: FakeTransport
) -> None:
    stream = board.stream()
    blocks = take(stream, 5)
    transport.clock.sleep(0.5)
    transport.cut()
    blocks += stream.stop()
    check_whole(blocks)
    assert not transport.board.streaming
    assert stream.totals.produced == transport.board.produced[-1]
    assert blocks[-1].cause is Cause.OUTAGE


@pytest.mark.slow
def test_a_board_that_started_anew_gets_its_registers_back(
    board: Board, transport: FakeTransport
) -> None:
    board.apply("facial-emg")
    with board.stream(duration_s=3.0) as stream:
        blocks = take(stream, 5)
        transport.board.restart()
        blocks += stream
    check_whole(blocks)
    assert Mended(1, "CONFIG1", was=0x96, now=0x94) in stream.recoveries[0].restored
    gap = next(block for block in blocks if block.cause is Cause.RESTART)
    assert gap.is_estimate
    assert [event.event for event in gap.events] == [EventType.BOOT]
    assert {block.epoch.gain[0] for block in blocks} == {12.0}
    # The whole stream is as long as the host's clock says, to a packet or two.
    assert blocks[-1].first_conversion + blocks[-1].n_samples == 3000


@pytest.mark.slow
def test_a_chip_that_lost_its_registers_gets_them_back(
    board: Board, transport: FakeTransport
) -> None:
    board.apply("facial-emg")
    with board.stream(duration_s=3.0) as stream:
        blocks = take(stream, 5)
        transport.board.brown_out()
        blocks += stream
    check_whole(blocks)
    assert stream.recoveries[0].reason == Interruption(Happened.CHIP_LOST, chip=1)
    assert {block.epoch.gain[0] for block in blocks} == {12.0}
    assert stream.totals.produced == sum(transport.board.produced)


@pytest.mark.parametrize("accident", ["restart", "brown_out"])
def test_registers_lost_while_idle_are_restored_before_anything_else(
    board: Board, transport: FakeTransport, accident: str
) -> None:
    board.apply("facial-emg")
    getattr(transport.board, accident)()
    board.stats()  # the event comes with its answer
    board.chip.configure(channels=[1], gain=24)
    np.testing.assert_array_equal(board.chip.gains[:3], [24.0, 12.0, 12.0])
    getattr(transport.board, accident)()
    board.stats()
    with board.stream(duration_s=0.1) as stream:
        blocks = list(stream)
    assert {tuple(block.epoch.gain[:3]) for block in blocks} == {(24.0, 12.0, 12.0)}
    assert sum(block.n_samples for block in blocks) == 100


def test_settings_changed_in_the_very_moment_of_a_brown_out_lose_no_other(
    board: Board, transport: FakeTransport
) -> None:
    board.apply("facial-emg")
    with board.stream(duration_s=1.0) as stream:
        blocks = take(stream, 5)
        transport.board.brown_out()
        board.chip.configure(channels=[1], gain=24)
        blocks += stream
    check_whole(blocks)
    assert {tuple(block.epoch.gain[:2]) for block in blocks} == {(12.0, 12.0), (24.0, 12.0)}


def test_a_stream_of_a_board_that_was_closed_has_ended() -> None:
    transport = FakeTransport()
    with Board(transport) as board:
        stream = board.stream()
        next(stream)
    assert not stream.is_on
    with pytest.raises(StopIteration):
        next(stream)


def test_a_board_that_started_anew_has_no_old_settings(
    board: Board, transport: FakeTransport
) -> None:
    for gain in (1, 2, 4):
        board.chip.configure(channels=[1], gain=gain)
    with board.stream(duration_s=1.0) as stream:
        take(stream, 5)
        transport.board.restart()
        list(stream)
    assert set(board._connection.epochs) == {0, transport.board.epoch}  # both were read since


def test_the_board_watches_a_register_that_a_reset_would_change(
    board: Board, transport: FakeTransport
) -> None:
    with board.stream(duration_s=0.05) as stream:
        list(stream)
    assert transport.board.canary == 0x01  # CONFIG1: 1000 SPS
    board.chip.set_rate(250)  # now CONFIG1 has its reset value
    board.chip.reference(internal=True)
    board.chip.configure(channels=[1, 2], gain=12)
    with board.stream(duration_s=0.05) as stream:
        list(stream)
    assert transport.board.canary == 0x03  # CONFIG3


# Silence.


def test_a_chip_that_stops_converting_is_said(board: Board, transport: FakeTransport) -> None:
    # BrainFlow, complaint 11: the buffer stays empty, and no error.
    transport.board.conversions_stop_at = 100
    with pytest.raises(DeviceError, match="DRDY does not fall"), board.stream() as stream:
        take(stream, 100)
    assert not transport.board.streaming


@pytest.mark.slow
def test_a_run_that_ended_by_itself_is_begun_again(board: Board, transport: FakeTransport) -> None:
    with board.stream(duration_s=6.0) as stream:
        blocks = take(stream, 5)
        transport.board._end_run()
        blocks += stream
    check_whole(blocks)
    assert stream.recoveries[0].reason == Interruption(Happened.BOARD_STOPPED)


def test_a_board_that_is_silent_for_good_is_given_up(transport: FakeTransport) -> None:
    with Board(transport, reconnect=ReconnectPolicy(total_s=10.0)) as board:
        stream = board.stream()
        take(stream, 5)
        transport.board.on_the_wire = lambda packet: b""
        with pytest.raises(TransportError, match="not back after"):
            take(stream, 100)


# The host.


@pytest.mark.slow
def test_a_reader_that_is_too_slow_is_told_what_was_dropped() -> None:
    with TcpServer() as server, connect(server.address) as board:
        board.chip.set_rate(16000)
        stream = board.stream(queue_samples=100)
        link = board._connection.link
        assert link.wait(lambda: stream.totals.dropped_here > 200, 300.0)
        blocks = [next(stream)]
        assert link.wait(lambda: stream.totals.dropped_here > 400, 300.0)
        blocks += [next(stream) for _ in range(8)]
        blocks += stream.stop()
    check_whole(blocks)
    totals = stream.totals
    assert totals.lost == 0
    assert totals.produced == server.board.produced[-1]
    assert totals.delivered == sum(block.n_samples for block in blocks)
    assert sum(block.lost_before for block in blocks) == totals.dropped_here
    assert {block.cause for block in blocks if block.lost_before} == {Cause.HOST}


def test_what_the_link_lost_before_dropped_samples_is_told_with_them() -> None:
    server = TcpServer()
    n_packets = 0

    def lose_every_third(packet: bytes) -> bytes:
        nonlocal n_packets
        n_packets += packet[3] == SAMPLES
        return b"" if packet[3] == SAMPLES and n_packets % 3 == 0 else packet

    server.board.on_the_wire = lose_every_third
    with server, connect(server.address) as board:
        board.chip.set_rate(16000)
        stream = board.stream(queue_samples=50)
        link = board._connection.link
        assert link.wait(lambda: stream.totals.dropped_here > 200, 300.0)
        blocks = stream.stop()
    check_whole(blocks)
    totals = stream.totals
    assert totals.lost > 0
    assert sum(block.lost_before for block in blocks) == totals.lost + totals.dropped_here


class Paced(FakeTransport):
    """A board on virtual time whose bytes count as coming by themselves, `step_s` of them a read."""

    is_paced = True


@pytest.mark.parametrize(
    ("piece_s", "last_s", "blocks_are"),
    [
        # A queue of 100 has a packet of 16; pieces of 144 or 192 do not fit. At the end, of 1600:
        (0.009, 0.009, [(16, Cause.NONE), (0, Cause.HOST)]),  # nothing fits
        (0.012, 0.012, [(16, Cause.NONE), (48, Cause.HOST)]),  # what the duration leaves of a piece
        (0.012, 0.001, [(16, Cause.NONE), (16, Cause.HOST), *[(16, Cause.NONE)] * 2]),  # packets
    ],
)
def test_what_was_dropped_at_the_very_end_is_told_too(
    piece_s: float, last_s: float, blocks_are: list[tuple[int, Cause]]
) -> None:
    transport = Paced()
    with Board(transport) as board:
        board.chip.set_rate(16000)
        link = board._connection.link
        with link.in_group():  # who reads when is said here alone
            stream = board.stream(duration_s=0.1, queue_samples=100)
            transport.step_s = 0.001
            assert link.wait(lambda: stream.totals.received >= 16, 300.0)
            transport.step_s = piece_s
            assert link.wait(lambda: stream.totals.received >= 1450, 300.0)
            transport.step_s = last_s
            assert link.wait(lambda: stream.totals.received >= 1700, 300.0)
            blocks = list(stream)
    check_whole(blocks)
    assert blocks[-1].first_conversion + blocks[-1].n_samples == 1600
    assert [(block.n_samples, block.cause) for block in blocks] == blocks_are
    assert stream.totals.delivered == sum(block.n_samples for block in blocks)
    assert sum(block.lost_before for block in blocks) == stream.totals.dropped_here > 0


def test_a_fast_board_is_not_held_back_after_a_hiccup() -> None:
    """What has piled up is read at once; what comes behind it at 16 kSPS is not waited for."""
    transport = Paced()
    with Board(transport) as board:
        board.chip.set_rate(16000)
        with board._connection.link.in_group(), board.stream() as stream:
            next(stream)
            transport.clock.sleep(0.1)  # 43 kB
            before_s = transport.clock.now
            assert next(stream).n_samples >= 1584
            assert transport.clock.now - before_s < 0.01


def test_nothing_is_dropped_where_time_waits_for_the_reader(
    board: Board, transport: FakeTransport
) -> None:
    with board.stream(queue_samples=1) as stream:
        next(stream)
        transport.clock.sleep(1.0)
        board.stats()  # its answer comes behind all the samples
        take(stream, 10)
    assert stream.totals.dropped_here == 0


def test_leaving_the_loop_early_counts_the_rest_as_unused(
    board: Board, transport: FakeTransport
) -> None:
    with board.stream() as stream:
        block = next(stream)
        transport.clock.sleep(0.2)
    assert stream.totals.unused >= 180
    assert stream.totals.delivered == block.n_samples


# A bad link.

FATES = st.lists(
    st.sampled_from(["ok"] * 8 + ["drop", "double", "damage", "stray", "cut"]),
    min_size=60,
    max_size=60,
)


def where(code: int, n_runs: int) -> tuple[int, int]:
    """Find the run and conversion of a code of channel 1."""
    for run in range(1, n_runs + 1):
        conversion, rest = divmod((code + (1 << 22) - 1 - run * 1_000_003) % (1 << 23), 64)
        if not rest and conversion < 10_000:
            return run, conversion
    raise AssertionError(f"code {code} was never sent")


@pytest.mark.long
@pytest.mark.slow
@examples(25)
@given(FATES, st.integers(0, 2**32 - 1))
def test_whatever_the_link_does_the_account_is_exact_and_no_sample_is_wrong(
    fates: list[str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    transport, left = FakeTransport(), iter(fates)

    def on_the_wire(packet: bytes) -> bytes:
        if packet[3] != SAMPLES:
            return packet
        fate = next(left, "ok")
        at = int(rng.integers(len(packet)))
        if fate == "cut":
            transport.cut()
        flipped = bytes([packet[at] ^ int(rng.integers(1, 256))])
        return {
            "drop": b"",
            "double": packet + packet,
            "damage": packet[:at] + flipped + packet[at + 1 :],
            "stray": packet[:at] + b"\xa5" + packet[at:],
        }.get(fate, packet)

    with Board(transport) as board:
        board.chip.set_rate(1000)
        transport.board.on_the_wire = on_the_wire
        with board.stream(frames_per_packet=5) as stream:
            blocks = [next(stream) for _ in range(30)]
            blocks += stream.stop()
    check_whole(blocks)
    totals = stream.totals
    assert totals.received + totals.lost == sum(transport.board.produced)
    assert totals.delivered == totals.received == sum(block.n_samples for block in blocks)
    first_us = next(block for block in blocks if block.n_samples)
    zero_us = first_us.board_time_us - 1000 * first_us.first_conversion
    for block in blocks:
        if not block.n_samples:
            continue
        assert block.board_time_us == zero_us + 1000 * block.first_conversion
        run, first = where(int(block.codes[0, 0]), transport.board.run)
        expected = true_codes(run, range(first, first + block.n_samples))
        np.testing.assert_array_equal(block.codes, expected)


def test_one_byte_lost_before_a_payload_full_of_sync_bytes_costs_one_packet(
    board: Board, transport: FakeTransport
) -> None:
    # BrainFlow, rows E, F, F2 and J: it never found the packets again, or 4498 wrong samples.
    n_packets = 0

    def lose_a_byte(packet: bytes) -> bytes:
        nonlocal n_packets
        if packet[3] != SAMPLES:
            return packet
        n_packets += 1
        frames = packet[30:-4]
        again = transport.board.encode
        body = packet[8:30] + b"\xc0\x00\x00" + bytes.fromhex("a55a01") * 8
        body += frames[27:]
        again._sequence -= 1
        packet = again(SAMPLES, body)
        return packet[1:] if n_packets == 4 else packet

    transport.board.on_the_wire = lose_a_byte
    with board.stream(duration_s=1.0) as stream:
        blocks = list(stream)
    check_whole(blocks)
    assert (stream.totals.lost, stream.totals.lost_on_link) == (16, 16)


def test_one_percent_lost_before_numbering_is_seen_by_the_boards_clock(
    board: Board, transport: FakeTransport
) -> None:
    # BrainFlow, row D2: invisible. A board that numbers what it read, not what it converted:
    sent = 0

    def hide(packet: bytes) -> bytes:
        nonlocal sent
        if packet[3] != SAMPLES:
            return packet
        body = bytearray(packet[8:-4])
        time_us = int.from_bytes(body[4:12], "little") + 1000 * (sent // 10)  # one in 160 is gone
        body[4:12] = time_us.to_bytes(8, "little")
        sent += 1
        transport.board.encode._sequence -= 1
        return transport.board.encode(SAMPLES, bytes(body))

    transport.board.on_the_wire = hide
    with board.stream(duration_s=1.6) as stream:
        list(stream)
    assert stream.totals.lost == 0
    assert stream.totals.hidden == pytest.approx(9, abs=1)


# The simulated board.


def run_simulator(query: str, duration_s: float) -> tuple[Stream, SimTransport, list[Block]]:
    transport = SimTransport(query)
    with Board(transport, silence_s=0.5) as board:
        board.apply("facial-emg")
        with board.stream(duration_s=duration_s) as stream:
            blocks = list(stream)
    return stream, transport, blocks


def test_the_simulated_boards_own_count_agrees() -> None:
    stream, transport, blocks = run_simulator("bench&source=silence", 1.0)
    check_whole(blocks)
    assert sum(block.n_samples for block in blocks) == 1000
    assert stream.totals.produced == sum(transport.board.produced)
    assert stream.rate_check is not None
    fit = stream.clock_fit
    assert fit is not None
    assert fit.unix_s(blocks[-1].board_time_us) < transport.clock.unix_s()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "sign"),
    [
        ("packets-lost", "lost_on_link"),
        ("packets-doubled", "repeated"),
        ("packets-reordered", "repeated"),
        ("packets-damaged", "lost_on_link"),
        ("link-garbage", ""),
        ("link-stall", ""),
        ("link-cut", "lost_in_outages"),
        ("host-slow", "lost_on_board"),
        ("reads-missed", "lost_on_board"),
        ("brown-out", "paused"),
        ("board-restart", "paused"),
        ("clock-drift", ""),
    ],
)
def test_with_a_fault_in_the_link_received_and_lost_are_what_the_chip_converted(
    fault: str, sign: str
) -> None:
    stream, transport, blocks = run_simulator(f"bench&source=silence&seed=3&fault={fault}", 4.0)
    check_whole(blocks)
    totals = stream.totals
    assert blocks[-1].first_conversion + blocks[-1].n_samples == 4000
    if fault == "board-restart":  # what it held unsent is gone with its memory: less than a packet
        assert 0 <= sum(transport.board.produced) - totals.produced < 16
    else:
        assert totals.received + totals.lost == sum(transport.board.produced)
    if sign:
        assert getattr(totals, sign) > 0
    else:
        assert (totals.lost, totals.repeated, totals.paused) == (0, 0, 0)


@pytest.mark.slow
def test_a_chip_without_drdy_is_said_and_a_wrong_clock_is_flagged() -> None:
    with pytest.raises(DeviceError, match="DRDY does not fall"):
        run_simulator("bench&source=silence&fault=drdy-dead", 2.0)
    stream, _, _ = run_simulator("bench&source=silence&fault=clock-wrong", 2.0)
    assert stream.rate_check is not None
    assert stream.rate_check.verdict is RateVerdict.BAD
    stream, _, _ = run_simulator("bench&source=silence&fault=drdy-slow", 2.0)
    assert stream.rate_check is not None
    assert stream.rate_check.verdict is RateVerdict.BAD
    assert stream.totals.hidden > 0
