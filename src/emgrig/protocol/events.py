"""Payloads of events, board link version 1: what the board says unasked."""

from typing import Annotated

import construct as cs

from emgrig.protocol.schema import Message, message

U8, U32, U64 = cs.Int8ul, cs.Int32ul, cs.Int64ul


@message
class EventHeader(Message):
    """Head of an event; what follows depends on its type."""

    event: Annotated[int, U8 * "which event"]
    conversion: Annotated[int, U32 * "conversions of the run when it happened"]
    board_time_us: Annotated[int, U64 * "board time, µs"]


@message
class BootEvent(Message):
    """BOOT: the board has started."""

    cause: Annotated[int, U8 * "1 power on, 2 reset pin, 3 watchdog, 4 brown-out, 5 asked"]


@message
class LeadOffEvent(Message):
    """LEAD_OFF: an electrode came off or on."""

    positive: Annotated[int, U32 * "bit n-1: electrode of input nP is off"]
    negative: Annotated[int, U32 * "bit n-1: electrode of input nN is off"]


@message
class TriggerEvent(Message):
    """TRIGGER: an edge on a trigger input."""

    line: Annotated[int, U8 * "which input, 1 is the first"]
    level: Annotated[int, U8 * "level after the edge"]


@message
class OverflowEvent(Message):
    """OVERFLOW: frames were thrown away because the link was too slow."""

    frames: Annotated[int, U32 * "how many since the last such event"]


@message
class ChipLostEvent(Message):
    """CHIP_LOST: the watched register does not hold its value any more (brown-out)."""

    chip: Annotated[int, U8 * "0 is the first chip"]
    address: Annotated[int, U8 * "of the watched register"]
    expected: Annotated[int, U8 * "its value at START"]
    found: Annotated[int, U8 * "its value now"]


@message
class CounterEvent(Message):
    """COUNTER: the number on the digital tube changed."""

    count: Annotated[int, U32 * "number shown from now on"]
