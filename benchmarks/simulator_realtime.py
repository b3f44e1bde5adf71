"""How many times faster than real time the simulator runs: the front end alone, and all of it.

Eight channels at 2000 SPS, gain 12, with noise, electrodes, mains and the bias loop. The front end
alone makes codes. The whole path is what a client of a `sim:` address reads: front end, chip,
firmware, packets. Figures are simulated seconds in a second of processor time, medians over turns
in which the cases alternate; real time is 1. The goal for the whole path is 300.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks._figures import figure
from emgrig.protocol import packets as wire
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import Request
from emgrig.protocol.schema import Message
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.assembly import build_board
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.options import SimOptions
from emgrig.simulator.sources.recordings import Recording
from emgrig.simulator.transport import SimTransport

GOALS = {"silence": 1100, "recording": 700, "face": 630}
RATE_HZ = 2000
SECONDS = 10
TURNS = 9
READ_BYTES = 1 << 18
REGISTERS = bytes.fromhex("3E93C0EC00 5050505050505050 7F7F000000 00000F000000")
"""ID to CONFIG4: 2000 SPS, reference and bias on, gain 12, bias from channels 1 to 7."""

Advance = Callable[[], float]
"""Simulates about SECONDS and returns how many it were."""


def board_with(name: str) -> SimulatedBoard:
    """Make the board of a `sim:` address on skin, with a source by name."""
    board = build_board(SimOptions("face" if name == "face" else "silence", seed=1))
    if name == "recording":
        samples = np.random.default_rng(1).normal(0, 20e-6, (60_000, 8))
        front_end(board).set_source(board.bank.buses[0].tick, Recording(samples, 1000.0))
    return board


def front_end(board: SimulatedBoard) -> AnalogueFrontEnd:
    """Return the analogue half of the board's only chip."""
    (part,) = board.front_ends
    assert isinstance(part, AnalogueFrontEnd)
    return part


def front_end_alone(name: str) -> Advance:
    """Convert, half a second at a time."""
    part = front_end(board_with(name))
    part.restart(0, REGISTERS)

    def advance() -> float:
        for _ in range(2 * SECONDS):
            part.convert(RATE_HZ // 2)
        return SECONDS

    return advance


def whole_path(name: str) -> Advance:
    """Read the bytes of a stream as a client does."""
    transport = SimTransport(board=board_with(name))
    encode = PacketEncoder()

    def ask(number: int, request: Request, arguments: Message) -> None:
        payload = wire.RequestHeader(number, request).encode() + arguments.encode()
        transport.write(encode(PacketType.REQUEST, payload))

    ask(1, Request.CHIP_COMMAND, wire.ChipCommand(wire.ALL_CHIPS, 0x11))  # SDATAC
    ask(2, Request.WRITE_REGISTERS, wire.WriteRegisters(0, 1, REGISTERS[1:]))
    ask(3, Request.START, wire.StartArguments(16, 0x11))

    def advance() -> float:
        begin_s = transport.clock.now_s()
        n_bytes = 0
        while transport.clock.now_s() < begin_s + SECONDS:
            n_bytes += len(transport.read(READ_BYTES, timeout_s=1.0))
        passed_s = transport.clock.now_s() - begin_s
        assert n_bytes > 0.98 * 27 * RATE_HZ * passed_s, "the board does not stream"
        return passed_s

    return advance


def times_real_time(cases: list[Advance]) -> Iterator[float]:
    """Yield the median over turns for each case."""
    speeds: list[list[float]] = [[] for _ in cases]
    for turn in range(TURNS + 1):
        for advance, seen in zip(cases, speeds, strict=True):
            begin_s = time.process_time()
            passed_s = advance()
            if turn:  # the first fills caches
                seen.append(passed_s / (time.process_time() - begin_s))
    return (statistics.median(seen) for seen in speeds)


def noise_alone() -> Advance:
    """Draw the random numbers of the noise, and nothing else."""
    rng = np.random.Generator(np.random.Philox(1))
    drawn = np.empty((RATE_HZ, 8), np.float32)

    def advance() -> float:
        for _ in range(SECONDS):
            rng.standard_normal(dtype=np.float32, out=drawn)
        return SECONDS

    return advance


def main() -> None:
    """Measure and print."""
    cases = [make(name) for name in GOALS for make in (front_end_alone, whole_path)]
    print(f"simulator, 8 channels at {RATE_HZ} SPS: times real time (real time is 1)")
    *found, noise = times_real_time([*cases, noise_alone()])
    for (name, goal), alone, whole in zip(GOALS.items(), found[::2], found[1::2], strict=True):
        figure(f"{name}: front end alone", alone, "x")
        figure(f"{name}: whole sim: path", whole, "x", at_least=goal)
        figure(f"{name}: whole path, share of its noise alone", whole / noise)
    figure("random numbers of the noise alone", noise, "x")


if __name__ == "__main__":
    main()
