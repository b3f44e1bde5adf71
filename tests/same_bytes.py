"""Steps of one or two PCs, played on a simulated board, and what the board said, to compare."""

from typing import Any

from emgrig.protocol.framing import PACKET, PacketType, encode_packet
from emgrig.protocol.packets import (
    ErrorReply,
    EventHeader,
    Request,
    RequestHeader,
    SamplesHeader,
    Stats,
)
from emgrig.simulator.board import SimulatedBoard

N_CLIENTS = 2
LONGEST_REQUEST_S = 0.06  #: STOP: it waits for two conversions, 20 ms each at the most.

#: What is done, by which client, with what.
Step = tuple[str, int, Any]

#: The way into a run that the PC takes, so that many examples are of runs.
RUN = [
    (Request.CHIP_COMMAND, b"\xff\x11"),
    (Request.WRITE_REGISTERS, b"\x00\x01\x01\x94"),
    (Request.START, b"\x10\x03"),
]
_RUN: Step = ("run", 0, ())
_WAIT: Step = ("wait", 0, 0.2)
#: Two runs; of two chips too, the second at the rate of the first.
RUN_STEPS: list[Step] = [
    ("ask", 0, (Request.CHIP_COMMAND, b"\xff\x11")),
    ("ask", 0, (Request.WRITE_REGISTERS, b"\x01\x01\x01\x94")),
    _RUN,
    _WAIT,
    ("ask", 0, (Request.STATS, b"")),
    _WAIT,
    ("ask", 0, (Request.STOP, b"")),
    ("ask", 0, (Request.HELLO, b"\x01\x00")),
    _RUN,
    _WAIT,
]


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


def play(board: SimulatedBoard, steps: list[Step]) -> list[bytes]:
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
