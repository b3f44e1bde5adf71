"""Run every benchmark, or those that are named: ``python -m benchmarks decode tcp_driver``."""

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Run them one after the other."""
    here = Path(__file__).parent
    every = sorted(p.stem for p in here.glob("*.py") if not p.stem.startswith("_"))
    unknown = set(sys.argv[1:]) - set(every)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    named = sys.argv[1:]
    for name in named or every:
        print(f"== {name}", flush=True)
        sys.argv = [name]
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
