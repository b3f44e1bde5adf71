"""The Cyton's chips as its firmware drives them, and what it remembers of them.

Each function has the name, in our spelling, of the one in `OpenBCI_32bit_Library.cpp` (commit
24e1c426) that it follows. A function that waits is a generator of the times it waits, s.
"""

from collections.abc import Iterator
from typing import Final

from emgrig.simulator.chip.ads1299 import Pin
from emgrig.simulator.chip.core import RDATAC, RESET, RREG, SDATAC, START, STOP, WREG
from emgrig.simulator.firmware.chip_bank import ChipBank

Waits = Iterator[float]

CONFIG1: Final = 0x01
CONFIG2: Final = 0x02
CONFIG3: Final = 0x03
LOFF: Final = 0x04
CH1SET: Final = 0x05
BIAS_SENSP: Final = 0x0D
BIAS_SENSN: Final = 0x0E
LOFF_SENSP: Final = 0x0F
LOFF_SENSN: Final = 0x10
MISC1: Final = 0x15
CONFIG4: Final = 0x17

EACH: Final = 8  #: Channels of a chip.
ADS_ID: Final = 0x3E
RATE_250: Final = 6
#: x's arguments: power down, gain (in place), input, bias, SRB2, SRB1.
DEFAULTS: Final = (0, 0x60, 0, 1, 1, 0)
NO_CHANGE: Final = 0xFF
_DAISY_CLOCK: Final = 0xB0
_NO_DAISY_CLOCK: Final = 0x90
_MS: Final = 1e-3


