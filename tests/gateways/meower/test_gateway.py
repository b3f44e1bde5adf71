"""A Meower behind its gateway: the contract, registers through the chain, runs, lost datagrams."""

from collections.abc import Callable

import numpy as np
import pytest

import emgrig
from check_gateway import check_gateway, joined, numbers, place_of
from check_transport import check_transport
from emgrig.driver.board import Board
from emgrig.driver.can import Counting, StatusWord, Timing
from emgrig.driver.interruption import Happened
from emgrig.errors import RequestRefused, TransportTimeout, WireError
from emgrig.gateways.endpoint import Endpoint
from emgrig.gateways.meower.board import MeowerBoard
from emgrig.gateways.meower.datagrams import Datagram
from emgrig.protocol.account import Cause
from emgrig.simulator.clock import VirtualClock
from emgrig.simulator.faults.actions import brown_out
from emgrig.simulator.faults.named import parse_fault, switch_on
from emgrig.simulator.transport import SimTransport
from gateways.hackeeg.rig import CODE_V
from gateways.meower.rig import (
    board_of,
    gateway_of,
    processor_of,
    transport_of,
    truth_of,
    twin_of,
)
from properties import runs


@pytest.mark.slow
def test_it_passes_the_contract_of_gateways() -> None:
    check_gateway(twin_of)


def test_it_is_a_transport() -> None:
    opened: list[SimTransport] = []

    def open_transport() -> Endpoint:
        opened.append(transport_of())
        return gateway_of(opened[-1])

    def cut() -> None:
        opened[-1].board.cut_link()
        opened[-1].board.restore_link()

    check_transport(open_transport, cut=cut)


def test_it_says_what_it_can() -> None:
    with Board(gateway_of()) as board:
        assert board.identity.chip_count == 2
        assert board.identity.is_simulated
        can = board.can
        assert (can.counting, can.timing, can.status) == (
            Counting.NOT,
            Timing.SAMPLES,
            StatusWord.NONE,
        )
        assert (can.reset, can.lines, can.stated) == (False, (), None)


def test_registers_of_both_chips_are_reached() -> None:
    """What is written is in each chip, byte for byte, read past the gateway."""
    transport = transport_of()
    with Board(gateway_of(transport)) as board:
        with board.quiet():
            for chip, port in enumerate(board.ports):
                sent = bytes(range(0x11 + chip, 0x16 + chip))
                port.write(0x0D, sent)
            assert [port.read(0x0D, 5) for port in board.ports] == [
                bytes(range(0x11, 0x16)),
                bytes(range(0x12, 0x17)),
            ]
        bank = transport.board.bank
        for chip in range(2):
            miso = bank.transfer(chip, bytes((0x20 | 0x0D, 4)) + bytes(5))
            assert miso[2:] == bytes(range(0x11 + chip, 0x16 + chip))


@pytest.mark.parametrize(
    ("chip", "config1", "words"),
    [(0, 0x95, "CLK_EN in CONFIG1 must stay 1"), (1, 0xD5, "DAISY_EN in CONFIG1 must stay 0")],
)
def test_what_would_break_the_chain_is_refused(chip: int, config1: int, words: str) -> None:
    with Board(gateway_of()) as board, board.quiet():
        with pytest.raises(RequestRefused, match=words) as caught:
            board.ports[chip].write(0x00, bytes((0x3E, config1)))
        assert "\n" not in str(caught.value)
        assert board.ports[chip].read(1, 1) == bytes((0xB6 if chip == 0 else 0x96,))


def test_reset_and_strange_opcodes_are_refused() -> None:
    with Board(gateway_of()) as board:
        for opcode, words in ((0x06, "cannot be reset"), (0x1A, "opcode 1Ah")):
            with pytest.raises(RequestRefused, match=words):
                board.ports[0].command(opcode)


def test_a_rate_that_it_cannot_send_is_refused() -> None:
    with Board(gateway_of()) as board:
        board.chip.set_rate(8000)
        with pytest.raises(RequestRefused, match="4000 SPS at most; 8000 are set"):
            board.stream(duration_s=1.0)


def test_a_digital_gain_is_switched_off() -> None:
    """Somebody left it at 8: the codes would be eight times what the registers say."""
    transport = transport_of()
    transport.write(b"WOOF_WOOF")
    transport.write(b"sys digitalgain 8")
    transport.clock.sleep(0.2)
    with board_of(transport) as board, board.stream(duration_s=0.5) as stream:
        volts = joined(list(stream))
    place_of(volts[:20], truth_of(transport), 0.5 * CODE_V)


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [250, 4000])
def test_every_rate_comes_whole(rate_hz: int) -> None:
    transport = transport_of()
    with board_of(transport) as board:
        board.chip.set_rate(rate_hz)
        with board.stream(duration_s=2.0) as stream:
            blocks = list(stream)
    assert sum(block.n_samples for block in blocks) == 2 * rate_hz
    assert stream.totals.lost == 0
    truth = truth_of(transport)
    begin = place_of(joined(blocks)[:20], truth, 0.5 * CODE_V)
    expected = truth[begin + numbers(blocks)]
    np.testing.assert_allclose(joined(blocks), expected, rtol=0, atol=0.5 * CODE_V)


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize(
    "fault", ["packets-lost", "packets-doubled", "packets-reordered", "packets-damaged"]
)
def test_no_fault_of_the_net_gives_a_wrong_sample(fault: str) -> None:
    """Each sample is in its place by the twin's own record; what is missing is counted."""
    for seed in range(runs(2, nightly=25)):
        transport = transport_of()
        with board_of(transport) as board, board.stream(duration_s=2.0) as stream:
            blocks = [next(stream)]
            switch_on(transport.board, [parse_fault(f"{fault}:rate=0.05")], seed)
            blocks += list(stream)
        place, volts, truth = numbers(blocks), joined(blocks), truth_of(transport)
        begin = place_of(volts[:20], truth, 0.5 * CODE_V)
        np.testing.assert_allclose(volts, truth[begin + place], rtol=0, atol=0.5 * CODE_V)
        lost = [block for block in blocks if block.lost_before]
        assert bool(lost) == (fault != "packets-doubled")
        assert {block.cause for block in lost} <= {Cause.LINK}
        assert all(block.is_estimate for block in lost)


