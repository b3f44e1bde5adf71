"""A capture that is being written: other programs can tell."""

from contextlib import suppress
from pathlib import Path
from typing import IO


def is_being_written(path: Path) -> bool:
    """Tell whether a running program writes this capture; False where a system cannot tell."""
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def lock(file: IO[bytes]) -> None:
    """Tell other programs that this file is being written, until it is closed."""
    with suppress(ImportError, OSError):  # Windows; a file system without locks
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
