"""The published parameter search: every parameter set on every clip.

The envelope does not depend on the six parameters, and most of the rest depends on two or three of
them only, so each clip is filtered once and its windows are cut once for each (W_L, S_L).
joblib is imported here alone, and only when more than one job is asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import CASMEMG_CODE, Floats, Ints, Preprocessing, envelope
from emgrig.analysis.spotting.casmemg import (
    Parameters,
    cut_windows,
    offset_trough,
    onset_trough,
    runs,
)
from emgrig.analysis.spotting.scoring import PaperScores, score_as_paper
from emgrig.extras import require

_MISSED = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Grid:
    """The values each parameter takes; the defaults are the published scripts' 4500 sets."""

    window: tuple[int, ...] = (20, 40, 60, 80, 100)
    step: tuple[int, ...] = (10, 20, 30)
    scale: tuple[float, ...] = (1.0, 1.5, 2.0)
    run: tuple[int, ...] = (2, 3, 4, 5)
    back: tuple[int, ...] = (2, 3, 4, 5, 6)
    ahead: tuple[int, ...] = (2, 3, 4, 5, 6)

    def __post_init__(self) -> None:
        self.parameters()

    @property
    def shape(self) -> tuple[int, int, int, int, int, int]:
        """Number of values of each parameter, in the order of the fields."""
        return (
            len(self.window),
            len(self.step),
            len(self.scale),
            len(self.run),
            len(self.back),
            len(self.ahead),
        )

    @property
    def size(self) -> int:
        """Number of parameter sets."""
        return int(np.prod(self.shape))

    def parameters(self) -> list[Parameters]:
        """Return every set, the last parameter changing fastest."""
        values = (self.window, self.step, self.scale, self.run, self.back, self.ahead)
        return [Parameters(*combination) for combination in product(*values)]


@dataclass(frozen=True)
class Search:
    """Result of a search."""

    parameters: list[Parameters]  #: The sets, in the order of the rows below.
    #: shape (n_sets, n_clips, 2); Earliest onset and latest offset in each clip,
    #: 0-based samples; -1 where nothing was found.
    detected: Ints
    scores: list[PaperScores]  #: The nine figures of table 7 for each set.


def search(
    clips_uv: Sequence[Floats],
    truth: Ints,
    *,
    grid: Grid | None = None,
    rate_hz: float = 1000.0,
    preset: Preprocessing = CASMEMG_CODE,
    n_jobs: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Search:
    """Run the published code with every parameter set on every clip, and score it as published.

    Parameters
    ----------
    clips_uv : sequence of ndarray, shape (n_samples,)
        Raw clips, uV.
    truth : ndarray of int64, shape (n_clips, 2)
        Annotated onset and offset in each clip, samples.
    grid : Grid, optional
        Default is the published grid of 4500 sets.
    rate_hz : float, > 0
        Sampling rate, Hz.
    preset : Preprocessing
        How the envelope is made.
    n_jobs : int
        Local processes; -1 is one a core. 1 uses none.
    scheduler : str, optional
        Address of a dask scheduler (``tcp://HOST:PORT``); the clips are then worked on there.
    progress : callable, optional
        Called with (clips done, clips in all).

    Raises
    ------
    ValueError
        If clips and truth do not match or a clip is too short.
    """
    chosen = grid or Grid()
    truth = np.asarray(truth, dtype=np.int64)
    if truth.shape != (len(clips_uv), 2) or len(clips_uv) == 0:
        raise ValueError(
            f"truth has shape {truth.shape}, expected ({len(clips_uv)}, 2) and at least one clip"
        )
    detected = np.empty((chosen.size, len(clips_uv), 2), dtype=np.int64)
    answers = _work(clips_uv, chosen, rate_hz, preset, n_jobs, scheduler)
    done = 0
    for first, answer in answers:
        detected[:, first : first + answer.shape[1]] = answer
        done += answer.shape[1]
        if progress is not None:
            progress(done, len(clips_uv))
    scores = [score_as_paper(row, truth, rate_hz) for row in detected]
    return Search(chosen.parameters(), detected, scores)


def _work(
    clips: Sequence[Floats],
    grid: Grid,
    rate_hz: float,
    preset: Preprocessing,
    n_jobs: int,
    scheduler: str | None,
) -> Iterator[tuple[int, Ints]]:
    size = 10
    tasks = [(first, clips[first : first + size]) for first in range(0, len(clips), size)]
    if n_jobs == 1 and scheduler is None:
        for first, some in tasks:
            yield _batch(first, some, grid, rate_hz, preset)
        return
    joblib = require("joblib", "analysis", "the parameter search")

    def run(n: int | None) -> Iterator[tuple[int, Ints]]:
        parallel = joblib.Parallel(n_jobs=n, return_as="generator_unordered")
        yield from parallel(
            joblib.delayed(_batch)(first, some, grid, rate_hz, preset) for first, some in tasks
        )

    if scheduler is None:
        yield from run(n_jobs)
        return
    client = require("distributed", "dask", "a cluster").Client(scheduler, set_as_default=False)
    with client, joblib.parallel_config(backend="dask", client=client):
        yield from run(-1)


def _batch(
    first: int, clips: Sequence[Floats], grid: Grid, rate_hz: float, preset: Preprocessing
) -> tuple[int, Ints]:
    rows = [clip_answers(envelope(x, rate_hz, preset=preset)[:, 0], grid) for x in clips]
    return first, np.stack(rows, axis=1)


def clip_answers(clip_envelope: Floats, grid: Grid) -> Ints:
    """Answer with every set of a grid on one clip's envelope.

    Returns
    -------
    ndarray of int64, shape (n_sets, 2)
        Earliest onset and latest offset of the events that pass the gate; -1 for none.
    """
    total = np.concatenate([[0.0], np.cumsum(clip_envelope)])
    mean = float(clip_envelope.mean())
    answers = np.empty((*grid.shape, 2), dtype=np.int64)
    for (i, window), (j, step) in product(enumerate(grid.window), enumerate(grid.step)):
        windows = cut_windows(clip_envelope, window, step)
        for k, scale in enumerate(grid.scale):
            first, last = runs(windows.energy >= scale * mean)
            answers[i, j, k] = _edges(windows.trough, first, last, total, grid)
    return answers.reshape(-1, 2)


def _edges(trough: Ints, first: Ints, last: Ints, total: Floats, grid: Grid) -> Ints:
    """Return onset and offset for each (run, back, ahead), shape (n_run, n_back, n_ahead, 2)."""
    onset = onset_trough(trough, first[:, np.newaxis], np.array(grid.back))[:, :, np.newaxis]
    offset = offset_trough(trough, last[:, np.newaxis], np.array(grid.ahead))[:, np.newaxis, :]
    passes = (offset >= onset) & (total[offset + 1] - total[onset] >= 1.0)
    length: NDArray[np.int64] = last - first + 1
    long = length[np.newaxis, :] >= np.array(grid.run)[:, np.newaxis]
    kept = long[:, :, np.newaxis, np.newaxis] & passes[np.newaxis]
    earliest = np.where(kept, onset, _MISSED).min(axis=1, initial=_MISSED)
    latest = np.where(kept, offset, -1).max(axis=1, initial=-1)
    return np.stack([np.where(latest < 0, -1, earliest), latest], axis=-1)
