"""Change the code at random and see whether its tests notice: ``make mutants``.

Modules and tests are listed in pyproject.toml, [tool.mutmut]; mutmut makes the changes and runs the
tests that reach them. Survivors that mean nothing are listed in docs/mutants.md.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

from mutmut.configuration import config
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

KILLED_AT_LEAST = 0.9
SURVIVED, NO_TEST = 0, 33  # mutmut's codes


def every_mutant() -> list[str]:
    """Return the names of all changes that can be made, always in the same order."""
    made = [
        (Path(name), mutate_file_contents(name, Path(name).read_text("utf-8")))
        for name in sorted(config().only_mutate)
    ]
    return [get_mutant_name(path, one) for path, file in made for one in file.mutant_names]


def verdicts() -> dict[str, int | None]:
    """Return what became of each mutant, as mutmut has written it down."""
    files = Path("mutants").rglob("*.meta")
    return {
        name: code
        for file in files
        for name, code in json.loads(file.read_text("utf-8"))["exit_code_by_key"].items()
    }


def main() -> None:
    """Draw, run, and show what survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", type=int, default=0, help="so many at random; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    names = every_mutant()
    drawn = random.Random(asked.seed).sample(names, asked.draw) if asked.draw else names
    mutmut = Path(sys.executable).with_name("mutmut")
    shutil.rmtree("mutants", ignore_errors=True)  # verdicts of other tests would be kept
    wanted = drawn if asked.draw else []
    subprocess.run([mutmut, "run", "--max-children", "1", *wanted], check=True)
    found = verdicts()
    survived = [name for name in drawn if found[name] in (SURVIVED, NO_TEST, None)]
    for name in survived:
        subprocess.run([mutmut, "show", name], check=True)
    n_killed = len(drawn) - len(survived)
    print(
        f"{n_killed} of {len(drawn)} mutants killed ({n_killed / len(drawn):.0%}), drawn from "
        f"{len(names)} with seed {asked.seed}; docs/mutants.md says which survivors mean nothing"
    )
    sys.exit(n_killed < KILLED_AT_LEAST * len(drawn))


if __name__ == "__main__":
    main()
