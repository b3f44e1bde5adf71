"""Typed messages over construct: each field of a dataclass says how it lies in the bytes.

construct has no type hints, so it is used here and in the declarations of messages only; what
leaves this layer is typed.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self, dataclass_transform, get_args

import construct as cs

from emgrig.errors import WireError

#: Up to 255 bytes of UTF-8 behind their length; bytes that are no UTF-8 are shown as U+FFFD.
Text = cs.ExprAdapter(
    cs.Prefixed(cs.Int8ul, cs.GreedyBytes),
    lambda raw, _: raw.decode("utf-8", "replace"),
    lambda text, _: text.encode("utf-8")[:255],
)


@dataclass_transform(frozen_default=True)
class Message:
    """Base of every message; what is derived from it is a frozen dataclass.

    A field is ``name: Annotated[type, construct * "meaning"]``; `SCHEMA` is made of the fields, in
    their order.
    """

    SCHEMA: ClassVar[cs.Struct] = cs.Struct()

    def __init_subclass__(cls) -> None:
        declared = fields(dataclass(frozen=True)(cls))  # type: ignore[arg-type]
        cls.SCHEMA = cs.Struct(*(field.name / get_args(field.type)[1] for field in declared))

    def encode(self) -> bytes:
        """Return the bytes of this message.

        Raises
        ------
        ValueError
            If a value does not fit its field; nothing was sent.
        """
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
        try:
            values: Any = cls.SCHEMA.parse(payload)
        except cs.ConstructError as error:
            raise WireError(f"{cls.__name__}: {_first_line(error)}") from error
        return cls(**{f.name: _plain(values[f.name]) for f in fields(cls)})  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """Turn construct's own list type into a tuple; leave everything else."""
    return tuple(value) if isinstance(value, cs.ListContainer) else value


def _first_line(error: Exception) -> str:
    """Shorten construct's message of several lines to the one that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines) or type(error).__name__
