"""A board without chip or electronics: the link protocol, registers in a list, made-up samples.

It does what `docs/protocol.md` asks of a firmware and no more. What each conversion must hold is
known (`true_codes`), and what happens to each packet on the way out can be said (`on_the_wire`).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.errors import TransportError, TransportTimeout
from emgrig.protocol import packets as wire
from emgrig.protocol.decoder import Decoder, RequestPacket
from emgrig.protocol.frames import pack_codes
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import ErrorCode, EventType, Request
from emgrig.protocol.schema import Message

RESET = bytes.fromhex("3E96C06000" + "61" * 8 + "00" * 11)
CODE_MASK = 0x7FFFFF


_OF_CHANNELS = 8 * np.arange(8) + 1


def true_codes(run: ArrayLike, conversions: ArrayLike) -> NDArray[np.int32]:
    """What the fake chip converts, different for each run and conversion.

    Shape (8,), or (n, 8) of n conversions.
    """
    first = np.asarray(run, np.int64) * 1_000_003 + np.asarray(conversions, np.int64) * 64
    codes = (first[..., None] + _OF_CHANNELS) & CODE_MASK
    return codes.astype(np.int32) - (1 << 22)


class Clock:
    """Virtual time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def now_s(self) -> float:
        return self.now

    def unix_s(self) -> float:
        return self.now + 1.6e9

    def sleep(self, duration_s: float) -> None:
        self.now += duration_s


class FakeBoard:
    """See the module.

    Attributes
    ----------
    out : bytearray
        What waits for the PC.
    on_the_wire : function
        Given a whole packet, returns the bytes that arrive.
    refuse : dict
        Requests that are answered with this error.
    deaf : int
        So many requests are not heard.
    protocol_version, chip_count, capabilities, f_clk_hz, vref_uv, channels_per_chip : int
        What HELLO says.
    canary : int
        The register that the last START asked to watch.
    conversions_stop_at : int or None
        The chip stops converting there.
    tick_us : float
        What the board's clock counts in a true µs.
    requests : list of int
        Those that were done.
    stuck : dict of int
        Registers that take this value, whatever is written.
    produced : list of int
        Conversions of each run that ended.
    """

    def __init__(self, serial_number: str = "F-1") -> None:
        self.serial_number = serial_number
        self.out = bytearray()
        self.on_the_wire: Callable[[bytes], bytes] = lambda packet: packet
        self.refuse: dict[int, tuple[int, str]] = {}
        self.deaf = 0
        self.protocol_version, self.chip_count, self.capabilities = 1, 1, 0x1F
        self.f_clk_hz, self.vref_uv, self.channels_per_chip = 2_048_000, 4_500_000, 8
        self.conversions_stop_at: int | None = None
        self.canary = -1
        self.tick_us = 1.0
        self.now_s = 0.0
        self.requests: list[int] = []
        self.produced: list[int] = []
        self.run = 0
        self.stuck: dict[int, int] = {}
        self._power_on()

    def _power_on(self) -> None:
        self.boot_s = self.now_s
        self.registers = bytearray(RESET)
        self.epoch = 0
        self.run = 0
        self.streaming = False
        self.conversions = 0
        self.in_rdatac = True
        self.decoder, self.encode = Decoder(), PacketEncoder()
        self.remembered: dict[tuple[int, int, bytes], bytes] = {}

    def connected(self) -> None:
        """A PC has connected anew: what was for another is gone."""
        self.out.clear()
        self.decoder, self.encode = Decoder(), PacketEncoder()
        self.remembered.clear()

    def restart(self) -> None:
        """Lose power and boot."""
        self._power_on()
        self.out.clear()
        self.event(EventType.BOOT, wire.BootEvent(1))

    def brown_out(self) -> None:
        """Lose the chip's registers; the firmware notices and ends the run."""
        self._flush()
        self._end_run()
        self.registers = bytearray(RESET)
        self.in_rdatac = True
        self.epoch += 1
        self.event(EventType.CHIP_LOST, wire.ChipLostEvent(0, 1, 0x94, 0x96))

    @property
    def board_us(self) -> int:
        return round((self.now_s - self.boot_s) * 1e6 * self.tick_us)

    @property
    def period_s(self) -> float:
        return float(128 << (self.registers[1] & 7)) / 2.048e6

    def send(self, packet_type: int, payload: bytes) -> None:
        self.out += self.on_the_wire(self.encode(packet_type, payload))

    def event(self, event: EventType, body: Message) -> None:
        head = wire.EventHeader(event, self.conversions, self.board_us)
        self.send(PacketType.EVENT, head.encode() + body.encode())

    # Conversions.

    def advance(self, until_s: float) -> None:
        while self.streaming and self._next_s <= until_s:
            if self.conversions == self.conversions_stop_at:
                break
            self.now_s = self._next_s
            if not self._frames:
                self._first, self._first_us = self.conversions, self.board_us
            self._frames.append(self.conversions)
            self.conversions += 1
            self._next_s += self.period_s
            if len(self._frames) == self._per_packet:
                self._flush()
        self.now_s = max(self.now_s, until_s)

    def _flush(self) -> None:
        if not self.streaming or not self._frames:
            return
        codes = true_codes(self.run, self._frames)
        frames = pack_codes(codes, np.full((len(codes), 1), 0xC00000, np.uint32)).tobytes()
        head = wire.SamplesHeader(self._first, self._first_us, len(codes), 27, self.epoch, 0)
        self._frames = []
        self.send(PacketType.SAMPLES, head.encode() + frames)

    def _end_run(self) -> None:
        if self.streaming:
            self.produced.append(self.conversions)
        self.streaming = False

    # Requests.

    def receive(self, data: bytes) -> None:
        for item in self.decoder.feed(data):
            assert isinstance(item, RequestPacket)
            if self.deaf:
                self.deaf -= 1
                continue
            self._answer(item)

    def _answer(self, item: RequestPacket) -> None:
        key = (item.id, item.request, item.arguments)
        if key not in self.remembered:
            self.requests.append(item.request)
            self.remembered[key] = self._reply(item)
        self.send(PacketType.REPLY, self.remembered[key])
        if item.request == Request.REBOOT:
            self.restart()

    def _reply(self, item: RequestPacket) -> bytes:
        error = self.refuse.get(item.request)
        arguments = wire.ARGUMENTS[Request(item.request)].decode(item.arguments)
        is_access = item.request in (Request.READ_REGISTERS, Request.WRITE_REGISTERS)
        if is_access and self.in_rdatac:
            error = ErrorCode.IN_RDATAC, "the chip is in RDATAC"
        if error is not None:
            head = wire.ReplyHeader(item.id, item.request, 1).encode()
            return head + wire.ErrorReply(*error).encode()
        return wire.ReplyHeader(item.id, item.request, 0).encode() + self._do(arguments).encode()

    def _do(self, asked: Message) -> Message:
        match asked:
            case wire.HelloArguments():
                return wire.Hello(
                    self.protocol_version, self.serial_number, "0.1", "abc", self.chip_count,
                    self.channels_per_chip, self.f_clk_hz, self.vref_uv, 0x7F, (2200,),
                    int(self.capabilities), 64,
                )  # fmt: skip
            case wire.ReadRegisters():
                end = asked.address + asked.count
                return wire.Registers(self.epoch, bytes(self.registers[asked.address : end]))
            case wire.WriteRegisters():
                for address, value in enumerate(asked.values, start=asked.address):
                    self.registers[address] = self.stuck.get(address, value)
                self.epoch += 1
            case wire.ChipCommand():
                self.in_rdatac = asked.opcode == 0x10 or (self.in_rdatac and asked.opcode != 0x11)
            case wire.StartArguments():
                self.canary = asked.canary
                return self._start(asked.frames_per_packet)
            case wire.ClockArguments():
                return wire.ClockReading(asked.host_time_us, self.board_us)
            case wire.SetCounterArguments():
                self.event(EventType.COUNTER, wire.CounterEvent(asked.count))
                return wire.NoArguments()
            case wire.IdentifyArguments():
                return wire.NoArguments()
            case _:
                return self._do_bare(self.requests[-1])
        return wire.SettingsEpoch(self.epoch)

    def _do_bare(self, request: int) -> Message:
        if request == Request.STOP:
            self._flush()
            run = self.run if self.streaming else 0
            self._end_run()
            self.in_rdatac = False
            return wire.Stopped(run, self.conversions if run else 0, self.board_us)
        if request == Request.STATS:
            return wire.Stats(
                self.board_us, self.run, self.streaming, self.epoch, self.conversions,
                0, 0, 0, 0, 0, 0,
            )  # fmt: skip
        return wire.NoArguments() if request == Request.REBOOT else wire.SettingsEpoch(self.epoch)

    def _start(self, frames_per_packet: int) -> Message:
        self.run += 1
        self.streaming, self.in_rdatac, self.conversions = True, True, 0
        self._frames: list[int] = []  # numbers of their conversions
        self._per_packet = frames_per_packet
        self._next_s = self.now_s + 4 * self.period_s
        return wire.Started(self.run, self.epoch, self.board_us)


