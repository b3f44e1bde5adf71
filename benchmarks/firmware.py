"""The firmware in C in real time: two chips at 16 kSPS, loopback TCP, our driver.

The program is that of the target `host`; its chips go by the clock of this machine and wait for
nobody (tests/firmware_c/clock_hal.c), so that what this machine is busy with meanwhile is lost as
it is on a board. The account says how many that were, and beside it stands how long the program
had no processor: it never sleeps in a run.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

run_for = importlib.import_module("firmware_real_time").run_for
RATE_HZ = 16_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks firmware", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of data periods; 10 by itself")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        run = run_for(seconds, Path(folder), RATE_HZ)
    totals = run.totals
    is_exact = totals.received + totals.lost == run.edges and not run.n_wrong
    print(f"{run.edges} produced = {totals.received} received + {totals.lost} lost: {is_exact}")
    print(f"lost: {100 * totals.lost / run.edges:.3f} % of {run.edges / RATE_HZ:.1f} s")
    n_away = run.waited_s * RATE_HZ
    print(
        f"the program waited {run.waited_s:.3f} s for a processor, {n_away:.0f} data periods; "
        f"beyond these it lost {max(0.0, totals.lost - n_away):.0f}"
    )
    if not is_exact:
        sys.exit("the account is not exact")


if __name__ == "__main__":
    main()
