"""What the bytes on the socket mean: the verbs of the bench, each with its request and its answer.

A message is a length (u32) and so many bytes; all numbers are little-endian. A request is a code
(u8) and its fields; an answer is a status (u8), the bench's time (f64), how often DRDY of any chip
has fallen (u32), and its fields, or a sentence if it is not `Status.DONE`. The last field may be
bytes or text; it takes what is left. docs/attach-socket.md is held against this table by a test.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

VERSION: Final = 1
MAGIC: Final = b"emgrig"
MOST_BYTES: Final = 65536
"""Longest message, without its length."""
MOST_S: Final = 60.0
"""So much time one message may let pass, s."""
ALL_CHIPS: Final = 0xFF
"""In `set_pin`: the pin of every chip."""

LENGTH: Final = struct.Struct("<I")
HEAD: Final = struct.Struct("<BdI")
"""Before each answer's fields: status, bench time in s, falls of DRDY modulo 2**32."""


class Status(IntEnum):
    """How a request ended."""

    DONE = 0
    REFUSED = 1  #: An argument is out of range: a ValueError. Nothing was done.
    NOT_UNDERSTOOD = 2  #: The bytes are no request.
    FAILED = 3  #: A file cannot be read, or the bench itself is at fault.


_NUMBERS: Final = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f64": "d", "magic": "6s"}


@dataclass(frozen=True)
class Field:
    """One field of a request or an answer."""

    name: str
    form: str  #: u8, u16, u32, u64, f64, magic (six ASCII letters); last only: bytes, text.


@dataclass(frozen=True)
class Layout:
    """Fields one after the other, without gaps."""

    fields: tuple[Field, ...]

    @classmethod
    def of(cls, text: str) -> "Layout":
        """Read `"u8 chip, f64 timeout_s"`."""
        pairs = [part.split() for part in text.split(",") if part.strip()]
        return cls(tuple(Field(name, form) for form, name in pairs))

    @property
    def numbers(self) -> struct.Struct:
        """The fields of fixed size."""
        return struct.Struct("<" + "".join(_NUMBERS.get(field.form, "") for field in self.fields))

    @property
    def rest(self) -> str:
        """Form of the last field if it takes what is left (bytes, text), or ""."""
        form = self.fields[-1].form if self.fields else ""
        return "" if form in _NUMBERS else form


@dataclass(frozen=True)
class Verb:
    """One verb of the bench."""

    code: int
    name: str
    request: Layout
    answer: Layout


def _verb(code: int, name: str, request: str = "", answer: str = "") -> Verb:
    return Verb(code, name, Layout.of(request), Layout.of(answer))


_CLOCKING: Final = "u8 mode, f64 sclk_hz, f64 gap_s, bytes mosi"

VERBS: Final = (
    _verb(
        0x00,
        "hello",
        "magic magic, u16 version",
        "u16 version, u8 n_chips, u8 channels, f64 call_s, f64 speed",
    ),
    _verb(0x01, "advance", "f64 duration_s"),
    _verb(0x02, "advance_to", "f64 time_s"),
    _verb(0x03, "wait_drdy", "u8 chip, u8 edge, f64 timeout_s", "u8 is_seen"),
    _verb(0x04, "next_event", "", "f64 time_s"),
    _verb(0x05, "next_fall", "u8 chip", "f64 time_s"),
    _verb(0x10, "select", "u8 chip"),
    _verb(0x11, "deselect", "u8 chip"),
    _verb(0x12, "byte", "u8 mosi, u8 mode, f64 sclk_hz", "u8 miso"),
    _verb(0x13, "exchange", _CLOCKING, "bytes miso"),
    _verb(0x14, "transfer", f"u8 chip, {_CLOCKING}", "bytes miso"),
    _verb(
        0x15,
        "wait_transfer",
        f"u8 chip, u8 edge, f64 timeout_s, {_CLOCKING}",
        "u8 is_seen, bytes miso",
    ),
    _verb(0x20, "set_pin", "u8 level, u8 chip, text name"),
    _verb(0x21, "pin", "u8 chip, text name", "u8 level"),
    _verb(0x22, "drdy_count", "u8 chip", "u64 n_falls"),
    _verb(0x23, "power_cycle", "f64 off_s"),
    _verb(0x30, "set_source", "text source"),
    _verb(0x31, "put_fault", "text fault"),
    _verb(0x32, "set_contact", "u16 channel, u8 side, f64 kohm"),
    _verb(0x33, "claim", "u16 channel, f64 microvolts"),
)
BY_NAME: Final = {verb.name: verb for verb in VERBS}


def message(payload: bytes) -> bytes:
    """Put the length before a request or an answer."""
    return LENGTH.pack(len(payload)) + payload
