"""EDF and BDF, with and without +, continuous or not, as recordings with a time base."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emgrig.errors import RecordingError
from emgrig.reading import timebase
from emgrig.reading.formats.edffile import EdfFile, EdfSignal
from emgrig.reading.recording import SIMULATED, Mark, Recording
from emgrig.reading.runs import Runs
from emgrig.reading.signals import Signal, emg_rank, signal, with_names
from emgrig.sentences import counted

#: What our own headers call the equipment, and the word that those of computed recordings have.
BOARD, SIMULATED_BOARD = "emgrig_ADS1299_board", "emgrig_simulated_board"
SIMULATED_WORD = "SIMULATED"


def read_edf(path: Path, told_hz: float | None) -> Recording:
    """Read somebody's EDF or BDF file; see `emgrig.reading.open_recording`."""
    file = EdfFile(path)
    listed = [
        (one, _signal(i, one))
        for i, one in enumerate(file.signals, 1)
        if not one.is_annotations and one.n_in_record
    ]
    if not listed:
        raise RecordingError(f"{path} holds no signal, only annotations")
    if not file.record_s:
        raise RecordingError(f"{path}: data records of 0 s hold samples; their rate is not known")
    counts = {one.n_in_record for one, _ in listed}
    n = max(counts, key=lambda n: _worth([s for one, s in listed if one.n_in_record == n], n))
    kept = [(one, s) for one, s in listed if one.n_in_record == n]
    left_out = tuple(
        f"{s.name or s.where} ({file.rate_hz(one):g} Hz)"
        for one, s in listed
        if one.n_in_record != n
    )
    signals, names = with_names([s for _, s in kept])
    stated = timebase.agree((n / file.record_s, "the header"), told_hz)
    assert stated is not None
    placed = _placed(file, n)
    words = set(file.recording.split())
    is_simulated = not words.isdisjoint((SIMULATED_BOARD, SIMULATED_WORD))
    remarks = [
        *([SIMULATED] if is_simulated else []),
        *_record_remarks(file),
        *names,
        *(
            [f"signals of another rate than {stated[0]:g} Hz: {', '.join(left_out)}"]
            if left_out
            else []
        ),
        *placed.remarks,
        *[f"{s.name}: {s.problem}" for s in signals if s.problem],
    ]
    return Recording(
        path=path,
        source="BDF" if file.is_bdf else "EDF",
        signals=signals,
        rate_hz=placed.rate_hz,
        rate_from=placed.rate_from,
        runs=placed.runs,
        column=lambda i: file.values(kept[i][0]),
        part=lambda indexes, first, stop: file.rows([kept[i][0] for i in indexes], first, stop),
        marks=placed.marks,
        remarks=tuple(remarks),
        left_out=left_out,
        is_simulated=is_simulated,
        start=file.begin,
        lacks_sidecar=not words.isdisjoint((BOARD, SIMULATED_BOARD)),
    )


def _worth(signals: Sequence[Signal], n_in_record: int) -> tuple[int, int, int]:
    """Order groups of one rate: which looks most like EMG, then the most signals, then the rate."""
    return max(map(emg_rank, signals)), len(signals), n_in_record


def _signal(number: int, one: EdfSignal) -> Signal:
    where = f"signal {number} {one.label!r}"
    if one.scale is None:
        low, high = one.physical
        said = f"physical minimum {low:g}, maximum {high:g}"
        return Signal(
            one.label, "", where, problem=f"not calibrated, its codes have no scale ({said})"
        )
    made = signal(one.label, one.unit, where)
    code, zero = one.scale
    ends = sorted((digital * code + zero) * made.factor for digital in one.digital)
    return signal(one.label, one.unit, where, limits=(ends[0], ends[1]))


def _record_remarks(file: EdfFile) -> list[str]:
    out = []
    if file.n_said != file.n_records:
        said = f"says {file.n_said}" if file.n_said >= 0 else "does not say how many there are"
        records = counted(file.n_records, "data record is", "data records are")
        out.append(f"{records} there, the header {said}")
    if file.n_beyond:
        out.append(f"the last data record is cut short; its {file.n_beyond} bytes were left out")
    return out


