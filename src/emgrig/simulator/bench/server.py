"""The simulated bench on loopback sockets, where VISA finds it; and a board with it, in one go."""

import contextlib
import selectors
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from emgrig.errors import TransportError
from emgrig.simulator.assembly import build_board
from emgrig.simulator.background import BackgroundServer
from emgrig.simulator.bench.coupled import GENERATOR, METER, Divider, SimulatedBench
from emgrig.simulator.options import MAX_SPEED, parse_query
from emgrig.simulator.serve import serve_tcp
from emgrig.simulator.transport import SimTransport

_LONGEST_LINE: Final = 4096
_SEND_PATIENCE_S: Final = 1.0
_QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
"""pyvisa-py cannot switch Nagle's algorithm off: a query behind a command would wait 40 ms."""


@dataclass(eq=False)
class _Wire:
    """One connection to one instrument."""

    connection: socket.socket
    instrument: str
    received: bytearray = field(default_factory=bytearray)


class BenchServer(BackgroundServer):
    """Serves generator and meter, a port each, until it is closed; a context manager.

    Parameters
    ----------
    host : str
        Address to listen on.

    Raises
    ------
    TransportError
        If no port can be had.
    """

    def __init__(self, bench: SimulatedBench, host: str = "127.0.0.1") -> None:
        super().__init__()
        self.bench = bench
        self._listeners: list[socket.socket] = []
        try:
            #: VISA resources: ``TCPIP::127.0.0.1::PORT::SOCKET``.
            self.generator_resource = self._listen(host, GENERATOR)
            self.meter_resource = self._listen(host, METER)
        except OSError as error:
            self._clean_up()
            raise TransportError(f"cannot serve a bench on {host}: {error.strerror}") from error
        self._begin("simulated bench")

    @property
    def resources(self) -> str:
        """Both resources, generator first, as `emgrig.calibration.bench.open_bench` takes them."""
        return f"{self.generator_resource},{self.meter_resource}"

    def _listen(self, host: str, instrument: str) -> str:
        listener = socket.create_server((host, 0))
        self._listeners.append(listener)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, instrument)
        return f"TCPIP::{host}::{listener.getsockname()[1]}::SOCKET"

    # ---- the thread ---------------------------------------------------------------------------

    def _round(self) -> None:
        ready = self._selector.select(self._patience_to_listen_s)
        self._listen_again()
        for key, _ in ready:
            if isinstance(key.data, _Wire):
                self._receive(key.data)
            elif isinstance(key.fileobj, socket.socket) and key.data:
                self._accept(key.fileobj, key.data)

    def _accept(self, listener: socket.socket, instrument: str) -> None:
        connection = self._accepted(listener)
        if connection is None:
            return
        if not self.bench.is_plugged(instrument):
            _abort(connection)
            return
        connection.settimeout(_SEND_PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ, _Wire(connection, instrument))

    def _receive(self, wire: _Wire) -> None:
        try:
            piece = wire.connection.recv(_LONGEST_LINE)
        except OSError:
            piece = b""
        if not piece:
            self._drop(wire)
            return
        if _QUICK_ACK is not None:
            wire.connection.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        wire.received += piece
        *lines, rest = wire.received.split(b"\n")
        wire.received = bytearray(rest if len(rest) <= _LONGEST_LINE else b"")
        try:
            for line in lines:
                answer = self.bench.execute(wire.instrument, line.decode("ascii", "replace"))
                if answer is not None:
                    wire.connection.sendall(answer.encode("ascii") + b"\n")
        except OSError:  # unplugged, or the other side is gone
            self._drop(wire)

    def _drop(self, wire: _Wire) -> None:
        self._selector.unregister(wire.connection)
        _abort(wire.connection)

    def _clean_up(self) -> None:
        for key in tuple(self._selector.get_map().values()):
            if isinstance(key.data, _Wire):
                self._drop(key.data)
        super()._clean_up()
        for listener in self._listeners:
            listener.close()


def _abort(connection: socket.socket) -> None:
    """Close with a reset: the client learns of it at once, as from a USB cable that is pulled."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@dataclass(frozen=True)
class BoardOnBench:
    """A simulated board with a bench, all in this process."""

    bench: SimulatedBench  #: To wire, to unplug, and to know the truth.
    resources: str  #: For `emgrig.calibration.bench.open_bench`.
    #: Of the board, ``tcp://…``; or ``sim:…`` if it is on virtual time: then only `transport` leads
    #: to this board.
    address: str
    transport: SimTransport | None  #: The board on virtual time, for ``Board(transport)``.


@contextlib.contextmanager
def board_on_bench(
    query: str = "bench&source=silence",
    *,
    over_tcp: bool = False,
    seed: int = 0,
    generator: str = "33220A",
    meter: str = "34461A",
    divider: Divider | None = None,
) -> Iterator[BoardOnBench]:
    """Start a board and its bench; both end with the context.

    Parameters
    ----------
    query : str
        The board, as behind ``sim:``. Without ``bench`` it has skin and mains besides.
    over_tcp : bool
        True: the board is served on TCP, at the query's speed. False: on virtual time.
    seed, generator, meter, divider
        See `SimulatedBench`.

    Raises
    ------
    ValueError
        If the query makes no sense, or asks for real time without TCP.
    TransportError
        If no port can be had.
    """
    options = parse_query(query)
    if not over_tcp and options.speed != MAX_SPEED:
        raise ValueError(f"sim:{query}: a bench beside a board in this process needs speed=max")
    board = build_board(options)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve_tcp(board, speed=options.speed)) if over_tcp else None
        bench = SimulatedBench(
            board,
            seed=seed,
            generator=generator,
            meter=meter,
            divider=divider,
            lock=None if server is None else server.lock,
        )
        instruments = stack.enter_context(BenchServer(bench))
        transport = None if server is not None else SimTransport(query, board=board)
        address = f"sim:{query}" if server is None else server.address
        yield BoardOnBench(bench, instruments.resources, address, transport)
