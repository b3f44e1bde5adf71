"""From readings of a filmed digital tube to the samples of a recording.

A count is on the screen from the moment it was shown until the next one was. A frame sees it at
some moment of its exposure, which lasts at most from half a frame before to half a frame after
the frame's time. So a right reading says between which two samples the film is, and one line,
broken only where the camera lost frames, lies within all of these intervals.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.clocks.tube_fit import fit_lines
from emgrig.analysis.clocks.tube_lines import CLOCKS_APART, Intervals, Lines
from emgrig.analysis.clocks.tube_table import Screen, TubeTable, on_screen, unwrapped
from emgrig.analysis.signal.filters import Floats, Ints

LEAST_TO_CHECK = 10  #: With fewer readings a wrong one may not be found.
_WIDER = (1.0, 2.0, 4.0)


class Kind(StrEnum):
    """What became of a reading."""

    GOOD = "good"
    WRONG = "wrong"
    OUTSIDE = "outside"
    """The film shows a count that is not of this recording; it cannot be judged."""


@dataclass(frozen=True)
class Jump:
    """Frames that are missing in the film (more than 0), or too many (less)."""

    after_s: float  #: Video times of the last good reading before it, and the first after it.
    before_s: float
    jump_s: float  #: What it skips, s.
    n_frames: int  #: The same in frames.


@dataclass(frozen=True, eq=False)
class TubeSync:
    """Video time to sample, and what became of the readings."""

    video_s: Floats  #: shape (n_readings,); The readings in order of time, as they were read.
    counts: Ints
    kinds: NDArray[np.str_]  #: shape (n_readings,); A `Kind` each.
    #: shape (n_readings, 2); Lowest and highest count that the map has in that frame, as the
    #: tube shows it; -1 where the recording has none.
    expected: Ints
    #: shape (n_readings,); What the map is after the middle of the reading's interval.
    residuals_s: Floats
    samples_per_s: float  #: Samples for each second of video.
    samples_per_s_range: tuple[float, float]  #: The same of all lines within all good readings.
    #: shape (n_stretches,); Video time at which each stretch begins; the first is -inf.
    starts_s: Floats
    offsets: Floats  #: shape (n_stretches,); Sample at video time 0 in each stretch.
    #: shape (n_stretches,); Most that another line within all good readings of the stretch
    #: differs, s.
    uncertainty_s: Floats
    frame_s: float  #: Time from frame to frame, s.
    bound_s: float  #: Of one reading: half a frame and half a count.
    jumps: tuple[Jump, ...]
    #: Median time from conversion to screen, which the map contains; None if the page's times are
    #: not used, so that the map is early by an unknown delay.
    display_delay_s: float | None
    remarks: tuple[str, ...]  #: What to know before trusting it.

    def sample(self, video_s: Floats) -> Floats:
        """Map video time to a place in the file, in samples from the first."""
        time = np.asarray(video_s, dtype=np.float64)
        stretch = np.searchsorted(self.starts_s, time, side="right") - 1
        return np.asarray(time * self.samples_per_s + self.offsets[stretch], dtype=np.float64)

    def n(self, kind: Kind) -> int:
        """Count the readings of a kind."""
        return int(np.count_nonzero(self.kinds == kind))

    @property
    def good_residuals_s(self) -> Floats:
        """Sizes of the residuals of good readings."""
        return np.asarray(np.abs(self.residuals_s[self.kinds == Kind.GOOD]), dtype=np.float64)

    @property
    def is_within_bound(self) -> bool:
        """Whether every reading that is called good is met within `bound_s`."""
        return bool(self.good_residuals_s.max() <= self.bound_s * (1 + 1e-6))


def align(
    video_s: Floats,
    counts: Ints,
    table: TubeTable,
    *,
    frame_s: float,
    digits: int | None = None,
    begins_s: float = 0.0,
) -> TubeSync:
    """Find the map from video time to samples that readings of the tube allow.

    Parameters
    ----------
    video_s : ndarray, shape (n_readings,)
        Time of each frame that was read, s, in any order: by a nominal rate that is right to 1 %,
        or the camera's own.
    counts : ndarray of int, shape (n_readings,)
        What was read, right or wrong.
    table : TubeTable
        What was shown.
    frame_s : float, > 0
        Time from frame to frame, s.
    digits : int, 1 to 9, optional
        Digits that the tube had, so that its count began anew at 10**digits; None if it had enough.
    begins_s : float
        When the video begins, s from the first sample, roughly: used only where wrapped counts fit
        in several places.

    Raises
    ------
    ValueError
        If an argument makes no sense, or no more than half of the readings agree with one film.
    """
    time_s, read = np.asarray(video_s, dtype=np.float64), np.asarray(counts, dtype=np.int64)
    _check(time_s, read, frame_s, digits)
    order = np.argsort(time_s, kind="stable")
    time_s, read = time_s[order], read[order]
    screen = on_screen(table)
    whole, remarks = read, screen.remarks
    if digits is not None:
        whole, more = unwrapped(time_s, read, table, 10**digits, begins_s)
        remarks += more
    known, intervals = _intervals(time_s, whole, table, screen, frame_s)
    lines = _best(intervals, table.rate_hz, frame_s * table.rate_hz)
    if lines is None:
        raise ValueError(_disagree(0, read.size, frame_s))
    sync = _map(lines, intervals, table.rate_hz, frame_s)
    kinds = np.full(read.size, Kind.WRONG, "U7")
    kinds[known[lines.is_good]] = Kind.GOOD
    expected = _expected(sync.sample(time_s), frame_s * table.rate_hz, screen, table.counts)
    # Only what is not in the table can be of another time.
    is_beyond = expected[:, 0] < 0
    is_beyond[known] = False
    kinds[is_beyond] = Kind.OUTSIDE
    n_good, n_judged = int((kinds == Kind.GOOD).sum()), int((~is_beyond).sum())
    if 2 * n_good <= n_judged or 10 * n_good < read.size:
        raise ValueError(_disagree(n_good, n_judged, frame_s))
    residuals_s = np.full(read.size, np.nan)
    residuals_s[known] = sync.residuals_s
    if digits is not None:
        expected = np.where(expected < 0, expected, expected % 10**digits)
    sync = replace(
        sync, video_s=time_s, counts=read, kinds=kinds, residuals_s=residuals_s, expected=expected
    )
    delay_s = None if screen.delay is None else screen.delay / table.rate_hz
    return replace(sync, display_delay_s=delay_s, remarks=(*remarks, *_doubts(sync)))


def _intervals(
    time_s: Floats, counts: Ints, table: TubeTable, screen: Screen, frame_s: float
) -> tuple[Ints, Intervals]:
    """Return which readings the table knows, and the interval that each allows."""
    row = np.searchsorted(table.counts, counts).clip(max=table.counts.size - 1)
    known = np.flatnonzero(table.counts[row] == counts)
    if known.size < 2:
        raise ValueError(
            f"{known.size} of {counts.size} readings are counts that this recording showed "
            f"({table.counts[0]} to {table.counts[-1]}); expected most: "
            "is it the right recording, and are --digits right?"
        )
    half_frame = frame_s * table.rate_hz / 2
    low, high = screen.start[row[known]] - half_frame, screen.end[row[known]] + half_frame
    return known, Intervals(time_s[known], low, high, screen.usual / 2 + half_frame)


def _check(time_s: Floats, counts: Ints, frame_s: float, digits: int | None) -> None:
    if time_s.ndim != 1 or time_s.shape != counts.shape or time_s.size < 2:
        raise ValueError(f"{counts.size} readings at {time_s.size} times; expected 2 or more each")
    if not (np.isfinite(time_s).all() and np.isfinite(frame_s) and frame_s > 0):
        raise ValueError("a video time or the time from frame to frame is not a number above 0")
    if digits is not None and not 1 <= digits <= 9:
        raise ValueError(f"a tube of {digits} digits; expected 1 to 9")
    if (counts < 0).any():
        raise ValueError(f"a count of {counts.min()}; expected 0 or more")
    if digits is not None and (counts >= 10**digits).any():
        raise ValueError(f"a count of {counts.max()} does not fit in {digits} digits")


def _best(intervals: Intervals, rate_hz: float, frame: float) -> Lines | None:
    """Fit with the intervals as they are, or wider where that explains much more."""
    best: Lines | None = None
    for factor in _WIDER:
        lines = fit_lines(intervals.widened(factor), rate_hz, frame)
        if lines is None:
            continue
        cost = lines.cost + np.count_nonzero(lines.is_good) * float(np.log(factor))
        if best is None or cost < best.cost:
            best = replace(lines, cost=cost)
        residual = np.abs(intervals.residual(best.predicted(intervals.video_s)))
        near = np.count_nonzero(residual <= 4 * intervals.half)
        if np.count_nonzero(best.is_good) > 0.9 * near:
            break
    return best


def _map(lines: Lines, intervals: Intervals, rate_hz: float, frame_s: float) -> TubeSync:
    """Turn lines into a map that knows of no readings but those of `intervals`."""
    jumps, starts_s = _jumps(lines, intervals, rate_hz, frame_s)
    return TubeSync(
        video_s=intervals.video_s,
        counts=np.empty(0, np.int64),
        kinds=np.empty(0, "U7"),
        expected=np.empty((0, 2), np.int64),
        residuals_s=intervals.residual(lines.predicted(intervals.video_s)) / rate_hz,
        samples_per_s=lines.slope,
        samples_per_s_range=lines.slope_range,
        starts_s=starts_s,
        offsets=lines.offsets,
        uncertainty_s=lines.uncertainty / rate_hz,
        frame_s=frame_s,
        bound_s=intervals.most_half / rate_hz,
        jumps=jumps,
        display_delay_s=None,
        remarks=(),
    )


def _expected(sample: Floats, frame: float, screen: Screen, counts: Ints) -> Ints:
    """Return the lowest and highest count on the screen within a frame of each sample; -1 if none.

    Before the first count of the recording, and a count's time after its last, there is none.
    """
    first = np.searchsorted(screen.end, sample - frame / 2)
    last = np.searchsorted(screen.start, sample + frame / 2, side="right") - 1
    is_none = (last < 0) | (sample - frame / 2 > screen.start[-1] + screen.usual)
    found = np.stack([counts[first.clip(max=counts.size - 1)], counts[last.clip(min=0)]], axis=1)
    return np.where(is_none[:, np.newaxis], -1, found)


def _disagree(n_good: int, n_read: int, frame_s: float) -> str:
    return (
        f"{n_good} of {n_read} readings agree with one film of {1 / frame_s:.5g} frames a second "
        f"(within {CLOCKS_APART:.0%}); expected more than half: check --fps, --digits and the "
        "recording"
    )


def _jumps(
    lines: Lines, intervals: Intervals, rate_hz: float, frame_s: float
) -> tuple[tuple[Jump, ...], Floats]:
    """List the jumps, and say when the stretches between them begin: in the middle of the gap."""
    good_s, stretch = intervals.video_s[lines.is_good], lines.stretch[lines.is_good]
    jumps, starts_s = [], [-np.inf]
    for k in range(1, lines.offsets.size):
        after_s = float(good_s[stretch < k].max(initial=intervals.video_s[0]))
        before_s = float(good_s[stretch >= k].min(initial=intervals.video_s[-1]))
        jump_s = float(lines.offsets[k] - lines.offsets[k - 1]) / rate_hz
        jumps.append(Jump(after_s, before_s, jump_s, round(jump_s / frame_s)))
        starts_s.append((after_s + before_s) / 2)
    return tuple(jumps), np.array(starts_s)


def _doubts(sync: TubeSync) -> list[str]:
    """Say what makes the map less certain than it looks."""
    n_good = sync.n(Kind.GOOD)
    doubts = []
    if n_good < LEAST_TO_CHECK:
        doubts.append(
            f"uncertain: {n_good} readings agree; a wrong one or a lost frame may go unseen with "
            f"fewer than {LEAST_TO_CHECK}"
        )
    if not sync.is_within_bound:
        doubts.append(
            f"the count was not on the screen when the table says, to {sync.bound_s * 1e3:.0f} ms: "
            "the display or the frame times vary more than that"
        )
    return doubts
