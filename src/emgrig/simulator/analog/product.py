"""Products of many rows: with a matrix, not depending on the machine; and with a row, quickly."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

# OpenBLAS starts threads above 4 * 65536 multiplications (its interface/gemm.c).
_MOST_MULTIPLICATIONS = 4 * 65536
_SIDE_BY_SIDE = 16  # rows

_Number = TypeVar("_Number", np.float32, np.float64)


def product(tall: NDArray[np.float64], small: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``tall @ small``, some rows at a time.

    BLAS spreads large products over all cores. For the many middling ones here that is slow where
    cores are shared, and it could make the last bit depend on the number of cores.
    """
    result = np.empty((tall.shape[0], small.shape[1]))
    rows = max(1, _MOST_MULTIPLICATIONS // small.size)
    for begin in range(0, len(tall), rows):
        np.matmul(tall[begin : begin + rows], small, out=result[begin : begin + rows])
    return result


def times_row(rows: NDArray[_Number], row: NDArray[_Number]) -> None:
    """Do ``rows *= row``; a few rows side by side go through quicker than each by itself."""
    if len(rows) % _SIDE_BY_SIDE or not rows.flags.c_contiguous:
        rows *= row
    else:
        wide = rows.reshape(-1, _SIDE_BY_SIDE * len(row))
        wide *= np.concatenate((row,) * _SIDE_BY_SIDE)
