"""What the digital tube showed, and when: the table beside a recording.

A page says when it showed a count; where none did, a count is taken to appear with the conversion
that caused it.
"""

from dataclasses import dataclass

import numpy as np

from emgrig.analysis.signal.filters import Floats, Ints, check_rate

MOST_DELAY_S = 5.0
"""A page that shows a count later than this, or before it was there, has another clock."""


@dataclass(frozen=True, eq=False)
class TubeTable:
    """What the tube showed while a recording was made."""

    counts: Ints  #: shape (n_changes,); What it changed to, rising.
    #: shape (n_changes,); Index in the file of the sample that caused it, not falling.
    samples: Ints
    #: shape (n_changes,); When a page showed it, s from the first sample; NaN where none said so.
    shown_s: Floats
    rate_hz: float  #: Samples for each second of the clock of `shown_s`: the measured rate.

    def __post_init__(self) -> None:
        check_rate(self.rate_hz)
        shapes = {self.counts.shape, self.samples.shape, self.shown_s.shape}
        if len(shapes) != 1 or self.counts.ndim != 1 or self.counts.size < 2:
            raise ValueError(f"the tube changed {self.counts.size} times; expected 2 or more")
        if (np.diff(self.counts) <= 0).any() or (np.diff(self.samples) < 0).any():
            raise ValueError("the tube's counts must rise, and their samples not fall")

    @property
    def samples_per_count(self) -> float:
        """Samples from count to count: the median, as some counts were skipped."""
        return float(np.median(np.diff(self.samples) / np.diff(self.counts)))


@dataclass(frozen=True, eq=False)
class Screen:
    """From which sample to which each count was on the screen."""

    start: Floats  #: shape (n_changes,); In samples; the last end is inf.
    end: Floats
    #: Median time from conversion to screen, samples; None if display times are not used.
    delay: float | None
    remarks: tuple[str, ...]  #: What to know about it.

    @property
    def usual(self) -> float:
        """How long a count is on the screen: the median of those that were, samples."""
        length = (self.end - self.start)[:-1]
        return float(np.median(length[length > 0]))


def on_screen(table: TubeTable) -> Screen:
    """Say from when to when each count was on the screen, in samples."""
    n, samples = table.counts.size, table.samples.astype(np.float64)
    shown = table.shown_s * table.rate_hz
    is_known = np.isfinite(shown)
    delay = float(np.median((shown - samples)[is_known])) if is_known.any() else np.nan
    if not 0 <= delay <= MOST_DELAY_S * table.rate_hz:
        remark = "the page told no display times: the map is early by the screen's unknown delay"
        if is_known.any():
            remark = (
                f"the page's clock is another ({delay / table.rate_hz:+.3g} s): its display times "
                "are not used, and the map is early by the screen's unknown delay"
            )
        return Screen(samples, np.append(samples[1:], np.inf), None, (remark,))
    start = np.where(is_known, shown, samples + delay)
    place = np.arange(n)
    previous = np.maximum.accumulate(np.where(is_known, place, -1))
    # The next count that was shown, or after the last of those simply the next.
    following = np.minimum.accumulate(np.where(is_known, place, n)[::-1])[::-1]
    following = np.append(following[1:], n)
    end = np.append(start, np.inf)[np.where(following < n, following, place + 1)]
    is_between = ~is_known & (previous >= 0) & (following < n)
    start = np.maximum.accumulate(np.where(is_between, start[previous], start))
    missing = int(np.count_nonzero(~is_known))
    remarks = (f"{missing} of {n} counts were never shown by the page",) if missing else ()
    return Screen(start, np.maximum(end, start), delay, remarks)


def unwrapped(
    time_s: Floats, counts: Ints, table: TubeTable, period: int, begins_s: float
) -> tuple[Ints, tuple[str, ...]]:
    """Add the whole turns of the counter: those between readings by the rate, then of all."""
    expected = time_s * table.rate_hz / table.samples_per_count
    turn = np.exp(2j * np.pi * (counts - expected) / period).sum()
    expected += float(np.angle(turn)) / (2 * np.pi) * period
    whole = counts + period * np.rint((expected - counts) / period).astype(np.int64)
    least = int((table.counts[0] - whole.max()) // period)
    most = int((table.counts[-1] - whole.min()) // period) + 1
    turns = np.arange(least, most + 1)
    n_known = np.array([np.isin(whole + k * period, table.counts).sum() for k in turns])
    fits = turns[n_known >= 0.9 * n_known.max()]
    begin = table.samples[0] + table.samples_per_count * (
        np.median(whole - expected) + expected[0] - table.counts[0] + fits * period
    )
    wanted = (begins_s + time_s[0]) * table.rate_hz
    chosen = int(fits[np.argmin(np.abs(begin - wanted))])
    if fits.size == 1:
        return whole + chosen * period, ()
    apart_s = period * table.samples_per_count / table.rate_hz
    remark = (
        f"the readings fit in {fits.size} places, {apart_s:.1f} s apart; taken is the one where "
        f"the video begins nearest to {begins_s:g} s of the recording (--begins)"
    )
    return whole + chosen * period, (remark,)
