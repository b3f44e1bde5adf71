"""What the annotations say about the two clocks of each recording (emg.md 1.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emgrig.analysis.clocks.robust_line import JUMP_S, LEAST_FOR_DRIFT, LEAST_SPAN_S, fit_clock_map
from emgrig.analysis.paper.annotations import Expression, recordings
from emgrig.analysis.signal.filters import Floats

FRAME_S = 1 / 30  #: One frame of the paper's camera, s.


@dataclass(frozen=True)
class ClockReport:
    """The two clocks of one recording."""

    subject: int  #: Which recording, and how many expressions it has.
    video: int
    n_events: int
    offset_s: float  #: Median of video minus EMG onset, s.
    range_s: float  #: Largest minus smallest of them, s; 0 with one event.
    #: Least squares through all events, so that a jump counts as drift; NaN with fewer than 3
    #: events or over 20 s or less.
    drift_ms_per_s: float
    residual_ms: float  #: Median absolute residual of the map, ms; NaN with one event.
    n_jumps: int  #: Steps above 0.2 s from event to event.


@dataclass(frozen=True)
class ClockSummary:
    """The clocks of a whole data set; seconds unless the name says otherwise.

    `jumps_ahead` of `n_jumps` are steps by which the EMG falls behind. `reading_noise_*` is the
    clock by offsets minus the clock by onsets, which would be 0 if marks were exact.
    """

    n_events: int
    median_offset_s: float
    least_offset_s: float
    most_offset_s: float
    n_recordings_with_pairs: int
    median_range_s: float
    most_range_s: float
    share_within_a_frame: float
    share_within_100_ms: float
    n_jumps: int
    jumps_ahead: int
    share_of_jumps: float
    n_drifts: int
    drift_quartiles_ms_per_s: tuple[float, float, float]
    reading_noise_median_s: float
    reading_noise_mad_s: float
    reading_noise_sd_s: float


def _clock(events: Sequence[Expression]) -> tuple[Floats, Floats]:
    """Return EMG onsets, and video minus EMG at each, s."""
    emg = np.array([e.emg_onset_ms / 1000 for e in events])
    return emg, np.array([e.video_onset_s for e in events]) - emg


def clock_reports(expressions: Sequence[Expression]) -> list[ClockReport]:
    """Report on the clocks of every recording of an annotation sheet."""
    return [_report(events) for events in recordings(expressions).values()]


def _report(events: Sequence[Expression]) -> ClockReport:
    emg, difference = _clock(events)
    fitted = fit_clock_map(emg, difference + emg)
    enough = len(events) >= LEAST_FOR_DRIFT and np.ptp(emg) > LEAST_SPAN_S
    return ClockReport(
        events[0].subject,
        events[0].video,
        len(events),
        float(np.median(difference)),
        float(np.ptp(difference)),
        1000 * float(np.polyfit(emg, difference, 1)[0]) if enough else float("nan"),
        1000 * fitted.residual_mad_s if len(events) > 1 else float("nan"),
        fitted.n_jumps,
    )


def clock_summary(expressions: Sequence[Expression]) -> ClockSummary:
    """Summarise the clocks of a data set.

    Raises
    ------
    ValueError
        If no recording has two expressions: there is nothing to compare.
    """
    reports = clock_reports(expressions)
    paired = [r for r in reports if r.n_events > 1]
    if not paired:
        raise ValueError("no recording has two expressions; the clocks cannot be compared")
    every = _clock(expressions)[1]
    steps = np.concatenate([np.diff(_clock(e)[1]) for e in recordings(expressions).values()])
    drifts = [r.drift_ms_per_s for r in reports if np.isfinite(r.drift_ms_per_s)]
    quartiles = np.percentile(drifts, [25, 50, 75]) if drifts else np.full(3, np.nan)
    late = np.array([e.video_offset_s - e.emg_offset_ms / 1000 for e in expressions]) - every
    jumps = steps[np.abs(steps) > JUMP_S]
    return ClockSummary(
        len(expressions),
        float(np.median(every)),
        float(every.min()),
        float(every.max()),
        len(paired),
        float(np.median([r.range_s for r in paired])),
        max(r.range_s for r in paired),
        float((np.abs(steps) <= FRAME_S).mean()),
        float((np.abs(steps) <= 0.1).mean()),
        jumps.size,
        int((jumps > 0).sum()),
        jumps.size / steps.size,
        len(drifts),
        (float(quartiles[0]), float(quartiles[1]), float(quartiles[2])),
        float(np.median(late)),
        float(np.median(np.abs(late - np.median(late)))),
        float(late.std(ddof=1)),
    )
