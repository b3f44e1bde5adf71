"""Write the report: record.json, index.html, and raw data by hash; junit.xml is pytest's."""

from collections.abc import Mapping
from pathlib import Path

from emgrig.driver.chip.register_file import RegisterFile
from emgrig.filemodel import Json
from emgrig.files import attempt, json_text, make_folder, write_file
from emgrig.hil_tests.diagnosis.fact_words import told
from emgrig.hil_tests.judging.check import CheckResult, Layer
from emgrig.hil_tests.judging.measurement import (
    Measurement,
    Outcome,
    of_picture,
    show,
    worst,
)
from emgrig.hil_tests.plots import draw_pictures
from emgrig.hil_tests.record import make_record
from emgrig.hil_tests.run import BringupRun
from emgrig.names import unit_shown
from emgrig.pages.page import render

RECORD_FILE, PAGE_FILE, DATA_FOLDER = "record.json", "index.html", "data"
_HASHED = f"{'[0-9a-f]' * 16}-*"


def write_report(run: BringupRun, folder: Path) -> Json:
    """Write record, page and data into `folder`, which is made; return the record.

    Raises RecordingError if it cannot be written.
    """
    drawn = draw_pictures(run.results, run.options.limits)
    images = [of_picture(_slug(caption), svg) for caption, svg in drawn.items()]
    record = make_record(run, images)
    attachments = [a for result in run.results for a in result.attachments] + images
    make_folder(folder)
    _remove_old(folder)
    write_file(folder / RECORD_FILE, json_text(record))
    write_file(folder / PAGE_FILE, render_page(run, record, drawn))
    for attachment in attachments:
        place = make_folder(folder / DATA_FOLDER)
        write_file(place / f"{attachment.sha256[:16]}-{attachment.name}", attachment.data)
    return record


def _remove_old(folder: Path) -> None:
    """Remove an earlier report, which may be replaced: no file of it must stand beside new ones."""
    for path in (
        folder / RECORD_FILE,
        folder / PAGE_FILE,
        *folder.glob(f"{DATA_FOLDER}/{_HASHED}"),
    ):
        with attempt("remove", path):
            path.unlink(missing_ok=True)


def _slug(caption: str) -> str:
    """Return a file's name for a caption: its first words."""
    words = "".join(c if c.isalnum() else " " for c in caption.lower()).split()
    return "-".join(words[:4])


def render_page(run: BringupRun, record: Json, drawn: Mapping[str, str]) -> str:
    """Return the page with pictures by caption."""
    board, limits = run.rig.identity if run.rig.is_open else None, run.options.limits
    return render(
        "emgrig.hil_tests/page.html",
        title=f"Bring-up: {run.outcome} – {board.serial_number if board else run.options.address}",
        simulated=run.is_simulated,
        outcome="error" if run.outcome is Outcome.INCOMPLETE else str(run.outcome),
        r=record,
        checks=_worst_first(run),
        layers=_layers(run),
        pictures=drawn,
        registers=_registers(run),
        overrides=[
            (name.replace("_", " "), limit.words(limits.units[name]), limit.source)
            for name, limit in limits.overrides.items()
        ],
        probes=told(run.diagnosis.probes) if run.diagnosis else [],
        values=_values,
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
    named = [f"{r.channel}: {words}" for r, words in zip(readings, shown, strict=True)]
    if len(set(shown)) == 1:
        one = show(readings[0].value, measurement.unit)
        return f"{one} on channel {readings[0].channel}" if len(readings) == 1 else f"{one} (all)"
    unit = "" if measurement.unit in ("", "1") else f" {unit_shown(measurement.unit)}"
    return " · ".join(named) + unit


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
