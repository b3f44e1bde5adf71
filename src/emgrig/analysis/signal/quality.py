"""Is a channel worth analysing: unwired inputs, rails, mains, gaps and wrong units, by name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats, as_columns, check_rate, is_all_finite, segments
from emgrig.sentences import counted

MAINS_DB = 10.0  #: Mains this far above its neighbourhood is named.
_RAIL_SHARE = 0.01
_FEW_VALUES = 16
_MOST_WINDOWS = 150


@dataclass(frozen=True)
class ChannelQuality:
    """What is known about one channel."""

    channel_index: int  #: 0 is the first column.
    reject: str  #: Why it is not analysed; empty if it is.
    remarks: tuple[str, ...]  #: What a reader should know besides.
    mains_hz: float  #: 50 or 60 if that mains stands out, else NaN.
    #: How far it stands above its neighbourhood, dB; NaN if it could not be measured.
    mains_db: float
    #: Begin and end of stretches at the ends of the range, samples.
    clipped: tuple[tuple[int, int], ...] = ()


def assess(
    samples: Floats,
    rate_hz: float,
    limits: Sequence[tuple[float, float] | None] | None = None,
) -> list[ChannelQuality]:
    """Assess each channel of a record.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Raw signal, any unit, offsets and all; NaN marks gaps.
    rate_hz : float, > 0
        Sampling rate, Hz.
    limits : sequence of (float, float) or None, optional
        Ends of the range of each channel, in its unit, where they are known.

    Returns
    -------
    list of ChannelQuality
        One a channel, in order.
    """
    check_rate(rate_hz)
    columns = as_columns(samples).T
    ends = [None] * len(columns) if limits is None else limits
    return [_assess(i, x, rate_hz, ends[i]) for i, x in enumerate(columns)]


def _assess(
    index: int, x: Floats, rate_hz: float, limits: tuple[float, float] | None
) -> ChannelQuality:
    nan = float("nan")
    present = x if is_all_finite(x) else x[np.isfinite(x)]
    reject = _rejection(present)
    if reject:
        return ChannelQuality(index, reject, (), nan, nan)
    remarks = []
    missing = x.size - present.size
    del present  # of hours, it is as large as the file
    if missing:
        n_gaps = len(segments(~np.isfinite(x)))
        remarks.append(f"{counted(missing, 'sample')} missing in {counted(n_gaps, 'gap')}")
    clipped = clipped_stretches(x, rate_hz, limits)
    if clipped:
        lasts_s = sum(end - begin for begin, end in clipped) / rate_hz
        remarks.append(
            f"clipped at the end of the range for {lasts_s:.2f} s in "
            f"{counted(len(clipped), 'stretch', 'stretches')}: "
            "amplitudes there are not those of the muscle"
            "amplitudes there are not those of the muscle"
        )
    mains_hz, mains_db = _mains(x, rate_hz)
    if mains_db >= MAINS_DB:
        remarks.append(f"{mains_hz:g} Hz mains {mains_db:.0f} dB above the floor")
    else:
        mains_hz = nan
    return ChannelQuality(index, "", tuple(remarks), mains_hz, mains_db, clipped)


def clipped_stretches(
    x: Floats, rate_hz: float, limits: tuple[float, float] | None
) -> tuple[tuple[int, int], ...]:
    """Find stretches at the ends of the range, those of the file or those the values show.

    A stretch has 3 samples or more at an end of `limits`, or 5 that share the same extreme far
    from the rest, no 10 ms apart; returns begin and end, samples.
    """
    at_end = np.zeros(x.size, bool)
    fewest = 3
    if limits is not None:
        slack = 1e-9 * (limits[1] - limits[0])
        at_end = (x <= limits[0] + slack) | (x >= limits[1] - slack)
    if not at_end.any():
        fewest = 5
        at_end = _at_extreme(x)
    places = np.flatnonzero(at_end)
    if places.size < fewest:
        return ()
    apart = np.flatnonzero(np.diff(places) > max(1, 0.01 * rate_hz)) + 1
    return tuple(
        (int(group[0]), int(group[-1]) + 1)
        for group in np.split(places, apart)
        if group.size >= fewest
    )


def _at_extreme(x: Floats) -> NDArray[np.bool_]:
    """Mark samples that share an extreme which lies far from the bulk."""
    at_end = np.zeros(x.size, bool)
    shared = [e for e in (float(np.nanmin(x)), float(np.nanmax(x))) if np.count_nonzero(x == e) > 4]
    if not shared:
        return at_end
    middle = float(np.nanmedian(x))
    spread = 1.4826 * float(np.nanmedian(np.abs(x - middle)))
    for extreme in shared:
        if abs(extreme - middle) > 6 * spread > 0:
            at_end |= x == extreme
    return at_end


def _rejection(present: Floats) -> str:
    if present.size == 0:
        return "nothing but gaps"
    low, high = float(present.min()), float(present.max())
    if low == high:
        return f"constant at {low:g}: not wired, or on the rail"
    at_rail = max(float((present == low).mean()), float((present == high).mean()))
    if np.unique(present[:100_000]).size <= _FEW_VALUES:
        return "takes only a few values: digital, or a marker"
    if at_rail > _RAIL_SHARE:
        return f"{100 * at_rail:.0f} % of the samples sit on one extreme: clipped at the rail"
    if low >= 0 and np.median(present) < 0.5 * high and _is_slow(present):
        return "never negative and slow: rectified or processed already"
    return ""


def _is_slow(x: Floats) -> bool:
    """Whether steps from sample to sample are small against the spread, as in an envelope."""
    return float(np.diff(x).std()) < 0.2 * float(x.std())


def _mains(x: Floats, rate_hz: float) -> tuple[float, float]:
    """Return the stronger of 50 and 60 Hz and its height over its neighbourhood at rest, dB."""
    if rate_hz <= 140:
        return float("nan"), float("nan")
    size = round(2 * rate_hz)
    windows = _windows(x, size)
    if not len(windows):
        return float("nan"), float("nan")
    frequency_hz = np.asarray(np.fft.rfftfreq(size, 1 / rate_hz), dtype=np.float64)
    hann = np.hanning(size + 1)[:-1]
    windows = (windows - windows.mean(axis=1, keepdims=True)) * hann
    each: Floats = np.abs(np.fft.rfft(windows)) ** 2
    power = (_quietest(each, frequency_hz)[:, np.newaxis] * each).sum(axis=0)
    heights = []
    for mains in (50.0, 60.0):
        away = np.abs(frequency_hz - mains)
        floor = np.median(power[(away > 2) & (away < 8)])
        peak = power[away <= 1].max()
        heights.append(float(10 * np.log10(peak / floor)) if floor > 0 else float("nan"))
    best = int(np.nanargmax(heights)) if np.isfinite(heights).any() else 0
    return (50.0, 60.0)[best], heights[best]


def _windows(x: Floats, size: int) -> Floats:
    """Return windows without a gap, half of each in the next, or so many all over the record."""
    stretches = [(a, b) for a, b in segments(np.isfinite(x)) if b - a >= size]
    begins = np.array(
        [at for a, b in stretches for at in range(a, b - size + 1, size - size // 2)], np.int64
    )
    if begins.size > _MOST_WINDOWS:  # they tell as much as all
        begins = begins[np.linspace(0, begins.size - 1, _MOST_WINDOWS).round().astype(np.int64)]
    windows: Floats = x[begins[:, np.newaxis] + np.arange(size)]
    return windows


def _quietest(power: Floats, frequency_hz: Floats) -> Floats:
    """Return what each window counts, adding up to 1: little, where a muscle is active.

    A contraction raises the neighbourhood of the mains and not the mains, so that a mean, or a
    ratio taken window by window, would tell how much of the record is contractions. How loud a
    window is tells what lies outside of the mains' harmonics, or mains that swells would count
    less, too. The quietest tenth counts alike, so that a moment does not stand for all, and what
    is constant, as where a cable was off, counts nothing.
    """
    away = np.full(frequency_hz.size, np.inf)
    for mains in (50.0, 60.0):
        harmonic = mains * np.round(frequency_hz / mains)
        away = np.minimum(away, np.abs(frequency_hz - harmonic))
    loudness = power[:, (frequency_hz >= 20) & (away > 1.5)].sum(axis=1)
    heard = loudness > 1e-9 * loudness.max()
    if not heard.any():
        return np.zeros(len(power))
    least = np.quantile(loudness[heard], 0.1)
    counts = heard * (least / np.maximum(loudness, least)) ** 2
    return np.asarray(counts / counts.sum(), dtype=np.float64)
