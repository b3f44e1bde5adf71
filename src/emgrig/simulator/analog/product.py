"""Matrix products that do not depend on the machine."""

import numpy as np
from numpy.typing import NDArray

# OpenBLAS starts threads above 4 * 65536 multiplications (its interface/gemm.c).
_MOST_MULTIPLICATIONS = 4 * 65536


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
