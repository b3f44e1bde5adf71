"""Power spectra and the rms in a band, with the statistical error that the spectrum shows."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.samples import checked_channels, checked_rate

N_MIN_SAMPLES = 64

_OVERLAP_CORRELATION = (1 / 6) ** 2
"""Of the powers of two Hann segments that overlap by half (Welch 1967)."""

_BINS_PER_DEGREE = 1 + 2 * ((2 / 3) ** 2 + (1 / 6) ** 2)
"""Variance of a sum over Hann-windowed bins, against independent ones: neighbours share power."""


@dataclass(frozen=True)
class Band:
    """A band with sharp edges, Hz, ``0 <= low_hz < high_hz``, and its name in a report."""

    name: str
    low_hz: float
    high_hz: float

    def __post_init__(self) -> None:
        if not 0 <= self.low_hz < self.high_hz:
            raise ValueError(f"band {self.name}: {self.low_hz} to {self.high_hz} Hz is no band")

    @property
    def width_hz(self) -> float:
        """Noise bandwidth of a brick wall, Hz."""
        return self.high_hz - self.low_hz


EMG_BAND = Band("20-450 Hz", 20.0, 450.0)
WIDE_EMG_BAND = Band("10-500 Hz", 10.0, 500.0)


def full_band(rate_hz: float) -> Band:
    """Return the band from 0 to half the rate."""
    return Band("full", 0.0, checked_rate(rate_hz) / 2)


@dataclass(frozen=True)
class Spectrum:
    """One-sided power spectral densities by Welch's method.

    `frequency_hz`, shape (n_bins,), goes from 0 to half the rate, evenly; the integral of `psd`,
    V²/Hz, shape (n_bins, n_channels), is the variance. `n_averages` is how many independent
    segments the overlapping ones amount to.
    """

    frequency_hz: NDArray[np.float64]
    psd: NDArray[np.float64]
    rate_hz: float
    n_samples: int
    n_averages: float

    @property
    def bin_hz(self) -> float:
        """Distance of two bins, Hz."""
        return float(self.frequency_hz[1])

    @property
    def averages_per_bin(self) -> float:
        """Independent values that one bin is worth when bins are summed or fitted."""
        return self.n_averages / _BINS_PER_DEGREE

    def divided_by(self, power_response: NDArray[np.float64]) -> "Spectrum":
        """Return the spectrum before a filter with |H|² = `power_response`, shape (n_bins,)."""
        psd = self.psd / power_response[:, None]
        return Spectrum(self.frequency_hz, psd, self.rate_hz, self.n_samples, self.n_averages)

    def band_power(
        self, low_hz: float, high_hz: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return power and its standard error between two edges, V², shape (n_channels,) each.

        A bin that an edge cuts counts in part. The error holds for noise of any colour; a steady
        tone in the band makes it too large, never too small. Raises ValueError if the band does not
        lie within the spectrum, or is narrower than one bin.
        """
        if not 0 <= low_hz < high_hz <= self.rate_hz / 2 * (1 + 1e-9):
            raise ValueError(
                f"band {low_hz:g}-{high_hz:g} Hz does not fit below half the rate of "
                f"{self.rate_hz:g} Hz"
            )
        if high_hz - low_hz < self.bin_hz:
            raise ValueError(
                f"band {low_hz:g}-{high_hz:g} Hz is narrower than a bin of {self.bin_hz:.3g} Hz; "
                "take a longer record or longer segments"
            )
        share = self._share_of_bins(low_hz, high_hz)[:, None] * self.bin_hz
        power = (share * self.psd).sum(axis=0)
        # E[S²] of an average of n is (1 + 1/n) times the true square.
        squares = ((share * self.psd) ** 2).sum(axis=0) / (1 + 1 / self.n_averages)
        return power, np.sqrt(squares / self.averages_per_bin)

    def _share_of_bins(self, low_hz: float, high_hz: float) -> NDArray[np.float64]:
        half = self.bin_hz / 2
        top = np.minimum(self.frequency_hz + half, min(high_hz, self.rate_hz / 2))
        bottom = np.maximum(self.frequency_hz - half, low_hz)
        share: NDArray[np.float64] = np.clip(top - bottom, 0, None) / self.bin_hz
        # The bins at 0 and at half the rate are half as wide, and their density is not doubled:
        # the half that lies in the band holds the power of a whole bin of what scipy returns.
        share[0] *= 2
        if self.frequency_hz[-1] >= self.rate_hz / 2 * (1 - 1e-9):
            share[-1] *= 2
        return share


