"""What the bring-up suite says of every fault that the simulator knows, and of healthy boards.

    python -m benchmarks.diagnosis               # the matrix, and 200 healthy boards
    python -m benchmarks.diagnosis --seeds 20 --jobs 4
    python -m benchmarks.diagnosis --seeds 0 --faults spi-slip drdy-dead

The faults, their variants, and the cause that must be named come from the simulator's catalogue,
which knows nothing of the suite: a fault counts as named right if the first cause is that of its
entry. Goals: every fault found, nine in ten named right, and of the healthy boards not one failed.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.verdict import exit_code
from emgrig.simulator.faults.named import FAULTS


@dataclass(frozen=True)
class Said:
    """What the suite said of one board.

    Attributes
    ----------
    fault, level : str
    seed : int
    check : str
        The first check that failed; empty if none did.
    key, cause : str
        The diagnosis.
    code : int
        Exit code.
    is_marginal : bool
        It passed, and a value was near its limit.
    is_proved : bool
        The board was left as it was found.
    seconds : float
        Wall time.
    """

    fault: str
    seed: int
    level: str
    check: str
    key: str
    cause: str
    code: int
    is_marginal: bool
    is_proved: bool
    seconds: float

    @property
    def is_found(self) -> bool:
        """True if the board was not called good."""
        return self.code != 0

    @property
    def is_right(self) -> bool:
        """True if the cause is the fault."""
        return self.key == FAULTS[self.fault.partition(":")[0]].cause


def ask(fault: str, seed: int = 0, level: str = "quick") -> Said:
    """Run the suite on a simulated board with `fault`, or a healthy one if that is empty."""
    address = f"sim:seed={seed}" + (f"&fault={fault}" if fault else "")
    began_s = time.perf_counter()
    session = run_bringup(address, level=level)
    bad = (Outcome.FAIL, Outcome.ERROR)
    check = next((r.info.number for r in session.results if r.outcome in bad), "")
    found = session.diagnosis
    return Said(
        fault, seed, level, check,
        found.key if found else "",
        found.cause if found else "",
        exit_code(session),
        session.outcome is Outcome.MARGINAL,
        session.restored is not None and session.restored.proved,
        time.perf_counter() - began_s,
    )  # fmt: skip


def _ask(job: tuple[str, int, str]) -> Said:
    return ask(*job)


def matrix(said: Iterable[Said]) -> list[str]:
    """Return the lines of the matrix."""
    lines = [f"{'fault':44} seed check found right what was said"]
    for row in said:
        found, right = ("yes" if flag else "NO" for flag in (row.is_found, row.is_right))
        lines.append(
            f"{row.fault:44} {row.check:5} {found:5} {right:5} {row.key}: {row.cause[:70]}"
        )
    return lines


def main() -> int:
    """Print the matrix, and what healthy boards were called; 0 if the goals are met."""
    parser = argparse.ArgumentParser(description="faults × what the bring-up suite says")
    parser.add_argument("--faults", nargs="*", choices=FAULTS, help="only these")
    parser.add_argument("--seeds", type=int, default=200, help="healthy boards")
    parser.add_argument("--boards", type=int, default=3, help="boards that get each fault")
    parser.add_argument("--full", type=int, default=4, help="of those, at level full")
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args()
    names = wanted.faults or FAULTS
    faults = [(setting, 0, "quick") for name in names for setting in FAULTS[name].settings]
    faults += [(name, seed, "quick") for seed in range(1, wanted.boards) for name in names]
    healthy = [
        ("", seed, "full" if seed < wanted.full else "quick") for seed in range(wanted.seeds)
    ]
    with ProcessPoolExecutor(wanted.jobs) as pool:
        said = list(pool.map(_ask, faults))
        print("\n".join(matrix(said)))
        good = list(pool.map(_ask, healthy, chunksize=4))
    found, right = sum(s.is_found for s in said), sum(s.is_right for s in said)
    n_marginal = sum(s.is_marginal for s in good)
    alarms = [s for s in good if s.is_found]
    proved = sum(s.is_proved for s in said + good)
    print(f"faults found {found} of {len(said)}, named right {right} of {len(said)}")
    n_full = sum(s.level == "full" for s in good)
    print(f"healthy boards {len(good)} ({n_full} full, rest quick), false alarms {len(alarms)}")
    print(f"  with a value that is marginal: {n_marginal}")
    for alarm in alarms:
        print(f"  seed {alarm.seed} {alarm.check} {alarm.cause}")
    print(f"left as found, proved: {proved} of {len(said) + len(good)}")
    seconds = [s.seconds for s in good if s.level == "quick"]
    if seconds:
        print(
            f"a quick run of a healthy board: {sorted(seconds)[len(seconds) // 2]:.1f} s (median)"
        )
    is_met = found == len(said) and right >= 0.9 * len(said) and not alarms
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
