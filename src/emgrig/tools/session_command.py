"""`emgrig session`: an experiment from the maximum contractions to the last rating."""

import shlex
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from emgrig.errors import BoardCannot, ExitCode, RecordingError
from emgrig.files import make_folder
from emgrig.filetext import parse_toml, read_text
from emgrig.names import file_label
from emgrig.tools.common.boards import contact_of
from emgrig.tools.common.options import Printed, Recorded, Served, argument, flag, option, takes
from emgrig.tools.common.output import note, print_json, print_table, say
from emgrig.tools.common.progress import Bar, Making
from emgrig.tools.desk_command import open_hub, page_server
from emgrig.tools.record_commands import calibration_of, open_lsl, say_limits
from emgrig.version import PROGRAM

if TYPE_CHECKING:
    from emgrig.calibration.certificate.certificate import Certificate
    from emgrig.desk.server import Server
    from emgrig.desk.stream.hub import Hub
    from emgrig.driver.board import Board
    from emgrig.experiment.files.plan import Plan
    from emgrig.experiment.files.record import SessionRecord
    from emgrig.experiment.folder import SessionFolder
    from emgrig.experiment.participant import ScriptedParticipant
    from emgrig.experiment.runner import Running
    from emgrig.recording.convert import Recording

    #: A board that is set up, and what leads through the session.
    Lead = tuple[Hub, Callable[[Running], None]]

_TASK = "faces"


@dataclass(frozen=True, kw_only=True)
class SessionOptions(Served, Recorded, Printed):
    """What `emgrig session` takes."""

    plan_file: Path | None = argument("The plan; --example prints one.", None, metavar="PLAN.toml")
    address: str | None = argument("The board; see emgrig --help.", None, metavar="ADDRESS")
    script: str | None = option(
        "A simulated participant instead of the page: 'auto' or SCRIPT.toml; needs a board that is "
        "simulated here: sim:, cyton+sim: and so on."
    )
    seed: int | None = option("Of the order of the clips, in place of the plan's.", min=0)
    output: Path | None = option("In place of the plan's output folder.", None, "-o", "--output")
    rehearse: bool = flag("Nobody's session: into the folder 'rehearsal', and no data set.")
    restart: bool = flag("Begin anew; old files are kept, renamed.")
    export_bids: Path | None = option("Add the session to this BIDS data set at its end.")
    example: bool = flag("Print a plan with every key explained, and stop.")


@takes
def session(given: SessionOptions) -> None:
    """Run an experiment: maximum contractions, then clips with a key and a rating.

    Part A asks for each movement, and again if a contraction cannot be believed. Part B plays the
    clips in a balanced random order. Everything becomes a marker on the board's clock. What is done
    is kept after each step: the same command goes on with a session that was interrupted.

    Examples:

      emgrig session --example > plan.toml

      emgrig session plan.toml tcp://192.168.4.1:4299

      emgrig session plan.toml sim: --script auto
    """
    if given.example:
        from importlib import resources

        text = resources.files("emgrig.experiment.files").joinpath("example.toml")
        for line in text.read_text(encoding="utf-8").rstrip("\n").split("\n"):
            say(line)
        return
    if given.plan_file is None or given.address is None:
        raise ValueError("expected PLAN.toml and ADDRESS; --example prints a plan")
    plan, folder = _prepare(given, given.plan_file)
    with ExitStack() as held:
        if given.script is None:
            server = held.enter_context(page_server(given, "emgrig session"))
            opened = _with_pages(server, plan, folder, given.address, given)
        else:
            opened = _scripted(given.script, plan, given.address, given)
        done = _run(opened, plan, folder, restart=given.restart)
    bids: list[Path] = []
    try:
        if given.export_bids:
            bids = _export(plan, folder, done.record, given.export_bids)
    finally:
        _report(plan, folder, done, bids, as_json=given.as_json)
    if done.is_broken:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _prepare(given: SessionOptions, plan_file: Path) -> "tuple[Plan, SessionFolder]":
    """Read the plan, and find what is wrong with its files before the board is asked."""
    name = f"plan {plan_file}"
    parse_toml(read_text(plan_file, name), name)  # before all that a plan is held against

    from emgrig.experiment.files.plan import check_clips, load_plan
    from emgrig.experiment.folder import SessionFolder
    from emgrig.recording.export.bids import refuse_study

    plan = load_plan(plan_file, seed=given.seed)
    try:
        check_clips(plan)
    except RecordingError as error:
        if given.script is None:
            raise RecordingError(f"{error}; nothing was begun") from error
        note(f"{error}; a script shows none")
    output = given.output or plan.folder / plan.recording.output
    scheme = (given.address or "").partition(":")[0]
    is_rehearsal = given.rehearse or scheme.endswith("sim")  # also behind a gateway: cyton+sim:
    folder = SessionFolder(output, plan.participant.code, is_rehearsal=is_rehearsal)
    if is_rehearsal and given.export_bids is not None:
        refuse_study(given.export_bids)
    if is_rehearsal:
        note(f"a rehearsal: its files go to {folder.path}, and into no data set of a study")
    if not given.restart:
        folder.open_record(plan)
    return plan, folder


