"""`convert` of half an hour from the simulated board: ``python -m benchmarks.convert``.

Processor time in this process, the median of five; beside it a program that knows where the codes
are and checks nothing: it reads the capture's bytes, takes the 24-bit codes out of them with numpy
as `benchmarks.decode` does, and writes as many. What was made is held against what was recorded:
the same bytes, and all that was produced received or lost.
"""

import json
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks._figures import figure
from benchmarks._recorded import recorded
from benchmarks._timing import seconds_in_turn
from emgrig.protocol.frames import FrameLayout
from emgrig.recording.convert import convert

MINUTES = 30.0
LAYOUT = FrameLayout()


def bare(capture: Path, target: Path) -> None:
    """Take as many frames as there are bytes for, wherever they are; write their codes."""
    octets = np.fromfile(capture, np.uint8)
    frames = octets[: octets.size // 27 * 27].reshape(-1, 27)
    with target.open("wb") as file:
        for begin in range(0, len(frames), 1 << 15):
            words = np.ascontiguousarray(LAYOUT.codes(frames[begin : begin + (1 << 15)]).T, "<i4")
            file.write(words.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        path = recorded(Path(name), MINUTES)
        capture, target = path.with_suffix(".capture"), path.with_name("again.bdf")
        taken_s, bare_s = seconds_in_turn(
            lambda: convert(capture, target, overwrite=True),
            lambda: bare(capture, path.with_name("bare")),
            rounds=5,
            clock=time.process_time,
        )
        assert target.read_bytes() == path.read_bytes(), "converting again gives other bytes"
        account = json.loads(target.with_suffix(".json").read_text("utf-8"))["capture"]
        kept = account["received"] + account["lost"]
        assert account["produced"] == kept == account["unused"] + 60_000 * MINUTES, account
        size_mb = capture.stat().st_size / 1e6
    print(f"convert: {MINUTES:g} minutes, {size_mb:.0f} MB of capture, processor time")
    figure("convert", taken_s, "s", at_most=5.5 / 3)
    figure("convert (MB of capture a second)", size_mb / taken_s, "MB/s", at_least=50)
    figure("convert / the codes alone, unchecked", taken_s / bare_s)


if __name__ == "__main__":
    main()
