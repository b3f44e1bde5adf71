"""Each channel shows its own signal, and no other's."""

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.figures.leadoff import lock_in
from emgrig.driver.chip.model import ADS1299
from emgrig.hil_tests.judging.check import Layer, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.procedures import FAST_CLOCKS
from emgrig.hil_tests.measuring.rig import Rig

N_PERIODS = 4
FLOOR_V = 1e-12


@check("B20", Layer.CROSSTALK, "crosstalk and channel map")
def test_crosstalk(rig: Rig, measure: Measure) -> None:
    """The test signal on one channel at a time, the others shorted."""
    period = round(rig.set_rate(1000) * FAST_CLOCKS / ADS1299.f_clk_hz)
    rig.chip.test_signal(amplitude=2, frequency="fast")
    for channel in rig.channels:
        rig.chip.configure(mux="shorted", gain=24)
        rig.chip.configure(channels=[channel], mux="test")
        volts = rig.capture((N_PERIODS + 1) * period).volts[: N_PERIODS * period]
        level_v = _levels(volts, period)
        strongest = int(np.argmax(level_v)) + 1
        answering = f"channel {strongest} answers"
        measure("answering_channel_offset", strongest - channel, channel=channel, note=answering)
        others = np.delete(level_v, channel - 1)
        ratio = max(float(others.max()), FLOOR_V) / max(float(level_v[channel - 1]), FLOOR_V)
        measure("crosstalk", 20 * float(np.log10(ratio)), "dB", channel=channel)


def _levels(volts: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """Return the amplitude of the test signal in each channel, V; a still channel has none."""
    level_v = np.zeros(volts.shape[1])
    moving = np.ptp(volts, axis=0) > 0
    if moving.any():
        level_v[moving] = np.abs(lock_in(volts[:, moving], period, N_PERIODS * period)[0])
    return level_v


@check("B22", Layer.CROSSTALK, "a channel that is off gives code 0, and no other does")
def test_power_down(rig: Rig, measure: Measure, is_full: bool) -> None:
    """The last channel; in a full run each in turn."""
    rig.set_rate(1000)
    for channel in rig.channels if is_full else [rig.n_channels]:
        rig.chip.configure(mux="shorted", gain=24, power_down=False)
        rig.chip.configure(channels=[channel], power_down=True)
        codes = rig.capture(200).codes
        largest = int(np.abs(codes[:, channel - 1]).max()) if len(codes) else None
        measure("code_when_off", largest, channel=channel)
        others = np.delete(codes, channel - 1, axis=1)
        measure("others_alive", bool((np.ptp(others, axis=0) > 0).all()), "", channel=channel)
