"""The one table of limits, and how a user's file changes it.

`limits.toml` lists every limit with its unit and the source of the figure. A user's TOML of the
same form replaces single figures; the report shows which.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from emgrig.errors import RecordingError

_NUMBERS = ("low", "high", "marginal_low", "marginal_high")
_KEYS = (*_NUMBERS, "allowed", "unit", "source")


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
    allowed: tuple[float | str | bool, ...] = ()
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
        suffix = "" if unit in ("", "1") else f" {unit}"
        if self.allowed:
            return "one of " + ", ".join(_word(value) for value in self.allowed)
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
        return ""


def _word(value: float | str | bool) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class LimitTable:
    """Limits by name.

    Attributes
    ----------
    limits : dict of str to Limit
    units : dict of str to str
    origin : str
        The user's file, or empty.
    """

    limits: Mapping[str, Limit]
    units: Mapping[str, str]
    origin: str = ""

    def find(self, name: str, unit: str) -> Limit:
        """Return the limit of a quantity, or one without bounds.

        Raises
        ------
        ValueError
            If the table has it in another unit: then its figures would be wrong. No unit asks for
            no such check.
        """
        if unit and name in self.units and self.units[name] != unit:
            raise ValueError(f"{name} is measured in {unit}, its limit is in {self.units[name]}")
        return self.limits.get(name, Limit())

    @property
    def overrides(self) -> dict[str, Limit]:
        """What the user's file changed."""
        return {name: limit for name, limit in self.limits.items() if limit.overridden}


def load_limits(path: Path | str | None = None) -> LimitTable:
    """Read the packaged table, and a user's file over it.

    Raises
    ------
    RecordingError
        If the file cannot be read or is no TOML.
    ValueError
        If it names a limit that does not exist, or a figure makes no sense.
    """
    packaged = tomllib.loads(
        files("emgrig.hil_tests.judging").joinpath("limits.toml").read_text(encoding="utf-8")
    )
    limits = {name: _limit(name, entry, Limit()) for name, entry in packaged.items()}
    units = {name: str(entry["unit"]) for name, entry in packaged.items()}
    if path is None:
        return LimitTable(limits, units)
    for name, entry in _read(Path(path)).items():
        if name not in limits:
            near = ", ".join(sorted(limits))
            raise ValueError(f"{path}: there is no limit {name!r}; there are {near}")
        if entry.get("unit", units[name]) != units[name]:
            raise ValueError(f"{path}: {name} is in {units[name]}, not in {entry['unit']}")
        source = {"source": f"user's file {Path(path).name}"}
        limits[name] = replace(
            _limit(name, {**source, **entry}, limits[name], str(path)), overridden=True
        )
    return LimitTable(limits, units, str(path))


def _read(path: Path) -> dict[str, dict[str, object]]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: not a TOML file: {error}") from error
    for name, entry in table.items():
        if not isinstance(entry, dict):
            raise ValueError(  # noqa: TRY004 - the file is wrong, not the call
                f"{path}: {name} is not a table; write [{name}] and below it high = 1"
            )
    return table


def _limit(
    name: str, entry: Mapping[str, object], base: Limit, where: str = "limits.toml"
) -> Limit:
    """Return `base` with what `entry` says."""
    unknown = sorted(set(entry) - set(_KEYS))
    if unknown:
        raise ValueError(f"{where}: {name} has no key {unknown[0]!r}; there are {', '.join(_KEYS)}")
    numbers = {key: _number(name, key, entry[key], where) for key in _NUMBERS if key in entry}
    allowed = entry.get("allowed", list(base.allowed))
    if not isinstance(allowed, list):
        raise ValueError(f"{where}: {name}.allowed is a list")  # noqa: TRY004 - as above
    limit = replace(
        base,
        low=numbers.get("low", base.low),
        high=numbers.get("high", base.high),
        marginal_low=numbers.get("marginal_low", base.marginal_low),
        marginal_high=numbers.get("marginal_high", base.marginal_high),
        allowed=tuple(allowed),
        source=str(entry.get("source", base.source)),
    )
    if problem := limit.problem():
        raise ValueError(f"{where}: {name}: {problem}")
    return limit


def _number(name: str, key: str, value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError(f"{where}: {name}.{key} is {value!r}; expected a number")
    return float(value)
