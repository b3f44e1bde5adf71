"""Several boards recorded side by side: each in a thread of its own, none waits for another."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Final

import typer
from annotated_types import MinLen

from emgrig.errors import EmgrigError, ExitCode, exit_code_for
from emgrig.filemodel import FileModel, Text, load
from emgrig.files import check_output, make_folder
from emgrig.names import file_label
from emgrig.tools.common.boards import (
    contact_of,
    find_calibration,
    patience,
    profile_for,
    reference_words,
)
from emgrig.tools.common.output import note, print_json, print_table, say
from emgrig.tools.common.progress import Bar

if TYPE_CHECKING:
    from emgrig.driver.board import Board
    from emgrig.recording.convert import Recording
    from emgrig.recording.levels import Progress
    from emgrig.recording.recorder import Recorder
    from emgrig.tools.common.boards import RecordOptions

#: Nobody looks at single samples here: with blocks so long, s, a hundred boards cost what ten do
#: packet by packet (docs/decisions.md).
GATHER_S: Final = 0.5
_AT_A_TIME: Final = 2
_FEW: Final = 10
_LOOK_S: Final = 0.5
_BOARDS_FILE: Final = ".toml"
_SCHEME: Final = re.compile("[A-Za-z][A-Za-z0-9+-]+:")  #: Of more than a drive's letter.
_PLAIN: Final = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class BoardEntry:
    """A board of a boards file.

    Attributes
    ----------
    address : str
        As ADDRESS of `emgrig record`.
    name : str
        Of its files; its serial number if left out.
    profile : str
        As --profile; what the command line says if left out.
    """

    address: Text
    name: Text = ""
    profile: Text = ""


@dataclass(frozen=True)
class BoardsFile(FileModel):
    """Boards that are recorded together: a table [[board]] each."""

    board: Annotated[tuple[BoardEntry, ...], MinLen(1)]


@dataclass(eq=False)
class Lane:
    """One board, from connecting to its files. Written by its thread, read by the others."""

    entry: BoardEntry
    state: str = "connecting"
    name: str = ""
    progress: "Progress | None" = None
    made: "Recording | None" = None
    is_simulated: bool = False
    #: How much faster its clock runs than this computer's, in the end; None: not known (yet).
    clock_ppm: float | None = None
    n_gaps: int = 0  #: Places where conversions were lost, in the end.
    is_linked: Callable[[], bool] = field(default=lambda: True, repr=False)
    error: Exception | None = field(default=None, repr=False)
    news: SimpleQueue[str] = field(default_factory=SimpleQueue)  #: What is to be told of it.
    share_made: float = 0.0  #: Of its files, 0 to 1.

    def follow_making(self, share: float) -> None:
        """Be told which share of its files is made, 0 to 1."""
        self.share_made = share

    @property
    def n_lost(self) -> int:
        """Conversions that are missing so far."""
        return self.progress.n_lost if self.progress is not None else 0

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        if self.error is not None:
            return str(self.error)
        return self.made.totals.words if self.made is not None else "nothing was recorded"


def is_many(addresses: Sequence[str]) -> bool:
    """Tell whether addresses, or a boards file in their place, mean boards side by side."""
    return len(addresses) > 1 or _is_file(addresses[0])


def _is_file(address: str) -> bool:
    """Tell a boards file from an address: one may end in the name of a TOML file, too."""
    return address.endswith(_BOARDS_FILE) and not _SCHEME.match(address)


def read_boards(addresses: Sequence[str]) -> list[BoardEntry]:
    """Return the boards that addresses and boards files name.

    Raises ValueError if two have one address or one name; UnreadableFile if a file cannot be read.
    """
    found: list[BoardEntry] = []
    for one in addresses:
        if _is_file(one):
            found += load(Path(one), BoardsFile, "boards").board
        else:
            found.append(BoardEntry(one))
    for what in ("address", "name"):
        said = [value for one in found if (value := getattr(one, what))]
        if twice := {value for value in said if said.count(value) > 1}:
            raise ValueError(f"two boards have the {what} {min(twice)!r}")
    return found


def record_many(given: "RecordOptions") -> None:
    """Record boards side by side, into one folder; a board that fails does not stop the others.

    Raises typer.Exit with the exit code of the first board that failed, if one did.
    """
    if given.output.suffix == ".bdf":
        raise ValueError(f"several boards go into a folder: -o FOLDER, not {given.output}")
    lanes = [Lane(entry) for entry in read_boards(given.address)]
    make_folder(given.output)
    import emgrig.driver.board
    import emgrig.recording.recorder  # noqa: F401  # here, once: not in a hundred threads together

    stop = threading.Event()
    names = Names(given.output, overwrite=given.overwrite)
    run = Run(given, names, stop, is_few=len(lanes) <= _FEW)
    threads = [
        threading.Thread(target=_run, args=(lane, run), name=lane.entry.address) for lane in lanes
    ]
    with Bar("connecting") as bar:
        for thread in threads:
            thread.start()
        try:
            _watch(lanes, threads, given.duration, bar)
        except KeyboardInterrupt:
            stop.set()
            _watch(lanes, threads, given.duration, bar)  # a second Ctrl-C ends it at once
    _tell(lanes, as_json=given.as_json)
    failed = [lane.error for lane in lanes if lane.error is not None]
    if failed:
        raise typer.Exit(int(exit_code_for(failed[0])))


class Names:
    """Gives each board a file of its own in the folder."""

    def __init__(self, folder: Path, *, overwrite: bool) -> None:
        self._folder, self._overwrite = folder, overwrite
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def path(self, name: str) -> Path:
        """Return FOLDER/NAME.bdf, or NAME-2.bdf if another board of this run has that name.

        Raises RecordingError if it exists and may not be overwritten.
        """
        label, number = _label(name), 1
        with self._lock:
            while (free := label if number == 1 else f"{label}-{number}").casefold() in self._taken:
                number += 1
            self._taken.add(free.casefold())
        path = self._folder / f"{free}.bdf"
        check_output(path, overwrite=self._overwrite)
        return path


def _label(name: str) -> str:
    """Return a name as it is, if it can be one of a file anywhere; else a label of it."""
    is_device = name.isalnum() and file_label(name.upper()) != name.upper()
    return name if _PLAIN.fullmatch(name) and not is_device else file_label(name)


@dataclass(frozen=True)
class Run:
    """What the boards of a run share."""

    given: "RecordOptions"
    names: Names
    stop: threading.Event
    is_few: bool  #: A line may be said of each.
    #: Held while files are made: of many boards that end together, a few at a time, so that
    #: memory stays small and those that go on are not held up.
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_AT_A_TIME))


def _run(lane: Lane, run: Run) -> None:
    try:
        _record(lane, run)
        lane.state = "done"
    except Exception as error:  # whatever one board does, the others go on; it is told in the end
        lane.error, lane.state = error, "failed"
        lane.news.put(f"{lane.name or lane.entry.address}: failed: {error}")
        if not isinstance(error, EmgrigError | ValueError | OSError):
            raise


def _record(lane: Lane, run: Run) -> None:
    """Record a board; its files are made also of what came before it failed."""
    recorder: Recorder | None = None
    try:
        with _connected(lane, run) as board:
            lane.is_linked = lambda: board.is_linked
            recorder = _recorder(lane, run, board)
            try:
                _fill(lane, run, board, recorder)
            finally:
                recorder.end()
                fit = board.clock_fit
                lane.clock_ppm = fit.drift_ppm if fit is not None and fit.is_drift_known else None
    except Exception as error:
        if recorder is not None:
            _make_files(lane, run, recorder, error)
        raise
    _make_files(lane, run, recorder)


def _connected(lane: Lane, run: Run) -> "Board":
    from dataclasses import replace

    import emgrig

    address = lane.entry.address
    policy = replace(patience(run.given, address), is_given_up=run.stop.is_set)
    return emgrig.connect(address, reconnect=policy)


def _recorder(lane: Lane, run: Run, board: "Board") -> "Recorder":
    """Set the board up, and begin its recording."""
    from emgrig.recording.recorder import Recorder

    given, entry = run.given, lane.entry
    lane.name = entry.name or board.identity.serial_number
    lane.is_simulated = board.identity.is_simulated
    profile = profile_for(board, entry.profile or given.profile)
    if profile:
        board.apply(profile)
    if words := reference_words(board):
        lane.news.put(f"{lane.name}: {words}")
    check = contact_of(board)
    return Recorder(
        board,
        run.names.path(lane.name),
        overwrite=given.overwrite,
        duration_s=given.duration,
        profile=profile,
        calibration=find_calibration(board, given.calibration),
        contact=None if check is None else check.to_json(),
    )


def _fill(lane: Lane, run: Run, board: "Board", recorder: "Recorder") -> None:
    from emgrig.recording.recorder import fill

    def follow(progress: "Progress") -> None:
        lane.progress = progress

    lane.state = "recording"
    if run.is_few:
        lane.news.put(f"{lane.name}: recording")
    try:
        fill(
            recorder,
            board,
            run.given.duration,
            progress=follow,
            stop=run.stop,
            gather_s=GATHER_S,
        )
    finally:
        lane.progress, lane.n_gaps = recorder.progress(), recorder.n_gaps
        lane.state = "converting"


def _make_files(
    lane: Lane, run: Run, recorder: "Recorder", failure: Exception | None = None
) -> None:
    """Make the files when it is this board's turn; `failure` is told before what goes wrong now."""
    try:
        with run.turn:
            recorder.making = lane.follow_making
            lane.made = recorder.close()
    except EmgrigError as error:
        if failure is None:
            raise
        if error is not failure:
            lane.news.put(f"{lane.name}: {error}")


