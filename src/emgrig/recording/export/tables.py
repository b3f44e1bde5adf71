"""The samples as a table, one row a sample: CSV, and Parquet with what belongs to it.

Values are µV in double precision, as every reader of the BDF+ file computes them: single precision
has 24 bits, as many as a code, and after scaling is wrong by up to half a code.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emgrig.extras import require
from emgrig.files import whole_file
from emgrig.recording.export.formats import Export
from emgrig.recording.export.lines import lines
from emgrig.recording.export.source import Block, Part
from emgrig.recording.export.staging import Tell, quiet

if TYPE_CHECKING:
    import pyarrow as pa

TIME, GAP = "time_s", "is_gap"
#: Last column of a CSV file of a simulated board, 1 in every row; Parquet has it in its metadata.
SIMULATED = "is_simulated"
#: 1 µs; the shortest data period of the chip is 62.5 µs.
_TIME_DECIMALS = 6


def columns(part: Part) -> tuple[str, ...]:
    """Name the columns of the channels: name and unit, in letters, digits and underscores."""
    plain = [re.sub(r"\W+", "_", channel.name).strip("_") for channel in part.channels]
    often = Counter(plain)
    return tuple(
        f"{name if name and often[name] == 1 else f'{name}_{channel.number}'.lstrip('_')}_uV"
        for name, channel in zip(plain, part.channels, strict=True)
    )


def csv_decimals(part: Part) -> int:
    """Decimals of a value in µV that give each code back: the last is a tenth of a code or less."""
    return max(math.ceil(1 - math.log10(channel.scale_uv)) for channel in part.channels)


def write_csv(part: Part, path: Path, tell: Tell = quiet) -> None:
    """Write a recording as CSV, in bounded memory.

    A head, then a row for each sample: time in s from the first sample, a value in µV for each
    channel, and whether it lies in a gap (1, and the values are ``nan``).

    Raises
    ------
    RecordingError
        If the file cannot be written; nothing is left of it.
    """
    mark = (SIMULATED,) if part.is_simulated else ()
    decimals = [_TIME_DECIMALS, *[csv_decimals(part)] * len(part.channels), 0, *[0] * len(mark)]
    with whole_file(path) as unfinished, unfinished.open("xb") as file:
        file.write((",".join((TIME, *columns(part), GAP, *mark)) + "\n").encode())

        def put(block: Block, time_s: np.ndarray) -> None:
            ones = [np.ones(len(block.is_gap))] * len(mark)
            table = [time_s, *block.samples_uv.T, block.is_gap.astype(np.float64), *ones]
            file.writelines(lines(table, decimals))

        _each_block(part, put, tell)


def write_parquet(part: Part, path: Path, tell: Tell = quiet) -> None:
    """Write a recording as Parquet, a row group for each 32768 samples or so.

    The columns are those of the CSV file; values in a gap are null. The schema's metadata has
    "emgrig" (rate, start, board: JSON) and "emgrig_sidecar" (the whole sidecar); the fields have
    unit, channel and name.

    Raises
    ------
    MissingExtra
        If pyarrow is not installed.
    RecordingError
        If the file cannot be written; nothing is left of it.
    """
    _check_parquet(part)
    import pyarrow as pa
    from pyarrow import parquet

    schema = _parquet_schema(part)
    numbers = [*range(len(part.channels))]
    with (
        whole_file(path) as unfinished,
        parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):

        def put(block: Block, time_s: np.ndarray) -> None:
            mask = block.is_gap if block.is_gap.any() else None  # one of nothing costs as much
            values = [pa.array(block.samples_uv[:, i], mask=mask) for i in numbers]
            arrays = [pa.array(time_s), *values, pa.array(block.is_gap)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))

        _each_block(part, put, tell)


def _parquet_schema(part: Part) -> "pa.Schema":
    import pyarrow as pa

    fields = [pa.field(TIME, pa.float64(), nullable=False, metadata={"unit": "s"})]
    for name, channel in zip(columns(part), part.channels, strict=True):
        said = {"unit": "uV", "channel": str(channel.number), "name": channel.name}
        fields.append(pa.field(name, pa.float64(), metadata=said))
    fields.append(pa.field(GAP, pa.bool_(), nullable=False))
    about = {
        "rate_hz": part.rate_hz,
        "start_utc": part.start.isoformat(),
        "serial_number": part.section("board")["serial_number"],
        "is_simulated": part.is_simulated,
        "unit": "uV",
    }
    metadata = {"emgrig": json.dumps(about), "emgrig_sidecar": json.dumps(part.sidecar)}
    return pa.schema(fields, metadata=metadata)


def _each_block(part: Part, put: Callable[[Block, np.ndarray], None], tell: Tell) -> None:
    """Hand over each block with the times of its samples, s."""
    for block in part.blocks():
        n_samples = len(block.is_gap)
        put(block, np.arange(block.first, block.first + n_samples) / part.rate_hz)
        tell((block.first + n_samples) / part.n_samples)


def _check_parquet(_part: Part) -> str:
    require("pyarrow", "parquet", "Parquet")
    return ""


CSV = Export(write_csv)
PARQUET = Export(write_parquet, _check_parquet)
