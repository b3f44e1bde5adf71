"""Firmware in a process of its own, on a bench that is served to it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emgrig.attach.bench import Bench
from emgrig.attach.remote.server import BenchServer
from emgrig.errors import RecordingError

Beside = Callable[[BenchServer], AbstractContextManager[object]]
"""Makes a context that lasts as long as the firmware does, of who serves the bench to it."""
_LOOK_EVERY_S: Final = 0.05
_PATIENCE_S: Final = 2.0
_STOPPED_BY_US: Final = 124
_PYTHON: Final = ("python", "pypy")


@dataclass(frozen=True)
class Ended:
    """How the firmware ended."""

    remark: str  #: In words; "" if there is nothing to say.
    has_failed: bool  #: It ended by itself, and not well.

    @classmethod
    def with_code(cls, code: int, *, is_stopped: bool = False, why: str = "") -> "Ended":
        """Tell of an exit code, negative for a signal as `subprocess` has it."""
        if is_stopped:
            return cls(why, has_failed=False)
        if code == 0:
            return cls("", has_failed=False)
        if code < 0:
            return cls(f"the firmware was ended by {_signal(-code)}", has_failed=True)
        return cls(f"the firmware ended with exit code {code}", has_failed=True)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def is_python(command: Sequence[str]) -> bool:
    """Return True if a command line begins with Python, or with a script of it."""
    if not command:
        return False
    name = Path(command[0]).name
    return name.endswith(".py") or name.rstrip("0123456789.").removesuffix(".exe") in _PYTHON


def run_command(
    bench: Bench,
    command: Sequence[str],
    duration_s: float | None,
    beside: Beside = nullcontext,
) -> Ended:
    """Run a program; it finds the bench's address in EMGRIG_ATTACH.

    Parameters
    ----------
    bench : Bench
        Where it runs.
    command : sequence of str
        Program and arguments.
    duration_s : float or None
        Bench time at which it is stopped; None waits for its end, or for Ctrl-C.
    beside : Beside
        What else there is meanwhile, as a control port.

    Raises
    ------
    RecordingError
        If it cannot be started.
    TransportError
        If the bench cannot be served.
    """
    from emgrig.attach.remote.address import VARIABLE
    from emgrig.attach.remote.server import serve

    with serve(bench) as server, beside(server):
        known = {**os.environ, VARIABLE: server.address}
        try:
            child = subprocess.Popen(list(command), env=known)  # noqa: S603 - the user's own
        except OSError as error:
            why = error.strerror or error
            raise RecordingError(f"cannot start {command[0]}: {why}") from error
        with child:
            try:
                return _wait(child, _clock(bench, duration_s))
            except KeyboardInterrupt:
                _stop(child)
                return Ended("stopped by Ctrl-C", has_failed=False)
            except BaseException:
                _stop(child)
                raise


def _clock(bench: Bench, duration_s: float | None) -> Callable[[], bool]:
    """Return what says that the time is over; with a speed it goes on by the wall's clock."""
    begin_s, speed = time.monotonic(), bench.options.speed

    def is_over() -> bool:
        if duration_s is None:
            return False
        passed_s = bench.now_s
        if speed is not None:
            passed_s = max(passed_s, (time.monotonic() - begin_s) * speed)
        return passed_s >= duration_s

    return is_over


def _wait(child: "subprocess.Popen[bytes]", is_over: Callable[[], bool]) -> Ended:
    while True:
        try:
            return Ended.with_code(child.wait(_LOOK_EVERY_S))
        except subprocess.TimeoutExpired:
            if is_over():
                _stop(child)
                return Ended("stopped after the time that was asked for", has_failed=False)


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """End the child: kindly, then firmly."""
    for end in (child.terminate, child.kill):
        try:
            child.wait(_PATIENCE_S / 10 if end == child.terminate else _PATIENCE_S)
        except subprocess.TimeoutExpired:
            end()
        except KeyboardInterrupt:  # again
            child.kill()
    child.wait()


def run_script(
    bench: Bench,
    command: Sequence[str],
    wiring: str,
    duration_s: float | None,
    beside: Beside = nullcontext,
) -> Ended:
    """Run a Python script with the fakes in front of its modules; parameters as `run_command`.

    Raises
    ------
    ValueError
        If there is nothing to run, or the wiring is none.
    RecordingError
        If Python cannot be started.
    """
    from emgrig.attach.shims.run import run_python
    from emgrig.attach.shims.wiring import find_wiring

    found = find_wiring(wiring)
    try:
        code = run_python(bench, command, found, limit_s=duration_s, beside=beside)
    except KeyboardInterrupt:
        return Ended("stopped by Ctrl-C", has_failed=False)
    except OSError as error:
        raise RecordingError(f"cannot start {command[0]}: {error.strerror or error}") from error
    if duration_s is not None and bench.now_s >= duration_s:
        return Ended("stopped after the time that was asked for", has_failed=False)
    if code == _STOPPED_BY_US:
        return Ended("the script waited for what can never come", has_failed=True)
    return Ended.with_code(code if code < 128 else 128 - code)


def serve_until_stopped(
    bench: Bench,
    address: str,
    duration_s: float | None,
    tell: Callable[[str], None],
    beside: Beside = nullcontext,
) -> Ended:
    """Serve a bench until Ctrl-C, or until so much bench time has passed.

    Raises
    ------
    ValueError
        If the address is none, or other machines could reach it.
    TransportError
        If nobody can listen there.
    """
    from emgrig.attach.remote.server import serve

    is_over = _clock(bench, duration_s)
    with serve(bench, address) as server, beside(server):
        tell(server.address)
        try:
            while not is_over():
                time.sleep(_LOOK_EVERY_S)
        except KeyboardInterrupt:
            return Ended("", has_failed=False)
    return Ended("stopped after the time that was asked for", has_failed=False)


@contextmanager
def child_output_apart() -> Iterator[None]:
    """Let what a child prints go to the standard error: ours is for the machine that reads JSON."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