def _watch(
    lanes: Sequence[Lane],
    threads: Sequence[threading.Thread],
    duration_s: float | None,
    bar: Bar,
) -> None:
    is_on = True
    while is_on:
        is_on = any(thread.is_alive() for thread in threads)
        if is_on:
            time.sleep(_LOOK_S)
        for lane in lanes:
            while not lane.news.empty():
                note(lane.news.get())
        bar.follow(*_going_on(lanes, duration_s))


def _going_on(lanes: Sequence[Lane], duration_s: float | None) -> tuple[str, float]:
    """Return what the boards are at, and which share of it is done: the files, at the end."""
    on = [lane for lane in lanes if lane.state == "recording"]
    elapsed_s = max((lane.progress.elapsed_s for lane in lanes if lane.progress), default=0.0)
    lost = _lost(lanes, sum(not lane.is_linked() for lane in on))
    at_work = [lane for lane in lanes if lane.state == "converting"]
    making = f", {len(at_work)} become files" if at_work else ""
    words = f"{elapsed_s:.1f} s, {lost}, {len(on)} of {len(lanes)} boards record{making}"
    if at_work and not on:
        made = [1.0 if lane.made else lane.share_made for lane in lanes if not lane.error]
        return words, sum(made) / len(made)
    return words, min(elapsed_s / duration_s, 1.0) if duration_s else 0.0


