"""What other packages bring by entry points: a gateway, a firmware; and what is wrong with one."""

from collections.abc import Callable
from pathlib import Path

import pytest

import emgrig
from emgrig.connect import GATEWAYS, open_transport
from emgrig.driver.seams import Transport
from emgrig.registry import Registry
from emgrig.simulator.firmware.model import FIRMWARES

Install = Callable[[str, str, str], None]

THEIRS = """
from emgrig.onboard.native import Firmware
from emgrig.simulator.transport import SimTransport

def open_lab(address, /, *, timeout_s):
    return SimTransport("seed=" + address.partition(":")[2])

class Quiet(Firmware):
    def trigger(self, line, *, level):
        pass

def make_quiet(bank, facts, crystal):
    return Quiet(bank, facts, crystal)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a package with entry points where Python finds it, as an installer does."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "theirs.py").write_text(THEIRS, "utf-8")

    def put(package: str, group: str, line: str) -> None:
        folder = tmp_path / f"{package}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[{group}]\n{line}\n")

    return put


@pytest.mark.slow
def test_a_gateway_of_another_package_is_an_address(install: Install) -> None:
    install("theirs", "emgrig.gateways", "lab = theirs:open_lab")
    transport: Transport = open_transport("lab:9")
    transport.close()
    with emgrig.connect("lab:9") as board:
        assert board.identity.serial_number == "SIM-0009"
    with pytest.raises(ValueError, match=r"replay:FILE, lab:$"):
        open_transport("nothing:there")


def test_a_firmware_of_another_package_runs_on_the_simulated_board(install: Install) -> None:
    install("theirs", "emgrig.firmwares", "quiet = theirs:make_quiet")
    others = ["cerelog", "ardeeg", "knight", "eegfrontier", "cyton"]
    assert FIRMWARES.names() == ["native", *others, "quiet"]
    with emgrig.connect("sim:firmware=quiet&seed=4") as board:
        assert board.identity.is_simulated
        assert board.identity.serial_number == "SIM-0004"
    with pytest.raises(ValueError, match=r"firmware=none; there are native, cerelog, .*, quiet$"):
        emgrig.connect("sim:firmware=none")


def test_a_name_that_nobody_brings_is_told_with_those_there_are() -> None:
    registry = Registry[object]("emgrig.nothing", "thing", {"one": "math:pi"})
    assert registry.load("one") == pytest.approx(3.14159, abs=1e-5)
    with pytest.raises(ValueError, match=r"there is no thing 'two'; there are one$"):
        registry.load("two")


def test_what_cannot_be_imported_names_its_entry_point(install: Install) -> None:
    install("theirs", "emgrig.gateways", "lab = theirs:absent")
    with pytest.raises(ValueError, match=r"scheme 'lab' \(theirs:absent\) cannot be loaded: "):
        GATEWAYS.load("lab")


def test_two_packages_of_one_name_are_refused(install: Install) -> None:
    install("theirs", "emgrig.gateways", "lab = theirs:open_lab")
    install("others", "emgrig.gateways", "lab = others:open_lab")
    with pytest.raises(ValueError, match="others:open_lab and theirs:open_lab; uninstall one"):
        GATEWAYS.load("lab")


def test_ours_cannot_be_replaced_from_outside(install: Install) -> None:
    install("theirs", "emgrig.gateways", "tcp = theirs:open_lab")
    assert GATEWAYS.load("tcp").__module__ == "emgrig.driver.transports.tcp"
