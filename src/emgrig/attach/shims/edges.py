"""Edges on a line: what is asked for, and what has come and was not yet taken."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edge:
    """One edge that was seen."""

    number: int  #: The GPIO line.
    at_s: float  #: Bench time.
    is_rising: bool
    line_seqno: int  #: Which edge of this line, from 1; lost ones are counted.
    global_seqno: int  #: Which edge of this `Watch`'s request, from 1.


@dataclass(eq=False)
class Counter:
    """How many edges a request of several lines has seen."""

    n: int = 0


@dataclass(eq=False)
class Watch:
    """A line whose edges are wanted."""

    number: int  #: The GPIO line.
    chip: int | None  #: The chip whose DRDY it is; None: nothing is there, and it never changes.
    wants_rising: bool
    wants_falling: bool
    #: Edges that are kept until they are taken.
    depth: int = 16
    #: What is lost when more come: the oldest, as in the kernel's second interface, or the newest.
    keeps_newest: bool = True
    #: Called for each, as an interrupt would be; then nothing is kept.
    callback: Callable[[Edge], object] | None = None
    counter: Counter = field(default_factory=Counter)
    queue: deque[Edge] = field(default_factory=deque)
    falls: int = 0  #: Falls of DRDY that were seen, as `Bench.drdy_count` counts.
    level: int = 1  #: The last level that was seen.
    n: int = 0
    n_lost: int = 0  #: Edges that found no room.

    def fall(self, falls: int, at_s: float, next_s: float | None = None) -> None:
        """Take note that DRDY has fallen `falls` times in all; between two falls it rose.

        The first new fall was at `at_s`. If there were more, they are evenly from there to the one
        that comes next, `next_s`, or if that is not known all at once.
        """
        n_new, first_s = falls - self.falls, at_s
        for number in range(n_new):
            if next_s is not None:
                at_s = first_s + number * (next_s - first_s) / n_new
            if self.wants_rising and not self.level:
                self.see(at_s, is_rising=True)
            self.see(at_s, is_rising=False)
        self.falls = falls

    def see(self, at_s: float, *, is_rising: bool) -> None:
        """Take note of an edge."""
        self.level = int(is_rising)
        if not (self.wants_rising if is_rising else self.wants_falling):
            return
        self.n += 1
        self.counter.n += 1
        if len(self.queue) >= self.depth:
            self.n_lost += 1
            if not self.keeps_newest:
                return
            self.queue.popleft()
        self.queue.append(Edge(self.number, at_s, is_rising, self.n, self.counter.n))
