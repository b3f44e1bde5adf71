"""What every reader gives: signals by name, on one time base, with marks and what is to be said."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgrig.errors import RecordingError
from emgrig.names import plain_line
from emgrig.reading.units import microvolts_in, plain
from emgrig.sentences import counted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SIMULATED = "SIMULATED: of a simulated board or computed, not recorded from a person"
_EMG_WORDS = (
    "emg",
    "zyg",
    "corr",
    "front",
    "orb",
    "oculi",
    "oris",
    "depressor",
    "levator",
    "masse",
    "ment",
)
_OTHER_WORDS = (
    "trig", "mic", "audio", "sound", "status", "marker", "event", "acc", "gyr", "temp"
)  # fmt: skip


#: Characters of the name of a signal.
_MOST_NAME = 80
#: A recording may be so many times as long as its rows; a short one may have so many samples.
_MOST_TIMES, _MOST_SAMPLES = 20, 4_000_000


def check_length(n_samples: float, n_rows: int, rate_hz: float | None = None) -> None:
    """Raise RecordingError if gaps would make a recording absurdly long: its times are damaged."""
    if not n_samples <= max(_MOST_TIMES * n_rows, _MOST_SAMPLES):
        lasts = "" if rate_hz is None else f" ({n_samples / rate_hz:.3g} s)"
        raise RecordingError(
            f"its times put {n_rows} rows over {n_samples:.4g} samples{lasts}; at most "
            f"{max(_MOST_TIMES * n_rows, _MOST_SAMPLES)} were expected: they are damaged, or it "
            "has to be split"
        )


class RateNotSaid(RecordingError):
    """The file names no sampling rate, and none was told."""


@dataclass(frozen=True)
class Mark:
    """What somebody noted.

    Attributes
    ----------
    onset_s, duration_s : float
        s from the first sample; a duration of 0 is a point in time.
    text : str
    """

    onset_s: float
    duration_s: float
    text: str
    is_told_bad: bool = False  #: By a fact beside it, whatever the text says.

    @property
    def is_bad(self) -> bool:
        """Whether its samples are not to be used: MNE's rule, a text that begins with bad."""
        return self.duration_s > 0 and (self.is_told_bad or self.text.lower().startswith("bad"))


@dataclass(frozen=True)
class Runs:
    """Where the rows of a file lie in time.

    Attributes
    ----------
    rows : ndarray of int, shape (n_runs, 3)
        First row of the file, its sample, and how many follow each other.
    n_samples : int
        Up to the last row.
    """

    rows: Ints
    n_samples: int

    @classmethod
    def steady(cls, n_rows: int) -> "Runs":
        """Return one run without a gap."""
        return cls(np.array([[0, 0, n_rows]]), n_rows)

    @classmethod
    def at(cls, positions: Ints, rows: Ints | None = None) -> "Runs":
        """Place rows (all, or those named) at samples; both strictly rise."""
        rows = np.arange(positions.size) if rows is None else rows
        check_length(float(positions[-1]) + 1, positions.size)
        return cls._of_blocks(positions, rows, 1)

    @classmethod
    def of_records(cls, positions: Ints, records: Ints, n_in_record: int) -> "Runs":
        """Place data records of so many rows each; as `at`, with no number for each sample.

        `positions` are their first samples, `records` count from 0; both strictly rise.
        """
        check_length(float(positions[-1]) + n_in_record, positions.size * n_in_record)
        return cls._of_blocks(positions, records * n_in_record, n_in_record)

    @classmethod
    def _of_blocks(cls, positions: Ints, rows: Ints, n: int) -> "Runs":
        breaks = np.flatnonzero((np.diff(positions) != n) | (np.diff(rows) != n)) + 1
        begin = np.concatenate([[0], breaks])
        counts = n * np.diff(np.concatenate([begin, [positions.size]]))
        return cls(np.stack([rows[begin], positions[begin], counts], 1), int(positions[-1]) + n)

    @property
    def is_steady(self) -> bool:
        """Whether every row is a sample, in order."""
        return len(self.rows) == 1 and self.rows[0, 2] == self.n_samples

    @property
    def positions(self) -> Ints:
        """Sample of each row that is used, shape (n_used,)."""
        counts = self.rows[:, 2]
        begins = np.cumsum(counts) - counts
        within: Ints = np.arange(int(counts.sum())) - np.repeat(begins, counts)
        return np.repeat(self.rows[:, 1], counts) + within

    def sample_of(self, row: int) -> int:
        """Return the sample of a row of the file, or of the last one used ahead of it."""
        run = max(int(np.searchsorted(self.rows[:, 0], row, side="right")) - 1, 0)
        first, sample, count = self.rows[run].tolist()
        return int(sample + min(max(row - first, 0), count - 1))

    @property
    def gaps(self) -> Ints:
        """Begin and end of each stretch without a row, samples, shape (n_gaps, 2)."""
        ends = self.rows[:-1, 1] + self.rows[:-1, 2]
        gaps = np.stack([ends, self.rows[1:, 1]], 1)
        return gaps[gaps[:, 1] > gaps[:, 0]]

    def spread(self, values: NDArray[Any]) -> Floats:
        """Lay rows (n_rows,) out in time; NaN where there is none."""
        if self.is_steady and values.shape[0] == self.n_samples:
            return np.asarray(values, dtype=np.float64)
        out = np.full(self.n_samples, np.nan)
        for row, sample, count in self.rows.tolist():
            out[sample : sample + count] = values[row : row + count]
        return out


