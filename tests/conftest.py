import gc
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from places import SHARED
from properties import choose_profile
from shell import Run, runner

if TYPE_CHECKING:  # every worker loads this file, and few tests need what is imported below
    from emgrig.analysis.paper.annotations import Expression

choose_profile()
# A shell's background job ignores Ctrl-C, and so would every program that a test starts and stops.
signal.signal(signal.SIGINT, signal.default_int_handler)
gc.disable()  # while a hundred modules are imported and nothing of them goes: a fifth of the time


def pytest_collection_finish() -> None:
    """What is there now stays: the collector need not look at a million objects again and again."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A long test is a slow one."""
    for item in items:
        if item.get_closest_marker("long") is not None:
            item.add_marker(pytest.mark.slow)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the slow tests, leave modules that hold nothing else unread: imports take seconds."""
    if config.option.markexpr != "not slow" or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text("utf-8")
    return "\npytestmark = pytest.mark.slow\n" in text or None


@pytest.fixture(scope="session")
def data() -> Path:
    """The published annotations, beside the checkout: they have no licence to come along."""
    if not SHARED.is_dir():
        pytest.skip("needs the published annotations, in ../shared/data/casmemg")
    return SHARED


@pytest.fixture(scope="session")
def expressions(data: Path) -> "list[Expression]":
    from emgrig.analysis.paper.annotations import read_annotations

    return read_annotations(data / "casmemg" / "380_sort.xlsx")


@pytest.fixture(scope="session")
def made_up() -> "list[Expression]":
    """Four recordings of one subject, with five expressions each; nobody's face."""
    from emgrig.analysis.paper.annotations import Expression

    rng = np.random.default_rng(0)
    made = []
    for video in range(1, 5):
        for number in range(5):
            onset = 6000 + 9000 * number + int(rng.integers(3000))
            length = int(rng.integers(120, 500) if number < 3 else rng.integers(600, 1500))
            times = (onset, onset + length // 2, onset + length)
            seen = (round(time / 1000 + 2.7, 3) for time in times)
            channel = int(rng.integers(1, 8))
            made.append(Expression(len(made) + 2, 35, video, channel, *seen, *times))
    return made


@pytest.fixture
def shell(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run command lines; calibrations and checks of electrodes go to a folder of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return runner(monkeypatch, capfd)
