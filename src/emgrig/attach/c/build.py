"""Compiles firmware for this machine, with the C library and its shims."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from emgrig.attach.c.files import write_c_library
from emgrig.errors import MissingExtra, RecordingError

SHIMS: Final = ("arduino", "esp_idf", "stm32_hal", "c_periphery")
"""Folders of headers, one a framework."""

_SKETCH: Final = ("-x", "c++", "-include", "Arduino.h")


class BuildFailed(RecordingError):
    """The compiler refused; its words are the text."""


def compiler(is_cpp: bool) -> str | None:
    """Path of the C or C++ compiler: CC and CXX, else what the system calls so; None if none."""
    told = os.environ.get("CXX" if is_cpp else "CC", "")
    names = [told] if told else (["c++", "g++", "clang++"] if is_cpp else ["cc", "gcc", "clang"])
    return next((found for name in names if (found := shutil.which(name))), None)


def build(
    target: Path,
    sources: Sequence[Path],
    *,
    shim: str | None = None,
    flags: Sequence[str] = (),
    is_library: bool = False,
) -> Path:
    """Compile sources with the C library; its files go into a folder `emgrig` beside `target`.

    Parameters
    ----------
    target : Path
        The program, or the shared library.
    sources : sequence of Path
        C (.c), C++ or Arduino sketches (.ino).
    shim : str or None
        One of `SHIMS`: its headers go before the system's.
    flags : sequence of str
        More options for every file, such as ``-DEMGRIG_PIN_CS=10``.
    is_library : bool
        True makes a shared library, for `emgrig.attach.c.in_process`.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    ValueError
        If there is no such shim.
    MissingExtra
        If there is no compiler.
    BuildFailed
        If it refused.
    """
    if shim is not None and shim not in SHIMS:
        raise ValueError(f"no shim {shim!r}; there are {', '.join(SHIMS)}")
    folder = target.parent / "emgrig"
    write_c_library(folder)
    own = [folder / "emgrig_chip.c"]
    include = [f"-I{folder}"]
    if shim is not None:
        include.insert(0, f"-I{folder / shim}")
        own += [folder / "emgrig_shim.c", *sorted((folder / shim).glob("*.c*"))]
    shared = ["-fPIC"] if is_library else []
    objects: list[str] = []
    is_cpp = False
    for number, source in enumerate([*sources, *own]):
        is_c = source.suffix == ".c"
        is_cpp = is_cpp or not is_c
        made = str(folder / f"{number}-{source.stem}.o")
        language = _SKETCH if source.suffix == ".ino" else ()
        words = ["-O1", "-g", *shared, *include, *flags, *language, "-c", str(source), "-o", made]
        _run(is_c, words)
        objects.append(made)
    kind = [*shared, "-dynamiclib" if sys.platform == "darwin" else "-shared"] if is_library else []
    _run(not is_cpp, [*kind, *objects, "-o", str(target), "-lm"])
    return target


def _run(is_c: bool, arguments: Sequence[str]) -> None:
    found = compiler(not is_c)
    if found is None:
        name = "C" if is_c else "C++"
        raise MissingExtra(
            f"no {name} compiler (cc, gcc, clang); install one, or say {name} in CC/CXX"
        )
    ran = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - the user's compiler
    if ran.returncode != 0:
        raise BuildFailed(f"{found} refused: {ran.stderr.strip()}")
