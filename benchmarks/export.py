"""`export` of half an hour beside what the same bytes need: ``python -m benchmarks.export``.

Parquet beside pyarrow, which has the columns in memory and writes the same file; a BIDS data set
beside a copy of the BDF+ file; CSV beside polars, which has them in memory too and writes so many
decimals (the extra ``benchmark``; skipped, with a line that says so, without it). Processor time of
all threads, the median of three, of the copies 21, run in turn.
"""

import importlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from benchmarks._figures import figure
from benchmarks._recorded import recorded
from benchmarks._timing import seconds_in_turn
from emgrig.recording.export import tables
from emgrig.recording.export.bids import BidsOptions, export_bids
from emgrig.recording.export.source import BLOCK_SAMPLES, Part, open_parts

MINUTES = 30.0
GOAL = 1.5


def in_turn(*functions: Callable[[], object], rounds: int = 3) -> list[float]:
    """Return processor times, s."""
    return seconds_in_turn(*functions, rounds=rounds, clock=time.process_time)


def told(what: str, ours_s: float, name: str, bare_s: float) -> None:
    """Print and keep a row."""
    print(f"  {what}: {ours_s:.3f} s, {name} {bare_s:.3f} s of processor time")
    figure(f"export to {what} / {name}", ours_s / bare_s, at_most=GOAL)


def to_parquet(part: Part, folder: Path) -> pa.Table:
    """Measure Parquet; return its table."""
    ours, bare = folder / "ours.parquet", folder / "bare.parquet"
    tables.write_parquet(part, ours)
    table = parquet.read_table(ours)
    in_record = table.num_rows // (60 * MINUTES * 10)
    batches = table.to_batches(max_chunksize=int(BLOCK_SAMPLES // in_record * in_record))

    def pyarrow_alone() -> None:
        with parquet.ParquetWriter(bare, table.schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)

    ours_s, bare_s = in_turn(lambda: tables.write_parquet(part, ours), pyarrow_alone)
    apart = abs(bare.stat().st_size / ours.stat().st_size - 1)
    assert apart < 0.01, f"the files differ by {apart:.1%}"
    told("Parquet", ours_s, "pyarrow", bare_s)
    return table


def to_bids(part: Part, path: Path, folder: Path) -> None:
    """Measure a BIDS data set."""
    root, options = folder / "bids", BidsOptions(subject="01", task="faces")

    def ours() -> None:
        shutil.rmtree(root, ignore_errors=True)
        export_bids([part], root, options)

    def copy() -> None:
        (folder / "copy.bdf").unlink(missing_ok=True)
        shutil.copyfile(path, folder / "copy.bdf")

    ours_s, copy_s = in_turn(ours, copy, rounds=21)  # of 20 ms each
    told("BIDS", ours_s, "a copy of the file", copy_s)


def to_csv(part: Part, table: pa.Table, folder: Path) -> None:
    """Measure CSV."""
    try:
        polars: Any = importlib.import_module("polars")
    except ImportError:
        print("  CSV: skipped, no figure: polars is not installed (pip install '.[benchmark]')")
        return
    frame = polars.from_arrow(table)
    frame = frame.with_columns(polars.col(tables.GAP).cast(polars.Int8)).fill_null(float("nan"))
    places = tables.csv_decimals(part)
    ours_s, polars_s = in_turn(
        lambda: tables.write_csv(part, folder / "ours.csv"),
        lambda: frame.write_csv(folder / "polars.csv", float_precision=places),
    )
    told("CSV", ours_s, "polars", polars_s)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = recorded(folder, MINUTES)
        (part,) = open_parts([path])
        print(f"export: {MINUTES:g} minutes, {path.stat().st_size / 1e6:.0f} MB of BDF+")
        table = to_parquet(part, folder)
        to_bids(part, path, folder)
        to_csv(part, table, folder)


if __name__ == "__main__":
    main()
