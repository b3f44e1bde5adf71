"""Who reads a paced transport: whoever waits for it, and a thread where nobody does.

To hand each piece of bytes from a reader thread to the thread that waits costs more than to decode
it. So who waits reads (and is the leader meanwhile), and others who wait are told. A thread of the
link looks now and then whether anybody has read, and reads until somebody waits again: bytes must
not pile up where the system has little room for them.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Generic, TypeVar

from emgrig.driver.native.interrupts import INTERRUPTS, MAIN
from emgrig.driver.seams import Clock

#: One read lasts no longer, s: so long who closes, or presses Ctrl-C, waits for it.
POLL_S: Final = 0.25
#: Nobody reads for so long, s, or until so many bytes wait, before the thread does, unless the
#: transport has room for more: a serial port's buffer has 4096 bytes.
_LOOK_S: Final = 0.45
_LEAST_LOOK_S: Final = 0.005
_ROOM_BYTES: Final = 3584
_MOST_LONGER: Final = 2.0  #: A look takes so many times as long as the one before, at most.
_REST_S: Final = 1.0  #: It looks no oftener while somebody serves the link with others.

T = TypeVar("T")


class Reading(Generic[T]):
    """One transport's readers.

    Parameters
    ----------
    receive : callable
        Reads once, for so long at most, s; returns what came, None if nothing did. What ends the
        link it remembers, and sets `is_over`; it does not raise.
    take : callable
        Takes over what came, with the lock held; returns how many bytes. It does not raise either.
    lock : threading.RLock
        Held while anything is taken over.
    clock : Clock
        Of the transport.
    name : str
        Of the thread.
    room_bytes : int
        So much at least may lie unread with the system.
    """

    def __init__(
        self,
        receive: Callable[[float], T | None],
        take: Callable[[T], int],
        lock: threading.RLock,
        clock: Clock,
        name: str,
        room_bytes: int = 0,
    ) -> None:
        self.n_waiting = 0  #: Threads that wait for what a leader reads.
        self.is_over = False  #: True when nothing can be read any more.
        self._receive, self._take, self._now_s = receive, take, clock.now_s
        self._lock, self._condition = lock, threading.Condition(lock)
        self._is_led = False  # somebody reads
        self._is_wanted = False  # somebody has waited since the thread began to read
        self._is_paused = self._is_closed = False
        self._n_led = self._n_bytes = 0  # how often anybody has led, and read in all
        self._n_groups = 0  # who serves several links, and this one too
        self._led_s = clock.now_s()  # when anybody has led last
        self._room_bytes = max(room_bytes, _ROOM_BYTES)
        self._look_s = _LOOK_S  # so long may nobody lead
        self._pace_s = 0.0  # who reads now and then does it so often
        self._holds_interrupts = False
        self._look = threading.Lock()
        self._look.acquire()
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)
        self._thread.start()

    def wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Read, or wait for who reads, until `done()`, the end, or the time is over."""
        left_s = timeout_s
        deadline_s = self._now_s() + timeout_s
        while left_s > 0:
            if self._read_as_leader(done, left_s):
                if done():
                    return True
            else:
                with self._lock:
                    if done() or self.is_over:
                        break
                    if self._is_led or self._is_paused:
                        self._wait_for_leader(left_s)
            left_s = deadline_s - self._now_s()
        return done()

    def read_now(self) -> None:
        """Take over what is there, without waiting; who reads else has to leave it to us."""
        if not self._read_as_leader(lambda: False, 0.0):
            self._is_wanted = True

    @contextmanager
    def in_group(self) -> Iterator[None]:
        """Have somebody serve this link in time who serves others too: the thread rests."""
        self._n_groups += 1
        try:
            yield
        finally:
            self._n_groups -= 1
            self._wake()

    @contextmanager
    def read_every(self, pace_s: float) -> Iterator[None]:
        """Have somebody call `read_now` so often, s; the thread looks whether he still does."""
        self._pace_s = pace_s
        try:
            yield
        finally:
            self._pace_s = 0.0
            self._wake()

    def set_pace(self, pace_s: float, bytes_per_s: float) -> None:
        """Say how often who does so reads from here on, s, and how much comes.

        The thread looks so soon that it does not pile up, should nobody read.
        """
        if self._pace_s:
            self._pace_s = pace_s
        self._look_s = _within_look(self._room_bytes / bytes_per_s)
        self._wake()

    def notify(self) -> None:
        """Have those who wait look again; the lock is held."""
        self._condition.notify_all()

    # One leads.

    def _read_as_leader(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Read once, unless `done()`, or nothing can be read, or another reads."""
        is_main = threading.get_ident() == MAIN
        if is_main:  # in line: with every packet, a call costs more than what it does
            if not self._holds_interrupts:
                INTERRUPTS.begin(self)
                self._holds_interrupts = True
            INTERRUPTS.depth += 1
        try:
            with self._lock:
                if self._is_led or self._is_paused or self.is_over or done():
                    return False
                self._is_led = True
                self._n_led += 1
            received = None
            try:
                received = self._receive(timeout_s if timeout_s < POLL_S else POLL_S)
            finally:
                with self._lock:  # once, for all there is to do
                    self._is_led = False
                    if received is not None:
                        self._n_bytes += self._take(received)
                    self._led_s = self._now_s()
                    if self.n_waiting:
                        self._condition.notify_all()
            return True
        finally:
            if is_main:
                INTERRUPTS.depth -= 1
                if INTERRUPTS.came:
                    INTERRUPTS.run()

    def _read_alone(self) -> None:
        """Read until somebody else wants to, if nobody reads."""
        with self._lock:
            if self._is_led or self._is_paused:
                return
            self._is_led, self._is_wanted = True, False
            self._n_led += 1
        try:
            while not self._is_to_stop():
                received = self._receive(POLL_S)
                if received is not None:
                    with self._lock:
                        self._n_bytes += self._take(received)
                        if self.n_waiting:
                            self._condition.notify_all()
        finally:
            with self._lock:
                self._is_led = False
                self._condition.notify_all()

    def _is_to_stop(self) -> bool:
        return self._is_wanted or self._is_paused or self.is_over

    def _wait_for_leader(self, left_s: float) -> None:
        self._is_wanted = True
        self.n_waiting += 1
        try:
            self._condition.wait(left_s)
        finally:
            self.n_waiting -= 1

    # Where nobody does, the thread.

    def _wake(self) -> None:
        """Have the thread look now."""
        with suppress(RuntimeError):  # it is woken already
            self._look.release()

    def _watch(self) -> None:
        """Look whether anybody reads, as seldom as may be: the system wakes the thread for it."""
        left_s, looked_s, n_led, n_bytes = self._look_s, self._now_s(), -1, 0
        while True:
            self._look.acquire(timeout=max(left_s, _LEAST_LOOK_S))
            if self._is_closed:
                return
            now_s, more, n_bytes = self._now_s(), self._n_bytes - n_bytes, self._n_bytes
            self._follow(more, now_s - looked_s)
            looked_s = now_s
            look_s = max(self._look_s, _REST_S if self._n_groups else 2 * self._pace_s)
            left_s = self._led_s + look_s - now_s
            if self.is_over:  # until it is opened again: `go_on` wakes
                left_s = _LOOK_S
            elif self._is_led or self._n_groups:  # so long again from here on, at least
                left_s = look_s
            elif left_s <= 0 or self._n_led == n_led:
                self._read_alone()
                left_s = look_s
            n_led = self._n_led

    def _follow(self, n_bytes: int, passed_s: float) -> None:
        """Take the next look when so much has come as may wait, at the pace of so many bytes."""
        if n_bytes and passed_s > self._look_s / 2:  # it may have been woken early
            full_s = passed_s * self._room_bytes / n_bytes
            self._look_s = _within_look(min(full_s, _MOST_LONGER * self._look_s))

    # Opening and closing.

    def pause(self) -> None:
        """Have nobody read any more; returns when nobody does."""
        with self._lock:
            self._is_paused = True
            while self._is_led:
                self._wait_for_leader(POLL_S)

    def go_on(self) -> None:
        """Let them read again after a pause."""
        with self._lock:
            self._is_paused = False
            self._condition.notify_all()
        self._wake()

    def close(self) -> None:
        """Have nobody read any more, for good; a second call does nothing."""
        self.pause()
        if not self._is_closed:
            self._is_closed = True
            self._wake()
            self._thread.join()
            INTERRUPTS.end(self)


def _within_look(look_s: float) -> float:
    return min(max(look_s, _LEAST_LOOK_S), _LOOK_S)
