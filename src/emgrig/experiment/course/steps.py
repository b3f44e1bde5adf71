"""What goes into the engine of a session, what comes out, and what is to be shown."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from emgrig.experiment.course.mvc import Measurement

# Events.


@dataclass(frozen=True)
class Begin:
    """The recording is on; `file` is its name."""

    file: str
    is_rehearsal: bool = False  #: Nobody's session: no study may have it.


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True)
class Key:
    """A key was pressed; repeats while it is held down are the page's to drop."""

    key: str


@dataclass(frozen=True)
class Continue:
    """Go on, from a page that waits for it."""


@dataclass(frozen=True)
class Rate:
    """The participant's rating."""

    value: int


class Choice(StrEnum):
    """What the operator can decide."""

    ACCEPT = "accept"
    ACCEPT_ANYWAY = "accept anyway"  # the answer to the second question
    AGAIN = "again"
    SKIP = "skip"


@dataclass(frozen=True)
class Choose:
    """The operator's decision about a contraction, or (AGAIN, SKIP) about a clip that failed."""

    choice: Choice


@dataclass(frozen=True)
class ClipShown:
    """The first frame of a clip is on the screen."""

    trial: int


@dataclass(frozen=True)
class ClipEnded:
    """A clip has been played to its end; `trial` tells a late message from one in time."""

    trial: int


@dataclass(frozen=True)
class ClipFailed:
    """A clip cannot be played."""

    trial: int
    reason: str


@dataclass(frozen=True)
class Measured:
    """What a `Measure` gave."""

    channel: int
    repetition: int
    attempt: int
    found: Measurement


@dataclass(frozen=True)
class Pause:
    """Stop for a while."""


@dataclass(frozen=True)
class Resume:
    """Go on after `Pause`."""


@dataclass(frozen=True)
class Stop:
    """End here; what is done is kept, and a later run goes on."""


Event = (
    Begin
    | Tick
    | Key
    | Continue
    | Rate
    | Choose
    | ClipShown
    | ClipEnded
    | ClipFailed
    | Measured
    | Pause
    | Resume
    | Stop
)

# Actions.


@dataclass(frozen=True)
class Mark:
    """Put a marker into the recording."""

    text: str
    unix_s: float


@dataclass(frozen=True)
class Measure:
    """Measure a contraction once its samples are there; times are Unix times, s."""

    channel: int
    repetition: int
    attempt: int
    rest: tuple[float, float]
    contraction: tuple[float, float]


@dataclass(frozen=True)
class Save:
    """Write the record."""


@dataclass(frozen=True)
class Done:
    """Nothing more comes: complete, or stopped."""


Action = Mark | Measure | Save | Done

# What is shown.


class Phase(StrEnum):
    """Where the session is."""

    WAITING = "waiting"  # for Begin
    READY = "ready"  # the next movement is explained
    REST = "rest"
    CONTRACT = "contract"
    MEASURE = "measure"
    DECIDE = "decide"
    READY_CLIPS = "ready clips"
    BASELINE = "baseline"
    GAP = "gap"
    CLIP = "clip"
    CLIP_FAILED = "clip failed"
    RATING = "rating"
    DONE = "done"
    STOPPED = "stopped"


class Ask(StrEnum):
    """What the page must offer."""

    NOTHING = "nothing"
    CONTINUE = "continue"
    RATING = "rating"
    CONTRACTION = "contraction"  # accept, again, skip
    DOUBT = "doubt"  # accept anyway, again, skip
    CLIP = "clip"  # again, skip


@dataclass(frozen=True)
class View:
    """What to show now.

    `title`, `text` and `note` are for the participant, in the words of the plan; `operator` is for
    nobody else: where the session is, why something is asked for again, what is to be decided.
    `phase` changes exactly when something else is to be shown; `countdown_s` is left of it. `done`
    of `total` steps of the session are over. `clip` is to be played now, or held if `is_paused`; it
    is to be begun anew when trial or attempt changes. `channel`, `repetition` and `attempt` say
    where part A is, `trial` of `n_trials` and `clip_name` where part B is: the film that plays,
    comes next or is rated. 0 and empty elsewhere.
    """

    phase: Phase
    title: str
    text: str
    note: str = ""
    operator: str = ""
    countdown_s: float | None = None
    done: int = 0
    total: int = 0
    clip: Path | None = None
    clip_trial: int = 0
    clip_attempt: int = 0
    ask: Ask = Ask.NOTHING
    is_paused: bool = False
    channel: int = 0
    repetition: int = 0
    attempt: int = 0
    trial: int = 0
    n_trials: int = 0
    clip_name: str = ""


MARKER = re.compile(r"[a-z]+( [a-z]+)*( [a-z_]+=[^\s=]+)*|key [A-Z]( [a-z_]+=[^\s=]+)*")
"""The form of every marker of a session."""


def marker(name: str, **values: object) -> str:
    """Return the text of a marker: ``name key=value …``; floats have one decimal."""
    said = [name]
    for key, value in values.items():
        text = f"{value:.1f}" if isinstance(value, float) else str(value)
        word = re.sub(r"[\s=]+", "-", text)
        said.append(f"{key}={word}")
    return " ".join(said)
