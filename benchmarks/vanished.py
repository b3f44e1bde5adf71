"""A port that is gone: what it costs to wait for it.

The twin streams over a pseudo-terminal, and is ended: the port is gone, and the stream tries to
open it anew until it gives up. Measured is the processor time of that wait, all threads, as a share
of a core.
"""

import argparse
import time

import emgrig
from benchmarks._figures import figure
from benchmarks._simulated import simulated
from emgrig.errors import TransportError

BOARDS = ("native", "cyton", "hackeeg", "knight")
N_BLOCKS = 5
GOAL = 1.0


def wait_for(board: str) -> float:
    """Return how much of a core a stream takes whose port is gone, %."""
    options = () if board == "native" else ("--as", board)
    with simulated(*options, "--pty", "--speed", "real", "--source", "silence") as address:
        connected = emgrig.connect(address)
        stream = connected.stream()
        for _ in range(N_BLOCKS):
            next(stream)
    began_s, began_processor_s = time.monotonic(), time.process_time()
    try:
        list(stream)
    except TransportError:
        taken_s = time.process_time() - began_processor_s
        return 100 * taken_s / (time.monotonic() - began_s)
    finally:
        connected.close()
    raise AssertionError("the port was gone, and the stream ended without a word")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks vanished")
    parser.add_argument("--board", choices=BOARDS, action="append", default=[])
    given = parser.parse_args()
    for board in given.board or BOARDS:
        figure(
            f"{board}: to wait for a port that is gone",
            wait_for(board),
            "% of a core",
            at_most=GOAL,
        )


if __name__ == "__main__":
    main()
