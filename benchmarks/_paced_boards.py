"""Many boards in one process, at their own pace, over loopback TCP; cheap enough to feed 100.

``python -m benchmarks._paced_boards --boards 100`` prints a line of JSON with the addresses, and
one more when all boards run, when the first of them is stopped, and at the end (when the standard
input is closed) with what each made. Packets are ready-made; each is sent when its last conversion
is due by the board's own clock, which goes by so many ppm too fast. A board has a buffer of
`BUFFER_BYTES`, and next to nothing in the operating system: what does not fit is thrown away and
counted, as a firmware does.
"""

import argparse
import heapq
import importlib
import json
import os
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.endurance import Templates
from emgrig.protocol import packets as wire
from emgrig.protocol.schema import Message

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
FakeBoard: Any = importlib.import_module("fake_board").FakeBoard

BUFFER_BYTES = 1 << 15  #: Of a board: about a second of eight channels at 1000 SPS.
SEND_BUFFER_BYTES = 1 << 13  #: Asked of the operating system, which doubles it.
TICK_S = 0.001  #: Boards that are due within this are served together.
AHEAD_S = 2.0  #: So much is made at once; an answer in between has it made again.
_TEMPLATES: dict[tuple[int, int, int], Templates] = {}


def ppm_of(number: int, n_boards: int) -> float:
    """How much faster the clock of a board goes than it should: -50 to 50 ppm."""
    return round(100.0 * number / max(n_boards - 1, 1) - 50.0, 1)


class PacedBoard(FakeBoard):  # type: ignore[misc]
    """A board of one chip that makes conversions by the clock of this computer."""

    def __init__(self, number: int, ppm: float) -> None:
        super().__init__(f"MANY-{number:04}")
        self.tick_us = 1.0 + ppm * 1e-6
        self.waiting = bytearray()  #: Packets in the board's buffer.
        self.n_dropped = 0  #: Frames that found the buffer full.
        self.latest_s = 0.0  #: The latest that a packet was sent, after it was due.
        self._made, self._at, self._n_made = b"", 0, 0
        self._templates: Templates | None = None
        self._per_packet = 16

    def advance(self, until_s: float) -> None:
        """Take the time; `serve` makes the conversions that are due."""
        self.now_s = until_s

    @property
    def due_s(self) -> float:
        """When the next packet is whole."""
        assert self._templates is not None
        last = self.conversions + self._per_packet - 1
        at_us = self.start_us + (last + 4) * 1_000_000 / self.rate_hz
        return float(self.boot_s + at_us / (1e6 * self.tick_us))

    def serve(self, now_s: float) -> None:
        """Put the packets that are due into the buffer."""
        self.now_s = now_s
        if not self.streaming:
            return
        due_s, period_s = self.due_s, self._per_packet / self.rate_hz / self.tick_us
        if due_s > now_s:
            return
        self.latest_s = max(self.latest_s, now_s - due_s)
        for _ in range(int((now_s - due_s) / period_s) + 1):
            self._packet()

    def _packet(self) -> None:
        assert self._templates is not None
        size = self._templates.packet_bytes
        self.conversions += self._per_packet
        if len(self.waiting) + size > BUFFER_BYTES:
            self.n_dropped += self._per_packet
            self._made, self._at = b"", 0  # the next has this one's sequence number
            return
        if self._at >= len(self._made):
            first = self.conversions - self._per_packet
            n_packets = int(AHEAD_S * self.rate_hz / self._per_packet) + 1
            sequence = self.encode._sequence
            self._made = self._templates.packets(first, n_packets, sequence, self.start_us)
            self._at = 0
        self.waiting += self._made[self._at : self._at + size]
        self._at += size
        self.encode._sequence = (self.encode._sequence + 1) & 0xFFFF

    def receive(self, data: bytes) -> None:
        """Answer; the packets that were made ahead have other sequence numbers then."""
        super().receive(data)
        self._made, self._at = b"", 0
        self.waiting += self.out
        self.out.clear()

    def _start(self, frames_per_packet: int) -> Message:
        self.run += 1
        self.streaming, self.in_rdatac, self.conversions = True, True, 0
        self._frames: list[int] = []
        self.n_dropped, self._per_packet = 0, frames_per_packet
        self.rate_hz, self.start_us = round(1.0 / self.period_s), self.board_us
        key = (frames_per_packet, self.epoch, self.rate_hz)
        if key not in _TEMPLATES:
            _TEMPLATES[key] = Templates(frames_per_packet, self.epoch, 1, self.rate_hz)
        self._templates = _TEMPLATES[key]
        return wire.Started(self.run, self.epoch, self.start_us)

    def _do_bare(self, request: int) -> Message:
        if request == wire.Request.STATS:
            return wire.Stats(
                self.board_us, self.run, self.streaming, self.epoch, self.conversions,
                self.conversions - self.n_dropped, 0, self.n_dropped, 0, 0, 0,
            )  # fmt: skip
        said: Message = super()._do_bare(request)
        return said


