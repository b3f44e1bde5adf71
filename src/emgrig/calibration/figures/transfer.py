"""Gain, linearity, CMRR and crosstalk, from fitted amplitudes.

The procedures that produce the amplitudes drive a bench; here are the formulae and uncertainties.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.samples import checked_pairs
from emgrig.calibration.figures.sinefit import SineFit
from emgrig.calibration.figures.uncertainty import (
    Bound,
    Component,
    Result,
    combine,
    coverage_factor,
)


@dataclass(frozen=True)
class GainResult:
    """A straight line through levels.

    `gain` is measured over applied, V/V: 1 for a channel whose scale is right; `offset_uv` is the
    reading for no input. `inl_ppm`, the integral nonlinearity by best fit, is the largest distance
    of a level from the line over the full range (twice full scale). `residual_v`, shape
    (n_levels,), is level less line.
    """

    gain: Result
    offset_uv: Result
    inl_ppm: float
    residual_v: NDArray[np.float64]


def fit_gain(
    applied_v: ArrayLike,
    measured_v: ArrayLike,
    *,
    full_scale_v: float,
    meter_relative_uncertainty: float,
) -> GainResult:
    """Fit gain and offset to levels of which the meter knows the size.

    At least five levels, V, shape (n_levels,): what the meter read and what the board read, same
    kind (both amplitudes, both rms, or both DC). `full_scale_v` is reference over gain.
    `meter_relative_uncertainty`, the standard one of the meter's scale, is common to all levels
    (type B), and required, because no gain is known better than the meter. Raises ValueError if
    there are fewer than five levels, they are not finite or all the same, or one is beyond full
    scale.
    """
    x, y = checked_pairs(applied_v, measured_v, n_min=5, name="level")
    if np.abs(y).max() >= full_scale_v:
        raise ValueError(
            f"a level of {np.abs(y).max():.4g} V is beyond full scale {full_scale_v:.4g} V"
        )
    if np.ptp(x) == 0:
        raise ValueError("all applied levels are the same; a gain needs different ones")
    centre = float(x.mean())
    spread = float(((x - centre) ** 2).sum())
    slope = float(((x - centre) * y).sum()) / spread
    residual = y - y.mean() - slope * (x - centre)
    n_free = x.size - 2
    scatter = math.sqrt(float(residual @ residual) / n_free)
    u_gain, free = combine(
        [
            Component("scatter of the levels", scatter / math.sqrt(spread), 1.0, n_free),
            Component("meter", meter_relative_uncertainty, slope),
        ]
    )
    u_offset = scatter * math.sqrt(1 / x.size + centre**2 / spread)
    note = ("residuals are independent between levels",)
    k_offset = coverage_factor(n_free)
    offset_uv = float(y.mean() - slope * centre) * 1e6
    return GainResult(
        gain=Result(slope, "V/V", u_gain, x.size, coverage_factor(free), assumptions=note),
        offset_uv=Result(offset_uv, "uV", u_offset * 1e6, x.size, k_offset, assumptions=note),
        inl_ppm=float(np.abs(residual).max()) / (2 * full_scale_v) * 1e6,
        residual_v=residual,
    )


def rejection_db(
    driven_v: float, response: SineFit, *, driven_relative_uncertainty: float, name: str
) -> Result:
    """Return how far the response lies below what drives it, dB.

    `driven_v` is the amplitude (peak) that is applied, V, above 0, known within
    `driven_relative_uncertainty` (standard); `response` is fitted at its frequency, input-referred,
    and `name` says what it is, for the result's assumptions. The result is "at least" if the
    response is less than three times its own uncertainty.
    """
    if not driven_v > 0:
        raise ValueError(f"driving amplitude must be > 0 V, not {driven_v}")
    note = (f"{name} at {response.frequency_hz:.6g} Hz, input-referred",)
    if response.amplitude_v < 3 * response.u_amplitude_v:
        largest = response.amplitude_v + 2 * response.u_amplitude_v
        limit = 20 * math.log10(driven_v / largest)
        return Result(limit, "dB", 0.0, response.n_samples, assumptions=note, bound=Bound.AT_LEAST)
    relative = math.hypot(
        response.u_amplitude_v / response.amplitude_v, driven_relative_uncertainty
    )
    return Result(
        value=20 * math.log10(driven_v / response.amplitude_v),
        unit="dB",
        standard_uncertainty=20 / math.log(10) * relative,
        n_used=response.n_samples,
        assumptions=note,
    )


def cmrr_db(common_mode_v: float, differential: SineFit, *, u_common_mode: float) -> Result:
    """Return the common-mode rejection: both inputs driven together, ``20 log10(V_cm / V_diff)``.

    `common_mode_v` is the amplitude (peak) on both inputs against the board's ground, V,
    `u_common_mode` its relative standard uncertainty; `differential` is what the channel reads at
    the same frequency.
    """
    return rejection_db(
        common_mode_v,
        differential,
        driven_relative_uncertainty=u_common_mode,
        name="differential response to a common mode",
    )


def crosstalk_db(driven: SineFit, victim: SineFit) -> Result:
    """Return the crosstalk from a driven channel to another, dB: the more negative the better."""
    rejection = rejection_db(
        driven.amplitude_v,
        victim,
        driven_relative_uncertainty=driven.u_amplitude_v / driven.amplitude_v,
        name="response of a channel that is not driven",
    )
    return Result(
        value=-rejection.value,
        unit="dB",
        standard_uncertainty=rejection.standard_uncertainty,
        n_used=rejection.n_used,
        assumptions=rejection.assumptions,
        bound=Bound.AT_MOST if rejection.bound else Bound.NONE,
    )
