"""What goes wrong in firmware for the ADS1299, where the data sheet says so, and how to mend it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from emgrig.simulator.chip.violations import SECTIONS, Rule


class Weight(StrEnum):
    """What came of it, the worst first."""

    LOST = "lost"  #: Something that was sent had no effect, or results were never read.
    TORN = "torn"  #: Bytes that were read are wrong.
    WRONG = "wrong"  #: The bytes were right, and what the firmware made of them is not.
    HARMLESS = "harmless"  #: The simulated chip did what was meant; a real one may not.

    @property
    def is_failing(self) -> bool:
        """True if it makes the verdict "no"."""
        return self is not Weight.HARMLESS


class Cause(StrEnum):
    """Causes that are no rule of the chip model, or more than one rule."""

    NOBODY = "nobody connected"
    NOTHING = "nothing attached"
    POWERED_DOWN = "chip held down"
    NO_CLOCK = "no clock"
    SPI_MODE = "SPI mode"
    CONTENTION = "two CS low"
    TWO_CLOCKS = "two clocks"
    NEVER_SDATAC = "no SDATAC"
    IN_RDATAC = "registers in RDATAC"
    RDATA_IN_RDATAC = "RDATA in RDATAC"
    RDATAC_AT_EDGE = "RDATAC at DRDY"
    NEVER_STARTED = "no START"
    START_LOW = "START pin low again"
    NEVER_WOKEN = "no WAKEUP"
    NEVER_READ = "DRDY never read"
    FRAME_LENGTH = "frame length"
    MISSED = "results missed"
    DRDY_HIDDEN = "DRDY hidden"
    SHORTED = "inputs shorted"
    SCALE = "scale of claims"


AnyCause = Cause | Rule


@dataclass(frozen=True)
class About:
    """What is always the same about a cause."""

    section: str  #: Where the data sheet says so.
    fix: str  #: What to do, in one line.


_COMMANDS: Final = SECTIONS[Rule.IN_RDATAC]

ABOUT: Final[dict[AnyCause, About]] = {
    Cause.NOBODY: About(
        "emgrig: docs/attach.md",
        "build the firmware against the bench (docs/attach.md); one that --serve waits for needs "
        "EMGRIG_ATTACH=ADDRESS",
    ),
    Cause.NOTHING: About(
        "emgrig: docs/attach.md", "build or run the firmware against the bench, see docs/attach.md"
    ),
    Cause.POWERED_DOWN: About(SECTIONS[Rule.T_POR], "drive PWDN and RESET high, and wait tPOR"),
    Cause.NO_CLOCK: About(
        SECTIONS[Rule.T_POR], "CLKSEL high for the own oscillator, or give a clock on CLK"
    ),
    Cause.SPI_MODE: About(
        "SBAS499C p. 38, serial interface",
        "set SPI mode 1: SCLK low at rest (CPOL 0), sample on the falling edge (CPHA 1)",
    ),
    Cause.CONTENTION: About(
        "SBAS499C p. 38, chip select", "lift one CS before the next falls: one chip drives MISO"
    ),
    Cause.TWO_CLOCKS: About(
        "SBAS499C p. 46, CONFIG1 (CLK_EN)",
        "read each chip at its own DRDY, or give all one clock (CLK_EN of one, CLKSEL low)",
    ),
    Cause.NEVER_SDATAC: About(
        _COMMANDS,
        "send SDATAC (11h) after power-up and after every RESET, before registers are touched",
    ),
    Cause.IN_RDATAC: About(
        _COMMANDS,
        "send SDATAC (11h) before RREG and WREG; power-on, RESET and RDATAC end its effect",
    ),
    Cause.RDATA_IN_RDATAC: About(
        _COMMANDS, "leave RDATA out in RDATAC mode, or send SDATAC before the first RDATA"
    ),
    Cause.RDATAC_AT_EDGE: About(
        SECTIONS[Rule.UPDATE_WINDOW],
        "send RDATAC once, 4 tCLK (1.95 µs) or more from a fall of DRDY, and not for each frame",
    ),
    Cause.NEVER_STARTED: About(
        SECTIONS[Rule.NO_RESULT], "send START (08h), or drive the START pin high"
    ),
    Cause.START_LOW: About(
        SECTIONS[Rule.NO_RESULT],
        "hold the START pin high while results are wanted, or use the commands",
    ),
    Cause.NEVER_WOKEN: About(
        _COMMANDS, "send WAKEUP (02h) and wait 31.25 µs before any other command"
    ),
    Cause.NEVER_READ: About(
        "SBAS499C p. 41, RDATAC and RDATA", "clock one frame of zeros after each fall of DRDY"
    ),
    Cause.FRAME_LENGTH: About(
        "SBAS499C p. 36-38, data retrieval",
        "clock 3 status bytes and 3 bytes for each channel of the part: 27, 21 or 15",
    ),
    Cause.MISSED: About(
        "SBAS499C p. 36-38, data ready",
        "read each result before the next: at the falling edge of DRDY, by interrupt",
    ),
    Cause.DRDY_HIDDEN: About(
        "SBAS499C p. 38, data ready",
        "take the falling edge of DRDY by interrupt: any SCLK ends its low level",
    ),
    Cause.SHORTED: About(
        "SBAS499C p. 50, CHnSET",
        "write CHnSET with MUX 000 (60h for gain 24): after RESET all inputs are shorted",
    ),
    Cause.SCALE: About(
        "SBAS499C p. 38, data format", "µV = code × 4.5e6 / (gain × 2^23), code signed, MSB first"
    ),
    Rule.T_POR: About(
        SECTIONS[Rule.T_POR], "wait 2^18 tCLK (128 ms) after power-up before the first command"
    ),
    Rule.T_SDECODE: About(
        SECTIONS[Rule.T_SDECODE],
        "let bytes of commands end 4 tCLK (1.95 µs) apart: SCLK of 3.9 MHz at most, or gaps",
    ),
    Rule.T_SCCS: About(
        SECTIONS[Rule.T_SCCS],
        "keep CS low for 4 tCLK (1.95 µs; 2.01 µs with a slow oscillator) after the last SCLK",
    ),
    Rule.T_CSH: About(SECTIONS[Rule.T_CSH], "keep CS high for 2 tCLK (0.98 µs) between transfers"),
    Rule.SCLK_LIMIT: About(
        SECTIONS[Rule.SCLK_LIMIT], "lower SCLK to 20 MHz, or 15 MHz below a DVDD of 2.7 V"
    ),
    Rule.RESET_PULSE: About(SECTIONS[Rule.RESET_PULSE], "hold RESET low for 2 tCLK (0.98 µs)"),
    Rule.RESET_BUSY: About(
        SECTIONS[Rule.RESET_BUSY], "wait 18 tCLK (8.8 µs) after RESET before anything is sent"
    ),
    Rule.START_PULSE: About(SECTIONS[Rule.START_PULSE], "hold START high for 2 tCLK (0.98 µs)"),
    Rule.START_PIN: About(
        SECTIONS[Rule.START_PIN],
        "use the START pin or the commands: with the commands the pin stays low",
    ),
    Rule.IN_RDATAC: About(_COMMANDS, "send SDATAC (11h) before RREG and WREG"),
    Rule.IN_STANDBY: About(_COMMANDS, "send WAKEUP (02h) before any other command"),
    Rule.RDATAC_WAIT: About(
        SECTIONS[Rule.RDATAC_WAIT], "wait 4 tCLK (1.95 µs) after RDATAC before data are clocked"
    ),
    Rule.UPDATE_WINDOW: About(
        SECTIONS[Rule.UPDATE_WINDOW],
        "end each read 4 tCLK (1.95 µs) before the next fall of DRDY: start sooner, clock faster",
    ),
    Rule.PARTIAL_COMMAND: About(
        SECTIONS[Rule.PARTIAL_COMMAND],
        "keep CS low from a command's first byte to its last; send as many registers as it says",
    ),
    Rule.UNKNOWN_OPCODE: About(
        SECTIONS[Rule.UNKNOWN_OPCODE], "send 00h where nothing is meant, as while data are read"
    ),
    Rule.ADDRESS: About(SECTIONS[Rule.ADDRESS], "end bursts at CONFIG4 (17h): address + count"),
    Rule.RESERVED_BITS: About(
        SECTIONS[Rule.RESERVED_BITS], "write reserved bits as the register's table has them"
    ),
    Rule.RESERVED_CODE: About(SECTIONS[Rule.RESERVED_CODE], "do not use this code"),
    Rule.NO_DATA: About(
        SECTIONS[Rule.NO_DATA], "send RDATAC (10h) once, or RDATA (12h) before each frame"
    ),
    Rule.NO_RESULT: About(
        SECTIONS[Rule.NO_RESULT], "wait for the fall of DRDY: the first result takes 4 tDR + 9 tCLK"
    ),
    Rule.NO_REFERENCE: About(
        SECTIONS[Rule.NO_REFERENCE],
        "set CONFIG3 bit 7 (E0h) and wait 150 ms, or say --reference if 4.5 V are on VREFP",
    ),
}
"""Where it is said and how to mend it, for every cause and every rule."""

COMMANDS: Final = {
    0x02: "WAKEUP", 0x04: "STANDBY", 0x06: "RESET", 0x08: "START", 0x0A: "STOP",
    0x10: "RDATAC", 0x11: "SDATAC", 0x12: "RDATA",
}  # fmt: skip
REGISTERS: Final = (
    "ID", "CONFIG1", "CONFIG2", "CONFIG3", "LOFF", *(f"CH{n}SET" for n in range(1, 9)),
    "BIAS_SENSP", "BIAS_SENSN", "LOFF_SENSP", "LOFF_SENSN", "LOFF_FLIP",
    "LOFF_STATP", "LOFF_STATN", "GPIO", "MISC1", "MISC2", "CONFIG4",
)  # fmt: skip


def command_name(opcode: int | None) -> str:
    """Return the name of a command by its first byte, with the register where it has one."""
    if opcode is None:
        return "a command"
    if opcode & 0xE0 in (0x20, 0x40):
        address = opcode & 0x1F
        name = REGISTERS[address] if address < len(REGISTERS) else f"{address:02X}h"
        return f"{'RREG' if opcode & 0xE0 == 0x20 else 'WREG'} {name}"
    return COMMANDS.get(opcode, f"{opcode:02X}h")
