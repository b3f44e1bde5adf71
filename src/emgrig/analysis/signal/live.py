"""The envelope while it is being recorded: forward only, block by block."""

from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.signal.cleaning import mains_sections
from emgrig.analysis.signal.filters import (
    CASMEMG_CODE,
    Floats,
    Preprocessing,
    as_columns,
    band_sections,
    envelope_sections,
)


class LiveEnvelope:
    """A causal envelope that carries its state from block to block.

    What it returns for a record cut into blocks is, sample for sample, what it returns for the
    whole record in one. The band-pass removes the offset; each filter starts as if the first
    sample had always been there, so that an electrode offset makes no step. The delay of the
    6 Hz low-pass is about 37 ms.

    Parameters
    ----------
    rate_hz : float, > 0
        Sampling rate, Hz.
    n_channels : int, >= 1
        Channels in each block.
    preset : Preprocessing
        Bands and orders; `zero_phase`, `padding` and `mean_removed` do not apply.
    mains_hz : float, optional
        Notch out this frequency and its harmonics first.

    Raises
    ------
    ValueError
        If the rate cannot carry the band or the mains.
    """

    def __init__(
        self,
        rate_hz: float,
        n_channels: int,
        *,
        preset: Preprocessing = CASMEMG_CODE,
        mains_hz: float | None = None,
    ) -> None:
        if n_channels < 1:
            raise ValueError(f"n_channels is {n_channels}; at least 1 was expected")
        band = band_sections(preset, rate_hz)
        if mains_hz is not None:
            band = np.concatenate([mains_sections(rate_hz, mains_hz), band])
        low = envelope_sections(preset, rate_hz)
        self._band, self._band_rest = band, scipy.signal.sosfilt_zi(band)[:, :, None]
        self._low = low
        self._band_state = np.zeros((len(band), 2, n_channels))
        self._low_state = np.zeros((len(low), 2, n_channels))
        self._is_running = np.zeros(n_channels, dtype=np.bool_)

    def feed(self, block: Floats) -> Floats:
        """Filter the next block.

        Parameters
        ----------
        block : ndarray, shape (n_samples, n_channels)
            Next samples; NaN marks what was lost. After a gap the filters start anew.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_channels)
            Envelope in the unit of the block, NaN where the block is.

        Raises
        ------
        ValueError
            If the number of channels is another one; the state is then as before.
        """
        columns = as_columns(block)
        if columns.shape[1] != self._is_running.size:
            raise ValueError(
                f"the block has {columns.shape[1]} channels, expected {self._is_running.size}"
            )
        finite = np.isfinite(columns)
        if finite.all():  # as nearly always; the rest of this takes as long as the filters
            return self._run(columns, finite[0])
        if np.isinf(columns).any():
            raise ValueError("the block holds an infinite value; mark what is missing with NaN")
        changes = np.flatnonzero((finite[1:] != finite[:-1]).any(axis=1)) + 1
        edges = [0, *(int(change) for change in changes), len(columns)]
        return np.concatenate([self._run(columns[a:b], finite[a]) for a, b in pairwise(edges)])

    def _run(self, x: Floats, is_live: NDArray[np.bool_]) -> Floats:
        """Filter the channels that are live; the others start anew when they come back."""
        fresh = is_live & ~self._is_running
        if fresh.any():
            # The band-pass gives 0 for a constant, so the envelope starts at 0 too.
            self._band_state[:, :, fresh] = self._band_rest * x[0, fresh]
            self._low_state[:, :, fresh] = 0.0
        self._is_running = is_live
        if is_live.all():
            out, self._band_state, self._low_state = self._filtered(
                x, self._band_state, self._low_state
            )
            return out
        out = np.full(x.shape, np.nan)
        if is_live.any():
            (
                out[:, is_live],
                self._band_state[:, :, is_live],
                self._low_state[:, :, is_live],
            ) = self._filtered(
                x[:, is_live], self._band_state[:, :, is_live], self._low_state[:, :, is_live]
            )
        return out

    def _filtered(
        self, x: Floats, band_state: Floats, low_state: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Return the envelope, and the states behind it."""
        banded, band_state = scipy.signal.sosfilt(self._band, x, axis=0, zi=band_state)
        out, low_state = scipy.signal.sosfilt(self._low, np.abs(banded), axis=0, zi=low_state)
        return out, band_state, low_state
