"""Which conversion a frame is of, by the time stamp that the board put on it when it read.

A stamp is late by what the board did meanwhile, less than a data period: what is read later than
that is the next conversion. So conversions lie on an even grid in board time, of which the stamps
show the lower edge; grid and period are followed over a whole run.
"""

import numpy as np
from numpy.typing import NDArray

EARLY = 0.25  #: A stamp may be so much of a period ahead of the grid, which is known so well;
LATE = 1 - EARLY  #: one that is so much behind it is of a later conversion.
_FIRST_CHUNK = 4
_MOST_CHUNK = 4096


class TimeGrid:
    """Follow one board's frames through a run."""

    def __init__(self) -> None:
        self.n_odd = 0  #: Stamps that contradict those before and behind.
        self.begin(1000.0)

    def begin(self, period_us: float) -> None:
        """Count from 0 with the next frame; the data period is nominal, µs."""
        self._period_us = period_us
        self._grid_us: float | None = None  # of the last frame
        self._anchor: tuple[int, float] = (0, 0.0)
        self._conversion = -1

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
        if n_placed and self._grid_us is None:
            self._grid_us = float(times_us[0] - steps[0] * self._period_us)
            self._conversion = -int(steps[0])
            self._anchor = (self._conversion, self._grid_us)
        placed: list[NDArray[np.int64]] = []
        at = 0
        while at < n_placed:
            length = min(self._chunk(), n_placed - at)
            part = slice(at, at + length + 1)  # and one to look at
            placed.append(self._place(steps[part], times_us[part], length))
            at += length
        return np.concatenate(placed) if placed else np.empty(0, np.int64)

    def _chunk(self) -> int:
        """Return how many frames the grid can be trusted for: a quarter of those that made it."""
        known = self._conversion - self._anchor[0]
        return min(max(known // 4, _FIRST_CHUNK), _MOST_CHUNK)

    def _place(
        self, steps: NDArray[np.int64], times_us: NDArray[np.int64], n: int
    ) -> NDArray[np.int64]:
        assert self._grid_us is not None
        period_us, grid_us = self._period_us, self._grid_us
        count = np.cumsum(steps)
        late = (times_us - grid_us) / period_us - count  # in periods
        is_set_back = False
        for at in np.flatnonzero((late < -EARLY) | (late >= LATE)).tolist():
            if at >= n:
                break
            if -EARLY <= late[at] < LATE:  # one before it has put it right
                continue
            extra = int(np.floor(late[at] + EARLY))
            is_borne_out = at + 1 >= len(late) or (
                late[at + 1] >= extra - EARLY if extra > 0 else late[at + 1] < 0
            )
            if not is_borne_out:  # a stamp by itself: it says nothing
                self.n_odd += 1
                late[at] = 0.0
            elif extra > 0:
                count[at:] += extra
                late[at:] -= extra
            else:  # the grid was late, or the clock was set back
                is_set_back |= late[at] < -1.0
                grid_us += float(late[at]) * period_us
                late[at:] -= late[at]
        conversion = self._conversion + count[:n]
        lowest = float(late[:n].min())
        grid_us += period_us * (float(count[n - 1]) + (lowest if lowest < 0 else lowest / 2))
        self._conversion, self._grid_us = int(conversion[-1]), grid_us
        if is_set_back:
            self._anchor = (self._conversion, grid_us)
        passed = self._conversion - self._anchor[0]
        if passed > 0 and grid_us > self._anchor[1]:
            self._period_us = (grid_us - self._anchor[1]) / passed
        return conversion
