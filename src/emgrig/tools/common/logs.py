"""What is logged: warnings on the terminal, more with -v, all of it into a file with --log."""

import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from emgrig.files import attempt
from emgrig.names import one_line, shown
from emgrig.tools.common.output import note
from emgrig.version import __version__

log = logging.getLogger(__name__)

_LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)
WAITING: Final = "emgrig.waiting"
"""The logger of what a person who waits for a link should know at once."""
_FILE_LINE: Final = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s"


class LineFormatter(logging.Formatter):
    """A line of the log for a terminal: the message is one line, whatever it holds."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line."""
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and a traceback if there is one."""
        return shown(super().format(record))


def set_up() -> None:
    """Have warnings of emgrig, and of libraries, on the standard error, and nothing else."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _OURS)]:
        root.removeHandler(handler)
        handler.close()
    terminal = _Terminal()
    terminal.setFormatter(LineFormatter("%(message)s"))
    terminal.setLevel(logging.WARNING)  # whatever a file gets
    root.addHandler(terminal)
    root.setLevel(logging.WARNING)
    terminal.addFilter(lambda record: record.name != WAITING)  # said already
    waiting = logging.getLogger(WAITING)
    waiting.setLevel(logging.INFO)
    waiting.handlers[:] = [_Waiting()]
    logging.getLogger("emgrig").setLevel(logging.NOTSET)


class _Waiting(logging.Handler):
    """Says what is waited for, as a note beside the results."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        note(record.getMessage())


class _Terminal(logging.StreamHandler):  # type: ignore[type-arg]  # no subscript at run time
    """What is seen; `verbose` is how many times -v was said."""

    verbose = 0


class _File(logging.FileHandler):
    """What is kept."""


_OURS: Final = (_Terminal, _File)


def _more(verbose: int) -> None:
    if not verbose:
        return
    level = _LEVELS[min(verbose, len(_LEVELS) - 1)]
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Terminal):
            handler.verbose = verbose
            handler.setLevel(level)
            handler.setFormatter(LineFormatter("%(levelname)s %(name)s: %(message)s"))
    _let_through(level)


def _into(path: Path | None) -> None:
    if path is None:
        return
    with attempt("write", path):
        kept = _File(path, encoding="utf-8")
    kept.setFormatter(LineFormatter(_FILE_LINE, "%Y-%m-%dT%H:%M:%S"))
    logging.getLogger().addHandler(kept)
    _let_through(logging.DEBUG)
    log.debug("emgrig %s: %s", __version__, shlex.join(sys.argv[1:]))


def _let_through(level: int) -> None:
    """Let emgrig's loggers say so much; libraries say as much as before."""
    ours = logging.getLogger("emgrig")
    ours.setLevel(min(ours.level or level, level))


Verbose = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        callback=_more,
        expose_value=False,
        show_default=False,
        metavar="",
        help="Say what happens; -vv: each register exchange.",
    ),
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log",
        callback=_into,
        expose_value=False,
        metavar="FILE",
        help="Keep all of it, with times; an old file grows.",
    ),
]


def _asked(verbose: Verbose = 0, kept: LogFile = None) -> None:
    """Carry the two options."""


def add_to(command: Any) -> None:
    """Give a command, or each of a group, the options -v and --log."""
    for inner in getattr(command, "commands", {}).values():
        add_to(inner)
    if getattr(command, "commands", None):
        return
    alone = typer.Typer(add_completion=False)
    alone.command()(_asked)
    command.params.extend(
        one for one in typer.main.get_command(alone).params if one.name in ("verbose", "kept")
    )


@contextmanager
def quiet_driver() -> Iterator[None]:
    """Keep the driver's warnings off the terminal while they tell nothing new; not with -v."""

    def is_told(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR or not record.name.startswith("emgrig.driver")

    seen = [one for one in logging.getLogger().handlers if isinstance(one, _Terminal)]
    for one in seen:
        if not one.verbose:
            one.addFilter(is_told)
    try:
        yield
    finally:
        for one in seen:
            one.removeFilter(is_told)
