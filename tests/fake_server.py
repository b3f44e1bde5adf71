"""A fake board at the other end of a socket or a pty, in a thread that is joined."""

import os
import select
import socket
import threading
import time
from types import TracebackType
from typing import Self

import pytest

from fake_board import FakeBoard

LONGEST_STEP_S = 0.01
"""Time of the board that passes at most before it looks for requests again."""


class Terminal:
    """The master side of a new pseudo-terminal, used as a socket is; `name` is the other side."""

    def __init__(self) -> None:
        if not hasattr(os, "openpty"):
            pytest.skip("this system has no pseudo-terminals")
        import tty

        self._master, self._slave = os.openpty()  # slave held, or its master sees a hang-up
        tty.setraw(self._slave)
        self.name = os.ttyname(self._slave)

    def fileno(self) -> int:
        return self._master

    def recv(self, max_bytes: int) -> bytes:
        return os.read(self._master, max_bytes)

    def send(self, data: bytes) -> int:
        return os.write(self._master, data)

    def close(self) -> None:
        os.close(self._slave)
        os.close(self._master)


End = socket.socket | Terminal


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
        self._wake_r, self._wake_w = socket.socketpair()
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
        self._wake_w.send(b"x")
        self._thread.join()
        self._wake_r.close()
        self._wake_w.close()

    def hang_up(self) -> None:
        """Close the connection that is open, and wait for the next."""
        self._hang_up = True
        self._wake_w.send(b"x")

    def _serve(self) -> None:
        raise NotImplementedError

    def _wait(self, end: End, timeout_s: float | None) -> bool:
        """Wait for the other end or for a word from the test; True if the other end is ready."""
        ready, _, _ = select.select([end, self._wake_r], [], [], timeout_s)
        if self._wake_r in ready:
            self._wake_r.recv(1)
        return end in ready

    def _talk(self, end: End) -> None:
        """Be the board until the connection ends."""
        self.board.connected()
        last_s = time.monotonic()
        while not (self._closing or self._hang_up):
            ready = self._wait(end, 0.002 if self.board.streaming else 1.0)
            if ready:
                try:
                    received = end.recv(65536)
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
                        out = out[end.send(out) :]
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
                if not self._wait(self._listener, None):
                    continue
                connection, _ = self._listener.accept()
                self._hang_up = False
                with connection:
                    self._talk(connection)


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
                self._talk(connection)


class PtyServer(_Server):
    """Be a serial port, whose device file is `name`; hanging up takes the device away."""

    def __init__(self, board: FakeBoard | None = None) -> None:
        super().__init__(board)
        self._terminal = Terminal()
        self.name = self._terminal.name
        self.address = f"serial://{self.name}"

    def _serve(self) -> None:
        self._talk(self._terminal)
        self._terminal.close()
