"""Cppcheck finds nothing in the core and in the targets."""

import shutil
import subprocess
from pathlib import Path

import pytest

from emgrig.firmware.new import TARGETS
from firmware_core import CORE, SOURCES

CPPCHECK = shutil.which("cppcheck")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CPPCHECK is None, reason="cppcheck is not here; apt install cppcheck"),
]

#: STM32's HAL fixes how its callbacks are declared.
WORDS = [
    "--quiet", "--enable=warning,style,performance,portability", "--std=c99", "--error-exitcode=1",
    "--suppress=constParameter:*/stm32/*", f"-I{CORE}",
]  # fmt: skip


def found(sources: list[Path]) -> str:
    """What it says of C files, C++ files and sketches; empty if nothing."""
    assert CPPCHECK is not None
    languages = {"c": "c", "cpp": "c++", "ino": "c++"}
    said, n_files = "", 0
    for suffix, language in languages.items():
        own = [str(path) for path in sources if path.suffix == f".{suffix}"]
        if own:
            command = [CPPCHECK, *WORDS, f"--language={language}", *own]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (ran.returncode == 0) == (not ran.stderr)
            said, n_files = said + ran.stderr, n_files + len(own)
    assert n_files
    return said


def test_nothing_is_found_in_the_core() -> None:
    assert found(sorted(CORE.glob("*.c"))) == ""


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found_in_a_target(target: str) -> None:
    folder = SOURCES / "targets" / target
    assert (
        found([path for path in sorted(folder.rglob("*")) if path.suffix in (".c", ".cpp", ".ino")])
        == ""
    )


def test_a_flaw_is_found(tmp_path: Path) -> None:
    source = tmp_path / "flaw.c"
    source.write_text("int flaw(void) { int bytes[4]; bytes[4] = 0; return bytes[4]; }\n")
    assert "arrayIndexOutOfBounds" in found([source])
