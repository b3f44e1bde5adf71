"""TCP: to a board that listens (`tcp://`), or from one that connects to us (`tcp-listen://`).

``socket://``, as pyserial writes it, is the same as ``tcp://``: of a socket pyserial says that 0 or
1 byte waits, however many do, so that it cannot be read in large pieces without waiting.
"""

import errno
import logging
import selectors
import socket
import struct
import sys
import time
from urllib.parse import urlsplit

from emgrig.driver.seams import Clock, RealClock
from emgrig.errors import TransportError, TransportTimeout

log = logging.getLogger(__name__)
waiting = logging.getLogger("emgrig.waiting")

SCHEMES = ("tcp", "tcp-listen", "socket")
WRITE_TIMEOUT_S = 5.0
STRANGER_S = 0.3  #: Who connects and leaves within that is no board.
BUFFER_BYTES = 1 << 18
_USUAL_BYTES = 1 << 16  #: A read gives no more, unless the one before gave as much.
# The one that costs the least to make anew for each wait; Windows has no poll.
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)
# Linux itself can wait so long in a read; elsewhere Python asks before each read whether it may.
_waits_in_read = sys.platform == "linux"
_NOW: int = getattr(socket, "MSG_DONTWAIT", 0)


class TcpTransport:
    """One TCP connection to a board; see `emgrig.driver.seams.Transport`.

    Parameters
    ----------
    address : str
        ``tcp://HOST:PORT`` connects, and so does ``socket://HOST:PORT``; ``tcp-listen://HOST:PORT``
        waits for the board to connect, on all interfaces if HOST is empty.
    timeout_s : float, > 0
        How long to wait for the connection, s.

    Raises
    ------
    ValueError
        If the address is not of this form.
    TransportError
        If there is no connection within `timeout_s`.
    """

    is_paced = True
    gather_bytes = 1 << 14  #: A quarter of the least window that a system begins with.

    def __init__(self, address: str, *, timeout_s: float = 10.0) -> None:
        self.clock: Clock = RealClock()
        #: `listens`: somebody else than the board may be there first.
        self._host, self._port, self.listens = _parse(address)
        self._timeout_s = timeout_s
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._socket: socket.socket | None = None
        self._listener: socket.socket | None = None
        self.address = address
        try:
            if self.listens:
                self._listener = _listen(self._host, self._port)
                waiting.info("waiting for a board on port %d, %g s", self._port, timeout_s)
            self.reopen()
        except BaseException:
            self.close()
            raise

    def reopen(self) -> None:
        """Connect anew, or wait for the board to connect anew; TransportError if it does not."""
        self._drop()
        if self.listens:
            self._listener = self._listener or _listen(self._host, self._port)
            self._socket = _accept(self._listener, self._timeout_s, self.address)
        else:
            self._socket = _connect(self._host, self._port, self._timeout_s)
        self._socket.settimeout(None if _waits_in_read else 0.0)
        self._waits_s = 0.0
        self._n_last = 0
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def fileno(self) -> int:
        """Return what a selector can wait for; another one after `reopen`."""
        return self._open_socket().fileno()

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Wait for bytes, and return 1 to `max_bytes` of them; see the seam."""
        connection = self._socket
        if connection is None:
            raise TransportError(f"{self.address} is closed")
        wait_s = timeout_s if timeout_s > 0 else 0.0
        try:
            if wait_s != self._waits_s and (wait_s or not _waits_in_read):
                _set_wait(connection, wait_s)
                self._waits_s = wait_s
            flags = 0 if wait_s else _NOW
            if self._n_last < _USUAL_BYTES:
                received = connection.recv(min(max_bytes, _USUAL_BYTES), flags)
            else:  # through one buffer: to allocate the most that may come costs more than a copy
                n_bytes = connection.recv_into(self._buffer, min(max_bytes, BUFFER_BYTES), flags)
                received = bytes(self._buffer[:n_bytes])
        except (OSError, ValueError) as error:
            if _is_only_late(error):
                raise TransportTimeout(f"{self.address}: nothing came in {timeout_s:g} s") from None
            raise TransportError(f"{self.address}: the link is lost: {_why(error)}") from error
        self._n_last = len(received)
        if not received:
            raise TransportError(f"{self.address}: the other side closed the link")
        return received

    def write(self, data: bytes, /) -> None:
        """Send all of `data`; see the seam."""
        connection = self._open_socket()
        deadline_s = self.clock.now_s() + WRITE_TIMEOUT_S
        rest = memoryview(data)
        try:
            while rest:
                left_s = deadline_s - self.clock.now_s()
                if left_s <= 0 or not _ready(connection, selectors.EVENT_WRITE, left_s):
                    raise TransportError(
                        f"{self.address}: the other side took nothing for {WRITE_TIMEOUT_S:g} s"
                    )
                rest = rest[_send_some(connection, rest) :]
        except (OSError, ValueError) as error:
            raise TransportError(f"{self.address}: the link is lost: {_why(error)}") from error

    def close(self) -> None:
        """Close the link; a thread that reads is woken up."""
        self._drop()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _drop(self) -> None:
        connection, self._socket = self._socket, None
        if connection is None:
            return
        try:
            connection.shutdown(socket.SHUT_RDWR)  # wakes a reader; close alone does not
        except OSError as error:
            log.debug("%s: %s", self.address, error)
        connection.close()

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise TransportError(f"{self.address} is closed")
        return self._socket


def _parse(address: str) -> tuple[str, int, bool]:
    parts = urlsplit(address)
    listens = parts.scheme == "tcp-listen"
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{address}: {error}") from error
    if parts.scheme not in SCHEMES or port is None or parts.path.strip("/"):
        raise ValueError(
            f"{address}: expected tcp://HOST:PORT or tcp-listen://HOST:PORT, "
            "for example tcp://192.168.4.1:4299"
        )
    host = parts.hostname or ""
    if port == 0 or not (host or listens):
        raise ValueError(f"{address}: expected a host and a port to connect to")
    return host, port, listens


def _connect(host: str, port: int, timeout_s: float) -> socket.socket:
    where = f"tcp://{_bracketed(host)}:{port}"
    try:
        return socket.create_connection((host, port), timeout=timeout_s)
    except socket.gaierror as error:
        raise TransportError(
            f"{where}: unknown host {host!r}; check the name, or use the board's IP address"
        ) from error
    except ConnectionRefusedError as error:
        raise TransportError(
            f"{where}: connection refused: nobody listens there; is the board on, the port right?"
        ) from error
    except TimeoutError as error:
        raise TransportTimeout(
            f"{where}: no answer in {timeout_s:g} s; is the board on, and in the same network?"
        ) from error
    except OSError as error:
        raise TransportError(f"{where}: cannot connect: {_why(error)}") from error


def _listen(host: str, port: int) -> socket.socket:
    where = f"tcp-listen://{_bracketed(host)}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)  # sets SO_REUSEADDR on POSIX
    except socket.gaierror as error:
        raise TransportError(f"{where}: unknown host {host!r}; leave it empty for all") from error
    except OSError as error:
        raise TransportError(
            f"{where}: cannot listen: {_why(error)}; is another program on that port?"
        ) from error


def _accept(listener: socket.socket, timeout_s: float, address: str) -> socket.socket:
    """Wait for somebody who connects and stays; one who only looks (a port scan) is let go."""
    deadline_s = time.perf_counter() + timeout_s
    while True:
        listener.settimeout(max(deadline_s - time.perf_counter(), 0.001))
        try:
            connection, peer = listener.accept()
        except TimeoutError as error:
            raise TransportTimeout(
                f"{address}: no board connected in {timeout_s:g} s; is it set to this host and "
                "port?"
            ) from error
        except OSError as error:
            raise TransportError(f"{address}: cannot accept: {_why(error)}") from error
        log.info("%s: connection from %s", address, peer)
        if _stays(connection):
            return connection
        log.info("%s: %s went at once", address, peer)
        connection.close()


def _stays(connection: socket.socket) -> bool:
    """Tell a board, which waits to be asked, from somebody who is gone at once."""
    try:
        if not _ready(connection, selectors.EVENT_READ, STRANGER_S):
            return True
        return bool(connection.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


def _ready(connection: socket.socket, event: int, timeout_s: float) -> bool:
    """Wait until the socket can be read (or written), or has something bad to tell."""
    with _Selector() as selector:
        selector.register(connection, event)
        return bool(selector.select(max(timeout_s, 0.0)))


def _set_wait(connection: socket.socket, wait_s: float) -> None:
    """Let a read wait so long, s."""
    if _waits_in_read:
        timeval = struct.pack("@ll", *divmod(max(round(wait_s * 1e6), 1), 1_000_000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
    else:
        connection.settimeout(wait_s)


def _send_some(connection: socket.socket, data: memoryview) -> int:
    try:
        return connection.send(data, _NOW)
    except OSError as error:
        if _is_only_late(error):  # another thread was faster
            return 0
        raise


def _is_only_late(error: Exception) -> bool:
    """Tell that nothing came in time from a link that keep-alive has found dead (ETIMEDOUT)."""
    if isinstance(error, BlockingIOError):
        return True
    return isinstance(error, TimeoutError) and error.errno != errno.ETIMEDOUT


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
