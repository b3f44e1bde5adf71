import json
from pathlib import Path
from typing import Any

import pytest

from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.session import BringupSession


class Run:
    """A run of the suite, with its report."""

    def __init__(self, session: BringupSession, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self.record: dict[str, Any] = json.loads((folder / "record.json").read_text())

    def check(self, number: str) -> dict[str, Any]:
        return next(c for c in self.record["checks"] if c["number"] == number)


@pytest.fixture(scope="session")
def full_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A healthy board, all questions, once for all tests: it takes some seconds."""
    folder = tmp_path_factory.mktemp("bringup") / "report"
    return Run(run_bringup("sim:seed=11", level="full", report=folder), folder)


@pytest.fixture(scope="session")
def sick_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A board whose first channel is noisy, at level quick."""
    folder = tmp_path_factory.mktemp("sick") / "report"
    return Run(run_bringup("sim:fault=channel-noisy", report=folder), folder)
