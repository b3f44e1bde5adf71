"""Files that appear under their names only when all of them are whole."""

import os
import platform
import shutil
from collections.abc import Callable, Iterable, Mapping
from io import FileIO
from pathlib import Path

from emgrig.errors import RecordingError
from emgrig.files import attempt

#: Told the share that is done, 0 to 1.
Tell = Callable[[float], None]
#: Text that is written, or a file that is copied byte for byte.
Content = str | Path

_UNFINISHED = ".emgrig-unfinished"
_COPY_BYTES = 1 << 23
#: Linux alone sends from file to file.
_COPIES_FILES = platform.system() == "Linux"


def quiet(share: float) -> None:
    """Tell nobody."""


def publish(root: Path, files: Mapping[str, Content], tell: Tell = quiet) -> None:
    """Write files into a folder, all of them or none; those that exist are replaced.

    Parameters
    ----------
    root : Path
        Made if it does not exist; its parent has to.
    files : mapping of str to str or Path
        Content by the path below `root`, with slashes.
    tell : callable
        Told the share of bytes that is written.

    Raises
    ------
    RecordingError
        If the file system refuses.
    """
    is_new = not root.exists()
    stage = root / _UNFINISHED
    if stage.exists():
        raise RecordingError(
            f"{stage} is in the way: another export is writing there, or one was killed; remove it "
            "if none is"
        )
    try:
        with attempt("write to", root):
            stage.mkdir(parents=True)
            _write_all(stage, files, tell)
            _make_folders(root, files)
            for name in files:
                (stage / name).replace(root / name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if is_new and root.is_dir() and not any(root.iterdir()):
            root.rmdir()


def _make_folders(root: Path, names: Iterable[str]) -> None:
    for folder in sorted({name.rpartition("/")[0] for name in names}):
        (root / folder).mkdir(parents=True, exist_ok=True)


def _write_all(stage: Path, files: Mapping[str, Content], tell: Tell) -> None:
    contents = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files.items()
    }
    total = sum(map(_n_bytes, contents.values())) or 1
    done = 0
    _make_folders(stage, files)
    for name, content in contents.items():
        with (stage / name).open("wb", 0) as copy:
            if isinstance(content, bytes):
                done += _written(content, copy)
                continue
            with content.open("rb", 0) as source:
                while n_bytes := _copied(source, copy):
                    done += n_bytes
                    tell(done / total)
    tell(1.0)


def _copied(source: FileIO, copy: FileIO) -> int:
    """Copy the next bytes, within the system where it can do that; return how many."""
    if _COPIES_FILES:
        return os.sendfile(copy.fileno(), source.fileno(), None, _COPY_BYTES)
    return _written(source.read(_COPY_BYTES), copy)


def _written(content: bytes, copy: FileIO) -> int:
    rest = memoryview(content)
    while rest:
        rest = rest[copy.write(rest) :]
    return len(content)


def _n_bytes(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size
