"""What the HackEEG does to its chip: adsCommand.cpp, and the pins."""

from typing import Final

from emgrig.simulator.chip.ads1299 import Pin
from emgrig.simulator.chip.core import RREG, WREG
from emgrig.simulator.firmware.chip_bank import ChipBank

_CH1SET: Final = 0x05
_SHORTED: Final = 0b001


class OneChip:
    """Opcodes, registers one by one, and pins of the only chip."""

    def __init__(self, bank: ChipBank) -> None:
        self._bank = bank

    def opcode(self, opcode: int) -> None:
        """Be adcSendCommand."""
        self._bank.transfer(0, bytes((opcode,)))

    def read(self, address: int) -> int:
        """Be adcRreg; the address is not looked at."""
        return self._bank.transfer(0, bytes((RREG | address, 0, 0)))[2]

    def write(self, address: int, value: int) -> None:
        """Be adcWreg; the address is not looked at."""
        self._bank.transfer(0, bytes((WREG | address, 0, value)))

    def frame(self, opcode: int | None = None) -> bytes:
        """Clock a frame out, behind an opcode if there is one."""
        head = b"" if opcode is None else bytes((opcode,))
        return self._bank.transfer(0, head + bytes(self._bank.frame_bytes))[len(head) :]

    def n_active(self, n_channels: int) -> int:
        """Be detectActiveChannels: those whose MUX is not 001."""
        muxes = (self.read(_CH1SET + n) & 0b111 for n in range(n_channels))
        return sum(mux != _SHORTED for mux in muxes)

    def start(self, *, level: bool) -> None:
        """Drive START."""
        self._bank.set_pin(Pin.START, level=level)

    def power_up(self) -> None:
        """Drive the pins as arduinoSetup begins."""
        for pin, level in ((Pin.START, False), (Pin.PWDN, True), (Pin.RESET, True)):
            self._bank.set_pin(pin, level=level)

    def pulse_reset(self) -> None:
        """Be the end of arduinoSetup: RESET low and high, 1 ms each."""
        for level in (False, True):
            self._bank.set_pin(Pin.RESET, level=level)
            self._bank.advance_to(self._bank.now_s + 1e-3)
