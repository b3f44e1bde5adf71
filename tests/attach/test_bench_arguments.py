"""What a bench refuses, and that nothing has happened then."""

from collections.abc import Callable

import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.options import BenchOptions

NO_TIMES = [-1.0, float("nan"), float("inf")]
NO_CLOCKS = [0.0, -1e6, 1e-300, float("nan"), float("inf")]
Call = Callable[[Bench, float], object]


@pytest.mark.parametrize("value", NO_TIMES)
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda b, t: b.advance(t), id="advance"),
        pytest.param(lambda b, t: b.wait_drdy(timeout_s=t), id="wait_drdy"),
        pytest.param(lambda b, t: b.power_cycle(t), id="power_cycle"),
        pytest.param(lambda b, t: b.exchange(b"\0", gap_s=t), id="exchange"),
        pytest.param(lambda b, t: b.transfer(b"\0", gap_s=t), id="transfer"),
    ],
)
def test_a_time_that_is_none_is_refused_before_anything_happens(call: Call, value: float) -> None:
    bench = Bench(BenchOptions(source="silence"))
    with pytest.raises(ValueError, match="expected 0 or more"):
        call(bench, value)
    assert (bench.now_s, bench.facts().n_transfers, bench.pin("CS")) == (0.0, 0, 1)


@pytest.mark.parametrize("value", NO_CLOCKS)
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda b, f: b.byte(0x11, sclk_hz=f), id="byte"),
        pytest.param(lambda b, f: b.exchange(b"\x11", sclk_hz=f), id="exchange"),
        pytest.param(lambda b, f: b.transfer(b"\x11", sclk_hz=f), id="transfer"),
        pytest.param(lambda b, f: b.transfer(b"\x11", mode=2, sclk_hz=f), id="transfer-mode-2"),
    ],
)
def test_a_clock_that_is_none_is_refused_before_anything_happens(call: Call, value: float) -> None:
    bench = Bench(BenchOptions(source="silence"))
    with pytest.raises(ValueError, match="expected 1 or more"):
        call(bench, value)
    assert (bench.now_s, bench.facts().n_transfers, bench.pin("CS")) == (0.0, 0, 1)


def test_a_mode_or_a_chip_that_there_is_not_leaves_cs_high() -> None:
    bench = Bench(BenchOptions(source="silence"))
    with pytest.raises(ValueError, match="expected 0 to 3"):
        bench.transfer(b"\x11", mode=4)
    assert bench.pin("CS") == 1
    with pytest.raises(ValueError, match="no chip 1"):
        bench.transfer(b"\x11", chip=1)
    assert (bench.now_s, bench.pin("CS")) == (0.0, 1)
