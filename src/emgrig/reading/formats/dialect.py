"""How a text writes its numbers: separator, decimal comma, quotes, heading, units, comments."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.runs import Floats
from emgrig.reading.units import microvolts_in, plain, seconds_in

_HEAD_LINES = 400
_COMMENT = re.compile(r"\s*(#|%|//|;(?!\s*-?\d))")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?(\d+,\d+|\d+|,\d+)([eE][+-]?\d+)?")
_MISSING = {"", "nan", "na", "n/a", "null", "none", "-", "?", "inf", "-inf", "#n/a"}
_RATE = re.compile(
    r"(?:sampl\w*[\s_-]*(?:rate|frequency|freq)|\bfs\b|\brate\b|\bfrequency\b|abtastrate)"
    r"[^0-9\n]{0,24}?([0-9]+(?:[.,][0-9]+)?)\s*(k?)(?:hz|sps)?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialect:
    """How the rows of a text are read.

    Attributes
    ----------
    first : int
        Line of the first row, from 0.
    separator : str or None
        Between cells; None: blanks.
    is_comma : bool
        Numbers have a decimal comma.
    names, units : list of str
        Heading, by column; empty strings where there is none.
    comments : list of str
        Lines above, without what marks them as comments.
    """

    first: int
    separator: str | None
    is_comma: bool
    n_columns: int
    names: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def rate_hz(self) -> float | None:
        """The rate that a comment states, Hz."""
        for line in self.comments:
            found = _RATE.search(line)
            if found is not None:
                value = float(found[1].replace(",", ".")) * (1000 if found[2] else 1)
                if value > 0:
                    return value
        return None


def split(line: str, separator: str | None) -> list[str]:
    """Split a line into cells without blanks and quotes."""
    if separator is None:
        return [cell.strip("\"'") for cell in line.split()]
    cells = _quoted(line, separator) if '"' in line else line.split(separator)
    return [cell.strip().strip("\"'").strip() for cell in cells]


def _quoted(line: str, separator: str) -> list[str]:
    cells, at, inside = [], 0, False
    for i, char in enumerate(line):
        inside ^= char == '"'
        if char == separator and not inside:
            cells.append(line[at:i])
            at = i + 1
    return [*cells, line[at:]]


def is_number(cell: str, *, is_comma: bool = False) -> bool:
    """Whether a cell is a number as the text writes them."""
    return (_COMMA_NUMBER if is_comma else _NUMBER).fullmatch(cell) is not None


def _is_row(cells: Sequence[str], *, is_comma: bool) -> bool:
    """Whether at least half of the cells are numbers, and one is."""
    n = sum(is_number(cell, is_comma=is_comma) for cell in cells)
    missing = sum(cell.lower() in _MISSING for cell in cells)
    return n >= 1 and 2 * (n + missing) >= len(cells)


def find_dialect(lines: Sequence[str]) -> Dialect:
    """Look at the first lines of a text; RecordingError if there are no rows of numbers."""
    head = [line.rstrip("\r\n") for line in lines[:_HEAD_LINES]]
    best: tuple[tuple[int, int, int, int], Dialect] | None = None
    for separator in ("\t", ";", ",", None):
        for is_comma in (False, True):
            if is_comma and separator == ",":
                continue
            found = _rows(head, separator, is_comma=is_comma)
            if found is None:
                continue
            n_whole, n_rows, n_columns, first = found
            if is_comma and separator is None and first and "," in head[first - 1]:
                continue  # a heading of several columns: the comma parts them
            # Rows of nothing but numbers; any rows; the most columns; a point before a comma.
            worth = n_whole, n_rows, n_columns, -int(is_comma)
            if best is None or worth > best[0]:
                best = worth, Dialect(first, separator, is_comma, n_columns)
    if best is None:
        shown = next((line.strip() for line in head if line.strip()), "")
        raise RecordingError(
            f"no two rows of numbers in its first {len(head)} lines, which begin {shown[:40]!r}"
        )
    return _with_heading(head, best[1])


def _rows(
    head: list[str], separator: str | None, *, is_comma: bool
) -> tuple[int, int, int, int] | None:
    """Return rows of numbers alone, rows of the commonest width, that width, and the first row."""
    if separator is not None and not any(separator in line for line in head):
        return None
    cells = [
        [] if not line.strip() or _COMMENT.match(line) else split(line, separator) for line in head
    ]
    widths = [len(row) if row and _is_row(row, is_comma=is_comma) else 0 for row in cells]
    usual = np.bincount([w for w in widths if w] or [0])
    n_columns = int(usual.argmax())
    if n_columns == 0 or (separator is not None and n_columns < 2):
        return None
    fits = [w in (n_columns, n_columns + 1) for w in widths]
    ahead = [*widths[1:], 1]
    first = next((i for i, fit in enumerate(fits) if fit and ahead[i]), None)
    if first is None:
        return None
    good = sum(
        all(is_number(c, is_comma=is_comma) or c.lower() in _MISSING for c in row[:n_columns])
        for row, fit in zip(cells, fits, strict=True)
        if fit
    )
    return good, sum(fits), n_columns, first


def _with_heading(head: list[str], dialect: Dialect) -> Dialect:
    comments: list[str] = []
    names: list[str] = []
    units: list[str] = []
    n = dialect.n_columns
    for line in head[: dialect.first]:
        bare = line.strip()
        marked = _COMMENT.match(bare)
        text = bare[marked.end() :].strip() if marked else bare
        cells = split(text, dialect.separator) if n > 1 else [text.strip("\"'")]
        if cells and not cells[-1] and len(cells) == n + 1:
            cells.pop()
        is_heading = len(cells) == n and any(cells) and not all(map(is_number, cells))
        if is_heading and marked and (n == 1 or _RATE.search(text)):
            is_heading = False
        if is_heading and names and _are_units(cells):
            units = cells
        elif is_heading:
            names, units = cells, []
        elif text:
            comments.append(text)
    if names and not units and _are_units(names) and n > 1:
        names, units = [], names
    return Dialect(
        dialect.first,
        dialect.separator,
        dialect.is_comma,
        n,
        names or [""] * n,
        units or [""] * n,
        comments,
    )


def _are_units(cells: Sequence[str]) -> bool:
    known = {"", "g", "-", "a.u.", "au", "%", "deg", "n", "c", "ohm", "hz", "counts", "digital"}
    said = [
        microvolts_in(c) is not None or seconds_in(c) is not None or plain(c).lower() in known
        for c in cells
    ]
    return all(said) and any(map(plain, cells))


def numbers(lines: Sequence[str], dialect: Dialect, columns: Sequence[int]) -> Floats:
    """Read columns of all rows; shape (n_rows, n_columns); NaN for empty cells.

    Raises
    ------
    RecordingError
        If a row is broken; with its line number.
    """
    rows = lines[dialect.first :]
    if not any(line and not line.isspace() for line in rows):
        raise RecordingError("no row of numbers stands below its heading")
    for clean in (None, _cleaner(dialect)):
        kept = (line for line in rows if line and not line.isspace())
        try:
            table = np.loadtxt(
                kept if clean is None else map(clean, kept),
                delimiter=dialect.separator,
                usecols=columns,
                ndmin=2,
                comments=None,
            )
            return np.asarray(table, dtype=np.float64)
        except (ValueError, OverflowError):
            continue
    # Comments in between, a last line that was cut, or a broken row: slowly, and saying which.
    return np.array(list(_slowly(rows, dialect, columns)), dtype=np.float64).reshape(
        -1, len(columns)
    )


def _cleaner(dialect: Dialect) -> Callable[[str], str]:
    """Return what writes a row as numpy reads it: a point, no quotes, nan in empty cells."""
    separator = dialect.separator
    empty = None if separator is None else re.compile(rf"(?<={separator})\s*(?={separator}|$)")

    def clean(line: str) -> str:
        bare = line.rstrip("\r\n").replace('"', "")
        bare = bare.replace(",", ".") if dialect.is_comma else bare
        if empty is None:
            return bare
        return empty.sub("nan", f"nan{bare}" if bare.startswith(separator or "") else bare)

    return clean


def _slowly(rows: Sequence[str], dialect: Dialect, columns: Sequence[int]) -> Iterator[list[float]]:
    last = len(rows) - 1
    while last >= 0 and not rows[last].strip():
        last -= 1
    for i, line in enumerate(rows):
        if not line.strip() or _COMMENT.match(line):
            continue
        cells = split(line, dialect.separator)
        number = dialect.first + i + 1
        if len(cells) <= max(columns):
            if i == last:
                return  # the last line of a file that was cut
            raise RecordingError(
                f"line {number} has {len(cells)} cells; {dialect.n_columns} were expected"
            )
        yield [_value(cells[k], dialect, number) for k in columns]


def _value(cell: str, dialect: Dialect, number: int) -> float:
    if cell.lower() in _MISSING:
        return float("nan")
    if not is_number(cell, is_comma=dialect.is_comma):
        raise RecordingError(f"line {number} is broken: {cell[:40]!r} is no number")
    return float(cell.replace(",", ".") if dialect.is_comma else cell)
