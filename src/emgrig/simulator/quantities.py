"""Numbers with a unit, as people type them."""

import math
import re
from collections.abc import Mapping

VOLTS: Mapping[str, float] = {
    "V": 1.0,
    "Volts": 1.0,
    "mV": 1e-3,
    "uV": 1e-6,
    "µV": 1e-6,  # micro sign
    "μV": 1e-6,  # Greek mu
    "nV": 1e-9,
}
"""Units of voltage and what they are in V."""

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s]*)\s*")


def parse_quantity(text: str, units: Mapping[str, float]) -> float:
    """Read a number with one of `units` (unit → factor), in the base unit.

    Raises
    ------
    ValueError
        If it is not a number, is not finite, or the unit is missing or another one.

    Examples
    --------
    >>> parse_quantity("10 mV", VOLTS)
    0.01
    """
    match = _NUMBER.fullmatch(text)
    allowed = ", ".join(unit for unit in units if unit) or "none"
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit ({allowed})")
    if match[2] not in units:
        raise ValueError(f"{text!r} has unit {match[2]!r}; expected one of: {allowed}")
    value = float(match[1]) * units[match[2]]
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value
