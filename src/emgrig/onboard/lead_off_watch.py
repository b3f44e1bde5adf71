"""What the status words say about electrodes, as events: an electrode came off, or on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: At most one event in so many frames: a comparator at its threshold must not fill the link.
FRAMES_PER_EVENT = 16

# Of the first four bytes of a chip's frame, as a little-endian number: the nibble 1100 and the
# lead-off bits of the status word; the rest is GPIO, and the first byte of channel 1.
_WORD_BITS = np.uint32(0x00F0FFFF)
_NOTHING = np.uint32(0x000000C0)


@dataclass(frozen=True)
class Change:
    """The lead-off bits changed."""

    position: int  #: Row of the first frame that says so.
    positive: int  #: Bit n - 1: electrode nP or nN is off.
    negative: int


@dataclass(eq=False)
class LeadOffWatch:
    """Compares the lead-off bits of consecutive frames."""

    chip_bytes: int  #: Bytes of one chip's part of a frame.
    channels_per_chip: int  #: Channels of the first chip come first in the masks.

    def __post_init__(self) -> None:
        self.begin_run()

    def begin_run(self) -> None:
        """Take all electrodes for on, and counts from 0."""
        self._last = (0, 0)
        self._quiet_until = 0
        self._said: list[np.uint32] = []

    def changes(self, index: NDArray[np.int64], data: NDArray[np.uint8]) -> list[Change]:
        """Find changes in frames, shape (n, frame_bytes), of conversions `index`, shape (n,).

        Frames with a wrong status nibble say nothing.
        """
        found: list[Change] = []
        data = np.ascontiguousarray(data)
        n_chips = data.shape[1] // self.chip_bytes
        if len(self._said) != n_chips:
            self._said = [_NOTHING] * n_chips
        if self._says_the_same(data):  # the usual case, made quick
            return found
        is_good = ((data[:, :: self.chip_bytes] & 0xF0) == 0xC0).all(axis=1)
        positive, negative = self._masks(data)
        at = 0
        while True:
            differs = ((positive != self._last[0]) | (negative != self._last[1])) & is_good
            differs &= index >= self._quiet_until
            later = np.flatnonzero(differs[at:])
            if not len(later):
                return found
            at += int(later[0])
            self._last = (int(positive[at]), int(negative[at]))
            self._said = [
                data[at, begin : begin + 4].view("<u4")[0] & _WORD_BITS
                for begin in range(0, data.shape[1], self.chip_bytes)
            ]
            self._quiet_until = int(index[at]) + FRAMES_PER_EVENT
            found.append(Change(at, *self._last))

    def _says_the_same(self, data: NDArray[np.uint8]) -> bool:
        """Return True if no status word has anything new: each looked at as one number."""
        for chip, said in enumerate(self._said):
            begin = chip * self.chip_bytes
            words = data[:, begin : begin + 4].view("<u4")
            if ((words ^ said) & _WORD_BITS).any():
                return False
        return True

    def _masks(self, data: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Bits of the electrodes that are off, shape (n,) each (status word: SBAS499C, p. 38)."""
        positive = np.zeros(len(data), np.uint32)
        negative = np.zeros(len(data), np.uint32)
        for chip in range(data.shape[1] // self.chip_bytes):
            word = data[:, chip * self.chip_bytes :][:, :3].astype(np.uint32)
            shift = chip * self.channels_per_chip
            positive |= (word[:, 0] << 4 & 0xF0 | word[:, 1] >> 4) << shift
            negative |= (word[:, 1] << 4 & 0xF0 | word[:, 2] >> 4) << shift
        return positive, negative
