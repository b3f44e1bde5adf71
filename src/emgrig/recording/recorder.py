"""Record a board: everything that comes goes to a capture; closing makes BDF+ files of it."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from emgrig.calibration.certificate.certificate import Certificate
from emgrig.driver.board import Board
from emgrig.driver.captures.capture import CaptureWriter
from emgrig.driver.captures.journal import Entry
from emgrig.driver.native.link import Direction
from emgrig.driver.samples.block import Block
from emgrig.errors import EmgrigError, RecordingError, TransportError
from emgrig.filemodel import plain
from emgrig.recording.beforehand import check_calibration, check_room
from emgrig.recording.convert import NothingRecorded, Recording, convert
from emgrig.recording.levels import Levels, Progress
from emgrig.recording.paths import CAPTURE_SUFFIX, check_target, part_path
from emgrig.recording.sync.tube import TubeChange
from emgrig.version import PROGRAM

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.5
LOOK_EVERY_S = 1.0  #: Whether the capture is still there.
MOST_MARKER_CHARACTERS = 1 << 20
CUT_AT_END = (
    "the link was lost when the recording ended: what the board made behind the last sample is not "
    "in it, and how much that is nobody can tell"
)
_PIECE = 5000  #: Characters of a marker in one note: at most 12 bytes each in JSON.


class Recorder:
    """A recording that is on, from its making to `close`; as a context manager it closes itself.

    The capture, ``name.capture`` beside the target, is the only file written meanwhile. Whoever
    streams the board hands its blocks to `feed`, for the levels only: the capture taps the link.

    Parameters
    ----------
    board : Board
        Its journal and tap are the recorder's until it is closed.
    path : str or Path
        The BDF+ file to be made, ``name.bdf``.
    overwrite : bool
        Replace files that exist.
    duration_s : float, optional
        How long it is to be: there must be room for it.
    profile : str
        Name of the profile that was applied; goes into the sidecar.
    calibration : Certificate, optional
        Of this board: the volts of the file are calibrated with it, and the sidecar holds it.
    contact : mapping, optional
        The last check of the electrodes, as JSON has it; goes into the sidecar.

    Raises
    ------
    ValueError
        If `path` does not end in ``.bdf``, the duration makes no sense, or a channel that is on was
        not calibrated at its gain.
    IdentityError
        If the calibration is of another board.
    RecordingError
        If a file exists or is being recorded right now, the folder does not or cannot be written
        to, or the disk is too full.
        Nothing was written.
    """

    def __init__(
        self,
        board: Board,
        path: str | Path,
        *,
        overwrite: bool = False,
        duration_s: float | None = None,
        profile: str = "",
        calibration: Certificate | None = None,
        contact: Mapping[str, object] | None = None,
    ) -> None:
        if duration_s is not None and not 0 < duration_s < float("inf"):
            raise ValueError(f"duration_s is {duration_s}; expected more than 0")
        self.bdf_path = check_target(Path(path), overwrite=overwrite)
        self.capture_path = self.bdf_path.with_suffix(CAPTURE_SUFFIX)
        check_target(part_path(self.bdf_path, 2), overwrite=overwrite)
        if not overwrite and self.capture_path.exists():
            raise RecordingError(
                f"{self.capture_path} exists, of an earlier try: emgrig convert makes a recording "
                "of it if it holds samples; choose another name, or say overwrite (--overwrite)"
            )
        check_room(board, self.bdf_path.parent, duration_s)
        if calibration is not None:
            check_calibration(board, calibration)
        if overwrite:
            self.capture_path.unlink(missing_ok=True)
        #: Told which share of the files is made, 0 to 1, while `close` makes them.
        self.making: Callable[[float], None] | None = None
        self._board = board
        self._overwrite = overwrite
        self._failure: EmgrigError | None = None
        self._is_ended = False
        self.is_cut = False  #: The link was lost when it ended: nobody has counted what came then.
        self._recording: Recording | None = None
        self._look_due_s = 0.0
        self._levels = Levels(board.chip.n_channels)
        self._writer = CaptureWriter(self.capture_path)
        self._say("recording", software=PROGRAM, profile=profile, duration_s=duration_s)
        if calibration is not None:
            self._say("calibration", record=plain(calibration))
        if contact is not None:
            self._say("contact", check=contact)
        self._journal_before, self._tap_before = board.journal, board.tap
        board.journal, board.tap = self._note, self._tap

    def _say(self, kind: str, **said: object) -> None:
        """Note something in the capture, now."""
        self._writer.note({"kind": kind, **said}, self._board.clock.unix_s())

    # While it runs.

    def feed(self, block: Block) -> None:
        """Take the next block of the stream, for the levels and to place markers.

        Raises
        ------
        RecordingError
            If the capture could not be written: nothing has been recorded from then on.
        """
        self._levels.feed(block)
        self._look_for_the_file()
        if self._failure is not None:
            raise self._failure

    def _look_for_the_file(self) -> None:
        """Find out each second that somebody has removed or replaced the capture."""
        now_s = self._board.clock.now_s()
        if now_s >= self._look_due_s and self._failure is None:
            self._look_due_s = now_s + LOOK_EVERY_S
            try:
                self._writer.check()
            except RecordingError as error:
                self._fail(error)

    def mark(self, text: str, board_time_us: int | None = None, *, source: str = "") -> None:
        """Mark a moment: a board time, µs, or the end of the last block that was fed.

        `source` names the stream of a marker that came from another program.

        Raises
        ------
        ValueError
            If there is no text.
        RecordingError
            If the capture could not be written.
        """
        if not text.strip():
            raise ValueError("a marker needs a text")
        at_us = self._levels.end_board_us if board_time_us is None else board_time_us
        if len(text) > MOST_MARKER_CHARACTERS:
            log.warning(
                "a marker of %d characters is cut to %d: %.40s …",
                len(text), MOST_MARKER_CHARACTERS, text,
            )  # fmt: skip
            text = text[:MOST_MARKER_CHARACTERS]
        first, *more = (text[i : i + _PIECE] for i in range(0, len(text), _PIECE))
        source = source[:_PIECE]
        self._say("marker", text=first, source=source, board_time_us=at_us, n_more=len(more))
        for piece in more:
            self._say("marker goes on", text=piece)

    def note_tube(self, changes: Sequence[TubeChange]) -> None:
        """Keep changes of the digital tube, each with the conversion that caused it.

        Raises
        ------
        RecordingError
            If the capture could not be written.
        """
        self._say("tube", changes=[list(change) for change in changes])

    def note_tube_shown(self, shown: Sequence[tuple[int, float]]) -> None:
        """Keep when a page showed counts: (count, Unix time in s); raises as `note_tube`."""
        self._say("tube shown", shown=[list(pair) for pair in shown])

    @property
    def elapsed_s(self) -> float:
        """Length so far, by the conversions of the blocks that were fed, s."""
        return self._levels.elapsed_s

    @property
    def n_lost(self) -> int:
        """Data periods lost so far, without those in which settings were changed."""
        return self._levels.tally.n_lost

    @property
    def n_gaps(self) -> int:
        """Places where they were lost."""
        return self._levels.n_gaps

    @property
    def size_bytes(self) -> int:
        """Size of the capture so far."""
        return self._writer.size_bytes

    def progress(self) -> Progress:
        """Say how it goes; the levels are those since the last call."""
        return self._levels.report(self._writer.size_bytes)

    # At its end.

    def end(self) -> None:
        """Let nothing more in; `close` still has to make the files. A second call does nothing."""
        if not self._is_ended:
            self._is_ended = True
            self.is_cut |= not self._board.is_linked
            self._board.journal, self._board.tap = self._journal_before, self._tap_before
            self._writer.close()

    def close(self) -> Recording:
        """End the recording, and make its BDF+ files and sidecars; a second call does nothing.

        Raises
        ------
        RecordingError
            If the capture could not be written to the end, or there is no room for the files. What
            was captured is kept, and `convert` makes files of it later.
        """
        if self._recording is not None:
            return self._recording
        self.end()
        if self._failure is not None:
            raise self._failure
        try:
            made = convert(
                self.capture_path, self.bdf_path, overwrite=self._overwrite, progress=self.making
            )
        except NothingRecorded:
            raise
        except KeyboardInterrupt:
            log.warning(
                "stopped before the BDF+ file was made; %s holds the recording: emgrig convert %s",
                self.capture_path,
                self.capture_path,
            )
            raise
        except RecordingError as error:
            raise RecordingError(
                f"{error}; {self.capture_path} holds the recording: "
                f"emgrig convert {self.capture_path} -o OTHER.bdf"
            ) from error
        remarks = (*made.remarks, CUT_AT_END) if self.is_cut else made.remarks
        self._recording = replace(made, remarks=remarks)
        return self._recording

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it; an error from before is not hidden by one in closing."""
        try:
            self.close()
        except EmgrigError as later:
            if kind is None:
                raise
            if later is not error:
                log.warning("%s", later)

    # Called by the link, with its lock held: an error here must not end the session.

    def _note(self, entry: Entry) -> None:
        unix_s = entry.get("unix_s")
        time_s = unix_s if isinstance(unix_s, float) else self._board.clock.unix_s()
        try:
            self._writer.note(entry, time_s)
        except RecordingError as error:
            self._fail(error)
        if self._journal_before is not None:
            self._journal_before(entry)

    def _tap(self, direction: Direction, data: bytes, unix_s: float) -> None:
        append = self._writer.sent if direction is Direction.SENT else self._writer.received
        try:
            append(data, unix_s)
        except RecordingError as error:
            self._fail(error)
        if self._tap_before is not None:
            self._tap_before(direction, data, unix_s)

    def _fail(self, error: RecordingError) -> None:
        if not self._is_ended:  # else it is only the last piece of the link's own thread
            self._failure = self._failure or error


