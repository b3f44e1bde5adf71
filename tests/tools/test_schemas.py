"""The JSON schemas beside the code are those of the models."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from file_schemas import HOME, MODELS, schema, text_of


@pytest.mark.slow
@pytest.mark.parametrize("path", MODELS)
def test_a_schema_is_current_and_is_one(path: str) -> None:
    text = (HOME / path).read_text("utf-8")
    assert text == text_of(path), "make schemas writes it anew"
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    assert "0x" not in text, "an address of this process"


def test_there_is_no_schema_without_a_model() -> None:
    by_hand = {"recording/sidecar.schema.json"}  # `sidecar.describe` makes what it describes
    found = {path.relative_to(HOME).as_posix() for path in HOME.rglob("*.schema.json")}
    assert found == set(MODELS) | by_hand


@pytest.mark.parametrize("path", MODELS)
def test_every_key_of_a_schema_is_described_or_its_table_is(path: str) -> None:
    made = schema(MODELS[path])
    tables = [made, *made.get("$defs", {}).values()]  # type: ignore[attr-defined]
    for table in tables:
        if "properties" in table:
            assert table.get("description"), table


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("experiment/files/plan.schema.json", "experiment/files/example.toml"),
        ("hil_tests/judging/limits.schema.json", "hil_tests/judging/limits.toml"),
        *(
            ("driver/chip/profile.schema.json", str(path.relative_to(HOME)))
            for path in sorted((HOME / "driver/chip/profiles").glob("*.toml"))
        ),
    ],
)
def test_what_comes_with_the_package_fits_its_schema(path: str, file: str) -> None:
    content = tomllib.loads(Path(HOME / file).read_text("utf-8"))
    jsonschema.validate(content, json.loads((HOME / path).read_text("utf-8")))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, "zzz": 1}, json.loads((HOME / path).read_text("utf-8")))
