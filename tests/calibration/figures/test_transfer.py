import math

import numpy as np
import pytest
from scipy import stats

from emgrig.calibration.figures.sinefit import SineFit, fit_sine_3
from emgrig.calibration.figures.testsignal import measure_square_wave
from emgrig.calibration.figures.transfer import (
    cmrr_db,
    crosstalk_db,
    fit_gain,
    rejection_db,
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


@pytest.mark.parametrize("meter", [0.0, 3e-5])
@pytest.mark.parametrize("centre_v", [0.0, 0.02, -1.0])
def test_gain_offset_and_their_uncertainties_are_those_of_a_straight_line(centre_v, meter):
    """Against scipy's; far from 0 the offset is known the worse, the further the levels are."""
    levels = centre_v + np.array([-0.03, -0.02, 0.0, 0.01, 0.02, 0.04])
    ripple = 1e-6 * np.array([3.0, -2.0, 1.0, 4.0, -5.0, 2.0])
    line = stats.linregress(levels, 0.997 * levels + 50e-6 + ripple)
    fit = fit_gain(
        levels,
        0.997 * levels + 50e-6 + ripple,
        full_scale_v=2.0,
        meter_relative_uncertainty=meter,
    )
    assert fit.gain.value == pytest.approx(line.slope, rel=1e-9)
    assert fit.offset_uv.value == pytest.approx(line.intercept * 1e6, rel=1e-6)
    assert fit.offset_uv.standard_uncertainty == pytest.approx(line.intercept_stderr * 1e6)
    u_gain = math.hypot(line.stderr, meter * line.slope)
    assert fit.gain.standard_uncertainty == pytest.approx(u_gain)
    # 6 levels less 2 parameters; the meter's share has as many degrees of freedom as one likes.
    assert fit.offset_uv.k == pytest.approx(stats.t.ppf(0.97725, 4), rel=1e-5)
    freedom = 4 * (u_gain / line.stderr) ** 4
    assert fit.gain.k == pytest.approx(stats.t.ppf(0.97725, freedom), rel=1e-5)
    rest = ripple - np.polyval(np.polyfit(levels, ripple, 1), levels)
    np.testing.assert_allclose(fit.residual_v, rest, atol=1e-12)
    assert fit.inl_ppm == pytest.approx(np.abs(rest).max() / 4.0 * 1e6)
    assert (fit.gain.unit, fit.offset_uv.unit) == ("V/V", "uV")
    assert (fit.gain.n_used, fit.offset_uv.n_used) == (6, 6)
    note = ("residuals are independent between levels",)
    assert (fit.gain.assumptions, fit.offset_uv.assumptions) == (note, note)


def test_a_bow_shows_as_nonlinearity_of_its_size():
    x = np.linspace(-1, 1, 201)
    fit = fit_gain(x, x + 50e-6 * x**3, full_scale_v=1.01, meter_relative_uncertainty=0.0)
    # a cubic less its best line: x^3 - 3/5 x, largest 0.4 at the ends; over twice full scale
    assert fit.inl_ppm == pytest.approx(50 * 0.4 / 2.02, rel=0.03)


@pytest.mark.parametrize(
    ("applied", "measured", "message"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], "expected 5 or more pairs, got shapes (4,) and (4,)"),
        (
            [1, 1, 1, 1, 1],
            [1, 2, 3, 4, 5],
            "all applied levels are the same; a gain needs different ones",
        ),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 11], "a level of 11 V is beyond full scale 10 V"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 10], "a level of 10 V is beyond full scale 10 V"),
        ([1, 2, 3, 4, 5], [-11, 2, 3, 4, 5], "a level of 11 V is beyond full scale 10 V"),
        ([1, 2, 3, 4, math.nan], [1, 2, 3, 4, 5], "a level is NaN or infinite"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, math.inf], "a level is NaN or infinite"),
        (
            [1, 2, 3, 4, 5],
            [1, 2, 3, 4, 5, 6],
            "expected 5 or more pairs, got shapes (5,) and (6,)",
        ),
        (
            np.ones((2, 5)),
            np.ones((2, 5)),
            "expected 5 or more pairs, got shapes (2, 5) and (2, 5)",
        ),
    ],
)
def test_levels_that_give_no_gain_are_refused(applied, measured, message):
    with pytest.raises(ValueError) as caught:
        fit_gain(applied, measured, full_scale_v=10, meter_relative_uncertainty=0)
    assert str(caught.value) == message


