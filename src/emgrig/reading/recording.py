"""What every reader gives: signals by name, on one time base, with marks and what is to be said."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgrig.errors import RecordingError
from emgrig.reading.runs import Floats, Ints, Runs
from emgrig.reading.signals import Signal, find_signal

SIMULATED = "SIMULATED: of a simulated board or computed, not recorded from a person"


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
