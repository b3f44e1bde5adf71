"""Limits, and lights that do not flicker at them."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated

from annotated_types import Ge, Interval

from emgrig.filemodel import FileModel

NotNegative = Annotated[float, Ge(0)]


class Light(StrEnum):
    """What a person sees first."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    GREY = "grey"
    """Not measured."""


_ORDER = (Light.GREY, Light.GREEN, Light.YELLOW, Light.RED)


def worst(*lights: Light) -> Light:
    """Return the worst of some lights; grey counts least."""
    return max(lights, key=_ORDER.index)


@dataclass(frozen=True)
class Limits(FileModel):
    """Where lights change; every limit is a setting. `docs/electrodes.md` says where each is from.

    Attributes
    ----------
    green_ohm, yellow_ohm : float
        Impedance of one electrode, up to which it is green, yellow.
    open_ohm : float
        From here on it is called open.
    bridge_ohm : float
        What one electrode's current may make on another channel, over the current.
    short_ohm : float
        Below this a contact is no skin: it touches its partner, or the bias electrode.
    apart_ratio, apart_ohm : float
        P and N of a channel are too far apart if they differ by more than both.
    rail_yellow_percent, rail_red_percent : float
        Largest value of a channel over full scale.
    mains_yellow_uv, mains_red_uv : float
        Mains on a channel, µV rms.
    same_correlation : float, 0 to 1
        Two channels correlated more than this show the same signal.
    hysteresis : float, 0 to 1
        A light that is on changes only when its limit is crossed by this share of it.
    """

    green_ohm: NotNegative = 10e3
    yellow_ohm: NotNegative = 30e3
    open_ohm: NotNegative = 1e6
    bridge_ohm: NotNegative = 500.0
    short_ohm: NotNegative = 500.0
    apart_ratio: NotNegative = 3.0
    apart_ohm: NotNegative = 10e3
    rail_yellow_percent: NotNegative = 75.0
    rail_red_percent: NotNegative = 90.0
    mains_yellow_uv: NotNegative = 40.0
    mains_red_uv: NotNegative = 150.0
    same_correlation: Annotated[float, Interval(ge=0, le=1)] = 0.9
    hysteresis: Annotated[float, Interval(ge=0, lt=1)] = 0.1

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) >= 0:  # NaN is refused too
                raise ValueError(f"{field.name} is {getattr(self, field.name)}; expected 0 or more")
        if not 0 < self.green_ohm <= self.yellow_ohm <= self.open_ohm:
            raise ValueError(
                f"limits of {self.green_ohm:g} (green), {self.yellow_ohm:g} (yellow) and "
                f"{self.open_ohm:g} Ω (open); expected them in rising order"
            )
        if self.hysteresis >= 1 or self.same_correlation > 1:
            raise ValueError("hysteresis must be below 1, same_correlation at most 1")


def light_of(
    value: float, green: float, yellow: float, *, hysteresis: float, previous: Light = Light.GREY
) -> Light:
    """Return green up to `green`, yellow up to `yellow`, red above.

    A limit is moved by `hysteresis` away from where `previous` stands, so that a value at a limit
    does not make the light flicker; grey moves nothing.
    """

    def moved(limit: float, below: tuple[Light, ...]) -> float:
        if previous is Light.GREY:
            return limit
        return limit * (1 + hysteresis if previous in below else 1 - hysteresis)

    if value <= moved(green, (Light.GREEN,)):
        return Light.GREEN
    return Light.YELLOW if value <= moved(yellow, (Light.GREEN, Light.YELLOW)) else Light.RED