def record(
    board: Board,
    path: str | Path,
    duration_s: float | None = None,
    *,
    overwrite: bool = False,
    profile: str = "",
    calibration: Certificate | None = None,
    contact: Mapping[str, object] | None = None,
    look: Callable[[Block, Recorder], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    making: Callable[[float], None] | None = None,
    stop: threading.Event | None = None,
    gather_s: float = 0.0,
) -> Recording:
    """Stream a board into a recording, for a time, until `stop` is set, or until Ctrl-C.

    Parameters
    ----------
    board : Board
        Connected and set up.
    path, duration_s, overwrite, profile, calibration, contact
        See `Recorder`.
    look : callable, optional
        Handed every block and the recorder, as an outlet needs it.
    progress : callable, optional
        Called every half second of the recording.
    making : callable, optional
        Told which share of the files is made, 0 to 1, when the recording is over.
    stop : threading.Event, optional
        Ends it when another thread sets it; also while a lost link is waited for, if the board's
        `ReconnectPolicy.is_given_up` asks the same.
    gather_s : float
        As of `Board.stream`: how late samples may come.

    Raises
    ------
    ValueError, RecordingError
        As `Recorder` and its `close` do.
    TransportError, DeviceError
        If the link or the board is lost for good; what came before is recorded and converted.
    """
    with Recorder(
        board,
        path,
        overwrite=overwrite,
        duration_s=duration_s,
        profile=profile,
        calibration=calibration,
        contact=contact,
    ) as recorder:
        recorder.making = making
        fill(
            recorder, board, duration_s, look=look, progress=progress, stop=stop, gather_s=gather_s
        )
    return recorder.close()


def fill(
    recorder: Recorder,
    board: Board,
    duration_s: float | None = None,
    *,
    look: Callable[[Block, Recorder], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    gather_s: float = 0.0,
) -> None:
    """Stream a board into its recorder as `record` does, and leave the files to be made.

    Raises
    ------
    TransportError, DeviceError, RecordingError
        As `record` does.
    """
    try:
        _stream(board, recorder, duration_s, look, progress, stop, gather_s)
    except KeyboardInterrupt:
        log.info("stopped by Ctrl-C")
    except TransportError:
        recorder.is_cut = True
        if stop is None or not stop.is_set():
            raise
        log.info("stopped while the link was lost")


def _stream(
    board: Board,
    recorder: Recorder,
    duration_s: float | None,
    look: Callable[[Block, Recorder], None] | None,
    progress: Callable[[Progress], None] | None,
    stop: threading.Event | None,
    gather_s: float,
) -> None:
    due_s = PROGRESS_EVERY_S
    with board.stream(duration_s, gather_s=gather_s) as stream:
        for block in stream:
            recorder.feed(block)
            if look is not None:
                look(block, recorder)
            if progress is not None and recorder.elapsed_s >= due_s:
                progress(recorder.progress())
                due_s = recorder.elapsed_s + PROGRESS_EVERY_S
            if stop is not None and stop.is_set():
                return
