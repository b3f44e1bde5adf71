"""A fake board at the other end of a socket or a pty, in a thread that is joined."""

import os
import select
import socket
import threading
import time
import tty
from types import TracebackType
from typing import Self

from fake_board import FakeBoard

LONGEST_STEP_S = 0.01
"""Time of the board that passes at most before it looks for requests again."""


class _Server:
    """Serve a board on one file descriptor at a time, until closed.

    Attributes
    ----------
    board : FakeBoard
    silent : bool
        Take what comes, and answer nothing.
    """

    def __init__(self, board: FakeBoard | None = None) -> None:
        self.board = board or FakeBoard()
        self.silent = False
        self._wake_r, self._wake_w = os.pipe()
        self._hang_up = self._closing = False
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing = True
        os.write(self._wake_w, b"x")
        self._thread.join()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def hang_up(self) -> None:
        """Close the connection that is open, and wait for the next."""
        self._hang_up = True
        os.write(self._wake_w, b"x")

    def _serve(self) -> None:
        raise NotImplementedError

    def _wait(self, descriptor: int, timeout_s: float | None) -> bool:
        """Wait for the descriptor or for a word from the test; True if the descriptor is ready."""
        ready, _, _ = select.select([descriptor, self._wake_r], [], [], timeout_s)
        if self._wake_r in ready:
            os.read(self._wake_r, 1)
        return descriptor in ready

    def _talk(self, descriptor: int) -> None:
        """Be the board until the connection ends."""
        self.board.connected()
        last_s = time.monotonic()
        while not (self._closing or self._hang_up):
            ready = self._wait(descriptor, 0.002 if self.board.streaming else 1.0)
            if ready:
                try:
                    received = os.read(descriptor, 65536)
                except OSError:
                    return
                if not received:
                    return
                if not self.silent:
                    self.board.receive(received)
            passed_s, last_s = time.monotonic() - last_s, time.monotonic()
            if self.board.streaming:  # on a busy machine it is slow; it never has much to catch up
                passed_s = min(passed_s, LONGEST_STEP_S)
            self.board.advance(self.board.now_s + passed_s)
            if self.board.out:
                out = bytes(self.board.out)
                self.board.out.clear()
                try:
                    while out:
                        out = out[os.write(descriptor, out) :]
                except OSError:
                    return


class TcpServer(_Server):
    """Listen on a port of this machine, as a board with Wi-Fi does; `address` is where."""

    def __init__(self, board: FakeBoard | None = None) -> None:
        super().__init__(board)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        with self._listener:
            while not self._closing:
                if not self._wait(self._listener.fileno(), None):
                    continue
                connection, _ = self._listener.accept()
                self._hang_up = False
                with connection:
                    self._talk(connection.fileno())


class DialingServer(_Server):
    """Connect to `port` of this machine again and again, as some Wi-Fi modules do."""

    def __init__(self, port: int, board: FakeBoard | None = None) -> None:
        super().__init__(board)
        self._port = port

    def _serve(self) -> None:
        while not self._closing:
            try:
                connection = socket.create_connection(("127.0.0.1", self._port), timeout=1.0)
            except OSError:
                self._wait(self._wake_r, 0.005)
                continue
            connection.settimeout(None)
            self._hang_up = False
            with connection:
                self._talk(connection.fileno())


class PtyServer(_Server):
    """Be a serial port; `name` is its device file. Hanging up takes the device away."""

    def __init__(self, board: FakeBoard | None = None) -> None:
        super().__init__(board)
        self._plug_in()

    def _plug_in(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.name = os.ttyname(slave)
        self._slave = slave  # held, or the master would see a hang-up before the first open

    def _serve(self) -> None:
        self._talk(self._master)
        os.close(self._slave)
        os.close(self._master)
