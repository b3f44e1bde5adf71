"""Small tables of named columns, as people type them: pairs of times."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.formats.dialect import split
from emgrig.reading.runs import Floats
from emgrig.reading.safety import contents, decoded, head_of


def read_pairs(path: Path, names: Sequence[str]) -> list[Floats]:
    """Read columns by their names, in any order; without a heading by their place.

    Parameters
    ----------
    path : Path
        Separated by comma, semicolon or tab; decimal commas where the separator is no comma.
    names : sequence of str
        Which columns are wanted.

    Returns
    -------
    list of ndarray of float64, shape (n_rows,)
        One a name.

    Raises
    ------
    RecordingError
        If a column is missing, a cell is no number, or there is no row; the message names the file.
    """
    head_of(path)
    lines = [
        (number, line)
        for number, line in enumerate(decoded(path, contents(path)).splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    wanted = ",".join(names)
    if not lines:
        raise RecordingError(f"{path} holds no row; a heading {wanted} and rows were expected")
    separator = max("\t;,", key=lines[0][1].count)
    first = split(lines[0][1], separator)
    places = list(range(len(names)))
    if _numbers(first, separator) is None:
        low = [cell.lower() for cell in first]
        if missing := [name for name in names if name not in low]:
            raise RecordingError(
                f"{path} has the columns {', '.join(first)}; {wanted} was expected "
                f"({', '.join(missing)} is missing)"
            )
        places = [low.index(name) for name in names]
        lines = lines[1:]
    rows = []
    for number, line in lines:
        cells = split(line, separator)
        values = _numbers(cells, separator) if len(cells) > max(places) else None
        if values is None:
            raise RecordingError(f"{path} line {number}: {line.strip()[:60]!r}; expected {wanted}")
        rows.append([values[place] for place in places])
    if not rows:
        raise RecordingError(f"{path} holds no row below its heading")
    return list(np.array(rows, dtype=np.float64).T)


def _numbers(cells: Sequence[str], separator: str) -> list[float] | None:
    while cells and not cells[-1]:  # a separator at the end
        cells = cells[:-1]
    try:
        values = [float(cell if separator == "," else cell.replace(",", ".")) for cell in cells]
    except ValueError:
        return None
    return values if values and np.isfinite(values).all() else None
