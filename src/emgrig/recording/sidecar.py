"""The JSON file beside a BDF+ file: what its header has no room for.

Its schema is `sidecar.schema.json`; `docs/recording.md` explains the fields.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from typing import TextIO

from emgrig.driver.can import Can, Counting, Timing
from emgrig.driver.chip.rate import RateCheck, RateVerdict
from emgrig.driver.chip.registers import Config3
from emgrig.driver.samples.block import Epoch, Tally
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.recording.bdf.channels import BAND_PER_RATE
from emgrig.recording.bdf.header import FileHead, Plan, header_limits
from emgrig.recording.facts import Annotation, Gap, Kind
from emgrig.recording.notes import Notes
from emgrig.recording.part import Change, PartBegin
from emgrig.recording.sync.tube import TubeRow
from emgrig.recording.timeline import Timeline

FORMAT = "emgrig recording 2"
#: The registers are listed after so many changes of settings; every change is an annotation too.
MOST_LISTED = 1000
_MOST_STEPS = 5
_REFERENCE_OFF = (
    "the chip's own reference was off (CONFIG3): volts are by what the board states, and hold only "
    "if it has a reference that is on"
)

Json = dict[str, object]


@dataclass
class PartReport:
    """What is known of one file when its part of the capture has been read."""

    begin: PartBegin
    head: FileHead
    plan: Plan | None = None  #: None until the part has been read.
    #: Samples of the file that were received, and data periods without one, by cause; those that
    #: were filled and those that were not.
    tally: Tally = field(default_factory=Tally)
    n_filled: int = 0  #: Further samples of the file, by where they come from.
    n_padding: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)  #: Annotations.
    changes: list[Change] = field(default_factory=list)  #: The first of them.
    tube: list[TubeRow] = field(default_factory=list)  #: All changes of the digital tube.

    @property
    def n_samples(self) -> int:
        """Samples of the file, without the padding."""
        return self.tally.n_samples + self.n_filled

    def add_annotation(self, annotation: Annotation) -> None:
        """Count an annotation; a gap also by its cause."""
        self.counts[annotation.fact.kind] += 1
        if isinstance(annotation.fact, Gap):
            self.tally.missing[annotation.fact.cause] += annotation.fact.n_lost

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
    timeline: Timeline,
    *,
    files: Mapping[str, object],
    software: str,
) -> Json:
    """Return the content of a sidecar without its annotations.

    Parameters
    ----------
    report : PartReport
        Of the file it lies beside.
    timeline : Timeline
        Read to the end of the capture, which may have become several files.
    files : mapping
        Names of the BDF+ file and of the capture, part and number of parts.
    software : str
        What made the file.
    """
    notes = timeline.notes
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
        "band": _band(begin.epoch, notes),
        "calibration": notes.calibration_entry(),
        "contact": dict(notes.contact) if notes.contact is not None else None,
        "channels": _channels(report, notes),
        "left_out": _left_out(begin, notes),
        "registers": [_registers(0, begin.epoch)]
        + [_registers(change.sample, change.epoch) for change in report.changes],
        "samples": _samples(report),
        "capture": _account(timeline),
        "remarks": remarks([report], timeline),
        "n_annotations": dict(report.counts),
    }


def remarks(reports: Iterable[PartReport], timeline: Timeline) -> list[str]:
    """Say what contradicts itself in a capture that has been read, or takes its volts away."""
    said, reports = [], list(reports)
    for report in reports:
        rate, nominal_hz = report.begin.rate, report.begin.epoch.rate_hz
        check = RateCheck(nominal_hz, rate.measured_hz or 0.0, rate.n_conversions)
        if rate.measured_hz and check.verdict is RateVerdict.BAD:
            said.append(check.words)
    clock = timeline.notes.board_time
    said += [step.words for step in clock.steps[:_MOST_STEPS]]
    if clock.n_steps > _MOST_STEPS:
        said.append(f"and {clock.n_steps - _MOST_STEPS} more contradictions of board time")
    said += [_REFERENCE_OFF for report in reports if _is_reference_off(report, timeline.notes)]
    return list(dict.fromkeys(said))


def _is_reference_off(report: PartReport, notes: Notes) -> bool:
    """Say if a chip's own reference was off when a part began, and could have been on."""
    identity = notes.identity
    if identity is not None and not identity.can.writes(Config3.ADDRESS):
        return False
    return not all(file.get(Config3).internal_reference for file in report.begin.epoch.files)


def write(file: TextIO, content: Json, annotations: Iterable[Annotation], rate_hz: float) -> None:
    """Write a sidecar; its annotations come last, each on a line, as they are made.

    OSError if the file cannot be written.
    """
    head = json.dumps(content, indent=1, allow_nan=False)
    file.write(head.removesuffix("\n}") + ',\n "annotations": [')
    lead = "\n  "
    for one in annotations:
        file.write(lead + json.dumps(one.to_json(rate_hz), allow_nan=False))
        lead = ",\n  "
    file.write("\n ]\n}\n")


def _band(epoch: Epoch, notes: Notes) -> Json:
    """Say what the converter's filter lets through; nothing of one that is not known."""
    if not notes.is_of_ads1299:
        return {"filter": "not told", "low_hz": 0.0, "high_hz": None, "high_is": "not told"}
    return {
        "filter": "sinc3 of the ADS1299; no high-pass",
        "low_hz": 0.0,
        "high_hz": BAND_PER_RATE * epoch.rate_hz,
        "high_is": "-3 dB, 0.262 of the data rate",
    }


def _samples(report: PartReport) -> Json:
    return {
        "total": report.n_samples + report.n_padding,
        "received": report.tally.n_samples,
        "filled": report.n_filled,
        "padding": report.n_padding,
        "missing_by_cause": dict(report.tally.missing),
    }


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
    identity = notes.identity
    return {
        **asdict(identity),
        "capabilities": int(identity.capabilities),
        "can": _can(identity.can),
    }


def _can(can: Can) -> Json:
    """Say what the board can do and tell, and what it cannot in words."""
    return {**asdict(can), "limits": can.limits}


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
    mux = [None if value is None else value.word for value in epoch.mux]
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
                "scale_is": "stated" if epoch.stated is not None else "read back",
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


def _registers(sample: int, epoch: Epoch) -> Json:
    chips = [
        {
            "hex": file.raw.hex(" ").upper(),
            "registers": [row._asdict() for row in file.render()],
        }
        for file in epoch.files
    ]
    return {"sample": sample, "epoch": epoch.number, "chips": chips}


def _loss_is(notes: Notes) -> str:
    """Say how well the loss is known: "exact", "modulo", "estimate" or "unknown"."""
    can = notes.identity.can if notes.identity is not None else Can()
    if can.counting is Counting.EXACT:
        return "exact"
    if can.counting is Counting.MODULO:
        return "modulo"
    return "unknown" if can.timing is Timing.NONE else "estimate"


def _account(timeline: Timeline) -> Json:
    totals, decoder = timeline.totals, asdict(timeline.decoder)
    del decoder["last_version"]
    return {
        "produced": totals.produced,
        "lost": totals.lost,
        "loss_is": _loss_is(timeline.notes),
        **asdict(totals),
        "decoder": decoder,
        "damage": timeline.damage,
    }
