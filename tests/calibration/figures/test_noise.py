import math

import numpy as np
import pytest
import scipy.integrate
import scipy.signal
import scipy.stats
from numpy.typing import NDArray

from emgrig.calibration.figures.datasheet import (
    GAINS,
    NOISE_UV_RMS,
    NoiseLimits,
    Outcome,
    judge_noise,
    typical_noise_uv_rms,
)
from emgrig.calibration.figures.noise import (
    band_rms,
    equalised,
    expected_range,
    fit_noise_floor,
    mains_lines,
    offset,
    peak_to_peak,
    rms_relative_standard_error,
    total_rms,
)
from emgrig.calibration.figures.spectrum import EMG_BAND, Band, full_band, welch
from emgrig.calibration.figures.uncertainty import Bound, Result

# ENOB as printed in SBAS499C, tables 1 to 4: a second figure for each cell of the noise table.
PRINTED_ENOB = {
    16000: (17.16, 17.16, 17.12, 17.06, 16.99, 16.83, 16.28),
    8000: (18.81, 18.74, 18.62, 18.62, 18.45, 18.14, 17.35),
    4000: (19.49, 19.41, 19.29, 19.12, 18.95, 18.64, 17.84),
    2000: (19.99, 19.91, 19.79, 19.62, 19.44, 19.14, 18.35),
    1000: (20.49, 20.41, 20.29, 20.12, 19.94, 19.65, 18.85),
    500: (20.99, 20.91, 20.79, 20.62, 20.44, 20.14, 19.35),
    250: (21.48, 21.41, 21.30, 21.13, 20.95, 20.65, 19.85),
}


def through_sinc3(
    rng: np.random.Generator, n: int, n_channels: int, rms: float, per_sample: int = 32
) -> NDArray[np.float64]:
    """White noise at `per_sample` times the rate, three running sums, decimated: the chip's way."""
    white = rng.standard_normal(((n + 3) * per_sample, n_channels))
    for _ in range(3):
        total = np.cumsum(white, axis=0)
        white = total[per_sample:] - total[:-per_sample]
    out = white[::per_sample][:n]
    # A sum of N, three times over: its variance is N^5 * 66/120 (quintic B-spline at 0).
    return rms * out / math.sqrt(per_sample**5 * 66 / 120)


def quick_sinc3(rng: np.random.Generator, n: int, n_channels: int) -> NDArray[np.float64]:
    """Noise of rms 1 with autocorrelation 1, 26/66, 1/66."""
    w = rng.standard_normal((n + 2, n_channels))
    return (w[2:] + 0.473672 * w[1:-1] + 0.018556 * w[:-2]) / 1.106666


@pytest.mark.parametrize("rate", NOISE_UV_RMS)
@pytest.mark.parametrize("column", range(7))
def test_each_cell_of_the_noise_table_gives_its_printed_enob(rate, column):
    noise = NOISE_UV_RMS[rate][column] * 1e-6
    enob = math.log2(4.5 / (math.sqrt(2) * GAINS[column] * noise))
    rounding = 0.005e-6 / noise / math.log(2)
    assert enob == pytest.approx(PRINTED_ENOB[rate][column], abs=rounding + 0.012)


@pytest.mark.slow
def test_the_rms_error_constant_is_that_of_noise_through_sinc3():
    # derived: 0.81/sqrt(M); found: the scatter of 2000 rms of 200 samples each
    noise = through_sinc3(np.random.default_rng(2), 200, 2000, 1.0, per_sample=8)
    found = noise.std(axis=0).std() * math.sqrt(200)
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    assert found == pytest.approx(0.81, abs=0.04)
    assert rms_relative_standard_error(10_000) * 100 == pytest.approx(0.8096, abs=1e-4)
    assert rms_relative_standard_error(10_000, (1.0,)) * 100 == pytest.approx(math.sqrt(0.5))


def test_the_estimated_rms_error_is_the_expected_one():
    errors = [
        r.standard_uncertainty / r.value
        for r in total_rms(quick_sinc3(np.random.default_rng(0), 4000, 20), 1000)
    ]
    # a windowed spectrum knows it to a few per cent too large
    assert np.mean(errors) == pytest.approx(rms_relative_standard_error(4000), rel=0.12)


