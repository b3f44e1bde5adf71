"""Offset and clock drift between two recordings of one signal.

A moment at ``t`` on our clock is at ``offset + t · (1 + ppm / 10⁶)`` on the reference's, both
counted from the first sample of each and at its nominal rate.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.calibration.figures.uncertainty import Result, coverage_factor
from emgrig.comparison.tracks import Interpolator

_COARSE_WINDOW_S = 2.0
_N_COARSE = 12
_FINE_WINDOW_S = 1.0
_FINE_SEARCH_S = 0.010
_N_MIN_WINDOWS = 5
_N_PASSES = 4
_MOST_PPM = 500.0
"""Quartz clocks are closer than this; an internal RC clock needs its calibrated rate first."""


@dataclass(frozen=True)
class Alignment:
    """How the reference's time follows from ours.

    `offset_s` is the reference's time of our first sample, `clock_ppm` how much more time it counts
    than we do. `polarity` is −1 if its electrodes are swapped against ours, else 1.
    `window_correlation` is the median of the windows that were used, after alignment.
    """

    offset_s: Result
    clock_ppm: Result
    polarity: int
    window_correlation: float

    def reference_time_s(self, our_time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the reference's time at our times, s."""
        return self.offset_s.value + our_time_s * (1 + self.clock_ppm.value * 1e-6)


def align(
    ours_uv: NDArray[np.float64],
    rate_hz: float,
    reference_uv: NDArray[np.float64],
    reference_rate_hz: float,
    highest_hz: float,
) -> Alignment:
    """Find offset and drift by windowed cross-correlation and a robust line.

    Both have the shape (n_samples,), of their own, and the same band up to `highest_hz`; the rates
    are nominal, Hz. Raises ValueError if the recordings have no signal in common (other muscle,
    other session, no overlap), or overlap in fewer than five windows of one second that hold
    signal.

    Notes
    -----
    The most active stretches of ours are looked for in the whole of the reference; then each
    second is placed to a fraction of a sample (parabola through the peak, repeated on the warped
    reference until the peak is in the middle, where the parabola has no bias).
    """
    reference = Interpolator(reference_uv, reference_rate_hz, highest_hz)
    n_even = math.floor(reference.end_s * rate_hz) + 1
    even = reference.at(np.arange(n_even) / rate_hz)
    line, polarity = _coarse(ours_uv, even, rate_hz)
    fit = _fine(ours_uv, polarity, reference, rate_hz, line)
    for _ in range(_N_PASSES - 1):
        fit = _fine(ours_uv, polarity, reference, rate_hz, fit.line)
    line = fit.line
    used, rejected = int(fit.kept.sum()), int((~fit.kept).sum())
    k = coverage_factor(max(fit.n_effective - 2, 1.0))
    note = ("one steady clock error; the delays of both devices' filters are in the offset",)
    return Alignment(
        offset_s=Result(line[0], "s", fit.u_offset_s, used, k, 0, rejected, note),
        clock_ppm=Result(line[1] * 1e6, "ppm", fit.u_slope * 1e6, used, k, 0, rejected, note),
        polarity=polarity,
        window_correlation=float(np.median(fit.correlation[fit.kept])),
    )


Line = tuple[float, float]
"""Offset, s, and slope less 1, from our time to the reference's."""


