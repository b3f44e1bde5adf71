"""How cost grows: with channels, with the rate, with the length of a recording.

Processor time of our side alone. Channels and length: at greatest speed, of channels the least of
three. Rate: in real time, since that is what a recording costs; a simulated board in a process of
its own sends. Beyond 16 kSPS no chip goes, but a simulator that is asked for its greatest speed
does: there a read gives some packets, neither one nor a flood. How cost grows with the number of
boards is measured by ``many_boards``.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import emgrig
from benchmarks._figures import figure
from benchmarks._simulated import simulated
from benchmarks._timing import children_s
from benchmarks.record_path import peer

TCP = ("--tcp", "127.0.0.1:0")
CHIPS = (1, 2, 4)
RATES_HZ = (250, 500, 1000, 2000, 4000, 8000, 16_000)
BEYOND_HZ = (50_000, 200_000)
MINUTES = (5, 10, 20, 40)
FLOOD_S, REAL_S, ROUNDS = 120.0, 5.0, 3


def stream_s(address: str, rate_hz: int, seconds: float) -> float:
    """Return the processor seconds of a million frames, to volts."""
    with emgrig.connect(address) as board:
        board.chip.set_rate(rate_hz)
        with board.stream(0.5) as stream:  # what is imported and made once is not counted
            list(stream)
        begin, n_frames = time.process_time(), 0
        with board.stream(seconds) as stream:
            for block in stream:
                n_frames += len(block.volts)
        taken_s = time.process_time() - begin
    totals = stream.totals
    asked = round(seconds * rate_hz)
    if totals.received - totals.unused != n_frames or n_frames + totals.lost != asked:
        raise AssertionError(f"{asked} were asked for: {totals}")
    return taken_s / n_frames * 1e6


def command_s(*words: str) -> float:
    """Run a command of ours; return its processor seconds."""
    before_s = children_s()
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "emgrig", *words]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return children_s() - before_s


def main() -> None:
    """Measure all of it."""
    print("growth: processor time of our side")
    for n_chips in CHIPS:
        with simulated(
            *TCP, "--speed", "max", "--source", "silence", "--chips", str(n_chips)
        ) as address:
            taken_s = min(stream_s(address, 2000, FLOOD_S) for _ in range(ROUNDS))
        figure(f"channels {8 * n_chips}: a million frames in a flood", taken_s, "s")
    with simulated(*TCP, "--source", "silence") as address:
        for rate_hz in RATES_HZ:
            taken_s = stream_s(address, rate_hz, REAL_S)
            share = taken_s * rate_hz / 1e6
            figure(f"rate {rate_hz} SPS: share of a core, real time", 100 * share, "%")
    for rate_hz in BEYOND_HZ:
        with peer("fast", rate_hz) as sending:
            taken_s = stream_s(sending.address, RATES_HZ[-1], REAL_S * rate_hz / RATES_HZ[-1])
        share = taken_s * rate_hz / 1e6
        figure(f"rate {rate_hz} SPS: share of a core, real time", 100 * share, "%")
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES:
            stem = Path(folder) / f"of-{minutes}"
            seconds, capture = str(60 * minutes), f"{stem}.bdf"
            what = f"minutes {minutes}"
            taken_s = command_s("record", "sim:face", "--duration", seconds, "-o", capture)
            figure(f"{what}: emgrig record sim:face", taken_s, "s")
            figure(f"{what}: emgrig analyse", command_s("analyse", capture, "-o", str(stem)), "s")


if __name__ == "__main__":
    main()
