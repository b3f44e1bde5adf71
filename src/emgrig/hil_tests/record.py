"""The record of a run, as plain values: what JSON holds and the page shows.

`record.schema.json` beside this file is its JSON Schema.
"""

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt, MinLen

from emgrig.driver.chip.profile import load_profile
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.filemodel import FileModel, Json, Text, one_of, plain
from emgrig.hil_tests.diagnosis.diagnose import Diagnosis
from emgrig.hil_tests.judging.check import CheckResult, Level
from emgrig.hil_tests.judging.incident import Incident
from emgrig.hil_tests.judging.limits import Limit
from emgrig.hil_tests.judging.measurement import Attachment, Measurement, Outcome, Reading, Samples
from emgrig.hil_tests.run import BringupRun, software_versions
from emgrig.hil_tests.verdict import exit_code, headline, last_line

PROFILES = ("facial-emg", "perifacial-emg")

Count = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Verdict:
    """What the run says.

    Attributes
    ----------
    counts : dict
        Of checks, by outcome.
    asked, beyond, belong : int
        How many checks were put to the board, how many it cannot answer (they were not asked, and
        are no pass), and how many belong to a run.
    is_complete : bool
        True if all have their results, and nobody broke the run off.
    problems : tuple of str
        What went wrong with the suite itself.
    simulated : bool
        True if no board was there, but the simulator.
    """

    outcome: Outcome
    exit_code: Annotated[int, one_of(0, 1, 3, 130)]
    headline: Text
    line: Text
    counts: dict[Outcome, Annotated[int, Ge(1)]]
    asked: Count
    beyond: Count
    belong: Count
    is_complete: bool
    problems: tuple[str, ...]
    simulated: bool


@dataclass(frozen=True)
class BoardFacts:
    """A board, as it names itself; `chip_ids` in hexadecimal, `limits` are what it cannot."""

    serial_number: str
    firmware: str
    git_revision: str
    protocol_version: int
    simulated: bool
    chip_count: Annotated[int, Ge(1)]
    channels_per_chip: Annotated[int, one_of(0, 4, 6, 8)]
    chip_ids: tuple[str, ...]
    f_clk_hz: Annotated[float, Ge(0)]
    vref_v: Annotated[float, Gt(0)]
    channels_wired: tuple[int, ...]
    series_ohm: tuple[float, ...]
    capabilities: tuple[str, ...]
    converter: Text
    limits: tuple[str, ...]


@dataclass(frozen=True)
class UsedLimits:
    """The user's file, empty if there was none, and what it changed."""

    file: str
    overrides: dict[str, Limit]


