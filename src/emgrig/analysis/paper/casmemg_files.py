"""The layout of a CASMEMG recording: one .mat file, at least 8 columns, 1000 Hz, uV."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
from scipy import io

from emgrig.analysis.signal.filters import Floats, as_columns
from emgrig.errors import MissingExtra
from emgrig.extras import require
from emgrig.files import whole_file

RATE_HZ = 1000.0
_N_COLUMNS = 8


def read_casmemg_mat(path: str | Path) -> Floats:
    """Read the EMG of a recording.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_columns)
        Columns as in the file, at least 8; the first 7 are the paper's channels.

    Raises
    ------
    ValueError
        If the file holds no matrix or MATLAB *table* of at least 8 numeric columns, or several;
        or a table or a file of MATLAB 7.3, and the extra that reads them is not installed.
    OSError
        If it cannot be read.
    """
    Path(path).stat()  # scipy hides that a file is missing
    try:
        content = io.loadmat(path)
    except NotImplementedError:  # MATLAB 7.3, which scipy does not read
        return _read_table(path)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no .mat file: {error}") from error
    arrays = {k: np.asarray(v) for k, v in content.items() if not k.startswith("__")}
    fitting = {
        name: array
        for name, array in arrays.items()
        if array.ndim == 2 and array.dtype.kind in "fiu" and array.shape[1] >= _N_COLUMNS
    }
    if len(fitting) == 1:
        return fitting.popitem()[1].astype(np.float64)
    if fitting:
        raise ValueError(
            f"{path} holds {len(fitting)} matrices ({', '.join(fitting)}); one was expected"
        )
    if "None" in arrays or "__function_workspace__" in content:
        return _read_table(path)
    raise ValueError(f"{path} holds no numeric matrix of at least {_N_COLUMNS} columns")


def _read_table(path: str | Path) -> Floats:
    """Read the one table or matrix of at least 8 numeric columns, where scipy cannot."""
    found = []
    for name, value in _matio(path).load_from_mat(str(path)).items():
        columns = value.select_dtypes("number") if hasattr(value, "select_dtypes") else value
        array = np.asarray(columns)
        is_numeric = array.ndim == 2 and array.dtype.kind in "fiu"
        if is_numeric and array.shape[1] >= _N_COLUMNS and not name.startswith("__"):
            found.append(array.astype(np.float64))
    if len(found) != 1:
        raise ValueError(
            f"{path} holds {len(found)} tables or matrices of at least {_N_COLUMNS} numeric "
            "columns; one was expected"
        )
    return found[0]


def _matio(path: str | Path) -> ModuleType:
    """Import what takes MATLAB tables apart."""
    try:
        return require("matio", "matlab", f"{path}, a MATLAB table or 7.3 file,")
    except MissingExtra as error:
        raise MissingExtra(
            f"{error}; or in MATLAB: data = table2array(T(:, 1:8)); save('FILE.mat', 'data', '-v7')"
        ) from error


def write_casmemg_mat(path: str | Path, samples_uv: Floats, *, as_table: bool = False) -> None:
    """Write a recording of up to 8 channels at 1000 Hz; missing columns are filled with 0.

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
    with whole_file(Path(path)) as unfinished:
        if not as_table:
            io.savemat(unfinished, {"data": matrix}, appendmat=False, do_compression=True)
            return
        matio = _matio(path)
        names = [f"c{n}" for n in range(1, _N_COLUMNS + 1)]
        table = importlib.import_module("pandas").DataFrame(matrix, columns=names)
        matio.save_to_mat(str(unfinished), {"data": table}, version="v7")
