"""All lines within intervals, by linear programming: one slope, an offset for each stretch."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats, Ints

CLOCKS_APART = 0.01
"""Most that camera and board may differ; an ADS1299's oscillator and a "30" of 29.97 are within."""

_TINY = 1e-6  # of a sample
_HELD = 2000


@dataclass(frozen=True, eq=False)
class Intervals:
    """Where each reading, in order of video time, says the film is."""

    video_s: Floats  #: shape (n,); Video time, s, not falling.
    low: Floats  #: shape (n,); Samples between which the film is then; `high` may be inf.
    high: Floats
    #: Half of a usual interval, samples. Where the tube stood still, intervals are longer: there
    #: any place that far from both ends is as good as the middle.
    most_half: float

    @cached_property
    def half(self) -> Floats:
        """Half of each interval, at most `most_half`."""
        return np.minimum((self.high - self.low) / 2, self.most_half)

    def residual(self, predicted: Floats) -> Floats:
        """Return by how much predictions miss the middles; within when at most `half`."""
        half = self.half
        return predicted - np.clip(predicted, self.low + half, self.high - half)

    def take(self, which: "Ints | NDArray[np.bool_]") -> "Intervals":
        """Return some of them."""
        return replace(
            self, video_s=self.video_s[which], low=self.low[which], high=self.high[which]
        )

    def widened(self, factor: float) -> "Intervals":
        """Return them longer by a factor of their usual length."""
        more = (factor - 1) * self.most_half
        return Intervals(self.video_s, self.low - more, self.high + more, self.most_half + more)


@dataclass(frozen=True, eq=False)
class Lines:
    """A slope and an offset for each stretch."""

    slope: float  #: Samples for each second of video.
    offsets: Floats  #: shape (n_stretches,); Sample at video time 0.
    stretch: Ints  #: shape (n,); The stretch of each interval, rising by 0 or 1.
    is_good: NDArray[np.bool_]  #: shape (n,); Which intervals are held.
    cost: float  #: To compare fits with; lower is better.
    slope_range: tuple[float, float] = (np.nan, np.nan)  #: Of all lines within all good intervals.
    #: shape (n_stretches,); Most that any of them is away from this one at a reading, samples.
    uncertainty: Floats = field(default_factory=lambda: np.empty(0))

    def predicted(self, video_s: Floats) -> Floats:
        """Return the sample at the readings' times."""
        return self.slope * video_s + self.offsets[self.stretch]


def settled(intervals: Intervals, lines: Lines, rate_hz: float) -> Lines:
    """Leave out what cannot be met, and take the middle of all lines within the rest."""
    rows, limits, owner = _constraints(intervals, lines, rate_hz)
    most = CLOCKS_APART * rate_hz
    violated = owner[_violation(rows, limits, most) > _TINY]
    is_good = lines.is_good.copy()
    is_good[violated] = False
    held = ~np.isin(owner, violated)
    rows, limits = rows[held], limits[held] + 2 * _TINY
    binding = _binding(rows, limits)
    rows, limits = rows[binding], limits[binding]
    n_free = rows.shape[1]
    first = np.eye(1, n_free)[0]
    slopes = [_least(sign * first, rows, limits, most, n_free)[0] for sign in (1, -1)]
    middle = np.empty(n_free)
    middle[0] = np.clip(lines.slope - rate_hz, *slopes)
    middle[1:] = _middles(rows, limits, float(middle[0]))
    uncertainty = np.zeros(_n(lines))
    for k in range(_n(lines)):
        for end_s in _ends(intervals.video_s[is_good & (lines.stretch == k)]):
            goal = np.concatenate([[end_s], np.eye(_n(lines))[k]])
            both = [_least(sign * goal, rows, limits, most, n_free) for sign in (1, -1)]
            uncertainty[k] = max(uncertainty[k], *(abs((x - middle) @ goal) for x in both))
    return replace(
        lines,
        slope=rate_hz + float(middle[0]),
        offsets=middle[1:] + lines.offsets,
        is_good=is_good,
        slope_range=(rate_hz + float(slopes[0]), rate_hz + float(slopes[1])),
        uncertainty=uncertainty,
    )


