import math

import numpy as np
import pytest

from emgrig.calibration.figures.spectrum import Band
from emgrig.comparison.agreement import (
    amplitude_ratio,
    bland_altman,
    correlation,
    envelope,
    features,
    icc_a1,
    mean_coherence,
)

# Bland and Altman 1986 (Lancet i:307), first readings of peak expiratory flow, l/min
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_bland_and_altmans_own_example_comes_out():
    found = bland_altman(WRIGHT, MINI, is_log=False)
    assert found.bias == pytest.approx(-2.1, abs=0.05)
    assert (found.limit_high - found.limit_low) / 2 / 1.96 == pytest.approx(38.8, abs=0.05)
    # they print the interval of the bias as -22.0 to 17.8, and of the upper limit as 40.9 to 110.1
    # (for the bias ± 2 s, with 3 s²/n where the exact variance is 2.92 s²/n)
    assert found.bias_low == pytest.approx(-22.0, abs=0.1)
    assert found.bias_high == pytest.approx(17.8, abs=0.1)
    assert found.limit_error == pytest.approx((110.1 - 40.9) / 2, rel=0.03)


def test_an_error_that_grows_with_size_is_judged_on_a_log_scale():
    rng = np.random.default_rng(0)
    size = np.geomspace(5, 500, 60)
    found = bland_altman(size * 0.97 * np.exp(0.05 * rng.standard_normal(60)), size)
    assert found.is_log
    assert found.bias == pytest.approx(0.97, abs=0.02)
    assert found.bias_low < 0.97 < found.bias_high
    assert found.limit_low == pytest.approx(0.97 * math.exp(-1.96 * 0.05), abs=0.03)
    even = bland_altman(size + rng.standard_normal(60), size + 1e-3)
    assert not even.is_log


def test_readings_below_zero_have_no_logarithm():
    with pytest.raises(ValueError, match="logarithms need readings > 0"):
        bland_altman([-1, 2, 3, 4, 5], [1, 2, 3, 4, 5], is_log=True)


def test_equal_readings_agree_perfectly():
    found = bland_altman([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    assert (found.bias, found.limit_low, found.limit_high) == (0, 0, 0)
    assert icc_a1([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]).value == pytest.approx(1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("gain", "noise", "n"), [(1.0, 2.0, 30), (0.8, 1.0, 12), (1.0, 30.0, 20)])
def test_somebody_elses_icc_agrees(gain, noise, n):
    pingouin = pytest.importorskip("pingouin", reason="the oracle pingouin is not installed")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(n)
    first = rng.uniform(5, 50, n)
    second = gain * first + noise * rng.standard_normal(n)
    table = pandas.DataFrame(
        {
            "target": np.tile(np.arange(n), 2),
            "rater": np.repeat(["a", "b"], n),
            "value": np.concatenate([first, second]),
        }
    )
    rows = pingouin.intraclass_corr(table, targets="target", raters="rater", ratings="value")
    theirs = rows[rows["Type"].isin(["ICC(A,1)", "ICC2"])].iloc[0]
    ours = icc_a1(first, second)
    assert ours.value == pytest.approx(theirs["ICC"], abs=1e-9)
    low, high = theirs[next(name for name in rows.columns if name.startswith("CI95"))]
    assert (ours.low, ours.high) == (pytest.approx(low, abs=0.006), pytest.approx(high, abs=0.006))


@pytest.mark.parametrize("function", [bland_altman, icc_a1, amplitude_ratio])
@pytest.mark.parametrize(
    ("first", "second"), [([1, 2, 3], [1, 2, 3]), ([1, 2, 3, 4, 5], [1, 2, 3, 4, math.nan])]
)
def test_too_few_or_broken_readings_are_refused(function, first, second):
    with pytest.raises(ValueError, match=r"pairs|NaN"):
        function(first, second)


def test_the_amplitude_ratio_covers_the_truth():
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        power = rng.uniform(1, 100, 30)
        found = amplitude_ratio(
            0.97**2 * power * (1 + 0.02 * rng.standard_normal(30)),
            power * (1 + 0.02 * rng.standard_normal(30)),
        )
        hits += found.contains(0.97)
    assert hits >= 93
    assert found.expanded_uncertainty < 0.01


def test_a_muscle_that_is_quieter_than_at_rest_has_no_ratio():
    with pytest.raises(ValueError, match="not more active than at rest"):
        amplitude_ratio([-1, -1, -1, -1, 1], [1, 1, 1, 1, 1])


def test_features_of_a_sine_are_the_textbooks():
    sine = 10 * np.sin(math.tau * 101 * np.arange(1000) / 1000)
    found = features([sine, 2 * sine], 1000)
    assert found.rms_uv == pytest.approx([10 / math.sqrt(2), 20 / math.sqrt(2)])
    assert found.mav_uv == pytest.approx([20 / math.pi, 40 / math.pi], rel=1e-3)
    assert found.mean_frequency_hz == pytest.approx([101, 101], abs=0.01)
    assert found.median_frequency_hz == pytest.approx([101, 101], abs=0.01)


def test_white_noise_has_its_median_frequency_in_the_middle():
    found = features([np.random.default_rng(0).standard_normal(100_000)], 1000)
    assert found.median_frequency_hz == pytest.approx([250], abs=2)
    assert found.mean_frequency_hz == pytest.approx([250], abs=2)


@pytest.mark.slow
def test_coherence_is_zero_of_strangers_and_the_signals_share_of_power_otherwise():
    rng = np.random.default_rng(1)
    signal, a, b = rng.standard_normal((3, 60_000))
    bands = [Band("low", 20, 100), Band("high", 100, 450)]
    assert mean_coherence(a, b, 1000, bands) == pytest.approx((0, 0), abs=0.005)
    noisy = mean_coherence(signal, signal + 0.5 * a, 1000, bands)
    assert noisy == pytest.approx((0.8, 0.8), abs=0.02)  # 1 / (1 + 0.25)


def test_correlation_is_numpys_and_the_envelope_is_slow():
    a, b = np.random.default_rng(2).standard_normal((2, 1000))
    assert correlation(a, a + b) == pytest.approx(np.corrcoef(a, a + b)[0, 1])
    t = np.arange(4000) / 1000
    beat = np.sin(math.tau * 101 * t) * (1 + 0.5 * np.sin(math.tau * 1 * t))
    inside = slice(500, -500)
    expected = 2 / math.pi * (1 + 0.5 * np.sin(math.tau * 1 * t))
    assert envelope(beat, 1000)[inside] == pytest.approx(expected[inside], abs=0.01)
