"""Sampled signals at any time: band-limited interpolation, made block by block.

A block of base samples is raised to a higher rate by a windowed-sinc polyphase filter, once, and
the result is looked up with cubic B-splines. The filter already contains the splines' prefilter.
Only the last few blocks are kept.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.sources.kernel import spline_kernel, spline_weights
from emgrig.simulator.sources.windows import window_sums

Samples = Callable[[int, int], NDArray[np.float64]]
"""(first, count) -> base samples, shape (count, n_columns); `first` may be negative."""

_CHUNK = 16  # base samples that one row of the filter matrix product makes
_SIDE_BY_SIDE = 128  # rows, where each column's largest value is looked for
_KEPT_BLOCKS = 3
_PREFILTER_TAPS = 12
_PREFILTER_POLE = 3.0**0.5 - 2.0


@dataclass(eq=False)
class Interpolator:
    """Values of a sampled signal between its samples."""

    samples: Samples  #: Gives the base samples; must be a pure function.
    rate_hz: float  #: Rate of the base samples; sample 0 is at 0 s.
    n_columns: int
    _: KW_ONLY
    #: How much the rate is raised before splines take over. The error is below 0.05 % for
    #: frequencies up to 0.45 of the base rate with 8, up to a quarter of it with 2.
    factor: int = 8
    half_width: int = 16  #: Base samples on each side that a value depends on.
    block_size: int = 4096  #: Base samples made at a time; a multiple of 16.

    def __post_init__(self) -> None:
        self._reach = self.half_width + -(-_PREFILTER_TAPS // self.factor) + 1
        self._matrix = _filter_matrix(self.factor, self.half_width, self._reach)
        self._blocks: OrderedDict[int, NDArray[np.float64]] = OrderedDict()
        self._peaks: dict[int, NDArray[np.float64]] = {}

    def at(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at increasing times `t_s` (n,), s; shape (n, n_columns)."""
        position = t_s * self.rate_hz
        if not len(position):
            return np.empty((0, self.n_columns))
        lowest, highest = (int(np.floor(position[end] / self.block_size)) for end in (0, -1))
        if lowest == highest:
            return self._look_up(lowest, position)
        borders = self.block_size * np.arange(lowest + 1, highest + 1)
        pieces = np.split(position, np.searchsorted(position, borders))
        looked_up = [
            self._look_up(lowest + number, piece)
            for number, piece in enumerate(pieces)
            if len(piece)
        ]
        return np.concatenate(looked_up)

    def window_sums(
        self, t_s: NDArray[np.float64], point_s: float, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `WindowedSource.window_sums`."""
        per_s = self.rate_hz * self.factor
        kernel = spline_kernel(point_s * per_s, weights.tobytes())
        position = t_s * per_s
        before = np.floor(position)
        first = int(before[0]) - 1
        coefficients, peak = self._segment(first, int(before[-1]) - 1 + kernel.width - first)
        begins = (before - before[0]).astype(np.int64)
        return window_sums(coefficients, begins, kernel.at(position - before)), peak

    def _segment(self, first: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return coefficients of points `first` on, and what no value of theirs goes beyond."""
        size = self.block_size * self.factor
        pieces, peak = [], np.zeros(self.n_columns)
        for block in range(first // size, (first + count - 1) // size + 1):
            kept = self._coefficients(block)
            begin, end = first - block * size, first + count - block * size
            pieces.append(kept[max(begin, 0) + 2 : min(end, size) + 2])
            peak = np.maximum(peak, self._peaks[block])
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces), peak

    def _look_up(self, block: int, position: NDArray[np.float64]) -> NDArray[np.float64]:
        local = (position - block * self.block_size) * self.factor
        begin = local.astype(np.int64)
        weights = spline_weights(local - begin)
        coefficients = self._coefficients(block)
        # Coefficient m belongs to point m - 2 of the block: a value needs begin + 1 to begin + 4.
        result = coefficients.take(begin + 1, axis=0)
        result *= weights[:, :1]
        for number in range(1, 4):
            part = coefficients.take(begin + (number + 1), axis=0)
            part *= weights[:, number : number + 1]
            result += part
        return result

    def _coefficients(self, block: int) -> NDArray[np.float64]:
        """Spline coefficients of a block, from two points before it to two after it."""
        if block in self._blocks:
            self._blocks.move_to_end(block)
            return self._blocks[block]
        n_chunks = self.block_size // _CHUNK + 2
        first = block * self.block_size - _CHUNK
        base = self.samples(first - self._reach, n_chunks * _CHUNK + 2 * self._reach)
        windows = np.lib.stride_tricks.sliding_window_view(base, self._matrix.shape[1], axis=0)
        # One small product a chunk: (points, window) @ (window, columns), all contiguous.
        points = np.matmul(self._matrix, windows[::_CHUNK].swapaxes(1, 2))
        points = points.reshape(-1, self.n_columns)
        begin = _CHUNK * self.factor - 2
        kept = np.ascontiguousarray(points[begin : begin + self.block_size * self.factor + 4])
        self._blocks[block] = kept
        # Splines lie within what their coefficients reach.
        self._peaks[block] = _peaks(kept)
        while len(self._blocks) > _KEPT_BLOCKS:
            gone, _ = self._blocks.popitem(last=False)
            del self._peaks[gone]
        return kept


def _peaks(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest size in each column; many rows side by side are gone through quicker."""
    n_columns = rows.shape[1]
    whole = len(rows) // _SIDE_BY_SIDE * _SIDE_BY_SIDE
    wide = rows[:whole].reshape(-1, _SIDE_BY_SIDE * n_columns)
    peaks = np.maximum(wide.max(axis=0, initial=0.0), -wide.min(axis=0, initial=0.0))
    rest = np.abs(rows[whole:]).max(axis=0, initial=0.0)
    both: NDArray[np.float64] = np.maximum(peaks.reshape(-1, n_columns).max(axis=0), rest)
    return both


def _filter_matrix(factor: int, half_width: int, reach: int) -> NDArray[np.float64]:
    """Matrix from a chunk of base samples, with `reach` more on both sides, to coefficients."""
    n = np.arange(-half_width * factor, half_width * factor + 1)
    low_pass = np.sinc(n / factor) * np.kaiser(len(n), 9.0)
    k = np.arange(-_PREFILTER_TAPS, _PREFILTER_TAPS + 1)
    prefilter = 3.0**0.5 * _PREFILTER_POLE ** np.abs(k)
    taps = np.convolve(low_pass, prefilter)
    middle = len(taps) // 2
    point = np.arange(_CHUNK * factor)[:, None]
    sample = np.arange(-reach, _CHUNK + reach)[None, :]
    index = point - sample * factor + middle
    inside = (index >= 0) & (index < len(taps))
    matrix = np.where(inside, taps[np.clip(index, 0, len(taps) - 1)], 0.0)
    matrix /= matrix.sum(axis=1, keepdims=True)  # a constant stays what it is
    return matrix
