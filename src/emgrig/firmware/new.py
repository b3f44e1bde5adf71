"""Writes a tree of firmware to start from: the core, and what a target needs around it."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, NamedTuple

from emgrig.attach.c.files import write_c_library
from emgrig.errors import RecordingError
from emgrig.files import attempt


class Target(NamedTuple):
    """A processor, or this machine."""

    what: str  #: In some words.
    core: str = "core"  #: Where its tree has the core.


TARGETS: Final = {
    "host": Target("a program for this machine, with the simulated chip"),
    "esp32": Target("ESP32, ESP-IDF: Wi-Fi and TCP"),
    "esp32-arduino": Target("ESP32, Arduino sketch: Wi-Fi and TCP", core="."),
    "rp2040": Target("RP2040, Pico SDK: serial"),
    "stm32": Target("STM32, CubeMX project: serial"),
}
"""Targets by name; each has a folder in `sources/targets`, with a README."""

_SKETCH: Final = "sketch.ino"


def _walk(folder: Traversable, inside: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in folder.iterdir():
        name = f"{inside}/{entry.name}"
        if entry.is_dir():
            found |= _walk(entry, name)
        else:
            found[name.removeprefix("./")] = entry.read_text(encoding="utf-8")
    return found


def firmware_files(target: str, name: str = "firmware") -> dict[str, str]:
    """Return the text of each file of a target's tree, by its path in the folder.

    Parameters
    ----------
    target : str
        One of `TARGETS`.
    name : str
        Of the folder: Arduino wants the sketch to be called so too.

    Raises
    ------
    ValueError
        If there is no such target.
    """
    if target not in TARGETS:
        raise ValueError(f"no target {target!r}; there are {', '.join(TARGETS)}")
    sources = files(__package__).joinpath("sources")
    found = _walk(sources.joinpath("targets", target), ".")
    if _SKETCH in found:
        found[f"{name}.ino"] = found.pop(_SKETCH)
    return dict(sorted((found | _walk(sources.joinpath("core"), TARGETS[target].core)).items()))


def write_firmware(folder: Path, target: str) -> tuple[Path, ...]:
    """Write a target's tree into a folder, which is made, or is empty.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    ValueError
        If there is no such target; nothing was written.
    RecordingError
        If the folder holds something already, or a file cannot be written.
    """
    tree = firmware_files(target, folder.resolve().name)
    with attempt("write into", folder):
        folder.mkdir(parents=True, exist_ok=True)
        is_taken = any(folder.iterdir())
    if is_taken:
        raise RecordingError(f"{folder} is not empty; name a folder that is, or a new one")
    written: list[Path] = []
    for name, text in tree.items():
        path = folder / name
        with attempt("write", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    if target == "host":
        written += write_c_library(folder / "emgrig")
    return tuple(written)
