"""How long a command takes to its first word: processor time, help and errors of each.

The baselines beside it are an interpreter that does nothing, and one with the libraries that all
commands need (typer, rich; and numpy for those that talk to a board).
"""

import os
import subprocess
import sys
import tempfile

from benchmarks._figures import figure

GOAL_S = 0.4
ROUNDS = 3
REFUSED = "tcp://127.0.0.1:1"
LINES = (
    "--help",
    "bringup --help",
    "calibrate --help",
    "desk --help",
    "sync --help",
    "history --help",
    "study --help",
    "record --help",
    f"bringup {REFUSED}",
    f"calibrate noise {REFUSED}",
    "calibrate noise sim:nonsense",
    f"desk {REFUSED} --port 0",
    "desk sim:nonsense --port 0",
    f"electrodes {REFUSED}",
    "session none.toml sim:",
    f"gateway {REFUSED} --tcp :0",
    f"info {REFUSED}",
    "info sim:nonsense",
    f"record {REFUSED} -o x.bdf",
    "record sim:nonsense -o x.bdf",
    "convert none.raw",
    "export none.bdf --csv x.csv",
    "analyse none.bdf -o x",
    "compare none.bdf other.bdf",
    "view none.bdf",
    "plot none.bdf -o x.png",
    "sync none.bdf none.csv",
    "history none.json",
    "study run none",
    "study report none",
    "explain nonsense",
    "profiles show nonsense",
    "simulate --source nonsense",
)


def processor_s(*command: str) -> float:
    """Run Python with these arguments in an empty folder; the least processor time of some runs."""
    least = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            before = os.times()
            subprocess.run([sys.executable, *command], capture_output=True, cwd=folder, check=False)
            after = os.times()
            used = after.children_user + after.children_system
            least = min(least, used - before.children_user - before.children_system)
    return least


def main() -> None:
    """Measure and print."""
    processor_s("-m", "emgrig", "--help")  # sources are compiled
    figure("an interpreter alone (python -c pass)", processor_s("-c", "pass"), "s")
    figure("with typer and rich", processor_s("-c", "import typer, rich.console"), "s")
    figure("with numpy too", processor_s("-c", "import typer, rich.console, numpy"), "s")
    taken = {line: processor_s("-m", "emgrig", *line.split()) for line in LINES}
    for line, used_s in sorted(taken.items(), key=lambda one: -one[1]):
        print(f"  emgrig {line:<46} {used_s:.2f} s")
    worst = max(taken, key=lambda line: taken[line])
    print(f"  the worst is: emgrig {worst}")
    figure("first word, worst command", taken[worst], "s", at_most=GOAL_S)
    figure("help, worst", max(v for k, v in taken.items() if "--help" in k), "s", at_most=GOAL_S)


if __name__ == "__main__":
    main()
