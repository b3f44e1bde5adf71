"""Filters for the eye: band-pass, notches for the mains, rectified envelope; both ways, no delay.

A stretch is filtered with as much around it as the filters remember, so that what is shown does
not depend on where the window begins. Nothing is filtered across a gap.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from emgrig.analysis.signal import recursive
from emgrig.analysis.signal.eye import EMG_BAND_HZ, ENVELOPE_HZ, LOWEST_HZ, ORDER, TOP, Eye
from emgrig.analysis.signal.filters import segments
from emgrig.reading.runs import Floats

__all__ = ["EMG_BAND_HZ", "LOWEST_HZ", "Eye", "Filter"]

#: What is left of what lies farther away than the context.
_LEFT = 1e-9
#: Above this size the channels are filtered on several threads.
_THREAD_SAMPLES = 100_000


@dataclass(frozen=True)
class Filter:
    """An `Eye` at one rate."""

    eye: Eye  #: As `Eye.fitted` gives it.
    rate_hz: float

    @cached_property
    def _band(self) -> Floats:
        return self.eye.sections(self.rate_hz)

    @cached_property
    def _low(self) -> Floats:
        return recursive.low_pass(ORDER, min(ENVELOPE_HZ, TOP * self.rate_hz), self.rate_hz)

    @cached_property
    def _memories(self) -> tuple[int, int]:
        return _memory(self._band), _memory(self._low) if self.eye.has_envelope else 0

    @property
    def context(self) -> int:
        """Samples on each side that what is shown may depend on."""
        return sum(self._memories)

    def run(self, x: Floats) -> tuple[Floats, Floats | None]:
        """Filter stretches without a gap, each by itself; NaN stays.

        Parameters
        ----------
        x : ndarray, shape (n_channels, n_samples)
            With `context` more samples at each end than are wanted, unless the recording ends.

        Returns
        -------
        ndarray, and ndarray or None, both of the shape of `x`
            Filtered signal, and its envelope. An end of a stretch is extended by half a turn about
            it, as MATLAB's filtfilt does.
        """
        traces, envelopes = np.full_like(x, np.nan), np.full_like(x, np.nan)

        def one(index: int) -> None:
            row = np.ascontiguousarray(x[index])
            for begin, stop in segments(np.isfinite(row)):
                banded = _both_ways(self._band, row[begin:stop], self._memories[0])
                traces[index, begin:stop] = banded
                if self.eye.has_envelope:
                    level = _both_ways(self._low, np.abs(banded), self._memories[1])
                    envelopes[index, begin:stop] = level

        if x.size > _THREAD_SAMPLES:
            with ThreadPoolExecutor(min(len(x), os.cpu_count() or 1)) as pool:
                list(pool.map(one, range(len(x))))
        else:
            for index in range(len(x)):
                one(index)
        return traces, envelopes if self.eye.has_envelope else None


def _both_ways(sections: Floats, x: Floats, memory: int) -> Floats:
    return recursive.both_ways(sections, x, min(memory, x.size - 1)) if len(sections) else x


def _memory(sections: Floats) -> int:
    """Return after how many samples a filter has forgotten all but `_LEFT` of what it saw."""
    if not len(sections):
        return 0
    radius = max(np.abs(np.roots(one[3:])).max() for one in sections)
    return int(np.ceil(np.log(_LEFT) / np.log(radius)))
