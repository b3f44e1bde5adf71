"""Somebody else's program, in a process of its own: BrainFlow's driver for a Cyton or a Knight.

``python brainflow_client.py PORT BOARD N COMMANDS OUT [POLL_S]``: connect, say the commands one by
one, take N samples or more, what came each POLL_S, and write what BrainFlow says of them, its
answers and its processor time from the first of them on.
"""

import sys
import time
from pathlib import Path

import numpy as np
from brainflow.board_shim import BoardIds, BoardShim, BrainFlowInputParams

BOARDS = {
    "cyton": BoardIds.CYTON_BOARD,
    "cyton-daisy": BoardIds.CYTON_DAISY_BOARD,
    "knight": BoardIds.NEUROPAWN_KNIGHT_BOARD,
}


def main(
    port: str, board: str, n_samples: int, commands: str, out: str, poll_s: float = 0.02
) -> None:
    """Run it."""
    BoardShim.disable_board_logger()
    parameters = BrainFlowInputParams()
    parameters.serial_port = port
    number = BOARDS[board]
    shim = BoardShim(number, parameters)
    shim.prepare_session()
    answers = [shim.config_board(one) for one in commands.split(",") if one]
    shim.start_stream(450_000)
    pieces, n_came, n_before, began_s = [], 0, 0, 0.0
    while n_came < n_samples:
        time.sleep(poll_s)
        pieces.append(shim.get_board_data())
        n_came += pieces[-1].shape[1]
        if not n_before and n_came:
            n_before, began_s = n_came, time.process_time()
    taken_s = time.process_time() - began_s
    values = np.hstack(pieces)
    shim.stop_stream()
    shim.release_session()
    np.savez(
        Path(out),
        uv=values[BoardShim.get_eeg_channels(number)],
        number=values[BoardShim.get_package_num_channel(number)],
        answers=np.array(answers),
        processor_s=taken_s,
        n_taken=n_came - n_before,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:6], *map(float, sys.argv[6:]))