def test_levels_of_single_precision_are_fitted_in_double():
    levels = np.array([0.1, 0.2, 0.3, 0.4, 0.7], np.float32)
    measured = (np.float32(1.3) * levels + np.float32(1e-3)).astype(np.float32)
    line = stats.linregress(levels.astype(float), measured.astype(float))
    for x, y in ((levels, measured), (levels.astype(float), measured)):
        fit = fit_gain(x, y, full_scale_v=2.0, meter_relative_uncertainty=0.0)
        assert fit.gain.value == pytest.approx(line.slope, rel=1e-13)
        assert fit.offset_uv.value == pytest.approx(line.intercept * 1e6, rel=1e-10)


def test_five_levels_are_enough_and_full_scale_is_not_reached():
    fit = fit_gain([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], full_scale_v=5.1, meter_relative_uncertainty=0)
    assert fit.gain.value == pytest.approx(1.0)


def made(amplitude: float, u: float = 0.0, phase: float = 0.0, u_phase: float = 0.0, n: int = 100):
    """Make a fit of these figures."""
    none = np.empty(0)
    return SineFit(amplitude, phase, 0.0, 50.0, u, u_phase, 0.0, 0.0, 0.0, n, none, 1000.0)


def test_a_rejection_is_a_ratio_in_db_with_both_uncertainties():
    found = cmrr_db(2.0, made(2e-4, 4e-6, n=123), u_common_mode=0.01)
    assert found.value == pytest.approx(80.0)
    # 2 % and 1 %; d(20 log10 x) = 20/ln(10) dx/x = 8.686 dB
    assert found.standard_uncertainty == pytest.approx(8.6859 * math.sqrt(5) * 0.01, rel=1e-4)
    assert (found.unit, found.n_used, found.bound) == ("dB", 123, Bound.NONE)
    assert found.assumptions == ("differential response to a common mode at 50 Hz, input-referred",)


@pytest.mark.parametrize(("times_u", "is_bound"), [(2.99, True), (3.0, False), (3.01, False)])
def test_a_response_below_three_times_its_uncertainty_is_a_bound(times_u, is_bound):
    found = cmrr_db(1.0, made(times_u * 2**-20, 2**-20, n=77), u_common_mode=0.0)
    assert (found.bound is Bound.AT_LEAST) == is_bound
    if is_bound:
        # It may be larger by twice its uncertainty, so 4.99 of them.
        assert found.value == pytest.approx(20 * math.log10(2**20 / 4.99))
        assert (found.unit, found.standard_uncertainty, found.n_used) == ("dB", 0.0, 77)
        assert "differential response to a common mode at 50 Hz" in found.assumptions[0]
    else:
        assert found.value == pytest.approx(20 * math.log10(2**20 / times_u))


@pytest.mark.parametrize("driven_v", [0.0, -1.0, math.nan])
def test_a_rejection_needs_something_that_drives(driven_v):
    with pytest.raises(ValueError, match="driving amplitude must be > 0 V"):
        rejection_db(driven_v, made(1e-3), driven_relative_uncertainty=0.0, name="x")


def test_crosstalk_is_a_rejection_the_other_way_round():
    found = crosstalk_db(made(0.5, 0.005), made(5e-5, 1e-6, n=123))
    assert found.value == pytest.approx(-80.0)
    assert found.standard_uncertainty == pytest.approx(8.6859 * math.sqrt(5) * 0.01, rel=1e-4)
    assert (found.unit, found.n_used, found.bound) == ("dB", 123, Bound.NONE)
    assert found.assumptions == (
        "response of a channel that is not driven at 50 Hz, input-referred",
    )
    hidden = crosstalk_db(made(1.0, 0.0), made(1e-6, 2e-6, n=88))
    assert hidden.value == pytest.approx(-20 * math.log10(1 / 5e-6))
    assert (hidden.bound, hidden.standard_uncertainty, hidden.n_used) == (Bound.AT_MOST, 0.0, 88)


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
