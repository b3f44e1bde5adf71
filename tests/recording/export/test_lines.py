"""Numbers as text: byte for byte what Python's own formatting gives."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emgrig.recording.export.lines import lines


def by_python(columns: list[np.ndarray], decimals: list[int]) -> bytes:
    rows = zip(*(column.tolist() for column in columns), strict=True)
    texts = (
        ",".join(f"{x:.{places}f}" for places, x in zip(decimals, row, strict=True)) for row in rows
    )
    return "".join(f"{text}\n" for text in texts).encode()


#: Halves that a double holds, halves that it is just beside, zeros with a sign, and sizes.
HARD = [
    0.0, -0.0, 0.5, 1.5, -2.5, 0.0005, 0.0015, -0.0025, 1.0005, 0.125, 2.675, -1e-9, 9.9996,
    999.9995, 187500.0, -187499.9995, 4294967.2955, 2**31 / 1000, 1e8, 2.0**52 / 1000, float("nan"),
]  # fmt: skip


@pytest.mark.parametrize("places", [0, 1, 2, 3, 6, 9])
def test_hard_numbers_are_rounded_as_python_does(places: int) -> None:
    columns = [np.array(HARD), -np.array(HARD)[::-1]]
    assert b"".join(lines(columns, [places, 3])) == by_python(columns, [places, 3])


def test_ties_to_which_a_product_rounds_are_told_by_all_digits() -> None:
    """Times 1000, x rounds to a half though x lies beside it, and the other way round."""
    near = np.arange(1, 40_000, 2) / 2000
    beside = np.concatenate([near, np.nextafter(near, 0), np.nextafter(near, 99)])
    assert b"".join(lines([beside], [3])) == by_python([beside], [3])


@pytest.mark.parametrize("large", [1e20, float("inf"), -float("inf"), 2.0**60])
def test_what_is_too_large_for_whole_numbers_is_written_too(large: float) -> None:
    columns = [np.array([1.25, large, float("nan")]), np.array([1.0, 2.0, 3.0])]
    assert b"".join(lines(columns, [3, 0])) == by_python(columns, [3, 0])


def test_more_rows_than_are_made_at_a_time() -> None:
    rng = np.random.default_rng(1)
    columns = [np.arange(10_001) / 512.5, rng.normal(0, 2e4, 10_001), rng.random(10_001).round()]
    columns[1][[0, 4095, 4096, 10_000]] = np.nan
    assert b"".join(lines(columns, [6, 4, 0])) == by_python(columns, [6, 4, 0])


@given(
    st.lists(st.floats(-1e13, 1e13) | st.just(float("nan")), min_size=1, max_size=50),
    st.integers(0, 8),
)
@example([0.5], 0)
def test_any_numbers(values: list[float], places: int) -> None:
    column = np.array(values)
    assert b"".join(lines([column], [places])) == by_python([column], [places])
