"""A PC, a link and a chip that do what they like (fuzz.c), under sanitizers; what was reached."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from emgrig.attach.c.build import compiler
from firmware_core import CORE, compile_core, needs_c
from properties import runs

pytestmark = [pytest.mark.long, needs_c]

FUZZ = Path(__file__).parent / "fuzz.c"
#: Small, so that buffers are full and links are few.
SMALL = ["-DEMG_MAX_CHIPS=2u", "-DEMG_MAX_LINKS=3u", "-DEMG_TX_BYTES=4096u"]
SANITIZED = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
BRANCHES_AT_LEAST = 0.95


def play(program: Path, seed: int, rounds: int) -> list[int]:
    """Run it; the numbers it prints: requests, frames, errors 1 to 7, events 1 to 6, runs."""
    ran = subprocess.run(
        [program, str(seed), str(rounds)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return [int(word) for word in re.findall(r"\d+", ran.stdout)]


def sanitizers_are_there(folder: Path) -> bool:
    source = folder / "nothing.c"
    source.write_text("int main(void) { return 0; }\n")
    command = [compiler(is_cpp=False), *SANITIZED, source, "-o", folder / "nothing"]
    made = subprocess.run(command, capture_output=True, check=False)
    return (
        made.returncode == 0 and subprocess.run([folder / "nothing"], check=False).returncode == 0
    )


def test_nothing_that_comes_breaks_the_core(tmp_path: Path) -> None:
    """Memory is bounded because nothing is allocated; what is outside is told by the sanitizers."""
    if not sanitizers_are_there(tmp_path):
        pytest.skip("the compiler has no address sanitizer; install libasan, or use clang")
    program = compile_core(tmp_path / "fuzz", [*SANITIZED, *SMALL], [FUZZ])
    for seed in range(1, runs(3, nightly=200)):
        requests, frames, *rest = play(program, seed, 30_000)
        assert requests > 9_000
        assert frames > 10_000
        assert min(rest[:7]) > 0  # each error was said, and each event was sent
        assert min(rest[7:13]) > 0


def is_gcc() -> bool:
    command = [compiler(is_cpp=False), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "Free Software Foundation" in said


@pytest.mark.skipif(shutil.which("gcov") is None, reason="gcov is not here; it comes with gcc")
def test_nearly_all_branches_of_the_core_are_taken(tmp_path: Path) -> None:
    if not is_gcc():
        pytest.skip("gcov counts for gcc only, and the C compiler is another one")
    program = compile_core(tmp_path / "fuzz", ["-O0", "--coverage", *SMALL], [FUZZ])
    play(program, 1, 20_000)
    taken, not_taken = 0, []
    for notes in sorted(tmp_path.glob("*emg_*.gcno")):
        command = ["gcov", "-b", "-c", "-t", str(notes)]
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        for line in told.stdout.splitlines():
            if match := re.match(r"branch +(\d+) (taken (\d+)|never executed)", line):
                is_taken = match[3] not in (None, "0")
                taken += is_taken
                not_taken += [] if is_taken else [f"{notes.stem}: {line}"]
    assert len(list(CORE.glob("*.c"))) == 6
    assert taken > 200
    assert taken / (taken + len(not_taken)) >= BRANCHES_AT_LEAST, not_taken
