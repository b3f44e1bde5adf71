"""Where the rows of a file lie in time: stretches that follow each other, and gaps."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgrig.errors import RecordingError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: A recording may be so many times as long as its rows; a short one may have so many samples.
_MOST_TIMES, _MOST_SAMPLES = 20, 4_000_000


def check_length(n_samples: float, n_rows: int, rate_hz: float | None = None) -> None:
    """Raise RecordingError if gaps would make a recording absurdly long: its times are damaged."""
    if not n_samples <= max(_MOST_TIMES * n_rows, _MOST_SAMPLES):
        lasts = "" if rate_hz is None else f" ({n_samples / rate_hz:.3g} s)"
        raise RecordingError(
            f"its times put {n_rows} rows over {n_samples:.4g} samples{lasts}; at most "
            f"{max(_MOST_TIMES * n_rows, _MOST_SAMPLES)} were expected: they are damaged, or it "
            "has to be split"
        )


@dataclass(frozen=True)
class Runs:
    """Where the rows of a file lie in time.

    Attributes
    ----------
    rows : ndarray of int, shape (n_runs, 3)
        First row of the file, its sample, and how many follow each other.
    n_samples : int
        Up to the last row.
    """

    rows: Ints
    n_samples: int

    @classmethod
    def steady(cls, n_rows: int) -> "Runs":
        """Return one run without a gap."""
        return cls(np.array([[0, 0, n_rows]]), n_rows)

    @classmethod
    def at(cls, positions: Ints, rows: Ints | None = None) -> "Runs":
        """Place rows (all, or those named) at samples; both strictly rise."""
        rows = np.arange(positions.size) if rows is None else rows
        check_length(float(positions[-1]) + 1, positions.size)
        return cls._of_blocks(positions, rows, 1)

    @classmethod
    def of_records(cls, positions: Ints, records: Ints, n_in_record: int) -> "Runs":
        """Place data records of so many rows each; as `at`, with no number for each sample.

        `positions` are their first samples, `records` count from 0; both strictly rise.
        """
        check_length(float(positions[-1]) + n_in_record, positions.size * n_in_record)
        return cls._of_blocks(positions, records * n_in_record, n_in_record)

    @classmethod
    def _of_blocks(cls, positions: Ints, rows: Ints, n: int) -> "Runs":
        breaks = np.flatnonzero((np.diff(positions) != n) | (np.diff(rows) != n)) + 1
        begin = np.concatenate([[0], breaks])
        counts = n * np.diff(np.concatenate([begin, [positions.size]]))
        return cls(np.stack([rows[begin], positions[begin], counts], 1), int(positions[-1]) + n)

    @property
    def is_steady(self) -> bool:
        """Whether every row is a sample, in order."""
        return len(self.rows) == 1 and self.rows[0, 2] == self.n_samples

    @property
    def positions(self) -> Ints:
        """Sample of each row that is used, shape (n_used,)."""
        counts = self.rows[:, 2]
        begins = np.cumsum(counts) - counts
        within: Ints = np.arange(int(counts.sum())) - np.repeat(begins, counts)
        return np.repeat(self.rows[:, 1], counts) + within

    def sample_of(self, row: int) -> int:
        """Return the sample of a row of the file, or of the last one used ahead of it."""
        run = max(int(np.searchsorted(self.rows[:, 0], row, side="right")) - 1, 0)
        first, sample, count = self.rows[run].tolist()
        return int(sample + min(max(row - first, 0), count - 1))

    @property
    def gaps(self) -> Ints:
        """Begin and end of each stretch without a row, samples, shape (n_gaps, 2)."""
        ends = self.rows[:-1, 1] + self.rows[:-1, 2]
        gaps = np.stack([ends, self.rows[1:, 1]], 1)
        return gaps[gaps[:, 1] > gaps[:, 0]]

    def spread(self, values: NDArray[Any]) -> Floats:
        """Lay rows (n_rows,) out in time; NaN where there is none."""
        if self.is_steady and values.shape[0] == self.n_samples:
            return np.asarray(values, dtype=np.float64)
        out = np.full(self.n_samples, np.nan)
        for row, sample, count in self.rows.tolist():
            out[sample : sample + count] = values[row : row + count]
        return out
