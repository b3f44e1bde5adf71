"""Somebody's firmware on the bench: what a byte and a frame cost, each way beside the slow one.

A frame is 27 bytes at each fall of DRDY, 1 kSPS, with a face on the electrodes. The slow way is
that of a driver which clocks byte by byte: CS, 27 calls, CS. In Python, in C in this process, in
C over a unix socket, where each call is a message. Times are of the processor, so that a busy
machine does not change what is measured; over the socket those of both processes, and beside them
the time on the wall.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks._timing import seconds_in_turn
from emgrig.attach.bench import Bench
from emgrig.attach.c.build import build, compiler
from emgrig.attach.c.in_process import Firmware
from emgrig.attach.options import BenchOptions
from emgrig.attach.remote.client import RemoteBench
from emgrig.attach.remote.server import serve
from emgrig.simulator.chip.ads1299 import Ads1299Chip

N_BYTES = 27
SCLK_HZ = 4e6
N_FAST, N_SLOW = 4000, 400

SOURCE = r"""
#include "emgrig_chip.h"
#include <stdlib.h>

static uint8_t frame[27];

int two_calls(int n)
{
    emgrig_clocking(1, 4e6);
    while (n-- > 0 && emgrig_wait_drdy(0, 1, 1e6) == 1)
        emgrig_transfer(0, NULL, frame, sizeof frame);
    return frame[0];
}

int one_call(int n)
{
    emgrig_clocking(1, 4e6);
    while (n-- > 0 && emgrig_wait_transfer(0, 1, 1e6, NULL, frame, sizeof frame) == 1) {
    }
    return frame[0];
}

int byte_by_byte(int n)
{
    emgrig_clocking(1, 4e6);
    while (n-- > 0 && emgrig_wait_drdy(0, 1, 1e6) == 1) {
        size_t i;
        emgrig_select(0);
        for (i = 0; i < sizeof frame; i++)
            frame[i] = (uint8_t)emgrig_byte(0);
        emgrig_advance_us(2);
        emgrig_deselect(0);
    }
    return frame[0];
}

