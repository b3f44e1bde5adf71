"""One board, streamed once: recorder, outlet, page, tube and session all look on here.

In real time a thread takes the stream's blocks; on virtual time whoever waits takes them
(`run_until`), so that the same calls give the same samples every time.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.certificate.certificate import Certificate
from emgrig.desk.stream.exchange import Exchange, Outlet
from emgrig.desk.stream.gather import joined
from emgrig.desk.stream.jobs import Jobs
from emgrig.desk.stream.keeper import Keeper
from emgrig.desk.stream.marks import Marks
from emgrig.desk.stream.status import LinkState, Status
from emgrig.desk.stream.turner import IsWatched, TubeListener, Turner
from emgrig.desk.stream.views import Views
from emgrig.driver.board import Board
from emgrig.driver.samples.block import Block, Tally
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.driver.stream import Stream
from emgrig.errors import EmgrigError
from emgrig.protocol.packets import DEFAULT_FRAMES_PER_PACKET
from emgrig.recording.convert import Recording

log = logging.getLogger(__name__)

T = TypeVar("T")

STATS_EVERY_S = 5.0
FIT_EVERY_S = 1.0
RETRY_S = 1.0
SILENT_S = 0.7
"""Without a sample for so long the page says so."""
STREAM_QUEUE_S = 20.0
GATHER_S = 0.1
"""What came in so long is taken together, unless somebody needs each packet at once.

