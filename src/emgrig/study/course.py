"""The course of a session as its events tell it: maximum contractions, trials, keys, ratings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from emgrig.study.dataset import Row, read_tsv, seconds
from emgrig.study.settings import Names


@dataclass(frozen=True)
class Contraction:
    """A maximum contraction that was accepted."""

    channel: str  #: Name, or number in the file from 1, as the event has it.
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Trial:
    """A clip that was played."""

    trial: str
    clip: str
    emotion: str
    begin_s: float
    end_s: float
    keys_s: tuple[float, ...] = ()
    rating: int | None = None


@dataclass(frozen=True)
class Course:
    """All of it."""

    contractions: tuple[Contraction, ...] = ()
    levels_uv: Mapping[str, float] = field(default_factory=dict)  #: MVC as the session took it.
    part_a_s: tuple[float, float] | None = None  #: From the first to the last contraction.
    trials: tuple[Trial, ...] = ()
    bad_s: tuple[tuple[float, float], ...] = ()  #: Rows whose name begins with BAD.
    remarks: tuple[str, ...] = ()

    def trial_at(self, at_s: float) -> Trial | None:
        """Return the trial that runs at a time."""
        return next((t for t in self.trials if t.begin_s <= at_s <= t.end_s), None)


def read_course(path: Path | None, names: Names) -> Course:
    """Read the course of a session from events.tsv.

    Raises
    ------
    RecordingError
        If it cannot be read, or a time is none.
    """
    if path is None:
        return Course(remarks=("there is no events.tsv: no part A, no trials",))
    rows = [
        (seconds(row, "onset", path, nth), _duration(row), row.get("trial_type", ""), row)
        for nth, row in enumerate(read_tsv(path))
    ]
    rows.sort(key=lambda one: one[0])
    contractions, levels, part_a = _part_a(rows, names)
    return Course(
        contractions,
        levels,
        part_a,
        _trials(rows, names),
        tuple(
            (at, at + lasts) for at, lasts, kind, _ in rows if lasts and kind.lower()[:3] == "bad"
        ),
    )


Timed = tuple[float, float, str, Row]


def _duration(row: Row) -> float:
    try:
        lasts = float(row.get("duration", "0"))
    except ValueError:
        return 0.0
    return lasts if 0 <= lasts < 1e7 else 0.0


def _part_a(
    rows: Sequence[Timed], names: Names
) -> tuple[tuple[Contraction, ...], dict[str, float], tuple[float, float] | None]:
    """Pair begins and ends of contractions; those that an operator accepted count too."""
    begun: dict[tuple[str, str, str], float] = {}
    done: dict[tuple[str, str, str], tuple[float, float, bool]] = {}
    levels: dict[str, float] = {}
    for at, lasts, kind, row in rows:
        key = tuple(row.get(k, "") for k in (names.channel_column, "repetition", "attempt"))
        assert len(key) == 3
        if kind == names.mvc_begin:
            begun[key] = at
            if lasts:
                done[key] = at, at + lasts, True
        elif kind == names.mvc_end and key in begun:
            done[key] = begun[key], at, row.get("accepted", "yes") == "yes"
        elif kind == names.mvc_accept and key in done:
            done[key] = (*done[key][:2], True)
        elif kind == names.mvc_level:
            levels[key[0]] = _number(row.get("mvc_uv", ""))
    if not begun:
        return (), levels, None
    ends = [end for _, end, _ in done.values()]
    span = min(begun.values()), max([*begun.values(), *ends])
    taken = [Contraction(key[0], a, b) for key, (a, b, is_in) in done.items() if is_in and b > a]
    return tuple(taken), levels, span


def _trials(rows: Sequence[Timed], names: Names) -> tuple[Trial, ...]:
    """Read the trials that have an end; of one that was begun again the last attempt counts."""
    made: dict[str, Trial] = {}
    running: str | None = None
    for at, lasts, kind, row in rows:
        which = row.get(names.trial_column, "")
        name = _begun(kind, names.trial_begin)
        if name is not None:
            running = which or str(len(made) + 1)
            clip, emotion = (row.get(c, name) for c in (names.clip_column, names.emotion_column))
            made[running] = Trial(running, clip, emotion, at, at + lasts if lasts else float("inf"))
        elif kind == names.rating:
            of = which or running
            if of in made:
                made[of] = replace(made[of], rating=_whole(row.get(names.rating_column, "")))
        elif running is None or (which and which != running):
            continue
        elif kind == names.trial_shown:
            made[running] = replace(made[running], begin_s=at)
        elif kind in (names.trial_end, names.trial_broken):
            made[running] = replace(made[running], end_s=at)
            if kind == names.trial_broken:
                del made[running]
            running = None
        elif kind == names.key or kind.startswith(f"{names.key} "):
            made[running] = replace(made[running], keys_s=(*made[running].keys_s, at))
    whole = (t for t in made.values() if t.end_s < float("inf"))
    return tuple(sorted(whole, key=lambda t: t.begin_s))


def _begun(kind: str, wanted: str) -> str | None:
    """Return what a begin of a trial says by its name, what stands for a star; None if it is none.

    >>> _begun("stim_anger", "stim_*"), _begun("clip begin", "clip begin"), _begun("rest", "stim_*")
    ('anger', '', None)
    """
    if not wanted.endswith("*"):
        return "" if kind == wanted else None
    before = wanted.removesuffix("*")
    return kind.removeprefix(before) if kind.startswith(before) else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _whole(text: str) -> int | None:
    value = _number(text)
    return int(value) if value == value // 1 and abs(value) < 1e6 else None
