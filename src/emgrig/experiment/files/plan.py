"""The plan of a session: a TOML file that an experimenter writes.

Defaults follow the paper: seven movements three times (4.4), 24 clips of six emotions (table 2),
the key L and a rating from 0 to 8 (3.2). Times are ours: the paper does not print them.
"""

import re
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast, get_args

from emgrig.analysis.paper.printed import MUSCLES
from emgrig.analysis.signal.indicators import PeakRule
from emgrig.errors import RecordingError
from emgrig.experiment.files.tables import Table, load_toml

RATING_MAX = 8
_CODE = re.compile(r"[A-Za-z0-9_-]{1,16}")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,32}")
_INSTRUCTIONS = {
    1: "Raise your eyebrows as high as you can",
    2: "Frown: pull your eyebrows together and down as hard as you can",
    3: "Squeeze your eyes shut as hard as you can",
    4: "Wrinkle your nose and raise your upper lip as hard as you can",
    5: "Smile as broadly as you can, with your lips closed",
    6: "Press and purse your lips as hard as you can",
    7: "Pull the corners of your mouth down as hard as you can",
}
_QUESTION = (
    "How well could you control your facial expressions? 0: no control at all, 8: complete control"
)


@dataclass(frozen=True)
class Movement:
    """A movement of part A: the channel it is for, its name, and what the participant is told."""

    channel: int
    name: str
    instruction: str


@dataclass(frozen=True)
class Limits:
    """When a contraction is asked for again.

    Attributes
    ----------
    times_rest : float
        Its peak must be so many times the rest level before it.
    of_best : float
        And at least this share of the best repetition of the same movement.
    times_other : float
        No other channel may peak at more than so many times it: that is another movement.
    attempts : int
        So often a repetition is asked for; then the operator decides.
    """

    times_rest: float
    of_best: float
    times_other: float
    attempts: int


@dataclass(frozen=True)
class PartA:
    """Maximum contractions; `rule` is that of `emgrig.analysis.signal.indicators.mvc_uv`."""

    movements: tuple[Movement, ...]
    repetitions: int
    contract_s: float
    rest_s: float
    rule: PeakRule
    limits: Limits


@dataclass(frozen=True)
class Clip:
    """A clip: `file` as the plan has it; `length_s` is 0 if it is not said."""

    id: str
    file: str
    emotion: str
    length_s: float


@dataclass(frozen=True)
class PartB:
    """Clips; times in s."""

    clips: tuple[Clip, ...]
    seed: int
    baseline_s: float
    gap_s: float
    key: str
    question: str


@dataclass(frozen=True)
class Plan:
    """A session's plan, checked.

    Attributes
    ----------
    participant : str
        A code.
    number : int
        Place in the balanced design, 1 or more.
    profile : str
        Packaged profile or TOML file, or "keep".
    output : str
        Folder for recordings, as the plan has it.
    mains_hz : float
        50 or 60; 0 if none is to be taken out.
    part_a : PartA
    part_b : PartB
    folder : Path
        Where the plan lies: its relative paths begin there.
    """

    participant: str
    number: int
    profile: str
    output: str
    mains_hz: float
    part_a: PartA
    part_b: PartB
    folder: Path

    def clip_path(self, clip: Clip) -> Path:
        """Return where a clip's file is."""
        return self.folder / clip.file

    def content(self) -> dict[str, object]:
        """Return all that decides what happens, as JSON has it; not where files are kept."""
        content = asdict(self)
        for key in ("output", "folder"):
            del content[key]
        return content


def load_plan(path: Path, *, seed: int | None = None) -> Plan:
    """Read a plan; `seed` replaces that of the file. Clip files are not looked for yet.

    Raises
    ------
    ValueError
        In one line, with the place, if the file cannot be read or something in it is wrong.
    """
    table = load_toml(path)
    try:
        return _plan(table, path.parent, seed)
    except ValueError as error:
        raise ValueError(f"plan {path}: {error}") from error


def check_clips(plan: Plan) -> None:
    """Find out that every clip's file is there, before anything begins.

    Raises
    ------
    RecordingError
        Naming all that are missing, no files or empty.
    """
    bad = []
    for clip in plan.part_b.clips:
        path = plan.clip_path(clip)
        if not path.is_file():
            bad.append(f"{path} ({clip.id})")
        elif not path.stat().st_size:
            bad.append(f"{path} ({clip.id}, empty)")
    if bad:
        raise RecordingError(
            f"{len(bad)} of {len(plan.part_b.clips)} clips are missing: {', '.join(bad)}"
        )


def check_code(code: str, where: str = "participant.code") -> str:
    """Refuse what is no participant code.

    Raises
    ------
    ValueError
        If it is not 1 to 16 ASCII letters, digits, ``-`` and ``_`` with a digit among them: a word
        without one is somebody's name.
    """
    if not _CODE.fullmatch(code) or not any(c.isdigit() for c in code):
        raise ValueError(
            f"{where} is {code!r}; codes only, no names: up to 16 letters, digits, - and _, "
            "with at least one digit, as in P01"
        )
    return code


