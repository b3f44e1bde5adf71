"""From a file to what is looked at: read in windows where its format allows it, else once."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emgrig.reading import Recording, open_recording
from emgrig.reading.runs import Runs
from emgrig.view.cache import Cache, Scratch, key_of
from emgrig.view.pyramid import in_memory
from emgrig.view.screen import Screen

#: Up to so many numbers nothing is put on disk.
IN_MEMORY = 20_000_000


def open_screen(
    path: Path,
    files: ExitStack,
    *,
    rate_hz: float | None = None,
    unit: str | None = None,
    channels: Sequence[str] = (),
    cache: Cache | None = None,
) -> Screen:
    """Open a recording to be looked at; errors are those of `open_recording`.

    Parameters
    ----------
    files : ExitStack
        Closes what was made for it.
    rate_hz, unit, channels
        As for `open_recording`.
    cache : Cache, optional
        Where long recordings leave their pyramids; without one all is kept in memory.
    """
    found = open_recording(path, rate_hz=rate_hz, unit=unit, channels=channels)
    n = len(found.signals)
    is_short = found.n_samples * n <= IN_MEMORY
    is_in_parts = found.part is not None
    if not is_in_parts:
        found = _loaded(found, None if is_short else _scratch(cache, files))
    if is_short or cache is None:
        return _closed(Screen(found), files)
    key = key_of(path, rate_hz, unit, tuple(channels)) if is_in_parts else ""
    kept = cache.kept(key, n, found.n_samples) if key else None
    if kept is not None:
        return _closed(Screen(found, kept, scratch=cache.scratch, is_whole=True), files)
    place = cache.scratch()
    files.callback(place.close)
    on_whole = (lambda: cache.keep(place, key)) if key else None
    return _closed(Screen(found, place.store, scratch=cache.scratch, on_whole=on_whole), files)


def _closed(screen: Screen, files: ExitStack) -> Screen:
    files.callback(screen.close)
    return screen


def _scratch(cache: Cache | None, files: ExitStack) -> Scratch | None:
    if cache is None:
        return None
    made = cache.scratch()
    files.callback(made.close)
    return made


def _loaded(found: Recording, scratch: Scratch | None) -> Recording:
    """Read all columns once, and give windows of them; what the reader held is let go."""
    n, n_samples = len(found.signals), found.n_samples
    make = in_memory if scratch is None else scratch.store
    table: NDArray[np.generic] = make("samples", (n, n_samples), np.float64)
    for i in range(n):
        table[i] = found.values(i)
    return replace(
        found,
        signals=tuple(replace(one, factor=1.0) for one in found.signals),
        runs=Runs.steady(n_samples),
        column=lambda i: table[i],
        part=lambda indexes, begin, stop: np.asarray(table[list(indexes), begin:stop]),
    )
