"""Libraries that not everybody needs: imported when they are, and missed in one way."""

from importlib import import_module, metadata
from types import ModuleType

from packaging.requirements import Requirement

from emgrig.errors import MissingExtra

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


def _remedy(extra: str) -> str:
    """Say how to get what the extra installs on this machine, or where it can be had."""
    try:
        lines = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:  # a bare clone
        lines = []
    packages, elsewhere = [], []
    for one in map(Requirement, lines):
        condition, _, group = str(one.marker or "").rpartition("extra == ")
        if group.strip("\"'") != extra:
            continue
        if one.marker is not None and one.marker.evaluate({"extra": extra}):
            options = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
            packages.append(f"'{one.name}{options}{one.specifier}'")
        else:
            elsewhere.append(f"{one.name} only for {condition.removesuffix(' and ')}")
    named = f"'{PACKAGE}[{extra}]'"
    if elsewhere and not packages:
        return f"to be had for this Python or system: {', '.join(elsewhere)}"
    return f"installed: pip install {' '.join(packages) or named}"
