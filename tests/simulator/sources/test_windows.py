"""Weighted sums of consecutive coefficients, against scipy's sparse product."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from emgrig.simulator.sources.windows import window_sums

N = 512
BEGINS: dict[str, Callable[[], NDArray[np.int64]]] = {
    "even": lambda: 4 * np.arange(N),
    "all at one place": lambda: np.zeros(N, np.int64),
    "a slip here and there": lambda: np.floor(2.013 * np.arange(N) + 0.4).astype(np.int64),
    "a slip at both ends": lambda: np.r_[0, 3 + 2 * np.arange(N - 2), 2 * N],
    "slower than the coefficients": lambda: np.arange(N) // 4,
    "never even": lambda: np.cumsum(np.random.default_rng(3).integers(0, 9, N)),
    "one row": lambda: np.array([5]),
    "two rows": lambda: np.array([0, 70]),
}


@pytest.mark.parametrize("name", BEGINS)
@pytest.mark.parametrize("width", [1, 10])
@pytest.mark.parametrize("n_columns", [1, 8, 16])
def test_they_are_those_of_a_sparse_product(name: str, width: int, n_columns: int) -> None:
    begins = BEGINS[name]().astype(np.int64)
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((len(begins), width))
    # the last window ends where the coefficients end
    coefficients = rng.standard_normal((int(begins[-1]) + width, n_columns))
    index = (begins[:, None] + np.arange(width)).reshape(-1)
    rows = np.arange(0, weights.size + 1, width)
    shape = (len(begins), len(coefficients))
    expected = csr_array((weights.reshape(-1), index, rows), shape=shape) @ coefficients
    np.testing.assert_allclose(
        window_sums(coefficients, begins, weights), expected, rtol=0, atol=1e-13
    )


def test_what_it_is_given_may_lie_within_something_larger() -> None:
    whole = np.random.default_rng(2).standard_normal((300, 8))
    begins, weights = 2 * np.arange(100), np.ones((100, 5))
    found = window_sums(whole[40:], begins, weights)
    np.testing.assert_allclose(found[7], whole[54:59].sum(axis=0), atol=1e-13)
