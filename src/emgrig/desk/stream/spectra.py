"""The spectrum of a channel as a page shows it: of the last seconds, as they came."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import segments
from emgrig.calibration.figures.spectrum import welch

LENGTH_S = 8.0
SEGMENT_S = 1.0
LEAST_S = 2.0
MOST_POINTS = 1000


@dataclass(frozen=True)
class ShownSpectrum:
    """One-sided density of some seconds of one channel, by Welch's method.

    `density`, µV²/Hz, shape (n_points,), are bins of `step_hz`, from 0 Hz on; where bins were put
    together it is the highest of each group, so that no line is hidden. `length_s` is behind it.
    """

    step_hz: float
    density: NDArray[np.float64]
    length_s: float


def spectrum_of(
    uv: NDArray[np.float64], rate_hz: float, most_hz: float | None = None
) -> ShownSpectrum | None:
    """Take the spectrum of the last stretch without a gap; None if it is shorter than 2 s.

    `uv`, shape (n_samples,), µV, has NaN where samples are missing; up to `most_hz`, or half the
    rate, is returned.
    """
    whole = segments(np.isfinite(uv))
    begin, end = whole[-1] if whole else (0, 0)
    if end - begin < LEAST_S * rate_hz:
        return None
    found = welch(uv[begin:end, None], rate_hz, segment_s=SEGMENT_S)
    top = rate_hz / 2 if most_hz is None else min(most_hz, rate_hz / 2)
    density = found.psd[found.frequency_hz <= top, 0]
    each = -(-len(density) // MOST_POINTS)
    padded = np.pad(density, (0, -len(density) % each), mode="edge")
    grouped = padded.reshape(-1, each).max(axis=1)
    return ShownSpectrum(found.bin_hz * each, grouped, (end - begin) / rate_hz)
