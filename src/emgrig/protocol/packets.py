"""Every payload of the board link, version 1: construct declares, dataclasses carry.

Bytes are little-endian, except inside the chip's own frames. `docs/protocol.md` is made from these
declarations (`python -m emgrig.protocol.document`).
"""

from enum import IntEnum, IntFlag

import construct as cs

from emgrig.protocol.schema import Message, Text, message

U8, U16, U32, U64 = cs.Int8ul, cs.Int16ul, cs.Int32ul, cs.Int64ul

ALL_CHIPS = 0xFF
DEFAULT_FRAMES_PER_PACKET = 16


class SampleFlag(IntFlag):
    """Flags of a sample packet."""

    CONVERSION_MISSED = 1 << 0
    STATUS_WRONG = 1 << 1
    TRANSMIT_OVERFLOW = 1 << 2


class Capability(IntFlag):
    """What a board can do beyond the least."""

    SET_LINE = 1 << 0
    IDENTIFY = 1 << 1
    COUNTER = 1 << 2
    TRIGGER_INPUT = 1 << 3
    REBOOT = 1 << 4
    SIMULATED = 1 << 31


class Request(IntEnum):
    """What the PC asks for."""

    HELLO = 1
    READ_REGISTERS = 2
    WRITE_REGISTERS = 3
    CHIP_COMMAND = 4
    SET_LINE = 5
    START = 6
    STOP = 7
    STATS = 8
    CLOCK = 9
    IDENTIFY = 10
    SET_COUNTER = 11
    REBOOT = 12


class ReplyStatus(IntEnum):
    """How a request ended."""

    OK = 0
    ERROR = 1


class ErrorCode(IntEnum):
    """Why a request was refused."""

    UNKNOWN_REQUEST = 1
    BAD_ARGUMENT = 2
    BUSY = 3
    IN_RDATAC = 4
    NO_SUCH_CHIP = 5
    CHIP_SILENT = 6
    NOT_SUPPORTED = 7


class Line(IntEnum):
    """A pin of the chip that the board can drive."""

    START = 1
    RESET = 2
    PWDN = 3


class EventType(IntEnum):
    """What the board says unasked."""

    BOOT = 1
    LEAD_OFF = 2
    TRIGGER = 3
    OVERFLOW = 4
    CHIP_LOST = 5
    COUNTER = 6


class ResetCause(IntEnum):
    """Why the board started."""

    POWER_ON = 1
    RESET_PIN = 2
    WATCHDOG = 3
    BROWN_OUT = 4
    REQUESTED = 5


# ---- samples ------------------------------------------------------------------------------------


@message
class SamplesHeader(Message):
    """Head of a sample packet; `n_frames` frames of `frame_bytes` bytes follow."""

    SCHEMA = cs.Struct(
        "first_conversion"
        / U32
        * "DRDY falling edges since START, counted on the edge, at the first frame",
        "board_time_us" / U64 * "board time of that edge, µs",
        "n_frames" / U8 * "frames that follow, of consecutive conversions",
        "frame_bytes" / U8 * "bytes a frame: 27, 21 or 15 a chip",
        "settings" / U16 * "epoch: +1 whenever any register was written",
        "flags" / U16 * "bit 0 conversion missed before, 1 status nibble wrong, 2 buffer overflow",
    )
    first_conversion: int
    board_time_us: int
    n_frames: int
    frame_bytes: int
    settings: int
    flags: int


SAMPLES_HEADER_BYTES: int = SamplesHeader.SCHEMA.sizeof()

#: A whole sample payload for construct; the frames stay as the chip sent them.
SAMPLES = cs.Struct(
    "head" / SamplesHeader.SCHEMA,
    "frames" / cs.Array(cs.this.head.n_frames, cs.Bytes(cs.this.head.frame_bytes)),
)


# ---- requests -----------------------------------------------------------------------------------


@message
class RequestHeader(Message):
    """Head of a request; its arguments follow."""

    SCHEMA = cs.Struct(
        "id" / U16 * "chosen by the PC, comes back in the reply",
        "request" / U8 * "which request",
    )
    id: int
    request: int


@message
class HelloArguments(Message):
    """HELLO: who is asking."""

    SCHEMA = cs.Struct(
        "protocol_version" / U8 * "newest version that the PC speaks",
        "client" / Text * "name and version of the PC's program",
    )
    protocol_version: int
    client: str


@message
class ReadRegisters(Message):
    """READ_REGISTERS: one range of one chip."""

    SCHEMA = cs.Struct(
        "chip" / U8 * "0 is the first chip",
        "address" / U8 * "first register",
        "count" / U8 * "registers to read, 1 to 32",
    )
    chip: int
    address: int
    count: int


@message
class WriteRegisters(Message):
    """WRITE_REGISTERS: one range of one chip."""

    SCHEMA = cs.Struct(
        "chip" / U8 * "0 is the first chip",
        "address" / U8 * "first register",
        "values" / cs.Prefixed(U8, cs.GreedyBytes) * "length, then the register bytes",
    )
    chip: int
    address: int
    values: bytes


