"""The way out of the board: its transmit buffer, and the link behind it to one client."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from emgrig.protocol.framing import encode_packet

UNLIMITED = float("inf")


class Damage(Protocol):
    """What the link does to packets."""

    def __call__(self, packets: list[bytes]) -> bytes:
        """Return the bytes that arrive when `packets` are sent, in this order."""


def no_damage(packets: list[bytes]) -> bytes:
    """Return the packets as they are: a good link."""
    return b"".join(packets)


@dataclass
class Link:
    """What the way to the PC is like now; faults change it while the board runs."""

    bytes_per_s: float = UNLIMITED  #: > 0; Throughput.
    is_stalled: bool = False  #: True: nothing gets through, the connection stays.
    is_up: bool = True  #: False: there is no connection, and none can be made.
    damage: Damage = no_damage  #: What happens to packets on the way.


@dataclass(eq=False)
class Outlet:
    """Packets that wait for the link, and bytes that came through it.

    Time is true time, s; it never goes back from call to call.
    """

    link: Link  #: What is behind the buffer.
    capacity_bytes: int  #: How much may wait in the board.
    window_bytes: int  #: How much the client takes before it reads; then the link stops flowing.

    def __post_init__(self) -> None:
        self.high_water_bytes = 0  #: Most bytes that ever waited.
        self.frames_gone = 0  #: Frames of samples that left the board.
        self.frames_waiting = 0  #: Frames of samples in the buffer.
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._waiting_bytes = 0
        self._arrived: deque[bytes] = deque()
        self._arrived_begin = 0  # what is left of the first of them begins here
        self._arrived_bytes = 0
        self._sequence = 0
        self._drained_s = 0.0
        self._credit_bytes = 0.0

    @property
    def sequence(self) -> int:
        """Sequence number of the next packet, 0 to 65535."""
        return self._sequence

    def flows_freely(self, n_bytes: int) -> bool:
        """Return True if `n_bytes` more would go straight to the client."""
        link = self.link
        is_free = not link.is_stalled and link.bytes_per_s == UNLIMITED and not self._waiting
        return is_free and self._arrived_bytes + n_bytes <= self.window_bytes

    def has_room(self, n_bytes: int) -> bool:
        """Return True if a packet of `n_bytes` fits in the buffer."""
        return self._waiting_bytes + n_bytes <= self.capacity_bytes

    def send(self, packet_type: int, payload: bytes, now_s: float) -> None:
        """Queue one packet that is no samples; it is kept even if the buffer is full."""
        self.drain(now_s)
        self._queue(encode_packet(packet_type, self._sequence, payload), 0)
        self.drain(now_s)

    def send_row(self, data: bytes, length: int, n_frames: int, now_s: float) -> None:
        """As `send_samples`, of packets of `length` bytes each, one behind the other."""
        if self.link.damage is no_damage and self.flows_freely(len(data)):
            self._arrive(data)
            self._gone(len(data) // length, n_frames, now_s)
            return
        packets = [data[at : at + length] for at in range(0, len(data), length)]
        self.send_samples(packets, n_frames, now_s)

    def send_samples(self, packets: list[bytes], n_frames: int, now_s: float) -> None:
        """Queue sample packets of `n_frames` each, numbered from `sequence` on."""
        if self.flows_freely(sum(map(len, packets))):
            self._arrive(self._through_link(packets))
            self._gone(len(packets), n_frames, now_s)
            return
        for packet in packets:
            self._queue(packet, n_frames)
        self.drain(now_s)

    def drain(self, now_s: float) -> None:
        """Let the link take what it can until `now_s`."""
        elapsed_s = max(now_s - self._drained_s, 0.0)
        self._drained_s = max(now_s, self._drained_s)
        link = self.link
        if link.is_stalled or not self._waiting:
            self._credit_bytes = 0.0
            return
        self._credit_bytes += elapsed_s * link.bytes_per_s if elapsed_s else 0.0
        if link.bytes_per_s == UNLIMITED:
            self._credit_bytes = UNLIMITED
        gone: list[bytes] = []
        arriving = self._arrived_bytes
        while self._waiting and arriving < self.window_bytes:
            packet, n_frames = self._waiting[0]
            if len(packet) > self._credit_bytes:
                break
            self._waiting.popleft()
            self._credit_bytes -= len(packet)
            self._waiting_bytes -= len(packet)
            self.frames_waiting -= n_frames
            self.frames_gone += n_frames
            arriving += len(packet)
            gone.append(packet)
        if not self._waiting or self._credit_bytes == UNLIMITED:
            self._credit_bytes = 0.0
        if gone:
            self._arrive(self._through_link(gone))

    def take(self, max_bytes: int) -> bytes:
        """Hand over at most `max_bytes` of what arrived."""
        pieces: list[bytes] = []
        left = max_bytes
        while self._arrived and left > 0:
            piece = self._arrived[0]
            end = min(self._arrived_begin + left, len(piece))
            pieces.append(piece[self._arrived_begin : end])
            left -= end - self._arrived_begin
            self._arrived_begin = end
            if end == len(piece):
                self._arrived.popleft()
                self._arrived_begin = 0
        self._arrived_bytes -= max_bytes - left
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def clear(self) -> int:
        """Throw away all that waits for the link; return how many frames that was.

        What has arrived stays, for it is on the other side.
        """
        lost, self.frames_waiting = self.frames_waiting, 0
        self._waiting.clear()
        self._waiting_bytes = 0
        return lost

    def restart(self) -> None:
        """Forget what waits and begin the sequence at 0: the board booted."""
        self.clear()
        self.high_water_bytes = 0
        self._sequence = 0

    def _gone(self, n_packets: int, n_frames: int, now_s: float) -> None:
        """Note packets of `n_frames` each that went straight through."""
        self._sequence = (self._sequence + n_packets) & 0xFFFF
        self.frames_gone += n_frames * n_packets
        self._drained_s = now_s

    def _arrive(self, data: bytes) -> None:
        if data:
            self._arrived.append(data)
            self._arrived_bytes += len(data)

    def _through_link(self, packets: list[bytes]) -> bytes:
        """Return what arrives of packets."""
        return self.link.damage(packets)

    def _queue(self, packet: bytes, n_frames: int) -> None:
        self._waiting.append((packet, n_frames))
        self._waiting_bytes += len(packet)
        self.frames_waiting += n_frames
        self.high_water_bytes = max(self.high_water_bytes, self._waiting_bytes)
        self._sequence = (self._sequence + 1) & 0xFFFF
