"""MVC% and iEMG as the authors' own code takes them, beside ours, and what the difference does.

Their files (MELABIPCAS/CASMEMG, folder preprocess, newer than d9f7c95) take tables of 11 columns at
1000 Hz. They drop the first 199 rows, delete the rows that were lost, so that all that follows
moves up, and read the annotated times 200 ms late. Ours leaves every sample at its time: what was
lost is a gap. What the times of the public annotations count from is not said anywhere; the
difference below holds if it is the first row of the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.paper.annotations import Expression
from emgrig.analysis.signal.filters import CASMEMG_INDICATORS, Floats, envelope

RATE_HZ = 1000.0
N_DROPPED = 199  #: Rows that their code leaves out at the start.
ADDED_MS = 200  #: What it adds to the annotated times afterwards.


@dataclass(frozen=True)
class Indicators:
    """What is taken of one expression."""

    #: Maximum of the envelope, uV: 100 times it over the MVC is MVC%. None: nothing but gaps.
    peak_uv: float | None
    #: Sum of the envelope, normalised by the range of the whole recording. None: a gap is in it.
    iemg: float | None
    #: Rows of the table that it rests on, half-open.
    rows: tuple[int, int]


@dataclass(frozen=True)
class Both:
    """One expression, both ways."""

    expression: Expression
    authors: Indicators
    ours: Indicators

    @property
    def late_ms(self) -> int:
        """How much later their window begins than the annotated onset, ms of the table's time."""
        return self.authors.rows[0] - self.ours.rows[0]

    @property
    def longer_ms(self) -> int:
        """How much longer their window is in the table's time: lost rows, and both ends, ms."""
        theirs, ours = self.authors.rows, self.ours.rows
        return theirs[1] - theirs[0] - (ours[1] - ours[0])

    @property
    def peak_percent(self) -> float | None:
        """What their peak, and so MVC%, is more than ours, percent of ours."""
        return _more(self.authors.peak_uv, self.ours.peak_uv)

    @property
    def iemg_percent(self) -> float | None:
        """What their iEMG is more than ours, percent of ours."""
        return _more(self.authors.iemg, self.ours.iemg)


def _more(theirs: float | None, ours: float | None) -> float | None:
    return None if theirs is None or not ours else 100 * (theirs / ours - 1)


def authors_envelope(samples_uv: Floats, is_lost: NDArray[np.bool_]) -> Floats:
    """Return the envelope of what their code keeps of one channel.

    Parameters
    ----------
    samples_uv : ndarray, shape (n_rows,)
        Raw EMG, uV, of all rows of the table; what lost rows hold is not looked at.
    is_lost : ndarray of bool, shape (n_rows,)
        True where the packet order is -1.

    Returns
    -------
    ndarray of float64, shape (n_kept,)
        Of the rows from the 200th on that were not lost, one after the other, uV.

    Raises
    ------
    ValueError
        If too few rows are left for the filters.
    """
    kept = np.asarray(samples_uv, dtype=np.float64)[N_DROPPED:][~is_lost[N_DROPPED:]]
    return envelope(kept, RATE_HZ, preset=CASMEMG_INDICATORS)[:, 0]


def authors_indicators(
    kept_uv: Floats, is_lost: NDArray[np.bool_], onset_ms: int, offset_ms: int
) -> Indicators:
    """Take peak and iEMG of an expression as their code does.

    Parameters
    ----------
    kept_uv : ndarray, shape (n_kept,)
        As `authors_envelope` returns it.
    is_lost : ndarray of bool, shape (n_rows,)
        As given to it.
    onset_ms, offset_ms : int
        As annotated; both ends are in it.

    Raises
    ------
    ValueError
        If the window is not inside of what was kept.
    """
    start, stop = onset_ms + ADDED_MS - 1, offset_ms + ADDED_MS  # their rows count from 1
    if not 0 <= onset_ms < offset_ms or stop > kept_uv.size:
        raise ValueError(
            f"{onset_ms} to {offset_ms} ms lies outside of the {kept_uv.size} rows that are kept"
        )
    rows = np.flatnonzero(~is_lost[N_DROPPED:]) + N_DROPPED
    window = kept_uv[start:stop]
    iemg = float(_normalised(window, kept_uv).sum())
    return Indicators(float(window.max()), iemg, (int(rows[start]), int(rows[stop - 1]) + 1))


def our_indicators(envelope_uv: Floats, onset_ms: int, offset_ms: int) -> Indicators:
    """Take peak and iEMG of an expression with every sample at its time.

    Parameters
    ----------
    envelope_uv : ndarray, shape (n_rows,)
        Of the whole recording, uV, NaN where samples were lost.
    onset_ms, offset_ms : int
        As annotated; the offset is not in it.

    Raises
    ------
    ValueError
        If the window is not inside of the recording.
    """
    if not 0 <= onset_ms < offset_ms <= envelope_uv.size:
        raise ValueError(
            f"{onset_ms} to {offset_ms} ms lies outside of the {envelope_uv.size} samples"
        )
    window = envelope_uv[onset_ms:offset_ms]
    is_there = np.isfinite(window)
    peak = float(window[is_there].max()) if is_there.any() else None
    iemg = float(_normalised(window, envelope_uv).sum()) if is_there.all() else None
    return Indicators(peak, iemg, (onset_ms, offset_ms))


def _normalised(window: Floats, recording: Floats) -> Floats:
    low, high = float(np.nanmin(recording)), float(np.nanmax(recording))
    if not high > low:
        raise ValueError("the envelope does not vary, so it cannot be normalised")
    return (window - low) / (high - low)


def both_ways(samples_uv: Floats, expressions: Sequence[Expression]) -> list[Both]:
    """Take the indicators of all expressions of one recording, both ways.

    Parameters
    ----------
    samples_uv : ndarray, shape (n_rows, n_channels)
        Raw EMG at 1000 Hz, uV; NaN in rows that were lost.
    expressions : sequence of Expression
        Of this recording; those that lie outside of it are left out of the result.
    """
    is_lost = np.asarray(np.isnan(samples_uv).all(axis=1))
    found = []
    for channel in sorted({one.channel for one in expressions}):
        column = samples_uv[:, channel - 1]
        kept = authors_envelope(column, is_lost)
        whole = envelope(column, RATE_HZ, preset=CASMEMG_INDICATORS)[:, 0]
        for one in expressions:
            span = one.emg_onset_ms, one.emg_offset_ms
            if one.channel == channel and span[1] + ADDED_MS <= kept.size:
                theirs = authors_indicators(kept, is_lost, *span)
                found.append(Both(one, theirs, our_indicators(whole, *span)))
    return sorted(found, key=lambda both: both.expression.row)
