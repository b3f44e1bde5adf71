"""What a gateway sends: packets of the board link, made of frames with their places."""

import struct
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from emgrig.gateways.placed import Placed, differences, joined
from emgrig.protocol.framing import MAX_PAYLOAD_BYTES, PacketEncoder, PacketType
from emgrig.protocol.packets import EventHeader, EventType, SampleFlag
from emgrig.protocol.schema import Message

_HEAD = struct.Struct("<IQBBHH")
_MOST_STRAY = 1 << 16
_MOST_WAITING = 64 << 20  #: Bytes that wait to be read, for a reader that does not come.


class Following(NamedTuple):
    """Where the next packet of samples stands, if nothing is missing before it."""

    sequence: int
    conversion: int  #: Of its first frame, modulo 2**32.
    settings: int


@dataclass(eq=False)
class Outgoing:
    """Bytes of the board link that wait to be read."""

    frame_bytes: int = 27
    n_sent: int = 0  #: Frames of this run.
    n_thrown: int = 0  #: Frames that nobody came to read.
    conversions: int = 0  #: Of this run so far, those that are missing included.
    per_packet: int = 0  #: Frames a packet; 0 between runs.
    #: What is missing where damage was seen was lost on the way; if this is False, nobody can tell.
    tells_where: bool = True
    last_us: int = 0  #: Board time of the last frame, µs.
    waiting: bytearray = field(default_factory=bytearray)  #: Bytes to be read next.
    _encode: PacketEncoder = field(default_factory=PacketEncoder)
    _waiting: list[Placed] = field(default_factory=list)  # frames that do not fill a packet yet
    _n_waiting: int = 0
    _settings: int = 0
    _newest: Placed | None = None  # frames of which the last is the newest
    _packed: int = 0  # conversions up to the last frame that was packed

    def __bool__(self) -> bool:
        """Return True if something waits."""
        return bool(self.waiting)

    @property
    def max_frames(self) -> int:
        """Most frames a packet."""
        return min((MAX_PAYLOAD_BYTES - _HEAD.size) // self.frame_bytes, 255)

    def take(self, max_bytes: int) -> bytes:
        """Hand over at most `max_bytes`."""
        data = bytes(self.waiting[:max_bytes])
        del self.waiting[:max_bytes]
        return data

    def clear(self) -> None:
        """Forget all that waits: the link was opened anew."""
        self.waiting.clear()
        self._waiting, self._n_waiting = [], 0

    def reply(self, payload: bytes) -> None:
        """Send a reply."""
        self.waiting += self._encode(PacketType.REPLY, payload)

    def event(self, event: EventType, body: Message, time_us: int) -> None:
        """Send an event, behind all samples that came before it."""
        self.flush()
        head = EventHeader(event, self.conversions & 0xFFFFFFFF, time_us)
        self.waiting += self._encode(PacketType.EVENT, head.encode() + body.encode())

    # ---- samples ------------------------------------------------------------------------------

    def begin_run(self, per_packet: int, settings: int) -> None:
        """Begin a run: so many frames a packet, under this epoch."""
        self.per_packet, self._settings = per_packet, settings
        self._waiting, self._n_waiting = [], 0
        self.n_sent = self.n_thrown = self.conversions = self._packed = 0
        self._newest = None

    def end_run(self) -> None:
        """End it; what waits is sent."""
        self.flush()
        self.per_packet = 0

    @property
    def lacking(self) -> int:
        """Frames that are lacking to a packet; 0 between runs."""
        return self.per_packet - self._n_waiting if self.per_packet else 0

    @property
    def is_even(self) -> bool:
        """True in a run of which no frame waits, and none is missing at its end."""
        return bool(self.per_packet) and not self._n_waiting and self._packed == self.conversions

    @property
    def following(self) -> Following:
        """Where the next packet stands, if `is_even`."""
        return Following(self._encode.next_sequence, self.conversions & 0xFFFFFFFF, self._settings)

    def samples(self, placed: Placed) -> None:
        """Take frames of the run that is on; packets go out as they fill."""
        if not len(placed.conversion):
            return
        self.conversions = int(placed.conversion[-1]) + 1
        self.last_us = int(placed.time_us[-1])
        self._newest = placed
        self._waiting.append(placed)
        self._n_waiting += len(placed.conversion)
        if self._n_waiting >= self.per_packet:
            self._pack(is_last=False)

    def stray(self, n_bytes: int) -> None:
        """Hand on that so many bytes of the board were of no frame: zeros between packets."""
        self.waiting += bytes(min(n_bytes, _MOST_STRAY))

    def again(self, n_frames: int) -> None:
        """Hand on that so many frames came again: the newest goes once more for each."""
        if n_frames and self._newest is not None:
            self.flush()
            newest = self._newest.part(len(self._newest.conversion) - 1)
            for _ in range(n_frames):
                self._send(newest, 0, 1, 0)

    def flush(self) -> None:
        """Send the frames that do not fill a packet."""
        if self._n_waiting:
            self._pack(is_last=True)

    def _pack(self, *, is_last: bool) -> None:
        """Make packets: full ones, and shorter ones at gaps and at the end."""
        whole = joined(self._waiting)
        if self._is_even(whole):
            n_done = self._pack_even(whole, is_last=is_last)
        else:
            n_done = self._pack_gaps(whole, is_last=is_last)
        if n_done:
            self._packed = int(whole.conversion[n_done - 1]) + 1
        rest = whole.part(n_done)
        self._n_waiting = len(rest.conversion)
        self._waiting = [rest] if self._n_waiting else []

    def _is_even(self, whole: Placed) -> bool:
        """Tell whether nothing is missing in and before frames: the usual case."""
        conversion = whole.conversion  # ascending
        is_whole = int(conversion[-1]) - self._packed == len(conversion) - 1
        return is_whole and int(conversion[0]) == self._packed and not whole.is_cut.any()

    def _pack_even(self, whole: Placed, *, is_last: bool) -> int:
        """Make packets where nothing is missing; return how many frames are in them."""
        n_frames = len(whole.conversion)
        end = n_frames if is_last else n_frames - n_frames % self.per_packet
        for at in range(0, end, self.per_packet):
            self._send(whole, at, min(at + self.per_packet, end), 0)
        return end

    def _pack_gaps(self, whole: Placed, *, is_last: bool) -> int:
        """Make packets where something is; return the same."""
        steps = differences(whole.conversion, self._packed - 1)
        gaps = np.flatnonzero((steps != 1) | whole.is_cut).tolist()
        edges = sorted({0, *gaps, len(steps)})
        n_done = 0
        for begin, end in pairwise(edges):
            is_open = end == len(steps) and not is_last
            for at in range(begin, end, self.per_packet):
                behind = min(at + self.per_packet, end)
                if is_open and behind - at < self.per_packet:
                    break
                if at == begin and whole.is_cut[at]:  # a number that is never sent: lost on the way
                    self._encode(PacketType.SAMPLES, b"")
                is_known_lost = whole.is_cut[at] and self.tells_where
                is_missed = steps[at] > 1 and not is_known_lost
                self._send(whole, at, behind, SampleFlag.CONVERSION_MISSED if is_missed else 0)
                n_done = behind
        return n_done

    def _send(self, whole: Placed, at: int, behind: int, flags: int) -> None:
        if len(self.waiting) > _MOST_WAITING:
            self.n_thrown += behind - at
            return
        head = _HEAD.pack(
            int(whole.conversion[at]) & 0xFFFFFFFF,
            int(whole.time_us[at]),
            behind - at,
            self.frame_bytes,
            self._settings,
            flags,
        )
        self.waiting += self._encode(PacketType.SAMPLES, head + whole.frames[at:behind].tobytes())
        self.n_sent += behind - at
