import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.analysis.paper.annotations import Expression
from emgrig.analysis.spotting.scoring import (
    intersection_over_union,
    score_as_paper,
    score_clips,
    score_events,
    trivial_answer,
)

interval = st.tuples(st.integers(0, 100), st.integers(1, 100)).map(lambda p: (p[0], p[0] + p[1]))


@pytest.mark.slow
@given(a=interval, b=interval)
def test_iou_equals_counting_samples(a: tuple[int, int], b: tuple[int, int]) -> None:
    first, second = set(range(*a)), set(range(*b))
    expected = len(first & second) / len(first | second)
    assert intersection_over_union(np.array([a]), np.array([b]))[0, 0] == pytest.approx(expected)


def test_the_trivial_answer_beats_table_7_in_every_line(expressions: list[Expression]) -> None:
    lengths = np.array([e.duration_ms + 1000 for e in expressions])
    truth = np.stack([np.full(lengths.size, 500), lengths - 500], axis=1)
    scores = score_as_paper(trivial_answer(lengths), truth)
    assert scores.n_missed == 0
    assert (scores.mean_overlap, scores.share_above_half) == (1.0, 1.0)
    assert scores.onset_mean_s == pytest.approx(0.2)
    assert scores.onset_rmse_s == pytest.approx(0.2)
    assert scores.offset_mean_s == pytest.approx(0.2)
    assert scores.offset_rmse_s == pytest.approx(0.2)
    assert score_clips(trivial_answer(lengths), truth).mean_iou == pytest.approx(0.538, abs=5e-4)
    whole = np.stack([np.zeros_like(lengths), lengths], axis=1)
    assert score_clips(whole, truth).mean_iou == pytest.approx(0.338, abs=5e-4)


def test_the_papers_overlap_hides_what_iou_and_signed_errors_show() -> None:
    truth = np.array([[500, 800], [500, 800], [500, 800]])
    detected = np.array([[400, 1000], [600, 700], [-1, -1]])
    paper, ours = score_as_paper(detected, truth), score_clips(detected, truth)
    assert (paper.n_missed, paper.mean_overlap) == (1, 1.0)
    assert paper.share_above_half == pytest.approx(2 / 3)
    assert (paper.onset_mean_s, paper.onset_se_s) == (pytest.approx(0.1), pytest.approx(0.0))
    assert ours.mean_iou == pytest.approx((0.5 + 1 / 3) / 3)
    assert ours.onset_bias_s == pytest.approx(0.0)
    assert ours.offset_bias_s == pytest.approx(0.05)


@pytest.mark.slow
@given(st.lists(st.tuples(interval, interval), min_size=3, max_size=20))
def test_the_papers_se_follows_from_its_mean_and_rmse(
    pairs: list[tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    detected = np.array([p[0] for p in pairs])
    scores = score_as_paper(detected, np.array([p[1] for p in pairs]))
    n = len(pairs)
    square = max(0.0, scores.onset_rmse_s**2 - scores.onset_mean_s**2)
    assert scores.onset_se_s == pytest.approx(np.sqrt(square / (n - 1)), abs=1e-9)


def test_nothing_detected_has_no_mean() -> None:
    nothing = np.full((3, 2), -1)
    truth = np.array([[1, 2]] * 3)
    assert np.isnan(score_as_paper(nothing, truth).mean_overlap)
    assert score_clips(nothing, truth).mean_iou == 0


def test_events_are_matched_one_to_one_and_rest_is_counted() -> None:
    true = np.array([[10.0, 11.0], [20.0, 20.4]])
    found = np.array([[10.1, 10.5], [10.5, 11.1], [20.0, 20.4], [40.0, 41.0]])
    scores = score_events([(found, true, 61.4)], least_iou=0.4)
    assert (scores.n_true, scores.n_detected, scores.n_matched) == (2, 4, 2)
    assert (scores.recall, scores.precision) == (1.0, 0.5)
    assert scores.false_alarms_per_min == pytest.approx(1.0)
    assert scores.mean_iou == pytest.approx((0.5 / 1.1 + 1) / 2)
    assert scores.onset_bias_s == pytest.approx(0.25)


def test_a_recording_of_rest_only_counts_false_alarms() -> None:
    scores = score_events([(np.array([[1.0, 2.0]]), np.empty((0, 2)), 120.0)])
    assert scores.false_alarms_per_min == pytest.approx(0.5)
    assert np.isnan(scores.recall)


@pytest.mark.parametrize(
    ("true", "message"),
    [
        ([[2.0, 1.0]], "reversed"),
        ([[1.0, 1.0]], "reversed"),
        ([[1.0, 3.0], [2.0, 4.0]], "overlap"),
        ([[1.0, 99.0]], "outside"),
        ([[1.0, np.nan]], "not a number"),
    ],
)
def test_truth_that_cannot_be_is_refused(true: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score_events([(np.empty((0, 2)), np.array(true), 60.0)])


def test_a_clip_too_short_for_the_trivial_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="no longer than"):
        trivial_answer(np.array([600]))
