import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.hil_tests.diagnosis.fact_words import told
from emgrig.hil_tests.judging.check import CheckInfo, Layer, check, info_of
from emgrig.hil_tests.judging.limits import Limit, LimitTable
from emgrig.hil_tests.judging.measurement import (
    Measure,
    Measurement,
    Outcome,
    Reading,
    Samples,
    arrays_of,
    judge,
    of_arrays,
    show,
    worst,
)

TABLE = LimitTable(
    {
        "noise": Limit(low=0.5, high=2.0, marginal_high=1.3, source="ours"),
        "answer": Limit(allowed=("yes",), source="ours"),
        "supply": Limit(low=2.0, high=8.0, marginal_low=3.0, marginal_high=7.0, source="ours"),
        "least": Limit(low=2.0, marginal_low=3.0, source="ours"),
        "count": Limit(allowed=(4, 6, 8), source="ours"),
    },
    {"noise": "uV", "answer": "", "supply": "V", "least": "dB", "count": "1"},
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


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (1.99, Outcome.FAIL),
        (2.0, Outcome.MARGINAL),
        (2.99, Outcome.MARGINAL),
        (3.0, Outcome.PASS),
        (7.0, Outcome.PASS),
        (7.01, Outcome.MARGINAL),
        (8.0, Outcome.MARGINAL),
        (8.01, Outcome.FAIL),
        (2, Outcome.MARGINAL),
        (-math.inf, Outcome.FAIL),
    ],
)
def test_a_value_near_its_lower_limit_is_marginal_as_one_near_the_upper(
    value: float, outcome: Outcome
) -> None:
    assert Measure(TABLE)("supply", value, "V") is outcome
    if value < 7:
        assert Measure(TABLE)("least", value, "dB") is outcome
    else:
        assert Measure(TABLE)("least", value, "dB") is Outcome.PASS


@pytest.mark.slow
@given(st.floats(allow_nan=False), st.floats(0, 10), st.floats(0, 10))
def test_nothing_passes_that_lies_outside(value: float, below: float, above: float) -> None:
    limit = Limit(low=-below, high=above)
    assert (judge(value, limit) is Outcome.PASS) == (-below <= value <= above)


def test_a_word_passes_only_if_it_is_allowed() -> None:
    measure = Measure(TABLE)
    assert measure("answer", "yes", "") is Outcome.PASS
    assert Measure(TABLE)("answer", "perhaps", "") is Outcome.FAIL
    assert Measure(TABLE)("supply", "4 V", "V") is Outcome.FAIL  # a word lies inside no bounds


def test_a_number_passes_only_if_it_is_allowed() -> None:
    assert Measure(TABLE)("count", 6) is Outcome.PASS
    assert Measure(TABLE)("count", 5) is Outcome.FAIL
    assert Measure(TABLE)("count", math.nan) is Outcome.NOT_MEASURED


def test_channels_make_one_measurement_with_the_worst_outcome() -> None:
    measure = Measure(TABLE)
    for channel, value in enumerate((1.0, 1.5, 9.0), start=1):
        measure("noise", value, "uV", channel=channel)
    made = measure.measurements["noise"]
    assert [r.outcome for r in made.readings] == ["pass", "marginal", "fail"]
    assert made.outcome is measure.outcome is Outcome.FAIL
    assert made.describe_worst() == "noise on channel 3 is 9 µV; limit 0.5 to 2 µV"
    assert made.values == {1: 1.0, 2: 1.5, 3: 9.0}
    measure("noise", 8.0, "uV", channel=7)
    assert made.describe_worst() == "noise on channel 3, 7 is 9 µV; limit 0.5 to 2 µV"


def test_what_is_wrong_is_said_without_a_channel_too() -> None:
    measure = Measure(TABLE)
    measure("supply", None, "V", note="no meter")
    made = measure.measurements["supply"]
    assert made.describe_worst() == "supply is not measured (no meter); limit 2 to 8 V"
    assert made.readings == [Reading(None, Outcome.NOT_MEASURED, None, "no meter")]
    never = Measurement("never_seen", "uV", Limit(high=1))
    assert never.outcome is Outcome.NOT_MEASURED
    assert never.describe_worst().startswith("never seen is nothing; limit ")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "uV", "not measured"),
        (True, "1", "yes"),
        (False, "1", "no"),
        ("a word", "uV", "a word"),
        (1.23456, "uV", "1.235 µV"),
        (123456.0, "1", "1.235e+05"),
        (123456, "1", "123456"),
        (7, "", "7"),
        (0.5, "s", "0.5 s"),
    ],
)
def test_a_value_is_shown_with_its_unit(value: float | None, unit: str, text: str) -> None:
    assert show(value, unit) == text


