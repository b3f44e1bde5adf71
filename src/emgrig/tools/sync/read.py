"""What `emgrig sync` reads: readings of the tube, frame times, and the recording's table."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.analysis.clocks.tube_table import TubeTable
from emgrig.analysis.signal.filters import Floats, Ints
from emgrig.errors import RecordingError
from emgrig.files import attempt, why
from emgrig.reading.formats.own import sidecar_of
from emgrig.recording.sync.tube import check_tube

#: What a person or a program writes where the count cannot be read.
_UNREADABLE = {"", "?", "-", "n/a", "na", "nan"}
_MOST = 10**9
_WHOLE = re.compile(r"\d{1,10}", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}(\.\d*)?(e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Readings:
    """Counts read off a film, in the order of the file.

    Attributes
    ----------
    at : ndarray, shape (n,)
        Frame numbers, or times in s.
    is_time : bool
        Which of the two.
    counts : ndarray of int, shape (n,)
    n_unreadable : int
        Lines without a count.
    """

    at: Floats
    is_time: bool
    counts: Ints
    n_unreadable: int


@dataclass(frozen=True, eq=False)
class Source:
    """What is known about the recording.

    Attributes
    ----------
    table : TubeTable
    nominal_hz : float
        Rate by which the file counts its time.
    rate_is : str
        Where `table.rate_hz` comes from.
    n_samples : int or None
        Samples of the file; None if no sidecar says so.
    is_simulated : bool
    """

    table: TubeTable
    nominal_hz: float
    rate_is: str
    n_samples: int | None
    is_simulated: bool


def read_readings(path: Path) -> Readings:
    """Read a CSV of frame,count or, if its head says so, time_s,count.

    Separated by comma, semicolon or tab; the head may be missing; # begins a comment; a count that
    could not be read is left empty or is ?, -, n/a.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    ValueError
        If a line makes no sense, with its number, or there are fewer than two counts.
    """
    return parse_readings(_bytes(path), path.name)


def parse_readings(raw: bytes, name: str) -> Readings:
    """Read readings as `read_readings` does; `name` is for the messages."""
    at: list[float] = []
    counts: list[int] = []
    unreadable, is_time, number = 0, False, 0
    for is_first, (number, cells) in _enumerated(raw, name):
        if is_first and cells[0].lower() in ("frame", "time_s"):
            is_time = cells[0].lower() == "time_s"
            _expect(len(cells) > 1 and cells[1].lower() == "count", name, number, cells, "count")
            continue
        where = _number(cells[0], name, number, is_whole=not is_time)
        _expect(len(cells) == 2, name, number, cells, "two cells, as in 120,4711")
        if cells[1].lower() in _UNREADABLE:
            unreadable += 1
            continue
        at.append(where)
        counts.append(int(_number(cells[1], name, number, is_whole=True)))
    if len(counts) < 2:
        raise ValueError(f"{name}: {len(counts)} counts up to line {number}; expected 2 or more")
    return Readings(np.array(at), is_time, np.array(counts, dtype=np.int64), unreadable)


def read_frames(path: Path) -> Ints:
    """Read the frames that are asked for: the first column of a CSV; raises as `read_readings`."""
    raw, frames = _bytes(path), []
    for is_first, (number, cells) in _enumerated(raw, path.name):
        if not (is_first and cells[0].lower() == "frame"):
            frames.append(int(_number(cells[0], path.name, number, is_whole=True)))
    if not frames:
        raise ValueError(f"{path.name} names no frame; expected one a line")
    return np.array(frames, dtype=np.int64)


def read_times(path: Path) -> tuple[Ints, Floats]:
    """Read a CSV of frame,time_s: frames and their times, rising; raises as `read_readings`."""
    rows: list[tuple[int, float]] = []
    for is_first, (number, cells) in _enumerated(_bytes(path), path.name):
        if is_first and cells[0].lower() == "frame":
            continue
        _expect(len(cells) == 2, path.name, number, cells, "frame,time_s")
        frame = int(_number(cells[0], path.name, number, is_whole=True))
        row = frame, _number(cells[1], path.name, number, is_whole=False)
        if rows and not (row[0] > rows[-1][0] and row[1] > rows[-1][1]):
            raise ValueError(
                f"{path.name} line {number}: frame and time must rise from line to line"
            )
        rows.append(row)
    if len(rows) < 2:
        raise ValueError(f"{path.name} has the times of {len(rows)} frames; expected 2 or more")
    frames, times = zip(*rows, strict=True)
    return np.array(frames, dtype=np.int64), np.array(times)


def _enumerated(raw: bytes, name: str) -> Iterator[tuple[bool, tuple[int, list[str]]]]:
    """Give the lines that hold something, and whether each is the first."""
    is_first = True
    for number, cells in _lines(raw, name):
        yield is_first, (number, cells)
        is_first = False


def _lines(raw: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Give number and cells of each line that holds more than a comment."""
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{name} line {number}: is no UTF-8 text; save it as CSV") from error
        text = text.partition("#")[0].strip()
        if text:
            yield number, [cell.strip().strip('"').strip() for cell in re.split("[,;\t]", text)]


