"""What the data sheet promises about noise, and the judgement of a measured level.

Source: SBAS499C (January 2017), tables 1 to 4: V_RMS with the inputs shorted, 25 °C, 4.5 V
reference, average of several devices, at least 1000 readings. They are typical values; the one
guaranteed figure is peak to peak (1.35 µV, 25 °C, gain 24, 250 SPS, 1 s). The text beside the
tables says V_PP is about 6.6 V_RMS, the tables themselves use 7.0; only V_RMS is taken from them.

This is calibration's own transcription; it is not shared with the simulator.
"""

from dataclasses import dataclass
from enum import StrEnum

from emgrig.calibration.figures.uncertainty import Bound, Result

GAINS = (1, 2, 4, 6, 8, 12, 24)

NOISE_UV_RMS: dict[int, tuple[float, ...]] = {
    16000: (21.70, 10.85, 5.60, 3.87, 3.05, 2.27, 1.66),
    8000: (6.93, 3.65, 1.98, 1.31, 1.11, 0.92, 0.80),
    4000: (4.33, 2.28, 1.24, 0.93, 0.79, 0.65, 0.56),
    2000: (3.06, 1.61, 0.88, 0.66, 0.56, 0.46, 0.40),
    1000: (2.17, 1.14, 0.62, 0.46, 0.39, 0.32, 0.28),
    500: (1.53, 0.81, 0.44, 0.33, 0.28, 0.23, 0.20),
    250: (1.08, 0.57, 0.31, 0.23, 0.20, 0.16, 0.14),
}
"""Typical input-referred noise, µV rms, by data rate; columns as in `GAINS`."""

ROUNDING_UV = 0.005
"""Half the last digit of the table: 4 % of its smallest entry."""


def typical_noise_uv_rms(gain: int, rate_hz: int) -> float:
    """Return the table's entry, µV rms; ValueError if the chip has no such gain or rate."""
    if rate_hz not in NOISE_UV_RMS:
        raise ValueError(f"no data rate of {rate_hz} SPS; the chip has {sorted(NOISE_UV_RMS)}")
    if gain not in GAINS:
        raise ValueError(f"no gain of {gain}; the chip has {GAINS}")
    return NOISE_UV_RMS[rate_hz][GAINS.index(gain)]


class Outcome(StrEnum):
    """What a judgement says."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    MARGINAL = "marginal"
    FAIL = "fail"


@dataclass(frozen=True)
class NoiseLimits:
    """The pass band as multiples of the typical value; our choice, since no maximum is specified.

    Less than `low` is as suspicious as too much: a wrong scale, a channel that is off. Up to `high`
    it passes, above `fail` it fails; between them it is marginal.
    """

    low: float = 0.5
    high: float = 1.3
    fail: float = 2.0


@dataclass(frozen=True)
class NoiseVerdict:
    """A measured level against the table.

    All in µV rms, whole band. The limits that were applied, `low_uv_rms` to `fail_uv_rms`, are
    widened by the table's rounding and by the expanded uncertainty of the estimate. `ratio` is
    measured over typical.
    """

    outcome: Outcome
    measured: Result
    typical_uv_rms: float
    low_uv_rms: float
    high_uv_rms: float
    fail_uv_rms: float
    ratio: float

    def __str__(self) -> str:
        return (
            f"{self.outcome}: {self.measured} rms, data sheet {self.typical_uv_rms:g} µV "
            f"(x{self.ratio:.2f}; limits {self.low_uv_rms:.3g} to {self.high_uv_rms:.3g} µV)"
        )


def judge_noise(
    measured: Result, gain: int, rate_hz: int, limits: NoiseLimits | None = None
) -> NoiseVerdict:
    """Judge the rms of a shorted channel against the table for its gain and rate.

    `measured` is from `emgrig.calibration.figures.noise.total_rms`, µV; gain and rate are the
    chip's, read back. Raises ValueError if the unit is not µV, the value is a bound, or gain or
    rate are not the chip's.
    """
    if measured.unit != "uV" or measured.bound is not Bound.NONE:
        raise ValueError(f"expected a measured rms in µV, got {measured}")
    limits = limits or NoiseLimits()
    typical = typical_noise_uv_rms(gain, rate_hz)
    error = measured.expanded_uncertainty
    low = limits.low * (typical - ROUNDING_UV) - error
    high = limits.high * (typical + ROUNDING_UV) + error
    fail = limits.fail * (typical + ROUNDING_UV) + error
    if low <= measured.value <= high:
        outcome = Outcome.PASS
    elif high < measured.value <= fail:
        outcome = Outcome.MARGINAL
    else:
        outcome = Outcome.FAIL
    return NoiseVerdict(outcome, measured, typical, low, high, fail, measured.value / typical)
