import numpy as np
import pytest

from emgrig.calibration.figures.sampleclock import allan_deviation, fit_clock
from emgrig.calibration.figures.uncertainty import coverage_factor

BOARD_S = np.arange(6000) * 0.01


def arrivals(seed: int, ppm: float, delay_s: float = 2e-3) -> np.ndarray:
    """Host times of packets of a board that runs `ppm` fast, delayed as Wi-Fi delays."""
    rng = np.random.default_rng(seed)
    return 1000.0 + BOARD_S / (1 + ppm * 1e-6) + rng.exponential(delay_s, BOARD_S.size)


@pytest.mark.slow
def test_a_fast_board_is_found_through_a_late_link():
    fits = [
        fit_clock(BOARD_S, arrivals(s, 40), 1000.0, host_ppm_uncertainty=0.0) for s in range(100)
    ]
    assert sum(f.error_ppm.contains(40.0) for f in fits) >= 93
    assert sum(f.rate_hz.contains(1000.04) for f in fits) >= 93
    assert sum(f.drift_ppm_per_hour.contains(0.0) for f in fits) >= 93
    assert all(f.error_ppm.expanded_uncertainty < 1.0 for f in fits)
    assert fits[0].delay_rms_s == pytest.approx(2e-3, rel=0.1)
    assert fits[0].board_epoch_host_s == pytest.approx(1000.0, abs=1e-5)


@pytest.mark.slow
def test_the_line_along_the_earliest_is_much_better_than_least_squares():
    early, middle = (
        [
            fit_clock(
                BOARD_S, arrivals(s, 40), 1000.0, host_ppm_uncertainty=0.0, always_late=late
            ).error_ppm.value
            for s in range(30)
        ]
        for late in (True, False)
    )
    assert np.std(early) < np.std(middle) / 5


def test_the_hosts_own_clock_limits_the_result():
    fit = fit_clock(BOARD_S, arrivals(0, 40), 1000.0, host_ppm_uncertainty=30.0)
    assert fit.error_ppm.expanded_uncertainty == pytest.approx(60.0, rel=0.01)


def test_a_drifting_clock_shows_its_drift():
    board = np.arange(20_000) * 0.05  # 1000 s
    rate_of_change = 20e-6 / 3600  # 20 ppm an hour
    host = board - rate_of_change * board**2 / 2  # faster and faster
    host = host + np.random.default_rng(0).normal(0, 1e-5, board.size)
    fit = fit_clock(board, host, 1000.0, host_ppm_uncertainty=0.0, always_late=False)
    assert fit.drift_ppm_per_hour.contains(20.0)
    assert fit.drift_ppm_per_hour.expanded_uncertainty < 1


def test_steps_of_a_pulse_a_second_need_no_earliest():
    board = np.arange(0, 120, 0.5)
    host = board / (1 - 25e-6) + np.random.default_rng(2).normal(0, 1e-6, board.size)
    fit = fit_clock(board, host, 500.0, host_ppm_uncertainty=0.0, always_late=False, n_windows=20)
    assert fit.error_ppm.contains(-25.0)


@pytest.mark.parametrize(
    ("board", "host", "message"),
    [
        (BOARD_S[:20], BOARD_S[:20], "watch longer"),
        (BOARD_S[::-1], BOARD_S, "does not increase"),
        (BOARD_S, BOARD_S * 2, "nominal rate"),
        (BOARD_S, np.where(BOARD_S == 3.0, np.nan, BOARD_S), "NaN"),
    ],
)
def test_times_that_tell_nothing_are_refused(board, host, message):
    with pytest.raises(ValueError, match=message):
        fit_clock(board, host, 1000.0, host_ppm_uncertainty=0.0)


def test_somebody_elses_overlapping_allan_deviation_agrees():
    allantools = pytest.importorskip("allantools", reason="the oracle allantools is not installed")
    rng = np.random.default_rng(7)
    phase = np.cumsum(rng.standard_normal(5000)) * 1e-9 + 1e-8 * rng.standard_normal(5000)
    ours = allan_deviation(phase, 0.5)
    taus, theirs, _, _ = allantools.oadev(phase, rate=2.0, data_type="phase", taus=ours.tau_s)
    assert ours.tau_s == pytest.approx(taus)
    assert ours.deviation == pytest.approx(theirs, rel=1e-12)
    free = [allantools.edf_simple(5000, round(tau / 0.5), alpha=0) for tau in ours.tau_s]
    assert ours.degrees_of_freedom == pytest.approx(free)


@pytest.mark.parametrize("noise", ["frequency", "phase"])
def test_allan_deviations_are_within_what_they_state(noise):
    """White noise of 1 a second; by theory 1/sqrt(tau) of the frequency, sqrt(3)/tau of the phase.

    The longest is a quarter of the record, with four degrees of freedom.
    """
    rng = np.random.default_rng(3)
    steps = rng.standard_normal((300, 1000))
    phases = steps.cumsum(axis=1) if noise == "frequency" else steps
    found = [allan_deviation(phase, 1.0) for phase in phases]
    for i, tau_s in enumerate(found[0].tau_s):
        true = 1 / np.sqrt(tau_s) if noise == "frequency" else np.sqrt(3) / tau_s
        free = found[0].degrees_of_freedom[i]
        u = coverage_factor(free) / np.sqrt(2 * free)
        hits = [abs(one.deviation[i] - true) < u * one.deviation[i] for one in found]
        assert np.mean(hits) > 0.9


def test_white_phase_noise_falls_with_the_averaging_time():
    deviation = allan_deviation(1e-6 * np.random.default_rng(1).standard_normal(20_000), 1.0)
    # sqrt(3) sigma / tau (NIST SP 1065)
    expected = np.sqrt(3) * 1e-6 / deviation.tau_s
    assert deviation.deviation[:6] == pytest.approx(expected[:6], rel=0.1)


def test_a_constant_frequency_error_has_no_allan_deviation():
    assert allan_deviation(40e-6 * np.arange(100.0), 1.0).deviation == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("phase", [np.zeros(5), np.full(20, np.nan), np.zeros((10, 2))])
def test_too_little_phase_is_refused(phase):
    with pytest.raises(ValueError, match="8 or more"):
        allan_deviation(phase, 1.0)
