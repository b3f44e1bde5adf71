"""What a board can do, as the tail of its HELLO says it; a board that says nothing can do it all.

`emgrig.driver.can` makes values of it that the layers above ask.
"""

from enum import IntEnum, IntFlag
from typing import Annotated

import construct as cs

from emgrig.protocol.schema import Message, Text

U8, U32, F64 = cs.Int8ul, cs.Int32ul, cs.Float64l


class RegisterAccess(IntEnum):
    """Which registers can be read and written."""

    NONE = 0
    SOME = 1
    ALL = 2
    ALL_READ = 3


class StatusWord(IntEnum):
    """What the first three bytes of a chip's frame are."""

    NONE = 0
    LEAD_OFF = 1
    WHOLE = 2


class Counting(IntEnum):
    """How well `first_conversion` counts conversions."""

    NOT = 0
    MODULO = 1
    EXACT = 2


class Timing(IntEnum):
    """Whether the board has a clock."""

    NONE = 0
    SAMPLES = 1
    ASKED = 2


class LineFlag(IntFlag):
    """Lines of the chips that the board can drive."""

    START = 1 << 0
    RESET = 1 << 1
    PWDN = 1 << 2


class Abilities(Message):
    """What the board can; the last field of HELLO's reply."""

    chip: Annotated[str, Text * "name of the converter: ADS1299, or what else it is"]
    registers: Annotated[
        int,
        U8 * "that can be reached: 0 none, 1 those listed, 2 all, 3 all read, those listed written",
    ]
    register_list: Annotated[
        tuple[int, ...],
        cs.PrefixedArray(U8, U8) * "count, then the addresses if `registers` is 1 or 3",
    ]
    status: Annotated[
        int,
        U8 * "first 3 bytes of a chip's frame: 0 nothing, they are 0; 1 lead-off bits alone; "
        "2 the chip's status word",
    ]
    counting: Annotated[
        int,
        U8 * "conversions are counted: 0 not (those that came are), 1 modulo n, 2 exactly",
    ]
    modulus: Annotated[int, U32 * "n, if `counting` is 1; else 0"]
    timing: Annotated[
        int,
        U8 * "board time: 0 none, `board_time_us` is the count times the stated period; "
        "1 in samples; 2 also CLOCK",
    ]
    time_step_us: Annotated[int, U32 * "step of board time, µs"]
    lines: Annotated[int, U8 * "that SET_LINE drives: bit 0 START, 1 RESET, 2 PWDN"]
    reset: Annotated[int, U8 * "1 if the chips can be reset"]
    is_stated: Annotated[int, U8 * "scale: 0 by registers read back, 1 as stated in what follows"]
    rate_hz: Annotated[float, F64 * "stated data rate, Hz; 0: by the registers"]
    gains: Annotated[
        tuple[float, ...], cs.PrefixedArray(U8, F64) * "count, then the stated gain of each channel"
    ]
    vref_v: Annotated[
        tuple[float, ...],
        cs.PrefixedArray(U8, F64) * "count, then the stated reference of each channel, V",
    ]
    code_bits: Annotated[
        int, U8 * "of a stated code, 2 to 24; they are the upper ones of the frame's 24"
    ]