@pytest.mark.parametrize(
    ("n", "sigmas"),
    [(2, 1.128), (5, 2.326), (25, 3.931), (250, 5.64), (1000, 6.48), (60_000, 8.54)],
)
def test_the_expected_range_is_that_of_the_control_chart_tables(n, sigmas):
    assert expected_range(n) == pytest.approx(sigmas, abs=0.005)


def test_the_expected_range_of_two_and_three_is_the_one_worked_out_by_hand():
    assert expected_range(2) == pytest.approx(2 / math.sqrt(math.pi), rel=1e-14)
    assert expected_range(3) == pytest.approx(3 / math.sqrt(math.pi), rel=1e-14)


@pytest.mark.parametrize("n", [10, 4000, 10**7])
def test_the_expected_range_is_what_an_adaptive_integral_gives(n):
    normal = scipy.stats.norm

    def share(x):
        return -np.expm1(n * normal.logcdf(x)) - normal.sf(x) ** n

    expected, _ = scipy.integrate.quad(share, -12, 12, limit=500, points=[-5, 0, 5])
    assert expected_range(n) == pytest.approx(expected, rel=1e-9)


def test_peak_to_peak_comes_with_its_number_of_samples():
    (found,) = peak_to_peak(1e-6 * np.random.default_rng(3).standard_normal((10_000, 1)))
    assert found.n_samples == 10_000
    assert found.range_over_rms == pytest.approx(found.expected_over_rms, abs=1.0)
    assert found.range_uv == pytest.approx(7.7, abs=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("segment_s", [0.5, 1.0, 0.333])
def test_the_integral_of_the_spectrum_is_the_variance(segment_s):
    volts = quick_sinc3(np.random.default_rng(4), 200_000, 2)
    power, error = welch(volts, 1000.0, segment_s=segment_s).band_power(0, 500)
    assert power == pytest.approx(volts.var(axis=0), rel=4 * float((error / power).max()))


def test_no_bin_is_counted_twice_or_by_half():
    spectrum = welch(np.cumsum(np.random.default_rng(4).standard_normal((9000, 1)), axis=0), 1000)
    power, _ = spectrum.band_power(0, 500)
    assert power == pytest.approx(spectrum.psd.sum(axis=0) * spectrum.bin_hz, rel=1e-12)


@pytest.mark.parametrize(
    ("n", "n_channels", "n_segment"), [(2000, 8, 400), (5000, 6, 997), (300, 1, 150), (70, 4, 8)]
)
def test_the_spectrum_is_that_of_scipy(n, n_channels, n_segment):
    volts = np.random.default_rng(7).normal(3e-6, 1e-6, (n, n_channels))
    spectrum = welch(volts, 500.3, segment_s=n_segment / 500.3)
    frequency, psd = scipy.signal.welch(volts, 500.3, window="hann", nperseg=n_segment, axis=0)
    np.testing.assert_allclose(spectrum.frequency_hz, frequency, rtol=1e-14)
    np.testing.assert_allclose(spectrum.psd, psd, rtol=1e-9, atol=1e-12 * psd.max())


def test_bands_add_up_even_when_an_edge_cuts_a_bin():
    spectrum = welch(np.random.default_rng(5).standard_normal((20_000, 1)), 1000, segment_s=0.3)
    whole, _ = spectrum.band_power(0, 500)
    parts = sum(
        spectrum.band_power(low, high)[0] for low, high in [(0, 17.3), (17.3, 333.1), (333.1, 500)]
    )
    assert parts == pytest.approx(whole)


def test_a_tone_in_the_band_is_measured_and_outside_it_is_not():
    t = np.arange(20_000) / 1000
    spectrum = welch((1e-5 * math.sqrt(2) * np.sin(2 * np.pi * 100.3 * t))[:, None], 1000)
    assert band_rms(spectrum, Band("b", 50, 200))[0].value == pytest.approx(10.0, rel=1e-3)
    assert band_rms(spectrum, Band("b", 200, 400))[0].value < 0.01


def test_equalised_noise_is_that_of_a_flat_amplifier_at_low_frequencies():
    rng = np.random.default_rng(6)
    spectrum = equalised(welch(through_sinc3(rng, 60_000, 1, 0.4e-6, 8), 2000))
    # 0.4 uV over 0.275 * 2000 Hz, 20 to 450 Hz; folding adds 1.5 % at 450 Hz
    expected = 0.4 * math.sqrt(430 / 550)
    assert band_rms(spectrum, EMG_BAND)[0].value == pytest.approx(expected, rel=0.02)


WHITE = (0.28e-6) ** 2 / 275
"""V²/Hz of white noise before sinc3 whose rms behind it, at 1000 SPS, is 0.28 uV."""


def coverage(hits: list[bool]) -> float:
    """Hits in a hundred."""
    return 100 * sum(hits) / len(hits)


def test_rms_offset_and_band_rms_cover_the_truth():
    f = np.linspace(20, 450, 4001)
    in_band = math.sqrt(
        np.trapezoid(66 + 52 * np.cos(f * math.tau / 1e3) + 2 * np.cos(f * 2 * math.tau / 1e3), f)
        / 120
        / 275
    )
    volts = 0.28e-6 * quick_sinc3(np.random.default_rng(7), 4000, 100) + 60e-6
    assert coverage([r.contains(0.28) for r in total_rms(volts, 1000)]) >= 93
    assert coverage([r.contains(60.0) for r in offset(volts)]) >= 93
    found = band_rms(welch(volts, 1000), EMG_BAND)
    assert coverage([r.contains(0.28 * in_band) for r in found]) >= 93
    # and they are not simply wide: 0.81/sqrt(4000) is 1.3 %
    assert all(r.expanded_uncertainty < 0.04 * r.value for r in found)


def pink_and_white(n: int, corner_hz: float, exponent: float, n_records: int) -> np.ndarray:
    """White noise of 0.28 uV rms and 1/f^a through sinc3, made in the spectrum; V."""
    rng = np.random.default_rng(8)
    f = np.fft.rfftfreq(n, 1e-3)
    shape = (66 + 52 * np.cos(f * math.tau / 1e3) + 2 * np.cos(f * 2 * math.tau / 1e3)) / 120
    psd = WHITE * (1 + (corner_hz / np.maximum(f, f[1])) ** exponent) * shape
    noise = np.fft.rfft(rng.standard_normal((n, n_records)), axis=0) * np.sqrt(psd * 500)[:, None]
    return np.fft.irfft(noise, n, axis=0)


@pytest.mark.long
@pytest.mark.slow
def test_white_level_and_corner_cover_the_truth():
    floors = fit_noise_floor(welch(pink_and_white(16_000, 5.0, 1.0, 150), 1000))
    assert coverage([x.white_nv_per_rthz.contains(math.sqrt(WHITE) * 1e9) for x in floors]) >= 93
    assert coverage([x.corner_hz.contains(5.0) for x in floors]) >= 93
    assert np.mean([x.exponent for x in floors]) == pytest.approx(1.0, abs=0.1)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "corner_hz", "exponent"), [(4000, 5.0, 1.0), (10_000, 1.0, 0.5), (30_000, 1.0, 1.9)]
)
def test_a_corner_that_is_seen_in_some_records_only_is_bounded_in_the_others(
    n, corner_hz, exponent
):
    """That a short record shows none does not mean that it is below its lowest bin."""
    floors = fit_noise_floor(welch(pink_and_white(n, corner_hz, exponent, 100), 1000))
    unseen = [x for x in floors if x.corner_hz.bound is Bound.AT_MOST]
    assert 10 < len(unseen) < 95
    assert coverage([x.corner_hz.value > corner_hz for x in unseen]) >= 93
    assert coverage([x.white_nv_per_rthz.contains(math.sqrt(WHITE) * 1e9) for x in unseen]) >= 93


