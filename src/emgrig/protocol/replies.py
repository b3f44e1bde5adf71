"""Payloads of replies, board link version 1: what the board answers."""

import construct as cs

from emgrig.protocol.schema import Message, Text, message

U8, U16, U32, U64 = cs.Int8ul, cs.Int16ul, cs.Int32ul, cs.Int64ul


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
