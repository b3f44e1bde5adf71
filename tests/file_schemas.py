"""The JSON schemas of our files, made from their models.

``make schemas`` writes them anew after a model was changed; a test holds files and models together.
"""

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, get_args

from emgrig.attach.report.model import Report
from emgrig.calibration.certificate.certificate import Certificate
from emgrig.driver.chip.profile import ProfileFile
from emgrig.electrodes import ContactCheck
from emgrig.experiment.files.plan import PlanFile
from emgrig.experiment.files.record import SessionRecord
from emgrig.experiment.participant import Script
from emgrig.filemodel import Json, adapter_of, hints
from emgrig.files import write_file
from emgrig.hil_tests.judging.limits import LimitsFile
from emgrig.hil_tests.record import Record
from emgrig.study.settings import StudySettings
from emgrig.tools.common.defaults import DefaultsFile
from places import ROOT

HOME = ROOT / "src/emgrig"
MODELS: dict[str, Any] = {
    "attach/report/report.schema.json": Report,
    "calibration/certificate/certificate.schema.json": Certificate,
    "driver/chip/profile.schema.json": ProfileFile,
    "electrodes/check.schema.json": ContactCheck,
    "experiment/files/plan.schema.json": PlanFile,
    "experiment/files/record.schema.json": SessionRecord,
    "experiment/script.schema.json": Script,
    "hil_tests/record.schema.json": Record,
    "study/study.schema.json": StudySettings,
    "hil_tests/judging/limits.schema.json": LimitsFile,
    "tools/common/defaults.schema.json": DefaultsFile,
}
_ADDRESS = "https://github.com/emgrig/emgrig/blob/main/src/emgrig/"


def schema(model: Any) -> Json:
    """Return the JSON schema of a model, its descriptions taken from the docstrings."""
    made: Any = adapter_of(model).json_schema()
    known = {one.__name__: one for one in _dataclasses(model)}
    parts = {**made.get("$defs", {}), made.get("title", ""): made}
    for name, part in parts.items():
        if name in known:
            _describe(part, known[name])
    if expected := getattr(model, "FORMAT", ""):
        made["properties"] = {"format": {"const": expected}, **made["properties"]}
        for part in parts.values():  # what we write has every key
            if "properties" in part:
                part["required"] = list(part["properties"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _dataclasses(kind: Any) -> Iterator[type]:
    if isinstance(kind, type) and is_dataclass(kind):
        yield kind
        for inside in hints(kind).values():
            yield from _dataclasses(inside)
    for inside in get_args(kind):
        yield from _dataclasses(inside)


def _describe(part: Json, kind: type) -> None:
    """Take over the first line of a docstring, and what its section "Attributes" says."""
    text = inspect.getdoc(kind) or ""
    part["description"] = text.partition("\n")[0]
    properties: Any = part.get("properties", {})
    for one in properties.values():
        one.pop("title", None)  # the name again
    for names, said in re.findall(r"^(\w[\w, ]*?)(?: : .*)?\n((?:    .*\n?)+)", text, re.MULTILINE):
        for name in names.split(", "):
            if name in properties:
                properties[name]["description"] = " ".join(said.split())


def text_of(path: str) -> str:
    """Return the text of one of the files in `MODELS`."""
    made = {"$id": _ADDRESS + path, **schema(MODELS[path])}
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all of them."""
    for path in MODELS:
        write_file(HOME / path, text_of(path))


if __name__ == "__main__":
    main()