@dataclass
class _Done:
    """What came of a run; `is_broken` if Ctrl-C ended it."""

    record: "SessionRecord"
    recording: "Recording | None"
    is_broken: bool


def _with_pages(
    server: "Server", plan: "Plan", folder: "SessionFolder", address: str, given: Recorded
) -> "Lead":
    """Set up a board in real time, with pages for participant and operator."""
    from emgrig.experiment.serve import lead_by_pages

    recording = plan.recording
    mains_hz = recording.mains_hz or None
    hub = open_hub(address, given, profile=recording.profile, mains_hz=mains_hz)
    check = contact_of(hub.board)
    say(server.url)
    operator = server.page("operator")
    note(f"that is the participant's screen; the operator's is {operator}; Ctrl-C ends it")
    can = hub.board.can
    if check is None and can.stated is None and not can.rate_hz:
        note("the electrodes were not checked today: emgrig electrodes ADDRESS")
    return hub, lead_by_pages(hub, plan, server, folder.path, check)


def _scripted(script_name: str, plan: "Plan", address: str, given: Recorded) -> "Lead":
    """Set up a simulated board on virtual time, with a participant in front of it."""
    from emgrig.connect import open_transport, simulated_below
    from emgrig.desk.stream.hub import Hub
    from emgrig.driver.board import Board
    from emgrig.experiment.participant import ScriptedParticipant, load_script

    script = load_script(script_name)
    transport = open_transport(address)
    simulated = simulated_below(transport)
    if simulated is None or simulated.is_paced:
        transport.close()
        raise ValueError(f"--script needs a simulated board on virtual time (sim:), not {address}")
    participant = ScriptedParticipant(script, plan, simulated)
    board = Board(transport, client=PROGRAM)
    try:
        if plan.recording.profile != "keep":
            board.apply(plan.recording.profile)
        profile = "" if plan.recording.profile == "keep" else plan.recording.profile
        used = calibration_of(board, given.calibration)
        outlet = open_lsl(board, used) if given.lsl else None
        mains_hz = plan.recording.mains_hz or None
        hub = Hub(board, mains_hz=mains_hz, profile=profile, calibration=used, outlet=outlet)
        hub.contact = _checked(board, used)
    except BaseException:
        board.close()
        raise
    note("a simulated participant, on virtual time; no film is shown")
    return hub, lambda running: _follow(running, hub, participant)


def _checked(board: "Board", calibration: "Certificate | None") -> "dict[str, object] | None":
    """Check the electrodes, as whoever glues them does; a board that cannot is left alone."""
    from emgrig.electrodes import check_contact

    try:
        return check_contact(board, calibration=calibration).to_json()
    except BoardCannot as error:
        note(f"{error}: the session goes on without a check of the electrodes")
        return None


def _follow(running: "Running", hub: "Hub", participant: "ScriptedParticipant") -> None:
    from emgrig.experiment.runner import run_script

    with Bar("session") as bar:
        run_script(
            running, hub, participant, progress=lambda share, phase: bar.follow(phase, share)
        )


