"""The register map of the ADS1299, ADS1299-6 and ADS1299-4 (TI SBAS499C, section 9.6, table 11).

Every field is declared once; encoding, decoding, words, masks and checks follow from it. The names
in `name=` are the data sheet's; the four that carry a bar there (DAISY_EN, PD_REFBUF, PD_BIAS,
PD_LOFF_COMP) are low-active names, so that their 1 means on, or "not daisy".
"""

from dataclasses import dataclass
from typing import NamedTuple

from emgrig.driver.chip.bits import Code, Register, bits, register
from emgrig.driver.chip.model import ADS1299
from emgrig.errors import DeviceError

N_REGISTERS = 24


class Channels(Code):
    """NU_CH: how many channels the part has."""

    FOUR = 0b00, 4
    SIX = 0b01, 6
    EIGHT = 0b10, 8


class DataRate(Code):
    """DR: samples per second at the nominal clock of 2.048 MHz (9.6.1.2); 111 is "do not use"."""

    SPS_16000 = 0b000, 16000
    SPS_8000 = 0b001, 8000
    SPS_4000 = 0b010, 4000
    SPS_2000 = 0b011, 2000
    SPS_1000 = 0b100, 1000
    SPS_500 = 0b101, 500
    SPS_250 = 0b110, 250

    @property
    def clocks(self) -> int:
        """Clock periods from one sample to the next: 128 to 8192."""
        return 128 << self.code


class CalAmplitude(Code):
    """CAL_AMP: height of the test signal in units of VREF/2400, 1.875 mV at 4.5 V (9.6.1.3)."""

    X1 = 0, 1
    X2 = 1, 2


class CalFrequency(Code):
    """CAL_FREQ: the test signal's frequency (9.6.1.3); 10 is "do not use".

    "slow" is fCLK/2**21 = 0.98 Hz, "fast" fCLK/2**20 = 1.95 Hz; "dc" gives the negative level.
    """

    SLOW = 0b00, "slow"
    FAST = 0b01, "fast"
    DC = 0b11, "dc"


class ComparatorThreshold(Code):
    """COMP_TH: threshold of the P side, % of the supply; the N side's is 100 less it."""

    P95 = 0b000, 95
    P92_5 = 0b001, 92.5
    P90 = 0b010, 90
    P87_5 = 0b011, 87.5
    P85 = 0b100, 85
    P80 = 0b101, 80
    P75 = 0b110, 75
    P70 = 0b111, 70


class LeadOffCurrent(Code):
    """ILEAD_OFF: the lead-off current.

    Revision B printed 12 nA for code 01; A and C say 24 nA, which is used here.
    """

    NA_6 = 0b00, "6nA"
    NA_24 = 0b01, "24nA"
    UA_6 = 0b10, "6uA"
    UA_24 = 0b11, "24uA"


class LeadOffFrequency(Code):
    """FLEAD_OFF: frequency of the square-wave lead-off current, Hz at the nominal clock.

    fCLK/2**18, fCLK/2**16, or a quarter of the data rate. The data sheet's example LOFF = 13h is of
    the ADS1298: 11 is not dc here.
    """

    DC = 0b00, "dc"
    HZ_8 = 0b01, 7.8125, 7.8
    HZ_31 = 0b10, 31.25, 31.2
    QUARTER_RATE = 0b11, "rate/4"


class Gain(Code):
    """GAINn: gain of the channel's amplifier, V/V; 111 is "do not use"."""

    X1 = 0b000, 1
    X2 = 0b001, 2
    X4 = 0b010, 4
    X6 = 0b011, 6
    X8 = 0b100, 8
    X12 = 0b101, 12
    X24 = 0b110, 24


class Mux(Code):
    """MUXn: what the channel measures (figure 18); the second words are the data sheet's."""

    NORMAL = 0b000, "normal"
    SHORTED = 0b001, "shorted"
    BIAS = 0b010, "bias", "bias_meas"
    SUPPLY = 0b011, "supply", "mvdd"
    TEMPERATURE = 0b100, "temperature"
    TEST = 0b101, "test"
    BIAS_DRIVE_P = 0b110, "bias_drive_p", "bias_drp"
    BIAS_DRIVE_N = 0b111, "bias_drive_n", "bias_drn"


