"""Edges of events, moved to where the variance most likely changed."""

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats, Ints


def refined(found: Ints, x: Floats, rest_sd: float, change: float, reach: int) -> Ints:
    """Move each edge, by `reach` at most, to where the evidence turns.

    An edge is told from rest, or from what lies beyond it where that is much more.

    Parameters
    ----------
    found : ndarray of int64, shape (n_events, 2)
        Half-open sample intervals in order.
    x : ndarray of float64, shape (n_samples,)
        The channel, in its band; NaN in gaps.
    rest_sd : float
        Its RMS at rest.
    change : float, above 1
        Ratio of the variances, event over rest.
    reach : int
        Samples.
    """
    edges = found.copy()
    onsets, offsets = _far_from_all(found, x.size, reach)
    around = np.arange(-2 * reach, 2 * reach)
    for column, is_far, move in ((0, onsets, _onsets), (1, offsets, _offsets)):
        places = found[is_far, column, np.newaxis]
        edges[is_far, column] += move(x[places + around], rest_sd, change, reach)
    previous = 0
    for row in range(len(found)):
        if not onsets[row]:
            edges[row, 0] = _onset(found, row, previous, x, rest_sd, change, reach)
        if not offsets[row]:
            edges[row, 1] = _offset(found, row, x, rest_sd, change, reach)
        previous = int(edges[row, 1])
    return edges


def _far_from_all(
    found: Ints, n_samples: int, reach: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell the onsets and offsets whose surroundings hold no other edge, moved or not."""
    start, stop = found.T
    middle = (start + stop) // 2
    before = np.concatenate([[-reach], stop[:-1]]) + reach
    behind = np.concatenate([start[1:], [n_samples]])
    onsets = (start - 2 * reach >= before) & (start + reach <= middle)
    offsets = (stop + 2 * reach <= behind) & (middle <= stop - reach)
    return onsets, offsets


def _onsets(around: Floats, rest_sd: float, change: float, reach: int) -> Ints:
    """Return by how much onsets move; of each `2 reach` samples ahead of it and as many behind."""
    evidence = _running(around[:, :reach], around[:, reach : 3 * reach], rest_sd, change)
    return np.asarray(reach - np.argmin(evidence[:, ::-1], axis=1), dtype=np.int64)


def _offsets(around: Floats, rest_sd: float, change: float, reach: int) -> Ints:
    evidence = _running(around[:, 3 * reach :], around[:, reach : 3 * reach], rest_sd, change)
    return np.asarray(np.argmax(evidence, axis=1) - reach, dtype=np.int64)


def _running(beyond: Floats, x: Floats, rest_sd: float, change: float) -> Floats:
    """Return `_evidence` of each row, over rest or what lies `_beyond`."""
    power = np.mean(beyond**2, axis=1)
    sd = np.where(power > 4 * rest_sd**2, np.sqrt(power), rest_sd)
    step = (x / sd[:, np.newaxis]) ** 2 * (0.5 * (1 - 1 / change)) - 0.5 * np.log(change)
    step[np.isnan(step)] = 0.0
    evidence = np.zeros((len(step), step.shape[1] + 1))
    np.cumsum(step, axis=1, out=evidence[:, 1:])
    return evidence


def _onset(
    found: Ints, row: int, previous: int, x: Floats, rest_sd: float, change: float, reach: int
) -> int:
    start, stop = (int(end) for end in found[row])
    low = max(previous, start - reach)
    until = min((start + stop) // 2, start + reach)
    sd = _beyond(x[max(previous, low - reach) : low], rest_sd)
    # The last of equal minima, so that an onset never moves into a gap.
    return until - int(np.argmin(_evidence(x[low:until], sd, change)[::-1]))


def _offset(found: Ints, row: int, x: Floats, rest_sd: float, change: float, reach: int) -> int:
    start, stop = (int(end) for end in found[row])
    following = int(found[row + 1, 0]) if row + 1 < len(found) else x.size
    high = min(following, stop + reach)
    begin = max((start + stop) // 2, stop - reach)
    sd = _beyond(x[high : min(following, high + reach)], rest_sd)
    return begin + int(np.argmax(_evidence(x[begin:high], sd, change)))


def _evidence(x: Floats, rest_sd: float, change: float) -> Floats:
    """Return the running log-likelihood ratio of "variance is `change` times rest's" to rest.

    Shape (n_samples + 1,), from the begin of `x`; a gap adds nothing.
    """
    step = (x / rest_sd) ** 2 * (0.5 * (1 - 1 / change)) - 0.5 * np.log(change)
    step[np.isnan(step)] = 0.0
    return np.concatenate([[0.0], np.cumsum(step)])


def _beyond(x: Floats, rest_sd: float) -> float:
    """Return the RMS of what lies beside an edge, or that of rest if it is not twice as much."""
    power = float(np.mean(x**2)) if x.size else 0.0
    return float(np.sqrt(power)) if power > 4 * rest_sd**2 else rest_sd
