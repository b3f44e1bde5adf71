"""The firmware in C in real time: two chips at 16 kSPS, loopback TCP, our driver.

The program is that of the target `host`; its chips go by the clock of this machine and wait for
nobody (tests/firmware_c/clock_hal.c), so that what this machine is busy with meanwhile is lost as
it is on a board. The account says how many that were. Beside it stands how long the program had no
processor, since it never sleeps in a run, and what a bare loop misses on the same machine, from
which a virtual machine's host takes the processor without a word.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

real_time = importlib.import_module("firmware_real_time")
RATE_HZ = 16_000


def _asked_and_stolen() -> tuple[int, int]:
    """Return the processor time that was asked for, and that the host took away of it, ticks."""
    ticks = [int(one) for one in Path("/proc/stat").read_text("ascii").split()[1:9]]
    idle, stolen = ticks[3] + ticks[4], ticks[7]
    return sum(ticks) - idle, stolen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks firmware", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of data periods; 10 by itself")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        bare = real_time.bare_share(Path(folder), RATE_HZ, 3)
        before = _asked_and_stolen()
        run = real_time.run_for(seconds, Path(folder), RATE_HZ)
        asked, stolen = (b - a for a, b in zip(before, _asked_and_stolen(), strict=True))
        bare = (bare + real_time.bare_share(Path(folder), RATE_HZ, 3)) / 2
    totals = run.totals
    is_exact = totals.received + totals.lost == run.edges and not run.n_wrong
    print(f"{run.edges} produced = {totals.received} received + {totals.lost} lost: {is_exact}")
    print(f"lost: {100 * totals.lost / run.edges:.3f} % of {run.edges / RATE_HZ:.1f} s")
    print(f"a loop that only looks at the clock, before and after, misses {bare:.1%} of them")
    print(f"processor time that this machine's host took away meanwhile: {stolen / asked:.1%}")
    n_away = run.waited_s * RATE_HZ
    print(
        f"the program waited {run.waited_s:.3f} s for a processor, {n_away:.0f} data periods; "
        f"beyond these it lost {max(0.0, totals.lost - n_away):.0f}"
    )
    if not is_exact:
        sys.exit("the account is not exact")


if __name__ == "__main__":
    main()
