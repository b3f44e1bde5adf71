"""How far one chip is from the ideal one, drawn by seed from the spread the data sheet gives.

SBAS499C section 7.5 (electrical characteristics) and figures 14, 15 and 17. Every draw is limited
to what the data sheet calls maximum, or to the worst device of its histograms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OFFSET_AT_GAIN_1_V = 530e-6  # figure 14; it falls as 1 / gain


@dataclass(frozen=True)
class Tolerances:
    """Errors of one chip; arrays have one value for each channel unless said otherwise."""

    offset_v: NDArray[np.float64]  #: Offset at gain 1, V, input-referred; divide by the gain.
    #: float64, shape (n_channels, 7); Relative gain error for each gain of the table.
    gain_error: NDArray[np.float64]
    test_error: float  #: Relative error of the test signal and of the internal reference.
    reference_error: float
    #: Relative error of the supply reading; common-mode gain over differential gain, with sign.
    supply_error: NDArray[np.float64]
    cmrr: NDArray[np.float64]
    temperature_error_c: float
    #: float64, shape (2 * n_channels + 1,); Relative error of the current of each P pin, N pin and
    #: the bias pin.
    lead_off_error: NDArray[np.float64]
    #: float64, shape (2 * n_channels + 1,); Error of each comparator, V.
    comparator_v: NDArray[np.float64]
    #: float64, shape (2 * n_channels + 3,); Bias current of each input pin (P, N, SRB1, SRB2,
    #: BIASIN), A.
    input_current_a: NDArray[np.float64]
    #: Dc resistance of an input pin, ohm; halved while a lead-off source is on it.
    input_ohm: float = 1e9
    input_f: float = 20e-12  #: Capacitance of an input pin, F.

    @classmethod
    def ideal(cls, n_channels: int) -> "Tolerances":
        """Make a chip without any error."""
        zeros, pins = np.zeros(n_channels), 2 * n_channels
        return cls(
            offset_v=zeros,
            gain_error=np.zeros((n_channels, 7)),
            test_error=0.0,
            reference_error=0.0,
            supply_error=zeros,
            cmrr=zeros,
            temperature_error_c=0.0,
            lead_off_error=np.zeros(pins + 1),
            comparator_v=np.zeros(pins + 1),
            input_current_a=np.zeros(pins + 3),
            input_ohm=1e15,
            input_f=0.0,
        )

    @classmethod
    def draw(cls, n_channels: int, seed: int) -> "Tolerances":
        """Draw one chip; the same seed is the same chip."""
        rng = np.random.default_rng([seed, 0xADC1299])

        def spread(sigma: float, limit: float, shape: int | tuple[int, ...]) -> NDArray[np.float64]:
            return np.clip(rng.normal(0.0, sigma, shape), -limit, limit)

        def signs(shape: int) -> NDArray[np.float64]:
            return rng.choice([-1.0, 1.0], shape)

        common = spread(0.0007, 0.0025, 1)  # channels match within 0.2 % of full scale
        pins = 2 * n_channels
        return cls(
            offset_v=OFFSET_AT_GAIN_1_V * signs(n_channels) * (1 + spread(0.1, 0.3, n_channels)),
            gain_error=common
            + spread(0.0006, 0.001, (n_channels, 1))
            + spread(0.0003, 0.001, (n_channels, 7)),
            test_error=float(spread(0.0025, 0.0066, 1)[0]),
            reference_error=float(spread(0.0007, 0.002, 1)[0]),
            supply_error=spread(0.007, 0.02, n_channels),
            cmrr=signs(n_channels) * 10 ** (rng.uniform(-120, -110, n_channels) / 20),
            temperature_error_c=float(spread(0.7, 2.0, 1)[0]),
            lead_off_error=spread(0.08, 0.2, pins + 1),
            comparator_v=spread(0.01, 0.03, pins + 1),
            input_current_a=signs(pins + 3) * rng.uniform(60e-12, 300e-12, pins + 3),
        )


def oscillator_error_ppm(seed: int) -> float:
    """Error of the internal oscillator of the chip of this seed, ppm; within ±5000 (0.5 %)."""
    return float(np.clip(np.random.default_rng([seed, 0x05C]).normal(0.0, 1700.0), -5000, 5000))
