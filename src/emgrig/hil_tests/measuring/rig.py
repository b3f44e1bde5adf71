"""The board under test, as the suite holds it: link, chips, captures, and the way back.

It stands on the driver's link and register layer. `open` finds out what was there; `restore`
in the module of that name puts it back, whatever the checks did.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace

import numpy as np

from emgrig.connect import open_transport
from emgrig.driver.chip.ads1299 import Ads1299
from emgrig.driver.chip.register_access import Opcode
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import N_REGISTERS, Config3, LeadOffFlip
from emgrig.driver.chip.settings import Settings
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.native.link import ATTEMPTS, REQUEST_TIMEOUT_S, Answer, Link
from emgrig.driver.native.port import NativePort, all_chips
from emgrig.driver.samples.clockfit import ClockFit, fit_clock
from emgrig.driver.seams import Clock
from emgrig.errors import EmgrigError, TransportError
from emgrig.hil_tests.judging.check import CannotMeasure
from emgrig.hil_tests.judging.measurement import Samples
from emgrig.hil_tests.measuring.capture import Capture, Collector, assemble
from emgrig.protocol.decoder import DecoderCounts, EventPacket, Item
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import (
    BootEvent,
    Capability,
    ChipLostEvent,
    ClockArguments,
    ClockReading,
    Hello,
    HelloArguments,
    Line,
    OverflowEvent,
    Request,
    SetLine,
    SettingsEpoch,
    StartArguments,
    Started,
    Stats,
    Stopped,
)
from emgrig.protocol.schema import Message
from emgrig.version import __version__

log = logging.getLogger(__name__)

FRAMES_PER_PACKET = 16
N_SETTLE = 4
"""Samples left out as a run begins: an input step settles with the fourth (SBAS499C, 9.3.3)."""
_INTERNAL_REFERENCES = (
    Config3.field("internal_reference").mask | Config3.field("internal_bias_reference").mask
)
STOP_TIMEOUT_S = 10.0
REOPEN_S = 15.0
_POLL_S = 0.05


def canary(n_channels: int) -> int:
    """Return what LOFF_FLIP holds while the suite works; without currents it does nothing."""
    return 0xA5 & (1 << n_channels) - 1


class WatchedLink(Link):
    """A link that remembers how well requests went."""

    slowest_s = 0.0
    n_repeats = 0

    def ask(
        self,
        request: Request,
        arguments: Message | None = None,
        *,
        timeout_s: float = REQUEST_TIMEOUT_S,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """Be `Link.ask`, and note how long it took and how often it was asked."""
        answer = super().ask(request, arguments, timeout_s=timeout_s, attempts=attempts)
        if request is not Request.STOP:  # its answer waits for the frames before it
            self.slowest_s = max(self.slowest_s, answer.received_s - answer.sent_s)
        self.n_repeats += answer.attempts - 1
        return answer


class Rig:
    """One board for one run of the suite.

    Parameters
    ----------
    address : str
        As in `emgrig.connect`.

    Attributes
    ----------
    samples : Samples
        Tally of the check that is on; the plugin sets it to nothing before each.
    incidents : list of str
        What happened that should not have, in that check.
    n_thrown_away : int
        Frames that the board said it threw away, in that check.
    stalls_s : list of float
        Latenesses of captures in that check, s.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.samples = Samples()
        self.incidents: list[str] = []
        self.n_thrown_away = 0
        self.stalls_s: list[float] = []
        self.before: tuple[bytes, ...] = ()
        self.streamed_before = False
        self.is_identified = False
        self._link: WatchedLink | None = None
        self._collector: Collector | None = None
        self._exchanges: list[tuple[float, float, float]] = []

    # Beginning.

    def open(self) -> BoardIdentity:
        """Open the link, ask who is there, and read what its chips hold.

        Raises
        ------
        EmgrigError
            If nobody answers, or something else does.
        ValueError
            If the address makes no sense.
        """
        transport = open_transport(self.address)
        try:
            self._link = WatchedLink(transport)
        except BaseException:
            transport.close()
            raise
        self.link.listener = self._listen
        self.identity = self._hello()
        self.streamed_before = bool(self.stats().streaming)
        self.link.request(Request.STOP, None, Stopped, timeout_s=STOP_TIMEOUT_S)
        self.ports = [NativePort(self.link, n) for n in range(self.identity.chip_count)]
        self._all = all_chips(self.link)
        self.chip = self._new_chip()
        with suppress(EmgrigError):
            self.before = self.read_raw()
        return self.identity

    def _hello(self) -> BoardIdentity:
        arguments = HelloArguments(VERSION, f"emgrig bringup {__version__}")
        return BoardIdentity.from_hello(self.link.request(Request.HELLO, arguments, Hello))

    def _new_chip(self) -> Ads1299:
        return Ads1299(
            self.ports,
            clock=self.clock,
            f_clk_hz=self.identity.f_clk_hz,
            vref_v=self.identity.vref_v,
            quiet=self._quiet,
        )

    @property
    def link(self) -> WatchedLink:
        """The link; TransportError if it was never opened."""
        if self._link is None:
            raise TransportError(f"{self.address} is not open")
        return self._link

    @property
    def is_open(self) -> bool:
        """True if somebody answered, and said who it is."""
        return self._link is not None and hasattr(self, "chip")

    @property
    def is_linked(self) -> bool:
        """True if the link could be opened, whoever is at the other end."""
        return self._link is not None

    @property
    def clock(self) -> Clock:
        """The time in which the board and this program live."""
        return self.link.transport.clock

    @property
    def n_channels(self) -> int:
        """Channels of all chips."""
        return self.chip.n_channels

    @property
    def channels(self) -> range:
        """Numbers of all channels."""
        return range(1, self.n_channels + 1)

    @property
    def wired(self) -> tuple[int, ...]:
        """Channels that have electrodes, as the board says; all if it does not say."""
        return tuple(n for n in self.identity.channels_wired if n <= self.n_channels) or tuple(
            self.channels
        )

    # Registers.

    def identify(self) -> None:
        """Find out which parts the chips are, and prepare them for checks; raises as the driver."""
        self.chip.identify()
        self.is_identified = True
        self.prepare()

    def prepare(self) -> None:
        """Put the chips into the state from which every check begins, in one transaction.

        Reset values, but for the internal reference, that of the bias amplifier, and a canary.
        """
        files = []
        for parts in self.chip.parts:
            raw = bytearray(RegisterFile.reset(parts).raw)
            raw[Config3.ADDRESS] |= _INTERNAL_REFERENCES
            raw[LeadOffFlip.ADDRESS] = canary(parts)
            files.append(RegisterFile(bytes(raw), parts))
        self.chip.apply(Settings.of_files(files))

    def read_raw(self) -> tuple[bytes, ...]:
        """Read the 24 registers of each chip, whatever they are, in SDATAC mode."""
        with self._quiet():
            return tuple(port.read(0, N_REGISTERS) for port in self.ports)

    def command(self, opcode: int) -> None:
        """Send an opcode to all chips."""
        self._all.command(opcode)

    def count(self, n_used: int, n_rejected: int = 0) -> None:
        """Count readings that are no samples (register reads, echoes)."""
        self.samples += Samples(n_used, 0, n_rejected)

    def need(self, capability: Capability) -> None:
        """Raise CannotMeasure unless the board's protocol can do this."""
        if capability not in self.identity.capabilities:
            raise CannotMeasure(f"this board's protocol cannot do {capability.name}")

    def set_line(self, line: Line, *, high: bool) -> None:
        """Drive a pin of the chips."""
        self.need(Capability.SET_LINE)
        self.link.request(Request.SET_LINE, SetLine(line, int(high)), SettingsEpoch)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Have the chips in SDATAC mode; the suite never changes settings in a run."""
        self.command(Opcode.SDATAC)
        yield

    # Runs.

    def capture(self, n_samples: int, *, n_settle: int = N_SETTLE) -> Capture:
        """Run the board until it gave `n_samples` after `n_settle` that are left out.

        If they do not come, what came is returned: the account says what is missing.

        Raises
        ------
        EmgrigError
            If the link is lost or the board refuses.
        """
        rate_hz = self.chip.rate_hz
        collector = Collector(FrameLayout(len(self.chip.parts), self.chip.parts[0]))
        damage = replace(self.link.counts)
        self._collector = collector
        wanted = n_samples + n_settle
        try:
            started = self.start()
            self._wait_for(collector, wanted, timeout_s=wanted / rate_hz * 1.3 + 1.0)
        finally:
            stopped = self.stop()
            self._collector = None
        capture = assemble(
            collector,
            scale_v=self.chip.scale_v,
            rate_hz=rate_hz,
            n_settle=n_settle,
            wanted=wanted,
            started=started,
            stopped=stopped,
            stats=self.stats(),
            damage=_difference(damage, self.link.counts),
        )
        self._tally(capture)
        return capture

    def reset_while_running(self) -> float:
        """RESET the chips in a run; return what the board took to say so, s (3 if it did not)."""
        collector = Collector(FrameLayout(len(self.chip.parts), self.chip.parts[0]))
        self._collector = collector
        try:
            self.start()
            self.link.wait(lambda: collector.n_samples > 0, 2.0)
            self.command(Opcode.RESET)
            began_s = self.clock.now_s()
            self.link.wait(lambda: collector.is_lost, 3.0)
            elapsed_s = self.clock.now_s() - began_s
        finally:
            self.stop()
            self._collector = None
        self.incidents = [text for text in self.incidents if "lost its registers" not in text]
        return elapsed_s

    def count_conversions(self, duration_s: float = 0.3) -> int:
        """Start whatever is there, and ask the board how many data-ready edges it counted."""
        try:
            self.start()
            self.clock.sleep(duration_s)
        finally:
            stopped = self.stop()
        return stopped.conversions

    def start(self) -> Started:
        """Begin a run that watches the canary."""
        arguments = StartArguments(
            min(FRAMES_PER_PACKET, self.identity.max_frames), LeadOffFlip.ADDRESS
        )
        return self.link.request(Request.START, arguments, Started)

    def stop(self) -> Stopped:
        """Stop the run, if one is on; the answer comes behind its last frame."""
        return self.link.request(Request.STOP, None, Stopped, timeout_s=STOP_TIMEOUT_S)

    def _wait_for(self, collector: Collector, wanted: int, *, timeout_s: float) -> None:
        """Wait for samples; in small steps, so that it is known when each of them came."""
        deadline_s = self.clock.now_s() + timeout_s
        while not (collector.n_samples >= wanted or collector.is_lost):
            left_s = deadline_s - self.clock.now_s()
            if left_s <= 0:
                return
            n_before = collector.n_samples
            self.link.wait(
                lambda n=n_before: collector.n_samples > n or collector.is_lost,  # type: ignore[misc]
                min(_POLL_S, left_s),
            )

    def _tally(self, capture: Capture) -> None:
        totals = capture.totals
        self.stalls_s.append(capture.lateness_s)
        self.samples += Samples(
            len(capture.codes), totals.lost, capture.n_rejected + totals.repeated
        )

    def _listen(self, item: Item, host_s: float) -> None:
        if isinstance(item, EventPacket):
            if isinstance(item.body, BootEvent):
                self.incidents.append(f"the board started anew (reset cause {item.body.cause})")
            elif isinstance(item.body, ChipLostEvent):
                self.incidents.append(f"chip {item.body.chip + 1} lost its registers")
            elif isinstance(item.body, OverflowEvent):
                self.n_thrown_away += item.body.frames
        if self._collector is not None:
            self._collector.listen(item, host_s)

    def stats(self) -> Stats:
        """Ask for the board's counters."""
        return self.link.request(Request.STATS, None, Stats)

    # Time.

    def exchange_clocks(self, n_exchanges: int) -> list[float]:
        """Ask the board's clock, for `clock_fit`; return how long each answer took, s."""
        delays_s = []
        for _ in range(n_exchanges):
            answer = self.link.ask(Request.CLOCK, ClockArguments(round(self.link.unix_s() * 1e6)))
            board_us = ClockReading.decode(answer.packet.data).board_time_us
            delays_s.append(answer.received_s - answer.sent_s)
            if answer.attempts == 1:
                self._exchanges.append((answer.sent_s, float(board_us), answer.received_s))
        return delays_s

    def clock_fit(self) -> ClockFit | None:
        """Return the board's clock against this computer's; None if it was never asked."""
        if not self._exchanges:
            return None
        sent, board, received = np.array(self._exchanges, np.float64).T
        return fit_clock(sent, board, received)

    # The way back.

    def reopen(self) -> float:
        """Open a lost link anew; return how long it took, s.

        Raises
        ------
        TransportError
            If it does not come back.
        """
        began_s = self.clock.now_s()
        while True:
            try:
                self.link.reopen()
                self.link.request(Request.STOP, None, Stopped, timeout_s=STOP_TIMEOUT_S)
                return self.clock.now_s() - began_s
            except EmgrigError:
                if self.clock.now_s() - began_s > REOPEN_S:
                    raise
            self.clock.sleep(0.2)

    def close(self) -> None:
        """Close the link; a second call does nothing."""
        if self._link is not None:
            self._link.close()


def _difference(before: DecoderCounts, after: DecoderCounts) -> DecoderCounts:
    names = asdict(before)
    changed = {n: getattr(after, n) - value for n, value in names.items() if n != "last_version"}
    return DecoderCounts(**changed, last_version=after.last_version)
