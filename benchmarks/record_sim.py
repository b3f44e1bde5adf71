"""`record sim:` of half an hour, as a person runs it: ``python -m benchmarks record_sim``.

Processor time of the whole command, with its start, its capture and its BDF+ file; the median of
three. What was recorded is held against what the board made: produced = received + lost.
"""

import json
import statistics
import tempfile
from pathlib import Path

from benchmarks._figures import figure
from benchmarks._recorded import recorded
from benchmarks._timing import children_s

MINUTES = 30.0
GOAL_S = 18.0 / 3  #: A third of what it took before anyone looked.


def main() -> None:
    """Print the figures."""
    taken_s = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            before_s = children_s()
            path = recorded(Path(folder), MINUTES)
            taken_s.append(children_s() - before_s)
            account = json.loads(path.with_suffix(".json").read_text("utf-8"))["capture"]
        assert account["produced"] == account["received"] + account["lost"], account
        assert account["received"] >= 60_000 * MINUTES, account
    print(f"record sim:, {MINUTES:g} minutes, 8 channels at 1000 SPS, processor time")
    figure("record sim:", statistics.median(taken_s), "s", at_most=GOAL_S)
    figure("record sim: (times real time)", 60 * MINUTES / statistics.median(taken_s), "x")


if __name__ == "__main__":
    main()
