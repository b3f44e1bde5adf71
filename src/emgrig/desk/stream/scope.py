"""Traces for the eye: every pixel shows the lowest and the highest sample, so nothing is hidden."""

from dataclasses import replace

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.signal.eye import Eye
from emgrig.analysis.signal.filters import CASMEMG_CODE, segments
from emgrig.analysis.signal.live import LiveEnvelope
from emgrig.electrodes.quiet import band

COLUMNS_PER_S = 100
"""Columns of a trace in a second, at most; slow rates have one a sample."""
OFFSET_HZ = 1.0
"""The traces show what is above this: electrode offsets are thousands of times larger than EMG."""


class Scope:
    """Turn samples into columns of minimum, maximum and envelope, each `column_s` long.

    It keeps `length_s` seconds. `eye` says what the traces show, forward only; `mains_hz` is taken
    out of the envelope alone. Raises ValueError if `eye` does not fit the rate.
    """

    def __init__(
        self,
        rate_hz: float,
        n_channels: int,
        *,
        mains_hz: float | None,
        eye: Eye | None = None,
        length_s: float = 30.0,
    ) -> None:
        self.eye = (eye or Eye()).fitted(rate_hz)
        self._n_each = max(1, round(rate_hz / COLUMNS_PER_S))
        self.column_s = self._n_each / rate_hz
        self._n_channels = n_channels
        preset = replace(CASMEMG_CODE, band_hz=band(rate_hz))
        self._envelope = LiveEnvelope(rate_hz, n_channels, preset=preset, mains_hz=mains_hz)
        self._sections = self.eye.sections(rate_hz)
        if self.eye.low_hz is None:
            offset = scipy.signal.butter(2, OFFSET_HZ, "highpass", fs=rate_hz, output="sos")
            self._sections = np.vstack((offset, self._sections))
        self._state: NDArray[np.float64] | None = None
        self._rest = np.empty((0, 2 * n_channels))  # samples that do not fill a column yet
        self._ring = np.full((round(length_s / self.column_s), 3, n_channels), np.nan)
        self._end = 0  # columns ever written
        self.n_columns = 0

    @property
    def words(self) -> str:
        """What the traces show, for a person."""
        eye = self.eye
        band = f"above {OFFSET_HZ:g} Hz" if eye.low_hz is None else ""
        return ", ".join(one for one in (band, "" if eye.is_plain else eye.words()) if one)

    def replay(self, uv: NDArray[np.float64]) -> None:
        """Take what was there before, with NaN where samples are missing."""
        end = 0
        for begin, stop in segments(np.asarray(np.isfinite(uv).all(axis=1))):
            self.feed(uv[begin:stop], begin - end)
            end = stop

    @property
    def n_waiting(self) -> int:
        """Samples that do not fill a column yet."""
        return len(self._rest)

    def feed(self, uv: NDArray[np.float64], lost_before: int = 0) -> None:
        """Take consecutive samples, µV, shape (n_samples, n_channels)."""
        if lost_before:
            self._skip(lost_before)
        if not len(uv):
            return
        if self._state is None:
            rest = scipy.signal.sosfilt_zi(self._sections)[:, :, None] * np.ones(self._n_channels)
            self._state = rest * uv[0]
        traces, self._state = scipy.signal.sosfilt(self._sections, uv, axis=0, zi=self._state)
        n_rest, n = len(self._rest), self._n_channels
        rows = np.empty((n_rest + len(uv), 2 * n))
        rows[:n_rest] = self._rest
        rows[n_rest:, :n], rows[n_rest:, n:] = traces, self._envelope.feed(uv)
        n_columns = len(rows) // self._n_each
        whole = n_columns * self._n_each
        self._rest = rows[whole:]
        cells = rows[:whole].reshape(n_columns, self._n_each, 2 * n)
        columns = np.empty((n_columns, 3, n))
        cells[:, :, :n].min(axis=1, out=columns[:, 0])
        cells.max(axis=1, out=columns[:, 1:].reshape(n_columns, 2 * n))
        self._append(columns)

    def since(self, column: int) -> tuple[int, NDArray[np.float64]]:
        """Return how many columns there were, and those from number `column` on.

        The columns have the shape (n_columns, 3, n_channels): minimum, maximum and envelope, µV;
        NaN where samples are missing.
        """
        size = len(self._ring)
        n_new = min(max(self.n_columns - column, 0), self._end, size)
        return self.n_columns, self._ring[np.arange(self._end - n_new, self._end) % size]

    def peaks_uv(self, duration_s: float = 0.25) -> NDArray[np.float64]:
        """Return the highest envelope of each channel lately, µV; NaN if there is none."""
        _, columns = self.since(self.n_columns - max(1, round(duration_s / self.column_s)))
        if not len(columns):
            return np.full(self._n_channels, np.nan)
        return np.asarray(np.fmax.reduce(columns[:, 2], axis=0))

    def _skip(self, lost: int) -> None:
        """Leave a hole; filters start anew behind it."""
        self._envelope.feed(np.full((1, self._n_channels), np.nan))
        self._state = None
        self._rest = self._rest[:0]
        n_columns = max(1, round(lost / self._n_each))
        n_kept = min(n_columns, len(self._ring))
        self.n_columns += n_columns - n_kept
        self._append(np.full((n_kept, 3, self._n_channels), np.nan))

    def _append(self, columns: NDArray[np.float64]) -> None:
        size, self._end = len(self._ring), self._end + len(columns)
        self.n_columns += len(columns)
        kept = columns[-size:]
        self._ring[np.arange(self._end - len(kept), self._end) % size] = kept