@message
class ChipCommand(Message):
    """CHIP_COMMAND: one opcode to one chip or to all."""

    SCHEMA = cs.Struct(
        "chip" / U8 * "0 is the first chip, 255 all of them",
        "opcode" / U8 * "any single-byte opcode of the ADS1299",
    )
    chip: int
    opcode: int


@message
class SetLine(Message):
    """SET_LINE: drive a pin of the chip."""

    SCHEMA = cs.Struct(
        "line" / U8 * "1 START, 2 RESET, 3 PWDN",
        "level" / U8 * "0 low, 1 high",
    )
    line: int
    level: int


@message
class StartArguments(Message):
    """START: begin a run; the board sends RDATAC and START and counts conversions from 0."""

    SCHEMA = cs.Struct(
        "frames_per_packet" / U8 * "1 to the board's limit; 16 is usual",
        "canary" / U8 * "address of a register to watch: if it changes, the chip was lost",
    )
    frames_per_packet: int
    canary: int


@message
class ClockArguments(Message):
    """CLOCK: the PC's time comes back, so that late replies are told apart."""

    SCHEMA = cs.Struct("host_time_us" / U64 * "any clock of the PC, µs")
    host_time_us: int


@message
class IdentifyArguments(Message):
    """IDENTIFY: blink, so that a person finds the board."""

    SCHEMA = cs.Struct("duration_ms" / U16 * "how long to blink, ms")
    duration_ms: int


@message
class SetCounterArguments(Message):
    """SET_COUNTER: the number on the digital tube."""

    SCHEMA = cs.Struct("count" / U32 * "number to show")
    count: int


@message
class NoArguments(Message):
    """A request or reply without further bytes."""

    SCHEMA = cs.Struct()


# ---- replies ------------------------------------------------------------------------------------


@message
class ReplyHeader(Message):
    """Head of a reply; data follow if `status` is OK, an error otherwise."""

    SCHEMA = cs.Struct(
        "id" / U16 * "of the request",
        "request" / U8 * "of the request",
        "status" / U8 * "0 OK, 1 ERROR",
    )
    id: int
    request: int
    status: int


@message
class ErrorReply(Message):
    """What follows ERROR."""

    SCHEMA = cs.Struct(
        "code" / U16 * "why",
        "text" / Text * "why, in words",
    )
    code: int
    text: str


@message
class Hello(Message):
    """HELLO: who is there."""

    SCHEMA = cs.Struct(
        "protocol_version" / U8 * "version that the board speaks",
        "serial_number" / Text * "of the board",
        "firmware_version" / Text * "as released",
        "git_revision" / Text * "of the firmware's source",
        "chip_count" / U8 * "ADS1299 on the board",
        "channels_per_chip" / U8 * "8, 6 or 4; 0 if the board does not know",
        "f_clk_hz" / U32 * "nominal master clock, Hz",
        "vref_uv" / U32 * "nominal reference, µV",
        "channels_wired" / U32 * "bit n-1: channel n has electrodes",
        "series_ohm" / cs.PrefixedArray(U8, U32) * "count, then Ω in series with each input",
        "capabilities" / U32 * "bit 0 SET_LINE, 1 IDENTIFY, 2 counter, 3 trigger, 4 REBOOT, "
        "31 this board is simulated",
        "max_frames" / U8 * "most frames a packet",
    )
    protocol_version: int
    serial_number: str
    firmware_version: str
    git_revision: str
    chip_count: int
    channels_per_chip: int
    f_clk_hz: int
    vref_uv: int
    channels_wired: int
    series_ohm: tuple[int, ...]
    capabilities: int
    max_frames: int


@message
class Registers(Message):
    """READ_REGISTERS: the bytes, and the epoch they belong to."""

    SCHEMA = cs.Struct(
        "settings" / U16 * "epoch in force",
        "values" / cs.Prefixed(U8, cs.GreedyBytes) * "length, then the register bytes",
    )
    settings: int
    values: bytes


@message
class SettingsEpoch(Message):
    """WRITE_REGISTERS, CHIP_COMMAND, SET_LINE: the epoch from now on."""

    SCHEMA = cs.Struct("settings" / U16 * "epoch from now on")
    settings: int


@message
class Started(Message):
    """START: the run that begins."""

    SCHEMA = cs.Struct(
        "run" / U16 * "runs since boot",
        "settings" / U16 * "epoch in force",
        "board_time_us" / U64 * "board time of the START, µs",
    )
    run: int
    settings: int
    board_time_us: int


@message
class Stopped(Message):
    """STOP: how the run ended; every frame that will ever be sent of it was sent before this."""

    SCHEMA = cs.Struct(
        "run" / U16 * "which run ended; 0 if none was on",
        "conversions" / U32 * "DRDY falling edges of that run",
        "board_time_us" / U64 * "board time of the STOP, µs",
    )
    run: int
    conversions: int
    board_time_us: int


