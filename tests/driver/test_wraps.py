"""Counters that come to their end, each by itself, on a whole driver and virtual time.

A board counts conversions in 32 bits (three days at 16 kSPS), packets, runs and epochs in 16, and
its clock may have 32 bits of µs (71.6 minutes). No test waits for that: each begins near the end.
"""

import struct

import numpy as np
import pytest

from attack_kinds import at, is_samples, with_count, with_time
from emgrig.driver.board import Board
from emgrig.driver.samples.block import Block
from emgrig.protocol import packets as wire
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import Request
from fake_board import FakeBoard, FakeTransport, true_codes

RATE_HZ = 16_000
DAY_S = 86_400.0


def played(board: FakeBoard, seconds: float = 0.5) -> list[Block]:
    """Stream so long; the blocks must be whole, in order, and hold what the board made."""
    with Board(FakeTransport(board)) as made:
        made.chip.set_rate(RATE_HZ)
        with made.stream(seconds) as stream:
            blocks = list(stream)
        assert stream.totals.lost == stream.totals.repeated == 0
        assert not stream.contradiction
        assert not stream.recoveries
    assert sum(block.n_samples for block in blocks) == round(seconds * RATE_HZ)
    place = blocks[0].first_conversion
    for block in blocks:
        assert (block.first_conversion, block.lost_before) == (place, 0)
        place += block.n_samples
    return blocks


def holds_what_was_made(blocks: list[Block], run: int) -> None:
    codes = np.concatenate([block.codes for block in blocks])
    first = blocks[0].first_conversion
    assert np.array_equal(codes, [true_codes(run, first + k) for k in range(len(codes))])


def test_packet_numbers_go_round() -> None:
    """65536 packets of 16 are 66 s at 16 kSPS."""
    board = FakeBoard()
    board.connected = lambda: None  # type: ignore[method-assign]
    board.encode = PacketEncoder(0x10000 - 150)
    numbers: list[int] = []
    board.on_the_wire = lambda packet: numbers.append(packet[4] + 256 * packet[5]) or packet  # type: ignore[func-returns-value]
    blocks = played(board)
    assert max(numbers) == 0xFFFF  # it did go round
    assert numbers[-1] < 1000
    holds_what_was_made(blocks, 1)


@pytest.mark.slow
@pytest.mark.parametrize("before_us", [100_000, 1_300_000])
def test_a_clock_of_32_bits_goes_round(before_us: int) -> None:
    """Before the first sample, or in the middle of the run."""
    board = FakeBoard()
    said: list[int] = []

    def short(packet: bytes) -> bytes:
        changed = with_time(packet, lambda us: (us + (1 << 32) - before_us) % (1 << 32))
        if is_samples(changed):
            said.append(int.from_bytes(changed[12:20], "little"))
        return changed

    board.on_the_wire = short
    blocks = played(board, 2.0)
    assert max(said) < 1 << 32
    assert min(np.diff(said)) < -(1 << 31) or before_us < 1_000_000
    times_us = np.array([block.board_time_us for block in blocks])
    at_s = np.array([block.first_conversion for block in blocks]) / RATE_HZ
    assert np.diff(times_us) * 1e-6 == pytest.approx(np.diff(at_s), abs=2e-6)
    holds_what_was_made(blocks, 1)


@pytest.mark.parametrize("at_zero", [False])
def test_run_numbers_go_round(at_zero: bool) -> None:
    """By the protocol 1 follows 65535; a firmware that lets 0 follow is understood too."""
    board = FakeBoard()

    def said(number: int) -> int:
        number += 0xFFFE - 1
        return number % 0x10000 if at_zero else (number - 1) % 0xFFFF + 1

    runs: list[int] = []

    def far(packet: bytes) -> bytes:
        if packet[3] != PacketType.REPLY or packet[10] not in (Request.START, Request.STOP):
            return packet
        (number,) = struct.unpack_from("<H", packet, 12)
        if not number:
            return packet  # none was on
        changed = at(packet, 4, "<H", said)
        runs.append(struct.unpack_from("<H", changed, 12)[0])
        return changed

    board.on_the_wire = far
    with Board(FakeTransport(board)) as made:
        for number in range(1, 6):
            with made.stream(0.2) as stream:
                blocks = list(stream)
            holds_what_was_made([block for block in blocks if block.n_samples], number)
            # What came behind the last sample that was asked for was counted too: the board said
            # how many there were.
            assert stream.totals.produced == board.produced[-1]
            assert stream.totals.lost == 0
    expected = [0xFFFE, 0xFFFF, 0, 1, 2] if at_zero else [0xFFFE, 0xFFFF, 1, 2, 3]
    assert runs[::2] == runs[1::2] == expected


def test_epochs_go_round() -> None:
    """Each change of settings is a new epoch; what comes is scaled by what is set now."""
    board = FakeBoard()
    transport = FakeTransport(board)
    with Board(transport) as made:
        board.epoch = 0xFFFC
        do = board._do

        def counted(asked: object) -> object:
            board.epoch &= 0xFFFF
            answer = do(asked)  # type: ignore[arg-type]
            board.epoch &= 0xFFFF
            return type(answer)(board.epoch) if isinstance(answer, wire.SettingsEpoch) else answer

        board._do = counted  # type: ignore[assignment, method-assign]
        gains = [1, 2, 4, 6, 8, 12, 24] * 2
        seen: list[tuple[int, float]] = []
        for gain in gains:
            made.chip.configure(gain=gain)
            with made.stream(0.05) as stream:
                for block in stream:
                    assert set(block.epoch.gain.tolist()) == {float(gain)}
                    volt = block.codes * (2 * 4.5 / gain / 2**24)  # SBAS499C, equation 8
                    assert np.allclose(block.volts, volt, rtol=1e-12, atol=0)
                    seen.append((block.epoch.number, gain))
    numbers = [number for number, _ in seen]
    assert max(numbers) > 0xFFF0 > 100 > min(numbers)
    assert len(dict.fromkeys(numbers)) == len(gains)


@pytest.mark.parametrize("start", [(1 << 31) - 900, (1 << 32) - 900, 3 * (1 << 31) - 900])
def test_conversions_go_round_in_a_run_that_is_on(start: int) -> None:
    """2**32 conversions are 74.6 h at 16 kSPS: a run of days is whole over its ends."""
    board = FakeBoard()
    board.on_the_wire = lambda packet: with_count(packet, lambda count: count + start)
    with Board(FakeTransport(board)) as made:
        made.chip.set_rate(RATE_HZ)
        with made.stream(0.2) as stream:
            # As if the run had been on since then: its count is where it would be.
            stream._assembler._account.begin_at(start)
            stream._assembler._origin = stream._assembler._position = start
            stream._end = start + 3200
            blocks = list(stream)
        assert stream.totals.lost == stream.totals.repeated == 0
    assert [block.lost_before for block in blocks] == [0] * len(blocks)
    assert blocks[0].first_conversion == start
    assert sum(block.n_samples for block in blocks) == 3200
    codes = np.concatenate([block.codes for block in blocks])
    assert np.array_equal(codes, [true_codes(1, k) for k in range(3200)])
