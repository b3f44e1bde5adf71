"""The noise floor of a record with the inputs shorted: level, colour, lines and range.

All voltages are input-referred. Uncertainties are statistical (type A); that of the gain is not in
them, since the data sheet's table is not either.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.response import (
    SINC3_AUTOCORRELATION,
    sinc3_magnitude,
    sinc3_noise_shape,
)
from emgrig.calibration.figures.samples import checked_channels
from emgrig.calibration.figures.spectrum import (
    N_MIN_SAMPLES,
    Band,
    Spectrum,
    full_band,
    rms_with_error,
    welch,
)
from emgrig.calibration.figures.uncertainty import Bound, Result, coverage_factor, rectangular

UV = 1e6
_LINE_HALF_WIDTH_HZ = 1.0
_SEEN = 11.8
"""Twice the gain in log likelihood that two more parameters must bring (3 sigma)."""
_EXPONENTS = (0.5, 2.0)
_SEEN_ONE = 9.0
"""The same for one parameter."""


def rms_relative_standard_error(
    n_samples: int, autocorrelation: Sequence[float] = SINC3_AUTOCORRELATION
) -> float:
    """Return the relative standard error of the rms of `n_samples` of Gaussian noise.

    With ρ the autocorrelation, the variance of the power is ``2 σ⁴ Σρ² / M`` summed over positive
    and negative lags, and the rms has half the relative error of the power:
    ``sqrt((1 + 2·(ρ₁² + ρ₂² + …)) / (2 M))``. White noise gives 0.71/√M, white noise through sinc³
    0.81/√M.
    """
    if n_samples < 2:
        raise ValueError(f"an rms needs at least two samples, not {n_samples}")
    lags = np.asarray(autocorrelation[1:], dtype=np.float64)
    return math.sqrt((1 + 2 * float((lags**2).sum())) / (2 * n_samples))


_STEP = 0.05  # σ


@lru_cache(maxsize=256)
def expected_range(n_samples: int) -> float:
    """Return the mean of max − min of `n_samples` Gaussian values, in σ: 6.48 for 1000."""
    if n_samples < 2:
        raise ValueError(f"a range needs at least two samples, not {n_samples}")

    # E[max] - E[min] is the integral of 1 - Phi(x)^n - Phi(-x)^n. What falls off so steeply on both
    # sides is summed up to the last digits by even steps.
    x = _STEP * np.arange(-round(12 / _STEP), round(12 / _STEP) + 1)
    # written so that the first part keeps its digits where it is small
    above = -np.expm1(n_samples * scipy.special.log_ndtr(x))
    return float(_STEP * (above - np.exp(n_samples * scipy.special.log_ndtr(-x))).sum())


@dataclass(frozen=True)
class PeakToPeak:
    """Largest minus smallest sample, which means little without the number of samples.

    `range_uv` is max − min of `n_samples`, µV, `range_over_rms` its ratio to the rms of the same
    samples, `expected_over_rms` that of as many independent Gaussian samples; spikes and drift make
    it larger.
    """

    range_uv: float
    n_samples: int
    range_over_rms: float
    expected_over_rms: float


def peak_to_peak(volts: ArrayLike) -> tuple[PeakToPeak, ...]:
    """Return the range of each channel of `volts`, shape (n_samples, n_channels), V."""
    array = checked_channels(volts, n_min=N_MIN_SAMPLES)
    expected = expected_range(array.shape[0])
    return tuple(
        PeakToPeak(
            range_uv=float(np.ptp(column)) * UV,
            n_samples=column.size,
            range_over_rms=float(np.ptp(column) / column.std(ddof=1)),
            expected_over_rms=expected,
        )
        for column in array.T
    )


def offset(volts: ArrayLike, *, n_blocks: int = 20) -> tuple[Result, ...]:
    """Return the mean of each channel, µV.

    The uncertainty comes from the means of `n_blocks` stretches, so it holds for coloured noise
    and slow drift too, not only for independent samples.
    """
    array = checked_channels(volts, n_min=max(N_MIN_SAMPLES, 2 * n_blocks))
    n_block = array.shape[0] // n_blocks
    blocks = array[: n_block * n_blocks].reshape(n_blocks, n_block, -1).mean(axis=1)
    scatter = blocks.std(axis=0, ddof=1) / math.sqrt(n_blocks)
    note = "statistical part only; drift slower than the record is not in it"
    return tuple(
        replace(_level(mean, u, len(array), note), k=coverage_factor(n_blocks - 1))
        for mean, u in zip(array.mean(axis=0), scatter, strict=True)
    )


def _level(volts: float, u_v: float, n_samples: int, *notes: str) -> Result:
    """Return a level that was computed in V as a result in µV."""
    return Result(float(volts) * UV, "uV", float(u_v) * UV, n_samples, assumptions=notes)


def band_rms(spectrum: Spectrum, band: Band) -> tuple[Result, ...]:
    """Return the rms between the sharp edges of `band`, µV, a result per channel.

    Give ``equalised(spectrum)`` for the level before sinc³. The band must lie below half the rate.
    """
    powers, errors = spectrum.band_power(band.low_hz, band.high_hz)
    note = f"rms in a brick wall {band.low_hz:g}-{band.high_hz:g} Hz"
    return tuple(
        _level(*rms_with_error(float(power), float(error)), spectrum.n_samples, note)
        for power, error in zip(powers, errors, strict=True)
    )


def total_rms(volts: ArrayLike, rate_hz: float) -> tuple[Result, ...]:
    """Return the rms of each channel without its mean, µV: what the data sheet's table lists.

    The value is the standard deviation of the samples; its error comes from their spectrum, so it
    is right for coloured noise.
    """
    array = checked_channels(volts, n_min=N_MIN_SAMPLES)
    band = full_band(rate_hz)
    powers, errors = welch(array, rate_hz).band_power(band.low_hz, band.high_hz)
    return tuple(
        _level(
            deviation,
            deviation * error / power / 2,
            len(array),
            "mean removed; whole band, sinc3 included",
        )
        for deviation, power, error in zip(array.std(axis=0, ddof=1), powers, errors, strict=True)
    )


def equalised(spectrum: Spectrum) -> Spectrum:
    """Divide by ``|sinc³|²``: the spectrum that a recording has after the droop equaliser.

    Noise that had folded back is raised with the rest, so towards half the rate it shows more
    than the density at the input. What lies above 0.45 of the rate is left out (set to zero).
    """
    magnitude = sinc3_magnitude(spectrum.frequency_hz, spectrum.rate_hz)
    usable = spectrum.frequency_hz <= 0.45 * spectrum.rate_hz
    return spectrum.divided_by(np.where(usable, magnitude**2, np.inf))


@dataclass(frozen=True)
class LineLevel:
    """One mains line: nominal frequency, and level, µV; an upper bound if nothing stands out."""

    frequency_hz: float
    rms: Result


def mains_lines(
    spectrum: Spectrum, mains_hz: float, *, n_harmonics: int = 10
) -> tuple[tuple[LineLevel, ...], ...]:
    """Return the level of the mains and its harmonics, for each channel and each line.

    The power within ± 1 Hz less what the neighbourhood (± 1 to ± 4 Hz) lets expect. Mains may
    wander within that width. Harmonics above half the rate are left out. Raises ValueError if a bin
    is wider than 0.5 Hz: then the segments are too short to separate the line.
    """
    if mains_hz <= 0:
        raise ValueError(f"mains frequency must be > 0 Hz, not {mains_hz}")
    if spectrum.bin_hz > 0.5 * (1 + 1e-9):
        raise ValueError(
            f"bins of {spectrum.bin_hz:.3g} Hz cannot separate a line; record 10 s or more"
        )
    highest = spectrum.rate_hz / 2 - 5
    harmonics = [n * mains_hz for n in range(1, n_harmonics + 1) if n * mains_hz < highest]
    levels = [_line_results(spectrum, frequency) for frequency in harmonics]
    return tuple(zip(*levels, strict=True)) if levels else ((),) * spectrum.psd.shape[1]


def _line_results(spectrum: Spectrum, frequency_hz: float) -> list[LineLevel]:
    half = _LINE_HALF_WIDTH_HZ + spectrum.bin_hz
    power, _ = spectrum.band_power(frequency_hz - half, frequency_hz + half)
    away = np.abs(spectrum.frequency_hz - frequency_hz)
    beside = (away > half + spectrum.bin_hz) & (away < 4 * half)
    floor = spectrum.psd[beside].mean(axis=0)
    n_bins = 2 * half / spectrum.bin_hz
    # The noise under the line varies as noise does; beating of line and noise adds to it.
    noise = floor * 2 * half
    results = []
    for line, under in zip(power - noise, noise, strict=True):
        variance = (under**2 / n_bins + 2 * max(line, 0.0) * under / n_bins) / (
            spectrum.averages_per_bin
        )
        results.append(LineLevel(frequency_hz, _line_level(line, math.sqrt(variance), spectrum)))
    return results


def _line_level(power: float, error: float, spectrum: Spectrum) -> Result:
    if power < 3 * error:
        limit = math.sqrt(max(power, 0.0) + 3 * error) * UV
        return Result(limit, "uV", 0.0, spectrum.n_samples, bound=Bound.AT_MOST)
    return _level(*rms_with_error(power, error), spectrum.n_samples)


@dataclass(frozen=True)
class NoiseFloor:
    """White level and 1/f corner of one channel.

    `white_nv_per_rthz` is the density before sinc³, nV/√Hz; `corner_hz` where 1/f noise equals
    white noise, at most that (3 sigma) if none was seen; `exponent` the a of 1/f^a, NaN if no 1/f
    noise was seen.
    """

    white_nv_per_rthz: Result
    corner_hz: Result
    exponent: float


def fit_noise_floor(
    spectrum: Spectrum, *, mains_hz: float = 50.0, low_hz: float = 0.0, edge: float = 0.4
) -> tuple[NoiseFloor, ...]:
    """Fit ``w · (1 + (f_c / f)^a)`` times the shape of sinc³ to each channel.

    Maximum likelihood for spectra (Whittle), so every bin counts by its own relative error. Left
    out: the three lowest bins (mean removal), ± 2 Hz around mains lines, and what is above `edge`
    of the rate.

    The spectrum is of the record as it came from the chip, not equalised; it is fitted from
    `low_hz` on. `mains_hz` is 50 or 60, `edge` at most 0.5.
    """
    f = spectrum.frequency_hz
    away = np.abs(f - mains_hz * np.maximum(np.round(f / mains_hz), 1))
    use = (f > max(2.5 * spectrum.bin_hz, low_hz)) & (f <= edge * spectrum.rate_hz) & (away > 2)
    if use.sum() < 20:
        raise ValueError(f"only {use.sum()} bins are left to fit; record longer")
    shape = sinc3_noise_shape(f[use], spectrum.rate_hz)
    return tuple(_fit_floor(f[use], column[use] / shape, spectrum) for column in spectrum.psd.T)


def _floor_model(
    theta: NDArray[np.float64], f: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the model, and the slopes of its logarithm, shape (3, n_bins)."""
    log_white, log_corner, exponent = theta
    distance = log_corner - np.log(f)
    pink = np.exp(exponent * distance)
    share = pink / (1 + pink)
    slopes = np.stack([np.ones_like(f), exponent * share, distance * share])
    return np.exp(log_white) * (1 + pink), slopes


