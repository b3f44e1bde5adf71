"""What a check is: a question with a number, in a layer; and what came out of it."""

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

from emgrig.hil_tests.judging.incident import Incident
from emgrig.hil_tests.judging.limits import LimitTable
from emgrig.hil_tests.judging.measurement import Attachment, Measurement, Outcome, Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emgrig.driver.can import Can

F = TypeVar("F", bound=Callable[..., None])
_ATTRIBUTE = "bringup_check"


class Layer(IntEnum):
    """Layers of a board, each resting on those before: mend the first that fails."""

    title: str

    def __new__(cls, number: int, title: str) -> "Layer":
        """Make a layer with its title, the layer in words."""
        layer = int.__new__(cls, number)
        layer._value_ = number
        layer.title = title
        return layer

    LINK = 0, "link"
    IDENTITY = 1, "SPI and identity"
    REGISTERS = 2, "registers"
    CLOCK = 3, "clock and data ready"
    FRAMES = 4, "frame integrity"
    NOISE = 5, "noise and offset"
    TEST_SIGNAL = 6, "test signal"
    SUPPLIES = 7, "references and supplies"
    LEAD_OFF = 8, "lead-off"
    BIAS = 9, "bias"
    CROSSTALK = 10, "crosstalk and channel map"
    RECOVERY = 11, "recovery"
    ENDURANCE = 12, "endurance"


class Level(StrEnum):
    """How thorough a run is."""

    QUICK = "quick"
    FULL = "full"

    @classmethod
    def _missing_(cls, value: object) -> "Level":
        raise ValueError(f"level {value!r}; expected {' or '.join(cls)}")


class Need(StrEnum):
    """What a check must have of a board, to be asked at all."""

    REGISTERS = "registers"
    EVERY_REGISTER = "every register written"
    RESULTS = "results as the chips convert them"
    FORM = "status words, or a stated scale"
    LOSS = "a count or a clock"
    RESET = "a reset of its chips"
    LINES = "PWDN and RESET"

    def lacks(self, can: "Can") -> str:
        """Say why a board cannot be asked; empty if it can."""
        from emgrig.driver.can import Line, Registers, StatusWord

        has = {
            Need.REGISTERS: can.stated is None,
            Need.EVERY_REGISTER: can.registers is Registers.ALL,
            Need.RESULTS: can.stated is None and not can.rate_hz,
            Need.FORM: can.status is StatusWord.WHOLE or can.stated is not None,
            Need.LOSS: can.is_loss_known,
            Need.RESET: can.reset,
            Need.LINES: {Line.PWDN, Line.RESET} <= set(can.lines),
        }[self]
        return "" if has else _LACKS[self]


_LACKS = {
    Need.REGISTERS: "its registers cannot be reached",
    Need.EVERY_REGISTER: "not all of its registers can be written",
    Need.RESULTS: "its samples are not what the chips convert",
    Need.FORM: "its samples have no status word",
    Need.LOSS: "it neither counts nor has a clock",
    Need.RESET: "its chips cannot be reset",
    Need.LINES: "it cannot drive PWDN and RESET",
}


@dataclass(frozen=True)
class CheckInfo:
    """A check as it is declared: letter (B in the package) and number, layer, the question.

    A board that lacks one of `needs` cannot be asked. One that `judges_delivery` holds against a
    limit how late samples came, in it and in the checks before it that did not: of a board that
    tells a loss, lateness alone says something of the link, and nothing of what a check asks.
    """

    number: str
    layer: Layer
    title: str
    needs: tuple[Need, ...] = (Need.REGISTERS,)
    judges_delivery: bool = False
    about: str = field(default="", compare=False)  #: The first line of its function's docstring.

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
    number: str,
    layer: Layer,
    title: str,
    *,
    needs: tuple[Need, ...] = (Need.REGISTERS,),
    judges_delivery: bool = False,
) -> Callable[[F], F]:
    """Declare a test function to be a check; `info_of` finds it again.

    The arguments are those of `CheckInfo`. docs/adding-a-check.md goes through the steps.
    """

    def declare(function: F) -> F:
        about = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        info = CheckInfo(number, layer, title, needs, judges_delivery, about)
        setattr(function, _ATTRIBUTE, info)
        return function

    return declare


def info_of(function: object) -> CheckInfo | None:
    """Return what a function was declared to be; None if it is no check."""
    info = getattr(function, _ATTRIBUTE, None)
    return info if isinstance(info, CheckInfo) else None


@cache
def suite_functions() -> tuple[tuple[CheckInfo, Callable[..., None]], ...]:
    """Return the checks of the package with their functions, in their order."""
    suite = "emgrig.hil_tests.suite"
    names = [file.name[:-3] for file in files(suite).iterdir() if file.name.startswith("test_")]
    modules = [importlib.import_module(f"{suite}.{name}") for name in names]
    functions = [one for module in modules for one in vars(module).values()]
    found = [(info, one) for one in functions if (info := info_of(one)) is not None]
    return tuple(sorted(found, key=lambda pair: pair[0].order))


def numbers_of(text: str) -> tuple[str, ...]:
    """Read numbers of checks, as "B9, b11"; each once, in capitals."""
    return tuple(dict.fromkeys(text.upper().replace(",", " ").split()))


class CannotMeasure(Exception):
    """The board, its protocol or what is connected cannot answer the question; says why."""


class BeyondBoard(CannotMeasure):
    """The question was not asked: this board cannot tell."""


@dataclass
class CheckResult:
    """What came out of one check.

    `message` is the worst finding, or why it was not made. `incidents` happened meanwhile that
    should not have: link lost, board restarted, chip lost. `duration_s` is wall time.
    """

    info: CheckInfo
    outcome: Outcome = Outcome.NOT_MEASURED
    message: str = ""
    measurements: list[Measurement] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)
    incidents: list[Incident] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    duration_s: float = 0.0
    is_beyond: bool = False  #: It was not asked: the board cannot tell.
    is_only_late: bool = False  #: It failed for samples that came late, and none is missing.

    @property
    def nearest(self) -> str:
        """What of it came nearest to a limit, in words; empty if nothing was held against one."""
        judged = [m for m in self.measurements if m.is_judged and m.readings and m.limit.is_limit]
        if not judged:
            return ""
        best = max(judged, key=lambda m: m.nearest()[0])
        more = f" (and {len(judged) - 1} more)" if len(judged) > 1 else ""
        return best.describe_nearest() + more


Draw = Callable[["Axes", CheckResult, LimitTable], bool]
"""Draws what a check measured; False if there is nothing to draw."""


PICTURES: dict[str, tuple[str, float, Draw]] = {}
"""Number of the check, height in inches and how to draw it, by caption; in the report's order."""


def picture(number: str, caption: str, *, height_in: float = 2.5) -> Callable[[Draw], Draw]:
    """Declare a function to draw what check `number` measured, for the report."""

    def declare(draw: Draw) -> Draw:
        PICTURES[caption] = number, height_in, draw
        return draw

    return declare
