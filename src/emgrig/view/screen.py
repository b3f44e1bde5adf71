"""One recording as it is looked at: columns of any stretch, filtered or not, in bounded time."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from emgrig.reading.recording import Floats, Recording
from emgrig.view.eye import Eye, Filter
from emgrig.view.pyramid import (
    BASE,
    BLOCK,
    FROM_SAMPLES,
    Columns,
    Pyramid,
    Store,
    column_width,
    in_memory,
    reduced,
)

#: Numbers that are filtered for one step, with what the filters need around the window.
MOST_FILTERED = 1_000_000


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


@dataclass
class Layer:
    """Pyramids of the whole recording, through one filter, that a thread fills."""

    eye: Eye
    trace: Pyramid
    envelope: Pyramid | None = None
    is_stopped: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    problem: str = ""

    @property
    def share(self) -> float:
        """How much of it is there, 0 to 1."""
        return self.trace.n_done / max(self.trace.n_samples, 1)


class Screen:
    """A recording, and what was computed of it.

    Parameters
    ----------
    recording : Recording
    store : Store
        Where the pyramid of the samples is kept.
    on_whole : callable, optional
        Is told when that is whole.
    is_whole : bool
        Whether `store` gives one that is.
    """

    def __init__(
        self,
        recording: Recording,
        store: Store = in_memory,
        *,
        on_whole: Callable[[], None] | None = None,
        is_whole: bool = False,
    ) -> None:
        self.recording = recording
        self.n_samples = recording.n_samples
        self._lock = threading.Lock()
        n = len(recording.signals)
        self._plain = Layer(Eye(), Pyramid(n, self.n_samples, store))
        self._filtered: Layer | None = None
        if is_whole:
            self._plain.trace.fill_coarse()
        else:
            self._start(self._plain, on_whole)

    def close(self) -> None:
        """End what is being computed."""
        for layer in (self._plain, self._filtered):
            if layer is not None:
                layer.is_stopped.set()
                if layer.thread is not None:
                    layer.thread.join()

    @property
    def share(self) -> float:
        """How much of the pyramid is there, 0 to 1."""
        return self._plain.share

    @property
    def problem(self) -> str:
        """Why the recording could not be read on; empty if it could."""
        return self._plain.problem

    def wait(self) -> None:
        """Wait until nothing is being computed."""
        for layer in (self._plain, self._filtered):
            if layer is not None and layer.thread is not None:
                layer.thread.join()

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
        if one is not None and not self._is_quick(one, width, stop - begin, len(channels)):
            width = -(-width // BASE) * BASE
        first = max(int(begin // width), 0) * width
        end = min(int(-(-stop // width)) * width, self.n_samples)
        wanted = list(channels)
        if first >= end or not wanted:
            empty = np.zeros((len(wanted), 0))
            return Seen(Columns(max(first, 0), width, *reduced(empty, 1)), None, eye, 1.0)
        if one is None:
            return self._see_plain(first, end, width, wanted)
        return self._see_filtered(first, end, width, wanted, one)

    @staticmethod
    def _is_quick(one: Filter, width: int, n_samples: float, n_channels: int) -> bool:
        """Whether a stretch can be filtered for a step; else a pyramid has to be there."""
        n_read = (n_samples + 2 * one.context) * n_channels
        return width < BASE or (width < FROM_SAMPLES and n_read <= MOST_FILTERED)

    def _see_plain(self, first: int, end: int, width: int, channels: list[int]) -> Seen:
        if width < FROM_SAMPLES:
            x = self.recording.window(first, end, channels)
            return Seen(Columns(first, width, *reduced(x, width)), None, Eye(), 1.0)
        trace = self._plain.trace
        share = 1.0 if trace.n_done >= end else self._plain.share
        columns = trace.columns(first, -(-(end - first) // width), width, channels)
        return Seen(columns, None, Eye(), share)

    def _see_filtered(
        self, first: int, end: int, width: int, channels: list[int], one: Filter
    ) -> Seen:
        if self._is_quick(one, width, end - first, len(channels)):
            trace, level = filtered(self.recording, one, first, end, channels)
            shown = None if level is None else Columns(first, width, *reduced(level, width))
            return Seen(Columns(first, width, *reduced(trace, width)), shown, one.eye, 1.0)
        layer = self._layer(one)
        if layer.trace.n_done < end:
            plain = self._see_plain(first, end, width, channels)
            return Seen(plain.trace, None, Eye(), min(layer.share, plain.share))
        n = -(-(end - first) // width)
        level = (
            None if layer.envelope is None else layer.envelope.columns(first, n, width, channels)
        )
        return Seen(layer.trace.columns(first, n, width, channels), level, one.eye, 1.0)

    def _layer(self, one: Filter) -> Layer:
        """Return the pyramids of a filter; they are begun if it is another one than before."""
        with self._lock:
            old = self._filtered
            if old is not None and old.eye == one.eye:
                return old
            if old is not None:
                old.is_stopped.set()
            n = len(self.recording.signals)
            envelope = Pyramid(n, self.n_samples) if one.eye.has_envelope else None
            layer = Layer(one.eye, Pyramid(n, self.n_samples), envelope)
            self._filtered = layer
            self._start(layer)
            return layer

    def _start(self, layer: Layer, on_whole: Callable[[], None] | None = None) -> None:
        def fill() -> None:
            try:
                self._fill(layer)
            except Exception as error:  # the page says it; steps that need no pyramid go on
                layer.problem = str(error) or type(error).__name__
                return
            if on_whole is not None and not layer.is_stopped.is_set():
                on_whole()

        layer.thread = threading.Thread(target=fill, daemon=True)
        layer.thread.start()

    def _fill(self, layer: Layer) -> None:
        channels = list(range(len(self.recording.signals)))
        one = Filter(layer.eye, self.recording.rate_hz)
        for begin in range(0, self.n_samples, BLOCK):
            if layer.is_stopped.is_set():
                return
            end = min(begin + BLOCK, self.n_samples)
            if layer.eye.is_plain:
                layer.trace.add(self.recording.window(begin, end, channels))
                continue
            trace, level = filtered(self.recording, one, begin, end, channels)
            if layer.envelope is not None and level is not None:
                layer.envelope.add(level)
            layer.trace.add(trace)


def filtered(
    recording: Recording, one: Filter, begin: int, end: int, channels: Sequence[int]
) -> tuple[Floats, Floats | None]:
    """Filter samples `begin` to `end`, the same wherever the window begins.

    Returns filtered signal and envelope (None without), both (n_channels, end - begin).
    """
    ahead = min(one.context, begin)
    behind = min(one.context, recording.n_samples - end)
    found = one.run(recording.window(begin - ahead, end + behind, channels))
    trace, level = (None if x is None else x[:, ahead : ahead + end - begin] for x in found)
    assert trace is not None
    return trace, level
