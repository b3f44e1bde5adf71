"""Run every benchmark, or those that are named: ``python -m benchmarks decode tcp_driver``.

What follows the first option goes to the benchmark: ``python -m benchmarks endurance --hours 24``.
"""

import importlib
import sys
from itertools import takewhile
from pathlib import Path


def main() -> None:
    """Run them one after the other."""
    here = Path(__file__).parent
    modules = [*here.glob("*.py"), *(p.parent for p in here.glob("*/__init__.py"))]
    every = sorted(p.stem for p in modules if not p.stem.startswith("_"))
    named = list(takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
    options = sys.argv[1 + len(named) :]
    unknown = set(named) - set(every)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    if options and len(named) != 1:
        sys.exit(f"{options[0]} goes to one benchmark: name it; there are {', '.join(every)}")
    for name in named or every:
        print(f"== {name}", flush=True)
        sys.argv = [name, *options]
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
