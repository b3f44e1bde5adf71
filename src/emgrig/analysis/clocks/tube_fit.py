"""Lines through intervals: a slope common to all, an offset for each stretch, wrong ones left out.

Each reading of the digital tube allows an interval of samples at its video time. Three steps:
random pairs give a first line (RANSAC), a Viterbi search follows it through jumps and past wrong
readings, and a linear program finds what lies within every interval that is left.
"""

import numpy as np

from emgrig.analysis.clocks.tube_lines import CLOCKS_APART, Intervals, Lines, settled
from emgrig.analysis.signal.filters import Floats, Ints

#: What the two are expected to differ by, standard deviation: it decides where readings cannot.
_DRIFT_SD = 0.002
_SD = 0.45  #: Standard deviation over half an interval: 0.41 if triangular, 0.58 if uniform.
#: Cost of a wrong reading (3 SD), and of a jump: worth it for four wrong readings, not for three.
_WRONG, _JUMP = 4.5, 16.0
_PAIRS, _SCORED, _LEVELS, _ROUNDS, _SPLITS = 1500, 2000, 64, 10, 50
_ALL_PAIRS_UP_TO = 60
_LAGS = (16, 64)
_THIN = 5000


def _cost(intervals: Intervals, residual: Floats) -> Floats:
    half = np.maximum(intervals.half, 1e-6)
    half = half if residual.ndim == 1 else half[:, np.newaxis]
    return np.minimum((residual / (_SD * half)) ** 2 / 2, _WRONG)


