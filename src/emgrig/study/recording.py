"""One recording of a study, from its files to its rows; the unit of work."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emgrig.analysis.paper.printed import MUSCLES
from emgrig.analysis.report.muscle_names import muscles_by_label
from emgrig.analysis.spotting.scoring import score_events
from emgrig.errors import RecordingError
from emgrig.reading import Mark, Recording, open_recording
from emgrig.study.agreement import coder_agreement
from emgrig.study.clock import Clock, read_clock
from emgrig.study.coding import Coded, Coding, read_coding
from emgrig.study.course import Course, read_course
from emgrig.study.dataset import Unit, read_facts, read_tsv
from emgrig.study.expressions import Seen, event_rows
from emgrig.study.rows import LEFT_OUT, NAN, EventRow, RecordingRow
from emgrig.study.settings import StudySettings
from emgrig.study.signals import Mvc, Signals, search, take_mvc


@dataclass(frozen=True)
class Result:
    """What came of a recording."""

    recording: RecordingRow
    events: tuple[EventRow, ...] = ()


def work(unit: Unit, settings: StudySettings) -> Result:
    """Analyse a recording; what goes wrong becomes a row that says so, never an exception."""
    try:
        return analyse_unit(unit, settings)
    except (RecordingError, ValueError, OSError, MemoryError) as error:
        return failed(unit, str(error) or type(error).__name__)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        return failed(unit, f"a fault of emgrig, please report it: {error!r:.200} at {where}")


def failed(unit: Unit, why: str) -> Result:
    """Return the result of a recording that failed; no path of this machine is in it."""
    said = why.replace(f"{unit.root}/", "")
    return Result(RecordingRow(unit.participant, unit.stem, "failed", said))


def analyse_unit(unit: Unit, settings: StudySettings) -> Result:
    """Analyse a recording; raises what the readers and the analysis raise."""
    why = settings.left_out.get(unit.stem) or settings.left_out.get(unit.participant)
    if why:
        return Result(RecordingRow(unit.participant, unit.stem, LEFT_OUT, why))
    channels = unit.beside("channels.tsv")
    described = {
        row["name"]: row for row in (read_tsv(channels) if channels else ()) if "name" in row
    }
    course = read_course(unit.beside("events.tsv"), settings.names)
    found = _opened(unit, course, described)
    clock = read_clock(unit, found.rate_hz, settings.film.frames_per_s)
    codings = _codings(unit, settings, clock)
    signals = search(found, _muscles(found, settings, described))
    mvc = {
        i: take_mvc(signals, course, i, settings.mvc_rule, settings.limits.mvc_times_rest)
        for i in range(len(found.labels))
    }
    bad = {
        name: described[name].get("status_description", "bad")
        for name in found.labels
        if described.get(name, {}).get("status") == "bad"
    }
    seen = Seen(unit, signals, course, mvc, bad, settings)
    coded = _coded(settings, codings)
    rows = event_rows(seen, coded)
    row = _with_clock(_with_signal(_begun(unit, found), found, signals), clock)
    row = _with_mvc(_with_contact(row, unit, bad), found.labels, mvc, signals)
    row = _with_course(row, seen, rows, codings)
    if coded is not None:
        row = _with_detector(row, signals, coded, course)
    return _kept(row, rows, settings.limits.lost_percent)


def _begun(unit: Unit, found: Recording) -> RecordingRow:
    about = read_facts(unit.beside("emg.json"))
    is_simulated = found.is_simulated or about.get("IsSimulated") is True
    return RecordingRow(unit.participant, unit.stem, "done", is_simulated=is_simulated)


def _kept(row: RecordingRow, rows: Sequence[EventRow], most_lost: float) -> Result:
    """Leave the recording out whole if it lost too much."""
    if row.lost_percent > most_lost:
        said = f"{row.lost_percent:.1f} % of its samples are missing"
        row = replace(row, status=LEFT_OUT, why=said)
        rows = [replace(one, left_out=one.left_out or "recording left out") for one in rows]
    return Result(replace(row, n_in=sum(not one.left_out for one in rows)), tuple(rows))


def _opened(unit: Unit, course: Course, described: Mapping[str, Mapping[str, str]]) -> Recording:
    """Open the file; channels.tsv says which are EMG, and events.tsv what is bad besides."""
    found = open_recording(unit.path)
    emg = [n for n in found.labels if described.get(n, {}).get("type", "EMG").upper() == "EMG"]
    if described and set(described).isdisjoint(found.labels):
        raise RecordingError(
            f"{unit.path.name}: channels.tsv names {', '.join(list(described)[:3])} …, the file "
            f"{', '.join(found.labels[:3])} …"
        )
    if not emg:
        raise RecordingError(f"{unit.path.name}: channels.tsv has no channel of the type EMG")
    chosen = found.choose(emg)
    known = {(round(m.onset_s, 3), round(m.duration_s, 3)) for m in chosen.marks if m.is_bad}
    more = [
        Mark(begin, end - begin, "BAD by events.tsv")
        for begin, end in course.bad_s
        if (round(begin, 3), round(end - begin, 3)) not in known
    ]
    return replace(chosen, marks=(*chosen.marks, *more))


def _muscles(
    found: Recording, settings: StudySettings, described: Mapping[str, Mapping[str, str]]
) -> dict[int, int]:
    """Return what the settings say, else what target_muscle says, else the names."""
    if settings.muscles:
        return {i: settings.muscles[n] for i, n in enumerate(found.labels) if n in settings.muscles}
    by_name = {name: channel for channel, name in MUSCLES.items()}
    told = [described.get(n, {}).get("target_muscle", "").lower() for n in found.labels]
    said = {i: by_name[name] for i, name in enumerate(told) if name in by_name}
    return muscles_by_label(found.labels) | said


def _codings(unit: Unit, settings: StudySettings, clock: Clock) -> list[Coding | None]:
    """Read what each coder wrote of the recording; None of one who wrote nothing."""
    out: list[Coding | None] = []
    how = settings.events.coding_clock
    for coder in settings.events.coders:
        path = unit.coding(coder)
        if path is None:
            out.append(None)
            continue
        if how == "video" and clock.film not in ("tube", "pairs"):
            said = f"{path.name} is in video time, and the film has no map: {clock.film}"
            raise RecordingError(said)
        in_video = how == "video" or (how == "auto" and path.suffix == ".eaf")
        out.append(read_coding(path, to_emg_s=clock.to_emg_s if in_video else float))
    return out


def _coded(settings: StudySettings, codings: Sequence[Coding | None]) -> Sequence[Coded] | None:
    """Return the expressions that count; None where candidates do."""
    first = codings[0] if codings else None
    if settings.events.source == "candidates":
        return None
    if settings.events.source == "coding" and first is None:
        raise RecordingError("there is no coding of it, and the settings say that events are coded")
    return None if first is None else first.rows


def _with_signal(row: RecordingRow, found: Recording, signals: Signals) -> RecordingRow:
    analysis, gaps = signals.analysis, signals.gaps
    lengths = gaps[:, 1] - gaps[:, 0]
    mains = [q.mains_db for q in analysis.quality if np.isfinite(q.mains_db)]
    rejected = [
        f"{analysis.labels[q.channel_index]}: {q.reject}" for q in analysis.quality if q.reject
    ]
    said = [f"{analysis.labels[q.channel_index]}: {r}" for q in analysis.quality for r in q.remarks]
    return replace(
        row,
        rate_hz=found.rate_hz,
        duration_s=round(found.duration_s, 3),
        n_samples=found.n_samples,
        n_lost=int(lengths.sum()),
        lost_percent=100 * float(lengths.sum()) / found.n_samples,
        n_gaps=len(gaps),
        longest_gap_ms=1000 * float(lengths.max(initial=0)) / found.rate_hz,
        n_channels=len(found.labels),
        rejected="; ".join(rejected),
        remarks="; ".join([*said, *analysis.remarks]),
        mains_db=max(mains, default=NAN),
    )


def _with_clock(row: RecordingRow, clock: Clock) -> RecordingRow:
    return replace(
        row,
        rate_ppm=clock.rate_ppm,
        film=clock.film,
        film_ppm=clock.film_ppm,
        film_begin_s=clock.film_begin_s,
        film_residual_ms=clock.film_residual_ms,
        n_jumps=clock.n_jumps,
    )


def _with_contact(row: RecordingRow, unit: Unit, bad: Mapping[str, str]) -> RecordingRow:
    path = unit.beside("electrodes.tsv")
    known = []
    for one in read_tsv(path) if path else ():
        try:
            known.append(float(one.get("impedance", "nan")))
        except ValueError:
            continue
    finite = [k for k in known if np.isfinite(k)]
    return replace(
        row,
        contact_bad="; ".join(f"{name}: {why}" for name, why in bad.items()),
        impedance_kohm_median=float(np.median(finite)) if finite else NAN,
        impedance_kohm_max=max(finite, default=NAN),
    )


def _with_mvc(
    row: RecordingRow, names: Sequence[str], mvc: Mapping[int, Mvc], signals: Signals
) -> RecordingRow:
    rest = signals.analysis.rest
    return replace(
        row,
        mvc_uv={names[i]: one.uv for i, one in mvc.items() if np.isfinite(one.uv)},
        mvc_missing="; ".join(
            f"{names[i]}: {one.problem}" for i, one in mvc.items() if one.problem
        ),
        rest_uv={n: float(r) for n, r in zip(names, rest, strict=True) if np.isfinite(r)},
    )


def _with_course(
    row: RecordingRow, seen: Seen, rows: Sequence[EventRow], codings: Sequence[Coding | None]
) -> RecordingRow:
    trials = seen.course.trials
    first, second = (*codings, None, None)[:2]
    said = []
    if first is not None:
        said = [f"{n} coded as {word} are no expressions" for word, n in first.left_out.items()]
    return replace(
        row,
        n_trials=len(trials),
        n_rated=sum(t.rating is not None for t in trials),
        n_keys=sum(len(t.keys_s) for t in trials),
        n_candidates=len(seen.signals.analysis.candidates),
        n_blinks=len(seen.signals.blinks),
        n_coded=len(first.rows) if first is not None else 0,
        n_events=len(rows),
        coding="; ".join([*said, *seen.course.remarks]),
        agree=coder_agreement(first.rows, second.rows) if first and second else None,
    )


def _with_detector(
    row: RecordingRow, signals: Signals, coded: Sequence[Coded], course: Course
) -> RecordingRow:
    """Hold the candidates, all channels as one, against the coding within the clips."""

    def inside(at_s: float) -> bool:
        return not course.trials or course.trial_at(at_s) is not None

    found = _union(
        [
            (c.start_s, c.end_s)
            for place, c in enumerate(signals.analysis.candidates)
            if place not in signals.blinks and not c.crosstalk and inside(c.start_s)
        ]
    )
    length_s = signals.analysis.n_samples / signals.analysis.rate_hz
    true = _union(
        [(c.onset_s, c.offset_s) for c in coded if 0 <= c.onset_s < c.offset_s <= length_s]
    )
    if not len(true):
        return row
    scores = score_events([(found, true, length_s)])
    return replace(
        row,
        n_matched=scores.n_matched,
        onset_error_ms=1000 * scores.onset_bias_s,
        offset_error_ms=1000 * scores.offset_bias_s,
    )


def _union(spans: Sequence[tuple[float, float]]) -> np.ndarray:
    """Join intervals that overlap; shape (n, 2), in order."""
    joined: list[list[float]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([begin, end])
    return np.array(joined, dtype=np.float64).reshape(-1, 2)