def test_white_noise_has_no_corner_but_a_bound():
    (floor,) = fit_noise_floor(welch(1e-6 * quick_sinc3(np.random.default_rng(9), 30_000, 1), 1000))
    assert floor.corner_hz.bound is Bound.AT_MOST
    assert floor.corner_hz.value < 2
    assert math.isnan(floor.exponent)
    assert floor.white_nv_per_rthz.contains(1e3 / math.sqrt(275))


def test_mains_and_harmonics_are_found_and_absent_ones_are_bounded():
    rng = np.random.default_rng(10)
    t = np.arange(30_000) / 1000
    volts = 0.28e-6 * quick_sinc3(rng, t.size, 2)
    volts[:, 0] += math.sqrt(2) * 1e-6 * np.sin(math.tau * 50.04 * t)
    volts[:, 0] += math.sqrt(2) * 0.1e-6 * np.sin(math.tau * 150.12 * t)
    noisy, clean = mains_lines(welch(volts, 1000), 50.0)
    assert [line.frequency_hz for line in noisy] == [50.0 * n for n in range(1, 10)]
    assert noisy[0].rms.contains(1.0)
    assert noisy[2].rms.value == pytest.approx(0.1, abs=0.01)
    assert noisy[1].rms.bound is Bound.AT_MOST
    assert all(line.rms.bound is Bound.AT_MOST for line in clean)
    assert all(line.rms.value < 0.03 for line in clean)


