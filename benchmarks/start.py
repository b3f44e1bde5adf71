"""How long a command takes to its first word: processor time, help and errors of each.

All of it is compiled before, as pip leaves it, whatever PYTHONDONTWRITEBYTECODE says. The baselines
beside it are an interpreter that does nothing, and one with the libraries that all commands need
(typer, rich; and numpy for those that talk to a board).
"""

import os
import subprocess
import sys
import tempfile

from benchmarks._figures import figure
from emgrig.tools.cli import LATER

GOAL_S = 0.4
ROUNDS = 3
REFUSED = "tcp://127.0.0.1:1"
LINES = (
    "--help",
    *(f"{name} --help" for name in LATER),
    f"bringup {REFUSED}",
    "bringup sim:nonsense",
    "bringup sim: --limits none.toml",
    f"calibrate noise {REFUSED}",
    "calibrate noise sim:nonsense",
    "calibrate noise sim: --gains 7",
    f"desk {REFUSED} --port 0",
    "desk sim:nonsense --port 0",
    f"electrodes {REFUSED}",
    "electrodes sim: --channels 99",
    "session none.toml sim:",
    f"gateway {REFUSED} --tcp :0",
    f"info {REFUSED}",
    "info sim:nonsense",
    "info sim:fault=nonsense",
    "info /dev/nonsense",
    "info cyton:///dev/nonsense",
    "info replay:none.capture",
    f"registers apply {REFUSED} facial-emg",
    "registers decode zz",
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
    "nonsense",
)
#: What ends well, and needs no science.
SHORT = (
    "--version",
    "explain B9",
    "profiles list",
    "config",
    "ports --timeout 0",
    "doctor",
    "registers decode 3C",
    "simulate --list-faults",
    "bringup --list",
)
SHORT_GOAL_S = 0.6


def compiled(folder: str) -> dict[str, str]:
    """Return an environment in which what is imported is kept compiled in a folder."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return env | {"PYTHONPYCACHEPREFIX": folder}


def processor_s(env: dict[str, str], *command: str) -> float:
    """Run Python with these arguments in an empty folder; the least processor time of some runs.

    The first run compiles, and does not count.
    """
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(1 + ROUNDS):
            before = os.times()
            subprocess.run(
                [sys.executable, *command], capture_output=True, cwd=folder, env=env, check=False
            )
            after = os.times()
            used = after.children_user + after.children_system
            taken.append(used - before.children_user - before.children_system)
    return min(taken[1:])


def told(env: dict[str, str], lines: tuple[str, ...]) -> dict[str, float]:
    """Measure lines; print them, the longest first."""
    taken = {line: processor_s(env, "-m", "emgrig", *line.split()) for line in lines}
    for line, used_s in sorted(taken.items(), key=lambda one: -one[1]):
        print(f"  emgrig {line:<46} {used_s:.2f} s")
    return taken


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        env = compiled(folder)
        bare, needed = "an interpreter alone (python -c pass)", "import typer, rich.console"
        figure(bare, processor_s(env, "-c", "pass"), "s")
        figure("with typer and rich", processor_s(env, "-c", needed), "s")
        figure("with numpy too", processor_s(env, "-c", f"{needed}, numpy"), "s")
        first, short = told(env, LINES), told(env, SHORT)
    worst = max(first, key=lambda line: first[line])
    print(f"  the worst is: emgrig {worst}")
    figure("first word, worst command", first[worst], "s", at_most=GOAL_S)
    helps = [used_s for line, used_s in first.items() if "--help" in line]
    figure("help, worst", max(helps), "s", at_most=GOAL_S)
    figure("short commands, worst", max(short.values()), "s", at_most=SHORT_GOAL_S)


if __name__ == "__main__":
    main()
