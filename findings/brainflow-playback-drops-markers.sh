#!/bin/sh
# BrainFlow's playback board streams a recorded file as if the board were there, to rehearse an experiment or
# to test a program. One would guess that all rows come as they are in the file. In BrainFlow 5.23.0 the
# row of the markers comes as zeros: the file has them, read_file gives them, and the playback does not. The
# sensors' rows are those of the file. A program that cuts epochs by markers finds none in a
# rehearsal, and nothing says why.
# Instead: take markers from read_file by the number of the package, or put them in again with insert_marker.
#
# Output seen:
#     brainflow 5.23.0
#     in the file: markers [7.0, 8.0]
#     played back: 500 of 500 packages, the sensors' rows are the same: True
#     played back: markers []
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q brainflow==5.23.0 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import time
from importlib.metadata import version

import numpy as np
from brainflow import BoardIds, BoardShim, BrainFlowInputParams, DataFilter

BoardShim.disable_board_logger()
print("brainflow", version("brainflow"))
board_id = BoardIds.SYNTHETIC_BOARD.value
marker_row = BoardShim.get_marker_channel(board_id)
sensors = BoardShim.get_exg_channels(board_id)

board = BoardShim(board_id, BrainFlowInputParams())
board.prepare_session()
board.start_stream()
for marker in (7, 8):
    time.sleep(0.8)
    board.insert_marker(marker)
time.sleep(1)
recorded = np.ascontiguousarray(board.get_board_data()[:, :500])
board.release_session()
DataFilter.write_file(recorded, "recording.csv", "w")
file = DataFilter.read_file("recording.csv")
kept = [float(value) for value in file[marker_row] if value]
print("in the file: markers", kept)

params = BrainFlowInputParams()
params.file, params.master_board = "recording.csv", board_id
board = BoardShim(BoardIds.PLAYBACK_FILE_BOARD.value, params)
board.prepare_session()
board.start_stream()
played = np.empty((len(file), 0))
end = time.monotonic() + 60
while played.shape[1] < file.shape[1] and time.monotonic() < end:
    time.sleep(0.2)
    played = np.hstack((played, board.get_board_data()))
board.release_session()
same = played.shape == file.shape and np.allclose(played[sensors], file[sensors])
count = f"{played.shape[1]} of {file.shape[1]} packages"
print(f"played back: {count}, the sensors' rows are the same: {same}")
left = [float(value) for value in played[marker_row] if value]
print("played back: markers", left)
sys.exit(bool(not same or kept != [7.0, 8.0] or left))
PY
