"""Rows of numbers as text, many at a time: each to so many decimals, as ``"%.3f" % x`` has it.

A value becomes a whole number of its last decimal, and that its digits, a column of digits at a
time; a byte of zero is where a shorter number has none, and those are left out in the end.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Octets = NDArray[np.uint8]

#: Rows that are made at a time: they stay in the cache.
_ROWS = 4096
#: A product has at most half a bit of error, so that it may be on the wrong side of a half.
_NEAR = 2.0**-51
#: Whole numbers up to there are told from their halves.
_MOST = 2.0**50
_ZERO, _MINUS, _POINT, _COMMA, _END = b"0-.,\n"


def lines(columns: Sequence[Floats], decimals: Sequence[int]) -> Iterator[bytes]:
    """Give the lines of a table, values with commas between them, some thousand lines at a time.

    Parameters
    ----------
    columns : sequence of ndarray of float64, shape (n_rows,)
        Values; NaN is ``nan``.
    decimals : sequence of int, 0 or more
        Of each column.
    """
    for begin in range(0, len(columns[0]), _ROWS):
        yield _lines([column[begin : begin + _ROWS] for column in columns], decimals)


def _lines(columns: Sequence[Floats], decimals: Sequence[int]) -> bytes:
    fields = []
    for column, places in zip(columns, decimals, strict=True):
        whole = _whole(column, places)
        if whole is None:
            return _one_by_one(columns, decimals)
        fields.append((column, places, whole, max(len(str(int(whole.max()))), places + 1)))
    # Sign, digits, point if there is one, and what ends it; nan needs three.
    widths = [max(1 + n_digits + (places > 0), 3) + 1 for _, places, _, n_digits in fields]
    octets = np.zeros((sum(widths), len(columns[0])), np.uint8)
    at = 0
    for (column, places, whole, n_digits), width in zip(fields, widths, strict=True):
        _write(octets[at : at + width], column, places, whole, n_digits)
        at += width
    octets[-1] = _END
    return np.ascontiguousarray(octets.T).tobytes().translate(None, b"\0")


def _whole(x: Floats, places: int) -> NDArray[np.unsignedinteger] | None:
    """Return the values in units of the last decimal, without sign; 0 for NaN; None if too large.

    Rounded as the exact value of the double is: near a half by Python, which has all its digits.
    """
    scaled = np.abs(x) * 10.0**places
    np.copyto(scaled, 0.0, where=np.isnan(x))
    top = float(scaled.max())
    if not top < _MOST:
        return None
    whole = np.rint(scaled)
    doubt = np.flatnonzero(np.abs(scaled - whole) >= 0.5 - _NEAR * scaled)
    for row in doubt.tolist():
        whole[row] = float(f"{abs(x[row]):.{places}f}".replace(".", ""))
    return whole.astype(np.uint32 if top < 1 << 31 else np.uint64)


def _write(
    octets: Octets, x: Floats, places: int, whole: NDArray[np.unsignedinteger], n_digits: int
) -> None:
    """Write a column, shape (width, n_rows): sign, digits with a point among them, and a comma."""
    octets[0] = np.signbit(x) * np.uint8(_MINUS)
    at = n_digits + (places > 0)
    left, tens = whole, np.empty_like(whole)
    for digit in range(n_digits):
        if digit == places and places:
            octets[at] = _POINT
            at -= 1
        np.floor_divide(left, 10, out=tens)
        octets[at] = left - tens * 10
        octets[at] += _ZERO
        if digit > places:  # none ahead of the first that counts
            octets[at] *= left != 0
        at -= 1
        left, tens = tens, np.empty_like(whole) if left is whole else left
    nothing = np.isnan(x)
    if nothing.any():
        octets[:, nothing] = 0
        octets[:3, nothing] = np.frombuffer(b"nan", np.uint8)[:, np.newaxis]
    octets[-1] = _COMMA


def _one_by_one(columns: Sequence[Floats], decimals: Sequence[int]) -> bytes:
    row = ",".join(f"%.{places}f" for places in decimals) + "\n"
    values = np.column_stack(columns).tolist()
    return "".join(row % tuple(value) for value in values).encode()
