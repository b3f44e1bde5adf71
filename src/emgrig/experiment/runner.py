"""A session on a board: recording around it, its end whatever happens, and a script for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from emgrig.desk.stream.hub import Hub
from emgrig.errors import RecordingError
from emgrig.experiment.course.engine import Engine
from emgrig.experiment.course.steps import Begin, Stop
from emgrig.experiment.driver import SessionDriver
from emgrig.experiment.files.plan import Plan
from emgrig.experiment.files.record import SessionRecord, write_record
from emgrig.experiment.folder import SessionFolder
from emgrig.experiment.participant import ScriptedParticipant
from emgrig.recording.convert import Recording

STEP_S = 0.05
#: A script that takes longer is stuck.
_LONGEST_S = 12 * 3600.0


@dataclass
class Running:
    """A session that is on; `recording` is there when it is over."""

    driver: SessionDriver
    recording: Recording | None = None


def check_board(
    hub: Hub, plan: Plan, record: SessionRecord, *, is_rehearsal: bool = False
) -> SessionRecord:
    """Refuse a board that the plan, or the session so far, does not fit; return the record for it.

    Raises ValueError if a movement's channel is off, an earlier run was on another board, or the
    board is simulated and this is no rehearsal.
    """
    if hub.board.identity.is_simulated and not is_rehearsal:
        raise ValueError(
            f"board {hub.board.identity.serial_number} is simulated, and a session on it is a "
            "rehearsal: say --rehearse"
        )
    on = {number for number, _ in hub.channels}
    off = [m.channel for m in plan.part_a.movements if m.channel not in on]
    if off:
        raise ValueError(
            f"channel {', '.join(map(str, off))} has a movement in the plan but is off; change "
            f"the profile ({plan.recording.profile}) or part_a.movements"
        )
    identity = hub.board.identity
    if record.runs and record.board != identity.serial_number:
        raise ValueError(
            f"the session was begun with board {record.board}, this is {identity.serial_number}; "
            "go on with the same board, or --restart"
        )
    return replace(record, board=identity.serial_number, is_simulated=identity.is_simulated)


@contextmanager
def session_on(
    hub: Hub,
    plan: Plan,
    folder: SessionFolder,
    record: SessionRecord,
    making: Callable[[float], None] | None = None,
) -> Iterator[Running]:
    """Record a run of a session; whatever ends it, what was done is kept and the files are made.

    `making` is told which share of them is made, 0 to 1, at the end.

    The hub's level meters get the MVCs as they come. No recording is on, the plan's clips are
    there, and `record` is as `check_board` gave it. Raises RecordingError if the recording cannot
    begin, or its files cannot be made.
    """

    def save(done: SessionRecord) -> None:
        write_record(folder.record_path, done)
        hub.mvc_uv.update({mvc.channel: mvc.uv for mvc in done.mvc})

    def recording_problem() -> str:
        state = hub.status().recording
        return "" if state is None else state.problem

    bdf_path = folder.bdf_path(len(record.runs) + 1)
    hub.start_recording(bdf_path)
    running = None
    try:
        driver = SessionDriver(Engine(plan, record), hub, save, recording_problem)
        running = Running(driver)
        driver.handle(Begin(bdf_path.name, folder.is_rehearsal))
        yield running
    finally:
        try:
            if running is not None:
                running.driver.handle(Stop())
        finally:
            made = _files(hub, making)
            if running is not None:
                running.recording = made


def _files(hub: Hub, making: Callable[[float], None] | None) -> Recording:
    """End the recording, and return the files that it became."""
    try:
        return hub.stop_recording(making).result()
    except RecordingError as error:
        raise RecordingError(f"{error}; the same command goes on where it stopped") from error


def run_script(
    running: Running,
    hub: Hub,
    participant: ScriptedParticipant,
    *,
    progress: Callable[[float, str], None] | None = None,
) -> None:
    """Let a scripted participant do the session to its end.

    `progress` is called with the share that is done and a word on what is going on. Raises
    RecordingError if the record or the recording cannot be written; RuntimeError if it does not
    come to an end.
    """
    driver = running.driver
    begin_s = hub.unix_s()
    while not driver.is_over:
        now_s = hub.unix_s()
        if now_s - begin_s > _LONGEST_S:
            raise RuntimeError(f"the script is stuck in {driver.view.phase}")
        driver.tick(now_s)
        participant.act(driver, now_s)
        if progress is not None:
            view = driver.view
            progress(view.done / max(view.total, 1), view.phase)
        hub.run_until(now_s + STEP_S)
