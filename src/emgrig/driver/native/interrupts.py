"""Ctrl-C waits while bytes are taken over: what was read must be accounted for whole, or not read.

The thread that waits for samples reads them itself, and that is the main thread as a rule. There
Python runs the handlers of signals between any two steps, and one that raises (as Ctrl-C's does)
would lose bytes that the system has handed over already. So such a handler runs a little later: at
the end of the read that is on, within a quarter of a second.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

Handler = Callable[[int, FrameType | None], object]

#: Those that ask a program to end; a handler of another kind is left alone.
_NUMBERS: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)


class Interrupts:
    """The handlers of this process, stood in for while anybody wants it. Main thread only."""

    def __init__(self) -> None:
        #: True while a handler has to wait; set by the main thread alone.
        self.is_held = False
        self._instead: dict[int, Handler] = {}
        self._came: list[int] = []
        self._n_users = 0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Stand in for the handlers from here on, until as many calls of `end`."""
        with self._lock:
            self._n_users += 1
        self.renew()

    def renew(self) -> None:
        """Stand in for handlers that were set since; nothing outside of the main thread."""
        if threading.current_thread() is not threading.main_thread():
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
            if self._n_users or threading.current_thread() is not threading.main_thread():
                return  # a handler that stays only calls the one that was there
        for number, handler in self._instead.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)

    def let_go(self) -> None:
        """Say that handlers need not wait any more; those that did run now, and may raise."""
        self.is_held = False
        while self._came:
            number = self._came.pop(0)
            self._instead[number](number, None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_held:
            self._came.append(number)
        else:
            self._instead[number](number, frame)


INTERRUPTS: Final = Interrupts()
"""Those of this process."""
