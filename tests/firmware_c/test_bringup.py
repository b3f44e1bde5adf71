"""The whole bring-up suite on the C core, and the faults that firmware meets, by name.

On virtual time: chip model, wires, C core, link, our driver. `make firmware-test` asks the full
level and every fault; by day it is the quick level and the faults that stop it early.
"""

import os
from collections.abc import Iterator

import pytest

import firmware_core
from bringup_runs import short_of_losses
from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.verdict import exit_code
from emgrig.simulator.faults import actions
from emgrig.simulator.faults.named import FAULTS
from emgrig.simulator.firmware.model import FIRMWARES
from properties import is_nightly

pytestmark = [pytest.mark.long, firmware_core.needs_c]

#: What firmware sees of them: nothing, too little or rubbish on its SPI, its DRDY or its link.
IS_FULL = is_nightly() or os.environ.get("EMGRIG_FIRMWARE_TEST") == "full"
EARLY = ["miso-high", "bit-shift", "drdy-dead"]
LATE = [
    "miso-low", "spi-slip", "drdy-slow", "reads-missed", "brown-out", "board-restart",
    "packets-lost", "packets-damaged", "link-stall", "link-cut", "host-slow",
]  # fmt: skip


@pytest.fixture(autouse=True)
def core() -> Iterator[None]:
    """Let `firmware=core` name the core in an address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FIRMWARES._ours, "core", "firmware_core:CoreFirmware")
        patch.setattr(actions, "miss_reads", firmware_core.miss_reads)
        yield


def test_a_good_board_passes() -> None:
    if IS_FULL:
        run = run_bringup("sim:firmware=core", level="full")
    else:
        with short_of_losses():
            run = run_bringup("sim:firmware=core")
    assert exit_code(run) == 0
    assert {result.outcome.name for result in run.results} == {"PASS"}
    assert run.restored is not None
    assert run.restored.proved


@pytest.mark.parametrize("name", [*EARLY, *(LATE if IS_FULL else [])])
def test_a_fault_is_found_and_named(name: str) -> None:
    run = run_bringup(f"sim:firmware=core&fault={name}")
    assert exit_code(run) == 1
    assert run.diagnosis is not None
    assert run.diagnosis.key == FAULTS[name].cause
