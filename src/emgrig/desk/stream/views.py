"""What is kept of the samples for the eye and for measuring, in one numbering over all streams."""

import contextlib
from collections import deque
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.eye import Eye
from emgrig.desk.stream.history import History
from emgrig.desk.stream.scope import Scope
from emgrig.driver.samples.block import Block, Epoch
from emgrig.protocol.account import Cause

HISTORY_S = 180.0
SCOPE_S = 30.0
MOST_PAUSES = 50
MOST_BATCH_S = 2.0
"""So much gathers at most until somebody looks: each run of the filters has a price."""


class Views:
    """Follow the blocks of one stream after another.

    Channels of `indices` are kept; mains is taken out of the envelopes. `n_paused` and `n_lost`
    count data periods between streams, by time: where the board was paused, and where it was not.
    `scope` has what came until somebody last had a `look`, or more. `pauses` are the holes of it
    that are no loss: their first column, and that behind them.

    Raises ValueError if the rate cannot carry the mains.
    """

    def __init__(self, rate_hz: float, indices: list[int], mains_hz: float | None) -> None:
        self.rate_hz = rate_hz
        self.scope = Scope(rate_hz, len(indices), mains_hz=mains_hz, length_s=SCOPE_S)
        self.n_paused = self.n_lost = 0
        self.pauses: deque[tuple[int, int]] = deque(maxlen=MOST_PAUSES)
        self._history = History(rate_hz, len(indices), HISTORY_S)
        self._indices, self._mains_hz = indices, mains_hz
        self._batch: list[NDArray[np.int32]] = []  # codes of one epoch
        self._n_batch = 0
        self._epoch: Epoch | None = None
        self._batch_unix_s = self._end_unix_s = 0.0
        self._holes: list[tuple[int, bool]] = []  # before the batch: data periods, if a pause
        self._is_new_stream, self._is_pause = True, False
        self._numbered_from = self._next_conversion = 0

    def at(self, rate_hz: float, indices: list[int]) -> Self:
        """Return empty views of another rate or other channels that go on with the numbering.

        The traces are as the eye chose; an edge that the rate cannot carry goes, and one that makes
        no band any more takes the whole choice with it.
        """
        new = type(self)(rate_hz, indices, self._mains_hz)
        new.n_paused, new.n_lost = self.n_paused, self.n_lost
        new._end_unix_s = self._end_unix_s
        new._numbered_from = new._next_conversion = self._next_conversion
        with contextlib.suppress(ValueError):
            new.see(self.scope.eye)
        return new

    def see(self, eye: Eye) -> None:
        """Show the traces filtered so, those of the last seconds too; they go on counting.

        Raises ValueError if it does not fit the rate; nothing is changed then.
        """
        self.flush()
        old = self.scope
        n_each = round(old.column_s * self.rate_hz)
        n_samples = round(SCOPE_S / old.column_s) * n_each + old.n_waiting
        uv = self._history.last(n_samples / self.rate_hz)
        scope = Scope(
            self.rate_hz, len(self._indices), mains_hz=self._mains_hz, eye=eye, length_s=SCOPE_S
        )
        scope.replay(uv)
        # The last column ends where it did, so that a page draws over what it has.
        scope.n_columns = old.n_columns
        self.scope = scope

    def column_of(self, unix_s: float) -> float:
        """Return the place of a time among the columns; it may lie behind the last one."""
        if not self._end_unix_s:
            return 0.0
        if self._holes:  # the columns of what is missing before the batch count, too
            self.flush()
        end_s = self._end_unix_s - (self._n_batch + self.scope.n_waiting) / self.rate_hz
        return self.scope.n_columns + (unix_s - end_s) / self.scope.column_s

    def new_stream(self, *, is_pause: bool) -> None:
        """Learn that conversions count from 0 again; `is_pause` says if it was meant so."""
        self._is_new_stream, self._is_pause = True, is_pause

    def feed(self, block: Block, unix_s: float) -> int:
        """Take a block, its first sample of `unix_s`; return its number over all streams."""
        holes = self._holes_before(block, unix_s)
        if holes or block.epoch is not self._epoch:
            self.flush()
            self._holes += holes
            self._epoch = block.epoch
        first = self._numbered_from + block.first_conversion
        if block.n_samples:
            if not self._batch:
                self._batch_unix_s = unix_s
            self._batch.append(block.codes)
            self._n_batch += block.n_samples
            self._end_unix_s = unix_s + block.n_samples / self.rate_hz
            if self._n_batch >= MOST_BATCH_S * self.rate_hz:
                self.flush()
        return first

    def _holes_before(self, block: Block, unix_s: float) -> list[tuple[int, bool]]:
        """Return what is missing before a block; by time if a stream begins anew."""
        holes, between = [(block.lost_before, block.cause is Cause.PAUSE)], 0
        if self._is_new_stream:
            if self._end_unix_s:
                missing = round((unix_s - self._end_unix_s) * self.rate_hz)
                between = max(missing - block.lost_before, 0)
                self.n_paused += between if self._is_pause else 0
                self.n_lost += 0 if self._is_pause else between
            holes.insert(0, (between, self._is_pause))
            self._numbered_from = self._next_conversion + between + block.lost_before
            self._numbered_from -= block.first_conversion
            self._is_new_stream = False
        self._next_conversion = self._numbered_from + block.first_conversion + block.n_samples
        return [hole for hole in holes if hole[0]]

    def look(self) -> Scope:
        """Return the traces with all that has come."""
        self.flush()
        return self.scope

    def flush(self) -> None:
        """Hand what has gathered to traces and history."""
        if not self._batch or self._epoch is None:
            return
        codes, holes = np.concatenate(self._batch), self._holes
        uv = codes[:, self._indices] * (1e6 * self._epoch.scale_v[self._indices])
        self._batch, self._n_batch, self._holes = [], 0, []
        for missing, is_pause in holes:
            first = self.scope.n_columns
            self.scope.feed(uv[:0], missing)
            if is_pause:
                self.pauses.append((first, self.scope.n_columns))
        self.scope.feed(uv)
        self._history.feed(uv, sum(missing for missing, _ in holes), self._batch_unix_s)

    @property
    def history(self) -> History:
        """Raw microvolts of the last minutes."""
        self.flush()
        return self._history
