"""A smaller matrix of faults × what the suite says; benchmarks/diagnosis.py has the whole one."""

import pytest

from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.check import Layer
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.verdict import exit_code, headline


@pytest.mark.parametrize(
    ("fault", "check", "key", "words"),
    [
        ("miso-high", "B2", "miso-high", "MISO floats high"),
        ("bit-shift", "B2", "bit-shift", "SPI mode"),
        ("drdy-dead", "B6", "drdy-dead", "Data ready never comes"),
        ("clock-wrong", "B6", "clock-wrong", "not 2.048 MHz"),
        ("link-cut", "B6", "link-cut", "link was cut"),
        ("board-restart", "B6", "board-restart", "processor restarted"),
        ("brown-out", "B6", "brown-out", "reset values"),
        ("spi-slip", "B7", "spi-slip", "lost on SPI"),
        ("packets-damaged", "B8", "link-damage", "changed or lost on the link"),
        ("gain-stuck:channel=3,gain=6", "B9", "gain-stuck", "gain of channel 3"),
        ("electrode-bridged", "B17", "electrode-bridged", "channels 1, 2 are connected"),
    ],
)
def test_a_fault_is_found_and_its_cause_named(fault: str, check: str, key: str, words: str) -> None:
    run = run_bringup(f"sim:fault={fault}")
    failed = next(r for r in run.results if r.outcome is Outcome.FAIL)
    assert failed.info.number == check
    assert run.diagnosis is not None
    assert run.diagnosis.key == key
    assert words in headline(run)
    assert exit_code(run) == 1
    above = [r for r in run.results if r.info.layer > failed.info.layer]
    assert above
    assert all(r.outcome is Outcome.BLOCKED for r in above)
    assert run.restored is not None
    assert run.restored.proved


@pytest.mark.parametrize("address", ["sim:bench", "sim:chips=2&channels=4"])
def test_a_healthy_board_is_good(address: str) -> None:
    run = run_bringup(address)
    bad = [f"{r.info.number} {r.message}" for r in run.results if r.outcome is not Outcome.PASS]
    assert not [text for text in bad if "marginal" not in text]
    assert exit_code(run) == 0
    assert run.diagnosis is None


def test_open_inputs_are_seen_and_what_needs_electrodes_is_skipped() -> None:
    faults = "&".join(
        f"fault=electrode-off:channel={n},side={side}" for n in range(1, 8) for side in "pn"
    )
    run = run_bringup(f"sim:{faults}&fault=bias-off", inputs="open")
    outcomes = {r.info.number: r.outcome for r in run.results}
    assert outcomes["B16"] is Outcome.PASS
    assert outcomes["B17"] is outcomes["B18"] is Outcome.SKIPPED
    assert outcomes["B19"] is Outcome.PASS
    assert exit_code(run) == 0
    wrong = run_bringup(f"sim:{faults}&fault=bias-off")
    assert exit_code(wrong) == 1
    assert next(r for r in wrong.results if r.outcome is Outcome.FAIL).info.layer is Layer.LEAD_OFF
