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
        wanted = _wanted(extra)
        if wanted is None:
            said = (
                f"{what} needs {module}, which is not installed: pip install '{PACKAGE}[{extra}]'"
            )
        elif wanted:
            packages = " ".join(f"'{one}'" for one in wanted)
            said = f"{what} needs {module}, which is not installed: pip install {packages}"
        else:
            said = f"{what} needs {module}, which is not to be had for this Python or system"
        raise MissingExtra(said) from error


def _wanted(extra: str) -> list[str] | None:
    """Return what the extra installs on this machine; None if nobody can say."""
    try:
        lines = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    found = [Requirement(line) for line in lines]
    return [
        f"{one.name}{'[' + ','.join(sorted(one.extras)) + ']' if one.extras else ''}{one.specifier}"
        for one in found
        if one.marker is not None
        and one.marker.evaluate({"extra": extra})
        and not one.marker.evaluate({"extra": ""})
    ]
