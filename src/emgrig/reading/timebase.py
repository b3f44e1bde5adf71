"""When each row of a file was measured: from its time stamps, its sample index, or both.

The result is a steady grid (a rate, and for each row its sample); what is missing between two rows
is a gap. What contradicts itself is refused with both values: no sample is moved by more than one.
"""

from dataclasses import dataclass

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.recording import Floats, Ints, Runs

#: A step of the time column that is as good as a whole number of samples, samples.
_WHOLE = 0.2
#: Of so many steps this many must be whole ones, or the stamps are not those of the samples.
_SHARE = 0.98
#: Rates that differ by more contradict each other.
_SAME_RATE = 5e-3
_WINDOW = 64
#: Cycles of sample indices: OpenSignals 16; Ganglion 101 (each twice), 128 and 201; Cyton 256.
_CYCLES = (16, 64, 101, 128, 201, 256, 1024, 4096, 65536, 1 << 32)


@dataclass(frozen=True)
class TimeBase:
    """A rate, where it is from, the place of each row, and what is to be said."""

    rate_hz: float
    rate_from: str
    runs: Runs
    remarks: tuple[str, ...] = ()


def steady(n_rows: int, rate_hz: float, rate_from: str) -> TimeBase:
    """Return the time base of rows that follow each other."""
    return TimeBase(rate_hz, rate_from, Runs.steady(n_rows))


def agree(stated: tuple[float, str] | None, told: float | None) -> tuple[float, str] | None:
    """Return the rate that the file states or the user told, and who said it.

    Raises
    ------
    ValueError
        If they contradict each other.
    """
    if told is None or stated is None:
        return stated if told is None else (told, "as told")
    if abs(told / stated[0] - 1) > _SAME_RATE:
        raise ValueError(f"--rate {told:g} contradicts the file: {stated[1]} says {stated[0]:g} Hz")
    return stated


def from_times(
    time_s: Floats, stated: tuple[float, str] | None, what: str = "the time column"
) -> TimeBase:
    """Make a time base of one time stamp a row.

    Parameters
    ----------
    time_s : ndarray, shape (n_rows,)
        s, from any zero.
    stated : (float, str) or None
        Rate that is known otherwise, Hz, and who says it.
    what : str
        How the time stamps are called.

    Raises
    ------
    RecordingError
        If the stamps are not finite, go back, contradict `stated`, or are not those of a steady
        rate with gaps.
    """
    if time_s.size < 3:
        raise RecordingError(f"{time_s.size} rows have a time; 3 or more were expected")
    if not np.isfinite(time_s).all():
        row = int(np.flatnonzero(~np.isfinite(time_s))[0]) + 1
        raise RecordingError(f"{what} has no number in row {row}")
    step_s = np.diff(time_s)
    if step_s.min() < 0:
        row = int(step_s.argmin()) + 1
        raise RecordingError(
            f"{what} goes back in row {row + 1}, from {time_s[row - 1]:.10g} to "
            f"{time_s[row]:.10g} s"
        )
    if time_s[-1] == time_s[0]:
        raise RecordingError(f"{what} stands still at {time_s[0]:.10g} s")
    period_s, slack_s = _period(step_s, None if stated is None else stated[0])
    if stated is not None and abs(1 / (period_s * stated[0]) - 1) > _SAME_RATE:
        raise RecordingError(
            f"the rate contradicts itself: {what} gives {1 / period_s:.6g} Hz, "
            f"{stated[1]} says {stated[0]:.6g} Hz"
        )
    # First by the steps alone, which a period that is a little wrong does not harm; then by the
    # line through all of them, so that the rounding at many gaps does not add up.
    positions = _positions(time_s, period_s, slack_s, None)
    for _ in range(4):
        slope, start_s = _line(positions, time_s)
        placed, positions = positions, _positions(time_s, slope, slack_s, start_s)
        if np.array_equal(placed, positions):
            break
    slope, start_s = _line(positions, time_s)
    period_s = slope
    residual = np.abs(time_s - start_s - slope * positions)
    worst = int(residual.argmax())
    if residual[worst] > max(period_s, 2 * slack_s) or _wanders(time_s, positions, slope, start_s):
        raise RecordingError(
            f"{what} does not run at a steady rate: row {worst + 1} is "
            f"{1e3 * residual[worst]:.3g} ms off {1 / slope:.6g} Hz; resample it first"
        )
    rate_hz, said = _tidy(1 / slope, int(positions[-1]), stated, what)
    remarks = []
    if slack_s > 0.6 * period_s:
        remarks.append(
            f"{what} jitters by {1e3 * slack_s:.3g} ms: a loss shorter than "
            f"{1e3 * (1.5 * period_s + slack_s):.3g} ms cannot be seen"
        )
    return TimeBase(rate_hz, said, Runs.at(positions), tuple(remarks))


