"""Recordings of emgrig: a BDF+ file with its sidecar, and the CSV and Parquet that export makes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.errors import RecordingError
from emgrig.extras import require
from emgrig.files import attempt
from emgrig.reading.formats.edf import read_edf
from emgrig.reading.formats.tables import Column, arrange
from emgrig.reading.recording import SIMULATED, Mark, Recording
from emgrig.reading.runs import Runs
from emgrig.reading.timebase import agree
from emgrig.reading.units import said_in

#: What a sidecar begins with; a number follows.
_FORMAT = "emgrig recording"
_MOST_SIDECAR = 200_000_000
#: Kinds of annotations whose samples were not measured.
_NOT_MEASURED = ("gap", "padding", "bad_frames")
_BAD_LEFT_OUT = (
    "stretches that the file's annotations call bad were left out; no sidecar of emgrig says why"
)


def sidecar_of(path: Path) -> Mapping[str, Any] | None:
    """Return the sidecar beside a BDF+ file; None if there is none of ours.

    Raises
    ------
    RecordingError
        If it is one of ours and is damaged.
    """
    content = _beside(path) if path.suffix.lower() == ".bdf" else None
    is_ours = content is not None and str(content.get("format")).startswith(_FORMAT)
    return content if is_ours else None


def _beside(path: Path) -> dict[str, Any] | None:
    """Return what the JSON file of the same name holds; None if there is none that can be read."""
    beside = path.with_suffix(".json")
    if beside.is_symlink() or not beside.is_file():
        return None
    with attempt("read", beside):
        if beside.stat().st_size > _MOST_SIDECAR:
            return None
        raw = beside.read_bytes()
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        if _FORMAT.encode() in raw[:200]:
            raise RecordingError(f"{beside} is damaged: {error}") from error
        return None
    return content if isinstance(content, dict) else None


def _as_bids_says(found: Recording) -> Recording:
    """Mark a recording whose BIDS sidecar says that it is simulated, if its header does not."""
    try:
        content = _beside(found.path)
    except RecordingError:  # it says nothing of how to read the file, which stands for itself
        content = None
    if found.is_simulated or content is None or content.get("IsSimulated") is not True:
        return found
    return replace(found, is_simulated=True, remarks=(SIMULATED, *found.remarks))


def read_bdf(path: Path, told_hz: float | None) -> Recording:
    """Read EDF or BDF; of our own the sidecar says what was measured, and by which clock."""
    found = read_edf(path, told_hz)
    content = sidecar_of(path)
    if content is None:
        bad = sum(mark.is_bad for mark in found.marks)
        said = (f"{bad} {_BAD_LEFT_OUT}",) if bad else ()
        return _as_bids_says(replace(found, remarks=(*found.remarks, *said)))
    try:
        padding, nominal_hz, measured_hz = _facts(content)
        labels = [str(one["label"]) for one in content["channels"]]
        is_simulated = bool(content["is_simulated"])
        marks = tuple(_mark(one, found.rate_hz) for one in content.get("annotations", ()))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        beside = path.with_suffix(".json").name
        raise RecordingError(
            f"{beside} makes no sense beside {path.name}: {error!r:.80}"
        ) from error
    if labels != list(found.labels):
        raise RecordingError(
            f"{path} has other channels ({', '.join(found.labels)}) than its sidecar says "
            f"({', '.join(labels)})"
        )
    is_header = found.rate_from == "the header"
    if nominal_hz is not None and is_header and abs(nominal_hz / found.rate_hz - 1) > 5e-3:
        raise RecordingError(
            f"{path}: the rate contradicts itself: the sidecar says {nominal_hz:g} Hz, the header "
            f"{found.rate_hz:g} Hz"
        )
    n_samples = found.runs.n_samples - padding
    if n_samples <= 0:
        raise RecordingError(f"{path}: {found.runs.n_samples} samples, {padding} of them padding")
    runs = Runs(_cut(found.runs, n_samples), n_samples)
    remarks = [r for r in found.remarks if r != SIMULATED]
    return replace(
        found,
        runs=runs,
        marks=marks or found.marks,
        remarks=((SIMULATED,) if is_simulated else ()) + tuple(remarks),
        is_simulated=is_simulated,
        measured_hz=measured_hz,
        is_own=True,
        lacks_sidecar=False,
    )


def _facts(content: Mapping[str, Any]) -> tuple[int, float | None, float | None]:
    """Return padding, samples, and the nominal and the measured rate, Hz; None if not said."""
    rate = content["rate"] or {}
    measured = rate.get("measured_by_host_clock_hz") or rate.get("measured_by_board_clock_hz")
    known = [None if hz is None else float(hz) for hz in (rate.get("nominal_hz"), measured)]
    padding = int(content["samples"]["padding"])
    if padding < 0 or not all(hz is None or 0 < hz < 1e7 for hz in known):
        raise ValueError(f"padding {padding}, rates {known}")
    return padding, known[0], known[1]


def _mark(entry: Mapping[str, Any], rate_hz: float) -> Mark:
    """Return an annotation of the sidecar; that its samples were not measured is a fact of it."""
    sample, n_samples = int(entry["sample"]), int(entry["n_samples"])
    is_bad = entry["kind"] in _NOT_MEASURED
    return Mark(sample / rate_hz, n_samples / rate_hz, str(entry["text"]), is_bad)


def _cut(runs: Runs, n_samples: int) -> np.ndarray:
    rows = runs.rows[runs.rows[:, 1] < n_samples].copy()
    rows[-1, 2] = min(rows[-1, 2], n_samples - rows[-1, 1])
    return rows


def read_parquet(path: Path, told_hz: float | None) -> Recording:
    """Read Parquet, ours or anybody's with columns of numbers; the time as in a table."""
    parquet = require("pyarrow.parquet", "parquet", f"{path}, a Parquet file,")
    try:
        file = parquet.ParquetFile(path)
        _check_parquet(path, file.metadata)
        schema = file.schema_arrow
        about = json.loads((schema.metadata or {}).get(b"emgrig", b"{}"))
        columns = [_parquet_column(i, file, schema) for i in range(len(schema))]
    except RecordingError:
        raise
    except Exception as error:  # pyarrow has errors of its own for damaged pages
        said = " ".join(str(error).split()) or type(error).__name__
        raise RecordingError(f"{path} is damaged, or no Parquet file: {said:.120}") from error
    about = about if isinstance(about, dict) else {}
    stated = about.get("rate_hz")
    is_number = isinstance(stated, int | float) and 0 < stated < 1e7
    known = agree((float(stated), "its metadata") if is_number else None, told_hz)  # type: ignore[arg-type]
    named = [one for one in columns if isinstance(one, Column)]
    empty = [one for one in columns if isinstance(one, str)]
    if not named:
        raise RecordingError(f"{path} has no column of numbers")
    found = arrange(path, "Parquet of emgrig" if about else "Parquet", named, known, empty)
    is_simulated = bool(about.get("is_simulated"))
    remarks = (*([SIMULATED] if is_simulated else []), *found.remarks)
    return replace(found, remarks=remarks, is_simulated=is_simulated)