def _plan(table: Table, folder: Path, seed: int | None) -> Plan:
    who = table.table("participant")
    code = check_code(who.text("code"))
    number = who.integer("number", _trailing_number(code), 1, 10**9)
    who.done()
    recording = table.table("recording")
    mains_hz = recording.number("mains_hz", 50.0, 0.0, 60.0)
    if mains_hz not in (0.0, 50.0, 60.0):
        raise ValueError(f"recording.mains_hz is {mains_hz:g}; 50, 60 or 0 (none) was expected")
    plan = Plan(
        participant=code,
        number=number,
        profile=recording.text("profile", "facial-emg"),
        output=recording.text("output", "recordings"),
        mains_hz=mains_hz,
        part_a=_part_a(table.table("part_a")),
        part_b=_part_b(table.table("part_b"), seed),
        folder=folder,
    )
    recording.done()
    table.done()
    return plan


def _trailing_number(code: str) -> int:
    """Return the number at the end of a code, or that of its last digits; at least 1."""
    return max(int(re.findall(r"\d+", code)[-1]), 1)


def _part_a(table: Table) -> PartA:
    rows = table.tables("movements")
    movements = tuple(_movement(row) for row in rows) or tuple(
        Movement(channel, MUSCLES[channel], text) for channel, text in _INSTRUCTIONS.items()
    )
    channels = [movement.channel for movement in movements]
    for channel, count in Counter(channels).items():
        if count > 1:
            raise ValueError(f"part_a.movements names channel {channel} {count} times; one each")
    limits = table.table("limits")
    part = PartA(
        movements=movements,
        repetitions=table.integer("repetitions", 3, 1, 20),
        contract_s=table.number("contract_s", 3.0, 1.0, 10.0),
        rest_s=table.number("rest_s", 5.0, 2.0, 120.0),
        rule=cast("PeakRule", table.choice("rule", "maximum", get_args(PeakRule))),
        limits=Limits(
            times_rest=limits.number("times_rest", 5.0, 1.0, 1000.0),
            of_best=limits.number("of_best", 0.5, 0.0, 1.0),
            times_other=limits.number("times_other", 2.0, 1.0, 1000.0),
            attempts=limits.integer("attempts", 3, 1, 20),
        ),
    )
    limits.done()
    table.done()
    return part


def _movement(row: Table) -> Movement:
    channel = row.integer("channel", None, 1, 32)
    movement = Movement(
        channel,
        row.text("name", MUSCLES.get(channel, f"channel {channel}")),
        row.text("instruction", _INSTRUCTIONS.get(channel)),
    )
    row.done()
    return movement


def _part_b(table: Table, seed: int | None) -> PartB:
    own_seed = table.integer("seed", 0, 0, 2**32 - 1)
    part = PartB(
        clips=tuple(_clip(row) for row in table.tables("clips")),
        seed=own_seed if seed is None else seed,
        baseline_s=table.number("baseline_s", 10.0, 0.0, 600.0),
        gap_s=table.number("gap_s", 10.0, 0.0, 600.0),
        key=table.text("key", "L"),
        question=table.text("question", _QUESTION),
    )
    table.done()
    if len(part.key) != 1 or not (part.key.isascii() and part.key.isalpha()):
        raise ValueError(f"part_b.key is {part.key!r}; one letter was expected")
    for name, count in Counter(clip.id for clip in part.clips).items():
        if count > 1:
            raise ValueError(
                f"part_b.clips has the id {name!r} {count} times; each must be its own"
            )
    _check_balance(part.clips)
    return part


def _clip(row: Table) -> Clip:
    clip = Clip(
        id=_word(row, "id"),
        file=row.text("file"),
        emotion=_word(row, "emotion"),
        length_s=row.number("length_s", 0.0, 0.0, 7200.0),
    )
    row.done()
    return clip


def _word(row: Table, key: str) -> str:
    word = row.text(key)
    if not _WORD.fullmatch(word):
        raise ValueError(
            f"{row.place(key)} is {word!r}; up to 32 letters, digits, - and _ were expected"
        )
    return word


def _check_balance(clips: tuple[Clip, ...]) -> None:
    """Refuse clips that cannot be put into balanced blocks; no clip at all is well."""
    counts = Counter(clip.emotion for clip in clips)
    if clips and (len(counts) < 3 or len(set(counts.values())) > 1):
        found = ", ".join(f"{emotion} {count}" for emotion, count in sorted(counts.items()))
        raise ValueError(
            f"part_b.clips cannot be balanced: {found}; three or more emotions with as many clips "
            "each were expected"
        )
