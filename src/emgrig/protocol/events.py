"""Payloads of events, board link version 1: what the board says unasked."""

import construct as cs

from emgrig.protocol.schema import Message, message

U8, U32, U64 = cs.Int8ul, cs.Int32ul, cs.Int64ul


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
