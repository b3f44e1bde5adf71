"""What is done to a signal before it is looked at: band-pass, notches for the mains, envelope.

The viewer runs it both ways over a recording, the desk forward over what comes; neither changes
what is recorded.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from emgrig.analysis.signal import recursive
from emgrig.analysis.signal.filters import Floats, check_rate

#: A lower edge needs a context, which grows as it falls.
LOWEST_HZ = 0.5
ENVELOPE_HZ = 6.0
ORDER = 2
#: The band that an envelope is taken of, unless edges are chosen; the rate may narrow it.
EMG_BAND_HZ = (20.0, 450.0)
TOP = 0.45


@dataclass(frozen=True)
class Eye:
    """What is done to a signal before it is looked at; nothing, if all are left out.

    Attributes
    ----------
    low_hz, high_hz : float or None
        Edges of a Butterworth filter of order 2: -3 dB there each time it is run.
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
        top = TOP * rate_hz
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

    def sections(self, rate_hz: float) -> Floats:
        """Design band and notches; shape (n_sections, 6), none if there is nothing to do.

        `self` is as `fitted` gives it for this rate.
        """
        parts = []
        if self.low_hz is not None and self.high_hz is not None:
            parts.append(recursive.band_pass(ORDER, (self.low_hz, self.high_hz), rate_hz))
        elif self.high_hz is not None:
            parts.append(recursive.low_pass(ORDER, self.high_hz, rate_hz))
        if self.mains_hz is not None:
            parts.append(_notches(rate_hz, self.mains_hz, self.high_hz))
        return np.vstack(parts) if parts else np.empty((0, 6))


@lru_cache(maxsize=16)
def _notches(rate_hz: float, mains_hz: float, high_hz: float | None) -> Floats:
    from emgrig.analysis.signal.cleaning import mains_sections  # it imports scipy.signal: 2 s

    sections = mains_sections(rate_hz, mains_hz)
    top = np.inf if high_hz is None else high_hz + mains_hz
    return sections[: max(int(min(len(sections), top // mains_hz)), 1)]
