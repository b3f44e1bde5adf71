"""The plan of a session: a TOML file that an experimenter writes.

Defaults follow the paper: seven movements three times (4.4), 24 clips of six emotions (table 2),
the key L and a rating from 0 to 8 (3.2). Times are ours: the paper does not print them.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, TypeVar

from annotated_types import Interval

from emgrig.analysis.paper.printed import MUSCLES
from emgrig.analysis.signal.indicators import PeakRule
from emgrig.errors import RecordingError
from emgrig.experiment.files.texts import Texts
from emgrig.filemodel import FileModel, Rule, Text, load
from emgrig.files import inside, is_file
from emgrig.names import check_code

T = TypeVar("T")
RATING_MAX = 8
_CLIPS_NAMED = 3
_KEPT = re.compile(r"_(before|run)-\d+$|_session\d*$", re.IGNORECASE)
_WORD = r"[A-Za-z0-9_-]{1,32}"
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


Word = Annotated[
    str,
    Rule(
        "up to 32 letters, digits, - and _", re.compile(_WORD).fullmatch, {"pattern": f"^{_WORD}$"}
    ),
]
PressedKey = Annotated[
    str,
    Rule(
        "one letter, or 'space' for the space bar",
        re.compile("[A-Za-z]|space").fullmatch,
        {"pattern": "^([A-Za-z]|space)$"},
    ),
]
Often = Annotated[int, Interval(ge=1, le=20)]
Times = Annotated[float, Interval(ge=1, le=1000)]
Pause = Annotated[float, Interval(ge=0, le=600)]


def _repeated(values: Iterable[T]) -> list[tuple[T, int]]:
    return [(value, count) for value, count in Counter(values).items() if count > 1]


@dataclass(frozen=True)
class Movement:
    """A movement of part A.

    Attributes
    ----------
    channel : int
        It is for.
    name : str
        Of the muscle.
    instruction : str
        What the participant is told.
    """

    channel: Annotated[int, Interval(ge=1, le=32)]
    name: Text = ""
    instruction: Text = ""

    def __post_init__(self) -> None:
        known = {"name": f"channel {self.channel}"}
        if self.channel in _INSTRUCTIONS:
            known = {"name": MUSCLES[self.channel], "instruction": _INSTRUCTIONS[self.channel]}
        for key in ("name", "instruction"):
            if not getattr(self, key) and key not in known:
                raise ValueError(f"instruction is missing; channel {self.channel} has no usual one")
            object.__setattr__(self, key, getattr(self, key) or known[key])


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

    times_rest: Times = 5.0
    of_best: Annotated[float, Interval(ge=0, le=1)] = 0.5
    times_other: Times = 2.0
    attempts: Often = 3


@dataclass(frozen=True)
class PartA:
    """Maximum contractions.

    Attributes
    ----------
    repetitions : int
        Of each movement.
    contract_s, rest_s : float
        How long a contraction is, and the rest after it, s.
    rule : str
        How the MVC is found, as in `emgrig.analysis.signal.indicators.mvc_uv`.
    """

    movements: tuple[Movement, ...] = field(
        default_factory=lambda: tuple(map(Movement, _INSTRUCTIONS))
    )
    repetitions: Often = 3
    contract_s: Annotated[float, Interval(ge=1, le=10)] = 3.0
    rest_s: Annotated[float, Interval(ge=2, le=120)] = 5.0
    rule: PeakRule = "maximum"
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        for channel, count in _repeated(one.channel for one in self.movements):
            raise ValueError(f"movements names channel {channel} {count} times; one each")


@dataclass(frozen=True)
class Clip:
    """A clip.

    Attributes
    ----------
    id : str
        Its own.
    file : str
        As the plan has it.
    length_s : float
        0 if it is not said, s.
    """

    id: Word
    file: Text
    emotion: Word
    length_s: Annotated[float, Interval(ge=0, le=7200)] = 0.0


@dataclass(frozen=True)
class PartB:
    """Clips with a key and a rating.

    Attributes
    ----------
    seed : int
        Of their order.
    baseline_s, gap_s : float
        Rest before the first clip, and before each other one, s.
    key : str
        The letter that is pressed, or "space" for the space bar.
    question : str
        For the rating.
    """

    clips: tuple[Clip, ...] = ()
    seed: Annotated[int, Interval(ge=0, le=2**32 - 1)] = 0
    baseline_s: Pause = 10.0
    gap_s: Pause = 10.0
    key: PressedKey = "L"
    question: Text = _QUESTION

    def __post_init__(self) -> None:
        for name, count in _repeated(clip.id for clip in self.clips):
            raise ValueError(f"clips has the id {name!r} {count} times; each must be its own")
        counts = Counter(clip.emotion for clip in self.clips)
        if self.clips and (len(counts) < 3 or len(set(counts.values())) > 1):
            found = ", ".join(f"{emotion} {count}" for emotion, count in sorted(counts.items()))
            raise ValueError(
                f"clips cannot be balanced: {found}; three or more emotions with as many clips "
                "each were expected"
            )


@dataclass(frozen=True)
class Participant:
    """Who takes part.

    Attributes
    ----------
    code : str
        Up to 16 ASCII letters, digits, ``-`` and ``_`` with a digit among them: a word without one
        is somebody's name, and refused.
    number : int
        Place in the balanced design; the last number of the code if it is not said.
    """

    code: str
    number: Annotated[int, Interval(ge=1, le=10**9)] = 0

    def __post_init__(self) -> None:
        try:
            check_code(self.code)
        except ValueError as error:
            raise ValueError(f"code is {error}") from None
        if _KEPT.search(self.code):
            raise ValueError(
                f"code is {self.code!r}, a name that files of others have; take another"
            )
        if not self.number:
            last = re.findall(r"\d+", self.code)[-1]
            object.__setattr__(self, "number", max(int(last), 1))


@dataclass(frozen=True)
class HowToRecord:
    """What belongs to the board and the files.

    Attributes
    ----------
    profile : str
        Packaged profile or TOML file, or "keep".
    output : str
        Folder for recordings; a relative path begins where the plan lies.
    mains_hz : float
        50 or 60; 0 if none is to be taken out.
    """

    profile: Text = "facial-emg"
    output: Text = "recordings"
    mains_hz: Annotated[
        float, Rule("50, 60 or 0 (none)", (50, 60, 0).__contains__, {"enum": [50, 60, 0]})
    ] = 50.0


_TEXTS = Texts()


@dataclass(frozen=True)
class PlanFile(FileModel):
    """A session's plan as it is written; all but the participant's code may be left out."""

    participant: Participant
    recording: HowToRecord = HowToRecord()
    part_a: PartA = PartA()
    part_b: PartB = PartB()
    texts: Texts = _TEXTS


@dataclass(frozen=True)
class Plan(PlanFile):
    """A session's plan; its relative paths begin in `folder`, where it lies."""

    folder: Path = Path()

    def clip_path(self, clip: Clip) -> Path:
        """Return where a clip's file is: in the plan's folder, as `load_plan` found."""
        return self.folder / clip.file

    def shown_path(self, clip: Clip) -> Path | None:
        """Return the file that may be shown for a clip, links followed; None if it is no more.

        Asked again when it is served: a link may have been turned since the plan was read.
        """
        place = inside(self.folder, clip.file)
        return place if place is not None and _size(place) is not None else None

    def content(self) -> dict[str, object]:
        """Return all that decides what happens, as JSON has it; not where files are kept."""
        said = self.texts.changed()
        return {
            **({"texts": said} if said else {}),
            "participant": self.participant.code,
            "number": self.participant.number,
            "profile": self.recording.profile,
            "mains_hz": self.recording.mains_hz,
            "part_a": asdict(self.part_a),
            "part_b": asdict(self.part_b),
        }


