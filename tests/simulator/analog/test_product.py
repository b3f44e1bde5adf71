"""Products of many rows: the same bits, however they are gone through."""

import numpy as np
import pytest

from emgrig.simulator.analog.product import times_row


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [0, 1, 15, 16, 48, 100])
@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_rows_times_a_row(n_rows, n_channels, dtype):
    rng = np.random.default_rng(n_rows)
    rows = rng.normal(size=(n_rows, n_channels)).astype(dtype)
    row = rng.normal(size=n_channels).astype(dtype)
    expected = rows * row
    times_row(rows, row)
    assert np.array_equal(rows, expected)


def test_rows_with_gaps_between_them():
    whole = np.arange(256.0).reshape(16, 16)
    expected = whole[:, :8] * np.arange(8.0)
    times_row(whole[:, :8], np.arange(8.0))
    assert np.array_equal(whole[:, :8], expected)
    assert np.array_equal(whole[:, 8:], np.arange(256.0).reshape(16, 16)[:, 8:])
