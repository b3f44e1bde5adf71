"""A contact as a resistor and a capacitor in parallel, from the harmonics of the lead-off current.

SBAS499C 9.3.2.4 and the electrode model of its figure 73. When the current changes its sign against
the first sample is not known, so it is a parameter of the fit.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from emgrig.electrodes.lines import Lines

MODEL_FLOOR = 1e-3
"""Of each line, added to its noise: flatness of amplifier and filter, and what folds back onto it
from the second half of the band (0.6 % of the line at 219 Hz, far less of the others)."""
WORST_RELATIVE = 0.10
LEAST_OHM = 100.0
"""A fitted resistance is given if it is known to 10 % or 100 ohm (standard uncertainty)."""
WORST_CAPACITANCE = 0.1
"""Where it does little it shows by its square, so a tenth is five sigma from none at all."""


@dataclass(frozen=True)
class SkinFit:
    """R ∥ C in series with a known resistor.

    Attributes
    ----------
    resistance_ohm, u_resistance_ohm : float
        R and its standard uncertainty by noise and misfit.
    capacitance_f : float or None
        C; None if it is known worse than to a tenth.
    angle_rad, u_angle_rad : float
        Phase of R ∥ C at the frequency of the current, 0 to -π/2.
    degrees_of_freedom : int
    """

    resistance_ohm: float
    u_resistance_ohm: float
    capacitance_f: float | None
    angle_rad: float
    u_angle_rad: float
    degrees_of_freedom: int

    @property
    def is_trusted(self) -> bool:
        """Whether R is known well enough to be given."""
        return self.u_resistance_ohm < max(WORST_RELATIVE * self.resistance_ohm, LEAST_OHM)


def fit_skin(lines: Lines, column: int, *, current_a: float, series_ohm: float) -> SkinFit | None:
    """Fit ``Rs + R/(1 + jωRC)`` to the lines of one channel.

    Parameters
    ----------
    lines : Lines
    column : int
        Which channel, 0 is the first.
    current_a : float, > 0
        Half of the square wave's peak-to-peak value, A.
    series_ohm : float, ≥ 0
        Rs, in the path of the current.

    Returns
    -------
    SkinFit or None
        None if the first line shows no more than the series resistor, or there are too few lines.
    """
    model = _Model(lines, column, current_a, series_ohm)
    if len(lines.orders) < 3 or model.loop_ohm <= series_ohm + 3 * model.sigma_ohm[0]:
        return None
    start = model.guess()
    found = optimize.least_squares(
        model.residuals,
        start,
        x_scale=(start[0], max(start[1], 0.01), 0.01),
        bounds=((0.0, 0.0, -np.inf), (np.inf, 1e3, np.inf)),
    )
    r_ohm, turn = float(found.x[0]), float(found.x[1])
    free = 2 * len(lines.orders) - 3
    slopes = np.asarray(found.jac)
    covariance = np.linalg.pinv(slopes.T @ slopes) * max(1.0, 2 * found.cost / free)
    u_turn = math.sqrt(covariance[1, 1])
    is_capacitive = turn > 0 and u_turn < WORST_CAPACITANCE * turn
    omega = 2 * math.pi * lines.frequency_hz
    return SkinFit(
        resistance_ohm=r_ohm,
        u_resistance_ohm=math.sqrt(covariance[0, 0]),
        capacitance_f=turn / (omega * r_ohm) if is_capacitive else None,
        angle_rad=-math.atan(turn),
        u_angle_rad=u_turn / (1 + turn**2),
        degrees_of_freedom=free,
    )


class _Model:
    """The lines in ohm, and what R, ωRC and the phase of the current make of them."""

    def __init__(self, lines: Lines, column: int, current_a: float, series_ohm: float) -> None:
        scale = 1 / (current_a * lines.per_ohm_ampere)
        self._orders, self._series_ohm = lines.orders, series_ohm
        # A sine's amplitude is -j in the sense of Re(A exp(jωt)).
        self._measured = 1j * lines.volts[:, column] * scale
        noise = lines.noise_v[:, column] * scale
        self.sigma_ohm = np.hypot(noise, MODEL_FLOOR * np.abs(self._measured))
        self.loop_ohm = float(abs(self._measured[0]))

    def guess(self) -> NDArray[np.float64]:
        """Return R, ωRC and phase of the best among those that agree with the first line."""
        turns = np.concatenate(([0.0], np.logspace(-3, 1.5, 60)))
        loop, series = self.loop_ohm, self._series_ohm
        r_ohm = np.sqrt(loop**2 * (1 + turns**2) - (series * turns) ** 2) - series
        phase = np.angle(series + r_ohm / (1 + 1j * turns)) - np.angle(self._measured[0])
        starts = np.stack([r_ohm, turns, phase], axis=1)
        costs = [float((self.residuals(start) ** 2).sum()) for start in starts]
        best: NDArray[np.float64] = starts[int(np.argmin(costs))]
        return best

    def residuals(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return real and imaginary parts of measured less modelled lines, over sigma."""
        r_ohm, turn, phase = x
        impedance = self._series_ohm + r_ohm / (1 + 1j * self._orders * turn)
        left = (self._measured - impedance * np.exp(-1j * self._orders * phase)) / self.sigma_ohm
        return np.concatenate([left.real, left.imag])
