"""Write the tables of `docs/bringup.md`: checks from the suite, faults from the catalogue.

Run ``python tests/bringup_tables.py docs/bringup.md`` after one of them changed; a test holds the
document and the code together.
"""

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path

from emgrig.hil_tests.judging.check import suite_functions
from emgrig.simulator.faults.named import FAULTS, parameters_of

_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def amounts(function: Callable[..., None], is_full: bool) -> str:
    """Return what a check does at a level, from its constants that hold both: 3000 frames."""
    said = []
    for name in function.__code__.co_names:
        held = function.__globals__.get(name)
        if isinstance(held, dict) and set(held) == {False, True}:
            word = name.lower().removeprefix("n_").removeprefix("duration_").removesuffix("_hz")
            if not isinstance(held[is_full], tuple):
                said.append(f"{held[is_full]:g} {word}")
            elif held[is_full]:
                said.append(f"{word} {', '.join(map(str, held[is_full]))}")
    return "; ".join(said)


def table_of_checks() -> str:
    lines = ["| layer | check | question | how | quick | full |", "|---|---|---|---|---|---|"]
    before = None
    for info, function in suite_functions():
        layer = "" if info.layer is before else info.layer.title
        how = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        sizes = f"{amounts(function, False)} | {amounts(function, True)}"
        lines.append(f"| {layer} | {info.number} | {info.title} | {how} | {sizes} |")
        before = info.layer
    return "\n".join(lines) + "\n"


def table_of_faults() -> str:
    lines = ["| fault | what is seen | found by | cause | parameters |", "|---|---|---|---|---|"]
    for fault in FAULTS.values():
        given = [
            f"`{name}={p.default:g}`" if isinstance(p.default, float) else f"`{name}={p.default}`"
            for name, p in parameters_of(fault).items()
        ]
        lines.append(
            f"| `{fault.name}` | {fault.effect} | {fault.found_by} | `{fault.cause}` | "
            f"{', '.join(given)} |"
        )
    return "\n".join(lines) + "\n"


def fill(document: str) -> str:
    """Return `document` with every table made anew."""
    made = {"checks": table_of_checks, "faults": table_of_faults}
    return _BLOCK.sub(lambda found: found[1] + made[found[2]]() + found[3], document)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(fill(target.read_text("utf-8")), "utf-8")
