"""Options of `emgrig calibrate` and `emgrig compare`, read."""

import datetime as dt
from typing import TYPE_CHECKING

from emgrig.tools.calibrate.place import SIMULATED_BENCH

if TYPE_CHECKING:
    from emgrig.calibration.bench import Attenuator


def read_attenuator(
    bench: str, ratio: float, limits_percent: float, input_ohm: float | None
) -> "Attenuator | None":
    """Return the attenuator that was told; None leaves the simulated bench its own."""
    from emgrig.calibration.bench import Attenuator
    from emgrig.calibration.figures.uncertainty import rectangular

    if bench == SIMULATED_BENCH and ratio == 1.0:
        return None
    return Attenuator(ratio, rectangular(limits_percent / 100), input_ohm)


def read_date(text: str) -> dt.date | None:
    """Read a date; None for nothing."""
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; expected YYYY-MM-DD") from None


def read_integers(text: str, what: str) -> tuple[int, ...]:
    """Read whole numbers; ValueError naming `what`."""
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise ValueError(f"{what} {text!r}; expected whole numbers with commas between") from None


def read_numbers(text: str, what: str) -> tuple[float, ...]:
    """Read numbers; ValueError naming `what`."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{what} {text!r}; expected numbers with commas between") from None


def read_channels(text: str) -> tuple[int, ...] | None:
    """Read "1,3-5"; None for nothing."""
    if not text:
        return None
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise ValueError(f"channels {text!r}; expected them as 1,3-5")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)