def test_samples_add_up() -> None:
    total = Samples(1, 20, 300) + Samples(4000, 50_000, 600_000)
    assert total == Samples(4001, 50_020, 600_300)
    assert str(total) == "4001 used, 50020 lost, 600300 rejected"
    assert Samples() == Samples(0, 0, 0)


def test_limits_that_follow_from_a_setting_replace_the_tables() -> None:
    measure = Measure(TABLE)
    outcome = measure("noise_gain_1", 3.0, "uV", low=1, high=9, marginal=(None, 5), limit="noise")
    assert outcome is Outcome.PASS
    assert measure.measurements["noise_gain_1"].limit == Limit(1, 9, None, 5, source="ours")
    assert Measure(TABLE)("noise", 3.0, "any unit", high=2.9) is Outcome.FAIL
    assert Measure(TABLE)("noise", 3.0, "any unit", low=3.1) is Outcome.FAIL
    assert Measure(TABLE)("noise", -5.0, "uV", high=3.0) is Outcome.PASS  # the table's low is gone
    assert Measure(TABLE)("noise", 1.4, "uV", low=1.0) is Outcome.PASS  # its marginal band too
    for value, outcome in ((4.9, Outcome.MARGINAL), (5.0, Outcome.PASS)):
        assert Measure(TABLE)("x", value, low=1, marginal=(5, None)) is outcome


def test_the_reference_that_was_given_last_stays() -> None:
    measure = Measure(TABLE)
    measure("noise", 1.0, "uV", channel=1)
    made = measure.measurements["noise"]
    assert (made.name, made.unit, made.reference) == ("noise", "uV", "")
    measure("noise", 1.0, "uV", channel=2, reference="data sheet")
    measure("noise", 1.0, "uV", channel=3, note="first run")
    assert made.reference == "data sheet"
    assert [reading.note for reading in made.readings] == ["", "", "first run"]
    assert measure.limit("noise") is TABLE.limits["noise"]


def test_scalars_of_numpy_become_numbers_of_python() -> None:
    measure = Measure(TABLE)
    for channel, value in enumerate((np.float64(1.0), np.int32(2), np.bool_(True)), start=1):
        measure("noise", value, "uV", channel=channel)
    kept = [reading.value for reading in measure.measurements["noise"].readings]
    assert kept == [1.0, 2, True]
    assert [type(value) for value in kept] == [float, int, bool]


def test_another_unit_than_the_limits_is_refused() -> None:
    with pytest.raises(ValueError, match="measured in mV, its limit is in uV"):
        Measure(TABLE)("noise", 1.0, "mV")


def test_a_name_cannot_be_measured_twice() -> None:
    measure = Measure(TABLE)
    measure("noise", 1.0, "uV")
    with pytest.raises(ValueError, match="noise: unit uV or channel None does not fit"):
        measure("noise", 2.0, "uV")
    measure("noise", 2.0, "uV", channel=1)
    for unit, channel in (("mV", 2), ("uV", 1)):
        with pytest.raises(ValueError, match=f"noise: unit {unit} or channel {channel} does not"):
            measure("noise", 3.0, unit, channel=channel, low=0.0)


def test_a_whole_and_its_channels_are_no_one_measurement() -> None:
    measure = Measure(TABLE)
    measure("noise", 1.0, "uV", channel=1)
    with pytest.raises(ValueError, match="noise is measured twice in one check"):
        measure("noise", 2.0, "uV")


def test_a_check_without_a_limit_has_measured_nothing() -> None:
    measure = Measure(TABLE)
    assert measure.outcome is Outcome.NOT_MEASURED
    assert measure("something", 3.0, "V", informs=True) is Outcome.PASS
    assert measure.outcome is Outcome.NOT_MEASURED


@pytest.mark.parametrize("value", [3.0, 3, "a word", True])
def test_a_value_without_a_limit_is_an_error_and_says_so(value: float | str) -> None:
    measure = Measure(TABLE)
    measure("noise", 1.0, "uV")
    assert measure("nosie", value, "uV") is Outcome.ERROR
    assert measure.outcome is Outcome.ERROR
    words = measure.measurements["nosie"].describe_worst()
    assert words == "nosie is held against no limit: nosie is in no table of limits"


