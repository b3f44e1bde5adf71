"""What the laboratory did wrong is an outcome of its own, and so is the code of such a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from emgrig.errors import ExitCode, InfrastructureFailure, MissingExtra, exit_code_for
from emgrig.extras import require
from emgrig.labgrid.pytest_parts import places_of

LABORATORY = """
from emgrig.errors import InfrastructureFailure
import pytest
@pytest.fixture
def board(): raise InfrastructureFailure("nobody answered in 30 s")
def test_of_a_board(board): pass
def test_in_the_middle(): raise InfrastructureFailure("its exporter is gone")
"""
PRODUCT = "def test_product(): assert not 'good'\n"


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (LABORATORY, ExitCode.INFRASTRUCTURE, "2 infrastructure in"),
        (LABORATORY + PRODUCT, pytest.ExitCode.TESTS_FAILED, "1 failed, 2 infrastructure in"),
    ],
)
def test_a_run_says_whose_failure_it_was(tmp_path: Path, text: str, code: int, words: str) -> None:
    (tmp_path / "test_one.py").write_text(text)
    options = ["-q", "-p", "emgrig.labgrid.pytest_parts", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_one.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == code, ran.stdout
    assert words in ran.stdout
    assert "INFRASTRUCTURE test_one.py::test_of_a_board: nobody answered in 30 s" in ran.stdout


def test_it_has_a_code_of_its_own() -> None:
    assert exit_code_for(InfrastructureFailure("gone")) == 6


@pytest.mark.parametrize(
    "resources",
    [
        {"RemotePlace": {"name": "here"}},
        [{"RemotePlace": {"name": "here"}}, {"EmgrigBoard": {"address": "sim:"}}],
        {"RemotePlace": {"here": {}}},
    ],
)
def test_the_places_of_an_environment_are_found(resources: object) -> None:
    targets = {"main": {"resources": resources}, "other": {"resources": {"EmgrigBoard": {}}}}
    assert places_of(targets) == ["here"]


def test_without_labgrid_the_parts_say_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "labgrid", None)
    monkeypatch.delitem(sys.modules, "emgrig.labgrid.parts", raising=False)
    with pytest.raises(MissingExtra, match="a board in a laboratory needs labgrid"):
        require("emgrig.labgrid.parts", "labgrid", "it")
