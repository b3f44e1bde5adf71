"""The one table of limits, and how a user's file changes it.

`limits.toml` lists every limit with its unit and the source of the figure. A user's TOML of the
same form replaces single figures, or adds limits for the user's own checks; the report shows which.
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from emgrig.errors import UnreadableFile
from emgrig.filemodel import read, refuse_unknown
from emgrig.filetext import parse_toml, read_text
from emgrig.names import unit_shown


@dataclass(frozen=True)
class Limit:
    """Bounds of one quantity; None is no bound.

    Attributes
    ----------
    low, high : float or None
        Outside of them it fails.
    marginal_low, marginal_high : float or None
        Inside of them it passes without remark.
    allowed : tuple
        The values that pass, for what is no number.
    source : str
        Where the figure comes from, in words.
    overridden : bool
        True if the user's file changed it.
    """

    low: float | None = None
    high: float | None = None
    marginal_low: float | None = None
    marginal_high: float | None = None
    allowed: tuple[bool | int | float | str, ...] = ()
    source: str = ""
    overridden: bool = False

    @property
    def is_limit(self) -> bool:
        """True if a value can fail by it."""
        return self.low is not None or self.high is not None or bool(self.allowed)

    @staticmethod
    def holds(value: float, low: float | None, high: float | None) -> bool:
        """Say if `value` lies between two bounds, the bounds included."""
        return (low is None or value >= low) and (high is None or value <= high)

    def words(self, unit: str) -> str:
        """Say it: "0.5 to 1.3 µV", "at most 1 s", "one of 62, 61, 60"."""
        suffix = "" if unit in ("", "1") else f" {unit_shown(unit)}"
        if self.allowed:
            named = ", ".join(_word(value) for value in self.allowed)
            return named if len(self.allowed) == 1 else f"one of {named}"
        if self.low is None and self.high is None:
            return "none"
        if self.low is None:
            return f"at most {self.high:.4g}{suffix}"
        if self.high is None:
            return f"at least {self.low:.4g}{suffix}"
        if self.low == self.high:
            return f"exactly {self.low:.6g}{suffix}"
        return f"{self.low:.4g} to {self.high:.4g}{suffix}"

    def problem(self) -> str:
        """Say what makes no sense in it; nothing if all does."""
        if self.low is not None and self.high is not None and self.low > self.high:
            return f"low {self.low:g} is above high {self.high:g}"
        low, high = self.marginal_low, self.marginal_high
        if low is not None and high is not None and low > high:
            return f"marginal_low {low:g} is above marginal_high {high:g}"
        for name, edge in (("marginal_low", low), ("marginal_high", high)):
            if edge is not None and not self.holds(edge, self.low, self.high):
                return f"{name} {edge:g} lies outside {self.words('')}"
        if self.allowed and (self.low is not None or self.high is not None):
            return "allowed and low or high do not go together"
        return ""


def _word(value: float | str | bool) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class LimitTable:
    """Limits and units by name; `origin` is the user's file, or empty, `own` are its new limits."""

    limits: Mapping[str, Limit]
    units: Mapping[str, str]
    origin: str = ""
    own: frozenset[str] = frozenset()

    def find(self, name: str, unit: str) -> Limit:
        """Return the limit of a quantity, or one without bounds.

        Raises ValueError if the table has it in another unit: then its figures would be wrong. No
        unit asks for no such check.
        """
        if unit and name in self.units and self.units[name] != unit:
            raise ValueError(f"{name} is measured in {unit}, its limit is in {self.units[name]}")
        return self.limits.get(name, Limit())

    def is_own(self, name: str) -> bool:
        """Say if a quantity is the user's own: the package has no limit for it."""
        return name in self.own or name not in self.limits

    @property
    def overrides(self) -> dict[str, Limit]:
        """What the user's file changed."""
        return {name: limit for name, limit in self.limits.items() if limit.overridden}


@dataclass(frozen=True)
class Entry:
    """One table of a file of limits; what it does not say stays as it was.

    Attributes
    ----------
    low, high, marginal_low, marginal_high, allowed, source
        As `Limit` has them.
    unit : str
        Of the packaged table; a user's file may repeat it.
    """

    low: float | None = None
    high: float | None = None
    marginal_low: float | None = None
    marginal_high: float | None = None
    allowed: tuple[bool | int | float | str, ...] | None = None
    unit: str | None = None
    source: str | None = None

    @property
    def is_whole(self) -> bool:
        """True if it says all that a limit needs."""
        bounds = (self.low, self.high, self.allowed)
        return None not in (self.unit, self.source) and any(one is not None for one in bounds)

    def over(self, base: Limit) -> Limit:
        """Return `base` with what this says; ValueError if that makes no sense."""
        said = {key: value for key, value in vars(self).items() if value is not None}
        said.pop("unit", None)
        limit = replace(base, **said)
        if problem := limit.problem():
            raise ValueError(problem)
        return limit


LimitsFile = dict[str, Entry]
BOUNDS: Final = ("low", "high", "marginal_low", "marginal_high")
_OWN = "a limit of your own needs another name, unit, source, and low, high or allowed"
_ALIKE = 0.85
"""So alike are two names, of 1, that one is taken for the other misspelt."""


def load_limits(path: Path | str | None = None) -> LimitTable:
    """Read the packaged table, and a user's file over it.

    Raises UnreadableFile if the file cannot be read, is no TOML, names a limit that does not exist
    and is no whole new one, or a figure makes no sense.
    """
    packaged = _packaged()
    limits = {name: entry.over(Limit()) for name, entry in packaged.items()}
    units = {name: entry.unit or "" for name, entry in packaged.items()}
    if path is None:
        return LimitTable(limits, units)
    path = Path(path)
    for name, entry in _read(path, f"limits {path}").items():
        where = f"limits {path}: {name}"
        if name not in packaged and not _is_own(name, entry, packaged):
            known = refuse_unknown(name, name, sorted(packaged))
            raise UnreadableFile(f"limits {path}: {known}; {_OWN}")
        units.setdefault(name, entry.unit or "")
        if entry.unit not in (None, units[name]):
            raise UnreadableFile(f"{where} is in {units[name]}, not in {entry.unit}")
        try:
            limit = entry.over(limits.get(name, Limit()))
        except ValueError as error:
            raise UnreadableFile(f"{where}: {error}") from error
        source = entry.source or f"user's file {path.name}"
        limits[name] = replace(limit, source=source, overridden=True)
    return LimitTable(limits, units, str(path), frozenset(limits) - frozenset(packaged))


def _is_own(name: str, entry: Entry, packaged: Collection[str]) -> bool:
    """Say if a table is a new limit, of a check of the user's, and no misspelt one of ours."""
    is_like_ours = difflib.get_close_matches(name, packaged, n=1, cutoff=_ALIKE)
    return entry.is_whole and not is_like_ours


def _packaged() -> LimitsFile:
    """Read the packaged table as it is: a test holds it against the model, users need not wait."""
    name = "limits.toml"
    tables = parse_toml(read_text(files("emgrig.hil_tests.judging") / name, name), name)
    found = {}
    for key, table in tables.items():
        said: dict[str, Any] = dict(cast("Mapping[str, object]", table))
        said |= {name: float(said[name]) for name in BOUNDS if name in said}
        if "allowed" in said:
            said["allowed"] = tuple(said["allowed"])
        found[key] = Entry(**said)
    return found


def _read(path: Path, name: str) -> LimitsFile:
    return read(LimitsFile, parse_toml(read_text(path, name), name), name)
