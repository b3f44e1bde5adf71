"""The C core and the simulator's firmware, asked the same of the same chips, say the same bytes.

Two boards of one seed get the same bytes at the same times. What they send is compared packet by
packet. Not compared: the words of an error (the document: the code decides), and how many bytes
ever waited for the link (the simulator's firmware hands packets over without a buffer where it
can). Times may differ by what a request takes.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.protocol.framing import PACKET, PacketType, encode_packet
from emgrig.protocol.packets import (
    ErrorReply,
    EventHeader,
    Request,
    RequestHeader,
    SamplesHeader,
    Stats,
)
from emgrig.simulator.assembly import build_board
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.firmware.model import FIRMWARES
from emgrig.simulator.options import parse_query
from firmware_core import CoreFirmware, needs_c
from properties import examples

pytestmark = [pytest.mark.slow, needs_c]

#: The core reads two chips one behind the other, the simulator's firmware both at once.
TIME_TOLERANCE_US = 100
N_CLIENTS = 2
LONGEST_REQUEST_S = 0.06  #: STOP: it waits for two conversions, 20 ms each at the most.


def boards(query: str) -> tuple[SimulatedBoard, SimulatedBoard]:
    """Return two boards of one kind: with the simulator's firmware, and with the core."""
    options = parse_query(query)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FIRMWARES._ours, "core", "firmware_core:CoreFirmware")
        return build_board(options), build_board(replace(options, firmware="core"))


class Said:
    """What a board sent to one client, packet by packet, times apart."""

    def __init__(self, raw: bytes) -> None:
        self.packets: list[tuple[object, ...]] = []
        self.times_us: list[int] = []
        while raw:
            packet = PACKET.parse(raw)
            length = packet.header.length + 12
            assert raw[:length] == encode_packet(
                packet.header.type, packet.header.sequence, packet.payload
            )
            body = self._without_times(packet.header.type, packet.payload)
            self.packets.append((packet.header.type, packet.header.sequence, body))
            raw = raw[length:]

    def _cut(self, payload: bytes, at: int) -> bytes:
        self.times_us.append(int.from_bytes(payload[at : at + 8], "little"))
        return payload[:at] + bytes(8) + payload[at + 8 :]

    def _without_times(self, kind: int, payload: bytes) -> object:
        if kind == PacketType.SAMPLES:
            assert SamplesHeader.SCHEMA.sizeof() == 18
            return self._cut(payload, 4)
        if kind == PacketType.EVENT:
            assert EventHeader.SCHEMA.sizeof() == 13
            return self._cut(payload, 5)
        request, status = payload[2], payload[3]
        if status != 0:
            return payload[:4], ErrorReply.decode(payload[4:]).code
        at = {Request.START: 8, Request.STOP: 10, Request.STATS: 4, Request.CLOCK: 12}.get(request)
        if request == Request.STATS:
            assert Stats.SCHEMA.sizeof() == 41
            payload = payload[:-4] + bytes(4)  # buffer_high_water
        return payload if at is None else self._cut(payload, at)


def request(number: int, which: int, arguments: bytes) -> bytes:
    return encode_packet(PacketType.REQUEST, 0, RequestHeader(number, which).encode() + arguments)


def u8(*allowed: int) -> st.SearchStrategy[bytes]:
    """One byte, mostly one of `allowed`."""
    return st.one_of(st.sampled_from(allowed), st.integers(0, 255)).map(lambda n: bytes([n]))


