"""A document's steps, followed word by word: its code put where it says, its commands run."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

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
        "PYTHONDONTWRITEBYTECODE": "",  # what nobody changed came along compiled
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


def copy_of_the_project(folder: Path) -> None:
    """Copy what a page changes: sources, tests and documents."""
    shutil.copytree(SOURCE / "emgrig", folder / "src" / "emgrig")
    for name in ("tests", "docs", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
