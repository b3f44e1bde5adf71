"""Payloads of replies, board link version 1: what the board answers."""

from typing import Annotated

import construct as cs

from emgrig.protocol.schema import Message, Text, message

U8, U16, U32, U64 = cs.Int8ul, cs.Int16ul, cs.Int32ul, cs.Int64ul


@message
class ReplyHeader(Message):
    """Head of a reply; data follow if `status` is OK, an error otherwise."""

    id: Annotated[int, U16 * "of the request"]
    request: Annotated[int, U8 * "of the request"]
    status: Annotated[int, U8 * "0 OK, 1 ERROR"]


@message
class ErrorReply(Message):
    """What follows ERROR."""

    code: Annotated[int, U16 * "why"]
    text: Annotated[str, Text * "why, in words"]


@message
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


@message
class Registers(Message):
    """READ_REGISTERS: the bytes, and the epoch they belong to."""

    settings: Annotated[int, U16 * "epoch in force"]
    values: Annotated[bytes, cs.Prefixed(U8, cs.GreedyBytes) * "length, then the register bytes"]


@message
class SettingsEpoch(Message):
    """WRITE_REGISTERS, CHIP_COMMAND, SET_LINE: the epoch from now on."""

    settings: Annotated[int, U16 * "epoch from now on"]


@message
class Started(Message):
    """START: the run that begins."""

    run: Annotated[int, U16 * "runs since boot"]
    settings: Annotated[int, U16 * "epoch in force"]
    board_time_us: Annotated[int, U64 * "board time of the START, µs"]


@message
class Stopped(Message):
    """STOP: how the run ended; every frame that will ever be sent of it was sent before this."""

    run: Annotated[int, U16 * "which run ended; 0 if none was on"]
    conversions: Annotated[int, U32 * "DRDY falling edges of that run"]
    board_time_us: Annotated[int, U64 * "board time of the STOP, µs"]


@message
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


@message
class ClockReading(Message):
    """CLOCK: the board's time now."""

    host_time_us: Annotated[int, U64 * "as sent"]
    board_time_us: Annotated[int, U64 * "board time, µs"]
