"""Runs that are over: what still comes of them is late, and not of the run that is on."""

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.samples.board_time import WRAP_US
from emgrig.protocol.account import WRAP
from emgrig.protocol.sample_packets import OnePacket, SamplePackets

ENDLESS = 1 << 62  #: End of a run that is on.
_MOST_RUNS = 8
#: A run that begins further ahead of its START than time allows, s, did not begin at 0.
_LATE_BEGIN_S = 10.0
_JITTER_US = 2000.0  #: A packet's own time is this near to the line of its run, and two periods.


class RunLine(NamedTuple):
    """A run as a line: board time of each of its conversions."""

    conversion: int  #: A conversion, and its board time as it was said, µs.
    raw_us: int
    period_us: float
    begin: int  #: First conversion, and that behind the last.
    end: int

    def off_us(self, packets: SamplePackets) -> NDArray[np.float64]:
        """Return how far packets are from the line, µs; infinite for those not of the run."""
        number = packets.first_conversion
        conversions = self.begin + (number - self.begin) % WRAP
        line_us = self.raw_us + (conversions - self.conversion) * self.period_us
        off = np.abs(_short_way(packets.board_time_us - line_us))
        off[conversions >= self.end] = np.inf
        return off

    def off_one_us(self, packet: OnePacket) -> float:
        """Be `off_us` of one packet."""
        conversion = self.begin + (packet.conversion - self.begin) % WRAP
        if conversion >= self.end:
            return math.inf
        line_us = self.raw_us + (conversion - self.conversion) * self.period_us
        return abs((packet.time_us - line_us + WRAP_US / 2) % WRAP_US - WRAP_US / 2)

    @property
    def jitter_us(self) -> float:
        """How far a packet of the run may be from the line, µs."""
        return _JITTER_US + 2 * self.period_us


@dataclass(frozen=True)
class RunStart:
    """When a run was started: board time as START's answer said it, µs, and host time, s."""

    raw_us: int
    host_s: float

    def line(self, rate_hz: float) -> RunLine:
        """Where the packets of the run lie in time, before the first has come."""
        return RunLine(-1, self.raw_us, 1e6 / rate_hz, 0, ENDLESS)

    def most(self, packets: SamplePackets, host_s: float, rate_hz: float) -> int:
        """Return how many conversions there can have been since, by either clock."""
        passed_us = int(packets.board_time_us[0]) - self.raw_us
        passed_s = max(host_s - self.host_s, passed_us * 1e-6)
        return min(round((2 * passed_s + _LATE_BEGIN_S) * rate_hz), WRAP // 2 - 1)


class PastRuns:
    """The last runs of one board."""

    def __init__(self) -> None:
        self._lines: deque[RunLine] = deque(maxlen=_MOST_RUNS)

    def add(self, line: RunLine) -> None:
        """Remember a run that is over."""
        self._lines.append(line)

    def forget(self) -> None:
        """Forget all of them, as when the board's clock began anew."""
        self._lines.clear()

    def __len__(self) -> int:
        return len(self._lines)

    def is_late(self, packet: OnePacket, now: RunLine | None) -> bool:
        """Be `late` of one packet."""
        of_now = math.inf if now is None else now.off_one_us(packet)
        return any(
            (off := line.off_one_us(packet)) <= line.jitter_us and off < of_now
            for line in self._lines
        )

    def late(self, packets: SamplePackets, now: RunLine | None) -> NDArray[np.bool_]:
        """Tell which packets are of a run that is over; `now` is the line of the one that is on."""
        late = np.zeros(packets.n_packets, np.bool_)
        if not self._lines:
            return late
        of_now = np.full(packets.n_packets, np.inf) if now is None else now.off_us(packets)
        for line in self._lines:
            off = line.off_us(packets)
            late |= (off <= line.jitter_us) & (off < of_now)
        return late


def _short_way(apart_us: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out whole wraps of a clock of 32 bits."""
    return (apart_us + WRAP_US / 2) % WRAP_US - WRAP_US / 2
