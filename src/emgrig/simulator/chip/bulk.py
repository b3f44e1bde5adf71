"""Reading many frames at once, without the bytes: the vectorised path of `Ads1299Chip.stream`.

It is taken where nothing can happen between DRDY falls; `SerialInterface.can_skip` decides.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.chip.serial_interface import (
    CS_HIGH_TICKS,
    DECODE_TICKS,
    SUBTICKS,
    SerialInterface,
)

_AFTER_BYTES: Final = (DECODE_TICKS + CS_HIGH_TICKS) * SUBTICKS


@dataclass(frozen=True)
class Frames:
    """Consecutive frames as a host clocked them out."""

    ticks: NDArray[np.int64]  #: int64, shape (n_frames,); When DRDY fell for each, tCLK.
    data: NDArray[np.uint8]  #: uint8, shape (n_frames, frame_bytes); The bytes on MISO.

    @classmethod
    def none(cls, frame_bytes: int) -> "Frames":
        """Return no frames, of `frame_bytes` each."""
        return cls(np.empty(0, np.int64), np.empty((0, frame_bytes), np.uint8))

    @classmethod
    def one(cls, tick: int, miso: bytes) -> "Frames":
        """Return one frame whose DRDY fell at `tick`."""
        data = np.frombuffer(bytearray(miso), np.uint8)
        return cls(np.array([tick], np.int64), data.reshape(1, -1))

    @classmethod
    def joined(cls, pieces: "list[Frames]", frame_bytes: int) -> "Frames":
        """Return all frames of some pieces, of `frame_bytes` each."""
        if len(pieces) == 1:  # the usual case: no copy
            return pieces[0]
        if not pieces:
            return cls.none(frame_bytes)
        ticks = np.concatenate([piece.ticks for piece in pieces])
        return cls(ticks, np.concatenate([piece.data for piece in pieces]))


def n_in_bulk(
    spi: SerialInterface, count: int | None, until_tick: int | None, bytes_time: int, every: int
) -> int:
    """Return for how many DRDY falls frames may be made at once now; the last of them is read.

    Parameters
    ----------
    spi : SerialInterface
        The chip.
    count, until_tick : int or None
        Frames to read at most, and the last tick at which DRDY may fall; one of them is given.
    bytes_time : int
        Subticks that the bytes of one frame take.
    every : int
        Only falls whose number is a multiple of it are read.
    """
    sequencer = spi.core.sequencer
    if sequencer.next_fall is None or not spi.can_skip(bytes_time + _AFTER_BYTES):
        return 0
    n_read = sequencer.n_falls // every
    last_read = n_read + (count or 0)
    if until_tick is not None:
        n_until = max(0, (until_tick - sequencer.next_fall) // sequencer.period_ticks + 1)
        until_read = (sequencer.n_falls + n_until) // every
        last_read = until_read if count is None else min(last_read, until_read)
    return last_read * every - sequencer.n_falls if last_read > n_read else 0


def read_in_bulk(
    spi: SerialInterface, n_falls: int, n_bytes: int, bytes_time: int, every: int
) -> Frames:
    """Make the frames of the next `n_falls` DRDY falls, at most `n_in_bulk`, of `n_bytes` each."""
    first = -(spi.core.sequencer.n_falls + 1) % every
    ticks, data = _rows(spi, n_falls, n_bytes)
    frames = Frames(ticks[first::every], data[first::every])
    is_whole = 8 * n_bytes >= spi.core.output.n_bits
    n_read = len(frames.ticks) if is_whole else 0
    spi.skip(int(ticks[-1]), bytes_time, bytes_time + _AFTER_BYTES, n_read)
    return frames


def _rows(
    spi: SerialInterface, count: int, n_bytes: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    ticks, own = spi.core.sequencer.read_frames(count)
    n_own = own.shape[1]
    # a chip at DAISY_IN converts too, whether its bytes are wanted or not
    behind = None if spi.daisy_in is None else _rows(spi.daisy_in, count, max(n_bytes - n_own, 1))
    if n_bytes <= n_own:
        return ticks, own[:, :n_bytes]
    if spi.core.registers.is_multiple_readback:
        return ticks, np.tile(own, (1, -(-n_bytes // n_own)))[:, :n_bytes]
    rest = np.zeros((count, n_bytes - n_own), np.uint8) if behind is None else behind[1]
    return ticks, np.concatenate((own, rest), axis=1)
