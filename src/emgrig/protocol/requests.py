"""Payloads of requests, board link version 1: what the PC asks."""

import construct as cs

from emgrig.protocol.schema import Message, Text, message

U8, U16, U32, U64 = cs.Int8ul, cs.Int16ul, cs.Int32ul, cs.Int64ul


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
