"""BrainVision's three files: .vhdr (header), .vmrk (markers), .eeg (samples)."""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emgrig.errors import RecordingError
from emgrig.files import attempt
from emgrig.reading.recording import Mark, Recording
from emgrig.reading.runs import Runs
from emgrig.reading.safety import decoded
from emgrig.reading.signals import Signal, signal, with_names
from emgrig.reading.timebase import agree
from emgrig.sentences import counted

_FORMATS = {
    "INT_16": "<i2", "UINT_16": "<u2", "INT_32": "<i4",
    "IEEE_FLOAT_32": "<f4", "IEEE_FLOAT_64": "<f8",
}  # fmt: skip
_DATE = re.compile(r"\d{20}")


def read_brainvision(path: Path, told_hz: float | None) -> Recording:
    """Read a recording by its header file; .eeg and .vmrk lead to it."""
    header = path.with_suffix(".vhdr")
    if not header.is_file():
        raise RecordingError(f"{path} needs {header.name} beside it, the header of BrainVision")
    about = _sections(header)
    common = about.get("common infos", {})
    n = _whole(header, common, "numberofchannels")
    interval_us = _positive(header, common, "samplinginterval")
    rate = agree((1e6 / interval_us, "the header"), told_hz)
    assert rate is not None
    samples, cut = _samples(header, about, n)
    scale, found = _channels(about.get("channel infos", {}), n)
    signals, renamed = with_names(found)
    marks, starts, remarks = _markers(header, common.get("markerfile", ""))
    runs, said = _runs(len(samples), starts, rate[0])
    problems = [f"{one.name}: {one.problem}" for one in signals if one.problem]
    placed = tuple(
        _placed(runs, rate[0], row, n_rows, text)
        for row, n_rows, text in marks
        if 0 <= row < len(samples)
    )
    return Recording(
        path=header,
        source="BrainVision",
        signals=signals,
        rate_hz=rate[0],
        rate_from=rate[1],
        runs=runs,
        column=lambda i: samples[:, i] * scale[i],
        marks=placed,
        remarks=(*cut, *renamed, *remarks, *said, *problems),
        start=starts[0][1] if starts else None,
    )


def _placed(runs: Runs, rate_hz: float, row: int, n_rows: int, text: str) -> Mark:
    """Give a mark of rows its time; over a pause it goes on behind it."""
    begin = runs.sample_of(row)
    end = runs.sample_of(row + n_rows - 1) + 1 if n_rows else begin
    return Mark(begin / rate_hz, (end - begin) / rate_hz, text)


def _sections(path: Path) -> dict[str, dict[str, str]]:
    """Read sections of KEY=VALUE, keys in small letters; comments begin with a semicolon."""
    with attempt("read", path):
        raw = path.read_bytes()
    about: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in decoded(path, raw).splitlines():
        bare = line.strip()
        if bare.startswith("[") and bare.endswith("]"):
            section = about.setdefault(bare[1:-1].strip().lower(), {})
        elif bare and not bare.startswith(";") and "=" in bare:
            key, _, value = bare.partition("=")
            section[key.strip().lower()] = value.strip()
    return about


def _positive(path: Path, section: Mapping[str, str], key: str) -> float:
    try:
        value = float(section.get(key, "").replace(",", "."))
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise RecordingError(f"{path}: {key} is {section.get(key, 'missing')!r}")
    return value


def _whole(path: Path, section: Mapping[str, str], key: str) -> int:
    value = _positive(path, section, key)
    if value != int(value) or value > 10_000:
        raise RecordingError(f"{path}: {key} is {value:g}")
    return int(value)


def _beside(header: Path, named: str, what: str) -> Path:
    """Return the file that the header names, in the header's folder; renamed together or not."""
    name = named.replace("$b", header.stem).replace("\\", "/").rpartition("/")[2]
    for file in (header.with_name(name) if name else header, header.with_suffix(what)):
        if file != header and file.is_file():
            return file
    raise RecordingError(f"{header} names {named or 'no file'}, which is not beside it")