class Feeder:
    """Serves the boards: sockets, and time."""

    def __init__(self, n_boards: int) -> None:
        self.boards = [PacedBoard(n, ppm_of(n, n_boards)) for n in range(n_boards)]
        self.links: list[socket.socket | None] = [None] * n_boards
        self.is_told: set[str] = set()
        self._due: list[tuple[float, int]] = []  # one entry a board that streams
        self._queued: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ, ("end", 0))
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in self.boards]
        for number, listener in enumerate(self._listeners):
            self._selector.register(listener, selectors.EVENT_READ, ("listener", number))

    def addresses(self) -> list[str]:
        """Return where each board is."""
        return [f"tcp://127.0.0.1:{one.getsockname()[1]}" for one in self._listeners]

    def run(self) -> None:
        """Serve until the standard input is closed."""
        now_s = time.perf_counter()
        while True:
            wait_s = max(self._due[0][0] - now_s, TICK_S) if self._due else None
            ready = self._selector.select(wait_s)
            now_s = time.perf_counter()
            for key, _ in ready:
                what, number = key.data
                if what == "end" and not os.read(0, 1 << 16):
                    return
                if what == "listener":
                    self._accept(number)
                elif what == "link":
                    self._hear(number, now_s)
            while self._due and self._due[0][0] <= now_s:
                number = heapq.heappop(self._due)[1]
                self._queued.discard(number)
                self.boards[number].serve(now_s)
                self._send(number)
                self._queue(number)

    def _queue(self, number: int) -> None:
        """Have a board that streams served when its next packet is due."""
        if self.boards[number].streaming and number not in self._queued:
            self._queued.add(number)
            heapq.heappush(self._due, (self.boards[number].due_s, number))

    def _accept(self, number: int) -> None:
        link, _ = self._listeners[number].accept()
        link.setblocking(False)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._drop(number)
        self.links[number] = link
        self._selector.register(link, selectors.EVENT_READ, ("link", number))
        self.boards[number].waiting.clear()
        self.boards[number].connected()

    def _drop(self, number: int) -> None:
        link, self.links[number] = self.links[number], None
        if link is not None:
            self._selector.unregister(link)
            link.close()

    def _hear(self, number: int, now_s: float) -> None:
        link, board = self.links[number], self.boards[number]
        if link is None:
            return
        try:
            received = link.recv(1 << 16)
        except OSError:
            received = b""
        if not received:
            self._drop(number)
            return
        was_on = board.streaming
        board.serve(now_s)
        board.receive(received)
        self._send(number)
        if board.streaming and not was_on:
            self._queue(number)
            if all(one.streaming for one in self.boards):
                self._tell("all on")
        elif was_on and not board.streaming and "all on" in self.is_told:
            self._tell("first off")

    def _tell(self, what: str) -> None:
        """Say it, the first time that it is so."""
        if what not in self.is_told:
            self.is_told.add(what)
            print(json.dumps({"now": what}), flush=True)

    def _send(self, number: int) -> None:
        link, waiting = self.links[number], self.boards[number].waiting
        if link is None or not waiting:
            return
        try:
            del waiting[: link.send(waiting)]
        except BlockingIOError:
            return
        except OSError:
            self._drop(number)

    def told(self) -> list[dict[str, Any]]:
        """Return what each board made."""
        return [
            {
                "name": one.serial_number,
                "ppm": round((one.tick_us - 1.0) * 1e6, 1),
                "produced": one.produced,
                "dropped": one.n_dropped,
                "latest_s": round(one.latest_s, 4),
            }
            for one in self.boards
        ]


def main() -> None:
    """Serve, and say what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=100)
    feeder = Feeder(parser.parse_args().boards)
    print(json.dumps({"addresses": feeder.addresses()}), flush=True)
    feeder.run()
    print(json.dumps({"boards": feeder.told(), "processor_s": time.process_time()}), flush=True)


if __name__ == "__main__":
    main()
