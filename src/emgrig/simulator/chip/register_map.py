"""The registers of the ADS1299, ADS1299-6 and ADS1299-4, byte by byte.

Source: SBAS499C, table 11 and p. 44-60. Transcribed for the chip model alone. The driver has a
transcription of its own, and a test holds the two against each other; that test is worth something
only as long as neither is made from the other.

What the data sheet leaves open, and the reading that is taken here (all unconfirmed on silicon):

* Reserved bits are stored and read back as written; writing them wrong is reported, not refused.
* A channel register or bit that the 4- or 6-channel part does not have reads 0 and ignores writes.
* ID of the -6 and -4 parts is 3Dh and 3Ch with REV_ID 001, as the bit fields give it.
"""

from dataclasses import dataclass
from typing import Final

N_REGISTERS: Final = 24

ID: Final = 0x00
CONFIG1: Final = 0x01
CONFIG2: Final = 0x02
CONFIG3: Final = 0x03
CH1SET: Final = 0x05
LOFF_STATP: Final = 0x12
LOFF_STATN: Final = 0x13
GPIO: Final = 0x14
CONFIG4: Final = 0x17

_ID_FIXED: Final = 0x1C
_NU_CH: Final = {4: 0b00, 6: 0b01, 8: 0b10}
_N_CHSET: Final = 8


@dataclass(frozen=True)
class RegisterSpec:
    """One register of one part."""

    address: int  #: 00h to 17h.
    name: str  #: As in the data sheet.
    reset: int  #: Value after power-on and RESET, 00h to FFh; ID has its own, see `identity`.
    writable: int  #: Mask of the bits that keep what is written; the others ignore it.
    reserved: int  #: Mask of the bits that must always be written as in `reserved_value`.
    reserved_value: int  #: What those bits must be.


# name, reset, writable, reserved mask, reserved value; of the 8-channel part, in order of address
_EIGHT: Final = (
    ("ID", 0x00, 0x00, 0x00, 0x00),
    ("CONFIG1", 0x96, 0xFF, 0x98, 0x90),
    ("CONFIG2", 0xC0, 0xFF, 0xE8, 0xC0),
    ("CONFIG3", 0x60, 0xFE, 0x60, 0x60),
    ("LOFF", 0x00, 0xFF, 0x10, 0x00),
    *((f"CH{n}SET", 0x61, 0xFF, 0x00, 0x00) for n in range(1, _N_CHSET + 1)),
    ("BIAS_SENSP", 0x00, 0xFF, 0x00, 0x00),
    ("BIAS_SENSN", 0x00, 0xFF, 0x00, 0x00),
    ("LOFF_SENSP", 0x00, 0xFF, 0x00, 0x00),
    ("LOFF_SENSN", 0x00, 0xFF, 0x00, 0x00),
    ("LOFF_FLIP", 0x00, 0xFF, 0x00, 0x00),
    ("LOFF_STATP", 0x00, 0x00, 0x00, 0x00),
    ("LOFF_STATN", 0x00, 0x00, 0x00, 0x00),
    ("GPIO", 0x0F, 0xFF, 0x00, 0x00),
    ("MISC1", 0x00, 0xFF, 0xDF, 0x00),
    ("MISC2", 0x00, 0xFF, 0xFF, 0x00),
    ("CONFIG4", 0x00, 0xFF, 0xF5, 0x00),
)
_ONE_BIT_A_CHANNEL: Final = range(0x0D, 0x12)


def _spec(address: int, n_channels: int) -> RegisterSpec:
    name, reset, writable, reserved, value = _EIGHT[address]
    if CH1SET + n_channels <= address < CH1SET + _N_CHSET:
        return RegisterSpec(address, name, 0x00, 0x00, 0xFF, 0x00)
    if address in _ONE_BIT_A_CHANNEL:
        present = (1 << n_channels) - 1
        return RegisterSpec(address, name, reset, present, 0xFF ^ present, 0x00)
    return RegisterSpec(address, name, reset, writable, reserved, value)


