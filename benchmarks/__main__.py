"""Run every benchmark, or those that are named: ``python -m benchmarks decode tcp_driver``.

What follows the first option goes to the benchmark: ``python -m benchmarks endurance --hours 24``.
Each runs in a process of its own. The figures of a run are kept, see ``_figures``; ``--no-keep``
in front of all names leaves the file as it is.
"""

import importlib
import os
import subprocess
import sys
import tempfile
import time
from itertools import takewhile
from pathlib import Path

from benchmarks import _figures

KEPT = "EMGRIG_BENCHMARK_KEPT"


def _child(name: str, options: list[str]) -> None:
    sys.argv = [name, *options]
    try:
        importlib.import_module(f"benchmarks.{name}").main()
    finally:
        _figures.write_kept(Path(os.environ[KEPT]))


def _run(name: str, options: list[str]) -> tuple[list[_figures.Figure], bool]:
    """Run one benchmark; return its figures and whether it ended well."""
    print(f"== {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "figures.json"
        kept.touch()
        command = [sys.executable, "-m", "benchmarks", "--child", name, *options]
        ended = subprocess.run(command, env={**os.environ, KEPT: str(kept)}, check=False)
        return _figures.read_kept(kept), ended.returncode == 0


def main() -> None:
    """Run them one after the other."""
    words = sys.argv[1:]
    if words[:1] == ["--child"]:
        _child(words[1], words[2:])
        return
    keep = words[:1] != ["--no-keep"]
    words = words if keep else words[1:]
    here = Path(__file__).parent
    modules = [*here.glob("*.py"), *(p.parent for p in here.glob("*/__init__.py"))]
    every = sorted(p.stem for p in modules if not p.stem.startswith("_"))
    named = list(takewhile(lambda word: not word.startswith("-"), words))
    options = words[len(named) :]
    unknown = set(named) - set(every)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    if options and len(named) != 1:
        sys.exit(f"{options[0]} goes to one benchmark: name it; there are {', '.join(every)}")
    load, stolen_s, begin = os.getloadavg()[0], _figures.stolen_s(), time.perf_counter()
    figures, failed = {}, []
    for name in named or every:
        figures[name], well = _run(name, options)
        failed += [] if well else [name]
    machine = _figures.machine_now(load, stolen_s, time.perf_counter() - begin)
    run = _figures.Run({name: taken for name, taken in figures.items() if taken}, machine)
    if run.figures:
        _end(run, keep)
    if failed:
        sys.exit(f"ended with an error: {', '.join(failed)}")


def _end(run: _figures.Run, keep: bool) -> None:
    """Say what missed its goal and what got worse; keep the run."""
    print("== all")
    told = run.machine
    print(
        f"  {told['processor']}, {told['cores']} cores, load {told['load_at_begin']} at the begin,"
        f" {told['stolen_share']:.0%} of the time taken by the host, {told['commit']}"
    )
    for name, taken in run.figures.items():
        for one in _figures.missed(taken):
            print(f"  goal missed: {name}: {one.line().strip()}")
    before = _figures.last_values(_figures.FILE, told["processor"], told["cores"])
    worse = _figures.compare(run, before)
    if worse:
        print("\n".join(["  worse than the last run by more than a tenth:", *worse]))
    if keep:
        with _figures.FILE.open("a") as file:
            file.write(run.as_line() + "\n")
        print(f"  kept in {_figures.FILE}")


if __name__ == "__main__":
    main()
