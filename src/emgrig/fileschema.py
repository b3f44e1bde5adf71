"""Hold what a file holds against its JSON schema, before anything is believed.

It knows the keywords that our own schemas use, and refuses others, so that none is passed over.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from emgrig.names import value_shown

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,),
    "null": (type(None),), "integer": (int,), "number": (int, float),
}  # fmt: skip
_WORDS = frozenset({"$schema", "$id", "$defs", "title", "description", "unevaluatedProperties"})
"""Say nothing of a value, or, the last, what `emgrig.recording.facts` asks."""


def misfit(content: object, schema: Mapping[str, Any]) -> str:
    """Say the first thing of `content` that does not fit, with its place; nothing if all does.

    Raises NotImplementedError if the schema has a keyword that is not known here.
    """
    return next(_misfits(content, schema, "", schema), "")


def _misfits(value: object, schema: Mapping[str, Any], at: str, whole: Any) -> Iterator[str]:
    for keyword, said in schema.items():
        if keyword in _WORDS or keyword in ("properties", "required", "additionalProperties"):
            continue
        if keyword not in _CHECKS:
            raise NotImplementedError(f"the keyword {keyword} of JSON Schema")
        yield from _CHECKS[keyword](value, said, at, whole)
    if isinstance(value, dict):
        yield from _in_object(value, schema, at, whole)


def _in_object(
    value: Mapping[str, object], schema: Mapping[str, Any], at: str, whole: Any
) -> Iterator[str]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at or 'it'} lacks {name}"
    for name, one in value.items():
        place = f"{at}.{name}".lstrip(".")
        inside = known.get(name, others)
        if inside is False:
            yield f"there is no {place}"
        elif isinstance(inside, Mapping):
            yield from _misfits(one, inside, place, whole)


def _type(value: object, said: str | Sequence[str], at: str, _: Any) -> Iterator[str]:
    names = [said] if isinstance(said, str) else list(said)
    is_truth = isinstance(value, bool)  # which Python takes for a number
    fits = (isinstance(value, _TYPES[name]) and is_truth == (name == "boolean") for name in names)
    if not any(fits):
        yield f"{at or 'it'} is {value_shown(value)}; expected {' or '.join(names)}"


def _enum(value: object, said: Sequence[object], at: str, _: Any) -> Iterator[str]:
    if not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in said):
        yield f"{at or 'it'} is {value_shown(value)}; expected {' or '.join(map(repr, said))}"


def _bound(value: object, said: float, at: str, *, is_open: bool = False) -> Iterator[str]:
    if isinstance(value, int | float) and not (value > said if is_open else value >= said):
        yield f"{at} is {value_shown(value)}; expected {'more than ' if is_open else ''}{said:g}"


def _pattern(value: object, said: str, at: str, _: Any) -> Iterator[str]:
    if isinstance(value, str) and not re.search(said, value):
        yield f"{at or 'a name'} is {value_shown(value)}; expected the form {said}"


def _items(value: object, said: Mapping[str, Any], at: str, whole: Any) -> Iterator[str]:
    for number, one in enumerate(value if isinstance(value, list) else (), start=1):
        yield from _misfits(one, said, f"{at}[{number}]", whole)


def _some_of(value: object, said: Sequence[Any], at: str, whole: Any) -> Iterator[str]:
    wrong = [next(_misfits(value, one, at, whole), "") for one in said]
    if all(wrong):
        yield wrong[0] if len(wrong) == 1 else f"{at or 'it'} is {value_shown(value)}: {wrong[0]}"


def _all_of(value: object, said: Sequence[Any], at: str, whole: Any) -> Iterator[str]:
    for one in said:
        yield from _misfits(value, one, at, whole)


def _names(value: object, said: Mapping[str, Any], at: str, whole: Any) -> Iterator[str]:
    for name in value if isinstance(value, dict) else ():
        yield from _misfits(name, said, f"a name in {at}", whole)


def _reference(value: object, said: str, at: str, whole: Any) -> Iterator[str]:
    found = whole
    for step in said.removeprefix("#/").split("/"):
        found = found[step]
    yield from _misfits(value, cast("Mapping[str, Any]", found), at, whole)


_CHECKS: dict[str, Any] = {
    "type": _type,
    "enum": _enum,
    "const": lambda value, said, at, whole: _enum(value, [said], at, whole),
    "minimum": lambda value, said, at, _: _bound(value, said, at),
    "exclusiveMinimum": lambda value, said, at, _: _bound(value, said, at, is_open=True),
    "maximum": lambda value, said, at, _: (
        [f"{at} is {value_shown(value)}; expected at most {said:g}"]
        if isinstance(value, int | float) and not value <= said
        else []
    ),
    "minItems": lambda value, said, at, _: (
        [f"{at} has less than {said} entries"]
        if isinstance(value, list) and len(value) < said
        else []
    ),
    "pattern": _pattern,
    "maxLength": lambda value, said, at, _: (
        [f"{at} is longer than {said}"] if isinstance(value, str) and len(value) > said else []
    ),
    "format": lambda *_: [],  # a note for people, as the standard has it
    "items": _items,
    "anyOf": _some_of,
    "oneOf": _some_of,
    "allOf": _all_of,
    "propertyNames": _names,
    "$ref": _reference,
}
