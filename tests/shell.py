"""A command line in this process, as a shell sees it."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from emgrig.tools import cli
from emgrig.tools.common import defaults


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int


Run = Callable[[str], Said]


def runner(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a line that follows ``emgrig``."""
    for name in ("EMGRIG_TRACEBACK", "EMGRIG_BOARD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(defaults, "user_folder", lambda *_: Path("no-such-folder"))

    def run_line(line: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["emgrig", *shlex.split(line)])
        with pytest.raises(SystemExit) as caught:
            cli.main()  # typer always ends with an exit
        captured = capfd.readouterr()
        return Said(captured.out, captured.err, int(caught.value.code or 0))

    return run_line
