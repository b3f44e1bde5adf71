"""Run the benchmarks of docs/performance.md, or those that are named.

    python -m benchmarks                        # what `make benchmark` runs
    python -m benchmarks decode tcp_driver
    python -m benchmarks endurance --hours 24   # options after a name go to the benchmark

Each runs in a process of its own. In front of all names: ``--list`` says what there is;
``--busy 2`` lets two endless loops run beside them; ``--no-keep`` leaves the file of figures as it
is; ``--page`` only makes the tables and plots of docs/performance.md anew, from that file.
"""

import argparse
import ast
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from benchmarks import _figures, _page

#: What is measured of speed where people feel it; the others take long or measure something else.
TABLE = (
    "decode",
    "record_path",
    "tcp_driver",
    "cyton_driver",
    "many_boards",
    "simulator_realtime",
    "record_sim",
    "convert",
    "export",
    "analyse",
    "analysis_envelope",
    "spotting_speed",
    "start",
    "bringup",
    "desk",
    "growth",
)
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


@contextmanager
def _busy(n: int) -> Iterator[None]:
    """Let so many endless loops run meanwhile."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def _every() -> dict[str, Path]:
    """Return all benchmarks, by name."""
    here = Path(__file__).parent
    modules = [*here.glob("[!_]*.py"), *here.glob("*/__init__.py")]
    named = {p.parent.name if p.name == "__init__.py" else p.stem: p for p in modules}
    return {name: named[name] for name in sorted(named) if not name.startswith("_")}


def _options() -> tuple[argparse.Namespace, list[str], list[str]]:
    """Return our options, the names, and what goes to the benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="endless loops beside it")
    parser.add_argument("--no-keep", action="store_true", help="leave the file of figures alone")
    parser.add_argument("--page", action="store_true", help="only make docs/performance.md anew")
    parser.add_argument("names", nargs=argparse.REMAINDER, metavar="NAME ... [OPTION ...]")
    given = parser.parse_args()
    names = list(takewhile(lambda word: not word.startswith("-"), given.names))
    rest = given.names[len(names) :]
    every = _every()
    if unknown := set(names) - set(every):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    if rest and len(names) != 1:
        parser.error(f"{rest[0]} goes to one benchmark: name it")
    return given, names, rest


def main() -> None:
    """Run them one after the other."""
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], sys.argv[3:])
        return
    given, names, rest = _options()
    if given.list:
        for name, path in _every().items():
            told = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()[0]
            print(f"{'*' if name in TABLE else ' '} {name:22}{told}")
        print("* are run by `make benchmark`")
        return
    if given.page:
        _page.write(TABLE)
        return
    load, stolen_s, begin = os.getloadavg()[0], _figures.stolen_s(), time.perf_counter()
    figures, failed = {}, []
    with _busy(given.busy):
        for name in names or TABLE:
            figures[name], well = _run(name, rest)
            failed += [] if well else [name]
    machine = _figures.machine_now(load, stolen_s, time.perf_counter() - begin)
    machine["busy_loops"] = given.busy
    run = _figures.Run({name: taken for name, taken in figures.items() if taken}, machine)
    if run.figures:
        _end(run, keep=not given.no_keep)
    if failed:
        sys.exit(f"ended with an error: {', '.join(failed)}")


def _end(run: _figures.Run, *, keep: bool) -> None:
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
    before = _figures.last_values(_figures.FILE, told)
    worse = _figures.compare(run, before)
    if worse:
        print("\n".join(["  worse than the last run by more than a tenth:", *worse]))
    if keep:
        with _figures.FILE.open("a") as file:
            file.write(run.as_line() + "\n")
        print(f"  kept in {_figures.FILE}")


if __name__ == "__main__":
    main()
