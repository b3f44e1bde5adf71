import math

import numpy as np
import pytest

from emgrig.calibration.figures.sinefit import dynamic_performance, fit_sine_3, fit_sine_4

N, RATE = 4000, 2000.0
T = np.arange(N) / RATE


def sine(frequency: float, amplitude: float = 0.1, phase: float = 0.7, t: np.ndarray = T):
    return amplitude * np.cos(math.tau * frequency * t + phase)


@pytest.mark.parametrize("frequency", [7.3, 31.25, 99.87, 613.4, 990.1])
def test_a_clean_sine_is_found_exactly(frequency):
    fit = fit_sine_4(sine(frequency) + 0.003, RATE)
    assert fit.amplitude_v == pytest.approx(0.1, rel=1e-9)
    assert fit.frequency_hz == pytest.approx(frequency, rel=1e-9)
    assert fit.phase_rad == pytest.approx(0.7, abs=1e-7)
    assert fit.offset_v == pytest.approx(0.003, abs=1e-10)
    assert fit.residual_v_rms < 1e-10


@pytest.mark.slow
def test_all_four_parameters_cover_the_truth():
    hits = np.zeros(4, int)
    for seed in range(100):
        noise = 1e-3 * np.random.default_rng(seed).standard_normal(N)
        fit = fit_sine_4(sine(31.237) + 0.003 + noise, RATE)
        hits += [
            abs(fit.amplitude_v - 0.1) <= 2 * fit.u_amplitude_v,
            abs(fit.frequency_hz - 31.237) <= 2 * fit.u_frequency_hz,
            abs(fit.phase_rad - 0.7) <= 2 * fit.u_phase_rad,
            abs(fit.offset_v - 0.003) <= 2 * fit.u_offset_v,
        ]
    assert (hits >= 90).all()
    # the Cramer-Rao bounds (Rife and Boorstyn 1974)
    assert fit.u_amplitude_v == pytest.approx(1e-3 * math.sqrt(2 / N), rel=0.03)
    assert fit.u_frequency_hz == pytest.approx(
        math.sqrt(6) * 1e-3 / (math.pi * 0.1 * math.sqrt(N) * N / RATE), rel=0.03
    )


@pytest.mark.slow
def test_somebody_elses_four_parameter_fit_agrees():
    adctoolbox = pytest.importorskip("adctoolbox", reason="the oracle adctoolbox is not installed")
    volts = sine(31.237) + 0.003 + 1e-4 * np.random.default_rng(3).standard_normal(N)
    theirs = adctoolbox.fit_sine_4param(volts, max_iterations=20)
    ours = fit_sine_4(volts, RATE)
    assert ours.amplitude_v == pytest.approx(float(theirs["amplitude"]), rel=1e-6)
    assert ours.frequency_hz == pytest.approx(float(theirs["frequency"]) * RATE, rel=1e-8)
    assert ours.offset_v == pytest.approx(float(theirs["dc_offset"]), abs=1e-8)
    assert ours.residual_v_rms == pytest.approx(float(theirs["rmse"]), rel=2e-3)


@pytest.mark.slow
def test_somebody_elses_spectrum_gives_the_same_sinad_thd_and_sfdr():
    adctoolbox = pytest.importorskip("adctoolbox", reason="the oracle adctoolbox is not installed")
    n = 8192
    frequency = 411 * RATE / n  # coherent, so that their windowed spectrum has no leakage
    t = np.arange(n) / RATE
    volts = sine(frequency, 0.9, 0.2, t) + sine(2 * frequency, 0.9e-3, 1.0, t)
    volts += sine(3 * frequency, 0.3e-3, 2.0, t)
    volts += 1e-4 * np.random.default_rng(5).standard_normal(n)
    theirs = adctoolbox.analyze_spectrum(
        volts, fs=RATE, max_scale_range=[-1, 1], max_harmonic=10, create_plot=False
    )
    ours = dynamic_performance(volts, RATE, 1.0)
    assert ours.sinad_db == pytest.approx(theirs["sndr_dbc"], abs=0.15)
    assert ours.enob_bits == pytest.approx(theirs["enob"], abs=0.03)
    assert ours.thd_db == pytest.approx(theirs["thd_dbc"], abs=0.3)
    assert ours.sfdr_db == pytest.approx(theirs["sfdr_dbc"], abs=0.3)


def test_an_ideal_quantiser_has_its_number_of_bits():
    lsb = 2.0 / 2**12
    volts = np.round(sine(31.237, 0.999, 0.1, np.arange(20_000) / RATE) / lsb) * lsb
    found = dynamic_performance(volts, RATE, 1.0)
    assert found.enob_bits == pytest.approx(12.0, abs=0.05)


def test_full_scale_enob_does_not_depend_on_the_level_when_noise_rules():
    noise = 1e-4 * np.random.default_rng(1).standard_normal(N)
    loud = dynamic_performance(sine(31.237, 0.9) + noise, RATE, 1.0)
    soft = dynamic_performance(sine(31.237, 0.009) + noise, RATE, 1.0)
    assert loud.enob_full_scale_bits == pytest.approx(soft.enob_full_scale_bits, abs=0.05)
    assert loud.enob_bits == pytest.approx(soft.enob_bits + math.log2(100), abs=0.05)


def test_a_harmonic_above_half_the_rate_is_found_where_it_folds():
    # third harmonic of 700 Hz: 2100 Hz at 2000 SPS folds to 100 Hz
    noise = 1e-7 * np.random.default_rng(2).standard_normal(N)
    volts = sine(701.3) + 1e-5 * np.cos(math.tau * 3 * 701.3 * T) + noise
    found = dynamic_performance(volts, RATE, 1.0, highest_harmonic=3)
    assert found.thd_db == pytest.approx(-80.0, abs=0.1)
    assert found.largest_spur_hz == pytest.approx(2103.9 - RATE, abs=0.5)
    assert found.sfdr_db == pytest.approx(80.0, abs=0.3)


def test_jitter_is_bounded_by_the_residual():
    jitter = 1e-6 * np.random.default_rng(3).standard_normal(N)
    fit = fit_sine_4(sine(200.3, t=T + jitter), RATE)
    assert fit.jitter_limit_s == pytest.approx(1e-6, rel=0.05)


def test_the_three_parameter_fit_takes_the_frequency_as_given():
    fit = fit_sine_3(sine(50.0) + 1e-9 * np.random.default_rng(0).standard_normal(N), RATE, 50.0)
    assert fit.frequency_hz == 50.0
    assert fit.u_frequency_hz == 0.0
    assert fit.amplitude_v == pytest.approx(0.1)
    assert fit.phase_rad == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("volts", "frequency", "message"),
    [
        (sine(50.0), 1000.0, "not between"),
        (sine(50.0), 0.3, "less than a period"),
        (np.zeros(100), 50.0, "every sample is 0"),
        (np.append(sine(50.0), np.nan), 50.0, "NaN"),
        (sine(50.0)[:5], 500.0, "too few"),
    ],
)
def test_records_that_cannot_be_fitted_are_refused(volts, frequency, message):
    with pytest.raises(ValueError, match=message):
        fit_sine_3(volts, RATE, frequency)


def test_a_wrong_first_guess_is_not_followed_anywhere():
    with pytest.raises(ValueError, match="ran away"):
        fit_sine_4(sine(50.0) + 1e-4 * np.random.default_rng(0).standard_normal(N), RATE, 51.3)


def test_a_sine_above_full_scale_is_refused():
    with pytest.raises(ValueError, match="full scale"):
        dynamic_performance(sine(50.0, 0.3), RATE, 0.1875)
