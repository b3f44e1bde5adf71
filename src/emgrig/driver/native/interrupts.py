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
from functools import partial
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
        #: Handlers that wait, by signal: as ever, one that came twice meanwhile came once.
        self.came: dict[int, Callable[[], object]] = {}
        self._users: set[object] = set()

    def begin(self, user: object) -> None:
        """Stand in for the handlers from here on, until the last user has called `end`."""
        self._users.add(user)
        self.renew()

    def renew(self) -> None:
        """Stand in for handlers that were set since; nothing outside of the main thread."""
        if not self._users or threading.get_ident() != MAIN:
            return
        for number in _NUMBERS:
            handler = signal.getsignal(number)
            if callable(handler) and not self._is_ours(handler):
                signal.signal(number, _StandIn(self, handler))

    def end(self, user: object) -> None:
        """Put the handlers back, if nobody is left who wants it and nobody has set others."""
        self._users.discard(user)
        if self._users or threading.get_ident() != MAIN:
            return  # a stand-in that stays only calls the handler that was there
        for number in _NUMBERS:
            handler = signal.getsignal(number)
            if isinstance(handler, _StandIn) and self._is_ours(handler):
                signal.signal(number, handler.handler)

    def run(self) -> None:
        """Run the handlers that waited, if nobody else holds them up; they may raise.

        Each is run, as they would be without us; of those that raise the last one is heard.
        """
        if self.came and not self.depth:
            try:
                self.came.pop(next(iter(self.came)))()
            finally:
                self.run()

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

    def _is_ours(self, handler: Handler) -> bool:
        return isinstance(handler, _StandIn) and handler.interrupts is self


class _StandIn:
    """Instead of one handler: calls it, or has it wait.

    Each is of one handler for good: who has replaced it may put it back, or call it from his own.
    """

    def __init__(self, interrupts: Interrupts, handler: Handler) -> None:
        self.interrupts, self.handler = interrupts, handler

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Be the handler."""
        if self.interrupts.depth:
            self.interrupts.came[number] = partial(self.handler, number, frame)
        else:
            self.handler(number, frame)


INTERRUPTS: Final = Interrupts()
"""Those of this process."""
