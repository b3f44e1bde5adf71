"""What the statistics give: numbers under names, and tables as they are printed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats
from emgrig.study.rows import EventRow

KINDS = ("macro", "micro")
SHORT = {"micro": "ME", "macro": "MaE"}


@dataclass(frozen=True)
class Table:
    """A table as it is printed; cells are texts."""

    key: str  #: "t3"
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A table, and the numbers in it by name."""

    table: Table
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Sample:
    """The events that are in the tables, as columns."""

    rows: tuple[EventRow, ...]
    is_micro: NDArray[np.bool_]
    mvc_percent: Floats
    iemg_ms: Floats
    duration_s: Floats

    @classmethod
    def of(cls, rows: Iterable[EventRow]) -> "Sample":
        """Take those that are not left out."""
        kept = tuple(row for row in rows if not row.left_out)
        return cls(
            kept,
            np.array([row.kind == "micro" for row in kept], dtype=bool),
            np.array([row.mvc_percent for row in kept], dtype=np.float64),
            np.array([row.iemg_ms for row in kept], dtype=np.float64),
            np.array([row.duration_ms / 1000 for row in kept], dtype=np.float64),
        )

    def of_kind(self, kind: str) -> NDArray[np.bool_]:
        """Mark the events of a kind."""
        return self.is_micro if kind == "micro" else ~self.is_micro

    def count(self, fits: Callable[[EventRow], bool]) -> tuple[int, int]:
        """Count micro- and macro-expressions among the events that fit."""
        of = [row.kind == "micro" for row in self.rows if fits(row)]
        return sum(of), len(of) - sum(of)


def attempt(key: str, title: str, make: Callable[[], Finding]) -> Finding:
    """Make a finding; where the events do not allow it, a table that says why."""
    try:
        return make()
    except ValueError as error:
        return Finding(Table(key, title, (), (), (f"Not possible with these events: {error}.",)))


def said(value: float, places: int = 2) -> str:
    """Say a number; "-" for what is none."""
    return f"{value:.{places}f}" if np.isfinite(value) else "-"


def said_p(p: float) -> str:
    """Say an error probability."""
    if not np.isfinite(p):
        return "-"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def said_interval(pair: Sequence[float], places: int = 2) -> str:
    """Say an interval; "-" if there is none."""
    low, high = said(pair[0], places), said(pair[1], places)
    return low if low == high == "-" else f"{low} to {high}"
