"""The board under test, as the suite holds it: its connection, runs, incidents, and the way back.

What the driver does of itself for a user (stop what runs, restore what is lost, go on after an
outage) is what checks look for: the connection leaves it alone here, and runs are taken from it
packet by packet.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from emgrig.connect import open_transport
from emgrig.driver.can import Timing
from emgrig.driver.chip.register_access import Opcode
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import N_REGISTERS, Config1, Config3, LeadOffFlip
from emgrig.driver.chip.settings import Settings
from emgrig.driver.connection import Connection
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.native.link import Link
from emgrig.driver.native.port import all_chips
from emgrig.errors import EmgrigError, RecordingError
from emgrig.hil_tests.judging.check import CannotMeasure
from emgrig.hil_tests.judging.incident import Incident, IncidentKind
from emgrig.hil_tests.judging.measurement import Samples
from emgrig.hil_tests.measuring.capture import Capture, Collector, assemble
from emgrig.hil_tests.measuring.contact import Contact, canary
from emgrig.protocol.decoder import EventPacket, Item
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.packets import (
    DEFAULT_FRAMES_PER_PACKET,
    BootEvent,
    Capability,
    ChipLostEvent,
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
from emgrig.version import __version__

N_SETTLE = 4
"""Samples left out as a run begins: an input step settles with the fourth (SBAS499C, 9.3.3)."""
_INTERNAL_REFERENCES = (
    Config3.field("internal_reference").mask | Config3.field("internal_bias_reference").mask
)
_CLOCK_OUTPUT = Config1.field("clock_output").mask
STOP_TIMEOUT_S = 10.0
REOPEN_S = 15.0
_STEP_S = 0.16
"""How far virtual time moves at once in a run: less than the lateness that is marginal, 0.25 s, by
more than a packet of 16 frames takes to fill at 250 SPS, 64 ms. Each step has its price."""
_LAST_STEP_S = 0.05


class Rig(Contact):
    """One board for one run of the suite."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._collector: Collector | None = None

    # Beginning.

    def open(self) -> BoardIdentity:
        """Open the link, ask who is there, and read what its chips hold.

        Raises EmgrigError if nobody answers, or something else does; ValueError if the address
        makes no sense, RecordingError if it names a file that cannot be read.
        """
        try:
            self._link = Link(open_transport(self.address))
        except (ValueError, RecordingError) as error:
            self.no_address = error
            raise
        client = f"emgrig bringup {__version__}"
        self._connection = Connection(self._link, client=client, inspector=self._listen)
        self.streamed_before = bool(self.stats().streaming)
        self.stop()
        self.is_open = True
        with suppress(EmgrigError):
            self.before = self.read_raw()
        return self.identity

    # Registers.

    def identify(self) -> None:
        """Find out which parts the chips are, and prepare them for checks; raises as the driver."""
        self.connection.identify()
        self.is_identified = True
        self.prepare()

    def prepare(self) -> None:
        """Put the chips into the state from which every check begins, in one transaction.

        Reset values, but for the internal reference, that of the bias amplifier, and a canary; what
        cannot be written stays as it is. Of chips that cannot be reached, nothing.
        """
        if not self.has_registers:
            return
        can = self.identity.can
        files: list[RegisterFile] = []
        for parts, held in zip(self.chip.parts, self.chip.files, strict=True):
            raw = bytearray(RegisterFile.reset(parts).raw)
            raw[Config1.ADDRESS] |= self._clock_outputs[len(files)]  # it may be another's clock
            raw[Config3.ADDRESS] |= _INTERNAL_REFERENCES
            raw[LeadOffFlip.ADDRESS] = canary(parts)
            kept = [raw[n] if can.writes(n) else held.raw[n] for n in range(N_REGISTERS)]
            files.append(RegisterFile(bytes(kept), parts))
        self.chip.apply(Settings.of_files(files))

    def set_rate(self, rate_hz: int) -> int:
        """Set the data rate, if the board can, and return the one that is in force, Hz."""
        if self.identity.can.writes(Config1.ADDRESS):
            self.chip.set_rate(rate_hz)
        return round(self.chip.rate_hz)

    def rates(self, wanted: Sequence[int]) -> Sequence[int]:
        """Return those rates, or the only one that the board has, Hz."""
        can_set = self.has_registers and self.identity.can.writes(Config1.ADDRESS)
        return wanted if can_set else (round(self.chip.rate_hz),)

    @property
    def _clock_outputs(self) -> tuple[int, ...]:
        """The bit CLK_EN of each chip as it was found; 0 if nothing was read."""
        found = tuple(raw[Config1.ADDRESS] & _CLOCK_OUTPUT for raw in self.before)
        return found or (0,) * len(self.chip.parts)

    def read_raw(self) -> tuple[bytes, ...]:
        """Read the 24 registers of each chip, whatever they are, in SDATAC mode."""
        with self.connection.quiet():
            return tuple(port.read(0, N_REGISTERS) for port in self.ports)

    def command(self, opcode: int) -> None:
        """Send an opcode to all chips."""
        all_chips(self.link).command(opcode)

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

    # Runs.

    def capture(self, n_samples: int, *, n_settle: int = N_SETTLE) -> Capture:
        """Run the board until it gave `n_samples` after `n_settle` that are left out.

        If they do not come, what came is returned: the account says what is missing. Raises
        EmgrigError if the link is lost or the board refuses.
        """
        counts, wanted = self.link.counts, n_samples + n_settle
        bad_crc, stray_bytes = counts.bad_crc, counts.skipped_bytes
        with self._collected() as collector:
            try:
                started = self.start()
                timeout_s = wanted / self.chip.rate_hz * 1.3 + 1.0
                self._wait_for(collector, wanted, timeout_s=timeout_s)
            finally:
                stopped = self.stop()
        capture = assemble(
            collector,
            scale_v=self.chip.scale_v,
            rate_hz=self.chip.rate_hz,
            has_two_witnesses=self.identity.can.has_two_witnesses,
            has_clock=self.identity.can.timing is not Timing.NONE,
            n_settle=n_settle,
            started=started,
            stopped=stopped,
            stats=self.stats(),
            bad_crc=self.link.counts.bad_crc - bad_crc,
            stray_bytes=self.link.counts.skipped_bytes - stray_bytes,
        )
        self.stalls_s.append(capture.lateness_s)
        self.samples += Samples(
            len(capture.codes), capture.totals.lost, capture.n_rejected + capture.totals.repeated
        )
        return capture

    @contextmanager
    def _collected(self) -> Iterator[Collector]:
        self._collector = Collector(FrameLayout(len(self.chip.parts), self.chip.parts[0]))
        try:
            yield self._collector
        finally:
            self._collector = None

    def reset_while_running(self) -> float:
        """RESET the chips in a run; return what the board took to say so, s (3 if it did not)."""
        with self._collected() as collector:
            try:
                self.start()
                self.link.wait(lambda: collector.n_samples > 0, 2.0)
                self.command(Opcode.RESET)
                began_s = self.clock.now_s()
                self.link.wait(lambda: collector.is_lost, 3.0)
                elapsed_s = self.clock.now_s() - began_s
            finally:
                self.stop()
        self.incidents = [i for i in self.incidents if i.kind is not IncidentKind.CHIP_LOST]
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
        n_frames = min(DEFAULT_FRAMES_PER_PACKET, self.identity.max_frames)
        arguments = StartArguments(n_frames, LeadOffFlip.ADDRESS)
        return self.link.request(Request.START, arguments, Started)

    def stop(self) -> Stopped:
        """Stop the run, if one is on; the answer comes behind its last frame."""
        return self.link.request(Request.STOP, None, Stopped, timeout_s=STOP_TIMEOUT_S)

    def _wait_for(self, collector: Collector, wanted: int, *, timeout_s: float) -> None:
        """Wait for samples; in small steps, so that it is known when each of them came."""
        deadline_s, rate_hz = self.clock.now_s() + timeout_s, self.chip.rate_hz
        while not (collector.n_samples >= wanted or collector.is_lost):
            left_s = deadline_s - self.clock.now_s()
            if left_s <= 0:
                return
            n_before = collector.n_samples
            missing_s = max((wanted - n_before) / rate_hz, _LAST_STEP_S)
            self.link.wait(
                lambda n=n_before: collector.n_samples > n or collector.is_lost,  # type: ignore[misc]
                min(_STEP_S, missing_s, left_s),
            )

    def _listen(self, item: Item, host_s: float) -> None:
        if isinstance(item, EventPacket):
            if isinstance(item.body, BootEvent):
                cause = item.body.cause
                words = f"the board started anew (reset cause {cause})"
                self.incidents.append(Incident(IncidentKind.BOARD_STARTED, words, value=cause))
            elif isinstance(item.body, ChipLostEvent):
                chip = item.body.chip + 1
                words = f"chip {chip} lost its registers"
                self.incidents.append(Incident(IncidentKind.CHIP_LOST, words, chip))
            elif isinstance(item.body, OverflowEvent):
                self.n_thrown_away += item.body.frames
        if self._collector is not None:
            self._collector.listen(item, host_s)

    def stats(self) -> Stats:
        """Ask for the board's counters."""
        return self.connection.stats()

    # The way back.

    def reopen(self) -> float:
        """Open a lost link anew; return how long it took, s.

        Raises TransportError if it does not come back.
        """
        began_s = self.clock.now_s()
        while True:
            try:
                self.link.reopen()
                self.stop()
                return self.clock.now_s() - began_s
            except EmgrigError:
                if self.clock.now_s() - began_s > REOPEN_S:
                    raise
            self.clock.sleep(0.2)
