"""The envelope while it is being recorded: forward only, block by block."""

import numpy as np
from scipy import signal

from emgrig.analysis.signal.cleaning import mains_sections
from emgrig.analysis.signal.filters import (
    CASMEMG_CODE,
    Floats,
    Preprocessing,
    as_columns,
    band_sections,
    envelope_sections,
    segments,
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
        self._channels = [_LiveChannel(band, low) for _ in range(n_channels)]

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
        if columns.shape[1] != len(self._channels):
            raise ValueError(
                f"the block has {columns.shape[1]} channels, expected {len(self._channels)}"
            )
        if np.isinf(columns).any():
            raise ValueError("the block holds an infinite value; mark what is missing with NaN")
        live = [channel.feed(columns[:, i]) for i, channel in enumerate(self._channels)]
        return np.stack(live, axis=1)


class _LiveChannel:
    def __init__(self, band: Floats, low: Floats) -> None:
        self._band = band
        self._low = low
        self._band_rest = signal.sosfilt_zi(band)
        self._low_rest = signal.sosfilt_zi(low)
        self._state: tuple[Floats, Floats] | None = None

    def feed(self, x: Floats) -> Floats:
        finite = np.isfinite(x)
        out = np.full(x.size, np.nan)
        for start, stop in segments(finite):
            if start > 0:
                self._state = None
            out[start:stop] = self._run(np.ascontiguousarray(x[start:stop]))
        if not finite[-1]:
            self._state = None
        return out

    def _run(self, x: Floats) -> Floats:
        if self._state is None:
            # The band-pass gives 0 for a constant, so the envelope starts at 0 too.
            self._state = self._band_rest * x[0], self._low_rest * 0.0
        banded, band_state = signal.sosfilt(self._band, x, zi=self._state[0])
        low, low_state = signal.sosfilt(self._low, np.abs(banded), zi=self._state[1])
        self._state = band_state, low_state
        return np.asarray(low, dtype=np.float64)
