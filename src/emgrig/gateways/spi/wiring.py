"""How chips are wired to this machine, and the addresses and presets that say it.

Presets from the boards' own programs (docs/boards.md); none was tried on a board.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

MOST_SCLK_HZ: Final = 8_000_000
LEAST_SCLK_HZ: Final = 100_000
MOST_NAME: Final = 32
_DEVICE: Final = re.compile(r"/dev/spidev\d+\.\d+")
_LINE: Final = re.compile(r"(?:(?:/dev/)?(gpiochip\d+)/)?(\d{1,4})")


@dataclass(frozen=True)
class Gpio:
    """A line of a GPIO chip."""

    offset: int  #: Number of the line; on a Raspberry Pi the number behind "GPIO".
    chip: str = ""  #: "gpiochip0"; empty: the one that the header is on.

    def __str__(self) -> str:
        return f"{self.chip or 'the header'}/{self.offset}"


@dataclass(frozen=True)
class ChipWiring:
    """One ADS1299."""

    device: str  #: "/dev/spidev0.0".
    drdy: Gpio
    cs: Gpio | None = None  #: CS driven by hand; None: the kernel does it.


@dataclass(frozen=True)
class Wiring:
    """All that an address says."""

    chips: tuple[ChipWiring, ...]
    start: Gpio | None = None  #: Of all chips; None: not wired, everything goes by opcodes.
    reset: Gpio | None = None
    pwdn: Gpio | None = None
    sclk_hz: int = 4_000_000  #: While results are read; registers are read slower.
    channels: int = 8  #: Of each chip.
    series_ohm: int = 0  #: In series with each input, Ω; 0: not known.
    name: str = ""  #: Serial number of the board; empty: of this machine.
    title: str = "spi"  #: The preset.

    def __post_init__(self) -> None:
        lines = [chip.drdy for chip in self.chips] + [
            line
            for line in (self.start, self.reset, self.pwdn, *(chip.cs for chip in self.chips))
            if line is not None
        ]
        twice = [str(line) for line in lines if lines.count(line) > 1]
        if twice:
            raise ValueError(f"the line {twice[0]} is named for two pins")
        if len({chip.drdy.chip for chip in self.chips}) > 1:
            raise ValueError("drdy and drdy2 are on two GPIO chips; expected one")
        if len(self.name) > MOST_NAME or not self.name.isprintable():
            raise ValueError(
                f"name={self.name[:MOST_NAME]!r}; expected at most {MOST_NAME} letters"
            )
        places = [(chip.device, chip.cs) for chip in self.chips]
        if len(set(places)) < len(places):
            raise ValueError("both chips have the same SPI device and CS; expected device2 or cs2")


_SPI0: Final = "/dev/spidev0.0"
PRESETS: Final[Mapping[str, Wiring]] = {
    # PiEEG's server and scripts: 4 MHz on a Pi 4, 2 MHz on a Pi 5.
    "pieeg": Wiring((ChipWiring(_SPI0, Gpio(26)),), sclk_hz=2_000_000, title="pieeg"),
    "pieeg-16": Wiring(
        (ChipWiring(_SPI0, Gpio(26)), ChipWiring("/dev/spidev0.1", Gpio(13), Gpio(19))),
        sclk_hz=2_000_000,
        title="pieeg-16",
    ),
    # TI's evaluation board on jumper wires; which pins is our choice (docs/raspberry-pi.md).
    "ti-evm": Wiring(
        (ChipWiring(_SPI0, Gpio(25)),),
        start=Gpio(22),
        reset=Gpio(23),
        pwdn=Gpio(24),
        sclk_hz=2_000_000,
        title="ti-evm",
    ),
}
_NUMBERS: Final = {
    "sclk_hz": (LEAST_SCLK_HZ, MOST_SCLK_HZ),
    "channels": (4, 8),
    "series_ohm": (0, 1_000_000),
}
_OF_A_CHIP: Final = ("drdy", "cs", "device2", "drdy2", "cs2")
_OPTIONS: Final = (*_OF_A_CHIP, "start", "reset", "pwdn", *_NUMBERS, "name")


def parse_address(address: str) -> Wiring:
    """Read an address.

    Parameters
    ----------
    address : str
        ``spi:///dev/spidev0.0?drdy=gpiochip0/26`` with, as far as they are wired, ``start=``,
        ``reset=``, ``pwdn=``, ``cs=`` (by hand), for a second chip ``device2=``, ``drdy2=``,
        ``cs2=``; ``sclk_hz=``, ``channels=``, ``series_ohm=``, ``name=``. Or ``spi:PRESET`` with
        any of these behind ``?``. A line is ``CHIP/NUMBER``, or its number alone: then it is on
        the header of a Raspberry Pi.

    Raises
    ------
    ValueError
        If it makes no sense; the message says what would.
    """
    place, _, query = address.partition(":")[2].partition("?")
    said: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in _OPTIONS:
            raise ValueError(f"{address}: no option {key!r}; there are {', '.join(_OPTIONS)}")
        if key in said:
            raise ValueError(f"{address}: {key} is given twice")
        said[key] = value
    try:
        return _with_options(_start_of(place, said), said)
    except ValueError as error:
        raise ValueError(f"{address}: {error}") from error


def _start_of(place: str, said: Mapping[str, str]) -> Wiring:
    """Return the preset, or the one chip of a device."""
    if place in PRESETS:
        return PRESETS[place]
    device = "/" + place.lstrip("/")
    if not place.startswith("/") or not _DEVICE.fullmatch(device):
        raise ValueError(
            f"expected {', '.join(f'spi:{name}' for name in PRESETS)}, or a device as "
            "spi:///dev/spidev0.0?drdy=gpiochip0/26"
        )
    if "drdy" not in said:
        raise ValueError("which line is DRDY? say ?drdy=26, or drdy=gpiochip0/26")
    return Wiring((ChipWiring(device, _line("drdy", said["drdy"])),), title=device[5:])


def _with_options(wiring: Wiring, said: Mapping[str, str]) -> Wiring:
    lines = {
        key: _line(key, text)
        for key, text in said.items()
        if key in ("drdy", "cs", "drdy2", "cs2", "start", "reset", "pwdn")
    }
    first, *others = wiring.chips
    first = replace(first, drdy=lines.get("drdy", first.drdy), cs=lines.get("cs", first.cs))
    second = others[0] if others else None
    if second is None and {"device2", "drdy2", "cs2"} & set(said):
        if "drdy2" not in lines:
            raise ValueError("a second chip needs drdy2=, and device2= or cs2=")
        second = ChipWiring(first.device, lines["drdy2"])
    if second is not None:
        device = said.get("device2", second.device)
        if not _DEVICE.fullmatch(device):
            raise ValueError(f"device2={device}; expected a device as /dev/spidev0.1")
        second = ChipWiring(device, lines.get("drdy2", second.drdy), lines.get("cs2", second.cs))

    def number(key: str, default: int) -> int:
        return _number(key, said[key]) if key in said else default

    return replace(
        wiring,
        chips=(first,) if second is None else (first, second),
        start=lines.get("start", wiring.start),
        reset=lines.get("reset", wiring.reset),
        pwdn=lines.get("pwdn", wiring.pwdn),
        sclk_hz=number("sclk_hz", wiring.sclk_hz),
        channels=number("channels", wiring.channels),
        series_ohm=number("series_ohm", wiring.series_ohm),
        name=said.get("name", wiring.name),
    )


def _line(key: str, text: str) -> Gpio:
    found = _LINE.fullmatch(text)
    if found is None:
        raise ValueError(f"{key}={text}; expected a line as gpiochip0/26, or its number")
    return Gpio(int(found[2]), found[1] or "")


def _number(key: str, text: str) -> int:
    least, most = _NUMBERS[key]
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
    if not least <= value <= most or (key == "channels" and value % 2):
        what = "4, 6 or 8" if key == "channels" else f"{least} to {most}"
        raise ValueError(f"{key}={text}; expected {what}")
    return value
