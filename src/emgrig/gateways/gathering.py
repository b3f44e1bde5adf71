"""When to read next: not each frame as it comes, but what fills a packet, when it is due.

To wake up, to read and to decode has a price each time, and a board that sends one frame after the
other would ask for it at each. When the bytes that are lacking to a packet will be there follows
from when the ones before came. If they are not there yet, they are waited for as they come, and the
packet is handed on as it is complete; if they are, they may have been there before. So the time is
put later and sooner in small steps, such that one packet of three is waited for.
"""

import threading
from typing import Final, Protocol

from emgrig.driver.seams import Transport
from emgrig.errors import TransportError, TransportTimeout

READ_BYTES: Final = 1 << 16
MOST_S: Final = 0.1  #: So long is waited for what is due: a link that is lost is to be seen.
SOONER_S: Final = 0.00006  #: What was there when it was due is looked for so much sooner.
LATER_S: Final = 0.0001  #: And what was not, so much later: that costs one read more.
FAR_S: Final = 0.003  #: What comes so much later has a reason: the board's time is another now.
SPAN_S: Final = 2.0  #: So long a time tells the board's own pace.
OFF: Final = 0.03  #: By so much its pace may be another than the nominal one.
#: A board that has sent so many times what was lacking is ahead of its time: what waited somewhere
#: comes now, as fast as it is read.
FAST: Final = 2
FILL_BYTES: Final = 3072  #: So much is read at once then: a terminal holds 4095 bytes.
GAP_S: Final = (0.001, 0.02)  #: And so long is waited for it, at least and at most.
FAST_S: Final = 0.05  #: In all.


class Gate(Protocol):
    """A lock, as far as it is used here."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; False if it is not free in time."""

    def release(self) -> None:
        """Free it; RuntimeError if it is free."""


class Gathering:
    """Reads from a board in a run.

    Parameters
    ----------
    gate : Gate, optional
        What is waited at: a lock that is held, and free for a moment when there is something else
        to do. (An Event costs more.)
    """

    def __init__(self, gate: Gate | None = None) -> None:
        self._gate: Gate = threading.Lock() if gate is None else gate
        self._gate.acquire(timeout=0.0)
        self._gap_s = GAP_S[0]
        self.begin()

    def begin(self) -> None:
        """Forget the board's pace: another run begins."""
        self._n_bytes = 0  # since then
        self._last_s = 0.0  # when the last of them was read
        self._came_s: float | None = None  # when the last of them came, as far as is known
        self._began = 0.0, 0  # a time, and the bytes until then

    def wake(self) -> None:
        """Let a wait end: there is something else to do."""
        try:
            self._gate.release()
        except RuntimeError:  # it is free already
            return

    def read(
        self, inner: Transport, n_lacking: int, bytes_per_s: float, left_s: float
    ) -> list[bytes]:
        """Wait for `n_lacking` bytes, and return what is there, piece by piece; nothing if woken.

        Parameters
        ----------
        inner : Transport
            Where they come from by themselves.
        n_lacking : int
            So many are worth being woken for.
        bytes_per_s : float
            How fast they come, nominally.
        left_s : float
            No longer is waited.

        Raises
        ------
        TransportTimeout
            If none came.
        TransportError
            If the link is lost.
        """
        clock = inner.clock
        now_s = clock.now_s()
        byte_s = self._byte_s(now_s, 1.0 / bytes_per_s)
        due_s = now_s if self._came_s is None else self._came_s + n_lacking * byte_s
        wait_s = min(due_s - now_s, left_s)
        if wait_s > 0 and self._gate.acquire(timeout=wait_s):
            return []
        try:
            pieces = [inner.read(READ_BYTES, timeout_s=0.0)]
            n_bytes = len(pieces[0])
        except TransportTimeout:
            pieces, n_bytes = [], 0
        now_s, is_exact = clock.now_s(), False
        if n_bytes < n_lacking:  # as a rule all are there
            until_s = now_s + min(left_s - max(wait_s, 0.0), MOST_S)
            is_exact = self._until(inner, pieces, n_lacking - n_bytes, until_s)
            now_s, n_bytes = clock.now_s(), sum(map(len, pieces))
        taken_s = now_s - self._last_s if self._n_bytes else now_s
        is_ahead = n_bytes > FAST * n_lacking or taken_s * bytes_per_s * FAST < n_bytes
        self._follow(n_bytes, now_s, byte_s, is_exact)
        if is_ahead:
            pieces += self._flood(inner, n_bytes, now_s)
        return pieces

    def _byte_s(self, now_s: float, nominal_s: float) -> float:
        """Return how long a byte takes: by what came so far, if that makes sense."""
        began_s, n_bytes = self._began
        n_bytes = self._n_bytes - n_bytes
        if not n_bytes or now_s - began_s < SPAN_S:
            return nominal_s
        byte_s = (self._last_s - began_s) / n_bytes
        if abs(byte_s / nominal_s - 1) < OFF:
            return byte_s
        self._began = self._last_s, self._n_bytes  # it paused, or was ahead
        return nominal_s

    def _until(self, inner: Transport, pieces: list[bytes], n_lacking: int, until_s: float) -> bool:
        """Read until so many bytes more are there or time is over; say if they are.

        What comes is put behind `pieces`.
        """
        while True:
            left_s = until_s - inner.clock.now_s()
            if pieces and (left_s <= 0 or self._gate.acquire(timeout=0.0)):
                return False
            try:
                pieces.append(inner.read(READ_BYTES, timeout_s=max(left_s, 0.0)))
            except TransportTimeout:
                if not pieces:
                    raise
                return False
            n_lacking -= len(pieces[-1])
            if n_lacking <= 0:
                return True

    def _follow(self, n_new: int, now_s: float, byte_s: float, is_exact: bool) -> None:
        """Say that so many bytes more are there; `is_exact` if the last came just now."""
        self._n_bytes += n_new
        self._last_s = now_s
        if self._came_s is None:
            self._came_s, self._began = now_s, (now_s, self._n_bytes)
            return
        expected_s = self._came_s + n_new * byte_s
        if not is_exact:
            self._came_s = min(expected_s - SOONER_S, now_s)
        elif now_s - expected_s > FAR_S:
            self._came_s = now_s
        else:
            self._came_s = expected_s + LATER_S

    def _flood(self, inner: Transport, n_bytes: int, began_s: float) -> list[bytes]:
        """Read on what comes as fast as it is read, in large pieces."""
        clock, pieces = inner.clock, list[bytes]()
        while n_bytes < READ_BYTES - FILL_BYTES and clock.now_s() - began_s < FAST_S:
            clock.sleep(self._gap_s)
            try:
                pieces.append(inner.read(READ_BYTES - n_bytes, timeout_s=0.0))
            except TransportError:  # none came, or the next read says why
                break
            n_last = len(pieces[-1])
            n_bytes += n_last
            self._n_bytes += n_last
            self._last_s = self._came_s = clock.now_s()
            self._gap_s = min(max(self._gap_s * FILL_BYTES / n_last, GAP_S[0]), GAP_S[1])
        return pieces
