"""How a register is declared: its fields once, checked on import.

A register is a frozen dataclass whose fields are made by `bits`, under the decorator `register`::

    @register("CH{n}SET", address=0x05, count=8, reset=0x61)
    @dataclass(frozen=True)
    class ChannelSettings(Register):
        power_down: bool = bits(7, name="PD{n}", reset=False)
        gain: Gain = bits(6, 4, name="GAIN{n}", reset=Gain.X24)
        ...

The type of a field says how it is coded: `bool` is one bit, a `Code` has a name for each legal
code, `frozenset[int]` has bit n - 1 set for member n (channels, pins), `int` is a plain number.
"""

import dataclasses
from collections.abc import Callable, Iterable
from enum import Enum
from typing import ClassVar, Self, TypeVar, cast, get_type_hints

from emgrig.errors import DeviceError

T = TypeVar("T")
R = TypeVar("R", bound="type[Register]")


class Code(Enum):
    """The legal codes of a field: ``NAME = code, word, *other words`` for each.

    The word is what a person says for it, a string or a number. A code that is missing is reserved.
    """

    word: str | int | float
    words: tuple[str | int | float, ...]

    def __new__(cls, code: int, *words: str | int | float) -> Self:
        """Make a member of its code and its words; called by the class statement."""
        member = object.__new__(cls)
        member._value_ = code
        member.word = words[0]
        member.words = words
        return member

    @property
    def code(self) -> int:
        """The bits in the register."""
        return cast("int", self._value_)

    @classmethod
    def parse(cls, said: object) -> Self:
        """Return the member itself, or the one for the word that was said.

        Upper case, spaces and the kind of number do not matter: ``"24"`` is ``24``.

        Raises
        ------
        ValueError
            If there is none; the message lists what is allowed.
        """
        if isinstance(said, cls):
            return said
        for member in cls:
            if any(_same(said, word) for word in member.words):
                return member
        raise ValueError(f"{said!r} is not one of {cls.allowed()}")

    @classmethod
    def allowed(cls) -> str:
        """List the words, for a message."""
        return ", ".join(str(member.word) for member in cls)


def _same(said: object, word: str | float) -> bool:
    return not isinstance(said, bool | Enum) and _plain(said) == _plain(word)


def _plain(said: object) -> object:
    """Bring what was said to one form: a float where it is a number, else a bare string."""
    if not isinstance(said, str | int | float):
        return None
    text = str(said).lower().replace(" ", "").replace("µ", "u").replace("μ", "u")
    try:
        return float(text)
    except ValueError:
        return text.replace("-", "_")


Value = bool | int | Code | frozenset[int]


