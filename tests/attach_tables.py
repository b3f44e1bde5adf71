"""Write the tables of `docs/attach.md`: rules and causes with their fixes, and processors.

Run ``python tests/attach_tables.py docs/attach.md`` after one of them changed; a test holds the
document and the code together.
"""

import re
import sys
from pathlib import Path

from emgrig.attach.options import PROCESSORS
from emgrig.attach.report.causes import ABOUT, Cause
from emgrig.simulator.chip.violations import Rule

_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _table(kind: type[Cause] | type[Rule]) -> str:
    lines = [f"| {kind.__name__.lower()} | where it is said | what to do |", "|---|---|---|"]
    lines += [
        f"| {one.value} | {ABOUT[one].section} | {ABOUT[one].fix} |"
        for one in ABOUT
        if isinstance(one, kind)
    ]
    return "\n".join(lines) + "\n"


def table_of_processors() -> str:
    lines = ["| processor | call, µs | hold, µs | pause, µs |", "|---|---|---|---|"]
    for name, one in PROCESSORS.items():
        times = [f"{value * 1e6:.3g}" for value in (one.call_s, one.hold_s, one.pause_s)]
        lines.append(f"| {name} | {' | '.join(times)} |")
    return "\n".join(lines) + "\n"


def fill(text: str) -> str:
    """Return the document with its tables made anew."""
    made = {
        "rules": _table(Rule),
        "causes": _table(Cause),
        "processors": table_of_processors(),
    }
    return _BLOCK.sub(lambda found: found[1] + made[found[2]] + found[3], text)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(fill(path.read_text("utf-8")), "utf-8")
