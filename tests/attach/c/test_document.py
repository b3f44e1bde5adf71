"""docs/attach-c.md, followed from an empty folder."""

import importlib.util
import os
import re
import shlex
import shutil
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


IS_OURS = [step.startswith("emgrig ") for step in STEPS]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with the reader's own files in it."""
    return put_files(tmp_path)


def put_files(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folder when all steps but ours were done: the compilers are what takes long."""
    folder = put_files(tmp_path_factory.mktemp("built"))
    write_c_library(folder / "emgrig")
    for step, is_ours in zip(STEPS, IS_OURS, strict=True):
        if not is_ours:
            subprocess.run(["sh", "-e", "-c", step], cwd=folder, check=True)
    return folder


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


def test_the_steps_of_the_document_lead_to_its_results(built: Path) -> None:
    assert STEPS[0] == "emgrig attach --c emgrig"
    for number, step in enumerate(STEPS[1:], start=1):  # what is run was built before
        program = step.partition(" -- ./")[2].split(" ")[0]
        assert not program or any(f"-o {program}" in before for before in STEPS[:number])
    seen = {
        step.partition(" > ")[2].split()[0]: facts_of(built, step)
        for step, is_ours in zip(STEPS[1:], IS_OURS[1:], strict=True)
        if is_ours
    }
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
def test_the_command_itself_says_so(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(built, folder)
    made = c_files()
    assert {name: (folder / "emgrig" / name).read_text("utf-8") for name in made} == made
    shutil.rmtree(folder / "emgrig")  # the first step makes it again
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "emgrig"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m emgrig "$@"\n')
    command.chmod(0o755)
    told = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    steps = "\n".join(step for step, is_ours in zip(STEPS, IS_OURS, strict=True) if is_ours)
    subprocess.run(["sh", "-e", "-c", steps], cwd=folder, env=told, check=True)
    assert {name: (folder / "emgrig" / name).read_text("utf-8") for name in made} == made
    # the mended sketch and the driver end with exit code 0, or the steps had stopped there
    assert "tSCCS" in (folder / "first.txt").read_text("utf-8")
    assert (folder / "third.txt").exists()


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