def test_what_the_board_did_not_read_is_seen_in_time() -> None:
    transport = transport_of()
    with board_of(transport) as board, board.stream(duration_s=2.0) as stream:
        rng = np.random.default_rng(1)
        processor_of(transport.board).read_filter = lambda n: rng.random(n) > 0.02
        blocks = list(stream)
    volts, place = joined(blocks), numbers(blocks)
    assert len(place) < 1000
    fits = [np.polynomial.Polynomial.fit(place, column, 6)(place) for column in volts.T]
    assert np.abs(volts - np.stack(fits, 1)).max() < 5e-6, "the source rises by 25 µV a sample"


def test_chips_that_lost_their_supply_give_no_wrong_sample() -> None:
    transport = transport_of()
    with board_of(transport) as board, board.stream(duration_s=8.0) as stream:
        blocks = [next(stream)]
        transport.board.schedule(transport.board.now_s + 0.7, lambda: brown_out(transport.board))
        blocks += list(stream)
    assert [one.reason.happened for one in stream.recoveries] == [Happened.CHIP_LOST]
    volts, truth = joined(blocks), truth_of(transport)
    gap = next(n for n, block in enumerate(blocks) if block.lost_before)
    n_before = sum(block.n_samples for block in blocks[:gap])
    for part in (volts[:n_before], volts[n_before:]):
        begin = place_of(part[:20], truth, 0.5 * CODE_V)
        np.testing.assert_allclose(part, truth[begin : begin + len(part)], atol=0.5 * CODE_V)


def test_it_is_kept_from_forgetting_us() -> None:
    """It forgets a PC that is silent for 10 s; a stream of 25 s has no gap."""
    with board_of(transport_of()) as board, board.stream(duration_s=25.0) as stream:
        blocks = list(stream)
        assert board.chip.rate_hz == 500
    assert sum(block.n_samples for block in blocks) == 12_500
    assert stream.totals.lost == 0


def test_a_board_in_mid_stream_is_met() -> None:
    transport = transport_of()
    transport.write(b"WOOF_WOOF")
    transport.write(b"sys start_cnt")
    transport.clock.sleep(1.0)
    with board_of(transport) as board, board.stream(duration_s=1.0) as stream:
        volts = joined(list(stream))
    place_of(volts[:20], truth_of(transport), 0.5 * CODE_V)


# ---- who is there -------------------------------------------------------------------------------


class Scripted:
    """Ports that answer each datagram with what a function says."""

    is_paced = False

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self.address = "scripted:"
        self.clock = VirtualClock()
        self._answer = answer
        self._out: list[Datagram] = []

    def send(self, payload: bytes, /) -> None:
        self._out += [Datagram(False, one) for one in self._answer(payload)]

    def receive(self, *, timeout_s: float) -> list[Datagram]:
        if not self._out:
            self.clock.sleep(timeout_s)
            raise TransportTimeout("nothing")
        out, self._out = self._out, []
        return out

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (lambda _: [], TransportTimeout, "no Meower answered in 6 s; is it in this network"),
        (lambda _: [b"hello"], WireError, "what answers is no Meower.*: 68 65 6C 6C 6F"),
        (lambda _: [b"ERR: got unknown family\r\n"], WireError, "or has another firmware"),
        (lambda sent: [sent], TransportTimeout, "nobody answers there but an echo of what was"),
        (lambda sent: [sent, b"hello"], WireError, "what answers is no Meower"),
    ],
    ids=["silence", "another", "another firmware", "echo", "echo and another"],
)
def test_another_board_is_one_line(
    answer: Callable[[bytes], list[bytes]], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        Endpoint(MeowerBoard(Scripted(answer), address="m:"), address="m:", name="m")
    assert "\n" not in str(caught.value)


def test_a_late_answer_is_not_taken_for_another() -> None:
    """MISO of the first `spi` comes when the second was asked, of the same length."""
    late: list[bytes] = []

    def answer(payload: bytes) -> list[bytes]:
        if payload == b"sys filters_off":
            held, late[:] = list(late), []
            return [*held, b"OK: filters_off\r\n"]
        if payload.startswith(b"sys digitalgain"):
            return [b"OK: digitalgain set to 1\r\n"]
        if not payload.startswith(b"spi"):
            return []
        address = int(payload.split()[3], 0) & 0x1F
        miso = bytes((0, 0, 0x3E if address == 0 else 0xB6)).ljust(30, b"\0")
        if address == 1 and not asked:
            asked.append(address)
            late.append(b"\0\0\x77".ljust(30, b"\0"))
            return []
        return [miso]

    asked: list[int] = []
    gateway = Endpoint(MeowerBoard(Scripted(answer), address="m:"), address="m:", name="m")
    assert gateway.board.read(0, 1, 1) == b"\xb6"
    assert asked == [1]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("meower://h:70000", "out of range|expected meower"),
        ("meower://h/x", "expected meower://HOST or"),
        ("meower+sim:bench&mended=nonsense", "a Meower has the traps silent-start"),
    ],
)
def test_an_address_that_makes_no_sense_is_one_line(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        emgrig.connect(address)
    assert "\n" not in str(caught.value)
