"""What can be known before a recording begins: room on the disk, and a calibration that fits."""

import datetime as dt
import shutil
from pathlib import Path

import numpy as np

from emgrig.calibration.certificate.certificate import Certificate
from emgrig.driver.board import Board
from emgrig.errors import RecordingError

LEAST_ROOM_S = 600.0  #: Without a stated duration there must be room for so long.
#: Bytes that a capture and a BDF+ file take beyond their frames and samples: at most a tenth.
_MARGIN = 1.1
#: Heads and CRCs of a packet and of a capture record, over the usual 16 frames.
_BYTES_AROUND_FRAME = 4


def check_calibration(board: Board, calibration: Certificate) -> None:
    """Refuse a calibration of another board, out of date, or without a gain that is set."""
    calibration.check_board(board.identity, dt.datetime.now(dt.UTC))
    for index in np.flatnonzero(board.chip.powered):
        try:
            calibration.gain_of(int(index) + 1, round(board.chip.gains[index]))
        except ValueError as error:
            raise ValueError(f"{error}; or record nominal volts (--calibration none)") from error


def check_room(board: Board, folder: Path, duration_s: float | None) -> None:
    """Refuse a recording that the disk has no room for: capture and BDF+ file."""
    chip = board.chip
    frame_bytes = board.identity.layout.frame_bytes + _BYTES_AROUND_FRAME
    sample_bytes = 3 * int(chip.powered.sum())
    seconds = LEAST_ROOM_S if duration_s is None else duration_s
    needed = _MARGIN * seconds * chip.rate_hz * (frame_bytes + sample_bytes)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise RecordingError(
            f"{seconds:g} s of recording need {needed / 1e6:.0f} MB in {folder}, "
            f"{free / 1e6:.0f} MB are free; make room or choose another folder"
        )
