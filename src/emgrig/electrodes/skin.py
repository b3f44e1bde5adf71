"""A contact as a resistor and a capacitor in parallel, from the harmonics of the lead-off current.

SBAS499C 9.3.2.4 and the electrode model of its figure 73. When the current changes its sign against
the first sample is not known, so it is a parameter of the fit.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgrig.electrodes.lines import Lines

MODEL_FLOOR = 1e-3
"""Of each line, added to its noise: flatness of amplifier and filter."""
WORST_RELATIVE = 0.10
LEAST_OHM = 100.0
"""A fitted resistance is given if it is known to 10 % or 100 ohm (standard uncertainty)."""
WORST_CAPACITANCE = 0.1
"""Where it does little it shows by its square, so a tenth is five sigma from none at all."""
MOST_ALIKE = 1e6
"""Condition of the fit; above it the lines do not tell R from C."""


@dataclass(frozen=True)
class SkinFit:
    """R ∥ C, ohm and F, in series with a known resistor.

    Uncertainties are standard ones, by noise and misfit. A ``…_by_series`` is the change if the
    series resistor were one ohm more. C is None, and its uncertainty of no use, if the lines do not
    tell it to a tenth. `tan_squared` is (ωRC)² at the frequency of the current, the square of the
    tangent of the phase of R ∥ C.
    """

    resistance_ohm: float
    u_resistance_ohm: float
    resistance_by_series: float
    capacitance_f: float | None
    u_capacitance_f: float
    capacitance_by_series: float
    tan_squared: float
    u_tan_squared: float
    degrees_of_freedom: int

    @property
    def is_trusted(self) -> bool:
        """Whether R is known well enough to be given."""
        return self.u_resistance_ohm < max(WORST_RELATIVE * self.resistance_ohm, LEAST_OHM)


def fit_skin(lines: Lines, column: int, *, current_a: float, series_ohm: float) -> SkinFit | None:
    """Fit ``Rs + R/(1 + jωRC)`` to the lines of one channel.

    `column` is the channel, from 0; `current_a`, above 0, half of the square wave's peak-to-peak
    value; `series_ohm`, Rs, is in the path of the current. None if the first line shows no more
    than the series resistor, there are too few lines, or they do not tell R from C.
    """
    model = _Model(lines, column, current_a, series_ohm)
    if len(lines.orders) < 3 or model.loop_ohm <= series_ohm + 3 * model.sigma_ohm[0]:
        return None
    start = model.guess()
    from scipy.optimize import least_squares

    found = least_squares(
        model.residuals,
        start,
        x_scale=(start[0], max(start[1], 1e-4), 0.01),
        bounds=((0.0, 0.0, -np.inf), (np.inf, 1e6, np.inf)),
    )
    jacobian = np.asarray(found.jac)
    sizes = np.linalg.norm(jacobian, axis=0)
    slopes = jacobian / sizes
    if np.linalg.cond(slopes) > MOST_ALIKE:
        return None
    free = 2 * len(lines.orders) - 3
    covariance = np.linalg.inv(slopes.T @ slopes) / np.outer(sizes, sizes)
    covariance *= max(1.0, 2 * found.cost / free)
    moved = model.residuals(found.x, series_ohm + 1.0) - found.fun
    by_series = -np.linalg.lstsq(slopes, moved, rcond=None)[0] / sizes
    return _described(found.x, covariance, by_series, lines.frequency_hz, free)


def _described(
    x: NDArray[np.float64],
    covariance: NDArray[np.float64],
    by_series: NDArray[np.float64],
    frequency_hz: float,
    free: int,
) -> SkinFit:
    r_ohm, squared = float(x[0]), max(float(x[1]), 1e-30)  # above 0: C has its root
    farad = math.sqrt(squared) / (2 * math.pi * frequency_hz * r_ohm)
    gradient = farad * np.array([-1 / r_ohm, 0.5 / squared, 0.0])
    u_farad = math.sqrt(gradient @ covariance @ gradient)
    return SkinFit(
        resistance_ohm=r_ohm,
        u_resistance_ohm=math.sqrt(covariance[0, 0]),
        resistance_by_series=float(by_series[0]),
        capacitance_f=farad if u_farad < WORST_CAPACITANCE * farad else None,
        u_capacitance_f=u_farad,
        capacitance_by_series=float(gradient @ by_series),
        tan_squared=squared,
        u_tan_squared=math.sqrt(covariance[1, 1]),
        degrees_of_freedom=free,
    )


class _Model:
    """The lines in ohm, and what R, (ωRC)² and the first line's phase make of them.

    A small C turns all lines in proportion to their order, as a shift of the record does; what is
    left of it goes with (ωRC)². With the first line's phase as the third parameter, the lines are
    smooth in the other two down to no capacitor at all.
    """

    def __init__(self, lines: Lines, column: int, current_a: float, series_ohm: float) -> None:
        scale = 1 / (current_a * lines.per_ohm_ampere[:, 0])
        self._harmonics, self._series_ohm = lines.harmonics, series_ohm
        self._gains = lines.per_ohm_ampere / lines.per_ohm_ampere[:, :1]
        # A sine's amplitude is -j in the sense of Re(A exp(jωt)).
        self._measured = 1j * lines.volts[:, column] * scale
        noise = lines.noise_v[:, column] * scale
        self.sigma_ohm = np.hypot(noise, MODEL_FLOOR * np.abs(self._measured))
        self.loop_ohm = float(abs(self._measured[0]))

    def guess(self) -> NDArray[np.float64]:
        """Return the best parameters among those that agree with the first line."""
        squares = np.concatenate(([0.0], np.logspace(-6, 3, 60)))
        loop, series = self.loop_ohm, self._series_ohm
        r_ohm = np.sqrt(loop**2 * (1 + squares) - series**2 * squares) - series
        phase = np.full_like(r_ohm, np.angle(self._measured[0]))
        starts = np.stack([r_ohm, squares, phase], axis=1)
        costs = [float((self.residuals(start) ** 2).sum()) for start in starts]
        best: NDArray[np.float64] = starts[int(np.argmin(costs))]
        return best

    def residuals(
        self, x: NDArray[np.float64], series_ohm: float | None = None
    ) -> NDArray[np.float64]:
        """Return real and imaginary parts of measured less modelled lines, over sigma."""
        r_ohm, squared, phase = x
        series = self._series_ohm if series_ohm is None else series_ohm
        turn = math.sqrt(squared)
        shift = phase - np.angle(series + r_ohm / (1 + 1j * turn))
        impedance = series + r_ohm / (1 + 1j * self._harmonics * turn)
        modelled = (self._gains * impedance * np.exp(1j * self._harmonics * shift)).sum(axis=1)
        left = (self._measured - modelled) / self.sigma_ohm
        return np.concatenate([left.real, left.imag])
