"""Tables of a TOML file, read key by key; what is wrong is said in one line with its place."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

_MISSING = object()


def load_toml(path: Path) -> "Table":
    """Read a TOML file.

    Raises
    ------
    ValueError
        If it cannot be read or is no TOML.
    """
    try:
        return Table(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not TOML: {error}") from error


class Table:
    """One table; `done` refuses keys that nobody asked for.

    Parameters
    ----------
    content : mapping
        As `tomllib` gives it.
    where : str
        Its name, for messages; empty for the file.
    """

    def __init__(self, content: Mapping[str, object], where: str = "") -> None:
        self._content = content
        self._where = where
        self._known: list[str] = []

    def place(self, key: str) -> str:
        """Name a key as a message should."""
        return f"{self._where}.{key}" if self._where else key

    def has(self, key: str) -> bool:
        """Tell whether the key is there."""
        return key in self._content

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self._get(key, default)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{self.place(key)} is {value!r}; a text in quotes was expected")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; none if it is not there."""
        value = self._get(key, ())
        if not isinstance(value, list | tuple) or not all(isinstance(x, str) for x in value):
            raise ValueError(f"{self.place(key)} is {value!r}; a list of texts was expected")
        return tuple(value)

    def choice(self, key: str, default: str, allowed: Sequence[str]) -> str:
        """Return one of some words."""
        value = self.text(key, default)
        if value not in allowed:
            raise ValueError(f"{self.place(key)} is {value!r}; there are: {', '.join(allowed)}")
        return value

    def number(self, key: str, default: float | None, low: float, high: float) -> float:
        """Return a number from `low` to `high`."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self.place(key)} is {value!r}; a number was expected")  # noqa: TRY004
        if not low <= value <= high:
            raise ValueError(f"{self.place(key)} is {value:g}; {low:g} to {high:g} was expected")
        return float(value)

    def integer(self, key: str, default: int | None, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(
                f"{self.place(key)} is {value!r}; a whole number from {low} to {high} was expected"
            )
        return value

    def table(self, key: str) -> "Table":
        """Return a table inside this one; an empty one if it is not there."""
        value = self._get(key, {})
        if not isinstance(value, dict):
            raise ValueError(f"{self.place(key)} must be a table, [{self.place(key)}]")  # noqa: TRY004
        return Table(value, self.place(key))

    def tables(self, key: str) -> list["Table"]:
        """Return a list of tables, ``[[key]]``; none if it is not there."""
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(x, dict) for x in value):
            raise ValueError(f"{self.place(key)} must be a list of tables, [[{self.place(key)}]]")
        rows = cast("list[dict[str, object]]", value)
        return [Table(row, f"{self.place(key)}[{i}]") for i, row in enumerate(rows, start=1)]

    def done(self) -> None:
        """Refuse what nobody asked for.

        Raises
        ------
        ValueError
            Naming the first such key, and the nearest that there is.
        """
        for key in self._content:
            if key not in self._known:
                close = difflib.get_close_matches(key, self._known, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                there = ", ".join(self._known)
                raise ValueError(f"there is no {self.place(key)}{hint} There are: {there}")

    def _get(self, key: str, default: object) -> object:
        self._known.append(key)
        value = self._content.get(key, _MISSING)
        if value is not _MISSING:
            return value
        if default is None:
            raise ValueError(f"{self.place(key)} is missing")
        return default