def welch(volts: ArrayLike, rate_hz: float, *, segment_s: float | None = None) -> Spectrum:
    """Estimate power spectral densities: Hann window, half overlap, mean removed.

    `volts`, shape (n_samples, n_channels), may have any unit; it is V in this package. A segment is
    2 s without `segment_s`, or a fifth of the record if that is less. Raises ValueError if the
    record is too short for three segments, or is refused by `checked_channels`.
    """
    array = checked_channels(volts, n_min=N_MIN_SAMPLES)
    n = array.shape[0]
    if segment_s is None:
        segment_s = min(2.0, n / checked_rate(rate_hz) / 5)
    n_segment = round(segment_s * checked_rate(rate_hz))
    if n_segment < 8 or 2 * n_segment > n:
        raise ValueError(
            f"segments of {n_segment} samples do not suit a record of {n}; "
            f"choose {8 / rate_hz:.3g} to {n / 2 / rate_hz:.3g} s"
        )
    power = _powers(array - array.mean(axis=0), float(rate_hz), n_segment)
    n_segments = power.shape[-1]
    shared = 1 + 2 * (1 - 1 / n_segments) * _OVERLAP_CORRELATION
    return Spectrum(
        frequency_hz=np.asarray(np.fft.rfftfreq(n_segment, 1 / float(rate_hz)), np.float64),
        psd=power.mean(axis=-1).T,
        rate_hz=float(rate_hz),
        n_samples=n,
        n_averages=n_segments / shared,
    )


def _powers(volts: NDArray[np.float64], rate_hz: float, n_segment: int) -> NDArray[np.float64]:
    """Return the one-sided densities of each segment, shape (n_channels, n_bins, n_segments).

    Step by step and in the order of `scipy.signal.welch`, to the last bit: importing that module
    takes longer than all spectra of a bring-up.
    """
    step = n_segment - n_segment // 2
    n_segments = 1 + (len(volts) - n_segment) // step
    window = _window(n_segment, rate_hz)[:, None]
    powers = np.empty((volts.shape[1], n_segment // 2 + 1, n_segments))
    for number in range(n_segments):
        segment = volts[number * step : number * step + n_segment]
        lines = np.fft.rfft((segment - segment.mean(axis=0)) * window, axis=0).T
        np.add(lines.real**2, lines.imag**2, out=powers[:, :, number])
    powers[:, 1 : -1 if n_segment % 2 == 0 else None] *= 2  # what 0 and half the rate do not share
    return powers


@lru_cache(maxsize=8)
def _window(n_segment: int, rate_hz: float) -> NDArray[np.float64]:
    """Return a periodic Hann window, scaled so that squares of an FFT are densities."""
    turn = np.linspace(-np.pi, np.pi, n_segment + 1)[:-1]
    window = 0.5 + 0.5 * np.cos(turn)
    # A running sum adds in order; `sum` of an array adds in pairs.
    window *= 1 / np.sqrt(np.cumsum(window**2)[-1] / (1 / rate_hz))
    window.setflags(write=False)
    return window


def rms_with_error(power: float, power_error: float) -> tuple[float, float]:
    """Return rms and its standard error from a power and its standard error.

    Near zero the error of the root is not the error of the power over twice the root; there the
    root of the error is given.
    """
    rms = math.sqrt(max(power, 0.0))
    if power > power_error > 0:
        return rms, power_error / (2 * rms)
    return rms, math.sqrt(power_error)
