"""A simulated board on a TCP port or a pseudo-terminal, for programs that want a real link.

One thread owns the board; it waits for sockets and for time. At `speed=max` it makes bytes as fast
as they are read: the client's side of the link holds back time, and nothing overflows.
"""

import logging
import os
import selectors
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from emgrig.errors import TransportError
from emgrig.listening import listen
from emgrig.onboard.seams import Client
from emgrig.simulator.background import BackgroundServer
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.clock import ScaledClock
from emgrig.simulator.options import MAX_SPEED

log = logging.getLogger(__name__)

WINDOW_BYTES: Final = 1 << 16
"""What waits for the operating system at most, a connection; then the board's buffer fills."""
SEND_BUFFER_BYTES: Final = 1 << 17
"""Asked of the operating system; by itself it would hide megabytes between board and client."""
CHUNK_BYTES: Final = 1 << 16
PACED_STEP_S: Final = 0.005  #: Host time between looks at the board while it streams.
IDLE_STEP_S: Final = 0.05
STEP_S: Final = 0.05  #: Board time of one step; what it made is handed on before the next.


@dataclass(frozen=True)
class _Terminal:
    """The master side of a pseudo-terminal, used as a socket is; `slave` is held open."""

    master: int
    slave: int

    def fileno(self) -> int:
        return self.master

    def recv(self, max_bytes: int) -> bytes:
        return os.read(self.master, max_bytes)

    def send(self, data: bytearray) -> int:
        return os.write(self.master, data)

    def close(self) -> None:
        os.close(self.master)
        os.close(self.slave)


class End(Protocol):
    """Where the bytes of a board go that has one place for them alone, as a socket is used."""

    def fileno(self) -> int:
        """Return what a selector waits for."""

    def recv(self, max_bytes: int, /) -> bytes:
        """Take what has come."""

    def send(self, data: bytearray, /) -> int:
        """Give what goes; return how many bytes were taken."""

    def close(self) -> None:
        """Close it."""


@dataclass(eq=False)
class _Wire:
    """One connection, and the board's client behind it."""

    end: socket.socket | End
    client: Client
    unsent: bytearray = field(default_factory=bytearray)
    interest: int = selectors.EVENT_READ
    peer: str = "the terminal"  #: Who it is, for the log.

    def send(self) -> bool:
        """Give the operating system what it takes; False if the other side is gone."""
        try:
            while self.unsent:
                del self.unsent[: self.end.send(self.unsent[:CHUNK_BYTES])]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


