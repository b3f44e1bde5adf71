"""What a procedure hands back: values with unit, uncertainty, channel and condition."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.figures.datasheet import Outcome
from emgrig.calibration.figures.spectrum import Band
from emgrig.calibration.figures.uncertainty import Result
from emgrig.driver.chip.transaction import Restored


class Quantity(StrEnum):
    """What was measured."""

    NOISE = "noise, whole band"
    NOISE_BAND = "noise in band"
    NOISE_EQUALISED = "noise in band, equalised"
    WHITE = "white noise density"
    CORNER = "1/f corner"
    MAINS = "mains line"
    PEAK_TO_PEAK = "peak to peak"
    OFFSET = "offset"
    GAIN = "gain"
    MATCHING = "gain over mean of channels"
    LINEARITY = "linearity"
    TEST_PERIOD = "test signal period"
    CROSSTALK = "crosstalk"
    CLOCK_ERROR = "sample clock error"
    CLOCK_RATE = "sample rate"
    CLOCK_DRIFT = "sample clock drift"
    CLOCK_JITTER = "time stamp jitter"
    CLOCK_ALLAN = "Allan deviation"
    LEAD_OFF_P = "lead-off current, P"
    LEAD_OFF_N = "lead-off current, N"
    SERIES = "series resistance"
    RESPONSE = "response"
    RESPONSE_ERROR = "response against sinc3"
    POLE = "analogue pole"
    CMRR = "CMRR"
    INPUT_RESISTANCE = "input resistance"
    INPUT_CAPACITANCE = "input capacitance"
    SINAD = "SINAD"
    THD = "THD"
    ENOB = "ENOB"
    SFDR = "SFDR"


class Inputs(StrEnum):
    """What the inputs saw, as far as what is made of a reading hangs on it."""

    OTHER = "other"
    SHORTED = "shorted"
    BENCH = "bench"


@dataclass(frozen=True)
class Reading:
    """One value.

    `channel` is 1 to n, None if the value is the board's; gain and rate are as read back.
    `condition` says what was connected, and what else belongs to the value; `outcome` is the
    judgement, where there is a limit, and `note` that limit, or what to know about the value.
    `band` is that of a noise in a band, `current` the setting of the lead-off current that was
    measured.
    """

    quantity: Quantity
    result: Result
    channel: int | None = None
    gain: int | None = None
    rate_hz: int | None = None
    condition: str = ""
    outcome: Outcome | None = None
    note: str = ""
    inputs: Inputs = Inputs.OTHER
    band: Band | None = None
    current: str = ""


@dataclass(frozen=True, eq=False)
class Curve:
    """Lines for a picture: `x`, shape (n,), and `y`, shape (n, n_lines), a name for each line.

    `is_log` makes both axes logarithmic.
    """

    title: str
    x_label: str
    y_label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    names: tuple[str, ...]
    is_log: bool = True


@dataclass(frozen=True, eq=False)
class Report:
    """What one procedure found.

    `restored` proves that the registers are what they were; `notes` say what was not measured, and
    why, and what was connected.
    """

    title: str
    readings: tuple[Reading, ...]
    restored: Restored
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()

    def of(
        self,
        quantity: Quantity,
        *,
        channel: int | None = None,
        gain: int | None = None,
        rate_hz: int | None = None,
    ) -> tuple[Reading, ...]:
        """Return the readings of a quantity, of one channel, gain or rate where given."""
        return tuple(
            reading
            for reading in self.readings
            if reading.quantity is quantity
            and channel in (None, reading.channel)
            and gain in (None, reading.gain)
            and rate_hz in (None, reading.rate_hz)
        )

    @property
    def outcome(self) -> Outcome | None:
        """The worst judgement; None if nothing was judged."""
        return worst(reading.outcome for reading in self.readings)


def worst(outcomes: Iterable[Outcome | None]) -> Outcome | None:
    """Return the worst of `outcomes`; None if there is none."""
    order = (Outcome.PASS, Outcome.MARGINAL, Outcome.FAIL)
    judged = [outcome for outcome in outcomes if outcome is not None]
    return max(judged, key=order.index) if judged else None
