"""What is asked of the simulator's firmware, asked of the C core: the same tests, other code.

Busy, remembered replies, a link that is slow, stalled or cut, a reader that comes late, brown-outs,
DRDY that stays away: the tests of `tests/onboard`, whose boards get the core here. It is compiled
for this machine; in `make firmware-test` also for a Cortex-M4.
"""

from collections.abc import Iterator

import pytest

import firmware_core
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.faults import actions
from firmware_cortex import CortexFirmware, needs_cortex_m
from onboard import test_streaming
from onboard.test_requests import *  # noqa: F403 - all of its tests
from onboard.test_streaming import *  # noqa: F403

pytestmark = [pytest.mark.long, firmware_core.needs_c]

PROCESSORS = [
    firmware_core.CoreFirmware,
    *([pytest.param(CortexFirmware, marks=needs_cortex_m)] if firmware_core.IS_FULL else []),
]


@pytest.fixture(autouse=True, scope="module", params=PROCESSORS)
def core(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let every board of these tests run the core."""
    with pytest.MonkeyPatch.context() as patch:
        made = SimulatedBoard.__init__.__kwdefaults__
        assert made is not None
        patch.setitem(made, "firmware", request.param)
        patch.setattr(test_streaming, "miss_reads", firmware_core.miss_reads)
        patch.setattr(actions, "miss_reads", firmware_core.miss_reads)
        yield
