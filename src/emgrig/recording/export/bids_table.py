"""Tables of a BIDS data set: tab-separated, a head, ``n/a`` for what is not known."""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from emgrig.errors import RecordingError
from emgrig.filetext import read_text
from emgrig.names import table_cell

NOT_KNOWN = "n/a"


def cell(text: str) -> str:
    """Return a text that cannot break a table.

    Control characters, tabs and line ends of every kind become blanks, and double quotes single
    ones: BIDS has no quoting, and readers of CSV take them for it. Nothing left is ``n/a``. What a
    spreadsheet would take for a formula is led by an apostrophe.
    """
    plain = text
    if not (text.isascii() and text.isprintable()):
        plain = "".join(
            " " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text
        )
    return table_cell(plain.replace('"', "'").strip()) or NOT_KNOWN


def number(value: object, decimals: int = 6) -> str:
    """Say a number without needless zeros; ``n/a`` for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return NOT_KNOWN
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def table(head: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Write a table; what a row lacks is ``n/a``."""
    lines = ["\t".join(map(cell, head))]
    lines += ["\t".join(cell(row.get(name, NOT_KNOWN)) for name in head) for row in rows]
    return "\n".join(lines) + "\n"


def merged(path: Path, rows: Sequence[Mapping[str, str]], *, replace: bool = False) -> str:
    """Return the table at `path` with rows added; it is begun if there is none.

    Parameters
    ----------
    path : Path
        Its columns stay as they are, also those that `rows` do not have.
    rows : sequence of mappings of str to str
        The first entry of each is the key. A row that is there keeps what it says; only where it
        says ``n/a`` it is filled in.
    replace : bool
        Let it say only what the new rows do.

    Raises
    ------
    RecordingError
        If what is there does not begin with the key's column.
    """
    key = next(iter(rows[0]))
    head, old = _read(path) if path.exists() else (list(rows[0]), {})
    if head[0] != key:
        raise RecordingError(f"{path} does not begin with the column {key}; mend it first")
    if replace:
        old |= {row[key]: {} for row in rows}
    for row in rows:
        before = old.get(row[key], {})
        kept = {name: text for name, text in before.items() if text != NOT_KNOWN}
        old[row[key]] = {**row, **kept}
    return table(head, old.values())


def _read(path: Path) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Return the head of a table, and its rows by their first cell."""
    try:
        lines = read_text(path, str(path)).rstrip("\n").split("\n")
    except ValueError as error:
        raise RecordingError(f"{error}; mend it first") from error
    head = lines[0].split("\t")
    rows = [dict(zip(head, line.split("\t"), strict=False)) for line in lines[1:]]
    return head, {row[head[0]]: row for row in rows}
