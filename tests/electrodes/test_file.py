"""The check as JSON, and the last one of a board as a file."""

import copy
import datetime as dt
import functools
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgrig
from emgrig.calibration.certificate.certificate import NamedBoard
from emgrig.electrodes import (
    ContactCheck,
    ContactSettings,
    Light,
    Limits,
    check_contact,
    last_check,
    save_check,
)
from emgrig.electrodes.check_file import default_folder
from emgrig.errors import RecordingError

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def make(query: str, *channels: int, now: dt.datetime = NOW) -> ContactCheck:
    with emgrig.connect(f"sim:{query}") as board:
        return check_contact(board, ContactSettings(channels=channels or None), now=now)


@functools.cache
def the_check() -> ContactCheck:
    """Return one check that many tests look at."""
    return make(
        "seed=5&fault=electrode-poor:channel=2,side=n,kohm=45&fault=electrode-off:channel=3"
    )


LEAVES = ("electrodes", "channels", "bias", "conditions", "board")


def content() -> dict[str, object]:
    return json.loads(json.dumps(the_check().to_json(), allow_nan=False))  # type: ignore[no-any-return]


@pytest.mark.slow
def test_it_has_the_keys_that_its_readers_want() -> None:
    found = content()
    assert found["format"] == "emgrig contact 1"
    assert found["board"] == {"serial_number": "SIM-0005", "is_simulated": True}
    assert found["made_utc"] == "2026-05-01T12:00:00+00:00"
    electrodes = {one["electrode"]: one for one in found["electrodes"]}  # type: ignore[attr-defined]
    poor = electrodes["c2n"]
    assert poor["light"] == "red"
    assert poor["finding"] == "high"
    assert poor["advice"].startswith("clean skin, new gel at c2 negative: ")
    assert poor["impedance_u_ohm"] > 0
    assert poor["series_ohm"] == 2200.0
    assert electrodes["c3p"]["finding"] == "open"
    assert electrodes["c3p"]["impedance_ohm"] is None
    assert found["findings"] == list(the_check().findings)
    assert found["registers_proved"] is True
    assert found["bias"] == {"light": "green", "is_off": False, "advice": ""}
    channel = found["channels"][0]  # type: ignore[index]
    assert channel["band_hz"] == [20.0, 450.0]
    assert found["conditions"]["limits"]["green_ohm"] == 10000.0  # type: ignore[index]
    assert found["conditions"]["current_is_calibrated"] is False  # type: ignore[index]


def test_it_comes_back_as_it_was() -> None:
    assert ContactCheck.from_json(content()) == the_check()


@pytest.mark.slow
@given(data=st.data())
def test_damaged_json_is_refused_or_still_a_check(data: st.DataObject) -> None:
    """Any leaf or branch replaced or taken away: a ValueError of one line, or a whole check."""
    damaged = copy.deepcopy(content())
    place: object = damaged
    while True:
        assert isinstance(place, dict | list)
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        if isinstance(place, dict) and data.draw(st.booleans()):
            del place[key]
        else:
            junk = [None, "", "x", -1, 10**400, 1e308, math.nan, True, [], {}, [1, 2, 3]]
            place[key] = data.draw(st.sampled_from(junk))
        break
    said = "none"
    try:
        json.dumps(ContactCheck.from_json(damaged).to_json(), allow_nan=False)
    except ValueError as error:
        said = str(error)
    assert said
    assert "\n" not in said
    assert "Out of range float" not in said  # NaN must not come through


@pytest.mark.parametrize("value", [None, [], "text", 3, {}, {"format": "emgrig contact 2"}])
def test_what_is_no_check_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"format is .*; 'emgrig contact 1' was expected"):
        ContactCheck.from_json(value)


# Files.


def find(folder: Path, now: dt.datetime = LATER, *, simulated: bool = True) -> ContactCheck | None:
    return last_check("SIM-0005", is_simulated=simulated, now=now, folder=folder)


def test_the_last_check_is_found_and_only_by_its_own_board(tmp_path: Path) -> None:
    path = save_check(the_check(), tmp_path)
    assert path == tmp_path / "board-SIM-0005.json"
    assert find(tmp_path) == the_check()
    assert find(tmp_path, simulated=False) is None
    assert last_check("SIM-0006", is_simulated=True, now=LATER, folder=tmp_path) is None
    assert list(tmp_path.iterdir()) == [path]


def test_an_old_check_is_none_and_so_is_one_from_the_future(tmp_path: Path) -> None:
    save_check(the_check(), tmp_path)
    assert find(tmp_path, NOW + dt.timedelta(hours=11.9)) is not None
    assert find(tmp_path, NOW + dt.timedelta(hours=12.1)) is None
    assert find(tmp_path, NOW - dt.timedelta(hours=1)) is None


def test_a_damaged_file_is_one_line_and_is_replaced(tmp_path: Path) -> None:
    path = save_check(the_check(), tmp_path)
    for text in ("", "{", "[]", "\xff", path.read_text("utf-8")[:500], "[" * 100_000):
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(RecordingError, match=r"board-SIM-0005\.json") as caught:
            find(tmp_path)
        assert "\n" not in str(caught.value)
    save_check(the_check(), tmp_path)
    assert find(tmp_path) == the_check()


def test_a_serial_number_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    path = save_check(replace(the_check(), board=NamedBoard("../../x", True)), tmp_path / "contact")
    assert path.parent == tmp_path / "contact"


@pytest.mark.slow
def test_a_check_of_one_channel_is_put_into_the_one_before(tmp_path: Path) -> None:
    """c2 was prepared again; the others keep their values and the time of them."""
    save_check(the_check(), tmp_path)
    save_check(make("seed=5", 2, now=LATER), tmp_path)
    both = find(tmp_path)
    assert both is not None
    assert both.made_utc == LATER
    assert [one.electrode for one in both.electrodes] == [
        one.electrode for one in the_check().electrodes
    ]
    by_id = {one.electrode: one for one in both.electrodes}
    assert by_id["c2n"].light is not Light.RED
    assert by_id["c2n"].made_utc == LATER
    assert by_id["c1p"] == the_check().electrodes[0]
    assert [one.channel for one in both.channels] == [1, 2, 3, 4, 5, 6, 7]
    assert both.findings == ("c3 positive is open: press it on, check its lead and plug",)


@pytest.mark.slow
def test_what_is_older_than_half_a_day_is_not_carried_on(tmp_path: Path) -> None:
    save_check(the_check(), tmp_path)
    save_check(make("seed=5", 2, now=NOW + dt.timedelta(hours=11)), tmp_path)
    end = NOW + dt.timedelta(hours=13)
    save_check(make("seed=5", 4, now=end), tmp_path)
    found = find(tmp_path, end)
    assert found is not None
    assert [one.channel for one in found.channels] == [2, 4]


@pytest.mark.slow
def test_lights_by_other_limits_are_not_mixed(tmp_path: Path) -> None:
    save_check(the_check(), tmp_path)
    newer = make("seed=5", 2, now=LATER)
    conditions = replace(newer.conditions, limits=Limits(green_ohm=5e3))
    save_check(replace(newer, conditions=conditions), tmp_path)
    found = find(tmp_path)
    assert found is not None
    assert {one.channel for one in found.electrodes} == {2}


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "emgrig" / "contact"
