import math

import numpy as np
import pytest
import scipy.stats

from emgrig.calibration.figures.samples import checked_channels, checked_rate, checked_record
from emgrig.calibration.figures.uncertainty import (
    COVERAGE_PROBABILITY,
    Bound,
    Component,
    Result,
    combine,
    coverage_factor,
    mean_result,
    rectangular,
)


def test_the_end_gauge_of_the_gum_comes_out():
    # JCGM 100:2008, H.1.6: u_c = 32 nm with 16 effective degrees of freedom (16.7 before rounding)
    u, free = combine(
        [
            Component("standard", 25.0, 1.0, 18),
            Component("difference", 9.7, 1.0, 25.6),
            Component("expansion", 2.9, 1.0, 50),
            Component("temperature", 16.6, 1.0, 2),
        ]
    )
    assert round(u) == 32
    assert free == pytest.approx(16.7, abs=0.5)


@pytest.mark.parametrize(
    ("free", "k"),
    [(1, 13.97), (2, 4.53), (5, 2.65), (10, 2.28), (20, 2.13), (50, 2.05), (math.inf, 2.00)],
)
def test_coverage_factors_are_those_of_the_gums_table(free, k):
    assert coverage_factor(free) == pytest.approx(k, abs=0.005)  # table G.2, 95.45 %


@pytest.mark.parametrize("free", [1, 2.5, 16.7, 1999, 1e9])
def test_coverage_factors_are_those_of_scipy_stats(free):
    assert coverage_factor(free) == scipy.stats.t.ppf(0.5 + COVERAGE_PROBABILITY / 2, free)


def test_no_degree_of_freedom_gives_no_interval():
    with pytest.raises(ValueError, match="more readings"):
        coverage_factor(0.5)


def test_a_known_input_does_not_lower_the_degrees_of_freedom():
    u, free = combine([Component("a", 3.0), Component("b", 2.0, 2.0)])
    assert u == pytest.approx(5.0)
    assert math.isinf(free)


def test_a_rectangular_distribution_has_its_standard_deviation():
    assert rectangular(1.0) == pytest.approx(
        np.sqrt(np.mean(np.linspace(-1, 1, 100_001) ** 2)), 1e-4
    )


@pytest.mark.slow
def test_the_mean_of_few_readings_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = sum(mean_result(row, "V").contains(5.0) for row in rng.normal(5.0, 2.0, (2000, 4)))
    assert hits / 2000 == pytest.approx(0.9545, abs=0.015)


def test_type_b_components_widen_the_mean():
    readings = np.array([1.0, 1.1, 0.9, 1.0])
    alone = mean_result(readings, "V")
    both = mean_result(readings, "V", type_b=[Component("meter", 0.3)])
    assert both.standard_uncertainty == pytest.approx(math.hypot(alone.standard_uncertainty, 0.3))


def test_results_print_value_expanded_uncertainty_and_k():
    assert str(Result(1.23456, "uV", 0.0123, 10)) == "1.235 ± 0.025 µV (k = 2.00)"
    assert str(Result(104.2, "dB", 0.0, 10, bound=Bound.AT_LEAST)) == "at least 104.2 dB"


@pytest.mark.parametrize("u", [-1.0, math.nan])
def test_an_impossible_uncertainty_is_refused(u):
    with pytest.raises(ValueError, match="standard uncertainty"):
        Result(1.0, "V", u, 1)


@pytest.mark.parametrize(
    ("volts", "message"),
    [
        (np.zeros((100, 2)), "channel 1: every sample is 0"),
        (np.full((100, 1), np.nan), "channel 1: 100 samples are NaN"),
        (np.arange(100.0), r"shape \(n_samples, n_channels\)"),
        (np.ones((3, 1)), "3 samples are too few"),
    ],
)
def test_arrays_that_mean_nothing_are_refused_in_one_line(volts, message):
    with pytest.raises(ValueError, match=message) as caught:
        checked_channels(volts, n_min=10)
    assert "\n" not in str(caught.value)


def test_the_dead_channel_is_named():
    volts = np.random.default_rng(0).standard_normal((100, 3))
    volts[:, 2] = 7.0
    with pytest.raises(ValueError, match="channel 3"):
        checked_channels(volts, n_min=10)


def test_a_record_is_one_channel():
    with pytest.raises(ValueError, match="one channel"):
        checked_record(np.ones((10, 2)), n_min=2)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match="sample rate"):
        checked_rate(rate)
