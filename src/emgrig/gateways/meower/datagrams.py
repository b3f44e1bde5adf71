"""The two ports of a Meower: one for commands, one for data; over UDP, or of a simulated board."""

import logging
import selectors
import socket
import struct
from typing import NamedTuple, Protocol

from emgrig.driver.seams import Clock, RealClock, Transport
from emgrig.errors import TransportError, TransportTimeout

log = logging.getLogger(__name__)

CONTROL_PORT = 5000
MOST_BYTES = 2048
_HEAD = struct.Struct(">HH")


class Datagram(NamedTuple):
    """One that came from the board."""

    is_data: bool  #: It came to the port for data.
    payload: bytes


class Datagrams(Protocol):
    """Whole datagrams from and to one board."""

    address: str
    is_paced: bool

    @property
    def inner(self) -> Transport | None:
        """What frames them, if they come over a transport."""

    @property
    def clock(self) -> Clock:
        """The time in which its timeouts are counted."""

    def send(self, payload: bytes, /) -> None:
        """Send one to the board's port for commands, if the board is known."""

    def receive(self, *, timeout_s: float) -> list[Datagram]:
        """Return what has come, at least one; TransportTimeout if nothing comes."""

    def reopen(self) -> None:
        """Open the ports anew."""

    def close(self) -> None:
        """Close them; a second call does nothing."""


class UdpPorts:
    """Both ports of this computer, and the board behind them.

    Parameters
    ----------
    address : str
        For messages.
    host : str
        Of the board; empty: whoever calls ``MEOW_MEOW``.
    control : int
        The port for commands, there and here; that for data is the next one.
    here : str
        Address of this computer to listen at; empty is all of them.

    Raises
    ------
    TransportError
        If a port cannot be had.
    """

    is_paced = True
    inner = None

    def __init__(self, address: str, *, host: str, control: int, here: str) -> None:
        self.clock: Clock = RealClock()
        self.address = address
        self._said_host = host
        self._control = control
        self._here = here
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self.reopen()

    def reopen(self) -> None:
        """Listen anew."""
        self.close()
        self._host = self._said_host
        opened: list[socket.socket] = []
        for port in (self._control, self._control + 1):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.append(one)
            try:
                one.bind((self._here, port))
            except OSError as error:
                for each in opened:
                    each.close()
                raise TransportError(
                    f"{self.address}: cannot listen on UDP port {port}: {error.strerror or error}; "
                    "is another program on it?"
                ) from error
            one.setblocking(False)
        self._sockets = opened[0], opened[1]

    def send(self, payload: bytes, /) -> None:
        """See `Datagrams.send`."""
        control, _ = self._open()
        if not self._host:
            return
        try:
            control.sendto(payload, (self._host, self._control))
        except BlockingIOError:  # lost, as a datagram may be
            return
        except OSError as error:
            raise TransportError(f"{self.address}: the network is lost: {error}") from error

    def receive(self, *, timeout_s: float) -> list[Datagram]:
        """See `Datagrams.receive`; of others than the board nothing is taken."""
        deadline_s = self.clock.now_s() + timeout_s
        while True:
            sockets = self._open()
            try:
                with selectors.DefaultSelector() as selector:
                    for is_data, one in enumerate(sockets):
                        selector.register(one, selectors.EVENT_READ, bool(is_data))
                    ready = selector.select(max(deadline_s - self.clock.now_s(), 0.0))
                    came = [item for key, _ in ready for item in self._drained(key)]
            except (OSError, ValueError) as error:
                raise TransportError(f"{self.address}: the port is lost: {error}") from error
            if came:
                return came
            if self.clock.now_s() >= deadline_s:
                raise TransportTimeout(f"{self.address}: nothing came in {timeout_s:g} s")

    def _drained(self, key: selectors.SelectorKey) -> list[Datagram]:
        found: list[Datagram] = []
        assert isinstance(key.fileobj, socket.socket)
        while len(found) < 64:
            try:
                payload, (host, *_) = key.fileobj.recvfrom(MOST_BYTES)
            except BlockingIOError:
                break
            if not self._host and payload == b"MEOW_MEOW":
                log.info("%s: a Meower calls from %s", self.address, host)
                self._host = host
            if host == self._host:
                found.append(Datagram(bool(key.data), payload))
        return found

    def close(self) -> None:
        """See `Datagrams.close`."""
        sockets, self._sockets = self._sockets, None
        for one in sockets or ():
            one.close()

    def _open(self) -> tuple[socket.socket, socket.socket]:
        if self._sockets is None:
            raise TransportError(f"{self.address} is closed")
        return self._sockets


class FramedPorts:
    """Datagrams over a transport that frames them: port, length, bytes (the simulated board).

    Parameters
    ----------
    inner : Transport
        What frames them; it is closed with this.
    """

    def __init__(self, inner: Transport) -> None:
        self.address = inner.address
        self.is_paced = inner.is_paced
        self.inner = inner  #: The board's bytes.
        self._held = b""

    @property
    def clock(self) -> Clock:
        """The time of the transport below."""
        return self.inner.clock

    def send(self, payload: bytes, /) -> None:
        """See `Datagrams.send`."""
        self.inner.write(payload)

    def receive(self, *, timeout_s: float) -> list[Datagram]:
        """See `Datagrams.receive`."""
        self._held += self.inner.read(1 << 16, timeout_s=timeout_s)
        found: list[Datagram] = []
        at = 0
        while len(self._held) - at >= _HEAD.size:
            port, length = _HEAD.unpack_from(self._held, at)
            end = at + _HEAD.size + length
            if end > len(self._held):
                break
            found.append(Datagram(port != CONTROL_PORT, self._held[at + _HEAD.size : end]))
            at = end
        self._held = self._held[at:]
        return found

    def reopen(self) -> None:
        """See `Datagrams.reopen`."""
        self._held = b""
        self.inner.reopen()

    def close(self) -> None:
        """See `Datagrams.close`."""
        self.inner.close()
