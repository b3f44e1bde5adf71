"""When a gateway reads next, on virtual time: how often it wakes up, and how late it hands on."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.errors import TransportError, TransportTimeout
from emgrig.gateways.gathering import FAST_S, FILL_BYTES, READ_BYTES, Gathering
from emgrig.simulator.clock import VirtualClock

RATE_HZ, FRAME_BYTES, PER_PACKET = 250.0, 33, 16
BYTES_PER_S = RATE_HZ * FRAME_BYTES
#: How long a reader has to wait for a frame that has come already, s: the issue's limit.
MOST_LATE_S = 0.001


class Gate:
    """A lock that is waited for on virtual time."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.is_free = True

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        del blocking
        if not self.is_free:
            self.clock.sleep(max(timeout, 0.0))
            return False
        self.is_free = False
        return True

    def release(self) -> None:
        if self.is_free:
            raise RuntimeError("it is free")
        self.is_free = True


class Arrivals:
    """A link on which frames arrive at these times, s."""

    address, is_paced = "link:", True

    def __init__(self, times_s: NDArray[np.float64], n_bytes: int = FRAME_BYTES) -> None:
        self.clock = VirtualClock(0.0)
        self.times_s, self.n_bytes, self.n_read, self.n_reads = times_s, n_bytes, 0, 0

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        self.n_reads += 1
        n_there = int(np.searchsorted(self.times_s, self.clock.now_s(), "right"))
        if n_there == self.n_read:  # nothing waits: until the next comes
            next_s = self.times_s[self.n_read] if self.n_read < len(self.times_s) else np.inf
            now_s = self.clock.now_s()
            self.clock.sleep(max(min(next_s - now_s, timeout_s), 0.0))
            if next_s > now_s + timeout_s:
                raise TransportTimeout("nothing")
            n_there = int(np.searchsorted(self.times_s, next_s, "right"))
        n_new = min(n_there - self.n_read, max_bytes // self.n_bytes)
        self.n_read += n_new
        return bytes(n_new * self.n_bytes)

    def write(self, data: bytes, /) -> None:
        del data

    def reopen(self) -> None: ...

    def close(self) -> None: ...


def gathering_of(link: Arrivals) -> tuple[Gathering, Gate]:
    gate = Gate(link.clock)
    gathering = Gathering(gate)
    gathering.begin()
    return gathering, gate


def follow(link: Arrivals, since: int = 0) -> tuple[float, float]:
    """Read a run to its end; return the median delay of packets, s, and reads a packet."""
    gathering, _ = gathering_of(link)
    n_frames, late_s = 0, []
    while n_frames < len(link.times_s) - PER_PACKET:
        n_lacking = (PER_PACKET - n_frames % PER_PACKET) * FRAME_BYTES
        try:
            pieces = gathering.read(link, n_lacking, BYTES_PER_S, 0.25)
        except TransportTimeout:
            continue
        before, n_frames = n_frames, n_frames + sum(map(len, pieces)) // FRAME_BYTES
        for whole in range(before // PER_PACKET + 1, n_frames // PER_PACKET + 1):
            if whole * PER_PACKET > since:
                arrived_s = link.times_s[whole * PER_PACKET - 1]
                late_s.append(link.clock.now_s() - arrived_s)
    assert n_frames == link.n_read
    return float(np.median(late_s)), link.n_reads / (n_frames / PER_PACKET)


def even(seconds: float, rate_hz: float = RATE_HZ) -> NDArray[np.float64]:
    return 0.01 + np.arange(round(seconds * rate_hz)) / rate_hz


@pytest.mark.parametrize("ppm", [0, 3000, -3000, 20_000, -20_000])
def test_a_board_at_its_own_pace_is_read_once_a_packet_and_handed_on_at_once(ppm: int) -> None:
    late_s, n_reads = follow(Arrivals(even(120.0, RATE_HZ * (1 + ppm * 1e-6))))
    assert 0 <= late_s <= MOST_LATE_S
    assert n_reads < 1.5


def test_frames_that_come_in_bunches_are_handed_on_when_they_come() -> None:
    """A USB serial converter hands on what it has every 16 ms."""
    times_s = np.ceil(even(120.0) / 0.016) * 0.016
    late_s, n_reads = follow(Arrivals(times_s))
    assert 0 <= late_s <= MOST_LATE_S
    assert n_reads < 2.5


def test_frames_that_come_late_now_and_then_are_not_made_later() -> None:
    times_s = np.sort(even(120.0) + np.random.default_rng(7).exponential(0.002, 30_000))
    late_s, n_reads = follow(Arrivals(times_s))
    assert 0 <= late_s <= MOST_LATE_S
    assert n_reads < 4


def test_a_board_that_was_silent_for_long_is_followed_again() -> None:
    times_s = np.concatenate([even(30.0), 40.0 + even(60.0)])
    late_s, n_reads = follow(Arrivals(times_s), since=8000)
    assert 0 <= late_s <= MOST_LATE_S
    assert n_reads < 2


def test_what_has_piled_up_is_read_in_large_pieces_and_then_the_pace_is_found_again() -> None:
    times_s = np.concatenate([np.full(5000, 0.1), 0.2 + even(60.0)])
    link = Arrivals(times_s)
    gathering, _ = gathering_of(link)
    n_bytes = sum(map(len, gathering.read(link, 16 * FRAME_BYTES, BYTES_PER_S, 0.25)))
    assert READ_BYTES - FILL_BYTES - FRAME_BYTES < n_bytes <= READ_BYTES
    assert link.clock.now_s() < 0.1 + FAST_S
    late_s, _ = follow(Arrivals(times_s), since=6000)
    assert 0 <= late_s <= MOST_LATE_S


def test_a_wait_ends_when_there_is_something_else_to_do() -> None:
    link = Arrivals(even(10.0))
    gathering, gate = gathering_of(link)
    assert gathering.read(link, FRAME_BYTES, BYTES_PER_S, 1.0)
    gathering.wake()
    gathering.wake()
    before_s = link.clock.now_s()
    assert gathering.read(link, 16 * FRAME_BYTES, BYTES_PER_S, 1.0) == []
    assert link.clock.now_s() == before_s
    assert not gate.is_free


def test_silence_and_a_lost_link_are_told_in_time() -> None:
    link = Arrivals(1.0 + even(0.1))
    gathering, _ = gathering_of(link)
    begin_s = link.clock.now_s()
    with pytest.raises(TransportTimeout):
        gathering.read(link, 16 * FRAME_BYTES, BYTES_PER_S, 0.05)
    assert link.clock.now_s() - begin_s == pytest.approx(0.05)

    class Lost(Arrivals):
        def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
            raise TransportError("gone")

    with pytest.raises(TransportError, match="gone"):
        gathering.read(Lost(even(1.0)), 16 * FRAME_BYTES, BYTES_PER_S, 0.05)
