"""The files for a Raspberry Pi in examples/ say what the programs take."""

import configparser
import shlex

from emgrig.gateways.spi.wiring import parse_address
from emgrig.tools.common.options import host_port
from places import ROOT

FOLDER = ROOT / "examples" / "raspberry-pi"


def test_the_service_starts_a_gateway_to_a_preset() -> None:
    unit = configparser.ConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string((FOLDER / "emgrig-gateway.service").read_text("utf-8"))
    program, command, address, option, where = shlex.split(unit["Service"]["ExecStart"])
    assert (program.rpartition("/")[2], command, option) == ("emgrig", "gateway", "--tcp")
    assert parse_address(address).title == "pieeg"
    assert host_port(where) == ("0.0.0.0", 4299)
    assert unit["Service"]["SupplementaryGroups"].split() == ["spi", "gpio"]


def test_the_rule_gives_the_devices_to_the_groups_of_the_service() -> None:
    lines = (FOLDER / "99-emgrig.rules").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert [line.partition(",")[0] for line in rules] == [
        'SUBSYSTEM=="spidev"',
        'SUBSYSTEM=="gpio"',
    ]
    assert all('MODE="0660"' in line and 'GROUP="' in line for line in rules)
