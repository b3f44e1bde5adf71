"""The documents about checks and faults: their tables, and their steps, followed word by word."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import bringup_tables
import emgrig
from places import ROOT

DOCS = ROOT / "docs"
SOURCE = Path(emgrig.__file__).parents[1]
PLUGIN = "emgrig.hil_tests.pytest_entry"
_BLOCK = re.compile(
    r"<!-- (put|there): (\S+)(?: (before|after): (.*?))? -->\n```\w+\n(.*?)```", re.DOTALL
)
_SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def follow(page: str, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Put the code of a page where it says, then run its commands; return what came of each."""
    text = (DOCS / page).read_text("utf-8")
    for verb, name, where, anchor, code in _BLOCK.findall(text):
        path = folder / name
        held = path.read_text("utf-8") if path.exists() else ""
        if verb == "there":
            assert code in held, f"{name} does not hold what {page} says of it:\n{code}"
            continue
        if where:
            assert held.count(f"\n{anchor}\n") == 1, f"{name}: {anchor!r} is not one line of it"
            new = f"\n{code}{anchor}\n" if where == "before" else f"\n{anchor}\n{code}"
            held = held.replace(f"\n{anchor}\n", new)
        path.write_text(held if where else held + code, "utf-8")
    lines = [line for block in _SHELL.findall(text) for line in block.splitlines() if line]
    return [_run(line, folder) for line in lines]


def _run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one line of a shell, with `emgrig`, `python` and `pytest` of this environment."""
    programs = folder / "bin"
    if not programs.exists():
        programs.mkdir()
        # From a clone that was installed before it had the entry point, the module is named.
        has_entry = any(e.value == PLUGIN for e in entry_points(group="pytest11"))
        by_hand = "" if has_entry else f"-p {PLUGIN} "
        for name, what in (
            ("emgrig", '-c "from emgrig.tools.cli import main; main()"'),
            ("pytest", f"-m pytest -p no:cacheprovider {by_hand}"),
            ("python", ""),
        ):
            script = programs / name
            script.write_text(f'#!/bin/sh\nexec {sys.executable} {what} "$@"\n')
            script.chmod(0o755)
    sources = folder / "src" if (folder / "src").exists() else SOURCE
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{sources}{os.pathsep}{folder / 'tests'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "200",
    }
    done = subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    expected = re.search(r"# exit code (\d)", line)
    assert done.returncode == (int(expected[1]) if expected else 0), (
        f"{line}\n{done.stdout}{done.stderr}"
    )
    return done


def test_the_tables_are_those_of_the_code() -> None:
    text = (DOCS / "bringup.md").read_text("utf-8")
    assert bringup_tables.fill(text) == text, "run python tests/bringup_tables.py docs/bringup.md"
    assert text.count("<!-- table: ") == 2
    assert "| B24 |" in text
    assert "| `clock-drift` |" in text


def test_a_fault_is_added_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(SOURCE / "emgrig", tmp_path / "src" / "emgrig")
    for name in ("tests", "docs", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    written, listed, asked, tested = follow("adding-a-fault.md", tmp_path)
    assert not written.stdout
    assert "| `miso-inverted` |" in (tmp_path / "docs" / "bringup.md").read_text("utf-8")
    assert re.search(r"miso-inverted .*every byte is turned over.* B2 +inverted", listed.stdout)
    assert asked.stdout.startswith("Every bit is turned over: a level shifter inverts the line")
    # it says what it is, is seen, reads back, has parameters; is found; its cause is there
    assert re.search(r"\b6 passed", tested.stdout)


def test_a_check_is_added_as_the_page_says(tmp_path: Path) -> None:
    good, bad = follow("adding-a-check.md", tmp_path)
    assert "bring-up: PASS" in good.stdout
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
