"""Boards that cannot be talked to, or not for long."""

import pytest

from bringup_runs import FAKES, run_of
from emgrig.hil_tests.verdict import exit_code

EXPECTED = {
    "fake:silent": ("silent", 3),
    "fake:hangs": ("board-hangs", 3),
    "fake:hangs-later": ("board-hangs", 1),
    "fake:foreign": ("other-protocol", 3),
    "fake:newer": ("other-protocol", 3),
    "fake:busy": ("busy", 3),
    "fake:deaf-chip": ("writes-ignored", 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("address", FAKES)
def test_what_stands_in_the_way_is_named(address: str) -> None:
    run = run_of(address)
    assert run.diagnosis is not None
    assert (run.diagnosis.key, exit_code(run)) == EXPECTED[address]
