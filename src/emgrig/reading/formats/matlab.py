"""MATLAB files, 4 to 7.3: matrices, structs (EEGLAB, FieldTrip), tables, BIOPAC's, CASMEMG's."""

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from emgrig.errors import MissingExtra, RecordingError
from emgrig.extras import require
from emgrig.files import attempt
from emgrig.reading.formats.matfile import check_mat
from emgrig.reading.formats.tables import unsaid_unit_s
from emgrig.reading.recording import RateNotSaid, Recording
from emgrig.reading.runs import Runs
from emgrig.reading.signals import signal, with_names
from emgrig.reading.timebase import TimeBase, agree, from_times, lost_and_marked, steady
from emgrig.reading.units import seconds_in

CASMEMG_HZ = 1000.0
_CASMEMG_COLUMNS = (8, 11)
_RATES = (
    "fs", "srate", "fsample", "samplingrate", "samplerate", "sfreq", "rate", "freq", "frequency",
    "samplingfrequency", "fsamp", "fsemg", "emgfs", "ratehz", "samplefreq",
)  # fmt: skip
#: Names that may mean another rate: of a filter, of the mains.
_UNSURE_RATES = ("rate", "freq", "frequency", "ts", "dt")
_STEPS = ("isi", "dt", "samplinginterval", "ts")
_LABELS = (
    "labels",
    "label",
    "channelnames",
    "channels",
    "chnames",
    "names",
    "channames",
    "chanlabels",
)
_UNITS = ("units", "unit", "chanunit")
_TIMES = ("time", "t", "times", "timestamps", "timevector")
_MOST_BYTES = 2_000_000_000
_MOST_DEPTH = 6


@dataclass(frozen=True)
class _Variable:
    """A matrix by the path of its name, and the fields that stand beside it."""

    name: str
    matrix: np.ndarray
    beside: Mapping[str, Any]


def read_matlab(path: Path, told_hz: float | None) -> Recording:
    """Read the one recording in a .mat file; see `emgrig.reading.open_recording`."""
    content = _load(path)
    found = [one for one in _matrices(content, "", 0) if min(one.matrix.shape) >= 1]
    table = _pick(path, found)
    matrix, turned = _upright(path, table)
    beside = {**content, **table.beside}
    n_samples, n_channels = matrix.shape
    is_casmemg = n_channels in _CASMEMG_COLUMNS and not _stated_rate(beside)
    rate = agree(_stated_rate(beside), told_hz)
    others = tuple(one.name for one in found if one is not table and max(one.matrix.shape) >= 10)
    said = [f"left out: {', '.join(others[:20])}"] if others else []
    if turned:
        said.append(f"{table.name}: {n_channels} rows of {n_samples}, taken as channels")
    labels, units = _texts(beside, _LABELS, n_channels), _texts(beside, _UNITS, n_channels)
    lost = None
    if n_channels == 11 and not labels:
        # CASMEMG's newer layout: 8 of EMG, packet order (-1: lost), time, sync.
        lost = matrix[:, 8] == -1
        matrix, n_channels = matrix[:, :8], 8
        said.append("11 columns: 8 of EMG, then packet order, time and sync signal (CASMEMG)")
    if not units and len(_texts(beside, _UNITS, 1)) == 1:
        units = _texts(beside, _UNITS, 1) * n_channels
    if is_casmemg:
        missing = [*(["rate"] if rate is None else []), *(["unit"] if not units else [])]
        if missing:
            said.append(
                f"the file does not say its {' and '.join(missing)}: taken as CASMEMG's, "
                "1000 Hz and µV"
            )
        rate, units = rate or (CASMEMG_HZ, "CASMEMG"), units or ["uV"] * n_channels
    base = _time_base(path, beside, rate, matrix)
    names = labels or [f"c{i + 1}" for i in range(n_channels)]
    units = units or [""] * n_channels
    made = [
        signal(name, unit, f"{table.name}, column {i}")
        for i, (name, unit) in enumerate(zip(names, units, strict=True), 1)
    ]
    signals, renamed = with_names(made)
    runs = base.runs
    if lost is not None and lost.any():
        said.append(lost_and_marked(int(lost.sum())))
        runs = _only(runs, ~lost)
    return Recording(
        path=path,
        source="CASMEMG .mat" if is_casmemg else "MATLAB",
        signals=signals,
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=runs,
        column=lambda i: matrix[:, i],
        remarks=(*said, *renamed, *base.remarks),
        left_out=others,
    )