class FakeTransport:
    """A fake board in this process, on virtual time.

    Attributes
    ----------
    is_up : bool
        False cuts the link until `reopen` finds it True.
    reopen_refusals : int
        So many calls of `reopen` fail.
    """

    is_paced = False

    def __init__(self, board: FakeBoard | None = None) -> None:
        self.board = board or FakeBoard()
        self.address = "fake:"
        self.clock = Clock()
        self.is_up = True
        self.reopen_refusals = 0
        self.step_s = 0.02
        self.reads = 0
        self._is_closed = False
        self._zero_s = self.clock.now

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        deadline_s = self.clock.now + timeout_s
        while True:
            self._check()
            self.reads += 1
            self.board.advance(self.clock.now - self._zero_s)
            if self.board.out:
                taken = bytes(self.board.out[:max_bytes])
                del self.board.out[:max_bytes]
                return taken
            if self.clock.now >= deadline_s:
                raise TransportTimeout("nothing came")
            self.clock.now = min(self.clock.now + self.step_s, deadline_s)

    def write(self, data: bytes, /) -> None:
        self._check()
        self.board.advance(self.clock.now - self._zero_s)
        self.board.receive(data)

    def cut(self) -> None:
        """Lose the link, and what is on it."""
        self.is_up = False

    def reopen(self) -> None:
        self.board.advance(self.clock.now - self._zero_s)
        if self.reopen_refusals:
            self.reopen_refusals -= 1
            raise TransportError("fake: nobody is there")
        self.board.connected()
        self.is_up, self._is_closed = True, False

    def close(self) -> None:
        self._is_closed = True

    def _check(self) -> None:
        if self._is_closed:
            raise TransportError("fake: closed")
        if not self.is_up:
            self.board.out.clear()
            raise TransportError("fake: the link is cut")
