"""What the HackEEG's two parsers make of lines, and how its answers look in each mode."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

TEXT_BYTES: Final = 128
JSON_BYTES: Final = 1024
"""What is longer is cut (SerialCommand.h, JsonCommand.h)."""


class Form(Enum):
    """The board's modes."""

    TEXT = "text"
    JSON = "jsonlines"
    MESSAGEPACK = "messagepack"


@dataclass(frozen=True)
class Asked:
    """One command.

    `words` are what follows it in text mode; `numbers` are its parameters in the others.
    """

    name: str
    words: tuple[str, ...] = ()
    numbers: tuple[int, int] = (0, 0)


BAD: Final = Asked("\n")
"""A line that is no JSON."""


@dataclass
class LineBuffer:
    """The characters of a line so far; those that do not fit are lost."""

    most: int
    text: str = ""

    def add(self, letters: str) -> None:
        """Take characters."""
        self.text = (self.text + letters)[: self.most]

    def take(self) -> str:
        """Give the line, and begin another."""
        line, self.text = self.text, ""
        return line


@dataclass
class Parsers:
    """Both parsers; each has its buffer, and keeps what the other does not see."""

    text: LineBuffer = field(default_factory=lambda: LineBuffer(TEXT_BYTES))
    json: LineBuffer = field(default_factory=lambda: LineBuffer(JSON_BYTES))

    def feed(self, data: bytes, *, is_text: bool) -> tuple[Asked | None, bytes]:
        """Take bytes up to a command; return it, or None, and the bytes behind it."""
        buffer = self.text if is_text else self.json
        while data:
            part, end, data = data.partition(b"\n")
            letters = part.decode("latin-1")
            if is_text:
                letters = "".join(c for c in letters.lower() if " " <= c <= "~")
            buffer.add(letters)
            if not end:
                return None, b""
            asked = _by_words(buffer.take()) if is_text else _by_json(buffer.take())
            if asked is not None:
                return asked, data
        return None, b""


def _by_words(line: str) -> Asked | None:
    name, *words = line.split(" ") if line.strip(" ") else [""]
    words = [word for word in words if word]
    if not name and words:
        name, *words = words
    return Asked(name, tuple(words)) if name else None


def _by_json(line: str) -> Asked:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return BAD
    said = said if isinstance(said, dict) else {}
    name, given = said.get("COMMAND"), said.get("PARAMETERS")
    numbers = [_byte(one) for one in given[:2]] if isinstance(given, list) else []
    first, second = (*numbers, 0, 0)[:2]
    return Asked(name if isinstance(name, str) else "", (), (first, second))


def _byte(said: object) -> int:
    """Return a parameter as ArduinoJson gives a byte: what does not fit is 0."""
    return said if type(said) is int and 0 <= said <= 255 else 0


def answer(form: Form, code: int, text: str) -> bytes:
    """Return the line that answers a command."""
    if form is Form.TEXT:
        return f"{code} {text}\r\n".encode()
    return json_answer(code, text)


def json_answer(code: int, text: str, **data: object) -> bytes:
    """Return an answer in JSON, with DATA if there is one."""
    said: dict[str, object] = {"STATUS_CODE": code, "STATUS_TEXT": text, **data}
    return json.dumps(said, separators=(",", ":")).encode() + b"\r\n"


def numbers_of(words: tuple[str, ...], n_wanted: int) -> tuple[tuple[int, ...], bytes]:
    """Read the hexadecimal bytes behind a word of text mode; else return the line that refuses."""
    given = words[:n_wanted]
    if len(given) < n_wanted:
        missing = "404 Error: value" if given else "403 Error: register"
        return (), f"{missing} argument missing.\r\n\r\n".encode()
    try:
        return tuple(int(one, 16) & 0xFF for one in given), b""
    except ValueError:
        return (), b"402 Error: expected hexidecimal digits.\r\n\r\n"


def number_answer(form: Form, number: int) -> bytes:
    """Return the answer that is a number."""
    if form is Form.TEXT:
        return f"200 Ok\r\n{number}\r\n".encode()
    return json_answer(200, "Ok", DATA=number)


def status_answer(form: Form, said: Mapping[str, object]) -> bytes:
    """Return what is said of the board's status."""
    if form is not Form.TEXT:
        return json_answer(200, "Ok", DATA=said)
    labels = ("Driver version", "Board name", "Board maker", "Hardware type", "Max channels",
              "Number of active channels")  # fmt: skip
    lines = [f"{label}: {value}" for label, value in zip(labels, said.values(), strict=True)]
    return "\r\n".join(["200 Ok", *lines, "", ""]).encode()


def register_words(word: str, numbers: Sequence[int], value: int | None = None) -> bytes:
    """Return what text mode says of a register that was read or written."""
    shown = " ".join(f"{number:02X}" for number in numbers)
    read = "" if value is None else f"{value:02X}\r\n"
    return f"200 Ok ({word} Register {shown}) \r\n{read}\r\n".encode()


def help_words(names: Iterable[str]) -> bytes:
    """Return what text mode says to help."""
    return "\r\n".join(["200 Ok", "Available commands: ", *names, "", ""]).encode()
