"""Bad boards and bad lines, 25 plays of each, on virtual time: what is wrong, twice or unaccounted.

``python -m benchmarks attack``, or ``python benchmarks/attack.py SEEDS``; the figures go to
build/attack.json. The kinds are those of tests/attack_kinds.py; the tests play one or two of each.
"""

import importlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

KINDS = importlib.import_module("attack_kinds").KINDS
play = importlib.import_module("attack_play").play

SEEDS = 25
OUT = Path("build") / "attack.json"


def main() -> None:
    """Play all of them, and write the figures."""
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
    began_s, rows = time.perf_counter(), {}
    for kind in KINDS:
        played = [play(kind, seed) for seed in seeds]
        rows[kind] = {
            "plays": len(played),
            "wrong": sum(one.wrong for one in played),
            "twice": sum(one.twice for one in played),
            "delivered": sum(one.delivered for one in played),
            "unaccounted": sum(abs(one.produced - one.accounted) for one in played if one.is_known),
            "not_to_be_known": sum(not one.is_known for one in played),
            "ended_by_an_error": sum(bool(one.error) for one in played),
            "longest_s": max(one.took_s for one in played),
            "faults": sum(bool(one.faults) for one in played),
            "seen": sorted({fault for one in played for fault in one.faults})[:5],
            "errors": sorted({one.error[:120] for one in played if one.error})[:5],
        }
        row = rows[kind]
        print(
            f"{kind:28} wrong {row['wrong']}, twice {row['twice']}, unaccounted "
            f"{row['unaccounted']}, errors {row['ended_by_an_error']}, longest "
            f"{row['longest_s']:.1f} s" + (f"  FAULT {row['seen']}" if row["faults"] else ""),
            flush=True,
        )
    n_faults = sum(row["faults"] for row in rows.values())
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"kinds": rows, "faults": n_faults}, indent=1) + "\n", "utf-8")
    n_plays = len(rows) * len(seeds)
    took_s = time.perf_counter() - began_s
    print(f"{n_plays} plays of {len(rows)} kinds in {took_s:.0f} s: {n_faults} faults; {OUT}")
    if n_faults:
        sys.exit(1)


if __name__ == "__main__":
    main()