Pages draw as often, and each time: what was read sooner would wait for that.
"""
MOST_MARKER = 1000
"""So many characters has a marker at most: it is read on a screen, and stands in a table."""
STARTING_S = 1.0
"""So long a block may be of before the recording, if this program was held up."""
CLOSE_S = 15.0
AHEAD_S = 1.0
"""A replay that is further ahead of real time skips the rest: nobody waits for a recorded gap."""


BlockListener = Callable[[Block], None]


class Hub:
    """Owns a connected board from its making to `close`; as a context manager it closes itself.

    The board is set up: channels, gains and rate stay as they are. Raises ValueError if none is on.
    `mains_hz` is taken out of the envelopes; `profile` names what was applied, for the sidecar;
    `calibration` is of this board; `mvc_uv` has the maximum voluntary contraction of channels, by
    number, µV. `conversions_per_count` is for the digital tube. `is_closing` is set when it closes:
    whoever tries to open a lost link learns that nobody waits any more.

    Take `lock`, held while a block is taken in, to read traces and history from `views`. `contact`,
    the last check of the electrodes, goes into every recording that begins.
    """

    def __init__(
        self,
        board: Board,
        *,
        mains_hz: float | None = 50.0,
        profile: str = "",
        calibration: Certificate | None = None,
        outlet: Outlet | None = None,
        mvc_uv: Mapping[int, float] | None = None,
        conversions_per_count: int = 32,
        is_closing: threading.Event | None = None,
    ) -> None:
        self.board = board
        self.calibration = calibration
        self.lock = threading.RLock()
        self.mvc_uv = dict(mvc_uv or {})
        self.contact: Mapping[str, object] | None = None
        self._exchange = Exchange(outlet)
        self._indices = _powered(board)
        self.marks = Marks()
        #: Counts how often channels or rate were changed: what was laid out before does not fit.
        self.n_layouts = 0
        self._layout_listeners: list[Callable[[], None]] = []
        self.views = Views(board.chip.rate_hz, self._indices, mains_hz)
        self._keeper = Keeper(board, profile=profile, calibration=calibration, lock=self.lock)
        self._turner = Turner(conversions_per_count)
        self._block_listeners: list[BlockListener] = []
        self._taken_listeners: list[Callable[[], None]] = []
        self.mains_hz = mains_hz
        self._stream: Stream | None = None
        self._thread: threading.Thread | None = None
        self._is_closing = is_closing or threading.Event()
        self._jobs = Jobs()
        self._tally, self._run_tally = Tally(), Tally()  # since the desk began, and the stream
        self._measured_hz, self._contradiction = 0.0, ""
        self._run_hz = self._rate_due_s = self._opened_s = 0.0  # rate of the run, 0: not known yet
        self._fit: ClockFit | None = None
        self._end_us: float | None = None  # board time of the end of what came, and when that was
        self._end_unix_s = 0.0
        self._recorded_from_us: int | None = None  # board time; what ends before is not recorded
        self._recorded_unix_s = 0.0
        self._counters: dict[str, int] = {}
        self._fit_due_s = self._stats_due_s = 0.0
        self._last_came_s = self._state_since_s = board.clock.now_s()
        self._state, self._problem = LinkState.STOPPED, ""
        self._is_pause = False  # what is missing before the next stream is meant so

    # What is known.

    @property
    def rate_hz(self) -> float:
        """Data rate by the registers, Hz."""
        return self.views.rate_hz

    @property
    def channels(self) -> tuple[tuple[int, str], ...]:
        """Number and name of each channel that is on: the columns of `window_uv` and the scope."""
        return tuple((index + 1, self.board.channel_names[index]) for index in self._indices)

    @property
    def is_closing(self) -> bool:
        """True from the moment it is told to close."""
        return self._is_closing.is_set()

    @property
    def is_taken(self) -> bool:
        """True while somebody has the board alone, or waits for it."""
        return bool(self._jobs.n_open)

    def unix_s(self) -> float:
        """Unix time of the session, s."""
        return self.board.unix_s()

    def status(self) -> Status:
        """Say how things are."""
        with self.lock:
            state, since_s, problem = self._link_state()
            known = self._fit if self._fit is not None and self._fit.is_drift_known else None
            return Status(
                link=state,
                since_s=since_s,
                problem=problem,
                rate_hz=self.rate_hz,
                measured_hz=self._measured_hz,
                n_samples=self._tally.n_samples,
                n_lost=self._tally.n_lost + self.views.n_lost,
                n_paused=self._tally.n_paused + self.views.n_paused,
                drift_ppm=known.drift_ppm if known else None,
                drift_bound_ppm=known.drift_bound_ppm if known else None,
                counters=dict(self._counters),
                recording=self._keeper.state(),
                tube=self._turner.count,
                outlet_problem=self._exchange.problem,
                told=self._told(),
                contradiction=self._contradiction,
                n_run_samples=self._run_tally.n_samples,
                n_run_lost=self._run_tally.n_lost,
            )

    def _told(self) -> str:
        can = self.board.can
        said = [f"scale {can.scale_words}"] if can.stated is not None else []
        if not can.is_loss_exact:
            said.append(f"loss {can.loss_words}")
        return " · ".join(said)

    def _link_state(self) -> tuple[LinkState, float, str]:
        now_s = self.board.clock.now_s()
        quiet_s = now_s - self._last_came_s
        is_needed = self._state in (LinkState.STREAMING, LinkState.CHECKING)
        if is_needed and not self.board.is_linked:
            words = f"no link to {self.board.address}: trying to connect again"
            return LinkState.LOST, quiet_s, words
        if self._state is LinkState.STREAMING and self._thread is not None and quiet_s > SILENT_S:
            return LinkState.SILENT, quiet_s, f"nothing comes from {self.board.address}"
        return self._state, now_s - self._state_since_s, self._problem

    def window_uv(self, begin_unix_s: float, end_unix_s: float) -> NDArray[np.float64]:
        """Return raw microvolts between two times of the last minutes; NaN in gaps.

        Raises ValueError if the window is empty, or nothing has come yet.
        """
        with self.lock:
            return self.views.history.window(begin_unix_s, end_unix_s)

    def last_uv(self, duration_s: float) -> NDArray[np.float64]:
        """Return the newest raw microvolts, shape (n_samples, n_channels); NaN in gaps."""
        with self.lock:
            return self.views.history.last(duration_s)

    # The stream.

    def start(self, *, threaded: bool | None = None) -> None:
        """Start the board; by default with a thread if its bytes come by themselves.

        Raises EmgrigError if the board cannot be started.
        """
        self._open_stream()
        if self.board.is_paced if threaded is None else threaded:
            self._thread = threading.Thread(target=self._run, name="emgrig desk", daemon=True)
            self._thread.start()

    def step(self) -> bool:
        """Take the next block, or do what is asked for; False when the stream is over.

        In real time all blocks that are there are taken. Raises EmgrigError if the stream fails for
        good.
        """
        self._do_jobs()
        stream = self._stream
        block = None if stream is None else self._next(stream)
        if stream is None or block is None:
            return False
        blocks = [block]
        while self._thread is not None and self.board.is_paced and stream.n_ready:
            blocks.append(next(stream))
        for one in blocks:
            for marker in self._exchange.feed(one):
                self._place(marker.text, marker.unix_s, marker.source)
        with self.lock:
            self._take(blocks)
        self._ask_counters()
        for listener in self._taken_listeners:
            listener()
        return True

    def _next(self, stream: Stream) -> Block | None:
        """Wait for the next block, which holds what came in `GATHER_S`, if nobody is in a hurry."""
        if not self._is_hurried:
            return next(stream, None)

        def has_news() -> bool:
            return bool(stream.n_ready) or (stream.is_due and stream.link.failure is None)

        while (block := stream.next_now()) is None:
            try:
                stream.go_on(lambda: stream.link.wait(has_news, stream.silence_s))
            except StopIteration:
                return None
        return block

    def run_until(self, unix_s: float) -> None:
        """Let time pass: take blocks on virtual time, wait in real time."""
        if self._thread is None:
            while self.unix_s() < unix_s and self.step():
                pass
            return
        while (left_s := unix_s - self.unix_s()) > 0 and not self._is_closing.is_set():
            self._is_closing.wait(min(left_s, 0.2))

    def _run(self) -> None:
        began_s = self.board.clock.now_s() - time.monotonic()
        while not self._is_closing.is_set():
            try:
                if self._stream is None:
                    self._open_stream()
                if not self.step():
                    self._rest_at_the_end()
                elif not self.board.is_paced:
                    began_s = self._wait_for_real_time(began_s)
            except Exception as error:  # whatever it is: the page says it, and it is tried again
                if not self._is_closing.is_set():
                    is_ours = isinstance(error, EmgrigError | OSError)
                    log.warning("%s", error, exc_info=not is_ours)
                    self._lose_stream(str(error) or type(error).__name__)
                    self._is_closing.wait(RETRY_S)

    @property
    def _is_hurried(self) -> bool:
        """Somebody needs each block as it comes: another program, or a tube that is filmed."""
        return self._exchange.is_on or self._turner.is_watched

    def _wait_for_real_time(self, began_s: float) -> float:
        """Let a replay run no faster than it was recorded; return the time at which it began."""
        ahead_s = self.board.clock.now_s() - time.monotonic() - began_s
        if ahead_s > AHEAD_S:
            return began_s + ahead_s
        if ahead_s > 0:
            self._is_closing.wait(ahead_s)
        return began_s

    def _rest_at_the_end(self) -> None:
        """Say that a replay is over, and wait to be closed."""
        self._close_stream()
        words = f"{self.board.address} has come to its end: nothing more will come"
        while True:
            with self.lock:
                self._set_state(LinkState.STOPPED, words)
            if self._is_closing.wait(RETRY_S):
                return
            self._do_jobs()

    def _open_stream(self) -> None:
        if not self.board.is_linked:
            self.board.reconnect()
        self._jobs.restore(self.board)
        queue_samples = max(1, round(STREAM_QUEUE_S * self.rate_hz))
        self._stream = self.board.stream(
            # No longer than usual where packets are made here: the tube may be filmed.
            frames_per_packet=min(DEFAULT_FRAMES_PER_PACKET, self.board.identity.max_frames),
            queue_samples=queue_samples,
            gather_s=GATHER_S,
        )
        with self.lock:
            self.views.new_stream(is_pause=self._is_pause)
            self._is_pause = False
            self._set_state(LinkState.STREAMING)
            self._last_came_s = self._opened_s = self.board.clock.now_s()
            self._run_hz = self._rate_due_s = 0.0
            self._run_tally = Tally()

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _lose_stream(self, problem: str) -> None:
        self._is_pause = False
        with self.lock:
            self._set_state(LinkState.LOST, problem)
        try:
            self._close_stream()
        except Exception as error:  # the thread must not end here
            log.warning("the board could not be told to stop: %s", error)

    def _set_state(self, state: LinkState, problem: str = "") -> None:
        if state is not self._state:
            self._state_since_s = self.board.clock.now_s()
        self._state, self._problem = state, problem

    # A block.

    def _take(self, blocks: Sequence[Block]) -> None:
        fit = self._clock_fit()
        offset = 0  # of the numbers over all streams
        for block in joined(blocks):
            self._tally.add(block)
            self._run_tally.add(block)
            self._record(block)
            for listener in self._block_listeners:
                listener(block)
            length_s, now_s = block.n_samples / self.rate_hz, self.unix_s()
            unix_s = now_s - length_s if fit is None else fit.unix_s(block.board_time_us)
            offset = self.views.feed(block, unix_s) - block.first_conversion
            if block.n_samples:
                self._last_came_s = self.board.clock.now_s()
                self._end_us = block.board_time_us + 1e6 * length_s
                self._end_unix_s = now_s
        self._turn_tube(blocks, offset)

    def _record(self, block: Block) -> None:
        """Hand a block to the recording, but for what came before that began."""
        end_us = block.board_time_us + 1e6 * block.n_samples / self.rate_hz
        is_over = self.unix_s() > self._recorded_unix_s + STARTING_S  # or its time stands still
        if self._recorded_from_us is None or end_us > self._recorded_from_us or is_over:
            self._recorded_from_us = None
            self._keeper.feed(block)

    def _take_over(self) -> None:
        """Have what is there now read, whoever looks when."""
        stream = self._stream
        if stream is not None:
            stream.link.read_now()

    def _turn_tube(self, blocks: Sequence[Block], offset: int) -> None:
        self._follow_rate()
        changes = self._turner.turn(blocks, offset, self._run_hz, self.rate_hz)
        if changes:
            self._keeper.note_tube(changes)

    def _clock_fit(self) -> ClockFit | None:
        """Return the clock fit, a second old at most: a fit has a price."""
        now_s = self.board.clock.now_s()
        if self._fit is None or now_s >= self._fit_due_s:
            self._fit, self._fit_due_s = self.board.clock_fit, now_s + FIT_EVERY_S
        return self._fit

    def _follow_rate(self) -> None:
        """Look at the run's rate by board time: each second, and until it is known in the first.

        Who asks a stream has it decode again what it took as foreseen.
        """
        now_s = self.board.clock.now_s()
        is_soon = not self._run_hz and now_s < self._opened_s + FIT_EVERY_S
        if self._stream is not None and (now_s >= self._rate_due_s or is_soon):
            check = self._stream.rate_check
            self._run_hz = check.measured_hz if check is not None else 0.0
            self._contradiction = self._stream.contradiction
            self._rate_due_s = now_s + FIT_EVERY_S

    def _ask_counters(self) -> None:
        now_s = self.board.clock.now_s()
        if now_s < self._stats_due_s:
            return
        self._stats_due_s = now_s + STATS_EVERY_S
        try:
            counters = asdict(self.board.stats())
        except EmgrigError as error:  # the stream finds out by itself if it is for good
            log.info("%s", error)
            return
        with self.lock:
            self._counters = {name: int(count) for name, count in counters.items()}
            self._measured_hz = self._run_hz

    # Things to do between blocks.

    def run_exclusive(self, job: Callable[[Board], T], *, words: str = "") -> "Future[T]":
        """Have the board alone: the stream stops, `job` is done, and the stream begins anew.

        `job` leaves the registers as they were (`change` is for others); `words` are what the
        status says meanwhile. Raises ValueError if a recording is on: it would have a hole.
        """
        with self.lock:
            if self._keeper.is_on:
                raise ValueError("a recording is on; stop it first: this needs the board alone")
            future = self._jobs.put(job, words)
        if self._thread is None:
            self._do_jobs()
        return future

    def change(
        self, job: Callable[[Board], None], *, words: str, profile: str = ""
    ) -> "Future[None]":
        """Have `job` change settings of the board, as `run_exclusive`; the views follow.

        `profile` is what was applied, if one was. If `job` fails, or leaves no channel on, the
        registers of before are put back.
        """

        def changed(board: Board) -> None:
            job(board)
            self._look_at(board, profile)

        return self.run_exclusive(changed, words=words)

    def _look_at(self, board: Board, profile: str) -> None:
        indices, rate_hz = _powered(board), board.chip.rate_hz
        with self.lock:
            if profile:
                self._keeper.profile = profile
            if profile or indices != self._indices or rate_hz != self.rate_hz:
                self.views = self.views.at(rate_hz, indices)
                self._indices = indices
                self.marks.clear()
                self._measured_hz = 0.0
                self.n_layouts += 1
                for listener in self._layout_listeners:
                    listener()

    @property
    def profile(self) -> str:
        """Name of the profile that was applied last; empty if none was."""
        return self._keeper.profile

    def on_layout(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when channels or rate were changed, with `lock` held."""
        self._layout_listeners.append(listener)

    def _do_jobs(self) -> None:
        is_streaming = self._stream is not None
        if self._jobs.do(self.board, self._pause) and is_streaming:
            self._open_stream()

    def _pause(self, words: str) -> None:
        self._is_pause = True
        with self.lock:
            self._set_state(LinkState.CHECKING, words)
        self._close_stream()

    # Recording, markers, tube.

    def start_recording(self, path: Path, *, overwrite: bool = False) -> None:
        """Begin a recording; the stream goes on.

        Raises ValueError if one is on, somebody has the board alone, or the path makes no sense;
        RecordingError if the file cannot be made; nothing was written.
        """
        self._take_over()
        with self.lock:
            if self._jobs.n_open:
                raise ValueError("no recording now: the board is being checked; wait until it is")
            self._keeper.start(path, contact=self.contact, overwrite=overwrite)
            self._recorded_unix_s = self.unix_s()
            self._recorded_from_us = self._board_time_us(self._recorded_unix_s)

    def stop_recording(self, making: Callable[[float], None] | None = None) -> "Future[Recording]":
        """End the recording at once, and make its files (in the background in real time).

        `making` is told which share of the files is made, 0 to 1, by whoever makes them.
        Raises ValueError if none is on; RecordingError if none is on because the last one could not
        be written on.
        """
        self._take_over()
        with self.lock:
            return self._keeper.stop(background=self._thread is not None, making=making)

    def mark(self, text: str, unix_s: float | None = None) -> None:
        """Put a marker into the recording and the outlet, placed on the board's clock.

        It is placed at `unix_s`, by `unix_s()`; now if not given. Raises ValueError if there is no
        text.
        """
        if not text.strip():
            raise ValueError("a marker needs a text")
        if len(text) > MOST_MARKER:
            raise ValueError(f"a marker of {len(text)} characters; expected {MOST_MARKER} at most")
        at_s = self.unix_s() if unix_s is None else unix_s
        self._place(text, at_s)
        self._exchange.mark(text, at_s)

    def _place(self, text: str, unix_s: float, source: str = "") -> None:
        with self.lock:
            self.marks.add(self.views.column_of(unix_s), text)
            self._keeper.mark(text, self._board_time_us(unix_s), source)

    def _board_time_us(self, unix_s: float) -> int | None:
        """Return the board's time at a Unix time, µs; None if nothing has come.

        Of a clock that cannot be asked, by what came last.
        """
        fit = self._clock_fit()
        if fit is not None:
            return max(round(fit.board_time_us(unix_s)), 0)
        if self._end_us is None:
            return None
        return max(round(self._end_us + 1e6 * (unix_s - self._end_unix_s)), 0)

    def note_tube_shown(self, shown: Sequence[tuple[int, float]]) -> None:
        """Keep when a page showed counts of the tube: (count, Unix time in s)."""
        with self.lock:
            self._keeper.note_tube_shown(shown)

    def on_block(self, listener: BlockListener) -> None:
        """Have `listener` called with each block, from the stream's thread, with `lock` held."""
        self._block_listeners.append(listener)

    def on_taken(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when blocks were taken, from the stream's thread."""
        self._taken_listeners.append(listener)

    def on_tube(self, listener: TubeListener, is_watched: IsWatched = lambda: True) -> None:
        """Have `listener` called with new counts, from the stream's thread.

        With each one, and at once, while `is_watched` says so; else with the last of some.
        """
        self._turner.listen(listener, is_watched)

    # Its end.

    def close(self) -> None:
        """End recording and stream, make the files, and close the board; again does nothing."""
        self._is_closing.set()
        with ExitStack() as closing:  # each of these, whatever happens to the others
            closing.callback(self.board.close)
            closing.callback(self._exchange.close)
            closing.callback(self._close_stream)
            if self._thread is not None:
                closing.callback(self._thread.join, CLOSE_S)
            closing.callback(self._keeper.close)
            with self.lock:
                if self._keeper.is_on:
                    self.stop_recording()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _powered(board: Board) -> list[int]:
    """Return the indices of the channels that are on; ValueError if none is."""
    indices = [int(i) for i in np.flatnonzero(board.chip.powered)]
    if not indices:
        raise ValueError("no channel is on; apply a profile that switches some on (--profile)")
    return indices
