"""Two clocks, video and EMG: a robust line between them, with the jumps found (emg.md 1.4)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy

from emgrig.analysis.signal.filters import Floats

JUMP_S = 0.2
LEAST_SPAN_S = 20.0
LEAST_FOR_DRIFT = 3
_DENSE = 30


@dataclass(frozen=True)
class ClockMap:
    """Video time as a function of EMG time: one slope, and an offset for each stretch."""

    drift: float  #: Video seconds gained for each EMG second (1e-3 is 1 ms/s).
    #: shape (n_stretches,); EMG time at which each stretch begins; the first is -inf. More
    #: than one means jumps.
    starts_s: Floats
    #: shape (n_stretches,); Video minus EMG time in each stretch, at EMG time 0, s.
    offsets_s: Floats
    residuals_s: Floats  #: shape (n_pairs,); What the map leaves of the pairs it was fitted to, s.
    is_drift_told: bool = False  #: The pairs told it; else the clocks are taken to run alike.

    @property
    def n_jumps(self) -> int:
        """Number of jumps between stretches."""
        return self.starts_s.size - 1

    @property
    def residual_mad_s(self) -> float:
        """Median absolute residual, s."""
        return float(np.median(np.abs(self.residuals_s)))

    def video_s(self, emg_s: Floats) -> Floats:
        """Map EMG time to video time, s."""
        time = np.asarray(emg_s, dtype=np.float64)
        stretch = np.searchsorted(self.starts_s, time, side="right") - 1
        return np.asarray(time * (1 + self.drift) + self.offsets_s[stretch], dtype=np.float64)

    def emg_s(self, video_s: Floats) -> Floats:
        """Map video time to EMG time, s; the inverse of `video_s`.

        At a jump ahead some video times have no EMG time (samples were lost): they map to the
        moment of the jump. At a jump back some have two: the earlier is returned.
        """
        time = np.asarray(video_s, dtype=np.float64)
        candidates = (time[..., np.newaxis] - self.offsets_s) / (1 + self.drift)
        stops = np.append(self.starts_s[1:], np.inf)
        # Within a stretch the line counts; past its end, its end. The first that fits is taken.
        clipped = np.maximum(candidates, self.starts_s)
        fits = clipped < stops
        first = np.argmax(fits, axis=-1)
        return np.take_along_axis(clipped, first[..., np.newaxis], axis=-1)[..., 0]


def fit_clock_map(emg_s: Floats, video_s: Floats, *, jump_s: float = JUMP_S) -> ClockMap:
    """Fit a map to pairs of one moment seen by both clocks.

    A jump is a step of the difference by more than `jump_s` from pair to pair (of the median of
    neighbours where pairs are many). The slope is the median of all slopes within stretches
    (Theil and Sen); with fewer than 3 pairs, or over less than 20 s, the clocks are taken to run
    alike. Each offset is a median.

    Parameters
    ----------
    emg_s, video_s : ndarray, shape (n_pairs,)
        Times of the same moments, s, in any order.
    jump_s : float, > 0
        Least step that counts as a jump, s.

    Raises
    ------
    ValueError
        If there are no pairs, they differ in number or hold a value that is not finite.
    """
    emg = np.asarray(emg_s, dtype=np.float64)
    video = np.asarray(video_s, dtype=np.float64)
    if emg.ndim != 1 or emg.shape != video.shape or emg.size == 0 or jump_s <= 0:
        raise ValueError("emg_s and video_s must be vectors of one length, with at least one pair")
    if not (np.isfinite(emg).all() and np.isfinite(video).all()):
        raise ValueError("a time is not a number")
    order = np.argsort(emg, kind="stable")
    emg, difference = emg[order], (video - emg)[order]
    bounds = [0, *_breaks(difference - _rough_drift(emg, difference) * emg, jump_s), emg.size]
    stretches = [slice(a, b) for a, b in pairwise(bounds)]
    told = _drift(emg, difference, stretches)
    drift = told or 0.0
    flat = difference - drift * emg
    offsets = np.array([np.median(flat[s]) for s in stretches])
    # A jump lies somewhere between two pairs; the middle is as good as any.
    middles = [(emg[b - 1] + emg[b]) / 2 for b in bounds[1:-1]]
    residuals = np.concatenate(
        [flat[s] - offset for s, offset in zip(stretches, offsets, strict=True)]
    )
    unsorted = np.empty_like(residuals)
    unsorted[order] = residuals
    return ClockMap(drift, np.array([-np.inf, *middles]), offsets, unsorted, told is not None)


def _breaks(difference: Floats, jump_s: float) -> list[int]:
    """Return the indices at which a new stretch begins."""
    n = difference.size
    width = 15 if n >= _DENSE else 1
    steps = np.zeros(n)
    for i in range(1, n):
        before = np.median(difference[max(0, i - width) : i])
        steps[i] = abs(np.median(difference[i : i + width]) - before)
    found: list[int] = []
    for i in np.argsort(-steps, kind="stable").tolist():
        if steps[i] <= jump_s:
            break
        if all(abs(i - other) >= width for other in found):
            found.append(i)
    return sorted(_sharpened(difference, i, width) for i in found)


def _rough_drift(emg: Floats, difference: Floats) -> float:
    """Return a slope that a few jumps cannot bend; 0 where pairs are too few to tell the two."""
    lag = emg.size // 8
    if emg.size < _DENSE:
        return 0.0
    rise, run = difference[lag:] - difference[:-lag], emg[lag:] - emg[:-lag]
    return float(np.median(rise[run > 0] / run[run > 0])) if (run > 0).any() else 0.0


def _sharpened(difference: Floats, index: int, width: int) -> int:
    """Move a break to the largest single step nearby."""
    low = max(1, index - width // 2)
    steps = np.abs(np.diff(difference[low - 1 : index + width // 2 + 1]))
    return low + int(np.argmax(steps))


def _drift(emg: Floats, difference: Floats, stretches: list[slice]) -> float | None:
    slopes, weights = [], []
    for s in stretches:
        x = emg[s]
        if x.size >= LEAST_FOR_DRIFT and np.ptp(x) > LEAST_SPAN_S:
            thin = max(1, x.size // 400)
            slopes.append(float(scipy.stats.theilslopes(difference[s][::thin], x[::thin])[0]))
            weights.append(float(np.ptp(x)))
    return float(np.average(slopes, weights=weights)) if slopes else None
