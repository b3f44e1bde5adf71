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
    RateNotSaid,
    Recording,
    Runs,
    Signal,
    with_names,
)
from emgrig.reading.timebase import TimeBase, agree, from_times

#: What a sidecar begins with; a number follows.
_FORMAT = "emgrig recording"
_MOST_SIDECAR = 200_000_000
_BAD_LEFT_OUT = (
    "stretches that the file's annotations call bad were left out; no sidecar of emgrig says why"
)
TIME, GAP = "time_s", "is_gap"


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


def _cut(runs: Runs, n_samples: int) -> np.ndarray:
    rows = runs.rows[runs.rows[:, 1] < n_samples].copy()
    rows[-1, 2] = min(rows[-1, 2], n_samples - rows[-1, 1])
    return rows


def read_parquet(path: Path, told_hz: float | None) -> Recording:
    """Read Parquet, ours or anybody's with numeric columns."""
    parquet = require("pyarrow.parquet", "parquet", f"{path}, a Parquet file,")
    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
        about = json.loads((schema.metadata or {}).get(b"emgrig", b"{}"))
        names = [
            f.name for f in schema if str(f.type) in ("double", "float") or "int" in str(f.type)
        ]
        table = {
            name: file.read(columns=[name]).column(0).to_numpy().astype(np.float64)
            for name in names
            if name != GAP
        }
        said = {f.name: (f.metadata or {}) for f in schema}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordingError(f"{path} is damaged, or no Parquet file: {error!s:.120}") from error
    except Exception as error:  # pyarrow has errors of its own for damaged pages
        raise RecordingError(f"{path} is damaged: {error!s:.120}") from error
    is_simulated = bool(about.get("is_simulated"))
    stated = about.get("rate_hz")
    base = _parquet_time(table.pop(TIME, None), stated, told_hz, path)
    from emgrig.reading.recording import signal
    from emgrig.reading.units import said_in

    signals: list[Signal] = []
    for i, name in enumerate(table, 1):
        unit = said[name].get(b"unit", b"").decode(errors="replace")
        bare, in_name = said_in(name)
        full = said[name].get(b"name", b"").decode(errors="replace") or bare
        signals.append(signal(full, unit or in_name, f"column {i} {name!r}"))
    if not signals:
        raise RecordingError(f"{path} has no column of numbers besides the time")
    unique, remarks = with_names(signals)
    columns = list(table.values())
    return Recording(
        path=path,
        source="Parquet of emgrig" if about else "Parquet",
        signals=unique,
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=base.runs,
        column=lambda i: columns[i],
        remarks=(*([SIMULATED] if is_simulated else []), *remarks, *base.remarks),
        is_simulated=is_simulated,
    )


def _parquet_time(
    time_s: np.ndarray | None, stated: object, told_hz: float | None, path: Path
) -> TimeBase:
    is_number = isinstance(stated, int | float) and 0 < stated < 1e7
    known = agree((float(stated), "its metadata") if is_number else None, told_hz)  # type: ignore[arg-type]
    if time_s is not None:
        return from_times(time_s, known)
    if known is None:
        raise RateNotSaid(f"{path} has no column {TIME} and no rate; give it (--rate)")
    raise RecordingError(f"{path} has no column {TIME}")
