"""Every payload of the board link, version 1: construct declares, dataclasses carry.

Bytes are little-endian, except inside the chip's own frames. `docs/protocol.md` is made from these
declarations (`python tests/protocol_tables.py`).
"""

from enum import IntEnum, IntFlag
from typing import Annotated

import construct as cs

from emgrig.protocol.abilities import Abilities as Abilities  # part of HELLO's reply
from emgrig.protocol.schema import Message, Octets, Text

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


class SamplesHeader(Message):
    """Head of a sample packet; `n_frames` frames of `frame_bytes` bytes follow."""

    first_conversion: Annotated[
        int, U32 * "DRDY falling edges since START, counted on the edge, at the first frame"
    ]
    board_time_us: Annotated[int, U64 * "board time of that edge, µs"]
    n_frames: Annotated[int, U8 * "frames that follow, of consecutive conversions"]
    frame_bytes: Annotated[int, U8 * "bytes a frame: 27, 21 or 15 a chip"]
    settings: Annotated[int, U16 * "epoch: +1 whenever any register was written"]
    flags: Annotated[
        int, U16 * "bit 0 conversion missed before, 1 status nibble wrong, 2 buffer overflow"
    ]


SAMPLES_HEADER_BYTES: int = SamplesHeader.SCHEMA.sizeof()

#: A whole sample payload for construct; the frames stay as the chip sent them.
SAMPLES = cs.Struct(
    "head" / SamplesHeader.SCHEMA,
    "frames" / cs.Array(cs.this.head.n_frames, cs.Bytes(cs.this.head.frame_bytes)),
)


# ---- requests -----------------------------------------------------------------------------------


class RequestHeader(Message):
    """Head of a request; its arguments follow."""

    id: Annotated[int, U16 * "chosen by the PC, comes back in the reply"]
    request: Annotated[int, U8 * "which request"]


class HelloArguments(Message):
    """HELLO: who is asking."""

    protocol_version: Annotated[int, U8 * "newest version that the PC speaks"]
    client: Annotated[str, Text * "name and version of the PC's program"]


class ReadRegisters(Message):
    """READ_REGISTERS: one range of one chip."""

    chip: Annotated[int, U8 * "0 is the first chip"]
    address: Annotated[int, U8 * "first register"]
    count: Annotated[int, U8 * "registers to read, 1 to 32"]


class WriteRegisters(Message):
    """WRITE_REGISTERS: one range of one chip."""

    chip: Annotated[int, U8 * "0 is the first chip"]
    address: Annotated[int, U8 * "first register"]
    values: Annotated[bytes, Octets * "length, then the register bytes"]


class ChipCommand(Message):
    """CHIP_COMMAND: one opcode to one chip or to all."""

    chip: Annotated[int, U8 * "0 is the first chip, 255 all of them"]
    opcode: Annotated[int, U8 * "any single-byte opcode of the ADS1299"]


class SetLine(Message):
    """SET_LINE: drive a pin of the chip."""

    line: Annotated[int, U8 * "1 START, 2 RESET, 3 PWDN"]
    level: Annotated[int, U8 * "0 low, 1 high"]


class StartArguments(Message):
    """START: begin a run; the board sends RDATAC and START and counts conversions from 0."""

    frames_per_packet: Annotated[int, U8 * "1 to the board's limit; 16 is usual"]
    canary: Annotated[int, U8 * "address of a register to watch: if it changes, the chip was lost"]


class ClockArguments(Message):
    """CLOCK: the PC's time comes back, so that late replies are told apart."""

    host_time_us: Annotated[int, U64 * "any clock of the PC, µs"]


class IdentifyArguments(Message):
    """IDENTIFY: blink, so that a person finds the board."""

    duration_ms: Annotated[int, U16 * "how long to blink, ms"]


class SetCounterArguments(Message):
    """SET_COUNTER: the number on the digital tube."""

    count: Annotated[int, U32 * "number to show"]


class NoArguments(Message):
    """A request or reply without further bytes."""


# ---- replies ------------------------------------------------------------------------------------


class ReplyHeader(Message):
    """Head of a reply; data follow if `status` is OK, an error otherwise."""

    id: Annotated[int, U16 * "of the request"]
    request: Annotated[int, U8 * "of the request"]
    status: Annotated[int, U8 * "0 OK, 1 ERROR"]


class ErrorReply(Message):
    """What follows ERROR."""

    code: Annotated[int, U16 * "why"]
    text: Annotated[str, Text * "why, in words"]