REGISTERS: Final[dict[int, tuple[RegisterSpec, ...]]] = {
    n_channels: tuple(_spec(address, n_channels) for address in range(N_REGISTERS))
    for n_channels in (4, 6, 8)
}
"""The 24 registers by number of channels of the part (4, 6 or 8), in order of address."""


def identity(n_channels: int, rev_id: int = 1) -> int:
    """ID register of a part with `n_channels` (4, 6, 8) and silicon revision `rev_id` (0 to 7)."""
    return rev_id << 5 | _ID_FIXED | _NU_CH[n_channels]


def reserved_code(address: int, value: int) -> str | None:
    """Name the field that `value` sets to a code marked "do not use", or None."""
    if address == CONFIG1 and value & 0b111 == 0b111:
        return "DR = 111"
    if address == CONFIG2 and value & 0b11 == 0b10:
        return "CAL_FREQ = 10"
    if CH1SET <= address < CH1SET + _N_CHSET and value >> 4 & 0b111 == 0b111:
        return "GAINn = 111"
    return None


class RegisterFile:
    """What the registers of one chip hold.

    Parameters
    ----------
    n_channels : int
        4, 6 or 8.
    identity : int
        What ID reads, 00h to FFh.
    """

    def __init__(self, n_channels: int, identity: int) -> None:
        self.n_channels = n_channels  #: 4, 6 or 8.
        self.specs = REGISTERS[n_channels]  #: The 24 registers of this part.
        #: Levels that the world puts on the pins GPIO4 to GPIO1, as bits 3 to 0.
        self.gpio_inputs = 0
        self._identity = identity
        self._values = bytearray(N_REGISTERS)
        self.reset()

    def reset(self) -> None:
        """Set all registers to their defaults; the input levels of the GPIO pins stay."""
        self._values[:] = bytes(spec.reset for spec in self.specs)
        self._values[ID] = self._identity

    def write(self, address: int, value: int) -> bool:
        """Write one byte to 00h to 17h; True if that changed the register."""
        writable = self.specs[address].writable
        before = self._values[address]
        self._values[address] = before & ~writable & 0xFF | value & writable
        return self._values[address] != before

    def __bytes__(self) -> bytes:
        """Return the 24 bytes as RREG would read them, with all live status bits 0."""
        values = bytearray(self._values)
        values[GPIO] = self.gpio_levels << 4 | self._values[GPIO] & 0x0F
        return bytes(values)

    @property
    def gpio_levels(self) -> int:
        """Levels on the pins GPIO4 to GPIO1 as bits 3 to 0, whoever drives them."""
        is_input = self._values[GPIO] & 0x0F
        return self.gpio_inputs & is_input | self._values[GPIO] >> 4 & ~is_input & 0x0F

    @property
    def is_reference_on(self) -> bool:
        """CONFIG3./PD_REFBUF: the internal reference is on."""
        return bool(self._values[CONFIG3] & 0x80)

    @property
    def is_clock_output(self) -> bool:
        """CONFIG1.CLK_EN."""
        return bool(self._values[CONFIG1] & 0x20)

    @property
    def gpio_control(self) -> int:
        """GPIOC4 to GPIOC1 as bits 3 to 0; 1 is an input."""
        return self._values[GPIO] & 0x0F

    @property
    def period_ticks(self) -> int:
        """Data period tDR, tCLK: 128 (16 kSPS) to 8192 (250 SPS).

        DR = 111 ("do not use") is modelled as 110.
        """
        return 128 << min(self._values[CONFIG1] & 0b111, 6)

    @property
    def is_single_shot(self) -> bool:
        """CONFIG4.SINGLE_SHOT."""
        return bool(self._values[CONFIG4] & 0x08)

    @property
    def is_multiple_readback(self) -> bool:
        """CONFIG1./DAISY_EN: True repeats the frame, False (reset) passes DAISY_IN on."""
        return bool(self._values[CONFIG1] & 0x40)
