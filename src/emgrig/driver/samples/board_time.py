"""Board time as one line that only goes on: unwrapped, and carried on where it contradicts.

Conversions are what is true; time is advice. A clock of 32 bits wraps after 71.6 minutes, and a
clock may be set anew in mid-run. The samples come all the same, each with the time that follows
from the count; what contradicts is remembered, to be said.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emgrig.sentences import sentence

WRAP_US = 1 << 32  #: Where a clock of 32 bits begins anew.
#: Time and count may be so far apart, µs and share of the time that the count says.
TOLERANCE_US = 1_000_000.0
TOLERANCE_SHARE = 0.1
#: Without a count, a clock has wrapped if it was so near to the end, and is now so near to 0.
_NEAR_WRAP_US = 600_000_000
_MOST_STEPS = 100


@dataclass(frozen=True)
class ClockStep:
    """The board's time went on by `said_us` where its count of conversions says `expected_us`."""

    conversion: int  #: Of the run.
    said_us: int
    expected_us: int

    @property
    @sentence
    def words(self) -> str:
        """The contradiction for a person to read."""
        return (
            f"board time went on by {self.said_us * 1e-6:.6g} s at conversion {self.conversion}, "
            f"where the count says {self.expected_us * 1e-6:.6g} s: time follows the count there"
        )


@dataclass
class BoardTime:
    """One board's clock, as long as it was not told that it began anew."""

    n_steps: int = 0  #: How often time contradicted the count.
    #: The first of the contradictions.
    steps: list[ClockStep] = field(default_factory=list)
    _offset_us: int = 0
    _last_us: int | None = None
    _conversion: int | None = None  # at `_last_us`, in this run

    @property
    def offset_us(self) -> int:
        """What is added to board time as it is said, at the newest moment that is known, µs."""
        return self._offset_us

    def begin_anew(self) -> None:
        """Say that the board has started anew, and its clock with it."""
        self._offset_us, self._last_us, self._conversion = 0, None, None

    def begin_run(self) -> None:
        """Say that conversions are counted anew."""
        self._conversion = None

    @property
    def last_us(self) -> int | None:
        """The last time that is known, on the line; None before the first."""
        return self._last_us

    def place(self, raw_us: int) -> int:
        """Return the time on the line of a moment that no count goes with; it may be past."""
        time_us = raw_us + self._offset_us
        last_us = self._last_us
        if last_us is None:
            return time_us
        raw_last_us = last_us - self._offset_us
        if _has_wrapped(raw_last_us, raw_us):
            return time_us + WRAP_US
        if self._offset_us >= WRAP_US and _has_wrapped(raw_us, raw_last_us):
            return time_us - WRAP_US
        return time_us

    def move_to(self, raw_us: int) -> int:
        """As `place`, of the newest moment that is known; where it wraps, the line goes on."""
        time_us = self.place(raw_us)
        if self._last_us is None or time_us >= self._last_us:
            self._last_us, self._offset_us = time_us, time_us - raw_us
        return time_us

    def follow(
        self, conversions: NDArray[np.int64], raw_us: NDArray[np.int64], period_us: float
    ) -> NDArray[np.int64]:
        """Return the times on the line of conversions, each later than the one before.

        Parameters
        ----------
        conversions : ndarray of int64, shape (n,)
            Of the run, ascending over all calls since `begin_run`.
        raw_us : ndarray of int64, shape (n,)
            Board time as it was said, µs.
        period_us : float
            Data period as far as is known, µs.
        """
        if self._conversion is None or self._last_us is None:
            self._last_us = self.place(int(raw_us[0]))
            self._offset_us = self._last_us - int(raw_us[0])
            self._conversion = int(conversions[0])
        times_us = raw_us + self._offset_us
        said = np.diff(times_us, prepend=self._last_us)
        expected = np.diff(conversions, prepend=self._conversion) * period_us
        if not (np.abs(said - expected) <= _tolerance_us(expected)).all():
            return self._walk(conversions, raw_us, period_us)
        self._last_us, self._conversion = int(times_us[-1]), int(conversions[-1])
        return times_us

    def follow_one(self, conversion: int, raw_us: int, period_us: float) -> int:
        """Return the time on the line of one conversion, as `follow` does of many."""
        if self._conversion is None or self._last_us is None:
            self._last_us = self.place(raw_us)
            self._offset_us = self._last_us - raw_us
            self._conversion = conversion
        self._last_us = self._step_to(conversion, raw_us, period_us)
        self._conversion = conversion
        return self._last_us

    def _walk(
        self, conversions: NDArray[np.int64], raw_us: NDArray[np.int64], period_us: float
    ) -> NDArray[np.int64]:
        """Go from one to the next: slow for many; taken where time and count are not at one."""
        times_us = np.empty_like(raw_us)
        for index, (conversion, raw) in enumerate(
            zip(conversions.tolist(), raw_us.tolist(), strict=True)
        ):
            self._last_us = times_us[index] = self._step_to(conversion, raw, period_us)
            self._conversion = conversion
        return times_us

    def _step_to(self, conversion: int, raw_us: int, period_us: float) -> int:
        """Return the time of the next conversion; where it contradicts, move the line."""
        last_us, last = self._last_us or 0, self._conversion or 0
        expected_us = (conversion - last) * period_us
        excess_us = raw_us + self._offset_us - last_us - expected_us
        if abs(excess_us) > _tolerance_us(expected_us):
            wraps = -round(excess_us / WRAP_US) * WRAP_US
            if wraps and abs(excess_us + wraps) <= _tolerance_us(expected_us):
                self._offset_us += wraps
            else:
                self._step(conversion, raw_us + self._offset_us - last_us, round(expected_us))
                self._offset_us -= round(excess_us)
        return raw_us + self._offset_us

    def _step(self, conversion: int, said_us: int, expected_us: int) -> None:
        self.n_steps += 1
        if len(self.steps) < _MOST_STEPS:
            self.steps.append(ClockStep(conversion, said_us, expected_us))


def apart_us(one_us: int, other_us: int) -> int:
    """Return `one_us - other_us`, where whole wraps of a clock of 32 bits do not count."""
    apart = one_us - other_us
    if abs(apart) < WRAP_US // 2:
        return apart
    return (apart + WRAP_US // 2) % WRAP_US - WRAP_US // 2


def _has_wrapped(before_us: int, now_us: int) -> bool:
    return WRAP_US - _NEAR_WRAP_US < before_us < WRAP_US and 0 <= now_us < _NEAR_WRAP_US


def _tolerance_us(expected_us: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    return TOLERANCE_US + TOLERANCE_SHARE * expected_us
