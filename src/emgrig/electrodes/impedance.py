"""The impedance of one electrode on a board, by the current of one pin.

One electrode at a time: currents of several would add up in whatever they share. The current comes
back through the bias electrode, which the bias amplifier holds at mid-supply, so the channel sees
this electrode and its series resistor alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from emgrig.calibration.figures.leadoff import CURRENT_TOLERANCE
from emgrig.calibration.figures.uncertainty import (
    Component,
    Result,
    combine,
    coverage_factor,
    rectangular,
)
from emgrig.calibration.procedures.acquire import Account, Record, Tracker, Unusable, acquire
from emgrig.driver.board import Board
from emgrig.electrodes.lines import Lines, find_lines
from emgrig.electrodes.skin import SkinFit, fit_skin

SERIES_TOLERANCE = 0.01
QUIET_ENOUGH = 0.05
QUIET_ENOUGH_OHM = 200.0
"""Noise (expanded) above both of these, and the electrode is measured again."""
MAX_ATTEMPTS = 3
_SIGMAS = 5.0
_LARGEST_ANGLE_RAD = math.pi / 4
"""Where the harmonics do not tell it, the contact's phase is taken to lie within 0 to -45°."""


@dataclass(frozen=True)
class Drive:
    """One current into one electrode.

    `current` is what LOFF says, `current_a` calibrated, or nominal with its tolerance; `n_samples`
    are whole periods.
    """

    channel: int
    side: str
    current: str
    current_a: Result
    frequency_hz: float
    series_ohm: float
    n_samples: int


@dataclass(frozen=True)
class Reading:
    """What the current of one electrode showed.

    `impedance` is the |Z| of the contact at the current's frequency, ohm; None if the channel
    cannot be read, and `unusable` says why. `resistance`, ohm, and `capacitance`, F, are those of R
    ∥ C, where the harmonics tell them. `shared_ohm` has the electrodes of other channels that move
    along, and how much: amplitude over current, ohm.
    """

    impedance: Result | None
    resistance: Result | None = None
    capacitance: Result | None = None
    shared_ohm: Mapping[tuple[int, str], float] = field(default_factory=dict)
    unusable: Unusable | None = None


def nominal_current(current_a: float) -> Result:
    """Return a lead-off current that was never calibrated, A: no samples are behind it."""
    note = (f"lead-off current nominal, +-{CURRENT_TOLERANCE:.0%}",)
    return Result(current_a, "A", rectangular(CURRENT_TOLERANCE * current_a), 0, assumptions=note)


def measure_electrode(
    board: Board, drive: Drive, channels: list[int], tracker: Tracker, account: Account
) -> Reading:
    """Measure one electrode on a board that is prepared for it.

    Channels are on their inputs, the bias amplifier is on; `channels` are all that may have
    electrodes, for what moves along. Raises EmgrigError as `acquire`. The current is left on.
    """
    on = [drive.channel]
    board.chip.lead_off(
        current=drive.current, frequency=drive.frequency_hz, comparators=False, flip=[],
        sense_p=on if drive.side == "p" else [], sense_n=on if drive.side == "n" else [],
    )  # fmt: skip
    best: Reading | None = None
    for attempt in range(MAX_ATTEMPTS):
        account.n_rejected += drive.n_samples if attempt else 0  # one of the two is not used
        record = acquire(board, drive.n_samples, tracker=tracker)
        account.add(record)
        reading, noise_ohm = read_electrode(record, drive, channels)
        if reading.impedance is None:
            return reading
        if best is None or best.impedance is None or _u(reading) < _u(best):
            best = reading
        if 2 * noise_ohm < max(QUIET_ENOUGH * reading.impedance.value, QUIET_ENOUGH_OHM):
            break
    assert best is not None
    return best


def _u(reading: Reading) -> float:
    assert reading.impedance is not None
    return reading.impedance.standard_uncertainty


def read_electrode(record: Record, drive: Drive, channels: list[int]) -> tuple[Reading, float]:
    """Return what a record under the current of `drive` shows, and its noise, ohm."""
    if drive.channel in record.unusable:
        return Reading(None, unusable=record.unusable[drive.channel]), 0.0
    seen = record.usable(sorted({drive.channel, *channels}))
    lines = find_lines(record.columns(seen), round(record.rate_hz), drive.frequency_hz)
    column = seen.index(drive.channel)
    noise_ohm = _noise_ohm(lines, column, drive)
    fit = fit_skin(lines, column, current_a=drive.current_a.value, series_ohm=drive.series_ohm)
    fit = fit if fit is not None and fit.is_trusted else None
    return Reading(
        impedance=record.counted(_impedance(lines, column, drive, fit)),
        resistance=record.counted(_resistance(drive, fit, lines.n_samples)) if fit else None,
        capacitance=_capacitance(drive, fit, lines.n_samples) if fit else None,
        shared_ohm=_shared(lines, column, drive, seen),
    ), noise_ohm


def _scale(lines: Lines, drive: Drive) -> float:
    """Return ohm for one volt of the first line."""
    return 1 / float(lines.per_ohm_ampere[0, 0] * drive.current_a.value)


def _noise_ohm(lines: Lines, column: int, drive: Drive) -> float:
    return float(lines.noise_v[0, column]) * _scale(lines, drive)


