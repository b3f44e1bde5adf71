"""The bring-up suite over the SPI bus of a simulated machine: it names what is wrong."""

import pytest

from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.verdict import exit_code
from gateways.spi.machine import machine
from properties import is_nightly, runs

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.nightly]

#: Faults, each of which is also the name of its cause; by day those that end a bring-up early.
FAULTS = (
    *("miso-high", "drdy-dead", "miso-low", "bit-shift", "spi-slip", "drdy-slow", "clock-wrong"),
    *("reference-off", "supply-low", "channel-dead:channel=3", "channel-noisy:channel=3"),
    "electrode-off:channel=2",
)


def test_it_names_what_is_wrong() -> None:
    for fault in FAULTS[: runs(2, nightly=len(FAULTS))]:
        with machine(source="silence", faults=(fault,), seed=3, ppm=(None,)):
            run = run_bringup("spi:pieeg?name=B1", soak_s=1.0)
        assert exit_code(run) != 0, fault
        assert run.diagnosis is not None
        assert run.diagnosis.key == fault.partition(":")[0]


@pytest.mark.skipif(not is_nightly(), reason="16 channels at four rates: make nightly")
def test_chips_that_do_not_share_a_clock_are_named() -> None:
    with machine("pieeg-16", source="silence", seed=3, ppm=(1500.0, -1000.0)):
        run = run_bringup("spi:pieeg-16?name=B1", soak_s=1.0)
    assert exit_code(run) == 1
    assert run.diagnosis is not None
    assert run.diagnosis.key == "two-clocks"


@pytest.mark.skipif(not is_nightly(), reason="20 bring-ups of 20 s: make nightly")
def test_a_healthy_board_is_good() -> None:
    for seed in range(1, 21):
        preset = ("pieeg", "ti-evm")[seed % 2]
        with machine(preset, source="silence", seed=seed, ppm=(None,)):
            run = run_bringup(f"spi:{preset}?name=B1", soak_s=1.0)
        assert exit_code(run) == 0, seed
