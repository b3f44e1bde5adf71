"""The signals of one recording: what was found on each channel, and its envelope.

One channel at a time is filtered; of each only the 6 Hz envelope is kept, in single precision, so
that the memory is bounded by the length of one recording.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.report.candidates import Analysis, analyse
from emgrig.analysis.signal.cleaning import subtract_mains
from emgrig.analysis.signal.filters import CASMEMG_CODE, Floats, band_pass, segments, smooth
from emgrig.analysis.signal.indicators import PeakRule, mvc_uv
from emgrig.reading import Recording
from emgrig.study.course import Course

_RUN_IN_S = 0.1

Envelope = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Signals:
    """A recording, filtered and searched.

    Attributes
    ----------
    analysis : Analysis
        Quality, rest and candidates of each channel.
    envelopes : sequence of ndarray or None
        6 Hz envelope of each channel, uV; None where the channel is not analysed.
    gaps : ndarray of int, shape (n_gaps, 2)
        Begin and end of stretches without samples.
    """

    analysis: Analysis
    envelopes: Sequence[Envelope | None]
    gaps: NDArray[np.int64]

    @property
    def blinks(self) -> frozenset[int]:
        """Which of the candidates are blinks."""
        found = self.analysis.candidates
        return frozenset(place for place, one in enumerate(found) if one.is_blink)

    def span(self, begin_s: float, end_s: float) -> slice:
        """Return the samples of a time, within the recording."""
        n, rate = self.analysis.n_samples, self.analysis.rate_hz
        begin = min(max(round(begin_s * rate), 0), n - 1)
        return slice(begin, min(max(round(end_s * rate), begin + 1), n))

    def meets_gap(self, part: slice, margin: int = 0) -> bool:
        """Tell whether samples are missing in a part, or so near to it."""
        begin, end = part.start - margin, part.stop + margin
        return bool(((self.gaps[:, 0] < end) & (self.gaps[:, 1] > begin)).any())

    def peak(self, index: int, part: slice) -> float:
        """Return the peak of a channel's envelope, uV; NaN if there is none."""
        envelope = self.envelopes[index]
        if envelope is None or not np.isfinite(envelope[part]).any():
            return float("nan")
        return float(np.nanmax(envelope[part]))


class _Channels(Sequence[Floats]):
    """The channels of a recording, each read when it is asked for."""

    def __init__(self, found: Recording) -> None:
        self._found = found

    def __len__(self) -> int:
        return len(self._found.signals)

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._found.values(index)


def search(found: Recording, muscles: Mapping[int, int] | None) -> Signals:
    """Filter and search a recording.

    Parameters
    ----------
    found : Recording
        Opened; what is marked bad in it is missing.
    muscles : mapping, optional
        {channel index: channel of the paper's face}; default is what the names say.
    """
    channels = _Channels(found)
    analysis = analyse(
        channels,
        found.rate_hz,
        labels=found.labels,
        units=found.units,
        limits=[one.limits for one in found.signals],
        muscles=muscles,
    )
    envelopes: list[Envelope | None] = []
    gaps = np.empty((0, 2), dtype=np.int64)
    for i, quality in enumerate(analysis.quality):
        if quality.reject and i:
            envelopes.append(None)
            continue
        x = channels[i]
        if i == 0:
            gaps = np.array(segments(~np.isfinite(x)), dtype=np.int64).reshape(-1, 2)
        envelopes.append(None if quality.reject else _envelope(x, analysis, quality.mains_hz))
    return Signals(analysis, envelopes, gaps)


def _envelope(x: Floats, analysis: Analysis, mains_hz: float) -> Envelope:
    """Take the envelope as `emgrig analyse` does: band, mains subtracted, rectified, 6 Hz."""
    rate_hz = analysis.rate_hz
    preset = replace(CASMEMG_CODE, name="study", band_hz=analysis.band_hz)
    banded = band_pass(x[:, np.newaxis], rate_hz, preset=preset)
    if np.isfinite(mains_hz):
        banded = subtract_mains(banded, rate_hz, mains_hz=mains_hz)
    run_in = min(round(_RUN_IN_S * rate_hz), x.size // 10)
    banded[:run_in] = banded[x.size - run_in :] = np.nan
    return smooth(banded[:, 0], rate_hz, preset=preset)[:, 0].astype(np.float32)


@dataclass(frozen=True)
class Mvc:
    """The MVC of a channel."""

    uv: float
    n_repetitions: int  #: 0: as the session said it.
    problem: str = ""  #: Why there is none.


def take_mvc(
    signals: Signals, course: Course, index: int, rule: PeakRule, times_rest: float
) -> Mvc:
    """Take the MVC of a channel from part A, or as the session said it."""
    analysis = signals.analysis
    called = {analysis.labels[index], str(index + 1)}
    envelope = signals.envelopes[index]
    if envelope is None:
        return Mvc(float("nan"), 0, "channel not analysed")
    parts = [signals.span(c.begin_s, c.end_s) for c in course.contractions if c.channel in called]
    whole = [part for part in parts if not signals.meets_gap(part)]
    pieces = [envelope[part].astype(np.float64) for part in whole]
    pieces = [piece for piece in pieces if np.isfinite(piece).all()]
    said = [uv for name, uv in course.levels_uv.items() if name in called and uv > 0]
    rest = float(analysis.rest[index])
    try:
        if pieces:
            level = mvc_uv(pieces, analysis.rate_hz, rule=rule)
        elif said and not parts:
            level = said[0]
        else:
            why = "every repetition has a gap" if parts else "no repetition was accepted"
            return Mvc(float("nan"), 0, why if course.part_a_s or parts else "there is no part A")
    except ValueError as error:
        return Mvc(float("nan"), 0, str(error))
    if level < times_rest * rest:
        near = f"{level:.1f} µV is less than {times_rest:g} times the rest of {rest:.1f} µV"
        return Mvc(float("nan"), len(pieces), f"not plausible: {near}")
    return Mvc(level, len(pieces))
