"""Pyramids of a whole recording through one filter, filled in blocks by a thread."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emgrig.reading.recording import Recording
from emgrig.reading.runs import Floats
from emgrig.view.cache import Scratch
from emgrig.view.eye import Eye, Filter
from emgrig.view.pyramid import BLOCK, Pyramid, Store, in_memory


class Layer:
    """A recording through one filter.

    Parameters
    ----------
    recording : Recording
    eye : Eye
        As `Eye.fitted` gives it.
    store : Store
        Where the pyramid of the signals is kept; that of their envelopes is kept in `places`.
    places : sequence of Scratch
        Where pyramids lie on disk; removed at the end. In memory without one.

    Attributes
    ----------
    trace : Pyramid
    envelope : Pyramid or None
    problem : str
        Why the recording could not be read on; empty if it could.
    """

    def __init__(
        self,
        recording: Recording,
        eye: Eye,
        *,
        store: Store | None = None,
        places: Sequence[Scratch] = (),
    ) -> None:
        self.eye, self.problem = eye, ""
        self._recording, self._places = recording, places
        stores: list[Store] = [place.store for place in places] or [in_memory, in_memory]
        shape = len(recording.signals), recording.n_samples
        self.trace = Pyramid(*shape, store or stores[0])
        self.envelope = Pyramid(*shape, stores[-1]) if eye.has_envelope else None
        self._is_stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def n_done(self) -> int:
        """Samples that can be shown."""
        return self.trace.n_done

    @property
    def share(self) -> float:
        """How much of it is there, 0 to 1."""
        return self.n_done / max(self.trace.n_samples, 1)

    def start(
        self, *, after: "Layer | None" = None, on_whole: Callable[[], None] | None = None
    ) -> None:
        """Begin to fill it; `after` is ended first, `on_whole` is told when it is whole."""

        def fill() -> None:
            if after is not None:
                after.end()
            try:
                self._fill()
            except Exception as error:  # the page says it; steps that need no pyramid go on
                self.problem = str(error) or type(error).__name__
                return
            if on_whole is not None and not self._is_stopped.is_set():
                on_whole()

        if after is not None:
            after.stop()
        self._thread = threading.Thread(target=fill, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have it filled no further; returns at once."""
        self._is_stopped.set()

    def wait(self) -> None:
        """Wait until nothing is being done for it."""
        if self._thread is not None:
            self._thread.join()

    def end(self) -> None:
        """Stop, and remove what lies on disk."""
        self.stop()
        self.wait()
        for place in self._places:
            place.close()

    def _fill(self) -> None:
        recording, one = self._recording, Filter(self.eye, self._recording.rate_hz)
        channels = range(len(recording.signals))
        for begin in range(0, recording.n_samples, BLOCK):
            if self._is_stopped.is_set():
                return
            end = min(begin + BLOCK, recording.n_samples)
            if self.eye.is_plain:
                self.trace.add(recording.window(begin, end))
                continue
            trace, level = filtered(recording, one, begin, end, channels)
            if self.envelope is not None and level is not None:
                self.envelope.add(level)
            self.trace.add(trace)  # last: it is asked how much is there


def filtered(
    recording: Recording, one: Filter, begin: int, end: int, channels: Sequence[int]
) -> tuple[Floats, Floats | None]:
    """Filter samples `begin` to `end`, the same wherever the window begins.

    Returns filtered signal and envelope (None without), both (n_channels, end - begin).
    """
    ahead = min(one.context, begin)
    behind = min(one.context, recording.n_samples - end)
    trace, level = one.run(recording.window(begin - ahead, end + behind, channels))
    part = slice(ahead, ahead + end - begin)
    return trace[:, part], None if level is None else level[:, part]


class Recent:
    """Filters windows, and keeps the last: of the next one only what is new is filtered.

    A step to the side then takes a part of the time, and one into the window none.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._kept: _Window | None = None

    def filtered(
        self, one: Filter, begin: int, end: int, channels: Sequence[int]
    ) -> tuple[Floats, Floats | None]:
        """Return what the function `filtered` does."""
        old = self._kept  # another thread may put another one there
        key = one.eye, tuple(channels)
        if old is None or old.key != key or begin >= old.end or end <= old.begin:
            trace, level = filtered(self._recording, one, begin, end, channels)
        else:
            kept = slice(max(begin - old.begin, 0), end - old.begin)
            parts = [(old.trace[:, kept], None if old.level is None else old.level[:, kept])]
            if begin < old.begin:
                parts.insert(0, filtered(self._recording, one, begin, old.begin, channels))
            if end > old.end:
                parts.append(filtered(self._recording, one, old.end, end, channels))
            trace = np.concatenate([part for part, _ in parts], axis=1)
            levels = [part for _, part in parts if part is not None]
            level = np.concatenate(levels, axis=1) if levels else None
            if len(parts) == 1:
                return trace, level  # of a wider window, to which one may go back
        self._kept = _Window(key, begin, end, trace, level)
        return trace, level


@dataclass(frozen=True)
class _Window:
    """Samples `begin` to `end` through a filter; `key` is filter and channels."""

    key: tuple[Eye, tuple[int, ...]]
    begin: int
    end: int
    trace: Floats
    level: Floats | None
