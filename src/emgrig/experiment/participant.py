"""A participant who follows a script: for rehearsals and tests on a simulated board."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval

from emgrig.analysis.paper.printed import TABLE_5
from emgrig.experiment.course.steps import (
    Ask,
    Choice,
    Choose,
    ClipEnded,
    ClipShown,
    Continue,
    Event,
    Key,
    Phase,
    Rate,
    Stop,
    View,
)
from emgrig.experiment.driver import SessionDriver
from emgrig.experiment.files.plan import RATING_MAX, Plan
from emgrig.filemodel import FileModel, load, one_of
from emgrig.simulator.sources.face import MVC_UV_RMS
from emgrig.simulator.sources.performer import Performer
from emgrig.simulator.stage import perform_on
from emgrig.simulator.transport import SimTransport

#: Share of expressions of each kind that are noticed by default (table 5 of the paper).
_NOTICED = {
    kind: TABLE_5[0][i] / (TABLE_5[0][i] + TABLE_5[1][i])
    for i, kind in enumerate(("micro", "macro"))
}
#: Contractions outlast the request by that, s.
_OVERRUN_S = 0.2
_RATING_AFTER_S = 1.0


_DECIDES = one_of(Choice.ACCEPT, Choice.AGAIN, Choice.SKIP)
Share = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True)
class Script(FileModel):
    """How the participant behaves.

    Attributes
    ----------
    delay_s : float
        From cue to contraction, s.
    level_low, level_high : float
        Contractions lie between these shares of the muscle's maximum.
    weak : tuple of str
        "c2.1": the first attempt at repetition 1 of channel 2 is `weak_level` only.
    weak_level : float
        Share of the maximum.
    wrong : tuple of str
        The first attempt is made with another muscle.
    decide : Choice
        What the operator says to a contraction that failed too often; what is no plausible maximum
        is skipped.
    press_micro, press_macro : float
        Share of the expressions that are noticed and answered by the key.
    reaction_s : float
        From the apex to the key, s.
    clip_s : float
        Length of a clip that the plan gives none for, s.
    stop_after_trial : int
        The session is interrupted after this trial; 0 is never.
    """

    seed: Annotated[int, Interval(ge=0, le=2**32 - 1)] = 0
    delay_s: Annotated[float, Interval(ge=0.1, le=2)] = 0.3
    level_low: Share = 0.9
    level_high: Share = 1.0
    weak: tuple[str, ...] = ("c2.1", "c6.3")
    weak_level: Share = 0.01
    wrong: tuple[str, ...] = ("c4.2",)
    decide: Annotated[Choice, _DECIDES] = Choice.ACCEPT
    press_micro: Share = _NOTICED["micro"]
    press_macro: Share = _NOTICED["macro"]
    reaction_s: Annotated[float, Interval(ge=0.1, le=5)] = 0.6
    clip_s: Annotated[float, Interval(ge=0.1, le=7200)] = 60.0
    stop_after_trial: Annotated[int, Interval(ge=0, le=10**6)] = 0

    def __post_init__(self) -> None:
        if self.level_low > self.level_high:
            raise ValueError(f"level_high is {self.level_high:g}; level_low or more was expected")


def load_script(name: str) -> Script:
    """Read a script from a TOML file, or return the default one for "auto".

    Raises ValueError, in one line, if the file cannot be read or something in it is wrong.
    """
    return Script() if name == "auto" else load(Path(name), Script, "script")


class ScriptedParticipant:
    """Looks at the view of a session as a participant does, and acts.

    Raises ValueError if the board of `transport` sees no face.
    """

    def __init__(self, script: Script, plan: Plan, transport: SimTransport) -> None:
        face = transport.board.truth
        if not isinstance(face, Performer):
            raise ValueError(f"{transport.address} sees no face: a script needs one, as sim:face")  # noqa: TRY004
        self._script = script
        self._plan = plan
        self._face = face
        self._board, self._clock = transport.board, transport.clock
        self._seen: tuple[object, ...] = ()
        self._coming: list[tuple[float, Event]] = []

    def act(self, driver: SessionDriver, now_s: float) -> None:
        """Do what is due at a Unix time, s, and decide what comes from what is shown."""
        while self._coming and self._coming[0][0] <= now_s:
            at_s, event = self._coming.pop(0)
            driver.handle(event, at_s)
        view = driver.view
        seen = (view.phase, view.ask, view.channel, view.clip_trial, view.clip_attempt, view.done)
        if seen == self._seen:
            return
        self._seen = seen
        match view.ask:
            case Ask.CONTINUE:
                driver.handle(Continue(), now_s)
            case Ask.CONTRACTION:
                self._decide(driver, now_s)
            case Ask.DOUBT:
                driver.handle(Choose(Choice.SKIP), now_s)  # a script is no person
            case Ask.CLIP:
                driver.handle(Choose(Choice.SKIP), now_s)
            case Ask.RATING:
                self._rate(driver, now_s)
            case _:
                self._perform(driver, view, now_s)

    def _perform(self, driver: SessionDriver, view: View, now_s: float) -> None:
        if view.phase is Phase.CONTRACT:
            self._contract(view, now_s)
        elif view.clip_trial:
            self._watch(driver, view)

    def _decide(self, driver: SessionDriver, now_s: float) -> None:
        has_peak = driver.record.contractions[-1].peak_uv is not None
        driver.handle(Choose(self._script.decide if has_peak else Choice.SKIP), now_s)

    def _rate(self, driver: SessionDriver, now_s: float) -> None:
        trial = max(trial.trial for trial in driver.record.trials)
        value = int(self._rng(2, trial).integers(0, RATING_MAX + 1))
        self._coming.append((now_s + _RATING_AFTER_S, Rate(value)))
        if trial == self._script.stop_after_trial:
            self._coming.append((now_s + _RATING_AFTER_S, Stop()))

    def _contract(self, view: View, now_s: float) -> None:
        script, channel = self._script, view.channel
        rng = self._rng(1, channel, view.repetition, view.attempt)
        level = float(rng.uniform(script.level_low, script.level_high))
        name = f"c{channel}.{view.repetition}" if view.attempt == 1 else ""
        if name in script.weak:
            level = script.weak_level
        if name in script.wrong:
            channel = channel % len(MVC_UV_RMS) + 1
        onset_s = self._true_s(now_s) + script.delay_s
        duration_s = self._plan.part_a.contract_s - script.delay_s + _OVERRUN_S
        peak_uv = level * MVC_UV_RMS[channel - 1]
        perform_on(self._board, channel, onset_s, duration_s, peak_uv)

    def _watch(self, driver: SessionDriver, view: View) -> None:
        """Know beforehand what the face will show, and when the clip ends."""
        trial = driver.record.trials[-1]
        lengths = {clip.id: clip.length_s for clip in self._plan.part_b.clips}
        length_s = lengths[trial.clip] or self._script.clip_s
        begin_s = self._true_s(trial.begin_unix_s)
        rng = self._rng(3, view.clip_trial, view.clip_attempt)
        key = Key(self._plan.part_b.key)
        share = {"micro": self._script.press_micro, "macro": self._script.press_macro}
        for event in self._face.truth(begin_s, begin_s + length_s):
            at_s = event.apex_s + self._script.reaction_s - begin_s
            if rng.random() < share.get(event.kind, 0.0) and 0 < at_s < length_s:
                self._coming.append((trial.begin_unix_s + at_s, key))
        self._coming.append((trial.begin_unix_s, ClipShown(trial.trial)))
        self._coming.append((trial.begin_unix_s + length_s, ClipEnded(trial.trial)))
        self._coming.sort(key=lambda due: due[0])

    def _true_s(self, unix_s: float) -> float:
        """Return the true time of the simulated world at a Unix time of the session, s."""
        return unix_s - (self._clock.unix_s() - self._clock.now_s())

    def _rng(self, *what: int) -> np.random.Generator:
        return np.random.default_rng([self._script.seed, *what])
