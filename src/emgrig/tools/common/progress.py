"""What is seen while a command works: a bar on a terminal, elsewhere a line now and then.

All of it goes to the standard error, so that results can be piped.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import ParamSpec, TypeVar

from rich.cells import cell_len
from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from emgrig.tools.common.output import err, note

Clock = Callable[[], float]
P = ParamSpec("P")
T = TypeVar("T")

LATE_S = 2.0
"""What takes no longer than this shows no bar."""
LINE_EVERY_S = 10.0
_BAR = 24
_BESIDE = 26
"""Columns that share, time and the shortest bar take beside the words."""


def shortened(text: str, width: int) -> str:
    """Return a line that fits: what stands behind a comma goes first, from the end.

    A part that does not fit by itself loses its middle: of a file both ends say which it is.

    >>> shortened("4.0 of 60 s, 0 lost, 1000.0 Hz, 4000 samples", 32)
    '4.0 of 60 s, 0 lost, 1000.0 Hz'
    >>> shortened("converting P01_faces_run-01.capture", 25)
    'converting P…n-01.capture'
    """
    parts = text.split(", ")
    while len(parts) > 1 and cell_len(", ".join(parts)) > width:
        parts.pop()
    line = ", ".join(parts)
    if cell_len(line) <= width:
        return line
    begin = max(width // 2, 0)
    return f"{line[:begin]}…{line[len(line) - max(width - begin - 1, 0) :]}" if width > 1 else ""


class Lines:
    """Says a line every ten seconds where there is no terminal; `now` is a clock, s."""

    def __init__(self, now: Clock = time.monotonic) -> None:
        self._now = now
        self._last_s = now()

    def say(self, text: str) -> None:
        """Say it if it is time for a line."""
        if not err.is_terminal and self._now() - self._last_s >= LINE_EVERY_S:
            self._last_s = self._now()
            note(text)


class _Words(TextColumn):
    """What is going on, in the room that share, bar and time leave."""

    def render(self, task: Task) -> Text:
        """Return the words; the bar gives way first."""
        return Text(shortened(task.description, err.width - _BESIDE))


class _Late(Progress):
    """Bars that are not seen in their first two seconds."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is drawn."""
        if any((task.elapsed or 0.0) >= LATE_S for task in self.tasks):
            yield from super().get_renderables()


class Bar:
    """How far a command is; on a terminal it goes away at the end. `now` is a clock, s."""

    def __init__(self, text: str, now: Clock = time.monotonic) -> None:
        self._text = text
        self._lines = Lines(now)
        self._bar = _Late(
            TaskProgressColumn(),
            BarColumn(bar_width=_BAR),
            TimeElapsedColumn(),
            _Words(""),
            console=err,
            transient=True,
            disable=not err.is_terminal,
            get_time=now,
        )
        self._task = self._bar.add_task(text, total=None)

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self) -> None:
        """Say the text where there is no terminal: what begins may take long."""
        if not err.is_terminal:
            note(self._text)

    def follow(self, text: str, share: float) -> None:
        """Be told what is going on, and which share of all is done, 0 to 1."""
        self._text = text
        self._bar.update(self._task, description=text, completed=share, total=1.0)
        self._lines.say(f"{share:4.0%}  {text}")

    def advance(self, share: float) -> None:
        """Be told which share is done, 0 to 1."""
        self.follow(self._text, share)

    def aside(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return a function that has the terminal for itself while it runs."""

        def alone(*args: P.args, **kwargs: P.kwargs) -> T:
            self._bar.stop()
            try:
                return function(*args, **kwargs)
            finally:
                self._bar.start()

        return alone


class Making:
    """A bar that begins when it is first told the share: of the files that an end makes."""

    def __init__(self, text: str, now: Clock = time.monotonic) -> None:
        self._text, self._now = text, now
        self._held = ExitStack()
        self._bar: Bar | None = None

    def __enter__(self) -> "Making":
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def __call__(self, share: float) -> None:
        """Be told which share of all is done, 0 to 1."""
        if self._bar is None:
            self._bar = self._held.enter_context(Bar(self._text, self._now))
        self._bar.advance(share)
