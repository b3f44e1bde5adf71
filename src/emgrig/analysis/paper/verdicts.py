"""Is a printed number ours? The verdict follows from both, the last place and the inputs."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product


class Verdict(StrEnum):
    """What comparing a printed number with ours says.

    Only what was computed from data is called exact: what comes out of numbers that the paper
    itself prints, as a sum of a table's column or a t of its means, says that its tables agree.
    """

    EXACT = "exact"
    RECOMPUTED = "recomputed"
    WITHIN_ROUNDING = "within rounding"
    DOES_NOT_COME_OUT = "does not come out"
    NO_MATERIAL = "no material"


@dataclass(frozen=True)
class Value:
    """A computed number, and the range it can take if its inputs were rounded before print."""

    nominal: float
    low: float
    high: float
    is_from_data: bool = False  #: Else from numbers that the paper prints.


def value(nominal: float) -> Value:
    """Make a value of printed inputs that are not rounded."""
    return Value(nominal, nominal, nominal)


def from_data(nominal: float) -> Value:
    """Make a value that was computed from what the paper rests on, not from what it prints."""
    return Value(nominal, nominal, nominal, is_from_data=True)


def from_rounded(
    compute: Callable[..., float], inputs: Sequence[float], halves: Sequence[float]
) -> Value:
    """Compute from printed inputs, each of which may be off by half a unit of its last place.

    `compute` must be monotonic in each input over so small a range; the corners then bound it.
    """
    corners = product(*((x - h, x + h) for x, h in zip(inputs, halves, strict=True)))
    values = [compute(*corner) for corner in corners]
    return Value(compute(*inputs), min(values), max(values))


@dataclass(frozen=True)
class Row:
    """A number the paper prints, and what became of it."""

    section: str  #: Where it is printed.
    what: str  #: What it is.
    printed: str  #: As printed; a leading "<" is a bound.
    ours: Value | None  #: None where the material for it is missing.
    note: str = ""  #: Why, and what else comes out.

    @property
    def verdict(self) -> Verdict:
        """The verdict, computed."""
        return judge(self.printed, self.ours)

    @property
    def ours_text(self) -> str:
        """Our number with two places more than printed, or "-"."""
        if self.ours is None:
            return "-"
        places = _places(self.printed)
        nominal = self.ours.nominal
        if nominal == int(nominal) and places == 0:
            return str(int(nominal))
        if 0 < abs(nominal) < 10 ** -(places + 2):
            return f"{nominal:.1e}"
        return f"{nominal:.{places + 2}f}"


def _number(printed: str) -> str:
    match = re.search(r"-?\d*\.?\d+", printed)
    if match is None:
        raise ValueError(f"{printed!r} holds no number")
    return match.group()


def _places(printed: str) -> int:
    return len(_number(printed).partition(".")[2])


def judge(printed: str, ours: Value | None) -> Verdict:
    """Compare a printed number with ours.

    Exact: ours, rounded to the places printed, is the printed number, and comes from data.
    Recomputed: the same, from other numbers that the paper prints. Within rounding: it is not the
    printed number, but can be for some inputs that round to the printed ones.

    Raises
    ------
    ValueError
        If `printed` holds no number.
    """
    text = _number(printed)
    if ours is None:
        return Verdict.NO_MATERIAL
    target = float(text)
    agrees = Verdict.EXACT if ours.is_from_data else Verdict.RECOMPUTED
    if printed.lstrip().startswith("<"):
        return agrees if ours.high < target else Verdict.DOES_NOT_COME_OUT
    half = 0.5 * 10.0 ** -_places(printed) * (1 + 1e-9)
    if abs(ours.nominal - target) <= half:
        return agrees
    if ours.low <= target + half and ours.high >= target - half:
        return Verdict.WITHIN_ROUNDING
    return Verdict.DOES_NOT_COME_OUT
