"""Who waits for edges: what came on the bench is put down for them, and they are called."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from emgrig.attach.shims.edges import Edge, Watch
from emgrig.attach.shims.seams import BenchVerbs

_NOTHING_TO_SEE: Final = nullcontext()


class Watches:
    """All lines of a bench whose edges are wanted.

    Parameters
    ----------
    bench : BenchVerbs
        Where they come.
    next_fall_s : callable or None
        Returns when DRDY of a chip will fall next, bench s, or None; None: it is not asked.
    """

    def __init__(
        self, bench: BenchVerbs, next_fall_s: Callable[[int], float | None] | None
    ) -> None:
        self.all: list[Watch] = []
        self.wants_rising = False  #: Whether somebody wants edges that the bench does not count.
        self._called: list[Watch] = []  # those of them that have a callback
        self._bench = bench
        self._next_fall_s = next_fall_s
        self._is_interrupted = False  # in a callback

    def falls(self) -> list[int]:
        """Return how many falls each has seen."""
        return [watch.falls for watch in self.all]

    def add(self, watch: Watch, since_s: float) -> None:
        """Take note of edges from now on; of the others' they were taken up to `since_s`."""
        if watch.chip is not None:
            watch.falls = self._bench.drdy_count(watch.chip)
            watch.level = self._bench.pin("DRDY", watch.chip) if watch.wants_rising else 1
        self.catch_up(since_s, None)
        self.all.append(watch)
        self._sort()

    def remove(self, watch: Watch) -> None:
        """Take note no longer; a second call does nothing."""
        if watch in self.all:
            self.all.remove(watch)
            self._sort()

    def _sort(self) -> None:
        self.wants_rising = any(watch.wants_rising for watch in self.all)
        self._called = [watch for watch in self.all if watch.callback is not None]

    def catch_up(self, since_s: float, event_s: float | None) -> None:
        """See which edges came up to now.

        They were taken up to `since_s`, bench s; `event_s` is when the one that was foreseen came.
        """
        now_s = self._bench.now_s
        for watch in self.all:
            if watch.chip is None:
                continue
            falls = self._bench.drdy_count(watch.chip)
            at_s = now_s if event_s is None or not event_s <= now_s else max(event_s, since_s)
            watch.fall(falls, at_s)
            if watch.wants_rising and not watch.level and self._bench.pin("DRDY", watch.chip):
                watch.see(now_s, is_rising=True)

    def falls_foreseen(self) -> AbstractContextManager[None]:
        """Do something that lets time pass; edges on the way have the times when they came.

        However late they are looked at: a kernel stamps them when they come. Of a bench behind a
        socket it is not asked, which would take longer than most looks are apart.
        """
        if self._next_fall_s is None or not self.all:
            return _NOTHING_TO_SEE
        return self._foreseen(self._next_fall_s)

    @contextmanager
    def _foreseen(self, next_fall_s: Callable[[int], float | None]) -> Iterator[None]:
        foreseen = [
            (watch, watch.chip, next_fall_s(watch.chip))
            for watch in self.all
            if watch.chip is not None
        ]
        yield
        for watch, chip, fall_s in foreseen:
            n_falls = self._bench.drdy_count(chip)
            if fall_s is not None and n_falls > watch.falls and fall_s <= self._bench.now_s:
                watch.fall(n_falls, fall_s, next_fall_s(chip))

    def deliver(self) -> None:
        """Call those who wanted to be called; not while one of them is being."""
        if self._is_interrupted or not self._called:
            return
        self._is_interrupted = True
        try:
            while ready := [watch for watch in self._called if watch.queue]:
                for watch in ready:
                    call: Callable[[Edge], object] | None = watch.callback
                    if call is not None and watch.queue:
                        call(watch.queue.popleft())
        finally:
            self._is_interrupted = False
