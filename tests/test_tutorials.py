"""The tutorials are followed word by word: what they show is what is printed."""

import re
from pathlib import Path

import pytest

from places import ROOT
from shell import Run

TUTORIALS = sorted((ROOT / "docs").glob("tutorial-*.md"))


def steps(text: str) -> list[tuple[str, list[str]]]:
    """Return each command line, and the lines that its output is to have."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ emgrig "):
                found.append((line.removeprefix("$ emgrig "), []))
            else:
                found[-1][1].append(line.strip())
    return found


@pytest.mark.long
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_shows_what_happens(
    shell: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    followed = steps(page.read_text("utf-8"))
    assert len(followed) >= 5
    for line, expected in followed:
        said = shell(line)
        printed = " ".join(f"{said.out}\n{said.err}".split())
        for words in expected:
            assert " ".join(words.split()) in printed, f"emgrig {line}\n{said.out}{said.err}"
