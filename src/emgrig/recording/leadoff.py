"""Which electrodes are off, from the status words: changes that last, not every flicker."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: An input is off if its comparator says so in more than half of the samples of so long a window:
#: with an ac lead-off current it toggles all the time.
WINDOW_S = 0.25


class LeadOffChange(NamedTuple):
    """An electrode came off or on: `side` is "P" or "N", `channel` counts within the chip."""

    conversion: int
    chip_index: int
    channel: int
    side: str
    is_off: bool


class LeadOffWatch:
    """Follow the lead-off bits of consecutive blocks; at first all electrodes are taken for on."""

    def __init__(self, rate_hz: float, n_chips: int) -> None:
        self._window = max(1, round(rate_hz * WINDOW_S))
        self._state = np.zeros((n_chips, 16), np.bool_)
        self._count = np.zeros((n_chips, 16), np.int64)
        self._n = 0

    def feed(self, status: NDArray[np.uint32], conversion: int, lost: int) -> list[LeadOffChange]:
        """Take the status words of a block, shape (n_samples, n_chips); return what changed."""
        if lost:
            self._begin()
        bits = (status >> 4) & 0xFFFF  # LOFF_STATP, then LOFF_STATN
        is_frame = status >> 20 == 0b1100
        if not is_frame.all():
            bits = np.where(is_frame, bits, np.uint32(0))
        if not (bits.any() or self._count.any() or self._state.any()):
            self._n = (self._n + len(bits)) % self._window
            return []
        changes: list[LeadOffChange] = []
        off = (bits[:, :, None] >> np.arange(16, dtype=np.uint32) & 1).astype(np.bool_)
        while len(off):
            part = off[: self._window - self._n]
            off = off[len(part) :]
            conversion += len(part)
            self._count += part.sum(axis=0)
            self._n += len(part)
            if self._n == self._window:
                changes += self._decide(conversion - self._window)
        return changes

    def _decide(self, conversion: int) -> list[LeadOffChange]:
        is_off = self._count * 2 > self._window
        changed = np.argwhere(is_off != self._state).tolist()
        self._state = is_off
        self._begin()
        return [
            LeadOffChange(
                conversion, chip, bit % 8 + 1, "P" if bit >= 8 else "N", bool(is_off[chip, bit])
            )
            for chip, bit in changed
        ]

    def _begin(self) -> None:
        self._count[:] = 0
        self._n = 0