def _coarse(
    ours: NDArray[np.float64], reference: NDArray[np.float64], rate_hz: float
) -> tuple[Line, int]:
    """Find where the most active stretches of ours are in the reference."""
    n = round(_COARSE_WINDOW_S * rate_hz)
    if min(ours.size, reference.size) < n:
        raise ValueError(f"a recording of less than {_COARSE_WINDOW_S:g} s cannot be aligned")
    starts = _most_active(ours, n)
    energy = _sums(reference, n)
    places, peaks, chances = [], [], []
    for start in starts:
        piece = ours[start : start + n]
        product = scipy.signal.fftconvolve(reference, piece[::-1], mode="valid")
        scale = np.sqrt(np.maximum(energy, energy.max() * 1e-6) * (piece @ piece))
        correlation = product / scale
        place = int(np.argmax(np.abs(correlation)))
        places.append(place)
        peaks.append(float(correlation[place]))
        # What the largest of so many values is expected to be where there is nothing in common.
        spread = 1.483 * float(np.median(np.abs(correlation)))
        chances.append(spread * math.sqrt(2 * math.log(2 * correlation.size)))
    lag_s = (np.array(places) - starts) / rate_hz
    peak = np.array(peaks)
    good = np.abs(peak) > 1.33 * np.array(chances)
    slack_s = 0.005 + _MOST_PPM * 1e-6 * ours.size / rate_hz
    # The lag that has the most support: stretches that the reference does not cover vote anywhere.
    close = np.abs(lag_s[:, None] - lag_s) < slack_s
    support = (close & good[:, None] & good) @ np.abs(peak)
    good &= close[int(np.argmax(support))]
    if good.sum() < min(3, len(starts)):
        raise ValueError(
            "the two recordings have no signal in common: their stretches match at no common "
            f"offset (best correlation {np.abs(peak).max():.2f}); other muscle, other session, no "
            f"overlap, or a rate wrong by more than {_MOST_PPM:g} ppm?"
        )
    polarity = 1 if float(peak[good].sum()) > 0 else -1
    return _coarse_line(starts[good] / rate_hz, lag_s[good]), polarity


def _sums(values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return sums of squares over windows of n."""
    total = np.concatenate([[0.0], np.cumsum(values**2)])
    return np.asarray(total[n:] - total[:-n])


def _most_active(ours: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """Return the starts of the most energetic windows, one from each stretch of the recording."""
    n_windows = ours.size // n
    power = (ours[: n_windows * n].reshape(n_windows, n) ** 2).sum(axis=1)
    stretches = np.array_split(np.arange(n_windows), min(_N_COARSE, n_windows))
    return np.array([stretch[np.argmax(power[stretch])] * n for stretch in stretches])


def _coarse_line(at_s: NDArray[np.float64], lag_s: NDArray[np.float64]) -> Line:
    if at_s.size < 3 or np.ptp(at_s) < 10:
        return float(np.median(lag_s)), 0.0
    i, j = np.triu_indices(at_s.size, 1)
    slope = float(np.median((lag_s[j] - lag_s[i]) / (at_s[j] - at_s[i])))  # Theil-Sen
    return float(np.median(lag_s - slope * at_s)), slope


@dataclass(frozen=True)
class _FineFit:
    line: Line
    u_offset_s: float
    u_slope: float
    n_effective: float
    kept: NDArray[np.bool_]
    correlation: NDArray[np.float64]


def _fine(
    ours: NDArray[np.float64], polarity: int, reference: Interpolator, rate_hz: float, line: Line
) -> _FineFit:
    """Warp the reference by `line`, measure what is left in each window, and correct the line."""
    n = round(_FINE_WINDOW_S * rate_hz)
    reach = max(2, round(_FINE_SEARCH_S * rate_hz))
    starts = _overlapping_windows(ours.size, n, reach, rate_hz, reference.end_s, line)
    index = np.arange(starts[0] - reach, starts[-1] + n + reach)
    warped = polarity * reference.at(line[0] + index / rate_hz * (1 + line[1]))
    first = starts - index[0]
    a = np.stack([ours[s : s + n] for s in starts])
    b = np.stack([warped[s - reach : s + n + reach] for s in first])
    shift, correlation = _window_lags(a, b, reach)
    at_s = (starts.astype(np.float64) + n / 2) / rate_hz
    significant = 4 / math.sqrt(n / 2)
    candidate = correlation > significant
    if candidate.sum() < _N_MIN_WINDOWS:
        raise ValueError(
            f"only {int(candidate.sum())} seconds of the overlap hold a common signal; "
            f"{_N_MIN_WINDOWS} are needed to tell offset from drift"
        )
    # How well a window places itself: delay error goes as sqrt(1 - r²)/r.
    limited = np.minimum(correlation, 0.9999)
    weight = np.where(candidate, limited**2 / (1 - limited**2), 0.0)
    return _robust_line(at_s, shift / rate_hz, weight, correlation, line)


def _overlapping_windows(
    n_ours: int, n: int, reach: int, rate_hz: float, reference_end_s: float, line: Line
) -> NDArray[np.intp]:
    first = max(reach, math.ceil((-line[0]) * rate_hz / (1 + line[1])) + reach)
    last = min(n_ours, math.floor((reference_end_s - line[0]) * rate_hz / (1 + line[1]))) - reach
    starts = np.arange(first, last - n + 1, n)
    if starts.size < _N_MIN_WINDOWS:
        raise ValueError(
            f"the recordings overlap for {max(last - first, 0) / rate_hz:.1f} s; "
            f"{_N_MIN_WINDOWS * _FINE_WINDOW_S:g} s are needed"
        )
    return starts


def _window_lags(
    a: NDArray[np.float64], b: NDArray[np.float64], reach: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lag of each row of b behind a, samples, and the correlation there.

    a has shape (n_windows, n), b (n_windows, n + 2 * reach).
    """
    n = a.shape[1]
    size = 1 << (b.shape[1] + n - 1).bit_length()
    spectrum = np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size))
    product = np.fft.irfft(spectrum, size)[:, : 2 * reach + 1]
    energy = np.stack([_sums(row, n) for row in b])
    floor = np.finfo(float).tiny
    scale = np.sqrt(np.maximum(energy * (a**2).sum(axis=1, keepdims=True), floor))
    correlation = product / scale
    peak = np.clip(np.argmax(correlation, axis=1), 1, 2 * reach - 1)
    rows = np.arange(a.shape[0])
    left, centre, right = (correlation[rows, peak + step] for step in (-1, 0, 1))
    bend = left - 2 * centre + right
    part = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    return peak + np.clip(part, -1, 1) - reach, centre


