"""BrainFlow in a process of its own, with whatever Python it is installed in.

``python _brainflow_reader.py BOARD WHERE OUT N_SAMPLES:POLL_S…``: BOARD is ``cyton`` (WHERE is its
port) or ``cyton-wifi`` (WHERE is the shield's IP address). Each POLL_S seconds all samples that
came are taken, in µV, until there are N_SAMPLES; then so at the next pace. OUT gets, as JSON, the
processor seconds of all threads and the samples at each pace, and the packet numbers.
"""

import json
import socket
import sys
import time
from pathlib import Path

from brainflow.board_shim import (  # type: ignore[import-not-found]
    BoardIds,
    BoardShim,
    BrainFlowInputParams,
)


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(board: str, where: str, out: str, *paces: str) -> None:
    """Run it."""
    BoardShim.disable_board_logger()
    parameters = BrainFlowInputParams()
    number = BoardIds.CYTON_BOARD
    if board == "cyton-wifi":
        number = BoardIds.CYTON_WIFI_BOARD
        parameters.ip_address, parameters.ip_port = where, free_port()
    else:
        parameters.serial_port = where
    counter = BoardShim.get_package_num_channel(number)
    channels = BoardShim.get_eeg_channels(number)
    shim = BoardShim(number, parameters)
    shim.prepare_session()
    shim.start_stream(450_000)
    while shim.get_board_data_count() < 16:  # what is made once is not counted
        time.sleep(0.01)
    numbers, taken = shim.get_board_data()[counter].tolist(), []
    for pace in paces:
        n_samples, poll_s = int(pace.partition(":")[0]), float(pace.partition(":")[2])
        begin_s, n_before, check = time.process_time(), len(numbers), 0.0
        while len(numbers) - n_before < n_samples:
            time.sleep(poll_s)
            values = shim.get_board_data()
            if values.shape[1]:
                numbers += values[counter].tolist()
                check += float(values[channels[0], 0])
        taken_s = time.process_time() - begin_s
        taken.append({"processor_s": taken_s, "n": len(numbers) - n_before})
    shim.stop_stream()
    numbers += shim.get_board_data()[counter].tolist()
    shim.release_session()
    Path(out).write_text(json.dumps({"taken": taken, "numbers": numbers}))


if __name__ == "__main__":
    main(*sys.argv[1:])