def test_a_short_record_cannot_show_mains():
    with pytest.raises(ValueError, match="record 10 s or more"):
        mains_lines(welch(np.random.default_rng(0).standard_normal((1000, 1)), 1000), 50.0)


@pytest.mark.parametrize(
    ("uv", "outcome"),
    [(0.28, Outcome.PASS), (0.36, Outcome.PASS), (0.45, Outcome.MARGINAL), (0.6, Outcome.FAIL),
     (0.12, Outcome.FAIL), (0.15, Outcome.PASS)],
)  # fmt: skip
def test_noise_is_judged_against_its_gain_and_rate(uv, outcome):
    assert judge_noise(Result(uv, "uV", 0.0, 4000), 24, 1000).outcome is outcome


def test_the_error_of_the_estimate_widens_the_limits():
    limits = NoiseLimits(high=1.05)
    exact = judge_noise(Result(0.31, "uV", 0.0, 100), 24, 1000, limits)
    rough = judge_noise(Result(0.31, "uV", 0.02, 100), 24, 1000, limits)
    assert (exact.outcome, rough.outcome) == (Outcome.MARGINAL, Outcome.PASS)
    assert "data sheet 0.28 µV" in str(rough)
    quiet = judge_noise(Result(0.13, "uV", 0.01, 100), 24, 1000)
    assert quiet.outcome is Outcome.PASS
    assert quiet.low_uv_rms == pytest.approx(0.5 * 0.275 - 0.02)
    assert rough.high_uv_rms == pytest.approx(1.05 * 0.285 + 0.04)
    assert rough.fail_uv_rms == pytest.approx(2 * 0.285 + 0.04)


def test_no_healthy_board_of_a_thousand_is_marginal():
    for gain in (1, 24):
        for rate in (250, 1000):
            typical = typical_noise_uv_rms(gain, rate)
            volts = typical * 1e-6 * quick_sinc3(np.random.default_rng(gain + rate), 1000, 250)
            verdicts = [judge_noise(r, gain, rate).outcome for r in total_rms(volts, rate)]
            assert set(verdicts) == {Outcome.PASS}


@pytest.mark.parametrize(("gain", "rate"), [(3, 1000), (24, 1024)])
def test_settings_that_the_chip_does_not_have_are_refused(gain, rate):
    with pytest.raises(ValueError, match="the chip has"):
        typical_noise_uv_rms(gain, rate)


def test_a_result_in_volts_is_not_judged():
    with pytest.raises(ValueError, match="in µV"):
        judge_noise(Result(0.28e-6, "V", 0.0, 100), 24, 1000)


@pytest.mark.parametrize(("low", "high"), [(100, 600), (10, 10.01)])
def test_bands_that_do_not_fit_are_refused(low, high):
    spectrum = welch(np.random.default_rng(0).standard_normal((4000, 1)), 1000)
    with pytest.raises(ValueError, match="band"):
        spectrum.band_power(low, high)


def test_segments_longer_than_half_the_record_are_refused():
    with pytest.raises(ValueError, match="do not suit a record of 1000"):
        welch(np.random.default_rng(0).standard_normal((1000, 1)), 1000, segment_s=0.8)


def test_the_full_band_ends_at_half_the_rate():
    assert full_band(500) == Band("full", 0.0, 250.0)
