"""What the Cyton prints, and how it reads letters (`OpenBCI_32bit_Library.cpp`)."""

from typing import Final

END: Final = "$$$"
NAMES: Final = (
    "ADS_ID", "CONFIG1", "CONFIG2", "CONFIG3", "LOFF", "CH1SET", "CH2SET", "CH3SET", "CH4SET",
    "CH5SET", "CH6SET", "CH7SET", "CH8SET", "BIAS_SENSP", "BIAS_SENSN", "LOFF_SENSP", "LOFF_SENSN",
    "LOFF_FLIP", "LOFF_STATP", "LOFF_STATN", "GPIO", "MISC1", "MISC2", "CONFIG4",
)  # fmt: skip
TIMED_OUT: Final = (
    "Timeout processing multi byte message - please send all commands at once as of v2$$$"
)
CHANNELS: Final = "12345678QWERTYUI"  #: x and z call the channels so.
OFF: Final = "12345678qwertyui"
ON: Final = "!@#$%^&*QWERTYUI"
RATES: Final = ("16000", "8000", "4000", "2000", "1000", "500", "250")
MODES: Final = ("default", "debug", "analog", "digital", "marker", "BLE")
#: The accelerometer's registers that `?` prints, and what they hold when it is off.
ACCEL_REGISTERS: Final = (range(0x07, 0x10), range(0x1F, 0x34), range(0x38, 0x3E))
ACCEL_VALUES: Final = {0x0F: 0x33, 0x20: 0x08, 0x23: 0x18}


def banner(version: str, ids: tuple[int, ...]) -> str:
    """Return what `v` prints: `ids` of the chips, the board's first."""
    lines = ["OpenBCI V3 8-16 channel", f"On Board ADS1299 Device ID: 0x{ids[0]:02X}"]
    lines += [f"On Daisy ADS1299 Device ID: 0x{chip:02X}" for chip in ids[1:]]
    lines += ["LIS3DH Device ID: 0x33", f"Firmware: v{version}"]
    return "".join(f"{line}\n" for line in lines) + END


def register_line(address: int, value: int) -> str:
    """Return the line of `?` for one register of an ADS1299."""
    bits = ", ".join(str(value >> bit & 1) for bit in range(7, -1, -1))
    return f"{NAMES[address]}, {address:02x}, {value:02x}, {bits}\n"


def channel_of(letter: str) -> int:
    """Return the index that x and z take a letter for; another letter is channel 1."""
    return max(CHANNELS.find(letter), 0)


def gain_of(letter: str) -> int:
    """Return the bits of CHnSET that x takes a letter for; another letter is gain 24."""
    return (int(letter) if letter in "0123456" else 6) << 4


def number_of(letter: str) -> int:
    """Return the number that x and z take a letter for; another letter is 0."""
    return int(letter) if letter in "0123456789" else 0


def is_exact(arguments: str, highest: str) -> bool:
    """Tell whether arguments are what they should be: a channel, and digits up to `highest`."""
    digits = zip(arguments[1:], highest, strict=True)
    return arguments[0] in CHANNELS and all("0" <= one <= top for one, top in digits)
