"""What a check is: a question with a number, in a layer; and what came out of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TypeVar

from emgrig.hil_tests.judging.measurement import Attachment, Measurement, Outcome, Samples

F = TypeVar("F", bound=Callable[..., None])
_ATTRIBUTE = "bringup_check"


class Layer(IntEnum):
    """Layers of a board, each resting on those before: mend the first that fails."""

    LINK = 0
    IDENTITY = 1
    REGISTERS = 2
    CLOCK = 3
    FRAMES = 4
    NOISE = 5
    TEST_SIGNAL = 6
    SUPPLIES = 7
    LEAD_OFF = 8
    BIAS = 9
    CROSSTALK = 10
    RECOVERY = 11
    ENDURANCE = 12

    @property
    def title(self) -> str:
        """The layer in words."""
        return _TITLES[self]


_TITLES = {
    Layer.LINK: "link",
    Layer.IDENTITY: "SPI and identity",
    Layer.REGISTERS: "registers",
    Layer.CLOCK: "clock and data ready",
    Layer.FRAMES: "frame integrity",
    Layer.NOISE: "noise and offset",
    Layer.TEST_SIGNAL: "test signal",
    Layer.SUPPLIES: "references and supplies",
    Layer.LEAD_OFF: "lead-off",
    Layer.BIAS: "bias",
    Layer.CROSSTALK: "crosstalk and channel map",
    Layer.RECOVERY: "recovery",
    Layer.ENDURANCE: "endurance",
}


class Level(StrEnum):
    """How thorough a run is."""

    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True)
class CheckInfo:
    """A check as it is declared.

    Attributes
    ----------
    number : str
        B0 to B24, as in docs/bringup.md.
    layer : Layer
    title : str
        The question in a few words.
    """

    number: str
    layer: Layer
    title: str

    @property
    def order(self) -> tuple[int, int]:
        """Layer first, then number."""
        return self.layer, int(self.number[1:])


def check(number: str, layer: Layer, title: str) -> Callable[[F], F]:
    """Declare a test function to be a check; `info_of` finds it again."""

    def declare(function: F) -> F:
        setattr(function, _ATTRIBUTE, CheckInfo(number, layer, title))
        return function

    return declare


def info_of(function: object) -> CheckInfo | None:
    """Return what a function was declared to be; None if it is no check."""
    info = getattr(function, _ATTRIBUTE, None)
    return info if isinstance(info, CheckInfo) else None


class CannotMeasure(Exception):
    """The board, its protocol or what is connected cannot answer the question; says why."""


@dataclass
class CheckResult:
    """What came out of one check.

    Attributes
    ----------
    info : CheckInfo
    outcome : Outcome
    message : str
        The worst finding, or why it was not made.
    measurements : list of Measurement
    samples : Samples
    incidents : list of str
        What happened meanwhile that should not have: link lost, board restarted, chip lost.
    attachments : list of Attachment
    duration_s : float
        Wall time, s.
    """

    info: CheckInfo
    outcome: Outcome = Outcome.NOT_MEASURED
    message: str = ""
    measurements: list[Measurement] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)
    incidents: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    duration_s: float = 0.0
