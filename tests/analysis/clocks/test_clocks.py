import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.analysis.clocks.robust_line import fit_clock_map
from emgrig.analysis.paper.annotations import Expression
from emgrig.analysis.paper.clock_report import clock_reports, clock_summary
from properties import examples


@pytest.mark.slow
def test_the_annotations_show_what_the_review_reports(expressions: list[Expression]) -> None:
    """Expected: emg.md 1.4."""
    s = clock_summary(expressions)
    assert s.median_offset_s == pytest.approx(2.685, abs=5e-4)
    assert (s.least_offset_s, s.most_offset_s) == (
        pytest.approx(1.41, abs=5e-3),
        pytest.approx(20.38, abs=5e-3),
    )
    assert s.n_recordings_with_pairs == 79
    assert s.median_range_s == pytest.approx(0.072, abs=5e-4)
    assert s.most_range_s == pytest.approx(1.57, abs=5e-3)
    assert s.share_within_a_frame == pytest.approx(0.36, abs=5e-3)
    assert s.share_within_100_ms == pytest.approx(0.79, abs=5e-3)
    assert s.share_of_jumps == pytest.approx(0.099, abs=5e-4)
    assert (s.n_jumps, s.jumps_ahead) == (14, 10)
    assert s.n_drifts == 26
    assert s.drift_quartiles_ms_per_s == pytest.approx((-0.81, 0.13, 2.8), abs=0.04)
    assert s.reading_noise_median_s == pytest.approx(0.052, abs=5e-4)
    assert s.reading_noise_mad_s == pytest.approx(0.046, abs=5e-4)
    assert s.reading_noise_sd_s == pytest.approx(0.176, abs=5e-4)


def test_single_recordings_drift_and_jump_as_reported(expressions: list[Expression]) -> None:
    reports = {(r.subject, r.video): r for r in clock_reports(expressions)}
    assert reports[6, 1].drift_ms_per_s == pytest.approx(5.9, abs=0.05)
    assert reports[12, 10].drift_ms_per_s == pytest.approx(12.6, abs=0.05)
    assert reports[5, 16].n_jumps == 1
    assert reports[3, 11].range_s == pytest.approx(0.69, abs=5e-3)


@pytest.mark.slow
@examples(25)
@given(
    offset=st.floats(-20, 20),
    drift=st.floats(-0.01, 0.01),
    n=st.integers(40, 120),
    seed=st.integers(0, 99),
)
def test_a_known_line_is_found_and_inverted(offset: float, drift: float, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    emg = np.sort(rng.uniform(0, 120, n))
    fitted = fit_clock_map(emg, emg * (1 + drift) + offset + rng.normal(scale=0.01, size=n))
    assert fitted.n_jumps == 0
    assert fitted.is_drift_told
    np.testing.assert_allclose(fitted.video_s(emg), emg * (1 + drift) + offset, atol=0.02)
    np.testing.assert_allclose(fitted.emg_s(fitted.video_s(emg)), emg, atol=1e-9)


def test_a_jump_is_found_where_samples_were_lost_and_outliers_are_not() -> None:
    rng = np.random.default_rng(0)
    emg = np.arange(0, 100, 0.25)
    video = emg + 3 + 1.2 * (emg >= 40) + rng.normal(scale=0.01, size=emg.size)
    video[[50, 200]] += 5  # misread
    fitted = fit_clock_map(emg, video)
    assert fitted.n_jumps == 1
    assert fitted.starts_s[1] == pytest.approx(39.9, abs=0.3)
    assert fitted.video_s(np.array([10.0, 90.0])) == pytest.approx([13.0, 94.2], abs=0.02)
    assert fitted.emg_s(np.array([13.0, 94.2])) == pytest.approx([10.0, 90.0], abs=0.02)
    # Video between the two stretches has no EMG time: it maps to the moment of the jump.
    assert fitted.emg_s(np.array([43.5]))[0] == pytest.approx(fitted.starts_s[1], abs=1e-6)


def test_two_events_give_an_offset_and_no_drift() -> None:
    fitted = fit_clock_map(np.array([10.0, 50.0]), np.array([12.5, 52.6]))
    assert fitted.drift == 0
    assert not fitted.is_drift_told
    assert fitted.offsets_s == pytest.approx([2.55])
    assert fitted.residuals_s == pytest.approx([-0.05, 0.05])


@pytest.mark.parametrize(
    ("emg", "video"), [([], []), ([1.0], [1.0, 2.0]), ([np.nan], [1.0]), ([[1.0]], [[1.0]])]
)
def test_pairs_that_are_none_are_refused(emg: list[float], video: list[float]) -> None:
    with pytest.raises(ValueError):
        fit_clock_map(np.array(emg), np.array(video))
