"""Files as models: frozen dataclasses whose annotations say what a file may hold.

The annotations are types, bounds of `annotated_types` and `Rule`. pydantic holds a file against
them; it is imported when the first file is read, not before. Nothing is guessed (``"3"`` is no
number), and a key that no field has is refused. What is wrong is one line: place, found, expected.
"""

import datetime as dt
import difflib
import json
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from emgrig.errors import UnreadableFile
from emgrig.files import json_text, make_folder, write_file
from emgrig.filetext import parse_json, parse_toml, read_text
from emgrig.names import value_shown

if TYPE_CHECKING:
    from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema, ErrorDetails

T = TypeVar("T")
Json = dict[str, object]
_CONFIG: "ConfigDict" = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
_MOST_LISTED = 20
_KINDS: dict[object, str] = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dt.date: "a date, as 2026-05-31",
    dict: "a table",
}
_BOUNDS = {
    "ge": "of {:g} or more",
    "gt": "above {:g}",
    "le": "of at most {:g}",
    "lt": "below {:g}",
    "max_length": "of at most {:g} characters",
}
_UNIONS = (typing.Union, types.UnionType)


class FileModel:
    """Base of a dataclass that is a whole file; those inside of it need no base.

    What the key ``format`` of a JSON file must be is `FORMAT`; TOML files have none.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = _CONFIG
    FORMAT: ClassVar[str] = ""


class NoteModel(FileModel):
    """Base of a dataclass that is a note of a capture; keys of a later version are left alone."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {**_CONFIG, "extra": "ignore"}


