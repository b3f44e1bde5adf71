import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.hil_tests.judging.limits import Limit, LimitTable
from emgrig.hil_tests.judging.measurement import Measure, Outcome, judge, worst

TABLE = LimitTable(
    {
        "noise": Limit(low=0.5, high=2.0, marginal_high=1.3, source="ours"),
        "answer": Limit(allowed=("yes",), source="ours"),
    },
    {"noise": "uV", "answer": ""},
)


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (0.49, Outcome.FAIL),
        (0.5, Outcome.PASS),
        (1.3, Outcome.PASS),
        (1.31, Outcome.MARGINAL),
        (2.0, Outcome.MARGINAL),
        (2.01, Outcome.FAIL),
        (math.nan, Outcome.NOT_MEASURED),
        (math.inf, Outcome.FAIL),
        (None, Outcome.NOT_MEASURED),
    ],
)
def test_a_value_is_judged_by_its_limits(value: float | None, outcome: Outcome) -> None:
    assert Measure(TABLE)("noise", value, "uV") is outcome


@given(st.floats(allow_nan=False), st.floats(0, 10), st.floats(0, 10))
def test_nothing_passes_that_lies_outside(value: float, below: float, above: float) -> None:
    limit = Limit(low=-below, high=above)
    assert (judge(value, limit) is Outcome.PASS) == (-below <= value <= above)


def test_a_word_passes_only_if_it_is_allowed() -> None:
    measure = Measure(TABLE)
    assert measure("answer", "yes", "") is Outcome.PASS
    assert Measure(TABLE)("answer", "perhaps", "") is Outcome.FAIL


def test_channels_make_one_measurement_with_the_worst_outcome() -> None:
    measure = Measure(TABLE)
    for channel, value in enumerate((1.0, 1.5, 9.0), start=1):
        measure("noise", value, "uV", channel=channel)
    made = measure.measurements["noise"]
    assert [r.outcome for r in made.readings] == ["pass", "marginal", "fail"]
    assert made.outcome is measure.outcome is Outcome.FAIL
    assert made.describe_worst() == "noise on channel 3 is 9 uV; limit 0.5 to 2 uV"


def test_limits_that_follow_from_a_setting_replace_the_tables() -> None:
    measure = Measure(TABLE)
    outcome = measure("noise_gain_1", 3.0, "uV", low=1, high=9, marginal=(None, 5), limit="noise")
    assert outcome is Outcome.PASS
    assert measure.measurements["noise_gain_1"].limit.source == "ours"


def test_another_unit_than_the_limits_is_refused() -> None:
    with pytest.raises(ValueError, match="measured in mV, its limit is in uV"):
        Measure(TABLE)("noise", 1.0, "mV")


def test_a_name_cannot_be_measured_twice() -> None:
    measure = Measure(TABLE)
    measure("noise", 1.0, "uV")
    with pytest.raises(ValueError, match="noise"):
        measure("noise", 2.0, "uV")


def test_a_check_without_a_limit_has_measured_nothing() -> None:
    measure = Measure(TABLE)
    assert measure.outcome is Outcome.NOT_MEASURED
    measure("something", 3.0, "V")
    assert measure.outcome is Outcome.NOT_MEASURED


def test_the_gravest_outcome_is_the_whole() -> None:
    assert worst([Outcome.PASS, Outcome.SKIPPED]) is Outcome.SKIPPED
    assert worst([Outcome.MARGINAL, Outcome.PASS, Outcome.NOT_MEASURED]) is Outcome.MARGINAL
    assert worst([Outcome.FAIL, Outcome.MARGINAL]) is Outcome.FAIL
    assert worst([]) is Outcome.NOT_MEASURED
