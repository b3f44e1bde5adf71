"""One recording as it is looked at: columns of any stretch, filtered or not, in bounded time."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.recording import Recording
from emgrig.reading.runs import Floats
from emgrig.view.cache import Scratch
from emgrig.view.eye import Eye, Filter
from emgrig.view.layer import Layer, Recent
from emgrig.view.pyramid import BASE, FROM_SAMPLES, Columns, Store, column_width, in_memory, reduced

#: Numbers that are filtered for one step, with what the filters need around the window; a gap costs
#: as much as so many.
MOST_FILTERED, PER_EDGE = 700_000, 3_000
#: Filters of which pyramids are kept: each page may have its own.
MOST_LAYERS = 3
#: Columns narrower than this are always made of the samples: a pyramid would be too coarse.
FROM_PYRAMID = BASE // 4


@dataclass(frozen=True)
class Seen:
    """What a step shows.

    Attributes
    ----------
    trace, envelope : Columns, Columns or None
    eye : Eye
        What was done to the samples; where that takes too long for a step, not what was asked for.
    share : float
        Of what is being computed that a later step will show, 0 to 1; 1 if nothing is.
    """

    trace: Columns
    envelope: Columns | None
    eye: Eye
    share: float


class Screen:
    """A recording, and what was computed of it.

    Parameters
    ----------
    recording : Recording
    store : Store
        Where the pyramid of the samples is kept.
    scratch : callable, optional
        Gives a place for the pyramids of a filter; in memory without one.
    on_whole : callable, optional
        Is told when the pyramid of the samples is whole.
    is_whole : bool
        Whether `store` gives one that is.
    """

    def __init__(
        self,
        recording: Recording,
        store: Store = in_memory,
        *,
        scratch: Callable[[], Scratch] | None = None,
        on_whole: Callable[[], None] | None = None,
        is_whole: bool = False,
    ) -> None:
        self.recording = recording
        self.n_samples = recording.n_samples
        self._scratch, self._lock = scratch, threading.Lock()
        self._recent = Recent(recording)
        self._plain = Layer(recording, Eye(), store=store)
        self._through: dict[Eye, Layer] = {}  # by filter, that used last at the end
        if is_whole:
            self._plain.trace.fill_coarse()
        else:
            self._plain.start(on_whole=on_whole)

    @property
    def length_s(self) -> float:
        """How long it is, s."""
        return self.n_samples / self.recording.rate_hz

    @property
    def problem(self) -> str:
        """Why the recording could not be read on; empty if it could."""
        return next((one.problem for one in self._layers() if one.problem), "")

    @property
    def is_building(self) -> bool:
        """Whether the pyramid of the samples is still being filled."""
        return self._plain.share < 1.0 and not self._plain.problem

    def check(self) -> None:
        """Raise RecordingError if the recording could not be read on."""
        if self.problem:
            raise RecordingError(self.problem)

    def _layers(self) -> list[Layer]:
        return [self._plain, *self._through.values()]

    def wait(self) -> None:
        """Wait until nothing is being computed."""
        for layer in self._layers():
            layer.wait()

    def close(self) -> None:
        """End what is being computed."""
        for layer in self._layers():
            layer.end()

    def see(
        self, begin: float, stop: float, n_columns: int, channels: Sequence[int], eye: Eye
    ) -> Seen:
        """Return what is shown of a stretch.

        Parameters
        ----------
        begin, stop : float
            Samples; what lies outside of the recording is left out.
        n_columns : int
            At most so many columns are given.
        channels : sequence of int
            Indexes of signals.
        eye : Eye
            What is wanted.

        Raises
        ------
        ValueError
            If the filter makes no sense at this rate.
        RecordingError
            If the file cannot be read any more.
        """
        eye = eye.fitted(self.recording.rate_hz)
        width = column_width(stop - begin, n_columns)
        one = None if eye.is_plain else Filter(eye, self.recording.rate_hz)
        is_quick = one is not None and self._is_quick(one, width, (begin, stop), channels)
        if one is not None and not is_quick:
            width = -(-width // BASE) * BASE
        first = max(int(begin // width), 0) * width
        end = min(int(-(-stop // width)) * width, self.n_samples)
        wanted = list(channels)
        if first >= end or not wanted:
            return Seen(_reduced(np.zeros((len(wanted), 0)), first, width), None, eye, 1.0)
        if one is None:
            return self._plainly(first, end, width, wanted)
        look = self._at_once if is_quick else self._from_pyramid
        return look(first, end, width, wanted, one)

    def _is_quick(
        self, one: Filter, width: int, ends: tuple[float, float], channels: Sequence[int]
    ) -> bool:
        """Whether a stretch is filtered for a step; else a pyramid has to be there, or is."""
        through, (begin, stop) = self._through.get(one.eye), ends
        if width >= FROM_SAMPLES:
            return False
        end = min(stop, self.n_samples)
        if width >= BASE and through is not None and through.n_done >= end:
            return False
        n_read = (stop - begin + 2 * one.context) * len(channels)
        n_edges = self._plain.trace.n_edges(int(begin), int(end), list(channels))
        return n_read + PER_EDGE * n_edges <= MOST_FILTERED or width < FROM_PYRAMID

    def _at_once(self, first: int, end: int, width: int, channels: list[int], one: Filter) -> Seen:
        trace, level = self._recent.filtered(one, first, end, channels)
        shown = None if level is None else _reduced(level, first, width)
        return Seen(_reduced(trace, first, width), shown, one.eye, 1.0)

    def _plainly(self, first: int, end: int, width: int, channels: list[int]) -> Seen:
        if width < FROM_SAMPLES:
            x = self.recording.window(first, end, channels)
            return Seen(_reduced(x, first, width), None, Eye(), 1.0)
        share = 1.0 if self._plain.n_done >= end else self._plain.share
        n = -(-(end - first) // width)
        return Seen(self._plain.trace.columns(first, n, width, channels), None, Eye(), share)

    def _from_pyramid(
        self, first: int, end: int, width: int, channels: list[int], one: Filter
    ) -> Seen:
        layer = self._layer(one)
        if layer.n_done < end:
            plain = self._plainly(first, end, width, channels)
            return Seen(plain.trace, None, Eye(), min(layer.share, plain.share))
        n = -(-(end - first) // width)
        level = layer.envelope
        shown = None if level is None else level.columns(first, n, width, channels)
        return Seen(layer.trace.columns(first, n, width, channels), shown, one.eye, 1.0)

    def _layer(self, one: Filter) -> Layer:
        """Return the pyramids of a filter; those of another one go if there are too many."""
        with self._lock:
            layer = self._through.pop(one.eye, None)
            if layer is None:
                oldest = next(iter(self._through), None)
                is_full = len(self._through) >= MOST_LAYERS
                old = self._through.pop(oldest) if is_full and oldest is not None else None
                n = 2 if one.eye.has_envelope else 1
                places = [self._scratch() for _ in range(n)] if self._scratch is not None else []
                layer = Layer(self.recording, one.eye, places=places)
                layer.start(after=old)
            self._through[one.eye] = layer
            return layer


def _reduced(x: Floats, first: int, width: int) -> Columns:
    return Columns(first, width, *reduced(x, width))