def load_plan(path: Path, *, seed: int | None = None) -> Plan:
    """Read a plan; `seed` replaces that of the file. Clip files are not looked for yet.

    Raises ValueError, in one line, with the place, if the file cannot be read, something in it is
    wrong, or a clip is not in the plan's folder.
    """
    plan = Plan(**vars(load(path, PlanFile, "plan")), folder=path.parent)
    for number, clip in enumerate(plan.part_b.clips, start=1):
        if inside(plan.folder, clip.file) is None:
            raise ValueError(
                f"plan {path}: part_b.clips[{number}].file is {clip.file!r}, which is not in the "
                "plan's folder, links followed; the session's page shows files from there only: "
                "put the clip beside the plan"
            )
    return plan if seed is None else replace(plan, part_b=replace(plan.part_b, seed=seed))


def check_clips(plan: Plan) -> None:
    """Find out that every clip's file is there, before anything begins.

    Raises RecordingError naming the first that are missing, no files or empty, and how many are.
    """
    bad = []
    for clip in plan.part_b.clips:
        path = plan.clip_path(clip)
        if not (size := _size(path)):
            bad.append(f"{path!s:.200} ({clip.id}{', empty' if size == 0 else ''})")
    if bad:
        more = f" and {len(bad) - _CLIPS_NAMED} more" if len(bad) > _CLIPS_NAMED else ""
        named = ", ".join(bad[:_CLIPS_NAMED])
        raise RecordingError(
            f"{len(bad)} of {len(plan.part_b.clips)} clips are missing: {named}{more}"
        )


def _size(path: Path) -> int | None:
    """Return the bytes of a file; None if there is none, or its name cannot be one."""
    try:
        return path.stat().st_size if is_file(path) else None
    except OSError:
        return None
