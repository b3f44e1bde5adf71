"""A calibration as one self-contained HTML page, and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emgrig.calibration.figures.response import effective_band, minus_3db_hz
from emgrig.calibration.figures.spectrum import EMG_BAND
from emgrig.calibration.procedures.readings import Curve, Quantity, Reading, Report
from emgrig.comparison.amplifiers import NoiseComparison
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.filemodel import plain
from emgrig.files import json_text, make_folder, write_file
from emgrig.names import unit_shown
from emgrig.pages.page import render
from emgrig.pages.plots import one_panel, styled, svg

Json = dict[str, object]

SHORT = 30
"""A report of so many readings or fewer is shown in one table."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """All that one command found.

    `comparisons` are the board's noise beside other amplifiers, none if it was not measured; `ours`
    says which level of ours that is.
    """

    identity: BoardIdentity
    address: str
    reports: tuple[Report, ...]
    comparisons: tuple[NoiseComparison, ...]
    ours: str
    software: str
    made_utc: str
    instruments: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """True if nothing failed its limit, something was read, and the registers are as before."""
        reports = self.reports
        is_restored = all(report.restored.is_proved for report in reports)
        return is_restored and self.n_readings > 0 and self.worst != "fail"

    @property
    def worst(self) -> str:
        """The worst outcome of all readings; nothing if none has a limit."""
        return _worst(report.outcome for report in self.reports)

    @property
    def n_readings(self) -> int:
        """How many values were read."""
        return sum(len(report.readings) for report in self.reports)

    @property
    def headline(self) -> str:
        """Say in words how it ended."""
        if not all(report.restored.is_proved for report in self.reports):
            return "The registers are NOT what they were"
        return _HEADLINES[self.worst] if self.n_readings else "Nothing was measured"

    @property
    def verdict(self) -> str:
        """Say in a line how it ended, and what that rests on."""
        word = (self.worst or "measured").upper() if self.is_good else "FAIL"
        simulated = "SIMULATED " if self.identity.is_simulated else ""
        readings = [reading for report in self.reports for reading in report.readings]
        n_judged = sum(reading.outcome is not None for reading in readings)
        channels = {reading.channel for reading in readings if reading.channel is not None}
        most = max((reading.result.n_used for reading in readings), default=0)
        return (
            f"calibrate: {word} - {simulated}{self.identity.serial_number}, {len(readings)} values "
            f"({n_judged} with a limit) of {len(channels)} channels, "
            f"up to {most} samples a value. {self.headline}"
        )


def bands(reports: Sequence[Report]) -> list[str]:
    """Say what sinc³ leaves of 20-450 Hz at each rate at which noise or response was measured."""
    shown = (Quantity.NOISE, Quantity.RESPONSE)
    rates = sorted({r.rate_hz or 0 for report in reports for q in shown for r in report.of(q)})
    texts = []
    for rate in rates:
        text = f"at {rate} SPS the chip is -3 dB at {minus_3db_hz(rate):.0f} Hz"
        if rate >= 2 * EMG_BAND.high_hz:
            text += f"; {effective_band(rate, EMG_BAND.low_hz, EMG_BAND.high_hz)}"
        texts.append(text)
    return texts


def to_json(outcome: Outcome) -> Json:
    """Return everything as JSON holds it."""
    return {
        "verdict": outcome.verdict,
        "is_good": outcome.is_good,
        "simulated": outcome.identity.is_simulated,
        "address": outcome.address,
        "board": {
            "serial_number": outcome.identity.serial_number,
            "firmware": outcome.identity.firmware,
            "is_simulated": outcome.identity.is_simulated,
        },
        "made_utc": outcome.made_utc,
        "software": outcome.software,
        "instruments": list(outcome.instruments),
        "effective_band": bands(outcome.reports),
        "reports": [
            {
                "title": report.title,
                "outcome": report.outcome and str(report.outcome),
                "readings": [_reading(reading) for reading in report.readings],
                "notes": list(report.notes),
                "registers": {
                    "before": [file.raw.hex() for file in report.restored.before],
                    "after": [file.raw.hex() for file in report.restored.after],
                    "is_restored": report.restored.is_proved,
                },
            }
            for report in outcome.reports
        ],
        "ours_beside_amplifiers": outcome.ours,
        "amplifiers": [_comparison(one) for one in outcome.comparisons],
    }


def _reading(reading: Reading) -> Json:
    return {
        "quantity": str(reading.quantity),
        "channel": reading.channel,
        "gain": reading.gain,
        "rate_hz": reading.rate_hz,
        "condition": reading.condition,
        **plain(reading.result),
        "outcome": reading.outcome and str(reading.outcome),
        "note": reading.note,
    }


def _comparison(one: NoiseComparison) -> Json:
    return {
        "amplifier": one.amplifier.name,
        "maker": one.amplifier.maker,
        "comparability": str(one.comparability),
        "theirs_uv_rms": one.theirs_uv_rms,
        "theirs_range_uv_rms": one.theirs_range_uv_rms and list(one.theirs_range_uv_rms),
        "reason": one.reason,
        "source": one.amplifier.source,
    }


def write(folder: Path, outcome: Outcome) -> Path:
    """Write ``index.html`` and ``calibration.json`` into `folder`; return the page.

    Raises RecordingError if they cannot be written.
    """
    board = outcome.identity
    page = render(
        "emgrig.tools.calibrate/page.html",
        title=f"Calibration of board {board.serial_number}",
        simulated=board.is_simulated,
        outcome=outcome.worst if outcome.is_good else "fail",
        headline=outcome.headline,
        bands=bands(outcome.reports),
        reports=[_shown(report) for report in outcome.reports],
        found=outcome,
    )
    path = make_folder(folder) / "index.html"
    write_file(path, page)
    write_file(folder / "calibration.json", json_text(to_json(outcome)))
    return path


_HEADLINES = {
    "fail": "Something is outside its limits",
    "marginal": "Within the limits, but something is near one",
    "pass": "Everything that has limits is within them",
    "": "Measured; nothing here has a limit",
}


def _worst(outcomes: Iterable[str | None]) -> str:
    """Return the worst of some outcomes; nothing if there is none."""
    found = set(outcomes)
    return next((word for word in _HEADLINES if word in found), "")


def _shown(report: Report) -> Json:
    """Return what the page shows of a report; many readings by quantity."""
    groups: dict[str, list[Reading]] = {}
    for reading in report.readings:
        name = "" if len(report.readings) <= SHORT else str(reading.quantity)
        groups.setdefault(name, []).append(reading)
    return {
        "title": report.title,
        "outcome": report.outcome,
        "account": account(report),
        "is_restored": report.restored.is_proved,
        "before": " ".join(file.raw.hex() for file in report.restored.before),
        "after": " ".join(file.raw.hex() for file in report.restored.after),
        "notes": report.notes,
        "pictures": [(curve.title, picture(curve)) for curve in report.curves],
        "groups": [
            (name and _summary(name, group), _worst(r.outcome for r in group), group)
            for name, group in groups.items()
        ],
    }


def _summary(name: str, readings: Sequence[Reading]) -> str:
    """Say a quantity, how often it was measured, and from what to what."""
    values = sorted(reading.result.value for reading in readings)
    bounds = {f"{reading.result.bound} " for reading in readings if reading.result.bound}
    span = f"{values[0]:.4g} to {values[-1]:.4g} {unit_shown(readings[0].result.unit)}"
    return f"{name}: {len(values)} values, {' or '.join(sorted(bounds))}{span}"


def account(report: Report) -> str:
    """Say how many samples the readings rest on; the records behind several are counted once."""
    parts = {
        (r.rate_hz, r.gain, r.condition, r.result.n_lost, r.result.n_rejected)
        for r in report.readings
    }
    most = max((reading.result.n_used for reading in report.readings), default=0)
    lost, rejected = sum(p[3] for p in parts), sum(p[4] for p in parts)
    return f"up to {most} samples a value, {lost} lost, {rejected} rejected"


@styled
def picture(curve: Curve) -> str:
    """Draw a curve as SVG."""
    drawn, axes = one_panel(3.0)
    for column, name in zip(curve.y.T, curve.names, strict=True):
        axes.plot(curve.x, column, label=name)
    if curve.is_log:
        axes.set(xscale="log", yscale="log")
        axes.grid(which="both", axis="both")
    axes.set(xlabel=curve.x_label, ylabel=curve.y_label)
    if len(curve.names) > 1:
        drawn.legend(loc="outside right center")
    return svg(drawn)