@dataclass(frozen=True)
class Registers:
    """The 24 register bytes of each chip, hexadecimal; `proved`: read afterwards, and the same."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    proved: bool
    note: str


@dataclass(frozen=True)
class StreamState:
    """Whether the board streamed."""

    before: bool
    after: bool


@dataclass(frozen=True)
class Measured:
    """A quantity of a check; see `Measurement`."""

    name: str
    unit: str
    outcome: Outcome
    reference: str
    limit: Limit
    readings: Annotated[tuple[Reading, ...], MinLen(1)]


@dataclass(frozen=True)
class Attached:
    """A file: data/, the first 16 digits of its SHA-256, a hyphen and the name."""

    name: str
    media_type: str
    sha256: str
    bytes: Count


@dataclass(frozen=True)
class Check:
    """What came out of one check; see `CheckResult`."""

    number: str
    layer: str
    title: str
    outcome: Outcome
    message: str
    duration_s: Annotated[float, Ge(0)]
    samples: Samples
    incidents: tuple[Incident, ...]
    measurements: tuple[Measured, ...]
    attachments: tuple[Attached, ...]


@dataclass(frozen=True)
class Record(FileModel):
    """One run of the bring-up suite.

    Attributes
    ----------
    diagnosis : Diagnosis or None
        None if nothing failed.
    board : BoardFacts or None
        None if nobody answered.
    address, level, inputs : str
        As the run was asked for.
    profile : str or None
        Packaged profile that the board held when the run began.
    soak_s : float
        Length of the endurance check, s of board time.
    instruments : tuple of str
        What else was connected.
    temperature_c : float or None
        Of the die, mean of all channels, °C.
    duration_s : float
        Wall time, s.
    software : dict
        Versions by name.
    """

    FORMAT: ClassVar = "emgrig bring-up record"

    version: Annotated[int, one_of(1)]
    verdict: Verdict
    diagnosis: Diagnosis | None
    board: BoardFacts | None
    address: str
    level: Level
    inputs: Annotated[str, one_of("connected", "open")]
    profile: str | None
    soak_s: Annotated[float, Gt(0)]
    instruments: tuple[str, ...]
    temperature_c: float | None
    began: dt.datetime
    duration_s: Annotated[float, Ge(0)]
    software: dict[str, str]
    limits: UsedLimits
    registers: Registers
    stream: StreamState
    checks: tuple[Check, ...]
    pictures: tuple[Attached, ...]


def make_record(run: BringupRun, pictures: Sequence[Attachment] = ()) -> Json:
    """Return all that is known of a run that has ended, in values that JSON can hold."""
    options, restored = run.options, run.restored
    assert restored is not None, "the run has not ended"
    record = Record(
        version=1,
        verdict=_verdict(run),
        diagnosis=run.diagnosis,
        board=_board(run),
        address=options.address,
        level=options.level,
        inputs=options.inputs,
        profile=_profile_in_force(run),
        soak_s=options.soak_s,
        instruments=tuple(options.instruments),
        temperature_c=_temperature_c(run),
        began=run.began,
        duration_s=round(run.duration_s, 3),
        software=software_versions(),
        limits=UsedLimits(options.limits.origin, options.limits.overrides),
        registers=Registers(restored.before, restored.after, restored.proved, restored.note),
        stream=StreamState(restored.streamed_before, restored.streams_after),
        checks=tuple(map(_check, run.results)),
        pictures=tuple(map(_attached, pictures)),
    )
    content: Json = _finite(plain(record))
    return content


def _verdict(run: BringupRun) -> Verdict:
    return Verdict(
        run.outcome,
        int(exit_code(run)),
        headline(run),
        last_line(run),
        Counter(result.outcome for result in run.results),
        run.n_asked,
        run.n_beyond,
        len(run.asked_for),
        run.is_complete,
        tuple(run.problems),
        run.is_simulated,
    )


def _board(run: BringupRun) -> BoardFacts | None:
    rig = run.rig
    if not rig.is_open:
        return None
    identity = rig.identity
    return BoardFacts(
        serial_number=identity.serial_number,
        firmware=identity.firmware,
        git_revision=identity.git_revision,
        protocol_version=identity.protocol_version,
        simulated=identity.is_simulated,
        chip_count=identity.chip_count,
        channels_per_chip=identity.channels_per_chip,
        chip_ids=tuple(f"{raw[0]:02X}h" for raw in rig.before),
        f_clk_hz=identity.f_clk_hz,
        vref_v=identity.vref_v,
        channels_wired=identity.channels_wired,
        series_ohm=identity.series_ohm,
        capabilities=tuple(flag.name or "" for flag in identity.capabilities),
        converter=identity.can.chip,
        limits=identity.can.limits,
    )


def _profile_in_force(run: BringupRun) -> str | None:
    """Name the packaged profile that the board held when the run began, if it did."""
    rig = run.rig
    if not (rig.is_identified and rig.has_registers):
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


def _check(result: CheckResult) -> Check:
    return Check(
        result.info.number,
        result.info.layer.title,
        result.info.title,
        result.outcome,
        result.message,
        round(result.duration_s, 4),
        result.samples,
        tuple(result.incidents),
        tuple(map(_measured, result.measurements)),
        tuple(map(_attached, result.attachments)),
    )


def _measured(one: Measurement) -> Measured:
    return Measured(one.name, one.unit, one.outcome, one.reference, one.limit, tuple(one.readings))


def _attached(one: Attachment) -> Attached:
    return Attached(one.name, one.media_type, one.sha256, len(one.data))


def _finite(value: Any) -> Any:
    """Return JSON with None for what it has not: infinity and NaN."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
