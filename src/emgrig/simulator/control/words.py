"""What can be asked of a control port: one JSON object a line, and one in answer."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from emgrig.errors import EmgrigError
from emgrig.simulator.options import parse_speed

MOST_BYTES: Final = 1 << 16
"""The longest line."""
#: Electrodes that are no channel's.
COMMON: Final = ("SRB1", "SRB2", "BIAS")


class Controlled(Protocol):
    """What stands behind a control port. All raise ValueError for what makes no sense there."""

    def status(self) -> dict[str, object]:
        """Return how it is now, as JSON holds it."""

    def contact(self, electrode: str, kohm: float | None) -> None:
        """Put an electrode on with a contact of `kohm`, or take it off."""

    def fault(self, text: str) -> None:
        """Put a fault in, now."""

    def source(self, text: str) -> None:
        """Change what the electrodes see."""

    def speed(self, speed: float) -> None:
        """Change how fast time passes; infinity is as fast as possible."""

    def pause(self, *, is_paused: bool) -> None:
        """Let time stand, or go on."""


class NotUnderstood(Exception):
    """A line is no request at all: whoever sent it takes this port for something else."""


def split_electrode(text: str) -> tuple[int, str]:
    """Return channel (from 1) and side ("p" or "n") of an electrode, as "3P".

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> split_electrode("3P")
    (3, 'p')
    """
    digits, side = text[:-1], text[-1:].lower()
    if not (digits.isascii() and digits.isdigit()) or side not in ("p", "n"):
        known = ", ".join(COMMON)
        raise ValueError(
            f"no electrode {text!r}; expected channel and side, as 3P or 3N, or {known}"
        )
    return int(digits), side


def answer(controlled: Controlled, line: bytes) -> dict[str, object]:
    """Do what a line asks for, and return the answer: `ok`, and `status` or `error`.

    Raises
    ------
    NotUnderstood
        If the line is no JSON object.
    """
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("expected one JSON object a line") from error
    if not isinstance(request, dict):
        raise NotUnderstood("expected one JSON object a line")
    try:
        _do(controlled, request)
        return {"ok": True, "status": controlled.status()}
    except (ValueError, EmgrigError) as error:
        return {"ok": False, "error": str(error)}


def _do(controlled: Controlled, request: Mapping[str, Any]) -> None:
    word = request.get("do")
    if not isinstance(word, str) or word not in DEEDS:
        raise ValueError(f'"do" is {word!r:.60}; there are {", ".join(DEEDS)}')
    wanted, deed = DEEDS[word]
    given = {key: value for key, value in request.items() if key != "do"}
    if given.keys() != wanted.keys():
        keys = " and ".join(f'"{key}"' for key in wanted) or "nothing else"
        raise ValueError(f"{word}: expected {keys}, found {', '.join(given) or 'nothing'}")
    for key, kinds in wanted.items():
        if isinstance(given[key], bool) or not isinstance(given[key], kinds):
            named = "text" if kinds == _TEXT else "number" if kinds == _NUMBER else "text or number"
            raise ValueError(f'{word}: "{key}" is {given[key]!r:.60}; expected a {named}')  # noqa: TRY004 - a wrong request
    deed(controlled, given)


def _contact(controlled: Controlled, given: Mapping[str, Any]) -> None:
    kohm = float(given["kohm"])
    if not 0 < kohm < float("inf"):
        raise ValueError(f"a contact of {kohm} kΩ; expected above 0")
    controlled.contact(given["electrode"], kohm)


_TEXT, _NUMBER, _SPEED = (str,), (float, int), (str, float, int)
Deed = Callable[[Controlled, Mapping[str, Any]], None]
DEEDS: Final[dict[str, tuple[dict[str, tuple[type, ...]], Deed]]] = {
    "status": ({}, lambda _controlled, _given: None),
    "lift": ({"electrode": _TEXT}, lambda c, given: c.contact(given["electrode"], None)),
    "contact": ({"electrode": _TEXT, "kohm": _NUMBER}, _contact),
    "fault": ({"fault": _TEXT}, lambda c, given: c.fault(given["fault"])),
    "source": ({"source": _TEXT}, lambda c, given: c.source(given["source"])),
    "speed": ({"speed": _SPEED}, lambda c, given: c.speed(parse_speed(str(given["speed"])))),
    "pause": ({}, lambda c, _: c.pause(is_paused=True)),
    "resume": ({}, lambda c, _: c.pause(is_paused=False)),
}
"""What can be asked for: the keys beside `do`, with their types, and what is done."""