def fit_lines(intervals: Intervals, rate_hz: float, frame: float) -> Lines | None:
    """Fit lines of about `rate_hz`; `frame` is the length of one frame in samples.

    None if no two readings are `rate_hz` apart within 1 %.
    """
    first = _first_line(intervals, rate_hz)
    if first is None:
        return None
    starts = [first, *(_lagged_line(intervals, rate_hz, share) for share in _LAGS)]
    thin = intervals.take(np.arange(0, intervals.video_s.size, 1 + intervals.video_s.size // _THIN))
    tried = [_traced(thin, *start, rate_hz, frame) for start in starts]
    best = min(tried, key=lambda one: one.cost)
    if thin.video_s.size < intervals.video_s.size:
        best = _traced(intervals, best.slope, float(best.offsets[0]), rate_hz, frame)
    return settled(intervals, best, rate_hz)


def _lagged_line(intervals: Intervals, rate_hz: float, share: int) -> tuple[float, float]:
    """Return the median line through readings a share of the film apart.

    Where jumps are so many that no line through two readings holds for long, it tells the slope.
    """
    middle, lag = intervals.low + intervals.half, max(1, intervals.video_s.size // share)
    run = intervals.video_s[lag:] - intervals.video_s[:-lag]
    ratio = (middle[lag:] - middle[:-lag])[run > 0] / run[run > 0] / rate_hz
    slope = rate_hz
    if ratio.size:
        slope *= float(np.clip(np.median(ratio), 1 - CLOCKS_APART, 1 + CLOCKS_APART))
    return slope, float(np.median(middle - slope * intervals.video_s))


def _first_line(intervals: Intervals, rate_hz: float) -> tuple[float, float] | None:
    """Return slope and offset of the line, through two readings, that costs least."""
    rng = np.random.default_rng(0)
    is_tight = intervals.high - intervals.low <= 2.5 * intervals.most_half
    base = intervals.take(is_tight) if np.count_nonzero(is_tight) > 1 else intervals
    n = base.video_s.size
    if n <= _ALL_PAIRS_UP_TO:
        one, two = np.triu_indices(n, 1)
    else:
        one, two = np.sort(rng.integers(0, n, (2, _PAIRS)), axis=0)
    middle = base.low + base.half
    run, rise = base.video_s[two] - base.video_s[one], middle[two] - middle[one]
    slack = CLOCKS_APART * rate_hz * run + base.half[one] + base.half[two]
    can = (run > 0) & (np.abs(rise - rate_hz * run) <= slack)
    if not can.any():
        return None
    one, two, run, rise = one[can], two[can], run[can], rise[can]
    slope = rate_hz * np.clip(rise / run / rate_hz, 1 - CLOCKS_APART, 1 + CLOCKS_APART)
    centre_s = (base.video_s[one] + base.video_s[two]) / 2
    offset = (middle[one] + middle[two]) / 2 - slope * centre_s
    total = intervals.video_s.size
    scored = intervals if total <= _SCORED else intervals.take(rng.integers(0, total, _SCORED))
    costs = [
        _cost(scored, scored.residual(m * scored.video_s + b)).sum()
        for m, b in zip(slope, offset, strict=True)
    ]
    best = int(np.argmin(costs + (slope / rate_hz - 1) ** 2 / _DRIFT_SD**2 / 2))
    return float(slope[best]), float(offset[best])


def _traced(
    intervals: Intervals, slope: float, offset: float, rate_hz: float, frame: float
) -> Lines:
    """Follow a line through jumps, and fit it again, until nothing changes."""
    video_s = intervals.video_s
    step = frame / 2  # between whole frames, as the first offset may be
    before: Ints | None = None
    for _ in range(_ROUNDS):
        level = _levels(intervals, slope * video_s + offset, step, slope)
        stretch = np.cumsum(np.diff(level, prepend=level[:1]) != 0)
        predicted = slope * video_s + offset + level * step
        slope, offsets, stretch = _fitted(intervals, predicted, stretch, rate_hz, step)
        if before is not None and np.array_equal(before, stretch):
            break
        before = stretch
        biggest = int(np.argmax(np.bincount(stretch)))
        offset = float(offsets[biggest])
    for _ in range(_SPLITS):
        at = _step(intervals, slope * video_s + offsets[stretch], stretch, rate_hz)
        parted = stretch + (np.arange(stretch.size) >= at)
        predicted = slope * video_s + offsets[stretch]
        again = _fitted(intervals, predicted, parted, rate_hz, step)
        if at == 0 or again[1].size <= offsets.size:
            break
        slope, offsets, stretch = again
    residual = intervals.residual(slope * video_s + offsets[stretch])
    cost = float(_cost(intervals, residual).sum()) + _JUMP * (offsets.size - 1)
    cost += (slope / rate_hz - 1) ** 2 / _DRIFT_SD**2 / 2
    # A mean of n is that much off, at most; what is further is left out before the last fit.
    slack = 4 * _SD / np.sqrt(np.bincount(stretch)[stretch])
    is_good = np.abs(residual) <= (1 + slack) * intervals.half
    return Lines(slope, offsets, stretch, is_good, cost)


def _step(intervals: Intervals, predicted: Floats, stretch: Ints, rate_hz: float) -> int:
    """Return the reading before which a jump, with the slope fitted again, helps most; 0 if none.

    A single lost frame far from others bends the line rather than being followed as a jump.
    """
    residual = intervals.residual(predicted)
    is_near = np.abs(residual) <= 3 * _SD * intervals.half
    x, r = intervals.video_s, np.where(is_near, -residual, 0)
    n = np.bincount(stretch, is_near)
    x = (x - (np.bincount(stretch, x * is_near) / np.maximum(n, 1))[stretch]) * is_near
    # Sums from each reading to the end of its stretch; the means of x and r there are 0.
    behind = np.cumsum(n)[stretch]
    m = behind - np.cumsum(is_near) + is_near
    rise, run = (np.cumsum(v[::-1])[::-1] for v in (r, x))
    doubt = (_SD * intervals.most_half / (_DRIFT_SD * rate_hz)) ** 2
    size = m * (1 - m / np.maximum(n[stretch], 1)) - run**2 / ((x * x).sum() + doubt)
    gain = rise**2 / np.maximum(size, 1) / (_SD * intervals.most_half) ** 2 / 2
    gap = np.diff(intervals.video_s, prepend=intervals.video_s[0]) * rate_hz
    gain[rise < -(gap + intervals.most_half) * np.maximum(size, 1)] = 0  # no film runs backwards
    best = int(np.argmax(gain))
    return best if gain[best] > _JUMP else 0


def _levels(intervals: Intervals, predicted: Floats, step: float, slope: float) -> Ints:
    """Return by how many steps, half frames, the film is ahead of a line (Viterbi).

    It stays where it is, or jumps at a price. It never runs backwards: it cannot fall back by more
    than what lies between two readings.
    """
    wanted = np.rint(-intervals.residual(predicted) / step).astype(np.int64)
    values, counts = np.unique(wanted, return_counts=True)
    near = np.abs(values[:, np.newaxis] - values) <= 1
    support = near @ counts
    chosen = np.argsort(-support, kind="stable")[:_LEVELS]
    values = np.sort(values[chosen[support[chosen] >= min(3, support.max())]])
    costs = _cost(intervals, _residuals(intervals, predicted[:, np.newaxis] + values * step))
    gaps = np.diff(intervals.video_s, prepend=intervals.video_s[:1]) * slope / step + 2
    # The furthest level that the gap allows.
    reach = np.searchsorted(values, values + gaps[:, np.newaxis], side="right") - 1
    stay = np.arange(values.size)
    came = np.zeros(costs.shape, np.int16)
    total = costs[0]
    for i in range(1, len(costs)):
        least = np.minimum.accumulate(total)
        at = np.maximum.accumulate(np.where(total <= least, stay, 0))[reach[i]]  # the cheapest
        jumps = total[at] + _JUMP < total
        came[i] = np.where(jumps, at, stay)
        total = np.where(jumps, total[at] + _JUMP, total) + costs[i]
    path = np.empty(len(costs), np.int64)
    path[-1] = np.argmin(total)
    for i in range(len(costs) - 1, 0, -1):
        path[i - 1] = came[i, path[i]]
    return np.asarray(values[path], dtype=np.int64)


def _residuals(intervals: Intervals, predicted: Floats) -> Floats:
    """Return residuals of several predictions for each reading, shape (n, n_predictions)."""
    half = intervals.half
    low, high = (intervals.low + half)[:, np.newaxis], (intervals.high - half)[:, np.newaxis]
    return predicted - np.clip(predicted, low, high)


def _fitted(
    intervals: Intervals,
    predicted: Floats,
    stretch: Ints,
    rate_hz: float,
    least_jump: float,
) -> tuple[float, Floats, Ints]:
    """Fit by least squares; stretches that are empty or less than a jump apart are joined."""
    while True:
        residual = intervals.residual(predicted)
        is_near = np.abs(residual) <= 3 * _SD * intervals.half
        n = np.bincount(stretch, is_near)
        if (n == 0).any() and n.size > 1:
            stretch = _joined(stretch, max(int(np.argmin(n)), 1))
            continue
        x, y = intervals.video_s, predicted - residual
        mean_x, mean_y = (np.bincount(stretch, v * is_near) / np.maximum(n, 1) for v in (x, y))
        dx, dy = (x - mean_x[stretch]) * is_near, (y - mean_y[stretch]) * is_near
        doubt = (_SD * intervals.most_half / (_DRIFT_SD * rate_hz)) ** 2
        apart = (dx * (dy - rate_hz * dx)).sum() / ((dx * dx).sum() + doubt) / rate_hz
        slope = rate_hz * (1 + float(np.clip(apart, -CLOCKS_APART, CLOCKS_APART)))
        offsets = mean_y - slope * mean_x
        small = np.flatnonzero(np.abs(np.diff(offsets)) < least_jump)
        if not small.size:
            return slope, offsets, stretch
        stretch = _joined(stretch, int(small[0]) + 1)
        predicted = slope * x + np.delete(offsets, small[0] + 1)[stretch]


def _joined(stretch: Ints, second: int) -> Ints:
    """Join a stretch to the one before it."""
    return np.asarray(stretch - (stretch >= second), dtype=np.int64)