class Hello(Message):
    """HELLO: who is there."""

    protocol_version: Annotated[int, U8 * "version that the board speaks"]
    serial_number: Annotated[str, Text * "of the board"]
    firmware_version: Annotated[str, Text * "as released"]
    git_revision: Annotated[str, Text * "of the firmware's source"]
    chip_count: Annotated[int, U8 * "ADS1299 on the board"]
    channels_per_chip: Annotated[int, U8 * "8, 6 or 4; 0 if the board does not know"]
    f_clk_hz: Annotated[int, U32 * "nominal master clock, Hz"]
    vref_uv: Annotated[int, U32 * "nominal reference, µV"]
    channels_wired: Annotated[int, U32 * "bit n-1: channel n has electrodes"]
    series_ohm: Annotated[
        tuple[int, ...], cs.PrefixedArray(U8, U32) * "count, then Ω in series with each input"
    ]
    capabilities: Annotated[
        int,
        U32
        * "bit 0 SET_LINE, 1 IDENTIFY, 2 counter, 3 trigger, 4 REBOOT, 31 this board is simulated",
    ]
    max_frames: Annotated[int, U8 * "most frames a packet"]
    can: Annotated[bytes, cs.GreedyBytes * "what the board can (below); nothing: all"] = b""


class Registers(Message):
    """READ_REGISTERS: the bytes, and the epoch they belong to."""

    settings: Annotated[int, U16 * "epoch in force"]
    values: Annotated[bytes, Octets * "length, then the register bytes"]


class SettingsEpoch(Message):
    """WRITE_REGISTERS, CHIP_COMMAND, SET_LINE: the epoch from now on."""

    settings: Annotated[int, U16 * "epoch from now on"]


class Started(Message):
    """START: the run that begins."""

    run: Annotated[int, U16 * "runs since boot; behind 65535 comes 1"]
    settings: Annotated[int, U16 * "epoch in force"]
    board_time_us: Annotated[int, U64 * "board time of the START, µs"]


class Stopped(Message):
    """STOP: how the run ended; every frame that will ever be sent of it was sent before this."""

    run: Annotated[int, U16 * "which run ended; 0 if none was on"]
    conversions: Annotated[int, U32 * "DRDY falling edges of that run"]
    board_time_us: Annotated[int, U64 * "board time of the STOP, µs"]


class Stats(Message):
    """STATS: the board's counters since boot, except where they say otherwise."""

    uptime_us: Annotated[int, U64 * "board time since boot, µs"]
    run: Annotated[int, U16 * "runs since boot"]
    streaming: Annotated[int, U8 * "1 while a run is on"]
    settings: Annotated[int, U16 * "epoch in force"]
    conversions: Annotated[int, U32 * "DRDY falling edges of this run, or of the last one"]
    frames_sent: Annotated[int, U32 * "frames sent in it"]
    missed_drdy: Annotated[int, U32 * "conversions that the board did not read in time, in it"]
    transmit_overflows: Annotated[
        int, U32 * "frames thrown away because the link was too slow, in it"
    ]
    brown_outs: Annotated[int, U32 * "times the chip was lost"]
    bad_packets: Annotated[int, U32 * "packets from the PC with a wrong CRC"]
    buffer_high_water: Annotated[int, U32 * "most bytes that ever waited for the link"]


class ClockReading(Message):
    """CLOCK: the board's time now."""

    host_time_us: Annotated[int, U64 * "as sent"]
    board_time_us: Annotated[int, U64 * "board time, µs"]


# ---- events -------------------------------------------------------------------------------------


class EventHeader(Message):
    """Head of an event; what follows depends on its type."""

    event: Annotated[int, U8 * "which event"]
    conversion: Annotated[int, U32 * "conversions of the run when it happened"]
    board_time_us: Annotated[int, U64 * "board time, µs"]


class BootEvent(Message):
    """BOOT: the board has started."""

    cause: Annotated[int, U8 * "1 power on, 2 reset pin, 3 watchdog, 4 brown-out, 5 asked"]


class LeadOffEvent(Message):
    """LEAD_OFF: an electrode came off or on."""

    positive: Annotated[int, U32 * "bit n-1: electrode of input nP is off"]
    negative: Annotated[int, U32 * "bit n-1: electrode of input nN is off"]


class TriggerEvent(Message):
    """TRIGGER: an edge on a trigger input."""

    line: Annotated[int, U8 * "which input, 1 is the first"]
    level: Annotated[int, U8 * "level after the edge"]


class OverflowEvent(Message):
    """OVERFLOW: frames were thrown away because the link was too slow."""

    frames: Annotated[int, U32 * "how many since the last such event"]


class ChipLostEvent(Message):
    """CHIP_LOST: the watched register does not hold its value any more (brown-out)."""

    chip: Annotated[int, U8 * "0 is the first chip"]
    address: Annotated[int, U8 * "of the watched register"]
    expected: Annotated[int, U8 * "its value at START"]
    found: Annotated[int, U8 * "its value now"]


class CounterEvent(Message):
    """COUNTER: the number on the digital tube changed."""

    count: Annotated[int, U32 * "number shown from now on"]


# ---- which is which -----------------------------------------------------------------------------

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
