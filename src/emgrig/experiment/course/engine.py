"""The course of a session: events in, actions out; no I/O and no clock.

Everything that is done is in the record, and what comes next follows from it; so a session goes on
from its record as if it had not been interrupted.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from emgrig.experiment.course.course import Wanted, next_contraction, next_trial
from emgrig.experiment.course.mvc import doubt, is_plausible, judge, rest_before
from emgrig.experiment.course.steps import (
    Action,
    Begin,
    Choice,
    Choose,
    ClipEnded,
    ClipFailed,
    ClipShown,
    Continue,
    Done,
    Event,
    Key,
    Mark,
    Measure,
    Measured,
    Pause,
    Phase,
    Rate,
    Resume,
    Save,
    Stop,
    Tick,
    marker,
)
from emgrig.experiment.files.plan import RATING_MAX, Clip, Plan
from emgrig.experiment.files.record import By, Contraction, Run, SessionRecord, Trial


class Engine:
    """A session under way.

    `handle` never raises, whatever comes in whatever order: what does not fit the phase is left
    alone.

    `record` is new, or of the runs before: its order of clips holds. `note` says, to
    the operator, why something is asked for again.
    """

    def __init__(self, plan: Plan, record: SessionRecord) -> None:
        self.plan = plan
        self.record = record
        self.phase = Phase.WAITING
        self._clips = {clip.id: clip for clip in plan.part_b.clips}
        self.note = ""
        self.is_again = False  # a contraction is asked for once more
        self.is_in_doubt = False  # the operator takes what is near noise, and is asked again
        self._since_s = 0.0
        self._due_s: float | None = None
        self._paused_s: float | None = None
        self._rest_begin_s = 0.0
        self._contraction = (0.0, 0.0)
        self._has_baseline = False
        self._shown = 0, 0  # trial and attempt whose film was seen to play
        self._explained = 0  # the channel whose movement was explained in this run
        self._actions: list[Action] = []

    def handle(self, event: Event, unix_s: float) -> list[Action]:
        """Take an event that happened at a Unix time, s; return what is to be done, in order."""
        self._actions = []
        if isinstance(event, Begin):
            self._begin(event, unix_s)
        elif self.phase in (Phase.WAITING, Phase.DONE, Phase.STOPPED):
            pass
        elif isinstance(event, Stop):
            self._stop(unix_s)
        elif isinstance(event, Pause | Resume):
            self._hold(event, unix_s)
        elif self._paused_s is None or isinstance(event, Measured | ClipEnded | ClipFailed):
            self._go_on(event, unix_s)
        return self._actions

    # What is known.

    @property
    def is_paused(self) -> bool:
        """Between `Pause` and `Resume`."""
        return self._paused_s is not None

    def movement(self) -> Wanted | None:
        """Return the next contraction; None if part A is done."""
        return next_contraction(self.plan, self.record)

    def trial(self) -> tuple[int, Clip] | None:
        """Return the number and the clip of the next trial; None if part B is done."""
        return next_trial(self.record, self._clips)

    def current_trial(self) -> Trial | None:
        """Return the next trial as far as it has come; None if its clip was never begun."""
        found = self.trial()
        number = found[0] if found is not None else 0
        return next((trial for trial in self.record.trials if trial.trial == number), None)

    def left_s(self, unix_s: float) -> float | None:
        """Return what is left of a phase with an end, s, 0 or more."""
        if self._due_s is None:
            return None
        return max(self._due_s - (unix_s if self._paused_s is None else self._paused_s), 0.0)

    # Beginning, pausing, end.

    def _begin(self, event: Begin, unix_s: float) -> None:
        if self.phase is not Phase.WAITING or self.record.is_complete:
            return
        run = Run(len(self.record.runs) + 1, event.file, unix_s)
        self.record = replace(self.record, runs=(*self.record.runs, run))
        name = "session begin" if run.number == 1 else "session resumed"
        who = self.record.participant
        said = {"rehearsal": "yes"} if event.is_rehearsal else {}
        seed = self.plan.part_b.seed
        self._mark(name, unix_s, participant=who, seed=seed, run=run.number, **said)
        self._save()
        self._next(unix_s)

    def _hold(self, event: Pause | Resume, unix_s: float) -> None:
        if isinstance(event, Pause) and self._paused_s is None:
            self._mark("pause begin", unix_s)
            self._paused_s = unix_s
            if self.phase in (Phase.REST, Phase.CONTRACT):
                self._break_off(unix_s)
        elif isinstance(event, Resume) and self._paused_s is not None:
            self._mark("pause end", unix_s)
            held_s = max(unix_s - self._paused_s, 0.0)
            self._due_s = None if self._due_s is None else self._due_s + held_s
            self._paused_s = None
            if self.phase is Phase.REST:
                self._rest(unix_s)

    def _break_off(self, unix_s: float) -> None:
        """Give up a contraction that was interrupted; it does not count as an attempt."""
        if self.phase is Phase.CONTRACT:
            self._mark_contraction("mvc broken off", unix_s)
        self._set(Phase.REST, unix_s, None)

    def _stop(self, unix_s: float) -> None:
        if self.phase is Phase.CONTRACT:
            self._mark_contraction("mvc broken off", unix_s)
        if self.phase is Phase.CLIP:
            self._break_clip(unix_s)
        self._mark("session interrupted", unix_s)
        self._save()
        self._set(Phase.STOPPED, unix_s, None)
        self._actions.append(Done())

    def _next(self, unix_s: float) -> None:
        """Begin what comes next by the record."""
        movement = self.movement()
        if movement is not None:
            if movement.channel != self._explained:
                self.note, self.is_again = "", False
                self._set(Phase.READY, unix_s, None)
            else:
                self._rest(unix_s)
            return
        if self.trial() is None:
            self.record = replace(self.record, is_complete=True)
            self._mark("session end", unix_s)
            self._save()
            self._set(Phase.DONE, unix_s, None)
            self._actions.append(Done())
        elif (trial := self.current_trial()) is not None and trial.end_unix_s is not None:
            self._set(Phase.RATING, unix_s, None)  # an earlier run ended before it was rated
        elif not self._has_baseline:
            self.note = ""
            self._set(Phase.READY_CLIPS, unix_s, None)
        else:
            self._mark("gap begin", unix_s)
            self._set(Phase.GAP, unix_s, self.plan.part_b.gap_s)

    # Events of a phase.

    def _go_on(self, event: Event, unix_s: float) -> None:
        match event:
            case Tick():
                if self._due_s is not None and unix_s >= self._due_s:
                    self._time_is_up(unix_s)
            case Continue():
                self._continue(unix_s)
            case Measured() if self.phase is Phase.MEASURE:
                self._take(event, unix_s)
            case Choose():
                self._choose(event.choice, unix_s)
            case Key():
                self._key(event.key, unix_s)
            case ClipShown():
                self._clip_shown(event.trial, unix_s)
            case ClipEnded() | ClipFailed():
                self._clip_over(event, unix_s)
            case Rate():
                self._rate(event.value, unix_s)
            case _:
                pass

    def _time_is_up(self, unix_s: float) -> None:
        after: dict[Phase, Callable[[float], None]] = {
            Phase.REST: self._contract,
            Phase.CONTRACT: self._measure,
            Phase.BASELINE: partial(self._end_pause, "baseline end"),
            Phase.GAP: partial(self._end_pause, "gap end"),
        }
        after[self.phase](unix_s)

    def _continue(self, unix_s: float) -> None:
        if self.phase is Phase.READY:
            movement = self.movement()
            assert movement is not None
            self._explained = movement.channel
            self._rest(unix_s)
        elif self.phase is Phase.READY_CLIPS:
            self._has_baseline = True
            self._mark("baseline begin", unix_s)
            self._set(Phase.BASELINE, unix_s, self.plan.part_b.baseline_s)

    # Part A.

    def _rest(self, unix_s: float) -> None:
        self._set(Phase.REST, unix_s, self.plan.part_a.rest_s)

    def _contract(self, unix_s: float) -> None:
        self._mark_contraction("mvc begin", unix_s)
        self._rest_begin_s = self._since_s
        self._set(Phase.CONTRACT, unix_s, self.plan.part_a.contract_s)

    def _measure(self, unix_s: float) -> None:
        movement = self.movement()
        assert movement is not None
        self._contraction = (self._since_s, unix_s)
        rest = rest_before(self._since_s, self._rest_begin_s)
        self._actions.append(Measure(*movement.key, rest, self._contraction))
        self._set(Phase.MEASURE, unix_s, None)

    def _take(self, event: Measured, unix_s: float) -> None:
        movement = self.movement()
        assert movement is not None
        if (event.channel, event.repetition, event.attempt) != movement.key:
            return
        problem = judge(event.found, self.plan.part_a.limits, self.record.best_uv(event.channel))
        peak_uv, rest_uv = event.found.peak_uv, event.found.rest_uv
        done = Contraction(*movement.key, *self._contraction, peak_uv, rest_uv, problem is None)
        if problem:
            done = replace(done, problem=str(problem[0]))
        self.record = self.record.with_contraction(done, self.plan.part_a.rule)
        said: dict[str, object] = {"peak_uv": "n/a" if peak_uv is None else peak_uv}
        said["accepted"] = "no" if problem else "yes"
        if problem:
            said["problem"] = str(problem[0])
        self._mark_contraction("mvc end", self._contraction[1], done, **said)
        self._save()
        self.note = f"Once more: {problem[1]}" if problem else ""
        self.is_again, self.is_in_doubt = problem is not None, False
        if problem and event.attempt >= self.plan.part_a.limits.attempts:
            self.note = problem[1]
            self._set(Phase.DECIDE, unix_s, None)
        else:
            self._end_repetition(event.channel, unix_s)

    def _choose(self, choice: Choice, unix_s: float) -> None:
        if self.phase is Phase.CLIP_FAILED:
            self._choose_clip(choice, unix_s)
        elif self.phase is Phase.DECIDE:
            self._decide(choice, unix_s)

    def _decide(self, choice: Choice, unix_s: float) -> None:
        """Take, skip or ask again for the contraction that was refused too often."""
        last = self.record.contractions[-1]
        is_accepted = choice in (Choice.ACCEPT, Choice.ACCEPT_ANYWAY)
        if is_accepted and last.peak_uv is None:
            return  # there is no peak to accept
        if choice is Choice.ACCEPT and not is_plausible(last.peak_uv, last.rest_uv):
            assert last.peak_uv is not None
            self.is_in_doubt, self.note = True, doubt(last.peak_uv, last.rest_uv)
            return
        if choice is Choice.ACCEPT_ANYWAY and not self.is_in_doubt:
            return  # that was not asked
        if is_accepted:
            taken = replace(last, is_accepted=True, decided_by=By.OPERATOR)
            self.record = self.record.with_contraction(taken, self.plan.part_a.rule)
            self._mark_contraction("mvc accept", unix_s, last)
        elif choice is Choice.SKIP:
            given_up = (last.channel, last.repetition)
            self.record = replace(self.record, skipped=(*self.record.skipped, given_up))
            self._mark_contraction("mvc skip", unix_s, last)
        self.note, self.is_in_doubt = "", False
        self.is_again = choice is Choice.AGAIN
        self._save()
        self._end_repetition(last.channel, unix_s)

    def _end_repetition(self, channel: int, unix_s: float) -> None:
        movement = self.movement()
        if movement is None or movement.channel != channel:
            for mvc in self.record.mvc:
                if mvc.channel == channel:
                    rule, n = mvc.rule, mvc.n_repetitions
                    self._mark("mvc level", unix_s, channel=channel, mvc_uv=mvc.uv, rule=rule, n=n)
        self._next(unix_s)

    # Part B.

    def _end_pause(self, name: str, unix_s: float) -> None:
        self._mark(name, unix_s)
        self._play(unix_s)

    def _play(self, unix_s: float) -> None:
        found = self.trial()
        assert found is not None
        number, clip = found
        before = self.current_trial()
        attempt = before.attempt + 1 if before is not None else 1
        trial = Trial(number, clip.id, clip.emotion, unix_s, attempt=attempt)
        self.record = self.record.with_trial(trial)
        again = {"attempt": attempt} if attempt > 1 else {}
        self._mark("clip begin", unix_s, trial=number, clip=clip.id, emotion=clip.emotion, **again)
        self._save()
        self._set(Phase.CLIP, unix_s, None)

    def _key(self, key: str, unix_s: float) -> None:
        trial = self.current_trial()
        key = "space" if key == " " else key  # as a browser says it, and as a plan does
        if self.phase is Phase.CLIP and trial and key.upper() == self.plan.part_b.key.upper():
            at_s = round(unix_s - trial.begin_unix_s, 4)
            self.record = self.record.with_trial(replace(trial, key_s=(*trial.key_s, at_s)))
            self._mark(f"key {key.upper()}", unix_s, trial=trial.trial)
            self._save()

    def _clip_shown(self, number: int, unix_s: float) -> None:
        """Mark the first picture; a film that stalled, or was paused, plays on without a marker."""
        trial = self.current_trial()
        if self.phase is not Phase.CLIP or trial is None or trial.trial != number:
            return
        if self._shown != (shown := (number, trial.attempt)):
            self._shown = shown
            self._mark("clip shown", unix_s, trial=number)

    def _clip_over(self, event: ClipEnded | ClipFailed, unix_s: float) -> None:
        trial = self.current_trial()
        if self.phase is not Phase.CLIP or trial is None or event.trial != trial.trial:
            return
        if isinstance(event, ClipFailed):
            self._break_clip(unix_s)
            self.note = f"The clip {trial.clip} cannot be played: {event.reason}"
            self._set(Phase.CLIP_FAILED, unix_s, None)
            return
        self.record = self.record.with_trial(replace(trial, end_unix_s=unix_s))
        self._mark("clip end", unix_s, trial=trial.trial)
        self._save()
        self.note = ""
        self._set(Phase.RATING, unix_s, None)

    def _choose_clip(self, choice: Choice, unix_s: float) -> None:
        trial = self.current_trial()
        assert trial is not None
        if choice is Choice.AGAIN:
            self.note = ""
            self._play(unix_s)
        elif choice is Choice.SKIP:
            self.record = self.record.with_trial(replace(trial, is_skipped=True))
            self.note = ""
            self._mark("clip skip", unix_s, trial=trial.trial)
            self._save()
            self._next(unix_s)

    def _break_clip(self, unix_s: float) -> None:
        trial = self.current_trial()
        if trial is not None:
            self._mark("clip broken off", unix_s, trial=trial.trial)

    def _rate(self, value: int, unix_s: float) -> None:
        trial = self.current_trial()
        if self.phase is not Phase.RATING or trial is None:
            return
        if not 0 <= value <= RATING_MAX:
            self.note = f"A rating is a whole number from 0 to {RATING_MAX}"
            return
        self.record = self.record.with_trial(replace(trial, rating=value))
        self._mark("rating", unix_s, trial=trial.trial, value=value)
        self._save()
        self.note = ""
        self._next(unix_s)

    # Small steps.

    def _set(self, phase: Phase, unix_s: float, duration_s: float | None) -> None:
        self.phase, self._since_s = phase, unix_s
        self._due_s = None if duration_s is None else unix_s + duration_s

    def _save(self) -> None:
        self._actions.append(Save())

    def _mark(self, name: str, unix_s: float, **values: object) -> None:
        self._actions.append(Mark(marker(name, **values), unix_s))

    def _mark_contraction(
        self, name: str, unix_s: float, done: Contraction | None = None, **values: object
    ) -> None:
        asked = done or self.movement()
        assert asked is not None
        numbers = dict(zip(("channel", "repetition", "attempt"), asked.key, strict=True))
        self._mark(name, unix_s, **numbers, **values)
