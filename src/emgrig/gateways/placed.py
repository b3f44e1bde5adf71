"""Frames with their places: what passes from whoever counts conversions to whoever packs them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Placed:
    """Frames with their places.

    All have one row a frame: `frames` as they came or as the chips made them, shape
    (n, frame bytes), the conversion each is of, ascending, its board time, µs, and whether damage
    was seen before it.
    """

    frames: NDArray[np.uint8]
    conversion: NDArray[np.int64]
    time_us: NDArray[np.int64]
    is_cut: NDArray[np.bool_]

    def part(self, begin: int, end: int | None = None) -> "Placed":
        """Rows from `begin` to before `end`."""
        rows = slice(begin, end)
        return Placed(
            self.frames[rows], self.conversion[rows], self.time_us[rows], self.is_cut[rows]
        )


def joined(parts: Sequence[Placed]) -> Placed:
    """Return frames that follow each other as one piece."""
    if len(parts) == 1:
        return parts[0]
    return Placed(
        np.concatenate([one.frames for one in parts]),
        np.concatenate([one.conversion for one in parts]),
        np.concatenate([one.time_us for one in parts]),
        np.concatenate([one.is_cut for one in parts]),
    )


def differences(values: NDArray[np.int64], before: int) -> NDArray[np.int64]:
    """Return how far each value is from the one before it; `before` is before the first.

    (`np.diff` takes as long as all else does with so few.)
    """
    made = np.empty(len(values), np.int64)
    if len(values):
        made[0] = values[0] - before
        np.subtract(values[1:], values[:-1], out=made[1:])
    return made
