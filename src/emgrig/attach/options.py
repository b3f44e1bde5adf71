"""What a bench is to be like: chips, clocks, electrodes, faults, and the processor beside it."""

from dataclasses import dataclass, field
from typing import Final

from emgrig.simulator.chip.core import ReadingOfTheDataSheet


@dataclass(frozen=True)
class Processor:
    """How long what the firmware does takes on its processor: an assumption, to be stated.

    The verdict on a driver can hang on a microsecond between the last SCLK and CS.
    """

    name: str
    call_s: float  #: Of one call: a pin, a byte, a transfer, a look at the time.
    #: From the last SCLK of a whole transfer to CS high, where SPI unit or kernel drive CS.
    hold_s: float
    pause_s: float = 0.0  #: How long CS stays high after such a transfer, at least.

    def __post_init__(self) -> None:
        if not all(0 <= value <= 1 for value in (self.call_s, self.hold_s, self.pause_s)):
            raise ValueError(f"processor {self.name}: times must be 0 to 1 s")

    def faster(self, factor: float) -> "Processor":
        """Return the same processor, `factor` > 0 times as fast."""
        return Processor(
            f"{self.name} x {factor:g}",
            self.call_s / factor,
            self.hold_s / factor,
            self.pause_s / factor,
        )


PROCESSORS: Final = {
    "none": Processor("none", 0.0, 4 / 2.048e6, 2 / 2.048e6),
    "mcu": Processor("mcu", 0.2e-6, 0.2e-6),
    "avr": Processor("avr", 4e-6, 4e-6),
    "linux": Processor("linux", 5e-6, 3e-6),
}
"""Assumptions, not measurements: `none` costs nothing and keeps tSCCS and tCSH where it drives CS;
`mcu` is a Cortex-M or ESP32 that writes a pin by register; `avr` is an Arduino Uno's digitalWrite;
`linux` is a user program that calls the kernel."""


@dataclass(frozen=True)
class ChipOptions:
    """One chip on the bus."""

    channels: int = 8  #: 4, 6 or 8.
    #: Error of its own oscillator, parts per million; None draws it by seed, as the data sheet has
    #: it (±0.5 % at 25 °C).
    oscillator_ppm: float | None = 0.0
    #: The chip whose CLK output drives its CLK pin (index from 0, lower than its own), with CLKSEL
    #: low; None: CLKSEL is high and its own oscillator runs.
    clock_from: int | None = None
    #: The chip whose DOUT drives its DAISY_IN (index, lower than its own); it shares CS then.
    daisy_from: int | None = None


@dataclass(frozen=True)
class BenchOptions:
    """A bench."""

    chips: tuple[ChipOptions, ...] = (ChipOptions(),)
    #: What the electrodes see (see `emgrig.simulator.sources.signals.parse_source`).
    source: str = "face"
    #: As `emgrig simulate --fault`; those of chips, wires and electrodes.
    faults: tuple[str, ...] = ()
    seed: int = 0  #: Which chips, electrodes, noise and accidents.
    is_wired: bool = False  #: True: wires instead of electrodes and no mains.
    #: True: a 4.5 V reference is fitted on VREFP, so that CONFIG3 bit 7 may stay 0.
    has_reference: bool = False
    dvdd_v: float = 3.3
    enforce: bool = True  #: Breaches of tSCCS and tSDECODE have their effect.
    report: bool = True  #: Breaches are kept for the report.
    reading: ReadingOfTheDataSheet = field(default_factory=ReadingOfTheDataSheet)
    processor: Processor = PROCESSORS["none"]
    floating: int = 0  #: Level of MISO when nobody drives it, 0 or 1.
    #: Seconds of bench time in a second of the wall's; None: time is the caller's alone.
    speed: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.chips) <= 8:
            raise ValueError(f"{len(self.chips)} chips on the bench, expected 1 to 8")
        if len({chip.channels for chip in self.chips}) != 1 or self.chips[0].channels not in (
            4,
            6,
            8,
        ):
            raise ValueError("all chips have 4, all 6 or all 8 channels")
        for index, chip in enumerate(self.chips):
            for other in (chip.clock_from, chip.daisy_from):
                if other is not None and not 0 <= other < index:
                    raise ValueError(f"chip {index}: clock and DAISY_IN come from a chip before it")
        if self.floating not in (0, 1):
            raise ValueError(f"floating is {self.floating}, expected 0 or 1")
        if self.speed is not None and not 0 < self.speed < float("inf"):
            raise ValueError(f"speed is {self.speed}, expected more than 0")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}, expected 0 or more")
