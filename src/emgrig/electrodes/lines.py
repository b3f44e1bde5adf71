"""The lines that a square-wave lead-off current makes in the spectrum of each channel.

The current's frequency is a division of the sample clock, so in a record of whole periods its odd
harmonics fall on bins. A Hann window keeps what lies some bins away (mains, drift) out of them,
also when mains is not exact: at 20 bins the rest is below 1e-4 of it. What the bins beside a line
hold is noise, and tells how well the line is known.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.response import sinc3_magnitude
from emgrig.calibration.figures.samples import checked_channels

HIGHEST_HZ = 225.0
"""Up to here; sinc3 at 1000 SPS is down by 2 dB there."""
MAINS_HZ = (50.0, 60.0)
_FROM_MAINS_HZ = 2.0
_BESIDE = np.array([*range(-7, -2), *range(3, 8)])
"""Bins beside a line; a Hann window spreads the line itself over ± 1."""
_FOLDED = np.array([0, -1, 1, -2, 2, -3, 3])
"""Multiples of the rate from which harmonics fold back; of the next it is 4e-5 of a line."""
_DEGREES = 10.0
"""Of freedom of the noise: ten complex bins, of which neighbours share half their power."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Odd harmonics of the current, of `frequency_hz`, in each channel.

    `harmonics`, shape (n_lines, n_folded), are those that fall on each line: the line's own order
    first, 1, 3, 5 …, then what folds onto it, below 0 where it comes back mirrored. Lines near
    mains are left out, except the first. Shape (n_lines, n_channels): `volts`, the amplitude, V
    peak, whose phase counts from the first sample, and `noise_v`, the standard uncertainty of real
    and of imaginary part, with `degrees_of_freedom`. `per_ohm_ampere`, shape (n_lines, n_folded),
    is ``4/(π h)·H``: what each harmonic adds to its line, over (current × impedance).
    """

    frequency_hz: float
    harmonics: NDArray[np.int64]
    volts: NDArray[np.complex128]
    noise_v: NDArray[np.float64]
    per_ohm_ampere: NDArray[np.float64]
    n_samples: int
    degrees_of_freedom: float = _DEGREES

    @property
    def orders(self) -> NDArray[np.int64]:
        """Own orders of the lines, shape (n_lines,)."""
        return self.harmonics[:, 0]


def whole_periods(seconds: float, rate_hz: int, frequency_hz: float) -> int:
    """Return the samples of the least record of whole periods that is not shorter; 16 or more."""
    period = rate_hz / frequency_hz
    return round(max(16, math.ceil(seconds * frequency_hz - 1e-9)) * period)


def find_lines(volts: ArrayLike, rate_hz: int, frequency_hz: float) -> Lines:
    """Measure the lines of a square-wave current.

    `volts`, shape (n_samples, n_channels), are input-referred, 16 or more whole periods; `rate_hz`
    is nominal, `frequency_hz`, of the current, 7.8125 or 31.25. Raises ValueError if the record
    does not hold 16 or more whole periods, or is refused by `checked_channels`.
    """
    array = checked_channels(volts, n_min=64)
    n, period = len(array), rate_hz / frequency_hz
    n_periods = n / period
    if n_periods != round(n_periods) or n_periods < 16:
        raise ValueError(
            f"{n} samples are {n_periods:g} periods of {frequency_hz:g} Hz; expected a whole "
            "number, 16 or more"
        )
    window = 1 - np.cos(2 * np.pi * np.arange(n) / n)  # its mean is 1
    spectrum = 2 / n * np.fft.rfft((array - array.mean(axis=0)) * window[:, None], axis=0)
    orders = _orders(rate_hz, frequency_hz)
    bins = orders * round(n_periods)
    beside = np.abs(spectrum[bins[:, None] + _BESIDE]) ** 2
    # The median of an exponential distribution is ln 2 of its mean; half of the power lies along
    # either part.
    noise_v = np.sqrt(np.median(beside, axis=1) / math.log(2) / 2)
    # Order k + m·rate/f falls on line k; there sin(πf/rate)³ in sinc³ has the sign of (-1)^m.
    harmonics = orders[:, None] + round(period) * _FOLDED
    sinc3 = sinc3_magnitude(harmonics * frequency_hz, rate_hz) * (-1.0) ** _FOLDED
    gains = 4 / (math.pi * np.abs(harmonics)) * sinc3
    return Lines(frequency_hz, harmonics, spectrum[bins], noise_v, gains, n)


def _orders(rate_hz: int, frequency_hz: float) -> NDArray[np.int64]:
    highest = min(HIGHEST_HZ, 0.45 * rate_hz)
    odd = np.arange(1, highest / frequency_hz + 1e-9, 2, dtype=np.int64)
    line_hz = odd * frequency_hz
    from_mains = [np.abs(line_hz - hz * np.round(line_hz / hz)) for hz in MAINS_HZ]
    orders: NDArray[np.int64] = odd[(np.min(from_mains, axis=0) > _FROM_MAINS_HZ) | (odd == 1)]
    return orders
