"""Datagrams from a board that sends them to a port of ours."""

import logging
import selectors
import socket
from urllib.parse import urlsplit

from emgrig.driver.seams import Clock, RealClock
from emgrig.errors import TransportError, TransportTimeout

log = logging.getLogger(__name__)

MOST_BYTES = 65_536


class UdpTransport:
    """Datagrams that come to a port, from the first sender alone; ``udp://[HOST]:PORT``.

    `read` returns one whole datagram; what is written goes to whoever sent the last one.

    Raises
    ------
    ValueError
        If the address is not of this form.
    TransportError
        If the port cannot be had.
    """

    is_paced = True
    is_datagram = True

    def __init__(self, address: str, *, timeout_s: float = 10.0) -> None:  # noqa: ARG002
        self.clock: Clock = RealClock()
        self.address = address
        parts = urlsplit(address)
        try:
            self._port = parts.port
        except ValueError as error:
            raise ValueError(f"{address}: {error}") from error
        if parts.scheme != "udp" or self._port is None:
            raise ValueError(f"{address}: expected udp://[HOST]:PORT, as udp://:13900")
        self._host = parts.hostname or ""
        self._peer: tuple[str, int] | None = None
        self._others: set[str] = set()  # who else sends
        self._socket: socket.socket | None = None
        self.reopen()

    @property
    def port(self) -> int:
        """The port that is listened to."""
        return int(self._open_socket().getsockname()[1])

    def reopen(self) -> None:
        """Listen anew; TransportError if the port cannot be had."""
        self.close()
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.bind((self._host, self._port or 0))
        except OSError as error:
            opened.close()
            raise TransportError(
                f"{self.address}: cannot listen: {error.strerror or error}; is another program "
                "on that port?"
            ) from error
        opened.setblocking(False)
        self._peer, self._socket = None, opened

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Wait for a datagram, and return it; see the seam. A longer one than asked is cut."""
        opened = self._open_socket()
        deadline_s = self.clock.now_s() + timeout_s
        while True:
            try:
                with selectors.DefaultSelector() as selector:
                    selector.register(opened, selectors.EVENT_READ)
                    came = selector.select(max(deadline_s - self.clock.now_s(), 0.0))
                data, peer = opened.recvfrom(min(max_bytes, MOST_BYTES)) if came else (b"", None)
            except BlockingIOError:
                data, peer = b"", None
            except (OSError, ValueError) as error:
                raise TransportError(f"{self.address}: the port is lost: {error}") from error
            if data and self._is_from_the_board(peer):
                return data
            if self.clock.now_s() >= deadline_s:
                raise TransportTimeout(f"{self.address}: nothing came in {timeout_s:g} s")

    def _is_from_the_board(self, peer: object) -> bool:
        """Take the first that sends for the board, and leave others alone."""
        if not isinstance(peer, tuple):
            return False
        host = str(peer[0])
        if self._peer is None:
            self._peer = (host, int(peer[1]))
            log.info("%s: datagrams from %s", self.address, host)
        elif host != self._peer[0] and host not in self._others:
            self._others.add(host)
            if len(self._others) == 1:
                log.warning(
                    "%s: %s sends to this port too, and only %s is listened to: give each board a "
                    "port of its own, or switch one off",
                    self.address,
                    host,
                    self._peer[0],
                )
        return host == self._peer[0]

    def write(self, data: bytes, /) -> None:
        """Send `data` as one datagram to the board, if it is known; see the seam."""
        opened = self._open_socket()
        if self._peer is None:
            return
        try:
            opened.sendto(data, self._peer)
        except OSError as error:
            raise TransportError(f"{self.address}: the port is lost: {error}") from error

    def close(self) -> None:
        """Close the port; a second call does nothing."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise TransportError(f"{self.address} is closed")
        return self._socket
