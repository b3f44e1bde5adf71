"""A gateway over its links: datagrams, a serial port that is talked to, a link that is lost."""

import socket
from collections.abc import Callable

import numpy as np
import pytest

import emgrig
from check_gateway import joined, place_of
from emgrig.desk.pages.panels import _rate_words
from emgrig.desk.stream.hub import Hub
from emgrig.driver.board import Board
from emgrig.driver.samples.block import Block
from emgrig.driver.seams import Transport
from emgrig.errors import TransportError, TransportTimeout
from emgrig.gateways.address import split_address
from emgrig.gateways.frames import FrameGateway
from emgrig.gateways.template import load_template, parse_template
from emgrig.gateways.udp import UdpTransport
from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.verdict import exit_code, headline, last_line
from emgrig.protocol.account import Cause
from emgrig.simulator.transport import SimTransport
from gateways.cyton import cytons
from gateways.hackeeg import rig as hackeegs
from gateways.meower import rig as meowers
from gateways.twins import STEP_V, bytes_of, firmware_of, gateway_of, transport_of, volts_of


def test_datagrams_of_the_first_sender_are_a_board() -> None:
    data = bytes_of("ardeeg", 2.0).data
    inner = UdpTransport("udp://127.0.0.1:0")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as board,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        for end in (board, other):
            end.bind(("127.0.0.1", 0))
            end.connect(("127.0.0.1", inner.port))
        board.send(data[:1350])
        gateway = FrameGateway(load_template("ardeeg"), inner, address="a:", name="ardeeg")
        assert gateway.decoder.counts.frames == 50
        board.send(data[:1000])  # cut short
        with pytest.raises(TransportTimeout):
            gateway.read(4096, timeout_s=0.0)
        gateway.write(b"anything")  # no request: nothing goes out
        gateway.close()
        gateway.close()
    with pytest.raises(TransportError, match="is closed"):
        inner.read(10, timeout_s=0.0)


def test_a_second_board_that_sends_to_the_same_port_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    data = bytes_of("ardeeg", 2.0).data[:1350]
    inner = UdpTransport("udp://127.0.0.1:0")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as board,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        for end, host in ((board, "127.0.0.1"), (other, "127.0.0.2")):
            end.bind((host, 0))
            end.connect(("127.0.0.1", inner.port))
        for end in (board, other, other, board):
            end.send(data)
        assert inner.read(4096, timeout_s=1.0) == inner.read(4096, timeout_s=1.0) == data
        with pytest.raises(TransportTimeout):
            inner.read(4096, timeout_s=0.0)
        inner.close()
    (said,) = [one.getMessage() for one in caplog.records]
    assert said == (
        f"{inner.address}: 127.0.0.2 sends to this port too, and only 127.0.0.1 is listened to: "
        "give each board a port of its own, or switch one off"
    )


class Datagrams(SimTransport):
    """A twin that sends frames by the datagram, and at times none for a while."""

    is_datagram = True
    n_silences = 0

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        n_bytes = load_template("ardeeg").frame.bytes
        if self.clock.now_s() > 1.0 + self.n_silences:
            self.n_silences += 1
            raise TransportTimeout("nothing came")
        data = super().read(n_bytes, timeout_s=timeout_s)
        while len(data) < n_bytes:
            data += super().read(n_bytes - len(data), timeout_s=1.0)
        return data


def test_where_no_datagram_came_in_time_none_is_lost() -> None:
    inner = Datagrams(transport_of("ardeeg").address.removeprefix("sim:"))
    with Board(gateway_of("ardeeg", inner)) as board:
        with board.stream(duration_s=4.0) as stream:
            n_samples = sum(block.n_samples for block in stream)
        assert inner.n_silences >= 4
        assert n_samples == 4 * 250
        assert stream.link.counts.sequence_gaps == stream.totals.lost == 0


#: Frames of which only those that follow prove one; the board sends between START and STOP alone.
HALTING = """
title = "Mine"
facts_from = "its firmware"
[frame]
bytes = 10
fixed = { 0 = "A5" }
[link]
start = "47"
stop = "53"
[counter]
at = 1
bytes = 1
[channels]
at = 2
count = 4
bits = 16
bytes = 2
rate_hz = 500.0
gains = [6.0]
"""


