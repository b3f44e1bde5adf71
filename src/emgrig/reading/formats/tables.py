"""Plain tables of anybody: CSV, TSV, blanks; with a time column, an index, or a told rate."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.formats.dialect import Dialect, find_dialect, numbers
from emgrig.reading.indices import by_index
from emgrig.reading.recording import SIMULATED, RateNotSaid, Recording
from emgrig.reading.runs import Floats
from emgrig.reading.signals import Signal, emg_rank, signal, with_names
from emgrig.reading.timebase import TimeBase, agree, from_times, steady
from emgrig.reading.units import said_in, seconds_in
from emgrig.sentences import counted

_TIME = re.compile(
    r"(x|t|time|times|zeit|tijd|temps|tiempo|elapsed|elapsed time|time ?stamps?|lsl_timestamp|"
    r"seconds?|secs?|sec|millis(econds)?|micros(econds)?|unix ?time|uhrzeit)( ?\(.*\))?",
    re.IGNORECASE,
)
_INDEX = re.compile(
    r"(n?seq|sample ?(index|number|no\.?|nr\.?|id)?|index|idx|counter|package ?num(ber)?|"
    r"packet ?(number|index|order|num|counter)?|order|n|frame|samples?|row|nr\.?|#)",
    re.IGNORECASE,
)
_FLAG = re.compile(r"(is_gap|gap|is_simulated)", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A column of numbers: its place from 0, name, unit ("" if not said), values."""

    index: int
    name: str
    unit: str
    values: Floats


def read_table(path: Path, lines: Sequence[str], told_hz: float | None) -> Recording:
    """Read a text table; see `emgrig.reading.open_recording`."""
    dialect = find_dialect(lines)
    columns, empty = _columns(lines, dialect)
    stated_hz = dialect.rate_hz
    stated = agree(None if stated_hz is None else (stated_hz, "a comment of the file"), told_hz)
    remarks = []
    if not any(dialect.names):
        remarks.append("a table without a heading: its columns are called by their number")
    return arrange(path, "text table", columns, stated, empty, remarks)


def arrange(
    path: Path,
    source: str,
    columns: list[Column],
    stated: tuple[float, str] | None,
    empty: Sequence[str] = (),
    remarks: Sequence[str] = (),
) -> Recording:
    """Make a recording of columns: find the time or the index among them, and what goes with it.

    Parameters
    ----------
    path, source
        Of the recording.
    columns : list of Column
        All of one length.
    stated : (float, str) or None
        Rate, Hz, and who says it.
    empty, remarks : sequence of str
        Columns that hold no number; what is to be said besides.

    Raises
    ------
    RecordingError
        If there is no signal, no rate, or the time contradicts itself.
    """
    times = [one for one in columns if _is_time(one)]
    first, *others = sorted(_groups(columns, times), key=_worth, reverse=True)
    time, members = first
    index = next((one for one in members if _is_index(one)), None)
    flags = [one for one in members if _FLAG.fullmatch(one.name)]
    kept = [one for one in members if one is not index and one not in flags]
    if not kept:
        raise RecordingError("a column of numbers besides the time was expected")
    rows = _rows_of(time, kept)
    base = _time_base(time, index, kept, rows, stated, path.name)
    signals, said = with_names([_signal(one) for one in kept], "column")
    left_out = [
        *(one.name for one in ([index] if index else []) + flags),
        *(f"{one.name} (another time base)" for _, group in others for one in group),
        *empty,
    ]
    is_simulated = any(one.name == "is_simulated" and one.values.any() for one in flags)
    said = [*([SIMULATED] if is_simulated else []), *remarks, *said]
    return Recording(
        path=path,
        source=source,
        signals=signals,
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=base.runs,
        column=lambda i: _at(kept[i], rows),
        is_simulated=is_simulated,
        remarks=(*said, *base.remarks, *_said_of(left_out, base)),
        left_out=tuple(left_out),
    )


def _said_of(left_out: Sequence[str], base: TimeBase) -> list[str]:
    named = [name for name in left_out if not _FLAG.fullmatch(name)]
    said = [f"left out: {', '.join(named)}"] if named else []
    lost = int(np.diff(base.runs.gaps, axis=1).sum())
    if lost:
        said.append(
            f"{counted(lost, 'sample is', 'samples are')} missing in "
            f"{counted(len(base.runs.gaps), 'gap')} of the time"
        )
    return said


def _columns(lines: Sequence[str], dialect: Dialect) -> tuple[list[Column], list[str]]:
    """Read the columns that hold numbers, and name the others."""
    n = dialect.n_columns
    try:
        table = numbers(lines, dialect, range(n))
        usable = list(range(n))
    except RecordingError:
        usable = _numeric(lines, dialect)
        if not usable:
            raise
        table = numbers(lines, dialect, usable)
    if len(table) < 2:
        raise RecordingError(f"{len(table)} rows of numbers; 2 or more were expected")
    out, empty = [], [dialect.names[i] or f"column {i + 1}" for i in range(n) if i not in usable]
    for place, i in enumerate(usable):
        name, unit = said_in(dialect.names[i])
        unit = name if not unit and seconds_in(name) is not None else unit
        column = Column(i, name, dialect.units[i] or unit, table[:, place])
        if np.isfinite(column.values).any():
            out.append(column)
        elif name:
            empty.append(name)
    return out, [name for name in empty if name]


