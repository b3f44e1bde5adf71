"""A calibration as one self-contained HTML page, and as JSON."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import matplotlib as mpl
from matplotlib.figure import Figure

from emgrig.calibration.figures.response import effective_band, minus_3db_hz
from emgrig.calibration.figures.spectrum import EMG_BAND
from emgrig.calibration.procedures.readings import Curve, Quantity, Reading, Report
from emgrig.comparison.amplifiers import NoiseComparison
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.filemodel import plain

Json = dict[str, object]


@dataclass(frozen=True, eq=False)
class Outcome:
    """All that one command found.

    Attributes
    ----------
    identity : BoardIdentity
    address : str
    reports : tuple of Report
    comparisons : tuple of NoiseComparison
        The board's noise beside other amplifiers; empty if it was not measured.
    ours : str
        Which level of ours that is.
    software, made_utc : str
    instruments : tuple of str
    """

    identity: BoardIdentity
    address: str
    reports: tuple[Report, ...]
    comparisons: tuple[NoiseComparison, ...]
    ours: str
    software: str
    made_utc: str
    instruments: tuple[str, ...] = ()


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
    """Write ``index.html`` and ``calibration.json`` into `folder`; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emgrig.tools"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    pictures = {id(curve): picture(curve) for r in outcome.reports for curve in r.curves}
    page = environment.get_template("calibrate.html").render(
        outcome=outcome,
        bands=bands(outcome.reports),
        pictures=pictures,
        accounts={id(report): account(report) for report in outcome.reports},
        id=id,
    )
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8", newline="\n")
    text = json.dumps(to_json(outcome), indent=1, ensure_ascii=False) + "\n"
    (folder / "calibration.json").write_text(text, encoding="utf-8", newline="\n")
    return path


def account(report: Report) -> str:
    """Say how many samples the readings rest on; the records behind several are counted once."""
    parts = {
        (r.rate_hz, r.gain, r.condition, r.result.n_lost, r.result.n_rejected)
        for r in report.readings
    }
    most = max((reading.result.n_used for reading in report.readings), default=0)
    lost, rejected = sum(p[3] for p in parts), sum(p[4] for p in parts)
    return f"up to {most} samples a value, {lost} lost, {rejected} rejected"


def picture(curve: Curve) -> str:
    """Draw a curve as SVG."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    for column, name in zip(curve.y.T, curve.names, strict=True):
        axes.plot(curve.x, column, linewidth=0.9, label=name)
    if curve.is_log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlabel(curve.x_label)
    axes.set_ylabel(curve.y_label)
    axes.set_title(curve.title, loc="left", fontsize=9)
    axes.grid(visible=True, which="both", linewidth=0.3)
    if len(curve.names) > 1:
        axes.legend(fontsize=7, ncols=4)
    return svg(figure)


def svg(figure: Figure) -> str:
    """Return a figure as an ``<svg>`` element."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "emgrig"}):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    _, start, rest = buffer.getvalue().partition("<svg")
    return start + rest