def _period(step_s: Floats, stated_hz: float | None) -> tuple[float, float]:
    """Return the data period and how far stamps may be off, s."""
    n = min(_WINDOW, max(step_s.size // 4, 1))
    time_s = np.concatenate([[0.0], np.cumsum(step_s)])
    candidates = [float(np.median(step_s)), float(np.median(time_s[n:] - time_s[:-n])) / n]
    if stated_hz is not None:
        candidates.append(1 / stated_hz)
    best = (0.0, candidates[1])
    for period_s in candidates:
        if period_s > 0:
            whole = np.round(step_s / period_s)
            near = (whole >= 1) & (np.abs(step_s / period_s - whole) < _WHOLE)
            best = max(best, (float(near.mean()), period_s), key=lambda one: one[0])
    if best[0] >= _SHARE:
        return best[1], 0.0
    period_s = candidates[-1] if stated_hz is not None else candidates[1]
    return period_s, float(np.quantile(np.abs(step_s - period_s), 0.99))


def _positions(time_s: Floats, period_s: float, slack_s: float, start_s: float | None) -> Ints:
    """Give each row its sample: rows follow each other up to the next gap, which ends by the clock.

    The clock counts from `start_s`, or from the row before the gap if that is not known yet.
    """
    step_s = np.diff(time_s)
    is_gap = step_s > 1.5 * period_s + 1.5 * slack_s
    begins = np.concatenate([[0], np.flatnonzero(is_gap) + 1])
    counts = np.diff(np.concatenate([begins, [time_s.size]]))
    firsts = np.zeros(begins.size, np.int64)
    for i in range(1, begins.size):
        at = begins[i]
        before = firsts[i - 1] + counts[i - 1]
        if start_s is None:
            by_clock = before - 1 + round((time_s[at] - time_s[at - 1]) / period_s)
        else:
            by_clock = round((time_s[at] - start_s) / period_s)
        firsts[i] = max(by_clock, before)
    positions: Ints = np.repeat(firsts - begins, counts) + np.arange(time_s.size)
    return positions


def _line(positions: Ints, time_s: Floats) -> tuple[float, float]:
    """Fit s a sample, and the time of sample 0."""
    x = positions - positions.mean()
    mean_s = float(time_s.mean())
    slope = float(x @ (time_s - mean_s) / (x @ x))
    return slope, mean_s - slope * float(positions.mean())


def _wanders(time_s: Floats, positions: Ints, slope: float, start_s: float) -> bool:
    """Whether stretches of rows lie more than a sample off the line; jitter averages out."""
    n = max(time_s.size // 200, min(time_s.size, _WINDOW))
    whole = time_s.size // n * n
    off_s = (time_s - start_s - slope * positions)[:whole].reshape(-1, n)
    return bool(np.abs(np.median(off_s, axis=1)).max() > 1.5 * slope)


def _tidy(
    rate_hz: float, last: int, stated: tuple[float, str] | None, what: str
) -> tuple[float, str]:
    """Take a round or stated rate if no sample is moved by half of one through it."""
    for candidate, said in (*([] if stated is None else [stated]), (float(round(rate_hz)), what)):
        if candidate > 0 and abs(rate_hz / candidate - 1) * last < 0.5:
            return candidate, said
    return rate_hz, what


def by_index(
    index: Floats,
    rate_hz: float,
    rate_from: str,
    time_s: Floats | None = None,
    same: np.ndarray | None = None,
) -> TimeBase:
    """Make a time base of a sample index that begins anew after each cycle.

    Parameters
    ----------
    index : ndarray, shape (n_rows,)
        Whole numbers.
    rate_hz, rate_from
        Rate of the samples, and who says it.
    time_s : ndarray, optional
        Time of arrival, which tells whole cycles that were lost, pauses, and the true rate.
    same : ndarray of bool, shape (n_rows - 1,), optional
        Whether a row holds the same values as the one before.

    Raises
    ------
    RecordingError
        If the index is no index, or contradicts the time.
    """
    if index.size < 2 or not np.isfinite(index).all() or (index != np.round(index)).any():
        raise RecordingError("the sample index was expected to be whole numbers")
    whole = index.astype(np.int64)
    unit, copies, cycle = _pattern(whole)
    steps, doubled = _index_steps(whole, unit, copies, cycle, same)
    if time_s is not None:
        steps = _with_clock(steps, cycle, rate_hz, np.diff(time_s))
    kept = np.concatenate([[True], ~doubled])
    positions = np.concatenate([[0], np.cumsum(np.where(doubled, 0, steps))])[kept]
    rows = np.flatnonzero(kept)
    remarks = []
    if doubled.any():
        remarks.append(f"{int(doubled.sum())} rows stood twice and were left out")
    base = TimeBase(rate_hz, rate_from, Runs.at(positions, rows), tuple(remarks))
    return base if time_s is None else _timed(base, positions, time_s[kept])


def _pattern(index: Ints) -> tuple[int, int, int]:
    """Return the step of the index, rows of each, and rows in a cycle (0: it does not wrap)."""
    steps = np.diff(index)
    forward = steps[steps > 0]
    if not forward.size:
        raise RecordingError("the sample index does not count")
    unit = int(np.bincount(forward[forward < 64]).argmax()) if (forward < 64).any() else 1
    copies = 2 if (steps == 0).mean() > 0.4 else 1
    if (steps >= 0).all():
        return unit, copies, 0
    top = int(index.max())
    cycle = next((one for one in _CYCLES if one > top), top + unit)
    if -steps.min() < cycle // 2:  # it goes back by little: late rows, no wrap
        row = int(steps.argmin()) + 1
        raise RecordingError(
            f"the sample index goes back in row {row + 1}, from {index[row - 1]} to {index[row]}"
        )
    return unit, copies, -(-cycle // unit) * copies


def _index_steps(
    index: Ints, unit: int, copies: int, cycle: int, same: np.ndarray | None
) -> tuple[Ints, np.ndarray]:
    """Return how many samples each row lies behind the one before, and which rows stood twice."""
    raw = np.diff(index)
    if copies == 1:
        steps = raw // unit if not cycle else (raw // unit) % cycle
        doubled = steps == 0
        if same is not None and (doubled & ~same).any():
            row = int(np.flatnonzero(doubled & ~same)[0]) + 2
            raise RecordingError(f"row {row} has the index of the one before and other values")
        return steps, doubled
    # Two samples carry one number: the second of a pair is the one whose number came before.
    half = np.concatenate([[0], (raw == 0).astype(np.int64)])
    half[1:][(raw == 0) & (half[:-1] == 1)] = 0
    place = index // unit * 2 + half
    steps = np.diff(place)
    return (steps % cycle if cycle else steps), np.zeros(steps.size, bool)


def _with_clock(steps: Ints, cycle: int, rate_hz: float, step_s: Floats) -> Ints:
    """Add the whole cycles that the clock says were lost; where the index began anew, it rules."""
    by_clock = np.maximum(step_s, 0) * rate_hz
    out = steps.copy()
    if cycle:
        out += cycle * np.maximum(np.round((by_clock - steps) / cycle), 0).astype(np.int64)
    # A buffer may hold rows back for a while; a pause is longer than that and fits no whole cycle.
    begun_anew = (np.abs(by_clock - out) > max(0.1 * rate_hz, 3)) & (step_s > 0.5)
    out[begun_anew] = np.maximum(np.round(by_clock[begun_anew]), 1).astype(np.int64)
    return out


def _timed(base: TimeBase, positions: Ints, time_s: Floats) -> TimeBase:
    """Take the true rate from times of arrival, if they are long enough to tell it."""
    if np.ptp(time_s) <= 0 or positions.size < 3:
        return base
    slope, start_s = _line(positions, time_s)
    if slope <= 0:
        raise RecordingError("the time stamps go backwards")
    residual_s = time_s - start_s - slope * positions
    if abs(1 / (slope * base.rate_hz) - 1) * positions[-1] < 1:
        return base
    # Arrival is late by what buffers hold, and not at random: it can tilt the line by its spread.
    low_s, high_s = np.quantile(residual_s, [0.01, 0.99])
    error = float(high_s - low_s) / (slope * positions[-1])
    off = 1 / (slope * base.rate_hz) - 1
    if abs(off) < error:
        return base
    if abs(off) > 0.02:
        raise RecordingError(
            f"the rate contradicts itself: the time stamps give {1 / slope:.6g} Hz, "
            f"{base.rate_from} says {base.rate_hz:.6g} Hz"
        )
    remark = (
        f"the time stamps give {1 / slope:.6g} Hz, {base.rate_from} says {base.rate_hz:g} Hz; they "
        "are taken"
    )
    return TimeBase(1 / slope, "the time stamps", base.runs, (*base.remarks, remark))


def from_records(
    onset_s: Floats, record_s: float, n_in_record: int, *, is_continuous: bool
) -> tuple[Ints, float, tuple[str, ...]]:
    """Place data records by their time stamps.

    Parameters
    ----------
    onset_s : ndarray, shape (n_records,)
        As the records say, s; rising.
    record_s : float
        Length of a record by the header, s.
    n_in_record : int
        Samples of a signal in each.
    is_continuous : bool
        Whether the header promises that there is no pause.

    Returns
    -------
    positions : ndarray of int, shape (n_records,)
        First sample of each record.
    rate_hz : float
    remarks : tuple of str

    Raises
    ------
    RecordingError
        If records overlap, or lie off a steady rate.
    """
    rate_hz = n_in_record / record_s
    by_count = np.arange(onset_s.size) * n_in_record
    off = (onset_s - onset_s[0]) * rate_hz - by_count
    jumps = np.diff(off)
    if jumps.size and jumps.min() < -1.0:
        row = int(jumps.argmin()) + 1
        raise RecordingError(
            f"data record {row + 1} begins at {onset_s[row]:.10g} s, before the one ahead of it "
            f"ends ({onset_s[row - 1] + record_s:.10g} s)"
        )
    # Below half a sample a step is rounding, or a clock that is a little fast: a rate, no gap.
    pauses = jumps > max(0.5, 1e-3 * n_in_record)
    drift = off[-1] - float(jumps[pauses].sum())
    n_steps = int((~pauses).sum())
    if abs(drift) > 1 and n_steps:
        rate_hz /= 1 + drift / (n_steps * n_in_record)
    begins = np.concatenate([[0], np.flatnonzero(pauses) + 1])
    counts = np.diff(np.concatenate([begins, [onset_s.size]]))
    firsts = np.zeros(begins.size, np.int64)
    for i in range(1, begins.size):
        by_clock = round(float(onset_s[begins[i]] - onset_s[0]) * rate_hz)
        firsts[i] = max(by_clock, firsts[i - 1] + counts[i - 1] * n_in_record)
    within = np.arange(onset_s.size) - np.repeat(begins, counts)
    positions = np.repeat(firsts, counts) + within * n_in_record
    worst = np.abs((onset_s - onset_s[0]) * rate_hz - positions)
    if worst.max() > 1.0:
        row = int(worst.argmax())
        raise RecordingError(
            f"data record {row + 1} begins {worst[row]:.3g} samples off {rate_hz:.6g} Hz: the time "
            "stamps do not run at a steady rate"
        )
    remarks = []
    if pauses.any():
        lost = int(positions[-1] - by_count[-1])
        remarks.append(
            f"{int(pauses.sum())} pauses between data records: {lost} samples are missing"
        )
        if is_continuous:
            remarks.append("the header calls it continuous, the time stamps do not; they are taken")
    if rate_hz != n_in_record / record_s:
        remarks.append(
            f"the time stamps give {rate_hz:.7g} Hz, the header {n_in_record / record_s:g} Hz; "
            "they are taken"
        )
    return positions, rate_hz, tuple(remarks)
