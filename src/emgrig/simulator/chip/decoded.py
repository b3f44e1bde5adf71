"""What the 24 register bytes mean to the analogue half of the chip.

Transcribed from TI SBAS499C (January 2017), tables 11 to 28, apart from the driver's register map
on purpose: a mistake in one must not hide in the other. Codes the data sheet calls "do not use"
are given a meaning here, because a chip does something when they are written; which is noted.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

REGISTER_COUNT = 24

# DR[2:0] of CONFIG1; 111 is "do not use" and taken as the slowest rate.
DECIMATION = (64, 128, 256, 512, 1024, 2048, 4096, 4096)
# GAINn[2:0] of CHnSET; 111 is "do not use" and taken as 24.
GAIN = (1, 2, 4, 6, 8, 12, 24, 24)
# COMP_TH[2:0] of LOFF: positive side, share of the supply span. The negative side is 1 minus it.
THRESHOLD = (0.95, 0.925, 0.90, 0.875, 0.85, 0.80, 0.75, 0.70)
# ILEAD_OFF[1:0] of LOFF, A. (Revision B printed 12 nA for 01; A and C say 24 nA.)
LEAD_OFF_A = (6e-9, 24e-9, 6e-6, 24e-6)


class Mux(IntEnum):
    """MUXn[2:0] of CHnSET, table 15."""

    NORMAL = 0
    SHORTED = 1
    BIAS_MEAS = 2
    SUPPLY = 3
    TEMPERATURE = 4
    TEST = 5
    BIAS_DRP = 6
    BIAS_DRN = 7


MAIN = (Mux.NORMAL, Mux.BIAS_DRP, Mux.BIAS_DRN)


class Chop(IntEnum):
    """FLEAD_OFF[1:0] of LOFF: how the lead-off current is chopped."""

    DC = 0
    SLOW = 1  # f_CLK / 2**18, 7.8125 Hz
    FAST = 2  # f_CLK / 2**16, 31.25 Hz
    QUARTER_RATE = 3  # f_DR / 4


# By the code in a register; and the bits of a byte, lowest first.
_MUXES = tuple(Mux)
_CHOPS = tuple(Chop)
_BITS = tuple(tuple(bool(byte >> index & 1) for index in range(8)) for byte in range(256))


@dataclass(frozen=True)
class FrontEndSettings:
    """The registers, decoded."""

    decimation: int  #: N, modulator samples in a data period; 64 to 4096.
    #: 1 or 2, in units of VREF / 2400; 0 if the test signal is not generated inside.
    test_amplitude: int
    test_period_ticks: int  #: Period of the internal test square wave in clock ticks; 0 is dc.
    reference_on: bool
    bias_measured: bool
    bias_reference_internal: bool
    bias_on: bool
    bias_lead_off: bool
    threshold: float  #: Positive comparator threshold as a share of the supply, 0.70 to 0.95.
    lead_off_a: float  #: Nominal lead-off current, A.
    chop: Chop
    powered_down: tuple[bool, ...]  #: One value for each channel.
    gain: tuple[int, ...]
    srb2: tuple[bool, ...]
    mux: tuple[Mux, ...]
    #: BIAS_SENSP/N, LOFF_SENSP/N and LOFF_FLIP, one value for each channel.
    bias_p: tuple[bool, ...]
    bias_n: tuple[bool, ...]
    sense_p: tuple[bool, ...]
    sense_n: tuple[bool, ...]
    flip: tuple[bool, ...]
    srb1: bool
    comparators_on: bool

    @property
    def data_period_ticks(self) -> int:
        """t_DR in ticks of f_CLK: two ticks for each modulator sample."""
        return 2 * self.decimation

    @property
    def chop_period_ticks(self) -> int:
        """Period of the lead-off chopper in ticks; 0 is dc."""
        return (0, 1 << 18, 1 << 16, 4 * self.data_period_ticks)[self.chop]


def check_length(registers: bytes) -> None:
    """Raise ValueError if this is no whole register file."""
    if len(registers) != REGISTER_COUNT:
        raise ValueError(
            f"expected {REGISTER_COUNT} register bytes (ID to CONFIG4), got {len(registers)}"
        )


@lru_cache(maxsize=64)
def decode(registers: bytes, n_channels: int) -> FrontEndSettings:
    """Decode a whole register file, ID to CONFIG4.

    Parameters
    ----------
    registers : bytes
        24 bytes, addresses 00h to 17h.
    n_channels : int
        4, 6 or 8; bits of channels the part does not have are not looked at.

    Raises
    ------
    ValueError
        If there are not 24 bytes.
    """
    check_length(registers)
    config1, config2, config3, loff = registers[1:5]
    channels = registers[5 : 5 + n_channels]

    def bits(address: int) -> tuple[bool, ...]:
        return _BITS[registers[address]][:n_channels]

    return FrontEndSettings(
        decimation=DECIMATION[config1 & 7],
        test_amplitude=(2 if config2 & 0x04 else 1) if config2 & 0x10 else 0,
        # CAL_FREQ 10 is "do not use" and taken as dc, like 11.
        test_period_ticks=(1 << 21, 1 << 20, 0, 0)[config2 & 3],
        reference_on=bool(config3 & 0x80),
        bias_measured=bool(config3 & 0x10),
        bias_reference_internal=bool(config3 & 0x08),
        bias_on=bool(config3 & 0x04),
        bias_lead_off=bool(config3 & 0x02),
        threshold=THRESHOLD[loff >> 5],
        lead_off_a=LEAD_OFF_A[loff >> 2 & 3],
        chop=_CHOPS[loff & 3],
        powered_down=tuple(bool(byte & 0x80) for byte in channels),
        gain=tuple(GAIN[byte >> 4 & 7] for byte in channels),
        srb2=tuple(bool(byte & 0x08) for byte in channels),
        mux=tuple(_MUXES[byte & 7] for byte in channels),
        bias_p=bits(0x0D),
        bias_n=bits(0x0E),
        sense_p=bits(0x0F),
        sense_n=bits(0x10),
        flip=bits(0x11),
        srb1=bool(registers[0x15] & 0x20),
        comparators_on=bool(registers[0x17] & 0x02),
    )
