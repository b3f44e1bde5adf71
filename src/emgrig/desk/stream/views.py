"""What is kept of the samples for the eye and for measuring, in one numbering over all streams."""

import numpy as np
from numpy.typing import NDArray

from emgrig.desk.stream.history import History
from emgrig.desk.stream.scope import Scope
from emgrig.driver.samples.block import Block

HISTORY_S = 180.0
BATCH_S = 0.04
"""Filters get so much at once: small blocks have a price each."""


class Views:
    """Follow the blocks of one stream after another.

    Channels of `indices` are kept; mains is taken out of the envelopes. `n_paused` counts data
    periods between streams, by time.
    """

    def __init__(self, rate_hz: float, indices: list[int], mains_hz: float | None) -> None:
        self.rate_hz = rate_hz
        self.scope = Scope(rate_hz, len(indices), mains_hz=mains_hz)
        self.n_paused = 0
        self._history = History(rate_hz, len(indices), HISTORY_S)
        self._indices = indices
        self._batch: list[NDArray[np.float64]] = []
        self._batch_unix_s = self._end_unix_s = 0.0
        self._hole = 0
        self._is_new_stream = True
        self._numbered_from = self._next_conversion = 0

    def new_stream(self) -> None:
        """Learn that conversions count from 0 again."""
        self._is_new_stream = True

    def feed(self, block: Block, unix_s: float) -> int:
        """Take a block, its first sample of `unix_s`; return its number over all streams."""
        hole = self._hole_before(block, unix_s)
        if hole:
            self.flush()
            self._hole += hole
        first = self._numbered_from + block.first_conversion
        if block.n_samples:
            if not self._batch:
                self._batch_unix_s = unix_s
            self._batch.append((block.volts * 1e6)[:, self._indices])
            self._end_unix_s = unix_s + block.n_samples / self.rate_hz
            if sum(map(len, self._batch)) >= BATCH_S * self.rate_hz:
                self.flush()
        return first

    def _hole_before(self, block: Block, unix_s: float) -> int:
        """Return how many samples are missing before a block; by time if a stream begins anew."""
        hole = block.lost_before
        if self._is_new_stream:
            if self._end_unix_s:
                hole = max(round((unix_s - self._end_unix_s) * self.rate_hz), hole)
                self.n_paused += hole - block.lost_before
            self._numbered_from = self._next_conversion + hole - block.first_conversion
            self._is_new_stream = False
        self._next_conversion = self._numbered_from + block.first_conversion + block.n_samples
        return hole

    def flush(self) -> None:
        """Hand what has gathered to traces and history."""
        if not self._batch:
            return
        uv, hole = np.concatenate(self._batch), self._hole
        self._batch, self._hole = [], 0
        self.scope.feed(uv, hole)
        self._history.feed(uv, hole, self._batch_unix_s)

    @property
    def history(self) -> History:
        """Raw microvolts of the last minutes."""
        self.flush()
        return self._history
