"""What a fault is: a name, what one sees of it, how it gets in, and what the suite must say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from emgrig.simulator.board import SimulatedBoard

Value = float | int | str
Values = Mapping[str, Value]
#: Puts a fault with these values into a board; the last argument is the seed of its accidents.
SwitchOn = Callable[[SimulatedBoard, Values, int], None]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a fault: a number within limits, or one of some words."""

    default: Value
    unit: str  #: Empty for counts, ratios and words.
    meaning: str
    least: float = 0.0  #: Limits of a number.
    most: float = float("inf")
    words: tuple[str, ...] = ()  #: What a word may be; empty for a number.
    is_whole: bool = False  #: True: a whole number.

    def read(self, text: str) -> Value:
        """Read a value; ValueError if it is none."""
        if self.words:
            if text not in self.words:
                raise ValueError(f"{text!r}; expected {self.allowed}")
            return text
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        is_odd = self.is_whole and not value.is_integer()
        if not self.least <= value <= self.most or value == float("inf") or is_odd:
            raise ValueError(f"{text!r}; expected {self.allowed}")
        return int(value) if self.is_whole else value

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.words:
            return " or ".join(self.words)
        kind = "a whole number, " if self.is_whole else ""
        limits = "or more" if self.most == float("inf") else f"to {self.most:g}"
        return f"{kind}{self.least:g} {limits} {self.unit}".rstrip()


@dataclass(frozen=True)
class Fault:
    """Something that can be wrong: all that anybody has to know of it."""

    name: str
    effect: str  #: What one sees of it, in a line.
    found_by: str  #: Number of the bring-up check that fails first on a board that has it.
    #: Key of the cause that the suite must name then (`emgrig.hil_tests.diagnosis.causes`); the
    #: fault's own name if it is not given.
    cause: str = ""
    #: Makes a board that runs have it; None for what can only be built in.
    switch_on: SwitchOn | None = None
    #: True: it is in the chip, its wires or what is on its pins, and needs no processor.
    is_of_the_chip: bool = False
    #: For what is built in: the master clock's frequency over the nominal one.
    clock_factor: Callable[[Values], float] | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)  #: By name.
    #: Other sizes, places and times, as they are written behind the name; the suite must name their
    #: cause too.
    variants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "cause", self.cause or (self.found_by and self.name))

    @property
    def settings(self) -> tuple[str, ...]:
        """It with its default parameters, then its variants, as `parse_fault` reads them."""
        return (self.name, *(f"{self.name}:{variant}" for variant in self.variants))


@dataclass(frozen=True)
class FaultSetting:
    """A fault with values for its parameters."""

    name: str
    values: tuple[tuple[str, Value], ...] = ()  #: All parameters, those at their default too.

    def __str__(self) -> str:
        """Write it as `parse_fault` reads it."""
        shown = ",".join(
            f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in self.values
        )
        return f"{self.name}:{shown}" if shown else self.name


def number(values: Values, key: str) -> float:
    """Return the value of a parameter that is a number."""
    value = values[key]
    assert isinstance(value, float), key
    return value


def whole(values: Values, key: str) -> int:
    """Return the value of a parameter that is a whole number."""
    value = values[key]
    assert isinstance(value, int), key
    return value
