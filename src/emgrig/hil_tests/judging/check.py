"""What a check is: a question with a number, in a layer; and what came out of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, TypeVar

from emgrig.hil_tests.judging.incident import Incident
from emgrig.hil_tests.judging.limits import LimitTable
from emgrig.hil_tests.judging.measurement import Attachment, Measurement, Outcome, Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
        A letter and a number; those of the package begin with B.
    layer : Layer
    title : str
        The question in a few words.
    quick, full : str
        How much of it is done at each level, in words, where they differ.
    """

    number: str
    layer: Layer
    title: str
    quick: str = ""
    full: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Z][0-9]+", self.number):
            raise ValueError(
                f"a check has the number {self.number!r}; expected a letter and a "
                "number, as B9 or X1"
            )

    @property
    def order(self) -> tuple[int, str, int]:
        """Layer first, then letter and number."""
        return self.layer, self.number[0], int(self.number[1:])


def check(
    number: str, layer: Layer, title: str, *, quick: str = "", full: str = ""
) -> Callable[[F], F]:
    """Declare a test function to be a check; `info_of` finds it again.

    The arguments are those of `CheckInfo`. docs/adding-a-check.md goes through the steps.
    """

    def declare(function: F) -> F:
        setattr(function, _ATTRIBUTE, CheckInfo(number, layer, title, quick, full))
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
    incidents : list of Incident
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
    incidents: list[Incident] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    duration_s: float = 0.0


Draw = Callable[["Axes", CheckResult, LimitTable], bool]
"""Draws what a check measured; False if there is nothing to draw."""


@dataclass(frozen=True)
class Picture:
    """A picture for the report.

    Attributes
    ----------
    check : str
        Number of the check that measures what it shows.
    caption : str
    height_in : float
        Inches; all are equally wide.
    draw : function
    """

    check: str
    caption: str
    height_in: float
    draw: Draw


PICTURES: dict[str, Picture] = {}
"""By caption, in the order of the report."""


def picture(number: str, caption: str, *, height_in: float = 2.5) -> Callable[[Draw], Draw]:
    """Declare a function to draw what check `number` measured, for the report."""

    def declare(draw: Draw) -> Draw:
        PICTURES[caption] = Picture(number, caption, height_in, draw)
        return draw

    return declare
