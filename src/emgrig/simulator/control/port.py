"""The control port itself: newline JSON over TCP, on this computer only."""

import contextlib
import ipaddress
import json
import os
import selectors
import socket
from dataclasses import dataclass, field
from typing import Final

from emgrig.errors import TransportError
from emgrig.simulator.background import BackgroundServer
from emgrig.simulator.control.words import MOST_BYTES, Controlled, NotUnderstood, answer

MOST_CLIENTS: Final = 16
_CHUNK: Final = 1 << 14
_IDLE_S: Final = 1.0
_MOST_UNSENT: Final = 1 << 20


@dataclass(eq=False)
class _Link:
    end: socket.socket
    unread: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    is_closing: bool = False


class ControlPort(BackgroundServer):
    """Serves a control port until it is closed; a context manager.

    Who sends a line that is no JSON object is let go at once: no page in a browser can steer it.

    Parameters
    ----------
    controlled : Controlled
        What is changed.
    host : str
        An address of loopback: there is no password.
    port : int
        0 takes a free one.

    Raises
    ------
    ValueError
        If the host is not this computer's loopback.
    TransportError
        If the port cannot be had.
    """

    def __init__(self, controlled: Controlled, host: str = "127.0.0.1", port: int = 0) -> None:
        check_host(host)
        super().__init__()
        self._controlled = controlled
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, port))
            self._listener.listen()
        except OSError as error:
            self._listener.close()
            super()._clean_up()
            reason = error.strerror or error
            raise TransportError(f"no control port on {host}:{port}: {reason}; try 0") from error
        self._listener.setblocking(False)
        shown = f"[{host}]" if ":" in host else host
        #: HOST:PORT, for `emgrig control`.
        self.address = f"{shown}:{self._listener.getsockname()[1]}"
        self._links: list[_Link] = []
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._begin("control port")

    def _round(self) -> None:
        self._listen_again()
        patience_s = self._patience_to_listen_s
        for key, events in self._selector.select(_IDLE_S if patience_s is None else patience_s):
            link = key.data
            if key.fileobj is self._listener:
                self._accept()
            elif isinstance(link, _Link):
                if events & selectors.EVENT_READ:
                    self._receive(link)
                self._send(link)

    def _accept(self) -> None:
        end = self._accepted(self._listener)
        if end is None:
            return
        if len(self._links) >= MOST_CLIENTS:
            end.close()
            return
        end.setblocking(False)
        link = _Link(end)
        self._links.append(link)
        self._selector.register(end, selectors.EVENT_READ, link)

    def _receive(self, link: _Link) -> None:
        try:
            data = link.end.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(link)
            return
        link.unread += data
        while not link.is_closing and (end := link.unread.find(b"\n")) >= 0:
            line = bytes(link.unread[:end])
            del link.unread[: end + 1]
            self._answer(link, line)
        if len(link.unread) > MOST_BYTES and not link.is_closing:
            self._refuse(link, f"a line of more than {MOST_BYTES} bytes")

    def _answer(self, link: _Link, line: bytes) -> None:
        try:
            said = answer(self._controlled, line)
        except NotUnderstood as error:
            self._refuse(link, str(error))
            return
        link.unsent += json.dumps(said).encode() + b"\n"
        if len(link.unsent) > _MOST_UNSENT:
            link.is_closing = True

    def _refuse(self, link: _Link, why: str) -> None:
        link.unsent += json.dumps({"ok": False, "error": f"{why}; hanging up"}).encode() + b"\n"
        link.is_closing = True

    def _send(self, link: _Link) -> None:
        if link not in self._links:
            return
        try:
            while link.unsent:
                del link.unsent[: link.end.send(link.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(link)
            return
        if link.is_closing:
            self._drop(link)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.unsent else 0)
        self._selector.modify(link.end, wanted, link)

    def _drop(self, link: _Link) -> None:
        if link in self._links:
            self._links.remove(link)
            self._selector.unregister(link.end)
            with contextlib.suppress(OSError):
                link.end.shutdown(socket.SHUT_WR)
            link.end.close()

    def _clean_up(self) -> None:
        for link in tuple(self._links):
            self._drop(link)
        super()._clean_up()
        self._listener.close()


def check_host(host: str) -> None:
    """Raise ValueError if others than this computer could reach a port there."""
    try:
        is_ours = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_ours = False
    if not is_ours:
        raise ValueError(
            f"a control port on {host or 'all addresses'}: it has no password and listens on "
            "127.0.0.1 or ::1 only; from another computer take an ssh tunnel"
        )