@register("ID", address=0x00, reset=0x3E, fixed="---111--")
@dataclass(frozen=True)
class Identity(Register):
    """ID (9.6.1.1); its reset depends on part and revision, 3Eh is what 8-channel parts give.

    Working chips with other values are known (DFh), so nothing but `identify` judges it.
    """

    revision: int = bits(7, 5, name="REV_ID", reset=0b001, read_only=True)
    channels: Channels = bits(1, 0, name="NU_CH", reset=Channels.EIGHT, read_only=True)


@register("CONFIG1", address=0x01, reset=0x96, fixed="1--10---")
@dataclass(frozen=True)
class Config1(Register):
    """CONFIG1 (9.6.1.2): read-back mode, clock output, data rate; a new value restarts the filter.

    The reset state *is* daisy-chain mode; the application text says the opposite of the register
    table ("set the bit"), which is used here.
    """

    multiple_read_back: bool = bits(6, name="DAISY_EN", words=("daisy", "multiple"), reset=False)
    clock_output: bool = bits(5, name="CLK_EN", reset=False)
    rate: DataRate = bits(2, 0, name="DR", reset=DataRate.SPS_250)


@register("CONFIG2", address=0x02, reset=0xC0, fixed="110-0---")
@dataclass(frozen=True)
class Config2(Register):
    """CONFIG2 (9.6.1.3): the test signal."""

    internal: bool = bits(4, name="INT_CAL", reset=False)
    amplitude: CalAmplitude = bits(2, name="CAL_AMP", reset=CalAmplitude.X1)
    frequency: CalFrequency = bits(1, 0, name="CAL_FREQ", reset=CalFrequency.SLOW)


@register("CONFIG3", address=0x03, reset=0x60, fixed="-11-----")
@dataclass(frozen=True)
class Config3(Register):
    """CONFIG3 (9.6.1.4): the reference and the bias amplifier."""

    internal_reference: bool = bits(
        7, name="PD_REFBUF", words=("external", "internal"), reset=False
    )
    bias_measure: bool = bits(4, name="BIAS_MEAS", reset=False)
    internal_bias_reference: bool = bits(
        3, name="BIASREF_INT", words=("pin", "internal"), reset=False
    )
    bias_amplifier: bool = bits(2, name="PD_BIAS", reset=False)
    bias_lead_off_sense: bool = bits(1, name="BIAS_LOFF_SENS", reset=False)
    bias_electrode_off: bool = bits(
        0, name="BIAS_STAT", words=("connected", "not connected"), reset=False, read_only=True
    )


@register("LOFF", address=0x04, reset=0x00, fixed="---0----")
@dataclass(frozen=True)
class LeadOffControl(Register):
    """LOFF (9.6.1.5): threshold, current and frequency of lead-off detection."""

    threshold: ComparatorThreshold = bits(7, 5, name="COMP_TH", reset=ComparatorThreshold.P95)
    current: LeadOffCurrent = bits(3, 2, name="ILEAD_OFF", reset=LeadOffCurrent.NA_6)
    frequency: LeadOffFrequency = bits(1, 0, name="FLEAD_OFF", reset=LeadOffFrequency.DC)


@register("CH{n}SET", address=0x05, reset=0x61, count=8)
@dataclass(frozen=True)
class ChannelSettings(Register):
    """CHnSET (9.6.1.6): power, gain, SRB2 switch and input of channel n.

    Figure 55 gives MUXn a reset of 0; table 17 and the heading (61h) give 1, which is used here.
    """

    power_down: bool = bits(7, name="PD{n}", words=("no", "yes"), reset=False)
    gain: Gain = bits(6, 4, name="GAIN{n}", reset=Gain.X24)
    srb2_closed: bool = bits(3, name="SRB2", words=("open", "closed"), reset=False)
    mux: Mux = bits(2, 0, name="MUX{n}", reset=Mux.SHORTED)


