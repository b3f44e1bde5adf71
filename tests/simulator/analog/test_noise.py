"""Noise with shorted inputs against SBAS499C tables 1 to 4, typed in a second time here."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.analog.world import Electrode, World
from emgrig.simulator.sources.signals import Silence
from simulator.front_end_bench import GAIN_BITS, RATES, run, volts

# uV rms by gain, then by rate from 16000 to 250: columns of the tables, not rows as in the model.
RATE_ORDER = (16000, 8000, 4000, 2000, 1000, 500, 250)
TABLE_UV_RMS = {
    1: (21.70, 6.93, 4.33, 3.06, 2.17, 1.53, 1.08),
    2: (10.85, 3.65, 2.28, 1.61, 1.14, 0.81, 0.57),
    4: (5.60, 1.98, 1.24, 0.88, 0.62, 0.44, 0.31),
    6: (3.87, 1.31, 0.93, 0.66, 0.46, 0.33, 0.23),
    8: (3.05, 1.11, 0.79, 0.56, 0.39, 0.28, 0.20),
    12: (2.27, 0.92, 0.65, 0.46, 0.32, 0.23, 0.16),
    24: (1.66, 0.80, 0.56, 0.40, 0.28, 0.20, 0.14),
}


def noise_uv(front_end: AnalogueFrontEnd, rate: int, gain: int, count: int) -> NDArray[np.float64]:
    codes = run(front_end, count, config1=RATES[rate][0], channels=GAIN_BITS[gain] | 1)
    seen = volts(codes, gain) * 1e6
    return seen - seen.mean(axis=0)


@pytest.mark.parametrize("rate", RATE_ORDER)
@pytest.mark.parametrize("gain", TABLE_UV_RMS)
def test_shorted_noise_meets_the_table(gain: int, rate: int) -> None:
    """Within 5 %: eleven times the statistical error of 8 x 4096 samples (0.81 / sqrt(M))."""
    front_end = AnalogueFrontEnd(Silence(8), seed=11)
    seen = noise_uv(front_end, rate, gain, 4096)
    expected = TABLE_UV_RMS[gain][RATE_ORDER.index(rate)]
    assert np.sqrt(np.mean(seen**2)) == pytest.approx(expected, rel=0.05)
    each = seen.std(axis=0)
    assert np.all(np.abs(each / expected - 1) < 0.1)


def test_the_noise_has_the_colour_of_the_sinc3_filter() -> None:
    seen = noise_uv(AnalogueFrontEnd(Silence(8), seed=5), 2000, 24, 40_000)
    power = np.mean(seen**2)
    lags = [float(np.mean(seen[lag:] * seen[:-lag]) / power) for lag in (1, 2, 3, 4)]
    # 320000 samples: standard error below 0.003.
    np.testing.assert_allclose(lags, [26 / 66, 1 / 66, 0.0, 0.0], atol=0.01)


def test_the_noise_is_gaussian_and_channels_are_independent() -> None:
    seen = noise_uv(AnalogueFrontEnd(Silence(8), seed=5), 2000, 24, 20_000)
    scaled = seen / seen.std(axis=0)
    assert np.mean(scaled**4) == pytest.approx(3.0, abs=0.1)
    between = np.corrcoef(seen.T) - np.eye(8)
    assert np.abs(between).max() < 0.04


@pytest.mark.slow
def test_blocks_join_without_a_seam() -> None:
    """The colour goes on over the border of blocks, where two white streams meet."""
    pairs = []
    for seed in range(60):
        seen = noise_uv(AnalogueFrontEnd(Silence(8), seed=seed), 16000, 24, 130)
        pairs.append(seen[63] * seen[64])  # the first block has 64 conversions
        pairs.append(seen[127] * seen[128])
    assert np.mean(pairs) / 1.66**2 == pytest.approx(26 / 66, abs=0.12)


def test_other_seeds_and_other_runs_have_other_noise() -> None:
    first = AnalogueFrontEnd(Silence(8), seed=1)
    again = AnalogueFrontEnd(Silence(8), seed=1)
    other = AnalogueFrontEnd(Silence(8), seed=2)
    codes = run(first, 50, channels=0x61)
    np.testing.assert_array_equal(codes, run(again, 50, channels=0x61))
    assert not np.array_equal(codes, run(other, 50, channels=0x61))
    assert not np.array_equal(codes, run(first, 50, tick=5_000_000, channels=0x61))


def test_resistance_of_electrodes_adds_thermal_noise() -> None:
    electrode = Electrode(r_ohm=0.0, c_f=0.0, series_ohm=100e3)
    world = World((electrode,) * 8, (electrode,) * 8)
    front_end = AnalogueFrontEnd(Silence(8), seed=3, world=world)
    codes = run(front_end, 4096, config1=0x94, config3=0xEC, channels=0x60)
    seen = volts(codes - codes.mean(axis=0).astype(np.int32), 24) * 1e6
    kelvin = 298.15
    thermal_uv = np.sqrt(4 * 1.380649e-23 * kelvin * 200e3 * 0.275 * 1000) * 1e6
    expected = np.hypot(0.28, thermal_uv)
    assert expected > 0.9  # it dominates
    assert np.sqrt(np.mean(seen**2)) == pytest.approx(expected, rel=0.03)


def test_an_ideal_chip_has_no_noise() -> None:
    codes = run(AnalogueFrontEnd(Silence(8), ideal=True), 100, channels=0x61)
    assert not codes.any()
