import math

import numpy as np
import pytest

from emgrig.calibration.figures.sinefit import fit_sine_3
from emgrig.calibration.figures.testsignal import measure_square_wave
from emgrig.calibration.figures.transfer import (
    cmrr_db,
    crosstalk_db,
    divider_limit_cmrr_db,
    fit_gain,
    impedance_result,
    input_impedance_ohm,
    input_reactance_ohm,
)
from emgrig.calibration.figures.uncertainty import Bound

RATE = 2000.0
T = np.arange(8000) / RATE


def tone(amplitude: float, seed: int, noise: float = 1e-6, phase: float = 0.0):
    w = math.tau * 50.0
    volts = amplitude * np.cos(w * T + phase)
    return fit_sine_3(
        volts + noise * np.random.default_rng(seed).standard_normal(T.size), RATE, 50.0
    )


def test_gain_and_offset_cover_the_truth_with_the_meters_error_in_it():
    levels = np.linspace(-0.15, 0.15, 7)
    hits = np.zeros(2, int)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        meter = 1 + 2e-4 * rng.standard_normal()
        measured = 1.0031 * levels + 37e-6 + 2e-6 * rng.standard_normal(7)
        fit = fit_gain(
            levels * meter, measured, full_scale_v=0.1875, meter_relative_uncertainty=2e-4
        )
        hits += [fit.gain.contains(1.0031), fit.offset_uv.contains(37.0)]
    assert (hits >= 93).all()
    assert fit.gain.expanded_uncertainty < 5e-4


def test_a_bow_shows_as_nonlinearity_of_its_size():
    x = np.linspace(-1, 1, 201)
    fit = fit_gain(x, x + 50e-6 * x**3, full_scale_v=1.01, meter_relative_uncertainty=0.0)
    # a cubic less its best line: x^3 - 3/5 x, largest 0.4 at the ends; over twice full scale
    assert fit.inl_ppm == pytest.approx(50 * 0.4 / 2.02, rel=0.03)


@pytest.mark.parametrize(
    ("applied", "measured", "message"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], "5 or more"),
        ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5], "all applied levels are the same"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 11], "beyond full scale"),
        ([1, 2, 3, 4, math.nan], [1, 2, 3, 4, 5], "NaN"),
    ],
)
def test_levels_that_give_no_gain_are_refused(applied, measured, message):
    with pytest.raises(ValueError, match=message):
        fit_gain(applied, measured, full_scale_v=10, meter_relative_uncertainty=0)


def test_common_mode_rejection_covers_the_truth():
    found = [cmrr_db(1.0, tone(1e-5, seed, 2e-5), u_common_mode=1e-3) for seed in range(100)]
    assert sum(r.contains(100.0) for r in found) >= 93


def test_a_rejection_that_noise_hides_is_a_lower_bound():
    found = cmrr_db(1.0, tone(1e-9, 1), u_common_mode=1e-3)
    assert found.bound is Bound.AT_LEAST
    assert 120 < found.value < 160  # 1 uV of noise over 8000 samples: 16 nV at 50 Hz


def test_crosstalk_is_negative_and_bounded_from_above():
    driven = tone(0.1, 2)
    assert crosstalk_db(driven, tone(1e-5, 3)).value == pytest.approx(-80, abs=0.1)
    assert crosstalk_db(driven, tone(1e-10, 4)).bound is Bound.AT_MOST


def test_imbalance_limits_the_cmrr_of_the_divider():
    z = 1 / (math.tau * 50 * 20e-12)
    assert z == pytest.approx(159e6, rel=1e-3)
    assert divider_limit_cmrr_db(10e3, z) == pytest.approx(84.0, abs=0.1)
    assert divider_limit_cmrr_db(51e3, z) == pytest.approx(69.9, abs=0.1)


@pytest.mark.parametrize("z", [500e6 + 0j, -159e6j, 1 / (1 / 1e9 + 1 / -159e6j)])
def test_the_input_impedance_comes_back_from_the_phasors(z):
    through = z / (z + 1e6)
    assert abs(input_impedance_ohm(1.0, through, 1e6) - z) < 1e-6 * abs(z)


def test_a_capacitive_input_needs_the_formula_for_capacitance():
    z = -1j * 159e6
    through = abs(z / (z + 1e6))
    assert input_reactance_ohm(1.0, through, 1e6) == pytest.approx(159e6, rel=1e-6)
    assert abs(input_impedance_ohm(1.0, through, 1e6)) > 40e9  # magnitudes taken for a resistance


def test_measured_input_impedance_covers_the_truth_or_is_a_bound():
    z = -1j * 159e6
    through = 0.1 * z / (z + 1e6)
    hits = 0
    for seed in range(100):
        direct = tone(0.1, seed)
        loaded = tone(abs(through), seed + 1000, phase=float(np.angle(through)))
        found = impedance_result(direct, loaded, 1e6, series_relative_uncertainty=0.001)
        hits += found.contains(159e6)
    assert hits >= 93
    same = impedance_result(tone(0.1, 1), tone(0.1, 2), 1e3, series_relative_uncertainty=0.001)
    assert same.bound is Bound.AT_LEAST


def square(period: int, n: int, noise: float, seed: int = 0) -> np.ndarray:
    """The chip's test signal after sinc3: three samples of transition at each edge."""
    wave = np.where(np.arange(-37, n - 37 + 4) % period < period // 2, 1.875e-3, -1.875e-3)
    smooth = np.convolve(wave, [1 / 6, 4 / 6, 1 / 6], mode="same")[2:-2]
    return smooth[:n] + 60e-6 + noise * np.random.default_rng(seed).standard_normal(n)


@pytest.mark.parametrize(("rate", "period"), [(250, 256), (500, 512), (1000, 1024), (2000, 2048)])
def test_the_test_signal_has_its_period_level_and_duty(rate, period):
    found = measure_square_wave(square(period, 6 * period, 0.3e-6))
    assert found.period_samples == period
    assert found.period_spread_samples == 0
    assert found.peak_to_peak_v.contains(3.75e-3)
    assert found.middle_v == pytest.approx(60e-6, abs=0.1e-6)
    assert found.duty == pytest.approx(0.5, abs=0.005)


def test_the_level_of_the_test_signal_covers_the_truth():
    found = [measure_square_wave(square(256, 2560, 3e-6, seed)) for seed in range(100)]
    assert sum(f.peak_to_peak_v.contains(3.75e-3) for f in found) >= 93


def test_lost_samples_show_in_the_period():
    volts = square(256, 2560, 0.3e-6)
    found = measure_square_wave(np.delete(volts, slice(1000, 1010)))
    assert found.period_spread_samples == 10


@pytest.mark.parametrize(
    ("volts", "message"),
    [
        (1e-6 * np.random.default_rng(0).standard_normal(2000), "too short to have a flat part"),
        (square(2048, 3000, 0.3e-6), "two are needed"),
    ],
)
def test_what_is_no_test_signal_is_refused(volts, message):
    with pytest.raises(ValueError, match=message):
        measure_square_wave(volts)
