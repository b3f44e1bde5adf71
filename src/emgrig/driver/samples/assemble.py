"""Packets to blocks: scaled by the settings they were taken under, placed in one count of samples.

The same code serves a live stream and a capture that is read later: no I/O, no clock.
"""

from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import replace

import numpy as np

from emgrig.driver.can import Can, StatusWord, Timing
from emgrig.driver.chip.model import ADS1299
from emgrig.driver.chip.rate import RateCheck, RunTiming
from emgrig.driver.samples.block import Block, Epoch
from emgrig.driver.samples.board_time import BoardTime
from emgrig.driver.samples.calm import Calm
from emgrig.driver.samples.past_runs import ENDLESS, PastRuns, RunLine, RunStart
from emgrig.driver.samples.proof import Proof
from emgrig.errors import DeviceError, WireError
from emgrig.protocol.account import WRAP, Cause, LossAccount, Piece, Totals
from emgrig.protocol.decoder import (
    EventPacket,
    Item,
    OnePacket,
    ReplyPacket,
    RequestPacket,
    SamplePackets,
)
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.packets import EventType, Request, SampleFlag, Started, Stats, Stopped

#: A gap that is longer, s, is believed if board time bears it out, or else the next packet.
FAR_S = 10.0


class Assembler:
    """Turn what the decoder gives into blocks of one stream.

    A board counts conversions from 0 in each run. A stream goes on over runs: a pause for a change
    of settings, a lost link, a board that started anew. Its count is placed by the board's own
    count inside a run, by board time between runs, and by host time if the board started anew.

    Parameters
    ----------
    layout : FrameLayout
        How frames are made.
    epochs : dict of int to Epoch, optional
        Settings by number. It is looked into, not copied: whoever owns it adds to it.
    board_time : BoardTime, optional
        The board's clock, shared with whoever asks it for the time.
    is_same : callable, optional
        What comes on a link that was opened anew waits until HELLO was answered so (`Proof`).
    can : Can, optional
        What the board can tell: without a clock there is no second witness of a loss and no
        measured rate, and without a count a loss is an estimate.
    """

    def __init__(
        self,
        layout: FrameLayout,
        epochs: MutableMapping[int, Epoch] | None = None,
        board_time: BoardTime | None = None,
        is_same: Callable[[bytes], bool] | None = None,
        can: Can | None = None,
    ) -> None:
        self._layout = layout
        self._can = can or Can()
        self._epochs = {} if epochs is None else epochs
        self.board_time = board_time or BoardTime()  #: The board's clock; it says contradictions.
        self._proof = Proof(is_same)
        self._account = LossAccount()
        self._past = PastRuns()
        self._line: RunLine | None = None  # of the run that is on, from its last packet
        self._run_start: RunStart | None = None
        self._start_id: int | None = None
        self._expecting = True  # a run that begins with what comes next
        self._open = False  # a run is on
        self._run: int | None = None
        self._origin = 0  # the conversion that this run begins with
        self._base: int | None = 0  # the stream's count at conversion 0 of this run
        self._end = 0  # the stream's count where the last run ended, as far as is known
        self._position = 0  # the stream's count after the last block
        self._boundary = Cause.NONE  # why a new run began, until its first block
        self._cut = False  # the link was lost since the last block
        self._was_cut = False  # the link was lost since the last run began
        self._timing: RunTiming | None = None
        self._timing_position = 0  # the stream's count at `_timing.last_us`
        self._last_host_s = 0.0
        self._epoch: Epoch | None = None
        self._events: list[EventPacket] = []
        self._skims = False
        self._late = self._paused = 0
        self._outage_end = self._outage_link = self._outage_board = 0

    @property
    def latest(self) -> tuple[int, int] | None:
        """Where the last packet of samples lies: the stream's count, and its board time, us."""
        return None if self._timing is None else (self._timing_position, self._timing.last_us)

    # What goes in.

    def add_epoch(self, epoch: Epoch) -> None:
        """Make the settings of an epoch known; must come before its samples."""
        self._epochs[epoch.number] = epoch

    def add(self, item: Item, host_s: float) -> list[Block]:
        """Take one item, in the order of the stream; return the blocks it completes.

        Parameters
        ----------
        item : Item
            From the decoder. Requests that were sent tell a START that was asked twice from two.
        host_s : float
            Host time when its bytes came, s (any zero); places the stream if the board restarted.

        Raises
        ------
        DeviceError
            If samples come of an epoch whose registers are not known, or frames of another length.
        """
        passed = self._proof.passed(item, host_s)
        return [block for one, came_s in passed for block in self._add(one, came_s)]

    def _add(self, item: Item, host_s: float) -> list[Block]:
        if isinstance(item, SamplePackets):
            return self._samples(item, host_s)
        if isinstance(item, RequestPacket):
            if item.request == Request.START and item.id != self._start_id:
                self._start_id, self._expecting = item.id, True
        elif isinstance(item, ReplyPacket):
            with suppress(WireError):  # whoever asked is told
                self._reply(item, host_s)
        else:
            self._event(item)
        return []

    def skim(self, items: list[Item], host_s: float) -> None:
        """Take items whose blocks were made already, by `Foreseen`: all but making them."""
        self._skims = True
        try:
            for item in items:
                self.add(item, host_s)
        finally:
            self._skims = False

    def calm(self) -> Calm | None:
        """Where the run stands, if the next packet can be foreseen; see `Foreseen`."""
        epoch, line, timing, base = self._epoch, self._line, self._timing, self._base
        if epoch is None or line is None or timing is None or base is None:
            return None
        is_calm = (
            self._open
            and not self._expecting
            and self._boundary is Cause.NONE
            and not (self._cut or self._events)
            and self._account.is_calm
            and self._proof.is_calm
            and base + self._account.expected == self._position
        )
        if not is_calm:
            return None
        return Calm(
            conversion=self._account.expected % WRAP,
            position=self._position,
            raw_us=line.raw_us,
            offset_us=self.board_time.offset_us,
            period_us=line.period_us,
            epoch=epoch,
            checks_status=self._can.status is StatusWord.WHOLE,
            is_late=self._is_late if len(self._past) else None,
        )

    def _is_late(self, packet: OnePacket) -> bool:
        return self._past.is_late(packet, self._line)

    def link_lost(self) -> None:
        """Say that the link was lost at this place: what is missing next went in the outage."""
        self._cut = self._was_cut = True
        self._proof.link_lost()

    def rest(self) -> list[Block]:
        """Say that nothing more will come; return what waited for a proof of the board."""
        return [block for one, came_s in self._proof.rest() for block in self._add(one, came_s)]

    def finish(self, *, even_if_whole: bool = False) -> Block | None:
        """Say that the stream has ended; return an empty block if its end lacks something.

        With `even_if_whole` return one in any case, unless not even the settings are known.
        """
        end = self._end if self._base is None else self._base + self._account.expected
        lost = max(end - self._position, 0)
        epoch = self._epoch
        if epoch is None or not (lost or self._events or even_if_whole):
            return None
        timing = self._timing
        time_us = 0
        if timing is not None:
            time_us = timing.last_us + round((end - self._timing_position) * timing.period_us)
        cause = (Cause.OUTAGE if self._cut else Cause.TAIL) if lost else Cause.NONE
        empty = self._layout.codes(np.empty((0, self._layout.frame_bytes), np.uint8))
        status = np.empty((0, self._layout.n_chips), np.uint32)
        self._position, events = end, self._take_events()
        return Block(empty, status, end, time_us, epoch, lost, cause, events=events)

    # What is known.

    @property
    def position(self) -> int:
        """The stream's count after the last block."""
        return self._position

    @property
    def rate_hz(self) -> float | None:
        """Data rate of the newest run, as its settings say; None if they are not known."""
        return None if self._epoch is None else self._epoch.rate_hz

    @property
    def totals(self) -> Totals:
        """The account so far."""
        account = self._account.totals
        return replace(
            account,
            lost_on_link=account.lost_on_link - self._outage_link,
            lost_on_board=account.lost_on_board - self._outage_board,
            lost_at_end=account.lost_at_end - self._outage_end,
            lost_in_outages=self._outage_link + self._outage_board + self._outage_end,
            paused=self._paused,
            repeated=account.repeated + self._late,
        )

    @property
    def rate_check(self) -> RateCheck | None:
        """The data rate of this run; None before its first sample, and without a clock."""
        if self._timing is None or self._can.timing is Timing.NONE:
            return None
        return self._timing.check()

    # Runs.

    def _reply(self, reply: ReplyPacket, host_s: float) -> None:
        if reply.error is not None:
            return
        if reply.request == Request.START:
            self._started(Started.decode(reply.data), host_s)
        elif reply.request == Request.STOP:
            stopped = Stopped.decode(reply.data)
            if self._open and stopped.run and self._run in (None, stopped.run):
                self._end_run(stopped.conversions)
        elif reply.request == Request.STATS and self._open:
            stats = Stats.decode(reply.data)
            if not stats.streaming and stats.run == self._run:  # the board ended it by itself
                self._end_run(stats.conversions)

    def _event(self, event: EventPacket) -> None:
        if event.event == EventType.BOOT:
            self.board_time.begin_anew()
            self._past.forget()
            self._line = None
            if self._open:  # how many conversions there were behind the last packet is not known
                self._open = False
                self._boundary = Cause.RESTART
                self._end = self._base_now() + self._account.expected
        elif event.event == EventType.CHIP_LOST and self._open:
            self._end_run(event.conversion)
        time_us = self.board_time.place(event.board_time_us)
        self._events.append(replace(event, board_time_us=time_us))

    def _started(self, started: Started, host_s: float) -> None:
        if not self._expecting and self._run in (None, started.run) and self._open:
            self._run = started.run  # its samples, or the same answer, came before
            return
        began_us = self.board_time.place(started.board_time_us)
        if self._timing is not None and began_us < self._timing.last_us:
            self._boundary = Cause.RESTART
            self.board_time.begin_anew()
        self._begin_run(self._epochs.get(started.settings))
        self._run = started.run
        self._run_start = RunStart(started.board_time_us, host_s)

    def _begin_run(self, epoch: Epoch | None) -> None:
        is_first = self._timing is None and not self._end
        if self._open and not is_first:
            self._boundary = Cause.RESTART  # nobody said that the run before had ended
            self._end = self._base_now() + self._account.expected
        elif not is_first and self._boundary is not Cause.RESTART:
            self._boundary = Cause.OUTAGE if self._was_cut else Cause.PAUSE
        self._epoch = epoch or self._epoch
        if self._line is not None:
            self._past.add(self._line._replace(end=self._account.expected))
        far = WRAP // 2 if epoch is None else round(FAR_S * epoch.rate_hz)
        period_us = 1e6 / epoch.rate_hz if epoch and self._can.has_two_witnesses else 0.0
        self._account.begin_run(period_us, most_lost=far)
        self.board_time.begin_run()
        self._base, self._origin = 0 if is_first else None, 0
        self._expecting, self._open, self._run = False, True, None
        self._was_cut, self._run_start, self._line = False, None, None

    def _end_run(self, conversions: int) -> None:
        missing = self._account.end_run(conversions)
        if self._cut:
            self._outage_end += missing
        self._end = self._base_now() + self._account.expected
        self._open = False

    def _base_now(self) -> int:
        """Where this run lies; one without a sample is put right behind the one before."""
        if self._base is None:
            self._base = self._end
        return self._base

    # Samples.

    def _samples(self, packets: SamplePackets, host_s: float) -> list[Block]:
        if packets.frame_bytes != self._layout.frame_bytes:
            raise DeviceError(
                f"frames of {packets.frame_bytes} bytes came; {self._layout.n_chips} chips of "
                f"{self._layout.channels_per_chip} channels give {self._layout.frame_bytes}"
            )
        timely = self._timely(packets)
        if timely is None:
            return []
        packets = timely
        if self._expecting:
            self._begin_run(self._epochs.get(int(packets.settings[0])))
        if self._line is None:
            self._find_origin(packets, host_s)
        blocks = [
            block for piece in self._account.add(packets) for block in self._blocks(piece, host_s)
        ]
        self._last_host_s = host_s
        return blocks

    def _timely(self, packets: SamplePackets) -> SamplePackets | None:
        """Count packets of a run that is over, and return the others; None if there are none."""
        if not (self._open or self._expecting):
            n_late = packets.n_packets
        elif not len(self._past):
            return packets
        elif isinstance(packets, OnePacket):
            n_late = int(self._past.is_late(packets, self._line_now()))
        else:
            is_late = self._past.late(packets, self._line_now())
            n_late = int(is_late.sum())
            if 0 < n_late < packets.n_packets:
                self._late += n_late * packets.n_frames
                return packets.part(~is_late)
        self._late += n_late * packets.n_frames  # counted as lost in their run
        return None if n_late else packets

    def _line_now(self) -> RunLine | None:
        """Where packets of the run lie in time: by the last one, or by its START."""
        if self._line or not (self._run_start and self._epoch):
            return self._line
        return self._run_start.line(self._epoch.rate_hz)

    def _find_origin(self, packets: SamplePackets, host_s: float) -> None:
        """Begin to count at the first packet if the run was on before, or did not begin at 0.

        So many conversions as its number says cannot have been since START.
        """
        number, most = int(packets.first_conversion[0]), WRAP // 2 - 1
        if self._run_start and self._epoch:
            most = self._run_start.most(packets, host_s, self._epoch.rate_hz)
        if number <= most:
            return
        self._account.begin_at(number)
        self._origin = number
        if self._base is not None:  # the first run of the stream
            self._base = self._position - number

    def _blocks(self, piece: Piece, host_s: float) -> list[Block]:
        """Cut a piece where its settings change; one block for each."""
        packets = self._in_time(piece)
        if isinstance(packets, OnePacket):
            return self._placed(packets, piece, 0, packets.epoch, host_s)
        settings = packets.settings
        changes = (np.flatnonzero(np.diff(settings)) + 1).tolist() if len(settings) > 1 else []
        blocks: list[Block] = []
        for begin, end in zip([0, *changes], [*changes, len(settings)], strict=True):
            part = packets
            if changes:
                part = part.part(np.s_[begin:end])
            blocks += self._placed(part, piece, begin, int(settings[begin]), host_s)
        return blocks

    def _placed(
        self, part: SamplePackets, piece: Piece, begin: int, settings: int, host_s: float
    ) -> list[Block]:
        """Make a block of the packets of a piece from number `begin` on; place a new run."""
        epoch = self._known_epoch(settings)
        conversion = piece.first_conversion + begin * part.n_frames
        if self._base is None:
            end = conversion + part.n_packets * part.n_frames
            board_us = _first_us(part)
            self._base = self._place(conversion, board_us, end, host_s, epoch)
        if self._skims:
            self._pass(part, conversion, epoch)
            return []
        return [self._block(part, conversion, epoch, piece.cause)]

    def _in_time(self, piece: Piece) -> SamplePackets:
        """Return the packets of a piece with their times on one line."""
        packets, first = piece.packets, piece.first_conversion
        if isinstance(packets, OnePacket):
            period_us = self._period_us(packets.epoch)
            self._line = RunLine(first, packets.time_us, period_us, self._origin, ENDLESS)
            return packets.at_us(self.board_time.follow_one(first, packets.time_us, period_us))
        conversions = np.arange(packets.n_packets, dtype=np.int64) * packets.n_frames + first
        period_us = self._period_us(int(packets.settings[0]))
        self._line = RunLine(
            int(conversions[-1]), int(packets.board_time_us[-1]), period_us, self._origin, ENDLESS
        )
        return packets.at(self.board_time.follow(conversions, packets.board_time_us, period_us))

    def _period_us(self, settings: int) -> float:
        """Return the data period as far as it is known, µs; 0 if not at all."""
        if self._timing and self._boundary is Cause.NONE and self._timing.period_us > 0:
            return self._timing.period_us
        epoch = self._epochs.get(settings)
        return 1e6 / epoch.rate_hz if epoch else 0.0

    def _known_epoch(self, number: int) -> Epoch:
        if number not in self._epochs:
            known = ", ".join(map(str, sorted(self._epochs))) or "none"
            raise DeviceError(
                f"samples came of settings epoch {number}, whose registers were never read (known: "
                f"{known}) and cannot be scaled: another program wrote registers, or the chip fell "
                "back to its reset state; connect anew"
            )
        return self._epochs[number]

    def _place(
        self, conversion: int, board_us: int, end_conversion: int, host_s: float, epoch: Epoch
    ) -> int:
        """Find the stream's count at conversion 0 of a new run, from its first samples."""
        base, timing = self._end, self._timing
        if self._boundary is Cause.RESTART:  # the time of its clock says nothing
            elapsed_s = host_s - self._last_host_s
            base = self._position + round(elapsed_s * epoch.rate_hz) - end_conversion
        elif timing is not None:
            slowness = timing.period_us * timing.rate_hz * 1e-6
            period_us = slowness * 1e6 / epoch.rate_hz
            behind_us = (self._end - self._timing_position) * timing.period_us
            gap_us = board_us - conversion * period_us - (timing.last_us + behind_us)
            base = self._end + round(gap_us / period_us)
        begins = max(base + self._origin, self._end)
        self._paused += begins - self._end
        return begins - self._origin

    def _block(self, packets: SamplePackets, conversion: int, epoch: Epoch, cause: Cause) -> Block:
        first = self._base_now() + conversion
        lost = first - self._position
        if self._boundary is not Cause.NONE:
            cause = self._boundary
        elif self._cut and lost:
            if cause is Cause.BOARD:
                self._outage_board += lost
            else:
                self._outage_link += lost
            cause = Cause.OUTAGE
        is_counted = self._boundary is Cause.NONE
        status = packets.status(self._layout)
        if isinstance(packets, OnePacket):
            flags = packets.flag_bits
            is_status = ADS1299.are_status(packets.status_begins(self._layout))
        else:
            flags = int(np.bitwise_or.reduce(packets.flags))
            is_status = bool(ADS1299.is_status(status).all())
        if self._can.status is StatusWord.WHOLE and not is_status:
            flags |= SampleFlag.STATUS_WRONG
        block = Block(
            codes=packets.codes(self._layout),
            status=status,
            first_conversion=first,
            board_time_us=_first_us(packets),
            epoch=epoch,
            lost_before=lost,
            cause=cause if lost else Cause.NONE,
            is_estimate=lost > 0 and not (is_counted and self._can.is_loss_counted),
            flags=flags,
            events=self._take_events(),
        )
        self._pass(packets, conversion, epoch)
        return block

    def _pass(self, packets: SamplePackets, conversion: int, epoch: Epoch) -> None:
        """Move on behind packets whose block is made."""
        self._follow_time(packets, conversion, epoch)
        self._position = self._base_now() + conversion + packets.n_packets * packets.n_frames
        self._epoch, self._boundary, self._cut = epoch, Cause.NONE, False

    def _follow_time(self, packets: SamplePackets, conversion: int, epoch: Epoch) -> None:
        if isinstance(packets, OnePacket):
            last, first_us = conversion, packets.time_us
            last_us = first_us
        else:
            last = conversion + (packets.n_packets - 1) * packets.n_frames
            first_us, last_us = int(packets.board_time_us[0]), int(packets.board_time_us[-1])
        is_new = self._timing is None or self._boundary is not Cause.NONE
        if self._timing is None or is_new or self._timing.rate_hz != epoch.rate_hz:
            self._timing = RunTiming(conversion, first_us, last, last_us, epoch.rate_hz)
        else:
            self._timing.last_conversion, self._timing.last_us = last, last_us
        self._timing_position = self._base_now() + last

    def _take_events(self) -> tuple[EventPacket, ...]:
        events, self._events = tuple(self._events), []
        return events


def _first_us(packets: SamplePackets) -> int:
    """Return the board time of the first packet, µs."""
    if isinstance(packets, OnePacket):
        return packets.time_us
    return int(packets.board_time_us[0])
