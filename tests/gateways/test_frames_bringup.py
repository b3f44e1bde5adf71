"""Bring-up of the boards that only send frames: what they let be seen is named, and only that.

Nobody can set such a board or ask it, so a cause is named as sharply as its frames allow: of a
Cerelog, which numbers nothing, a loss is "lost somewhere"; a chip that fell back is a board that
stopped. What an electrode, a supply or a noisy input does is not seen: what is on the inputs is not
known. All faults and seeds are nightly.
"""

import pytest

from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.verdict import exit_code
from properties import is_nightly

pytestmark = pytest.mark.slow

_SPI = {name: name for name in ("miso-high", "miso-low", "bit-shift", "spi-slip")}
_ALL = {
    "drdy-dead": "no-board",  # as silent as no board
    "clock-wrong": "rate-wrong",
    "brown-out": "board-stopped",
    "channel-railed:channel=2": "channel-railed",
    "link-cut": "link-cut",
    "packets-damaged:rate=0.1": "link-damage",
}
_COUNTED = {"packets-doubled": "link-double", "link-stall:at=12,for=0.8": "link-stall"}
_DEAD = {"channel-dead:channel=3": "channel-dead"}
#: Fault, and the cause that must be named.
FAULTS = {
    "cerelog": _ALL | _SPI | _COUNTED | _DEAD | {
        "packets-lost": "lost-somewhere",
        "drdy-slow": "lost-somewhere",
        "link-garbage": "link-garbage",
        "board-restart": "board-stopped",  # it waits to be told the time again
    },
    "ardeeg": _ALL | _DEAD | {
        "drdy-slow": "rate-wrong",
        "packets-lost:rate=0.05": "late-or-lost",
        "link-stall:at=12,for=0.8": "late-or-lost",
        "link-garbage:rate=0.1": "link-damage",
    },
    "knight": _ALL | _COUNTED | {
        "drdy-slow": "rate-wrong",
        "packets-lost": "link-loss",
        "link-garbage": "link-damage",  # it costs the frame ahead of it
    },
    "eegfrontier": _ALL | _SPI | _COUNTED | _DEAD | {
        "packets-lost": "link-loss",
        "packets-reordered": "link-reorder",
        "drdy-slow": "reads-missed",
        "link-garbage": "link-damage",
    },
}  # fmt: skip
CASES = [(board, fault) for board, faults in FAULTS.items() for fault in faults]
BY_DAY = [("cerelog", "packets-lost"), ("ardeeg", "clock-wrong"), ("knight", "packets-doubled")]
#: What a board lets be asked: its link, its rate, its frames, its losses, and that it stays so.
ASKED = {
    "cerelog": {"B0", "B6", "B7", "B8", "B24"},
    "ardeeg": {"B0", "B6", "B7"},
    "knight": {"B0", "B6", "B7", "B8", "B24"},
    "eegfrontier": {"B0", "B6", "B7", "B8", "B24"},
}


def address(board: str, seed: int, fault: str = "") -> str:
    channels = "&channels=4" if board == "eegfrontier" else ""
    put_in = f"&fault={fault}" if fault else ""
    query = f"bench&seed={seed}&firmware={board}{channels}{put_in}"
    return f"frames+sim:{query}?template={board}"


def test_ten_faults_of_each_board() -> None:
    assert all(len(faults) >= 10 for faults in FAULTS.values())


@pytest.mark.nightly
@pytest.mark.parametrize(("board", "fault"), CASES if is_nightly() else BY_DAY)
def test_a_fault_is_named(board: str, fault: str) -> None:
    run = run_bringup(address(board, 5, fault), soak_s=1.0)
    assert exit_code(run) != 0
    assert run.diagnosis is not None
    assert run.diagnosis.key == FAULTS[board][fault]


@pytest.mark.nightly
@pytest.mark.skipif(not is_nightly(), reason="nightly; by day test_table.py asks one of each")
@pytest.mark.parametrize("board", FAULTS)
def test_a_healthy_board_gets_no_false_alarm(board: str) -> None:
    for seed in range(20):
        run = run_bringup(address(board, seed), soak_s=1.0)
        assert exit_code(run) == 0, f"seed {seed}"
        outcomes = {one.info.number: one.outcome for one in run.results}
        asked = {number for number, one in outcomes.items() if one is not Outcome.SKIPPED}
        assert asked == ASKED[board]
        assert {outcomes[number] for number in asked} <= {Outcome.PASS, Outcome.MARGINAL}
