"""The other end of the link: a board that sends at its own pace, ours or OpenBCI's.

``python -m benchmarks._paced_peer KIND RATE_HZ``, KIND one of

* ``tcp``, ``pty``: our protocol, spoken by the fake board of the tests;
* ``flood``: the same over TCP, as fast as it can in truth, at the board's rate by its clock;
* ``fast``: so, but at RATE_HZ in truth, 64 samples at once: faster than a chip, as simulators are;
* ``shield``: OpenBCI's Wi-Fi Shield as BrainFlow's Cyton-WiFi driver wants it: HTTP on port 80
  of 127.0.0.1, and a TCP connection to where it is told;
* ``cyton``: a Cyton's serial port.

All others send 16 samples of 8 channels at once, every 16 / RATE_HZ seconds. The first line on the
standard output is the address. When a line comes on the standard input the second follows, as
JSON: the conversions of each run, and when each piece of the last run was handed to the system,
in s of ``time.perf_counter``, which is one clock for all processes of a machine.
"""

import json
import os
import select
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Protocol

import numpy as np

from emgrig.protocol.framing import PacketType
from emgrig.protocol.packets import SamplesHeader

FRAMES = 16
SHIELD = ("127.0.0.1", 80)  # BrainFlow takes no other port


class Sender(Protocol):
    """What is said when it is time."""

    n_frames: int  #: Samples that are sent at once.

    @property
    def is_on(self) -> bool:
        """True while a run is on."""

    def due(self) -> bytes:
        """Return the next samples."""

    def receive(self, data: bytes) -> bytes:
        """Take what came; return the answer."""


class Ours:
    """A board of ours; each `due` moves its time on by 16 samples."""

    n_frames = FRAMES

    def __init__(self) -> None:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
        from fake_board import FakeBoard  # type: ignore[import-not-found]

        self._board = FakeBoard()

    @property
    def is_on(self) -> bool:
        """True while a run is on."""
        return bool(self._board.streaming)

    @property
    def produced(self) -> list[int]:
        """Conversions of each run that is over."""
        return list(self._board.produced)

    def due(self) -> bytes:
        """Return the next 16 samples; nothing at first, as the first conversion comes late."""
        self._board.advance(self._board.now_s + FRAMES * self._board.period_s)
        return self._out()

    def receive(self, data: bytes) -> bytes:
        """Take requests."""
        self._board.receive(data)
        return self._out()

    def _out(self) -> bytes:
        out = bytes(self._board.out)
        self._board.out.clear()
        return out


