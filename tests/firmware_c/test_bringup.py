"""The whole bring-up suite on the C core, and the faults that firmware meets, by name.

On virtual time: chip model, wires, C core, link, our driver; the core is compiled for this machine,
or for a Cortex-M4 whose instructions Unicorn runs. `make firmware-test` asks the full level and
every fault of both; by day it is the quick level, and of faults those that stop it early.
"""

from collections.abc import Iterator

import pytest

import firmware_core
from bringup_runs import short_of_losses
from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.verdict import exit_code
from emgrig.simulator.faults import actions
from emgrig.simulator.faults.named import FAULTS
from emgrig.simulator.firmware.model import FIRMWARES
from firmware_core import IS_FULL
from firmware_cortex import needs_cortex_m

pytestmark = [pytest.mark.long, firmware_core.needs_c]

#: What firmware sees of them: nothing, too little or rubbish on its SPI, its DRDY or its link.
EARLY = ["miso-high", "bit-shift", "drdy-dead"]
LATE = [
    "miso-low", "spi-slip", "drdy-slow", "reads-missed", "brown-out", "board-restart",
    "packets-lost", "packets-damaged", "link-stall", "link-cut", "host-slow",
]  # fmt: skip


CORTEX = pytest.param("cortex", marks=needs_cortex_m)
FAULTY = [("core", name) for name in EARLY]
if IS_FULL:
    FAULTY += [("core", name) for name in LATE]
    FAULTY += [pytest.param("cortex", name, marks=needs_cortex_m) for name in (*EARLY, *LATE)]


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a board whose processor runs the core."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FIRMWARES._ours, "core", "firmware_core:CoreFirmware")
        patch.setitem(FIRMWARES._ours, "cortex", "firmware_cortex:CortexFirmware")
        patch.setattr(actions, "miss_reads", firmware_core.miss_reads)
        yield f"sim:firmware={request.param}"


@pytest.mark.parametrize("board", ["core", CORTEX], indirect=True)
def test_a_good_board_passes(board: str) -> None:
    if IS_FULL:
        run = run_bringup(board, level="full")
    else:
        with short_of_losses():
            run = run_bringup(board)
    assert exit_code(run) == 0
    assert {result.outcome.name for result in run.results} == {"PASS"}
    assert run.restored is not None
    assert run.restored.proved


@pytest.mark.parametrize(("board", "name"), FAULTY, indirect=["board"])
def test_a_fault_is_found_and_named(board: str, name: str) -> None:
    run = run_bringup(f"{board}&fault={name}")
    assert exit_code(run) == 1
    assert run.diagnosis is not None
    assert run.diagnosis.key == FAULTS[name].cause
