"""The layout of a CASMEMG recording: one .mat file, 8 or 11 columns, 1000 Hz, uV."""

import importlib
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats, as_columns
from emgrig.extras import require
from emgrig.files import whole_file

RATE_HZ = 1000.0
_N_COLUMNS = 8
_PACKET = 16  # frames; the tube counts one up with every second packet
_MORE = ("order", "time", "sync")


def write_casmemg_mat(
    path: str | Path,
    samples_uv: Floats,
    *,
    as_table: bool = False,
    is_lost: NDArray[np.bool_] | None = None,
) -> None:
    """Write a recording of up to 8 channels at 1000 Hz; missing columns are filled with 0.

    With `is_lost`, shape (n_samples,), it has the 11 columns of the authors' newer files: then come
    the sample's number in its packet, 1 to 16, or -1 where it was lost; time, s; the tube's count.

    The published scripts call ``table2array`` on what they load. With `as_table` the file holds a
    MATLAB table, as they expect; that needs the extra ``emgrig[matlab]``. Without it the file holds
    a matrix, ``data``.

    Raises
    ------
    ValueError
        If there are more than 8 channels, or a gap: the published code cannot take NaN. If a table
        is wanted and the extra is not installed.
    RecordingError
        If the file cannot be written.
    """
    columns = as_columns(samples_uv)
    n_samples, n_channels = columns.shape
    if n_channels > _N_COLUMNS:
        raise ValueError(f"{n_channels} channels do not fit in the layout's {_N_COLUMNS}")
    if not np.isfinite(columns).all():
        raise ValueError(
            "the recording holds a gap, which the published code cannot take; cut it out first"
        )
    matrix = np.zeros((n_samples, _N_COLUMNS))
    matrix[:, :n_channels] = columns
    if is_lost is not None:
        row = np.arange(n_samples)
        order = np.where(is_lost, -1, row % _PACKET + 1)
        matrix = np.column_stack([matrix, order, row / RATE_HZ, row // (2 * _PACKET)])
    with whole_file(Path(path)) as unfinished:
        if not as_table:
            scipy.io.savemat(unfinished, {"data": matrix}, appendmat=False, do_compression=True)
            return
        matio = require("matio", "matlab", "a MATLAB table")
        names = [f"c{n}" for n in range(1, _N_COLUMNS + 1)]
        names += _MORE if is_lost is not None else ()
        table = importlib.import_module("pandas").DataFrame(matrix, columns=names)
        matio.save_to_mat(str(unfinished), {"data": table}, version="v7")
