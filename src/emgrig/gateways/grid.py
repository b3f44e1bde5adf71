"""Which conversion a frame is of, by the time stamp that the board put on it when it read.

A stamp is late by what the board did meanwhile, mostly far less than a data period. Conversions lie
on an even grid in board time; a straight line through the last stamps is that grid, but for a
constant part of a period, and follows an oscillator that drifts.
"""

import numpy as np
from numpy.typing import NDArray

APART = 0.5  #: A stamp that is so much of a period off the line is of another conversion.
UNSURE_APART = 0.75  #: The same, while the line is known from few stamps.
_FEW = 32
_WINDOW = 512  #: The line goes through so many stamps.
_PRIOR = 200.0  #: Of the nominal period, within 1 %, against stamps late by up to half of one.
_FIRST_CHUNK = 4
_MOST_CHUNK = 128


class TimeGrid:
    """Follow one board's frames through a run."""

    def __init__(self) -> None:
        self.n_odd = 0  #: Stamps that contradict those before and behind.
        self.begin(1000.0)

    def begin(self, period_us: float) -> None:
        """Count from 0 with the next frame; the data period is nominal, µs."""
        self._period_us = self._nominal_us = period_us
        self._line_us = 0.0  # the line, at the last conversion
        self._conversion = -1
        self._count = np.empty(0, np.int64)  # of the stamps that the line goes through
        self._stamp_us = np.empty(0, np.int64)

    def place(
        self, steps: NDArray[np.int64], times_us: NDArray[np.int64], n_placed: int
    ) -> NDArray[np.int64]:
        """Give frames their conversions.

        Parameters
        ----------
        steps : ndarray of int64, shape (n,)
            By how much the board's own count of frames goes on at each; 1 if it has none.
        times_us : ndarray of int64, shape (n,)
            Board time, µs, unwrapped.
        n_placed : int
            So many are placed; those behind are looked at alone, and come again.

        Returns
        -------
        ndarray of int64, shape (n_placed,)
            Ascending, from 0.
        """
        if n_placed and self._conversion == -1:
            self._conversion = -int(steps[0])
            self._line_us = float(times_us[0] - steps[0] * self._period_us)
        placed: list[NDArray[np.int64]] = []
        at = 0
        while at < n_placed:
            length = min(self._chunk(), n_placed - at)
            part = slice(at, at + length + 1)  # and one to look at
            placed.append(self._place(steps[part], times_us[part], length))
            at += length
        return np.concatenate(placed) if placed else np.empty(0, np.int64)

    def _chunk(self) -> int:
        """Return how many frames the line can be trusted for: a quarter of those that made it."""
        return min(max(len(self._count) // 4, _FIRST_CHUNK), _MOST_CHUNK)

    def _place(
        self, steps: NDArray[np.int64], times_us: NDArray[np.int64], n: int
    ) -> NDArray[np.int64]:
        apart = APART if len(self._count) >= _FEW else UNSURE_APART
        count = np.cumsum(steps)
        late = (times_us - self._line_us) / self._period_us - count  # in periods
        is_good = np.ones(len(late), np.bool_)
        begins: int | None = None  # where the line does, if the clock was set back
        suspects = np.abs(late) >= apart
        for at in np.flatnonzero(suspects).tolist() if suspects.any() else ():
            if at >= n:
                break
            if abs(late[at]) < apart:  # one before it has put it right
                continue
            more = int(np.rint(late[at])) if late[at] > 0 else 0
            behind = float(late[at + 1] - late[at]) if at + 1 < len(late) else 0.0
            if behind <= -apart if late[at] > 0 else behind >= apart:
                self.n_odd += 1  # a stamp by itself: it says nothing
                is_good[at] = False
            elif more:
                count[at:] += more
                late[at:] -= more
            else:
                begins = at
                self._line_us += float(late[at]) * self._period_us
                late[at:] -= late[at]
        conversion = self._conversion + count[:n]
        self._line_us += float(count[n - 1]) * self._period_us
        self._conversion = int(conversion[-1])
        if begins is not None:
            self._count, self._stamp_us = self._count[:0], self._stamp_us[:0]
            is_good[:begins] = False
        if is_good.all():
            self._follow(conversion, times_us[:n])
        else:
            good = np.flatnonzero(is_good[:n])
            self._follow(conversion[good], times_us[good])
        return conversion

    def _follow(self, conversion: NDArray[np.int64], times_us: NDArray[np.int64]) -> None:
        """Lay the line anew through the last stamps, by least squares.

        Of few stamps the slope is hardly known: the nominal period weighs as much as `_PRIOR`.
        """
        self._count = np.concatenate([self._count, conversion])[-_WINDOW:]
        self._stamp_us = np.concatenate([self._stamp_us, times_us])[-_WINDOW:]
        if not len(self._count):
            return
        x = (self._count - self._conversion).astype(np.float64)
        y = self._stamp_us - self._line_us
        x_mean, y_mean = float(x.sum()) / len(x), float(y.sum()) / len(x)
        x -= x_mean
        self._period_us = float((x @ y + _PRIOR * self._nominal_us) / (x @ x + _PRIOR))
        self._line_us += float(y_mean - x_mean * self._period_us)
