"""Bytes to packets, without I/O: feed it whole, byte by byte, or damaged.

What recovery must survive: garbage before, inside and behind a packet; a lost, inserted or changed
byte; sync bytes inside a payload; an impossible length. A false sync costs one byte: the search
goes on right behind it, inside what is held, so damage costs at most the packets it touches.
The buffer never holds more than one longest packet.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emgrig.errors import WireError
from emgrig.protocol import packets
from emgrig.protocol.framing import (
    CRC_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    OVERHEAD_BYTES,
    SYNC,
    VERSION,
    PacketType,
)
from emgrig.protocol.packets import SAMPLES_HEADER_BYTES
from emgrig.protocol.sample_packets import (
    SAMPLES_HEAD,
    SAMPLES_HEAD_BYTES,
    OnePacket,
    SamplePackets,
)
from emgrig.protocol.schema import Message

__all__ = [
    "CRC_BATCH",
    "Decoder",
    "DecoderCounts",
    "EventPacket",
    "Item",
    "OnePacket",
    "ReplyPacket",
    "RequestPacket",
    "SamplePackets",
]

#: What packets of one run are alike in: sync, version and type; length; n_frames and frame_bytes.
_KIND = np.dtype(
    {"names": ["type", "length", "form"], "formats": ["<u4", "<u2", "<u2"], "offsets": [0, 6, 20]}
)
#: The head again, of one packet, behind its sync and version bytes.
_ONE_HEAD = struct.Struct("<4xHHIqBBHH")  # time as int64, as in the arrays
#: Bytes in which events of one kind are alike: sync, version, type, length, event.
_SAME = np.array([0, 1, 2, 3, 6, 7, 8])
_REQUEST_BYTES: int = packets.RequestHeader.SCHEMA.sizeof()
_REPLY_BYTES: int = packets.ReplyHeader.SCHEMA.sizeof()
_EVENT_BYTES: int = packets.EventHeader.SCHEMA.sizeof()
_EVENTS: dict[int, type[Message]] = {int(event): body for event, body in packets.EVENTS.items()}
CRC_BATCH = 64  #: Packets whose CRCs are checked with one call (see `Decoder.whole_crcs`).


@dataclass(frozen=True)
class RequestPacket:
    """A request, as the board sees it; `request` may be one that this version does not know."""

    id: int
    request: int
    arguments: bytes


@dataclass(frozen=True)
class ReplyPacket:
    """A reply: `data` for OK, `error` for ERROR."""

    id: int
    request: int
    data: bytes
    error: packets.ErrorReply | None


@dataclass(frozen=True)
class EventPacket:
    """Something the board said unasked; `body` is None for a type this version does not know."""

    event: int
    conversion: int
    board_time_us: int
    body: Message | None


Item = SamplePackets | RequestPacket | ReplyPacket | EventPacket


@dataclass
class DecoderCounts:
    """What the decoder has seen and thrown away since it was made."""

    packets: int = 0  #: Packets with a good CRC.
    skipped_bytes: int = 0  #: Bytes that belonged to no packet.
    #: Sync bytes that no packet followed, by the reason. One damaged packet may count several
    #: times, since its payload is searched too.
    bad_crc: int = 0
    bad_length: int = 0
    bad_version: int = 0
    unknown: int = 0  #: Good packets of a type this version does not know.
    malformed: int = 0  #: Packets with a good CRC whose content makes no sense.
    #: Packets missing by the sequence number (modulo 65536): lost on the link, not on the board.
    sequence_gaps: int = 0
    unheard: int = 0  #: Events and replies that were not let in (`Decoder.admits`).
    last_version: int = field(default=VERSION)


class Decoder:
    """Turn a stream of bytes into packets."""

    def __init__(self) -> None:
        self.counts = DecoderCounts()
        #: Asked of the type and payload of each good packet that holds no samples: False leaves it
        #: undecoded and counts it. To decode one costs far more than to skip it.
        self.admits: Callable[[int, bytes], bool] | None = None
        self._held = b""
        self._expected_sequence: int | None = None
        self._expected_crc: dict[int, list[int]] = {}

    @property
    def held(self) -> bytes:
        """What waits for the rest of its packet; less than one longest packet."""
        return self._held

    @property
    def held_bytes(self) -> int:
        """How much that is."""
        return len(self._held)

    @property
    def expected_sequence(self) -> int | None:
        """The sequence number that should come next; None before the first packet."""
        return self._expected_sequence

    def feed(self, data: bytes) -> list[Item]:
        """Take bytes, and return what they completed, in order. Never raises on any content."""
        return self._decode(self._held + data if self._held else data, final=False)

    def flush(self) -> list[Item]:
        """Say that no more bytes will come: return what is complete, and forget the rest."""
        return self._decode(self._held, final=True)

    def _decode(self, data: bytes, *, final: bool) -> list[Item]:
        items: list[Item] = []
        at = 0
        while True:
            found = data.find(SYNC, at)
            if found < 0:
                keep = 1 if data.endswith(SYNC[:1]) and not final and at < len(data) else 0
                found = len(data) - keep
                self.counts.skipped_bytes += found - at
                at = found
                break
            self.counts.skipped_bytes += found - at
            at = found
            used = self._packet_at(data, at, items)
            if used < 0 and not final:
                break
            if used <= 0:  # a false sync: go on one byte behind it
                self.counts.skipped_bytes += 1
                used = 1
            at += used
        self._held = data[at:]
        return items

    def _packet_at(self, data: bytes, at: int, items: list[Item]) -> int:
        """Take the packet at `at`: bytes used, 0 for a false sync, -1 if more bytes are needed."""
        available = len(data) - at
        if available >= 3 and data[at + 2] != VERSION:
            self.counts.bad_version += 1
            self.counts.last_version = data[at + 2]
            return 0
        if available < HEADER_BYTES:
            return -1
        length = int.from_bytes(data[at + 6 : at + 8], "little")
        if length > MAX_PAYLOAD_BYTES:
            self.counts.bad_length += 1
            return 0
        total = length + OVERHEAD_BYTES
        if available < total:
            return -1
        if data[at + 3] == PacketType.SAMPLES and length >= SAMPLES_HEADER_BYTES:
            return self._samples_at(data, at, total, items)
        body = at + HEADER_BYTES
        crc = int.from_bytes(data[at + total - CRC_BYTES : at + total], "little")
        if zlib.crc32(data[at + 2 : at + total - CRC_BYTES]) != crc:
            self.counts.bad_crc += 1
            return 0
        self.counts.packets += 1
        self._follow_sequence(int.from_bytes(data[at + 4 : at + 6], "little"), 1)
        if not self._take(data[at + 3], data[body : body + length], items):
            total += self._skip_like(data, at, total)
        return total

    def _skip_like(self, data: bytes, at: int, stride: int) -> int:
        """Skip the events behind one that was not let in that are of its kind; return the bytes."""
        if data[at + 3] != PacketType.EVENT or stride == OVERHEAD_BYTES:
            return 0
        begin = at + stride
        n_packets = (len(data) - begin) // stride
        octets = np.ndarray((n_packets, 9), np.uint8, data, begin, (stride, 1))
        first = np.frombuffer(data, np.uint8, 9, at)
        alike = (octets[:, _SAME] == first[_SAME]).all(axis=1)
        n_alike = n_packets if alike.all() else int(alike.argmin())
        n_good = self._good_crcs(data, begin, stride, n_alike)
        if n_good:
            sequence = octets[:n_good, 4] + octets[:n_good, 5].astype(np.uint16) * 256
            self._follow_sequences(sequence)
        self.counts.packets += n_good
        self.counts.unheard += n_good
        return n_good * stride

    def _take(self, packet_type: int, payload: bytes, items: list[Item]) -> bool:
        """Decode one payload with a good CRC that is no sample packet; False if not let in."""
        if self.admits is not None and not self.admits(packet_type, payload):
            self.counts.unheard += 1
            return False
        try:
            item = _decode_payload(packet_type, payload)
        except WireError:
            self.counts.malformed += 1
            return True
        if item is None:
            self.counts.unknown += 1
        else:
            items.append(item)
        return True

    def _samples_at(self, data: bytes, at: int, stride: int, items: list[Item]) -> int:
        """Take the run of sample packets of one shape that begins at `at`."""
        if (
            zlib.crc32(data[at : at + stride]) != self.whole_crcs(stride)[1]
        ):  # before what costs more
            self.counts.bad_crc += 1
            return 0
        if len(data) - at < 2 * stride:  # as a board at its own pace sends them
            return self._one_at(data, at, stride, items)
        heads, n_alike = _alike(data, at, stride)
        n_good = self._good_crcs(data, at, stride, n_alike)
        self.counts.packets += n_good
        heads = heads[:n_good]
        link_lost = self._follow_sequences(heads["sequence"])
        n_frames, frame_bytes = int(heads["n_frames"][0]), int(heads["frame_bytes"][0])
        if n_frames * frame_bytes + SAMPLES_HEADER_BYTES + OVERHEAD_BYTES != stride or not n_frames:
            self.counts.malformed += n_good
            return n_good * stride
        frames = np.ndarray(
            (n_good, n_frames, frame_bytes),
            np.uint8,
            buffer=data,
            offset=at + SAMPLES_HEAD_BYTES,
            strides=(stride, frame_bytes, 1),
        )
        items.append(
            SamplePackets(
                first_conversion=heads["first_conversion"].astype(np.int64),
                board_time_us=heads["board_time_us"].astype(np.int64),
                settings=heads["settings"].astype(np.int64),
                flags=heads["flags"].astype(np.int64),
                link_lost=link_lost,
                frames=frames,
            )
        )
        return n_good * stride

    def _one_at(self, data: bytes, at: int, stride: int, items: list[Item]) -> int:
        """Take the one sample packet at `at`, whose CRC is good."""
        sequence, length, conversion, time_us, n_frames, frame_bytes, epoch, flags = (
            _ONE_HEAD.unpack_from(data, at)
        )
        self.counts.packets += 1
        self._follow_sequence(sequence, 1)
        if n_frames * frame_bytes + SAMPLES_HEADER_BYTES != length or not n_frames:
            self.counts.malformed += 1
            return stride
        n_lost, begin = self.counts.sequence_gaps, at + SAMPLES_HEAD_BYTES
        items.append(
            OnePacket(conversion, time_us, epoch, flags, n_lost, data, begin, n_frames, frame_bytes)
        )
        return stride

    def _good_crcs(self, data: bytes, at: int, stride: int, n_packets: int) -> int:
        """How many of the packets from `at` on have a good CRC, before the first that has not."""
        expected = self.whole_crcs(stride)
        view = memoryview(data)
        for first in range(0, n_packets, CRC_BATCH):
            n_batch = min(CRC_BATCH, n_packets - first)
            begin = at + first * stride
            if zlib.crc32(view[begin : begin + n_batch * stride]) == expected[n_batch]:
                continue
            for index in range(n_batch):
                begin = at + (first + index) * stride
                if zlib.crc32(view[begin : begin + stride]) != expected[1]:
                    return first + index
        return n_packets

    def whole_crcs(self, stride: int) -> list[int]:
        """CRC over 0, 1, 2 … whole valid packets of `stride` bytes, sync and CRC bytes included.

        CRC-32 is linear: a message followed by its own CRC leaves the register in a state that
        depends on the length alone. So the CRC over a run of valid packets of one length is the
        same for every content, and one call checks a whole run. A fault in one packet is found as
        surely as by its own CRC; faults in two packets of a batch cancel with probability 2**-32,
        which is the probability at which a CRC misses anything.
        """
        if stride not in self._expected_crc:
            body = bytes(stride - OVERHEAD_BYTES + HEADER_BYTES - len(SYNC))
            packet = SYNC + body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")
            values = [0]
            for _ in range(CRC_BATCH):
                values.append(zlib.crc32(packet, values[-1]))
            if len(self._expected_crc) >= 16:  # lengths come from the wire: keep few
                self._expected_crc.clear()
            self._expected_crc[stride] = values
        return self._expected_crc[stride]

    def _follow_sequence(self, sequence: int, n_packets: int) -> None:
        """Count the packets missing before `sequence`, and expect what follows `n_packets`."""
        if self._expected_sequence is not None:
            missing = (sequence - self._expected_sequence) & 0xFFFF
            if missing < 0x8000:  # more is a packet that came late or twice
                self.counts.sequence_gaps += missing
            else:
                return
        self._expected_sequence = (sequence + n_packets) & 0xFFFF

    def _follow_sequences(self, sequence: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Do the same for a run of packets; return what is missing up to each of them."""
        n_packets = len(sequence)
        last, first = int(sequence[-1]), int(sequence[0])
        if (last - first) & 0xFFFF == n_packets - 1 and bool(
            # all, but one where it wraps
            np.count_nonzero(sequence[1:] - sequence[:-1] == 1) >= n_packets - 2
        ):
            self._follow_sequence(first, n_packets)
            return np.full(n_packets, self.counts.sequence_gaps, np.int64)
        missing = np.empty(n_packets, np.int64)
        for index, value in enumerate(sequence.tolist()):
            self._follow_sequence(value, 1)
            missing[index] = self.counts.sequence_gaps
        return missing


