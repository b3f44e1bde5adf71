"""A recording of the simulated board, made once a benchmark, as ``emgrig record sim:`` makes it."""

import subprocess
import sys
from pathlib import Path


def recorded(folder: Path, minutes: float) -> Path:
    """Record so many minutes, 8 channels at 1000 SPS, on virtual time; return the BDF+ file."""
    path = folder / "recorded.bdf"
    seconds = ("--duration", str(60 * minutes))
    command = [sys.executable, "-m", "emgrig", "record", "sim:", "-o", str(path), *seconds]
    subprocess.run(command, check=True, capture_output=True)
    return path
