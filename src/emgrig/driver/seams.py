"""The seams of the driver: what a transport, a register port and a clock must do."""

import time
from typing import Protocol


class Clock(Protocol):
    """The host's time: real, or the simulator's virtual time."""

    def now_s(self) -> float:
        """Monotonic time, s; its zero has no meaning."""

    def unix_s(self) -> float:
        """Wall time, s since 1970-01-01 UTC."""

    def sleep(self, duration_s: float) -> None:
        """Wait `duration_s` ≥ 0; virtual time does not wait but moves on."""


class RealClock:
    """Time as it passes here; see `Clock`."""

    # Looked up at each call: the attach kit puts virtual time in front of these, for a while.

    def now_s(self) -> float:
        """Monotonic time, s."""
        return time.perf_counter()  # as monotonic, but in fine steps on Windows too

    def unix_s(self) -> float:
        """Wall time, s since 1970-01-01 UTC."""
        return time.time()

    def sleep(self, duration_s: float) -> None:
        """Wait `duration_s` ≥ 0."""
        time.sleep(duration_s)


class Transport(Protocol):
    """Bytes to and from one board.

    Every transport passes `tests/check_transport.py`; another one is done when it does too.
    """

    address: str  #: The address string that opens it again.
    #: True if bytes arrive by themselves, at the board's pace, and must be read in time (TCP,
    #: serial). False if they are made when they are read (simulator in this process, replay).
    is_paced: bool

    @property
    def clock(self) -> Clock:
        """The time in which its timeouts are counted."""

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Wait for bytes, and return 1 to `max_bytes` of them.

        Raises
        ------
        TransportTimeout
            If `timeout_s` seconds pass and nothing arrives.
        TransportError
            If the link is closed or lost.
        """

    def write(self, data: bytes, /) -> None:
        """Send all of `data`.

        Raises
        ------
        TransportError
            If the link is closed or lost, or takes nothing for 5 s.
        """

    def reopen(self) -> None:
        """Open the link anew after it was lost; what was in flight is gone.

        Raises
        ------
        TransportError
            If the other side is not there, or (replay) if there is nothing to open again.
        """

    def close(self) -> None:
        """Close the link; a second call does nothing. `read` and `write` raise from then on."""


class RegisterPort(Protocol):
    """Register access to one ADS1299: all that the chip driver needs.

    The native protocol implements it; other boards' protocols can. The port moves bytes and does
    not interpret them. Reading or writing while the chip is in RDATAC is the caller's mistake.
    """

    def read(self, address: int, count: int) -> bytes:
        """Read `count` registers (1 to 24) from `address` on."""

    def write(self, address: int, data: bytes) -> None:
        """Write `data` (1 to 24 bytes) to the registers from `address` on."""

    def command(self, opcode: int) -> None:
        """Send one single-byte opcode (SBAS499C table 10)."""
