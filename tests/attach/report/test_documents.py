"""docs/attach.md: its tables are the code's, and its ten minutes work as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import attach_tables
from attach.report.firmwares import PLANTED
from attach.report.test_pytest_entry import PLUGIN
from emgrig.attach.bench import Bench
from emgrig.attach.options import BenchOptions
from emgrig.attach.report.causes import ABOUT, Cause
from emgrig.simulator.chip.violations import Rule
from places import ROOT

PAGE = (ROOT / "docs/attach.md").read_text("utf-8")
STEP = re.compile(r"<!-- (file|run|says|edit): (.*?) -->\n```\w*\n(.*?)```", re.DOTALL)  # in order


def test_the_tables_are_the_codes() -> None:
    assert attach_tables.fill(PAGE) == PAGE, "run python tests/attach_tables.py docs/attach.md"


def test_every_rule_and_every_cause_has_its_fix() -> None:
    assert set(ABOUT) == {*Rule, *Cause}
    assert len({one.value for one in ABOUT}) == len(ABOUT)


def test_the_page_counts_the_planted_mistakes_right() -> None:
    assert f"{len(PLANTED)} firmwares with one mistake each" in PAGE


@pytest.mark.parametrize(
    ("mode", "identity", "status"), [(0, 0x1F, 0x60), (1, 0x3E, 0xC0), (2, 0x3E, 0x60), (3, 0, 0)]
)
def test_the_modes_read_as_the_page_has_it(mode: int, identity: int, status: int) -> None:
    bench = Bench(BenchOptions(source="silence"))
    bench.advance(0.2)
    bench.transfer(b"\x11", mode=mode)
    assert bench.transfer(b"\x20\x00\x00", mode=mode)[2] == identity
    for sent in (b"\x43\x00\xe0", b"\x08", b"\x10"):
        bench.transfer(sent, mode=mode)
    bench.advance(0.1)
    bench.wait_drdy(edge=True)
    assert bench.transfer(bytes(27), mode=mode)[0] == status


@pytest.mark.slow
def test_the_page_works_from_an_empty_folder(tmp_path: Path) -> None:
    """Files are written, edited and run as the page has them; what it quotes is what is said."""
    environment = {**os.environ, "PYTEST_PLUGINS": "" if "-" in PLUGIN else PLUGIN}
    said, n_run = "", 0
    for kind, what, block in STEP.findall(PAGE):
        if kind == "file":
            (tmp_path / what).write_text(block, encoding="utf-8")
        elif kind == "edit":
            before, _, after = what.partition(" -> ")
            text = (tmp_path / "stream.py").read_text("utf-8")
            assert text.count(before) == 1
            assert after == block.strip()
            (tmp_path / "stream.py").write_text(text.replace(before, after), encoding="utf-8")
        elif kind == "run":
            words = block.split()
            words[:1] = [sys.executable, *["-m", "emgrig"] * (words[0] == "emgrig")]
            ran = subprocess.run(
                words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            said = ran.stdout
            assert ran.returncode == int(what), said + ran.stderr
            n_run += 1
        else:
            assert block in said
    assert n_run == 3
    assert (tmp_path / "second/index.html").is_file()
