"""Libraries that not everybody needs: imported when they are, and missed in one way."""

import shlex
import shutil
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from emgrig.errors import MissingExtra

if TYPE_CHECKING:
    from packaging.requirements import Requirement

#: What an install line names if emgrig itself was never installed (a bare clone).
PACKAGE = "emgrig"


def require(module: str, extra: str, what: str) -> ModuleType:
    """Import a module that an extra of this package brings.

    Parameters
    ----------
    module : str
        As it is imported: "pympi.Elan".
    extra : str
        As in pyproject.toml: "elan".
    what : str
        What needs it, as the sentence begins: "the page".

    Raises
    ------
    MissingExtra
        If it is not installed; the message has the line that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not f"{module}.".startswith(f"{error.name}."):
            raise  # it is there, and lacks something itself
        raise MissingExtra(f"{what} needs {module}, which is not {_remedy(extra)}") from error


def look_for(library: str, extra: str, what: str) -> None:
    """Raise MissingExtra, as `require`, if a library is not installed; it is not imported."""
    if find_spec(library) is None:
        raise MissingExtra(f"{what} needs {library}, which is not {_remedy(extra)}")


@dataclass(frozen=True)
class Package:
    """A package that is wanted, and which version of it is here."""

    name: str
    wanted: str  #: As ">=2.0"; empty for any.
    found: str  #: Empty if it is not here.
    fits: bool

    def __str__(self) -> str:
        """Return it as an install line names it."""
        return f"'{self.name}{self.wanted}'"


def packages() -> dict[str, list[Package]]:
    """Return what this package wants, on this machine, by extra; without one under ""."""
    found: dict[str, list[Package]] = {}
    for one, extra in _wanted():
        here = found.setdefault(extra, [])
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            here.append(_package(one))
    return found


def _package(one: "Requirement") -> Package:
    from importlib import metadata

    try:
        version = metadata.version(one.name)
    except metadata.PackageNotFoundError:
        version = ""
    fits = bool(version) and one.specifier.contains(version, prereleases=True)
    options = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
    return Package(one.name + options, str(one.specifier), version, fits)


def _wanted() -> "list[tuple[Requirement, str]]":
    """Return what this package requires, each with the extra that it is of."""
    from importlib import metadata  # here, as the next: only what is missing is looked up by them

    from packaging.requirements import Requirement

    try:
        lines = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:  # a bare clone
        lines = []
    every = list(map(Requirement, lines))
    return [(one, str(one.marker or "").rpartition("extra == ")[2].strip("\"'")) for one in every]


def _remedy(extra: str) -> str:
    """Say how to get what the extra installs on this machine, or where it can be had."""
    named, elsewhere = [], []
    for one in (wanted for wanted, of in _wanted() if of == extra):
        if one.marker is not None and one.marker.evaluate({"extra": extra}):
            named.append(str(_package(one)))
        else:
            condition = str(one.marker or "").rpartition("extra == ")[0]
            elsewhere.append(f"{one.name} only for {condition.removesuffix(' and ')}")
    if elsewhere and not named:
        return f"to be had for this Python or system: {', '.join(elsewhere)}"
    whole = f"'{PACKAGE}[{extra}]'"
    return f"installed: {pip()} install {' '.join(named) or whole}"


def pip() -> str:
    """Return how this Python's pip is called here: the first `pip` may be another Python's."""
    first = shutil.which("pip")
    if first is not None and Path(first).parent == Path(sys.executable).parent:
        return "pip"
    here = Path(sys.executable)
    near = here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here
    return f"{shlex.quote(str(near))} -m pip"
