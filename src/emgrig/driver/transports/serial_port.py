"""Serial ports, USB-CDC, and whatever else pyserial's URL opener takes."""

import errno
import logging
import os
import re
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import serial
from serial.tools import list_ports

from emgrig.driver.seams import Clock, RealClock
from emgrig.errors import TransportError, TransportTimeout

log = logging.getLogger(__name__)

DEFAULT_BAUD = 921_600
WRITE_TIMEOUT_S = 5.0
#: A read inside pyserial takes no longer, so that `close` never waits longer for it.
_SLICE_S = 0.1
#: A terminal gives 4096 bytes at most; room for the most that is asked for costs more to make.
_MOST_BYTES = 1 << 13
#: What pyserial writes, without an errno, for a port that another program has: POSIX, Windows.
_IN_USE = "exclusively lock|PermissionError"
# Only Linux can wait for a terminal so; elsewhere pyserial does it.
_Poll: Callable[[], "select.poll"] | None = (
    getattr(select, "poll", None) if sys.platform == "linux" else None
)


class SerialTransport:
    """A serial port; see `emgrig.driver.seams.Transport`.

    Parameters
    ----------
    address : str
        ``serial:///dev/ttyUSB0?baud=921600``, ``serial://COM3``, or a URL of pyserial
        (``rfc2217://HOST:PORT``, ``loop://``), also with ``?baud=``.

    Raises
    ------
    ValueError
        If the address is not of this form.
    TransportError
        If the port cannot be opened.
    """

    is_paced = True

    def __init__(self, address: str) -> None:
        self.clock: Clock = RealClock()
        self.address = address
        self._name, self._baud = _parse(address)
        self._port: serial.Serial | None = None
        self._bytes: _Descriptor | None = None  # of a port that is a file descriptor
        self._reading = threading.Lock()
        self._is_woken = False
        self.reopen()

    def reopen(self) -> None:
        """Open the port anew; TransportError if it is not there."""
        self.close()
        try:
            port = serial.serial_for_url(
                self._name,
                do_not_open=True,
                baudrate=self._baud,
                timeout=_SLICE_S,
                write_timeout=WRITE_TIMEOUT_S,
            )
            if isinstance(port, serial.Serial):
                port.exclusive = True
            port.open()
        except (OSError, ValueError) as error:
            raise TransportError(_explain_open(self.address, self._name, error)) from error
        self._port = port
        if _Poll is not None and isinstance(port, serial.Serial):
            self._bytes = _Descriptor(port.fileno())

    @property
    def gather_bytes(self) -> int:
        """How much may lie unread with the system, which has 4096 bytes for a terminal: half."""
        return 0 if self._bytes is None else 2048

    def fileno(self) -> int:
        """Return what a selector can wait for, another one after `reopen`; ValueError if none."""
        if self._bytes is None:
            raise ValueError(f"{self.address} is no file descriptor")
        return self._bytes.fd

    def set_baud(self, baud: int) -> None:
        """Go on at another baud rate, the port staying open; TransportError if it cannot."""
        try:
            self._open_port().baudrate = baud
        except (OSError, ValueError) as error:
            raise TransportError(f"{self.address}: cannot set {baud} baud: {error}") from error

    def wake(self) -> None:
        """Let a `read` that waits, or else the next one, end as if its time were over."""
        port = self._port
        if port is not None and self._bytes is not None:
            self._is_woken = True
            self._bytes.wake()
        elif port is not None and hasattr(port, "cancel_read"):
            self._is_woken = True
            try:
                port.cancel_read()
            except OSError as error:
                log.debug("%s: %s", self.address, error)

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Wait for bytes, and return 1 to `max_bytes` of them; see the seam."""
        if timeout_s <= 0 and (there := self._read_there(max_bytes)):
            return there
        left_s, deadline_s = timeout_s, self.clock.now_s() + timeout_s
        while True:
            with self._reading:
                if self._bytes is not None:
                    received = self._read_bytes(self._bytes, max_bytes, left_s)
                else:
                    received = self._read_slice(max_bytes)
            if received:
                return received
            left_s = deadline_s - self.clock.now_s()
            if self._is_woken or left_s <= 0:
                self._is_woken = False
                raise TransportTimeout(f"{self.address}: nothing came in {timeout_s:g} s")

    def write(self, data: bytes, /) -> None:
        """Send all of `data`; see the seam."""
        try:
            self._open_port().write(data)
        except serial.SerialTimeoutException as error:
            raise TransportError(
                f"{self.address}: the port took nothing for {WRITE_TIMEOUT_S:g} s"
            ) from error
        except OSError as error:
            raise TransportError(f"{self.address}: the port is lost: {error}") from error

    def close(self) -> None:
        """Close the port, once a thread that reads has come out of it (at most 0.1 s)."""
        port, self._port = self._port, None
        if port is None:
            return
        if self._bytes is not None:
            self._bytes.wake()
        elif hasattr(port, "cancel_read"):
            try:
                port.cancel_read()
            except OSError as error:
                log.debug("%s: %s", self.address, error)
        with self._reading:
            if self._bytes is not None:
                self._bytes.close()
                self._bytes = None
            try:
                port.close()
            except OSError as error:  # the device is gone already
                log.debug("%s: %s", self.address, error)

    def _read_there(self, max_bytes: int) -> bytes:
        """Read what is there, in one step; nothing if nothing is, or if the system cannot say."""
        with self._reading:
            source = self._bytes
            if source is None:
                return b""
            try:
                return os.read(source.fd, min(max_bytes, _MOST_BYTES))
            except BlockingIOError:
                return b""
            except OSError as error:
                raise self._lost(error) from error

    def _read_bytes(self, source: "_Descriptor", max_bytes: int, timeout_s: float) -> bytes:
        self._open_port()
        try:
            return source.read(max_bytes, timeout_s)
        except OSError as error:
            raise self._lost(error) from error

    def _read_slice(self, max_bytes: int) -> bytes:
        port = self._open_port()
        try:
            waiting = port.in_waiting
            received: bytes = port.read(min(max(waiting, 1), max_bytes))
            if received and not waiting and max_bytes > 1 and (waiting := port.in_waiting):
                received += port.read(min(waiting, max_bytes - 1))
        except OSError as error:
            raise self._lost(error) from error
        return received

    def _lost(self, error: OSError) -> TransportError:
        if self._port is None:
            return TransportError(f"{self.address} is closed")
        return TransportError(
            f"{self.address}: the port is lost: {error}; was the board unplugged?"
        )

    def _open_port(self) -> serial.Serial:
        if self._port is None:
            raise TransportError(f"{self.address} is closed")
        return self._port


class _Descriptor:
    """A serial port that the system can be asked about: read in one piece, as much as is there."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        assert _Poll is not None
        self._poll = _Poll()
        self._poll.register(fd, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Wait for bytes; none if the time is over or `wake` was called, OSError if it is gone."""
        ready = [fd for fd, _ in self._poll.poll(max(timeout_s, 0.0) * 1e3)]
        if self._woken in ready:
            os.read(self._woken, 64)
        if self.fd not in ready:
            return b""
        received = self._read_there(max_bytes)
        if received == b"":
            raise OSError("it has nothing to read, and says that it has")
        return received or b""

    def _read_there(self, max_bytes: int) -> bytes | None:
        """Read what is there; none, or None if the system says so by an error, if nothing is."""
        try:
            return os.read(self.fd, min(max_bytes, _MOST_BYTES))
        except BlockingIOError:
            return None

    def wake(self) -> None:
        """End a `read` that waits, or the next."""
        with suppress(BlockingIOError):  # it was called often, and nobody reads
            os.write(self._wake, b"x")

    def close(self) -> None:
        """Close all but the port."""
        os.close(self._woken)
        os.close(self._wake)


def _parse(address: str) -> tuple[str, int]:
    """Return the name for pyserial and the baud rate."""
    bare, _, query = address.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(options) - {"baud"})
    said = options.get("baud", str(DEFAULT_BAUD))
    if unknown or not said.isdecimal() or int(said) == 0:
        wrong = f"unknown option {unknown[0]!r}" if unknown else f"baud={said!r} is no number"
        raise ValueError(
            f"{address}: {wrong}; expected as in serial:///dev/ttyUSB0?baud={DEFAULT_BAUD}"
        )
    name = bare
    if urlsplit(address).scheme == "serial":
        name = bare.removeprefix("serial://")
    if not name:
        raise ValueError(f"{address}: no port named; expected as in serial:///dev/ttyUSB0")
    return name, int(said)


def _explain_open(address: str, name: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        return (
            f"{address}: permission denied; add yourself to the port's group "
            f"(sudo usermod -aG {_group_of(name)} $USER) and log in again; docs/ports.md"
        )
    if number in (errno.EBUSY, errno.EAGAIN) or re.search(_IN_USE, str(error)):
        return f"{address}: the port is in use by another program; close that first"
    if number == errno.ENOENT or (number is None and "://" not in name):
        ports = ", ".join(port.device for port in list_ports.comports()) or "none"
        return f"{address}: no such serial port; those here: {ports}"
    return f"{address}: cannot open the port: {error}"


def _group_of(name: str) -> str:
    """Return the group that a port belongs to, as dialout or uucp by the distribution."""
    try:
        group = Path(name).group()
    except (OSError, KeyError, NotImplementedError):  # no such port, no name for it, or Windows
        group = "root"
    return "dialout" if group == "root" else group  # nobody is to be put into that one


def open_serial(address: str, /, *, timeout_s: float = 0.0) -> SerialTransport:  # noqa: ARG001
    """Open an address as a serial port; there is nothing to wait for."""
    return SerialTransport(address)
