from pathlib import Path

import pytest

from emgrig.analysis.paper.annotations import Expression, read_annotations
from places import SHARED
from properties import choose_profile
from shell import Run, runner

choose_profile()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared/data beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def expressions(data: Path) -> list[Expression]:
    return read_annotations(data / "casmemg" / "380_sort.xlsx")


@pytest.fixture
def shell(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run command lines; calibrations and checks of electrodes go to a folder of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return runner(monkeypatch, capfd)
