"""The layout of a CASMEMG recording: one .mat file, at least 8 columns, 1000 Hz, uV."""

from pathlib import Path

import numpy as np
from scipy import io

from emgrig.analysis.filters import Floats, as_columns

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
        If the file holds a MATLAB *table*, which only MATLAB can take apart, or no numeric matrix
        of at least 8 columns, or several.
    OSError
        If it cannot be read.
    """
    Path(path).stat()  # scipy hides that a file is missing
    try:
        content = io.loadmat(path)
    except NotImplementedError as error:
        msg = f"{path} is a MATLAB 7.3 file; save it with -v7"
        raise ValueError(msg) from error
    except (ValueError, TypeError) as error:
        msg = f"{path} is no .mat file: {error}"
        raise ValueError(msg) from error
    arrays = {k: np.asarray(v) for k, v in content.items() if not k.startswith("__")}
    fitting = {
        name: array
        for name, array in arrays.items()
        if array.ndim == 2 and array.dtype.kind in "fiu" and array.shape[1] >= _N_COLUMNS
    }
    if len(fitting) == 1:
        return fitting.popitem()[1].astype(np.float64)
    if fitting:
        msg = f"{path} holds {len(fitting)} matrices ({', '.join(fitting)}); one was expected"
        raise ValueError(msg)
    if "None" in arrays or "__function_workspace__" in content:
        msg = (
            f"{path} holds a MATLAB table; in MATLAB: "
            "data = table2array(T(:, 1:8)); save('FILE.mat', 'data', '-v7')"
        )
        raise ValueError(msg)
    msg = f"{path} holds no numeric matrix of at least {_N_COLUMNS} columns"
    raise ValueError(msg)


def write_casmemg_mat(path: str | Path, samples_uv: Floats) -> None:
    """Write a recording of up to 8 channels at 1000 Hz; missing columns are filled with 0.

    The published scripts call ``table2array`` on what they load; in MATLAB, turn the matrix into a
    table first: ``T = array2table(data)``.

    Raises
    ------
    ValueError
        If there are more than 8 channels, or a gap: the published code cannot take NaN.
    """
    columns = as_columns(samples_uv)
    n_samples, n_channels = columns.shape
    if n_channels > _N_COLUMNS:
        msg = f"{n_channels} channels do not fit in the layout's {_N_COLUMNS}"
        raise ValueError(msg)
    if not np.isfinite(columns).all():
        msg = "the recording holds a gap, which the published code cannot take; cut it out first"
        raise ValueError(msg)
    matrix = np.zeros((n_samples, _N_COLUMNS))
    matrix[:, :n_channels] = columns
    io.savemat(path, {"data": matrix}, appendmat=False, do_compression=True)
