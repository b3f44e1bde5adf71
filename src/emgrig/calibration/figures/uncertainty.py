"""Measured values with their uncertainty, after the GUM (JCGM 100:2008).

Clause numbers below are those of JCGM 100:2008.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import numpy as np
import scipy
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from emgrig.names import unit_shown

COVERAGE_PROBABILITY = 0.9545
"""What k = 2 covers of a normal distribution; k for few degrees of freedom is chosen to match."""


Count = Annotated[int, Ge(0)]


class Bound(StrEnum):
    """What a value is when the thing itself is too small to be measured."""

    NONE = ""
    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True)
class Result:
    """One measured value with all that is needed to judge it.

    Attributes
    ----------
    value : float
        Best estimate, in `unit`.
    unit : str
        "uV", "Hz", "ppm", "dB", "1" for a ratio, …
    standard_uncertainty : float
        One standard deviation of `value`, in `unit`, ≥ 0; 0 for a bound.
    n_used : int
        Samples (or readings, or windows) behind the value.
    k : float
        Coverage factor; the true value lies within ``value ± k * standard_uncertainty`` in about
        95 % of cases.
    n_lost, n_rejected : int
        Samples that never came, and samples that came and were not used.
    assumptions : tuple of str
        What must be true for the value to mean what it says.
    bound : Bound
        Set when `value` is only a limit of the quantity, such as a CMRR that noise hides.
    """

    value: float
    unit: str
    standard_uncertainty: Annotated[float, Ge(0)]
    n_used: Count
    k: Annotated[float, Gt(0)] = 2.0
    n_lost: Count = 0
    n_rejected: Count = 0
    assumptions: tuple[str, ...] = ()
    bound: Bound = Bound.NONE

    def __post_init__(self) -> None:
        if not self.standard_uncertainty >= 0:  # NaN is refused too
            raise ValueError(f"standard uncertainty must be >= 0, not {self.standard_uncertainty}")
        if min(self.n_used, self.n_lost, self.n_rejected) < 0:
            raise ValueError("counts of samples must be >= 0")

    @property
    def expanded_uncertainty(self) -> float:
        """``k * standard_uncertainty``, in `unit`."""
        return self.k * self.standard_uncertainty

    def contains(self, true_value: float) -> bool:
        """Say if `true_value` lies within the expanded uncertainty."""
        return abs(true_value - self.value) <= self.expanded_uncertainty

    def scaled(self, factor: float, unit: str) -> "Result":
        """Return it in another unit; `factor`, above 0, is how many of that one has."""
        u = self.standard_uncertainty * factor
        return replace(self, value=self.value * factor, unit=unit, standard_uncertainty=u)

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else f" {unit_shown(self.unit)}"
        if self.bound:
            return f"{self.bound} {self.value:.4g}{unit}"
        expanded = self.expanded_uncertainty
        if expanded == 0 or not math.isfinite(expanded):
            said = f"U = {expanded:g}" if expanded else "no uncertainty stated"
            return f"{self.value:.4g}{unit} ({said})"
        places = max(0, 1 - math.floor(math.log10(expanded)))
        return f"{self.value:.{places}f} ± {expanded:.{places}f}{unit} (k = {self.k:.2f})"


@dataclass(frozen=True)
class Component:
    """One contribution to an uncertainty.

    `name` says where it comes from, `standard_uncertainty` is in the unit of the input quantity,
    `sensitivity` the change of the result for one unit of the input (5.1.3). Infinite degrees of
    freedom are a type B component taken as known.
    """

    name: str
    standard_uncertainty: float
    sensitivity: float = 1.0
    degrees_of_freedom: float = math.inf

    @property
    def contribution(self) -> float:
        """Standard uncertainty in the unit of the result."""
        return abs(self.sensitivity) * self.standard_uncertainty


def rectangular(half_width: float) -> float:
    """Return the standard uncertainty of a value known to lie within ± `half_width` (4.3.7)."""
    return half_width / math.sqrt(3)


def combine(components: Iterable[Component]) -> tuple[float, float]:
    """Combine independent components by root sum of squares (5.1.2).

    The degrees of freedom are effective, by Welch-Satterthwaite (G.4.1); infinite if every
    component's are.
    """
    parts = list(components)
    combined = math.sqrt(sum(part.contribution**2 for part in parts))
    spent = sum(part.contribution**4 / part.degrees_of_freedom for part in parts)
    return combined, (combined**4 / spent if spent > 0 else math.inf)


def coverage_factor(degrees_of_freedom: float) -> float:
    """Return k for 95.45 % coverage (G.3.2): 2.00 for many degrees of freedom, 2.65 for 5.

    Raises ValueError if there is less than one degree of freedom: then nothing can be covered.
    """
    if degrees_of_freedom < 1:
        raise ValueError(
            f"{degrees_of_freedom:g} degrees of freedom give no interval; take more readings"
        )
    # What scipy.stats.norm and .t give, to the last bit, without the time to import them.
    if math.isinf(degrees_of_freedom):
        return float(scipy.special.ndtri(0.5 + COVERAGE_PROBABILITY / 2))
    return float(scipy.special.stdtrit(degrees_of_freedom, 0.5 + COVERAGE_PROBABILITY / 2))


def mean_result(
    readings: NDArray[np.float64],
    unit: str,
    *,
    type_b: Iterable[Component] = (),
    assumptions: tuple[str, ...] = (),
) -> Result:
    """Average independent readings; their scatter is the type A component (4.2.3).

    At least two readings, shape (n,), in `unit`; `type_b` are further components, in `unit` after
    their sensitivity. Raises ValueError if there are fewer than two readings, or one is not finite.
    """
    readings = np.asarray(readings, dtype=np.float64)
    if readings.ndim != 1 or readings.size < 2 or not np.isfinite(readings).all():
        raise ValueError(f"expected two or more finite readings, got {readings!r}")
    n = readings.size
    scatter = Component("scatter", float(readings.std(ddof=1)) / math.sqrt(n), 1.0, n - 1)
    u, degrees_of_freedom = combine([scatter, *type_b])
    return Result(
        value=float(readings.mean()),
        unit=unit,
        standard_uncertainty=u,
        n_used=n,
        k=coverage_factor(degrees_of_freedom),
        assumptions=assumptions,
    )
