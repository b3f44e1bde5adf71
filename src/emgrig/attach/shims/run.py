"""Runs a Python script, unchanged, with the fakes in front of its modules, on a bench."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emgrig import filemodel
from emgrig.attach.bench import Bench
from emgrig.attach.remote.address import VARIABLE
from emgrig.attach.remote.server import BenchServer, serve
from emgrig.attach.shims.wiring import PRESETS, Wiring
from emgrig.errors import UnreadableFile

SETTINGS: Final = "EMGRIG_ATTACH_PYTHON"
"""The environment variable in which the child finds `Settings`."""
_BOOTSTRAP: Final = """
try:
    from emgrig.attach.shims.child import main
except ImportError as error:
    import sys
    print(f"error: emgrig is not installed for {sys.executable} ({error}); install it there",
          file=sys.stderr)
    sys.exit(2)
main()
"""
_PYTHON: Final = re.compile(r"(python|pypy)[\d.]*(\.exe)?")


@dataclass(frozen=True)
class Settings(filemodel.FileModel):
    """What the child must know besides the bench's address."""

    wiring: Wiring
    follows_time: bool = True
    limit_s: float | None = None


def run_python(
    bench: Bench,
    argv: Sequence[str],
    wiring: Wiring = PRESETS["generic"],
    *,
    follows_time: bool = True,
    limit_s: float | None = None,
    environment: Mapping[str, str] | None = None,
    beside: Callable[[BenchServer], AbstractContextManager[object]] = nullcontext,
) -> int:
    """Run a Python script on a bench, and wait for its end.

    It runs in a process of its own, in the working directory of this one. There `spidev`, `gpiod`,
    `RPi.GPIO`, `lgpio`, `machine` and the files /dev/gpiochipN are the fakes, and `time` is the
    bench's; nothing else is touched.

    Parameters
    ----------
    bench : Bench
        Where it runs. With `BenchOptions.speed` time is the wall's, so many times as fast; without
        it passes only by what the script does.
    argv : sequence of str
        As one would type it: ``["script.py", "--x"]``, ``["python3", "script.py"]``,
        ``["python3", "-m", "package"]``. An interpreter that is named must have emgrig too.
    wiring : Wiring
        Which GPIO is which pin.
    follows_time : bool
        False leaves `time` as it is; only with `BenchOptions.speed`.
    limit_s : float or None, > 0
        Bench time at which it is stopped, as Ctrl-C would; for scripts that never end.
    environment : mapping or None
        What its environment has besides ours.
    beside : callable
        Makes a context that lasts as long as the script does, of who serves the bench to it; as
        `emgrig.attach.control.serve_control`.

    Returns
    -------
    int
        Its exit code; 124 if it was stopped as it could never go on; 128 and the signal's number if
        a signal ended it.

    Raises
    ------
    ValueError
        If there is nothing to run, the wiring names a chip that is not there, or time would stand
        still.
    UnreadableFile
        If there is no such script.
    OSError
        If the interpreter cannot be started.
    """
    interpreter, arguments = split(argv)
    wiring.check(bench.n_chips)
    if limit_s is not None and not 0 < limit_s < float("inf"):
        raise ValueError(f"limit_s is {limit_s}, expected more than 0")
    if bench.options.speed is None and not follows_time:
        raise ValueError(
            "the bench's time is virtual, so the script must follow it; or say a speed"
        )
    if arguments[0] not in ("-m", "-c") and not Path(arguments[0]).exists():
        raise UnreadableFile(f"there is no script {arguments[0]}; check the name")
    settings = Settings(wiring, follows_time, limit_s)
    with serve(bench) as server, beside(server):
        known = {**os.environ, **(environment or {}), VARIABLE: server.address}
        known[SETTINGS] = json.dumps(filemodel.plain(settings))
        code = subprocess.run(  # noqa: S603 - the user's own script
            [interpreter, "-c", _BOOTSTRAP, *arguments], env=known, check=False
        ).returncode
    return code if code >= 0 else 128 - code


def split(argv: Sequence[str]) -> tuple[str, list[str]]:
    """Split a command line into its interpreter and the rest; ours if none is named.

    Raises
    ------
    ValueError
        If there is nothing to run, or only options of the interpreter that are not ours to take.
    """
    words = list(argv)
    interpreter = sys.executable
    if words and _PYTHON.fullmatch(Path(words[0]).name):
        named = words.pop(0)
        interpreter = sys.executable if named in ("python", "python3") else named
    while words and words[0] == "-u":
        words.pop(0)
    if not words or (words[0] in ("-m", "-c") and len(words) < 2):
        raise ValueError("nothing to run; expected a script, as in: python script.py --option")
    if words[0].startswith("-") and words[0] not in ("-m", "-c"):
        raise ValueError(f"option {words[0]} of Python; expected a script, -m MODULE or -c CODE")
    return interpreter, words
