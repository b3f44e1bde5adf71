"""The meters' accuracy: figures as printed, and against the simulator's own transcription."""

import math

import pytest

from emgrig.calibration.bench.accuracy import ac_accuracy, dc_accuracy
from emgrig.simulator.bench import meter as bench_meter
from emgrig.simulator.bench.generator import Waveform
from emgrig.simulator.bench.meter import SimulatedMeter


@pytest.mark.parametrize(
    ("range_v", "reading_v", "limit_uv"),
    # 34401A, one year: 0.0050 + 0.0035; 0.0040 + 0.0007; 0.0035 + 0.0005; 0.0045 + 0.0006 percent
    [(0.1, 0.1, 8.5), (1.0, 1.0, 47.0), (10.0, -5.0, 225.0), (100.0, 50.0, 2850.0)],
)
def test_dc_limits_are_those_printed(range_v: float, reading_v: float, limit_uv: float) -> None:
    assert dc_accuracy(range_v).limit_v(reading_v, range_v) == pytest.approx(limit_uv * 1e-6)


@pytest.mark.parametrize(
    ("range_v", "reading_v", "frequency_hz", "limit_uv"),
    [
        (0.1, 0.1, 1000.0, 60.0 + 40.0),
        (1.0, 1.0, 1000.0, 600.0 + 300.0),
        (1.0, 1.0, 7.0, 3500.0 + 300.0),
        (1.0, 1.0, 3.0, 10_000.0 + 300.0),
        (1.0, 0.02, 1000.0, 12.0 + 1300.0),  # 2 % of range: 0.1 % of range more
        (10.0, 7.0, 20_000.0, 4200.0 + 3000.0),
    ],
)
def test_ac_limits_are_those_printed(
    range_v: float, reading_v: float, frequency_hz: float, limit_uv: float
) -> None:
    accuracy = ac_accuracy(range_v, reading_v, frequency_hz)
    assert accuracy.limit_v(reading_v, range_v) == pytest.approx(limit_uv * 1e-6)


@pytest.mark.parametrize(
    ("range_v", "reading_v", "frequency_hz", "said"),
    [
        (1.0, 0.5, 2.0, "from 3 Hz"),
        (1.0, 0.5, 30e3, "20000 Hz"),
        (1.0, 0.009, 100.0, "below 1 %"),
        (2.0, 0.5, 100.0, "2 V range"),
        (1.0, math.nan, math.nan, "from 3 Hz"),
    ],
)
def test_nothing_is_promised_beyond_the_tables(
    range_v: float, reading_v: float, frequency_hz: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        ac_accuracy(range_v, reading_v, frequency_hz)


@pytest.mark.parametrize("range_v", [0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("frequency_hz", [0.0, 3.0, 5.0, 5.1, 10.0, 10.1, 450.0, 20e3])
def test_two_transcriptions_agree(
    range_v: float, frequency_hz: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulated meter at its limits is off by exactly what the driver allows."""
    monkeypatch.setattr(bench_meter, "_NOISE_OF_LIMIT", 0.0)
    true_v = 0.8 * range_v
    wave = Waveform(true_v, 0.0, 0.0) if frequency_hz == 0 else Waveform(0.0, true_v, frequency_hz)
    meter = SimulatedMeter("34461A", 0, lambda: wave)
    meter.reading_share = meter.range_share = 1.0
    function = "DC" if frequency_hz == 0 else "AC"
    meter.execute(f"CONF:VOLT:{function}")
    if frequency_hz:
        meter.execute(f"VOLT:AC:BAND {20 if frequency_hz >= 200 else 3}")
    reading_v = float(meter.execute("READ?") or "nan")
    true_v = true_v if frequency_hz == 0 else true_v / math.sqrt(2)
    accuracy = (
        dc_accuracy(range_v) if frequency_hz == 0 else ac_accuracy(range_v, reading_v, frequency_hz)
    )
    assert reading_v - true_v == pytest.approx(accuracy.limit_v(true_v, range_v), rel=1e-9)