def joined(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


CHIPS = u8(0, 0, 0, 1, 255)
RATES = st.sampled_from([b"\x01\x01\x94", b"\x01\x01\x93", b"\x01\x01\x96", b"\x05\x02\x50\x60"])
ARGUMENTS = {
    Request.HELLO: st.just(b"\x01\x03abc"),
    Request.READ_REGISTERS: joined(CHIPS, u8(0, 5, 23), u8(1, 24, 9)),
    Request.WRITE_REGISTERS: joined(CHIPS, RATES),
    Request.CHIP_COMMAND: joined(CHIPS, u8(0x02, 0x04, 0x06, 0x08, 0x0A, 0x10, 0x11, 0x11, 0x12)),
    Request.SET_LINE: joined(u8(1, 2, 3), u8(0, 1, 1)),
    Request.START: joined(u8(1, 7, 16), u8(3, 5)),
    Request.STOP: st.just(b""),
    Request.STATS: st.just(b""),
    Request.CLOCK: st.binary(min_size=8, max_size=8),
    Request.IDENTIFY: st.binary(min_size=2, max_size=2),
    Request.SET_COUNTER: st.binary(min_size=4, max_size=4),
    Request.REBOOT: st.just(b""),
}
USUAL = [(which, arguments) for which, arguments in ARGUMENTS.items() if which != Request.REBOOT]
#: The way into a run that the PC takes, so that many examples are of runs.
RUN = [
    (Request.CHIP_COMMAND, b"\xff\x11"),
    (Request.WRITE_REGISTERS, b"\x00\x01\x01\x94"),
    (Request.START, b"\x10\x03"),
]
ASKED = st.one_of(
    *(st.tuples(st.just(int(which)), arguments) for which, arguments in USUAL),
    st.tuples(st.integers(0, 255), st.binary(max_size=6)),
)
STEP = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, N_CLIENTS - 1), ASKED),
    st.tuples(st.just("ask"), st.just(0), ASKED),
    st.tuples(st.just("again"), st.just(0), st.just(())),
    st.tuples(st.just("run"), st.just(0), st.just(())),
    st.tuples(st.just("wait"), st.just(0), st.floats(0.0001, 0.2)),
    st.tuples(st.just("noise"), st.integers(0, N_CLIENTS - 1), st.binary(max_size=20)),
    st.tuples(st.just("reconnect"), st.integers(0, N_CLIENTS - 1), st.just(())),
)


def play(board: SimulatedBoard, steps: list[tuple]) -> list[bytes]:
    """Do `steps`, each at a time of its own, and return what each connection got."""
    clients = [board.connect() for _ in range(N_CLIENTS)]
    got = [bytearray() for _ in clients]
    ended: list[bytes] = []
    number, sent, now_s = 0, b"", board.now_s

    def pass_time(duration_s: float) -> None:
        nonlocal now_s
        now_s = round(now_s + duration_s, 6)
        board.run_until(now_s)
        for client, into in zip(clients, got, strict=True):
            into += board.take(client)

    for kind, which, what in steps:
        if kind == "ask":
            number += 1
            sent = request(number, *what)
            board.receive(clients[which], sent)
        elif kind == "again":
            board.receive(clients[which], sent)
        elif kind == "run":
            for one in RUN:
                number += 1
                board.receive(clients[which], request(number, *one))
        elif kind == "noise":
            board.receive(clients[which], what)
        elif kind == "reconnect":
            board.disconnect(clients[which])
            ended.append(bytes(got[which]))
            clients[which], got[which] = board.connect(), bytearray()
        else:
            pass_time(what)
        pass_time(LONGEST_REQUEST_S)
    return [*ended, *map(bytes, got)]


def compare(query: str, steps: list[tuple]) -> int:
    """Play `steps` on both boards, compare, and return how many packets there were."""
    ours, core = boards(query)
    assert isinstance(core.firmware, CoreFirmware)
    n_packets = 0
    for one, other in zip(play(ours, steps), play(core, steps), strict=True):
        said, said_in_c = Said(one), Said(other)
        assert said_in_c.packets == said.packets
        for time_us, time_in_c in zip(said.times_us, said_in_c.times_us, strict=True):
            assert abs(time_us - time_in_c) <= TIME_TOLERANCE_US
        n_packets += len(said.packets)
    assert core.produced == ours.produced
    return n_packets


@examples(15)
@given(st.lists(STEP, min_size=3, max_size=14))
def test_whatever_is_asked(steps: list[tuple]) -> None:
    compare("bench&source=silence", steps)


@pytest.mark.parametrize("query", ["bench&source=sine:1mV,37Hz&chips=2", "face&channels=4"])
def test_runs_of_other_boards(query: str) -> None:
    run, wait = ("run", 0, ()), ("wait", 0, 0.2)
    same_rate = ("ask", 0, (Request.WRITE_REGISTERS, b"\x01\x01\x01\x94"))
    sdatac = ("ask", 0, (Request.CHIP_COMMAND, b"\xff\x11"))
    stats, stop = ("ask", 0, (Request.STATS, b"")), ("ask", 0, (Request.STOP, b""))
    hello = ("ask", 0, (Request.HELLO, b"\x01\x00"))
    steps = [sdatac, same_rate, run, wait, stats, wait, stop, hello, run, wait]
    assert compare(query, steps) > 40
