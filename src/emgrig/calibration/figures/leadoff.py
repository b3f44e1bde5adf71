"""Electrode impedance from the AC lead-off current, and the current from known resistors.

SBAS499C, 9.3.2.4 and 9.6.1.5 (LOFF). The current is a square wave of ± I (TI staff say so; the
data sheet does not), so its fundamental is 4/π of I. Its frequency is a division of the sample
clock, which makes whole periods whole numbers of samples, whatever that clock is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.response import sinc3_magnitude
from emgrig.calibration.figures.samples import checked_channels
from emgrig.calibration.figures.uncertainty import (
    Component,
    Result,
    combine,
    coverage_factor,
    rectangular,
)

CURRENT_TOLERANCE = 0.20
"""Of the lead-off current; the data sheet lists ± 20 % as typical, taken here as the limits."""

_MIN_BLOCKS = 4


class Excitation(Enum):
    """The AC lead-off frequencies (LOFF.FLEAD), as a share of 2.048 MHz or of the data rate."""

    HZ_7_8125 = "7.8125 Hz"
    HZ_31_25 = "31.25 Hz"
    RATE_OVER_4 = "rate/4"

    def frequency_hz(self, rate_hz: int) -> float:
        """Return the frequency at a nominal data rate, Hz."""
        if self is Excitation.RATE_OVER_4:
            return rate_hz / 4
        return 7.8125 if self is Excitation.HZ_7_8125 else 31.25


def block_samples(rate_hz: int, frequency_hz: float, mains_hz: float | None = None) -> int:
    """Return the smallest number of samples that holds whole periods of excitation and mains.

    At 1000 SPS and 31.25 Hz: 160 with 50 Hz mains, 800 with 60 Hz, 32 without. Mains that is exact
    then leaves nothing in the lock-in.
    """
    if mains_hz is not None and mains_hz <= 0:
        raise ValueError(f"mains frequency must be > 0 Hz or None, not {mains_hz}")
    periods = [Fraction(rate_hz) / Fraction(frequency_hz).limit_denominator(10_000)]
    if mains_hz is not None:
        periods.append(Fraction(rate_hz) / Fraction(mains_hz).limit_denominator(1000))
    return math.lcm(*(period.numerator for period in periods))


def lock_in(volts: ArrayLike, samples_per_period: float, n_block: int) -> NDArray[np.complex128]:
    """Return the complex amplitude (V peak) of one frequency, shape (n_blocks, n_channels).

    `volts`, input-referred, have the shape (n_samples, n_channels); what is left after the last
    whole block is not used. A block of `n_block` samples holds a whole number of periods. The phase
    counts from the first sample of the record.
    """
    array = checked_channels(volts, n_min=n_block)
    periods = n_block / samples_per_period
    if abs(periods - round(periods)) > 1e-9 or round(periods) < 1:
        raise ValueError(f"{n_block} samples are {periods:g} periods, not a whole number of them")
    n_blocks = array.shape[0] // n_block
    blocks = array[: n_blocks * n_block].reshape(n_blocks, n_block, -1)
    phase = np.exp(-2j * np.pi * np.arange(n_block) / samples_per_period)
    # Without the mean, rounding of a large offset does not leak into a small amplitude.
    centred = blocks - blocks.mean(axis=1, keepdims=True)
    return np.asarray(2 / n_block * np.einsum("bsc,s->bc", centred, phase))


@dataclass(frozen=True)
class LeadOffAmplitude:
    """The fundamental that the lead-off current makes in each channel.

    `amplitude_v` is the peak of the fundamental, V, noise power subtracted, a value a channel;
    `n_blocks` were averaged. `volts_per_ohm_ampere` is ``4/π · |H|``: amplitude over (current ×
    impedance). `alias_relative` is the half width of what harmonics that fold onto the fundamental
    can add, over the amplitude.
    """

    amplitude_v: tuple[Result, ...]
    n_blocks: int
    volts_per_ohm_ampere: float
    alias_relative: float


def measure_amplitude(
    volts: ArrayLike, rate_hz: int, excitation: Excitation, *, mains_hz: float | None = 50.0
) -> LeadOffAmplitude:
    """Lock in on the excitation, block by block, and average.

    `volts`, input-referred, have the shape (n_samples, n_channels), four blocks or more; `rate_hz`
    is nominal, one of the chip's. Blocks hold whole periods of `mains_hz` too, unless that is None.
    Raises ValueError if the record is shorter than four blocks, or the excitation is at or above
    half the rate.
    """
    array = checked_channels(volts, n_min=8)
    frequency = excitation.frequency_hz(rate_hz)
    n_block = block_samples(rate_hz, frequency, mains_hz)
    if array.shape[0] < _MIN_BLOCKS * n_block:
        raise ValueError(
            f"{array.shape[0]} samples hold fewer than {_MIN_BLOCKS} blocks of {n_block}; record "
            f"{_MIN_BLOCKS * n_block / rate_hz:.2f} s or more"
        )
    blocks = lock_in(array, rate_hz / frequency, n_block)
    fundamental = 4 / math.pi * float(sinc3_magnitude(frequency, rate_hz))
    return LeadOffAmplitude(
        amplitude_v=tuple(_mean_amplitude(column, n_block) for column in blocks.T),
        n_blocks=blocks.shape[0],
        volts_per_ohm_ampere=fundamental,
        alias_relative=_alias_v_per_v(frequency, rate_hz) / fundamental,
    )


def _mean_amplitude(blocks: NDArray[np.complex128], n_block: int) -> Result:
    n = blocks.size
    mean = complex(blocks.mean())
    # Scatter of the complex values; half of it lies along the amplitude. It has 2 (n - 1) degrees.
    variance = float((np.abs(blocks - mean) ** 2).sum()) / (n - 1) / n
    amplitude = math.sqrt(max(abs(mean) ** 2 - variance, 0.0))
    u = math.sqrt(variance / 2)
    return Result(amplitude, "V", u, n * n_block, coverage_factor(2 * (n - 1)))


def _alias_v_per_v(frequency_hz: float, rate_hz: int) -> float:
    """Sum the odd harmonics that fold onto the fundamental, over current × impedance."""
    total = 0.0
    for n in range(3, 400, 2):
        folded = abs((n * frequency_hz + rate_hz / 2) % rate_hz - rate_hz / 2)
        if math.isclose(folded, frequency_hz):
            total += 4 / (n * math.pi) * float(sinc3_magnitude(n * frequency_hz, rate_hz))
    return total


def impedances(
    measured: LeadOffAmplitude,
    current_a: Sequence[Result] | float,
    *,
    series_ohm: float,
    series_relative_tolerance: float = 0.01,
) -> tuple[Result, ...]:
    """Return the impedance in the loop of each channel, ohm, less the series resistors.

    ``|Z| = π/4 · A / (I · |H|) − R_series`` may be below zero by noise; it is not clipped.
    `current_a` is calibrated (`calibrate_current`), or the nominal one, A (6e-9, …), which is then
    known to ± 20 % only. `series_ohm` are all resistors between pins and skin in the loop, those of
    both sides if P and N carry the current, within `series_relative_tolerance`.
    """
    channels = measured.amplitude_v
    currents: list[Result | float] = (
        [current_a] * len(channels) if isinstance(current_a, float | int) else list(current_a)
    )
    if len(currents) != len(channels):
        raise ValueError(f"{len(currents)} currents for {len(channels)} channels")
    return tuple(
        _impedance(amplitude, current, measured, series_ohm, series_relative_tolerance)
        for amplitude, current in zip(channels, currents, strict=True)
    )


def _impedance(
    amplitude: Result,
    current: Result | float,
    measured: LeadOffAmplitude,
    series_ohm: float,
    series_relative_tolerance: float,
) -> Result:
    if isinstance(current, Result):
        current_a, u_current, note = current.value, current.standard_uncertainty, "calibrated"
    else:
        current_a, note = current, "nominal, +-20 %"
        u_current = rectangular(CURRENT_TOLERANCE * current)
    if not current_a > 0:
        raise ValueError(f"lead-off current must be > 0 A, not {current_a}")
    loop_ohm = amplitude.value / (measured.volts_per_ohm_ampere * current_a)
    u, free = combine(
        [
            Component(
                "noise",
                amplitude.standard_uncertainty,
                1 / (measured.volts_per_ohm_ampere * current_a),
                2 * (measured.n_blocks - 1),
            ),
            Component("current", u_current, loop_ohm / current_a),
            Component("folded harmonics", rectangular(measured.alias_relative), loop_ohm),
            Component("series resistors", rectangular(series_relative_tolerance * series_ohm)),
        ]
    )
    return Result(
        value=loop_ohm - series_ohm,
        unit="ohm",
        standard_uncertainty=u,
        n_used=amplitude.n_used,
        k=coverage_factor(free),
        assumptions=(
            f"square-wave current, {note}; it returns through the loop alone",
            f"{series_ohm:g} Ω of series resistors taken off",
        ),
    )


@dataclass(frozen=True)
class CurrentCalibration:
    """What known resistors told about one channel.

    The lead-off current, A; the resistance in the loop beside the known resistors, ohm; and the
    largest distance of a reading from the line over the reading.
    """

    current_a: Result
    series_ohm: Result
    worst_residual_relative: float


def calibrate_current(
    amplitudes: Sequence[Result],
    resistors_ohm: Sequence[float],
    measured: LeadOffAmplitude,
    *,
    resistor_relative_uncertainty: float,
) -> CurrentCalibration:
    """Find current and series resistance of one channel from two or more known resistors.

    `amplitudes` are those of one channel with each resistor, V; `resistors_ohm` as measured or by
    their colour, not all the same. `measured` is any of the measurements: excitation and rate must
    have been the same in all. `resistor_relative_uncertainty` is the standard one of each resistor
    over its value, independent; 1 % parts not measured: 0.0058. Raises ValueError if there are
    fewer than two different resistors, or as many amplitudes as there are not.

    Notes
    -----
    Weighted line ``A = c·I·R + c·I·Rs`` with ``c = 4/π·|H|``; weights from the noise and from the
    resistors' tolerance.
    """
    r = np.asarray(resistors_ohm, dtype=np.float64)
    if r.ndim != 1 or r.size != len(amplitudes) or np.unique(r).size < 2 or r.min() < 0:
        raise ValueError(
            f"two or more different resistors, one an amplitude, are needed; got {r.size} and "
            f"{len(amplitudes)} amplitudes"
        )
    volts = np.array([a.value for a in amplitudes]) / measured.volts_per_ohm_ampere
    u_noise = np.array([a.standard_uncertainty for a in amplitudes]) / measured.volts_per_ohm_ampere
    guess_a = float(np.ptp(volts) / np.ptp(r))
    u = np.hypot(u_noise, guess_a * r * resistor_relative_uncertainty)
    if not (u > 0).all():
        raise ValueError("an amplitude has no uncertainty: give the resistors' or the noise's")
    design = np.stack([r, np.ones_like(r)], axis=1) / u[:, None]
    covariance = np.linalg.inv(design.T @ design)
    current_a, drop_v = covariance @ design.T @ (volts / u)
    series = drop_v / current_a
    towards = np.array([-series, 1.0]) / current_a
    u_current = math.hypot(
        math.sqrt(covariance[0, 0]), current_a * rectangular(measured.alias_relative)
    )
    n = sum(a.n_used for a in amplitudes)
    residual = volts - current_a * (r + series)
    note = ("square-wave current; it does not depend on the resistor",)
    return CurrentCalibration(
        current_a=Result(float(current_a), "A", u_current, n, assumptions=note),
        series_ohm=Result(
            float(series), "ohm", math.sqrt(towards @ covariance @ towards), n, assumptions=note
        ),
        worst_residual_relative=float(np.abs(residual / volts).max()),
    )