def _robust_line(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weight: NDArray[np.float64],
    correlation: NDArray[np.float64],
    line: Line,
) -> _FineFit:
    """Fit a weighted line, leaving out windows that disagree with it (Tukey's biweight)."""
    design = np.stack([np.ones_like(x), x - x.mean()], axis=1)
    robust = (weight > 0).astype(np.float64)
    solution = np.array([float(np.median(y[weight > 0])), 0.0])
    for _ in range(20):
        residual = y - design @ solution
        scaled = residual * np.sqrt(weight)
        spread = 1.483 * float(np.median(np.abs(scaled[weight > 0]))) + 1e-15
        robust = np.clip(1 - (scaled / (6 * spread)) ** 2, 0, None) ** 2 * (weight > 0)
        total = weight * robust
        solution = np.linalg.solve(design.T @ (total[:, None] * design), design.T @ (total * y))
    kept = robust > 0.05
    total = weight * kept
    inverse = np.linalg.inv(design.T @ (total[:, None] * design))
    solution = inverse @ design.T @ (total * y)
    residual = y - design @ solution
    if kept.sum() < _N_MIN_WINDOWS:
        raise ValueError("the windows do not agree on one offset and one clock error")
    # Which windows are good is known only roughly from their correlation, so the error comes from
    # the residuals themselves, each raised by its own pull on the line (HC3).
    leverage = total * np.einsum("ij,jk,ik->i", design, inverse, design)
    pull = total * residual / np.maximum(1 - leverage, 0.05)
    spread = design * pull[:, None]
    covariance = inverse @ (spread.T @ spread) @ inverse
    back = np.array([1.0, -x.mean()])  # from the middle of the recording to its first sample
    return _FineFit(
        line=(line[0] + float(back @ solution), line[1] + float(solution[1])),
        u_offset_s=math.sqrt(float(back @ covariance @ back)),
        u_slope=math.sqrt(float(covariance[1, 1])),
        n_effective=float(total.sum() ** 2 / (total**2).sum()),
        kept=kept,
        correlation=correlation,
    )