_NONE: frozenset[int] = frozenset()


@register("BIAS_SENSP", address=0x0D, reset=0x00, channel_bits=True)
@dataclass(frozen=True)
class BiasSenseP(Register):
    """BIAS_SENSP (9.6.1.7): channels whose P side feeds the bias amplifier."""

    channels: frozenset[int] = bits(7, 0, name="BIASP{bit}", reset=_NONE)


@register("BIAS_SENSN", address=0x0E, reset=0x00, channel_bits=True)
@dataclass(frozen=True)
class BiasSenseN(Register):
    """BIAS_SENSN (9.6.1.8): channels whose N side feeds the bias amplifier."""

    channels: frozenset[int] = bits(7, 0, name="BIASN{bit}", reset=_NONE)


@register("LOFF_SENSP", address=0x0F, reset=0x00, channel_bits=True)
@dataclass(frozen=True)
class LeadOffSenseP(Register):
    """LOFF_SENSP (9.6.1.9): channels with lead-off current and comparator on the P side."""

    channels: frozenset[int] = bits(7, 0, name="LOFFP{bit}", reset=_NONE)


@register("LOFF_SENSN", address=0x10, reset=0x00, channel_bits=True)
@dataclass(frozen=True)
class LeadOffSenseN(Register):
    """LOFF_SENSN (9.6.1.10): channels with lead-off current and comparator on the N side."""

    channels: frozenset[int] = bits(7, 0, name="LOFFM{bit}", reset=_NONE)


@register("LOFF_FLIP", address=0x11, reset=0x00, channel_bits=True)
@dataclass(frozen=True)
class LeadOffFlip(Register):
    """LOFF_FLIP (9.6.1.11): channels whose lead-off current runs the other way."""

    channels: frozenset[int] = bits(7, 0, name="LOFF_FLIP{bit}", reset=_NONE)


@register("LOFF_STATP", address=0x12, reset=0x00, channel_bits=True)
@dataclass(frozen=True)
class LeadOffStatusP(Register):
    """LOFF_STATP (9.6.1.12): channels whose P electrode is off; true only where it is sensed."""

    channels: frozenset[int] = bits(7, 0, name="IN{bit}P_OFF", reset=_NONE, read_only=True)


@register("LOFF_STATN", address=0x13, reset=0x00, channel_bits=True)
@dataclass(frozen=True)
class LeadOffStatusN(Register):
    """LOFF_STATN (9.6.1.13): channels whose N electrode is off; true only where it is sensed."""

    channels: frozenset[int] = bits(7, 0, name="IN{bit}N_OFF", reset=_NONE, read_only=True)


@register("GPIO", address=0x14, reset=0x0F)
@dataclass(frozen=True)
class Gpio(Register):
    """GPIO (9.6.1.14): pins 1 to 4.

    A read gives the levels of the pins, of inputs too; a write sets those of outputs. The reset
    value is that of pins held low.
    """

    high: frozenset[int] = bits(7, 4, name="GPIOD{bit}", reset=_NONE)
    inputs: frozenset[int] = bits(3, 0, name="GPIOC{bit}", reset=frozenset({1, 2, 3, 4}))


@register("MISC1", address=0x15, reset=0x00, fixed="00-00000")
@dataclass(frozen=True)
class Misc1(Register):
    """MISC1 (9.6.1.15): SRB1 in place of every INnN."""

    srb1_closed: bool = bits(5, name="SRB1", words=("open", "closed"), reset=False)


@register("MISC2", address=0x16, reset=0x00, fixed="00000000")
@dataclass(frozen=True)
class Misc2(Register):
    """MISC2 (9.6.1.16): reserved."""


