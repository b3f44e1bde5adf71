"""The connection to one board: who it is, what its chips hold, whether it runs."""

import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

import numpy as np

from emgrig.driver.can import StatedChips, Timing
from emgrig.driver.captures.journal import Entry, Journal, epoch_entry, identity_entry
from emgrig.driver.chip.ads1299 import Ads1299
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import Config1
from emgrig.driver.chip.transaction import SDATAC, Files, Mended, mended_words
from emgrig.driver.interruption import Happened, Interruption
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.native.link import Link, Listener, Tap
from emgrig.driver.native.port import NativePort, all_chips
from emgrig.driver.samples.block import Epoch, make_epoch, stated_epoch
from emgrig.driver.samples.board_time import BoardTime
from emgrig.driver.samples.clockfit import ClockFit, fit_clock
from emgrig.errors import DeviceError, IdentityError, RequestRefused, TransportError, WireError
from emgrig.protocol.decoder import EventPacket, Item
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import (
    BootEvent,
    ChipLostEvent,
    ClockArguments,
    ClockReading,
    Hello,
    HelloArguments,
    Request,
    StartArguments,
    Started,
    Stats,
    Stopped,
)

log = logging.getLogger(__name__)

STRANGERS_S = 20.0  #: So long others may come where a board is waited for.
N_EXCHANGES = 8192  #: Clock exchanges that are kept; at one every 2.5 s that is some hours.


