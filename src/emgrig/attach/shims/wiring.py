"""Which GPIO number, and which SPI device, is which pin of which chip."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from annotated_types import Ge

from emgrig import filemodel
from emgrig.attach.bench import PINS

PIN_WORDS: Final = PINS
#: Pins that the chip drives.
DRIVEN_BY_THE_CHIP: Final = ("DRDY", "DOUT")
#: Pins that every chip has one of its own of, as a rule; the others are driven together.
_OWN: Final = ("CS", *DRIVEN_BY_THE_CHIP)

#: Header pin of a Raspberry Pi to BCM number, as its public pinout has it.
HEADER: Final[Mapping[int, int]] = {
    3: 2, 5: 3, 7: 4, 8: 14, 10: 15, 11: 17, 12: 18, 13: 27, 15: 22, 16: 23, 18: 24, 19: 10,
    21: 9, 22: 25, 23: 11, 24: 8, 26: 7, 27: 0, 28: 1, 29: 5, 31: 6, 32: 12, 33: 13, 35: 19,
    36: 16, 37: 26, 38: 20, 40: 21,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """The pin that a GPIO line is wired to."""

    pin: str  #: As `Bench.pin` and `Bench.set_pin` name it.
    #: Index of the chip, 0 is the first; None: of all chips that are driven, of the first read.
    chip: Annotated[int, Ge(0)] | None = None

    def __post_init__(self) -> None:
        if self.pin not in PIN_WORDS:
            raise ValueError(f"no pin {self.pin!r}; there are {', '.join(PIN_WORDS)}")

    @property
    def own_chip(self) -> int:
        """Index of the one chip that is meant where only one can be."""
        return self.chip or 0

    @property
    def is_input(self) -> bool:
        """True if the chip drives it, so that the script can only read it."""
        return self.pin in DRIVEN_BY_THE_CHIP


@dataclass(frozen=True)
class Wiring(filemodel.FileModel):
    """How a Linux machine or a microcontroller is wired to the bench.

    A line or an SPI device that is not named here is free: it can be used, and reaches no chip.

    Raises
    ------
    ValueError
        If a key of `spi` or `lines` is no number.
    """

    #: "BUS.DEVICE" to the chip whose CS the kernel drives there (index from 0), or "none".
    spi: dict[str, Annotated[int, Ge(0)] | Literal["none"]] = field(default_factory=dict)
    #: GPIO number, BCM on a Raspberry Pi, to the pin that is there: its name, or name and chip.
    lines: dict[str, str | Line] = field(default_factory=dict)
    #: Names of GPIO chips, any of which has these lines.
    gpio_chips: tuple[str, ...] = ("gpiochip0", "gpiochip4")
    gpiod: Literal[1, 2] = 2  #: Which interface of `gpiod` the script is written for.

    def __post_init__(self) -> None:
        for key in self.spi:
            bus, dot, device = key.partition(".")
            if not (dot and bus.isdecimal() and device.isdecimal()):
                raise ValueError(f'spi: {key!r} is no device; write "BUS.DEVICE", as "0.0"')
        for key, what in self.lines.items():
            if not key.isdecimal():
                raise ValueError(f"lines: {key!r} is no number of a GPIO")
            if isinstance(what, str):
                Line(what)

    def line(self, number: int) -> Line | None:
        """Return what a GPIO line is wired to, or None."""
        what = self.lines.get(str(number))
        if isinstance(what, str):
            return Line(what, 0 if what in _OWN else None)
        return what

    def chip_of_drdy(self, number: int) -> int | None:
        """Return the chip whose DRDY a line is; None if it is free.

        Raises
        ------
        ValueError
            If it is another pin: edges are told on DRDY only.
        """
        wired = self.line(number)
        if wired is None:
            return None
        if wired.pin != "DRDY":
            raise ValueError(f"GPIO {number} is {wired.pin}; edges are simulated on DRDY only")
        return wired.own_chip

    def has_spi(self, bus: int, device: int) -> bool:
        """Return True if there is such an SPI device."""
        return f"{bus}.{device}" in self.spi

    def chip_of(self, bus: int, device: int) -> int | None:
        """Return the chip whose CS the kernel drives for an SPI device; None: of no chip."""
        chip = self.spi[f"{bus}.{device}"]
        return None if chip == "none" else chip

    def check(self, n_chips: int) -> None:
        """Raise ValueError if it names a chip that a bench with `n_chips` lacks."""
        named = [self.chip_of(*map(int, key.split("."))) for key in self.spi]
        named += [found.chip for key in self.lines if (found := self.line(int(key)))]
        for chip in named:
            if chip is not None and chip >= n_chips:
                raise ValueError(
                    f"the wiring names chip {chip} (the first is 0), and the bench has {n_chips}; "
                    "give it more chips, or choose another wiring"
                )


PRESETS: Final = {
    # Raspberry Pi with one chip and its control pins on GPIO, as hobby shields have them
    "generic": Wiring(
        spi={"0.0": 0, "0.1": "none"},
        lines={"25": "DRDY", "22": "START", "23": "RESET", "24": "PWDN"},
    ),
    "pieeg": Wiring(spi={"0.0": 0, "0.1": "none"}, lines={"26": "DRDY"}),
    "pieeg-16": Wiring(
        spi={"0.0": 0, "0.1": "none"},
        lines={"26": "DRDY", "13": Line("DRDY", 1), "19": Line("CS", 1)},
    ),
    # a microcontroller: CS is a pin like the others
    "pico": Wiring(
        spi={"0.0": "none", "1.0": "none"},
        lines={"17": "CS", "20": "DRDY", "21": "START", "22": "RESET", "26": "PWDN"},
    ),
}
"""Wirings that can be asked for by name."""


def find_wiring(text: str) -> Wiring:
    """Return a wiring by its name in `PRESETS`, or read it of a TOML file.

    Raises
    ------
    ValueError
        If there is neither; in one line.
    """
    if text in PRESETS:
        return PRESETS[text]
    if not text.endswith(".toml"):
        raise ValueError(
            f"no wiring {text!r}; there are {', '.join(PRESETS)}, or name a .toml file"
        )
    return filemodel.load(Path(text), Wiring, "wiring")
