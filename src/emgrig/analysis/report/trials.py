"""Where an expression falls in a session: in part A, or in a trial with clip, keys and rating.

A session writes its course into the recording, as markers ``NAME KEY=VALUE …`` (docs/session.md).
What is here reads them back, from whatever file they come: texts with their times are enough.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

KEY_WITHIN_S = 2.0
"""A key answers an expression until so long after its end. Ours: the paper gives no rule."""

_PAIR = re.compile(r"(?<!\S)([a-z_]+)=(\S+)", re.ASCII)


class Name(StrEnum):
    """Names of the markers that are read; ``mvc …`` and ``key …`` go by their first word."""

    BEGIN = "session begin"
    RESUMED = "session resumed"
    INTERRUPTED = "session interrupted"
    END = "session end"
    BASELINE_BEGIN = "baseline begin"
    BASELINE_END = "baseline end"
    GAP_BEGIN = "gap begin"
    GAP_END = "gap end"
    PAUSE_BEGIN = "pause begin"
    PAUSE_END = "pause end"
    CLIP_BEGIN = "clip begin"
    CLIP_SHOWN = "clip shown"
    CLIP_END = "clip end"
    CLIP_BROKEN = "clip broken off"
    RATING = "rating"


_BEGINS = frozenset({Name.BEGIN, Name.RESUMED})
_ENDS = frozenset({Name.END, Name.INTERRUPTED})
_CLIP_ENDS = frozenset({Name.CLIP_END, Name.CLIP_BROKEN, *_ENDS})


class Phase(StrEnum):
    """What the session was at."""

    PART_A = "part A"  #: Maximum contractions, and what is said and tried around them.
    CLIP = "clip"
    REST = "rest"  #: Baseline, and the gap after a rating.
    PAUSE = "pause"
    BETWEEN = "between"  #: Instructions, ratings, before the session and behind it.
    UNKNOWN = "n/a"  #: There are no markers of a session.


@dataclass(frozen=True)
class Marker:
    """A marker of a session, taken apart."""

    onset_s: float  #: s from the first sample.
    name: str  #: What stands before the first key, as ``clip begin``.
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """A clip that was played, once; times are s from the first sample."""

    number: int
    clip: str
    emotion: str
    begin_s: float  #: When the page said that it plays; if it did not, when it was told to.
    end_s: float
    attempt: int = 1
    is_whole: bool = False  #: Whether it was played to its end.
    key_s: tuple[float, ...] = ()  #: When the key was pressed.
    rating: int | None = None  #: None if it was not rated in this recording.


@dataclass(frozen=True)
class Course:
    """What a session was at, from moment to moment."""

    trials: tuple[Trial, ...] = ()
    #: Begin, s from the first sample, and phase; a phase lasts to the next begin.
    phases: tuple[tuple[float, Phase], ...] = ()

    @property
    def is_session(self) -> bool:
        """Whether there were markers of a session."""
        return bool(self.phases)

    def phase(self, at_s: float) -> Phase:
        """Return what the session was at, at a time, s."""
        if not self.phases:
            return Phase.UNKNOWN
        nth = bisect_right(self.phases, at_s, key=lambda one: one[0]) - 1
        return self.phases[nth][1] if nth >= 0 else Phase.BETWEEN

    def trial(self, at_s: float) -> Trial | None:
        """Return the trial whose clip played at a time, s."""
        nth = bisect_right(self.trials, at_s, key=lambda one: one.begin_s) - 1
        return self.trials[nth] if nth >= 0 and at_s < self.trials[nth].end_s else None


@dataclass(frozen=True)
class Joined:
    """What an expression has of the session."""

    phase: Phase = Phase.UNKNOWN
    trial: Trial | None = None
    since_clip_s: float = math.nan  #: From the clip's begin to the expression's, s.
    key_after_s: float = math.nan  #: From the expression's begin to the key that answers it, s.


def read_marker(onset_s: float, text: str) -> Marker:
    """Take a marker apart.

    >>> read_marker(2.5, "clip begin trial=3 clip=joy1").values["clip"]
    'joy1'
    """
    pairs = list(_PAIR.finditer(text))
    name = text[: pairs[0].start()] if pairs else text
    return Marker(onset_s, name.strip(), {pair[1]: pair[2] for pair in pairs})


def course_of(
    marks: Iterable[tuple[float, str]], end_s: float, ratings: Mapping[int, int] | None = None
) -> Course:
    """Read the course of a session from the marks of a recording.

    Parameters
    ----------
    marks : iterable of (float, str)
        Time, s from the first sample, and text; what is no marker of a session does no harm.
    end_s : float
        Length of the recording, s.
    ratings : mapping of int to int, optional
        {trial: rating} of trials that were rated in another recording of the session.

    Returns
    -------
    Course
        Trials in order of time, a clip that was broken off and played again twice; without
        markers of a session it is empty.
    """
    markers = sorted((read_marker(*one) for one in marks), key=lambda marker: marker.onset_s)
    trials = _trials(markers, end_s)
    known = dict(ratings or {})
    trials = [
        replace(one, rating=known.get(one.number)) if one.is_whole and one.rating is None else one
        for one in trials
    ]
    return Course(tuple(trials), tuple(_phases(markers, trials)))


def join(intervals: Sequence[tuple[float, float]], course: Course) -> list[Joined]:
    """Say of each expression (begin, end, s) where it falls; it belongs to where it begins.

    A key answers the expression of its trial that began last before it, unless that one ended more
    than `KEY_WITHIN_S` before; of several channels at once it answers all that overlap that one.
    """
    joined = []
    for begin_s, _ in intervals:
        trial = course.trial(begin_s)
        since_s = math.nan if trial is None else begin_s - trial.begin_s
        joined.append(Joined(course.phase(begin_s), trial, since_s))
    mine: dict[int, list[int]] = {}
    for nth, one in enumerate(joined):
        if one.trial is not None:
            mine.setdefault(course.trials.index(one.trial), []).append(nth)
    for place, members in mine.items():
        for key_s in course.trials[place].key_s:
            for nth in _answered(intervals, members, key_s):
                if math.isnan(joined[nth].key_after_s):
                    joined[nth] = replace(joined[nth], key_after_s=key_s - intervals[nth][0])
    return joined


def _answered(
    intervals: Sequence[tuple[float, float]], members: Sequence[int], key_s: float
) -> list[int]:
    """Return those of `members` that a key answers."""
    before = [
        nth for nth in members if intervals[nth][0] <= key_s <= intervals[nth][1] + KEY_WITHIN_S
    ]
    if not before:
        return []
    begin_s, end_s = intervals[max(before, key=lambda nth: intervals[nth][0])]
    return [nth for nth in before if intervals[nth][0] < end_s and intervals[nth][1] > begin_s]


def _trials(markers: Sequence[Marker], end_s: float) -> list[Trial]:
    trials: list[Trial] = []
    for one in markers:
        number = _whole(one.values.get("trial"))
        last = trials[-1] if trials and math.isinf(trials[-1].end_s) else None
        if one.name == Name.CLIP_BEGIN and number is not None:
            if last is not None:
                trials[-1] = replace(last, end_s=one.onset_s)
            clip, emotion = one.values.get("clip", "n/a"), one.values.get("emotion", "n/a")
            attempt = _whole(one.values.get("attempt")) or 1
            trials.append(Trial(number, clip, emotion, one.onset_s, math.inf, attempt))
        elif one.name == Name.RATING:
            _rate(trials, number, _whole(one.values.get("value")))
        elif last is None:
            continue
        elif one.name in _CLIP_ENDS and number in (None, last.number):
            trials[-1] = replace(last, end_s=one.onset_s, is_whole=one.name == Name.CLIP_END)
        elif one.name == Name.CLIP_SHOWN and number == last.number:
            trials[-1] = replace(last, begin_s=one.onset_s)
        elif one.name.startswith("key ") and number == last.number:
            trials[-1] = replace(last, key_s=(*last.key_s, one.onset_s))
    if trials and math.isinf(trials[-1].end_s):
        trials[-1] = replace(trials[-1], end_s=max(end_s, trials[-1].begin_s))
    return trials


def _rate(trials: list[Trial], number: int | None, value: int | None) -> None:
    """Give a rating to the trial that was played to its end."""
    for place, one in enumerate(trials):
        if one.number == number and one.is_whole:
            trials[place] = replace(one, rating=value)


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text) else None


def _phases(markers: Sequence[Marker], trials: Sequence[Trial]) -> list[tuple[float, Phase]]:
    """Return when each phase begins; part A lasts from a begin with an MVC to the baseline."""
    begins: dict[str, Phase] = {
        Name.BASELINE_BEGIN: Phase.REST,
        Name.GAP_BEGIN: Phase.REST,
        **dict.fromkeys((*_ENDS, Name.BASELINE_END, Name.GAP_END), Phase.BETWEEN),
    }
    if not any(m.name in _BEGINS or m.name.split(" ")[0] in ("mvc", "clip") for m in markers):
        return []
    found = [(-math.inf, Phase.BETWEEN)]
    for nth, one in enumerate(markers):
        if one.name in _BEGINS and _has_mvc(markers[nth + 1 :]):
            found.append((one.onset_s, Phase.PART_A))
        elif (phase := begins.get(one.name)) is not None:
            found.append((one.onset_s, phase))
    if not any(one.name in _BEGINS for one in markers) and _has_mvc(markers):
        found.append((-math.inf, Phase.PART_A))  # the file begins in the middle of it
    for trial in trials:
        found += [(trial.begin_s, Phase.CLIP), (trial.end_s, Phase.BETWEEN)]
    return _with_pauses(sorted(found, key=lambda begin: begin[0]), markers)


def _has_mvc(markers: Sequence[Marker]) -> bool:
    """Tell whether there is a contraction before the baseline or the session's end."""
    for one in markers:
        if one.name.startswith("mvc "):
            return True
        if one.name in (Name.BASELINE_BEGIN, Name.CLIP_BEGIN, *_ENDS):
            return False
    return False


def _with_pauses(
    phases: Sequence[tuple[float, Phase]], markers: Sequence[Marker]
) -> list[tuple[float, Phase]]:
    """Put pauses over what they interrupted; part A stays part A."""
    out = list(phases)
    for nth, one in enumerate(markers):
        if one.name != Name.PAUSE_BEGIN:
            continue
        ends = (m.onset_s for m in markers[nth + 1 :] if m.name in (Name.PAUSE_END, *_CLIP_ENDS))
        end_s = next(ends, math.inf)
        before = Course(phases=tuple(out))
        if before.phase(one.onset_s) is Phase.PART_A:
            continue
        after = before.phase(end_s)
        out = [begin for begin in out if not one.onset_s <= begin[0] <= end_s]
        out += [(one.onset_s, Phase.PAUSE), (end_s, after)]
        out.sort(key=lambda begin: begin[0])
    return out
