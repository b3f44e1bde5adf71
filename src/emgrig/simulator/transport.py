"""The simulated board in this process, as a transport: `sim:` addresses."""

import threading
from typing import Final

import numpy as np

from emgrig.errors import TransportError, TransportTimeout
from emgrig.onboard.seams import Client
from emgrig.simulator.assembly import build_board
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.clock import ScaledClock, VirtualClock
from emgrig.simulator.options import MAX_SPEED, parse_query

FIRST_READ_S: Final = 0.25
LONGEST_READ_S: Final = 0.5
"""How far virtual time moves at most in one `read`: what the bytes of one call span.

The first holds after a `write`, since what is wanted then may be short; while the client only reads
it grows to the other, because every step has its price.
"""
POLL_S: Final = 0.002  #: In real time, how often the board is asked.


class SimTransport:
    """Bytes to and from a simulated board in this process; fits `emgrig.driver.seams.Transport`.

    On virtual time (`speed=max`, the default) time moves only while `read` waits or the clock
    sleeps, so that it is the same whatever the machine does. At another speed it is `speed` times
    the host's time.

    Parameters
    ----------
    query : str
        What follows ``sim:`` in an address (see `emgrig.simulator.options.parse_query`).
    board : SimulatedBoard or None
        A board made elsewhere, in place of the one that `query` describes.

    Raises
    ------
    ValueError
        If the query makes no sense.
    """

    def __init__(self, query: str = "", *, board: SimulatedBoard | None = None) -> None:
        options = parse_query(query)
        self.address = f"sim:{query}"  #: The address that opens it again.
        #: What is at the other end, for those who want to look.
        self.board = build_board(options) if board is None else board
        self.is_paced = options.speed != MAX_SPEED  #: False on virtual time.
        if self.is_paced and self.board.truth is not None:
            # What a source makes at the first look, it makes before its time begins.
            self.board.truth.volts(np.array([self.board.now_s]))
        #: The time of the board and of all timeouts.
        self.clock: VirtualClock | ScaledClock = (
            ScaledClock(options.speed, self.board.now_s)
            if self.is_paced
            else VirtualClock(self.board.now_s)
        )
        self._lock = threading.RLock()
        self._is_closed = False
        self._span_s = FIRST_READ_S
        self._client: Client = self.board.connect()

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Wait for bytes, and return 1 to `max_bytes` of them; see the seam.

        ValueError if `max_bytes` is less than 1 or `timeout_s` less than 0.
        """
        if max_bytes < 1 or not timeout_s >= 0:
            raise ValueError(f"max_bytes is {max_bytes}, timeout_s {timeout_s}; expected ≥ 1, ≥ 0")
        deadline_s = self.clock.now_s() + timeout_s
        while True:
            with self._lock:
                self._catch_up()
                data = self.board.take(self._client, max_bytes)
                if data:
                    return data
                self._check_open()
            left_s = deadline_s - self.clock.now_s()
            if left_s <= 0:
                raise TransportTimeout(f"nothing from {self.address} in {timeout_s:g} s")
            self.clock.sleep(min(left_s, POLL_S if self.is_paced else self._span_s))
            self._span_s = min(2 * self._span_s, LONGEST_READ_S)

    def write(self, data: bytes, /) -> None:
        """Send all of `data`; see the seam."""
        with self._lock:
            self._catch_up()
            self._check_open()
            self.board.receive(self._client, data)
            self._span_s = FIRST_READ_S
            self._follow()

    def reopen(self) -> None:
        """Open the link anew; TransportError if the simulated link is cut."""
        with self._lock:
            self._catch_up()
            self.board.disconnect(self._client)
            self._client = self.board.connect()
            self._is_closed = False

    def close(self) -> None:
        """Close the link; see the seam."""
        with self._lock:
            self._is_closed = True
            self.board.disconnect(self._client)

    def _check_open(self) -> None:
        if self._is_closed:
            raise TransportError(f"{self.address} is closed")
        if not self._client.is_open:
            raise TransportError(f"{self.address}: the link was cut")

    def _catch_up(self) -> None:
        self.board.run_until(self.clock.now_s())
        self._follow()

    def _follow(self) -> None:
        """Let virtual time follow: requests take time on the board."""
        if isinstance(self.clock, VirtualClock):
            self.clock.move_to(self.board.now_s)


def open_sim(address: str, /, *, timeout_s: float = 0.0) -> SimTransport:  # noqa: ARG001
    """Make a simulated board of an address, ``sim:QUERY``; it is there at once."""
    return SimTransport(address.partition(":")[2])
