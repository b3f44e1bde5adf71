"""Two chips at 16 kSPS through TCP for long: nothing lost, nothing wrong, memory flat.

``python -m benchmarks endurance --hours 24``: a board of ready-made packets in a process of its own
sends as fast as its samples are used; counters, times and CRCs are put in (a CRC is linear, so that
of a patched packet is the template's and a table's for each patched byte). The driver here streams,
decodes, accounts; every code of every sample is held against what the board made. ``--real 3600``
takes the simulator in real time instead, for so many seconds; ``--rate 1000`` where the machine has
no core for 16 kSPS to spare. Figures go to build/endurance.json.
"""

import argparse
import ctypes
import gc
import importlib
import json
import os
import select
import socket
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

import emgrig
from emgrig.driver.samples.block import Block
from emgrig.protocol import packets as wire
from emgrig.protocol.frames import pack_codes
from emgrig.protocol.framing import PacketType
from emgrig.protocol.schema import Message

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
FakeBoard: Any = importlib.import_module("fake_board").FakeBoard

RATE_HZ = 16_000
N_CHIPS = 2
CYCLE = 8192  #: The codes of the board repeat after so many conversions.
QUEUE = 1 << 20  #: Samples; a minute of the board's time, but a third of a second of ours.
#: Conversions that the board is ahead of their use at most: what is made is real only if a board
#: at its own rate could have made it, and that one fills no queue of a minute while a busy
#: machine pauses the reader for a moment.
LEAD = QUEUE // 2
OUT = Path("build") / "endurance.json"
#: What each packet says of its own, by place in the packet: sequence, first conversion, time.
_PATCHED = (*range(4, 6), *range(8, 12), *range(12, 20))
#: What memory may grow by from the first quarter (after the first tenth) to the last: the
#: least of each, since a queue that fills for a moment is no growth. MB.
MOST_GROWTH_MB = 8.0


def cycle_codes(n_chips: int = N_CHIPS) -> NDArray[np.int32]:
    """Return what the board converts, shape (CYCLE, 8 * n_chips): no two frames are alike."""
    steps = np.arange(CYCLE)[:, None] * 1021 + np.arange(8 * n_chips) * 7
    return (steps % (1 << 24) - (1 << 23)).astype(np.int32)


