"""Measures of agreement between two signals or two columns of readings.

Sources: Bland and Altman 1986 and 1999 (limits of agreement, logarithms where the error grows);
McGraw and Wong 1996 (ICC(A,1) and its interval).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.samples import checked_pairs
from emgrig.calibration.figures.spectrum import Band
from emgrig.calibration.figures.uncertainty import Result, coverage_factor

ENVELOPE_HZ = 6.0
_CONFIDENCE = 0.95


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return Pearson's r of two arrays of one shape."""
    a, b = first - first.mean(), second - second.mean()
    return float((a @ b) / math.sqrt((a @ a) * (b @ b)))


def envelope(values: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Return the rectified signal, low-passed at 6 Hz (Butterworth, order 2, zero phase)."""
    sos = scipy.signal.butter(2, ENVELOPE_HZ, "lowpass", fs=rate_hz, output="sos")
    return np.asarray(scipy.signal.sosfiltfilt(sos, np.abs(values)))


def mean_coherence(
    first: NDArray[np.float64], second: NDArray[np.float64], rate_hz: float, bands: Sequence[Band]
) -> tuple[float, ...]:
    """Return the mean magnitude-squared coherence in each band, less its bias; segments of 0.5 s.

    Two unrelated signals show 1/n for n independent segments; that much is taken off.
    """
    n_segment = round(0.5 * rate_hz)
    f, c = scipy.signal.coherence(first, second, rate_hz, window="hann", nperseg=n_segment)
    n = max(2.0, (2 * first.size / n_segment - 1) * 0.947)
    measured = [float(c[(f >= band.low_hz) & (f <= band.high_hz)].mean()) for band in bands]
    return tuple((value - 1 / n) / (1 - 1 / n) for value in measured)


@dataclass(frozen=True)
class BlandAltman:
    """Differences of paired readings, ours less the reference's.

    If `is_log`, the error grew with the size; then every figure is a ratio (ours over reference)
    and 1 means no difference. Otherwise they are differences in the readings' unit. `bias` is the
    mean difference, with its 95 % interval; 95 % of the differences lie between the limits of
    agreement (± 1.96 s). `limit_error` is the half width of the 95 % interval of each limit, on a
    log scale a factor less 1; `growth_p` the p of the rank correlation between size and absolute
    difference; `n` counts the pairs.
    """

    is_log: bool
    bias: float
    bias_low: float
    bias_high: float
    limit_low: float
    limit_high: float
    limit_error: float
    growth_p: float
    n: int


def bland_altman(
    ours: ArrayLike, reference: ArrayLike, *, is_log: bool | None = None
) -> BlandAltman:
    """Compute bias and limits of agreement.

    Five or more paired readings, shape (n,). Logarithms are used if `is_log`; without it if all
    readings are > 0 and the absolute difference grows with the mean (Spearman, one-sided p < 0.05).
    Raises ValueError if there are fewer than five pairs, or logarithms are asked for and a reading
    is not > 0.
    """
    a, b = checked_pairs(ours, reference, n_min=5, name="reading")
    distance = np.abs(a - b)
    grows = 1.0
    if np.ptp(distance) > 0 and np.ptp(a + b) > 0:
        grows = float(scipy.stats.spearmanr(a + b, distance, alternative="greater").pvalue)
    positive = bool((a > 0).all() and (b > 0).all())
    if is_log is None:
        is_log = positive and grows < 0.05
    if is_log and not positive:
        raise ValueError("logarithms need readings > 0")
    d = np.log(a) - np.log(b) if is_log else a - b
    bias, s, n = float(d.mean()), float(d.std(ddof=1)), d.size
    t = float(scipy.stats.t.ppf(0.5 + _CONFIDENCE / 2, n - 1))
    error = t * s / math.sqrt(n)
    limit = 1.96 * s
    limit_error = t * s * math.sqrt(1 / n + 1.96**2 / (2 * (n - 1)))
    shown = math.exp if is_log else float
    return BlandAltman(
        is_log=is_log,
        bias=shown(bias),
        bias_low=shown(bias - error),
        bias_high=shown(bias + error),
        limit_low=shown(bias - limit),
        limit_high=shown(bias + limit),
        limit_error=math.expm1(limit_error) if is_log else limit_error,
        growth_p=grows,
        n=n,
    )


@dataclass(frozen=True)
class IntraclassCorrelation:
    """ICC(A,1): absolute agreement of single readings, two-way; 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def icc_a1(ours: ArrayLike, reference: ArrayLike) -> IntraclassCorrelation:
    """Compute ICC(A,1) of paired readings (five or more levels, contractions or subjects).

    It depends on the spread of the readings: a wide range of levels makes it high. State the range
    beside it. Raises ValueError if there are fewer than five pairs, or all readings are the same.
    """
    table = np.stack(checked_pairs(ours, reference, n_min=5, name="reading"), axis=1)
    n, k = table.shape
    grand = table.mean()
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    msr = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    msc = n * float(((columns - grand) ** 2).sum()) / (k - 1)
    rest = table - rows[:, None] - columns[None, :] + grand
    mse = float((rest**2).sum()) / ((n - 1) * (k - 1))
    whole = msr + (k - 1) * mse + k * (msc - mse) / n
    if whole <= 0:
        raise ValueError("all readings are the same: no ICC")
    icc = (msr - mse) / whole
    if mse <= 1e-15 * msr and msc <= 1e-15 * msr:
        return IntraclassCorrelation(icc, icc, icc, n)
    return IntraclassCorrelation(icc, *_icc_interval(icc, msr, msc, mse, n, k), n)


def _icc_interval(
    icc: float, msr: float, msc: float, mse: float, n: int, k: int
) -> tuple[float, float]:
    """Return the interval of McGraw and Wong's table 7."""
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    v = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    upper_f = float(scipy.stats.f.ppf(0.5 + _CONFIDENCE / 2, n - 1, v))
    lower_f = float(scipy.stats.f.ppf(0.5 + _CONFIDENCE / 2, v, n - 1))
    between = k * msc + (k * n - k - n) * mse
    low = n * (msr - upper_f * mse) / (upper_f * between + n * msr)
    high = n * (lower_f * msr - mse) / (between + n * lower_f * msr)
    return low, high


def amplitude_ratio(ours_power: ArrayLike, reference_power: ArrayLike) -> Result:
    """Return the ratio of amplitudes, ours over the reference's, from paired powers.

    The root of the ratio of the sums, so that loud windows, which noise disturbs least, count
    most; its uncertainty by leaving out one window at a time (jackknife). The geometric mean of
    the windows' ratios is the bias of `bland_altman` with ``is_log=True``.

    The powers are those of five or more windows, shape (n,), noise taken off; single ones may be
    below 0 by chance. Raises ValueError if there are fewer than five pairs, or their sum is not >
    0.
    """
    a, b = checked_pairs(ours_power, reference_power, n_min=5, name="reading")
    without_a, without_b = a.sum() - a, b.sum() - b
    if min(a.sum(), b.sum(), without_a.min(), without_b.min()) <= 0:
        raise ValueError("the muscle is not more active than at rest: check the rest intervals")
    ratio = math.sqrt(float(a.sum() / b.sum()))
    left_out = np.sqrt(without_a / without_b)
    n = a.size
    n_effective = float(b.sum() ** 2 / (b**2).sum())  # loud windows count more
    variance = (n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum())
    return Result(
        value=ratio,
        unit="1",
        standard_uncertainty=math.sqrt(variance),
        n_used=n,
        k=coverage_factor(max(n_effective - 1, 1.0)),
        assumptions=("windows are independent",),
    )


@dataclass(frozen=True)
class Features:
    """What is read off each window, arrays of shape (n_windows,)."""

    rms_uv: NDArray[np.float64]
    mav_uv: NDArray[np.float64]
    mean_frequency_hz: NDArray[np.float64]
    median_frequency_hz: NDArray[np.float64]


def features(windows_uv: Sequence[NDArray[np.float64]], rate_hz: float) -> Features:
    """Compute amplitude and frequency of windows, shape (n_samples,) each, µV.

    Mean and median frequency are of the Hann-windowed periodogram; within a bin the median is
    interpolated.
    """
    rows = np.array([_window_features(window, rate_hz) for window in windows_uv]).reshape(-1, 4)
    return Features(*rows.T)


def _window_features(
    window_uv: NDArray[np.float64], rate_hz: float
) -> tuple[float, float, float, float]:
    n = window_uv.size
    f = np.fft.rfftfreq(n, 1 / rate_hz)
    power = np.abs(np.fft.rfft(window_uv * scipy.signal.windows.hann(n, sym=False))) ** 2
    share = power / power.sum()
    # A bin's power is spread over the bin, so half of it lies below the bin's own frequency.
    median = np.interp(0.5, np.cumsum(share), f + f[1] / 2)
    rms = math.sqrt(float((window_uv**2).mean()))
    return rms, float(np.abs(window_uv).mean()), float(f @ share), float(median)
