"""Channels side by side: what a neighbour's muscle or a blink put there is no event of the channel.

An electrode sees a little of the muscles beside its own, and always about the same share. The
share is read off the recording: what the channel shows while the neighbour is much the stronger.
What it predicts is taken off before events are looked for. A blink is a slow wave of the eyelid,
and a short burst with it; on a channel where bursts come with such waves far more often than by
chance, they are blinks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal import recursive
from emgrig.analysis.signal.cleaning import period, subtract_mains
from emgrig.analysis.signal.filters import Floats, Ints, as_columns, band_pass, segments
from emgrig.analysis.spotting.detector import DetectorSettings, Trace, events_on, trace_of


@dataclass(frozen=True)
class CompanySettings:
    """Settings of `spot`, chosen on the development seeds of the spotting benchmark."""

    #: A channel that shows more than this share of a neighbour's amplitude is active itself.
    most_share: float = 0.2
    #: So many times what the share predicts may still be the neighbour's.
    margin: float = 1.7
    #: Band of a blink's wave, Hz. Its height is at least so many SDs of that band at rest, and its
    #: width at half height lies in these limits, s.
    wave_hz: tuple[float, float] = (1.0, 8.0)
    wave_sds: float = 6.0
    wave_s: tuple[float, float] = (0.05, 0.3)
    #: The burst of a blink lasts no longer, s; it begins no earlier than `ahead_s` before the wave,
    #: and ends no later than `behind_s` after it. Its own slow part is no wave: that is higher than
    #: `over_burst` times the RMS of the burst.
    burst_s: float = 0.25
    over_burst: float = 1.0
    ahead_s: float = 0.1
    behind_s: float = 0.06
    #: Short bursts of a channel are blinks if so many times as many meet a wave as would by chance.
    than_chance: float = 4.0

    def __post_init__(self) -> None:
        if not 0 <= self.most_share < 1 or self.margin < 0:
            raise ValueError("0 <= most_share < 1 and a margin of at least 0 were expected")
        if not 0 < self.wave_hz[0] < self.wave_hz[1] or not 0 < self.wave_s[0] < self.wave_s[1]:
            raise ValueError("wave_hz and wave_s must rise from above 0")


@dataclass(frozen=True)
class LeftOut:
    """What looked like an event and is none."""

    channel_index: int
    start: int  #: Half-open sample interval.
    stop: int
    reason: Literal["blink", "crosstalk"]
    #: The channel that most of it leaks from; of a blink, the channel itself.
    source_index: int


@dataclass(frozen=True)
class Spotted:
    """What was found in a recording."""

    #: One a channel, ndarray of int64, shape (n_events, 2); Half-open sample intervals in order.
    events: list[Ints]
    left_out: list[LeftOut]  #: In order of time.
    #: shape (n_channels, n_channels); Share of the amplitude of channel [source] that channel
    #: [seen] shows as well, as far as the recording tells it, else 0.
    shares: Floats


def spot(
    samples: Floats,
    rate_hz: float,
    *,
    settings: DetectorSettings | None = None,
    company: CompanySettings | None = None,
    rest_s: tuple[float, float] | None = None,
) -> Spotted:
    """Find the events on all channels of a face, each judged beside the others.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Raw signal of one face, every channel in the same unit. NaN marks gaps, which end events.
    rate_hz : float, > 0
        Sampling rate, Hz; the band of the settings must fit.
    settings : DetectorSettings, optional
        How each channel is searched.
    company : CompanySettings, optional
        What is taken for a neighbour's, or for a blink.
    rest_s : (float, float), optional
        Declared rest, s, as in `double_threshold`.

    Returns
    -------
    Spotted
        What is left out is there, too, with the reason.

    Raises
    ------
    ValueError
        As `double_threshold`.
    """
    chosen, rules = settings or DetectorSettings(), company or CompanySettings()
    columns = as_columns(samples)
    banded = band_pass(columns, rate_hz, preset=chosen.preset)
    if chosen.mains_hz is not None:
        banded = subtract_mains(banded, rate_hz, mains_hz=chosen.mains_hz)
    rest = None if rest_s is None else period(rest_s, rate_hz, columns.shape[0])
    traces = [trace_of(x, rate_hz, chosen, rest) for x in banded.T]
    alone = [events_on(t, x, rate_hz, chosen) for t, x in zip(traces, banded.T, strict=True)]
    own = [_own(trace) for trace in traces]
    shares = shares_of(own, [t.spread for t in traces], alone, most=rules.most_share)
    events, left_out = [], []
    for index, (trace, before) in enumerate(zip(traces, alone, strict=True)):
        foreign = _foreign(own, rules.margin * shares[:, index])
        if foreign is not None:
            after = events_on(trace, banded[:, index], rate_hz, chosen, foreign)
            left_out += _gone(index, before, after, own, shares[:, index])
            before = after
        is_blink = blinks_among(before, columns[:, index], banded[:, index], rate_hz, rules)
        left_out += [LeftOut(index, a, b, "blink", index) for a, b in before[is_blink].tolist()]
        events.append(before[~is_blink])
    return Spotted(events, sorted(left_out, key=lambda o: (o.start, o.channel_index)), shares)


def _own(trace: Trace) -> Floats:
    """Return the amplitude that a muscle adds to rest (powers add up), 0 in gaps."""
    power = trace.amplitude**2 - trace.level**2
    return np.sqrt(np.maximum(np.nan_to_num(power), 0.0))


def shares_of(
    own: Sequence[Floats], spreads: Sequence[float], events: Sequence[Ints], *, most: float
) -> Floats:
    """Read off a recording which share of each channel's amplitude the others show.

    Within an event the share is the lower quartile of the ratios while the event is strong, so that
    another muscle counts only if it is active all that time; over the events of a channel it is
    their median, weighted by amplitude. Left out are events on which `most` would not show above
    rest, and ratios above `most`: that is the other muscle.

    Parameters
    ----------
    own : sequence of ndarray of float64, shape (n_samples,)
        Amplitude above rest of each channel, all in one unit.
    spreads : sequence of float
        SD of each channel's amplitude at rest.
    events : sequence of ndarray of int64, shape (n_events, 2)
        Events of each channel.
    most : float, 0 to 1
        Largest share that is taken for one.

    Returns
    -------
    ndarray of float64, shape (n_channels, n_channels)
        [source, seen].
    """
    shares = np.zeros((len(own), len(own)))
    for source, found in enumerate(events):
        rows, sizes = [], []
        for start, stop in found.tolist():
            mine = own[source][start:stop]
            strong = np.flatnonzero(mine > 0.3 * mine.max()) + start
            ratios = [x[strong] / own[source][strong] for x in own]
            rows.append([float(np.percentile(r, 25)) for r in ratios])
            sizes.append(float(np.sqrt(np.mean(mine**2))))
        if not rows:
            continue
        for seen, column in enumerate(np.array(rows).T):
            tells = (column < most) & (most * np.array(sizes) > 2 * spreads[seen])
            if seen != source and tells.any():
                shares[source, seen] = _weighted_median(column[tells], np.array(sizes)[tells])
    return shares


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def _foreign(own: Sequence[Floats], shares: Floats) -> Floats | None:
    """Add up what the others leak, None if nothing."""
    sources = np.flatnonzero(shares)
    if sources.size == 0:
        return None
    out = np.zeros_like(own[0])
    for source in sources.tolist():
        out += shares[source] * own[source]
    return out


def _gone(
    index: int, before: Ints, after: Ints, own: Sequence[Floats], shares: Floats
) -> list[LeftOut]:
    """List the events that are no more, with the channel that most of each comes from."""
    gone = []
    for start, stop in before.tolist():
        if not ((after[:, 0] < stop) & (start < after[:, 1])).any():
            leaked = [s * x[start:stop].sum() for s, x in zip(shares, own, strict=True)]
            gone.append(LeftOut(index, start, stop, "crosstalk", int(np.argmax(leaked))))
    return gone


def blinks_among(
    events: Ints, x: Floats, banded: Floats, rate_hz: float, rules: CompanySettings
) -> NDArray[np.bool_]:
    """Tell which events of a channel are the bursts of blinks.

    Parameters
    ----------
    events : ndarray of int64, shape (n_events, 2)
        Half-open sample intervals.
    x, banded : ndarray of float64, shape (n_samples,)
        The channel as recorded, with its slow waves, and in its band; NaN marks gaps.
    rate_hz : float, > 0
        Sampling rate, Hz.
    rules : CompanySettings
        What a blink looks like.

    Returns
    -------
    ndarray of bool, shape (n_events,)
    """
    waves, heights = blink_waves(x, rate_hz, rules)
    if len(waves) == 0:
        return np.zeros(len(events), dtype=bool)
    reach = waves + np.array([-rules.ahead_s, rules.behind_s]) * rate_hz
    short = np.ptp(events, axis=1) <= rules.burst_s * rate_hz
    # The last wave that begins before the event is the one to look at: waves lie 0.4 s apart.
    nth = np.searchsorted(reach[:, 0], events[:, 0], side="right") - 1
    within: NDArray[np.bool_] = short & (nth >= 0) & (events[:, 1] <= reach[nth, 1])
    for row in np.flatnonzero(within).tolist():
        rms = float(np.sqrt(np.mean(banded[slice(*events[row])] ** 2)))
        within[row] = heights[nth[row]] > rules.over_burst * rms
    by_chance = short.sum() * np.ptp(reach, axis=1).sum() / x.size
    if within.sum() < max(2.0, rules.than_chance * by_chance):
        within[:] = False
    return within


def blink_waves(x: Floats, rate_hz: float, rules: CompanySettings) -> tuple[Ints, Floats]:
    """Find waves as an eyelid makes them.

    Parameters are those of `blinks_among`.

    Returns
    -------
    ndarray of int64, shape (n_waves, 2)
        Half-open sample intervals in order.
    ndarray of float64, shape (n_waves,)
        Their heights in the band, in the unit of `x`.
    """
    size = _slow(x, rate_hz, rules)
    present = size[size > 0]
    if present.size == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    # 0.674 is the quartile of a normal distribution: half of all |values| lie below it.
    limit = rules.wave_sds * float(np.median(present[:: max(present.size // 100_000, 1)])) / 0.674
    tops = np.array([a + int(np.argmax(size[a:b])) for a, b in segments(size > limit)], np.int64)
    waves, kept = [], []
    for top, height in zip(tops.tolist(), size[tops].tolist(), strict=True):
        # The band-pass makes smaller waves of the other sign on either side of each.
        apart = np.abs(tops - top)
        near, about = size[tops[apart < 0.4 * rate_hz]].max(), size[tops[apart < rate_hz]].max()
        if height < near or height < 0.3 * about:
            continue
        left = int(np.argmax(size[top::-1] < height / 2))
        right = int(np.argmax(size[top:] < height / 2))
        if rules.wave_s[0] <= (left + right) / rate_hz <= rules.wave_s[1]:
            waves.append((top - 2 * left, top + 2 * right))
            kept.append(height)
    return np.array(waves, dtype=np.int64).reshape(-1, 2), np.array(kept)


def _slow(x: Floats, rate_hz: float, rules: CompanySettings) -> Floats:
    """Return the size of the slow part of a channel, 0 in gaps."""
    sections = recursive.band_pass(2, rules.wave_hz, rate_hz)
    pad = round(rate_hz / rules.wave_hz[0])
    size = np.zeros_like(x)
    for start, stop in segments(np.isfinite(x)):
        if stop - start > pad:
            slow = recursive.both_ways(sections, x[start:stop], pad, ends="even")
            size[start:stop] = np.abs(slow)
    return size
