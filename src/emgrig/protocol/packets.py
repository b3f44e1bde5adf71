"""Every payload of the board link, version 1: construct declares, dataclasses carry.

Bytes are little-endian, except inside the chip's own frames. `docs/protocol.md` is made from these
declarations (`python tests/protocol_tables.py`).
"""

from enum import IntEnum, IntFlag
from typing import Annotated

import construct as cs

from emgrig.protocol.events import (
    BootEvent,
    ChipLostEvent,
    CounterEvent,
    EventHeader,
    LeadOffEvent,
    OverflowEvent,
    TriggerEvent,
)
from emgrig.protocol.replies import (
    ClockReading,
    ErrorReply,
    Hello,
    Registers,
    ReplyHeader,
    SettingsEpoch,
    Started,
    Stats,
    Stopped,
)
from emgrig.protocol.requests import (
    ChipCommand,
    ClockArguments,
    HelloArguments,
    IdentifyArguments,
    NoArguments,
    ReadRegisters,
    RequestHeader,
    SetCounterArguments,
    SetLine,
    StartArguments,
    WriteRegisters,
)
from emgrig.protocol.schema import Message, message

__all__ = [
    "ALL_CHIPS",
    "ARGUMENTS",
    "DEFAULT_FRAMES_PER_PACKET",
    "EVENTS",
    "REPLIES",
    "SAMPLES",
    "SAMPLES_HEADER_BYTES",
    "BootEvent",
    "Capability",
    "ChipCommand",
    "ChipLostEvent",
    "ClockArguments",
    "ClockReading",
    "CounterEvent",
    "ErrorCode",
    "ErrorReply",
    "EventHeader",
    "EventType",
    "Hello",
    "HelloArguments",
    "IdentifyArguments",
    "LeadOffEvent",
    "Line",
    "NoArguments",
    "OverflowEvent",
    "ReadRegisters",
    "Registers",
    "ReplyHeader",
    "ReplyStatus",
    "Request",
    "RequestHeader",
    "ResetCause",
    "SampleFlag",
    "SamplesHeader",
    "SetCounterArguments",
    "SetLine",
    "SettingsEpoch",
    "StartArguments",
    "Started",
    "Stats",
    "Stopped",
    "TriggerEvent",
    "WriteRegisters",
]

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
