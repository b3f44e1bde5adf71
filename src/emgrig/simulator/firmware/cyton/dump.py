"""What `?` prints, line by line, with the firmware's waits between them (printAllRegisters)."""

from collections.abc import Callable
from typing import Final

from emgrig.simulator.firmware.cyton import texts
from emgrig.simulator.firmware.cyton.chips import CytonChips, Waits

_LINE_S: Final = 0.030
_ACCEL_LINE_S: Final = 0.020
_TITLES: Final = ("\nBoard ADS Registers\n", "\nDaisy ADS Registers\n")
_PIECES: Final = ((0x00, 0x0D), (0x0D, 0x0B))  #: First register and number of each read.


def dump(chips: CytonChips, send: Callable[[str], None]) -> Waits:
    """Print all registers of all chips, each line by `send`."""
    for chip, title in zip(chips.present, _TITLES, strict=False):
        send(title)
        for first, count in _PIECES:
            for address, value in enumerate(chips.rreg(chip, first, count), start=first):
                send(texts.register_line(address, value))
                yield _LINE_S
            if first == 0:
                yield 0.01
    send("\nLIS3DH Registers\n")
    for group, addresses in enumerate(texts.ACCEL_REGISTERS):
        send("\n" if group else "")
        for address in addresses:
            send(f"0x{address:02x} {texts.ACCEL_VALUES.get(address, 0):02x}\n")
            yield _ACCEL_LINE_S
    send(texts.END)
