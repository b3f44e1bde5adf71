"""What can be explained, as `emgrig.tools.explain.topics` made it of the program: read from a file.

So `emgrig explain` answers at once; a test holds the file against the program.
"""

import difflib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("topics.json")


@dataclass(frozen=True)
class Topic:
    """One thing that has a name."""

    kind: str  #: check, limit, cause, fault, register, exit codes, list.
    name: str
    title: str  #: One line.
    facts: tuple[tuple[str, str], ...]  #: What there is to say, each with what it is.


def plain(word: str) -> str:
    """Return a word as it is compared."""
    return "-".join(word.casefold().replace("_", "-").split())


@cache
def _named() -> tuple[tuple[Topic, frozenset[str]], ...]:
    content: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
    return tuple(
        (
            Topic(one["kind"], one["name"], one["title"], tuple(map(tuple, one["facts"]))),
            frozenset(one["words"]),
        )
        for one in content
    )


def topics() -> tuple[Topic, ...]:
    """Return all there are, kind by kind."""
    return tuple(topic for topic, _ in _named())


def find(word: str) -> list[Topic]:
    """Return what goes by a name, one topic or several; ValueError if nothing does."""
    found = [one for one, words in _named() if plain(word) in words]
    if found:
        return found
    known = {name: one.name for one, words in _named() for name in sorted(words)}
    near = difflib.get_close_matches(plain(word), known, n=3)
    hint = f"did you mean {' or '.join(known[name] for name in near)}? " if near else ""
    raise ValueError(
        f"there is nothing called {word!r}; {hint}emgrig explain alone lists what there is"
    )


def names_something(word: str) -> bool:
    """Say if a topic goes by this name."""
    return any(plain(word) in words for _, words in _named())


def text_of(named: Iterable[tuple[Topic, Iterable[str]]]) -> str:
    """Return what the file has to hold: topics, each with the words that mean it."""
    content = [{**asdict(topic), "words": sorted(words)} for topic, words in named]
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def write(named: Iterable[tuple[Topic, Iterable[str]]]) -> None:
    """Write the file."""
    FILE.write_text(text_of(named), encoding="utf-8", newline="\n")
