"""BrainFlow reads our simulated Cyton over a pseudo-terminal, and every value is checked.

    pip install brainflow==5.23.0
    python examples/cyton/brainflow_values.py 60

It serves the twin of an OpenBCI Cyton, lets BrainFlow's own driver take so many seconds of it, and
holds each value against what the simulated chip gave: no gap, and within half a code.
"""

import sys
import time

import numpy as np

from emgrig.simulator.assembly import build_board
from emgrig.simulator.firmware.cyton.processor import Cyton
from emgrig.simulator.options import parse_query
from emgrig.simulator.serve import serve_pty


def taken(port: str, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what BrainFlow says: microvolts, shape (n_samples, 8), and its sample numbers."""
    from brainflow.board_shim import (  # type: ignore[import-not-found]
        BoardIds,
        BoardShim,
        BrainFlowInputParams,
    )

    BoardShim.disable_board_logger()
    parameters = BrainFlowInputParams()
    parameters.serial_port = port
    board = BoardShim(BoardIds.CYTON_BOARD, parameters)
    board.prepare_session()
    board.config_board("x1020110X")  # channel 1 at gain 4
    board.start_stream()
    time.sleep(seconds)
    values = board.get_board_data()
    board.stop_stream()
    board.release_session()
    return values[BoardShim.get_eeg_channels(BoardIds.CYTON_BOARD)].T, values[0]


def main(seconds: float) -> bool:
    """Run it, say what came, and return whether all of it was right."""
    twin = build_board(parse_query("bench&source=sine:3mV,7Hz&firmware=cyton"))
    with serve_pty(twin, speed=1.0) as server:
        uv, number = taken(server.address.removeprefix("serial://"), seconds)
        assert isinstance(twin.firmware, Cyton)
        sent = [frame for _, frame in twin.firmware.sending.sent]
    codes = np.array(
        [
            [int.from_bytes(frame[at : at + 3], "big", signed=True) for at in range(3, 27, 3)]
            for frame in sent[: len(uv)]
        ]
    )
    code_uv = 4.5e6 / 2**23 / np.array([4, *[24] * 7])
    n_gaps = int((np.diff(number) % 256 != 1).sum())
    worst = float(np.abs(uv / code_uv - codes).max())
    print(f"{len(uv)} samples in {seconds:g} s, {n_gaps} gaps, at most {worst:.3f} of a code off")
    return not n_gaps and worst <= 0.5


if __name__ == "__main__":
    sys.exit(not main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0))
