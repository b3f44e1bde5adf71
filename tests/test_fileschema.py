"""What a file holds, against its JSON schema: the same verdict as jsonschema's, in one line."""

import json
from importlib import resources

import jsonschema
import pytest

from emgrig.fileschema import misfit

SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 1, "maximum": 9},
        "rate": {"type": ["number", "null"], "exclusiveMinimum": 0},
        "names": {"type": "array", "items": {"$ref": "#/$defs/name"}, "minItems": 1},
        "is": {"const": True},
        "kind": {"enum": ["a", 1]},
        "either": {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "array"}]},
        "all": {"allOf": [{"type": "object"}], "propertyNames": {"pattern": "^[a-z]+$"}},
    },
    "required": ["n"],
    "additionalProperties": False,
    "$defs": {"name": {"type": "string", "pattern": "^c[0-9]$"}},
}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"n": 1, "rate": 0.5, "names": ["c1"], "is": True, "kind": 1, "either": []}, ""),
        ({"n": 9, "rate": None, "all": {"ab": 1}}, ""),
        ([], "it is []; expected object"),
        ({}, "it lacks n"),
        ({"n": True}, "n is True; expected integer"),
        ({"n": 0}, "n is 0; expected 1"),
        ({"n": 10}, "n is 10; expected at most 9"),
        ({"n": 1, "rate": 0}, "rate is 0; expected more than 0"),
        ({"n": 1, "rate": "x"}, "rate is 'x'; expected number or null"),
        ({"n": 1, "names": []}, "names has less than 1 entries"),
        ({"n": 1, "names": ["c1", "d"]}, "names[2] is 'd'; expected the form ^c[0-9]$"),
        ({"n": 1, "is": 1}, "is is 1; expected True"),
        ({"n": 1, "kind": True}, "kind is True; expected 'a' or 1"),
        ({"n": 1, "either": "long"}, "either is 'long': either is longer than 3"),
        ({"n": 1, "all": {"A": 1}}, "a name in all is 'A'; expected the form ^[a-z]+$"),
        ({"n": 1, "other": 1}, "there is no other"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(content: object, words: str) -> None:
    assert misfit(content, SCHEMA) == words
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(content) == (not words)


def test_a_keyword_that_is_not_known_is_never_passed_over() -> None:
    with pytest.raises(NotImplementedError, match="multipleOf"):
        misfit(4, {"multipleOf": 3})


def test_the_sidecars_schema_has_known_keywords_only() -> None:
    text = resources.files("emgrig.recording").joinpath("sidecar.schema.json").read_text("utf-8")
    assert misfit({}, json.loads(text)).startswith("it lacks ")
