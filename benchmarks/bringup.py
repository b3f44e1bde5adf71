"""What `emgrig bringup sim:` takes at each level: processor time, and how much of it is imports."""

import os
import subprocess
import sys
import time

from benchmarks._figures import figure

ROUNDS = 3
GOALS_S = {"level full": 4.0}
IMPORTS = (
    "import emgrig.tools.cli, emgrig.hil_tests.bringup, emgrig.hil_tests.diagnosis.probes, "
    "emgrig.simulator.assembly; import scipy.special"
)


def processor_s(*command: str) -> tuple[float, float]:
    """Run Python with these arguments; return its processor time and the wall's, s."""
    before, began_s = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *command], capture_output=True, check=True)
    after = os.times()
    used = after.children_user + after.children_system
    return used - before.children_user - before.children_system, time.perf_counter() - began_s


def main() -> None:
    """Print the least of three runs each: what else runs here only adds to it."""
    runs = {
        "imports alone": ("-c", IMPORTS),
        "level quick": ("-m", "emgrig", "bringup", "sim:"),
        "level full": ("-m", "emgrig", "bringup", "sim:", "--level", "full"),
    }
    processor_s("-c", IMPORTS)  # sources are compiled
    for name, command in runs.items():
        used_s, _ = min(processor_s(*command) for _ in range(ROUNDS))
        figure(f"bringup sim:, {name}", used_s, "s", at_most=GOALS_S.get(name))


if __name__ == "__main__":
    main()
