"""The C library and its shims, as files that a user's compiler takes."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from emgrig.errors import RecordingError

LIBRARY: Final = ("emgrig_chip.h", "emgrig_chip.c")
"""What every program needs."""


def _walk(folder: Traversable, inside: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in folder.iterdir():
        name = f"{inside}{entry.name}"
        if entry.is_dir():
            found |= _walk(entry, f"{name}/")
        else:
            found[name] = entry.read_text(encoding="utf-8")
    return found


def c_files() -> dict[str, str]:
    """Return the text of each file by its path in the folder."""
    return dict(sorted(_walk(files(__package__).joinpath("sources")).items()))


def write_c_library(folder: Path) -> tuple[Path, ...]:
    """Write library and shims into a folder, which is made; what has these names is replaced.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    RecordingError
        If they cannot be written.
    """
    written: list[Path] = []
    for name, text in c_files().items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise RecordingError(f"cannot write {path}: {error.strerror}") from error
        written.append(path)
    return tuple(written)