def _only(runs: Runs, is_there: np.ndarray) -> Runs:
    """Keep rows that hold something; what is missing at the end is missing too."""
    positions = runs.positions
    rows = np.concatenate([np.arange(n) + row for row, _, n in runs.rows.tolist()])
    kept = is_there[rows]
    if not kept.any():
        raise RecordingError("all its samples were lost")
    return replace(Runs.at(positions[kept], rows[kept]), n_samples=runs.n_samples)


def _load(path: Path) -> dict[str, Any]:
    """Load all variables, of any version; a damaged file is a RecordingError."""
    from scipy import io

    if path.stat().st_size > _MOST_BYTES:
        raise RecordingError(f"{path} has more than {_MOST_BYTES / 1e9:g} GB; save what is needed")
    with attempt("read", path):
        check_mat(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = io.loadmat(path, struct_as_record=False, squeeze_me=False)
    except NotImplementedError:  # MATLAB 7.3, which scipy does not read
        return _load_tables(path)
    except MissingExtra:
        raise
    except Exception as error:  # scipy raises about anything for a damaged file
        raise RecordingError(
            f"{path} is damaged, or no .mat file: {str(error) or type(error).__name__:.120}"
        ) from error
    if "None" in content or "__function_workspace__" in content:
        return _load_tables(path)
    return {name: value for name, value in content.items() if not name.startswith("__")}


def _load_tables(path: Path) -> dict[str, Any]:
    """Load tables, and files of MATLAB 7.3."""
    try:
        matio = require("matio", "matlab", f"{path}, a MATLAB table or 7.3 file,")
    except MissingExtra as error:
        raise MissingExtra(
            f"{error}; or in MATLAB: data = table2array(T(:, 1:8)); save('FILE.mat', 'data', '-v7')"
        ) from error
    return dict(_of_matio(matio, path))


def _of_matio(matio: ModuleType, path: Path) -> Iterator[tuple[str, Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = matio.load_from_mat(str(path))
    except Exception as error:
        raise RecordingError(
            f"{path} is damaged: {str(error) or type(error).__name__:.120}"
        ) from error
    for key, value in content.items():
        name = key if isinstance(key, str) else repr(key)
        if name.startswith("__"):
            continue
        if hasattr(value, "select_dtypes"):
            numeric = value.select_dtypes("number")
            yield name, {"data": np.asarray(numeric, dtype=np.float64), "labels": _columns(numeric)}
        else:
            yield name, value


def _columns(table: Any) -> list[str]:
    names = [str(name) for name in table.columns]
    generic = all(re.fullmatch(r"(c|Var|x|var|column)_?\d+", name) for name in names)
    return [] if generic else names


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _fields(value: Any) -> dict[str, Any] | None:
    """Return the fields of a struct; None if it is none."""
    if isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, Mapping):
        return {str(key): one for key, one in value.items()}
    names = getattr(value, "_fieldnames", None)
    return None if names is None else {name: getattr(value, name) for name in names}


def _matrices(content: Mapping[str, Any], above: str, depth: int) -> Iterator[_Variable]:
    for name, value in content.items():
        full = f"{above}{name}"
        fields = _fields(value)
        if fields is not None:
            if depth < _MOST_DEPTH:
                yield from _matrices(fields, f"{full}.", depth + 1)
            continue
        array = value
        if isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
            array = value.ravel()[0]  # the one trial of FieldTrip
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            continue
        if array.ndim == 1:
            array = array[:, np.newaxis]
        if array.ndim == 2 and _plain(name) not in (*_TIMES, *_RATES, *_STEPS):
            yield _Variable(full, array, content)


def _pick(path: Path, found: list[_Variable]) -> _Variable:
    """Return the one matrix that is a recording: of EMG by its name, or the longest one."""
    long = [one for one in found if max(one.matrix.shape) >= 10]
    if not long:
        held = ", ".join(f"{one.name} {one.matrix.shape}" for one in found[:6]) or "none"
        raise RecordingError(f"{path} holds no matrix of samples (matrices: {held})")
    named = [one for one in long if "emg" in _plain(one.name.split(".")[-1])]
    if len(named) == 1 and named[0].matrix.size > 4 * min(named[0].matrix.shape):
        return named[0]
    most = max(max(one.matrix.shape) for one in long)
    longest = [one for one in long if max(one.matrix.shape) == most]
    if len(longest) > 1:
        usual = [one for one in longest if _plain(one.name.split(".")[-1]) == "data"]
        longest = usual if len(usual) == 1 else longest
    if len(longest) > 1:
        names = ", ".join(one.name for one in longest[:8])
        raise RecordingError(f"{path} holds {len(longest)} matrices ({names}); one was expected")
    return longest[0]


def _upright(path: Path, table: _Variable) -> tuple[np.ndarray, bool]:
    """Return samples in rows; whether they were in columns."""
    rows, columns = table.matrix.shape
    matrix = table.matrix.astype(np.float64)
    if columns in _CASMEMG_COLUMNS and rows not in _CASMEMG_COLUMNS:
        return matrix, False
    if rows in _CASMEMG_COLUMNS and columns > 4 * rows:
        return matrix.T, True
    if max(rows, columns) < 4 * min(rows, columns):
        raise RecordingError(
            f"{path}: {table.name} has {rows} rows and {columns} columns; which are the samples? "
            "save it with samples in rows, many more than channels"
        )
    return (matrix.T, True) if columns > rows else (matrix, False)


def _scalar(value: Any) -> float | None:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiu":
        return None
    number = float(array.ravel()[0])
    return number if np.isfinite(number) and number > 0 else None


def _stated_rate(beside: Mapping[str, Any]) -> tuple[float, str] | None:
    """Return the rate and its name; RecordingError if two of them contradict each other."""
    said = [(rate_hz, name) for name, value in beside.items()
            if (rate_hz := _rate_of(name, value, beside)) is not None]  # fmt: skip
    sure = [one for one in said if "emg" in _plain(one[1])]
    sure = sure or [one for one in said if _plain(one[1]) not in _UNSURE_RATES] or said
    for rate_hz, name in sure[1:]:
        if abs(rate_hz / sure[0][0] - 1) > 5e-3:
            raise RecordingError(
                f"the rate contradicts itself: {sure[0][1]} says {sure[0][0]:.6g} Hz, {name} says "
                f"{rate_hz:.6g} Hz"
            )
    return sure[0] if sure else None


def _rate_of(name: str, value: Any, beside: Mapping[str, Any]) -> float | None:
    number, bare = _scalar(value), _plain(name)
    if number is None or bare not in (*_RATES, *_STEPS):
        return None
    if bare in _RATES:
        return number
    factor = seconds_in("".join(_texts(beside, (f"{bare}units",), 1)))
    factor = factor or (1e-3 if bare == "isi" else 1.0)  # BIOPAC's isi is in ms
    return 1 / max(number * factor, 1e-300)


def _texts(beside: Mapping[str, Any], names: tuple[str, ...], n: int) -> list[str]:
    """Return `n` texts of one of these fields: a cell array, a char matrix, EEGLAB's chanlocs."""
    for name, value in beside.items():
        if _plain(name) in names:
            texts = [one for one in map(_text, np.asarray(value).ravel()) if one is not None]
            if len(texts) == n:
                return texts
        if _plain(name) == "chanlocs" and "labels" in names:
            located = [_fields(one) or {} for one in np.asarray(value).ravel()]
            labels = [_text(one.get("labels")) or "" for one in located]
            if len(labels) == n:
                return labels
    return []


def _text(value: Any) -> str | None:
    while isinstance(value, np.ndarray):
        if value.size != 1:
            return None if value.size else ""
        value = value.ravel()[0]
    return value.strip() if isinstance(value, str) else None


def _time_base(
    path: Path, beside: Mapping[str, Any], rate: tuple[float, str] | None, matrix: np.ndarray
) -> TimeBase:
    n_samples = len(matrix)
    for name, value in beside.items():
        array = np.asarray(value)
        if _plain(name) in _TIMES and array.dtype.kind in "fiu" and array.size == n_samples:
            time = array.ravel().astype(np.float64)
            factor = unsaid_unit_s(time, rate)
            return from_times(time * factor, rate, f"the variable {name}", list(matrix.T))
    if rate is None:
        raise RateNotSaid(f"{path} does not name its sampling rate; give it (--rate)")
    return steady(n_samples, *rate)
