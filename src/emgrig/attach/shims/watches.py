"""Who waits for edges: what came on the bench is put down for them, and they are called."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from emgrig.attach.shims.edges import Edge, Watch
from emgrig.attach.shims.seams import BenchVerbs


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
        self._bench = bench
        self._next_fall_s = next_fall_s
        self._is_interrupted = False  # in a callback

    @property
    def wants_rising(self) -> bool:
        """Whether somebody wants edges that the bench does not count."""
        return any(watch.wants_rising for watch in self.all)

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

    def remove(self, watch: Watch) -> None:
        """Take note no longer; a second call does nothing."""
        if watch in self.all:
            self.all.remove(watch)

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

    @contextmanager
    def falls_foreseen(self) -> Iterator[None]:
        """Do something that lets time pass; edges on the way have the times when they came.

        However late they are looked at: a kernel stamps them when they come. Of a bench behind a
        socket it is not asked, which would take longer than most looks are apart.
        """
        next_fall_s = self._next_fall_s
        foreseen = [
            (watch, watch.chip, next_fall_s(watch.chip))
            for watch in self.all
            if watch.chip is not None and next_fall_s is not None
        ]
        yield
        for watch, chip, fall_s in foreseen:
            n_falls = self._bench.drdy_count(chip)
            if fall_s is not None and n_falls > watch.falls and fall_s <= self._bench.now_s:
                watch.fall(n_falls, fall_s, next_fall_s(chip) if next_fall_s else None)

    def deliver(self) -> None:
        """Call those who wanted to be called; not while one of them is being."""
        if self._is_interrupted:
            return
        self._is_interrupted = True
        try:
            while ready := [w for w in self.all if w.callback is not None and w.queue]:
                for watch in ready:
                    call: Callable[[Edge], object] | None = watch.callback
                    if call is not None and watch.queue:
                        call(watch.queue.popleft())
        finally:
            self._is_interrupted = False
