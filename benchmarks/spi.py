"""PiEEG-16 with two oscillators on the simulated SPI bus, and the bring-up of boards there.

``python -m benchmarks spi`` records so many seconds at 1 kSPS with oscillators 0.5 % apart, each
way round, and says what became of every conversion; ``--bringup 20`` asks the suite of so many
healthy boards as well. Time is virtual: figures are the same on every machine.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import emgrig
from benchmarks._figures import figure
from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.in_front import in_front
from emgrig.attach.shims.wiring import PRESETS

POWERED_S = 1.0
APART_PPM = (5000.0, -5000.0)


@contextmanager
def machine(preset: str, ppm: tuple[float | None, ...], seed: int) -> Iterator[Bench]:
    """Put a simulated machine with such chips in front."""
    bench = Bench(
        BenchOptions(
            chips=tuple(ChipOptions(oscillator_ppm=one) for one in ppm),
            source="silence",
            seed=seed,
            is_wired=True,
            processor=PROCESSORS["linux"],
        )
    )
    bench.advance(POWERED_S)
    host = Host(bench, PRESETS[preset], call_s=PROCESSORS["linux"].call_s)
    with in_front(host):
        yield bench


def two_oscillators(duration_s: float, ppm: float) -> str:
    """Stream from PiEEG-16; return the figures in words."""
    begin_s = time.process_time()
    with machine("pieeg-16", (0.0, ppm), 0) as bench, emgrig.connect("spi:pieeg-16") as board:
        board.chip.set_rate(1000)
        before = [bench.drdy_count(chip) for chip in (0, 1)]
        with board.stream(duration_s=duration_s) as stream:
            n_blocks = sum(block.n_samples for block in stream)
        made = [bench.drdy_count(chip) - before[chip] for chip in (0, 1)]
        totals, stats = stream.totals, board.stats()
    delivered, missed = totals.received, totals.lost
    name = f"PiEEG-16, chip 2 at {ppm:+.0f} ppm, {duration_s:g} s"
    n_silent = abs(stats.conversions - delivered - missed)
    figure(f"{name}: lost without a count", n_silent, "conversions", at_most=0)
    figure(f"{name}: missed", 100 * missed / stats.conversions, "%")
    return (
        f"chip 2 at {ppm:+.0f} ppm: {made[0]} and {made[1]} conversions of the chips, "
        f"{stats.conversions} of the board: {delivered} delivered, {missed} counted as missed, "
        f"{stats.conversions - delivered - missed} without a count; {n_blocks} in the "
        f"{duration_s:g} s asked for; {time.process_time() - begin_s:.0f} s of processor"
    )


def bringup(seed: int, preset: str) -> str:
    """Ask a healthy board; return the last line of the verdict."""
    from emgrig.tools import cli

    wiring = "generic" if preset == "ti-evm" else preset
    said = StringIO()
    with machine(wiring, (None,), seed), redirect_stdout(said):
        sys.argv = ["emgrig", "bringup", f"spi:{preset}?name=B{seed}", "--soak", "1"]
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code
    line = [one for one in said.getvalue().splitlines() if one.startswith("bring-up:")]
    return f"seed {seed}, {preset}: exit code {code}; {line[-1] if line else 'no verdict'}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks spi")
    parser.add_argument("--duration", type=float, default=60.0, help="s")
    parser.add_argument("--bringup", type=int, default=0, help="healthy boards to ask")
    given = parser.parse_args()
    for ppm in APART_PPM:
        print(two_oscillators(given.duration, ppm), flush=True)
    for seed in range(1, given.bringup + 1):
        print(bringup(seed, ("pieeg", "ti-evm")[seed % 2]), flush=True)


if __name__ == "__main__":
    main()
