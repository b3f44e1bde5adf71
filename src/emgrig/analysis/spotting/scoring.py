"""How good is an answer: as the paper counts, and as it should be counted, side by side."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats, Ints, check_rate

Numbers = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class PaperScores:
    """The nine figures of table 7 as its code computes them."""

    n_missed: int  #: N_nan, clips without an event.
    #: "Mean_IoU": overlap / **shorter** length, over the clips with an event only.
    mean_overlap: float
    share_above_half: float  #: Share of **all** clips whose overlap is above 0.5.
    onset_mean_s: float  #: Of the **absolute** errors, s; SE is SD / sqrt(n).
    onset_se_s: float
    onset_rmse_s: float
    offset_mean_s: float
    offset_se_s: float
    offset_rmse_s: float


SCORE_WORDS = {
    "n_missed": "expressions missed",
    "mean_overlap": "overlap, mean",
    "share_above_half": "share with an overlap above 0.5",
    "onset_mean_s": "error of the onset, mean, s",
    "onset_se_s": "error of the onset, standard error, s",
    "onset_rmse_s": "error of the onset, rms, s",
    "offset_mean_s": "error of the offset, mean, s",
    "offset_se_s": "error of the offset, standard error, s",
    "offset_rmse_s": "error of the offset, rms, s",
}
"""The fields of `PaperScores`, in their order, in words."""


@dataclass(frozen=True)
class ClipScores:
    """What table 7 leaves out, for the same clips."""

    mean_iou: float  #: Intersection over union, a missed clip counting 0.
    share_iou_above_half: float  #: Share of all clips with an IoU above 0.5.
    onset_bias_s: float  #: Mean **signed** errors, detected minus true, s.
    offset_bias_s: float
    onset_sd_s: float  #: Their SD, s.
    offset_sd_s: float


def intervals(values: Numbers, what: str = "intervals") -> Floats:
    """Return intervals as float64 of shape (n, 2); refuses reversed and non-finite ones."""
    array = np.asarray(values, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(array).all():
        raise ValueError(f"{what} hold a value that is not a number")
    reversed_rows = np.flatnonzero(array[:, 1] <= array[:, 0])
    if reversed_rows.size:
        row = int(reversed_rows[0])
        raise ValueError(f"{what}, row {row}: {array[row].tolist()} is empty or reversed")
    return array


def intersection_over_union(a: Numbers, b: Numbers) -> Floats:
    """Compute the true IoU of every interval of `a` with every one of `b`.

    Parameters
    ----------
    a, b : ndarray, shapes (n, 2) and (m, 2)
        Start and end in one unit.

    Returns
    -------
    ndarray of float64, shape (n, m)
        0 to 1.
    """
    first, second = intervals(a, "a")[:, np.newaxis], intervals(b, "b")[np.newaxis]
    shared = _shared(first, second)
    union = np.ptp(first, axis=-1) + np.ptp(second, axis=-1) - shared
    return np.asarray(shared / union, dtype=np.float64)


def _shared(a: Floats, b: Floats) -> Floats:
    low = np.maximum(a[..., 0], b[..., 0])
    shared: Floats = np.maximum(0.0, np.minimum(a[..., 1], b[..., 1]) - low)
    return shared


def score_as_paper(detected: Ints, truth: Ints, rate_hz: float = 1000.0) -> PaperScores:
    """Score one interval a clip as table 7 does.

    Parameters
    ----------
    detected : ndarray of int64, shape (n_clips, 2)
        Onset and offset in each clip, samples; negative where nothing was found.
    truth : ndarray of int64, shape (n_clips, 2)
        Annotated onset and offset, samples.
    rate_hz : float, > 0
        Sampling rate, Hz.

    Returns
    -------
    PaperScores
        NaN where no clip has an event: there is no mean then.
    """
    answer, true, found = _paired(detected, truth, rate_hz)
    n_missed = int((~found).sum())
    if n_missed == found.size:
        nan = float("nan")
        return PaperScores(n_missed, nan, 0.0, nan, nan, nan, nan, nan, nan)
    a, b = answer[found], true[found]
    shorter = np.minimum(np.ptp(a, axis=1), np.ptp(b, axis=1))
    # A detection of no length has no overlap: 0, where the published code divides by zero.
    overlap = np.where(shorter > 0, _shared(a, b) / np.maximum(shorter, 1e-300), 0.0)
    errors = np.abs(a - b) / rate_hz
    n = errors.shape[0]
    se = errors.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(2, np.nan)
    rmse = np.sqrt((errors**2).mean(axis=0))
    mean = errors.mean(axis=0)
    return PaperScores(
        n_missed,
        float(overlap.mean()),
        float((overlap > 0.5).sum() / found.size),
        *(float(x) for x in (mean[0], se[0], rmse[0], mean[1], se[1], rmse[1])),
    )


def score_clips(detected: Ints, truth: Ints, rate_hz: float = 1000.0) -> ClipScores:
    """Score one interval a clip by true IoU and signed errors; arguments as `score_as_paper`."""
    answer, true, found = _paired(detected, truth, rate_hz)
    iou = np.zeros(found.size)
    a, b = answer[found], true[found]
    union = np.maximum(a[:, 1], b[:, 1]) - np.minimum(a[:, 0], b[:, 0])
    shared = _shared(a, b)
    # The hull is the union wherever the two touch.
    iou[found] = np.where(shared > 0, shared / np.maximum(union, 1e-300), 0.0)
    errors = (a - b) / rate_hz
    nan = float("nan")
    bias = errors.mean(axis=0) if errors.size else np.full(2, nan)
    sd = errors.std(axis=0, ddof=1) if errors.shape[0] > 1 else np.full(2, nan)
    return ClipScores(
        float(iou.mean()),
        float((iou > 0.5).mean()),
        *(float(x) for x in (bias[0], bias[1], sd[0], sd[1])),
    )


def _paired(
    detected: Ints, truth: Ints, rate_hz: float
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    check_rate(rate_hz)
    answer = np.asarray(detected, dtype=np.float64).reshape(-1, 2)
    true = intervals(truth, "truth")
    if answer.shape != true.shape or answer.shape[0] == 0:
        raise ValueError(
            f"detected has shape {answer.shape}, truth {true.shape}; one row a clip was expected"
        )
    found = np.asarray((answer >= 0).all(axis=1) & np.isfinite(answer).all(axis=1))
    return answer, true, found


def trivial_answer(clip_lengths: Ints, rate_hz: float = 1000.0, *, inset_s: float = 0.3) -> Ints:
    """Answer without looking: `inset_s` from each end of every clip.

    Clips are the truth widened by 0.5 s, so this beats the paper's detector on its own figures.
    It belongs as a row into every table of clip scores.

    Raises
    ------
    ValueError
        If a clip is too short to leave anything.
    """
    check_rate(rate_hz)
    lengths = np.asarray(clip_lengths, dtype=np.int64)
    inset = round(inset_s * rate_hz)
    if (lengths <= 2 * inset).any():
        raise ValueError(f"a clip is no longer than twice {inset_s:g} s")
    return np.stack([np.full_like(lengths, inset), lengths - inset], axis=1)


@dataclass(frozen=True)
class EventScores:
    """How a detector does on whole recordings."""

    n_true: int  #: Matched one to one, by the largest total IoU.
    n_detected: int
    n_matched: int
    recall: float  #: n_matched / n_true and n_matched / n_detected; NaN without any.
    precision: float
    mean_iou: float  #: Over all true events, a missed one counting 0.
    #: Detections that touch no true event, a minute of rest (time outside of true events).
    false_alarms_per_min: float
    onset_bias_s: float  #: Signed and absolute mean errors of the matched events, s.
    offset_bias_s: float
    onset_mae_s: float
    offset_mae_s: float


EVENT_WORDS = {
    "n_true": "true events",
    "n_detected": "events detected",
    "n_matched": "of them matched",
    "recall": "recall",
    "precision": "precision",
    "mean_iou": "intersection over union, mean",
    "false_alarms_per_min": "false alarms a minute of rest",
    "onset_bias_s": "error of the onset, mean with its sign, s",
    "offset_bias_s": "error of the offset, mean with its sign, s",
    "onset_mae_s": "error of the onset, mean without sign, s",
    "offset_mae_s": "error of the offset, mean without sign, s",
}
"""The fields of `EventScores`, in their order, in words."""


@dataclass(frozen=True)
class _Match:
    ious: Floats
    errors: Floats
    n_true: int
    n_detected: int
    n_false: int
    rest_s: float


def score_events(
    recordings: list[tuple[Floats, Floats, float]], *, least_iou: float = 0.5
) -> EventScores:
    """Score events on whole recordings.

    Parameters
    ----------
    recordings : list of (detected_s, true_s, length_s)
        Intervals of shape (n, 2), s, and the length of each recording, s.
    least_iou : float, 0 to 1
        A pair counts as matched from this IoU on; 0.5 is what the micro-expression spotting
        challenges ask for. A low limit rewards a detector that fires all the time.

    Returns
    -------
    EventScores
        Pooled over the recordings.

    Raises
    ------
    ValueError
        If intervals are reversed or true intervals overlap or leave the recording.
    """
    if not recordings or not 0 < least_iou <= 1:
        raise ValueError(
            "at least one recording and a least_iou above 0 and at most 1 were expected"
        )
    matches = [_match(*recording, least_iou=least_iou) for recording in recordings]
    n_true = sum(m.n_true for m in matches)
    n_detected = sum(m.n_detected for m in matches)
    ious = np.concatenate([m.ious for m in matches])
    errors = np.concatenate([m.errors for m in matches])
    rest_min = sum(m.rest_s for m in matches) / 60
    n_false = sum(m.n_false for m in matches)
    nan = float("nan")
    bias = errors.mean(axis=0) if errors.size else np.full(2, nan)
    mae = np.abs(errors).mean(axis=0) if errors.size else np.full(2, nan)
    return EventScores(
        n_true,
        n_detected,
        ious.size,
        ious.size / n_true if n_true else nan,
        ious.size / n_detected if n_detected else nan,
        float(ious.sum() / n_true) if n_true else nan,
        n_false / rest_min if rest_min > 0 else nan,
        *(float(x) for x in (bias[0], bias[1], mae[0], mae[1])),
    )


def _match(detected_s: Floats, true_s: Floats, length_s: float, *, least_iou: float) -> _Match:
    found, true = intervals(detected_s, "detected"), intervals(true_s, "truth")
    true = true[np.argsort(true[:, 0])]
    if (true[1:, 0] < true[:-1, 1]).any():
        raise ValueError("true events overlap; join or drop the duplicate mark-up first")
    if true.size and (true.min() < 0 or true.max() > length_s):
        raise ValueError(f"a true event lies outside the recording of {length_s:g} s")
    iou = intersection_over_union(found, true)
    rows, columns = scipy.optimize.linear_sum_assignment(iou, maximize=True)
    good = iou[rows, columns] >= least_iou
    rows, columns = rows[good], columns[good]
    return _Match(
        iou[rows, columns],
        found[rows] - true[columns],
        true.shape[0],
        found.shape[0],
        int((iou.max(axis=1, initial=0.0) == 0).sum()),
        length_s - float(np.ptp(true, axis=1).sum()),
    )
