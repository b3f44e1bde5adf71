"""A Cyton over a pseudo-terminal: processor time for a million samples, ours against BrainFlow's.

The same twin, in another process, sends to each in turn as fast as it is read, or with ``--real S``
for S seconds as fast as a board. Measured is the processor time of the reading process alone, all
its threads, from the start of the stream on: ours gives volts, with registers read back and an
account of loss, BrainFlow microvolts. BrainFlow 5.23.0 is installed into a folder of its own.
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

RATE_HZ = 250
N_SAMPLES = 200_000
ROUNDS = 3
VERSION = "5.23.0"
CLIENT = Path(__file__).parents[1] / "tests" / "gateways" / "cyton" / "brainflow_client.py"


@contextmanager
def twin(speed: str) -> Iterator[str]:
    """Serve a Cyton from a process of its own; gives the path of its port."""
    command = [sys.executable, "-m", "emgrig", "simulate", "--as", "cyton", "--pty"]
    command += ["--speed", speed, "--source", "silence"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip().removeprefix("cyton://")
    finally:
        process.terminate()
        process.communicate()


def ours(port: str, n_samples: int) -> float:
    """Return the processor seconds of our driver."""
    with emgrig.connect(f"cyton://{port}") as board:
        with board.stream(1.0) as stream:  # what is imported and made once is not counted
            list(stream)
        begin, n_came, check = time.process_time(), 0, 0.0
        with board.stream(n_samples / RATE_HZ) as stream:
            for block in stream:
                n_came += block.n_samples
                check += float(block.volts[0, 0]) if block.n_samples else 0.0
        taken = time.process_time() - begin
        if stream.totals.lost or n_came != n_samples:
            raise AssertionError(f"the benchmark lost samples: {stream.totals}")
    return taken


def brainflow(port: str, n_samples: int, folder: Path) -> float:
    """Return the processor seconds of BrainFlow's driver."""
    out = folder / "taken.npz"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    arguments = [str(CLIENT), port, "cyton", str(n_samples), "", str(out)]
    subprocess.run([sys.executable, "-W", "ignore", *arguments], env=environment, check=True)
    with np.load(out) as found:
        processor_s, n_came = float(found["processor_s"]), int(found["uv"].shape[1])
    return processor_s * n_samples / n_came


def main() -> None:
    """Print the figures and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--real", type=int, default=0, help="seconds at a board's own speed")
    seconds = parser.parse_args().real
    n_samples = seconds * RATE_HZ or N_SAMPLES
    taken: dict[str, list[float]] = {"ours": [], "BrainFlow": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", name]
        subprocess.run([*install, f"brainflow=={VERSION}"], check=True)
        for _ in range(1 if seconds else ROUNDS):
            with twin("real" if seconds else "max") as port:
                taken["ours"].append(ours(port, n_samples))
            with twin("real" if seconds else "max") as port:
                taken["BrainFlow"].append(brainflow(port, n_samples, folder))
    million = n_samples / 1e6
    best = {who: min(times) / million for who, times in taken.items()}
    print(f"a Cyton over a pseudo-terminal, {n_samples} samples of 8 channels")
    for who, each_s in best.items():
        print(f"  {who:10} {each_s:6.2f} s of processor a million samples")
    print(f"  ours / BrainFlow = {best['ours'] / best['BrainFlow']:.2f}  (goal: at most 0.5)")


if __name__ == "__main__":
    main()
