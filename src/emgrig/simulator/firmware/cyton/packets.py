"""The Cyton's 33 bytes a conversion, and the means that a Cyton with a Daisy sends in turns.

`sendChannelDataSerial` and `updateBoardData` in `OpenBCI_32bit_Library.cpp`, commit 24e1c426.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PACKET_BYTES: Final = 33
#: What the accelerometer reads while the board lies on a table, in 1/8000 of g.
AT_REST: Final = (160, -320, 8000)
ACCEL_EVERY: Final = 10  #: 25 Hz among 250 packets a second.

Rows = NDArray[np.uint8]


@dataclass
class Means:
    """Two successive results of each chip, averaged as C does: towards zero."""

    is_mended: bool

    def __post_init__(self) -> None:
        self._is_first = True
        self._last = np.zeros((2, 8), np.int64)

    def begin(self) -> None:
        """Begin a run. What the Daisy's first result is averaged with is not cleared."""
        self._is_first = True

    def take(self, data: Rows, number: NDArray[np.int64]) -> Rows:
        """Return the 24 bytes of each packet: the Daisy's mean if its number is even.

        Parameters
        ----------
        data : ndarray of uint8, shape (n, 54)
            Both chips' frames.
        number : ndarray of int64, shape (n,)
            Sample number of each packet.
        """
        codes = codes_of(data.reshape(len(data), 2, 27)[:, :, 3:])
        if self._is_first and self.is_mended:
            self._last = codes[0]
        self._is_first = False
        before = np.concatenate([self._last[None], codes[:-1]])
        self._last = codes[-1]
        means = np.trunc((codes + before) / 2).astype(np.int64)
        chosen = means[np.arange(len(number)), np.where(number % 2, 0, 1)]
        return bytes_of(chosen)


def codes_of(data: Rows) -> NDArray[np.int64]:
    """Return two's complement numbers of the last axis' bytes, three each."""
    parts = data.reshape(*data.shape[:-1], -1, 3).astype(np.int64)
    value = parts[..., 0] << 16 | parts[..., 1] << 8 | parts[..., 2]
    return np.asarray(value - ((value & 0x800000) << 1))


def bytes_of(codes: NDArray[np.int64]) -> Rows:
    """Return three bytes a code, shape (n, 3 * channels)."""
    octets = np.stack([codes >> 16, codes >> 8, codes], axis=-1) & 0xFF
    return octets.astype(np.uint8).reshape(len(codes), -1)


def packets(
    channels: Rows,
    number: NDArray[np.int64],
    millis: NDArray[np.int64],
    *,
    has_accel: bool,
    is_timed: bool,
    is_time_new: bool,
) -> Rows:
    """Return the packets, shape (n, 33).

    `channels` are their 24 bytes; the footer says what the six bytes behind them are: C0h and C1h
    axes or nothing, C3h to C6h an axis and the time, the odd ones in the first packet after `<`.
    """
    made = np.zeros((len(channels), PACKET_BYTES), np.uint8)
    made[:, 0] = 0xA0
    made[:, 1] = number & 0xFF
    made[:, 2:26] = channels
    axes = np.array(AT_REST, ">i2").view(np.uint8).reshape(3, 2)
    if not is_timed:
        made[:, 32] = 0xC0 if has_accel else 0xC1
        if has_accel:
            made[(number % ACCEL_EVERY) == 0, 26:32] = axes.reshape(-1)
        return made
    made[:, 32] = 0xC4 if has_accel else 0xC6
    if is_time_new:
        made[0, 32] -= 1
    for axis, turn in enumerate((7, 8, 9)) if has_accel else ():
        made[(number & 0xFF) % 10 == turn, 26:28] = axes[axis]
    made[:, 28:32] = (millis & 0xFFFFFFFF).astype(">u4").view(np.uint8).reshape(-1, 4)
    return made
