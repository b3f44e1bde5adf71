"""The engine at work: markers and measurements on a rig, the record on the disk; no page."""

from collections.abc import Callable

import numpy as np

from emgrig.errors import RecordingError
from emgrig.experiment.course.engine import Engine
from emgrig.experiment.course.mvc import MARGIN_S, measure
from emgrig.experiment.course.steps import (
    Action,
    Event,
    Mark,
    Measure,
    Measured,
    Phase,
    Save,
    Stop,
    Tick,
    View,
)
from emgrig.experiment.course.view import view_of
from emgrig.experiment.files.record import SessionRecord
from emgrig.experiment.seams import Rig

#: Samples of a contraction that have not come by then are taken for lost, s.
_LATEST_S = 2.0


class SessionDriver:
    """Runs a session: a page, or a script, tells it what happens, and shows its `view`.

    All calls must come from one thread. `tick` wants to be called ten times a second or more.

    `save` keeps the record; it is called after each step. `recording_problem` says why nothing is
    recorded any more; empty while it is. The session stops then: what is done without a recording
    must not count as done.
    """

    def __init__(
        self,
        engine: Engine,
        rig: Rig,
        save: Callable[[SessionRecord], None],
        recording_problem: Callable[[], str] = str,
    ) -> None:
        self._engine = engine
        self._rig = rig
        self._save = save
        self._recording_problem = recording_problem
        self._asked: Measure | None = None

    @property
    def view(self) -> View:
        """What to show now."""
        return view_of(self._engine, self._rig.unix_s())

    @property
    def record(self) -> SessionRecord:
        """What is done by now."""
        return self._engine.record

    @property
    def is_over(self) -> bool:
        """True if the session is complete or was stopped."""
        return self._engine.phase in (Phase.DONE, Phase.STOPPED)

    def tick(self, unix_s: float | None = None) -> None:
        """Let the session notice the time, a Unix time, s; now if it is None.

        Raises RecordingError if a marker or the record cannot be written, or the recording has
        ended: the session is stopped then.
        """
        now_s = self._rig.unix_s() if unix_s is None else unix_s
        if not self.is_over and (problem := self._recording_problem()):
            self.handle(Stop(), now_s)
            raise RecordingError(f"nothing is recorded any more, the session is stopped: {problem}")
        if self._asked is not None:
            self._measure(self._asked, now_s)
        self.handle(Tick(), now_s)

    def handle(self, event: Event, unix_s: float | None = None) -> None:
        """Take what happened, at a Unix time, s; now if it is None.

        Raises RecordingError if a marker or the record cannot be written. All else was done, and
        the session can go on.
        """
        now_s = self._rig.unix_s() if unix_s is None else unix_s
        failure: RecordingError | None = None
        for action in self._engine.handle(event, now_s):
            try:
                self._do(action)
            except RecordingError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _do(self, action: Action) -> None:
        match action:
            case Mark():
                self._rig.mark(action.text, action.unix_s)
            case Save():
                self._save(self._engine.record)
            case Measure():
                self._asked = action
            case _:
                pass

    def _measure(self, asked: Measure, now_s: float) -> None:
        """Measure a contraction if its samples have come."""
        end_s = asked.contraction[1]
        if now_s < end_s + MARGIN_S:
            return
        rig, plan = self._rig, self._engine.plan
        begin_s = asked.rest[0] - MARGIN_S
        uv = rig.window_uv(begin_s, end_s + MARGIN_S)
        last = max(round((end_s - begin_s) * rig.rate_hz) - 1, 0)
        if now_s < end_s + _LATEST_S and np.isnan(uv[last:]).all():
            return  # still on its way
        found = measure(
            uv,
            rig.rate_hz,
            tuple(number for number, _ in rig.channels),
            asked.channel,
            rest_s=(asked.rest[0] - begin_s, asked.rest[1] - begin_s),
            contraction_s=(asked.contraction[0] - begin_s, end_s - begin_s),
            rule=plan.part_a.rule,
            mains_hz=plan.recording.mains_hz,
        )
        self._asked = None
        self.handle(Measured(asked.channel, asked.repetition, asked.attempt, found), now_s)
