"""`emgrig bringup` on the twins that let registers be reached: faults by name, and no false alarm.

All faults and seeds are nightly; by day `test_table.py` holds the healthy ones.
"""

import pytest

from bringup_runs import first_failed, short_of_losses
from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.verdict import exit_code
from emgrig.simulator.faults.named import FAULTS
from properties import is_nightly

pytestmark = pytest.mark.slow

#: Seen by each board: in the chips, their wires, or what is on their pins.
SEEN = (
    "miso-low", "supply-low", "miso-high", "bit-shift", "drdy-dead", "clock-wrong",
    "reference-off", "channel-dead", "channel-railed", "channel-noisy", "gain-stuck",
    "electrode-off", "electrode-poor", "electrode-bridged", "bias-off",
)  # fmt: skip
#: Of the board's own doing: what it does not read, and frames that are torn on its SPI.
SEEN_BY_STAMPS = ("reads-missed", "spi-slip")
BY_DAY = 1
CASES = [("hackeeg", name) for name in (*SEEN, *SEEN_BY_STAMPS)]
CASES += [("meower", name) for name in SEEN]
SOME = [case for case in CASES if case[1] in SEEN[:BY_DAY]]


@pytest.mark.nightly
@pytest.mark.parametrize(("board", "fault"), CASES if is_nightly() else SOME)
def test_a_fault_is_named_through_the_gateway(board: str, fault: str) -> None:
    with short_of_losses():
        run = run_bringup(f"{board}+sim:seed=5&fault={fault}")
    assert first_failed(run) == FAULTS[fault].found_by
    assert run.diagnosis is not None
    assert run.diagnosis.key == FAULTS[fault].cause
    assert exit_code(run) == 1


HEALTHY = [(f"hackeeg+sim:seed={seed}", {"B1"}) for seed in range(20)]
HEALTHY += [(f"meower+sim:seed={seed}", {"B1", "B3", "B7", "B23"}) for seed in range(20)]


@pytest.mark.nightly
@pytest.mark.skipif(not is_nightly(), reason="nightly; by day test_table.py asks one of each")
@pytest.mark.parametrize(("address", "not_asked"), HEALTHY)
def test_a_healthy_board_is_good(address: str, not_asked: set[str]) -> None:
    with short_of_losses():
        run = run_bringup(address)
    outcomes = {result.info.number: result.outcome for result in run.results}
    assert {number for number, one in outcomes.items() if one is not Outcome.PASS} == not_asked
    assert all(result.is_beyond for result in run.results if result.outcome is not Outcome.PASS)
    assert exit_code(run) == 0
    assert run.restored is not None
    assert run.restored.proved
