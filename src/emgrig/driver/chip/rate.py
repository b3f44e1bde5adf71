"""The data rate that the board really has, against what its registers say."""

from dataclasses import dataclass
from enum import StrEnum

from emgrig.sentences import sentence

MIN_RATE_CONVERSIONS = 256  #: Conversions from which on a measured data rate is believed.
#: The chip's own clock is right to ±0.5 % at 25 °C and ±2.5 % anywhere (SBAS499C, 7.5).
RATE_WARN = 0.005
RATE_BAD = 0.025


class RateVerdict(StrEnum):
    """Whether the data rate is what the registers say (the chip's clock: SBAS499C, 7.5)."""

    UNKNOWN = "too few samples to say"
    OK = "as set"
    WARN = "off by more than the internal clock may be at 25 °C"
    BAD = "off by more than the internal clock may ever be"


@dataclass(frozen=True)
class RateCheck:
    """The data rate by board time, against what the registers say."""

    nominal_hz: float  #: By the registers and the nominal clock, Hz.
    measured_hz: float  #: By board time, Hz; 0 if too few samples came.
    n_conversions: int  #: Over how many it was measured.

    @property
    def deviation_pct(self) -> float:
        """Measured over nominal, %; 0 if nothing was measured."""
        return 100.0 * (self.measured_hz / self.nominal_hz - 1.0) if self.measured_hz else 0.0

    @property
    def verdict(self) -> RateVerdict:
        """Judge it: ±0.5 % and ±2.5 % are the limits of the chip's own clock."""
        if self.n_conversions < MIN_RATE_CONVERSIONS:
            return RateVerdict.UNKNOWN
        if not self.measured_hz:  # board time stands still
            return RateVerdict.BAD
        off = abs(self.deviation_pct) / 100.0
        if off > RATE_BAD:
            return RateVerdict.BAD
        return RateVerdict.WARN if off > RATE_WARN else RateVerdict.OK

    @property
    @sentence
    def words(self) -> str:
        """The contradiction for a person to read."""
        found = f"{self.measured_hz:.6g} Hz" if self.measured_hz else "none: its time stands still"
        return f"data rate {self.nominal_hz:g} Hz by the registers, by the board's time {found}"


@dataclass
class RunTiming:
    """Board time of a run: where it began, and how far it is known."""

    first_conversion: int  #: Two conversions of the run and their board times, µs.
    first_us: int
    last_conversion: int
    last_us: int
    rate_hz: float  #: Rate by the registers, Hz.

    @property
    def n_conversions(self) -> int:
        """From the first to the last."""
        return self.last_conversion - self.first_conversion

    @property
    def period_us(self) -> float:
        """Data period by board time, or the nominal one while too few have come."""
        if self.n_conversions < MIN_RATE_CONVERSIONS:
            return 1e6 / self.rate_hz
        return (self.last_us - self.first_us) / self.n_conversions

    def check(self) -> RateCheck:
        """Compare the rate by board time with the nominal one."""
        enough = self.n_conversions >= MIN_RATE_CONVERSIONS and self.last_us > self.first_us
        measured_hz = 1e6 / self.period_us if enough else 0.0
        return RateCheck(self.rate_hz, measured_hz, self.n_conversions)