@dataclass(frozen=True, eq=False)
class Rule:
    """What a type alone does not say of a value, to stand in its `Annotated`.

    `expected` is in words, as "one letter"; `holds` tells if a value of the annotated type is one;
    `schema` says the same for the JSON schema, as far as that can say it.
    """

    expected: str
    holds: Callable[[Any], bool]
    schema: Mapping[str, object] = field(default_factory=dict)

    def __get_pydantic_core_schema__(
        self, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> Json:
        return {**handler(core), **self.schema}

    def _check(self, value: T) -> T:
        if not self.holds(value):
            raise AssertionError
        return value


def one_of(*values: object) -> Rule:
    """Return the rule that a value is one of these."""
    return Rule(_one_of(values), values.__contains__, {"enum": list(values)})


class AsNumber:
    """A flag that is a number in the file, to stand in its `Annotated`."""

    def __get_pydantic_core_schema__(
        self, source: Callable[[int], object], _: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(source, core_schema.int_schema(ge=0))


Text = Annotated[str, Rule("a text in quotes", lambda text: bool(text.strip()), {"pattern": r"\S"})]
"""A text that is not empty."""
Moment = Annotated[
    dt.datetime, Rule("a date and time with its zone", lambda when: when.tzinfo is not None)
]


# From tables to values, and back.


def load(path: Path, kind: type[T], what: str) -> T:
    """Read a file: JSON if its model has a FORMAT, else TOML.

    `what` the file is to be, as "plan", is for messages. Raises UnreadableFile if it cannot be
    opened or is not that.
    """
    name = f"{what} {path}"
    parse = parse_json if getattr(kind, "FORMAT", "") else parse_toml
    return read(kind, parse(read_text(path, name), name), name)


def read(kind: type[T], content: object, name: str = "") -> T:
    """Read what a TOML or JSON file holds; UnreadableFile, in one line, if it is no `kind`."""
    before = f"{name}: " if name else ""
    expected = getattr(kind, "FORMAT", "")
    if expected:
        table: Mapping[str, object] = content if isinstance(content, Mapping) else {}
        if table.get("format") != expected:
            found = table.get("format") if table else content
            raise UnreadableFile(
                f"{before}format is {value_shown(found)}; {expected!r} was expected"
            )
        content = {key: value for key, value in table.items() if key != "format"}
    from pydantic import ValidationError

    try:
        # Through text, since JSON has lists for tuples and words for enums and dates.
        model: Any = kind
        found_good: T = adapter_of(model).validate_json(json.dumps(content, default=_no_json))
    except ValidationError as error:
        # What is missing is last: a key that was misspelt is the likelier mistake.
        found = error.errors(include_url=False)
        first = min(_innermost(found), key=lambda one: one["type"] == "missing")
        raise UnreadableFile(before + _say(first, kind)) from error
    return found_good


def _innermost(errors: "Sequence[ErrorDetails]") -> "list[ErrorDetails]":
    """Leave out what is wrong only because something in it is."""
    above = {one["loc"][:n] for one in errors for n in range(len(one["loc"]))}
    return [one for one in errors if one["loc"] not in above]


def _no_json(value: object) -> Json:
    """Return what TOML has and JSON has not, a date or a time, as a thing that no model has."""
    return {type(value).__name__: str(value)}


@cache
def adapter_of(kind: Any) -> "TypeAdapter[Any]":
    """Return what reads a model and knows its schema."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind, config=None if is_dataclass(kind) else _CONFIG)


def plain(value: object) -> Any:
    """Return a model as JSON holds it."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {"format": value.FORMAT} if isinstance(value, FileModel) and value.FORMAT else {}
        return named | {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def save(path: Path, content: object) -> None:
    """Write a model, or what `plain` made of one, as JSON; the file is whole whatever happens.

    Raises ValueError if a number in it is not finite; nothing is written; RecordingError if it
    cannot be written; what was there before is as it was.
    """
    text = json_text(plain(content))
    make_folder(path.parent)
    write_file(path, text)


# What is wrong, in one line.


def refuse_unknown(place: str, key: str, known: Iterable[str]) -> str:
    """Return the words for a key, or a name, that there is not, with the nearest that there is."""
    known = list(known)
    near = difflib.get_close_matches(key, known, n=1)
    there = f"there are: {', '.join(known)}"
    if near and len(known) > _MOST_LISTED:
        return f"there is no {place}; did you mean {near[0]!r}?"
    hint = f"; did you mean {near[0]!r}? T{there[1:]}" if near else f"; {there}"
    return f"there is no {place}{hint}"


def _say(error: "ErrorDetails", kind: object) -> str:
    is_key = error["loc"][-1:] == ("[key]",)
    steps = error["loc"][:-1] if is_key else error["loc"]
    if error["type"] == "unexpected_keyword_argument":
        place, table = _find(kind, steps[:-1])
        place = f"{place}.{steps[-1]}".lstrip(".")
        return refuse_unknown(place, str(steps[-1]), hints(_bare(table)[0]))
    place, there = _find(kind, steps, is_key=is_key)
    if error["type"] == "value_error":
        return f"{place}: {error['ctx']['error']}" if place else str(error["ctx"]["error"])
    words = _expected(there)
    expected = f"{f'a table, [{place}],' if words == _KINDS[dict] else words} was expected"
    if is_key:
        return f"there is no {place}; {expected}"
    if error["type"] == "missing":
        return f"{place} is missing; {expected}"
    return f"{place or 'it'} is {value_shown(error['input'])}; {expected}"


@cache
def hints(kind: type) -> dict[str, object]:
    """Return what a dataclass has by name, with all that its annotations say."""
    known = typing.get_type_hints(kind, include_extras=True)
    return {one.name: known[one.name] for one in fields(kind)}


def _find(kind: object, steps: Sequence[int | str], *, is_key: bool = False) -> tuple[str, object]:
    """Return the words for a place in a model, and the annotation there."""
    place = ""
    for number, step in enumerate(steps, start=1):
        bare, _ = _bare(kind)
        inside = typing.get_args(bare)
        if isinstance(bare, type) and is_dataclass(bare):
            kind = hints(bare)[str(step)]
        elif typing.get_origin(bare) in (dict, Mapping):
            kind = inside[0 if is_key and number == len(steps) else 1]
        elif typing.get_origin(bare) is tuple and isinstance(step, int):
            kind = inside[0] if inside[-1] is Ellipsis else inside[step]
        else:  # a union: what follows says which of its members was tried
            break
        place += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return place.lstrip("."), kind


def _bare(kind: object) -> tuple[Any, tuple[object, ...]]:
    """Return a type without `Annotated` and "or None", and what `Annotated` said of it."""
    if typing.get_origin(kind) is Annotated:
        inside, *said = typing.get_args(kind)
        bare, more = _bare(inside)
        return bare, (*more, *said)
    members = [one for one in typing.get_args(kind) if one is not types.NoneType]
    if typing.get_origin(kind) in _UNIONS and len(members) == 1:
        return _bare(members[0])
    return kind, ()


def _expected(kind: object) -> str:
    bare, said = _bare(kind)
    for rule in said:
        if isinstance(rule, Rule):
            return rule.expected
        if isinstance(rule, AsNumber):
            return _KINDS[int]
    origin, inside = typing.get_origin(bare), typing.get_args(bare)
    if origin in _UNIONS:
        return " or ".join(_expected(one) for one in inside if one is not types.NoneType)
    if origin is typing.Literal:
        return _one_of(inside)
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _one_of(one.value for one in bare)
    if origin is tuple:
        is_open = inside[-1] is Ellipsis
        return "a list" if is_open else f"a list of {len(inside)}"
    words = _KINDS.get(origin or bare, _KINDS[dict])
    return " ".join((words, *_bounds(said)))


def _one_of(values: Iterable[object]) -> str:
    words = ", ".join(repr(value) for value in values)
    return f"one of {words}" if "," in words else words


def _bounds(said: Iterable[object]) -> Iterator[str]:
    from annotated_types import GroupedMetadata

    parts = [part for one in said for part in (one if isinstance(one, GroupedMetadata) else [one])]
    bounds = {
        name: getattr(part, name) for part in parts for name in _BOUNDS if hasattr(part, name)
    }
    if "ge" in bounds and "le" in bounds:
        yield f"from {bounds.pop('ge'):g} to {bounds.pop('le'):g}"
    if bounds:
        yield " and ".join(_BOUNDS[name].format(bound) for name, bound in bounds.items())
