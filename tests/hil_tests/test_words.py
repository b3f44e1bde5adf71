"""No verdict, no diagnosis and no exit code hangs on how anything is worded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import emgrig
from bringup_runs import FAKES, run_of, said_of, words_of
from places import ROOT

pytestmark = pytest.mark.slow

LATE = "sim:fault=gain-stuck:channel=3,gain=6&channels=4"
SICK = (
    "sim:fault=miso-high",
    "sim:fault=drdy-dead",
    "sim:fault=brown-out",
    "sim:fault=board-restart",
    "sim:fault=link-cut",
    "sim:fault=link-stall",
    LATE,
    "tcp://127.0.0.1:1",
    *FAKES,
)
HEALTHY = "sim:bench&channels=4"


Said = dict[str, tuple[dict[str, object], list[str]]]


def otherwise(*addresses: str) -> Said:
    """Return what the suite says of boards, and its sentences, when all sentences read otherwise.

    In a process of its own, for the modules that are loaded have our words.
    """
    folders = (Path(emgrig.__file__).parents[1], ROOT / "tests")
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "other_words.py"), *addresses],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    said = json.loads(run.stdout.splitlines()[-1])
    assert isinstance(said, dict)
    return said


@pytest.mark.long
def test_other_words_change_no_verdict_and_no_diagnosis() -> None:
    found = otherwise(*SICK)
    assert list(found) == list(SICK)
    for address, (said, words) in found.items():
        ours = run_of(address, is_found_late=address == LATE)
        assert said == said_of(ours), address
        assert said["diagnosis"], address
        our_words = {text for text in words_of(ours) if " " in text}
        assert len(our_words) > len(ours.results), address
        assert not our_words & set(words), address  # every sentence did change


def test_other_words_make_no_healthy_board_sick() -> None:
    said, _ = otherwise(HEALTHY)[HEALTHY]
    outcomes = said["outcomes"]
    assert isinstance(outcomes, dict)
    assert set(outcomes.values()) == {"PASS"}
    assert (said["exit code"], said["diagnosis"], said["proved"]) == (0, None, True)
