"""When each row was measured, by a sample index that begins anew, and a clock that goes with it.

The index tells what was lost up to whole cycles; the time of arrival, which jitters and is held
up, tells the cycles, the pauses and the true rate. Late rows, and rows that stand in the file twice
without being equal, are refused.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.runs import Floats, Ints, Runs, check_length
from emgrig.reading.timebase import TimeBase, line_through, stood_twice

#: OpenSignals 16; Ganglion 101 (each twice), 128 and 201; Cyton 256.
_CYCLES = (16, 64, 101, 128, 201, 256, 1024, 4096, 65536, 1 << 32)
#: So far back a row is looked for that stands twice.
_BACK = 4096
#: Rows ahead of and behind a jump that tell by how much the clock jumped.
_AROUND = 512
#: An index that begins anew out of its cycle does so after a pause, s.
_LEAST_PAUSE_S = 0.5
#: Rows and their times of arrival may run apart by so much, s.
_MOST_APART_S = 0.05
#: A clock and a rate that differ by more contradict each other.
_SAME_RATE = 0.02


@dataclass(frozen=True)
class _Pattern:
    """How an index counts.

    Attributes
    ----------
    step : int
        From one number to the next: 2 for a Daisy.
    copies : int
        Rows of one number: 2 for a Ganglion.
    first_once : bool
        Whether the lowest number stands once where the others stand twice.
    modulus : int
        After so much the index begins anew; 0 if it does not, -1 if only the clock tells.
    """

    step: int
    copies: int
    first_once: bool
    modulus: int

    @property
    def cycle(self) -> int:
        """Rows in a cycle; 0 if the index does not begin anew."""
        return self.modulus // self.step * self.copies - self.first_once if self.modulus else 0


def by_index(
    index: Floats,
    rate_hz: float,
    rate_from: str,
    columns: Sequence[Floats],
    time_s: Floats | None = None,
) -> TimeBase:
    """Make a time base of a sample index that begins anew after each cycle.

    Parameters
    ----------
    index : ndarray, shape (n_rows,)
        Whole numbers.
    rate_hz, rate_from
        Rate of the samples, and who says it.
    columns : sequence of ndarray, shape (n_rows,)
        What was measured; it tells rows that stand twice.
    time_s : ndarray, optional
        Time of arrival, which tells whole cycles that were lost, pauses, and the true rate.

    Raises
    ------
    RecordingError
        If the index is no index, or contradicts the time.
    """
    whole = _whole(index)
    if time_s is not None and not np.isfinite(time_s).all():
        raise RecordingError("a time of arrival is no number")
    kept = _without_repeats(whole, columns, time_s)
    used, times = whole[kept], None if time_s is None else time_s[kept]
    pattern = _pattern(used, times, rate_hz)
    steps = _steps(used, pattern)
    if times is not None:
        steps = _with_clock(steps, pattern.cycle, rate_hz, times)
    check_length(float(steps.sum(dtype=np.float64)) + 1, kept.size, rate_hz)
    positions = np.concatenate([[0], np.cumsum(steps)])
    remarks = []
    if kept.size < whole.size:
        remarks.append(stood_twice(whole.size - kept.size, "row"))
    if pattern.modulus and times is None and (steps != 1).any():
        remarks.append(f"the index does not tell a loss of {pattern.cycle} samples or more")
    base = TimeBase(rate_hz, rate_from, Runs.at(positions, kept), tuple(remarks))
    return base if times is None else _timed(base, positions, times)


def _whole(index: Floats) -> Ints:
    is_whole = np.isfinite(index) & (np.abs(index) < 1 << 53)
    if index.size < 2 or not is_whole.all() or (index != np.round(index)).any():
        raise RecordingError("the sample index was expected to be whole numbers")
    return index.astype(np.int64)


# Rows that stand twice.


def _without_repeats(index: Ints, columns: Sequence[Floats], time_s: Floats | None) -> Ints:
    """Return the rows without blocks that repeat the rows ahead of them."""
    jump = np.diff(index)
    usual = Counter(jump.tolist()).most_common(1)[0][0]
    is_suspect = jump != usual
    if (jump == 0).mean() > 0.3:  # numbers that stand twice by nature
        step = int(np.median(jump[jump != 0])) if (jump != 0).any() else 1
        is_suspect = (jump != 0) & (jump != step)
        is_suspect[1:] |= (jump[1:] == 0) & (jump[:-1] == 0)
    all_of = [*columns, *([] if time_s is None else [time_s])]
    dropped = np.zeros(index.size, bool)
    done = 0
    for row in (np.flatnonzero(is_suspect) + 1).tolist():
        if row < done:
            continue
        n = _repeated(index, all_of, row, is_sure=time_s is not None)
        dropped[row : row + n] = True
        done = row + n
    return np.flatnonzero(~dropped)


def _repeated(index: Ints, columns: Sequence[Floats], row: int, *, is_sure: bool) -> int:
    """Return how many rows from `row` on repeat the rows just ahead of it; 0 if none."""
    low = max(row - _BACK, 0)
    first = np.flatnonzero(index[low:row] == index[row]) + low
    for column in columns:
        first = first[_equal(column[first], column[row])]
    for begin in first[::-1].tolist():
        n = int(row - begin)
        if row + n > index.size or not np.array_equal(index[begin:row], index[row : row + n]):
            continue
        if not all(_equal(one[begin:row], one[row : row + n]).all() for one in columns):
            continue
        # Of a still signal the index alone speaks, and that also counts on after a loss.
        varies = any(np.ptp(one[begin:row]) > 0 for one in columns)
        if is_sure or n == 1 or varies:
            return n
    return 0


def _equal(one: Floats, other: Floats | float) -> np.ndarray:
    equal: np.ndarray = (one == other) | (np.isnan(one) & np.isnan(other))
    return equal


# How the index counts.


def _pattern(index: Ints, time_s: Floats | None, rate_hz: float) -> _Pattern:
    jump = np.diff(index)
    forward = jump[jump > 0]
    if not forward.size:
        raise RecordingError("the sample index does not count")
    step = int(np.bincount(forward[forward < 64]).argmax()) if (forward < 64).any() else 1
    copies = 2 if (jump == 0).mean() > 0.4 else 1
    modulus = 0 if (jump >= 0).all() else _modulus(index, jump, step)
    first_once = False
    if copies == 2:
        # Both rows of a number come in one packet: the lowest stands alone by nature, or never.
        is_first = index[1:] == index.min()
        visits = int((is_first & (jump < 0)).sum())
        first_once = bool(visits) and int((is_first & (jump == 0)).sum()) < 0.5 * visits
    pattern = _Pattern(step, copies, first_once, modulus)
    if modulus < 0:
        return replace(pattern, modulus=_fitting(index, pattern, time_s, rate_hz))
    return pattern


def _modulus(index: Ints, jump: Ints, step: int) -> int:
    """Return after how much the index begins anew; -1 if it never does so without a loss."""
    back = np.flatnonzero(jump < 0)
    pairs = Counter(zip(index[back].tolist(), index[back + 1].tolist(), strict=True))
    for (last, begin), often in pairs.most_common(3):
        modulus = int(last - begin + step)
        fits = index.max() < begin + modulus and index.min() >= min(begin, 0)
        if fits and (modulus in _CYCLES or (often > 2 and often > 0.5 * back.size)):
            return modulus
    return -1


def _fitting(index: Ints, pattern: _Pattern, time_s: Floats | None, rate_hz: float) -> int:
    """Return the cycle of which the clock counts whole ones."""
    jump = np.diff(index)
    row = int(np.flatnonzero(jump < 0)[0])
    said = f"the sample index goes back in row {row + 2}, from {index[row]} to {index[row + 1]}"
    whole = int(index.max()) + pattern.step
    if time_s is None and whole in _CYCLES:  # a cycle that somebody has, up to its last number
        return whole
    if time_s is None:
        raise RecordingError(f"{said}; it was expected to count on, or to end a cycle")
    clock = np.diff(time_s) * rate_hz
    best: tuple[float, int] = (np.inf, 0)
    for modulus in _CYCLES:
        if modulus > index.max() and modulus % pattern.step == 0:
            steps = _steps(index, replace(pattern, modulus=modulus), late=False)
            off = float(np.median(np.abs(clock - steps)[jump < 0]))
            best = min(best, (off, modulus))
    if best[0] > max(3.0, 0.05 * rate_hz):
        raise RecordingError(f"{said}, and the times do not say why")
    return best[1]


def _steps(index: Ints, pattern: _Pattern, *, late: bool = True) -> Ints:
    """Return how many samples each row lies behind the one before."""
    jump = np.diff(index)
    modulus, cycle = pattern.modulus, pattern.cycle
    if pattern.copies == 2:
        place = index // pattern.step * 2 + _halves(jump)
        place -= pattern.first_once * (index > index.min())
        steps = np.diff(place)
        steps = steps % cycle if cycle else steps
    else:
        if (jump % pattern.step).any() and (not modulus or modulus % pattern.step == 0):
            row = int(np.flatnonzero(jump % pattern.step)[0])
            raise RecordingError(
                f"the sample index counts by {pattern.step}, and in row {row + 2} goes from "
                f"{index[row]} to {index[row + 1]}"
            )
        steps = (jump % modulus if modulus else jump) // pattern.step
    still = np.flatnonzero(steps <= 0)
    if still.size:
        row = int(still[0]) + 2
        raise RecordingError(
            f"row {row} has the index {index[row - 1]} of a row ahead of it, and other values"
        )
    back = (jump < 0) & (jump > -max(min(8, modulus // 4), 1) * pattern.step) if modulus else None
    if late and back is not None and back.any():
        row = int(np.flatnonzero(back)[0])
        raise RecordingError(
            f"the sample index goes back in row {row + 2}, from {index[row]} to {index[row + 1]}"
        )
    astray = (steps[:-1] > 1) & (steps[1:] > 1) & (steps[:-1] + steps[1:] == cycle + 2)
    if late and cycle and astray.any():
        row = int(np.flatnonzero(astray)[0]) + 2
        raise RecordingError(
            f"row {row} has the index {index[row - 1]} between {index[row - 2]} and {index[row]}"
        )
    return np.asarray(steps, dtype=np.int64)


def _halves(jump: Ints) -> Ints:
    """Return 0 for the first and 1 for the second row of a number."""
    half = np.concatenate([[0], (jump == 0).astype(np.int64)])
    if ((half[1:] == 1) & (half[:-1] == 1)).any():
        row = int(np.flatnonzero((half[1:] == 1) & (half[:-1] == 1))[0]) + 2
        raise RecordingError(f"the sample index stands three times, up to row {row}")
    return half


# What the clock says.


def _with_clock(steps: Ints, cycle: int, rate_hz: float, time_s: Floats) -> Ints:
    """Add what the clock says was lost: whole cycles, and pauses in which nothing counted."""
    rate_hz *= _drift(steps, rate_hz, time_s)
    ahead = (time_s - time_s[0]) * rate_hz - np.concatenate([[0.0], np.cumsum(steps)])
    excess = np.diff(ahead)
    few = 1.5 + 1.5 * float(np.quantile(np.abs(excess), 0.98))
    half = cycle / 2 if cycle else np.inf
    suspects = np.flatnonzero((excess > few) | (excess < -max(min(half, 0.1 * rate_hz), few))) + 1
    out = steps.copy()
    ends = np.append(suspects, time_s.size)[1:]
    for row, end in zip(suspects.tolist(), ends.tolist(), strict=True):
        before = ahead[max(row - _AROUND, 0) : row]
        behind = ahead[row : max(min(end, row + _AROUND), min(row + 16, time_s.size))]
        lost, doubt = _shift(before, behind)
        snapped = cycle * round(lost / cycle) if cycle else 0
        if abs(lost - snapped) <= max(1.0, 2 * doubt):
            lost = snapped
        if abs(lost) < 0.75:
            continue
        if doubt > 1 and lost != snapped:
            raise RecordingError(
                f"ahead of row {row + 1} the clock runs on by {lost:.3g} samples, give or take "
                f"{doubt:.2g}: the index does not tell how many are missing"
            )
        out[row - 1] += round(lost)
        paused_s = float(time_s[row] - time_s[row - 1])
        if out[row - 1] < 1 or (lost < 0 and paused_s < _LEAST_PAUSE_S):
            raise RecordingError(
                f"the sample index counts {steps[row - 1]} samples on in row {row + 1}, the clock "
                f"{steps[row - 1] + lost:.3g}"
            )
        before += round(lost)  # in place: as far on as all later rows
    return out


def _drift(steps: Ints, rate_hz: float, time_s: Floats) -> float:
    """Return the rate that is said over the rate of the index by the clock; 1 within its jitter."""
    positions = np.concatenate([[0], np.cumsum(steps)])
    n = min(_AROUND // 2, max(time_s.size // 4, 1))
    ratio = (time_s[n:] - time_s[:-n]) * rate_hz / (positions[n:] - positions[:-n])
    usual = float(np.median(ratio))
    is_told = 3 * float(np.median(np.abs(ratio - usual))) < abs(usual - 1) < 0.05
    return 1 / usual if is_told else 1.0


def _shift(before: Floats, behind: Floats) -> tuple[float, float]:
    """Return by how much the clock jumped, and the doubt in it: arrivals are late, never early."""
    low = float(before.min()), float(behind.min())
    jitter = max(float(np.median(before)) - low[0], float(np.median(behind)) - low[1])
    return low[1] - low[0], jitter * max(0.1, 4 / min(before.size, behind.size))


def _timed(base: TimeBase, positions: Ints, time_s: Floats) -> TimeBase:
    """Take the true rate from times of arrival, if they are long enough to tell it."""
    if np.ptp(time_s) <= 0 or positions.size < 3:
        return base
    slope, start_s = line_through(positions, time_s)
    if slope <= 0:
        raise RecordingError("the time stamps go backwards")
    off = 1 / (slope * base.rate_hz) - 1
    residual_s = time_s - start_s - slope * positions
    # Enough to be told from jitter, which neighbours share?
    error = residual_s.std() * np.sqrt(12) / (slope * positions[-1] * np.sqrt(positions.size / 10))
    is_far = abs(off) > max(_SAME_RATE, 3 * error)
    if is_far:
        raise RecordingError(
            f"the rate contradicts itself: the time stamps give {1 / slope:.6g} Hz, "
            f"{base.rate_from} says {base.rate_hz:.6g} Hz"
        )
    # By the line, or, where what was held up bends that, by the rate that is said.
    apart_s = min(_apart(residual_s), _apart(time_s - positions / base.rate_hz))
    if apart_s > max(_MOST_APART_S, 2 * slope):
        raise RecordingError(
            f"the sample index and the time stamps run apart by {1e3 * apart_s:.4g} ms"
        )
    if abs(off) < 3 * error or abs(off) * positions[-1] < 0.25:
        return base
    remark = (
        f"the time stamps give {1 / slope:.6g} Hz, {base.rate_from} says {base.rate_hz:g} Hz; they "
        "are taken"
    )
    return TimeBase(1 / slope, "the time stamps", base.runs, (*base.remarks, remark))


def _apart(residual_s: Floats) -> float:
    """Return how far rows lie off the line for good, s: the earliest of each stretch counts.

    What is held up comes back: it is earlier than nothing behind it, and later than what is ahead.
    """
    n = _AROUND // 2
    if residual_s.size < 4 * n:
        return 0.0
    earliest = residual_s[: residual_s.size // n * n].reshape(-1, n).min(axis=1)
    rises = np.minimum.accumulate(earliest[::-1])[::-1][:-2]
    falls = np.minimum.accumulate(earliest)[2:]
    return float(max(np.ptp(rises), np.ptp(falls)))
