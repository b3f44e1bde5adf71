"""The JSON file beside a BDF+ file: what its header has no room for.

Its schema is `sidecar.schema.json`; `docs/recording.md` explains the fields.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path

from emgrig.driver.samples.block import Epoch
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.recording.bdf import FileHead, Plan, header_limits
from emgrig.recording.notes import Notes
from emgrig.recording.sync.tube import TubeRow
from emgrig.recording.timeline import Account, Change, Gap, Mark, PartBegin
from emgrig.recording.words import BAND_PER_RATE

FORMAT = "emgrig recording 1"
#: So many gaps, marks and changes are listed; all are counted, and all are annotations in the file.
MOST_LISTED = 1000

Json = dict[str, object]


@dataclass
class PartReport:
    """What is known of one file when its part of the capture has been read.

    Attributes
    ----------
    begin : PartBegin
    head : FileHead
    plan : Plan or None
        None until the part has been read.
    n_received, n_filled, n_padding : int
        Samples of the file, by where they come from.
    lost : Counter of str
        Conversions missing, by cause; those that were filled and those that were not.
    gaps, marks, changes : list
        The first of them.
    n_gaps, n_marks : int
        All of them.
    tube : list of TubeRow
        All changes of the digital tube.
    """

    begin: PartBegin
    head: FileHead
    plan: Plan | None = None
    n_received: int = 0
    n_filled: int = 0
    n_padding: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    n_gaps: int = 0
    n_marks: int = 0
    tube: list[TubeRow] = field(default_factory=list)

    def add_gap(self, gap: Gap) -> None:
        """Count a gap, and list it if there is room."""
        self.n_gaps += 1
        self.lost[gap.cause.name.lower()] += gap.n_samples
        if len(self.gaps) < MOST_LISTED:
            self.gaps.append(gap)

    def add_mark(self, mark: Mark) -> None:
        """Count a mark, and list it if there is room."""
        self.n_marks += 1
        if len(self.marks) < MOST_LISTED:
            self.marks.append(mark)

    def add_change(self, change: Change) -> None:
        """List a change of settings if there is room."""
        if len(self.changes) < MOST_LISTED:
            self.changes.append(change)


def schema() -> Json:
    """Return the JSON Schema of a sidecar."""
    text = resources.files("emgrig.recording").joinpath("sidecar.schema.json").read_text("utf-8")
    loaded: Json = json.loads(text)
    return loaded


def describe(
    report: PartReport,
    notes: Notes,
    account: Account,
    *,
    files: Mapping[str, object],
    software: str,
) -> Json:
    """Return the content of a sidecar.

    Parameters
    ----------
    report : PartReport
        Of the file it lies beside.
    notes : Notes
        Complete.
    account : Account
        Of the whole capture, which may have become several files.
    files : mapping
        Names of the BDF+ file and of the capture, part and number of parts.
    software : str
        What made the file.
    """
    begin, fit = report.begin, notes.clock_fit(report.begin.clock_index)
    identity = notes.identity
    return {
        "format": FORMAT,
        "files": dict(files),
        "is_simulated": identity is not None and identity.is_simulated,
        "software": {"converted_by": software, "recorded_by": notes.software},
        "start": _start(report, fit),
        "board": {"address": notes.address, **_identity(notes)},
        "profile": notes.profile or None,
        "rate": _rate(report, fit),
        "clock_fit": _clock_fit(fit),
        "band": {
            "filter": "sinc3 of the ADS1299; no high-pass",
            "low_hz": 0.0,
            "high_hz": BAND_PER_RATE * begin.epoch.rate_hz,
            "high_is": "-3 dB, 0.262 of the data rate",
        },
        "calibration": notes.calibration_entry(),
        "contact": dict(notes.contact) if notes.contact is not None else None,
        "channels": _channels(report, notes),
        "left_out": _left_out(begin, notes),
        "registers": [_registers(0, begin.epoch, notes)]
        + [_registers(change.sample, change.epoch, notes) for change in report.changes],
        "samples": {
            "total": report.n_received + report.n_filled + report.n_padding,
            "received": report.n_received,
            "filled": report.n_filled,
            "padding": report.n_padding,
            "missing_by_cause": dict(report.lost),
        },
        "gaps": [_gap(gap) for gap in report.gaps],
        "n_gaps": report.n_gaps,
        "marks": [asdict(mark) for mark in report.marks],
        "n_marks": report.n_marks,
        "capture": _account(account),
    }


def write(path: Path, content: Json) -> None:
    """Write a sidecar; OSError if the file cannot be written."""
    path.write_text(
        json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8", newline="\n"
    )


def _start(report: PartReport, fit: ClockFit | None) -> Json:
    start_s = report.head.start_unix_s
    utc = dt.datetime.fromtimestamp(start_s, dt.UTC)
    return {
        "unix_s": start_s,
        "utc": utc.isoformat(timespec="microseconds"),
        "by": "arrival of the first sample" if fit is None else "board time and clock fit",
        "board_time_us": report.begin.board_time_us,
    }


def _identity(notes: Notes) -> Json:
    if notes.identity is None:
        return {}
    return {**asdict(notes.identity), "capabilities": int(notes.identity.capabilities)}


def _rate(report: PartReport, fit: ClockFit | None) -> Json:
    measured_hz = report.begin.rate.measured_hz
    by_host_hz = measured_hz
    if fit is None or measured_hz is None or not fit.drift_ppm:
        by_host_hz = None
    else:
        by_host_hz = measured_hz * (1 + fit.drift_ppm * 1e-6)
    return {
        "nominal_hz": report.begin.epoch.rate_hz,
        "measured_by_board_clock_hz": measured_hz,
        "measured_by_host_clock_hz": by_host_hz,
    }


def _clock_fit(fit: ClockFit | None) -> Json | None:
    if fit is None:
        return None
    values = asdict(fit)
    if fit.drift_bound_ppm == float("inf"):
        values["drift_bound_ppm"] = None
    return values


def _channels(report: PartReport, notes: Notes) -> list[Json]:
    epoch = report.begin.epoch
    mux = [value.word for file in notes.files(epoch) for value in file.mux]
    listed: list[Json] = []
    for index, channel in zip(report.begin.channel_indices, report.head.channels, strict=True):
        limits = header_limits(channel.scale_uv, channel.offset_uv)
        header_offset_uv = limits.offset_uv - channel.offset_uv
        listed.append(
            {
                "channel": index + 1,
                "name": notes.name(index),
                "label": channel.label,
                "gain": float(epoch.gain[index]),
                "mux": mux[index],
                "unit": "uV",
                "scale_v": channel.scale_uv * 1e-6,
                "offset_v": channel.offset_uv * 1e-6,
                "nominal_scale_v": float(epoch.scale_v[index]),
                "header_scale_error": limits.scale_uv / channel.scale_uv - 1,
                "header_offset_codes": header_offset_uv / channel.scale_uv,
            }
        )
    return listed


def _left_out(begin: PartBegin, notes: Notes) -> list[Json]:
    return [
        {"channel": index + 1, "name": notes.name(index), "why": "powered down"}
        for index in range(len(begin.epoch.gain))
        if index not in begin.channel_indices
    ]


def _registers(sample: int, epoch: Epoch, notes: Notes) -> Json:
    chips = [
        {
            "hex": file.raw.hex(" ").upper(),
            "registers": [row._asdict() for row in file.render()],
        }
        for file in notes.files(epoch)
    ]
    return {"sample": sample, "epoch": epoch.number, "chips": chips}


def _gap(gap: Gap) -> Json:
    return {**asdict(gap), "cause": gap.cause.name.lower(), "means": str(gap.cause)}


def _account(account: Account) -> Json:
    totals = account.totals
    return {
        "produced": totals.produced,
        "received": totals.received,
        "lost": totals.lost,
        "lost_on_link": totals.lost_on_link,
        "lost_on_board": totals.lost_on_board,
        "lost_at_end": totals.lost_at_end,
        "lost_in_outages": totals.lost_in_outages,
        "paused": totals.paused,
        "repeated": totals.repeated,
        "hidden": totals.hidden,
        "decoder": account.decoder,
        "damage": account.damage,
    }
