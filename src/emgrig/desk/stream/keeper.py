"""The recording that is on, and those whose files are being made."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ParamSpec

from emgrig.calibration.certificate.certificate import Certificate
from emgrig.desk.stream.status import RecordingState
from emgrig.driver.board import Board
from emgrig.driver.samples.block import Block
from emgrig.errors import EmgrigError, RecordingError
from emgrig.recording.convert import Recording
from emgrig.recording.recorder import Recorder
from emgrig.recording.sync.tube import TubeChange

log = logging.getLogger(__name__)

P = ParamSpec("P")


class Keeper:
    """Begins, feeds and ends recordings; one that cannot be written ends, and its state says so.

    `lock` is held by whoever calls, except for `close`.
    """

    def __init__(
        self, board: Board, *, profile: str, calibration: Certificate | None, lock: threading.RLock
    ) -> None:
        self._board = board
        self.profile = profile  #: What was applied, for the sidecar.
        self._calibration = calibration
        self._lock = lock
        self._recorder: Recorder | None = None
        self._state: RecordingState | None = None
        self._n_marks = 0
        self._working: list[threading.Thread] = []

    @property
    def is_on(self) -> bool:
        """True while samples are recorded."""
        return self._recorder is not None

    def state(self) -> RecordingState | None:
        """Say how the last recording goes or went; None before the first."""
        recorder, state = self._recorder, self._state
        if recorder is None or state is None:
            return state
        return replace(
            state,
            elapsed_s=recorder.elapsed_s,
            capture_bytes=recorder.size_bytes,
            n_lost=recorder.n_lost,
            n_marks=self._n_marks,
        )

    def start(
        self, path: Path, *, contact: Mapping[str, object] | None, overwrite: bool = False
    ) -> None:
        """Begin a recording; raises as `Recorder` does, and ValueError if one is on."""
        if self._recorder is not None:
            raise ValueError(f"{self._recorder.bdf_path} is being recorded; stop that first")
        self._recorder = Recorder(
            self._board,
            path,
            overwrite=overwrite,
            profile=self.profile,
            calibration=self._calibration,
            contact=contact,
        )
        self._n_marks = 0
        self._state = RecordingState(self._recorder.bdf_path, is_on=True)

    def feed(self, block: Block) -> None:
        """Take the next block."""
        if self._recorder is not None:
            self._guarded(self._recorder.feed, block)

    def mark(self, text: str, board_time_us: int | None, source: str) -> None:
        """Mark a moment; see `Recorder.mark`."""
        if self._recorder is not None:
            self._guarded(self._recorder.mark, text, board_time_us, source=source)
            self._n_marks += 1

    def note_tube(self, changes: Sequence[TubeChange]) -> None:
        """Keep changes of the digital tube."""
        if self._recorder is not None:
            self._guarded(self._recorder.note_tube, changes)

    def note_tube_shown(self, shown: Sequence[tuple[int, float]]) -> None:
        """Keep when a page showed counts of the tube."""
        if self._recorder is not None:
            self._guarded(self._recorder.note_tube_shown, shown)

    def stop(
        self, *, background: bool, making: Callable[[float], None] | None = None
    ) -> "Future[Recording]":
        """End the recording at once, and make its files; `making` is told the share that is made.

        Raises ValueError if none is on; RecordingError if none is on because the last one could not
        be written on.
        """
        state, recorder = self.state(), self._recorder
        if recorder is None or state is None:
            if state is not None and state.problem:
                raise RecordingError(state.problem)
            raise ValueError("no recording is on")
        self._recorder = None
        recorder.making = making
        recorder.end()
        self._state = replace(state, is_on=False, is_converting=True)
        future: Future[Recording] = Future()
        if background:
            work = threading.Thread(target=self._convert, args=(recorder, future))
            self._working = [one for one in self._working if one.is_alive()] + [work]
            work.start()
        else:
            self._convert(recorder, future)
        return future

    def close(self) -> None:
        """Wait for files that are being made; the lock must be free."""
        for work in self._working:
            work.join()

    def _convert(self, recorder: Recorder, future: "Future[Recording]") -> None:
        files: tuple[Path, ...] = ()
        problem = ""
        tell: Callable[[], None]
        try:
            made = recorder.close()
            files = (*made.bdf_paths, *made.sidecar_paths, made.capture_path)
            tell = partial(future.set_result, made)
        except Exception as error:  # for whoever asked, and for the page
            is_ours = isinstance(error, EmgrigError | OSError)
            problem = str(error) or type(error).__name__
            log.warning("%s: %s", recorder.bdf_path, problem, exc_info=not is_ours)
            tell = partial(future.set_exception, error)
        with self._lock:
            # A new recording may be on by now: then this one is no longer what is shown.
            if self._state is not None and self._state.path == recorder.bdf_path:
                done = replace(self._state, is_converting=False, files=files, problem=problem)
                self._state = done
        tell()

    def _guarded(self, write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            write(*args, **kwargs)
        except RecordingError as error:
            log.warning("%s", error)
            state, recorder = self.state(), self._recorder
            self._recorder = None
            if recorder is not None and state is not None:
                recorder.end()
                self._state = replace(state, is_on=False, problem=str(error))
