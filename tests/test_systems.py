"""Linux, macOS, Windows, Python 3.11 to 3.14: what stands for the systems that this is not."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from places import ROOT

TEXT_OR_FILE = re.compile(r"read_text|write_text|TextIOWrapper|open\(")
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        encoding=environment.get("PYTHONIOENCODING", "utf-8"),
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        check=False,
    )


@pytest.mark.long
@pytest.mark.slow
def test_every_module_is_imported_and_a_board_recorded_without_what_only_unix_has(
    tmp_path: Path,
) -> None:
    done = run_python(str(ROOT / "tests/other_system.py"), str(tmp_path))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    files = {
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
    }
    assert set(said["names"]) == files - {"emgrig"}
    assert said["selector"] == "SelectSelector"
    assert (said["samples"], said["lost"], said["in the file"]) == (2000, 0, 2000)
    assert said["pty"] == "this system has no pseudo-terminals; serve on TCP: --tcp :4299"


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield what is called as a method, and the built-in `open`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, node
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "open":
            yield "open", node


def is_portable(name: str, call: ast.Call) -> bool:
    """True unless the call reads or writes text as this system alone does."""
    named = {keyword.arg for keyword in call.keywords}
    words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if name == "read_text":
        return bool(words) or "encoding" in named
    if name in ("write_text", "TextIOWrapper"):
        return {"encoding", "newline"} <= named
    modes = [word for word in words if set(word) <= set("rwaxbt+")]
    if name != "open" or any("b" in mode for mode in modes) or not (modes or "encoding" in named):
        return True
    is_written = any(set(mode) & set("wax") for mode in modes)
    return "encoding" in named and ("newline" in named or not is_written)


@pytest.mark.parametrize(
    ("code", "is_good"),
    [
        ("p.write_text(x, encoding='utf-8')", False),
        ("p.write_text(x, encoding='utf-8', newline='\\n')", True),
        ("p.read_text()", False),
        ("p.read_text('utf-8')", True),
        ("p.open('w', encoding='utf-8')", False),
        ("p.open('r')", False),
        ("io.TextIOWrapper(f, encoding='utf-8')", False),
        ("open(p, 'xb')", True),
        ("rig.open()", True),
    ],
)
def test_the_search_finds_what_it_is_for(code: str, is_good: bool) -> None:
    ((name, call),) = calls(ast.parse(code))
    assert is_portable(name, call) is is_good


@pytest.mark.slow
def test_text_is_the_same_on_every_system() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCES
        for text in [path.read_text("utf-8")]
        if TEXT_OR_FILE.search(text)  # to parse them all takes a second
        for name, call in calls(ast.parse(text))
        if not is_portable(name, call)
    ]
    assert found == []


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_pipe_that_knows_few_letters_ends_no_command(encoding: str) -> None:
    assert run_python("-m", "emgrig", "-h", PYTHONIOENCODING=encoding).returncode == 0
    command = ("-m", "emgrig", "simulate", "--list-faults", "--json")
    poor, rich = (run_python(*command, PYTHONIOENCODING=name) for name in (encoding, "utf-8"))
    assert "Ω" in rich.stdout
    assert json.loads(poor.stdout) == json.loads(rich.stdout)
