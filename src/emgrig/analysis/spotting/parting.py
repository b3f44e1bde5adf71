"""Low activity beside events is no part of them, and parts those that it joins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats, Ints, segments


@dataclass(frozen=True)
class Limit:
    """What is low activity beside an event, and no part of it."""

    share: float  #: Below this share of the peak above rest,
    least: int  #: for more than so many samples,
    of_event: float  #: and for more than this share of the length of the event.

    def most(self, length: int) -> int:
        """Return for how many samples at most a low stretch is a part of the event beside it."""
        return max(self.least, int(self.of_event * length))


def parted(found: Ints, excess: Floats, low: float, high: float, limit: Limit, anew: float) -> Ints:
    """Take low activity off the events that it lies beside, and part events that it joins.

    `excess`, shape (n_samples,), is the amplitude above rest; `low` and `high` are its thresholds.
    """
    is_one = _are_one(found, excess, high, limit)
    kept: list[list[int]] = found[is_one].tolist()
    stretches = [(begin, end, False) for begin, end in found[~is_one].tolist()]
    while stretches:
        begin, end, is_parted = stretches.pop()
        part = excess[begin:end]
        peak = float(part.max())
        if not peak > high:
            continue
        cores = _cores(part, peak, limit)
        bounds = [0, *cores.ravel().tolist(), part.size]
        for row, (first, last) in enumerate(cores.tolist()):
            most = limit.most(last - first)
            # What rises to it from rest is its own, however slowly.
            is_whole = row == 0 and (first <= most or not is_parted)
            start = 0 if is_whole else first
            stop = part.size if row + 1 == len(cores) and part.size - last <= most else last
            kept.append([begin + start, begin + stop])
        for row in range(len(cores) + 1):
            first, last = bounds[2 * row : 2 * row + 2]
            if last - first > limit.least:
                sides = row > 0, row < len(cores)
                hump = _hump(part[first:last], *sides, low, high, anew, limit.least)
                stretches += [(begin + first + a, begin + first + b, row > 0) for a, b in hump]
    return np.array(sorted(kept), dtype=np.int64).reshape(-1, 2)


def _are_one(found: Ints, excess: Floats, high: float, limit: Limit) -> NDArray[np.bool_]:
    """Tell the events that are strong from end to end, but for pieces too short to be taken off."""
    if not len(found):
        return np.zeros(0, np.bool_)
    lengths = found[:, 1] - found[:, 0]
    firsts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    inside = excess[np.repeat(found[:, 0] - firsts, lengths) + np.arange(lengths.sum())]
    peaks = np.maximum.reduceat(inside, firsts)
    strong = np.flatnonzero(inside > np.repeat(limit.share * peaks, lengths))
    begin, end = np.searchsorted(strong, [firsts, firsts + lengths])
    some = end > begin
    first = strong[np.where(some, begin, 0)] if strong.size else begin
    last = strong[np.where(some, end - 1, 0)] + 1 if strong.size else end
    is_whole = some & (last - first == end - begin)  # one stretch
    is_long = (first - firsts <= limit.least) & (firsts + lengths - last <= limit.least)
    whole: NDArray[np.bool_] = is_whole & is_long & (peaks > high)
    return whole


def _cores(part: Floats, peak: float, limit: Limit) -> Ints:
    """Return the strong stretches, shape (n, 2), each with the pauses that belong to it.

    Two are events of their own if the long pause between them is low beside either. If it is not,
    the weaker one is low activity, too, or the same event when it is half as strong.
    """
    kept: list[list[int]] = []
    for first, last in segments(part > limit.share * peak):
        if not kept:
            kept.append([first, last])
            continue
        before, stop = kept[-1]
        pause = part[stop:first]
        old, new = part[before:stop].max(), part[first:last].max()
        weaker = min(old, new)
        is_short = pause.size <= limit.most(min(last - first, stop - before))
        if is_short or (np.median(pause) >= limit.share * weaker and 2 * weaker >= max(old, new)):
            kept[-1][1] = last
        elif np.median(pause) < limit.share * weaker:
            kept.append([first, last])
        elif new > old:
            kept[-1] = [first, last]
    return np.array(kept, dtype=np.int64)


def _hump(
    part: Floats, follows: bool, precedes: bool, low: float, high: float, anew: float, width: int
) -> list[tuple[int, int]]:
    """Find what rises anew in low activity, between the lowest points before and behind it.

    `follows` an event, `precedes` one: only beside an event it has to rise from something lower.
    A dip of a moment is nothing lower, so that a mean over `width` samples is looked at.
    """
    width = min(width, part.size)
    part = np.convolve(part, np.ones(width) / width, "same")
    rises = part > high
    if follows:
        rises &= part > anew * np.maximum(np.minimum.accumulate(part), low)
    if precedes:
        rises &= part > anew * np.maximum(np.minimum.accumulate(part[::-1])[::-1], low)
    if not rises.any():
        return []
    top = int(np.argmax(np.where(rises, part, -np.inf)))
    begin = int(np.argmin(part[: top + 1])) if follows else 0
    end = top + int(np.argmin(part[top:])) + 1 if precedes else part.size
    return [(begin, end)]
