"""Recordings as sources: text (CSV, TXT, also .gz), EDF and BDF files, or arrays."""

import gzip
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from emgrig.errors import RecordingError
from emgrig.files import why
from emgrig.simulator.quantities import VOLTS
from emgrig.simulator.sources.interpolation import Interpolator

_HEAD_LINES = 200
_ENDS = ("loop", "hold")


class Recording:
    """Samples of a recording, band-limited in between.

    Parameters
    ----------
    samples_v : ndarray, shape (n_samples, n_electrodes)
        V; finite.
    rate_hz : float
        > 0; sample 0 is at 0 s.
    end : {"loop", "hold"}
        After the last sample: begin again, or stay at it. Before the first: the same.

    Raises
    ------
    ValueError
        If the array is empty, not two-dimensional or not finite, or another argument is wrong.
    """

    def __init__(
        self, samples_v: NDArray[np.float64], rate_hz: float, *, end: str = "loop"
    ) -> None:
        self.samples_v = np.ascontiguousarray(samples_v, dtype=np.float64)
        if self.samples_v.ndim != 2 or not self.samples_v.size:
            raise ValueError(
                f"samples of shape {samples_v.shape}; expected (n_samples, n_electrodes)"
            )
        if not np.isfinite(self.samples_v).all():
            row = int(np.nonzero(~np.isfinite(self.samples_v).all(axis=1))[0][0])
            raise ValueError(f"sample {row} is not finite; cut gaps out first")
        if not (rate_hz > 0 and np.isfinite(rate_hz)):
            raise ValueError(f"a rate of {rate_hz} Hz; it must be > 0")
        if end not in _ENDS:
            raise ValueError(f"end={end!r}; expected loop or hold")
        self.rate_hz = float(rate_hz)
        self.end = end
        self.n_electrodes = self.samples_v.shape[1]
        self._interpolator = Interpolator(self._samples, self.rate_hz, self.n_electrodes)

    @property
    def duration_s(self) -> float:
        """Length of the recording, s."""
        return len(self.samples_v) / self.rate_hz

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`."""
        return self._interpolator.at(t_s)

    def _samples(self, first: int, count: int) -> NDArray[np.float64]:
        index = np.arange(first, first + count)
        total = len(self.samples_v)
        index = index % total if self.end == "loop" else np.clip(index, 0, total - 1)
        return self.samples_v[index]


#: In a list of columns: this electrode sees nothing.
NOTHING = "-"


def load_recording(
    path: str | Path,
    *,
    n_electrodes: int | None = None,
    rate_hz: float | None = None,
    unit: str | None = None,
    columns: Sequence[str | int] | None = None,
    end: str = "loop",
) -> Recording:
    """Load a recording from a file.

    Parameters
    ----------
    path : str or Path
        .csv, .txt or .tsv, also with .gz; .edf or .bdf. In a text file everything before the first
        row of numbers is taken as heading; fields are separated by tab, semicolon, comma or blanks.
    n_electrodes : int or None
        Electrodes of the result; further ones are at 0 V. None: one for each column.
    rate_hz : float or None
        Needed for text. EDF and BDF know theirs; if it is given, it must be that one.
    unit : str or None
        V, mV, uV or nV; needed for text, and for EDF and BDF signals that do not name a voltage.
    columns : sequence or None
        Columns, or EDF signals, for electrodes 1, 2, …: numbers from 1, or names in the heading;
        "-" leaves an electrode at 0 V. None: all that hold numbers, if they are not more than
        `n_electrodes`.
    end : {"loop", "hold"}
        See `Recording`.

    Raises
    ------
    ValueError
        If an argument is missing or does not fit the file.
    RecordingError
        If the file cannot be read.
    """
    path = Path(path)
    suffix = next((s for s in reversed(path.suffixes) if s.lower() != ".gz"), "").lower()
    asked = None if columns is None else [str(column) for column in columns]
    chosen = None if asked is None else [column for column in asked if column != NOTHING]
    try:
        if suffix in (".edf", ".bdf"):
            volts, rate_hz = _load_edf(path, chosen, rate_hz, unit, n_electrodes)
        elif suffix in (".csv", ".txt", ".tsv"):
            volts = _load_text(path, chosen, unit, n_electrodes)
        else:
            raise ValueError(f"{path.name}: expected .csv, .txt, .tsv (also .gz), .edf or .bdf")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RecordingError(f"cannot read the recording {path}: {why(error)}") from error
    if rate_hz is None:
        raise ValueError(f"{path.name} does not say its sample rate; give rate=")
    if asked is not None:
        placed = np.zeros((len(volts), len(asked)))
        placed[:, [index for index, column in enumerate(asked) if column != NOTHING]] = volts
        volts = placed
    if n_electrodes is not None:
        if volts.shape[1] > n_electrodes:
            raise ValueError(f"{volts.shape[1]} columns for {n_electrodes} electrodes")
        volts = np.pad(volts, ((0, 0), (0, n_electrodes - volts.shape[1])))
    return Recording(volts, rate_hz, end=end)


def _load_edf(
    path: Path,
    chosen: list[str] | None,
    rate_hz: float | None,
    unit: str | None,
    n_electrodes: int | None,
) -> tuple[NDArray[np.float64], float]:
    import edfio

    read = edfio.read_bdf if path.suffix.lower() == ".bdf" else edfio.read_edf
    try:
        signals = read(str(path)).signals
    except (ValueError, IndexError, KeyError) as error:
        raise RecordingError(f"{path} is not a readable EDF or BDF file: {error}") from error
    names = [signal.label for signal in signals]
    index = _choose(names, list(range(len(names))), chosen, n_electrodes)
    rates = {float(signals[i].sampling_frequency) for i in index}
    if len(rates) != 1:
        raise ValueError(f"the signals have several rates ({sorted(rates)} Hz); choose columns=")
    rate = rates.pop()
    if rate_hz is not None and abs(rate_hz - rate) > 1e-6 * rate:
        raise ValueError(f"rate={rate_hz:g}, but the file says {rate:g} Hz")
    data = [
        np.asarray(signals[i].data) * _factor(signals[i].physical_dimension or unit, names[i], unit)
        for i in index
    ]
    return np.stack(data, axis=1).astype(np.float64), rate


def _factor(said: str | None, name: str, unit: str | None) -> float:
    """Volts in one unit of a signal; what the file says comes before `unit`."""
    if said is not None and said in VOLTS:
        if unit is not None and VOLTS.get(unit) != VOLTS[said]:
            raise ValueError(f"unit={unit}, but the file says {said} for {name}")
        return VOLTS[said]
    if unit is not None and unit in VOLTS:
        return VOLTS[unit]
    raise ValueError(f"{name} is in {said or 'no unit'}; give unit= (V, mV, uV or nV)")


def _load_text(
    path: Path, chosen: list[str] | None, unit: str | None, n_electrodes: int | None
) -> NDArray[np.float64]:
    if unit is None or unit not in VOLTS:
        raise ValueError(f"unit={unit}: text files do not say it; give unit= (V, mV, uV or nV)")
    with _open_text(path) as file:
        head = [line for _, line in zip(range(_HEAD_LINES), file, strict=False)]
    start, delimiter = _find_rows(head, path)
    row = _split(head[start], delimiter)
    numeric = [i for i, text in enumerate(row) if _is_number(text)]
    index = _choose(_names(head, start, delimiter, len(row)), numeric, chosen, n_electrodes)
    try:
        with _open_text(path) as file:
            rows = (line for line in islice(file, start, None) if line.strip(" \t\r\n,;"))
            values = np.loadtxt(rows, delimiter=delimiter, usecols=index, ndmin=2, comments=None)
    except ValueError as error:
        raise RecordingError(f"{path.name}: {error}") from error
    volts: NDArray[np.float64] = values * VOLTS[unit]
    return volts


def _open_text(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace")
    return path.open(encoding="utf-8", errors="replace")


def _find_rows(head: list[str], path: Path) -> tuple[int, str | None]:
    """Line of the first row of numbers, and what separates its fields (None: blanks)."""
    channels = _acqknowledge_channels(head)
    for start in range(2 * channels + 5 if channels else 0, len(head) - 1):
        for delimiter in ("\t", ";", ",", None):
            here, following = (_split(line, delimiter) for line in head[start : start + 2])
            is_row = len(here) == len(following) and (delimiter is None or len(here) > 1)
            if is_row and _are_data(here) and _are_data(following):
                return start, delimiter
    raise RecordingError(f"{path.name}: no two rows of numbers in its first {len(head)} lines")


def _names(head: list[str], start: int, delimiter: str | None, count: int) -> list[str]:
    """Names of the columns, from the line above the rows; empty ones if it does not fit."""
    if _acqknowledge_channels(head):
        names = [line.strip() for line in head[3 : start - 2 : 2]]
        names += [""] * (count - len(names))
    else:
        names = _split(head[start - 1], delimiter) if start else []
    return names if len(names) == count else [""] * count


def _acqknowledge_channels(head: list[str]) -> int:
    """Channels of a text that BIOPAC AcqKnowledge exported; 0 if it is none.

    Its heading: file, rate, count, name and unit of each channel, short names, and a row of
    sample counts that must not be taken for samples.
    """
    if len(head) < 3 or not re.fullmatch(r"[\d.]+ msec/sample\s*", head[1]):
        return 0
    count = re.fullmatch(r"(\d+) channels\s*", head[2])
    return 0 if count is None else int(count[1])


def _split(line: str, delimiter: str | None) -> list[str]:
    return [field.strip() for field in line.strip("\r\n").split(delimiter)]


def _are_data(fields: list[str]) -> bool:
    """Return True if at least half of the fields are numbers: a row, not a heading."""
    return 2 * sum(map(_is_number, fields)) >= max(len(fields), 1)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _choose(
    names: list[str], usable: list[int], chosen: list[str] | None, limit: int | None
) -> list[int]:
    """Find the columns that were asked for."""
    listed = ", ".join(f"{i + 1} {names[i]}".rstrip() for i in usable)
    if chosen is None:
        if limit is not None and len(usable) > limit:
            raise ValueError(f"more columns than electrodes; choose columns= from: {listed}")
        return usable
    result = []
    for column in chosen:
        if column in names:
            index = names.index(column)
        elif column.isdecimal() and 1 <= int(column) <= len(names):
            index = int(column) - 1
        else:
            raise ValueError(f"no column {column!r}; there are: {listed}")
        if index not in usable:
            raise ValueError(f"column {column!r} does not hold numbers; these do: {listed}")
        result.append(index)
    return result
