"""`emgrig analyse` of half an hour of 8 channels: ``python -m benchmarks.analyse``.

Figures are processor time and the most memory of the command, in a process of its own; beside it
what Python needs to import scipy.signal and matplotlib alone, in the same run. ``--hours 8`` takes
half an hour and so many hours of another recording, which `_long_bdf` writes, and tells how the
cost of the command grows.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from edfio import Bdf, BdfSignal

from benchmarks._figures import figure
from benchmarks._long_bdf import write_long_bdf

RATE_HZ, MINUTES, CHANNELS = 1000, 30, 8
#: A fifth of what it took first, 22 s; and memory, MB.
GOAL_S, GOAL_MB = 22 / 5, 250.0
_CHILD = """
import resource, sys
sys.argv = ["emgrig", *sys.argv[1:]]
from emgrig.tools.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)
"""
_IMPORTS = """
import resource, scipy.signal, matplotlib.figure
used = resource.getrusage(resource.RUSAGE_SELF)
import sys
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)
"""


def write(path: Path, *, mains_uv: float) -> None:
    """Write rest with a contraction every ten seconds or so, and mains on two channels."""
    rng = np.random.default_rng(0)
    n = 60 * MINUTES * RATE_HZ
    signals = []
    for channel in range(CHANNELS):
        level = np.full(n, 1.5)
        for at in rng.integers(0, n - 3 * RATE_HZ, 6 * MINUTES).tolist():
            length = int(rng.uniform(0.2, 2.5) * RATE_HZ)
            level[at : at + length] += rng.uniform(8, 60) * np.hanning(length) ** 0.5
        x = np.convolve(level * rng.normal(size=n), [0.5, 0.3, -0.4, -0.2], "same")
        if channel in (1, 5):
            x += mains_uv * np.sin(2 * np.pi * 50.01 / RATE_HZ * np.arange(n))
        ends = (-187_500.0, 187_500.0)
        signals.append(
            BdfSignal(x, RATE_HZ, label=f"EMG c{channel + 1}", physical_dimension="uV",
                      physical_range=ends, digital_range=(-(2**23), 2**23 - 1))
        )  # fmt: skip
    Bdf(signals).write(path)


def measured(*arguments: str) -> tuple[float, float]:
    """Run Python; return its processor time, s, and its most memory, MB."""
    done = subprocess.run(
        [sys.executable, "-c", *arguments], check=True, capture_output=True, text=True
    )
    time_s, memory_mb = done.stderr.split()[-2:]
    return float(time_s), float(memory_mb)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, help="how the cost grows up to so many hours")
    hours = parser.parse_args().hours
    if hours is not None:
        growth(hours)
        return
    with tempfile.TemporaryDirectory() as folder:
        for what, mains_uv in (("clean", 0.0), ("mains on two channels", 6.0)):
            path = Path(folder) / "half-an-hour.bdf"
            write(path, mains_uv=mains_uv)
            runs = [measured(_CHILD, "analyse", str(path), "-o", folder) for _ in range(3)]
            goal_s = GOAL_S if not mains_uv else None
            figure(f"analyse, {what}", min(t for t, _ in runs), "s", at_most=goal_s)
            figure(f"analyse, {what}: memory", max(m for _, m in runs), "MB", at_most=GOAL_MB)
        time_s, memory_mb = min(measured(_IMPORTS) for _ in range(3))
        print(f"importing scipy.signal and matplotlib alone: {time_s:.2f} s, {memory_mb:.0f} MB")


def growth(hours: float) -> None:
    """Analyse half an hour and `hours` of the same kind; a cost in proportion gives 1 or less."""
    with tempfile.TemporaryDirectory() as folder:
        path, costs = Path(folder) / "long.bdf", []
        for length in (0.5, hours):
            write_long_bdf(path, length, n_channels=CHANNELS, rate_hz=RATE_HZ)
            costs.append(measured(_CHILD, "analyse", str(path), "-o", folder, "--overwrite"))
            print(f"  {length:g} h: {costs[-1][0]:.1f} s, {costs[-1][1]:.0f} MB")
    (short_s, _), (long_s, long_mb) = costs
    figure(
        f"analyse, {hours:g} h / 0.5 h, over length", long_s / short_s / (2 * hours), at_most=1.1
    )
    figure(f"analyse, {hours:g} h: memory an hour", long_mb / hours, "MB")


if __name__ == "__main__":
    main()
