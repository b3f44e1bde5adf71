"""Weighted sums of consecutive coefficients, each row of weights on a stretch of its own.

A sparse product does the same; this needs no scipy.sparse, which takes a tenth of a second to
import, and a quarter less time.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FEW_ROWS: Final = 32  # between two that lie unevenly; with fewer, all are copied


def window_sums(
    coefficients: NDArray[np.float64], begins: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return, for each row, the weighted sum of `width` coefficients from its `begins` on.

    Parameters
    ----------
    coefficients : ndarray, shape (n_coefficients, n_columns)
        Contiguous.
    begins : ndarray of int64, shape (n,)
        Does not fall; the last is at most ``n_coefficients - width``.
    weights : ndarray, shape (n, width)

    Returns
    -------
    ndarray, shape (n, n_columns)
    """
    n, width = weights.shape
    rows = weights[:, None]
    n_columns = coefficients.shape[1]
    sums = np.empty((n, 1, n_columns))
    step = round(int(begins[-1] - begins[0]) / max(n - 1, 1))
    uneven = np.flatnonzero(np.diff(begins) != step)
    if len(uneven) * _FEW_ROWS > n:
        np.matmul(rows, coefficients[begins[:, None] + np.arange(width)], out=sums)
        return sums[:, 0]
    along, across = coefficients.strides
    for begin, end in pairwise((0, *(uneven + 1).tolist(), n)):
        # rows that lie evenly, without a copy
        seen: NDArray[np.float64] = np.ndarray(
            (end - begin, width, n_columns),
            np.float64,
            coefficients,
            int(begins[begin]) * along,
            (step * along, along, across),
        )
        np.matmul(rows[begin:end], seen, out=sums[begin:end])
    return sums[:, 0]
