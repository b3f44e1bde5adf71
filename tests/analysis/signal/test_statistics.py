import numpy as np
import pytest
from scipy import stats

from emgrig.analysis.signal.statistics import (
    Summary,
    agreement,
    agreement_as_printed,
    bootstrap_interval,
    chi_square,
    cluster,
    compare,
    interval_of_mean,
    percentile_interval,
    regress,
    summarise,
)


def test_t_tests_equal_scipys_on_the_samples() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(3, 5, 40), rng.normal(1, 1, 90)
    student, welch = compare(summarise(a), summarise(b))
    expected = stats.ttest_ind(a, b)
    assert (student.t, student.p) == (
        pytest.approx(expected.statistic),
        pytest.approx(expected.pvalue),
    )
    expected = stats.ttest_ind(a, b, equal_var=False)
    assert (welch.t, welch.df) == (pytest.approx(expected.statistic), pytest.approx(expected.df))


def test_table_3_gives_its_t_and_d_and_welch_beside() -> None:
    student, welch = compare(Summary(147, 440.89, 459.97), Summary(233, 78.8, 55.6))
    assert (student.t, student.cohen_d) == (
        pytest.approx(11.888, abs=5e-4),
        pytest.approx(1.2522, abs=5e-5),
    )
    assert (welch.t, welch.df) == (pytest.approx(9.501, abs=5e-4), pytest.approx(148.7, abs=0.05))


def test_the_interval_of_the_mean_is_not_the_interval_of_the_values() -> None:
    x = np.random.default_rng(1).normal(10, 2, 400)
    expected = stats.t.interval(0.95, 399, x.mean(), stats.sem(x))
    assert interval_of_mean(summarise(x)) == pytest.approx(expected)
    low, high = percentile_interval(x)
    assert ((x > low) & (x < high)).mean() == pytest.approx(0.95, abs=0.01)
    boot = bootstrap_interval(x, np.mean)
    assert boot == pytest.approx(expected, abs=0.03)


def test_regression_equals_scipys() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=50)
    y = 2 * x + rng.normal(size=50) + 1
    ours, expected = regress(x, y), stats.linregress(x, y)
    assert ours.slope == pytest.approx(expected.slope)
    assert ours.beta == pytest.approx(expected.rvalue)
    assert ours.t == pytest.approx(expected.slope / expected.stderr)


def test_chi_square_of_table_5_has_both_forms() -> None:
    test = chi_square(np.array([[17, 39], [216, 108]]))
    assert test.chi2 == pytest.approx(26.5390, abs=5e-5)
    assert test.yates == pytest.approx(25.03, abs=5e-3)
    assert test.v == pytest.approx(0.2643, abs=5e-5)
    assert test.least_expected == pytest.approx(56 * 147 / 380)


def test_k_means_finds_two_clouds_whatever_the_units() -> None:
    rng = np.random.default_rng(3)
    duration = np.concatenate([rng.normal(0.3, 0.05, 60), rng.normal(1.2, 0.2, 40)])
    intensity = np.concatenate([rng.normal(8, 2, 60), rng.normal(25, 4, 40)])
    found = cluster(duration, intensity)
    np.testing.assert_array_equal(found.labels, [0] * 60 + [1] * 40)
    np.testing.assert_allclose(found.centroids[0], [0.3, 8], rtol=0.1)
    again = cluster(duration * 1000, intensity / 100)
    np.testing.assert_array_equal(again.labels, found.labels)


def test_agreement_as_printed_exceeds_one_and_as_it_must_be_does_not() -> None:
    codes = {(1, 4), (2, 12)}
    assert agreement(codes, codes) == 1
    assert agreement_as_printed(codes, codes) == 2
    assert agreement({1, 2, 3}, {2, 3, 4, 5}) == pytest.approx(4 / 7)
    assert agreement({1}, {2}) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: summarise(np.array([1.0])),
        lambda: summarise(np.array([1.0, np.nan])),
        lambda: compare(Summary(5, 1, 0), Summary(5, 2, 0)),
        lambda: regress(np.ones(5), np.arange(5.0)),
        lambda: chi_square(np.array([[1, 2]])),
        lambda: chi_square(np.array([[0, 0], [1, 2]])),
        lambda: chi_square(np.array([[-1, 3], [1, 2]])),
        lambda: cluster(np.ones(5), np.arange(5.0)),
        lambda: agreement(set(), set()),
        lambda: percentile_interval(np.arange(5.0), level=95),
    ],
)
def test_a_statistic_that_does_not_exist_is_refused(call) -> None:
    with pytest.raises(ValueError):
        call()
