"""Frames as the HackEEG reads, stamps and writes them: receive_sample and send_sample."""

from binascii import b2a_base64
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.hackeeg.lines import Form

READ_DELAY_S: Final = 12e-6  #: From DRDY to `micros()`.
MOST_FRAME_BYTES: Final = 88  #: A line of hexadecimal digits is the longest form.
_HEAD: Final = bytes((0x82, 0xA1, 0x43, 0xCC, 0xC8, 0xA1, 0x44, 0xC4))
_MOST_KEPT: Final = 1 << 17


class Sampling:
    """Stamps and numbers.

    Parameters
    ----------
    crystal : Crystal
        The board's clock.
    counts_conversions : bool
        False: the number counts what was read.
    """

    def __init__(self, crystal: Crystal, *, counts_conversions: bool) -> None:
        self.number = 0  #: Of the next frame.
        self.last = b""  #: What was read last, with its stamp and number.
        #: Ground truth: the chip's frames, those that were read, in pieces.
        self.sent: deque[NDArray[np.uint8]] = deque()
        self._n_kept = 0
        self._crystal = crystal
        self._counts_conversions = counts_conversions

    def stamped(
        self, times_s: NDArray[np.float64], data: NDArray[np.uint8], index: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Put micros() and the sample number ahead of frames, little-endian.

        Parameters
        ----------
        times_s : ndarray of float64, shape (n,)
            True time of DRDY, s.
        data : ndarray of uint8, shape (n, frame bytes)
        index : ndarray of int64, shape (n,)
            The conversion each is of.

        Returns
        -------
        ndarray of uint8, shape (n, 8 + frame bytes)
        """
        read_s = times_s + READ_DELAY_S - self._crystal.boot_s
        stamps = np.maximum(read_s * self._crystal.per_second, 0).astype(np.int64)
        numbers = index if self._counts_conversions else self.number + np.arange(len(data))
        self.number += len(data)
        rows = np.empty((len(data), 8 + data.shape[1]), np.uint8)
        for at, values in ((0, stamps), (4, numbers)):
            octets = (values & 0xFFFFFFFF).astype("<u4").view(np.uint8)
            rows[:, at : at + 4] = octets.reshape(-1, 4)
        rows[:, 8:] = data
        self._keep(data)
        self.last = rows[-1].tobytes()
        return rows

    def _keep(self, data: NDArray[np.uint8]) -> None:
        self.sent.append(data)
        self._n_kept += len(data)
        while self._n_kept > _MOST_KEPT:
            self._n_kept -= len(self.sent.popleft())


def encoded(rows: NDArray[np.uint8], form: Form, *, is_hex: bool) -> list[bytes]:
    """Return stamped frames as they go out in a mode, one each."""
    if form is Form.MESSAGEPACK:
        head = _HEAD + bytes((rows.shape[1],))
        return [head + row.tobytes() for row in rows]
    if form is Form.TEXT and is_hex:
        return [row.tobytes().hex().upper().encode() + b"\r\n" for row in rows]
    coded = (b2a_base64(row.tobytes(), newline=False) for row in rows)
    if form is Form.JSON:
        return [b'{"C":200,"D":"' + one + b'"}\n' for one in coded]
    return [one + b"\r\n" for one in coded]
