"""docs/attach-c.md, followed from an empty folder."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from c_programs import POSIX, needs_compiler, run
from emgrig.attach.bench import Bench
from emgrig.attach.c.files import c_files, write_c_library
from emgrig.attach.facts import BenchFacts
from emgrig.attach.options import PROCESSORS, BenchOptions
from emgrig.simulator.chip.violations import Rule
from places import ROOT

pytestmark = [pytest.mark.slow, needs_compiler, POSIX]

DOCUMENT = (ROOT / "docs" / "attach-c.md").read_text("utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL))
STEPS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
    for line in block.replace("\\\n", "").splitlines()
]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with the reader's own files in it."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def facts_of(folder: Path, step: str) -> BenchFacts:
    """Run what stands behind `emgrig attach … --` as that command does."""
    options, _, rest = step.partition(" -- ")
    words = shlex.split(options)
    seconds = words[words.index("--duration") + 1] if "--duration" in words else ""
    bench = Bench(BenchOptions(processor=PROCESSORS["mcu"]))
    ran = run(folder / rest.split()[0], bench, seconds=seconds)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout
    return bench.facts()


def test_the_steps_of_the_document_lead_to_its_results(empty: Path) -> None:
    seen: dict[str, BenchFacts] = {}
    for step in STEPS:
        if step == "emgrig attach --c emgrig":
            write_c_library(empty / "emgrig")
        elif step.startswith("emgrig attach"):
            seen[step.partition(" > ")[2].split()[0]] = facts_of(empty, step)
        else:
            subprocess.run(["sh", "-e", "-c", step], cwd=empty, check=True)
    assert list(seen) == ["first.txt", "second.txt", "third.txt"]
    wrong, right, driver = (seen[name].chips[0] for name in seen)
    assert (wrong.breaches[0].rule, wrong.breaches[0].sent) == (Rule.T_SCCS, b"\x11")
    assert {Rule.IN_RDATAC, Rule.NO_REFERENCE} <= set(wrong.counts)
    assert (right.counts, right.n_missed, right.n_torn) == ({}, 0, 0)
    assert right.n_read > 300
    assert (driver.counts, driver.n_read, driver.n_missed) == ({}, 500, 0)


@pytest.mark.skipif(
    importlib.util.find_spec("emgrig.tools.attach") is None, reason="`emgrig attach` is not here"
)
def test_the_command_itself_says_so(empty: Path) -> None:
    (empty / "bin").mkdir()
    command = empty / "bin" / "emgrig"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m emgrig "$@"\n')
    command.chmod(0o755)
    path = f"{empty / 'bin'}{os.pathsep}{os.environ['PATH']}"
    told = {**os.environ, "PATH": path}
    subprocess.run(["sh", "-e", "-c", "\n".join(STEPS)], cwd=empty, env=told, check=True)
    # the mended sketch and the driver end with exit code 0, or the steps had stopped there
    assert "tSCCS" in (empty / "first.txt").read_text("utf-8")
    assert (empty / "third.txt").exists()


def test_the_glue_is_ten_lines_at_most() -> None:
    body = [line for line in FILES["glue.c"].splitlines() if not line.startswith("#include")]
    assert len(body) <= 10


def test_the_part_without_a_socket(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    monkeypatch.chdir(empty)
    exec(compile(code, "attach-c.md", "exec"), {})


def test_the_document_names_the_calls_that_there_are() -> None:
    header = c_files()["emgrig_chip.h"]
    declared = set(re.findall(r"\b(emgrig_\w+)\(", header)) - {"emgrig_set_host"}
    named = set(re.findall(r"`(emgrig_\w+)\(", DOCUMENT)) - {
        "emgrig_map", "emgrig_map_port", "emgrig_interrupt_on",
    }  # fmt: skip
    assert named <= declared
    assert declared - named <= {
        "emgrig_close", "emgrig_drdy_falls", "emgrig_stop_after_s", "emgrig_wait_drdy",
    }  # fmt: skip