def _fit_floor(f: NDArray[np.float64], s: NDArray[np.float64], spectrum: Spectrum) -> NoiseFloor:
    scale = float(s.mean())
    s = s / scale

    def cost(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        model, slopes = _floor_model(theta, f)
        ratio = s / model
        return float((np.log(model) + ratio).sum()), np.asarray(slopes @ (1 - ratio))

    bounds = [(-10.0, 10.0), (math.log(f[0]) - 7, math.log(f[-1])), _EXPONENTS]
    start = np.array([math.log(float(np.median(s))), math.log(f[0]), 1.0])
    best = scipy.optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
    # The cost of white noise alone is n · (ln 1 + 1).
    gained = (f.size - float(best.fun)) * spectrum.averages_per_bin
    n = spectrum.n_samples
    if 2 * gained < _SEEN:
        return _white_floor(f, s, scale, spectrum)
    _, slopes = _floor_model(best.x, f)
    covariance = np.linalg.pinv(slopes @ slopes.T) / spectrum.averages_per_bin
    corner_hz = math.exp(best.x[1])
    return NoiseFloor(
        _density(scale * math.exp(best.x[0]), math.sqrt(covariance[0, 0]), n),
        Result(corner_hz, "Hz", corner_hz * math.sqrt(covariance[1, 1]), n),
        float(best.x[2]),
    )


def _white_floor(
    f: NDArray[np.float64], s: NDArray[np.float64], scale: float, spectrum: Spectrum
) -> NoiseFloor:
    """Say what 1/f noise there may be that was not seen, and what the white level then may be.

    With corner and exponent given, the most likely white level is a mean.
    """
    n, averages = spectrum.n_samples, spectrum.averages_per_bin
    corners_hz = np.geomspace(f[0] / 1e3, f[-1], 500)
    most_hz = most_pink = 0.0
    for exponent in (_EXPONENTS[0], 1.0, _EXPONENTS[1]):
        pink = 1 + (corners_hz[:, None] / f) ** exponent
        white = (s / pink).mean(axis=1)
        lost = (f.size * np.log(white) + np.log(pink).sum(axis=1)) * averages
        last = int(np.flatnonzero(lost - lost.min() < _SEEN_ONE / 2)[-1])
        most_hz = max(most_hz, float(corners_hz[last]))
        most_pink = max(most_pink, 1 - float(white[last]))
    relative = math.hypot(1 / math.sqrt(f.size * averages), rectangular(most_pink))
    corner = Result(most_hz, "Hz", 0.0, n, bound=Bound.AT_MOST)
    return NoiseFloor(_density(scale, relative, n), corner, math.nan)


def _density(white: float, relative: float, n: int) -> Result:
    density = math.sqrt(white) * 1e9
    return Result(
        density,
        "nV/rtHz",
        density * relative / 2,
        n,
        assumptions=("white between the corner and the modulator; shape of sinc3 divided out",),
    )
