"""Board time to time stamps of the Lab Streaming Layer (LSL): smooth, and never back."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.chip.rate import MIN_RATE_CONVERSIONS
from emgrig.driver.samples.block import Block
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.protocol.account import Cause
from emgrig.recording.lsl.library import local_clock

SLEW = 500e-6  #: How fast a stamp may move towards where a better clock fit says it belongs, s/s.
N_RATE_BLOCKS = 256  #: The data rate is measured over so many blocks.
#: An event further than this from the block that brought it is of another clock.
EVENT_WITHIN_S = 10.0
_N_READINGS = 16


@dataclass(frozen=True)
class SessionTime:
    """Host time of a session (Unix) against LSL's clock, measured once, at its beginning.

    Both clocks never jump: a step of the host's wall clock afterwards changes no stamp.
    """

    lsl_minus_unix_s: float  #: What is added to Unix time to have LSL's, s.

    @classmethod
    def measure(cls, session_unix_s: Callable[[], float]) -> Self:
        """Read both clocks some times, and believe the pair that was read fastest."""
        lsl_s: list[float] = [local_clock()]
        unix_s: list[float] = []
        for _ in range(_N_READINGS):
            unix_s.append(session_unix_s())
            lsl_s.append(local_clock())
        pairs = [
            (after - before, (before + after) / 2 - unix)
            for (before, after), unix in zip(pairwise(lsl_s), unix_s, strict=True)
        ]
        return cls(min(pairs)[1])

    def to_lsl(self, unix_s: float) -> float:
        """LSL's clock, s, at a Unix time of the session."""
        return unix_s + self.lsl_minus_unix_s

    def to_unix(self, lsl_s: float) -> float:
        """Unix time of the session, s, when LSL's clock read `lsl_s`."""
        return lsl_s - self.lsl_minus_unix_s


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a block lies, Unix time."""

    #: float64, shape (n_samples,); When each sample was converted, s.
    stamps_s: NDArray[np.float64]
    #: When the first of those that are missing before the block would have been, s.
    missing_s: float


class StampLine:
    """Give every sample its time (Unix), block after block: that of its data-ready edge.

    It is the board time of the block, the sample's place in it times the measured data period, and
    the clock fit. When the fit becomes a better one, the stamps go on from where they are and move
    to the new line by at most `SLEW`. A gap is as long as board time says.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[int, int]] = deque(maxlen=N_RATE_BLOCKS)
        self._rate_hz = 0.0
        self._slowness: float | None = None  # measured data period over the nominal one
        self._fit: ClockFit | None = None
        self._at_us = 0
        self._ahead_s = 0.0  # of what the fit says
        self._next_s = -np.inf
        self._period_s = 0.0

    @property
    def is_rate_known(self) -> bool:
        """True once the real data rate was measured; a pause or another rate does not undo it."""
        return self._slowness is not None

    def follow(self, block: Block) -> None:
        """Take the board time of a block that came, to measure the data rate."""
        if not block.n_samples:
            return
        if block.is_estimate or block.epoch.rate_hz != self._rate_hz:
            self._points.clear()
        self._rate_hz = block.epoch.rate_hz
        self._points.append((block.first_conversion, block.board_time_us))
        conversions, elapsed_us = np.subtract(self._points[-1], self._points[0])
        if conversions >= MIN_RATE_CONVERSIONS and elapsed_us > 0:
            self._slowness = float(elapsed_us / conversions * 1e-6 * self._rate_hz)

    def place(self, block: Block, fit: ClockFit) -> Placed:
        """Return where a block lies; it comes after the one that was placed before."""
        at_us, is_first = block.board_time_us, self._next_s == -np.inf
        slowness = 1.0 if self._slowness is None else self._slowness
        period_s = slowness / block.epoch.rate_hz / (1 + fit.drift_ppm * 1e-6)
        start_s = fit.unix_s(at_us)
        ahead_s = 0.0 if block.cause is Cause.RESTART else self._carried_s(at_us, start_s)
        missing_s = start_s - block.lost_before * period_s if is_first else self._next_s
        if not block.n_samples:
            self._fit = self._fit or fit
            return Placed(np.empty(0), missing_s)
        # Half a period after the last one at least, whatever the board's clock says.
        ahead_s = max(ahead_s, self._next_s - self._period_s / 2 - start_s)
        elapsed_s = np.arange(block.n_samples + 1) * period_s
        left_s = np.copysign(np.maximum(abs(ahead_s) - SLEW * elapsed_s, 0.0), ahead_s)
        stamps_s = start_s + elapsed_s + left_s
        self._fit, self._at_us, self._period_s = fit, at_us, period_s
        self._ahead_s, self._next_s = float(left_s[-1]), float(stamps_s[-1])
        return Placed(stamps_s[:-1], missing_s)

    def at(self, board_time_us: int) -> float:
        """Unix time, s, of an event that the block that was placed last brought."""
        if self._fit is None:
            raise ValueError("no block was placed yet")
        near_s = self._fit.unix_s(self._at_us) + self._ahead_s
        time_s = self._fit.unix_s(board_time_us) + self._ahead_s
        return time_s if abs(time_s - near_s) <= EVENT_WITHIN_S else near_s

    def _carried_s(self, at_us: int, start_s: float) -> float:
        """How far the line so far is ahead of a new fit; 0 if the board's clock began anew."""
        if self._fit is None or at_us < self._at_us or self._next_s == -np.inf:
            return 0.0
        return self._fit.unix_s(at_us) + self._ahead_s - start_s
