"""Expressions are joined with the trials of a session, by the markers that the session writes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.analysis.report.trials import Course, Phase, Trial, course_of, join

SESSION = [
    (1.0, "session begin participant=P01 seed=7 run=1"),
    (9.0, "mvc begin channel=5 repetition=1 attempt=1"),
    (12.0, "mvc end channel=5 repetition=1 attempt=1 peak_uv=310.0 accepted=yes"),
    (12.6, "mvc level channel=5 mvc_uv=310.0 rule=maximum n=1"),
    (30.0, "baseline begin"),
    (40.0, "baseline end"),
    (40.0, "clip begin trial=1 clip=joy1 emotion=happiness"),
    (40.2, "clip shown trial=1"),
    (47.5, "key L trial=1"),
    (60.0, "clip end trial=1"),
    (63.0, "rating trial=1 value=0"),
    (63.0, "gap begin"),
    (73.0, "gap end"),
    (73.0, "clip begin trial=2 clip=sad1 emotion=sadness"),
    (80.0, "pause begin"),
    (85.0, "pause end"),
    (90.0, "clip broken off trial=2"),
    (90.0, "session interrupted"),
]


def test_each_moment_of_a_session_has_its_phase() -> None:
    course = course_of(SESSION, 100.0)
    at_s = {
        0.5: Phase.BETWEEN,
        2.0: Phase.PART_A,  # the movement is tried before it is asked for
        10.0: Phase.PART_A,
        29.9: Phase.PART_A,
        35.0: Phase.REST,
        40.1: Phase.BETWEEN,  # told to play, not yet shown
        50.0: Phase.CLIP,
        61.0: Phase.BETWEEN,
        70.0: Phase.REST,
        75.0: Phase.CLIP,
        82.0: Phase.PAUSE,
        86.0: Phase.CLIP,
        95.0: Phase.BETWEEN,
    }
    assert {time_s: course.phase(time_s) for time_s in at_s} == at_s


def test_trials_have_clip_emotion_keys_and_rating() -> None:
    first, second = course_of(SESSION, 100.0).trials
    assert first == Trial(1, "joy1", "happiness", 40.2, 60.0, 1, True, (47.5,), 0)
    assert second == Trial(2, "sad1", "sadness", 73.0, 90.0, 1, False, (), None)


def test_a_rating_of_a_later_run_is_taken_from_outside_for_clips_that_were_seen_whole() -> None:
    unrated = [mark for mark in SESSION if not mark[1].startswith("rating")]
    first, second = course_of(unrated, 100.0, {1: 6, 2: 3}).trials
    assert (first.rating, second.rating) == (6, None)
    assert course_of(SESSION, 100.0, {1: 6}).trials[0].rating == 0  # what it says itself counts


def test_an_expression_belongs_to_the_clip_in_which_it_begins() -> None:
    intervals = [(9.5, 11.0), (40.0, 41.0), (59.9, 60.5), (60.0, 60.4)]
    a, before, last, behind = join(intervals, course_of(SESSION, 100.0))
    assert (a.phase, a.trial) == (Phase.PART_A, None)
    assert (before.trial, behind.trial) == (None, None)
    assert last.trial is not None
    assert last.trial.clip == "joy1"
    assert last.since_clip_s == pytest.approx(19.7)
    assert math.isnan(before.since_clip_s)


def test_a_key_answers_the_expression_before_it_on_all_its_channels_and_none_long_over() -> None:
    course = course_of(SESSION, 100.0)  # the key comes at 47.5
    early, one, other_channel, later = join(
        [(44.0, 44.3), (46.0, 46.9), (46.5, 46.8), (48.0, 48.3)], course
    )
    assert one.key_after_s == pytest.approx(1.5)
    assert other_channel.key_after_s == pytest.approx(1.0)
    assert math.isnan(early.key_after_s)
    assert math.isnan(later.key_after_s)
    (too_old,) = join([(44.0, 45.4)], course)
    assert math.isnan(too_old.key_after_s)
    (just,) = join([(44.0, 45.6)], course)
    assert just.key_after_s == pytest.approx(3.5)


def test_a_clip_that_is_played_again_is_a_trial_twice() -> None:
    marks = [
        (1.0, "session resumed participant=P01 seed=7 run=2"),
        (5.0, "baseline begin"),
        (9.0, "clip begin trial=4 clip=joy1 emotion=happiness"),
        (11.0, "clip broken off trial=4"),
        (20.0, "clip begin trial=4 clip=joy1 emotion=happiness attempt=2"),
        (30.0, "clip end trial=4"),
        (31.0, "rating trial=4 value=8"),
    ]
    course = course_of(marks, 40.0)
    assert [(one.attempt, one.is_whole, one.rating) for one in course.trials] == [
        (1, False, None),
        (2, True, 8),
    ]
    assert course.phase(3.0) is Phase.BETWEEN  # no contraction was asked for: no part A


def test_a_recording_cut_out_of_part_a_is_part_a_up_to_the_baseline() -> None:
    marks = [(3.0, "mvc end channel=5 repetition=1 attempt=1"), (8.0, "baseline begin")]
    course = course_of(marks, 20.0)
    assert [course.phase(at_s) for at_s in (1.0, 5.0, 9.0)] == [
        Phase.PART_A,
        Phase.PART_A,
        Phase.REST,
    ]


def test_marks_that_are_of_no_session_say_nothing() -> None:
    course = course_of([(1.0, "smile"), (2.0, "rest begin")], 10.0)
    assert course == Course()
    assert join([(1.0, 2.0)], course)[0].phase is Phase.UNKNOWN


NAMES = [*sorted({text for _, text in SESSION}), "key =", "clip begin trial=x", "rating trial=1"]


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(NAMES)), max_size=30))
def test_markers_in_any_order_give_trials_in_order_that_do_not_overlap(marks: list) -> None:
    course = course_of(marks, 100.0)
    edges = [edge for one in course.trials for edge in (one.begin_s, one.end_s)]
    assert edges == sorted(edges)
    for joined in join([(at_s, at_s + 0.3) for at_s, _ in marks], course):
        assert (joined.trial is None) == math.isnan(joined.since_clip_s)
        assert math.isnan(joined.key_after_s) or joined.key_after_s >= 0
