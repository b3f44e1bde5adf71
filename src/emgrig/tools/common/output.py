"""How commands speak: tables for people, JSON for machines, exit codes for scripts."""

import json
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from emgrig.names import one_line, shown

_NOT_JSON = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

EXIT_CODES_HELP = (
    "Exit codes: 0 well · 1 the answer is no (FAIL, differences) · 2 wrong arguments · "
    "3 link · 4 board or chip · 5 files, extras · 6 laboratory · 130 interrupted."
)


class PlainConsole(Console):
    """A console to which no text can give commands: names come from boards and files."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render, and write out what would command the terminal; our own commands stay."""
        for one in super().render(renderable, options):
            yield one if one.control else Segment(shown(one.text), one.style)


#: For people: results on the standard output, what happens meanwhile on the standard error.
out = PlainConsole(soft_wrap=True, highlight=False)
err = PlainConsole(stderr=True, soft_wrap=True, highlight=False)


def say(message: str) -> None:
    """Print a line of result; brackets in it stay as they are, and a name cannot make another."""
    out.print(Text(one_line(message)))


def say_folded(message: str, *, indent: int = 0) -> None:
    """Print a line of result, as `say` does; a long one goes on below, indented alike."""
    text = Padding(Text(one_line(message)), (0, 0, 0, indent), expand=False)
    out.print(text, soft_wrap=False)


def note(message: str) -> None:
    """Print a line about what is going on, apart from the results."""
    err.print(Text(one_line(message), style="dim"))


def print_json(value: object) -> None:
    """Print `value` as JSON, keys as they come."""
    is_ascii = sys.stdout.encoding.lower() != "utf-8"  # what a pipe lacks is escaped, not lost
    text = json.dumps(value, indent=2, ensure_ascii=is_ascii)
    # JSON escapes some control characters; all others can only be inside of its texts.
    sys.stdout.write(_NOT_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    title: str | None = None,
    whole: Collection[str] = (),
    share: Mapping[str, int] | None = None,
) -> None:
    """Print a plain table that also reads well in a log file; columns in `whole` never wrap.

    Those in `share` share what the others leave of the width, in this proportion.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in header:
        ratio = share.get(name) if share else None
        table.add_column(name, overflow="fold", no_wrap=name in whole, ratio=ratio)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    out.print(table)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, Text(value))
    out.print(table)
