"""The child's side of `run_python`: what runs before the script, in the script's own process."""

import contextlib
import os
import runpy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emgrig import filemodel, filetext
from emgrig.attach.remote.client import RemoteBench
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.in_front import in_front
from emgrig.attach.shims.run import SETTINGS, Settings
from emgrig.attach.shims.seams import TimeIsUp
from emgrig.errors import EmgrigError, exit_code_for
from emgrig.names import one_line

STUCK: Final = 124
"""Exit code of a script that was stopped since it could never go on."""


def main() -> None:
    """Run what ``sys.argv[1:]`` names with the fakes in front; ends the process."""
    try:
        text = os.environ.pop(SETTINGS, "")
        settings = filemodel.read(Settings, filetext.parse_json(text, SETTINGS), SETTINGS)
        bench = RemoteBench()
        host = Host(
            bench,
            settings.wiring,
            speed=bench.speed,
            call_s=bench.call_s,
            limit_s=settings.limit_s,
        )
    except (EmgrigError, ValueError) as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)  # noqa: T201 - no logging here yet
        sys.exit(int(exit_code_for(error)))
    with bench, in_front(host, follows_time=settings.follows_time):
        sys.exit(run_to_the_end(host, sys.argv[1:]))


def run_to_the_end(host: Host, arguments: list[str]) -> int:
    """Run a script, module or code; return 0, or `STUCK`. What it raises goes on."""
    stopped: list[TimeIsUp] = []
    with _threads_stop_too(stopped):
        try:
            _run(arguments)
        except TimeIsUp as end:
            stopped.append(end)
        except KeyboardInterrupt:
            if not stopped:
                raise
    if not stopped:
        return 0
    print(f"emgrig: {stopped[0]}", file=sys.stderr)  # noqa: T201 - beside what the script says
    return 0 if host.is_at_limit else STUCK


def _run(arguments: list[str]) -> None:
    kind, rest = arguments[0], arguments[1:]
    if kind == "-m":
        sys.argv = rest
        sys.path[0] = str(Path.cwd())
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - as asked
    else:
        sys.argv = arguments
        sys.path[0] = str(Path(kind).resolve().parent)
        runpy.run_path(kind, run_name="__main__")


@contextlib.contextmanager
def _threads_stop_too(stopped: list[TimeIsUp]) -> Iterator[None]:
    """Have the end of bench time in another thread of the script end the script."""
    before = threading.excepthook

    def ended(args: threading.ExceptHookArgs, /) -> None:
        if not isinstance(args.exc_value, TimeIsUp):
            before(args)
            return
        stopped.append(args.exc_value)
        import _thread

        _thread.interrupt_main()

    threading.excepthook = ended
    try:
        yield
    finally:
        threading.excepthook = before
