"""What instruments make of a line of text: headers, numbers, and a queue of errors."""

import math
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_QUEUE_LENGTH: Final = 20
_NUMBER: Final = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([a-zA-Z]*)")

Handler = Callable[[str, bool], str | None]
"""Takes what follows the header, and True for a query; returns the answer."""


class ScpiError(Exception):
    """What goes into the error queue: a code of SCPI-99, volume 2, chapter 21, and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(eq=False)
class Interpreter:
    """Finds the handler of each line, and keeps the errors.

    One command a line; several with semicolons are not understood.
    """

    identity: str  #: Answer to ``*IDN?``.
    #: By header, as manuals print it: ``[SOURce:]VOLTage:OFFSet``; short and long form are taken.
    handlers: Mapping[str, Handler]
    reset: Callable[[], None]  #: For ``*RST``.

    def __post_init__(self) -> None:
        self._errors: deque[tuple[int, str]] = deque()
        own: dict[str, Handler] = {
            "*IDN": self._identify,
            "*CLS": self._clear,
            "*RST": self._restart,
            "*OPC": lambda _, is_query: "1" if is_query else None,
            "SYSTem:ERRor[:NEXT]": self._next_error,
        }
        known = {**own, **self.handlers}
        self._handlers = [(_pattern(header), handler) for header, handler in known.items()]

    def execute(self, line: str) -> str | None:
        """Do what a line says; return the answer, None if there is none."""
        header, _, arguments = line.strip().partition(" ")
        is_query = header.endswith("?")
        name = header.rstrip("?").removeprefix(":")
        try:
            return self._handler(name)(arguments.strip(), is_query) if name else None
        except ScpiError as error:
            self.add_error(error)
            return None

    def add_error(self, error: ScpiError) -> None:
        """Put an error into the queue; a full queue says so in its last place."""
        if len(self._errors) >= _QUEUE_LENGTH:
            self._errors[-1] = (-350, "Queue overflow")
        else:
            self._errors.append((error.code, error.text))

    def _handler(self, name: str) -> Handler:
        for pattern, handler in self._handlers:
            if pattern.fullmatch(name):
                return handler
        raise ScpiError(-113, "Undefined header")

    def _identify(self, _: str, is_query: bool) -> str | None:
        return self.identity if is_query else None

    def _clear(self, _: str, is_query: bool) -> None:  # noqa: ARG002
        self._errors.clear()

    def _restart(self, _: str, is_query: bool) -> None:  # noqa: ARG002
        self.reset()

    def _next_error(self, _: str, is_query: bool) -> str | None:
        if not is_query:
            raise ScpiError(-113, "Undefined header")
        code, text = self._errors.popleft() if self._errors else (0, "No error")
        return f'{code:+d},"{text}"'


def number(text: str, units: Mapping[str, float]) -> float:
    """Read a number with a unit or without.

    Raises
    ------
    ScpiError
        If it is none, or the unit is not among `units` (upper case; what one is worth).
    """
    if not text:
        raise ScpiError(-109, "Missing parameter")
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ScpiError(-104, "Data type error")
    unit = found.group(2).upper()
    if unit and unit not in units:
        raise ScpiError(-131, "Invalid suffix")
    value = float(found.group(1)) * units.get(unit, 1.0)
    if not math.isfinite(value):
        raise ScpiError(-222, "Data out of range")
    return value


def shown(value: float) -> str:
    """Return a number as Keysight's instruments print it: ``+1.0000000000000E+00``."""
    return f"{value:+.13E}"


def _pattern(header: str) -> re.Pattern[str]:
    """Make ``[SOURce:]VOLTage:OFFSet`` match short and long forms, in any case."""
    text = ""
    for part in re.findall(r"[A-Za-z]+|[\[\]:*]", header):
        short = re.sub("[a-z]+", "", part)
        if part == "[":
            text += "(?:"
        elif part == "]":
            text += ")?"
        elif part in ":*":
            text += re.escape(part)
        elif short == part:
            text += f"{part}1?"
        else:
            text += f"(?:{part}|{short})1?"
    return re.compile(text, re.IGNORECASE)
