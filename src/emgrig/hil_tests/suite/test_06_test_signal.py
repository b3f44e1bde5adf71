"""The scale is right for every gain, and no sample is lost or invented."""

from collections.abc import Callable

import numpy as np

from emgrig.driver.chip.model import ADS1299
from emgrig.hil_tests.judging.check import Layer, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.capture import Capture
from emgrig.hil_tests.measuring.procedures import FAST_CLOCKS, N_LEVELS, SLOW_CLOCKS, periods, waves
from emgrig.hil_tests.measuring.rig import Rig

GAINS = {False: (1, 6, 24), True: (1, 2, 4, 6, 8, 12, 24)}
RATES_HZ = {False: (250, 1000), True: (250, 500, 1000, 2000)}


@check("B11", Layer.TEST_SIGNAL, "amplitude, period and duty of the chip's test signal")
def test_test_signal(rig: Rig, measure: Measure, is_full: bool, keep: Callable[..., None]) -> None:
    """Gain 24, 250 SPS, four periods; both amplitudes in a full run."""
    rate_hz = rig.set_rate(250)
    rig.chip.configure(mux="test", gain=24)
    for amplitude in (1, 2) if is_full else (1,):
        rig.chip.test_signal(amplitude=amplitude, frequency="slow")
        capture = rig.capture(periods(rate_hz, 4, SLOW_CLOCKS))
        expected_v = 2 * amplitude * rig.identity.vref_v / N_LEVELS
        levels = _measure_waves(measure, rig, capture, amplitude, expected_v)
        if len(levels) > 1:
            spread_pct = 100 * (max(levels) - min(levels)) / expected_v
            measure(f"test_spread_{amplitude}x", spread_pct, "%", limit="test_spread")
        keep(f"test_signal_{amplitude}x", volts=capture.volts, rate_hz=float(rate_hz))


def _measure_waves(
    measure: Measure, rig: Rig, capture: Capture, amplitude: int, expected_v: float
) -> list[float]:
    levels = []
    for channel, wave in zip(rig.channels, waves(capture), strict=True):
        level_v = wave.peak_to_peak_v.value if wave else 0.0
        if wave:
            levels.append(level_v)
            measure(
                f"test_duty_{amplitude}x", 100 * wave.duty, "%", channel=channel, limit="test_duty"
            )
        measure(
            f"test_amplitude_error_{amplitude}x",
            100 * (level_v / expected_v - 1),
            "%",
            channel=channel,
            limit="test_amplitude_error",
            reference=f"{expected_v * 1e3:.3f} mV peak to peak",
            note=f"{level_v * 1e3:.4f} mV" if wave else "no square wave",
        )
    return levels


@check("B12", Layer.TEST_SIGNAL, "the test signal's period in samples is exact")
def test_period_in_samples(rig: Rig, measure: Measure, is_full: bool) -> None:
    """Data rate and test signal divide one clock: another ratio means lost or invented samples."""
    rig.chip.configure(mux="test", gain=24)
    rig.chip.test_signal(frequency="fast")
    for rate_hz in rig.rates(RATES_HZ[is_full]):
        rig.set_rate(rate_hz)
        expected = rate_hz * FAST_CLOCKS / ADS1299.f_clk_hz
        found = [wave for wave in waves(rig.capture(periods(rate_hz, 4))) if wave]
        middle = float(np.median([wave.period_samples for wave in found])) if found else None
        measure(
            f"test_period_error_at_{rate_hz}",
            None if middle is None else middle - expected,
            "samples",
            limit="test_period_error",
            reference=f"{expected:g} samples, whatever the clock is",
        )
        if found:
            spread = float(np.median([wave.period_spread_samples for wave in found]))
            measure(
                f"test_period_spread_at_{rate_hz}", spread, "samples", limit="test_period_spread"
            )


@check("B21", Layer.TEST_SIGNAL, "the same volts at every gain")
def test_gain_steps(rig: Rig, measure: Measure, is_full: bool) -> None:
    """Peak to peak of the test signal at each gain, against the channel's own mean."""
    rate_hz = rig.set_rate(250)
    rig.chip.test_signal(amplitude=1, frequency="fast")
    volts = []
    for gain in GAINS[is_full]:
        rig.chip.configure(mux="test", gain=gain)
        found = waves(rig.capture(periods(rate_hz, 4)))
        volts.append([wave.peak_to_peak_v.value if wave else 0.0 for wave in found])
    levels = np.array(volts)
    middle = np.median(levels)
    for gain, row in zip(GAINS[is_full], levels, strict=True):
        for channel, level_v in zip(rig.channels, row, strict=True):
            error_pct = float(100 * (level_v / middle - 1)) if middle > 0 else -100.0
            measure(
                f"gain_step_error_{gain}", error_pct, "%", channel=channel, limit="gain_step_error"
            )
