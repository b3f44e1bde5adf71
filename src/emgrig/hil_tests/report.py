"""Write the report: record.json, index.html, and raw data by hash; junit.xml is pytest's."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from emgrig.driver.chip.register_file import RegisterFile
from emgrig.errors import RecordingError
from emgrig.hil_tests.judging.check import CheckResult, Layer
from emgrig.hil_tests.judging.measurement import Measurement, Outcome, of_picture, show, worst
from emgrig.hil_tests.plots import draw_pictures
from emgrig.hil_tests.record import Record, make_record
from emgrig.hil_tests.run import BringupRun

RECORD_FILE, PAGE_FILE, DATA_FOLDER = "record.json", "index.html", "data"


def write_report(run: BringupRun, folder: Path) -> Record:
    """Write record, page and data into `folder`, which is made; return the record.

    Raises
    ------
    RecordingError
        If it cannot be written.
    """
    drawn = draw_pictures(run.results, run.options.limits)
    images = [of_picture(_slug(caption), svg) for caption, svg in drawn.items()]
    record = make_record(run, images)
    attachments = [a for result in run.results for a in result.attachments] + images
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / RECORD_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")
        (folder / PAGE_FILE).write_text(
            render_page(run, record, drawn), encoding="utf-8", newline="\n"
        )
        for attachment in attachments:
            path = folder / DATA_FOLDER / f"{attachment.sha256[:16]}-{attachment.name}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(attachment.data)
    except OSError as error:
        raise RecordingError(f"{folder}: the report cannot be written: {error}") from error
    return record


def _slug(caption: str) -> str:
    """Return a file's name for a caption: its first words."""
    words = "".join(c if c.isalnum() else " " for c in caption.lower()).split()
    return "-".join(words[:4])


def render_page(run: BringupRun, record: Record, drawn: Mapping[str, str]) -> str:
    """Return the page with pictures by caption: one file, no script, no link to the outside."""
    template = files("emgrig.hil_tests").joinpath("page.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["values"] = _values
    environment.filters["limit"] = lambda m: m.limit.words(m.unit)
    return environment.from_string(template).render(
        r=record,
        checks=_worst_first(run),
        layers=_layers(run),
        pictures=drawn,
        registers=_registers(run),
        overrides=run.options.limits.overrides,
        units=run.options.limits.units,
    )


def _worst_first(run: BringupRun) -> list[CheckResult]:
    """Return the checks in their order, but those first that did not simply pass."""
    told = (Outcome.FAIL, Outcome.ERROR, Outcome.MARGINAL)
    return sorted(run.results, key=lambda result: result.outcome not in told)


def _layers(run: BringupRun) -> list[tuple[Layer, Outcome, str]]:
    """Return each layer with its outcome, and the numbers of its checks."""
    rows = []
    for layer in Layer:
        made = [r for r in run.results if r.info.layer is layer]
        if made:
            outcomes = [r.outcome for r in made]
            numbers = ", ".join(r.info.number for r in made)
            rows.append((layer, worst(outcomes), numbers))
    return rows


def _values(measurement: Measurement) -> str:
    """Return values as a person reads them: one, or one a channel, or their range."""
    readings = measurement.readings
    if len(readings) == 1 and readings[0].channel is None:
        return show(readings[0].value, measurement.unit)
    shown = [show(reading.value, "1") for reading in readings]
    if len(set(shown)) == 1:
        one = show(readings[0].value, measurement.unit)
        return one if len(readings) == 1 else f"{one} (all channels)"
    unit = "" if measurement.unit in ("", "1") else f" {measurement.unit}"
    return " · ".join(shown) + unit


def _registers(run: BringupRun) -> list[list[tuple[str, str, str, str, str]]]:
    """Return address, name, byte before, byte after and meaning of each register of each chip."""
    restored, rig = run.restored, run.rig
    if restored is None or not rig.is_identified or not restored.before:
        return []
    tables = []
    after = restored.after or restored.before
    for before_hex, after_hex, parts in zip(restored.before, after, rig.chip.parts, strict=True):
        rows = zip(
            RegisterFile(bytes.fromhex(before_hex), parts).render(),
            RegisterFile(bytes.fromhex(after_hex), parts).render(),
            strict=True,
        )
        tables.append([(b.address, b.name, b.hex, a.hex, b.fields) for b, a in rows])
    return tables