def _lost(lanes: Sequence[Lane], n_away: int) -> str:
    known = f"{sum(lane.n_lost for lane in lanes)} lost"
    if not n_away:
        return known
    links = "1 link" if n_away == 1 else f"{n_away} links"
    return f"{known} before, {links} away, loss counted when back"


def _tell(lanes: Sequence[Lane], *, as_json: bool) -> None:
    if as_json:
        print_json([_plain(lane) for lane in lanes])
        return
    heads = ("board", "file", "received", "lost", "gaps", "clock, ppm", "outcome")
    print_table(heads, [_row(lane) for lane in lanes], whole=("file",))
    for lane in lanes:
        for remark in lane.made.remarks if lane.made is not None else ():
            note(f"{lane.name or lane.entry.address}: {remark}")
    n_good = sum(lane.error is None for lane in lanes)
    n_simulated = sum(lane.is_simulated for lane in lanes)
    some = f", {n_simulated} of them SIMULATED" if n_simulated else ""
    say(f"{n_good} of {len(lanes)} boards recorded{some}")


def _row(lane: Lane) -> tuple[str, ...]:
    made = lane.made
    return (
        f"{lane.name or lane.entry.address}{' (simulated)' if lane.is_simulated else ''}",
        ", ".join(path.name for path in made.bdf_paths) if made else "",
        str(made.totals.received - made.totals.unused) if made else "0",
        str(made.totals.lost) if made else "",
        str(lane.n_gaps) if made else "",
        "" if lane.clock_ppm is None else f"{lane.clock_ppm:+.1f}",
        lane.outcome,
    )


def _plain(lane: Lane) -> dict[str, object]:
    made = lane.made
    return {
        "address": lane.entry.address,
        "name": lane.name,
        "simulated": lane.is_simulated,
        "files": [str(p) for p in (made.capture_path, *made.bdf_paths, *made.sidecar_paths)]
        if made
        else [],
        "n_samples": made.n_samples if made else 0,
        "n_produced": made.totals.produced if made else 0,
        "n_lost": made.totals.lost if made else 0,
        "n_gaps": lane.n_gaps,
        "account": asdict(made.totals) if made else None,
        "clock_ppm": lane.clock_ppm,
        "remarks": list(made.remarks) if made else [],
        "error": None if lane.error is None else str(lane.error),
        "exit_code": int(ExitCode.OK if lane.error is None else exit_code_for(lane.error)),
    }