@dataclass(frozen=True)
class _Placed:
    rate_hz: float
    rate_from: str
    runs: Runs
    marks: tuple[Mark, ...]
    remarks: tuple[str, ...]


def _placed(file: EdfFile, n: int) -> _Placed:
    """Lay the data records out in time, with their marks."""
    onset_s, marks, unread = file.annotations()
    n_rows = file.n_records * n
    is_open = file.reserved[3:5] == "+D"
    rate_hz = n / file.record_s
    told = ~np.isnan(onset_s)
    if not told.any():
        if is_open:
            raise RecordingError(
                f"{file.path} is discontinuous ({file.reserved[:5]}), and its data records have no "
                "time stamps"
            )
        runs = Runs.steady(n_rows)
        return _Placed(rate_hz, "the header", runs, _since(marks, 0.0), tuple(unread))
    zero_s = float(onset_s[told][0]) - float(np.flatnonzero(told)[0]) * file.record_s
    steady_s = zero_s + np.arange(file.n_records) * file.record_s
    if not is_open and np.ptp(onset_s[told]) == 0 and told.sum() > 1:
        runs = Runs.steady(n_rows)
        same = "all data records have the same time stamp; they are taken as continuous"
        return _Placed(rate_hz, "the header", runs, _since(marks, zero_s), (*unread, same))
    if is_open and not told.all():
        record = int(np.flatnonzero(~told)[0]) + 1
        raise RecordingError(f"{file.path}: data record {record} has no time stamp")
    onset_s = np.where(told, onset_s, steady_s)
    kept, twice = _first_of_each(file, onset_s)
    positions, rate_hz, said = timebase.from_records(
        onset_s[kept], file.record_s, n, is_continuous=not is_open
    )
    runs = Runs.of_records(positions, kept, n)
    remarks = (
        *unread,
        *said,
        *([timebase.stood_twice(twice, "data record")] if twice else []),
    )
    rate_from = "the header" if rate_hz == n / file.record_s else "the time stamps"
    return _Placed(rate_hz, rate_from, runs, _since(marks, zero_s), remarks)


def _first_of_each(file: EdfFile, onset_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Return the records without those that repeat an earlier one, stamp and samples."""
    kept: list[int] = []
    seen: dict[float, int] = {}
    for record, at in enumerate(onset_s.tolist()):
        before = seen.setdefault(at, record)
        if before == record:
            kept.append(record)
            continue
        samples = [s for s in file.signals if not s.is_annotations and s.n_in_record]
        if any(
            not np.array_equal(file.codes([s], record, 1), file.codes([s], before, 1))
            for s in samples
        ):
            raise RecordingError(
                f"{file.path}: data records {before + 1} and {record + 1} both begin at {at:.10g} "
                "s, with other samples"
            )
    order = np.array(kept, np.int64)
    if (np.diff(onset_s[order]) < 0).any():
        at = int(np.diff(onset_s[order]).argmin())
        ahead, behind = kept[at], kept[at + 1]
        raise RecordingError(
            f"{file.path}: data record {behind + 1} begins at {onset_s[behind]:.10g} s, after one "
            f"that begins at {onset_s[ahead]:.10g} s"
        )
    return order, onset_s.size - order.size


def _since(marks: Sequence[Mark], zero_s: float) -> tuple[Mark, ...]:
    """Count marks from the first sample; what begins ahead of it is clipped, or left out."""
    out = []
    for mark in marks:
        begin, end = mark.onset_s - zero_s, mark.onset_s - zero_s + mark.duration_s
        if end >= 0 and (begin >= 0 or end > 0):
            out.append(Mark(max(begin, 0.0), end - max(begin, 0.0), mark.text))
    return tuple(sorted(out, key=lambda one: (one.onset_s, one.duration_s)))
