"""A board under the desk's hub, and in a session with a scripted participant, on virtual time."""

from contextlib import ExitStack
from pathlib import Path

import emgrig
from emgrig.desk.stream.hub import Hub
from emgrig.desk.stream.status import LinkState
from emgrig.experiment.files.plan import Plan, load_plan
from emgrig.experiment.files.record import read_record
from emgrig.experiment.folder import SessionFolder
from emgrig.experiment.participant import Script, ScriptedParticipant
from emgrig.experiment.runner import check_board, run_script, session_on
from emgrig.tools.common.boards import KEEP, profile_for
from gateways.spi.machine import Machine, Stage
from session_plans import plan_text, write_plan

MOVEMENT = '[[part_a.movements]]\nchannel = 3\ninstruction = "Shut your eyes"\n'
CODE = "P01"


def on_a_desk(address: str, folder: Path) -> list[str]:
    """Let a hub stream and record for a second, and return what it says of scale and loss."""
    board = emgrig.connect(address)
    with ExitStack() as held:
        held.callback(board.close)
        profile = profile_for(board, None)
        if profile:
            board.apply(profile)
        hub = held.enter_context(Hub(board, profile=profile))
        hub.start(threaded=False)
        hub.run_until(hub.unix_s() + 1)
        hub.start_recording(folder / "desk.bdf", overwrite=True)
        hub.run_until(hub.unix_s() + 1)
        made = hub.stop_recording().result()
        status = hub.status()
    assert status.link is LinkState.STREAMING
    assert status.n_lost == made.totals.lost == 0
    assert made.n_samples > 0.7 * status.rate_hz
    told = status.told.split(" · ") if status.told else []
    told = [one.partition(":")[0] for one in told]  # the reason is for the page
    return [one.replace("scale stated, not read back", "scale is stated") for one in told]


def plan_for(address: str, folder: Path) -> Plan:
    """Write a short plan for a board: two contractions, and six clips of a second."""
    with emgrig.connect(address) as board:
        profile = profile_for(board, None) or KEEP
    text = plan_text(code=CODE, part_a=f"repetitions = 2\n{MOVEMENT}", length_s=1.0)
    return load_plan(write_plan(folder, f'[recording]\nprofile = "{profile}"\n{text}'))


def mvc_levels(folder: Path) -> list[float]:
    """Return the maximum contractions that a session in this folder found, uV; one at least."""
    record = read_record(SessionFolder(folder / "session", CODE, is_rehearsal=True).record_path)
    assert record.is_complete
    assert record.mvc
    return [level.uv for level in record.mvc]


def in_a_session(address: str, plan: Plan, there: Machine, folder: Path) -> None:
    """Do a session with chips on a machine's bus: the command's script reaches no face there."""
    board = emgrig.connect(address)
    with ExitStack() as held:
        held.callback(board.close)
        board.apply(plan.recording.profile)
        stage = Stage(there.bench, board.clock)
        participant = ScriptedParticipant(Script(), plan, stage.as_transport())
        hub = held.enter_context(Hub(board, profile=plan.recording.profile))
        hub.start(threaded=False)
        files = SessionFolder(folder / "session", CODE, is_rehearsal=True)
        files.set_aside()
        files.path.mkdir(parents=True, exist_ok=True)
        record = check_board(hub, plan, files.open_record(plan), is_rehearsal=True)
        with session_on(hub, plan, files, record) as running:
            run_script(running, hub, participant)
    assert all(level > 0 for level in mvc_levels(folder))