@dataclass(frozen=True)
class Signal:
    """One channel of a recording.

    Attributes
    ----------
    name : str
        Unique in the recording.
    unit : str
        "uV" for every voltage (values are converted), else the file's word; "" if nobody said it.
    where : str
        Where it came from: ``signal 3 'EMG Zyg'``, ``column 2``.
    factor : float
        From the values of the file to `unit`.
    problem : str
        Why it cannot be used as a voltage; empty if it can, or if only the unit is not said.
    limits : (float, float) or None
        Ends of the range that the file can hold, in `unit`; None if it does not say.
    """

    name: str
    unit: str
    where: str
    factor: float = 1.0
    problem: str = ""
    limits: tuple[float, float] | None = None

    @property
    def is_voltage(self) -> bool:
        """Whether its values are microvolts."""
        return self.unit == "uV" and not self.problem


def signal(name: str, unit: str, where: str, **more: Any) -> Signal:
    """Make a signal of what a file says; a voltage becomes uV."""
    factor = microvolts_in(unit)
    if factor is None:
        return Signal(name.strip(), plain(unit), where, **more)
    return Signal(name.strip(), "uV", where, factor, **more)


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording of anybody's, on one time base.

    Attributes
    ----------
    path : Path
    source : str
        Which layout was recognised.
    signals : tuple of Signal
    rate_hz : float
    rate_from : str
        Where the rate was taken from.
    runs : Runs
        Of the rows of the file.
    column : callable
        ``column(i)``: the values of a signal as the file has them, shape (n_rows,).
    marks : tuple of Mark
    remarks : tuple of str
        What a reader should know.
    left_out : tuple of str
        Signals of the file that are not among these, and why.
    is_simulated : bool
    start : datetime or None
    measured_hz : float or None
        The rate by a better clock than the file's time, if a sidecar of ours knows it.
    is_own : bool
        Whether a sidecar of ours was read with it.
    lacks_sidecar : bool
        Whether the header says that emgrig recorded it, and no sidecar of ours was read.
    part : callable or None
        ``part(indexes, first_row, stop_row)``: those rows of signals, as `column` gives them, of
        shape (n_signals, n_rows); None if only whole columns can be read.
    """

    path: Path
    source: str
    signals: tuple[Signal, ...]
    rate_hz: float
    rate_from: str
    runs: Runs
    column: Callable[[int], NDArray[Any]]
    marks: tuple[Mark, ...] = ()
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    is_simulated: bool = False
    start: dt.datetime | None = None
    measured_hz: float | None = None
    is_own: bool = False
    lacks_sidecar: bool = False
    part: Callable[[Sequence[int], int, int], NDArray[Any]] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the signals."""
        return tuple(one.name for one in self.signals)

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the signals."""
        return tuple(one.unit for one in self.signals)

    @cached_property
    def n_samples(self) -> int:
        """Samples of each signal, up to what is marked bad at the end."""
        end = self.runs.n_samples
        for begin, behind in self._bad[::-1].tolist():
            end = min(end, begin) if behind >= end else end
        return max(end, 0)

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return self.n_samples / self.rate_hz

    def values(self, index: int) -> Floats:
        """Read one signal; shape (n_samples,), in its unit; NaN in gaps and where marked bad.

        Raises
        ------
        RecordingError
            If the file cannot be read any more.
        """
        one = self.signals[index]
        try:
            raw = self.column(index)
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be read: {error.strerror}") from error
        with np.errstate(all="ignore"):
            out = self.runs.spread(raw)[: self.n_samples] * one.factor
        is_gap = ~np.isfinite(out)
        if is_gap.any():
            out[is_gap] = np.nan
        for begin, behind in self._bad.tolist():
            out[max(begin, 0) : max(behind, 0)] = np.nan
        return out

    def window(self, begin: int, stop: int, indexes: Sequence[int] | None = None) -> Floats:
        """Read some samples of signals (all, or those named) as `values` gives them.

        Where the format allows it no more of the file is read; else whole columns are.

        Parameters
        ----------
        begin, stop : int
            Samples, 0 <= begin <= stop <= `n_samples`.

        Returns
        -------
        ndarray of float64, shape (n_signals, stop - begin)

        Raises
        ------
        ValueError
            If it does not lie in the recording.
        RecordingError
            If the file cannot be read any more.
        """
        wanted = list(range(len(self.signals)) if indexes is None else indexes)
        if not 0 <= begin <= stop <= self.n_samples:
            raise ValueError(f"samples {begin} to {stop} of {self.n_samples}")
        if self.part is None or begin == stop or not wanted:
            rows = [self.values(i)[begin:stop] for i in wanted if begin < stop]
            return np.array(rows).reshape(len(wanted), stop - begin)
        out = self._laid_out(begin, stop, wanted)
        with np.errstate(all="ignore"):
            out *= np.array([[self.signals[i].factor] for i in wanted])
        out[~np.isfinite(out)] = np.nan
        bad = self._bad
        for first, behind in bad[(bad[:, 0] < stop) & (bad[:, 1] > begin)].tolist():
            out[:, max(first - begin, 0) : behind - begin] = np.nan
        return out

    def _laid_out(self, begin: int, stop: int, wanted: Sequence[int]) -> Floats:
        """Read what is there of a stretch, in the units of the file."""
        assert self.part is not None
        rows, samples, counts = self.runs.rows.T
        met = np.flatnonzero((samples < stop) & (samples + counts > begin))
        out = np.full((len(wanted), stop - begin), np.nan)
        if not met.size:
            return out
        ahead = np.maximum(begin - samples[met], 0)
        behind = np.minimum(stop - samples[met], counts[met])
        first, last = int((rows[met] + ahead)[0]), int((rows[met] + behind)[-1])
        try:
            found = self.part(wanted, first, last)
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be read: {error.strerror}") from error
        for run, a, b in zip(
            self.runs.rows[met].tolist(), ahead.tolist(), behind.tolist(), strict=True
        ):
            at, row = run[1] - begin, run[0] - first
            out[:, at + a : at + b] = found[:, row + a : row + b]
        return out

    def matrix(self, indexes: Sequence[int] | None = None) -> Floats:
        """Read signals (all, or those named); shape (n_samples, n_signals)."""
        wanted = range(len(self.signals)) if indexes is None else indexes
        out = np.empty((self.n_samples, len(wanted)), order="F")
        for place, index in enumerate(wanted):
            out[:, place] = self.values(index)
        return out

    def choose(self, asked: Iterable[str]) -> "Recording":
        """Keep the signals that were asked for, by name or by number from 1.

        Raises
        ------
        ValueError
            If there is no such signal; the message lists what there is.
        """
        indexes = [find_signal(self.labels, one) for one in asked]
        column, part = self.column, self.part
        kept = tuple(self.signals[i] for i in indexes)
        chosen = replace(self, signals=kept, column=lambda i: column(indexes[i]))
        if part is None:
            return chosen
        return replace(chosen, part=lambda i, a, b: part([indexes[one] for one in i], a, b))

    @cached_property
    def _bad(self) -> Ints:
        """Begin and end of each stretch that is marked bad, samples, in order."""
        ends = [
            (
                round(mark.onset_s * self.rate_hz),
                round((mark.onset_s + mark.duration_s) * self.rate_hz),
            )
            for mark in self.marks
            if mark.is_bad
        ]
        return np.array(sorted(ends), dtype=np.int64).reshape(-1, 2)


def find_signal(labels: Sequence[str], asked: str) -> int:
    """Return the index of a name, or of a number from 1; ValueError lists what there is."""
    word = asked.strip()
    if word in labels:
        return labels.index(word)
    if word.isascii() and word.isdecimal() and 1 <= int(word) <= len(labels):
        return int(word) - 1
    lower = [label.lower() for label in labels]
    if lower.count(word.lower()) == 1:
        return lower.index(word.lower())
    near = [index for index, label in enumerate(lower) if _is_short_for(word.lower(), label)]
    if len(near) == 1:
        return near[0]
    there = ", ".join(f"{i} {label}" for i, label in enumerate(labels, 1))
    if near:
        may = ", ".join(f"{i + 1} {labels[i]}" for i in near)
        raise ValueError(f"channel {asked!r} may be {may}; name one whole, or its number")
    raise ValueError(f"no channel {asked!r}; there are: {there}")


def _is_short_for(asked: str, label: str) -> bool:
    """Tell if each word begins one of the label's, or is what an abbreviation there stands for."""

    def names(word: str, part: str) -> bool:
        stem = part.removesuffix(".")
        return part.startswith(word) or (bool(stem) and stem != part and word.startswith(stem))

    words, parts = asked.split(), label.split()
    return bool(words) and all(any(names(word, part) for part in parts) for word in words)


