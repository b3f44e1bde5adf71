"""Columns of lowest and highest samples, against numpy over the samples themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.view.pyramid import BASE, BLOCK, WIDTHS, Columns, Pyramid, column_width, reduced
from view import made


def directly(x: np.ndarray, columns: Columns) -> None:
    """Hold columns against each one's samples: infinity stands for what is missing."""
    n, width = columns.low.shape[1], columns.width
    assert columns.first + (n - 1) * width < x.shape[1]
    part = np.full((len(x), n * width), np.nan, np.float32)
    there = x[:, columns.first : columns.first + n * width]
    part[:, : there.shape[1]] = there
    table = part.reshape(len(x), n, width)
    is_known = np.isfinite(table)
    lowest = np.where(is_known, table, np.inf).min(axis=2)
    highest = np.where(is_known, table, -np.inf).max(axis=2)
    np.testing.assert_array_equal(columns.low, np.where(np.isinf(lowest), np.nan, lowest))
    np.testing.assert_array_equal(columns.high, np.where(np.isinf(highest), np.nan, highest))
    n_there = np.minimum(width, there.shape[1] - width * np.arange(n))
    np.testing.assert_array_equal(columns.holes, is_known.sum(axis=2) < n_there)


def filled(x: np.ndarray) -> Pyramid:
    pyramid = Pyramid(*x.shape)
    for begin in range(0, x.shape[1], BLOCK):
        pyramid.add(x[:, begin : begin + BLOCK])
    return pyramid


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 63, BLOCK, BLOCK + 1, 3 * BLOCK - 777])
def test_every_level_holds_the_lowest_and_the_highest_sample(n: int) -> None:
    x = made.holed(made.table(n), [(0, n // 2, n // 2 + 9), (-1, n // 4, n // 4 + 400)])
    pyramid = filled(x)
    assert pyramid.n_done == n
    for width in (*WIDTHS, 3 * BASE, 6 * WIDTHS[2]):
        columns = pyramid.columns(0, 10**6, width, [0, 1])
        assert columns.low.shape[1] == -(-n // width)
        directly(x, columns)


@pytest.mark.slow
@given(
    st.integers(1, 300),
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 299), st.integers(1, 60)), max_size=4),
)
def test_samples_are_reduced_as_they_lie(
    n: int, width: int, holes: list[tuple[int, int, int]]
) -> None:
    x = made.holed(made.table(n), [(c, a, a + lasts) for c, a, lasts in holes])
    directly(x, Columns(0, width, *reduced(x, width)))


@pytest.mark.slow
@given(st.floats(1, 1e9), st.integers(1, 4000))
def test_columns_are_at_most_as_many_as_asked_for_and_not_few(span: float, n: int) -> None:
    width = column_width(span, n)
    assert span / width <= n
    assert width == 1 or span / width > n / 2 - 1
    assert width < 2 * BASE or any(width % one == 0 for one in WIDTHS)


def test_levels_that_are_filled_from_the_narrowest_are_the_same() -> None:
    x = made.holed(made.table(2 * BLOCK + 555), [(1, 5, 70_000)])
    whole, kept = filled(x), {}

    def store(name: str, shape: tuple[int, ...], kind: type) -> np.ndarray:
        kept[name] = np.zeros(shape, kind)
        return kept[name]

    again = Pyramid(*x.shape, store)
    fine = whole.columns(0, 10**6, BASE, [0, 1])
    for name, plane in (("low", fine.low), ("high", fine.high), ("holes", fine.holes)):
        kept[name][:] = plane
    again.fill_coarse()
    for width in WIDTHS:
        one, other = (p.columns(0, 10**6, width, [0, 1]) for p in (whole, again))
        np.testing.assert_array_equal(one.low, other.low)
        np.testing.assert_array_equal(one.high, other.high)
        np.testing.assert_array_equal(one.holes, other.holes)


def test_while_it_is_filled_what_is_there_can_be_seen() -> None:
    x = made.table(2 * BLOCK + 100)
    pyramid = Pyramid(*x.shape)
    assert pyramid.columns(0, 50, 256, [0]).low.shape == (1, 0)
    pyramid.add(x[:, :BLOCK])
    columns = pyramid.columns(BLOCK - 1024, 50, 256, [1])
    assert columns.low.shape == (1, 4)
    assert columns.high[0, -1] == x[1, BLOCK - 256 : BLOCK].astype(np.float32).max()


def test_samples_that_do_not_follow_are_refused() -> None:
    pyramid = Pyramid(1, BLOCK + 5)
    with pytest.raises(ValueError, match="7 samples behind 0"):
        pyramid.add(np.zeros((1, 7)))
    with pytest.raises(ValueError, match="samples behind"):
        pyramid.add(np.zeros((1, 2 * BLOCK)))
