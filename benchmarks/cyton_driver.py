"""Boards over a pseudo-terminal: processor time for a million samples, ours against BrainFlow's.

``--board`` is cyton, knight or cerelog; of the last BrainFlow 5.23.0 has no driver, and ours stands
alone. The same twin, in another process, sends to each in turn as fast as it is read, or with
``--real S`` for S seconds as fast as a board. Measured is the processor time of the reading process
alone, all its threads, from the start of the stream on: ours gives volts and an account of loss in
blocks of 16 samples, and what registers can be read back; BrainFlow microvolts, and it is asked as
often how many there are. BrainFlow is installed into a folder of its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import emgrig

RATE_HZ = {"cyton": 250, "knight": 125, "cerelog": 250}
HAS_BRAINFLOW = ("cyton", "knight")
FRAMES_PER_BLOCK = 16
FLOOD_POLL_S = 0.02
N_SAMPLES = 200_000
ROUNDS = 3
VERSION = "5.23.0"
CLIENT = Path(__file__).parents[1] / "tests" / "gateways" / "cyton" / "brainflow_client.py"


@contextmanager
def twin(board: str, speed: str) -> Iterator[str]:
    """Serve a board from a process of its own; gives its address."""
    command = [sys.executable, "-m", "emgrig", "simulate", "--as", board, "--pty"]
    command += ["--speed", speed, "--source", "silence"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


def ours(board_name: str, address: str, n_samples: int) -> float:
    """Return the processor seconds of our driver."""
    with emgrig.connect(address) as board:
        with board.stream(1.0) as stream:  # what is imported and made once is not counted
            list(stream)
        begin, n_came, check = time.process_time(), 0, 0.0
        with board.stream(n_samples / RATE_HZ[board_name]) as stream:
            for block in stream:
                n_came += block.n_samples
                check += float(block.volts[0, 0]) if block.n_samples else 0.0
        taken = time.process_time() - begin
        if stream.totals.lost or n_came != n_samples:
            raise AssertionError(f"the benchmark lost samples: {stream.totals}")
    return taken


def brainflow(board: str, address: str, n_samples: int, folder: Path, poll_s: float) -> float:
    """Return the processor seconds of BrainFlow's driver."""
    out, port = folder / "taken.npz", address.partition("://")[2].partition("?")[0]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    arguments = [str(CLIENT), port, board, str(n_samples), "", str(out), str(poll_s)]
    subprocess.run([sys.executable, "-W", "ignore", *arguments], env=environment, check=True)
    with np.load(out) as found:
        processor_s, n_came = float(found["processor_s"]), int(found["uv"].shape[1])
    return processor_s * n_samples / n_came


def measure(board: str, n_samples: int, speed: str, n_rounds: int) -> dict[str, list[float]]:
    """Return the processor seconds of each driver, in turn."""
    taken: dict[str, list[float]] = {"ours": []}
    poll_s = FRAMES_PER_BLOCK / RATE_HZ[board] if speed == "real" else FLOOD_POLL_S
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if board in HAS_BRAINFLOW:
            install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", name]
            subprocess.run([*install, f"brainflow=={VERSION}"], check=True)
        for _ in range(n_rounds):
            with twin(board, speed) as address:
                taken["ours"].append(ours(board, address, n_samples))
            if board in HAS_BRAINFLOW:
                with twin(board, speed) as address:
                    said = brainflow(board, address, n_samples, folder, poll_s)
                taken.setdefault("BrainFlow", []).append(said)
    return taken


def main() -> None:
    """Print the figures and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--board", choices=list(RATE_HZ), default="cyton")
    parser.add_argument("--real", type=int, default=0, help="seconds at a board's own speed")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    n_samples = given.real * RATE_HZ[given.board] or N_SAMPLES
    speed = "real" if given.real else "max"
    taken = measure(given.board, n_samples, speed, given.rounds)
    best = {who: min(times) * 1e6 / n_samples for who, times in taken.items()}
    print(f"a {given.board} over a pseudo-terminal, {n_samples} samples of 8 channels")
    for who, each_s in best.items():
        print(f"  {who:10} {each_s:6.2f} s of processor a million samples")
    if "BrainFlow" in best:
        goal = 1.0 if given.real else 0.5
        ratio = best["ours"] / best["BrainFlow"]
        print(f"  ours / BrainFlow = {ratio:.2f}  (goal: at most {goal})")


if __name__ == "__main__":
    main()