def with_names(
    signals: Sequence[Signal], what: str = "channel"
) -> tuple[tuple[Signal, ...], list[str]]:
    """Give every signal a name of its own; returns also what is to be said about it."""
    lines = [plain_line(one.name, _MOST_NAME) for one in signals]
    named = [
        replace(one, name=line or f"{what} {i}")
        for i, (one, line) in enumerate(zip(signals, lines, strict=True), 1)
    ]
    remarks = []
    if empty := sum(not line for line in lines):
        remarks.append(f"{counted(empty, 'channel')} without a name: called {what} 1, {what} 2 ...")
    often = Counter(one.name for one in named)
    taken = {name for name, n in often.items() if n == 1}
    numbers: Counter[str] = Counter()
    out = []
    for one in named:
        name = one.name
        while often[one.name] > 1 and (name == one.name or name in taken):
            numbers[one.name] += 1
            name = f"{one.name} ({numbers[one.name]})"
        taken.add(name)
        out.append(replace(one, name=name))
    if twice := [name for name, n in often.items() if n > 1]:
        remarks.append(f"channels of the same name are numbered: {', '.join(twice)}")
    return tuple(out), remarks


def emg_rank(one: Signal) -> int:
    """Say how much a signal looks like EMG: by its name, then by its unit."""
    name = one.name.lower()
    rank = 2 if one.is_voltage else 0
    rank += 4 if any(word in name for word in _EMG_WORDS) else 0
    return rank - (3 if any(word in name for word in _OTHER_WORDS) else 0)
