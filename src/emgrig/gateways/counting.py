"""Which conversion a frame is of: by the board's counter, its clock, or both.

A counter of n values says a loss modulo n; time says how many whole turns went by. Where a board
counts nothing, time alone says how many samples are missing, as an estimate; where it has neither,
nobody can tell, and frames are numbered as they come.
"""

import numpy as np
from numpy.typing import NDArray

from emgrig.gateways.decoding import TURN, Rows, counts_on, number
from emgrig.gateways.placed import Placed, differences
from emgrig.gateways.template import FrameTemplate


class Numbering:
    """Follow one board's frames."""

    def __init__(self, template: FrameTemplate) -> None:
        self._template = template
        self._period_us = 1e6 / template.channels.rate_hz
        self._counter = template.counter
        self._time = template.time
        self.repeated = 0  #: Frames that came twice.
        self._last: tuple[int, int] | None = None  # counter and raw time
        self._rows: Rows | None = None  # of which the last is the newest
        self._next = 0
        self._time_us = 0.0

    def begin(self, time_us: float) -> None:
        """Count from 0 with the next frame, whose time, without a clock, is `time_us`."""
        self._last = self._rows = None
        self._next = 0
        self._time_us = time_us

    @property
    def count(self) -> int:
        """Conversions so far, those that are missing included."""
        return self._next

    @property
    def last_us(self) -> float:
        """Board time of the last frame, µs."""
        return self._time_us

    @property
    def last_frame(self) -> bytes:
        """The last frame of the run; empty before it."""
        return b"" if self._rows is None else self._rows[-1].tobytes()

    def frames_until(self, n_conversions: int) -> int:
        """Return how many frames make so many conversions more, if nothing is missing."""
        return n_conversions

    def place(self, rows: Rows, is_cut: NDArray[np.bool_]) -> Placed:
        """Give frames their numbers; those that came twice are left out."""
        if not len(rows):
            empty = np.empty(0, np.int64)
            return Placed(rows, empty, empty, is_cut)
        self._rows = rows
        if self._is_usual(rows):
            return self._follow_on(rows, is_cut)
        steps, passed_us, is_hole = self._steps(rows)
        is_new = steps > 0
        is_cut = is_cut | is_hole
        self.repeated += int((~is_new).sum())
        conversion = self._next - 1 + np.cumsum(steps)
        times = self._time_us + np.cumsum(passed_us)
        self._next, self._time_us = int(conversion[-1]) + 1, float(times[-1])
        return Placed(
            rows[is_new],
            conversion[is_new],
            np.maximum(np.rint(times), 0).astype(np.int64)[is_new],
            is_cut[is_new],
        )

    def _is_usual(self, rows: Rows) -> bool:
        """Tell of frames that a byte alone counts whether each is the next one."""
        counter = self._counter
        if self._last is None or counter is None or self._template.is_loss_by_time:
            return False
        if counter.bytes > 1 or counter.period != TURN or self._time_us < 0:
            return False
        return counts_on(bytes((self._last[0],)) + rows[:, counter.at].tobytes())

    def _follow_on(self, rows: Rows, is_cut: NDArray[np.bool_]) -> Placed:
        """Place frames of which each is the next one: what `place` does, the short way."""
        n, next_ = len(rows), self._next
        steps = np.arange(1, n + 1)
        times_us = steps * self._period_us
        times_us += self._time_us
        self._last = int(rows[-1, self._counter.at]) if self._counter else 0, 0
        self._next, self._time_us = next_ + n, float(times_us[-1])
        steps += next_ - 1
        return Placed(rows, steps, np.rint(times_us).astype(np.int64), is_cut)

    def _steps(
        self, rows: Rows
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return how many conversions lie from each frame to the one before, and how much time.

        And whether frames are missing between them that were sent, for all that can be told.
        """
        counter, raw = self._read(rows)
        is_first = self._last is None
        last_counter, last_raw = (
            (int(counter[0]), int(raw[0])) if self._last is None else self._last
        )
        self._last = int(counter[-1]), int(raw[-1])
        if self._template.is_loss_by_time and self._time is not None:
            turn = 1 << 8 * self._time.bytes
            ticks = differences(raw, last_raw) % turn
            ticks[ticks > turn // 2] = 0  # the clock was set back: it says nothing
            passed_us = ticks.astype(np.float64) * self._time.unit_us
            by_time = np.rint(passed_us / self._period_us).astype(np.int64)
        else:
            passed_us, by_time = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
        steps, sent = self._by_counter(counter, last_counter, by_time)
        if not self._template.is_loss_by_time:
            passed_us = steps.astype(np.float64) * self._period_us
        if is_first:
            steps[0], sent[0], passed_us[0] = 1, 1, 0.0
        return steps, passed_us, sent > 1

    def _by_counter(
        self, counter: NDArray[np.int64], last: int, by_time: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the steps by the counter, if there is one; time adds whole turns, or decides.

        And those of what was sent: a hole in it is on the way.
        """
        has_time = self._template.is_loss_by_time
        if self._counter is None:
            steps = by_time if has_time else np.ones(len(counter), np.int64)
            return steps, steps.copy()
        modulus = self._counter.period
        steps = differences(counter, last) % modulus
        if has_time and self._counter.counts == "conversions":
            turns = np.rint((by_time - steps) / modulus).astype(np.int64)
            steps += modulus * np.maximum(turns, 0)
        elif has_time:  # it counts what was sent: what the board did not send, time tells
            return np.where(steps > 0, np.maximum(steps, by_time), 0), steps
        return steps, steps.copy()

    def _read(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        zeros = np.zeros(len(rows), np.int64)
        counter, time = self._counter, self._time
        return (
            zeros if counter is None else number(rows, counter.at, counter.bytes, counter.endian),
            zeros if time is None else number(rows, time.at, time.bytes, time.endian),
        )
