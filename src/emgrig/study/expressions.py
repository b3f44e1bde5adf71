"""From coded intervals or candidates to event rows, each joined with trial, key and rating."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from emgrig.analysis.paper.printed import likely_units
from emgrig.analysis.report.candidates import Candidate
from emgrig.analysis.signal.indicators import integrated_emg, mvc_percent
from emgrig.study.coding import Coded
from emgrig.study.course import Course, Trial
from emgrig.study.dataset import Unit
from emgrig.study.rows import NAN, EventRow
from emgrig.study.settings import StudySettings
from emgrig.study.signals import Envelope, Mvc, Signals

_GAP_MARGIN_S = 0.02


@dataclass(frozen=True)
class Seen:
    """All that the rows of a recording are made of."""

    unit: Unit
    signals: Signals
    course: Course
    mvc: Mapping[int, Mvc]  #: By channel index.
    bad_channels: Mapping[str, str]  #: By name: what the check before the recording said.
    settings: StudySettings

    @property
    def has_part_a(self) -> bool:
        """Whether the recording has contractions or their levels; else no event has an MVC."""
        return self.course.part_a_s is not None or bool(self.course.levels_uv)

    def index_of(self, channel: str) -> int | None:
        """Find a channel by name or number from 1."""
        labels = self.signals.analysis.labels
        if channel in labels:
            return labels.index(channel)
        short = [label.removeprefix("EMG ").lower() for label in labels]
        if channel.removeprefix("EMG ").lower() in short:
            return short.index(channel.removeprefix("EMG ").lower())
        number = channel.removeprefix("c")
        return int(number) - 1 if number.isdecimal() and 1 <= int(number) <= len(labels) else None


def event_rows(seen: Seen, coded: Sequence[Coded] | None) -> list[EventRow]:
    """Make the rows of a recording; of candidates where `coded` is None."""
    rows = _of_candidates(seen) if coded is None else [_of_coded(seen, one) for one in coded]
    return _with_keys(rows, seen)


def _of_candidates(seen: Seen) -> list[EventRow]:
    """Join candidates of one time; blinks and crosstalk stay rows of their own, left out."""
    candidates = seen.signals.analysis.candidates
    alone, kept = [], []
    for place, one in enumerate(candidates):
        if place in seen.signals.blinks:
            alone.append(_row(seen, one.channel_index, one.start_s, one.end_s, "blink"))
        elif one.crosstalk:
            alone.append(_row(seen, one.channel_index, one.start_s, one.end_s, "crosstalk"))
        else:
            kept.append(one)
    joined = [_joined(seen, group) for group in _groups(kept, seen.settings.limits.join_s)]
    return sorted([*alone, *joined], key=lambda row: row.onset_s)


def _groups(candidates: Sequence[Candidate], join_s: float) -> list[list[Candidate]]:
    groups: list[list[Candidate]] = []
    end = -np.inf
    for one in sorted(candidates, key=lambda c: c.start_s):
        if groups and one.start_s < end - join_s:
            groups[-1].append(one)
            end = max(end, one.end_s)
        else:
            groups.append([one])
            end = one.end_s
    return groups


def _joined(seen: Seen, group: Sequence[Candidate]) -> EventRow:
    """Make one expression of what rises together: the channel of the highest peak (eq. 5)."""
    main = max(group, key=lambda c: c.peak)
    row = _row(seen, main.channel_index, main.start_s, main.end_s, "")
    muscles = seen.signals.analysis.muscles
    active = sorted({muscles[c.channel_index] for c in group if c.channel_index in muscles})
    units = "+".join(f"AU{u}" for muscle in active for u in likely_units(muscle))
    if main.clipped and not row.left_out:
        row = replace(row, left_out="clipped")
    return replace(row, source="candidates", units=units, units_from="muscle", edges="emg")


def _of_coded(seen: Seen, one: Coded) -> EventRow:
    index, why = _main_channel(seen, one)
    begin, end, edges = one.onset_s, one.offset_s, "coded"
    if index is not None and seen.settings.events.edges == "emg":
        found = _activity(seen, index, one)
        if found is not None:
            (begin, end), edges = found, "emg"
    length_s = seen.signals.analysis.n_samples / seen.signals.analysis.rate_hz
    if not (0 <= one.onset_s < one.offset_s <= length_s):
        why = why or "outside of the recording"
    if index is None or why == "outside of the recording":
        row = _bare(seen, one.onset_s, one.offset_s, why)
    else:
        row = _row(seen, index, begin, end, why)
    if not row.left_out and not row.times_rest >= seen.settings.limits.times_rest:
        row = replace(row, left_out="no EMG")
    return replace(
        row,
        source="coding",
        edges=edges,
        units="+".join(f"AU{u}" for u in one.units),
        units_from="coding" if one.units else "",
        emotion=one.emotion or row.emotion,
        emotion_from="coding" if one.emotion else row.emotion_from,
        side=one.side,
    )


def _main_channel(seen: Seen, one: Coded) -> tuple[int | None, str]:
    """Return the channel that was coded, else that of the highest peak (eq. 5)."""
    if one.channel:
        index = seen.index_of(one.channel)
        if index is not None:
            return index, ""
    slack = seen.settings.limits.slack_s
    part = seen.signals.span(one.onset_s - slack, one.offset_s + slack)
    peaks = [seen.signals.peak(i, part) for i in range(len(seen.signals.envelopes))]
    rises = [p / r for p, r in zip(peaks, seen.signals.analysis.rest.tolist(), strict=True)]
    if not np.isfinite(rises).any() or not np.nanmax(rises) >= seen.settings.limits.times_rest:
        return None, "no EMG"
    risen = [
        p if r >= seen.settings.limits.times_rest else -1.0
        for p, r in zip(peaks, rises, strict=True)
    ]
    return int(np.argmax(risen)), ""


def _activity(seen: Seen, index: int, one: Coded) -> tuple[float, float] | None:
    """Return from when to when the channel's EMG rises in a coded interval, s.

    From the first to the last of the candidates that meet it, and no further beyond the coded edges
    than the slack: what goes on there is another activity. None without a candidate.
    """
    slack = seen.settings.limits.slack_s
    met = [
        (c.start_s, c.end_s)
        for place, c in enumerate(seen.signals.analysis.candidates)
        if c.channel_index == index
        and place not in seen.signals.blinks
        and c.start_s < one.offset_s + slack
        and c.end_s > one.onset_s - slack
    ]
    inside = [span for span in met if span[0] < one.offset_s and span[1] > one.onset_s] or met[:1]
    if not inside:
        return None
    begin = max(min(span[0] for span in inside), one.onset_s - slack)
    end = min(max(span[1] for span in inside), one.offset_s + slack)
    return begin, end


def _bare(seen: Seen, begin_s: float, end_s: float, left_out: str) -> EventRow:
    """Make a row that has no channel."""
    duration_ms = round(1000 * (end_s - begin_s))
    row = EventRow(
        participant=seen.unit.participant,
        recording=seen.unit.stem,
        source="candidates",
        onset_s=round(begin_s, 4),
        offset_s=round(end_s, 4),
        duration_ms=duration_ms,
        kind="micro" if duration_ms <= seen.settings.events.micro_ms else "macro",
        left_out=left_out,
    )
    return _in_trial(row, seen.course)


def _row(seen: Seen, index: int, begin_s: float, end_s: float, left_out: str) -> EventRow:
    """Measure an interval on a channel."""
    signals, analysis = seen.signals, seen.signals.analysis
    row = _bare(seen, begin_s, end_s, left_out)
    part = signals.span(begin_s, end_s)
    peak, rest = signals.peak(index, part), float(analysis.rest[index])
    mvc = seen.mvc[index]
    envelope = signals.envelopes[index]
    name = analysis.labels[index]
    reasons = (
        (envelope is None, "channel not analysed"),
        (name in seen.bad_channels, "channel bad by its check"),
        (signals.meets_gap(part, round(_GAP_MARGIN_S * analysis.rate_hz)), "samples missing"),
        (seen.has_part_a and not np.isfinite(mvc.uv), "no MVC"),
    )
    why = row.left_out or next((said for is_so, said in reasons if is_so), "")
    has_percent = np.isfinite(peak) and np.isfinite(mvc.uv)
    return replace(
        row,
        channel=name,
        muscle=analysis.muscles.get(index, 0),
        peak_uv=peak,
        rest_uv=rest,
        times_rest=peak / rest if rest > 0 else NAN,
        mvc_uv=mvc.uv,
        mvc_percent=mvc_percent(peak, mvc.uv) if has_percent else NAN,
        iemg_ms=NAN if envelope is None or why else _iemg_ms(seen, envelope, part, begin_s),
        left_out=why,
    )


def _iemg_ms(seen: Seen, envelope: Envelope, part: slice, begin_s: float) -> float:
    """Integrate over the interval, over the range of recording or clip; ms."""
    trial = seen.course.trial_at(begin_s)
    whole = slice(0, envelope.size)
    if seen.settings.iemg_range == "clip" and trial is not None:
        clip = seen.signals.span(trial.begin_s, trial.end_s)
        whole = slice(min(clip.start, part.start), max(clip.stop, part.stop))
    span = part.start - whole.start, part.stop - whole.start
    rate_hz = seen.signals.analysis.rate_hz
    try:
        found = integrated_emg(envelope[whole].astype(np.float64), span, rate_hz)
    except ValueError:  # a gap, or nothing varies
        return NAN
    return 1000 * found.value


def _in_trial(row: EventRow, course: Course) -> EventRow:
    """Join with the trial that runs; leave out what is not in one, where there are trials."""
    span = course.part_a_s
    if span and span[0] <= row.onset_s <= span[1]:
        row = replace(row, left_out="part A")
    trial = course.trial_at(row.onset_s)
    if trial is None:
        outside = "outside of clips" if course.trials and not row.left_out else row.left_out
        return replace(row, left_out=outside)
    return replace(
        row,
        trial=trial.trial,
        clip=trial.clip,
        clip_emotion=trial.emotion.lower(),
        emotion=trial.emotion.lower(),
        emotion_from="clip" if trial.emotion else "",
        since_clip_s=round(row.onset_s - trial.begin_s, 4),
        rating=trial.rating,
    )


def _with_keys(rows: Sequence[EventRow], seen: Seen) -> list[EventRow]:
    """Give each key press to the last expression before it that ended no longer ago."""
    after = seen.settings.limits.key_after_s
    out = list(rows)
    for trial in seen.course.trials:
        for key in trial.keys_s:
            place = _pressed_for(out, trial, key, after)
            if place is not None and not out[place].is_aware:
                late = round(key - out[place].onset_s, 4)
                out[place] = replace(out[place], is_aware=True, key_after_s=late)
    return out


def _pressed_for(
    rows: Sequence[EventRow], trial: Trial, key_s: float, after_s: float
) -> int | None:
    fitting = [
        (row.onset_s, place)
        for place, row in enumerate(rows)
        if row.trial == trial.trial
        and row.left_out not in ("blink", "crosstalk")
        and row.onset_s <= key_s <= row.offset_s + after_s
    ]
    return max(fitting)[1] if fitting else None
