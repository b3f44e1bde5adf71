"""Recordings that others wrote as text: OpenBCI, AcqKnowledge, the UCI logs, and plain CSV."""

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emgrig.analysis.signal.filters import Floats

_MICROVOLTS = {"uv": 1.0, "µv": 1.0, "microvolts": 1.0, "mv": 1e3, "v": 1e6, "volts": 1e6}


@dataclass(frozen=True)
class TextRecording:
    """A recording as its file gives it.

    Attributes
    ----------
    samples : ndarray of float64, shape (n_samples, n_channels)
        In uV where the file names a voltage, else in the file's unit; NaN where samples are lost.
    labels, units : tuple of str
        Name and unit of each channel; the unit is "uV", or the file's word, or "".
    rate_hz : float
        Sampling rate, Hz.
    source : str
        Which layout was recognised.
    remarks : tuple of str
        What a reader should know.
    is_simulated : bool
        Whether the file says that it was recorded from a simulated board.
    """

    samples: Floats
    labels: tuple[str, ...]
    units: tuple[str, ...]
    rate_hz: float
    source: str
    remarks: tuple[str, ...] = ()
    is_simulated: bool = False


def read_text(path: str | Path, *, rate_hz: float | None = None) -> TextRecording:
    """Read a text recording, gzipped or not.

    Parameters
    ----------
    path : str or Path
        .txt, .csv or .tsv, with or without .gz.
    rate_hz : float, optional
        Sampling rate, Hz, for a file that does not name it.

    Raises
    ------
    ValueError
        If the layout is not understood, a row is broken, or the rate is nowhere named.
    OSError
        If the file cannot be read.
    """
    file = Path(path)
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{file.name} is no text: {error}") from error
    if len(lines) < 3:
        raise ValueError(f"{file.name} has {len(lines)} lines; a header and samples were expected")
    if lines[0].startswith("%"):
        return _openbci(lines)
    if re.match(r"\s*[\d.]+\s*(m|micro)?sec/sample", lines[1]):
        return _acqknowledge(lines)
    if lines[0].startswith("File Name:"):
        return _uci(lines, rate_hz)
    return _plain(lines, rate_hz, file.name)


def _numbers(lines: Sequence[str], separator: str | None, columns: Sequence[int]) -> Floats:
    try:
        table = np.loadtxt(lines, delimiter=separator, usecols=columns, ndmin=2, comments=None)
    except ValueError as error:
        raise ValueError(f"a row of the file is broken: {error}") from error
    return np.asarray(table, dtype=np.float64)


def _scaled(samples: Floats, units: Sequence[str]) -> tuple[Floats, tuple[str, ...]]:
    """Bring the voltages to uV."""
    factors = [_MICROVOLTS.get(unit.strip().lower()) for unit in units]
    scaled = samples * np.array([1.0 if f is None else f for f in factors])
    names = ["uV" if f is not None else u for f, u in zip(factors, units, strict=True)]
    return scaled, tuple(names)


def _openbci(lines: list[str]) -> TextRecording:
    head = [line for line in lines[:20] if line.startswith("%")]
    found = re.search(r"Sample Rate\s*=\s*([\d.]+)", " ".join(head))
    names = [name.strip() for name in lines[len(head)].split(",")]
    columns = [i for i, name in enumerate(names) if name.startswith("EXG Channel")]
    if found is None or not columns or names[0] != "Sample Index":
        raise ValueError(
            "an OpenBCI file was expected to name its sample rate, index and EXG channels"
        )
    table = _numbers(lines[len(head) + 1 :], ",", [0, *columns])
    samples, lost = _with_gaps(table[:, 1:], table[:, 0])
    remarks = (f"{lost} samples were lost and are marked as gaps",) if lost else ()
    labels = tuple(f"EXG {int(names[i].split()[-1]) + 1}" for i in columns)
    units = ("uV",) * len(columns)
    return TextRecording(samples, labels, units, float(found[1]), "OpenBCI text", remarks)


def _with_gaps(samples: Floats, index: Floats) -> tuple[Floats, int]:
    """Put NaN where the one-byte sample index jumps (by less than one round)."""
    steps = np.diff(index).astype(np.int64) % 256
    steps[steps == 0] = 1
    position = np.concatenate([[0], np.cumsum(steps)])
    out = np.full((int(position[-1]) + 1, samples.shape[1]), np.nan)
    out[position] = samples
    return out, out.shape[0] - samples.shape[0]


def _acqknowledge(lines: list[str]) -> TextRecording:
    step = re.match(r"\s*([\d.]+)\s*(m|micro)?sec/sample", lines[1])
    count = re.match(r"(\d+) channels", lines[2])
    if step is None or count is None:
        raise ValueError(
            "an AcqKnowledge export was expected to name its step and channels in lines 2 and 3"
        )
    factor = {"m": 1e3, "micro": 1e6, None: 1.0}[step[2]]
    n = int(count[1])
    labels = tuple(line.strip() for line in lines[3 : 3 + 2 * n : 2])
    units = tuple(line.strip() for line in lines[4 : 4 + 2 * n : 2])
    first = 3 + 2 * n
    while first < len(lines) and (lines[first].startswith("CH") or _is_count(lines[first])):
        first += 1
    table = _numbers([line.rstrip(",\t ") for line in lines[first:] if line.strip()], ",", range(n))
    samples, names = _scaled(table, units)
    return TextRecording(samples, labels, names, factor / float(step[1]), "AcqKnowledge text")


def _is_count(line: str) -> bool:
    """Whether a line repeats one whole number: the number of samples of each channel."""
    cells = {cell.strip() for cell in line.split(",")} - {""}
    return len(cells) == 1 and cells.pop().isdigit()


def _uci(lines: list[str], rate_hz: float | None) -> TextRecording:
    head = [line for line in lines[:20] if line.startswith("Channel ")]
    pattern = re.compile(r"Channel \d+: '(.+)', (\d+) values, engineering units: (\w+)")
    found = [pattern.match(line) for line in head]
    described = [match for match in found if match is not None]
    if not described:
        raise ValueError("the log names no channel")
    body = [line for line in lines[len(head) + 1 :] if line.strip()]
    table = _numbers(body, None, range(len(described)))
    samples, units = _scaled(table, [m[3] for m in described])
    # The data set's page gives 1000 Hz; the file does not.
    labels = tuple(m[1] for m in described)
    remark = () if rate_hz else ("rate of 1000 Hz taken from the data set's page",)
    return TextRecording(samples, labels, units, rate_hz or 1000.0, "UCI log", remark)


def _plain(lines: list[str], rate_hz: float | None, name: str) -> TextRecording:
    if rate_hz is None:
        raise ValueError(f"{name} does not name its sampling rate; give it (--rate)")
    separator = max(",;\t", key=lines[0].count)
    names = [cell.strip() for cell in lines[0].split(separator)]
    cells = [cell.strip() for cell in lines[1].split(separator)]
    columns = [i for i, cell in enumerate(cells[: len(names)]) if _is_number(cell)]
    if not columns or all(_is_number(cell) for cell in names):
        raise ValueError(f"{name}: a header line and numeric columns were expected")
    table = _numbers([line for line in lines[1:] if line.strip()], separator, columns)
    labels = tuple(names[i] for i in columns)
    return TextRecording(table, labels, ("",) * len(columns), rate_hz, "CSV")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
