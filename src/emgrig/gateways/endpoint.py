"""The board link in front of a board whose chips we command: requests in, replies and samples out.

`Endpoint` is a transport. What a board's own language can do is a `HostedBoard`: registers, runs,
a clock. Requests wait until the reader comes by: one thread alone talks with the board.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from emgrig.driver.can import Can
from emgrig.driver.seams import Clock, Transport
from emgrig.errors import TransportError, TransportTimeout
from emgrig.gateways.outgoing import Outgoing
from emgrig.protocol import packets as wire
from emgrig.protocol.answering import Refusal, Replies
from emgrig.protocol.decoder import Decoder, RequestPacket
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import (
    ALL_CHIPS,
    Capability,
    ErrorCode,
    EventType,
    Request,
)
from emgrig.protocol.schema import Message

log = logging.getLogger(__name__)

SLICE_S = 0.02  #: The board's bytes are waited for so long at once: a request comes meanwhile.
BRISK_SLICE_S = 0.002  #: The same, while requests follow each other.
BRISK_S = 0.5
N_ADDRESSES = 32
NOT_TOLD = 0  #: Reset cause of a board that does not say it.


@dataclass(frozen=True)
class Facts:
    """What a board says of itself, or what is known of all boards of its kind."""

    title: str  #: Of the board, for messages.
    firmware_version: str
    n_chips: int
    channels_per_chip: int
    can: Can
    is_simulated: bool
    f_clk_hz: int = 2_048_000
    vref_uv: int = 4_500_000


class HostedBoard(Protocol):
    """A board in its own language. All but `wake` and `close` is called by one thread.

    What comes by itself goes to `out`: samples of the run that is on, and events. TransportError if
    the board does not answer; Refusal if it cannot do what is asked.
    """

    out: Outgoing  #: Where samples go.
    on_boot: Callable[[], None]  #: To be called when the board is seen to have started anew.
    on_chip_lost: Callable[[wire.ChipLostEvent], None]  #: And when a chip fell back to reset.

    @property
    def inner(self) -> Transport | None:
        """What its bytes come over, if that is a transport."""

    @property
    def clock(self) -> Clock:
        """The time of what its bytes come over."""

    @property
    def is_paced(self) -> bool:
        """See `Transport.is_paced`."""

    def meet(self) -> Facts:
        """Find out who is there, whatever it does at the moment, and make it quiet."""

    def pump(self, timeout_s: float) -> None:
        """Wait for bytes, and take them; TransportTimeout if none come."""

    def mind(self) -> None:
        """Do what comes before any request: a board that has started anew is met again."""

    def wake(self) -> None:
        """Let a `pump` that waits end, if what is below can do that."""

    def now_us(self) -> int:
        """Board time, µs."""

    def read(self, chip: int, address: int, count: int) -> bytes:
        """Read registers; no run is on."""

    def write(self, chip: int, address: int, values: bytes) -> None:
        """Write registers; no run is on."""

    def command(self, chip: int, opcode: int) -> bool:
        """Send an opcode to a chip or to all; True if registers may have changed."""

    @property
    def is_in_rdatac(self) -> bool:
        """True if the chips send data and hear of no register."""

    def start(self, canary: int) -> int:
        """Begin a run that watches a register; return the board time of its beginning, µs."""

    def stop(self) -> None:
        """End it: what it will ever give has come when this returns."""

    def reopen(self) -> None:
        """Open the link below anew."""

    def close(self) -> None:
        """Close it."""


class Endpoint:
    """A hosted board, as a board of ours; fits `emgrig.driver.seams.Transport`.

    Parameters
    ----------
    board : HostedBoard
        The board; it is closed with this.
    address : str
        Opens it again.
    name : str
        Serial number that HELLO tells.

    Raises
    ------
    TransportError, WireError
        If the board is not there, or another is.
    """

    packs_here = True  #: A packet is made on this computer, however long it is.

    def __init__(self, board: HostedBoard, *, address: str, name: str) -> None:
        self.address = address
        self.board = board
        self.is_paced = board.is_paced
        self._name = name
        self._requests = Decoder()
        self._asked: deque[RequestPacket] = deque()
        self._writing = threading.Lock()
        self._replies = Replies()
        self._is_closed = False
        self._brisk_until_s = 0.0
        self._settings = self._run = 0
        self._is_on = False
        self._conversions = 0  # of the last run that has ended
        self._handlers: dict[int, Callable[[bytes], Message]] = {
            Request.HELLO: self._hello,
            Request.READ_REGISTERS: self._read_registers,
            Request.WRITE_REGISTERS: self._write_registers,
            Request.CHIP_COMMAND: self._chip_command,
            Request.START: self._start,
            Request.STOP: self._stop,
            Request.STATS: self._stats,
            Request.CLOCK: self._clock,
        }
        self._out = board.out
        board.on_boot, board.on_chip_lost = self._booted, self._chip_lost
        try:
            self._meet()
        except BaseException:
            board.close()
            raise

    def _meet(self) -> None:
        self.facts = self.board.meet()
        self._out.frame_bytes = self.facts.n_chips * 3 * (1 + self.facts.channels_per_chip)

    @property
    def inner(self) -> Transport | None:
        """What the board's bytes come over, if that is a transport."""
        return self.board.inner

    @property
    def clock(self) -> Clock:
        """The time of the transport below."""
        return self.board.clock

    # ---- the seam -----------------------------------------------------------------------------

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Return 1 to `max_bytes` bytes of the board link; see the seam."""
        deadline_s = self.clock.now_s() + timeout_s
        while True:
            self.board.mind()
            if self._asked and not self._out:
                self._answer(self._asked.popleft())
            if self._out:
                return self._out.take(max_bytes)
            now_s = self.clock.now_s()
            slice_s = BRISK_SLICE_S if now_s < self._brisk_until_s else SLICE_S
            left_s = max(deadline_s - now_s, 0.0)
            with suppress(TransportTimeout):
                self.board.pump(min(left_s, slice_s) if self.is_paced else left_s)
            if not self._out and not self._asked and self.clock.now_s() >= deadline_s:
                raise TransportTimeout(f"{self.address}: nothing came in {timeout_s:g} s")

    def write(self, data: bytes, /) -> None:
        """Take requests; `read` answers them."""
        with self._writing:
            if self._is_closed:
                raise TransportError(f"{self.address} is closed")
            for item in self._requests.feed(data):
                if isinstance(item, RequestPacket):
                    self._asked.append(item)
            self._brisk_until_s = self.clock.now_s() + BRISK_S
        self.board.wake()

    def reopen(self) -> None:
        """Open the board's link anew, and see that it is there; see the seam."""
        self.board.reopen()
        self._is_closed = False
        if self._is_on:
            self._conversions, self._is_on = self._out.conversions, False
        with self._writing:
            self._requests = Decoder()
            self._asked.clear()
        self._out.clear()
        self._settings = (self._settings + 1) & 0xFFFF  # whoever was there meanwhile
        self._meet()

    def close(self) -> None:
        """Close the board's link; a second call does nothing."""
        self._is_closed = True
        self.board.close()

    # ---- what the board does by itself --------------------------------------------------------

    def _booted(self) -> None:
        self._is_on, self._settings = False, 0
        self._replies.clear()
        self._out.event(EventType.BOOT, wire.BootEvent(NOT_TOLD), 0)

    def _chip_lost(self, body: wire.ChipLostEvent) -> None:
        self._settings = (self._settings + 1) & 0xFFFF
        self._out.event(EventType.CHIP_LOST, body, self._out.last_us)

    # ---- requests -----------------------------------------------------------------------------

    def _answer(self, asked: RequestPacket) -> None:
        handler = self._handlers.get(asked.request, self._refuse)
        try:
            reply = self._replies.answer(asked, handler)
        except TransportTimeout as silence:  # to whoever waits it is a link that is lost
            raise TransportError(str(silence)) from silence
        self._out.reply(reply)

    def _refuse(self, _: bytes) -> Message:
        raise Refusal(f"a {self.facts.title} cannot do that")

    def _hello(self, arguments: bytes) -> Message:
        wire.HelloArguments.decode(arguments)
        facts = self.facts
        return wire.Hello(
            protocol_version=VERSION,
            serial_number=self._name,
            firmware_version=facts.firmware_version,
            git_revision="not told",
            chip_count=facts.n_chips,
            channels_per_chip=facts.channels_per_chip,
            f_clk_hz=facts.f_clk_hz,
            vref_uv=facts.vref_uv,
            channels_wired=0,  # the board does not know what is connected
            series_ohm=(),
            capabilities=Capability.SIMULATED if facts.is_simulated else 0,
            max_frames=self._out.max_frames,
            can=facts.can.to_hello(),
        )

    def _read_registers(self, arguments: bytes) -> Message:
        asked = wire.ReadRegisters.decode(arguments)
        self._check_access(asked.chip, asked.address, asked.count)
        return wire.Registers(
            self._settings, self.board.read(asked.chip, asked.address, asked.count)
        )

    def _write_registers(self, arguments: bytes) -> Message:
        asked = wire.WriteRegisters.decode(arguments)
        self._check_access(asked.chip, asked.address, len(asked.values))
        self._new_epoch()
        self.board.write(asked.chip, asked.address, asked.values)
        return wire.SettingsEpoch(self._settings)

    def _check_access(self, chip: int, address: int, count: int) -> None:
        self._check_chip(chip, others=False)
        if not 1 <= count <= N_ADDRESSES or address + count > N_ADDRESSES:
            text = f"{count} registers from {address:02X}h; addresses are 00h to 1Fh"
            raise Refusal(text, ErrorCode.BAD_ARGUMENT)
        if self._is_on or self.board.is_in_rdatac:
            text = f"chip {chip} is in RDATAC and ignores register access; send STOP or SDATAC"
            raise Refusal(text, ErrorCode.IN_RDATAC)

    def _check_chip(self, chip: int, *, others: bool) -> None:
        if chip >= self.facts.n_chips and not (others and chip == ALL_CHIPS):
            text = f"there is no chip {chip}; this board has {self.facts.n_chips}, the first is 0"
            raise Refusal(text, ErrorCode.NO_SUCH_CHIP)

    def _chip_command(self, arguments: bytes) -> Message:
        asked = wire.ChipCommand.decode(arguments)
        self._check_chip(asked.chip, others=True)
        if self.board.command(asked.chip, asked.opcode):
            self._new_epoch()
        return wire.SettingsEpoch(self._settings)

    def _new_epoch(self) -> None:
        self._settings = (self._settings + 1) & 0xFFFF

    def _start(self, arguments: bytes) -> Message:
        asked = wire.StartArguments.decode(arguments)
        if self._is_on:
            raise Refusal("a run is on already; send STOP first", ErrorCode.BUSY)
        if not 1 <= asked.frames_per_packet <= self._out.max_frames:
            text = (
                f"{asked.frames_per_packet} frames a packet; 1 to {self._out.max_frames} are "
                "possible"
            )
            raise Refusal(text, ErrorCode.BAD_ARGUMENT)
        self._out.begin_run(asked.frames_per_packet, self._settings)
        began_us = self.board.start(asked.canary)
        self._is_on = True
        self._run = self._run % 0xFFFF + 1
        return wire.Started(self._run, self._settings, began_us)

    def _stop(self, _: bytes) -> Message:
        if not self._is_on:
            return wire.Stopped(0, 0, self.board.now_us())
        self.board.stop()
        self._out.flush()
        self._is_on = False
        self._conversions = self._out.conversions
        return wire.Stopped(self._run, self._conversions & 0xFFFFFFFF, self.board.now_us())

    def _stats(self, _: bytes) -> Message:
        conversions = self._out.conversions if self._is_on else self._conversions
        return wire.Stats(
            uptime_us=max(self.board.now_us(), 0),
            run=self._run,
            streaming=int(self._is_on),
            settings=self._settings,
            conversions=conversions & 0xFFFFFFFF,
            frames_sent=self._out.n_sent,
            missed_drdy=0,
            transmit_overflows=self._out.n_thrown,
            brown_outs=0,
            bad_packets=0,
            buffer_high_water=0,
        )

    def _clock(self, arguments: bytes) -> Message:
        asked = wire.ClockArguments.decode(arguments)
        return wire.ClockReading(asked.host_time_us, self.board.now_us())
