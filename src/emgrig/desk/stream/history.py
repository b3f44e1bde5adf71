"""The last minutes of a stream, found again by time."""

from collections import deque

import numpy as np
from numpy.typing import NDArray


class History:
    """A ring of microvolts with what is missing in it, and the host time of each sample.

    It keeps `length_s` seconds at the nominal rate.
    """

    def __init__(self, rate_hz: float, n_channels: int, length_s: float) -> None:
        self.rate_hz = rate_hz
        self._ring = np.full((max(round(length_s * rate_hz), 1), n_channels), np.nan)
        self._end = 0  # samples ever written, gaps included
        self._anchors: deque[tuple[float, float]] = deque(maxlen=round(4 * length_s) + 2)

    def feed(self, uv: NDArray[np.float64], lost_before: int, first_unix_s: float) -> None:
        """Take consecutive samples, µV, and how many are missing before them.

        `first_unix_s` is the time of the first of them.
        """
        self._write(np.full((min(lost_before, len(self._ring)), uv.shape[1]), np.nan), lost_before)
        anchors = self._anchors
        if not anchors or lost_before or first_unix_s - anchors[-1][0] > 0.25:
            anchors.append((first_unix_s, float(self._end)))
        self._write(uv, len(uv))

    def last(self, duration_s: float) -> NDArray[np.float64]:
        """Return the newest samples, shape (n_samples, n_channels); NaN where there were none."""
        n_samples = min(round(duration_s * self.rate_hz), len(self._ring), self._end)
        return self._read(self._end - n_samples, self._end)

    def window(self, begin_unix_s: float, end_unix_s: float) -> NDArray[np.float64]:
        """Return the samples between two times; NaN in gaps, and where it is too long ago.

        Raises ValueError if the end is not behind the beginning, or nothing has come yet.
        """
        if not end_unix_s > begin_unix_s:
            raise ValueError(f"a window from {begin_unix_s} to {end_unix_s} s is empty")
        if not self._anchors:
            raise ValueError("no sample has come yet")
        first, last = self._sample(begin_unix_s), self._sample(end_unix_s)
        kept = self._read(max(first, self._end - len(self._ring), 0), min(last, self._end))
        out = np.full((last - first, self._ring.shape[1]), np.nan)
        begin = max(self._end - len(self._ring), 0, first) - first
        out[begin : begin + len(kept)] = kept
        return out

    def _sample(self, unix_s: float) -> int:
        """Return the index of the sample nearest to a time, by the last anchor before it."""
        times = [anchor[0] for anchor in self._anchors]
        index = max(int(np.searchsorted(times, unix_s, side="right")) - 1, 0)
        at_s, sample = self._anchors[index]
        return round(sample + (unix_s - at_s) * self.rate_hz)

    def _write(self, uv: NDArray[np.float64], count: int) -> None:
        """Write the last rows of `count` that passed."""
        size = len(self._ring)
        self._end += count
        uv = uv[-size:]
        places = np.arange(self._end - len(uv), self._end) % size
        self._ring[places] = uv

    def _read(self, first: int, end: int) -> NDArray[np.float64]:
        if end <= first:
            return np.empty((0, self._ring.shape[1]))
        return np.asarray(self._ring[np.arange(first, end) % len(self._ring)])