class BoardServer(BackgroundServer):
    """Serves one board until it is closed; a context manager.

    Made by `serve_tcp` and `serve_pty`. The board is used by this server alone from then on; take
    `lock` to look at it. Both sides of a pseudo-terminal stay open, so that a program may leave and
    another come.
    """

    def __init__(
        self,
        board: SimulatedBoard,
        speed: float,
        *,
        listener: socket.socket | None = None,
        terminal: End | None = None,
        address: str,
    ) -> None:
        super().__init__()
        self.address = address  #: ``tcp://host:port`` or ``serial://path``.
        self.lock = threading.Lock()  #: Held while the board is used.
        self.board = board  #: What is served; take `lock` to look at it.
        self.is_paused = False  #: True while time stands still.
        self._run_at(speed)
        self._listener = listener
        self._terminal = terminal
        self._wires: list[_Wire] = []
        if listener is not None:
            self._selector.register(listener, selectors.EVENT_READ)
        self._begin("simulated board")

    @property
    def port(self) -> int:
        """TCP port; ValueError if it serves on a terminal."""
        if self._listener is None:
            raise ValueError(f"{self.address} has no port")
        return int(self._listener.getsockname()[1])

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is closed or fails; False if `timeout_s` passes before."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def set_speed(self, speed: float) -> None:
        """Let board time pass `speed` > 0 times as fast as the host's from now on; see `serve_tcp`.

        Raises
        ------
        ValueError
            If it is not above 0.
        """
        _check_speed(speed)
        with self.lock:
            self._run_at(speed)

    def pause(self, *, is_paused: bool = True) -> None:
        """Let time stand still, or go on; requests are answered all the same."""
        with self.lock:
            self.is_paused = is_paused
            self._run_at(self.speed)

    def _run_at(self, speed: float) -> None:
        self.speed = speed  #: Board time a second of the host; infinity is as fast as can be.
        self._is_fast = speed == MAX_SPEED
        self._clock = ScaledClock(1.0 if self._is_fast else speed, self.board.now_s)
        self._passed_s = self._clock.now_s()

    # ---- the thread ---------------------------------------------------------------------------

    def _round(self) -> None:
        ready = self._selector.select(self._patience_s())
        with self.lock:
            self._step(ready)

    def _step(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        self._listen_again()
        if not (self._is_fast or self.is_paused):
            self._keep_pace()
        for key, events in ready:
            if key.fileobj is self._listener:
                self._accept()
            elif key.data in self._wires and events & selectors.EVENT_READ:
                self._receive(key.data)
        if self._terminal is not None and not self._wires and self.board.is_link_up:
            self._add(_Wire(self._terminal, self.board.connect(WINDOW_BYTES)))
        if self._is_fast and not self.is_paused:
            self._hurry()
        self._pump_all()

    def _patience_s(self) -> float:
        """How long to wait for sockets before time must pass again."""
        if not self.board.is_streaming or self.is_paused:
            return IDLE_STEP_S
        return 0.0 if self._may_hurry() else PACED_STEP_S

    def _may_hurry(self) -> bool:
        """Return True if time may run ahead: somebody listens and has read what there was."""
        has_room = all(not wire.unsent for wire in self._wires)
        is_wanted = self.board.is_streaming and bool(self._wires) and has_room
        return self._is_fast and is_wanted and not self.is_paused

    def _keep_pace(self) -> None:
        """Let the board's time follow the host's.

        After a pause of this thread it catches up in steps, and no faster than the clients take
        what it makes: such a pause is none of the link. What a client does not read in its time
        fills the board's buffer as ever.
        """
        now_s, at_s = self._clock.now_s(), self.board.now_s
        least_s = at_s + min(now_s - self._passed_s, STEP_S * self.speed)
        self._passed_s = now_s
        while at_s < now_s:
            is_held = any(wire.unsent for wire in self._wires)
            if is_held and at_s >= least_s:
                break
            at_s = min(now_s, least_s if is_held else at_s + STEP_S)
            self.board.run_until(at_s)
            if at_s < now_s:
                self._pump_all()

    def _hurry(self) -> None:
        """Let the board's time pass as fast as the client reads."""
        host_s = self._clock.now_s()
        elapsed_s, self._passed_s = host_s - self._passed_s, host_s
        if self._may_hurry():
            self.board.run_until(self.board.now_s + STEP_S)
        elif not (self.board.is_streaming and self._wires):
            self.board.run_until(self.board.now_s + elapsed_s)

    def _accept(self) -> None:
        assert self._listener is not None
        connection = self._accepted(self._listener)
        if connection is None:
            return
        if not self.board.is_link_up:
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        with suppress(OSError):  # gone again already
            host, port, *_ = connection.getpeername()
            self._add(_Wire(connection, self.board.connect(WINDOW_BYTES), peer=f"{host}:{port}"))
            return
        connection.close()

    def _add(self, wire: _Wire) -> None:
        self._wires.append(wire)
        log.info("a client connected, from %s; %d now", wire.peer, len(self._wires))
        self._selector.register(wire.end, selectors.EVENT_READ, wire)

    def _receive(self, wire: _Wire) -> None:
        try:
            data = wire.end.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.board.receive(wire.client, data)
        elif wire.end is not self._terminal:
            self._drop(wire)

    def _pump_all(self) -> None:
        for wire in tuple(self._wires):
            self._pump(wire)

    def _pump(self, wire: _Wire) -> None:
        """Move what arrived to the operating system; close what is closed."""
        if len(wire.unsent) < WINDOW_BYTES:
            wire.unsent += self.board.take(wire.client, WINDOW_BYTES)
        if not wire.send() or not wire.client.is_open:
            self._drop(wire)
            return
        interest = selectors.EVENT_WRITE if wire.unsent else 0
        if len(wire.unsent) < WINDOW_BYTES:  # who asks and does not listen has to wait
            interest |= selectors.EVENT_READ
        if interest != wire.interest:
            wire.interest = interest
            self._selector.modify(wire.end, interest, wire)

    def _drop(self, wire: _Wire) -> None:
        self._selector.unregister(wire.end)
        self._wires.remove(wire)
        log.info("a client is gone, from %s; %d now", wire.peer, len(self._wires))
        self.board.disconnect(wire.client)
        if wire.end is not self._terminal:
            wire.end.close()

    def _clean_up(self) -> None:
        for wire in tuple(self._wires):
            self._drop(wire)
        super()._clean_up()
        for end in (self._listener, self._terminal):
            if end is not None:
                end.close()


def serve_tcp(
    board: SimulatedBoard, host: str = "127.0.0.1", port: int = 0, *, speed: float = 1.0
) -> BoardServer:
    """Serve a board on a TCP port; it listens when this returns.

    Parameters
    ----------
    host : str
        Address to listen on; empty is all of them.
    port : int
        0 takes a free one, see `BoardServer.port`.
    speed : float, > 0
        Board time a second of the host; infinity is as fast as the client reads.

    Raises
    ------
    ValueError
        If the speed is not above 0.
    TransportError
        If the port cannot be had.
    """
    _check_speed(speed)
    try:
        listener = listen(host, port)
    except OSError as error:
        reason = error.strerror or error
        raise TransportError(f"cannot serve on {host}:{port}: {reason}; try port 0") from error
    listener.setblocking(False)
    shown = f"[{host}]" if ":" in host else host or "localhost"
    address = f"tcp://{shown}:{listener.getsockname()[1]}"
    return BoardServer(board, speed, listener=listener, address=address)


def serve_pty(board: SimulatedBoard, *, speed: float = 1.0) -> BoardServer:
    """Serve a board on a new pseudo-terminal; `BoardServer.address` names it.

    As `serve_tcp`; TransportError if there is no pseudo-terminal to be had, as on Windows.
    """
    _check_speed(speed)
    if sys.platform != "win32" and hasattr(os, "openpty"):
        import tty

        try:
            master, slave = os.openpty()
        except OSError as error:
            raise TransportError(f"no pseudo-terminal: {error.strerror}") from error
        tty.setraw(slave)
        os.set_blocking(master, False)
        address = f"serial://{os.ttyname(slave)}"
        return BoardServer(board, speed, terminal=_Terminal(master, slave), address=address)
    raise TransportError("this system has no pseudo-terminals; serve on TCP: --tcp :4299")


def _check_speed(speed: float) -> None:
    if not speed > 0:
        raise ValueError(f"speed is {speed}; expected a number above 0")
