"""Bring-up of a Cyton: what is wrong with it is named where it lets it be seen, and only then."""

import pytest

from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.verdict import exit_code
from properties import is_nightly, runs

#: Fault, the cause that must be named, and where it is put in: what the board cannot tell is none.
FAULTS = {
    "miso-high": "miso-high",
    "miso-low": "miso-low",
    "bit-shift": "bit-shift",
    "drdy-dead": "drdy-dead",
    "clock-wrong:factor=0.95": "clock-wrong",
    "channel-dead:channel=3": "channel-dead",
    "channel-railed:channel=5": "channel-railed",
    "channel-noisy:channel=2,factor=5": "channel-noisy",
    "gain-stuck:channel=2,gain=6": "gain-stuck",
    "reference-off": "reference-off",
    "supply-low": "supply-low",
    "packets-lost:rate=0.02": "link-loss",
    "reads-missed:rate=0.01": "reads-missed",
    "brown-out:at=10": "brown-out",
    "board-restart:at=25": "board-restart",
}
BY_DAY = ("bit-shift", "drdy-dead", "channel-dead:channel=3")
#: What a Cyton cannot be asked: RESET, registers it does not write, status words, comparators.
NOT_ASKED = {"B1", "B3", "B4", "B5", "B7", "B16", "B19", "B23"}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str) -> None:
    if not is_nightly() and fault not in BY_DAY:
        pytest.skip("make nightly runs it")
    run = run_bringup(f"cyton+sim:bench&seed=4&fault={fault}", soak_s=1.0)
    assert exit_code(run) == 1
    assert run.diagnosis is not None
    assert run.diagnosis.key == FAULTS[fault]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("chips", [1, 2])
def test_a_healthy_board_gets_no_false_alarm(chips: int) -> None:
    if not is_nightly() and chips == 2:
        pytest.skip("make nightly runs it; by day the table of commands does")
    for seed in range(runs(1, 20)):
        run = run_bringup(f"cyton+sim:bench&seed={seed}&chips={chips}", soak_s=1.0)
        assert exit_code(run) == 0, f"seed {seed}"
        skipped = {one.info.number for one in run.results if one.outcome is Outcome.SKIPPED}
        assert skipped == NOT_ASKED | ({"B9", "B17"} if chips == 2 else set())
        assert run.restored is not None
        assert run.restored.proved
