"""A stream of blocks from a board: nothing in it is lost without a word."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from emgrig.driver.chip.rate import RateCheck, RateVerdict
from emgrig.driver.connection import Connection
from emgrig.driver.interruption import Happened, Interruption
from emgrig.driver.native.link import Link
from emgrig.driver.recovery import ReconnectPolicy, Recovery, recover
from emgrig.driver.samples.assemble import Assembler
from emgrig.driver.samples.block import Block, conversions_in, within_duration
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.driver.samples.foreseen import Foresight
from emgrig.errors import (
    DeviceError,
    EmgrigError,
    TransportEnd,
    TransportError,
    TransportTimeout,
)
from emgrig.protocol.account import Cause, Totals
from emgrig.protocol.decoder import EventPacket, Item
from emgrig.protocol.unmade import Received

log = logging.getLogger(__name__)

DEFAULT_QUEUE_SAMPLES = 1 << 17
SILENCE_S = 2.0
CLOCK_EVERY_S = 5.0
STOP_S = 20.0  #: A board has so long to stop and to say how many conversions there were.
_MOST_BARREN = 8  #: So many recoveries in a row without a sample end a stream.
_MOST_SILENCES = 3  #: So many silences of a board that runs and counts, and it is started anew.


class Stream(Iterator[Block]):
    """Blocks as they come, from START to STOP; made by `Board.stream`.

    Iterate over it in one thread. Settings may be changed meanwhile (`board.chip`), from the same
    thread or another: the stream pauses, and the next block says how long.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        duration_s: float | None = None,
        frames_per_packet: int,
        queue_samples: int = DEFAULT_QUEUE_SAMPLES,
        reconnect: ReconnectPolicy | None = None,
        silence_s: float = SILENCE_S,
        gather_s: float = 0.0,
    ) -> None:
        #: Each time the link was lost, the board started anew or a chip lost its registers.
        self.recoveries: list[Recovery] = []
        self._connection = connection
        self._reconnect = reconnect or ReconnectPolicy()
        self._silence_s = silence_s
        self._gather_s = gather_s if connection.link.gather_bytes else 0.0
        self._gather_frames = connection.link.gather_bytes / connection.identity.layout.frame_bytes
        self._resting = ExitStack()  # while open, the link's own thread rests
        self._is_paced = connection.link.transport.is_paced
        self._queue: deque[Block] = deque()
        self._n_put = 0  # samples that were put there: written under the link's lock
        self._n_taken = 0  # and those taken out: written by who iterates
        self._queue_samples = queue_samples
        self._missing = 0  # data periods that went with dropped blocks, to be told with the next
        self._kept_events: tuple[EventPacket, ...] = ()
        self._dropped = self._unused = 0
        self._failure: EmgrigError | None = None
        self._is_complete = self._is_stopped = False
        self._silent_conversions = -1
        self._n_silent = self._n_barren = 0
        self._clock_due_s = self._rate_hz = 0.0
        self._has_warned = False
        self._bare_assembler = Assembler(
            connection.identity.layout,
            connection.epochs,
            connection.board_time,
            connection.identity.is_same,
            connection.identity.can,
        )
        self._end = (
            None if duration_s is None else conversions_in(duration_s, connection.chip.rate_hz)
        )
        self._foresight = Foresight(
            self._bare_assembler,
            connection.identity.layout,
            lambda: connection.link.decoder,
            self._end,
        )
        self._begin(frames_per_packet)

    def _begin(self, frames_per_packet: int) -> None:
        connection = self._connection
        connection.synchronise()
        self._clock_due_s = connection.link.unix_s() + CLOCK_EVERY_S
        connection.stream_listener = self._take
        connection.link.foreseer = self
        try:
            connection.start_run(frames_per_packet)
            self._rate_hz = connection.chip.rate_hz  # of the run that is on
            self._resting.enter_context(connection.link.read_every(self._pace_s))
        except BaseException:
            connection.stream_listener = connection.link.foreseer = None
            self._is_stopped = True
            self._resting.close()
            raise

    # What is known.

    @property
    def _assembler(self) -> Assembler:
        """The assembler, when it knows all that came."""
        with self._connection.link.lock:
            self.settle()
            return self._bare_assembler

    @property
    def is_on(self) -> bool:
        """True until the board was stopped."""
        return not self._is_stopped

    @property
    def totals(self) -> Totals:
        """The account of every conversion so far; whole after `stop`."""
        return replace(self._assembler.totals, dropped_here=self._dropped, unused=self._unused)

    @property
    def n_ready(self) -> int:
        """Blocks that can be taken without waiting."""
        return len(self._queue)

    @property
    def rate_check(self) -> RateCheck | None:
        """The data rate by board time against the registers'; None before the first sample."""
        return self._assembler.rate_check

    @property
    def contradiction(self) -> str:
        """What board time says against the registers or the count, in words; empty if nothing."""
        check, steps = self.rate_check, self._assembler.board_time.steps
        if check is not None and check.verdict is RateVerdict.BAD:
            return check.words
        return steps[0].words if steps else ""

    @property
    def clock_fit(self) -> ClockFit | None:
        """The board's clock against the host's."""
        return self._connection.clock_fit

    # What comes in: called with the link's lock held.

    def _take(self, item: Item, host_s: float) -> None:
        if self._is_stopped or self._failure is not None:
            return
        try:
            for block in self._bare_assembler.add(item, host_s):
                self._put(block)
        except EmgrigError as error:
            self._failure = error
            return
        self._foresight.look(item)
        rate_hz = self._bare_assembler.rate_hz
        if rate_hz is not None and rate_hz != self._rate_hz:
            self._rate_hz = rate_hz
            bytes_per_s = rate_hz * self._connection.identity.layout.frame_bytes
            self._connection.link.set_pace(self._pace_s, bytes_per_s)

    def take(self, data: Received, unix_s: float, /) -> bool:
        """Take what was foreseen; see `Foreseer`."""
        if self._missing:
            return False
        n_free = self._queue_samples - self._n_put + self._n_taken
        blocks = self._foresight.take(data, unix_s, n_free)
        if blocks is None:
            return False
        for block in blocks:
            self._n_barren = 0
            self._n_put += len(block.codes)
            self._queue.append(block)
        return True

    def settle(self) -> None:
        """Tell decoder and assembler what was taken; see `Foreseer`."""
        self._foresight.settle()

    def _put(self, block: Block) -> None:
        if block.n_samples:
            self._n_barren = 0
        cut = block if self._end is None else self._until(block, self._end)
        if cut is None:
            return
        block = cut
        n_queued = self._n_put - self._n_taken
        is_full = n_queued + block.n_samples > self._queue_samples
        if self._is_paced and is_full and self._queue and block.n_samples:
            self._dropped += block.n_samples
            self._missing += block.lost_before + block.n_samples
            self._kept_events += block.events
            return
        if self._missing:
            log.warning("the reader is too slow: %d samples dropped", self._missing)
            events = self._kept_events + block.events
            lost = block.lost_before + self._missing
            block = replace(block, lost_before=lost, cause=Cause.HOST, events=events)
            self._missing, self._kept_events = 0, ()
        self._n_put += block.n_samples
        self._queue.append(block)

    def _until(self, block: Block, end: int) -> Block | None:
        """Cut off what lies behind the duration; None if nothing is left that must be told."""
        if block.first_conversion + block.n_samples >= end:
            self._is_complete = True
        cut = within_duration(block, end)
        self._unused += block.n_samples - cut.n_samples
        if cut is block or cut.n_samples or cut.lost_before:
            return cut
        # An empty block of the stream's end still has to tell what was dropped here.
        return cut if not block.n_samples and (self._missing or block.events) else None

    # What goes out.

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Block:
        """Wait for the next block.

        Raises
        ------
        StopIteration
            When the duration is over, after `stop`, or at the end of a replay.
        TransportError
            If the link is lost and does not come back.
        DeviceError
            If samples cannot be scaled, or the board stopped converting; also its subclasses, if
            another board came back or its registers could not be restored.
        """
        while (block := self.next_now()) is None:
            self.go_on(self._wait)
        return block

    def next_now(self) -> Block | None:
        """Return the next block if it is there."""
        if not self._queue:
            return None
        try:
            block = self._queue.popleft()
        except IndexError:  # somebody has stopped it
            return None
        self._n_taken += len(block.codes)
        return block

    def give_back(self, block: Block) -> None:
        """Take a block back that was the last to be handed out, and that nobody has used."""
        self._n_taken -= block.n_samples
        self._queue.appendleft(block)

    def go_on(self, wait: Callable[[], bool]) -> None:
        """Do what is due when no block is there; `wait` says whether anything came.

        For who waits for several streams (`emgrig.driver.gather`); raises as ``next`` does.
        """
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self.close()
            raise failure
        if self._is_stopped:
            raise StopIteration
        if self._is_complete:
            self._finish(reconnect=True)
            return
        try:
            connection = self._connection
            if connection.trouble is not None:
                self._recover(connection.trouble)
            if connection.link.received_s >= self._clock_due_s:
                self._follow_clock()
            if wait():
                self._silent_conversions, self._n_silent = -1, 0
            else:
                self._ask_why_silent()
        except TransportEnd:
            self._finish(reconnect=False)
        except TransportError as error:
            self._recover(Interruption(Happened.LINK_LOST, link_said=str(error)))

    @property
    def is_due(self) -> bool:
        """True if `go_on` has to do something, which may take its time."""
        connection = self._connection
        return (
            connection.link.failure is not None
            or connection.trouble is not None
            or self._is_complete
            or self._is_stopped
            or self._failure is not None
            or connection.link.received_s >= self._clock_due_s
        )

    @property
    def link(self) -> Link:
        """The link that it comes over."""
        return self._connection.link

    @property
    def silence_s(self) -> float:
        """After so long without a block it is asked why, s."""
        return self._silence_s

    def _wait(self) -> bool:
        if self._gather_s:
            self._gather()
            if self._has_news():
                return True
        return self._connection.link.wait(self._has_news, self._silence_s)

    @property
    def _pace_s(self) -> float:
        """How long samples come together, s: no more than the system has room for."""
        return min(self._gather_s, self._gather_frames / self._rate_hz)

    def _gather(self) -> None:
        """Let samples come together: a block has a price."""
        link = self._connection.link
        link.transport.clock.sleep(self._pace_s)
        link.read_now()

    def _has_news(self) -> bool:
        is_over = self._is_complete or self._is_stopped or self._failure is not None
        return is_over or bool(self._queue) or self._connection.trouble is not None

    def stop(self) -> list[Block]:
        """Stop the board, in 20 s at most; return the blocks that are left.

        The last one is empty if it has only to say what is missing at the end. A second call
        returns nothing.

        Raises
        ------
        TransportError
            If the board cannot be told to stop. What is left can still be iterated over.
        """
        self._finish(reconnect=True)
        blocks = list(self._queue)
        self._queue.clear()
        return blocks

    def close(self) -> None:
        """Stop the board, if the link is well, and count what nobody took as unused."""
        try:
            self._finish(reconnect=False)
        except TransportError as error:
            log.warning("the board could not be told to stop: %s", error)
        self._leave()

    def _finish(self, *, reconnect: bool) -> None:
        with self._connection.lock:
            if self._is_stopped:
                return
            try:
                self._stop_board(reconnect=reconnect)
            finally:
                with self._connection.link.lock:
                    self.settle()
                    self._is_stopped = True
                    self._resting.close()
                    self._connection.stream_listener = self._connection.link.foreseer = None
                    for block in self._assembler.rest():
                        self._put(block)
                    tail = self._assembler.finish(even_if_whole=bool(self._missing))
                    if tail is not None:
                        self._put(tail)

    def _stop_board(self, *, reconnect: bool) -> None:
        try:
            with self._connection.link.within(STOP_S):
                self._connection.stop_run()
                if self._connection.trouble is None:
                    self._ask_clock(4)
        except TransportError as error:
            if not reconnect or not self._reconnect.total_s:
                raise
            self._assembler.link_lost()
            reason = Interruption(Happened.LINK_LOST, link_said=str(error))
            self.recoveries.append(
                recover(self._connection, self._reconnect, reason, restart=False)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the board; blocks that nobody took count as unused."""
        if kind is not None:
            self.close()
            return
        self._finish(reconnect=True)
        self._leave()

    def _leave(self) -> None:
        self._unused += sum(block.n_samples for block in self._queue)
        self._queue.clear()

    # What goes wrong.

    def _recover(self, reason: Interruption) -> None:
        if not self._reconnect.total_s:
            self.close()
            raise TransportError(f"{reason.words}; reconnection is switched off")
        self._n_barren += 1
        if self._n_barren > _MOST_BARREN:
            self.close()
            raise DeviceError(
                f"{reason.words}; so it was {_MOST_BARREN} times in a row, and no sample between"
            )
        with self._connection.lock:
            if self._connection.link.failure is not None or self._connection.trouble is None:
                self._assembler.link_lost()
            try:
                recovery = recover(self._connection, self._reconnect, reason)
            except EmgrigError:
                self._is_stopped = True
                self._resting.close()
                self._connection.stream_listener = self._connection.link.foreseer = None
                raise
            self.recoveries.append(recovery)

    def _ask_why_silent(self) -> None:
        """Find out, after `silence_s` of nothing, whether the board is there, runs and converts."""
        stats = self._connection.stats()
        log.info("nothing came for %g s: %s", self._silence_s, stats)
        if not stats.streaming:
            self._connection.trouble = Interruption(Happened.BOARD_STOPPED)
        elif stats.conversions == self._silent_conversions:
            self._failure = DeviceError(
                f"the board runs, but its chip made no conversion in {self._silence_s:g} s "
                f"({stats.conversions} before): DRDY does not fall; check clock, START and RESET"
            )
        self._silent_conversions = stats.conversions
        self._n_silent += 1
        if self._n_silent >= _MOST_SILENCES:
            self._n_silent = 0
            said = "the board runs and counts, and none of its samples can be used"
            self._connection.trouble = Interruption(Happened.LINK_LOST, link_said=said)

    def _warn_of_rate(self) -> None:
        """Say once that the rate is not what the registers say, or that time contradicts."""
        if not self._has_warned and (words := self.contradiction):
            log.warning("%s", words)
            self._has_warned = True

    def _follow_clock(self) -> None:
        """Ask the board for its clock now and then, while something comes."""
        self._clock_due_s = self._connection.link.unix_s() + CLOCK_EVERY_S
        self._warn_of_rate()
        self._ask_clock(2)

    def _ask_clock(self, n_exchanges: int) -> None:
        try:
            self._connection.synchronise(n_exchanges)
        except TransportTimeout as error:  # silence for good is found out by `wait`
            log.warning("%s", error)
