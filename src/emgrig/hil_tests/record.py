"""The record of a run, as plain values: what JSON holds and the page shows.

`record.schema.json` beside this file is its JSON Schema.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import cast

from emgrig.driver.chip.profile import load_profile
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.hil_tests.judging.check import CheckResult
from emgrig.hil_tests.judging.limits import Limit
from emgrig.hil_tests.judging.measurement import Attachment, Measurement, Reading
from emgrig.hil_tests.run import BringupRun, software_versions
from emgrig.hil_tests.verdict import exit_code, headline, last_line

FORMAT, VERSION = "emgrig bring-up record", 1
PROFILES = ("facial-emg",)
Record = dict[str, object]


def schema() -> Record:
    """Return the JSON Schema of a record."""
    text = files("emgrig.hil_tests").joinpath("record.schema.json").read_text(encoding="utf-8")
    return cast(Record, json.loads(text))


def make_record(run: BringupRun, pictures: Sequence[Attachment] = ()) -> Record:
    """Return all that is known of a run that has ended, in values that JSON can hold."""
    options, restored = run.options, run.restored
    assert restored is not None, "the run has not ended"
    return {
        "format": FORMAT,
        "version": VERSION,
        "verdict": {
            "outcome": str(run.outcome),
            "exit_code": int(exit_code(run)),
            "headline": headline(run),
            "line": last_line(run),
            "counts": dict(Counter(str(r.outcome) for r in run.results)),
        },
        "diagnosis": _diagnosis(run),
        "board": _board(run),
        "address": options.address,
        "level": str(options.level),
        "inputs": options.inputs,
        "profile": _profile_in_force(run),
        "soak_s": options.soak_s,
        "instruments": list(options.instruments),
        "temperature_c": _temperature_c(run),
        "began": run.began.isoformat(timespec="seconds"),
        "duration_s": round(run.duration_s, 3),
        "software": software_versions(),
        "limits": {
            "file": options.limits.origin,
            "overrides": {n: _limit(limit) for n, limit in options.limits.overrides.items()},
        },
        "registers": {
            "before": list(restored.before),
            "after": list(restored.after),
            "proved": restored.proved,
            "note": restored.note,
        },
        "stream": {"before": restored.streamed_before, "after": restored.streams_after},
        "checks": [_check(result) for result in run.results],
        "pictures": [_attachment(picture) for picture in pictures],
    }


def _diagnosis(run: BringupRun) -> Record | None:
    found = run.diagnosis
    if found is None:
        return None
    return {
        "key": found.key,
        "channels": list(found.channels),
        "cause": found.cause,
        "next": found.next_step,
        "because": list(found.because),
        "others": list(found.others),
        "probes": {name: _plain(value) for name, value in found.probes.items()},
    }


def _board(run: BringupRun) -> Record | None:
    rig = run.rig
    if not rig.is_open:
        return None
    identity = rig.identity
    return {
        "serial_number": identity.serial_number,
        "firmware": identity.firmware,
        "git_revision": identity.git_revision,
        "protocol_version": identity.protocol_version,
        "simulated": identity.is_simulated,
        "chip_count": identity.chip_count,
        "channels_per_chip": identity.channels_per_chip,
        "chip_ids": [f"{raw[0]:02X}h" for raw in rig.before],
        "f_clk_hz": identity.f_clk_hz,
        "vref_v": identity.vref_v,
        "channels_wired": list(identity.channels_wired),
        "series_ohm": list(identity.series_ohm),
        "capabilities": [flag.name or "" for flag in identity.capabilities],
    }


def _profile_in_force(run: BringupRun) -> str | None:
    """Name the packaged profile that the board held when the run began, if it did."""
    rig = run.rig
    if not rig.is_identified:
        return None
    held = [RegisterFile(raw, n) for raw, n in zip(rig.before, rig.chip.parts, strict=True)]
    for name in PROFILES:
        try:
            wanted = load_profile(name).settings(rig.chip.parts)
        except ValueError:  # a profile for another number of channels
            continue
        if all(wanted.applied_to(file, n) == file for n, file in enumerate(held)):
            return name
    return None


def _temperature_c(run: BringupRun) -> float | None:
    for result in run.results:
        for measurement in result.measurements:
            if measurement.name == "die_temperature":
                found = [float(v) for v in measurement.values.values() if isinstance(v, float)]
                return round(sum(found) / len(found), 2) if found else None
    return None


def _check(result: CheckResult) -> Record:
    return {
        "number": result.info.number,
        "layer": result.info.layer.title,
        "title": result.info.title,
        "outcome": str(result.outcome),
        "message": result.message,
        "duration_s": round(result.duration_s, 4),
        "samples": {
            "used": result.samples.used,
            "lost": result.samples.lost,
            "rejected": result.samples.rejected,
        },
        "incidents": [asdict(incident) for incident in result.incidents],
        "measurements": [_measurement(m) for m in result.measurements],
        "attachments": [_attachment(a) for a in result.attachments],
    }


def _measurement(measurement: Measurement) -> Record:
    return {
        "name": measurement.name,
        "unit": measurement.unit,
        "outcome": str(measurement.outcome),
        "reference": measurement.reference,
        "limit": _limit(measurement.limit),
        "readings": [_reading(reading) for reading in measurement.readings],
    }


def _reading(reading: Reading) -> Record:
    return {
        "channel": reading.channel,
        "value": _plain(reading.value),
        "outcome": str(reading.outcome),
        "note": reading.note,
    }


def _limit(limit: Limit) -> Record:
    return {
        "low": _plain(limit.low),
        "high": _plain(limit.high),
        "marginal_low": _plain(limit.marginal_low),
        "marginal_high": _plain(limit.marginal_high),
        "allowed": list(limit.allowed),
        "source": limit.source,
        "overridden": limit.overridden,
    }


def _attachment(attachment: Attachment) -> Record:
    return {
        "name": attachment.name,
        "media_type": attachment.media_type,
        "sha256": attachment.sha256,
        "bytes": len(attachment.data),
    }


def _plain(value: object) -> object:
    """Return a value that JSON has: it has no infinity and no NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return list(value) if isinstance(value, tuple) else value