class Halting:
    """Such a board, on virtual time: its counter goes on from run to run, or begins anew."""

    is_paced = False
    address = "halting:"

    def __init__(self, *, begins_anew: bool) -> None:
        self.clock = SimTransport("bench").clock
        self._begins_anew = begins_anew
        self._count = self._n_sent = 0
        self._is_on = False

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        self.clock.sleep(min(timeout_s, 0.002))
        if not self._is_on:
            raise TransportTimeout("nothing came")
        frame = bytes((0xA5, self._count % 256)) + self._n_sent.to_bytes(2, "big") + bytes(6)
        self._count, self._n_sent = self._count + 1, self._n_sent + 1
        return frame[:max_bytes]

    def write(self, data: bytes, /) -> None:
        self._is_on = data == b"G"
        if self._begins_anew:
            self._count = 0

    def reopen(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._is_on = False


@pytest.mark.parametrize("begins_anew", [False, True])
def test_what_nothing_proved_in_one_run_is_none_of_the_next(begins_anew: bool) -> None:
    template = parse_template(HALTING, "mine.toml")
    inner = Halting(begins_anew=begins_anew)
    gateway = FrameGateway(template, inner, address="mine:", name="mine")
    assert gateway.decoder.n_behind == 3
    with Board(gateway) as board:
        for _ in range(3):
            first = inner._n_sent
            with board.stream(duration_s=0.5, frames_per_packet=5) as stream:
                blocks = list(stream)
            codes = np.concatenate([block.codes[:, 0] for block in blocks]) // 256  # of 24 bits
            assert codes.tolist() == list(range(first, first + 250))
            assert stream.link.counts.sequence_gaps == stream.totals.lost == 0


def test_a_cyton_that_was_stopped_has_lost_nothing() -> None:
    with Board(cytons.gateway_of(cytons.transport_of())) as board:
        for _ in range(3):
            with board.stream(duration_s=0.5) as stream:
                assert sum(block.n_samples for block in stream) == 125
            assert stream.link.counts.sequence_gaps == stream.totals.lost == 0


def test_a_port_that_is_taken_is_one_line() -> None:
    inner = UdpTransport("udp://127.0.0.1:0")
    try:
        with pytest.raises(TransportError, match=r"cannot listen: .*another program"):
            UdpTransport(f"udp://127.0.0.1:{inner.port}")
    finally:
        inner.close()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("frames:///dev/ttyUSB0?template=knight", ("serial:///dev/ttyUSB0", "knight", "knight")),
        ("frames+tcp://h:1?template=a/b.toml&name=N1", ("tcp://h:1", "a/b.toml", "N1")),
        (
            "frames:COM3?baud=9600&template=x.toml",
            ("serial:COM3?baud=9600", "x.toml", "x"),
        ),
        (
            "frames+sim:source=sine:1mV,7Hz&firmware=knight?template=knight",
            ("sim:source=sine:1mV,7Hz&firmware=knight", "knight", "knight"),
        ),
    ],
)
def test_an_address_is_cut(address: str, expected: tuple[str, str, str]) -> None:
    assert split_address(address) == expected


class Serial(SimTransport):
    """A twin on a serial port: it understands what is said at the baud rate it listens at."""

    def __init__(self, query: str) -> None:
        super().__init__(query)
        self.said: list[object] = []

    def set_baud(self, baud: int) -> None:
        self.said.append(baud)

    def write(self, data: bytes, /) -> None:
        self.said.append(len(data))
        super().write(data)


def test_a_serial_board_is_waited_for_and_talked_to_at_its_first_baud_rate() -> None:
    inner = Serial(transport_of("cerelog").address.removeprefix("sim:"))
    began_s = inner.clock.now_s()
    gateway = gateway_of("cerelog", inner)
    assert inner.said == [9600, 12, 115200]
    assert inner.clock.now_s() - began_s >= 5.0
    gateway.close()


def behind_s(inner: SimTransport, block: Block) -> float:
    """Return how far a block's end lies behind the clock, by its board time, s."""
    end_us = block.board_time_us + 1e6 * block.n_samples / block.epoch.rate_hz
    return inner.clock.now_s() - end_us / 1e6


Linked = tuple[SimTransport, Transport]
LINKED: dict[str, Callable[[], Linked]] = {
    "cyton": lambda: (one := cytons.transport_of(), cytons.gateway_of(one)),
    "cyton-daisy": lambda: (one := cytons.transport_of("cyton-daisy"), cytons.gateway_of(one)),
    "knight": lambda: (one := transport_of("knight"), gateway_of("knight", one)),
    "eegfrontier": lambda: (one := transport_of("eegfrontier"), gateway_of("eegfrontier", one)),
    "hackeeg": lambda: (one := hackeegs.transport_of(), hackeegs.gateway_of(one)),
    "meower": lambda: (one := meowers.transport_of(), meowers.gateway_of(one)),
}


