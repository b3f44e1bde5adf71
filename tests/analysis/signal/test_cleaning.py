import numpy as np
import pytest

from emgrig.analysis.signal.cleaning import (
    baseline_corrected,
    equalise,
    period,
    remove_mains,
    z_score,
)


def test_mains_and_harmonics_go_and_the_rest_stays() -> None:
    t = np.arange(20_000) / 1000
    wanted = np.sin(2 * np.pi * 83 * t)
    mains = sum(30 * np.sin(2 * np.pi * 50 * k * t + k) for k in (1, 2, 3, 5))
    clean = remove_mains(wanted + mains, 1000.0)[:, 0]
    assert np.abs(clean - wanted)[3000:-3000].max() < 0.02


def test_sixty_hertz_is_left_by_a_fifty_hertz_notch() -> None:
    t = np.arange(20_000) / 1000
    tone = np.sin(2 * np.pi * 60 * t)
    assert np.std(remove_mains(tone, 1000.0, mains_hz=50)) > 0.65
    assert np.std(remove_mains(tone, 1000.0, mains_hz=60)[3000:-3000]) < 0.01


def test_the_notch_keeps_gaps() -> None:
    x = np.random.default_rng(0).normal(size=20_000)
    x[9000:9010] = np.nan
    clean = remove_mains(x, 1000.0)
    assert np.isnan(clean[9000:9010]).all()
    assert np.isfinite(clean).sum() == 19_990


def test_a_notch_the_rate_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        remove_mains(np.zeros(1000), 100.0, mains_hz=50)
    with pytest.raises(ValueError, match="longer than"):
        remove_mains(np.zeros(100), 1000.0)


def test_the_equaliser_undoes_a_known_droop_in_step() -> None:
    t = np.arange(4000) / 1000
    tone = np.sin(2 * np.pi * 200 * t)
    droop = np.array([0.1, 0.8, 0.1])  # 0.8 + 0.2 cos(w): at 200 Hz 0.8618
    inverse = np.array([-0.1, 1.2, -0.1])
    gain = 0.8 + 0.2 * np.cos(2 * np.pi * 0.2)
    up = 1.2 - 0.2 * np.cos(2 * np.pi * 0.2)
    out = equalise(equalise(tone, droop), inverse)[:, 0]
    np.testing.assert_allclose(out[2:-2], gain * up * tone[2:-2], atol=1e-12)
    assert np.isnan(out[[0, 1, -2, -1]]).all()


@pytest.mark.parametrize("fir", [np.ones(4), np.array([1.0, 2.0, 3.0]), np.ones((3, 3))])
def test_a_filter_without_linear_phase_is_refused(fir: np.ndarray) -> None:
    with pytest.raises(ValueError, match="linear phase"):
        equalise(np.zeros(100), fir)


def test_a_record_shorter_than_the_equaliser_is_refused() -> None:
    with pytest.raises(ValueError, match="as long as the filter"):
        equalise(np.zeros(5), np.ones(7))


def test_z_scores_are_within_muscle_and_subject() -> None:
    scores = z_score(np.array([1.0, 2.0, 3.0, 10.0, 30.0, 7.0]), ["a", "a", "a", "b", "b", "c"])
    np.testing.assert_allclose(scores[:5], [-1, 0, 1, -(2**-0.5), 2**-0.5])
    assert np.isnan(scores[5])


def test_z_scores_of_a_group_that_does_not_vary_are_no_numbers() -> None:
    assert np.isnan(z_score(np.ones(4), ["a"] * 4)).all()


def test_the_baseline_is_taken_off_each_channel() -> None:
    x = np.array([[1.0, 10.0], [3.0, 10.0], [8.0, 20.0], [8.0, np.nan]])
    expected = [[-1, 0], [1, 0], [6, 10], [6, np.nan]]
    np.testing.assert_array_equal(baseline_corrected(x, 1.0, (0.0, 2.0)), expected)


@pytest.mark.parametrize("interval", [(2.0, 1.0), (1.0, 1.0), (-1.0, 1.0), (3.0, 9.0)])
def test_a_period_that_is_none_is_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="empty, reversed or outside"):
        period(interval, 1.0, 5)
