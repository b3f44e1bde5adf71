"""Stretches that somebody asks for: how strong a channel is in one, and in % of its MVC.

The envelope is the one that expressions are measured by: band-passed, mains taken off, rectified,
6 Hz, no delay. So the MVC and what is divided by it are of one kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from emgrig.analysis.signal.filters import Floats
from emgrig.analysis.signal.indicators import (
    LEAST_MVC_UV,
    PLAUSIBLE_TIMES_REST,
    mvc_percent,
    mvc_uv,
)
from emgrig.analysis.signal.quality import ChannelQuality

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """A stretch of a recording, s from its first sample."""

    name: str  #: What it is called: the words of a mark, or its times.
    begin_s: float
    end_s: float

    @property
    def times(self) -> str:
        """Its begin and end, for people."""
        return f"{self.begin_s:.1f} to {self.end_s:.1f} s"


@dataclass(frozen=True)
class PartLevel:
    """How strong a channel is in a part."""

    part: Part
    channel_index: int
    mean: float  #: Of the envelope, in the unit of the recording; NaN if all of it is missing.
    peak: float
    times_rest: float  #: The mean over the channel's rest level.
    mvc_uv: float  #: NaN where it is not known.
    missing: float  #: Share that is missing, 0 to 1.
    is_clipped: bool = False  #: Whether it meets a stretch at the end of the range.

    @property
    def mean_percent(self) -> float:
        """The mean in % of the MVC; NaN where either is not known."""
        return self._percent(self.mean)

    @property
    def peak_percent(self) -> float:
        """The peak in % of the MVC (eq. 6); NaN where either is not known."""
        return self._percent(self.peak)

    def _percent(self, level: float) -> float:
        is_known = np.isfinite(level) and np.isfinite(self.mvc_uv)
        return mvc_percent(level, self.mvc_uv) if is_known else float("nan")


def usable(asked: Mapping[int, T], units: Sequence[str]) -> tuple[dict[int, T], list[int]]:
    """Return what gives the MVC of channels in uV; and channels of which nobody said the unit."""
    unsaid = [index for index in asked if not units[index]]
    return {index: one for index, one in asked.items() if units[index] == "uV"}, unsaid


def inside(part: Part, duration_s: float, rate_hz: float) -> Part:
    """Return a part, up to the end of a recording of so many s if it goes on behind that.

    Raises ValueError if no sample is in it.
    """
    cut = replace(part, end_s=min(part.end_s, duration_s))
    first, behind = _span(cut, rate_hz)
    if not 0 <= first < behind:
        raise ValueError(
            f"{part.name}: {part.begin_s:g} to {part.end_s:g} s is no stretch of a recording of "
            f"{duration_s:.1f} s"
        )
    return cut


def mvc_in(
    x: Floats,
    envelope: Floats,
    rate_hz: float,
    parts: Sequence[Part],
    rest: float,
    quality: ChannelQuality,
) -> tuple[float | None, tuple[str, ...]]:
    """Take the MVC of a channel where it was contracted.

    Parameters
    ----------
    x, envelope : ndarray of float64, shape (n_samples,)
        The whole channel as it was recorded, and its envelope, uV; NaN where it is missing.
    rate_hz : float, > 0
        Sampling rate, Hz.
    parts : sequence of Part
        One or more; the highest peak counts.
    rest : float
        Rest level of the channel, uV.
    quality : ChannelQuality
        Knows where it is clipped.

    Returns
    -------
    mvc_uv : float or None
        uV; None if what is there is no maximum: all missing, below `LEAST_MVC_UV`, or below
        `PLAUSIBLE_TIMES_REST` times rest.
    remarks : tuple of str
        Why there is none, or what speaks against it.
    """
    pieces = [_cut(envelope, rate_hz, one) for one in parts]
    where = ", ".join(one.times for one in parts)
    known = [one for one in pieces if np.isfinite(one).any()]
    if not known or not np.nanmax(np.concatenate(known)) > 0:
        return None, (f"no MVC: {'all of it is missing' if not known else 'flat'} from {where}",)
    level = mvc_uv(known, rate_hz)
    if level < LEAST_MVC_UV or not level >= PLAUSIBLE_TIMES_REST * rest:
        why = f"from {where} it reaches {level:.1f} µV, {level / rest:.1f} times rest"
        way = "if it is the maximum all the same, tell it in µV"
        return None, (f"no MVC: {why}; a maximum has {PLAUSIBLE_TIMES_REST:g} or more; {way}",)
    remarks = []
    if missing := _missing(np.concatenate([_cut(x, rate_hz, one) for one in parts])):
        remarks.append(f"{missing:.1%} of where its MVC was taken is missing: it may be higher")
    if any(_meets(one, rate_hz, quality) for one in parts):
        remarks.append("its MVC is clipped: the true one is higher, and % MVC lower")
    return level, tuple(remarks)


def levels_in(
    x: Floats,
    envelope: Floats,
    rate_hz: float,
    parts: Sequence[Part],
    index: int,
    rest: float,
    quality: ChannelQuality,
    mvc_level_uv: float | None,
) -> tuple[PartLevel, ...]:
    """Measure how strong a channel is in each part; `x` and `envelope` as in `mvc_in`."""
    levels = []
    for part in parts:
        piece = _cut(envelope, rate_hz, part)
        piece = piece[np.isfinite(piece)]
        mean = float(piece.mean()) if piece.size else float("nan")
        levels.append(
            PartLevel(
                part,
                index,
                mean,
                float(piece.max()) if piece.size else float("nan"),
                mean / rest if rest > 0 else float("nan"),
                float("nan") if mvc_level_uv is None else mvc_level_uv,
                _missing(_cut(x, rate_hz, part)),
                _meets(part, rate_hz, quality),
            )
        )
    return tuple(levels)


def _missing(x: Floats) -> float:
    return float(np.isnan(x).mean()) if x.size else 1.0


def _cut(envelope: Floats, rate_hz: float, part: Part) -> Floats:
    return envelope[slice(*_span(part, rate_hz))]


def _meets(part: Part, rate_hz: float, quality: ChannelQuality) -> bool:
    first, behind = _span(part, rate_hz)
    return any(begin < behind and first < end for begin, end in quality.clipped)


def _span(part: Part, rate_hz: float) -> tuple[int, int]:
    return round(part.begin_s * rate_hz), round(part.end_s * rate_hz)
