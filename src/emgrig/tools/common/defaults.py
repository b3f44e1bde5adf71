"""What a user says once: `emgrig.toml` in this folder, and one in the user's own configuration.

The command line comes first, then the environment (EMGRIG_BOARD, for the address), then the file in
this folder, then the user's. `emgrig config` says where each value came from.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from emgrig.connect import BOARD_VARIABLE
from emgrig.filemodel import FileModel, Text, load, one_of

NAME: Final = "emgrig.toml"


@dataclass(frozen=True)
class DefaultsFile(FileModel):
    """`emgrig.toml`: what commands take where the command line does not say it.

    Attributes
    ----------
    address : str
        The board, as ADDRESS of a command.
    profile : str
        A packaged profile, or a TOML file, from the folder of this file.
    mains_hz : int
        50 or 60; 0 for none.
    reports : str
        Folder in which each run of bringup, calibrate and compare gets a folder of its own.
    limits : str
        TOML that overrides limits of the bring-up suite.
    calibration : str
        Folder or file of calibration certificates, or "none".
    markers : list of str
        Of the desk's buttons: "WORDS", or "KEY=WORDS" with a key too.
    """

    address: Text = ""
    profile: Text = ""
    mains_hz: Annotated[int, one_of(50, 60, 0)] | None = None
    reports: Text = ""
    limits: Text = ""
    calibration: Text = ""
    markers: tuple[Text, ...] = ()


KEYS: Final = tuple(one.name for one in fields(DefaultsFile))
EXAMPLE: Final = """\
# What commands take where the command line does not say it; leave out what you do not want.
address = "serial:///dev/ttyUSB0"  # EMGRIG_BOARD, if it is set, comes before it
profile = "facial-emg"             # a packaged one, or a TOML file beside this one
mains_hz = 50                      # 60 in the Americas and some other places
reports = "reports"                # each run of bringup, calibrate, compare: a folder of its own
# limits = "limits.toml"           # of the bring-up suite
# calibration = "certificates"     # folder or file of certificates, or "none"
# markers = ["r=rest", "s=smile"]  # buttons of the desk, with a key each
"""


@dataclass(frozen=True)
class Default:
    """A value, and where it came from: a file, or a variable of the environment."""

    key: str
    value: str | int | tuple[str, ...]
    where: str


def user_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the user's own folder of settings: ``$XDG_CONFIG_HOME/emgrig`` or its default."""
    home = Path(environ.get("XDG_CONFIG_HOME", ""))
    # The XDG specification: a path that is not absolute is to be ignored.
    return (home if home.is_absolute() else Path.home() / ".config") / "emgrig"


def read_defaults(
    here: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, Default]:
    """Return what is said once, by key; of two places the nearer.

    Raises ValueError if a file is no such file; UnreadableFile if it is there and cannot be read.
    """
    found: dict[str, Default] = {}
    for folder in (user_folder(environ), here or Path.cwd()):
        path = folder / NAME
        if path.exists():
            said = load(path, DefaultsFile, "the settings")
            found |= {one.key: one for one in _said(said, path)}
    if address := environ.get(BOARD_VARIABLE):
        found["address"] = Default("address", address, BOARD_VARIABLE)
    return found


def _said(said: DefaultsFile, path: Path) -> Iterator[Default]:
    for key in KEYS:
        value = getattr(said, key)
        if value in ("", None, ()):
            continue
        is_path = key in ("reports", "limits") or (key == "calibration" and value != "none")
        if is_path or (key == "profile" and value.endswith(".toml")):
            value = str(path.parent / Path(value).expanduser())
        yield Default(key, value, str(path))


#: The option of a command that a key is the default of, and the commands that have another of that
#: name; an address may be an argument too.
_OPTIONS: Final = {
    "address": ("address", ("control",)),
    "profile": ("profile", ()),
    "mains_hz": ("mains", ()),
    "reports": ("report", ("demo", "attach")),
    "limits": ("limits", ("leadoff", "all")),
    "calibration": ("calibration", ()),
    "markers": ("markers", ()),
}


def default_map(command: Any, name: str, found: Mapping[str, Default]) -> dict[str, Any]:
    """Return click's default map for a command, or a group of them, called `name`."""
    if inner := getattr(command, "commands", None):
        return {one: default_map(inner[one], one, found) for one in inner}
    mapped: dict[str, Any] = {}
    for key, default in found.items():
        option, others = _OPTIONS[key]
        parameter = next((one for one in command.params if one.name == option), None)
        if parameter is None or name in others:
            continue
        if parameter.param_type_name == "argument" and key != "address":
            continue
        value = _run_folder(default.value, name) if key == "reports" else default.value
        is_list = isinstance(value, tuple)
        mapped[option] = [value] if parameter.nargs == -1 and not is_list else value
    return mapped


def _run_folder(reports: object, name: str) -> str:
    return str(Path(str(reports)) / f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
