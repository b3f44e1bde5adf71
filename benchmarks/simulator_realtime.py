"""How many times faster than real time the simulated front end runs, on one core.

Eight channels at 2000 SPS, quantised, with noise, electrodes and mains. Prints simulated seconds
for each second of processor time. Goal: 300 for the whole simulator.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from dataclasses import replace

import numpy as np

from emgrig.simulator.face import Face
from emgrig.simulator.frontend import AnalogueFrontEnd
from emgrig.simulator.recordings import Recording
from emgrig.simulator.seams import Source
from emgrig.simulator.sources import Silence, sine
from emgrig.simulator.world import Mains, World

RATE_HZ = 2000
SECONDS = 60
REPEATS = 3
# ID to CONFIG4: 2000 SPS, reference and bias on, gain 12, electrodes, bias from channels 1 to 7.
REGISTERS = bytes.fromhex("3E93C0EC00 5050505050505050 7F7F000000 00000F000000")


def measure(source: Source, mains: Mains) -> float:
    """Return the simulated seconds for a second of processor time; the best of some runs."""
    world = replace(World.typical(8, seed=1), mains=mains)
    front_end = AnalogueFrontEnd(source, seed=1, world=world)
    front_end.restart(0, REGISTERS)
    best = 0.0
    for _ in range(REPEATS):
        begin = time.process_time()
        for _ in range(SECONDS):
            front_end.convert(RATE_HZ)
        best = max(best, SECONDS / (time.process_time() - begin))
    return best


def main() -> None:
    rng = np.random.default_rng(1)
    sources: dict[str, tuple[Source, Mains]] = {
        "silence": (Silence(8), Mains()),
        "sine": (sine(8, 1e-3, 37.0), Mains()),
        "recording (1000 Hz)": (Recording(rng.normal(0, 20e-6, (60_000, 8)), 1000.0), Mains()),
        "face": (Face(8, 1), Mains()),
        "face and mains": (Face(8, 1), Mains.typical()),
    }
    print(f"front end, 8 channels at {RATE_HZ} SPS: seconds simulated in a second")
    for name, (source, mains) in sources.items():
        print(f"  {name:22s} {measure(source, mains):7.0f} x real time")


if __name__ == "__main__":
    main()
