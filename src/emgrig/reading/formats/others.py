"""Texts that say more than a table: AcqKnowledge, OpenSignals, and the UCI logs."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.formats.dialect import Dialect, numbers
from emgrig.reading.indices import by_index
from emgrig.reading.recording import Recording
from emgrig.reading.signals import signal, with_names
from emgrig.reading.timebase import TimeBase, agree, from_times, steady
from emgrig.reading.units import seconds_in

_STEP = re.compile(r"\s*([\d.]+)\s*(m|micro)?sec/sample", re.IGNORECASE)
_PER_SECOND = re.compile(r"\s*([\d.]+)\s*samples?/sec", re.IGNORECASE)
_UCI = re.compile(r"Channel \d+: '(.+)', (\d+) values, engineering units: (\w+)")


def is_acqknowledge(lines: Sequence[str]) -> bool:
    """Whether AcqKnowledge exported it: file name, step, number of channels."""
    return len(lines) > 3 and _acq_rate(lines[1]) is not None


def _acq_rate(line: str) -> float | None:
    step, per_second = _STEP.match(line), _PER_SECOND.match(line)
    if step is not None and float(step[1]) > 0:
        return {"m": 1e3, "micro": 1e6}.get((step[2] or "").lower(), 1.0) / float(step[1])
    return None if per_second is None else float(per_second[1])


def read_acqknowledge(path: Path, lines: Sequence[str], told_hz: float | None) -> Recording:
    """Read a text that AcqKnowledge exported: names, units, counts, then the samples."""
    count = re.match(r"\s*(\d+) channels", lines[2])
    if count is None or not 0 < int(count[1]) < 1000 or len(lines) < 4 + 2 * int(count[1]):
        raise RecordingError("an AcqKnowledge text was expected to name its channels in line 3")
    n = int(count[1])
    rate = agree((_acq_rate(lines[1]) or 0.0, "line 2"), told_hz)
    names = [line.strip() for line in lines[3 : 3 + 2 * n : 2]]
    units = [line.strip() for line in lines[4 : 4 + 2 * n : 2]]
    first = 3 + 2 * n
    while first < len(lines) and (
        not lines[first].strip() or _is_heading(lines[first]) or _is_count(lines[first])
    ):
        first += 1
    separator = "\t" if first < len(lines) and "\t" in lines[first] else ","
    body = [line.rstrip(",\t \r\n") for line in lines]
    dialect = Dialect(first, separator, is_comma=False, n_columns=n)
    width = len(body[first].split(separator)) if first < len(body) else n
    shift = width - n  # a column of time ahead of the channels
    if shift not in (0, 1):
        raise RecordingError(f"line {first + 1} has {width} cells; {n} channels were expected")
    table = numbers(body, dialect, range(n + shift))
    assert rate is not None
    base = steady(len(table), *rate)
    unit_s = _unit_of_time(lines[3 + 2 * n : first])
    chosen = table[:, shift:]
    if shift and unit_s is not None:
        base = from_times(table[:, 0] * unit_s, rate, "the column of time", list(chosen.T))
    counts = [int(found[0]) for line in lines[3 + 2 * n : first] if _is_count(line)
              and (found := re.search(r"\d{1,15}", line))]  # fmt: skip
    said = _other_count(len(table), counts)
    return _recording(path, "AcqKnowledge text", names, units, chosen, base, said)


def _other_count(n_rows: int, said: Sequence[int]) -> list[str]:
    """Return what is to be said if a heading counts other rows than are there."""
    other = [n for n in said if n != n_rows][:1]
    return [f"{n_rows} samples are there, the heading says {n}" for n in other]


def _unit_of_time(headings: Sequence[str]) -> float | None:
    """Return the unit of the column of time, s: ``min,CH1,CH2``; None if the heading names none."""
    words = [re.split(r"[,\t]", line)[0] for line in headings if _is_heading(line)]
    return next((unit_s for unit_s in map(seconds_in, words) if unit_s is not None), None)


def _is_heading(line: str) -> bool:
    return line.lstrip().upper().startswith(("CH", "MIN", "SEC", "MSEC", "SAMPLE"))


def _is_count(line: str) -> bool:
    """Whether a line repeats one whole number: the number of samples of each channel."""
    cells = {cell.strip() for cell in re.split(r"[,\t]", line)} - {""}
    return len(cells) == 1 and len(re.split(r"[,\t]", line)) > 1 and cells.pop().isdigit()


def read_uci(path: Path, lines: Sequence[str], told_hz: float | None) -> Recording:
    """Read a log of the UCI lower limb data set."""
    head = [line for line in lines[:20] if line.startswith("Channel ")]
    described = [found for found in map(_UCI.match, head) if found is not None]
    if not described:
        raise RecordingError("a UCI log was expected to name its channels")
    dialect = Dialect(len(head) + 1, None, is_comma=False, n_columns=len(described))
    table = numbers(lines, dialect, range(len(described)))
    names, units = [m[1] for m in described], [m[3] for m in described]
    rate = (told_hz, "as told") if told_hz else (1000.0, "the data set's page")
    said: tuple[str, ...] = () if told_hz else ("rate of 1000 Hz taken from the data set's page",)
    base = steady(len(table), *rate)
    said = (*_other_count(len(table), [int(m[2][:15]) for m in described]), *said)
    return _recording(path, "UCI log", names, units, table, base, said)


def read_opensignals(path: Path, lines: Sequence[str], told_hz: float | None) -> Recording:
    """Read a text of OpenSignals (BITalino, biosignalsplux): JSON in its second line, raw codes."""
    try:
        devices = json.loads(lines[1].lstrip("# "))
        (about, *more) = list(devices.values())
        columns = [str(name) for name in about["column"]]
        rate_hz = float(about["sampling rate"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordingError("the heading of OpenSignals in line 2 makes no sense") from error
    if more:
        raise RecordingError(f"OpenSignals text of {len(more) + 1} devices; one was expected")
    end = next((i for i, line in enumerate(lines[:20]) if "EndOfHeader" in line), 2)
    rate = agree((rate_hz, "the heading of OpenSignals"), told_hz)
    assert rate is not None
    body = [line.rstrip("\t \r\n") for line in lines]
    dialect = Dialect(end + 1, "\t", is_comma=False, n_columns=len(columns))
    table = numbers(body, dialect, range(len(columns)))
    wanted = [i for i, name in enumerate(columns) if re.fullmatch(r"A\d+|CH\d+", name)]
    wanted = wanted or [i for i, name in enumerate(columns) if name != "nSeq"]
    sensors = [str(one) for one in about.get("sensor", about.get("label", []))]
    names = sensors if len(sensors) == len(wanted) else [columns[i] for i in wanted]
    chosen = table[:, wanted]
    base = steady(len(table), *rate)
    if "nSeq" in columns:
        base = by_index(table[:, columns.index("nSeq")], *rate, list(chosen.T))
    said = ("OpenSignals writes raw codes",)
    return _recording(path, "OpenSignals text", names, [""] * len(wanted), chosen, base, said)


def _recording(
    path: Path,
    source: str,
    names: Sequence[str],
    units: Sequence[str],
    table: np.ndarray,
    base: TimeBase,
    said: Sequence[str] = (),
) -> Recording:
    made = [
        signal(name, "V" if unit.lower() == "volts" else unit, f"column {i}")
        for i, (name, unit) in enumerate(zip(names, units, strict=True), 1)
    ]
    signals, remarks = with_names(made)
    return Recording(
        path=path,
        source=source,
        signals=signals,
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=base.runs,
        column=lambda i: table[:, i],
        remarks=(*said, *remarks, *base.remarks),
    )
