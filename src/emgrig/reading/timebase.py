"""When each row of a file was measured: from its time stamps, its sample index, or both.

The result is a steady grid (a rate, and for each row its sample); what is missing between two rows
is a gap. What contradicts itself is refused with both values: no sample is moved by more than one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.runs import Floats, Ints, Runs, check_length
from emgrig.sentences import counted

#: A step of the time column that is as good as a whole number of samples, samples.
_WHOLE = 0.2
#: Of so many steps this many must be whole ones, or the stamps are not those of the samples.
_SHARE = 0.98
#: Rates that differ by more contradict each other.
_SAME_RATE = 5e-3
_WINDOW = 64
#: What can be the rate of a recording.
_LOWEST_HZ, _HIGHEST_HZ = 1e-3, 1e7
#: Off by so much of a sample, stretches of rows are somewhere else than their stamps say.
_MOST_OFF = 0.9
#: Stamps that jitter by more samples are none; s that no clock reads.
_MOST_SLACK, _MOST_TIME_S = 500, 1e15


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
    RecordingError
        If the file states what is no rate.
    """
    if stated is not None and not _LOWEST_HZ < stated[0] < _HIGHEST_HZ:
        raise RecordingError(f"{stated[1]} says a rate of {stated[0]:.6g} Hz")
    if told is None or stated is None:
        return stated if told is None else (told, "as told")
    if abs(told / stated[0] - 1) > _SAME_RATE:
        raise ValueError(f"--rate {told:g} contradicts the file: {stated[1]} says {stated[0]:g} Hz")
    return stated


