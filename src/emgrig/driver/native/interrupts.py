"""Ctrl-C waits while bytes are taken over: what was read must be accounted for whole, or not read.

The thread that waits for samples reads them itself, and that is the main thread as a rule. There
Python runs the handlers of signals between any two steps, and one that raises (as Ctrl-C's does)
would lose bytes that the system has handed over already. So such a handler runs a little later: at
the end of the read that is on, within a quarter of a second.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

Handler = Callable[[int, FrameType | None], object]

MAIN: Final = threading.main_thread().ident
#: Those that ask a program to end; a handler of another kind is left alone.
_NUMBERS: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)


class Interrupts:
    """The handlers of this process, stood in for while anybody wants it. Main thread only."""

    def __init__(self) -> None:
        #: How many hold handlers up; written by the main thread alone.
        self.depth = 0
        self.came: list[int] = []  #: Signals whose handlers wait.
        self._instead: dict[int, Handler] = {}
        self._n_users = 0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Stand in for the handlers from here on, until as many calls of `end`."""
        with self._lock:
            self._n_users += 1
        self.renew()

    def renew(self) -> None:
        """Stand in for handlers that were set since; nothing outside of the main thread."""
        if threading.get_ident() != MAIN:
            return
        for number in _NUMBERS:
            handler = signal.getsignal(number)
            if callable(handler) and handler != self._handle:
                self._instead[number] = handler
                signal.signal(number, self._handle)

    def end(self) -> None:
        """Put the handlers back, if nobody is left who wants it and nobody has set others."""
        with self._lock:
            self._n_users -= 1
            if self._n_users or threading.get_ident() != MAIN:
                return  # a handler that stays only calls the one that was there
        for number, handler in self._instead.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)

    def run(self) -> None:
        """Run the handlers that waited, if nobody else holds them up; they may raise."""
        while self.came and not self.depth:
            number = self.came.pop(0)
            self._instead[number](number, None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have handlers wait inside, if this is the main thread."""
        if threading.get_ident() != MAIN:
            yield
            return
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self.run()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.depth:
            self.came.append(number)
        else:
            self._instead[number](number, frame)


INTERRUPTS: Final = Interrupts()
"""Those of this process."""
