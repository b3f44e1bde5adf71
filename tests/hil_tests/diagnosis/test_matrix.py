"""Every fault of the simulator × what the suite says; sizes and seeds: benchmarks/diagnosis.py."""

import pytest

from bringup_runs import first_failed, run_of, short_of_losses
from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.diagnosis.causes import RULES
from emgrig.hil_tests.judging.check import Layer
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.verdict import exit_code, headline
from emgrig.simulator.faults.fault import Fault
from emgrig.simulator.faults.named import FAULTS

pytestmark = pytest.mark.slow

SMALL = "channels=4"
"""An ADS1299-4 has half the channels to be looked at; healthy boards are looked at in full."""
FOUND_LATE = ("bias-", "channel-", "electrode-", "gain-", "reference-", "supply-")
"""Faults that only show when most checks were made."""


WITH = {"electrode-off": ":channel=4,side=n", "gain-stuck": ":channel=3,gain=6"}
"""Parameters of faults that are not the default ones: one run shows cause and channels."""


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_a_fault_is_found_and_its_cause_named(fault: Fault) -> None:
    is_found_late = fault.name.startswith(FOUND_LATE)
    size = f"&{SMALL}" if is_found_late else ""
    given = WITH.get(fault.name, "")
    run = run_of(f"sim:fault={fault.name}{given}{size}", is_found_late=is_found_late)
    assert first_failed(run) == fault.found_by
    assert run.diagnosis is not None
    assert run.diagnosis.key == fault.cause
    assert run.diagnosis.cause in headline(run)
    assert exit_code(run) == 1
    layer = next(r.info.layer for r in run.results if r.outcome is Outcome.FAIL)
    above = [r for r in run.results if r.info.layer > layer]
    assert above
    is_only_late = fault.cause == "link-stall"  # no sample is missing: the others are asked
    assert all((r.outcome is Outcome.PASS) == is_only_late for r in above)
    assert all((r.outcome is Outcome.BLOCKED) != is_only_late for r in above)
    assert run.restored is not None
    assert run.restored.proved


def test_every_fault_names_a_cause_that_there_is() -> None:
    known = {rule.key for rule in RULES}
    assert {fault.cause for fault in FAULTS.values()} <= known


@pytest.mark.parametrize(
    ("fault", "channels", "words"),
    [
        ("gain-stuck", (3,), "gain of channel 3 does not follow"),
        ("electrode-bridged", (1, 2), "channels 1, 2 are connected"),
        ("electrode-off", ("4N",), "Electrode 4N is off"),
    ],
)
def test_the_channels_are_named(fault: str, channels: tuple[int | str, ...], words: str) -> None:
    run = run_of(f"sim:fault={fault}{WITH.get(fault, '')}&{SMALL}", is_found_late=True)
    assert run.diagnosis is not None
    assert run.diagnosis.channels == channels
    assert words in headline(run)


@pytest.mark.long
@pytest.mark.parametrize("address", ["sim:bench", "sim:chips=2&channels=4"])
def test_a_healthy_board_is_good(address: str) -> None:
    run = run_bringup(address)
    bad = [f"{r.info.number} {r.message}" for r in run.results if r.outcome is not Outcome.PASS]
    assert not bad
    assert exit_code(run) == 0
    assert run.diagnosis is None


@pytest.mark.long
def test_open_inputs_are_seen_and_what_needs_electrodes_is_skipped() -> None:
    faults = "&".join(
        f"fault=electrode-off:channel={n},side={side}" for n in range(1, 5) for side in "pn"
    )
    address = f"sim:{faults}&fault=bias-off&{SMALL}"
    with short_of_losses():
        run = run_bringup(address, inputs="open")
        wrong = run_bringup(address)
    outcomes = {r.info.number: r.outcome for r in run.results}
    assert outcomes["B16"] is Outcome.PASS
    assert outcomes["B17"] is outcomes["B18"] is Outcome.SKIPPED
    assert outcomes["B19"] is Outcome.PASS
    assert exit_code(run) == 0
    assert exit_code(wrong) == 1
    assert next(r for r in wrong.results if r.outcome is Outcome.FAIL).info.layer is Layer.LEAD_OFF