@pytest.mark.parametrize("name", LINKED)
def test_board_time_goes_on_over_outages_as_the_clock_does(name: str) -> None:
    """However long the run was before, and the outage: twice, since faults of time add up."""
    inner, gateway = LINKED[name]()
    with Board(gateway) as board, board.stream(frames_per_packet=8) as stream:
        found_s = []
        for outage_s in (1.0, 4.0, 0.0):
            end_s = inner.clock.now_s() + 6.0
            while inner.clock.now_s() < end_s:
                block = next(stream)
            found_s.append(behind_s(inner, block))
            if outage_s:
                inner.board.cut_link()
                inner.board.schedule(inner.board.now_s + outage_s, inner.board.restore_link)
        stream.stop()
        assert len(stream.recoveries) == 2
    # A Meower's run begins when its first datagram is read: on virtual time, a read later.
    most_s = 0.2 if name == "meower" else 0.1
    assert np.abs(np.diff(found_s)).max() < most_s


def test_a_lost_link_is_opened_anew_and_the_gap_is_said() -> None:
    inner = transport_of("knight")
    with Board(gateway_of("knight", inner)) as board, board.stream(duration_s=6.0) as stream:
        blocks = [next(stream)]
        inner.board.cut_link()
        inner.board.schedule(inner.board.now_s + 1.0, inner.board.restore_link)
        blocks += list(stream)
    assert len(stream.recoveries) == 1
    assert stream.recoveries[0].restored == ()
    gaps = [block for block in blocks if block.lost_before]
    assert [gap.cause for gap in gaps] == [Cause.OUTAGE]
    assert gaps[0].is_estimate
    assert sum(b.n_samples + b.lost_before for b in blocks) == 6 * 125
    truth = volts_of([data for _, _, data in firmware_of(inner).sent], "knight")
    at = blocks.index(gaps[0])
    before = place_of(joined(blocks[:at])[:20], truth, STEP_V["knight"])
    behind = place_of(joined(blocks[at:])[:20], truth, STEP_V["knight"])
    said = gaps[0].first_conversion - blocks[0].first_conversion
    assert gaps[0].lost_before >= 125
    assert said == pytest.approx(behind - before, abs=20), "by this computer's clock: an estimate"


def test_the_desk_shows_it_and_says_what_is_stated() -> None:
    with emgrig.connect("frames+sim:bench&firmware=knight?template=knight") as board:
        hub = Hub(board)
        assert hub.rate_hz == 125.0
        words = _rate_words(hub.status())
        assert "scale stated, not read back · loss counted modulo 256" in words
        refused = hub.run_exclusive(lambda one: one.chip.read_registers())
        with pytest.raises(emgrig.BoardCannot, match="cannot"):
            refused.result(timeout=10)
    with emgrig.connect("sim:bench") as board:
        assert Hub(board).status().told == ""


def test_lsl_is_refused_where_no_clock_can_be_asked() -> None:
    from emgrig.recording.lsl.outlet import LslLink

    with (
        Board(gateway_of("cerelog")) as board,
        pytest.raises(emgrig.BoardCannot, match=r"cannot stream to LSL: .*its clock cannot be"),
    ):
        LslLink(board)


@pytest.mark.slow
def test_checks_that_a_board_cannot_answer_are_not_asked_and_no_pass() -> None:
    address = "frames+sim:bench&firmware=knight?template=knight"
    run = run_bringup(address, soak_s=1.0)
    outcomes = {result.info.number: result.outcome for result in run.results}
    asked = {number for number, one in outcomes.items() if one is Outcome.PASS}
    assert asked == {"B0", "B6", "B7", "B8", "B24"}
    assert set(outcomes.values()) == {Outcome.PASS, Outcome.SKIPPED}
    assert run.n_asked == 5
    assert run.n_beyond == len(outcomes) - 5
    assert all(
        result.message.startswith("this board cannot tell: ")
        for result in run.results
        if result.is_beyond
    )
    assert headline(run).startswith("What this board can tell is good: 5 of ")
    assert f"{run.n_beyond} not asked: this board cannot tell" in last_line(run)
    assert exit_code(run) == 0
    assert run.restored is not None
    assert run.restored.proved


@pytest.mark.slow
def test_a_board_that_loses_frames_fails_what_it_can_be_asked() -> None:
    query = "frames+sim:bench&firmware=knight&fault=packets-lost:rate=0.02?template=knight"
    run = run_bringup(query, soak_s=1.0)
    assert exit_code(run) == 1
    assert {r.info.number for r in run.results if r.outcome is Outcome.FAIL} & {"B8", "B24"}
