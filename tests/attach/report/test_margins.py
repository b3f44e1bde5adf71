"""What is left of each time, by hand: 4 tCLK are 1.953 µs, 2.003 µs with a clock 2.5 % slow."""

from dataclasses import replace

import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.facts import MarginFact
from emgrig.attach.options import PROCESSORS, BenchOptions, Processor
from emgrig.attach.report.make import make_report
from emgrig.attach.report.margins import spares as spares_of
from emgrig.attach.report.model import Spare

TCLK_US = 1 / 2.048


def spares(hold_us: float, call_us: float = 1.0, data_hz: float = 4e6) -> dict[str, Spare]:
    processor = Processor("own", call_us * 1e-6, hold_us * 1e-6)
    bench = Bench(BenchOptions(source="silence", processor=processor))
    bench.advance(0.2)
    bench.transfer(b"\x11")
    bench.transfer(b"\x43\x00\xe0", sclk_hz=2e6)
    bench.transfer(b"\x08")
    bench.transfer(b"\x10")
    for _ in range(3):
        bench.wait_drdy()
        bench.transfer(bytes(27), sclk_hz=data_hz)
    (chip,) = make_report(bench.facts()).chips
    return {spare.name: spare for spare in chip.margins}


def test_what_a_slow_and_a_fast_clock_and_processor_leave_of_tsccs() -> None:
    hold_us = 3.0
    found = spares(hold_us)["tSCCS"]
    us = 0.125 + hold_us  # half a period of SCLK at 4 MHz
    assert found.us == pytest.approx(us, abs=1e-3)
    assert found.limit_us == pytest.approx(4 * TCLK_US)
    assert found.slow_clock_us == pytest.approx(us - 4 * TCLK_US / 0.975, abs=1e-3)
    assert found.fast_clock_us == pytest.approx(us - 4 * TCLK_US / 1.025, abs=1e-3)
    assert found.fast_processor_us == pytest.approx(us - 0.5 - 4 * TCLK_US, abs=1e-3)
    assert found.is_kept


@pytest.mark.parametrize(
    ("hold_us", "call_us", "broken"),
    [
        (1.85, 0.02, ("an oscillator 2.5 % slow",)),
        (2.0, 1.0, ("a processor twice as fast",)),
        (1.0, 0.1, ("the clock as it is", "an oscillator 2.5 % slow", "an oscillator 2.5 % fast",
                    "a processor twice as fast")),
    ],
)  # fmt: skip
def test_what_breaks_it_has_a_name(hold_us: float, call_us: float, broken: tuple[str, ...]) -> None:
    found = spares(hold_us, call_us)["tSCCS"]
    assert found.broken_by == broken
    assert found.is_kept is False


def test_before_the_update_a_fast_clock_leaves_less() -> None:
    found = spares(3.0)["before update"]
    # from the fall: a call of 1 µs to CS, 27 bytes but half an SCLK
    busy_us = 1.0 + 27 * 2 - 0.125
    period = 8192 - 4
    assert found.us == pytest.approx(period * TCLK_US - busy_us, abs=0.5)
    assert found.fast_clock_us == pytest.approx(period * TCLK_US / 1.025 - busy_us, abs=0.5)
    assert found.slow_clock_us == pytest.approx(period * TCLK_US / 0.975 - busy_us, abs=0.5)
    assert found.is_kept


def test_what_the_bench_keeps_itself_is_not_judged_when_it_comes_in_whole_nanoseconds() -> None:
    """With processor none CS is high for 2 tCLK, 976.5625 ns; over a socket times are whole ns."""
    facts = Bench(BenchOptions(source="silence", processor=PROCESSORS["none"])).facts()
    (chip,) = facts.chips
    for us, is_kept in ((0.976, None), (2 * TCLK_US, None), (0.97, False)):
        seen = replace(chip, margins=(MarginFact("tCSH", us, us / TCLK_US, 1.0),))
        (found,) = spares_of(facts, seen)
        assert found.is_kept is is_kept


def test_what_the_bench_keeps_itself_is_nobodys_merit() -> None:
    bench = Bench(BenchOptions(source="silence"))
    bench.advance(0.2)
    bench.transfer(b"\x11", sclk_hz=20e6)
    bench.transfer(b"\x08", sclk_hz=20e6)
    (chip,) = make_report(bench.facts()).chips
    found = {spare.name: spare.is_kept for spare in chip.margins}
    assert found == {"tSCCS": None, "tCSH": None}
