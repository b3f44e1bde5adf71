"""A detector of our own, for whole recordings with rest."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from emgrig.analysis.signal import recursive
from emgrig.analysis.signal.cleaning import period, subtract_mains
from emgrig.analysis.signal.filters import (
    Floats,
    Ints,
    Preprocessing,
    as_columns,
    band_pass,
    check_rate,
    is_all_finite,
    rectify,
    segments,
)
from emgrig.analysis.signal.recursive import Room
from emgrig.analysis.spotting.edges import refined
from emgrig.analysis.spotting.parting import Limit, parted

DETECTION_BAND = Preprocessing("detection", band_hz=(30.0, 450.0), mean_removed="after")
"""Starts at 30 Hz: from 20 Hz on, what a blink leaves was taken for an expression."""


@dataclass(frozen=True)
class DetectorSettings:
    """Settings of `double_threshold`, tuned on synthetic faces of seeds that are not scored.

    Those are seeds 1 and 2, of `synthetic` and of the spotting benchmark (docs/spotting.md).
    """

    #: Its band-pass is used; its envelope is not, because 6 Hz blurs the edges by 70 ms.
    preset: Preprocessing = DETECTION_BAND
    #: Low-pass of the rectified signal, Hz (two poles, forward and backward).
    smooth_hz: float = 12.0
    #: Thresholds above the rest level, in SDs of rest: an event must reach `high`, and lasts while
    #: it stays above `low`.
    high: float = 7.0
    low: float = 2.5
    #: Ratio of the variances, event over rest, from which the edge is looked for.
    change: float = 2.0
    reach_s: float = 0.05  #: Most that this moves an edge, s.
    #: Pauses shorter than `join_s` do not end an event; events shorter than `least_s` are dropped
    #: (a blink of the orbicularis oculi lasts less than 0.1 s, the shortest annotated expression
    #: 0.2 s).
    join_s: float = 0.08
    least_s: float = 0.13
    #: Low activity behind an event, or between two, is no part of it: what stays below the share
    #: `faint` of the event's own peak (both above rest) for longer than `faint_s` and a fifth of
    #: the event, or below `lesser` for longer than `lesser_s` and the event itself.
    faint: float = 0.2
    faint_s: float = 0.06
    lesser: float = 0.35
    lesser_s: float = 0.2
    #: In low activity, what rises to so many times the lowest beside it is an event of its own.
    anew: float = 4.0
    mains_hz: float | None = None  #: Subtract this frequency and its harmonics first.

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high or self.change <= 1:
            raise ValueError("0 < low <= high and change > 1 were expected")
        times = (self.reach_s, self.join_s, self.least_s, self.faint_s, self.lesser_s)
        if min(self.smooth_hz, *times) <= 0:
            raise ValueError("smooth_hz and all times must be above 0")
        if not 0 <= self.faint <= self.lesser < 1 < self.anew:
            raise ValueError("0 <= faint <= lesser < 1 < anew was expected")


@dataclass(frozen=True)
class Trace:
    """What events of a channel are looked for in; in the unit of the signal."""

    amplitude: Floats  #: shape (n_samples,); Smoothed, rectified; NaN in gaps.
    level: float  #: Mean and SD of it at rest.
    spread: float


def double_threshold(
    samples: Floats,
    rate_hz: float,
    *,
    settings: DetectorSettings | None = None,
    rest_s: tuple[float, float] | None = None,
) -> list[Ints]:
    """Find the events on each channel of a whole recording.

    A smoothed amplitude must rise well above rest, and the event reaches as far as it stays
    somewhat above; each edge is then moved to where the variance most likely changed. It does not
    depend on the unit of the signal.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Raw signal. NaN marks gaps; an event ends at one.
    rate_hz : float, > 0
        Sampling rate, Hz; the band of the settings must fit.
    settings : DetectorSettings, optional
        Defaults suit facial EMG.
    rest_s : (float, float), optional
        Declared rest, s from the first sample. Without it, rest is what the lowest 40 % of the
        record show, which holds while no channel is active for more than about half of the time.

    Returns
    -------
    list of ndarray of int64, one a channel, shape (n_events, 2)
        Half-open sample intervals in order.

    Raises
    ------
    ValueError
        If the rate cannot carry the band, the record is too short, or the declared rest is outside
        the record or has no signal.
    """
    chosen = settings or DetectorSettings()
    columns = as_columns(samples)
    banded = band_pass(columns, rate_hz, preset=chosen.preset)
    if chosen.mains_hz is not None:
        banded = subtract_mains(banded, rate_hz, mains_hz=chosen.mains_hz)
    return events_in_band(banded, rate_hz, settings=chosen, rest_s=rest_s)


def events_in_band(
    banded: Floats,
    rate_hz: float,
    *,
    settings: DetectorSettings | None = None,
    rest_s: tuple[float, float] | None = None,
) -> list[Ints]:
    """Find the events in a signal that is band-passed and free of mains already.

    Parameters, result and errors are those of `double_threshold`.
    """
    columns = as_columns(banded)
    check_rate(rate_hz)
    chosen = settings or DetectorSettings()
    rest = None if rest_s is None else period(rest_s, rate_hz, columns.shape[0])
    return [_channel(x, rate_hz, chosen, rest) for x in columns.T]


def _channel(x: Floats, rate_hz: float, chosen: DetectorSettings, rest: slice | None) -> Ints:
    trace = trace_of(x, rate_hz, chosen, rest)
    if not trace.spread > 0:
        return np.empty((0, 2), dtype=np.int64)
    excess = trace.amplitude
    excess -= trace.level  # nobody else has it: in its place
    return _events(excess, trace.spread, x, rate_hz, chosen)


def trace_of(x: Floats, rate_hz: float, chosen: DetectorSettings, rest: slice | None) -> Trace:
    """Make what events are looked for in; `x` is one channel, in its band, `rest` in samples."""
    amplitude = _amplitude(x, rate_hz, chosen.smooth_hz)
    # An amplitude that is as smooth needs no more to tell its distribution.
    step = max(1, int(rate_hz / (8 * chosen.smooth_hz)))
    return Trace(amplitude, *_rest(amplitude, rest, step))


def events_on(
    trace: Trace,
    x: Floats,
    rate_hz: float,
    chosen: DetectorSettings,
    foreign: Floats | None = None,
) -> Ints:
    """Find the events of one channel.

    Parameters
    ----------
    trace : Trace
        Of the channel.
    x : ndarray of float64, shape (n_samples,)
        The channel, in its band.
    rate_hz : float, > 0
        Sampling rate, Hz.
    chosen : DetectorSettings
        Settings.
    foreign : ndarray of float64, shape (n_samples,), optional
        Amplitude that is not this muscle's, in the unit of `x`: only what is above it counts.

    Returns
    -------
    ndarray of int64, shape (n_events, 2)
        Half-open sample intervals in order.
    """
    if not trace.spread > 0:  # constant or all gaps: there is no muscle to see
        return np.empty((0, 2), dtype=np.int64)
    excess = trace.amplitude - trace.level
    return _events(excess, trace.spread, x, rate_hz, chosen, foreign)


def _events(
    excess: Floats,
    spread: float,
    x: Floats,
    rate_hz: float,
    chosen: DetectorSettings,
    foreign: Floats | None = None,
) -> Ints:
    """Find events by the amplitude above rest, which is overwritten."""
    low, high = chosen.low * spread, chosen.high * spread
    # Comparisons with NaN are false, so that a gap ends an event.
    above = segments(excess > low)
    rest_sd = _rms_within(x, excess, low, above)
    if foreign is not None:
        excess -= foreign
        above = segments(excess > low)
    found = _hysteresis(excess, above, high)
    found = _joined(found, excess, round(chosen.join_s * rate_hz))
    for limit in (
        Limit(chosen.lesser, round(chosen.lesser_s * rate_hz), 1.0),
        Limit(chosen.faint, round(chosen.faint_s * rate_hz), 0.2),
    ):
        found = parted(found, excess, low, high, limit, chosen.anew)
    edges = refined(found, x, rest_sd, chosen.change, round(chosen.reach_s * rate_hz))
    long: Ints = edges[edges[:, 1] - edges[:, 0] >= round(chosen.least_s * rate_hz)]
    return long


def _rms_within(x: Floats, excess: Floats, low: float, above: list[tuple[int, int]]) -> float:
    """Return the RMS of those samples whose excess is `low` at most; `above` are the others."""
    if len(above) > excess.size // 1024 or not is_all_finite(excess):
        quiet_only = x[excess <= low]
        quiet_only *= quiet_only
        return float(np.sqrt(np.mean(quiet_only)))
    begins, ends = [0, *(stop for _, stop in above)], [*(start for start, _ in above), x.size]
    quiet = [x[begin:end] for begin, end in zip(begins, ends, strict=True)]
    total = sum(float(np.einsum("i,i", part, part)) for part in quiet)
    return float(np.sqrt(total / sum(part.size for part in quiet)))


def _amplitude(x: Floats, rate_hz: float, smooth_hz: float) -> Floats:
    sections = recursive.low_pass(2, smooth_hz, rate_hz)
    pad = round(rate_hz / smooth_hz)
    if x.size > pad and is_all_finite(x):
        return _smoothed(sections, x, pad)
    out = np.full_like(x, np.nan)
    for start, stop in segments(np.isfinite(x)):
        if stop - start > pad:
            out[start:stop] = _smoothed(sections, x[start:stop], pad)
    if np.isnan(out).all() and np.isfinite(x).any():
        raise ValueError(
            f"no stretch without a gap is longer than {pad} samples, which the detector needs"
        )
    return out


def _smoothed(sections: Floats, x: Floats, pad: int) -> Floats:
    room = Room.of(x, pad)
    room.both_ways(sections, pad, before=rectify)
    return room.samples


def _rest(amplitude: Floats, rest: slice | None, step: int) -> tuple[float, float]:
    """Return mean and SD of the amplitude at rest; undeclared, from every `step`-th value."""
    part = amplitude if rest is None else amplitude[rest]
    if not is_all_finite(part):
        part = part[np.isfinite(part)]
    if part.size == 0:
        if rest is not None and np.isfinite(amplitude).any():
            raise ValueError("the declared rest holds nothing but a gap")
        return float("nan"), float("nan")
    if rest is not None:
        return float(part.mean()), float(part.std())
    low, high = np.percentile(part[::step], [5, 40])
    z_low, z_high = NormalDist().inv_cdf(0.05), NormalDist().inv_cdf(0.40)
    spread = float((high - low) / (z_high - z_low))
    return float(low - z_low * spread), spread


def _hysteresis(amplitude: Floats, above: list[tuple[int, int]], high: float) -> Ints:
    """Return the stretches above the low threshold that somewhere reach `high`."""
    stretches = np.array(above, dtype=np.int64).reshape(-1, 2)
    tops = np.flatnonzero(amplitude > high)
    begin, end = np.searchsorted(tops, stretches.T)
    return np.asarray(stretches[end > begin], dtype=np.int64)


def _joined(found: Ints, amplitude: Floats, most: int) -> Ints:
    """Join events that a short pause divides, unless the pause holds a gap."""
    kept: list[list[int]] = []
    for start, stop in found.tolist():
        if (
            kept
            and start - kept[-1][1] < most
            and np.isfinite(amplitude[kept[-1][1] : start]).all()
        ):
            kept[-1][1] = stop
        else:
            kept.append([start, stop])
    return np.array(kept, dtype=np.int64).reshape(-1, 2)