def _run(opened: "Lead", plan: "Plan", folder: "SessionFolder", *, restart: bool) -> _Done:
    from emgrig.experiment.runner import check_board, session_on

    (hub, lead), running, is_broken = opened, None, False
    with hub:
        hub.start()
        if restart and (kept := folder.set_aside()) is not None:
            note(f"the files from before are kept in {kept}")
        record = folder.open_record(plan)
        record = check_board(hub, plan, record, is_rehearsal=folder.is_rehearsal)
        folder.convert_left_behind(record, note)
        make_folder(folder.path)
        name = folder.bdf_path(len(record.runs) + 1).name
        try:
            with (
                Making(f"making {name} of the capture") as making,
                session_on(hub, plan, folder, record, making) as running,
            ):
                lead(running)
                state = hub.status().recording
                size = 0 if state is None else state.capture_bytes
                note(f"the session is over; {name} is made of the capture, {size / 1e6:.0f} MB")
        except KeyboardInterrupt:
            is_broken = True
    if running is None:
        return _Done(record, None, is_broken)
    return _Done(running.driver.record, running.recording, is_broken)


def _export(
    plan: "Plan", folder: "SessionFolder", record: "SessionRecord", root: Path
) -> list[Path]:
    """Add all runs of the session to a BIDS data set."""
    from emgrig.recording.export.bids import BidsOptions, add_runs
    from emgrig.recording.export.source import open_parts

    paths = [folder.bdf_path(run.number) for run in record.runs]
    parts = open_parts([path for path in paths if path.exists()])
    options = BidsOptions(
        subject=file_label(plan.participant.code),
        task=_TASK,
        mains_hz=plan.recording.mains_hz or None,
    )
    return add_runs(parts, root, options)


def _report(
    plan: "Plan", folder: "SessionFolder", done: _Done, bids: list[Path], *, as_json: bool
) -> None:
    record, recording = done.record, done.recording
    files = [folder.record_path]
    if recording is not None:
        files += [recording.capture_path, *recording.bdf_paths, *recording.sidecar_paths]
    if as_json:
        print_json(
            {
                "participant": record.participant,
                "simulated": record.is_simulated,
                "is_simulated": record.is_simulated,
                "is_rehearsal": folder.is_rehearsal,
                "is_complete": record.is_complete,
                "files": [str(path) for path in files],
                "bids": [str(path) for path in bids],
                "mvc": [asdict(mvc) for mvc in record.mvc],
                "trials": [asdict(trial) for trial in record.trials],
            }
        )
        return
    _print_tables(plan, record)
    for path in (*files, *bids):
        say(str(path))
    if recording is not None:
        say_limits(recording.can)
    _say_how_to_go_on(folder, record, plan.recording.mains_hz)


def _print_tables(plan: "Plan", record: "SessionRecord") -> None:
    kind = "SIMULATED, " if record.is_simulated else ""
    names = {movement.channel: movement.name for movement in plan.part_a.movements}
    levels = {mvc.channel: mvc for mvc in record.mvc}
    n_asked = Counter(done.channel for done in record.contractions)
    print_table(
        ("channel", "muscle", "MVC, µV", "repetitions", "contractions asked for"),
        [
            (
                f"c{channel}",
                name,
                f"{levels[channel].uv:.1f}" if channel in levels else "n/a",
                str(levels[channel].n_repetitions if channel in levels else 0),
                str(n_asked[channel]),
            )
            for channel, name in names.items()
        ],
        title=f"{kind}maximum voluntary contraction, rule: {plan.part_a.rule}",
    )
    if record.trials:
        print_table(
            ("trial", "clip", "emotion", f"key {plan.part_b.key.upper()}", "rating"),
            [
                (
                    str(trial.trial),
                    trial.clip,
                    trial.emotion,
                    str(len(trial.key_s)),
                    "skipped"
                    if trial.is_skipped
                    else str("n/a" if trial.rating is None else trial.rating),
                )
                for trial in record.trials
            ],
            title=f"{kind}clips: {len(record.trials)} of {len(record.order)}",
        )


def _say_how_to_go_on(folder: "SessionFolder", record: "SessionRecord", mains_hz: float) -> None:
    if not record.is_complete:
        say("not complete: the same command goes on where it stopped")
        return
    paths = [shlex.quote(str(folder.bdf_path(run.number))) for run in record.runs]
    for path in paths:
        say(f"next: emgrig analyse {path} --face --mvc {shlex.quote(str(folder.record_path))}")
    code = file_label(record.participant)
    mains = f" --mains {mains_hz:g}" if mains_hz else ""
    root = shlex.quote(str(folder.path.parent / "bids")) if folder.is_rehearsal else "FOLDER"
    words = f"--bids {root} --subject {code} --task {_TASK}{mains}"
    say(f"next: emgrig export {' '.join(paths)} {words}")