int main(int argc, char **argv)
{
    int (*const ways[])(int) = {two_calls, one_call, byte_by_byte};
    return argc != 3 || ways[atoi(argv[1])](atoi(argv[2])) != 0xC0;
}
"""


def started(bench: Bench | RemoteBench) -> None:
    """Bring a chip to RDATAC at 1 kSPS, as a driver does."""
    bench.advance(0.15)
    for command in (b"\x11", b"\x43\x00\xe0", b"\x41\x00\x94"):
        bench.transfer(command)
    bench.advance(0.15)
    bench.transfer(b"\x08")
    bench.transfer(b"\x10")


def a_bench() -> Bench:
    """Return a bench whose chip converts."""
    bench = Bench(BenchOptions(source="face"))
    started(bench)
    return bench


def whole(bench: Bench, n_frames: int) -> bytes:
    """Read frames, a transfer each; the last one."""
    frame = b""
    for _ in range(n_frames):
        bench.wait_drdy(edge=True)
        frame = bench.transfer(bytes(N_BYTES), sclk_hz=SCLK_HZ)
    return frame


def by_bytes(bench: Bench, n_frames: int) -> bytes:
    """Read frames byte by byte; the last one."""
    frame = bytearray()
    for _ in range(n_frames):
        bench.wait_drdy(edge=True)
        bench.select()
        frame = bytearray(bench.byte(0, sclk_hz=SCLK_HZ) for _ in range(N_BYTES))
        bench.advance(2e-6)
        bench.deselect()
    return bytes(frame)


def by_edges(bench: Bench, n_frames: int) -> bytes:
    """Read frames bit by bit, as a host does that has no SPI unit; the last one."""
    value = 0
    for _ in range(n_frames):
        bench.wait_drdy(edge=True)
        bench.select()
        value = 0
        for _ in range(8 * N_BYTES):
            bench.set_pin("SCLK", 1)
            value = value << 1 | bench.pin("DOUT")
            bench.advance(0.5 / SCLK_HZ)
            bench.set_pin("SCLK", 0)
            bench.advance(0.5 / SCLK_HZ)
        bench.advance(2e-6)
        bench.deselect()
    return value.to_bytes(N_BYTES, "big")


def tell(what: str, seconds: float, slow_s: float, remark: str = "") -> None:
    """Print one line: what a frame takes."""
    rate = f"{1e6 * seconds:9.1f} µs a frame {1 / seconds:8.0f} frames/s"
    print(f"  {what:24s}{rate} {slow_s / seconds:6.1f} x  {remark}")


def of_the_chip(chip: Ads1299Chip) -> None:
    """Transfers and bytes of the chip model alone, with the wait for each result."""

    def transfers() -> None:
        for _ in range(N_FAST):
            chip.advance_to(chip.next_drdy_tick or 0)
            chip.transfer(bytes(N_BYTES), sclk_hz=SCLK_HZ)

    def clocked() -> None:
        for _ in range(N_SLOW):
            chip.advance_to(chip.next_drdy_tick or 0)
            chip.cs_low()
            for _ in range(N_BYTES):
                chip.clock_byte(0, sclk_hz=SCLK_HZ)
            chip.wait_ticks(4)
            chip.cs_high()

    fast, slow = seconds_in_turn(transfers, clocked, clock=time.process_time)
    fast, slow = fast / N_FAST, slow / N_SLOW
    tell("chip alone, transfers", fast, slow, "(goal: 40 000)")
    tell("chip alone, bytes", slow, slow, f"{1e6 * slow / N_BYTES:.1f} µs a byte (goal: 3)")


def in_python() -> None:
    """Frames and bytes through `Bench`."""
    benches = [a_bench() for _ in range(3)]
    if len({whole(benches[0], 50), by_bytes(benches[1], 50), by_edges(benches[2], 50)}) != 1:
        raise AssertionError("the three ways do not read the same frame")
    fast, slow, edges = seconds_in_turn(
        lambda: whole(benches[0], N_FAST),
        lambda: by_bytes(benches[1], N_SLOW),
        lambda: by_edges(benches[2], N_SLOW // 20),
        clock=time.process_time,
    )
    fast, slow, edges = fast / N_FAST, slow / N_SLOW, edges / (N_SLOW // 20)
    print("in Python")
    of_the_chip(benches[0].chip())
    tell("wait and transfer", fast, slow)
    tell("byte by byte", slow, slow, f"{1e6 * slow / N_BYTES:.1f} µs a byte")
    tell("edge by edge", edges, slow)


def in_this_process(folder: Path) -> None:
    """Frames from C, without a socket."""
    library = build(folder / "ways.so", [folder / "ways.c"], is_library=True)
    with Firmware(a_bench(), library) as firmware:

        def call(name: str, n_frames: int) -> Callable[[], object]:
            return lambda: firmware.call(name, n_frames)

        two, one, slow = seconds_in_turn(
            call("two_calls", N_FAST),
            call("one_call", N_FAST),
            call("byte_by_byte", N_SLOW),
            clock=time.process_time,
        )
    two, one, slow = two / N_FAST, one / N_FAST, slow / N_SLOW
    print("from C in this process")
    tell("two calls a frame", two, slow, "(goal: 20 000)")
    tell("one call a frame", one, slow)
    tell("byte by byte", slow, slow)


def over_a_socket(folder: Path) -> None:
    """Frames from C in another process."""
    program = build(folder / "ways", [folder / "ways.c"])
    with serve(a_bench()) as server:
        told = {**os.environ, "EMGRIG_ATTACH": server.address}

        def taken(way: int, n_frames: int) -> tuple[float, float]:
            """Seconds of both processors, and of the wall, a frame."""
            begin, wall = sum(os.times()[:4]), time.perf_counter()
            subprocess.run([str(program), str(way), str(n_frames)], env=told, check=True)
            both = sum(os.times()[:4]) - begin
            return both / n_frames, (time.perf_counter() - wall) / n_frames

        rounds = [[taken(0, N_FAST), taken(1, N_FAST), taken(2, N_SLOW)] for _ in range(5)]
    ways = [[sorted(one)[2] for one in zip(*way, strict=True)] for way in zip(*rounds, strict=True)]
    slow = ways[2][0]
    print("from C over a socket")
    for name, (both, wall), goal in zip(
        ("two messages a frame", "one message a frame", "a byte a message"),
        ways,
        ("(goal: 10 000)", "(goal: 10 000)", ""),
        strict=True,
    ):
        tell(name, both, slow, f"wall: {1 / wall:.0f} frames/s {goal}")


def main() -> None:
    """Print all of it."""
    print(f"frames of {N_BYTES} bytes from a chip on the bench; x: against byte by byte")
    in_python()
    if compiler(is_cpp=False) is None:
        print("from C: no compiler here")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ways.c").write_text(SOURCE, "utf-8")
        in_this_process(folder)
        over_a_socket(folder)


if __name__ == "__main__":
    main()
