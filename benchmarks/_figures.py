"""The figures of a run: printed, held against their goals, kept in a file, compared with the last.

A benchmark calls `figure` for each value that it claims. ``python -m benchmarks`` writes those of
all benchmarks of a run as one line of JSON into ``benchmarks/figures.jsonl``, with the machine, the
versions and the commit, and says which got worse by more than a tenth since the last run there on
such a machine.
"""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "figures.jsonl"
WORSE = 0.1
PACKAGES = ("emgrig", "numpy", "scipy", "polars", "pyarrow", "brainflow", "neurokit2", "nicegui")


@dataclass(frozen=True)
class Figure:
    """One value of a benchmark. `at_most` or `at_least` is its goal; neither: it is only told."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.at_most is not None:
            return self.value <= self.at_most
        return None if self.at_least is None else self.value >= self.at_least

    def line(self) -> str:
        """Return the figure as it is printed."""
        text = f"  {self.name:<58} {self.value:10.4g} {self.unit}"
        if self.met is None:
            return text.rstrip()
        words = "at most" if self.at_most is not None else "at least"
        goal = self.at_most if self.at_most is not None else self.at_least
        return f"{text}  (goal: {words} {goal:g}: {'met' if self.met else 'MISSED'})"


_KEPT: list[Figure] = []


def figure(
    name: str,
    value: float,
    unit: str = "",
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> None:
    """Print a figure and keep it for the file. `unit` is empty for a ratio."""
    if any(one.name == name for one in _KEPT):
        raise ValueError(f"two figures called {name!r}")
    kept = Figure(name, float(value), unit, at_most, at_least)
    _KEPT.append(kept)
    print(kept.line(), flush=True)


def write_kept(path: Path) -> None:
    """Write what this process kept, for the process that started it."""
    path.write_text(json.dumps([asdict(kept) for kept in _KEPT]))


def read_kept(path: Path) -> list[Figure]:
    """Read what a benchmark's process wrote; nothing where it ended before that."""
    return [Figure(**one) for one in json.loads(path.read_text() or "[]")]


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    for line in told.read_text().splitlines() if told.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        cwd=FILE.parent,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def stolen_s() -> float:
    """Return the seconds that the host of a virtual machine gave to others, all cores."""
    try:
        return int(Path("/proc/stat").read_text().split()[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


@dataclass
class Run:
    """The figures of one run, and the machine they were taken on."""

    figures: dict[str, list[Figure]]
    machine: dict[str, Any]

    def as_line(self) -> str:
        """Return the run as one line of JSON."""
        told = {name: [asdict(one) for one in every] for name, every in self.figures.items()}
        return json.dumps({**self.machine, "figures": told})


def machine_now(load: float, began_stolen_s: float, seconds: float) -> dict[str, Any]:
    """Return what a reader must know of the machine to compare figures."""
    cores = os.cpu_count() or 1
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "processor": _processor(),
        "cores": cores,
        "system": platform.platform(terse=True),
        "versions": _versions(),
        "load_at_begin": round(load, 2),
        "stolen_share": round((stolen_s() - began_stolen_s) / max(seconds * cores, 1e-9), 3),
        "seconds": round(seconds, 1),
    }


def kept_runs(path: Path) -> list[dict[str, Any]]:
    """Return the runs of the file, oldest first."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def last_values(path: Path, machine: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Return the newest value of each figure that was taken on such a machine, as busy."""
    alike = ("processor", "cores", "busy_loops")
    values: dict[tuple[str, str], float] = {}
    for run in kept_runs(path):
        if all(run[key] == machine[key] for key in alike):
            for benchmark, every in run["figures"].items():
                values |= {(benchmark, one["name"]): one["value"] for one in every}
    return values


def compare(run: Run, before: dict[tuple[str, str], float]) -> list[str]:
    """Return a line for each figure that is worse than before by more than a tenth.

    A figure without a goal counts as worse where it grew, for such figures are times and sizes;
    one in "x", times real time, counts as worse where it fell.
    """
    lines = []
    for benchmark, every in run.figures.items():
        for one in every:
            old = before.get((benchmark, one.name))
            if not old or not one.value:
                continue
            is_good = one.at_least is not None or one.unit == "x"
            grew = old / one.value if is_good else one.value / old
            if grew > 1 + WORSE:
                lines.append(
                    f"  {benchmark}: {one.name}: {old:.4g} -> {one.value:.4g} {one.unit}".rstrip()
                    + f" (worse by {grew - 1:.0%})"
                )
    return lines


def missed(figures: Sequence[Figure]) -> list[Figure]:
    """Return those that missed their goal."""
    return [one for one in figures if one.met is False]
