"""Typed messages over construct: each field of a dataclass says how it lies in the bytes.

construct has no type hints, so it is used here and in the declarations of messages only; what
leaves this layer is typed. It declares every message; those of numbers alone, and those with one
string of bytes behind their numbers, are read and written by `struct` in a tenth of the time.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar, Self, dataclass_transform, get_args

import construct as cs

from emgrig.errors import WireError

#: Up to 255 bytes of UTF-8 behind their length; bytes that are no UTF-8 are shown as U+FFFD.
Text = cs.ExprAdapter(
    cs.Prefixed(cs.Int8ul, cs.GreedyBytes),
    lambda raw, _: raw.decode("utf-8", "replace"),
    lambda text, _: text.encode("utf-8")[:255],
)
#: Up to 255 bytes behind their length.
Octets = cs.Prefixed(cs.Int8ul, cs.GreedyBytes)


@dataclass_transform(frozen_default=True)
class Message:
    """Base of every message; what is derived from it is a frozen dataclass.

    A field is ``name: Annotated[type, construct * "meaning"]``; `SCHEMA` is made of the fields, in
    their order.
    """

    SCHEMA: ClassVar[cs.Struct] = cs.Struct()
    _QUICK: ClassVar["_Quick | None"] = None

    def __init_subclass__(cls) -> None:
        declared = fields(dataclass(frozen=True)(cls))  # type: ignore[arg-type]
        forms = {field.name: get_args(field.type)[1] for field in declared}
        cls.SCHEMA = cs.Struct(*(name / form for name, form in forms.items()))
        cls._QUICK = _quick(forms)

    def encode(self) -> bytes:
        """Return the bytes of this message.

        Raises
        ------
        ValueError
            If a value does not fit its field; nothing was sent.
        """
        quick = self._QUICK
        if quick is not None:
            try:
                return quick.packed(self)
            except (struct.error, TypeError, ValueError):
                pass  # construct says what does not fit
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        try:
            return bytes(self.SCHEMA.build(values))
        except cs.ConstructError as error:
            raise ValueError(f"{type(self).__name__}: {_first_line(error)}") from error

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read a message; bytes behind the last field are ignored (newer firmware may add some).

        Raises
        ------
        WireError
            If the payload is too short or a value has no meaning.
        """
        quick = cls._QUICK
        if quick is not None and (found := quick.unpacked(payload)) is not None:
            return cls(*found)
        try:
            values: Any = cls.SCHEMA.parse(payload)
        except cs.ConstructError as error:
            raise WireError(f"{cls.__name__}: {_first_line(error)}") from error
        return cls(**{f.name: _plain(values[f.name]) for f in fields(cls)})  # type: ignore[arg-type]


class _Quick:
    """Reads and writes what `struct` can: numbers, and behind them perhaps one string of bytes."""

    def __init__(self, numbers: struct.Struct, names: list[str], octets: str) -> None:
        self._numbers = numbers
        self._octets = attrgetter(octets) if octets else None
        self._values: Callable[[Message], tuple[Any, ...]] = (
            attrgetter(*names)
            if len(names) > 1
            else lambda message: tuple(getattr(message, name) for name in names)
        )

    def packed(self, message: Message) -> bytes:
        """Return the bytes of a message; struct.error, TypeError or ValueError if it has none."""
        head = self._numbers.pack(*self._values(message))
        if self._octets is None:
            return head
        octets = self._octets(message)
        if not isinstance(octets, bytes):
            raise TypeError("no bytes")
        return b"".join((head, bytes((len(octets),)), octets))

    def unpacked(self, payload: bytes) -> tuple[Any, ...] | None:
        """Return the values of a message; None if the payload is too short."""
        begin = self._numbers.size + (self._octets is not None)
        if len(payload) < begin:
            return None
        found = self._numbers.unpack_from(payload)
        if self._octets is None:
            return found
        end = begin + payload[begin - 1]
        return (*found, bytes(payload[begin:end])) if len(payload) >= end else None


def _quick(forms: dict[str, Any]) -> _Quick | None:
    """Make what reads and writes these fields; None if it takes construct."""
    bare = {
        name: form.subcon if isinstance(form, cs.Renamed) else form for name, form in forms.items()
    }
    names = list(bare)
    octets = names.pop() if names and bare[names[-1]] is Octets else ""
    numbers = [bare[name] for name in names]
    if not all(isinstance(form, cs.FormatField) and form.fmtstr[0] == "<" for form in numbers):
        return None
    return _Quick(struct.Struct("<" + "".join(form.fmtstr[1:] for form in numbers)), names, octets)


def _plain(value: Any) -> Any:
    """Turn construct's own list type into a tuple; leave everything else."""
    return tuple(value) if isinstance(value, cs.ListContainer) else value


def _first_line(error: Exception) -> str:
    """Shorten construct's message of several lines to the one that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines) or type(error).__name__
