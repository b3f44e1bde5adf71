"""The text of a file, and the tables and lists that it holds as TOML or JSON.

What is larger or deeper than any file of ours is refused, in one line, before it is held against a
model (`emgrig.filemodel`).
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from emgrig.errors import UnreadableFile
from emgrig.files import why

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

T = TypeVar("T")
MOST_BYTES, MOST_TOML = 32 << 20, 1 << 20
MOST_VALUES = 1_000_000
MOST_DEPTH = 32
"""The largest file that is read, bytes; of it, values, and tables and lists in each other."""
_DEEP = f"it is more than {MOST_DEPTH} tables and lists deep"


def read_text(path: "Path | Traversable", name: str) -> str:
    """Read a text file in UTF-8, with a byte order mark or without one.

    `name` is what messages call it, here and below. Raises UnreadableFile if it cannot be opened,
    is no text, or larger than any of our files is.
    """
    try:
        if isinstance(path, Path) and not path.is_file() and path.exists():
            raise UnreadableFile(f"{name} cannot be read: it is no file")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise UnreadableFile(f"{name} cannot be read: more than {MOST_BYTES >> 20} MB")
        return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise UnreadableFile(f"{name} cannot be read: {why(error)}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name} is not a text file in UTF-8") from error


def parse_toml(text: str, name: str) -> dict[str, object]:
    """Read TOML; UnreadableFile if it is none, or larger or deeper than any of our files is."""
    import tomllib

    _limit(text, name, MOST_TOML)
    return _parsed(tomllib.loads, text, f"{name} is not TOML", _editors_fault)


def _editors_fault(text: str, error: Exception) -> str:
    """Say what editors and file managers do to TOML, if the line at fault shows it."""
    found = re.search(r"at line (\d+)", str(error))
    lines = text.splitlines()
    at = int(found[1]) if found else 0
    line = lines[at - 1] if 0 < at <= len(lines) else ""
    if any(quote in line for quote in "“”„‘’‚«»"):
        return '; the line has curly quotes: write straight ones ("...")'
    if re.search(r'"[^"]*\\[^"]*"', line):
        return "; a backslash begins an escape: write paths with / or \\\\, or between ' and '"
    return ""


def parse_json(text: str, name: str) -> object:
    """Read JSON; UnreadableFile if it is none, or larger or deeper than any of our files is."""
    _limit(text, name, MOST_BYTES)
    return _parsed(json.loads, text, f"{name} is not JSON")


def read_json(path: Path, name: str) -> object:
    """Read a file of JSON within these limits. Raises UnreadableFile as the two do."""
    return parse_json(read_text(path, name), name)


def _parsed(
    parse: Callable[[str], T],
    text: str,
    problem: str,
    hint: Callable[[str, Exception], str] = lambda *_: "",
) -> T:
    try:
        return _limit_depth(parse(text))
    except RecursionError as error:
        raise UnreadableFile(f"{problem}: {_DEEP}") from error
    except ValueError as error:
        raise UnreadableFile(f"{problem}: {error}{hint(text, error)}") from error


def _limit(text: str, name: str, most: int) -> None:
    if len(text) > most:
        raise UnreadableFile(f"{name} cannot be read: more than {most >> 20} MB")
    if sum(map(text.count, "[{,")) > MOST_VALUES:
        raise UnreadableFile(f"{name} cannot be read: more than {MOST_VALUES} values")


def _limit_depth(content: T) -> T:
    """Raise UnreadableFile if tables and lists lie too deep in each other."""
    level: list[Any] = [content] if isinstance(content, dict | list) else []
    for _ in range(MOST_DEPTH):
        inside = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for some in inside for one in some if isinstance(one, dict | list)]
        if not level:
            return content
    raise UnreadableFile(_DEEP)
