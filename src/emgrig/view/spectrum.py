"""Power spectrum of a stretch that was chosen, by Welch's method, around its gaps."""

from dataclasses import dataclass

import numpy as np

from emgrig.analysis.signal.filters import segments
from emgrig.reading.recording import Recording
from emgrig.reading.runs import Floats

#: A bin is about so wide, Hz, where the stretch is long enough.
BIN_HZ = 1.0
_LEAST = 16
#: Pieces that are averaged at most; of a longer stretch they are spread evenly.
MOST_PIECES = 400


@dataclass(frozen=True)
class Spectrum:
    """One-sided density of one channel.

    Attributes
    ----------
    frequency_hz : ndarray, shape (n_bins,)
        0 to half the rate.
    density : ndarray, shape (n_bins,)
        In the square of the signal's unit, per Hz; its integral is the variance.
    n_pieces : int
        How many pieces were averaged; they overlap by half.
    is_part : bool
        Whether only some of the pieces were taken, spread over the stretch.
    """

    frequency_hz: Floats
    density: Floats
    n_pieces: int
    is_part: bool


def spectrum(recording: Recording, channel: int, begin: int, stop: int) -> Spectrum:
    """Take the spectrum of samples `begin` to `stop` as they were recorded, without a filter.

    Each piece has its mean taken off and a Hann window put on. Pieces with a gap are left out.

    Raises
    ------
    ValueError
        If no piece of 16 samples or more is without a gap.
    """
    rate_hz = recording.rate_hz
    begin, stop = max(begin, 0), min(stop, recording.n_samples)
    size = min(max(round(rate_hz / BIN_HZ), _LEAST), max(stop - begin, 0))
    every = np.arange(begin, stop - size + 1, max(size // 2, 1))
    is_part = every.size > MOST_PIECES
    if is_part:
        every = every[np.linspace(0, every.size - 1, MOST_PIECES).round().astype(int)]
    pieces = (recording.window(a, a + size, [channel])[0] for a in every.tolist())
    whole = [one for one in pieces if np.isfinite(one).all()]
    if not whole and not is_part and stop > begin:  # gaps leave shorter pieces only
        x = recording.window(begin, stop, [channel])[0]
        a, b = max(segments(np.isfinite(x)), key=lambda ends: ends[1] - ends[0], default=(0, 0))
        whole, size = [x[a:b]], b - a
    if not whole or size < _LEAST:
        raise ValueError(f"a stretch of {_LEAST} samples or more without a gap was expected")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    table = np.array(whole)
    lines = np.fft.rfft((table - table.mean(axis=1, keepdims=True)) * window, axis=1)
    power = np.mean(np.abs(lines) ** 2, axis=0) / (rate_hz * np.sum(window**2))
    density = np.asarray(power, dtype=np.float64)
    density[1 : -1 if size % 2 == 0 else None] *= 2
    frequency_hz = np.asarray(np.fft.rfftfreq(size, 1 / rate_hz), dtype=np.float64)
    return Spectrum(frequency_hz, density, len(whole), is_part)
