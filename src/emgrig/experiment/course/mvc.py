"""Part A: the peak of a contraction, and whether it can be believed.

The chain is that of `emgrig analyse` (band-pass, mains taken off, rectified, 6 Hz, no delay), so
that the MVC and the expressions that are divided by it are of one kind.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.cleaning import subtract_mains
from emgrig.analysis.signal.filters import CASMEMG_CODE, band_pass, smooth
from emgrig.analysis.signal.indicators import PLAUSIBLE_TIMES_REST, PeakRule, mvc_uv
from emgrig.experiment.files.plan import Limits

#: So much more than the contraction and the rest is filtered on each side, s.
MARGIN_S = 0.5
#: Rest is measured in at most so much time before the cue, s.
_REST_TAKEN_S = 3.0
#: And not in the first moment after the contraction before, s.
_RELAX_S = 1.0
#: So many equal samples in a row at the top or bottom are a rail: noise never repeats itself.
_FLAT_TOP = 4


class Problem(StrEnum):
    """Why a contraction is asked for again, as markers have it."""

    GAP = "gap"
    CLIPPED = "clipped"
    NO_SIGNAL = "no-signal"
    WRONG_MOVEMENT = "wrong-movement"
    TOO_WEAK = "too-weak"
    NEAR_REST = "near-rest"
    WEAKER_THAN_BEST = "weaker-than-best"


@dataclass(frozen=True)
class Measurement:
    """What a contraction gave.

    `peak_uv` is by the plan's rule; None if there is a gap inside or no signal; `rest_uv` is the
    mean of the envelope in the rest before it. `other_channel` peaked highest beside the one that
    was asked for; 0 if there is none; `other_uv` is its peak, by the same rule. Gap and clipping
    are inside the contraction, on the channel that was asked for.
    """

    peak_uv: float | None
    rest_uv: float | None
    other_channel: int = 0
    other_uv: float = 0.0
    has_gap: bool = False
    is_clipped: bool = False

    @property
    def is_plausible(self) -> bool:
        """Whether the peak can be that of a maximum contraction."""
        return is_plausible(self.peak_uv, self.rest_uv)


def is_plausible(peak_uv: float | None, rest_uv: float | None) -> bool:
    """Tell whether a peak, µV, can be that of a maximum contraction after rest, µV."""
    if peak_uv is None or rest_uv is None:
        return False
    return peak_uv >= PLAUSIBLE_TIMES_REST * rest_uv


def rest_before(cue_s: float, rest_begin_s: float) -> tuple[float, float]:
    """Return begin and end of the rest that is measured before a cue, on the clock of both, s."""
    taken_s = min(max(cue_s - rest_begin_s - _RELAX_S, _RELAX_S), _REST_TAKEN_S)
    return cue_s - taken_s, cue_s


def measure(
    uv: NDArray[np.float64],
    rate_hz: float,
    channels: tuple[int, ...],
    channel: int,
    *,
    rest_s: tuple[float, float],
    contraction_s: tuple[float, float],
    rule: PeakRule,
    mains_hz: float,
) -> Measurement:
    """Measure a contraction.

    `uv`, shape (n_samples, n_channels), is the raw signal, µV, NaN in gaps; more than rest and
    contraction on both sides, and 2 s or more. `channels` are the numbers of its columns, `channel`
    the one that was asked for. `rest_s` and `contraction_s` count from the first sample. `rule`
    says which peak counts, see `mvc_uv`; 0 leaves the mains in. Raises ValueError if the channel is
    not there, or the rate carries no EMG band.
    """
    if channel not in channels:
        raise ValueError(f"channel {channel} is not among {channels}")
    column = channels.index(channel)
    contraction = _span(contraction_s, rate_hz)
    raw = uv[contraction, column]
    if not raw.size or np.isnan(raw).any():
        return Measurement(None, None, has_gap=True)
    envelope = _envelope(uv, rate_hz, mains_hz)
    rest = envelope[_span(rest_s, rate_hz), column]
    rest_uv = float(np.nanmean(rest)) if np.isfinite(rest).any() else None
    peaks = [_peak_uv(one, rate_hz, rule) for one in envelope[contraction].T]
    peak_uv, peaks[column] = peaks[column], None
    other_uv, other_channel = max((uv or 0.0, n) for uv, n in zip(peaks, channels, strict=True))
    return Measurement(
        peak_uv,
        rest_uv,
        other_channel=other_channel if other_uv else 0,
        other_uv=other_uv,
        is_clipped=_is_clipped(raw),
    )


def _peak_uv(envelope_uv: NDArray[np.float64], rate_hz: float, rule: PeakRule) -> float | None:
    try:
        return mvc_uv([envelope_uv], rate_hz, rule=rule)
    except ValueError:  # flat, or no facial EMG by its size
        return None


def judge(found: Measurement, limits: Limits, best_uv: float | None) -> tuple[Problem, str] | None:
    """Say what is wrong with a contraction, as a word and in words; None if nothing is."""
    if found.has_gap:
        return Problem.GAP, "samples were lost during the contraction"
    if found.is_clipped:
        return Problem.CLIPPED, "the signal hit the end of its range; check the electrodes"
    if found.peak_uv is None:
        return Problem.NO_SIGNAL, "the channel shows no EMG; check its electrodes"
    if found.other_uv > limits.times_other * found.peak_uv:
        words = (
            f"c{found.other_channel} was stronger ({found.other_uv:.0f} µV against "
            f"{found.peak_uv:.0f} µV): another movement?"
        )
        return Problem.WRONG_MOVEMENT, words
    if found.rest_uv is not None and found.peak_uv < limits.times_rest * found.rest_uv:
        times = found.peak_uv / found.rest_uv
        words = f"{times:.1f} times the rest level; {limits.times_rest:g} or more were expected"
        return Problem.TOO_WEAK, f"too weak: {words}"
    if found.rest_uv is None:
        return Problem.NEAR_REST, "the rest before it was not recorded"
    if not found.is_plausible:
        times = found.peak_uv / found.rest_uv
        words = f"{times:.1f} times the rest level; a maximum has {PLAUSIBLE_TIMES_REST:g} or more"
        return Problem.NEAR_REST, f"hardly a maximum: {words}"
    if best_uv is not None and found.peak_uv < limits.of_best * best_uv:
        share = found.peak_uv / best_uv
        words = f"{share:.0%} of the best so far; {limits.of_best:.0%} or more were expected"
        return Problem.WEAKER_THAN_BEST, f"too weak: {words}"
    return None


def doubt(peak_uv: float, rest_uv: float | None) -> str:
    """Say what a peak that is not plausible would be taken for, and ask whether to take it."""
    rest = "a rest that was not recorded"
    if rest_uv:
        rest = f"{rest_uv:.1f} µV at rest: {peak_uv / rest_uv:.1f} times"
    return (
        f"{peak_uv:.1f} µV after {rest}; that is near noise, and every expression of this channel "
        "would be divided by it. Take it anyway?"
    )


def _envelope(uv: NDArray[np.float64], rate_hz: float, mains_hz: float) -> NDArray[np.float64]:
    """Take the envelope of each column; a column of gaps stays one."""
    top = min(CASMEMG_CODE.band_hz[1], round(0.45 * rate_hz))
    preset = replace(CASMEMG_CODE, name="session", band_hz=(CASMEMG_CODE.band_hz[0], top))
    banded = band_pass(uv, rate_hz, preset=preset)
    if mains_hz:
        banded = subtract_mains(banded, rate_hz, mains_hz=mains_hz)
    return smooth(banded, rate_hz, preset=preset)


def _span(interval_s: tuple[float, float], rate_hz: float) -> slice:
    begin, end = (max(round(edge * rate_hz), 0) for edge in interval_s)
    return slice(begin, end)


def _is_clipped(raw: NDArray[np.float64]) -> bool:
    """Tell whether an extreme value comes several times in a row; a flat line is no rail."""
    if raw.size < _FLAT_TOP or not np.ptp(raw):
        return False
    for extreme in (raw.max(), raw.min()):
        is_there = np.convolve(raw == extreme, np.ones(_FLAT_TOP), mode="valid")
        if is_there.max() == _FLAT_TOP:
            return True
    return False