class CytonChips:
    """One or two ADS1299, their settings as the firmware believes them."""

    def __init__(self, bank: ChipBank, mended: frozenset[str]) -> None:
        self.bank = bank
        self.rate = RATE_250
        self.has_daisy = False
        self.settings = [list(DEFAULTS) for _ in range(2 * EACH)]
        self.lead_off = [[0, 0] for _ in range(2 * EACH)]
        self._mended = mended

    @property
    def n_channels(self) -> int:
        """Channels that the firmware knows of."""
        return 2 * EACH if self.has_daisy else EACH

    @property
    def present(self) -> range:
        """The chips that it knows of: 0 the board's, 1 the Daisy's."""
        return range(2 if self.has_daisy else 1)

    # ---- SPI ----------------------------------------------------------------------------------

    def rreg(self, chip: int, address: int, count: int = 1) -> bytes:
        """Read registers; a chip that is not there reads 00h."""
        if chip >= len(self.bank):
            return bytes(count)
        return self.bank.transfer(chip, bytes((RREG | address, count - 1)) + bytes(count))[2:]

    def wreg(self, chip: int, address: int, value: int) -> None:
        """Write one register."""
        if chip < len(self.bank):
            self.bank.transfer(chip, bytes((WREG | address, 0, value)))

    def command(self, chip: int, opcode: int) -> None:
        """Send an opcode to one chip."""
        if chip < len(self.bank):
            self.bank.transfer(chip, bytes((opcode,)))

    def start(self) -> Waits:
        """Begin to convert (startADS)."""
        self.bank.broadcast(bytes((RDATAC,)))
        yield _MS
        self.bank.broadcast(bytes((START,)))
        self.bank.begin_count()

    def stop(self) -> Waits:
        """End it (stopADS)."""
        self.bank.broadcast(bytes((STOP,)))
        yield _MS
        self.bank.broadcast(bytes((SDATAC,)))
        yield _MS

    # ---- from the beginning -------------------------------------------------------------------

    def initialize(self) -> Waits:
        """Reset the chips and set all at default, the rate as it was asked for (initialize_ads)."""
        yield 50 * _MS
        self.bank.set_pin(Pin.RESET, level=False)
        yield 4e-6
        self.bank.set_pin(Pin.RESET, level=True)
        yield 40.02 * _MS
        yield from self._reset(0)
        self.wreg(0, CONFIG1, _DAISY_CLOCK | self.rate)
        yield 40 * _MS
        yield from self._reset(1)
        self.has_daisy = self.rreg(1, 0)[0] == ADS_ID
        self.wreg(int(self.has_daisy), CONFIG1, _NO_DAISY_CLOCK | self.rate)
        if self.has_daisy:
            yield 40 * _MS
        self.settings = [list(DEFAULTS) for _ in range(2 * EACH)]
        yield from self.write_all()
        for chip in range(len(self.bank)):
            self.wreg(chip, CONFIG3, 0xEC)
        yield _MS
        self.lead_off = [[0, 0] for _ in range(2 * EACH)]

    def _reset(self, chip: int) -> Waits:
        self.command(chip, RESET)
        yield 12e-6
        self.command(chip, SDATAC)
        yield 100 * _MS
        if chip == 0 or self.has_daisy:
            for channel in range(chip * EACH, (chip + 1) * EACH):
                yield from self.deactivate(channel)
        yield 10 * _MS

    def set_rate(self, code: int) -> Waits:
        """Set the rate (setSampleRate)."""
        self.rate = code
        if "rate-resets" not in self._mended:
            yield from self.initialize()
            return
        for chip in self.present:
            is_source = chip == 0 and self.has_daisy
            self.wreg(chip, CONFIG1, (_DAISY_CLOCK if is_source else _NO_DAISY_CLOCK) | code)

    def configure_lead_off(self) -> Waits:
        """Set 6 nA at 31.2 Hz (configureLeadOffDetection)."""
        for chip in self.present:
            self.wreg(chip, LOFF, self.rreg(chip, LOFF)[0] & 0xF0 | 0x02)
            yield _MS

    def configure_test_signal(self, amplitude: int, frequency: int) -> Waits:
        """Set CONFIG2; FFh leaves as it is (configureInternalTestSignal)."""
        for chip in self.present:
            held = self.rreg(chip, CONFIG2)[0]
            if amplitude == NO_CHANGE:
                amplitude = held & 0x04
            if frequency == NO_CHANGE:
                frequency = held & 0x03
            self.wreg(chip, CONFIG2, 0xD0 | frequency & 0x03 | amplitude & 0x04)
            yield _MS

    # ---- channels -----------------------------------------------------------------------------

    def write_all(self) -> Waits:
        """Write the settings of all channels (writeChannelSettings without an argument)."""
        chip = 0
        for chip in self.present:
            self.command(chip, SDATAC)
            yield _MS
            for channel in range(chip * EACH, (chip + 1) * EACH):
                yield from self._write_channel(channel)
        if not self.has_daisy and "srb1-skipped" not in self._mended:
            return
        uses_srb1 = any(self.settings[n][5] for n in range(self.n_channels))
        self.wreg(chip, MISC1, 0x20 if uses_srb1 else 0x00)
        for channel in range(chip * EACH, (chip + 1) * EACH):
            self.settings[channel][5] = int(uses_srb1)

    def write_one(self, channel: int) -> Waits:
        """Write the settings of one channel (writeChannelSettings); SRB1 is for all of its chip."""
        chip = channel // EACH
        if chip not in self.present:
            return
        self.command(chip, SDATAC)
        yield _MS
        yield from self._write_channel(channel)
        srb1 = self.settings[channel][5]
        if srb1 in (0, 1):
            for other in range(chip * EACH, (chip + 1) * EACH):
                self.settings[other][5] = srb1
        self.wreg(chip, MISC1, 0x20 if srb1 == 1 else 0x00)

    def _write_channel(self, channel: int) -> Waits:
        chip, index = divmod(channel, EACH)
        power_down, gain, mux, bias, srb2, _ = self.settings[channel]
        value = gain | mux | (0x80 if power_down == 1 else 0) | (0x08 if srb2 == 1 else 0)
        self.wreg(chip, CH1SET + index, value)
        for address in (BIAS_SENSP, BIAS_SENSN):
            self._set_bit(chip, address, index, is_set=bias == 1)
            yield _MS

    def deactivate(self, channel: int) -> Waits:
        """Switch a channel off (deactivateChannel)."""
        chip, index = divmod(channel, EACH)
        if chip and not self.has_daisy:
            return
        self.command(chip, SDATAC)
        yield _MS
        held = self.rreg(chip, CH1SET + index)[0]
        self.wreg(chip, CH1SET + index, (held | 0x80) & ~0x08 & 0xFF)
        yield 2 * _MS
        for address in (BIAS_SENSP, BIAS_SENSN):
            self._set_bit(chip, address, index, is_set=False)
            yield 2 * _MS
        if "off-forgotten" in self._mended:
            self.settings[channel][0] = 1
        self.lead_off[channel] = [0, 0]
        yield from self.write_lead_off(channel)

    def activate(self, channel: int) -> Waits:
        """Switch a channel on (activateChannel)."""
        if channel // EACH in self.present:
            believed = self.settings[channel][0]
            self.settings[channel][0] = 0
            yield from self.write_one(channel)
            if "off-forgotten" not in self._mended:
                self.settings[channel][0] = believed

    def write_lead_off(self, channel: int) -> Waits:
        """Write which pins of a channel have a current (changeChannelLeadOffDetect)."""
        chip, index = divmod(channel, EACH)
        if chip not in self.present and chip:
            return
        self.command(chip, SDATAC)
        yield _MS
        for address, is_on in zip((LOFF_SENSP, LOFF_SENSN), self.lead_off[channel], strict=True):
            self._set_bit(chip, address, index, is_set=is_on == 1)

    def default_all(self) -> Waits:
        """Set all channels at default (setChannelsToDefault)."""
        self.settings = [list(DEFAULTS) for _ in range(2 * EACH)]
        yield from self.write_all()
        self.lead_off = [[0, 0] for _ in range(2 * EACH)]
        for channel in range(self.n_channels):
            yield from self.write_lead_off(channel)
        for chip in self.present:
            self.wreg(chip, MISC1, 0x00)

    def _set_bit(self, chip: int, address: int, index: int, *, is_set: bool) -> None:
        held = self.rreg(chip, address)[0]
        self.wreg(chip, address, held | 1 << index if is_set else held & ~(1 << index))
