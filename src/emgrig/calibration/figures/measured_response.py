"""A measured frequency response against what the data sheet says it is."""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.response import sinc3_magnitude
from emgrig.calibration.figures.uncertainty import Bound, Result


@dataclass(frozen=True)
class ResponseFit:
    """Measured magnitudes against ``gain · sinc³ · one pole``.

    `gain` is that at DC, V/V. `pole` is the corner of the analogue low-pass before the chip, Hz; a
    lower bound where it is too far above the band to be seen. At `minus_3db`, Hz, the fitted
    response is 3 dB below its DC value. Shape (n_frequencies,), dB: `residual_db` is measured over
    fitted, `droop_error_db` measured over ``gain · sinc³`` alone, what the data sheet's response
    does not explain.
    """

    gain: Result
    pole: Result
    minus_3db: Result
    residual_db: NDArray[np.float64]
    droop_error_db: NDArray[np.float64]


def fit_response(
    frequency_hz: ArrayLike,
    magnitude: ArrayLike,
    rate_hz: float,
    *,
    relative_uncertainty: float,
    gain_relative_uncertainty: float = 0.0,
) -> ResponseFit:
    """Fit gain and analogue pole to stepped-sine magnitudes.

    Four or more frequencies, Hz, below half the rate, and as many magnitudes, output over input,
    V/V. `relative_uncertainty` is the standard one of each magnitude over the magnitude, above 0
    (the independent part); `gain_relative_uncertainty` is common to all of them: the meter's.
    Raises ValueError if shapes differ, a value is not > 0, or a frequency is not below half the
    rate.
    """
    f, m = _checked(frequency_hz, magnitude, rate_hz)
    if relative_uncertainty <= 0:
        raise ValueError("relative_uncertainty must be > 0: no reading is exact")
    log_excess = np.log(m / sinc3_magnitude(f, rate_hz))

    def model(x: NDArray[np.float64], log_gain: float, bend: float) -> NDArray[np.float64]:
        return np.asarray(log_gain - 0.5 * np.log1p(np.maximum(bend * x**2, -0.9)))

    sigma = np.full(f.size, relative_uncertainty)
    start = (float(log_excess[0]), 0.0)
    found, covariance = scipy.optimize.curve_fit(
        model, f / rate_hz, log_excess, p0=start, sigma=sigma, absolute_sigma=True
    )
    log_gain, bend, u_bend = float(found[0]), float(found[1]), math.sqrt(covariance[1, 1])
    fitted = model(f / rate_hz, log_gain, bend)
    gain = math.exp(log_gain)
    u_gain = gain * math.hypot(covariance[0, 0] ** 0.5, gain_relative_uncertainty)
    note = ("one analogue pole and sinc3",)
    return ResponseFit(
        gain=Result(gain, "V/V", u_gain, f.size, assumptions=note),
        pole=_pole(bend, u_bend, rate_hz, f.size),
        minus_3db=_fitted_minus_3db(bend, u_bend, rate_hz, f.size),
        residual_db=20 / math.log(10) * (log_excess - fitted),
        droop_error_db=20 / math.log(10) * (log_excess - log_gain),
    )


def _checked(
    frequency_hz: ArrayLike, magnitude: ArrayLike, rate_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    f, m = np.asarray(frequency_hz, dtype=np.float64), np.asarray(magnitude, dtype=np.float64)
    if f.ndim != 1 or f.shape != m.shape or f.size < 4:
        raise ValueError(f"expected four or more pairs, got shapes {f.shape} and {m.shape}")
    if not (np.all(m > 0) and np.all(f > 0) and np.all(f < rate_hz / 2)):
        raise ValueError(f"magnitudes must be > 0 and frequencies 0 to {rate_hz / 2:g} Hz")
    return f, m


def _pole(bend: float, u_bend: float, rate_hz: float, n: int) -> Result:
    if bend < 3 * u_bend:
        limit = rate_hz / math.sqrt(max(bend, 0.0) + 3 * u_bend)
        note = "no bend beyond sinc3 is resolved"
        return Result(limit, "Hz", 0.0, n, assumptions=(note,), bound=Bound.AT_LEAST)
    pole = rate_hz / math.sqrt(bend)
    return Result(pole, "Hz", pole * u_bend / bend / 2, n)


def _fitted_minus_3db(bend: float, u_bend: float, rate_hz: float, n: int) -> Result:
    def found_hz(bend: float) -> float:
        def excess(frequency_hz: float) -> float:
            pole = 1 / math.sqrt(1 + max(bend, 0.0) * (frequency_hz / rate_hz) ** 2)
            return float(sinc3_magnitude(frequency_hz, rate_hz)) * pole - math.sqrt(0.5)

        return float(scipy.optimize.brentq(excess, 1e-6 * rate_hz, 0.4 * rate_hz))

    value_hz = found_hz(bend)
    note = ("one analogue pole and sinc3",)
    return Result(value_hz, "Hz", value_hz - found_hz(max(bend, 0.0) + u_bend), n, assumptions=note)
