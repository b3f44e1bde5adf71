"""The documents about checks and faults: their tables, and their steps, followed word by word."""

import json
import re
from pathlib import Path

import pytest

import bringup_tables
from following import DOCS, copy_of_the_project, follow

pytestmark = pytest.mark.slow


def test_the_tables_are_those_of_the_code() -> None:
    text = (DOCS / "bringup.md").read_text("utf-8")
    assert bringup_tables.fill(text) == text, "run python tests/bringup_tables.py docs/bringup.md"
    assert text.count("<!-- table: ") == 2
    assert "| B24 |" in text
    assert "| `clock-drift` |" in text


def test_a_fault_is_added_as_the_page_says(tmp_path: Path) -> None:
    copy_of_the_project(tmp_path)
    written, listed, asked, tested = follow("adding-a-fault.md", tmp_path)
    assert not written.stdout
    assert "| `miso-inverted` |" in (tmp_path / "docs" / "bringup.md").read_text("utf-8")
    assert re.search(r"miso-inverted .*every byte is turned over.* B2 +inverted", listed.stdout)
    assert asked.stdout.startswith("Every bit is turned over: a level shifter inverts the line")
    # it says what it is, is seen, reads back, has parameters; is found; its cause is there
    assert re.search(r"\b6 passed", tested.stdout)


@pytest.mark.long
def test_a_check_is_added_as_the_page_says(tmp_path: Path) -> None:
    good, bad = follow("adding-a-check.md", tmp_path)
    assert "bring-up: INCOMPLETE - SIMULATED" in good.stdout
    record = json.loads((tmp_path / "report" / "record.json").read_text("utf-8"))
    (made,) = record["checks"]
    assert (made["number"], made["outcome"]) == ("X1", "pass")
    assert made["layer"] == "references and supplies"
    measured = {m["name"]: m for m in made["measurements"]}["u3_output"]
    assert [r["value"] for r in measured["readings"]] == pytest.approx([5.0] * 6, abs=0.06)
    assert measured["limit"]["source"].startswith("ours: U3")
    assert [p["name"] for p in record["pictures"]] == ["output-of-regulator-u3.svg"]
    text = (DOCS / "adding-a-check.md").read_text("utf-8")
    (said,) = re.findall(r"```text\n(.*?)\n```", text)
    assert said in bad.stdout.splitlines()
