"""Time two things in turn, so that a drifting machine drifts under both; and what children took."""

import resource
import statistics
import time
from collections.abc import Callable


def seconds_in_turn(
    *functions: Callable[[], object],
    rounds: int = 7,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Return the median time of each function, s; they run A B C, A B C, … after a warm-up."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds + 1):
        for function, taken in zip(functions, times, strict=True):
            begin = clock()
            function()
            if turn:
                taken.append(clock() - begin)
    return [statistics.median(taken) for taken in times]


def children_s() -> float:
    """Return the processor time of all child processes that have ended, s."""
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken.ru_utime + taken.ru_stime