@message
class Stats(Message):
    """STATS: the board's counters since boot, except where they say otherwise."""

    SCHEMA = cs.Struct(
        "uptime_us" / U64 * "board time since boot, µs",
        "run" / U16 * "runs since boot",
        "streaming" / U8 * "1 while a run is on",
        "settings" / U16 * "epoch in force",
        "conversions" / U32 * "DRDY falling edges of this run, or of the last one",
        "frames_sent" / U32 * "frames sent in it",
        "missed_drdy" / U32 * "conversions that the board did not read in time, in it",
        "transmit_overflows" / U32 * "frames thrown away because the link was too slow, in it",
        "brown_outs" / U32 * "times the chip was lost",
        "bad_packets" / U32 * "packets from the PC with a wrong CRC",
        "buffer_high_water" / U32 * "most bytes that ever waited for the link",
    )
    uptime_us: int
    run: int
    streaming: int
    settings: int
    conversions: int
    frames_sent: int
    missed_drdy: int
    transmit_overflows: int
    brown_outs: int
    bad_packets: int
    buffer_high_water: int


@message
class ClockReading(Message):
    """CLOCK: the board's time now."""

    SCHEMA = cs.Struct(
        "host_time_us" / U64 * "as sent",
        "board_time_us" / U64 * "board time, µs",
    )
    host_time_us: int
    board_time_us: int


# ---- events -------------------------------------------------------------------------------------


@message
class EventHeader(Message):
    """Head of an event; what follows depends on its type."""

    SCHEMA = cs.Struct(
        "event" / U8 * "which event",
        "conversion" / U32 * "conversions of the run when it happened",
        "board_time_us" / U64 * "board time, µs",
    )
    event: int
    conversion: int
    board_time_us: int


@message
class BootEvent(Message):
    """BOOT: the board has started."""

    SCHEMA = cs.Struct("cause" / U8 * "1 power on, 2 reset pin, 3 watchdog, 4 brown-out, 5 asked")
    cause: int


@message
class LeadOffEvent(Message):
    """LEAD_OFF: an electrode came off or on."""

    SCHEMA = cs.Struct(
        "positive" / U32 * "bit n-1: electrode of input nP is off",
        "negative" / U32 * "bit n-1: electrode of input nN is off",
    )
    positive: int
    negative: int


@message
class TriggerEvent(Message):
    """TRIGGER: an edge on a trigger input."""

    SCHEMA = cs.Struct(
        "line" / U8 * "which input, 1 is the first",
        "level" / U8 * "level after the edge",
    )
    line: int
    level: int


@message
class OverflowEvent(Message):
    """OVERFLOW: frames were thrown away because the link was too slow."""

    SCHEMA = cs.Struct("frames" / U32 * "how many since the last such event")
    frames: int


@message
class ChipLostEvent(Message):
    """CHIP_LOST: the watched register does not hold its value any more (brown-out)."""

    SCHEMA = cs.Struct(
        "chip" / U8 * "0 is the first chip",
        "address" / U8 * "of the watched register",
        "expected" / U8 * "its value at START",
        "found" / U8 * "its value now",
    )
    chip: int
    address: int
    expected: int
    found: int


@message
class CounterEvent(Message):
    """COUNTER: the number on the digital tube changed."""

    SCHEMA = cs.Struct("count" / U32 * "number shown from now on")
    count: int


ARGUMENTS: dict[Request, type[Message]] = {
    Request.HELLO: HelloArguments,
    Request.READ_REGISTERS: ReadRegisters,
    Request.WRITE_REGISTERS: WriteRegisters,
    Request.CHIP_COMMAND: ChipCommand,
    Request.SET_LINE: SetLine,
    Request.START: StartArguments,
    Request.STOP: NoArguments,
    Request.STATS: NoArguments,
    Request.CLOCK: ClockArguments,
    Request.IDENTIFY: IdentifyArguments,
    Request.SET_COUNTER: SetCounterArguments,
    Request.REBOOT: NoArguments,
}

REPLIES: dict[Request, type[Message]] = {
    Request.HELLO: Hello,
    Request.READ_REGISTERS: Registers,
    Request.WRITE_REGISTERS: SettingsEpoch,
    Request.CHIP_COMMAND: SettingsEpoch,
    Request.SET_LINE: SettingsEpoch,
    Request.START: Started,
    Request.STOP: Stopped,
    Request.STATS: Stats,
    Request.CLOCK: ClockReading,
    Request.IDENTIFY: NoArguments,
    Request.SET_COUNTER: NoArguments,
    Request.REBOOT: NoArguments,
}

EVENTS: dict[EventType, type[Message]] = {
    EventType.BOOT: BootEvent,
    EventType.LEAD_OFF: LeadOffEvent,
    EventType.TRIGGER: TriggerEvent,
    EventType.OVERFLOW: OverflowEvent,
    EventType.CHIP_LOST: ChipLostEvent,
    EventType.COUNTER: CounterEvent,
}
