"""When to read next: each piece that is read, decoded and handed on has its price."""

import threading
from typing import Final

from emgrig.driver.seams import Transport
from emgrig.errors import TransportError

READ_BYTES: Final = 1 << 16
LEAST_S, MOST_S = 0.01, 0.1  #: So long is waited for the frames that are lacking to a packet.
LATE_S: Final = 0.004  #: And so much longer, since a second look costs more than the wait.
FAST_BYTES: Final = 2048  #: As many at once are a board that has much to say: it is not waited for.
FAST_GAP_S: Final = 0.002


class Gathering:
    """Reads from a board in a run: not each frame as it comes, but what fills a packet.

    A packet is handed on up to `LEAST_S` later than it could be.
    """

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._is_fast = False

    def wake(self) -> None:
        """Let a wait end: there is something else to do."""
        self._woken.set()

    def wait(self, lacking_s: float, left_s: float) -> None:
        """Wait for frames that come by themselves in `lacking_s`, and no longer than `left_s`."""
        if not self._is_fast:
            self._woken.wait(min(max(lacking_s + LATE_S, LEAST_S), MOST_S, left_s))
        self._woken.clear()

    def read(self, inner: Transport, timeout_s: float) -> bytes:
        """Read what is there, at least one byte; of a flood one large piece."""
        pieces = [inner.read(READ_BYTES, timeout_s=timeout_s)]
        n_bytes = n_last = len(pieces[0])
        while n_last > FAST_BYTES and n_bytes < READ_BYTES:
            inner.clock.sleep(FAST_GAP_S)
            try:
                pieces.append(inner.read(READ_BYTES, timeout_s=0.0))
            except TransportError:  # none came, or the next read says why
                break
            n_last = len(pieces[-1])
            n_bytes += n_last
        self._is_fast = n_bytes > FAST_BYTES
        return b"".join(pieces)
