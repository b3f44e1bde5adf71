import csv

import pytest

import places
from emgrig.calibration.figures.uncertainty import Result
from emgrig.comparison.amplifiers import (
    Amplifier,
    Comparability,
    compare_noise,
    load_amplifiers,
)
from places import ROOT

OURS = Result(0.33, "uV", 0.002, 60_000)
SHARED = places.SHARED / "amplifiers.csv"
HEADER = "id,name,maker,status,noise_value,noise_unit,noise_kind,noise_lo_hz,noise_hi_hz,source\n"


def amplifier(**changed: object) -> Amplifier:
    fields: dict[str, object] = {
        "id": "x", "name": "X", "maker": "M", "status": "C", "noise_uv": 1.0, "noise_kind": "rms",
        "is_limit": False, "low_hz": 20.0, "high_hz": 450.0, "density_nv_per_rthz": None,
        "condition": "shorted", "source": "a page",
    }  # fmt: skip
    return Amplifier(**(fields | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "expected", "uv"),
    [
        ({}, Comparability.SAME_CONDITION, 1.0),
        ({"low_hz": 19.0, "high_hz": 480.0}, Comparability.SAME_CONDITION, 1.0),
        ({"low_hz": 10.0, "high_hz": 500.0}, Comparability.CONVERTED, (430 / 490) ** 0.5),
        ({"noise_kind": "pp", "noise_uv": 6.6}, Comparability.CONVERTED, 1.0),
        ({"is_limit": True}, Comparability.LIMIT_ONLY, 1.0),
        ({"noise_uv": None}, Comparability.NOT_COMPARABLE, None),
        ({"low_hz": None}, Comparability.NOT_COMPARABLE, None),
        ({"high_hz": 100.0, "low_hz": 0.1}, Comparability.NOT_COMPARABLE, None),
        ({"status": "U"}, Comparability.NOT_COMPARABLE, None),
        ({"is_limit": True, "high_hz": 70.0}, Comparability.NOT_COMPARABLE, None),
    ],
)
def test_each_rule_decides_how_far_two_figures_compare(changed, expected, uv):
    (line,) = compare_noise(OURS, [amplifier(**changed)])
    assert line.comparability is expected
    assert line.theirs_uv_rms == (None if uv is None else pytest.approx(uv))
    assert line.reason
    assert line.ours is OURS


def test_a_peak_to_peak_figure_comes_with_its_range():
    (line,) = compare_noise(OURS, [amplifier(noise_kind="pp", noise_uv=6.0)])
    assert line.theirs_range_uv_rms == pytest.approx((6 / 8, 1.0))
    assert "number of samples" in line.reason


def test_what_others_quote_and_what_is_extrapolated_is_said():
    (line,) = compare_noise(OURS, [amplifier(status="S", low_hz=0.0, high_hz=250.0)])
    assert "quoted by others" in line.reason
    assert "extrapolated beyond the 250 Hz" in line.reason


def test_the_packaged_rows_convert_to_the_figure_that_the_table_itself_gives():
    text = ROOT / "src/emgrig/comparison/amplifiers.csv"
    with text.open(encoding="utf-8") as file:
        printed = {row["id"]: row["white_20_450_uvrms"] for row in csv.DictReader(file)}
    lines = compare_noise(OURS, load_amplifiers())
    found = {line.amplifier.id: line.theirs_uv_rms for line in lines}
    numbers = {key: float(text) for key, text in printed.items() if text and "n/a" not in text}
    assert len(numbers) == 12
    for key, value in numbers.items():
        assert found[key] == pytest.approx(value, abs=0.0051)
    assert all(found[key] is None for key, text in printed.items() if not text or "n/a" in text)


@pytest.mark.skipif(not SHARED.exists(), reason="the folder ../shared/data is not here")
def test_the_packaged_table_is_the_shared_one():
    packaged = ROOT / "src/emgrig/comparison/amplifiers.csv"
    with SHARED.open(encoding="utf-8") as theirs, packaged.open(encoding="utf-8") as ours:
        pairs = list(zip(csv.DictReader(theirs), csv.DictReader(ours), strict=True))
    for shared, row in pairs:
        if row["id"] == "biopac_lsb":  # its words pointed to a paper that is not in the package
            shared.pop("noise_condition")
        assert shared.items() <= row.items()


def test_users_add_rows_of_their_own(tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text(HEADER + "lab,Our lab amplifier,Us,C,0.5,uV,rms,20,450,measured in May\n")
    amplifiers = load_amplifiers([mine])
    assert amplifiers[-1].id == "lab"
    assert compare_noise(OURS, amplifiers)[-1].comparability is Comparability.SAME_CONDITION


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,name\nx,y\n", "columns missing"),
        (HEADER.replace("source", "colour") + "a,b,c,C,1,uV,rms,20,450,red\n", "unknown"),
        (HEADER + "a,b,c,C,one,uV,rms,20,450,s\n", r"line 2: noise_value is 'one'"),
        (HEADER + "a,b,c,C,nan,uV,rms,20,450,s\n", r"line 2: noise_value is nan"),
        (HEADER + "a,b,c,C,1,mV,rms,20,450,s\n", r"line 2: a noise figure needs noise_unit uV"),
        (HEADER + "a,b,c,X,1,uV,rms,20,450,s\n", r"line 2: status is 'X'"),
        (HEADER + "a,b,c,C,1,uV,rms,20,450\n", r"line 2: expected 10 fields"),
        (HEADER + "gusbamp,b,c,C,1,uV,rms,20,450,s\n", r"line 2: id 'gusbamp' is already used"),
        ("", "columns missing"),
    ],
)
def test_a_broken_file_of_the_users_is_refused_with_file_and_line(tmp_path, text, message):
    mine = tmp_path / "mine.csv"
    mine.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_amplifiers([mine])
    assert "mine.csv" in str(caught.value)


def test_our_own_figure_must_be_microvolts():
    with pytest.raises(ValueError, match="in µV"):
        compare_noise(Result(1e-6, "V", 0, 10), load_amplifiers())
