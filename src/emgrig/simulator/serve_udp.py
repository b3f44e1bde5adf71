"""A simulated board that speaks UDP, in the network of this computer."""

import socket
from contextlib import suppress
from typing import Final

from emgrig.errors import TransportError
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.firmware.datagrams import HEAD
from emgrig.simulator.serve import BoardServer

MOST_BYTES: Final = 2048


class _Network:
    """The board's place in the network: it hears whoever speaks to it, and answers the first.

    `fixed_bytes`, of a board that only sends: the length of each datagram; it sends them to the
    place that is given. Other boards frame theirs, with the port that each goes to.
    """

    def __init__(self, host: str, port: int, fixed_bytes: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._fixed_bytes = fixed_bytes
        self._peer = host if fixed_bytes else ""
        self._port = port
        try:
            self._socket.bind(("", 0) if fixed_bytes else (host, port))
        except OSError as error:
            self._socket.close()
            reason = error.strerror or error
            raise TransportError(f"cannot serve on UDP {host}:{port}: {reason}") from error
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """See `End`."""
        return self._socket.fileno()

    def recv(self, max_bytes: int, /) -> bytes:
        """Take one datagram; of another than the first that spoke, nothing."""
        data, (host, _) = self._socket.recvfrom(min(max_bytes, MOST_BYTES))
        self._peer = self._peer or str(host)
        if host != self._peer:
            raise BlockingIOError
        return data or b"\0"  # an empty one is no end

    def send(self, data: bytearray, /) -> int:
        """Send the datagrams that are whole; those that nobody takes are lost, as in a network."""
        at = 0
        while (found := self._datagram(data, at)) is not None:
            begin, end, port = found
            at = end
            if self._peer:
                with suppress(OSError):
                    self._socket.sendto(data[begin:end], (self._peer, port))
        if not at:
            raise BlockingIOError
        return at

    def _datagram(self, data: bytearray, at: int) -> tuple[int, int, int] | None:
        """Return where the datagram at `at` begins and ends, and its port; None if not whole."""
        begin, port, length = at, self._port, self._fixed_bytes
        if not length:
            if len(data) - at < HEAD.size:
                return None
            port, length = HEAD.unpack_from(data, at)
            begin += HEAD.size
        end = begin + length
        return (begin, end, port) if end <= len(data) else None

    def close(self) -> None:
        """See `End`."""
        self._socket.close()


def serve_udp(board: SimulatedBoard, host: str, port: int, *, speed: float = 1.0) -> BoardServer:
    """Serve a board that speaks UDP.

    Parameters
    ----------
    host, port : str, int
        Where the board is; of one that only sends, where its datagrams go.
    speed : float, > 0
        Board time a second of the host.

    Raises
    ------
    ValueError
        If the board sends no datagrams.
    TransportError
        If the port cannot be had.
    """
    fixed_bytes = getattr(board.firmware, "datagram_bytes", None)
    if fixed_bytes is None:
        raise ValueError("this board does not speak UDP; serve it on --tcp or --pty")
    address = f"udp://{host}:{port}"
    return BoardServer(board, speed, terminal=_Network(host, port, fixed_bytes), address=address)
