"""Lowest and highest sample of stretches of a recording, at widths that grow by four.

A step of a viewer reads as many numbers as its picture has columns, however much time it shows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgrig.reading.runs import Floats

Floats32 = NDArray[np.float32]
Flags = NDArray[np.bool_]

BASE, STEP = 64, 4
#: Samples that are added at a time; a whole number of the widest bins.
BLOCK = 65_536
WIDTHS = tuple(BASE * STEP**k for k in range(6))
#: Up to here a column is taken from the samples themselves.
FROM_SAMPLES = 2 * BASE


@dataclass(frozen=True)
class Columns:
    """A stretch as it is drawn.

    Attributes
    ----------
    first : int
        Sample at which the first column begins; a multiple of `width`.
    width : int
        Samples of a column; with 1 they are the samples themselves.
    low, high : ndarray of float32, shape (n_channels, n_columns)
        Lowest and highest sample; NaN where there is none.
    holes : ndarray of bool, shape (n_channels, n_columns)
        Whether at least one sample of the column is missing.
    """

    first: int
    width: int
    low: Floats32
    high: Floats32
    holes: Flags


def column_width(n_samples: float, n_columns: int) -> int:
    """Return the width of columns for a stretch: at most so many of them, more than half as many.

    It is a whole number of the bins that `Pyramid` keeps, or less than two of the narrowest.
    """
    width = max(math.ceil(n_samples / n_columns), 1)
    if width < FROM_SAMPLES:
        return width
    unit: int = max(one for one in WIDTHS if one <= width // 2)
    return -(-width // unit) * unit


def reduced(x: Floats, width: int) -> tuple[Floats32, Floats32, Flags]:
    """Return lowest, highest and whether one is missing, of stretches of `width` samples.

    `x` (n_channels, n_samples) begins with a stretch; the last one may be shorter.
    """
    low, high, holes = x.astype(np.float32), x.astype(np.float32), np.isnan(x)
    return _joined(low, high, holes, width)


def _joined(
    low: Floats32, high: Floats32, holes: Flags, width: int
) -> tuple[Floats32, Floats32, Flags]:
    if width == 1 or not low.shape[1]:
        return low, high, holes
    edges = np.arange(0, low.shape[1], width)
    with np.errstate(invalid="ignore"):
        return (
            np.fmin.reduceat(low, edges, axis=1),
            np.fmax.reduceat(high, edges, axis=1),
            np.logical_or.reduceat(holes, edges, axis=1),
        )


#: What is kept of the narrowest bins.
PLANES: dict[str, type] = {"low": np.float32, "high": np.float32, "holes": np.bool_}
Store = Callable[[str, tuple[int, ...], type], NDArray[np.generic]]


def base_shape(n_channels: int, n_samples: int) -> tuple[int, int]:
    """Return the shape of those planes."""
    return n_channels, -(-n_samples // BASE)


def in_memory(_: str, shape: tuple[int, ...], kind: type) -> NDArray[np.generic]:
    """Make an array in memory."""
    return np.zeros(shape, kind)


class Pyramid:
    """Bins of all channels, filled from the beginning on.

    Attributes
    ----------
    n_done : int
        Samples that are in it; `columns` may be asked for those. Written by one thread, and read
        by others.
    """

    def __init__(self, n_channels: int, n_samples: int, store: Store = in_memory) -> None:
        self.n_samples, self.n_done = n_samples, 0
        shape = base_shape(n_channels, n_samples)
        low, high, holes = (store(name, shape, kind) for name, kind in PLANES.items())
        self._levels: list[tuple[Floats32, Floats32, Flags]] = [(low, high, holes)]  # type: ignore[list-item]
        for width in WIDTHS[1:]:
            size = n_channels, -(-n_samples // width)
            self._levels.append(
                (np.zeros(size, np.float32), np.zeros(size, np.float32), np.zeros(size, np.bool_))
            )

    def add(self, x: Floats) -> None:
        """Add samples, (n_channels, n); n is a multiple of `BLOCK`, but for the last ones."""
        n = x.shape[1]
        if self.n_done + n > self.n_samples or (n % BLOCK and self.n_done + n != self.n_samples):
            raise ValueError(f"{n} samples behind {self.n_done} of {self.n_samples}")
        found = reduced(x, BASE)
        self._fill(self.n_done, found)
        self.n_done += n

    def fill_coarse(self) -> None:
        """Fill the wider levels from the narrowest, which is whole."""
        low, high, holes = self._levels[0]
        step = BLOCK // BASE * 16
        for at in range(0, low.shape[1], step):
            part = slice(at, at + step)
            self._fill(at * BASE, (low[:, part], high[:, part], holes[:, part]), is_base=False)
        self.n_done = self.n_samples

    def n_edges(self, begin: int, stop: int, channels: list[int]) -> int:
        """Return about how often gaps begin and end in a stretch, as far as it is filled."""
        bins = slice(max(begin, 0) // BASE, -(-min(stop, self.n_done) // BASE))
        return int(np.count_nonzero(np.diff(self._levels[0][2][channels, bins], axis=1)))

    def _fill(
        self, at: int, found: tuple[Floats32, Floats32, Flags], *, is_base: bool = True
    ) -> None:
        for nth, (width, level) in enumerate(zip(WIDTHS, self._levels, strict=True)):
            found = _joined(*found, STEP if nth else 1)
            if nth or is_base:
                place = slice(at // width, at // width + found[0].shape[1])
                for kept, new in zip(level, found, strict=True):
                    kept[:, place] = new

    def columns(self, first: int, n_columns: int, width: int, channels: list[int]) -> Columns:
        """Return columns from sample `first` on; fewer where there are no more samples in it.

        `width` and `first` are multiples of a level's width, as `column_width` gives them.
        """
        nth = max(i for i, one in enumerate(WIDTHS) if width % one == 0)
        unit = WIDTHS[nth]
        end = min(first + n_columns * width, self.n_done)
        bins = slice(first // unit, max(-(-end // unit), first // unit))
        low, high, holes = self._levels[nth]
        found = low[channels, bins], high[channels, bins], holes[channels, bins]
        return Columns(first, width, *_joined(*found, width // unit))