def _impedance(lines: Lines, column: int, drive: Drive, fit: SkinFit | None) -> Result:
    """Take the series resistor off what the first line shows.

    The loop's magnitude M is from the first line alone, so that a skin that is not quite R ∥ C does
    no harm; the contact's phase ψ is from all lines:
    ``|Z| = sqrt(M² - Rs² sin² ψ) - Rs cos ψ``.
    """
    loop_ohm = abs(complex(lines.volts[0, column])) * _scale(lines, drive)
    series_ohm, squared = drive.series_ohm, fit.tan_squared if fit else 0.0
    cos = 1 / math.sqrt(1 + squared)
    root = math.sqrt(max(loop_ohm**2 - series_ohm**2 * (1 - cos**2), 1.0))
    noise_ohm, by_loop = _noise_ohm(lines, column, drive), loop_ohm / root
    by_series = -cos - series_ohm * (1 - cos**2) / root
    parts = [
        Component("noise", noise_ohm, by_loop, lines.degrees_of_freedom),
        *_systematic(drive, loop_ohm * by_loop, by_series),
    ]
    if fit is not None:  # by tan² ψ, which is known also where ψ itself is not
        by_squared = series_ohm * cos**3 / 2 * (1 - series_ohm * cos / root)
        free = fit.degrees_of_freedom
        parts.append(Component("phase", fit.u_tan_squared, by_squared, free))
    else:
        unknown = _without_series(loop_ohm, series_ohm, _LARGEST_ANGLE_RAD)
        parts.append(Component("phase", rectangular(unknown - (loop_ohm - series_ohm))))
    # Below 0 by noise or where something shorts the contact; not clipped.
    return _result(root - series_ohm * cos, "ohm", parts, drive, lines.n_samples)


def _without_series(loop_ohm: float, series_ohm: float, angle: float) -> float:
    across, along = series_ohm * math.sin(angle), series_ohm * math.cos(angle)
    return math.sqrt(max(loop_ohm**2 - across**2, 0.0)) - along


def _resistance(drive: Drive, fit: SkinFit, n_samples: int) -> Result:
    by_series = fit.resistance_by_series
    by_current = fit.resistance_ohm - drive.series_ohm * by_series
    noise = Component("fit", fit.u_resistance_ohm, 1.0, fit.degrees_of_freedom)
    parts = [noise, *_systematic(drive, by_current, by_series)]
    return _fitted(fit.resistance_ohm, "ohm", parts, drive, n_samples)


def _capacitance(drive: Drive, fit: SkinFit, n_samples: int) -> Result | None:
    if fit.capacitance_f is None:
        return None
    by_series = fit.capacitance_by_series
    by_current = fit.capacitance_f + drive.series_ohm * by_series
    noise = Component("fit", fit.u_capacitance_f, 1.0, fit.degrees_of_freedom)
    parts = [noise, *_systematic(drive, by_current, by_series)]
    return _fitted(fit.capacitance_f, "F", parts, drive, n_samples)


def _fitted(
    value: float, unit: str, parts: list[Component], drive: Drive, n_samples: int
) -> Result:
    made = _result(value, unit, parts, drive, n_samples)
    return replace(made, assumptions=(*made.assumptions, "the contact is R and C in parallel"))


def _systematic(drive: Drive, by_current: float, by_series: float) -> list[Component]:
    """Return what current and series resistor contribute; `by_current` is for all of the current.

    A calibrated current was found with the same volts, whose error then cancels. It is left in the
    current's uncertainty, for what the current itself may have changed since: the data sheet gives
    no drift of it. Beside a nominal current the volts, 0.3 %, are nothing.
    """
    current = drive.current_a
    return [
        Component("current", current.standard_uncertainty, by_current / current.value),
        Component("series", rectangular(SERIES_TOLERANCE * drive.series_ohm), by_series),
    ]


def _result(
    value: float, unit: str, parts: list[Component], drive: Drive, n_samples: int
) -> Result:
    u, free = combine(parts)
    return Result(
        value=value,
        unit=unit,
        standard_uncertainty=u,
        n_used=n_samples,
        k=coverage_factor(free),
        assumptions=(
            *drive.current_a.assumptions,
            "the current comes back through the bias electrode alone",
            f"{drive.series_ohm:g} Ω in series, +-{SERIES_TOLERANCE:.0%}, taken off",
        ),
    )


def _shared(
    lines: Lines, column: int, drive: Drive, channels: list[int]
) -> dict[tuple[int, str], float]:
    """Find which electrodes of other channels move with the driven one, and how much, ohm.

    A channel rises with its P and falls with its N, so one that moves the other way than the
    driven channel is joined at its other side.
    """
    own = complex(lines.volts[0, column])
    opposite = {"p": "n", "n": "p"}[drive.side]
    found = {}
    for index, channel in enumerate(channels):
        other = complex(lines.volts[0, index])
        if index != column and abs(other) > _SIGMAS * float(lines.noise_v[0, index]):
            side = drive.side if (other * own.conjugate()).real > 0 else opposite
            found[channel, side] = abs(other) * _scale(lines, drive)
    return found


def shared_with(reading: Reading, least_ohm: float) -> list[tuple[int, str]]:
    """Return the electrodes of other channels that touch the one that was driven."""
    return sorted(where for where, ohm in reading.shared_ohm.items() if ohm > least_ohm)
