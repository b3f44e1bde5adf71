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
from emgrig.reading.edf import read_edf
from emgrig.reading.recording import (
    SIMULATED,
    Mark,
    Recording,
    Runs,
)
from emgrig.reading.tables import Column, arrange
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
    beside = path.with_suffix(".json")
    if path.suffix.lower() != ".bdf" or beside.is_symlink() or not beside.is_file():
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
    is_ours = isinstance(content, dict) and str(content.get("format")).startswith(_FORMAT)
    return content if is_ours else None


def read_bdf(path: Path, told_hz: float | None) -> Recording:
    """Read EDF or BDF; of our own the sidecar says what was measured, and by which clock."""
    found = read_edf(path, told_hz)
    content = sidecar_of(path)
    if content is None:
        bad = sum(mark.is_bad for mark in found.marks)
        said = (f"{bad} {_BAD_LEFT_OUT}",) if bad else ()
        return replace(found, remarks=(*found.remarks, *said))
    try:
        padding, measured_hz = _facts(content)
        labels = [str(one["label"]) for one in content["channels"]]
        is_simulated = bool(content["is_simulated"])
        marks = tuple(_mark(one, found.rate_hz) for one in content.get("annotations", ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        beside = path.with_suffix(".json").name
        raise RecordingError(
            f"{beside} makes no sense beside {path.name}: {error!r:.80}"
        ) from error
    if labels != list(found.labels):
        raise RecordingError(
            f"{path} has other channels ({', '.join(found.labels)}) than its sidecar says "
            f"({', '.join(labels)})"
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
    )


def _facts(content: Mapping[str, Any]) -> tuple[int, float | None]:
    """Return padding, samples, and the measured rate, Hz."""
    rate = content["rate"] or {}
    measured = rate.get("measured_by_host_clock_hz") or rate.get("measured_by_board_clock_hz")
    padding = int(content["samples"]["padding"])
    if padding < 0 or (measured is not None and not 0 < float(measured) < 1e7):
        raise ValueError(f"padding {padding}, measured rate {measured}")
    return padding, None if measured is None else float(measured)


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
        columns = [_parquet_column(i, file, field) for i, field in enumerate(schema)]
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


def _parquet_column(number: int, file: Any, field: Any) -> Column | str:
    """Read a column of numbers; of another kind, or without any value, its name."""
    import pyarrow as pa

    kind = field.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not (is_number or pa.types.is_boolean(kind) or pa.types.is_timestamp(kind)):
        return str(field.name)
    values = file.read(columns=[field.name]).column(0)
    unit = (field.metadata or {}).get(b"unit", b"").decode(errors="replace")
    full = (field.metadata or {}).get(b"name", b"").decode(errors="replace")
    if pa.types.is_timestamp(kind):
        values, unit = values.cast(pa.timestamp("us")).cast(pa.int64()), "us"
    floats = values.to_numpy(zero_copy_only=False).astype(np.float64)
    name, in_name = said_in(str(field.name))
    if not np.isfinite(floats).any():
        return full or name
    return Column(number, full or name, unit or in_name, floats)
