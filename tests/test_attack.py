"""Bad boards and bad lines: no wrong sample, none twice, all accounted for, and in time."""

import pytest

from attack_kinds import KINDS
from attack_play import N_CONVERSIONS, play


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_board_or_line_costs_what_it_costs_and_no_more(kind: str) -> None:
    outcome = play(kind, seed=1)
    assert outcome.faults == []


@pytest.mark.long
@pytest.mark.parametrize(
    "kind",
    [
        "nothing wrong", "packets doubled", "everything twice", "8 packets again",
        "80 packets again", "late by 50 packets", "dripping", "clock of 32 bits", "clock set back",
        "clock set to 0", "clock set on", "clock stands", "clock of milliseconds",
        "clock that jitters", "clock four times too fast", "count near 2^32", "count near 2^31",
        "count from 2^32 on", "answers to nobody", "deaf for a while",
        pytest.param("flood of events", marks=pytest.mark.slow),
        pytest.param("packets of no type", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_what_loses_nothing_loses_nothing(kind: str) -> None:
    outcome = play(kind, seed=2)
    assert outcome.error == ""
    assert outcome.faults == []
    assert outcome.delivered == N_CONVERSIONS