def _samples(
    header: Path, about: Mapping[str, Mapping[str, str]], n: int
) -> tuple[np.ndarray, list[str]]:
    """Map the samples, shape (n_rows, n); returns also what is to be said about their number."""
    common = about.get("common infos", {})
    data = _beside(header, common.get("datafile", ""), ".eeg")
    is_vector = common.get("dataorientation", "MULTIPLEXED").upper() == "VECTORIZED"
    if common.get("dataformat", "BINARY").upper() == "ASCII":
        raise RecordingError(f"{header}: samples in ASCII are not read; export them as binary")
    kind = about.get("binary infos", {}).get("binaryformat", "").upper()
    if kind not in _FORMATS:
        raise RecordingError(
            f"{header}: BinaryFormat {kind!r}; one of {', '.join(_FORMATS)} expected"
        )
    width = np.dtype(_FORMATS[kind]).itemsize
    with attempt("read", data):
        rows, beyond = divmod(data.stat().st_size, n * width)
    said = common.get("datapoints", "")
    # In vectors a channel ends where the next one begins, so that nothing may be missing.
    if not rows or (beyond and (is_vector or not said)):
        raise RecordingError(
            f"{data} is cut short: {counted(beyond, 'byte')} behind {counted(rows, 'sample')} of "
            f"{counted(n, 'channel')}"
        )
    shape = (n, rows) if is_vector else (rows, n)
    mapped = np.memmap(data, _FORMATS[kind], "r", 0, shape)
    differs = said.isdecimal() and said.isascii() and int(said[:18]) != rows
    if differs and is_vector:
        raise RecordingError(f"{data} holds {counted(rows, 'sample')}, the header says {said:.20}")
    remarks = (
        [f"{counted(rows, 'sample is', 'samples are')} there, the header says {said:.20}"]
        if differs
        else []
    )
    return (mapped.T if is_vector else mapped), remarks


def _channels(infos: Mapping[str, str], n: int) -> tuple[list[float], list[Signal]]:
    """Return the resolution of each channel, and what it is."""
    scales, out = [], []
    for i in range(1, n + 1):
        cells = [cell.replace("\\1", ",").strip() for cell in infos.get(f"ch{i}", "").split(",")]
        name, _, resolution, unit = [*cells, "", "", ""][:4]
        try:
            scale = float(resolution or 1.0)
        except ValueError:
            scale = float("nan")
        problem = ""
        if not 0 < abs(scale) < 1e30:
            problem = f"not calibrated, its resolution is {resolution!r:.40}"
            scale, unit = 1.0, "codes"
        scales.append(scale)
        # Without a unit it is microvolts, by the format's definition.
        out.append(signal(name, unit or "uV", f"channel {i}", problem=problem))
    return scales, out


_Start = tuple[int, dt.datetime | None]


def _markers(
    header: Path, named: str
) -> tuple[list[tuple[int, int, str]], list[_Start], list[str]]:
    """Return markers (sample, length, text), begins of segments, and what is to be said."""
    if not named and not header.with_suffix(".vmrk").is_file():
        return [], [], []
    try:
        file = _beside(header, named, ".vmrk")
    except RecordingError as error:
        return [], [], [f"no markers: {error}"]
    marks, starts = [], []
    for value in _sections(file).get("marker infos", {}).values():
        cells = [cell.replace("\\1", ",").strip() for cell in value.split(",")]
        if len(cells) < 4 or not cells[2].isdecimal():
            continue
        row = int(cells[2]) - 1
        length = int(cells[3]) if cells[3].isdecimal() else 0
        if cells[0] == "New Segment":
            stamp = cells[5] if len(cells) > 5 else ""
            starts.append((row, _when(stamp)))
            continue
        text = cells[1] or cells[0]
        is_bad = cells[0].lower().startswith("bad")
        marks.append((row, length if length > 1 else 0, f"{cells[0]} {text}" if is_bad else text))
    return marks, starts, []


def _when(stamp: str) -> dt.datetime | None:
    if not _DATE.fullmatch(stamp):
        return None
    try:
        return dt.datetime.strptime(stamp, "%Y%m%d%H%M%S%f")  # noqa: DTZ007 - the file has no zone
    except ValueError:
        return None


def _runs(n_rows: int, starts: list[_Start], rate_hz: float) -> tuple[Runs, list[str]]:
    """Lay the segments out by their dates; a segment without one is a pause of unknown length."""
    later = sorted((one for one in starts if 0 < one[0] < n_rows), key=lambda one: one[0])
    if not later:
        return Runs.steady(n_rows), []
    first = next((when for row, when in starts if row == 0), None)
    if first is None or any(when is None for _, when in later):
        row = later[0][0]
        raise RecordingError(
            f"it was paused at sample {row} for a time that the marker file does not say"
        )
    positions = np.arange(n_rows)
    for row, when in later:
        assert when is not None
        at = round((when - first).total_seconds() * rate_hz)
        before = int(positions[row - 1]) + 1
        if at < before - 1:
            raise RecordingError(f"the segment at sample {row} begins before the one ahead ends")
        positions[row:] += max(at, before) - int(positions[row])
    lost = int(positions[-1]) + 1 - n_rows
    words = f"{counted(len(later), 'pause')}: {counted(lost, 'sample is', 'samples are')} missing"
    return Runs.at(positions), [words] if lost else []
