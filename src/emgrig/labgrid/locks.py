"""The lock of a place: waited for so long, and always given back.

labgrid's lock belongs to a user, not to a process: whoever dies with it keeps everybody out. So a
keeper holds it, a process in a session of its own, which lets it go when its standard input ends.
The operating system closes that however the holder ends, also by SIGKILL.

``python -m emgrig.labgrid.locks PLACE WAIT_S`` is the keeper. It runs ``labgrid-client``, which
finds its coordinator by LG_COORDINATOR.
"""

import contextlib
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emgrig.errors import InfrastructureFailure

HELD: Final = "held"
_AGAIN_S: Final = 1.0  #: Between two attempts.
_COMMAND_S: Final = 30.0  #: The coordinator has so long to answer one command, once it is there.
_RELEASES: Final = 5  #: Attempts to give it back, while the coordinator cannot be reached.


@contextlib.contextmanager
def held_place(place: str, *, wait_s: float = 60.0) -> Iterator[None]:
    """Hold a place of labgrid inside the block.

    Parameters
    ----------
    place : str
        Its whole name.
    wait_s : float, > 0
        How long it may be somebody else's, or lack a resource, s.

    Raises
    ------
    InfrastructureFailure
        If it cannot be had in that time; it is not held then.
    """
    if not wait_s > 0:
        raise ValueError(f"wait_s is {wait_s}; expected more than 0")
    keeper = subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-m", "emgrig.labgrid.locks", place, f"{wait_s:g}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C here must not end it before it has given the lock back
    )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    try:
        said = _answer(keeper, wait_s + 2 * _COMMAND_S)
        if said != HELD:
            raise InfrastructureFailure(
                f"place {place} was not to be had in {wait_s:g} s: {said}; that says nothing of "
                "the board: see labgrid-client places and resources"
            )
        yield
    finally:
        keeper.stdin.close()
        keeper.wait()
        keeper.stdout.close()


def _answer(keeper: "subprocess.Popen[str]", wait_s: float) -> str:
    """Wait for the one line that a keeper says."""
    assert keeper.stdout is not None
    if not select.select([keeper.stdout], [], [], wait_s)[0]:
        return "labgrid-client does not answer"
    return keeper.stdout.readline().strip() or "its keeper ended"


# The keeper.


def _client(*words: str) -> str:
    """Run labgrid-client; return why it did not do it, empty if it did."""
    beside = Path(sys.executable).with_name("labgrid-client")
    try:
        ended = subprocess.run(  # noqa: S603  # labgrid's own command
            [shutil.which("labgrid-client") or str(beside), *words],
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return "labgrid is not installed: pip install 'emgrig[labgrid]'"
    except subprocess.TimeoutExpired:
        return f"the coordinator did not answer in {_COMMAND_S:g} s"
    if not ended.returncode:
        return ""
    said = (ended.stderr or ended.stdout).strip().splitlines()
    return said[-1] if said else f"labgrid-client ended with {ended.returncode}"


def _is_left() -> bool:
    """Tell whether the holder is gone, or wants no more."""
    return bool(select.select([sys.stdin], [], [], 0.0)[0])


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # the holder is gone already
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def keep(place: str, wait_s: float) -> int:
    """Be the keeper; return its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end_s = time.monotonic() + wait_s
    while why := _client("-p", place, "acquire"):
        if _is_left() or time.monotonic() >= end_s:
            _say(why)
            return 1
        time.sleep(_AGAIN_S)
    _say(HELD)
    sys.stdin.read()
    for _ in range(_RELEASES):
        why = _client("-p", place, "release")
        if not why or "not acquired" in why:
            return 0
        time.sleep(_AGAIN_S)
    sys.stderr.write(f"place {place} could not be given back: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1], float(sys.argv[2])))
