"""All recordings of a study, here, on several processes, or on a dask cluster.

The unit of work is a recording. Its result is kept as soon as it is there, so that a run that was
stopped goes on; one that is kept under the same key is not made again. Whoever does the work, the
result is the same.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emgrig.errors import RecordingError, TransportError
from emgrig.extras import require
from emgrig.study.cache import keep, kept, key_of
from emgrig.study.dataset import Unit, find_units
from emgrig.study.recording import Result, failed, work
from emgrig.study.settings import StudySettings

_ADDRESS = re.compile(r"[a-z]+://\S+:\d{1,5}")
Told = Callable[[str, float], None]


@dataclass
class Run:
    """What a run did."""

    results: list[Result] = field(default_factory=list)  #: In order of the recordings.
    n_made: int = 0
    n_kept: int = 0


def run_study(
    root: Path,
    settings: StudySettings,
    *,
    only: Sequence[str] = (),
    n_jobs: int = 1,
    scheduler: str | None = None,
    told: Told = lambda *_: None,
) -> Run:
    """Make the results of all recordings that are not kept.

    Parameters
    ----------
    root : Path
        The data set. On a cluster all workers must see it under the same path.
    settings : StudySettings
    only : sequence of str
        Names of recordings (sub-01_task-faces) or participants; all if empty.
    n_jobs : int
        Local processes; -1 is one a core.
    scheduler : str, optional
        Address of a dask scheduler (``tcp://HOST:PORT``).
    told : callable
        Told what was done, and which share.

    Raises
    ------
    RecordingError
        If there is no such data set, or no recording of a name in `only`.
    TransportError
        If no scheduler answers.
    """
    units = _chosen(find_units(root), only)
    keys = {unit.stem: key_of(unit, settings) for unit in units}
    have = {unit.stem: kept(unit, keys[unit.stem]) for unit in units}
    waiting = [unit for unit in units if have[unit.stem] is None]
    run = Run(n_kept=len(units) - len(waiting))
    for unit, result in _results(waiting, settings, n_jobs, scheduler):
        keep(unit, keys[unit.stem], result)
        have[unit.stem] = result
        run.n_made += 1
        status = result.recording.status
        told(f"{unit.stem}: {status}", (run.n_kept + run.n_made) / len(units))
    run.results = [one for unit in units if (one := have[unit.stem]) is not None]
    return run


def all_kept(root: Path, settings: StudySettings) -> tuple[list[Result], list[str]]:
    """Return the results that are kept, whatever their key, and whose key is another by now."""
    results, stale = [], []
    for unit in find_units(root):
        result = kept(unit, None)
        if result is None:
            continue
        results.append(result)
        is_done = result.recording.status != "failed"
        if is_done and kept(unit, key_of(unit, settings)) is None:
            stale.append(unit.stem)
    return results, stale


def _chosen(units: list[Unit], only: Sequence[str]) -> list[Unit]:
    if not only:
        return units
    known = {name for unit in units for name in (unit.stem, unit.participant)}
    for name in only:
        if name not in known:
            raise RecordingError(f"there is no recording or participant {name} in the data set")
    return [unit for unit in units if {unit.stem, unit.participant} & set(only)]


def _results(
    units: Sequence[Unit], settings: StudySettings, n_jobs: int, scheduler: str | None
) -> Iterator[tuple[Unit, Result]]:
    """Give results as they come."""
    if scheduler is not None:
        yield from _on_cluster(units, settings, scheduler)
    elif n_jobs == 1 or len(units) < 2:
        yield from ((unit, work(unit, settings)) for unit in units)
    else:
        joblib = require("joblib", "analysis", "--jobs")
        if n_jobs == 0:
            raise ValueError("--jobs 0: 1 or more was expected, or -1 for one a core")
        parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        yield from parallel(joblib.delayed(_one)(unit, settings) for unit in units)


def _one(unit: Unit, settings: StudySettings) -> tuple[Unit, Result]:
    return unit, work(unit, settings)


def _on_cluster(
    units: Sequence[Unit], settings: StudySettings, scheduler: str
) -> Iterator[tuple[Unit, Result]]:
    """Let a cluster work.

    The recording of a worker that dies is given to another; one that takes several workers with it
    (dask's distributed.scheduler.allowed-failures, 3) counts as failed.
    """
    distributed = require("distributed", "dask", "--scheduler")
    if not _ADDRESS.fullmatch(scheduler):
        raise ValueError(f"--scheduler {scheduler}: tcp://HOST:PORT was expected")
    try:
        connected = distributed.Client(scheduler, set_as_default=False)
    except OSError as error:
        raise TransportError(
            f"no dask scheduler answers at {scheduler}; start one with: dask scheduler"
        ) from error
    with connected as client:
        futures = {client.submit(work, unit, settings, pure=False): unit for unit in units}
        for future in distributed.as_completed(list(futures), loop=client.loop):
            unit = futures[future]
            failure = future.exception()
            if failure is None:
                yield unit, future.result()
            else:  # its workers died, again and again
                yield unit, failed(unit, f"no worker could do it: {failure!s:.200}")
            future.release()