class Connection:
    """What is known and believed of a board; `Board` is the face that a user sees.

    Parameters
    ----------
    link : Link
        Open; closed again if the connection cannot begin.
    client : str
        Name and version of this program, for HELLO.
    tap : Tap, optional
        Who gets the raw bytes.
    inspector : Listener, optional
        Who looks for faults: it is told everything from the first byte on, a run that is on is not
        stopped at the beginning, and what board or chip lose by themselves is not restored.
    """

    def __init__(
        self,
        link: Link,
        *,
        client: str,
        tap: Tap | None = None,
        inspector: Listener | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.client = client
        #: Settings that were read back, by the board's epoch number.
        self.epochs: dict[int, Epoch] = {}
        self.channel_names: tuple[str, ...] = ()  #: One a channel.
        self.board_time = BoardTime()  #: The board's clock; used with the link's lock held.
        #: Of the run that is on, or should be; None if the board is to be stopped.
        self.frames_per_packet: int | None = None
        #: Why the chips must be compared and restored before the stream can go on.
        self.trouble: Interruption | None = None
        self.stream_listener: Listener | None = inspector  #: The stream that is on.
        self._journal: Journal | None = None
        self._believed: Files | None = None
        self._mends = inspector is None
        self._quiet_depth = 0
        self._exchanges: deque[tuple[float, float, float]] = deque(maxlen=N_EXCHANGES)
        self.link = link
        try:
            self.link.tap, self.link.listener = tap, self._listen
            self.identity = BoardIdentity.from_hello(self._first_hello())
            if inspector is None:
                self.link.request(Request.STOP, None, Stopped)  # whatever ran before
        except BaseException:
            self.link.close()
            raise
        chips = range(self.identity.chip_count)
        #: One a chip.
        self.ports = tuple(NativePort(self.link, chip_index, self.identity) for chip_index in chips)
        self._all = all_chips(self.link)
        #: Its `quiet` stops a running stream and lets it go on.
        self.chip = Ads1299(
            self.ports,
            clock=link.transport.clock,
            f_clk_hz=self.identity.f_clk_hz,
            vref_v=self.identity.vref_v,
            quiet=self.quiet,
            on_change=self._registers_read,
            stated=self._stated_chips(),
            sent_hz=self.identity.can.rate_hz,
        )
        if self.identity.channels_per_chip:
            self.name_channels({})
        self._take_stated()

    # Who is there.

    def _stated_chips(self) -> StatedChips | None:
        identity = self.identity
        if identity.can.stated is None:
            return None
        parts = (identity.channels_per_chip,) * identity.chip_count
        return StatedChips(identity.serial_number, identity.can, identity.can.stated, parts)

    def _take_stated(self) -> None:
        """Take what a board without registers states for the settings of its only epoch."""
        stated = self.identity.can.stated
        if stated is not None:
            self._believed = ()
            number = self.stats().settings
            self.ports[-1].epoch = number
            self.epochs[number] = stated_epoch(number, stated, self.identity.chip_count)

    def identify(self, *, force_channels: int | None = None) -> None:
        """Ask the chips who they are; raises as `Ads1299.identify` does.

        Of a board whose registers cannot be reached, what its HELLO said is all there is.
        """
        if self.identity.can.stated is not None:
            return
        self.trouble = self._believed = None
        files = self.chip.identify(force_channels=force_channels)
        ids = tuple(file.raw[0] for file in files)
        channels = self.identity.channels_per_chip or files[0].n_channels
        self.identity = replace(self.identity, chip_ids=ids, channels_per_chip=channels)
        if not self.channel_names:
            self.name_channels({})
        self._registers_read(files)
        self.note(identity_entry(self.identity, self.link.transport.address))

    def hello_again(self) -> None:
        """Say HELLO on a link that was opened anew; IdentityError if it is another board."""
        found = BoardIdentity.from_hello(self._hello())
        expected = self.identity
        if found.serial_number != expected.serial_number:
            raise IdentityError(
                f"board {found.serial_number!r} answers where {expected.serial_number!r} was; "
                "connect anew if that is meant"
            )
        if changed := expected.differences(found):
            raise IdentityError(
                f"board {found.serial_number!r} came back changed: {changed}; its samples cannot "
                "be read as those before: connect anew if that is meant"
            )

    def same_chips(self, before: Files) -> None:
        """Raise IdentityError if a chip names itself in another way than before."""
        for chip, (was, now) in enumerate(zip(before, self.believed, strict=True), start=1):
            if was.raw[0] != now.raw[0]:
                raise IdentityError(
                    f"chip {chip} has ID {now.raw[0]:02X}h where {was.raw[0]:02X}h was: it is "
                    "another chip; connect anew if that is meant"
                )

    def _hello(self) -> Hello:
        return self.link.request(Request.HELLO, HelloArguments(VERSION, self.client), Hello)

    def _first_hello(self) -> Hello:
        """Say HELLO; where we listen, whoever does not answer it is let go, and the next asked."""
        clock = self.link.transport.clock
        began_s = clock.now_s()
        while True:
            try:
                return self._hello()
            except (TransportError, WireError) as error:
                listens = getattr(self.link.transport, "listens", False)
                if not listens or clock.now_s() - began_s > STRANGERS_S:
                    raise
                log.info("%s; waiting for another", error)
                self.link.reopen()

    def name_channels(self, names: dict[int, str]) -> None:
        """Name the channels; those that are not in `names` are "channel n"."""
        n_channels = self.identity.layout.n_channels
        self.channel_names = tuple(names.get(n, f"channel {n}") for n in range(1, n_channels + 1))

    def forget(self) -> None:
        """Forget what the epochs mean: if the board started anew, it counts them anew too."""
        self.epochs.clear()
        for port in self.ports:
            port.epoch = None
        self._take_stated()

    # Registers.

    def _registers_read(self, files: Files) -> None:
        """Take over what the chips were read to hold, as the settings of the epoch in force."""
        self._believed = files
        number = self.ports[-1].epoch
        if number is None or not self.identity.channels_per_chip:
            return
        layout = self.identity.layout
        try:
            epoch = make_epoch(
                number,
                [RegisterFile(file.raw, layout.channels_per_chip) for file in files],
                f_clk_hz=self.identity.f_clk_hz,
                vref_v=self.identity.vref_v,
                sent_hz=self.identity.can.rate_hz,
            )
        except DeviceError as error:
            log.warning("samples of epoch %d will not be scaled: %s", number, error)
            return
        known = self.epochs.get(number)
        self.epochs[number] = epoch
        if known is None or known.registers != epoch.registers:
            self.note(epoch_entry(epoch, self.identity, self.channel_names))

    def need_registers(self, what: str) -> None:
        """Raise BoardCannot if the chips of this board cannot be reached; nothing was sent."""
        if self.identity.can.stated is not None:
            self.identity.can.refuse(self.identity.serial_number, what)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Have all chips in SDATAC mode; a run that is on is stopped, and begun anew after it."""
        self.need_registers("read or set registers")
        with self.lock:
            frames = self.frames_per_packet if not self._quiet_depth else None
            if frames is not None:
                self.stop_run()
            elif not self._quiet_depth:
                self._all.command(SDATAC)
            self._quiet_depth += 1
            try:
                self._mend()
                yield
            except TransportError:
                if frames is not None:  # whoever recovers the link starts the run
                    self.frames_per_packet, frames = frames, None
                raise
            finally:
                self._quiet_depth -= 1
                if frames is not None:
                    self.start_run(frames)

    def restore(self, believed: Files) -> tuple[Mended, ...]:
        """Put back what the chips should hold, if they can be reached; return what was not so."""
        if self.identity.can.stated is not None:
            return ()
        return self.chip.restore(believed).changes

    def _mend(self) -> None:
        """Restore what board or chip lost by themselves, before it is taken for what was meant."""
        if not self._mends or self.trouble is None or self._believed is None:
            return
        reason, self.trouble = self.trouble, None
        believed = self._believed
        self.forget()
        restored = self.chip.restore(believed).changes
        log.warning("%s; %s", reason.words, mended_words(restored))
        self.note(
            {
                "kind": "recovery",
                "reason": asdict(reason),
                "restored": [asdict(one) for one in restored],
            }
        )

    @property
    def believed(self) -> Files:
        """What the chips were last read to hold; DeviceError if they were never read."""
        if self._believed is None:
            raise DeviceError("the registers were never read: call board.chip.identify() first")
        return self._believed

    # Runs.

    def start_run(self, frames_per_packet: int) -> Started:
        """Start a run; its settings are known before its first sample comes."""
        with self.lock:
            if self.identity.can.stated is not None:
                self.trouble = None
            elif self.trouble is not None or self.ports[-1].epoch not in self.epochs:
                self.chip.read_registers()
            arguments = StartArguments(frames_per_packet, self._canary())
            self.frames_per_packet = frames_per_packet
            try:
                started = self.link.request(Request.START, arguments, Started)
            except RequestRefused:
                self.frames_per_packet = None
                raise
        self.note(
            {
                "kind": "start",
                "run": started.run,
                "epoch": started.settings,
                "board_time_us": started.board_time_us,
            }
        )
        return started

    def stop_run(self) -> Stopped:
        """Stop the run, if one is on."""
        with self.lock:
            stopped = self.link.request(Request.STOP, None, Stopped)
            self.frames_per_packet = None
        self.note({"kind": "stop", **asdict(stopped)})
        return stopped

    def stats(self) -> Stats:
        """Ask for the board's counters."""
        return self.link.request(Request.STATS, None, Stats)

    def _canary(self) -> int:
        """Choose a register to watch: one that would change if the chip fell back to reset."""
        if not self.believed:  # no register can be watched
            return Config1.ADDRESS
        held = self.believed[0]
        wrong = RegisterFile.reset(held.n_channels).wrong_bits(held)
        return wrong[0][0].address if wrong else Config1.ADDRESS

    def _listen(self, item: Item, host_s: float) -> None:
        if isinstance(item, EventPacket):
            if isinstance(item.body, BootEvent):
                self.trouble = Interruption(Happened.BOARD_STARTED, reset_cause=item.body.cause)
                self._exchanges.clear()  # its clock began anew too
                self.board_time.begin_anew()
            elif isinstance(item.body, ChipLostEvent):
                self.trouble = Interruption(Happened.CHIP_LOST, chip=item.body.chip + 1)
        if self.stream_listener is not None:
            self.stream_listener(item, host_s)

    # Time.

    def synchronise(self, n_exchanges: int = 8) -> list[float]:
        """Ask the board's clock some times, for `clock_fit`; return how long answers took, s.

        Of a board that has no clock, or none that can be asked, nothing is asked.
        """
        if self.identity.can.timing is not Timing.ASKED:
            return []
        taken: list[list[float]] = []  # board times as they were said
        delays_s: list[float] = []
        for _ in range(n_exchanges):
            answer = self.link.ask(Request.CLOCK, ClockArguments(round(self.link.unix_s() * 1e6)))
            board_us = self.link.read_answer(answer, ClockReading).board_time_us
            delays_s.append(answer.received_s - answer.sent_s)
            if answer.attempts == 1:  # else it is not known which question was answered
                taken.append([answer.sent_s, float(board_us), answer.received_s])
        with self.link.lock:
            for sent_s, raw_us, received_s in taken:
                time_us = float(self.board_time.move_to(int(raw_us)))
                if self._exchanges and time_us < self._exchanges[-1][1]:
                    self._exchanges.clear()
                self._exchanges.append((sent_s, time_us, received_s))
        self.note({"kind": "clock", "exchanges": taken})
        return delays_s

    @property
    def clock_fit(self) -> ClockFit | None:
        """The board's clock against the host's, from all exchanges; None before the first."""
        if not self._exchanges:
            return None
        sent, board, received = np.array(self._exchanges, np.float64).T
        return fit_clock(sent, board, received)

    # Notes.

    @property
    def journal(self) -> Journal | None:
        """Who is told what happens."""
        return self._journal

    @journal.setter
    def journal(self, journal: Journal | None) -> None:
        self._journal = journal
        self.note(identity_entry(self.identity, self.link.transport.address))
        if epoch := self.epochs.get(self.ports[-1].epoch or 0):
            self.note(epoch_entry(epoch, self.identity, self.channel_names))

    def note(self, entry: Entry) -> None:
        """Tell the journal, if there is one."""
        if self._journal is not None:
            self._journal({**entry, "unix_s": self.link.unix_s()})
