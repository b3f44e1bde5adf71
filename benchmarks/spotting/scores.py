"""How good an answer is, and how sure that is.

A hit is a pair of IoU 0.5 at least, one to one. A false alarm is an answer that touches no true
event; a minute is one of one channel outside of its true events. Everything is pooled over channels
and recordings; intervals come from drawing whole recordings again (bootstrap), since what lies
within one has its face in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from benchmarks.spotting.faces import RATE_HZ, Recording
from emgrig.analysis.signal.filters import Floats, Ints
from emgrig.analysis.spotting.scoring import intersection_over_union

CAUSES = ("blink", "neighbour", "behind", "other")
"""Why a false alarm may have been one: a blink, a true event on another channel at that time, the
0.9 s behind a true event of the channel itself, none of these; the first that holds."""
_LEAST_IOU = 0.5


@dataclass(frozen=True)
class Tally:
    """What counts of one recording."""

    n_true: int
    n_found: int
    n_hits: int
    iou_sum: float  #: Of the hits.
    rest_min: float  #: Minutes of rest, all channels.
    errors_ms: Floats  #: shape (n_hits, 2); Found minus true onset and offset.
    false_alarms: dict[str, int]  #: By cause.

    @property
    def n_false(self) -> int:
        """False alarms of any cause."""
        return sum(self.false_alarms.values())


@dataclass(frozen=True)
class Row:
    """A line of the table; quartiles are NaN without hits."""

    f1: float
    recall: float
    precision: float
    iou: float  #: Mean over all true events, a missed one counting 0.
    false_per_min: float
    onset_ms: tuple[float, float, float]  #: 25, 50 and 75 % of the signed errors.
    offset_ms: tuple[float, float, float]
    false_by_cause: dict[str, float]  #: A minute.


def tally(recording: Recording, answer: Sequence[Ints]) -> Tally:
    """Count one recording's answer: one array of shape (n_events, 2) a channel, samples.

    Raises
    ------
    ValueError
        If it has not one array a channel, or an interval is empty or reversed.
    """
    if len(answer) != len(recording.truth):
        raise ValueError(f"{len(answer)} answers to {len(recording.truth)} channels")
    ious, errors = [], []
    causes = dict.fromkeys(CAUSES, 0)
    for channel, (found, true) in enumerate(zip(answer, recording.truth, strict=True)):
        iou = intersection_over_union(found, true)
        rows, columns = scipy.optimize.linear_sum_assignment(iou, maximize=True)
        good = iou[rows, columns] >= _LEAST_IOU
        rows, columns = rows[good], columns[good]
        ious.append(iou[rows, columns])
        errors.append((np.asarray(found)[rows] - true[columns]) * (1000 / RATE_HZ))
        for one in np.asarray(found)[iou.max(axis=1, initial=0.0) == 0]:
            causes[_cause(one, channel, recording)] += 1
    n_active = sum(int(np.ptp(t, axis=1).sum()) for t in recording.truth)
    n_rest = recording.samples_uv.size - n_active
    return Tally(
        sum(len(t) for t in recording.truth),
        sum(len(a) for a in answer),
        sum(i.size for i in ious),
        float(sum(i.sum() for i in ious)),
        n_rest / RATE_HZ / 60,
        np.concatenate(errors),
        causes,
    )


def _cause(one: Ints, channel: int, recording: Recording) -> str:
    def touches(others: Ints, behind: int = 0) -> bool:
        return bool(((others[:, 0] < one[1]) & (one[0] < others[:, 1] + behind)).any())

    if touches(recording.blinks):
        return "blink"
    if any(touches(t) for index, t in enumerate(recording.truth) if index != channel):
        return "neighbour"
    return "behind" if touches(recording.truth[channel], 900) else "other"


def row(tallies: Sequence[Tally]) -> Row:
    """Pool the counts of some recordings."""
    n_true, n_found, n_hits = (
        sum(getattr(t, name) for t in tallies) for name in ("n_true", "n_found", "n_hits")
    )
    minutes = sum(t.rest_min for t in tallies)
    errors = np.concatenate([t.errors_ms for t in tallies])
    onset, offset = (
        tuple(np.percentile(e, [25, 50, 75]).tolist()) if e.size else (float("nan"),) * 3
        for e in errors.T
    )
    return Row(
        _over(2 * n_hits, n_true + n_found),
        _over(n_hits, n_true),
        _over(n_hits, n_found),
        _over(sum(t.iou_sum for t in tallies), n_true),
        sum(t.n_false for t in tallies) / minutes,
        onset,
        offset,
        {c: sum(t.false_alarms[c] for t in tallies) / minutes for c in CAUSES},
    )


def _over(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def intervals(
    ours: Sequence[Tally], other: Sequence[Tally] | None = None, *, n_draws: int = 2000
) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals of F1 and false alarms a minute, or of what `ours` has more of them.

    Parameters
    ----------
    ours, other : sequence of Tally
        Of the same recordings in the same order; with both, differences are paired.
    """
    picks = np.random.default_rng(0).integers(len(ours), size=(n_draws, len(ours)))

    def drawn(tallies: Sequence[Tally]) -> tuple[Floats, Floats]:
        counts = np.array(
            [[t.n_hits, t.n_true + t.n_found, t.n_false, t.rest_min] for t in tallies]
        )
        hits, both, false, minutes = counts[picks].sum(axis=1).T
        return 2 * hits / np.maximum(both, 1), false / minutes

    f1, rate = drawn(ours)
    if other is not None:
        f1_other, rate_other = drawn(other)
        f1, rate = f1 - f1_other, rate - rate_other
    return {
        name: (float(low), float(high))
        for name, (low, high) in (
            ("f1", np.percentile(f1, [2.5, 97.5])),
            ("false_per_min", np.percentile(rate, [2.5, 97.5])),
        )
    }
