"""Boards in the network say where they are: one datagram asks, each board answers with one.

A question is 64 bytes long, an answer no longer: nobody's traffic grows by asking in his name.
"""

import re
import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PORT: Final = 4299  #: UDP.
BYTES: Final = 64
QUESTION: Final = b"emgrig: who is there? 1\n".ljust(BYTES, b".")
_ANSWER: Final = re.compile(rb"emgrig: here 1 (\d{1,5}) ([!-~]{1,32})\n")
_MOST_ANSWERS: Final = 256
_LOOPBACK: Final = "127.0.0.1"
_EVERYBODY: Final = ("255.255.255.255", _LOOPBACK)


@dataclass(frozen=True)
class Found:
    """A board that answered."""

    host: str
    port: int  #: TCP.
    serial_number: str  #: As it says.


def answer(port: int, serial_number: str) -> bytes:
    """Return the answer of a board that listens on TCP port `port`."""
    name = "".join(c if "!" <= c <= "~" else "?" for c in serial_number)[:32] or "?"
    return f"emgrig: here 1 {port} {name}\n".encode("ascii")


def parse_answer(data: bytes, host: str) -> Found | None:
    """Read an answer that came from `host`; None if it is none."""
    found = _ANSWER.fullmatch(data)
    if found is None or not 0 < int(found[1]) < 1 << 16:
        return None
    return Found(host, int(found[1]), found[2].decode("ascii"))


def ask_network(
    timeout_s: float, *, port: int = PORT, hosts: Iterable[str] = _EVERYBODY
) -> list[Found]:
    """Ask who is there, and return who answers within `timeout_s`, sorted."""
    found: set[Found] = set()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking,
        selectors.DefaultSelector() as selector,
    ):
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        asking.setblocking(False)
        selector.register(asking, selectors.EVENT_READ)
        for host in hosts:
            try:
                asking.sendto(QUESTION, (host, port))
            except OSError:  # no network: nobody is there
                continue
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0 and len(found) < _MOST_ANSWERS:
            if not selector.select(left_s):
                break
            try:
                data, peer = asking.recvfrom(2 * BYTES)
            except OSError:  # Windows tells so that nobody listens at a port
                continue
            one = parse_answer(data, str(peer[0]))
            if one is not None:
                found.add(one)
    return without_doubles(found)


def without_doubles(found: Iterable[Found]) -> list[Found]:
    """Sort boards; one of this machine that answers by its address in the network too is one."""
    found = set(found)
    here = {(one.port, one.serial_number) for one in found if one.host == _LOOPBACK}
    return sorted(
        (
            one
            for one in found
            if one.host == _LOOPBACK or (one.port, one.serial_number) not in here
        ),
        key=lambda one: (one.serial_number, one.host, one.port),
    )


class Announcer:
    """Answers questions for one board; `fileno` is there to be waited for.

    Raises
    ------
    OSError
        If the port cannot be had.
    """

    def __init__(self, host: str, board_port: int, serial_number: str, *, port: int = PORT) -> None:
        self._answer = answer(board_port, serial_number)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)

    @property
    def port(self) -> int:
        """UDP port."""
        return int(self._socket.getsockname()[1])

    def fileno(self) -> int:
        """Return the socket's."""
        return self._socket.fileno()

    def reply(self) -> None:
        """Answer one question, if it is one."""
        try:
            data, peer = self._socket.recvfrom(2 * BYTES)
            if data == QUESTION:
                self._socket.sendto(self._answer, peer)
        except OSError:
            return

    def close(self) -> None:
        """Stop answering."""
        self._socket.close()
