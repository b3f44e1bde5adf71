"""Every `emgrig …` of the documents is a command that there is, with options that it has."""

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from emgrig.tools import cli
from places import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ANYWHERE = {"-h", "--help", "-v", "-vv", "--verbose", "--log", "--json"}
"""Options that most commands take, and pages name without one."""


NAMES = {"contact", "SERIAL", "spot", "double_threshold"}
"""What stands behind the word in names of formats, LSL streams and detectors."""


@cache
def commands() -> dict[str, Any]:
    return {name: later.load(name) for name, later in cli.LATER.items()}


def lines_of(text: str) -> list[str]:
    """Return what stands behind `emgrig` in code: blocks, and words in backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    code = [line for block in blocks for line in re.sub(r"\\\n\s*", " ", block).splitlines()]
    code += [re.sub(r"\s+", " ", one) for one in re.findall(r"`([^`]+)`", rest)]
    found = (re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?emgrig(?: +(.*))?$", line) for line in code)
    return [one[1] for one in found if one and one[1]]


def words_of(line: str) -> list[str]:
    """Cut a line into words, up to what is the shell's: comments, pipes, what runs beside."""
    try:
        words = shlex.split(line.replace("…", " "), comments=True)
    except ValueError:  # an apostrophe
        words = line.split()
    for number, word in enumerate(words):
        if word in ("|", "&", "&&", ">", "--") or word.startswith(">"):
            return words[:number]
    return words


def problem_of(line: str) -> str:
    """Say what is wrong with a line; nothing if it could be called."""
    words = words_of(line)
    if not words or words[0].startswith("-") or words[0] in NAMES:
        return ""
    names = re.split(r"\\?\|", words[0])
    if missing := [name for name in names if name not in commands()]:
        return f"there is no command {missing[0]}"
    one, rest = commands()[names[0]], words[1:]
    inner = getattr(one, "commands", None)
    if inner and rest and not rest[0].startswith("-"):
        named = re.split(r"\\?\|", rest[0])
        if missing := [name for name in named if name and name not in inner]:
            return f"there is no command {names[0]} {missing[0]}"
        one, rest = inner[named[0]], rest[1:]
    elif inner:
        return ""
    has = ANYWHERE | {name for param in one.params for name in (*param.opts, *param.secondary_opts)}
    said = (word.partition("=")[0] for word in rest if re.match(r"--?[a-zA-Z]", word))
    unknown = [name for option in said for name in option.split("|") if name not in has]
    return f"{words[0]} has no option {unknown[0]}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_can_be_called(page: Path) -> None:
    lines = lines_of(page.read_text("utf-8"))
    wrong = [f"emgrig {line}: {problem}" for line in lines if (problem := problem_of(line))]
    assert not wrong


def test_a_wrong_line_is_seen() -> None:
    text = "`emgrig recordd sim:` and\n```sh\nemgrig bringup sim: --onlly B9  # x\n```\n"
    assert [problem_of(line) for line in lines_of(text)] == [
        "bringup has no option --onlly", "there is no command recordd"
    ]  # fmt: skip
    assert len([line for page in PAGES for line in lines_of(page.read_text("utf-8"))]) > 200
