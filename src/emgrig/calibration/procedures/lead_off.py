"""The lead-off current of each pin, from known resistors.

For each resistance: one resistor between every INxP and a common point, one between every INxN and
the same point, and the bias electrode on it too. The bias amplifier holds the point at mid-supply
and returns the current. The register says which side carries the current, so each set of resistors
tells the P and the N current of all channels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from emgrig.calibration.figures.datasheet import Outcome
from emgrig.calibration.figures.leadoff import (
    CURRENT_TOLERANCE,
    Excitation,
    LeadOffAmplitude,
    block_samples,
    calibrate_current,
    measure_amplitude,
)
from emgrig.calibration.figures.uncertainty import Result, rectangular
from emgrig.calibration.procedures.acquire import (
    SCALE_U,
    UNCALIBRATED,
    Account,
    Progress,
    Record,
    Tracker,
    acquire,
    checked_channels,
    prepare,
    silent,
    widened,
)
from emgrig.calibration.procedures.readings import Quantity, Reading, Report
from emgrig.calibration.procedures.setup import Ask, Connection, Setup, list_channels
from emgrig.driver.board import Board
from emgrig.driver.chip.model import ADS1299
from emgrig.driver.keeping import kept
from emgrig.errors import DeviceError

CURRENTS_A = {"6nA": 6e-9, "24nA": 24e-9, "6uA": 6e-6, "24uA": 24e-6}
SIDES = ("p", "n")
RATE_HZ = 1000
GAIN = 12
_QUANTITY = {"p": Quantity.LEAD_OFF_P, "n": Quantity.LEAD_OFF_N}


@dataclass(frozen=True)
class LeadOffSettings:
    """What to measure.

    Two or more different resistors, in the order they are asked for; `resistor_limits` are those of
    their error over their value, 0.01 for 1 % parts, less if measured. `current` is 6nA, 24nA, 6uA
    or 24uA; None is all channels; `n_blocks` of whole periods, 4 or more, are averaged. Mains is 50
    or 60 Hz.
    """

    resistors_ohm: tuple[float, ...] = (10e3, 100e3)
    resistor_limits: float = 0.001
    current: str = "24nA"
    channels: tuple[int, ...] | None = None
    n_blocks: int = 50
    mains_hz: float = 50.0

    def __post_init__(self) -> None:
        if len(set(self.resistors_ohm)) < 2 or min(self.resistors_ohm) < 0:
            raise ValueError(
                f"resistors are {self.resistors_ohm}; expected two or more different ones, Ω"
            )
        if self.current not in CURRENTS_A:
            raise ValueError(f"a current of {self.current!r}; expected {', '.join(CURRENTS_A)}")
        if not 0 <= self.resistor_limits < 0.5:
            raise ValueError(f"resistor limits of {self.resistor_limits}; expected 0.01 for 1 %")
        if self.n_blocks < 4 or self.mains_hz not in (50, 60):
            raise ValueError("4 blocks or more, and mains of 50 or 60 Hz")
        largest_v = CURRENTS_A[self.current] * max(self.resistors_ohm) * 4 / math.pi
        if largest_v > 0.9 * ADS1299.vref_v / GAIN:
            raise ValueError(
                f"{self.current} through {max(self.resistors_ohm):g} Ω is {largest_v:.2g} V, "
                f"more than gain {GAIN} takes; choose less of either"
            )


def measure_lead_off(
    board: Board, ask: Ask, settings: LeadOffSettings | None = None, *, progress: Progress = silent
) -> Report:
    """Calibrate the lead-off current of each P and N input.

    The report has the current, nA, of each channel and side, judged by the data sheet's ± 20 %, and
    the series resistance of each. Raises ValueError if a setting makes no sense, and nothing was
    sent; DeviceError if a channel does not show the current: nothing is connected to it.
    """
    settings = settings or LeadOffSettings()
    channels = checked_channels(board, settings.channels)
    n_block = block_samples(RATE_HZ, 31.25, settings.mains_hz)
    n_samples = n_block * settings.n_blocks
    tracker = Tracker(progress, 2 * len(settings.resistors_ohm) * n_samples / RATE_HZ)
    amplitudes: dict[str, list[LeadOffAmplitude]] = {side: [] for side in SIDES}
    account = Account()
    with kept(board) as keeping:
        prepare(board, gain=GAIN, rate_hz=RATE_HZ, mux="normal", bias=True)
        for ohm in settings.resistors_ohm:
            ask(
                Setup(
                    Connection.STAR,
                    f"connect {ohm:g} Ω from every P and every N of channels "
                    f"{list_channels(channels)} to one point, and the bias electrode to it",
                    tuple(channels),
                    ohm,
                )
            )
            for side in SIDES:
                tracker.say(f"lead-off current, {side.upper()} side, {ohm:g} Ω")
                _drive(board, channels, side, settings.current)
                record = acquire(board, n_samples, tracker=tracker)
                _check(record, channels, ohm)
                account.add(record)
                amplitudes[side].append(
                    measure_amplitude(
                        record.columns(channels),
                        RATE_HZ,
                        Excitation.HZ_31_25,
                        mains_hz=settings.mains_hz,
                    )
                )
    readings = _readings(amplitudes, channels, settings, account)
    return Report("Lead-off current", tuple(readings), keeping.restored)


def _drive(board: Board, channels: Sequence[int], side: str, current: str) -> None:
    board.chip.lead_off(
        current=current, frequency=31.25, comparators=False, flip=[],
        sense_p=channels if side == "p" else [], sense_n=channels if side == "n" else [],
    )  # fmt: skip


def _check(record: Record, channels: Sequence[int], ohm: float) -> None:
    for channel in channels:
        if channel in record.unusable:
            raise DeviceError(
                f"channel {channel} is {record.unusable[channel].words}: is {ohm:g} Ω connected "
                "to it?"
            )


def _check_growth(
    taken: Sequence[LeadOffAmplitude], index: int, settings: LeadOffSettings, where: str
) -> None:
    """Refuse amplitudes that do not grow with the resistors as a current near nominal lets them."""
    ohm = settings.resistors_ohm
    least, most = ohm.index(min(ohm)), ohm.index(max(ohm))
    grown_v = taken[most].amplitude_v[index].value - taken[least].amplitude_v[index].value
    found_a = grown_v / taken[0].volts_per_ohm_ampere / (ohm[most] - ohm[least])
    nominal_a = CURRENTS_A[settings.current]
    if not 0.3 < found_a / nominal_a < 3:
        raise DeviceError(
            f"{where}: {found_a * 1e9:.3g} nA by the resistors, against {nominal_a * 1e9:g} nA "
            "nominal: are they connected as asked for?"
        )


def _readings(
    amplitudes: dict[str, list[LeadOffAmplitude]],
    channels: Sequence[int],
    settings: LeadOffSettings,
    account: Account,
) -> list[Reading]:
    nominal_a = CURRENTS_A[settings.current]
    resistors = ", ".join(f"{ohm:g}" for ohm in settings.resistors_ohm)
    condition = f"{settings.current}, 31.25 Hz, resistors of {resistors} Ω"
    found = []
    for index, channel in enumerate(channels):
        for side in SIDES:
            taken = amplitudes[side]
            _check_growth(taken, index, settings, f"channel {channel}, {side.upper()} side")
            fit = calibrate_current(
                [one.amplitude_v[index] for one in taken],
                settings.resistors_ohm,
                taken[0],
                resistor_relative_uncertainty=rectangular(settings.resistor_limits),
            )
            current = widened(account.counted(fit.current_a), SCALE_U, UNCALIBRATED)
            at = (channel, GAIN, RATE_HZ, condition)
            note = f"nominal {settings.current}, data sheet +-20 %"
            outcome = _judged(current, nominal_a)
            shown = current.scaled(1e9, "nA")
            found.append(
                Reading(_QUANTITY[side], shown, *at, outcome, note, current=settings.current)
            )
            series = account.counted(fit.series_ohm)
            found.append(Reading(Quantity.SERIES, series, *at, note=f"{side.upper()} side"))
    return found


def _judged(current: Result, nominal_a: float) -> Outcome:
    away = abs(current.value / nominal_a - 1)
    margin = current.expanded_uncertainty / nominal_a
    return Outcome.PASS if away <= CURRENT_TOLERANCE + margin else Outcome.MARGINAL