def test_a_misspelt_limit_and_bounds_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="there is no limit nosie; did you mean 'noise'"):
        Measure(TABLE)("mine", 1.0, "uV", limit="nosie", high=3)
    with pytest.raises(ValueError, match="mine: low 5 is above high 3"):
        Measure(TABLE)("mine", 1.0, "uV", low=5, high=3)
    with pytest.raises(ValueError, match=r"marginal_high 4 lies outside at most 3"):
        Measure(TABLE)("mine", 1.0, "uV", high=3, marginal=(None, 4))


def test_own_limits_can_be_words_or_truth() -> None:
    assert Measure(TABLE)("relay", "open", "", allowed=("open", "shut")) is Outcome.PASS
    assert Measure(TABLE)("relay", "torn", "", allowed=("open", "shut")) is Outcome.FAIL
    assert Measure(TABLE)("relay", False, "", allowed=(True,)) is Outcome.FAIL


def test_the_gravest_outcome_is_the_whole() -> None:
    assert worst([Outcome.PASS, Outcome.SKIPPED]) is Outcome.SKIPPED
    assert worst([Outcome.MARGINAL, Outcome.NOT_MEASURED]) is Outcome.NOT_MEASURED
    assert worst([Outcome.MARGINAL, Outcome.INCOMPLETE]) is Outcome.INCOMPLETE
    assert worst([Outcome.INCOMPLETE, Outcome.FAIL]) is Outcome.FAIL
    assert worst([Outcome.FAIL, Outcome.MARGINAL]) is Outcome.FAIL
    assert worst([]) is Outcome.NOT_MEASURED


def test_arrays_are_packed_with_their_hash_and_come_back() -> None:
    made = of_arrays("codes", {"codes": np.arange(6).reshape(2, 3), "rate_hz": 250.0})
    assert (made.name, made.media_type) == ("codes.npz", "application/x-npz")
    assert made.sha256 == hashlib.sha256(made.data).hexdigest()
    back = arrays_of(made)
    assert back["codes"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert float(back["rate_hz"]) == 250.0
    again = of_arrays("codes", {"codes": np.arange(6).reshape(2, 3), "rate_hz": 250.0})
    assert again.data == made.data  # the same bytes for the same values


def test_the_docstring_of_an_own_check_names_what_it_measures() -> None:
    measure = Measure(TABLE, "AVDD, as each channel reads it")
    measure("u3_output", 5.2, "V", channel=1, low=4.9, high=5.1)
    measure("u3_output", 5.0, "V", channel=2, low=4.9, high=5.1)
    measure("noise", 1.0, "uV")  # the package knows it, by its own name
    made = measure.measurements
    words = "AVDD, as each channel reads it on channel 1 is 5.2 V; limit 4.9 to 5.1 V"
    assert made["u3_output"].describe_worst() == words
    assert made["u3_output"].describe_nearest().startswith("AVDD, as each channel reads it: 5.2 V")
    assert made["noise"].title == "noise"


def test_of_two_own_quantities_each_has_its_name() -> None:
    measure = Measure(TABLE, "AVDD and DVDD")
    measure("u3_output", 5.0, "V", low=4.9, high=5.1)
    measure("u4_output", 3.3, "V", low=3.2, high=3.4)
    titles = [one.title for one in measure.measurements.values()]
    assert titles == ["u3 output", "u4 output"]


def test_a_check_is_about_the_first_line_of_its_docstring() -> None:
    def test_regulator() -> None:
        """AVDD, as each channel reads it.

        More of it.
        """

    declared = check("X9", Layer.SUPPLIES, "regulator")(test_regulator)
    info = info_of(declared)
    assert info is not None
    assert info.about == "AVDD, as each channel reads it"
    assert info == CheckInfo("X9", Layer.SUPPLIES, "regulator")


def test_a_fact_of_an_own_probe_has_the_unit_that_its_name_ends_with() -> None:
    facts = {"u3.die_c": 28.43, "u3.rail_uv": 3.0, "u3.seen": True, "v": 1.0, "u3.failed": "why"}
    assert told(facts) == [
        *(("u3: die", "28.43 °C"), ("u3: rail", "3 µV"), ("u3: seen", "yes"), ("v", "1")),
        ("could not be asked (u3)", "why"),
    ]
