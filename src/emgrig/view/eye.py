"""Filters for the eye: band-pass, notches for the mains, rectified envelope; both ways, no delay.

A stretch is filtered with as much around it as the filters remember, so that what is shown does
not depend on where the window begins. Nothing is filtered across a gap.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from emgrig.analysis.signal import recursive
from emgrig.analysis.signal.filters import check_rate, segments
from emgrig.reading.recording import Floats

#: What is left of what lies farther away than the context.
_LEFT = 1e-9
#: Above this size the channels are filtered on several threads.
_THREAD_SAMPLES = 100_000
#: A lower edge needs a context, which grows as it falls.
LOWEST_HZ = 0.5
ENVELOPE_HZ = 6.0
_ORDER = 2
#: The band that an envelope is taken of, unless edges are chosen; the rate may narrow it.
EMG_BAND_HZ = (20.0, 450.0)
_TOP = 0.45


@dataclass(frozen=True)
class Eye:
    """What is done to a signal before it is looked at; nothing, if all are left out.

    Attributes
    ----------
    low_hz, high_hz : float or None
        Edges of a Butterworth filter of order 2, run both ways: -6 dB there.
    mains_hz : float or None
        A notch of 2 Hz at it and at each of its multiples.
    has_envelope : bool
        Whether the envelope (rectified, 6 Hz low-pass) is taken too.
    """

    low_hz: float | None = None
    high_hz: float | None = None
    mains_hz: float | None = None
    has_envelope: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether samples are shown as they are."""
        return self == Eye()

    def fitted(self, rate_hz: float) -> "Eye":
        """Return the filter as it is for this rate: edges and mains that it cannot carry go.

        An envelope is that of a band: an edge that is not given is that of `EMG_BAND_HZ`.

        Raises
        ------
        ValueError
            If an edge makes no sense, or no band is left.
        """
        check_rate(rate_hz)
        top = _TOP * rate_hz
        low, high = self.low_hz, self.high_hz
        if self.has_envelope:
            low = EMG_BAND_HZ[0] if low is None else low
            high = EMG_BAND_HZ[1] if high is None else high
        for edge in (low, high, self.mains_hz):
            if edge is not None and not (np.isfinite(edge) and edge > 0):
                raise ValueError(f"an edge of {edge:g} Hz; above 0 was expected")
        if low is not None and low < LOWEST_HZ:
            raise ValueError(f"a lower edge of {low:g} Hz; at least {LOWEST_HZ:g} was expected")
        if low is not None:
            high = top if high is None else min(high, top)
        elif high is not None and high >= top:
            high = None
        if low is not None and high is not None and low >= high:
            raise ValueError(
                f"a band of {low:g} to {high:g} Hz at {rate_hz:g} samples a second; the lower edge "
                "must lie below the upper one"
            )
        mains = self.mains_hz if self.mains_hz is None or self.mains_hz < top else None
        return replace(self, low_hz=low, high_hz=high, mains_hz=mains)

    def words(self) -> str:
        """Say what is done, for a person."""
        said = []
        if self.low_hz is not None and self.high_hz is not None:
            said.append(f"{self.low_hz:g}-{self.high_hz:g} Hz")
        elif self.high_hz is not None:
            said.append(f"below {self.high_hz:g} Hz")
        if self.mains_hz is not None:
            said.append(f"notches at {self.mains_hz:g} Hz and multiples")
        if self.has_envelope:
            said.append(f"envelope {ENVELOPE_HZ:g} Hz")
        return ", ".join(said) or "unfiltered"


@dataclass(frozen=True)
class Filter:
    """An `Eye` at one rate."""

    eye: Eye  #: As `Eye.fitted` gives it.
    rate_hz: float

    @cached_property
    def _band(self) -> Floats:
        eye, parts = self.eye, []
        if eye.low_hz is not None and eye.high_hz is not None:
            parts.append(recursive.band_pass(_ORDER, (eye.low_hz, eye.high_hz), self.rate_hz))
        elif eye.high_hz is not None:
            parts.append(recursive.low_pass(_ORDER, eye.high_hz, self.rate_hz))
        if eye.mains_hz is not None:
            parts.append(_notches(self.rate_hz, eye.mains_hz, eye.high_hz))
        return np.vstack(parts) if parts else np.empty((0, 6))

    @cached_property
    def _low(self) -> Floats:
        return recursive.low_pass(_ORDER, min(ENVELOPE_HZ, _TOP * self.rate_hz), self.rate_hz)

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


@lru_cache(maxsize=16)
def _notches(rate_hz: float, mains_hz: float, high_hz: float | None) -> Floats:
    from emgrig.analysis.signal.cleaning import mains_sections  # it imports scipy.signal: 2 s

    sections = mains_sections(rate_hz, mains_hz)
    top = np.inf if high_hz is None else high_hz + mains_hz
    return sections[: max(int(min(len(sections), top // mains_hz)), 1)]


def _memory(sections: Floats) -> int:
    """Return after how many samples a filter has forgotten all but `_LEFT` of what it saw."""
    if not len(sections):
        return 0
    radius = max(np.abs(np.roots(one[3:])).max() for one in sections)
    return int(np.ceil(np.log(_LEFT) / np.log(radius)))