@dataclasses.dataclass(frozen=True)
class Bits:
    """Where a field lies and what its bits mean."""

    attribute: str  #: Name in the class.
    #: Name in the data sheet; ``{n}`` stands for the channel of a CHnSET, ``{bit}`` for the number
    #: of one bit of a frozenset.
    name: str
    high: int  #: 0 to 7; First and last bit.
    low: int
    kind: type  #: bool, int, frozenset or a `Code`.
    words: tuple[str, str]  #: What is said for 0 and 1 of a bool.
    read_only: bool  #: Writing has no effect.

    @property
    def mask(self) -> int:
        """The field's bits in the byte."""
        return (1 << (self.high + 1)) - (1 << self.low)

    def names(self, n: int | str, wrong: int) -> list[str]:
        """Name the field, or the bits of a frozenset, if they are in `wrong`."""
        if self.kind is not frozenset:
            return [self.name.format(n=n)] if wrong & self.mask else []
        numbers = sorted(cast("frozenset[int]", self.decode(wrong)))
        return [self.name.format(n=n, bit=number) for number in numbers]

    def title(self, n: int | str) -> str:
        """Name the field as a whole."""
        return self.name.format(n=n, bit="")

    def decode(self, byte: int) -> Value:
        """Return the value in `byte`; a reserved code raises ValueError."""
        code = (byte & self.mask) >> self.low
        if self.kind is frozenset:
            return frozenset(n + 1 for n in range(8) if code >> n & 1)
        return cast("Value", self.kind(code))

    def encode(self, value: object) -> int:
        """Return the byte with `value` in its place; TypeError or ValueError if it does not fit."""
        if not isinstance(value, self.kind) or (isinstance(value, bool) and self.kind is not bool):
            raise TypeError(f"{self.attribute} must be {self.kind.__name__}, not {value!r}")
        code = self._code(value)
        if not 0 <= code << self.low <= self.mask:
            raise ValueError(
                f"{self.attribute} = {_show(value)} is too wide: it is {self.allowed()}"
            )
        return code << self.low

    def parse(self, said: object) -> Value:
        """Return the value a person means; ValueError lists what is allowed."""
        try:
            if issubclass(self.kind, Code):
                return self.kind.parse(said)
            if self.kind is bool:
                return self._parse_bool(said)
            value = _members(said) if self.kind is frozenset else said
            self.encode(value)
            return cast("Value", value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{_show(said)} is not allowed; it is {self.allowed()}") from error

    def word(self, byte: int) -> str:
        """Say the value in `byte`; a reserved code is shown as such."""
        try:
            value = self.decode(byte)
        except ValueError:
            return f"reserved code {(byte & self.mask) >> self.low}"
        return self.words[value] if isinstance(value, bool) else _show(value)

    def allowed(self) -> str:
        """Say what may be set, for a message."""
        if issubclass(self.kind, Code):
            return f"one of {self.kind.allowed()}"
        if self.kind is bool:
            return f"{self.words[1]} (true) or {self.words[0]} (false)"
        width = self.high - self.low + 1
        return (
            f"a list of numbers 1 to {width}" if self.kind is frozenset else f"0 to {2**width - 1}"
        )

    def _code(self, value: object) -> int:
        if isinstance(value, Code):
            return value.code
        if not isinstance(value, frozenset):
            return int(cast("int", value))
        if not all(type(n) is int and 1 <= n <= 8 for n in value):
            return -1
        return sum(1 << (n - 1) for n in value)

    def _parse_bool(self, said: object) -> bool:
        if isinstance(said, bool):
            return said
        return [_plain(word) for word in self.words].index(_plain(said)) == 1


def _members(said: object) -> frozenset[int]:
    if isinstance(said, str) or not isinstance(said, Iterable):
        raise TypeError
    return frozenset(said)


def _show(value: object) -> str:
    if isinstance(value, Code):
        return str(value.word)
    if isinstance(value, frozenset | set | range):
        return ",".join(str(n) for n in sorted(value)) or "none"
    return repr(value)


def bits(
    high: int,
    low: int | None = None,
    *,
    name: str,
    reset: T,
    words: tuple[str, str] = ("off", "on"),
    read_only: bool = False,
) -> T:
    """Declare a field in bits `high` to `low`; its default is `reset`.

    Without `low` it is one bit. See `Bits` for the other arguments. `register` checks it.
    """
    metadata: dict[str, object] = {"high": high, "low": high if low is None else low}
    metadata |= {"name": name, "words": words, "read_only": read_only}
    return dataclasses.field(default=reset, metadata=metadata)


class Register:
    """A register's value, immutable; every value that can be made can be sent."""

    #: Data-sheet name, first address, number of equal registers from there on, reset value.
    NAME: ClassVar[str]
    ADDRESS: ClassVar[int]
    COUNT: ClassVar[int]
    RESET: ClassVar[int]
    FIELDS: ClassVar[tuple[Bits, ...]]  #: Its fields, highest bit first.
    FIXED_MASK: ClassVar[int]  #: Reserved bits, and what they must be.
    FIXED_VALUE: ClassVar[int]
    #: Bit n - 1 belongs to channel n; parts with fewer channels lack the upper bits.
    CHANNEL_BITS: ClassVar[bool]

    def __post_init__(self) -> None:
        self.encode()

    def encode(self) -> int:
        """Return the byte, reserved bits as they must be."""
        return sum((f.encode(getattr(self, f.attribute)) for f in self.FIELDS), self.FIXED_VALUE)

    @classmethod
    def decode(cls, byte: int) -> Self:
        """Return what `byte` (0 to 255) means; DeviceError if a reserved bit or code is in it."""
        if problems := cls.problems(byte):
            raise DeviceError(f"{cls.NAME.format(n='n')} reads {byte:02X}h: {'; '.join(problems)}")
        return cls(**{f.attribute: f.decode(byte) for f in cls.FIELDS})

    @classmethod
    def problems(cls, byte: int) -> tuple[str, ...]:
        """Say what is wrong with `byte`: reserved bits, reserved codes; nothing if it is legal."""
        wrong = (byte ^ cls.FIXED_VALUE) & cls.FIXED_MASK
        found = [
            f"bit {n} is reserved and must be {cls.FIXED_VALUE >> n & 1}"
            for n in reversed(range(8))
            if wrong >> n & 1
        ]
        for field in cls.FIELDS:
            try:
                field.decode(byte)
            except ValueError:
                reserved = f"{field.title('n')} has the {field.word(byte)}"
                found.append(f"{reserved}; allowed is {field.allowed()}")
        return tuple(found)

    @classmethod
    def field(cls, attribute: str) -> Bits:
        """Return the field with that name in the class."""
        return next(f for f in cls.FIELDS if f.attribute == attribute)


def register(
    name: str,
    *,
    address: int,
    reset: int,
    fixed: str = "--------",
    count: int = 1,
    channel_bits: bool = False,
) -> Callable[[R], R]:
    """Finish a register class, and check its declaration.

    Parameters
    ----------
    name : str
        Name in the data sheet, ``{n}`` where the channel's number stands.
    address, count : int
        First address, and how many equal registers follow each other.
    reset : int, 0 to 255
        The byte the data sheet gives; the fields' resets must make the same one.
    fixed : str
        Bits 7 to 0: ``0`` or ``1`` for a reserved bit that must be so, ``-`` for a field's bit.
    channel_bits : bool
        Bit n - 1 belongs to channel n.

    Raises
    ------
    TypeError
        From the class statement: a bit is undeclared or declared twice, a field or one of its codes
        does not fit, or the two statements of the reset value differ.
    """

    def finish(cls: R) -> R:
        cls.NAME, cls.ADDRESS, cls.COUNT, cls.RESET = name, address, count, reset
        cls.CHANNEL_BITS = channel_bits
        cls.FIXED_MASK = int(fixed.replace("0", "1").replace("-", "0"), 2)
        cls.FIXED_VALUE = int(fixed.replace("-", "0"), 2)
        cls.FIELDS = _declared_fields(cls)
        _check_layout(cls, fixed)
        _check_reset(cls)
        return cls

    return finish


def _declared_fields(cls: type[Register]) -> tuple[Bits, ...]:
    hints = get_type_hints(cls)
    fields = []
    for field in dataclasses.fields(cast("type", cls)):
        if "high" not in field.metadata:
            raise TypeError(f"{cls.__name__}.{field.name} is not declared with bits()")
        kind = hints[field.name]
        kind = frozenset if kind == frozenset[int] else kind
        if not isinstance(kind, type) or not issubclass(kind, bool | int | frozenset | Code):
            raise TypeError(f"{cls.__name__}.{field.name} has a type that has no bits: {kind}")
        fields.append(Bits(field.name, kind=kind, **field.metadata))
    return tuple(sorted(fields, key=lambda f: -f.high))


def _check_layout(cls: type[Register], fixed: str) -> None:
    if len(fixed) != 8:
        raise TypeError(f"{cls.__name__}: fixed={fixed!r} does not have eight bits")
    declared = cls.FIXED_MASK
    for field in cls.FIELDS:
        where = f"{cls.__name__}.{field.attribute}"
        if not 7 >= field.high >= field.low >= 0:
            raise TypeError(f"{where}: bits {field.high} to {field.low} are not in a byte")
        if declared & field.mask:
            raise TypeError(f"{where} overlaps bits that are declared already")
        widest = max((c.code for c in field.kind), default=0) if issubclass(field.kind, Code) else 0
        if (field.kind is bool and field.high != field.low) or widest << field.low > field.mask:
            raise TypeError(f"{where}: {field.kind.__name__} and the width of its bits differ")
        declared |= field.mask
    if declared != 0xFF:
        raise TypeError(f"{cls.__name__}: bits {0xFF & ~declared:08b} are not declared")


def _check_reset(cls: type[Register]) -> None:
    try:
        fields_reset = cls().encode()
    except ValueError as error:
        raise TypeError(f"{cls.__name__}: {error}") from error
    if fields_reset != cls.RESET:
        raise TypeError(
            f"{cls.__name__}: fields reset to 0x{fields_reset:02x}, not 0x{cls.RESET:02x}"
        )
