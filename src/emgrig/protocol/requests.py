"""Payloads of requests, board link version 1: what the PC asks."""

from typing import Annotated

import construct as cs

from emgrig.protocol.schema import Message, Text, message

U8, U16, U32, U64 = cs.Int8ul, cs.Int16ul, cs.Int32ul, cs.Int64ul


@message
class RequestHeader(Message):
    """Head of a request; its arguments follow."""

    id: Annotated[int, U16 * "chosen by the PC, comes back in the reply"]
    request: Annotated[int, U8 * "which request"]


@message
class HelloArguments(Message):
    """HELLO: who is asking."""

    protocol_version: Annotated[int, U8 * "newest version that the PC speaks"]
    client: Annotated[str, Text * "name and version of the PC's program"]


@message
class ReadRegisters(Message):
    """READ_REGISTERS: one range of one chip."""

    chip: Annotated[int, U8 * "0 is the first chip"]
    address: Annotated[int, U8 * "first register"]
    count: Annotated[int, U8 * "registers to read, 1 to 32"]


@message
class WriteRegisters(Message):
    """WRITE_REGISTERS: one range of one chip."""

    chip: Annotated[int, U8 * "0 is the first chip"]
    address: Annotated[int, U8 * "first register"]
    values: Annotated[bytes, cs.Prefixed(U8, cs.GreedyBytes) * "length, then the register bytes"]


@message
class ChipCommand(Message):
    """CHIP_COMMAND: one opcode to one chip or to all."""

    chip: Annotated[int, U8 * "0 is the first chip, 255 all of them"]
    opcode: Annotated[int, U8 * "any single-byte opcode of the ADS1299"]


@message
class SetLine(Message):
    """SET_LINE: drive a pin of the chip."""

    line: Annotated[int, U8 * "1 START, 2 RESET, 3 PWDN"]
    level: Annotated[int, U8 * "0 low, 1 high"]


@message
class StartArguments(Message):
    """START: begin a run; the board sends RDATAC and START and counts conversions from 0."""

    frames_per_packet: Annotated[int, U8 * "1 to the board's limit; 16 is usual"]
    canary: Annotated[int, U8 * "address of a register to watch: if it changes, the chip was lost"]


@message
class ClockArguments(Message):
    """CLOCK: the PC's time comes back, so that late replies are told apart."""

    host_time_us: Annotated[int, U64 * "any clock of the PC, µs"]


@message
class IdentifyArguments(Message):
    """IDENTIFY: blink, so that a person finds the board."""

    duration_ms: Annotated[int, U16 * "how long to blink, ms"]


@message
class SetCounterArguments(Message):
    """SET_COUNTER: the number on the digital tube."""

    count: Annotated[int, U32 * "number to show"]


@message
class NoArguments(Message):
    """A request or reply without further bytes."""
