"""What was done in a session: one JSON file, written anew after each step."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Interval

from emgrig.analysis.signal.indicators import PeakRule, join_peaks
from emgrig.experiment.files.plan import RATING_MAX
from emgrig.filemodel import FileModel, load, save

Counted = Annotated[int, Ge(1)]


class By(StrEnum):
    """Who decided that a contraction is accepted, or not."""

    RULE = "rule"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Contraction:
    """One attempt at one repetition of a movement.

    Attributes
    ----------
    channel, repetition, attempt : int
        From 1.
    begin_unix_s, end_unix_s : float
        When it was asked for, s.
    peak_uv, rest_uv : float or None
        Peak by the plan's rule, and the rest level before it; None if they could not be taken.
    problem : str
        Why it was not; also if an operator accepted it all the same.
    """

    channel: Counted
    repetition: Counted
    attempt: Counted
    begin_unix_s: float
    end_unix_s: float
    peak_uv: float | None
    rest_uv: float | None
    is_accepted: bool
    problem: str = ""
    decided_by: By = By.RULE

    @property
    def key(self) -> tuple[int, int, int]:
        """Channel, repetition, attempt."""
        return self.channel, self.repetition, self.attempt


@dataclass(frozen=True)
class Trial:
    """One clip that was played.

    Attributes
    ----------
    trial : int
        Its place in the order, from 1.
    begin_unix_s, end_unix_s : float
        s; the end is None while it plays, or if it was skipped.
    key_s : tuple of float
        When the key was pressed, s after the clip began.
    rating : int or None
        0 to 8; None before it was given.
    attempt : int
        More than 1 if it was begun again after an interruption.
    """

    trial: Counted
    clip: str
    emotion: str
    begin_unix_s: float
    end_unix_s: float | None = None
    key_s: tuple[float, ...] = ()
    rating: Annotated[int, Interval(ge=0, le=RATING_MAX)] | None = None
    attempt: Counted = 1
    is_skipped: bool = False

    @property
    def is_done(self) -> bool:
        """Played and rated, or skipped."""
        return self.is_skipped or (self.end_unix_s is not None and self.rating is not None)


@dataclass(frozen=True)
class Run:
    """From one start of the command to its end: one recording."""

    number: Counted
    file: str
    begin_unix_s: float


@dataclass(frozen=True)
class Mvc:
    """The MVC of a channel, µV, with the rule and the number of repetitions it was taken from."""

    channel: Counted
    uv: float
    rule: PeakRule
    n_repetitions: Counted


@dataclass(frozen=True)
class SessionRecord(FileModel):
    """All of a session so far.

    Attributes
    ----------
    participant : str
        Code.
    plan : mapping
        `Plan.content`.
    order : tuple of str
        Ids of the clips as they are played.
    board : str
        Serial number.
    skipped : tuple of (int, int)
        Channel and repetition that the operator gave up.
    mvc : tuple of Mvc
        Of the repetitions that were accepted so far.
    """

    FORMAT: ClassVar = "emgrig session 1"

    participant: str
    plan: Mapping[str, object]
    order: tuple[str, ...]
    is_simulated: bool
    board: str
    runs: tuple[Run, ...] = ()
    contractions: tuple[Contraction, ...] = ()
    skipped: tuple[tuple[int, int], ...] = ()
    trials: tuple[Trial, ...] = ()
    mvc: tuple[Mvc, ...] = ()
    is_complete: bool = False

    def accepted(self, channel: int) -> dict[int, Contraction]:
        """Return the last accepted contraction of each repetition."""
        return {
            c.repetition: c for c in self.contractions if c.channel == channel and c.is_accepted
        }

    def best_uv(self, channel: int) -> float | None:
        """Return the highest accepted peak of a channel, µV."""
        peaks = [c.peak_uv for c in self.accepted(channel).values() if c.peak_uv is not None]
        return max(peaks, default=None)

    def with_contraction(self, done: Contraction, rule: PeakRule) -> "SessionRecord":
        """Return the record with a contraction added, or in the place of its earlier state.

        The MVC of its channel is that of what is accepted then.
        """
        others = tuple(c for c in self.contractions if c.key != done.key)
        return replace(self, contractions=(*others, done)).with_mvc(done.channel, rule)

    def with_mvc(self, channel: int, rule: PeakRule) -> "SessionRecord":
        """Return the record with the MVC of a channel; as it is if no repetition was accepted."""
        peaks = [c.peak_uv for c in self.accepted(channel).values() if c.peak_uv is not None]
        if not peaks:
            return self
        level_uv = join_peaks(peaks, rule)  # each is by the rule already
        others = tuple(mvc for mvc in self.mvc if mvc.channel != channel)
        return replace(self, mvc=(*others, Mvc(channel, level_uv, rule, len(peaks))))

    def with_trial(self, trial: Trial) -> "SessionRecord":
        """Return the record with a trial added, or in the place of its earlier state."""
        others = tuple(t for t in self.trials if t.trial != trial.trial)
        return replace(self, trials=(*others, trial))


def write_record(path: Path, record: SessionRecord) -> None:
    """Write a record so that the file is whole whatever happens.

    Raises RecordingError if it cannot be written; what was there before is as it was.
    """
    save(path, record)


def read_record(path: Path) -> SessionRecord:
    """Read a record; RecordingError if it cannot be read or is no session."""
    return load(path, SessionRecord, "session")


def differences(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """Say what is different between two plans' contents, a line a value."""
    old, new = _flat(json.loads(json.dumps(before))), _flat(json.loads(json.dumps(now)))
    return [
        f"{key} was {old.get(key, 'not there')}, is {new.get(key, 'not there')}"
        for key in sorted(old | new)
        if old.get(key) != new.get(key)
    ]


def _flat(value: object, where: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        pairs = [(f"{where}.{key}" if where else str(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{where}[{i}]", item) for i, item in enumerate(value, start=1)]
    else:
        return {where: repr(value)}
    return {key: text for name, item in pairs for key, text in _flat(item, name).items()}
