"""Asks a control port."""

import json
import socket
from collections.abc import Mapping
from typing import Any, Final

from emgrig.errors import TransportError, WireError
from emgrig.simulator.control.words import MOST_BYTES

TIMEOUT_S: Final = 10.0
_MOST_ANSWER: Final = MOST_BYTES << 4


def ask(address: str, request: Mapping[str, object], *, timeout_s: float = TIMEOUT_S) -> Any:
    """Ask once, and return the status.

    Parameters
    ----------
    address : str
        HOST:PORT, as `emgrig simulate --control` says it.
    request : mapping
        What docs/attach-python.md lists, as ``{"do": "lift", "electrode": "3P"}``.

    Raises
    ------
    ValueError
        If the address is none, or what was asked for was refused; then nothing was changed.
    TransportError
        If nobody is there.
    WireError
        If something else is there.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and int(port) <= 0xFFFF):
        raise ValueError(f"{address!r} is no control port; expected [HOST]:PORT, as :4399")
    where = (host.strip("[]") or "127.0.0.1", int(port))
    try:
        with socket.create_connection(where, timeout=timeout_s) as link:
            link.sendall(json.dumps(request).encode() + b"\n")
            line = _line(link)
    except OSError as error:
        reason = error.strerror or error
        raise TransportError(f"no control port at {address}: {reason}") from error
    try:
        said = json.loads(line)
        is_done = said["ok"]
        found = said["status"] if is_done is True else said["error"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"what answers at {address} is no control port") from error
    if is_done is not True:
        raise ValueError(str(found))
    return found


def _line(link: socket.socket) -> bytes:
    """Read a line; what there is if the other side hangs up before its end."""
    read = bytearray()
    while b"\n" not in read and len(read) <= _MOST_ANSWER:
        piece = link.recv(1 << 16)
        if not piece:
            break
        read += piece
    return bytes(read)