#: So many numbers of a Parquet file are read; each takes 8 bytes.
_MOST_NUMBERS = 250_000_000


def _check_parquet(path: Path, about: Any) -> None:
    """Raise RecordingError if it holds more than memory does, or says so."""
    n_numbers = about.num_rows * about.num_columns
    if n_numbers > _MOST_NUMBERS:
        raise RecordingError(
            f"{path} says that it holds {about.num_rows} rows of {about.num_columns} columns; at "
            f"most {_MOST_NUMBERS} numbers were expected"
        )


def _parquet_column(number: int, file: Any, schema: Any) -> Column | str:
    """Read a column of numbers; of another kind, or without any value, its name."""
    import pyarrow as pa

    field = schema.field(number)
    kind = field.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not (is_number or pa.types.is_boolean(kind) or pa.types.is_timestamp(kind)):
        return str(field.name)
    # By the name come also its namesakes, and what its name is the begin of.
    nth = schema.get_all_field_indices(field.name).index(number)
    table = file.read(columns=[field.name])
    values = table.column(table.schema.get_all_field_indices(field.name)[nth])
    unit = (field.metadata or {}).get(b"unit", b"").decode(errors="replace")
    full = (field.metadata or {}).get(b"name", b"").decode(errors="replace")
    if pa.types.is_timestamp(kind):
        values, unit = values.cast(pa.timestamp("us"), safe=False).cast(pa.int64()), "us"
    floats = values.to_numpy(zero_copy_only=False).astype(np.float64)
    name, in_name = said_in(str(field.name))
    if not np.isfinite(floats).any():
        return full or name
    return Column(number, full or name, unit or in_name, floats)