def _expect(is_so: bool, name: str, number: int, cells: list[str], wanted: str) -> None:
    if not is_so:
        raise ValueError(f"{name} line {number}: {','.join(cells)!r:.60}; expected {wanted}")


def _number(cell: str, name: str, number: int, *, is_whole: bool) -> float:
    pattern, wanted = (_WHOLE, "a whole number") if is_whole else (_NUMBER, "seconds")
    _expect(pattern.fullmatch(cell) is not None, name, number, [cell], f"{wanted}, 0 or more")
    value = float(cell)
    _expect(value <= _MOST, name, number, [cell], f"at most {_MOST}")
    return value


def _bytes(path: Path) -> bytes:
    with attempt("read", path):
        return path.read_bytes()


def read_source(bdf: Path) -> Source:
    """Read what lies beside a BDF+ file: the table of the tube, and the sidecar.

    Raises
    ------
    RecordingError
        If there is no table, or what is there cannot be read.
    """
    path = check_tube(bdf)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        counts, samples = (np.array([int(row[c]) for row in rows]) for c in ("count", "sample"))
        onset_s = np.array([float(row["onset"]) for row in rows])
        shown_s = np.array(
            [np.nan if row["shown"] == "n/a" else float(row["shown"]) for row in rows]
        )
        known = _known(bdf)
        nominal_hz = known.nominal_hz or float(samples[-1] / onset_s[-1])
        table = TubeTable(counts, samples, shown_s, known.measured_hz or nominal_hz)
    except (OSError, ValueError, LookupError, TypeError, StopIteration, ArithmeticError) as error:
        raise RecordingError(f"{path.name} makes no sense: {why(error):.200}") from error
    return Source(table, nominal_hz, known.rate_is, known.n_samples, known.is_simulated)


@dataclass(frozen=True)
class _Known:
    nominal_hz: float | None = None
    measured_hz: float | None = None
    rate_is: str = "nominal; there is no sidecar"
    n_samples: int | None = None
    is_simulated: bool = False


def _known(bdf: Path) -> _Known:
    content = sidecar_of(bdf)
    if content is None:
        return _Known()
    try:
        return _of_sidecar(content)
    except (LookupError, TypeError, ValueError, StopIteration, ArithmeticError) as error:
        beside = bdf.with_suffix(".json")
        raise RecordingError(f"{beside} is no sidecar of emgrig: {error!r:.120}") from error


def _of_sidecar(content: Mapping[str, Any]) -> _Known:
    rate, samples = content["rate"], content["samples"]
    by = {
        "measured by the host's clock": rate["measured_by_host_clock_hz"],
        "measured by the board's clock": rate["measured_by_board_clock_hz"],
        "nominal; it was not measured": rate["nominal_hz"],
    }
    rate_is, rate_hz = next((words, float(hz)) for words, hz in by.items() if hz)
    n_samples = int(samples["total"]) - int(samples["padding"])
    simulated = bool(content["is_simulated"])
    return _Known(float(rate["nominal_hz"]), rate_hz, rate_is, n_samples, simulated)
