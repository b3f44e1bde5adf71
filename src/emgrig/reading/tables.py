"""Plain tables of anybody: CSV, TSV, blanks; with a time column, an index, or a told rate."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.dialect import Dialect, find_dialect, numbers
from emgrig.reading.recording import (
    Floats,
    RateNotSaid,
    Recording,
    Signal,
    emg_rank,
    signal,
    with_names,
)
from emgrig.reading.timebase import TimeBase, agree, by_index, from_times, steady
from emgrig.reading.units import said_in, seconds_in

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
_FLAG = re.compile(r"(is_gap|gap)", re.IGNORECASE)


@dataclass(frozen=True)
class _Column:
    index: int
    name: str
    unit: str
    values: Floats


def read_table(path: Path, lines: Sequence[str], told_hz: float | None) -> Recording:
    """Read a text table; see `emgrig.reading.open_recording`."""
    dialect = find_dialect(lines)
    columns, empty = _columns(lines, dialect)
    times = [one for one in columns if _is_time(one)]
    stated_hz = dialect.rate_hz
    stated = agree(None if stated_hz is None else (stated_hz, "a comment of the file"), told_hz)
    groups = _groups(columns, times)
    first, *others = sorted(groups, key=_worth, reverse=True)
    time, members = first
    index = next((one for one in members if _is_index(one)), None)
    flags = [one for one in members if _FLAG.fullmatch(one.name)]
    kept = [one for one in members if one is not index and one not in flags]
    if not kept:
        raise RecordingError("a column of numbers besides the time was expected")
    rows = _rows_of(time, kept)
    base = _time_base(time, index, kept, rows, stated, path.name)
    signals, said = with_names([_signal(one, dialect) for one in kept], "column")
    left_out = [
        *(one.name for one in ([index] if index else []) + flags),
        *(f"{one.name} (another time base)" for _, group in others for one in group),
        *empty,
    ]
    named = [name for name in left_out if not _FLAG.fullmatch(name)]
    remarks = [*said, *base.remarks]
    if named:
        remarks.append(f"left out: {', '.join(named)}")
    if not any(dialect.names):
        remarks.append("a table without a heading: its columns are called by their number")
    if base.runs.gaps.size:
        lost = int(np.diff(base.runs.gaps, axis=1).sum())
        remarks.append(f"{lost} samples are missing in {len(base.runs.gaps)} gaps of the time")
    return Recording(
        path=path,
        source="text table",
        signals=signals,
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=base.runs,
        column=lambda i: kept[i].values[rows],
        remarks=tuple(remarks),
        left_out=tuple(left_out),
    )


def _columns(lines: Sequence[str], dialect: Dialect) -> tuple[list[_Column], list[str]]:
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
        column = _Column(i, name, dialect.units[i] or unit, table[:, place])
        if np.isfinite(column.values).any():
            out.append(column)
        elif name:
            empty.append(name)
    return out, [name for name in empty if name]


def _numeric(lines: Sequence[str], dialect: Dialect) -> list[int]:
    """Return the columns of which the first rows hold numbers."""
    from emgrig.reading.dialect import is_number, split

    few = [split(line, dialect.separator) for line in lines[dialect.first : dialect.first + 20]]
    few = [row for row in few if len(row) >= dialect.n_columns]
    return [
        i
        for i in range(dialect.n_columns)
        if sum(is_number(row[i], is_comma=dialect.is_comma) for row in few) * 2 > len(few)
    ]


def _is_time(one: _Column) -> bool:
    known = seconds_in(one.unit) is not None and not one.unit.lower().startswith("min")
    if not (known or _TIME.fullmatch(one.name.replace("_", " ").strip())):
        return False
    if one.unit and seconds_in(one.unit) is None:
        return False
    values = one.values[np.isfinite(one.values)]
    return values.size > 2 and bool(values[-1] > values[0])


def _is_index(one: _Column) -> bool:
    if not _INDEX.fullmatch(one.name.replace("_", " ").strip()) or one.unit:
        return False
    values = one.values
    if not np.isfinite(values).all() or (values != np.round(values)).any():
        return False
    steps = np.diff(values)
    return bool((steps > 0).mean() > 0.4)


def _groups(
    columns: list[_Column], times: list[_Column]
) -> list[tuple[_Column | None, list[_Column]]]:
    """Give each time column the columns up to the next one: Delsys has one a sensor."""
    if len(times) < 2:
        return [(times[0] if times else None, [c for c in columns if c not in times])]
    groups: list[tuple[_Column | None, list[_Column]]] = []
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
    groups: list[tuple[_Column | None, list[_Column]]],
) -> list[tuple[_Column | None, list[_Column]]]:
    """Join groups whose times are equal."""
    out: list[tuple[_Column | None, list[_Column]]] = []
    for time, group in groups:
        assert time is not None
        for known, members in out:
            if known is not None and np.array_equal(known.values, time.values, equal_nan=True):
                members += group
                break
        else:
            out.append((time, list(group)))
    return out


def _worth(group: tuple[_Column | None, list[_Column]]) -> tuple[int, int]:
    members = [signal(one.name, one.unit, "") for one in group[1]]
    finite = max((int(np.isfinite(one.values).sum()) for one in group[1]), default=0)
    return max(map(emg_rank, members), default=-9), finite


def _rows_of(time: _Column | None, kept: list[_Column]) -> np.ndarray:
    """Return the rows of a group: those with a time, or all up to the last value."""
    if time is not None:
        return np.flatnonzero(np.isfinite(time.values))
    some = np.zeros(kept[0].values.size, bool)
    for one in kept:
        some |= np.isfinite(one.values)
    last = int(np.flatnonzero(some)[-1]) + 1 if some.any() else 0
    return np.arange(last)


def _time_base(
    time: _Column | None,
    index: _Column | None,
    kept: list[_Column],
    rows: np.ndarray,
    stated: tuple[float, str] | None,
    name: str,
) -> TimeBase:
    if time is not None:
        time_s, what = _seconds(time, rows, stated)
        table = np.stack([one.values[rows] for one in kept], 1)
        return _without_twins(time_s, table, stated, what)
    if stated is None:
        raise RateNotSaid(f"{name} does not name its sampling rate; give it (--rate)")
    if index is not None:
        table = np.stack([one.values[rows] for one in kept], 1)
        same = (table[1:] == table[:-1]).all(1)
        return by_index(index.values[rows], stated[0], stated[1], same=same)
    return steady(rows.size, stated[0], stated[1])


def _seconds(
    time: _Column, rows: np.ndarray, stated: tuple[float, str] | None
) -> tuple[Floats, str]:
    """Return the times in s: by the unit, or by what fits the rate."""
    values = time.values[rows]
    what = f"the column {time.name!r}" if time.name else "the time column"
    unit = seconds_in(time.unit)
    if unit is not None:
        return values * unit, what
    word = time.name.lower()
    if word.startswith(("milli", "micro")):
        return values * (1e-3 if word.startswith("milli") else 1e-6), what
    step = float(np.median(np.diff(values)))
    if stated is not None and step > 0:
        for factor in (1.0, 1e-3, 1e-6, 1e-9):
            if abs(stated[0] * step * factor - 1) < 0.02:
                return values * factor, what
    # Nobody said: the usual unit in which the rate is that of a recording.
    for factor in (1.0, 1e-3, 1e-6, 1e-9):
        if step > 0 and 20 <= 1 / (step * factor) <= 100_000:
            return values * factor, what
    return values, what


def _without_twins(
    time_s: Floats, table: Floats, stated: tuple[float, str] | None, what: str
) -> TimeBase:
    """Leave rows out that stand twice, here or later; then make the time base."""
    from emgrig.reading.recording import Runs

    order = np.lexsort((np.arange(time_s.size), time_s))
    twin = np.zeros(time_s.size, bool)
    same_time = time_s[order][1:] == time_s[order][:-1]
    rare = same_time.mean() < 0.3
    same = np.zeros_like(same_time)
    if rare and same_time.any():
        pairs = order[1:][same_time], order[:-1][same_time]
        equal = ((table[pairs[0]] == table[pairs[1]]) | np.isnan(table[pairs[0]])).all(1)
        same[same_time] = equal
        twin[order[1:][same]] = True
    kept = np.flatnonzero(~twin)
    base = from_times(time_s[kept], stated, what)
    if not twin.any():
        return base
    positions = np.concatenate([np.arange(n) + at for _, at, n in base.runs.rows.tolist()])
    said = f"{int(twin.sum())} rows stood twice and were left out"
    return replace(base, runs=Runs.at(positions, kept), remarks=(*base.remarks, said))


def _signal(one: _Column, dialect: Dialect) -> Signal:
    where = f"column {one.index + 1}" + (f" {dialect.names[one.index]!r}" if one.name else "")
    return signal(one.name or f"column {one.index + 1}", one.unit, where)
