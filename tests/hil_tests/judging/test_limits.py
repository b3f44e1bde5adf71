from importlib.resources import files
from pathlib import Path

import pytest

from emgrig.errors import RecordingError
from emgrig.filemodel import parse_toml, read
from emgrig.hil_tests.judging.limits import Limit, LimitsFile, load_limits


def test_every_packaged_limit_can_fail_and_names_its_source() -> None:
    table = load_limits()
    assert len(table.limits) > 50
    for name, limit in table.limits.items():
        assert limit.is_limit, f"{name} has no bound: no value can fail by it"
        assert limit.source, name
        assert not limit.problem(), name


def test_the_packaged_table_is_one_that_a_user_could_give() -> None:
    """It is taken as it stands; a user's file is held against the model, and so is this one."""
    place = files("emgrig.hil_tests.judging") / "limits.toml"
    read_in_full = read(LimitsFile, parse_toml(place.read_text("utf-8"), "limits.toml"))
    whole = {name: entry.over(Limit()) for name, entry in read_in_full.items()}
    table = load_limits()
    assert repr(table.limits) == repr(whole)  # a float is a float
    assert table.units == {name: entry.unit for name, entry in read_in_full.items()}


def test_marginal_bands_lie_inside_the_limits() -> None:
    for name, limit in load_limits().limits.items():
        for edge in (limit.marginal_low, limit.marginal_high):
            assert edge is None or limit.holds(edge, limit.low, limit.high), name


def test_a_users_file_changes_single_figures_and_it_shows(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[impedance]\nhigh = 50\nmarginal_high = 30\nsource = "our lab"\n')
    table = load_limits(path)
    packaged = load_limits().limits
    assert set(table.overrides) == {"impedance"}
    changed = table.overrides["impedance"]
    assert (changed.high, changed.marginal_high, changed.source) == (50, 30, "our lab")
    assert {n: v for n, v in table.limits.items() if n != "impedance"} == {
        n: v for n, v in packaged.items() if n != "impedance"
    }


def test_a_users_file_adds_limits_of_own_checks(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[u3_output]\nunit = "V"\nlow = 4.9\nhigh = 5.1\nsource = "ours: U3"\n')
    table = load_limits(path)
    assert table.own == {"u3_output"}
    found = table.find("u3_output", "V")
    assert (found.low, found.high, found.source) == (4.9, 5.1, "ours: U3")
    with pytest.raises(ValueError, match="measured in mV, its limit is in V"):
        table.find("u3_output", "mV")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[impedence]\nhigh = 1\n", r"no impedence; did you mean 'impedance'\?"),
        (
            "[nosuch]\nhigh = 1\n",
            r"mine\.toml: there is no nosuch; there are: answering_channel_offset, ",
        ),
        (
            '[impedance]\nhigh = "much"\n',
            r"mine\.toml: impedance\.high is 'much'; a number was expected",
        ),
        ("[impedance]\nhigh = nan\n", "high is nan; a number was expected"),
        ("[impedance]\nhigh = true\n", "high is True; a number was expected"),
        ("[impedance]\nhihg = 1\n", r"no impedance\.hihg; did you mean 'high'\?"),
        ("[impedance]\nlow = 500\n", "low 500 is above high 200"),
        ("[impedance]\nmarginal_high = 300\n", "marginal_high 300 lies outside at most 200"),
        (
            "[avdd]\nmarginal_low = 5.1\nmarginal_high = 5\n",
            "marginal_low 5.1 is above",
        ),
        ('[mine]\nhigh = 1\nunit = "V"\n', "a limit of your own needs another name, unit"),
        ('[impedence]\nhigh = 1\nunit = "kohm"\nsource = "ours"\n', "did you mean 'impedance'"),
        ('[impedance]\nunit = "ohm"\n', "is in kohm, not in ohm"),
        ("impedance = 3\n", r"impedance is 3; a table, \[impedance\], was expected"),
        ("[impedance]\nallowed = 3\n", "impedance.allowed is"),
    ],
)
def test_a_users_file_that_makes_no_sense_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_limits(path)


def test_a_file_that_is_no_toml_or_not_there_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("high: 3")
    with pytest.raises(RecordingError, match=r"mine\.toml is not TOML"):
        load_limits(path)
    with pytest.raises(RecordingError, match="cannot be read"):
        load_limits(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(low=0.5, high=1.3), "0.5 to 1.3 µV"),
        (Limit(high=0), "at most 0 µV"),
        (Limit(low=20), "at least 20 µV"),
        (Limit(low=0, high=0), "exactly 0 µV"),
        (Limit(), "none"),
        (Limit(allowed=(True,)), "yes"),
        (Limit(allowed=("3Eh", 62, False)), "one of 3Eh, 62, no"),
    ],
)
def test_limits_are_said_in_words(limit: Limit, words: str) -> None:
    assert limit.words("uV") == words


def test_a_quantity_without_a_unit_has_none_in_its_words() -> None:
    assert Limit(low=1, high=2).words("1") == Limit(low=1, high=2).words("") == "1 to 2"


@pytest.mark.parametrize(
    ("limit", "is_limit"),
    [
        (Limit(), False),
        (Limit(marginal_low=1.0, marginal_high=2.0), False),
        (Limit(low=0.0), True),
        (Limit(high=0.0), True),
        (Limit(allowed=(0,)), True),
    ],
)
def test_a_value_can_fail_by_bounds_and_by_what_is_allowed(limit: Limit, is_limit: bool) -> None:
    assert limit.is_limit == is_limit


def test_a_user_may_say_what_is_allowed_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[chip_id]\nallowed = ["3Eh"]\n')
    table, packaged = load_limits(path), load_limits()
    assert table.origin == str(path)
    changed = table.find("chip_id", "")
    assert (changed.allowed, changed.source) == (("3Eh",), "user's file mine.toml")
    assert changed.overridden
    assert packaged.find("chip_id", "").allowed != ("3Eh",)
    assert table.find("not in it", "uV") == Limit()