class Templates:
    """Ready-made packets of one cycle, into which numbers are put."""

    def __init__(
        self, n_frames: int, settings: int, n_chips: int = N_CHIPS, rate_hz: int = RATE_HZ
    ) -> None:
        codes = cycle_codes(n_chips).reshape(-1, 8)
        frames = pack_codes(codes, np.full((len(codes), 1), 0xC00000, np.uint32))
        frame_bytes = frames.shape[-1] * n_chips
        head = wire.SamplesHeader(0, 0, n_frames, frame_bytes, settings, 0).encode()
        self.n_packets, n_payload = CYCLE // n_frames, len(head) + n_frames * frame_bytes
        start = b"\xa5\x5a\x01" + bytes([PacketType.SAMPLES]) + b"\0\0"
        start += n_payload.to_bytes(2, "little") + head
        self.n_frames, self._rate_hz = n_frames, rate_hz
        self._bytes = np.zeros((self.n_packets, len(start) + n_frames * frame_bytes + 4), np.uint8)
        self._bytes[:, : len(start)] = np.frombuffer(start, np.uint8)
        self._bytes[:, len(start) : -4] = frames.reshape(self.n_packets, -1)
        self._crc = np.array([zlib.crc32(row[2:-4].tobytes()) for row in self._bytes], np.uint32)
        self.packet_bytes = self._bytes.shape[1]
        nothing = bytearray(self.packet_bytes - 6)
        zero = zlib.crc32(nothing)
        self._tables = np.zeros((len(_PATCHED), 256), np.uint32)
        for table, place in zip(self._tables, _PATCHED, strict=True):
            for value in range(256):
                nothing[place - 2] = value
                table[value] = zlib.crc32(nothing) ^ zero
            nothing[place - 2] = 0

    def time_us(self, conversion: NDArray[np.int64], start_us: int) -> NDArray[np.int64]:
        """Return the board time of conversions of a run, µs; the filter settles for 4 periods."""
        return start_us + (conversion + 4) * 1_000_000 // self._rate_hz

    def packets(self, first: int, n_packets: int, sequence: int, start_us: int) -> bytes:
        """Return so many packets from conversion `first` on, the first of a packet."""
        number = np.arange(n_packets)
        conversion = first + number * self.n_frames
        rows = (conversion // self.n_frames) % self.n_packets
        said = np.concatenate(
            [
                ((sequence + number) & 0xFFFF).astype("<u2").view(np.uint8).reshape(-1, 2),
                (conversion & 0xFFFFFFFF).astype("<u4").view(np.uint8).reshape(-1, 4),
                self.time_us(conversion, start_us).astype("<u8").view(np.uint8).reshape(-1, 8),
            ],
            axis=1,
        )
        crc = self._crc[rows]
        for table, values in zip(self._tables, said.T, strict=True):
            crc ^= table[values]
        made = self._bytes[rows]
        made[:, _PATCHED] = said
        made[:, -4:] = crc.astype("<u4").view(np.uint8).reshape(-1, 4)
        return made.tobytes()


class Peer(FakeBoard):  # type: ignore[misc]
    """A board of two chips that sends cycles while a run is on."""

    def __init__(self) -> None:
        super().__init__("ENDURE-1")
        self.chip_count = N_CHIPS
        self.templates: Templates | None = None

    @property
    def board_us(self) -> int:
        """Return the board's time: as far as its conversions are."""
        return int(self.start_us + self.conversions * 1_000_000 // RATE_HZ)

    start_us = 1_000_000

    def advance(self, until_s: float) -> None:
        """Make no conversion by time: `more` does."""

    def _start(self, frames_per_packet: int) -> Message:
        self.start_us = self.board_us + 1_000_000
        self.run += 1
        self.streaming, self.in_rdatac, self.conversions = True, True, 0
        self._frames: list[object] = []
        self.templates = Templates(frames_per_packet, self.epoch)
        return wire.Started(self.run, self.epoch, self.start_us)

    def more(self) -> bytes:
        """Return a cycle of packets."""
        assert self.templates is not None
        sequence = self.encode._sequence
        n_packets = self.templates.n_packets
        packets = self.templates.packets(self.conversions, n_packets, sequence, self.start_us)
        self.encode._sequence = (sequence + n_packets) & 0xFFFF
        self.conversions += CYCLE
        return packets


def serve() -> None:
    """Be the board for one PC; the port is printed, and stdin says how far samples are used."""
    board, used = Peer(), 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"tcp://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        link, _ = listener.accept()
    link.setblocking(False)
    board.connected()
    waiting = memoryview(b"")
    while True:
        if not waiting and board.out:
            waiting = memoryview(bytes(board.out))
            board.out.clear()
        if not waiting and board.streaming and board.conversions - used < LEAD:
            waiting = memoryview(board.more())
        heard: list[Any] = [link, 0]
        readable, writable, _ = select.select(heard, [link] if waiting else [], [])
        if 0 in readable:
            said = os.read(0, 1 << 16)
            if not said:
                return
            used = int(said.split()[-1])
        if link in readable:
            received = link.recv(65536)
            if not received:
                return
            board.receive(received)
        if writable:
            waiting = waiting[link.send(waiting) :]


def memory_mb() -> float:
    """Return what this process holds in memory, MB (Linux).

    What is free inside is given back first: else a queue that was long once, on a busy machine,
    looks like a leak.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Watch:
    """Holds blocks against what was made, and looks at memory now and then."""

    def __init__(
        self,
        n_conversions: int,
        rate_hz: int,
        codes: NDArray[np.int32] | None,
        used: IO[str] | None,
    ) -> None:
        self.n_conversions, self._rate_hz, self._used = n_conversions, rate_hz, used
        # Twice: a block begins anywhere in a cycle.
        self._codes = None if codes is None else np.concatenate([codes, codes])
        self.received = self.wrong = self.missing = 0
        self.memory: list[tuple[int, float]] = []
        self._began_s = time.perf_counter()
        self._next = 0

    def see(self, block: Block) -> None:
        """Take one block."""
        self.missing += block.lost_before
        self.received += block.n_samples
        if self._codes is not None:
            at, n = block.first_conversion, block.n_samples
            for begin in range(0, n, CYCLE):
                part = block.codes[begin : begin + CYCLE]
                expected = self._codes[(at + begin) % CYCLE :][: len(part)]
                if not np.array_equal(part, expected):
                    self.wrong += int((part != expected).any(axis=1).sum())
        if self._used is not None:
            self._used.write(f"{self.received + self.missing:20}\n")
        if self.received >= self._next:
            self._say()

    def _say(self) -> None:
        self._next += max(1, self.n_conversions // 50)
        self.memory.append((self.received, memory_mb()))
        passed_s = time.perf_counter() - self._began_s
        hours = self.received / self._rate_hz / 3600
        print(
            f"  {hours:7.3f} h of the board, {passed_s:6.0f} s here: "
            f"{self.memory[-1][1]:.1f} MB, {self.missing} lost, {self.wrong} wrong",
            flush=True,
        )


def run(address: str, seconds: float, rate_hz: int, used: IO[str] | None = None) -> dict[str, Any]:
    """Stream so long from a board of two chips; return the figures.

    `used` is told how far samples are used; its board makes the codes that are looked for.
    """
    codes = None if used is None else cycle_codes()
    watch = Watch(round(seconds * rate_hz), rate_hz, codes, used)
    with emgrig.connect(address) as board:
        board.chip.set_rate(rate_hz)
        began_s, processor_s = time.perf_counter(), time.process_time()
        with board.stream(seconds, queue_samples=QUEUE) as stream:
            for block in stream:
                watch.see(block)
        totals = stream.totals
        took_s, busy_s = time.perf_counter() - began_s, time.process_time() - processor_s
    settled = [mb for n, mb in watch.memory if n >= watch.n_conversions / 10]
    quarter = max(1, len(settled) // 4)
    return {
        "board_hours": seconds / 3600,
        "rate_hz": rate_hz,
        "chips": N_CHIPS,
        "asked": watch.n_conversions,
        "received": watch.received,
        "lost": max(totals.lost, watch.missing),
        "account": asdict(totals),
        "repeated": totals.repeated,
        "wrong": watch.wrong,
        "codes_checked": codes is not None,
        "recoveries": len(stream.recoveries),
        "took_s": round(took_s, 1),
        "processor_s": round(busy_s, 1),
        "memory_mb": [round(mb, 1) for _, mb in watch.memory],
        "growth_mb": round(min(settled[-quarter:]) - min(settled[:quarter]), 2),
    }


def main() -> None:
    """Run it, write the figures, and end with 1 if they are not as they should be."""
    parser = argparse.ArgumentParser(prog="endurance", description=__doc__)
    parser.add_argument("--hours", type=float, default=0.2, help="board time at greatest speed")
    parser.add_argument("--real", type=float, metavar="S", help="the simulator in real time")
    parser.add_argument("--rate", type=int, default=RATE_HZ, help="with --real, SPS")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve()
        return
    command = [sys.executable, __file__, "--serve"]
    if asked.real:
        command = [sys.executable, "-m", "emgrig", "simulate", "--tcp", "127.0.0.1:0"]
        command += ["--chips", str(N_CHIPS), "--source", "silence"]
    peer = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1, text=True
    )
    try:
        assert peer.stdout is not None
        address = peer.stdout.readline().strip()
        if asked.real:
            found = run(address, asked.real, asked.rate)
        else:
            found = run(address, asked.hours * 3600, RATE_HZ, peer.stdin)
    finally:
        peer.terminate()
        peer.communicate()
    name = "real_time" if asked.real else "greatest_speed"
    every = json.loads(OUT.read_text("utf-8")) if OUT.exists() else {}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({**every, name: found}, indent=1) + "\n", "utf-8")
    print(
        f"{name.replace('_', ' ')}: {found['received']} of {found['asked']} conversions of "
        f"{8 * N_CHIPS} channels in {found['took_s']} s, {found['processor_s']} s of processor "
        f"here: {found['lost']} lost, {found['wrong']} wrong, {found['repeated']} twice; memory "
        f"grew by {found['growth_mb']} MB to {max(found['memory_mb'])} MB; {OUT}"
    )
    is_whole = found["received"] == found["asked"]
    is_flat = found["growth_mb"] <= MOST_GROWTH_MB
    if not is_whole or found["lost"] or found["wrong"] or found["repeated"] or not is_flat:
        sys.exit(1)


if __name__ == "__main__":
    main()
