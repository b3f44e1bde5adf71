"""Bad boards and bad lines, by name: each is armed with a seed and plays on virtual time."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from emgrig.protocol import packets as wire
from emgrig.protocol.framing import PacketType
from emgrig.protocol.packets import EventType, Request
from fake_board import FakeTransport

Rng = np.random.Generator
#: What packets of this payload offset and request hold: where times and counts lie.
_TIMES = {Request.START: 8, Request.STOP: 10, Request.CLOCK: 12}


def remake(packet: bytes, payload: bytes) -> bytes:
    """Put another payload into a packet, with its length and CRC."""
    head = packet[2:6] + struct.pack("<H", len(payload))
    return packet[:2] + head + payload + struct.pack("<I", zlib.crc32(head + payload))


def at(packet: bytes, place: int, form: str, change: Callable[[int], int]) -> bytes:
    """Change one number of a payload."""
    payload = bytearray(packet[8:-4])
    bits = 8 * struct.calcsize(form)
    (value,) = struct.unpack_from(form, payload, place)
    struct.pack_into(form, payload, place, change(value) % (1 << bits))
    return remake(packet, bytes(payload))


def is_samples(packet: bytes) -> bool:
    return packet[3] == PacketType.SAMPLES


def with_time(packet: bytes, change: Callable[[int], int]) -> bytes:
    """Change the board time that a packet says."""
    if is_samples(packet):
        return at(packet, 4, "<Q", change)
    if packet[3] == PacketType.EVENT:
        return at(packet, 5, "<Q", change)
    request = packet[10]
    return at(packet, _TIMES[Request(request)], "<Q", change) if request in _TIMES else packet


def with_count(packet: bytes, change: Callable[[int], int]) -> bytes:
    """Change the count of conversions that a packet says."""
    if is_samples(packet):
        return at(packet, 0, "<I", change)
    if packet[3] == PacketType.REPLY and packet[10] == Request.STOP:
        return at(packet, 6, "<I", change)
    return packet


@dataclass
class Line:
    """Wraps each packet of a board; `n` counts sample packets."""

    transport: FakeTransport
    rng: Rng
    n: int = 0
    kept: list[bytes] = field(default_factory=list)

    def put(self, change: Callable[[bytes], bytes]) -> None:
        def on_the_wire(packet: bytes) -> bytes:
            self.n += is_samples(packet)
            return change(packet)

        self.transport.board.on_the_wire = on_the_wire

    def samples(self, change: Callable[[bytes], bytes]) -> None:
        self.put(lambda packet: change(packet) if is_samples(packet) else packet)

    def now_and_then(self, share: float, change: Callable[[bytes], bytes]) -> None:
        self.put(lambda packet: change(packet) if self.rng.random() < share else packet)

    def once(self, change: Callable[[bytes], bytes]) -> None:
        when = int(self.rng.integers(20, 70))
        self.samples(lambda packet: change(packet) if self.n == when else packet)

    def cut_at(self, *places: int) -> None:
        def change(packet: bytes) -> bytes:
            if self.n in places:
                self.n += 1
                self.transport.cut()
            return packet

        self.samples(change)


def _bytes(line: Line, how: str) -> Callable[[bytes], bytes]:
    def change(packet: bytes) -> bytes:
        place = int(line.rng.integers(len(packet)))
        new = line.rng.bytes(1)
        return {
            "lost": packet[:place] + packet[place + 1 :],
            "doubled": packet[: place + 1] + packet[place:],
            "changed": packet[:place] + new + packet[place + 1 :],
            "inserted": packet[:place] + new + packet[place:],
            "flipped": packet[:place] + bytes((packet[place] ^ 4,)) + packet[place + 1 :],
            "cut": packet[:place],
        }[how]

    return change


def _garbage(line: Line, packet: bytes) -> bytes:
    head = b"\xa5\x5a\x01\x01" + line.rng.bytes(2) + b"\x00\x10"
    return b"".join(line.rng.bytes(int(line.rng.integers(9))) + head for _ in range(20)) + packet


def _swap(line: Line) -> None:
    def change(packet: bytes) -> bytes:
        if line.kept:
            return packet + line.kept.pop()
        if line.rng.random() < 0.2:
            line.kept.append(packet)
            return b""
        return packet

    line.samples(change)


def _repeat_block(n_packets: int) -> Callable[[Line], None]:
    def arm(line: Line) -> None:
        when = int(line.rng.integers(n_packets, 85))

        def change(packet: bytes) -> bytes:
            line.kept.append(packet)
            return packet + (b"".join(line.kept[-n_packets:]) if line.n == when else b"")

        line.samples(change)

    return arm


def _repeat_over_start(line: Line) -> None:
    """The link is cut, and what came before comes again behind the new START."""

    def change(packet: bytes) -> bytes:
        if is_samples(packet):
            line.kept.append(packet)
            if line.n == 40:
                line.transport.cut()
        elif line.n >= 40 and packet[10] == Request.START:
            again, line.kept = line.kept, []
            return packet + b"".join(again)
        return packet

    line.put(change)


def _late(line: Line) -> None:
    def change(packet: bytes) -> bytes:
        line.kept.append(packet)
        return packet + (line.kept[-50] if len(line.kept) >= 50 and line.n % 7 == 0 else b"")

    line.samples(change)


def _drip(line: Line) -> None:
    read = line.transport.read
    line.transport.read = (  # type: ignore[method-assign]
        lambda _, /, *, timeout_s: read(int(line.rng.integers(1, 60)), timeout_s=timeout_s)
    )


def _clock(change: Callable[[Line, int], int]) -> Callable[[Line], None]:
    return lambda line: line.put(lambda packet: with_time(packet, lambda us: change(line, us)))


def _count(start: int) -> Callable[[Line], None]:
    return lambda line: line.put(lambda packet: with_count(packet, lambda count: count + start))


def _wild_count(line: Line) -> None:
    line.once(lambda packet: with_count(packet, lambda _: int(line.rng.integers(1 << 32))))


def _boots(*places: int) -> Callable[[Line], None]:
    def arm(line: Line) -> None:
        def change(packet: bytes) -> bytes:
            if line.n in places:
                line.n += 1
                line.transport.board.restart()
            return packet

        line.samples(change)

    return arm


def _boots_always(line: Line) -> None:
    def change(packet: bytes) -> bytes:
        head = wire.EventHeader(EventType.BOOT, 0, 0).encode()
        boot = line.transport.board.encode(PacketType.EVENT, head + wire.BootEvent(3).encode())
        return b"" if line.n else packet + (boot if packet[10] == Request.START else b"")

    line.put(change)


def _flood(packet_type: PacketType, payload: bytes, n: int) -> Callable[[Line], None]:
    def arm(line: Line) -> None:
        board = line.transport.board
        line.samples(lambda packet: packet + board.encode(packet_type, payload) * n)

    return arm


def _changed(line: Line) -> None:
    def change(packet: bytes) -> bytes:
        if line.n == 40:
            line.n += 1
            line.transport.board.vref_uv = 2_500_000
            line.transport.cut()
        return packet

    line.samples(change)


def _short_answers(line: Line) -> None:
    def change(packet: bytes) -> bytes:
        is_late = line.n > 30 and packet[3] == PacketType.REPLY and line.rng.random() < 0.3
        return remake(packet, packet[8:-4][:7]) if is_late else packet

    line.put(change)


def _deaf(line: Line) -> None:
    def change(packet: bytes) -> bytes:
        if line.n == 30:
            line.transport.board.deaf = 2
        return packet

    line.samples(change)


def _lost_chip(line: Line) -> None:
    def change(packet: bytes) -> bytes:
        if line.n == 40:
            line.n += 1
            line.transport.board.brown_out()
        return packet

    line.samples(change)


def _refused(line: Line) -> None:
    line.transport.reopen_refusals = 4
    line.cut_at(30)


_EVENT = wire.EventHeader(EventType.TRIGGER, 0, 0).encode() + wire.TriggerEvent(1, 1).encode()
_TO_NOBODY = wire.ReplyHeader(0xBEEF, Request.STOP, 0).encode() + wire.Stopped(1, 5, 0).encode()

#: Name to what arms a line. Each of a name's plays has its own seed.
KINDS: dict[str, Callable[[Line], None]] = {
    "nothing wrong": lambda line: None,
    "bytes lost": lambda line: line.now_and_then(0.05, _bytes(line, "lost")),
    "bytes doubled": lambda line: line.now_and_then(0.05, _bytes(line, "doubled")),
    "bytes changed": lambda line: line.now_and_then(0.05, _bytes(line, "changed")),
    "bytes inserted": lambda line: line.now_and_then(0.05, _bytes(line, "inserted")),
    "bits flipped": lambda line: line.now_and_then(0.05, _bytes(line, "flipped")),
    "packets cut": lambda line: line.now_and_then(0.05, _bytes(line, "cut")),
    "packets lost": lambda line: line.now_and_then(0.1, lambda _: b""),
    "most packets lost": lambda line: line.samples(lambda p: b"" if line.n % 10 else p),
    "packets doubled": lambda line: line.now_and_then(0.3, lambda packet: 2 * packet),
    "everything twice": lambda line: line.put(lambda packet: 2 * packet),
    "packets swapped": _swap,
    "garbage between": lambda line: line.now_and_then(0.1, lambda p: _garbage(line, p)),
    "a burst lost": lambda line: line.samples(lambda p: b"" if 30 <= line.n < 55 else p),
    "8 packets again": _repeat_block(8),
    "10 packets again": _repeat_block(10),
    "80 packets again": _repeat_block(80),
    "all again over a START": _repeat_over_start,
    "late by 50 packets": _late,
    "dripping": _drip,
    "cut once": lambda line: line.cut_at(int(line.rng.integers(5, 80))),
    "cut often": lambda line: line.cut_at(10, 25, 26, 50, 70),
    "cut and refused": _refused,
    "clock of 32 bits": _clock(lambda line, us: (us + (1 << 32) - 3_000_000) % (1 << 32)),
    "clock set back": _clock(lambda line, us: us - 2_000_000_000 * (line.n > 40) + 10**10),
    "clock set to 0": _clock(lambda line, us: us + 10**9 * (line.n <= 40)),
    "clock set on": _clock(lambda line, us: us + 10**9 * (line.n > 40)),
    "clock stands": _clock(lambda line, us: 1_000_000),
    "clock of milliseconds": _clock(lambda line, us: us // 1000 * 1000),
    "clock that jitters": _clock(lambda line, us: us + int(line.rng.integers(0, 30_000))),
    "clock four times too fast": _clock(lambda line, us: 4 * us),
    "count near 2^32": _count((1 << 32) - 700),
    "count near 2^31": _count((1 << 31) - 700),
    "count from 2^32 on": _count((1 << 32) - 16),
    "one count damaged": _wild_count,
    "starts anew": _boots(40),
    "starts anew three times": _boots(20, 45, 60),
    "starts anew for ever": _boots_always,
    "chip lost": _lost_chip,
    "flood of events": _flood(PacketType.EVENT, _EVENT, 300),
    "answers to nobody": _flood(PacketType.REPLY, _TO_NOBODY, 100),
    "packets of no type": _flood(PacketType(0x10), b"\x00\x00\x77", 50),
    "comes back changed": _changed,
    "short answers": _short_answers,
    "deaf for a while": _deaf,
}

#: A board that starts anew does not say how many conversions its run had; damaged answers may hide
#: that a run ended.
CANNOT_BE_KNOWN = {
    "starts anew",
    "starts anew three times",
    "starts anew for ever",
    "comes back changed",
}
