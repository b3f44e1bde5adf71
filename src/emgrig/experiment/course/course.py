"""What comes next in a session, from its plan and from what is done."""

from collections.abc import Mapping
from dataclasses import dataclass

from emgrig.experiment.files.plan import Clip, Movement, Plan
from emgrig.experiment.files.record import By, SessionRecord


@dataclass(frozen=True)
class Wanted:
    """A contraction that is to be asked for; repetition and attempt are from 1."""

    movement: Movement
    repetition: int
    attempt: int

    @property
    def channel(self) -> int:
        """The channel it is for."""
        return self.movement.channel

    @property
    def key(self) -> tuple[int, int, int]:
        """Channel, repetition, attempt."""
        return self.channel, self.repetition, self.attempt


def next_contraction(plan: Plan, record: SessionRecord) -> Wanted | None:
    """Return the next contraction; None if part A is done."""
    for movement in plan.part_a.movements:
        for repetition in range(1, plan.part_a.repetitions + 1):
            n_attempts = sum(
                (done.channel, done.repetition) == (movement.channel, repetition)
                for done in record.contractions
            )
            if _is_wanted(plan, record, movement.channel, repetition, n_attempts):
                return Wanted(movement, repetition, n_attempts + 1)
    return None


def next_trial(record: SessionRecord, clips: Mapping[str, Clip]) -> tuple[int, Clip] | None:
    """Return the number and the clip of the next trial; None if part B is done."""
    done = {trial.trial for trial in record.trials if trial.is_done}
    for number, name in enumerate(record.order, start=1):
        if number not in done:
            return number, clips[name]
    return None


def progress(plan: Plan, record: SessionRecord) -> tuple[int, int]:
    """Return how many steps are done, of how many; a repetition or a clip is a step."""
    part_a = plan.part_a
    n_done = sum(len(record.accepted(movement.channel)) for movement in part_a.movements)
    n_done += len(record.skipped) + sum(trial.is_done for trial in record.trials)
    return n_done, part_a.repetitions * len(part_a.movements) + len(record.order)


def _is_wanted(
    plan: Plan, record: SessionRecord, channel: int, repetition: int, n_attempts: int
) -> bool:
    """Tell whether a repetition is still to be done, or again because a later one beat it."""
    if (channel, repetition) in record.skipped:
        return False
    accepted = record.accepted(channel).get(repetition)
    if accepted is None:
        return True
    limits, best_uv = plan.part_a.limits, record.best_uv(channel)
    if accepted.decided_by != By.RULE or accepted.peak_uv is None or best_uv is None:
        return False
    return accepted.peak_uv < limits.of_best * best_uv and n_attempts < limits.attempts
