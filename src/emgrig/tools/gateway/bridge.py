"""Any board that this machine reaches, on a TCP port: bytes of its transport to one client."""

import contextlib
import logging
import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Final

from emgrig.driver.seams import Transport
from emgrig.errors import EmgrigError, TransportError, TransportTimeout
from emgrig.gateways.discovery import Announcer

log = logging.getLogger(__name__)

CHUNK_BYTES: Final = 1 << 16
LOOK_S: Final = 0.25
IDLE_S: Final = 0.01
GONE_S: Final = 5.0  #: A client that acknowledges nothing for so long is gone.


class Bridge:
    """A board on a TCP port; a context manager. One client at a time, who comes second is let go.

    When a client goes the board's link is opened anew: a run that is on goes on as long as the
    board lets it, and the next client can take it over.

    Parameters
    ----------
    transport : Transport
        Of the board; the bridge closes it.
    host : str
        Address to listen on; empty is all of them.
    port : int
        0 takes a free one.

    Raises
    ------
    TransportError
        If the port cannot be had; the transport is closed then.
    """

    def __init__(self, transport: Transport, host: str = "127.0.0.1", port: int = 0) -> None:
        self.transport = transport  #: Of the board; nobody else uses it while `serve` runs.
        self._selector = selectors.DefaultSelector()
        self._announcer: Announcer | None = None
        self._failure: EmgrigError | None = None
        try:
            self._listener = socket.create_server((host, port))
        except OSError as error:
            self._selector.close()
            transport.close()
            raise TransportError(
                f"cannot serve on {host}:{port}: {error.strerror or error}; is another program "
                "there? try port 0"
            ) from error
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.host = host
        self._wake_out, self._wake_in = socket.socketpair()
        self._selector.register(self._wake_out, selectors.EVENT_READ)

    def __enter__(self) -> "Bridge":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """TCP port."""
        return int(self._listener.getsockname()[1])

    def announce(self, serial_number: str, **options: int) -> bool:
        """Answer those who ask the network for boards; False if something else has that port."""
        try:
            self._announcer = Announcer(self.host, self.port, serial_number, **options)
        except OSError as error:
            log.debug("not announced: %s", error)
            return False
        self._selector.register(self._announcer, selectors.EVENT_READ)
        return True

    def serve(self, duration_s: float | None = None) -> None:
        """Serve for `duration_s`, or until `stop`.

        Raises
        ------
        TransportError
            If the board's link is lost.
        """
        end_s = None if duration_s is None else time.monotonic() + duration_s
        while True:
            ready = self._wait(end_s)
            if ready is None:
                return
            if self._listener in ready and (client := self._accept()) is not None:
                self._attend(client, end_s)

    def stop(self) -> None:
        """Have `serve` return; for another thread."""
        with contextlib.suppress(OSError):
            self._wake_in.send(b"x")

    def close(self) -> None:
        """Let go of the port and the board."""
        self._selector.close()
        for end in (self._listener, self._wake_in, self._wake_out):
            end.close()
        if self._announcer is not None:
            self._announcer.close()
        self.transport.close()

    # ---- inside -------------------------------------------------------------------------------

    def _wait(self, end_s: float | None) -> list[object] | None:
        """Wait for sockets, and answer who asks the network; None if it is time to stop."""
        left_s = None if end_s is None else end_s - time.monotonic()
        if left_s is not None and left_s <= 0:
            return None
        ready = [key.fileobj for key, _ in self._selector.select(left_s)]
        if self._wake_out in ready:
            return None
        if self._announcer is not None and self._announcer in ready:
            self._announcer.reply()
        return [*ready]

    def _accept(self) -> socket.socket | None:
        try:
            return self._listener.accept()[0]
        except OSError as error:
            log.debug("nobody came after all: %s", error)
            return None

    def _attend(self, client: socket.socket, end_s: float | None) -> None:
        """Serve one client until it goes."""
        _watch_over(client)
        is_over = threading.Event()
        outward = threading.Thread(target=self._send, args=(client, is_over), daemon=True)
        self._selector.register(client, selectors.EVENT_READ)
        outward.start()
        try:
            self._receive(client, end_s)
        finally:
            self._selector.unregister(client)
            is_over.set()
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            outward.join()
            client.close()
        if self._failure is not None:
            raise self._failure
        self.transport.reopen()

    def _receive(self, client: socket.socket, end_s: float | None) -> None:
        """Hand what the client sends to the board."""
        while self._failure is None:
            ready = self._wait(end_s)
            if ready is None:
                self.stop()  # for `serve` too
                return
            if client in ready:  # first: who goes makes room for who comes
                try:
                    data = client.recv(CHUNK_BYTES)
                except OSError:
                    return
                if not data:
                    return
                self.transport.write(data)
            elif self._listener in ready and (other := self._accept()) is not None:
                log.warning("another client tried to connect while one is served")
                other.close()

    def _send(self, client: socket.socket, is_over: threading.Event) -> None:
        """Hand what the board sends to the client."""
        while not is_over.is_set():
            try:
                data = self.transport.read(CHUNK_BYTES, timeout_s=LOOK_S)
                client.sendall(data)
            except TransportTimeout:
                if not self.transport.is_paced:  # it waits for nobody: time is its own
                    is_over.wait(IDLE_S)
            except EmgrigError as error:
                self._failure = error
                break
            except OSError:  # gone, or deaf for too long
                break
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)  # wakes who receives


def _watch_over(client: socket.socket) -> None:
    """Have the system notice within seconds that a client has gone without a word."""
    client.settimeout(GONE_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        for option, value in _linux_options():
            client.setsockopt(socket.IPPROTO_TCP, option, value)


def _linux_options() -> Iterator[tuple[int, int]]:
    yield getattr(socket, "TCP_USER_TIMEOUT", 18), int(GONE_S * 1e3)
    yield getattr(socket, "TCP_KEEPIDLE", 4), 3
    yield getattr(socket, "TCP_KEEPINTVL", 5), 1
    yield getattr(socket, "TCP_KEEPCNT", 6), 3