def _numeric(lines: Sequence[str], dialect: Dialect) -> list[int]:
    """Return the columns of which the first rows hold numbers."""
    from emgrig.reading.formats.dialect import is_number, split

    few = [split(line, dialect.separator) for line in lines[dialect.first : dialect.first + 20]]
    few = [row for row in few if len(row) >= dialect.n_columns]
    return [
        i
        for i in range(dialect.n_columns)
        if sum(is_number(row[i], is_comma=dialect.is_comma) for row in few) * 2 > len(few)
    ]


def _is_time(one: Column) -> bool:
    known = seconds_in(one.unit) is not None and not one.unit.lower().startswith("min")
    if not (known or _TIME.fullmatch(one.name.replace("_", " ").strip())):
        return False
    if one.unit and seconds_in(one.unit) is None:
        return False
    if one.name == one.unit and (np.diff(one.values[np.isfinite(one.values)]) < 0).mean() > 0.02:
        return False
    values = one.values[np.isfinite(one.values)]
    return values.size > 2 and bool(values[-1] > values[0])


def _is_index(one: Column) -> bool:
    if not _INDEX.fullmatch(one.name.replace("_", " ").strip()) or one.unit:
        return False
    values = one.values
    if not np.isfinite(values).all() or (values != np.round(values)).any():
        return False
    steps = np.diff(values)
    return bool((steps > 0).mean() > 0.4)


def _groups(columns: list[Column], times: list[Column]) -> list[tuple[Column | None, list[Column]]]:
    """Give each time column the columns up to the next one: Delsys has one a sensor."""
    if len(times) < 2:
        return [(times[0] if times else None, [c for c in columns if c not in times])]
    groups: list[tuple[Column | None, list[Column]]] = []
    for one in columns:
        if one in times:
            groups.append((one, []))
        elif groups:
            groups[-1][1].append(one)
    filled = [(time, group) for time, group in groups if group]
    # Times behind each other, with the signals elsewhere, are one time in several writings.
    if len(filled) < 2 or not groups[0][1]:
        best = max(times, key=lambda t: (t.values.size, -t.index))
        return [(best, [c for c in columns if c not in times])]
    return _same_time(filled)


def _same_time(
    groups: list[tuple[Column | None, list[Column]]],
) -> list[tuple[Column | None, list[Column]]]:
    """Join groups whose times are equal."""
    out: list[tuple[Column | None, list[Column]]] = []
    for time, group in groups:
        assert time is not None
        for known, members in out:
            if known is not None and np.array_equal(known.values, time.values, equal_nan=True):
                members += group
                break
        else:
            out.append((time, list(group)))
    return out


def _worth(group: tuple[Column | None, list[Column]]) -> tuple[int, int]:
    members = [signal(one.name, one.unit, "") for one in group[1]]
    finite = max((int(np.isfinite(one.values).sum()) for one in group[1]), default=0)
    return max(map(emg_rank, members), default=-9), finite


def _rows_of(time: Column | None, kept: list[Column]) -> np.ndarray:
    """Return the rows of a group: those with a time, or all up to the last value."""
    if time is not None:
        return np.flatnonzero(np.isfinite(time.values))
    some = np.zeros(kept[0].values.size, bool)
    for one in kept:
        some |= np.isfinite(one.values)
    last = int(np.flatnonzero(some)[-1]) + 1 if some.any() else 0
    return np.arange(last)


def _time_base(
    time: Column | None,
    index: Column | None,
    kept: list[Column],
    rows: np.ndarray,
    stated: tuple[float, str] | None,
    name: str,
) -> TimeBase:
    if time is not None:
        time_s, what = _seconds(time, rows, stated)
        return from_times(time_s, stated, what, [_at(one, rows) for one in kept])
    if stated is None:
        raise RateNotSaid(f"{name} does not name its sampling rate; give it (--rate)")
    if index is not None:
        return by_index(index.values[rows], *stated, [_at(one, rows) for one in kept])
    return steady(rows.size, stated[0], stated[1])


def _seconds(
    time: Column, rows: np.ndarray, stated: tuple[float, str] | None
) -> tuple[Floats, str]:
    """Return the times in s: by the unit, or by what fits the rate."""
    values = _at(time, rows)
    what = f"the column {time.name!r}" if time.name else "the time column"
    unit = seconds_in(time.unit)
    if unit is not None:
        return values * unit, what
    word = time.name.lower()
    if word.startswith(("milli", "micro")):
        return values * (1e-3 if word.startswith("milli") else 1e-6), what
    return values * unsaid_unit_s(values, stated), what


def unsaid_unit_s(values: Floats, stated: tuple[float, str] | None) -> float:
    """Return the unit of times of which nobody says it, s: what fits the rate, or a recording's."""
    if values.size < 2:
        return 1.0
    step = float(np.ptp(values)) / (values.size - 1)
    steps = step, float(np.median(np.diff(values)))
    for step in steps:
        for factor in (1.0, 1e-3, 1e-6, 1e-9):
            if stated is not None and step > 0 and abs(stated[0] * step * factor - 1) < 0.02:
                return factor
    for factor in (1.0, 1e-3, 1e-6, 1e-9):
        if steps[1] > 0 and 20 <= 1 / (steps[1] * factor) <= 100_000:
            return factor
    return 1.0


def _at(one: Column, rows: np.ndarray) -> Floats:
    """Return the values of rows; not a copy if these are all."""
    return one.values if rows.size == one.values.size else one.values[rows]


def _signal(one: Column) -> Signal:
    name = one.name or f"column {one.index + 1}"
    where = f"column {one.index + 1}" + (f" {one.name!r}" if one.name else "")
    return signal(name, one.unit, where)
