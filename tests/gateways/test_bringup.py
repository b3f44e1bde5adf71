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
#: Faults whose cause, or the check that finds it, is another here than on a board of ours.
OTHERWISE = {
    ("hackeeg", "packets-lost"): ("B0", "link-loss"),  # answers are lost, too
    ("hackeeg", "packets-doubled"): ("B8", "link-double"),
    ("hackeeg", "packets-damaged"): ("B0", "link-damage"),
    ("hackeeg", "link-garbage"): ("B8", "link-damage"),  # it costs the frame ahead of it
    # Edges that were never seen and reads that came too late are one to its time stamps.
    ("hackeeg", "drdy-slow"): ("B8", "reads-missed"),
    ("meower", "reads-missed"): ("B8", "reads-missed"),  # most are missing within a datagram
    # A datagram that was lost, or frames that were never read: its frames have no number.
    ("meower", "packets-lost"): ("B8", "lost-somewhere"),
    ("meower", "brown-out:at=30"): ("B6", "brown-out"),
    # The status word stays on the board: frames that slip are noise.
    ("meower", "spi-slip"): ("B9", "all-noisy"),
}
BY_DAY = 1
CASES = [("hackeeg", name) for name in (*SEEN, *SEEN_BY_STAMPS)]
CASES += [("meower", name) for name in SEEN]
CASES += list(OTHERWISE)
SOME = [case for case in CASES if case[1] in SEEN[:BY_DAY]]


@pytest.mark.nightly
@pytest.mark.parametrize(("board", "fault"), CASES if is_nightly() else SOME)
def test_a_fault_is_named_through_the_gateway(board: str, fault: str) -> None:
    with short_of_losses():
        run = run_bringup(f"{board}+sim:seed=5&fault={fault}")
    name = fault.partition(":")[0]
    found_by, cause = OTHERWISE.get((board, fault), (FAULTS[name].found_by, FAULTS[name].cause))
    assert first_failed(run) == found_by
    assert run.diagnosis is not None
    assert run.diagnosis.key == cause
    assert exit_code(run) != 0


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