def _middles(rows: "scipy.sparse.csr_array", limits: Floats, slope: float) -> Floats:
    """Return the middle of the offsets that are possible with a slope; an only limit is taken."""
    room = limits - rows[:, [0]].toarray()[:, 0] * slope
    middles = np.empty(rows.shape[1] - 1)
    for k in range(middles.size):
        sign = rows[:, [k + 1]].toarray()[:, 0]
        least, most = -room[sign < 0].min(initial=np.inf), room[sign > 0].min(initial=np.inf)
        middles[k] = np.mean([x for x in (least, most) if np.isfinite(x)] or [0.0])
    return middles


def _n(lines: Lines) -> int:
    return lines.offsets.size


def _ends(video_s: Floats) -> tuple[float, float]:
    return (float(video_s[0]), float(video_s[-1])) if video_s.size else (0.0, 0.0)


def _constraints(
    intervals: Intervals, lines: Lines, rate_hz: float
) -> "tuple[scipy.sparse.csr_array, Floats, Ints]":
    """Return rows, limits and readings of rows @ (slope - rate, offsets - known) <= limits."""
    good = np.flatnonzero(lines.is_good)
    x, stretch = intervals.video_s[good], lines.stretch[good]
    flat = rate_hz * x + lines.offsets[stretch]
    place = np.arange(good.size)
    shape = (good.size, 1 + _n(lines))
    columns = np.concatenate([np.zeros(good.size, np.int64), 1 + stretch])
    entries = (np.concatenate([x, np.ones(good.size)]), (np.tile(place, 2), columns))
    upper = scipy.sparse.csr_array(entries, shape=shape)
    limits = np.concatenate([intervals.high[good] - flat, flat - intervals.low[good]])
    rows = scipy.sparse.csr_array(scipy.sparse.vstack([upper, -upper]))
    finite = np.isfinite(limits)
    return rows[finite], limits[finite], np.tile(good, 2)[finite]


def _violation(rows: "scipy.sparse.csr_array", limits: Floats, most: float) -> Floats:
    """Return by how much each limit is passed where the sum of that is least."""
    is_held = _tightest(limits)
    while True:
        n, n_free = rows[is_held].shape
        both = scipy.sparse.csr_array(
            scipy.sparse.hstack([rows[is_held], -scipy.sparse.identity(n)])
        )
        goal = np.concatenate([np.zeros(n_free), np.ones(n)])
        passed = rows @ _least(goal, both, limits[is_held], most, n_free)[:n_free] - limits
        missed = ~is_held & (passed > _TINY)
        if not missed.any():
            return np.maximum(passed, 0)
        is_held |= missed


def _tightest(limits: Floats) -> NDArray[np.bool_]:
    """Tell the limits to begin with; others are added when they are passed."""
    return np.asarray(limits <= np.sort(limits)[: _HELD + 1][-1], dtype=np.bool_)


def _binding(rows: "scipy.sparse.csr_array", limits: Floats) -> Ints:
    """Return the rows that some line touches: the lower hull of the limits of each stretch.

    Rows are in order of time within a stretch, upper limits apart from lower ones.
    """
    sign = rows[:, 1:].sum(axis=1)
    line = sign * (1 + rows[:, 1:].nonzero()[1])
    x = sign * rows[:, [0]].toarray()[:, 0]
    kept: list[int] = []
    for one in np.unique(line).tolist():
        hull: list[int] = []
        for i in np.flatnonzero(line == one).tolist():
            while len(hull) > 1 and _is_above(x, limits, hull[-2], hull[-1], i):
                hull.pop()
            hull.append(i)
        kept += hull
    return np.array(kept, dtype=np.int64)


def _is_above(x: Floats, y: Floats, a: int, b: int, c: int) -> bool:
    """Whether point b lies on or above the line from a to c."""
    return bool((x[b] - x[a]) * (y[c] - y[a]) <= (y[b] - y[a]) * (x[c] - x[a]))


def _least(
    goal: Floats, rows: "scipy.sparse.csr_array", limits: Floats, most: float, n_free: int
) -> Floats:
    """Solve a linear program; x from `n_free` on are at least 0."""
    high = np.full(goal.size, 1e12)  # a line that nothing holds ends somewhere
    high[0] = most
    low = np.where(np.arange(goal.size) < n_free, -high, 0)
    held = scipy.optimize.LinearConstraint(rows, -np.inf, limits)
    found = scipy.optimize.milp(goal, constraints=held, bounds=scipy.optimize.Bounds(low, high))
    if found.x is None:
        raise RuntimeError(f"no line found within the readings: {found.message}")
    return np.asarray(found.x, dtype=np.float64)
