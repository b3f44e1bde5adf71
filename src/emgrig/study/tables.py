"""The rows of a study as Parquet: one table of events, one of recordings."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from emgrig.extras import require
from emgrig.files import make_folder, whole_file
from emgrig.study.recording import Result
from emgrig.study.rows import EventRow, RecordingRow
from emgrig.version import __version__

EVENTS, RECORDINGS = "events.parquet", "recordings.parquet"
_WHAT = {
    "onset_s": "s", "offset_s": "s", "duration_ms": "ms", "peak_uv": "uV", "rest_uv": "uV",
    "mvc_uv": "uV", "mvc_percent": "percent", "iemg_ms": "ms", "since_clip_s": "s",
    "key_after_s": "s", "rate_hz": "Hz", "duration_s": "s", "lost_percent": "percent",
    "longest_gap_ms": "ms", "rate_ppm": "ppm", "film_ppm": "ppm", "film_begin_s": "s",
    "film_residual_ms": "ms", "impedance_kohm_median": "kOhm", "impedance_kohm_max": "kOhm",
    "mains_db": "dB", "onset_error_ms": "ms", "offset_error_ms": "ms",
}  # fmt: skip


def check_parquet() -> None:
    """Raise MissingExtra if Parquet cannot be written."""
    require("pyarrow.parquet", "parquet", "emgrig study run")


def write_tables(folder: Path, results: Sequence[Result]) -> list[Path]:
    """Write both tables; what is not known is null, unit and version are in the metadata.

    MVC, rest and agreement of a recording are columns mvc_uv_NAME, rest_uv_NAME, agree_NAME.
    """
    make_folder(folder)
    events = [asdict(one) for result in results for one in result.events]
    recordings = [_flat(asdict(result.recording)) for result in results]
    paths = [folder / EVENTS, folder / RECORDINGS]
    _write(paths[0], events, {f.name: f.type for f in fields(EventRow)})
    _write(paths[1], recordings, {f.name: f.type for f in fields(RecordingRow)})
    return paths


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in row.items():
        if key in ("mvc_uv", "rest_uv", "agree"):
            out |= {f"{key}_{name}": one for name, one in (value or {}).items()}
        else:
            out[key] = value
    return out


def _write(path: Path, rows: Sequence[dict[str, Any]], kinds: dict[str, Any]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    nested = ("mvc_uv", "rest_uv", "agree") if "agree" in kinds else ()
    names = [name for name in kinds if name not in nested]
    names += sorted({key for row in rows for key in row} - set(names))
    columns, schema = [], []
    for name in names:
        kind = _arrow(pa, kinds.get(name, int if name.startswith("agree_") else float))
        values = pa.array([_known(row.get(name)) for row in rows], type=kind)
        unit = _WHAT.get(name) or ("uV" if name.startswith(("mvc_uv_", "rest_uv_")) else "")
        columns.append(values)
        schema.append(pa.field(name, kind, metadata={"unit": unit} if unit else None))
    about = {"emgrig_study": json.dumps({"version": __version__, "rows": len(rows)})}
    table = pa.Table.from_arrays(columns, schema=pa.schema(schema, metadata=about))
    with whole_file(path) as unfinished:
        parquet.write_table(table, unfinished, compression="zstd")


def _arrow(pa: Any, kind: Any) -> Any:
    plain = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return plain.get(kind, pa.int64())  # the only other one is a rating that may be missing


def _known(value: Any) -> Any:
    return None if value != value else value
