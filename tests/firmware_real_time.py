"""The program of the target `host` in real time: two chips by this machine's clock, our driver.

The chips are `firmware_c/clock_hal.c`. How many conversions are lost is up to the machine; the
account of them, and that each sample is that of its conversion, is up to the firmware.
"""

import math
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import emgrig
from emgrig.protocol.account import Totals
from emgrig.protocol.packets import Stats
from firmware_core import SOURCES, compile_core

HOST = SOURCES / "targets" / "host"
HAL = Path(__file__).parent / "firmware_c" / "clock_hal.c"
N_CHIPS = 2
#: Two frames of 27 bytes and their holds take 39 µs of the 62.5 µs at 16 kSPS; at 8 MHz, 66 µs.
DATA_HZ = 16_000_000


@dataclass(frozen=True)
class RealRun:
    """What became of one run in real time."""

    edges: int  #: Falls of DRDY from START to STOP, as the chip counted them.
    totals: Totals  #: What the driver says.
    stats: Stats  #: What the firmware says.
    n_wrong: int  #: Samples that are not those of their conversion.
    n_samples: int
    #: How long the program, which never sleeps in a run, had no processor; NaN: nobody can say.
    waited_s: float


@contextmanager
def program(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Compile and start it; yields its address, and the process."""
    flags = [
        "-O2", f"-I{HOST}", f"-DEMG_MAX_CHIPS={N_CHIPS}u", "-DEMG_MAX_LINKS=2u",
        "-DEMG_TX_BYTES=131072u", f"-DEMG_DATA_HZ={DATA_HZ}u",
    ]  # fmt: skip
    board = compile_core(folder / "board", flags, [HOST / "main.c", HAL])
    with subprocess.Popen([board, "0"], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip(), running
        finally:
            running.terminate()


def _waited_s(pid: int) -> float:
    """How long a process was ready to run and did not (Linux, Documentation/scheduler)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) * 1e-9
    except OSError:
        return math.nan


def run_for(duration_s: float, folder: Path, rate_hz: int = 16_000) -> RealRun:
    """Stream for so many data periods, and account for them."""
    n_samples = n_wrong = 0
    with program(folder) as (address, process), emgrig.connect(address) as board:
        board.chip.set_rate(rate_hz)
        waited_s = -_waited_s(process.pid)
        with board.stream(duration_s) as stream:
            for block in stream:
                n_samples += len(block.codes)
                number = block.first_conversion + np.arange(len(block.codes))
                expected = number[:, None] + np.arange(block.codes.shape[1])
                n_wrong += int(np.count_nonzero(block.codes != expected))
        assert process.stdout is not None
        edges = int(process.stdout.readline().removeprefix("edges "))
        waited_s += _waited_s(process.pid)
        return RealRun(edges, stream.totals, board.stats(), n_wrong, n_samples, waited_s)


def bare_share(folder: Path, rate_hz: int, seconds: int) -> float:
    """Return the share of data periods in which a loop that only looks at the clock did not."""
    source = Path(__file__).parent / "firmware_c" / "bare_clock.c"
    looking = folder / "bare_clock"
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-O2", "-o", str(looking), str(source)], check=True)
    line = [str(looking), str(round(1e9 / rate_hz)), str(seconds)]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    return int(said[1]) / int(said[0])
