"""The firmware of our boards: link protocol version 1 on top of SPI.

It is thin. It never interprets a register; of the chip it knows only which opcodes it sent and
which pins it drove. It is without I/O: bytes in, time in, bytes out.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from emgrig.onboard.chip_control import N_ADDRESSES, ChipControl
from emgrig.onboard.outlet import Link, Outlet
from emgrig.onboard.seams import Bank, BoardClock, BoardFacts, Client
from emgrig.onboard.streaming import Streaming
from emgrig.protocol import packets as wire
from emgrig.protocol.abilities import LineFlag
from emgrig.protocol.answering import Refusal, Replies, outcome
from emgrig.protocol.decoder import Decoder, RequestPacket
from emgrig.protocol.framing import MAX_PAYLOAD_BYTES, VERSION, PacketType
from emgrig.protocol.packets import Capability, ErrorCode, EventType, Line, Request, ResetCause
from emgrig.protocol.schema import Message

log = logging.getLogger(__name__)

MAX_FRAMES: Final = 64
CAPABILITIES: Final = (
    Capability.SET_LINE
    | Capability.IDENTIFY
    | Capability.COUNTER
    | Capability.TRIGGER_INPUT
    | Capability.REBOOT
    | Capability.SIMULATED
)

#: All of it, said in full: registers, status words, exact counts, a clock, three lines, RESET.
ABILITIES: Final = wire.Abilities(
    chip="ADS1299", registers=2, register_list=(), status=2, counting=2, modulus=0, timing=2,
    time_step_us=1, lines=0b111, reset=1, is_stated=0, rate_hz=0.0, gains=(), vref_v=(),
    code_bits=24,
)  # fmt: skip

_NEEDED: Final[dict[int, Capability]] = {
    Request.SET_LINE: Capability.SET_LINE,
    Request.IDENTIFY: Capability.IDENTIFY,
    Request.SET_COUNTER: Capability.COUNTER,
    Request.REBOOT: Capability.REBOOT,
}


_ASKED_ALL_THE_TIME: Final = (Request.CLOCK, Request.STATS)


@dataclass(eq=False)
class NativeClient:
    """One connection to the board."""

    outlet: Outlet  #: Towards the PC.
    is_open: bool = True  #: False once either side has closed it.
    decoder: Decoder = field(default_factory=Decoder)  #: Of what the PC sends.
    replies: Replies = field(default_factory=Replies)  #: What it was answered last.


@dataclass(eq=False)
class Firmware:
    """Answers requests, runs the chips, and streams."""

    bank: Bank  #: The chips, powered on now.
    facts: BoardFacts  #: Who the board is.
    crystal: BoardClock  #: Its clock.
    capabilities: Capability = CAPABILITIES  #: What HELLO says besides `ABILITIES`.
    #: False: the chips were on before, and are taken over with the registers that they have.
    is_cold: bool = True
    #: How loud a request is told, as of `logging`; what programs ask all the time stays at DEBUG.
    told_at: int = logging.DEBUG

    def __post_init__(self) -> None:
        self.control = ChipControl(self.bank)  #: What it sends to the chips.
        self.link = Link()  #: The way to the PC.
        self.digits = 0  #: The number on the digital tube.
        self.blinking_until_s = 0.0  #: True time up to which the board blinks.
        #: Its runs.
        self.streaming = Streaming(self.control, self.crystal, self._report, self.facts.linger_s)
        self._clients: list[NativeClient] = []
        self._owner: NativeClient | None = None
        self._bad_packets = 0
        self._high_water_bytes = 0
        head = wire.SAMPLES_HEADER_BYTES
        self._max_frames = min(MAX_FRAMES, (MAX_PAYLOAD_BYTES - head) // self.bank.frame_bytes)
        self._handlers: dict[int, Callable[[NativeClient, bytes], Message]] = {
            Request.HELLO: self._hello,
            Request.READ_REGISTERS: self._read_registers,
            Request.WRITE_REGISTERS: self._write_registers,
            Request.CHIP_COMMAND: self._chip_command,
            Request.SET_LINE: self._set_line,
            Request.START: self._start,
            Request.STOP: self._stop,
            Request.STATS: self._stats,
            Request.CLOCK: self._clock,
            Request.IDENTIFY: self._identify,
            Request.SET_COUNTER: self._set_counter,
            Request.REBOOT: self._reboot,
        }
        if self.is_cold:
            self._power_on()
        else:
            self.crystal.restart(self.now_s)
            self.control.take_over()
        self._is_reboot_due = False

    @property
    def now_s(self) -> float:
        """True time, s since power-on."""
        return self.bank.now_s

    @property
    def is_streaming(self) -> bool:
        """True from START to STOP."""
        return self.streaming.is_on

    @property
    def produced(self) -> tuple[int, ...]:
        """Ground truth: conversions of the first chip in each run that has ended."""
        return tuple(self.streaming.produced)

    def connect(self, window_bytes: int) -> NativeClient:
        """Take a client whose side holds `window_bytes` that it has not read."""
        client = NativeClient(Outlet(self.link, self.facts.transmit_bytes, window_bytes))
        self._clients.append(client)
        return client

    def disconnect(self, client: Client) -> None:
        """Let go of a client; what waited for it is lost. A run goes on for `linger_s`."""
        if not (isinstance(client, NativeClient) and client.is_open):
            return
        client.is_open = False
        self._clients.remove(client)
        self._bad_packets += client.decoder.counts.bad_crc
        self._high_water_bytes = max(self._high_water_bytes, client.outlet.high_water_bytes)
        lost = client.outlet.clear()
        if client is self._owner:
            self._owner = None
            self.streaming.attach(None)
            self.streaming.throw_away(lost)

    def receive(self, client: Client, data: bytes) -> None:
        """Take bytes from a client and answer the requests in them; never raises on content."""
        if not (isinstance(client, NativeClient) and client.is_open):
            return
        for item in client.decoder.feed(data):
            if isinstance(item, RequestPacket):
                self._answer(client, item)

    def advance(self, until_s: float) -> None:
        """Let time pass up to `until_s`: convert, read, pack, send."""
        self.streaming.advance(until_s)
        for client in self._clients:
            client.outlet.drain(self.now_s)

    def restart(self, cause: ResetCause) -> None:
        """Boot again: the chips are reset, a run is forgotten, the connections stay."""
        self.streaming.abandon()
        self._owner = None
        self._bad_packets = self._high_water_bytes = 0
        for client in self._clients:
            client.outlet.restart()
            client.decoder = Decoder()
            client.replies.clear()
        self._power_on()
        self._report(EventType.BOOT, wire.BootEvent(cause), 0, self.now_s)

    def trigger(self, line: int, *, level: bool) -> None:
        """Report an edge on trigger input `line`, 1 is the first."""
        body = wire.TriggerEvent(line, int(level))
        self._report(EventType.TRIGGER, body, self.streaming.run.conversions, self.now_s)

    def _power_on(self) -> None:
        self.crystal.restart(self.now_s)
        self.digits = 0
        self.control.boot()

    # ---- what goes out ------------------------------------------------------------------------

    def _report(self, event: EventType, body: Message, conversion: int, true_s: float) -> None:
        head = wire.EventHeader(event, conversion & 0xFFFFFFFF, self.crystal.microseconds(true_s))
        payload = head.encode() + body.encode()
        for client in self._clients if self._owner is None else [self._owner]:
            # a comparator at its threshold talks for ever: it must not fill the memory
            if event is not EventType.LEAD_OFF or client.outlet.has_room(len(payload)):
                client.outlet.send(PacketType.EVENT, payload, true_s)

    def _answer(self, client: NativeClient, request: RequestPacket) -> None:
        """Send the one reply to a request; what was done is not done again."""
        reply = client.replies.known(request)
        if reply is None:
            do = partial(self._do, client, request.request)
            status, body = outcome(do, request.arguments)
            self._tell(client, request, body if status != wire.ReplyStatus.OK else b"")
            reply = client.replies.made(request, status, body)
        client.outlet.send(PacketType.REPLY, reply, self.now_s)
        if self._is_reboot_due:
            self._is_reboot_due = False
            self.restart(ResetCause.REQUESTED)

    def _tell(self, client: NativeClient, request: RequestPacket, refusal: bytes) -> None:
        """Log a request."""
        level = logging.DEBUG if request.request in _ASKED_ALL_THE_TIME else self.told_at
        if not log.isEnabledFor(level):
            return
        known = {int(one): one.name for one in Request}
        name = known.get(request.request, f"request {request.request}")
        ended = f"refused, {wire.ErrorReply.decode(refusal).text}" if refusal else "done"
        number = self._clients.index(client) + 1
        log.log(level, "client %d: %s %s: %s", number, name, request.arguments.hex(), ended)

    def _do(self, client: NativeClient, request: int, arguments: bytes) -> Message:
        if self.streaming.is_on and client is not self._owner:
            if self._owner is not None:
                text = "busy: a run is on"
                raise Refusal(text, ErrorCode.BUSY)
            self._owner = client  # who comes first after an outage takes over the run
            self.streaming.attach(client.outlet)
        handler = self._handlers.get(request)
        needed = _NEEDED.get(request, self.capabilities)
        if needed not in self.capabilities:
            raise Refusal(f"this board has nothing for {needed.name}")
        if handler is None:
            text = f"this firmware knows no request {request}; it is version {VERSION}"
            raise Refusal(text, ErrorCode.UNKNOWN_REQUEST)
        return handler(client, arguments)

    # ---- requests -----------------------------------------------------------------------------

    def _hello(self, _client: NativeClient, arguments: bytes) -> Message:
        wire.HelloArguments.decode(arguments)
        facts = self.facts
        return wire.Hello(
            protocol_version=VERSION,
            serial_number=facts.serial_number,
            firmware_version=facts.firmware_version,
            git_revision=facts.git_revision,
            chip_count=len(self.bank),
            channels_per_chip=self.bank.channels_per_chip,
            f_clk_hz=facts.f_clk_hz,
            vref_uv=facts.vref_uv,
            channels_wired=facts.channels_wired,
            series_ohm=facts.series_ohm,
            capabilities=self.capabilities,
            max_frames=self._max_frames,
            can=replace(ABILITIES, lines=self._line_flags()).encode(),
        )

    def _read_registers(self, _client: NativeClient, arguments: bytes) -> Message:
        asked = wire.ReadRegisters.decode(arguments)
        values = self.control.read(asked.chip, asked.address, asked.count)
        return wire.Registers(self.control.settings, values)

    def _write_registers(self, _client: NativeClient, arguments: bytes) -> Message:
        asked = wire.WriteRegisters.decode(arguments)
        self.control.check_access(asked.chip, asked.address, len(asked.values))
        self.streaming.make_way()
        self.control.write(asked.chip, asked.address, asked.values)
        return wire.SettingsEpoch(self.control.settings)

    def _chip_command(self, _client: NativeClient, arguments: bytes) -> Message:
        asked = wire.ChipCommand.decode(arguments)
        self.control.check_chip(asked.chip)
        self.streaming.make_way()
        self.control.command(asked.opcode, asked.chip)
        return wire.SettingsEpoch(self.control.settings)

    def _set_line(self, _client: NativeClient, arguments: bytes) -> Message:
        asked = wire.SetLine.decode(arguments)
        if asked.line not in Line.__members__.values() or asked.level > 1:
            text = f"line {asked.line}, level {asked.level}; lines are 1 to 3, levels 0 and 1"
            raise Refusal(text, ErrorCode.BAD_ARGUMENT)
        self.streaming.make_way()
        self.control.set_line(Line(asked.line), level=bool(asked.level))
        return wire.SettingsEpoch(self.control.settings)

    def _start(self, client: NativeClient, arguments: bytes) -> Message:
        asked = wire.StartArguments.decode(arguments)
        if self.streaming.is_on:
            raise Refusal("a run is on; send STOP first", ErrorCode.BUSY)
        if not 1 <= asked.frames_per_packet <= self._max_frames:
            text = (
                f"{asked.frames_per_packet} frames a packet; 1 to {self._max_frames} are possible"
            )
            raise Refusal(text, ErrorCode.BAD_ARGUMENT)
        if asked.canary >= N_ADDRESSES:
            text = f"canary {asked.canary:02X}h; addresses are 00h to 1Fh"
            raise Refusal(text, ErrorCode.BAD_ARGUMENT)
        self._owner = client
        self.streaming.start(asked.frames_per_packet, asked.canary, client.outlet)
        run = self.streaming.run
        started_us = self.crystal.microseconds(run.begun_s)
        return wire.Started(run.number, self.control.settings, started_us)

    def _stop(self, _client: NativeClient, _arguments: bytes) -> Message:
        if not self.streaming.is_on:
            return wire.Stopped(0, 0, self._now_us())
        self.streaming.stop()
        self._owner = None
        run = self.streaming.run
        return wire.Stopped(run.number, run.conversions & 0xFFFFFFFF, self._now_us())

    def _stats(self, _client: NativeClient, _arguments: bytes) -> Message:
        run = self.streaming.run
        outlets = [client.outlet.high_water_bytes for client in self._clients]
        bad = sum(client.decoder.counts.bad_crc for client in self._clients)
        return wire.Stats(
            uptime_us=self._now_us(),
            run=run.number,
            streaming=int(self.streaming.is_on),
            settings=self.control.settings,
            conversions=run.conversions & 0xFFFFFFFF,
            frames_sent=self.streaming.frames_sent & 0xFFFFFFFF,
            missed_drdy=run.missed & 0xFFFFFFFF,
            transmit_overflows=run.thrown_away & 0xFFFFFFFF,
            brown_outs=self.streaming.brown_outs,
            bad_packets=self._bad_packets + bad,
            buffer_high_water=max([self._high_water_bytes, *outlets]),
        )

    def _clock(self, _client: NativeClient, arguments: bytes) -> Message:
        asked = wire.ClockArguments.decode(arguments)
        return wire.ClockReading(asked.host_time_us, self._now_us())

    def _identify(self, _client: NativeClient, arguments: bytes) -> Message:
        asked = wire.IdentifyArguments.decode(arguments)
        self.blinking_until_s = self.now_s + asked.duration_ms / 1e3
        return wire.NoArguments()

    def _set_counter(self, _client: NativeClient, arguments: bytes) -> Message:
        self.digits = wire.SetCounterArguments.decode(arguments).count
        conversion = self.streaming.run.conversions if self.streaming.is_on else 0
        self._report(EventType.COUNTER, wire.CounterEvent(self.digits), conversion, self.now_s)
        return wire.NoArguments()

    def _reboot(self, _client: NativeClient, _arguments: bytes) -> Message:
        self._is_reboot_due = True
        return wire.NoArguments()

    def _line_flags(self) -> int:
        return sum(flag for flag in LineFlag if Line[str(flag.name)] in self.bank.lines)

    def _now_us(self) -> int:
        return self.crystal.microseconds(self.now_s)
