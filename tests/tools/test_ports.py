"""`emgrig ports`: what is listed, and what is asked only with --probe."""

import json
import sys

import pytest

from emgrig.errors import TransportError
from emgrig.gateways import finding
from emgrig.gateways.finding import Place
from shell import Run


@pytest.fixture
def two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port with a board behind it, and an SPI device whose lines nobody knows."""
    serial = Place("serial", "/dev/ttyUSB0", "a port", ("sim:seed=3",))
    monkeypatch.setattr(finding, "serial_places", lambda **_: [serial])
    monkeypatch.setattr(finding, "spi_places", lambda: [Place("spi", "/dev/spidev0.1", "SPI")])
    monkeypatch.setattr(finding, "network_places", lambda _: [])


@pytest.mark.usefixtures("two_places")
def test_nothing_is_opened_unless_asked_for(shell: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a port was opened")

    monkeypatch.setattr(sys.modules["emgrig.connect"], "open_transport", opened)
    said = shell("ports")
    assert said.code == 0
    assert said.out.count("not asked") == 2
    assert "spi:///dev/spidev0.1?drdy=" in said.out


@pytest.mark.usefixtures("two_places")
def test_with_probe_it_says_who_is_there_for_machines_too(shell: Run) -> None:
    said = json.loads(shell("ports --probe --json").out)
    assert [one["where"] for one in said] == ["/dev/ttyUSB0", "/dev/spidev0.1"]
    assert said[0]["address"] == "sim:seed=3"
    assert said[0]["board"].startswith("SIMULATED SIM-0003")
    assert (said[1]["address"], said[1]["board"]) == ("", "")


@pytest.mark.usefixtures("two_places")
def test_who_does_not_answer_is_told_with_the_reason(
    shell: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise TransportError("no permission")

    monkeypatch.setattr(sys.modules["emgrig.connect"], "open_transport", absent)
    assert "no permission" in shell("ports --probe").out


def test_two_boards_at_auto_are_one_line(shell: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [Place("serial", f"/dev/ttyUSB{n}", "", (f"sim:seed={n}",)) for n in (1, 2)]
    monkeypatch.setattr(finding, "serial_places", lambda **_: places)
    monkeypatch.setattr(finding, "spi_places", list)
    monkeypatch.setattr(finding, "network_places", list)
    said = shell("info auto")
    assert said.code == 3
    assert said.err.count("\n") == 1
    assert "auto: 2 boards answer, say which: sim:seed=1 (SIMULATED SIM-0001" in said.err
