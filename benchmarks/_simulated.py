"""A simulated board in a process of its own, so that what it costs is not counted."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def simulated(*options: str) -> Iterator[str]:
    """Run ``emgrig simulate`` with these options; gives the board's address."""
    command = [sys.executable, "-m", "emgrig", "simulate", *options]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()