def from_times(
    time_s: Floats,
    stated: tuple[float, str] | None,
    what: str = "the time column",
    columns: Sequence[Floats] = (),
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
    columns : sequence of ndarray, shape (n_rows,)
        What was measured: a row whose time and values stood in the file before is left out.

    Raises
    ------
    RecordingError
        If the stamps are not finite, go back, contradict `stated`, or are not those of a steady
        rate with gaps.
    """
    if time_s.size < 3:
        rows = counted(time_s.size, "row has", "rows have")
        raise RecordingError(f"{rows} a time; 3 or more were expected")
    if not (np.abs(time_s) < _MOST_TIME_S).all():
        row = int(np.flatnonzero(~(np.abs(time_s) < _MOST_TIME_S))[0])
        raise RecordingError(f"{what} has no time in row {row + 1}, but {time_s[row]:g}")
    twin = _twins(time_s, columns)
    if not twin.any():
        return _steady_with_gaps(time_s, stated, what)
    kept = np.flatnonzero(~twin)
    base = _steady_with_gaps(time_s[kept], stated, what)
    said = stood_twice(int(twin.sum()), "row")
    return replace(base, runs=Runs.at(base.runs.positions, kept), remarks=(*base.remarks, said))


def stood_twice(n: int, what: str) -> str:
    """Say that so many rows, or data records, are left out since each is there already."""
    return f"{counted(n, f'{what} stood twice and was', f'{what}s stood twice and were')} left out"


def lost_and_marked(n: int) -> str:
    """Say that so many samples are missing in a file, each in its place."""
    return counted(
        n, "sample was lost and is marked as a gap", "samples were lost and are marked as gaps"
    )


def _twins(time_s: Floats, columns: Sequence[Floats]) -> np.ndarray:
    """Find the rows whose time and values stood in the file before."""
    twin = np.zeros(time_s.size, bool)
    order = np.lexsort((np.arange(time_s.size), time_s))
    later = np.flatnonzero(np.diff(time_s[order]) == 0) + 1
    if not columns or not later.size:
        return twin
    one, other = order[later], order[later - 1]
    equal = np.ones(later.size, bool)
    for column in columns:
        a, b = column[one], column[other]
        equal &= (a == b) | (np.isnan(a) & np.isnan(b))
    # A still signal under coarse stamps: many are equal, and none of them stands twice.
    if equal.sum() < 0.3 * time_s.size or equal.all():
        coarse = later.size > 0.3 * time_s.size and equal.sum() > 0.9 * later.size
        twin[one[equal]] = not coarse
    return twin


def _steady_with_gaps(time_s: Floats, stated: tuple[float, str] | None, what: str) -> TimeBase:
    step_s = np.diff(time_s)
    if step_s.size < 2 or step_s.min() < 0:
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
    check_length((time_s[-1] - time_s[0]) / period_s, time_s.size, 1 / period_s)
    if slack_s:
        period_s = _period_within_runs(time_s, period_s, slack_s, stated, what)
    # First by the steps alone, which a period that is a little wrong does not harm; then by the
    # line through all of them, so that the rounding at many gaps does not add up.
    positions = _positions(time_s, period_s, slack_s, None)
    for _ in range(4):
        slope, start_s = line_through(positions, time_s)
        placed, positions = positions, _positions(time_s, slope, slack_s, start_s)
        if np.array_equal(placed, positions):
            break
    slope, _ = line_through(positions, time_s)
    rate_hz, said = _tidy(1 / slope, int(positions[-1]), stated, what)
    if not _LOWEST_HZ < rate_hz < _HIGHEST_HZ:
        raise RecordingError(f"{what} gives a rate of {rate_hz:.4g} Hz")
    if slack_s > _MOST_SLACK * period_s:
        raise RecordingError(
            f"{what} does not run at a steady rate: its steps differ by {1e3 * slack_s:.3g} ms, "
            f"{1e3 * period_s:.3g} ms were expected; resample it first"
        )
    _check_line(time_s, positions, rate_hz, slack_s * rate_hz, what)
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
    period_s = period_s if period_s > 0 else float(step_s.mean())
    return period_s, float(np.quantile(np.abs(step_s - period_s), 0.99))


def _period_within_runs(
    time_s: Floats, period_s: float, slack_s: float, stated: tuple[float, str] | None, what: str
) -> float:
    """Return the period that stamps which jitter have within runs, which no gap can bend.

    Raises
    ------
    RecordingError
        If they jitter too much to tell how long a gap is, and nobody says the rate.
    """
    step_s = np.diff(time_s)
    is_gap = step_s > 1.5 * period_s + 1.5 * slack_s
    begins = np.concatenate([[0], np.flatnonzero(is_gap) + 1])
    counts = np.diff(np.concatenate([begins, [time_s.size]]))
    rows = np.arange(time_s.size, dtype=np.float64)
    from_zero_s = time_s - time_s[0]
    rows -= np.repeat(np.add.reduceat(rows, begins) / counts, counts)
    from_zero_s -= np.repeat(np.add.reduceat(from_zero_s, begins) / counts, counts)
    spread = float(rows @ rows)
    slope = float(rows @ from_zero_s) / spread if spread else 0.0
    error = float(np.std(from_zero_s - slope * rows)) / np.sqrt(spread) if spread else np.inf
    longest_s = float(step_s[is_gap].max(initial=0.0))
    if slope > 0 and longest_s / slope * error < 0.15 * slope:
        return slope
    if longest_s and stated is None:
        raise RecordingError(
            f"{what} jitters by {1e3 * slack_s:.3g} ms, so that the length of its gap of "
            f"{longest_s:.4g} s cannot be told in samples; give the rate (--rate)"
        )
    return period_s


def _positions(time_s: Floats, period_s: float, slack_s: float, start_s: float | None) -> Ints:
    """Give each row its sample: rows follow each other up to the next gap, which ends by the clock.

    The clock counts from `start_s`, or from the rows ahead of the gap if that is not known yet.
    Where stamps jitter, several of them tell on which level of the clock a run of rows lies.
    """
    is_gap = np.diff(time_s) > 1.5 * period_s + 1.5 * slack_s
    begins = np.concatenate([[0], np.flatnonzero(is_gap) + 1])
    counts = np.diff(np.concatenate([begins, [time_s.size]]))
    most = _WINDOW if slack_s else 1
    level = time_s - time_s[0] - period_s * np.arange(time_s.size)
    total = np.concatenate([[0.0], np.cumsum(level)])
    n = np.minimum(counts, most)
    ahead = (total[begins + n] - total[begins]) / n
    behind = (total[begins + counts] - total[begins + counts - n]) / n
    if start_s is None:
        lost = np.concatenate([[0.0], np.round((ahead[1:] - behind[:-1]) / period_s)])
        lost = np.cumsum(np.maximum(lost, 0))
    else:
        zero_s = start_s - time_s[0] if slack_s else ahead[0]
        lost = np.round((ahead - zero_s) / period_s)
        lost = np.maximum.accumulate(np.maximum(lost - lost[0], 0))
    positions: Ints = np.repeat(lost.astype(np.int64), counts) + np.arange(time_s.size)
    return positions


def line_through(positions: Ints, time_s: Floats) -> tuple[float, float]:
    """Fit s a sample, and the time of sample 0."""
    x = positions - positions.mean()
    mean_s = float(time_s.mean())
    slope = float(x @ (time_s - mean_s) / (x @ x))
    return slope, mean_s - slope * float(positions.mean())


def _check_line(time_s: Floats, positions: Ints, rate_hz: float, slack: float, what: str) -> None:
    """Raise RecordingError if rows lie off the line; jitter of `slack` samples averages out."""
    off = (time_s - time_s[0]) * rate_hz - positions
    off -= np.median(off)
    if slack:
        n = max(time_s.size // 200, min(time_s.size, _WINDOW))
        spread = float(np.median(off[: off.size // n * n].reshape(-1, n).std(axis=1)))
        # So many rows that jitter moves their median by a tenth of a sample.
        n = min(max(n, int(200 * spread**2)), max(off.size // 4, 1))
        off = np.median(off[: off.size // n * n].reshape(-1, n), axis=1)
        worst = int(np.abs(off).argmax()) * n
    else:
        off = np.concatenate([[0.0], np.abs(off - off[0])])
        worst = int(off.argmax()) - 1
    if np.ptp(off) > _MOST_OFF:
        raise RecordingError(
            f"{what} does not run at a steady rate: row {worst + 1} is "
            f"{1e3 * np.abs(off).max() / rate_hz:.3g} ms off {rate_hz:.6g} Hz; resample it first"
        )


def _tidy(
    rate_hz: float, last: int, stated: tuple[float, str] | None, what: str
) -> tuple[float, str]:
    """Take a round or stated rate if no sample is moved by a quarter of one through it."""
    for candidate, said in (*([] if stated is None else [stated]), (float(round(rate_hz)), what)):
        if candidate > 0 and abs(rate_hz / candidate - 1) * last < 0.25:
            return candidate, said
    return rate_hz, what


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
    n_rows = onset_s.size * n_in_record
    check_length(float(np.ptp(onset_s)) * rate_hz, n_rows, rate_hz)
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
    lost = int(positions[-1] - by_count[-1])
    said = _said_of_records(int(pauses.sum()), lost, is_continuous=is_continuous)
    if rate_hz != n_in_record / record_s:
        header_hz = n_in_record / record_s
        said.append(f"the time stamps give {rate_hz:.7g} Hz, the header {header_hz:g} Hz")
    return positions, rate_hz, tuple(said)


def _said_of_records(n_pauses: int, lost: int, *, is_continuous: bool) -> list[str]:
    if not n_pauses:
        return []
    missing = counted(lost, "sample is", "samples are")
    said = [f"{counted(n_pauses, 'pause')} between data records: {missing} missing"]
    if is_continuous:
        said.append("the header calls it continuous, the time stamps do not; they are taken")
    return said