class Flood(Ours):
    """A board of ours that does not wait: each `due` gives some packets of frames made before."""

    def __init__(self, n_packets: int) -> None:
        super().__init__()
        self.n_frames = n_packets * FRAMES
        self._frames = np.random.default_rng(1).integers(0, 256, (FRAMES, 27), np.uint8)
        self._frames[:, 0] |= 0xC0
        self._frames[:, 0] &= 0xCF

    def due(self) -> bytes:
        """Return the next packets."""
        board, frames, out = self._board, self._frames.tobytes(), []
        for _ in range(self.n_frames // FRAMES):
            time_us = round((board.conversions + 4) * board.period_s * 1e6)
            head = SamplesHeader(board.conversions, time_us, FRAMES, 27, board.epoch, 0)
            out.append(board.encode(PacketType.SAMPLES, head.encode() + frames))
            board.conversions += FRAMES
        return b"".join(out)


class Cyton:
    """OpenBCI's board: packets of 33 bytes, numbered modulo 256, and commands of one letter."""

    BODY = bytes(range(1, 25)) + bytes(6) + b"\xc0"
    n_frames = FRAMES

    def __init__(self) -> None:
        self.is_on = False
        self.produced: list[int] = []
        self._sent = 0

    def due(self) -> bytes:
        """Return the next 16 packets."""
        first, self._sent = self._sent, self._sent + FRAMES
        return b"".join(bytes((0xA0, (first + n) & 0xFF)) + self.BODY for n in range(FRAMES))

    def begin(self) -> None:
        """Begin a run."""
        self.is_on, self._sent = True, 0

    def end(self) -> None:
        """End it."""
        if self.is_on:
            self.produced.append(self._sent)
        self.is_on = False

    def receive(self, data: bytes) -> bytes:
        """Take commands: ``b`` and ``s`` begin and end a run, anything else is answered."""
        if data == b"b":
            self.begin()
        elif data == b"s":
            self.end()
        else:
            return b"OpenBCI V3 8-16 channel\r\n$$$"
        return b""


def talk(fd: int, sender: Sender, rate_hz: float) -> list[float]:
    """Be the board on a file descriptor until a line comes; return when each piece went, s."""
    sent_s: list[float] = []
    due_s, was_on, fds = 0.0, False, [sys.stdin.fileno(), fd]
    piece_s = sender.n_frames / rate_hz
    while True:
        if sender.is_on and not was_on:
            sent_s, due_s = [], time.perf_counter() + piece_s
        was_on = sender.is_on
        left_s = max(due_s - time.perf_counter(), 0.0) if was_on else 1.0
        ready, _, _ = select.select(fds, [], [], left_s)
        if sys.stdin.fileno() in ready:
            return sent_s
        if fd in ready:
            try:
                received = os.read(fd, 65536)
            except ConnectionResetError:  # so BrainFlow leaves
                received = b""
            if received:
                write(fd, sender.receive(received))
            else:
                fds = fds[:1]
        elif was_on and time.perf_counter() >= due_s:
            due_s += piece_s
            if piece := sender.due():
                sent_s.append(time.perf_counter())  # before: the reader may be faster than we
                write(fd, piece)


def write(fd: int, data: bytes) -> None:
    """Send all of it."""
    while data:
        data = data[os.write(fd, data) :]


class Shield(BaseHTTPRequestHandler):
    """What the shield answers; the board behind it, and where its samples go."""

    board = Cyton()
    goal: tuple[str, int] | None = None

    def do_GET(self) -> None:
        """Begin or end a run, or say who is there."""
        if self.path == "/stream/start":
            self.board.begin()
        elif self.path == "/stream/stop":
            self.board.end()
        self._answer()

    def do_POST(self) -> None:
        """Take the address to send to; whatever else is commanded is done."""
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tcp":
            type(self).goal = (said["ip"], said["port"])
        self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def tcp(sender: Sender, rate_hz: float) -> list[float]:
    """Listen for one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"tcp://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        connection, _ = listener.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return talk(connection.fileno(), sender, rate_hz)


def pty(sender: Sender, rate_hz: float) -> list[float]:
    """Be behind a serial port."""
    import tty

    ours, theirs = os.openpty()
    tty.setraw(theirs)
    print(f"serial://{os.ttyname(theirs)}", flush=True)
    return talk(ours, sender, rate_hz)


def shield(rate_hz: float) -> list[float]:
    """Be a shield; exits with a word if port 80 cannot be had."""
    try:
        server = HTTPServer(SHIELD, Shield)
    except OSError as error:
        print(f"no: {SHIELD[0]}:{SHIELD[1]}, the only port that BrainFlow takes: {error}")
        sys.exit(0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://{SHIELD[0]}", flush=True)
    while Shield.goal is None:
        time.sleep(0.01)
    with socket.create_connection(Shield.goal) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return talk(connection.fileno(), Shield.board, rate_hz)


def main(kind: str, rate_hz: float) -> None:
    """Be it, and tell at the end."""
    if kind == "shield":
        sender: Ours | Cyton = Shield.board
        sent_s = shield(rate_hz)
    else:
        if kind == "flood":
            sender, rate_hz = Flood(64), 1e9
        elif kind == "fast":
            sender = Flood(4)
        else:
            sender = Ours() if kind in ("tcp", "pty") else Cyton()
        sent_s = (pty if kind in ("pty", "cyton") else tcp)(sender, rate_hz)
    print(json.dumps({"produced": sender.produced, "sent_s": sent_s}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
