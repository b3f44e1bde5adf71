"""Runs: every conversion is sent or accounted for; how time passes changes no byte."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.onboard.sample_packets import encode_sample_packets, packet_bytes
from emgrig.onboard.seams import BoardFacts
from emgrig.protocol import packets as wire
from emgrig.protocol.framing import PACKET, PacketType
from emgrig.protocol.packets import SAMPLES, ErrorCode, Request, SampleFlag
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.chip.ads1299 import Ads1299Chip
from emgrig.simulator.faults.actions import limit_link, miss_reads, stall_link
from properties import examples
from simulator.fake_front_end import CountingFrontEnd
from simulator.pc import RATE_2000, SDATAC, Pc, counting_board, on_board, request_bytes
from simulator.pc import start as start_run


def stream(board: SimulatedBoard, duration_s: float, **options: int) -> tuple[Pc, wire.Stopped]:
    """One run of `duration_s`, read all the time."""
    pc = on_board(board, wait_s=0.02)
    start_run(pc, **options)
    end_s = board.now_s + duration_s
    while board.now_s < end_s:
        board.run_until(min(board.now_s + 0.05, end_s))
        pc.receive()
    return pc, stop(pc)


def stop(pc: Pc) -> wire.Stopped:
    stopped = pc.ask(Request.STOP)
    assert isinstance(stopped, wire.Stopped), stopped
    return stopped


def stats(pc: Pc) -> wire.Stats:
    found = pc.ask(Request.STATS)
    assert isinstance(found, wire.Stats), found
    return found


@pytest.mark.slow
@given(
    n_packets=st.integers(1, 4),
    n_frames=st.integers(1, 20),
    frame_bytes=st.sampled_from([15, 27, 54]),
    first=st.integers(0, 2**32 - 1),
    settings_epoch=st.integers(0, 65535),
    sequence=st.integers(0, 65535),
    seed=st.integers(0, 2**32),
)
def test_packets_in_bulk_are_what_construct_declares(
    n_packets: int,
    n_frames: int,
    frame_bytes: int,
    first: int,
    settings_epoch: int,
    sequence: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (n_packets, n_frames, frame_bytes)).astype(np.uint8)
    firsts = first + n_frames * np.arange(n_packets)
    times = rng.integers(0, 2**50, n_packets)
    flags = rng.integers(0, 8, n_packets)
    data = encode_sample_packets(frames, firsts, times, flags, settings_epoch, sequence)
    length = packet_bytes(n_frames, frame_bytes)
    assert len(data) == n_packets * length
    packets = [data[at : at + length] for at in range(0, len(data), length)]
    for number, packet in enumerate(packets):
        head = wire.SamplesHeader(
            int(firsts[number]) % 2**32,
            int(times[number]),
            n_frames,
            frame_bytes,
            settings_epoch,
            int(flags[number]),
        )
        outer = PACKET.parse(packet)
        assert outer.header.type == PacketType.SAMPLES
        assert outer.header.sequence == (sequence + number) % 65536
        assert outer.payload == head.encode() + frames[number].tobytes()
        assert len(packet) == packet_bytes(n_frames, frame_bytes) == len(outer.payload) + 12
        assert list(SAMPLES.parse(outer.payload).frames) == [f.tobytes() for f in frames[number]]


def test_every_conversion_of_a_run_is_received() -> None:
    board = counting_board()
    pc, stopped = stream(board, 1.0)
    assert board.produced == (stopped.conversions,)
    started = wire.Started.decode(pc.replies()[3].data)
    elapsed_us = stopped.board_time_us - started.board_time_us
    assert stopped.conversions == pytest.approx(elapsed_us / 500 - 3, abs=2)  # 4 tDR of settling
    assert np.array_equal(pc.conversions(), np.arange(stopped.conversions))
    totals = pc.account(stopped).totals
    assert (totals.received, totals.lost, totals.hidden) == (stopped.conversions, 0, 0)
    found = stats(pc)
    assert (found.conversions, found.frames_sent) == (stopped.conversions, stopped.conversions)


@pytest.mark.slow
def test_frames_are_those_that_spi_gives_one_by_one() -> None:
    """The same chip, read with `transfer` at each DRDY as a real processor does."""
    pc, stopped = stream(counting_board(), 0.2)
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(400_000)
    for mosi in (b"\x11", b"\x41\x00\x93", b"\x51\x00\x5a", b"\x10", b"\x08"):
        chip.transfer(mosi)
    rows = []
    for _ in range(stopped.conversions):
        assert chip.next_drdy_tick is not None
        chip.advance_to(chip.next_drdy_tick)
        rows.append(chip.transfer(bytes(27), sclk_hz=8e6))
    assert pc.frames().tobytes() == b"".join(rows)


@pytest.mark.slow
@pytest.mark.parametrize("n_chips", [1, 2])
def test_how_time_passes_changes_no_byte(n_chips: int) -> None:
    def run(steps_s: list[float]) -> bytes:
        board = counting_board(n_chips)
        for front_end in board.front_ends:
            front_end.moving_stat = True  # type: ignore[attr-defined] - lead-off events too
        miss_reads(board, 0.02, seed=3)
        pc = on_board(board)
        start_run(pc)
        pc.ask(Request.CLOCK, wire.ClockArguments(0))
        begin_s = board.now_s
        for step_s in steps_s:
            board.run_until(begin_s + step_s)
            pc.receive()
        stop(pc)
        return bytes(pc.raw)

    whole = run([0.5])
    assert run([*np.arange(0.0011, 0.5, 0.0011).tolist(), 0.5]) == whole
    assert run([0.017, 0.3, 0.301, 0.5]) == whole


@pytest.mark.parametrize("frames_per_packet", [1, 7, 16, 64])
def test_packets_hold_as_many_frames_as_asked_for(frames_per_packet: int) -> None:
    pc, stopped = stream(counting_board(), 0.2, frames_per_packet=frames_per_packet)
    sizes = [run.frames.shape[1] for run in pc.samples() for _ in range(run.n_packets)]
    assert set(sizes[:-1]) == {frames_per_packet}
    assert sum(sizes) == stopped.conversions


def test_board_time_is_that_of_the_first_edge_by_the_boards_own_crystal() -> None:
    board = counting_board(drift_ppm=1000.0)
    pc, _ = stream(board, 0.5)
    times = np.concatenate([run.board_time_us for run in pc.samples()])
    assert np.diff(times[:-1]) == pytest.approx(16 * 500 * 1.001, abs=1)
    started = wire.Started.decode(pc.replies()[3].data)
    # the first DRDY falls 4 tDR + 9 tCLK after START (SBAS499C, table 7)
    assert times[0] - started.board_time_us == pytest.approx(2004.4 * 1.001, abs=6)


def test_the_packet_is_closed_when_settings_change() -> None:
    board = counting_board()
    pc = on_board(board)
    start_run(pc)
    board.run_until(board.now_s + 0.0051)
    pc.ask(Request.CHIP_COMMAND, wire.ChipCommand(0, 0x02))
    board.run_until(board.now_s + 0.1)
    stop(pc)
    sizes = [run.frames.shape[1] for run in pc.samples() for _ in range(run.n_packets)]
    assert sizes[0] == 8  # (5.1 ms - 2 ms) / 0.5 ms, one, and the next before the command
    assert sizes[1] == 16


def test_a_register_that_is_written_in_a_run_closes_the_packet_before() -> None:
    board = counting_board()
    pc = on_board(board)
    start_run(pc)
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    before = pc.ask(Request.CLOCK, wire.ClockArguments(0))
    assert isinstance(before, wire.ClockReading)
    board.run_until(board.now_s + 0.003)  # some frames that fill no packet
    epoch = pc.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(0, 0x05, b"\x60"))
    assert isinstance(epoch, wire.SettingsEpoch)
    written = pc.ask(Request.CLOCK, wire.ClockArguments(0))
    assert isinstance(written, wire.ClockReading)
    board.run_until(board.now_s + 0.05)
    stop(pc)
    for run in pc.samples():  # a frame has the epoch that was in force when it was converted
        for settings, first_us in zip(run.settings, run.board_time_us, strict=True):
            assert (settings == epoch.settings) == (first_us > written.board_time_us - 100)


def test_what_is_refused_changes_nothing_in_a_run() -> None:
    board = counting_board()
    pc = on_board(board)
    start_run(pc)
    for _ in range(5):
        board.run_until(board.now_s + 0.0031)
        refused = pc.ask(Request.CHIP_COMMAND, wire.ChipCommand(9, 0x11))
        assert isinstance(refused, wire.ErrorReply)
        assert refused.code == ErrorCode.NO_SUCH_CHIP
        refused = pc.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(0, 1, b"\x94"))
        assert isinstance(refused, wire.ErrorReply)
        assert refused.code == ErrorCode.IN_RDATAC
    stop(pc)
    assert {run.frames.shape[1] for run in pc.samples()[:-1]} == {16}


def test_frames_of_a_run_before_are_not_counted_in_the_next() -> None:
    board = counting_board()
    client = board.connect(512)  # the PC takes so much, and then nothing until it reads
    for number, (request, arguments) in enumerate(
        [(Request.CHIP_COMMAND, SDATAC), (Request.START, wire.StartArguments(16, 3))]
    ):
        board.receive(client, request_bytes(number, request, arguments.encode()))
    board.run_until(board.now_s + 0.5)  # 125 conversions at 250 SPS: most of them wait
    board.receive(client, request_bytes(8, Request.STOP, b""))
    again = wire.StartArguments(16, 3).encode()
    board.receive(client, request_bytes(9, Request.START, again))
    board.run_until(board.now_s + 0.01)  # less than a packet
    for number in range(10, 20):
        while board.take(client):
            board.run_until(board.now_s + 0.001)
        board.receive(client, request_bytes(number, Request.STATS, b""))
    raw = board.take(client)
    packet = PACKET.parse(raw[-57:])  # head 8, reply head 4, STATS 41, CRC 4
    found = wire.Stats.decode(packet.payload[4:])
    assert (found.run, found.frames_sent) == (2, found.conversions // 16 * 16)


def test_two_chips_lie_side_by_side() -> None:
    board = counting_board(2)
    for front_end, status in zip(board.front_ends, (0x01, 0x80), strict=True):
        front_end.stat = (status, 0, 0)  # type: ignore[attr-defined]
    pc = on_board(board)
    start_run(pc, n_chips=2)
    board.run_until(board.now_s + 0.1)
    stopped = stop(pc)
    frames = pc.frames()
    assert frames.shape == (stopped.conversions, 54)
    assert np.array_equal(frames[:, 3:27], frames[:, 30:54])
    assert frames[:, :3].tobytes() == b"\xc0\x10\x00" * len(frames)
    assert frames[:, 27:30].tobytes() == b"\xc8\x00\x00" * len(frames)
    (event,) = pc.events(wire.LeadOffEvent)
    assert event.body == wire.LeadOffEvent(0x8001, 0)


def test_an_electrode_that_comes_off_and_on_is_two_events() -> None:
    board = counting_board()
    (front_end,) = board.front_ends
    pc = on_board(board)
    start_run(pc)
    for stat in ((0, 0, 0), (0x04, 0, 0), (0, 0x20, 0)):
        front_end.stat = stat  # type: ignore[attr-defined]
        board.run_until(board.now_s + 0.1)
    stop(pc)
    events = pc.events(wire.LeadOffEvent)
    assert [event.body for event in events] == [wire.LeadOffEvent(4, 0), wire.LeadOffEvent(0, 32)]
    # status byte 0 has bit 2 of STATP = 04h not at all: it is in bits 15 to 12 of the word
    words = pc.frames()[:, :3]
    changed = int(np.flatnonzero((words == [0xC0, 0x40, 0]).all(axis=1))[0])
    assert events[0].conversion == changed


def test_missed_reads_are_gaps_with_a_flag_and_counted() -> None:
    board = counting_board()
    miss_reads(board, 0.02, seed=1)
    pc, stopped = stream(board, 1.0)
    totals = pc.account(stopped).totals
    found = stats(pc)
    assert totals.received + totals.lost == board.produced[0] == stopped.conversions
    assert totals.lost_on_link == 0
    assert found.missed_drdy == totals.lost > 10
    assert found.frames_sent == totals.received
    flagged = sum(int((run.flags & SampleFlag.CONVERSION_MISSED > 0).sum()) for run in pc.samples())
    assert flagged >= totals.lost_on_board / 5


def test_a_link_that_is_too_slow_overflows_and_says_so() -> None:
    board = counting_board(facts=BoardFacts(transmit_bytes=8192))
    limit_link(board, 20_000.0)  # 2000 SPS need 59 kB/s
    pc, stopped = stream(board, 3.0)
    found = stats(pc)
    totals = pc.account(stopped).totals
    assert totals.received + totals.lost == stopped.conversions
    assert found.transmit_overflows == totals.lost > 2000
    assert pc.decoder.counts.sequence_gaps == 0  # nothing is lost behind the board
    events = pc.events(wire.OverflowEvent)
    assert len(events) >= 3
    assert sum(event.body.frames for event in events) == found.transmit_overflows  # type: ignore[union-attr]
    assert 7000 < found.buffer_high_water < 8192 + 200
    assert len(pc.raw) == pytest.approx(3.0 * 20_000 + 8192, rel=0.1)
    assert any((run.flags & SampleFlag.TRANSMIT_OVERFLOW).any() for run in pc.samples())


def test_a_stalled_link_loses_only_what_the_buffer_cannot_hold() -> None:
    board = counting_board(facts=BoardFacts(transmit_bytes=1 << 16))
    board.schedule(0.5, lambda: stall_link(board, 0.5, 0.0))
    pc, stopped = stream(board, 1.5)
    assert pc.account(stopped).totals.lost == 0
    assert stats(pc).buffer_high_water == pytest.approx(0.5 * 59_000, rel=0.05)


def test_a_second_client_is_refused_while_one_streams() -> None:
    board = counting_board()
    first, second = on_board(board), on_board(board)
    assert isinstance(second.ask(Request.STATS), wire.Stats)
    start_run(first)
    for request, arguments in (
        (Request.HELLO, wire.HelloArguments(1, "second")),
        (Request.STATS, wire.NoArguments()),
        (Request.STOP, wire.NoArguments()),
    ):
        reply = second.ask(request, arguments)
        assert isinstance(reply, wire.ErrorReply)
        assert reply.code == ErrorCode.BUSY
        assert "busy" in reply.text
    board.run_until(board.now_s + 0.1)
    second.receive()
    assert not second.samples()
    asked = request_bytes(9, Request.STATS, b"")
    board.receive(second.client, asked)  # type: ignore[attr-defined]
    assert stop(first).conversions == board.produced[0]
    board.receive(second.client, asked)  # type: ignore[attr-defined] - asked again, with its id
    second.receive()
    assert [reply.error is None for reply in second.replies()[-2:]] == [False, True]


def test_after_an_outage_the_count_is_exact() -> None:
    board = counting_board()
    first = on_board(board)
    start_run(first)
    board.run_until(board.now_s + 0.5)
    first.receive()
    board.disconnect(first.client)  # type: ignore[attr-defined]
    board.run_until(board.now_s + 2.0)
    second = on_board(board)
    found = stats(second)
    assert (found.streaming, found.run) == (1, 1)
    board.run_until(board.now_s + 0.5)
    stopped = stop(second)
    assert stopped.conversions == board.produced[0] == pytest.approx(6000, abs=10)
    first.items += second.samples()
    totals = first.account(stopped).totals
    assert totals.received + totals.lost == stopped.conversions
    assert totals.lost == pytest.approx(4000, abs=40)
    found = stats(second)
    assert found.frames_sent + found.transmit_overflows == stopped.conversions
    (event,) = second.events(wire.OverflowEvent)
    assert event.body == wire.OverflowEvent(found.transmit_overflows)


def test_a_run_without_a_client_ends_after_a_while() -> None:
    board = counting_board(facts=BoardFacts(linger_s=5.0))
    first = on_board(board)
    start_run(first)
    board.disconnect(first.client)  # type: ignore[attr-defined]
    board.run_until(board.now_s + 4.9)
    assert board.is_streaming
    board.run_until(board.now_s + 20.0)
    assert not board.is_streaming
    found = stats(on_board(board))
    assert found.streaming == 0
    assert found.conversions == board.produced[0] == pytest.approx(10_000, abs=10)


def test_a_brown_out_is_an_event_and_leaves_default_registers() -> None:
    board = counting_board()
    board.schedule(1.0, lambda: board.bank.buses[0].chip.brown_out())
    pc, stopped = stream(board, 2.0)
    (event,) = pc.events(wire.ChipLostEvent)
    assert event.body == wire.ChipLostEvent(0, 0x11, 0x5A, 0x00)
    assert event.conversion == stopped.conversions == board.produced[0] == pc.conversions()[-1] + 1
    found = stats(pc)
    assert (found.brown_outs, found.settings) == (1, 3)
    registers = pc.ask(Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 24))
    assert isinstance(registers, wire.Registers)
    assert registers.values.hex() == "3e96c060006161616161616161000000000000000f000000"


def test_without_drdy_and_with_a_good_canary_the_run_goes_on() -> None:
    board = counting_board()
    pc = on_board(board)
    start_run(pc)
    board.run_until(board.now_s + 0.1)
    pc.ask(Request.CHIP_COMMAND, wire.ChipCommand(0, 0x0A))  # STOP behind the firmware's back
    board.run_until(board.now_s + 2.5)
    pc.ask(Request.CHIP_COMMAND, wire.ChipCommand(0, 0x08))
    board.run_until(board.now_s + 0.1)
    stopped = stop(pc)
    assert not pc.events(wire.ChipLostEvent)
    assert stopped.conversions == board.produced[0] == pytest.approx(400, abs=15)
    assert np.array_equal(pc.conversions(), np.arange(stopped.conversions))


def test_the_counter_event_names_its_conversion() -> None:
    board = counting_board()
    pc = on_board(board)
    start_run(pc)
    board.run_until(board.now_s + 0.5)
    pc.ask(Request.SET_COUNTER, wire.SetCounterArguments(9))
    (event,) = pc.events(wire.CounterEvent)
    assert event.conversion == pytest.approx(997, abs=2)
    stop(pc)


def test_runs_are_numbered_and_begin_at_conversion_0() -> None:
    board = counting_board()
    pc = on_board(board)
    for number in (1, 2):
        pc.ask(Request.CHIP_COMMAND, SDATAC)
        pc.ask(Request.WRITE_REGISTERS, RATE_2000)
        started = pc.ask(Request.START, wire.StartArguments(16, 0x11))
        assert isinstance(started, wire.Started)
        assert (started.run, started.settings) == (number, number)
        pc.items.clear()
        board.run_until(board.now_s + 0.1)
        assert stop(pc).run == number
        assert pc.conversions()[0] == 0
        assert {int(epoch) for run in pc.samples() for epoch in run.settings} == {number}


@pytest.mark.slow
@examples(15)
@given(st.lists(st.floats(0.0, 0.3), min_size=1, max_size=6), st.integers(0, 3))
def test_the_account_is_exact_whatever_happens(pauses_s: list[float], kind: int) -> None:
    board = counting_board(facts=BoardFacts(transmit_bytes=2048))
    if kind == 1:
        limit_link(board, 30_000.0)
    elif kind == 2:
        stall_link(board, 0.2, 0.3)
    elif kind == 3:
        miss_reads(board, 0.1, seed=0)
    pc = on_board(board, wait_s=0.01)
    start_run(pc)
    for pause_s in pauses_s:
        board.run_until(board.now_s + pause_s)
        pc.receive()
    stopped = None
    while stopped is None:
        reply = pc.ask(Request.STOP, tries=20)
        stopped = reply if isinstance(reply, wire.Stopped) else None
    totals = pc.account(stopped).totals
    assert totals.received + totals.lost == board.produced[0]
    found = pc.ask(Request.STATS, tries=20)
    assert isinstance(found, wire.Stats)
    lost = found.missed_drdy + found.transmit_overflows
    assert found.conversions == found.frames_sent + lost == board.produced[0]
