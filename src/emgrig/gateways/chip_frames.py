"""Frames of others as a chip would send them: status word or zeros, then codes of 24 bits."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.gateways.decoding import Rows, rows_in
from emgrig.gateways.template import FrameTemplate

_STATUS_BYTES: Final = 3
_CODE_BYTES: Final = 3


class ChipFrames:
    """Put the bytes of a template's frames where a chip has them.

    Parameters
    ----------
    template : FrameTemplate
        Codes of whole bytes are only moved; others are shifted.
    """

    def __init__(self, template: FrameTemplate) -> None:
        self._template = template
        n_chips, per_chip = template.parts
        self.frame_bytes = n_chips * (_STATUS_BYTES + _CODE_BYTES * per_chip)
        source = np.full((n_chips, 1 + per_chip, _CODE_BYTES), -1, np.intp)
        self._moves_codes = template.channels.bits % 8 == 0
        if self._moves_codes:
            source[:, 1:] = _code_places(template).reshape(n_chips, per_chip, _CODE_BYTES)
        status = template.status
        if status.at >= 0:
            word = status.at + np.arange(_STATUS_BYTES)
            source[0, 0] = word if status.endian == "big" else word[::-1]
        flat = source.ravel()
        self._source = flat
        self._is_from = np.maximum(flat, 0)
        self._empty = _slices(np.flatnonzero(flat < 0).tolist())
        self._has_lead_off = status.at < 0 and status.lead_off_p >= 0

    def __call__(self, rows: Rows) -> Rows:
        """Return frames, shape (n, frame bytes), of what a board sent, shape (n, its bytes)."""
        frames: Rows = rows.take(self._is_from, axis=1, mode="clip")
        for columns in self._empty:
            frames[:, columns] = 0
        if not self._moves_codes:
            n_chips, per_chip = self._template.parts
            codes = frames.reshape(len(rows), n_chips, 1 + per_chip, _CODE_BYTES)
            codes[:, :, 1:] = self._codes(rows).reshape(len(rows), n_chips, per_chip, _CODE_BYTES)
        if self._has_lead_off:
            status = self._template.status
            off_p, off_n = rows[:, status.lead_off_p], rows[:, status.lead_off_n]
            frames[:, 0] = 0xC0 | off_p >> 4
            frames[:, 1] = off_p << 4 | off_n >> 4
            frames[:, 2] = off_n << 4
        return frames

    def mover(self, n_frames: int, like: bytes) -> Callable[[bytes], bytes] | None:
        """Return what does the same with so many frames at once, one behind the other.

        Their lead-off bytes must be those of the frame `like`. None if codes are not only moved.
        """
        if not self._moves_codes:
            return None
        n_bytes = len(like)
        whole = n_frames * n_bytes  # behind the frames: a zero, and a status word
        index = np.arange(n_frames)[:, None] * n_bytes + self._source
        index[:, self._source < 0] = whole
        if self._has_lead_off:
            index[:, :_STATUS_BYTES] = whole + 1 + np.arange(_STATUS_BYTES)
        word = self(rows_in(like, n_bytes))[0, :_STATUS_BYTES].tobytes()
        behind = b"\0" + word

        def move(frames: bytes) -> bytes:
            return np.frombuffer(frames + behind, np.uint8).take(index).tobytes()

        return move

    def _codes(self, rows: Rows) -> Rows:
        """Return the codes, most significant byte first, the template's bits at the upper end."""
        table = self._template.channels
        end = table.at + table.count * table.bytes
        codes = rows[:, table.at : end].reshape(len(rows), table.count, table.bytes)
        if table.endian == "little":
            codes = codes[:, :, ::-1]
        value = np.zeros(codes.shape[:2], np.int64)
        for column in range(table.bytes):
            value = value << 8 | codes[:, :, column]
        value = value << (24 - table.bits) & 0xFFFFFF
        return np.stack([value >> 16, value >> 8 & 0xFF, value & 0xFF], 2).astype(np.uint8)


def _code_places(template: FrameTemplate) -> NDArray[np.intp]:
    """Return where in a frame each byte of each code is, shape (channels, 3); -1 for a zero."""
    table = template.channels
    n_used = table.bits // 8
    begins = table.at + table.bytes * np.arange(table.count)[:, None]
    step = np.arange(n_used)
    step = table.bytes - n_used + step if table.endian == "big" else n_used - 1 - step
    places = np.full((table.count, _CODE_BYTES), -1, np.intp)
    places[:, :n_used] = begins + step
    return places


def _slices(columns: list[int]) -> tuple[slice, ...]:
    """Return few slices that are these columns: a slice is filled far quicker than a list."""
    slices: list[slice] = []
    at = 0
    while at < len(columns):
        end = at + 1
        step = columns[end] - columns[at] if end < len(columns) else 1
        while end < len(columns) and columns[end] - columns[end - 1] == step:
            end += 1
        slices.append(slice(columns[at], columns[end - 1] + 1, step))
        at = end
    return tuple(slices)
