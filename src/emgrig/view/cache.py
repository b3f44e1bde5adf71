"""Pyramids on disk, in the user's cache folder: never beside a recording.

One is known again by the recording's size, time of change and samples of its bytes. What is not
finished lies in folders of its own, which are removed.
"""

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgrig.files import attempt
from emgrig.view.pyramid import PLANES, WIDTHS, Store, base_shape

#: Another number makes all that was kept useless.
_FORM = f"1-{WIDTHS[0]}"
_PIECES, _PIECE_BYTES = 64, 4096
_MOST_BYTES = 4_000_000_000
_OLD_S = 86_400.0
_UNFINISHED = "unfinished-"


def default_folder() -> Path:
    """Return the folder of this user: ``$XDG_CACHE_HOME/emgrig/view`` or its default."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a path that is not absolute is to be ignored.
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    return base / "emgrig" / "view"


def key_of(path: Path, *more: object) -> str:
    """Return what a recording is known again by; `more` is how it is read.

    The whole of a long file is not read for it: its size, the time of its last change and 64 pieces
    are taken, and the same of a JSON file beside it.
    """
    digest = hashlib.blake2b(repr((_FORM, more)).encode(), digest_size=16)
    for file in (path, path.with_suffix(".json")):
        if not file.is_file():
            continue
        with attempt("read", file), file.open("rb") as opened:
            about = os.fstat(opened.fileno())
            digest.update(repr((about.st_size, about.st_mtime_ns)).encode())
            for nth in range(_PIECES):
                opened.seek(nth * max(about.st_size - _PIECE_BYTES, 0) // (_PIECES - 1))
                digest.update(opened.read(_PIECE_BYTES))
    return digest.hexdigest()


class Cache:
    """A folder of pyramids; raises RecordingError if it cannot be made or written."""

    def __init__(self, folder: Path, *, now_s: float | None = None) -> None:
        self._folder = folder
        with attempt("make the cache", folder, "or say --no-cache"):
            folder.mkdir(parents=True, exist_ok=True)
        self._tidy(time.time() if now_s is None else now_s)

    def scratch(self) -> "Scratch":
        """Return a place for arrays that are removed in the end."""
        return Scratch(self._folder)

    def kept(self, key: str, n_channels: int, n_samples: int) -> Store | None:
        """Return what gives the arrays that were kept; None if there are none of this shape."""
        place, shape = self._folder / key, base_shape(n_channels, n_samples)
        found: dict[str, NDArray[np.generic]] = {}
        try:
            for name, kind in PLANES.items():
                found[name] = np.load(place / f"{name}.npy", mmap_mode="r")
                if found[name].shape != shape or found[name].dtype != kind:
                    return None
        except (OSError, ValueError, EOFError):  # damaged: it is made anew
            return None
        with suppress(OSError):
            os.utime(place)  # it was used
        return lambda name, *_: found[name]

    def keep(self, scratch: "Scratch", key: str) -> None:
        """Keep the arrays of a place under a key; where the file system refuses, they go."""
        with suppress(OSError):
            scratch.flush()
            shutil.rmtree(self._folder / key, ignore_errors=True)
            scratch.folder.rename(self._folder / key)
            scratch.folder = self._folder / key
            scratch.is_kept = True

    def _tidy(self, now_s: float) -> None:
        """Remove what a viewer that was killed left, and the oldest beyond 4 GB."""
        places = []
        for place in self._folder.iterdir():
            with suppress(OSError):
                at = place.stat().st_mtime
                if place.name.startswith(_UNFINISHED) and now_s - at > _OLD_S:
                    shutil.rmtree(place, ignore_errors=True)
                elif not place.name.startswith(_UNFINISHED):
                    places.append((at, place))
        size = 0
        for _, place in sorted(places, reverse=True):
            size += sum(one.stat().st_size for one in place.glob("*.npy"))
            if size > _MOST_BYTES:
                shutil.rmtree(place, ignore_errors=True)


class Scratch:
    """A folder of arrays on disk; `close` removes it, unless it was kept."""

    def __init__(self, folder: Path) -> None:
        with attempt("write to", folder, "or say --no-cache"):
            self.folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
        self.is_kept = False
        self._made: list[np.memmap[Any, Any]] = []

    def store(self, name: str, shape: tuple[int, ...], kind: type) -> NDArray[np.generic]:
        """Make an array of zeros on disk; as `pyramid.Store`."""
        file = self.folder / f"{name}.npy"
        with attempt("write", file, "or say --no-cache"):
            made = np.lib.format.open_memmap(file, mode="w+", dtype=kind, shape=shape)
            if hasattr(os, "posix_fallocate"):  # a full disk is said here, and ends nothing later
                with file.open("r+b") as opened:
                    os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
        self._made.append(made)
        return made

    def flush(self) -> None:
        """Have all of it on disk."""
        for one in self._made:
            one.flush()

    def close(self) -> None:
        """Remove what is not kept."""
        if not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)
