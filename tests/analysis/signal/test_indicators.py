import numpy as np
import pytest

from emgrig.analysis.signal import indicators as ind


def test_the_strongest_channel_has_the_highest_peak() -> None:
    x = np.zeros((100, 3))
    x[50] = [3.0, 7.0, 5.0]
    x[:, 2] += 1
    assert ind.strongest_channel(x) == 1
    x[50, 1] = np.nan
    assert ind.strongest_channel(x) == 2
    with pytest.raises(ValueError, match="gaps"):
        ind.strongest_channel(np.full((10, 2), np.nan))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("maximum", 400.0), ("mean of maxima", 300.0), ("median of maxima", 300.0)],
)
def test_the_mvc_follows_the_rule_that_is_stated(rule: ind.PeakRule, expected: float) -> None:
    repetitions = [np.hanning(2001) * peak for peak in (200.0, 300.0, 400.0)]
    assert ind.mvc_uv(repetitions, 1000.0, rule=rule) == pytest.approx(expected)


def test_the_best_half_second_is_a_mean() -> None:
    x = np.zeros(3000)
    x[1000:1500] = 80.0
    x[2000] = 500.0
    assert ind.mvc_uv([x], 1000.0, rule="best 0.5 s") == pytest.approx(80.0)
    with pytest.raises(ValueError, match="shorter than the"):
        ind.mvc_uv([x[:400]], 1000.0, rule="best 0.5 s")


@pytest.mark.parametrize("repetitions", [[], [np.zeros(0)], [np.full(9, np.nan)], [np.zeros(9)]])
def test_an_mvc_without_a_contraction_is_refused(repetitions: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"MVC|empty|gaps"):
        ind.mvc_uv(repetitions, 1000.0)


def test_mvc_percent_is_the_ratio_and_refuses_an_mvc_of_zero() -> None:
    assert ind.mvc_percent(20.0, 250.0) == pytest.approx(8.0)
    for mvc in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="MVC"):
            ind.mvc_percent(20.0, mvc)
    with pytest.raises(ValueError, match="gap"):
        ind.mvc_percent(float("nan"), 20.0)


@pytest.mark.parametrize(("factor", "word"), [(1e-6, "volts"), (1e3, "codes")])
def test_a_wrong_unit_is_named(factor: float, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        ind.mvc_uv([np.hanning(2001) * 300 * factor], 1000.0)


def test_the_integral_is_in_seconds_and_the_papers_is_a_sum() -> None:
    x = np.zeros(2000)
    x[1000:1317] = 10.0
    seconds = ind.integrated_emg(x, (1000, 1317), 1000.0)
    assert seconds == ind.IntegratedEmg(pytest.approx(0.317), "s", "recording range")
    total = ind.integrated_emg(x, (1000, 1317), 1000.0, as_sum=True)
    assert (total.value, total.unit) == (pytest.approx(317.0), "samples")
    plain = ind.integrated_emg(x, (1000, 1317), 1000.0, normalise="none")
    assert (plain.value, plain.unit) == (pytest.approx(3.17), "uV s")
    mvc = ind.integrated_emg(x, (1000, 1317), 1000.0, normalise="mvc", mvc_level_uv=100.0)
    assert mvc.value == pytest.approx(0.0317)


def test_an_integral_that_is_none_is_refused() -> None:
    x = np.arange(100.0)
    for interval in ((20, 10), (10, 10), (90, 110)):
        with pytest.raises(ValueError, match="reversed"):
            ind.integrated_emg(x, interval, 1000.0)
    with pytest.raises(ValueError, match="does not vary"):
        ind.integrated_emg(np.ones(100), (10, 20), 1000.0)
    with pytest.raises(ValueError, match="MVC"):
        ind.integrated_emg(x, (10, 20), 1000.0, normalise="mvc", mvc_level_uv=0.0)
    x[15] = np.nan
    with pytest.raises(ValueError, match="gap"):
        ind.integrated_emg(x, (10, 20), 1000.0)


def test_amplitudes_of_a_sine_are_the_textbooks() -> None:
    x = 3 * np.sin(2 * np.pi * 97.3 * np.arange(10_000) / 1000)
    assert ind.root_mean_square(x)[0] == pytest.approx(3 / np.sqrt(2), rel=1e-3)
    assert ind.mean_absolute_value(x)[0] == pytest.approx(6 / np.pi, rel=1e-3)


def test_frequencies_of_two_tones_lie_between_them_by_power() -> None:
    t = np.arange(10_000) / 1000
    x = np.sin(2 * np.pi * 100 * t) + np.sqrt(3) * np.sin(2 * np.pi * 200 * t)
    mean, median = ind.mean_and_median_frequency(x, 1000.0)
    assert mean[0] == pytest.approx(175.0, abs=0.5)
    assert median[0] == pytest.approx(200.0, abs=0.5)
    with pytest.raises(ValueError, match="no power"):
        ind.mean_and_median_frequency(np.zeros(100), 1000.0)


def test_rest_comes_from_the_declared_period_or_a_low_percentile_not_the_median() -> None:
    active = np.full((1000, 1), 50.0)
    active[:300] = 2.0
    assert ind.rest_level(active, 100.0, rest_s=(0.0, 3.0))[0] == 2.0
    assert ind.rest_level(active, 100.0)[0] == 2.0
    with pytest.raises(ValueError, match="below 50"):
        ind.rest_level(active, 100.0, percentile=50)