def _alike(data: bytes, at: int, stride: int) -> tuple[NDArray[np.void], int]:
    """Heads of the packets `stride` bytes apart from `at` on, and how many are like the first."""
    n_packets = (len(data) - at) // stride
    heads = np.ndarray((n_packets,), SAMPLES_HEAD, buffer=data, offset=at, strides=(stride,))
    kinds = np.ndarray((n_packets,), _KIND, buffer=data, offset=at, strides=(stride,))
    types, lengths, forms = kinds["type"], kinds["length"], kinds["form"]
    alike = types == types[0]
    alike &= lengths == lengths[0]
    alike &= forms == forms[0]
    return heads, n_packets if alike.all() else int(alike.argmin())


def _decode_payload(packet_type: int, payload: bytes) -> Item | None:
    """Decode a payload that is no run of samples; None for a type we do not know."""
    if packet_type == PacketType.REPLY:
        reply = packets.ReplyHeader.decode(payload)
        rest = payload[_REPLY_BYTES:]
        error = None
        if reply.status != packets.ReplyStatus.OK:
            error = packets.ErrorReply.decode(rest)
            rest = b""
        return ReplyPacket(reply.id, reply.request, rest, error)
    if packet_type == PacketType.REQUEST:
        request = packets.RequestHeader.decode(payload)
        rest = payload[_REQUEST_BYTES:]
        return RequestPacket(request.id, request.request, rest)
    if packet_type == PacketType.EVENT:
        head = packets.EventHeader.decode(payload)
        known = _EVENTS.get(head.event)
        body = None if known is None else known.decode(payload[_EVENT_BYTES:])
        return EventPacket(head.event, head.conversion, head.board_time_us, body)
    if packet_type == PacketType.SAMPLES:
        raise WireError("sample packet without its head")
    return None
