"""The keeper of a lock, with a labgrid-client that writes down what it is asked."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from emgrig.errors import InfrastructureFailure
from emgrig.labgrid.locks import held_place

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="labgrid is for Linux"),
]
CLIENT = """#!/bin/sh
echo "$*" >> "$ASKED"
case "$*" in *"$REFUSED"*) echo "labgrid-client: Error: place is taken" >&2; exit 1;; esac
"""
HOLDER = (
    "import sys, time; from emgrig.labgrid.locks import held_place\n"
    "with held_place('here', wait_s=9): print('held', flush=True); time.sleep(600)"
)
Asked = Callable[[], list[str]]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    client, log = tmp_path / "labgrid-client", tmp_path / "asked"
    client.write_text(CLIENT)
    client.chmod(0o755)
    log.touch()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(log))
    monkeypatch.setenv("REFUSED", "nothing")
    return lambda: log.read_text().splitlines()


def test_a_place_is_held_inside_and_given_back(asked: Asked) -> None:
    with held_place("here"):
        assert asked() == ["-p here acquire"]
    assert asked() == ["-p here acquire", "-p here release"]


def test_it_is_given_back_after_an_error(asked: Asked) -> None:
    with pytest.raises(KeyError), held_place("here"):
        raise KeyError
    assert asked()[-1] == "-p here release"


def test_a_place_that_is_not_to_be_had_is_an_infrastructure_failure(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED", "acquire")
    with (
        pytest.raises(InfrastructureFailure, match=r"here was not .* in 0\.01 s: .* is taken"),
        held_place("here", wait_s=0.01),
    ):
        raise AssertionError("it is not held")
    assert set(asked()) == {"-p here acquire"}, "what was not held is not given back"


def test_a_holder_that_is_killed_gives_it_back(asked: Asked) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
        finally:
            holder.kill()
    for _ in range(6000):
        if len(asked()) == 2:
            break
        time.sleep(0.01)
    assert asked() == ["-p here acquire", "-p here release"]


@pytest.mark.parametrize("wait_s", [0.0, -1.0, float("nan")])
def test_a_wait_that_makes_no_sense_is_refused(wait_s: float) -> None:
    with pytest.raises(ValueError, match="wait_s"), held_place("here", wait_s=wait_s):
        pass
