"""Files that are whole or not there, under names that are free; a refusal in one line.

Every layer writes through this module. What the file system refuses becomes a `RecordingError`
that says what could not be done with which file, why, and what to do.
"""

import errno
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from emgrig.errors import EmgrigError, RecordingError

_RIGHT, _ROOM = "choose another place, or get the right to use this one", "make room"
_ADVICE = {
    errno.ENOENT: "check the name", errno.ENOTDIR: "check the name",
    errno.EEXIST: "choose another name", errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "choose the name of a file", errno.EROFS: "choose another place",
    errno.EACCES: _RIGHT, errno.EPERM: _RIGHT, errno.ENOSPC: _ROOM, errno.EDQUOT: _ROOM,
}  # fmt: skip


def why(error: Exception) -> str:
    """Say in words what an error says; of an `OSError` also what to do about it."""
    if not isinstance(error, OSError) or isinstance(error, EmgrigError):
        return str(error)
    advice = _ADVICE.get(error.errno or 0)
    return (error.strerror or str(error)) + (f"; {advice}" if advice else "")


@contextmanager
def attempt(what: str, path: Path, advice: str = "") -> Iterator[None]:
    """Do something with a file, as in ``with attempt("read", path):``.

    An `OSError` becomes a RecordingError: "cannot read a.bdf: No such file or directory; check the
    name"; `advice` is what else to say then.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, EmgrigError):
            raise
        more = f"; {advice}" if advice else ""
        raise RecordingError(f"cannot {what} {path}: {why(error)}{more}") from error


# Names.


def check_folder(path: Path) -> None:
    """Raise RecordingError if there is no such folder."""
    if not path.is_dir():
        raise RecordingError(f"the folder {path} does not exist; make it first")


def refuse_existing(path: Path, *, overwrite: bool, instead: str = "name") -> None:
    """Raise RecordingError if `path` is a folder, or exists and may not be overwritten.

    `instead` is what may be chosen anew.
    """
    if path.is_dir():
        raise RecordingError(f"{path} is a folder; choose the name of a file")
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise RecordingError(
            f"{path} exists; choose another {instead}, or say overwrite (--overwrite)"
        )


def check_report(folder: Path, names: Iterable[str], *, overwrite: bool) -> None:
    """Refuse a folder into which a report cannot go, before anything is measured for it.

    Raises RecordingError if it cannot be made or written into, or if a file of an earlier report is
    there, of these names, and may not be overwritten.
    """
    for name in names:
        refuse_existing(folder / name, overwrite=overwrite, instead="folder")
    with attempt("make the folder", folder):
        there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{there} is a file")
        if not os.access(there, os.W_OK):
            raise PermissionError(errno.EACCES, f"no permission to write into {there}")


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that cannot be made, before anything is; raises as the two above."""
    check_folder(path.parent)
    refuse_existing(path, overwrite=overwrite)


def stem_of(path: Path) -> str:
    """Return a file's name without its ending: all of it but .bdf, .csv.gz and the like."""
    name = path.name.removesuffix(".gz") if path.name != ".gz" else path.name
    return Path(name).stem or path.name


def free_stem(folder: Path, stem: str, endings: Sequence[str]) -> str:
    """Return the first of stem, stem_run2, stem_run3, ... of which none of the files is there."""
    number, free = 1, stem
    while any(os.path.lexists(folder / f"{free}{ending}") for ending in endings):
        number += 1
        free = f"{stem}_run{number}"
    return free


def inside(folder: Path, named: str | Path) -> Path | None:
    """Return where a file lies that another file names, links followed; None if not in `folder`.

    What a file names may be opened or shown only there: a plan, a sidecar may be somebody else's.
    """
    try:
        place = (folder / named).resolve()
        return place if place.is_relative_to(folder.resolve()) else None
    except (OSError, RuntimeError, ValueError):  # links in a circle; a name that cannot be one
        return None


def is_file(path: Path) -> bool:
    """Tell whether there is such a file; False also for a name that can be none."""
    try:
        return path.is_file()
    except OSError:  # too long
        return False


def make_folder(path: Path) -> Path:
    """Make a folder, with those it lies in, unless it is there; return it."""
    with attempt("make the folder", path):
        path.mkdir(parents=True, exist_ok=True)
    return path


# Writing.


@contextmanager
def whole_file(path: Path, advice: str = "") -> Iterator[Path]:
    """Give the path of a file to write, which becomes `path` if no error comes.

    No link is followed: one of the file's name is replaced, and what lies where the unfinished file
    is to be is removed.

    Raises
    ------
    RecordingError
        If the file system refuses; nothing is left of the file, and one that was there stays.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with attempt("write", path, advice):
            unfinished.unlink(missing_ok=True)
            yield unfinished
            unfinished.replace(path)
    finally:
        with suppress(OSError):  # a read-only folder refuses that too
            unfinished.unlink(missing_ok=True)


def write_file(path: Path, content: str | bytes, advice: str = "") -> None:
    """Write a whole file (text in UTF-8), on the disk when this returns; as `whole_file`."""
    data = content.encode() if isinstance(content, str) else content
    with whole_file(path, advice) as unfinished, unfinished.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def json_text(content: object) -> str:
    """Return JSON that a person can read too; ValueError for NaN and infinity, which it has not."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def check_there(path: Path, what: str) -> None:
    """Raise RecordingError unless there is an ordinary file; `what` it should be is one word."""
    if path.is_dir():
        raise RecordingError(f"{path} is a folder; the file of a {what} was expected")
    if not path.exists():
        raise RecordingError(f"there is no {what} {path}; check the name")
    if not path.is_file():
        raise RecordingError(f"{path} is no ordinary file; a {what} was expected")