@register("CONFIG4", address=0x17, reset=0x00, fixed="0000-0-0")
@dataclass(frozen=True)
class Config4(Register):
    """CONFIG4 (9.6.1.17): conversion mode, lead-off comparators."""

    single_shot: bool = bits(3, name="SINGLE_SHOT", reset=False)
    comparators: bool = bits(1, name="PD_LOFF_COMP", reset=False)


REGISTERS: tuple[type[Register], ...] = (
    Identity, Config1, Config2, Config3, LeadOffControl, ChannelSettings,
    BiasSenseP, BiasSenseN, LeadOffSenseP, LeadOffSenseN, LeadOffFlip,
    LeadOffStatusP, LeadOffStatusN, Gpio, Misc1, Misc2, Config4,
)  # fmt: skip


class Place(NamedTuple):
    """A register at its address."""

    address: int  #: 0 to 23; Its address.
    register: type[Register]  #: Its declaration.
    n: int  #: 1 for the first of equal registers: the channel of a CHnSET.

    @property
    def name(self) -> str:
        """The data sheet's name: CONFIG1, CH3SET."""
        return self.register.NAME.format(n=self.n)

    def exists(self, n_channels: int) -> int:
        """Return the bits that a part with 4, 6 or 8 channels has; the others read 0."""
        if self.register is ChannelSettings:
            return 0xFF if self.n <= n_channels else 0x00
        return (1 << n_channels) - 1 if self.register.CHANNEL_BITS else 0xFF

    def writable(self, n_channels: int) -> int:
        """Return the bits that hold what is written, reserved bits included."""
        fields = self.register.FIELDS
        read_only = sum(field.mask for field in fields if field.read_only)
        if read_only and all(field.read_only for field in fields):
            return 0x00
        return self.exists(n_channels) & ~read_only

    def unwritable(self, byte: int, n_channels: int) -> str:
        """Say why a write of `byte` would have no effect, or not its own; nothing if it has."""
        if not self.exists(n_channels):
            return f"{self.name} is not in this part, which has {n_channels} channels"
        writable = self.writable(n_channels)
        if not writable:
            return f"{self.name} is read-only: writing it has no effect"
        if in_vain := byte & self.exists(n_channels) & ~writable:
            return f"{self.name} = {byte:02X}h: bits {in_vain:08b} are read-only and must be 0"
        return ""

    def reset(self, n_channels: int) -> int:
        """Return the reset value on a part with 4, 6 or 8 channels."""
        if self.register is Identity:
            return Identity(channels=Channels.parse(n_channels)).encode()
        return self.register.RESET & self.exists(n_channels)

    def problems(self, byte: int, n_channels: int) -> tuple[str, ...]:
        """Say what makes `byte` illegal on this part; nothing if it is legal."""
        exists = self.exists(n_channels)
        if byte & ~exists:
            return (f"this part has {n_channels} channels; bits {0xFF & ~exists:08b} must be 0",)
        return self.register.problems(byte) if exists else ()


def _places() -> tuple[Place, ...]:
    places = tuple(Place(r.ADDRESS + n, r, n + 1) for r in REGISTERS for n in range(r.COUNT))
    if [place.address for place in places] != list(range(N_REGISTERS)):
        raise TypeError("the registers do not lie at 0 to 23, one after the other")
    return places


PLACES = _places()  #: Every register at its address, 0 to 23.


class Status(NamedTuple):
    """The status word of a frame: LOFF_STATP, LOFF_STATN (bit n - 1 is channel n), GPIO pins."""

    loff_p: int
    loff_n: int
    gpio: int


def decode_status(word: int) -> Status:
    """Take the 24-bit status word apart (SBAS499C, output data format).

    The order within the fields, highest channel first, is not stated there literally; other drivers
    read it so too.

    Raises
    ------
    DeviceError
        If its top nibble is not 1100b: these are not the first three bytes of a frame.
    """
    if word >> (ADS1299.status_bits - 4) != ADS1299.status_begins:
        raise DeviceError(f"status word {word:06X}h does not begin with 1100b: not a frame's start")
    return Status(word >> 12 & 0xFF, word >> 4 & 0xFF, word & 0x0F)
