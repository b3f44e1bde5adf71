import pytest

from emgrig.reading.units import microvolts_in, plain, said_in, seconds_in


@pytest.mark.parametrize(
    ("word", "microvolts"),
    [
        ("V", 1e6), ("v", 1e6), ("Volt", 1e6), ("volts", 1e6), ("kV", 1e9),
        ("mV", 1e3), ("MV", 1e3), ("[mV]", 1e3), ("(mV)", 1e3), ("milliVolts", 1e3),
        ("uV", 1.0), ("UV", 1.0), ("uVolt", 1.0), ("microvolts", 1.0), (" uV\0\0\0", 1.0),
        ("\xb5V", 1.0), ("\u03bcV", 1.0), ("\xc2\xb5V", 1.0), ("\xce\xbcV", 1.0), ("\ufffdV", 1.0),
        ("nV", 1e-3), ("nanovolt", 1e-3),
    ],
)  # fmt: skip
def test_a_voltage_in_any_writing(word: str, microvolts: float) -> None:
    """Prefixes of the SI; the micro sign as U+00B5, U+03BC, and as UTF-8 that was read as Latin-1.

    EDF has no MV in EMG: 8 letters, and many write capitals.
    """
    assert microvolts_in(word) == microvolts


@pytest.mark.parametrize("word", ["", "g", "deg", "%", "mVs", "a.u.", "dBuV", "V/s", "counts"])
def test_what_is_no_voltage(word: str) -> None:
    assert microvolts_in(word) is None


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("zyg [mV]", "zyg", "mV"),
        ("zyg (µV)", "zyg", "uV"),
        ("EMG_zyg_uV", "EMG_zyg", "uV"),
        ("zyg/mV", "zyg", "mV"),
        ("time_s", "time", "s"),
        ("left_cheek", "left_cheek", ""),
        ("ACC.X 1 [g]", "ACC.X 1", "g"),
        ("zyg", "zyg", ""),
        ("[mV]", "[mV]", "mV"),
    ],
)
def test_a_heading_says_name_and_unit(heading: str, name: str, unit: str) -> None:
    assert said_in(heading) == (name, unit)


def test_units_of_time() -> None:
    assert [seconds_in(word) for word in ("s", "[ms]", "µs", "min", "mV")] == [
        1.0, 1e-3, 1e-6, 60.0, None,
    ]  # fmt: skip


def test_a_unit_is_plain_without_nul_blanks_and_brackets() -> None:
    assert plain(" [µV]\0\0 ") == "uV"
