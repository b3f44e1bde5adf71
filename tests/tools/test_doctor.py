"""`emgrig doctor`: what this machine has."""

import json
import os
from importlib import metadata
from pathlib import Path

import pytest

from emgrig import extras
from emgrig.gateways.finding import Place
from emgrig.tools.doctor import facts
from shell import Run


@pytest.fixture
def run(shell: Run) -> Run:
    return shell


def test_versions_are_those_that_are_installed(run: Run) -> None:
    said = {(one["group"], one["name"]): one for one in json.loads(run("doctor --json").out)}
    assert said["packages", "numpy"]["found"] == metadata.version("numpy")
    assert metadata.version("nicegui") in said["extras", "desk"]["found"]
    assert not any(name in ("dev", "mutants") for _, name in said)
    assert run("doctor").code == 0


def test_a_version_that_does_not_fit_is_said_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = ["numpy>=99", "nicegui>=99; extra == 'desk'", "nothing-of-this-name; extra == 'xdf'"]
    monkeypatch.setattr(metadata, "requires", lambda _: lines)
    found = {one.name: one for one in facts.facts()}
    assert not found["numpy"].is_well
    assert found["numpy"].advice.endswith("pip install 'numpy>=99'")
    assert not found["desk"].is_well, "half an extra is a fault"
    assert found["xdf"].is_well, "nobody asked for it"
    assert found["xdf"].advice == f"to have it: {extras.pip()} install 'nothing-of-this-name'"


def test_a_port_without_the_right_names_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    place = Place("serial", str(port), "FT231X")
    monkeypatch.setattr(facts, "serial_places", lambda: [place])
    monkeypatch.setattr(facts, "spi_places", list)
    (fact,) = facts._places()
    assert (fact.found, fact.is_well) == ("FT231X; may be opened", True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    (fact,) = facts._places()
    assert not fact.is_well
    assert fact.advice.startswith(f"sudo usermod -aG {port.group()} ")


def test_the_latency_timer_of_an_ftdi_chip_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer = tmp_path / "timers" / "ttyUSB0" / "latency_timer"
    timer.parent.mkdir(parents=True)
    port = tmp_path / "ttyUSB0"
    port.touch()
    monkeypatch.setattr(facts, "_TIMERS", tmp_path / "timers")
    monkeypatch.setattr(facts, "serial_places", lambda: [Place("serial", str(port), "FT231X")])
    monkeypatch.setattr(facts, "spi_places", list)
    for wait_ms, is_well in ((16, False), (1, True)):
        timer.write_text(f"{wait_ms}\n")
        _, fact = facts._places()
        assert (fact.found, fact.is_well) == (f"{wait_ms} ms", is_well)
        assert (str(timer) in fact.advice) != is_well
