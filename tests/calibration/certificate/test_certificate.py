"""The calibration certificate: made, written, found, refused, applied."""

import contextlib
import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.calibration.certificate.certificate import (
    Certificate,
    ChannelCalibration,
    Clock,
    GainCalibration,
    Instrument,
    LeadOffCalibration,
    NamedBoard,
)
from emgrig.calibration.certificate.certificate_file import (
    certificate_path,
    default_folder,
    find_certificate,
    read_certificate,
    save_certificate,
    sidecar_entry,
)
from emgrig.calibration.certificate.making import make_certificate
from emgrig.calibration.figures.leadoff import Excitation, impedances, measure_amplitude
from emgrig.calibration.figures.uncertainty import Result
from emgrig.calibration.procedures.clock import ClockSettings, measure_clock
from emgrig.calibration.procedures.noise_floor import NoiseSettings, measure_noise
from emgrig.calibration.procedures.readings import Inputs, Quantity, Reading, Report
from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale
from emgrig.driver.board import Board
from emgrig.driver.chip.transaction import Restored
from emgrig.errors import DeviceError, IdentityError, RecordingError
from emgrig.filemodel import plain, read
from emgrig.simulator.transport import SimTransport
from file_schemas import schema
from properties import examples

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
PROVED = Restored((), ())


def gain(setting: int, value: float, offset_uv: float = 0.0) -> GainCalibration:
    return GainCalibration(
        setting,
        Result(value, "V/V", 1e-4, 1000),
        Result(offset_uv, "uV", 0.01, 1000),
        "test signal",
    )


def record(serial_number: str = "A-17", *, is_simulated: bool = False) -> Certificate:
    return Certificate(
        board=NamedBoard(serial_number, is_simulated),
        made_utc=NOW,
        valid_until_utc=NOW + dt.timedelta(days=365),
        software="emgrig test",
        channels=(
            ChannelCalibration(
                1,
                (gain(12, 1.01, 50.0), gain(24, 1.02, 25.0)),
                (LeadOffCalibration("p", "24nA", Result(22.0, "nA", 0.1, 100)),),
            ),
            ChannelCalibration(2, (gain(24, 0.8, -10.0),)),
        ),
        clock=Clock(Result(2000.0, "ppm", 30.0, 60_000)),
        instruments=(Instrument("meter", "Keysight,34461A,MY1,A", dt.date(2027, 1, 31)),),
    )


def test_volts_become_what_was_at_the_input() -> None:
    true_v = np.array([[1e-3, 2e-3], [-1e-3, 0.0]])
    read_v = true_v * [1.02, 0.8] + [25e-6, -10e-6]
    found = record().apply(read_v, [24, 24])
    np.testing.assert_allclose(found, true_v, atol=1e-15)


def test_a_gain_that_was_not_calibrated_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"channel 2 .* at 24, not at gain 12.*--gains 12"):
        record().apply(np.ones((3, 2)), [24, 12])
    with pytest.raises(ValueError, match="channel 3"):
        record().apply(np.ones((3, 3)), [24, 24, 24])
    with pytest.raises(ValueError, match="shape"):
        record().apply(np.ones(3), [24])


def test_channels_that_are_off_or_left_out_do_not_need_a_calibration() -> None:
    volts = np.full((2, 3), 1e-3)
    found = record().apply(volts, [24, 24, 24], powered=[True, True, False])
    np.testing.assert_array_equal(found[:, 2], volts[:, 2])
    second = record().apply(volts[:, :1], [24], channels=[2])
    np.testing.assert_allclose(second, (1e-3 + 10e-6) / 0.8)


@pytest.mark.slow
def test_a_record_survives_its_file_and_fits_its_schema(tmp_path: Path) -> None:
    path = save_certificate(record(), tmp_path)
    assert path == tmp_path / "board-A-17.json"
    assert read_certificate(path) == record()
    jsonschema.validate(
        json.loads(path.read_text()),
        schema(Certificate),
        format_checker=jsonschema.FormatChecker(),
    )
    jsonschema.Draft202012Validator.check_schema(schema(Certificate))


def test_the_record_of_a_board_is_found_by_its_serial_number(tmp_path: Path) -> None:
    save_certificate(record(), tmp_path)
    save_certificate(record("B-2"), tmp_path)
    assert find_certificate("A-17", tmp_path, NOW) == record()
    assert find_certificate("nobody", tmp_path, NOW) is None
    assert find_certificate("A-17", tmp_path / "not there", NOW) is None


def test_a_file_that_is_named_must_be_there_and_of_the_board(tmp_path: Path) -> None:
    path = save_certificate(record(), tmp_path)
    assert find_certificate("A-17", path, NOW) == record()
    with pytest.raises(IdentityError, match=r"of board A-17, but this is board B-2"):
        find_certificate("B-2", path, NOW)
    with pytest.raises(RecordingError, match="there is no calibration"):
        find_certificate("A-17", tmp_path / "missing.json", NOW)


def test_a_record_is_refused_out_of_its_time(tmp_path: Path) -> None:
    save_certificate(record(), tmp_path)
    with pytest.raises(RecordingError, match=r"valid until 2027-05-01; calibrate it anew"):
        find_certificate("A-17", tmp_path, NOW + dt.timedelta(days=366))
    with pytest.raises(RecordingError, match="computer's clock"):
        find_certificate("A-17", tmp_path, NOW - dt.timedelta(days=30))


def test_a_simulated_boards_record_is_refused_for_a_real_one(tmp_path: Path) -> None:
    save_certificate(record(is_simulated=True), tmp_path)
    with pytest.raises(IdentityError, match=r"of a simulated board, but this is a real one"):
        find_certificate("A-17", tmp_path, NOW)
    assert find_certificate("A-17", tmp_path, NOW, is_simulated=True) is not None
    with _board() as board, pytest.raises(IdentityError, match="SIM-0007"):
        record().check_board(board.identity, NOW)


def _board(query: str = "bench&source=silence&seed=7") -> Board:
    return Board(SimTransport(query))


def test_a_serial_number_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    assert certificate_path("../../etc/passwd", tmp_path).parent == tmp_path
    assert certificate_path("a/b", tmp_path) != certificate_path("a%2Fb", tmp_path)


def test_records_are_kept_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "emgrig" / "calibration"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/path")  # the specification: to be ignored
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".local" / "share" / "emgrig" / "calibration"


def test_newer_knowledge_goes_over_older_and_does_not_make_it_younger(tmp_path: Path) -> None:
    save_certificate(record(), tmp_path)
    later = NOW + dt.timedelta(days=100)
    newer = replace(
        record(),
        made_utc=later,
        valid_until_utc=later + dt.timedelta(days=365),
        channels=(ChannelCalibration(1, (gain(24, 1.5), gain(6, 1.1))),),
        clock=None,
        instruments=(),
    )
    found = read_certificate(save_certificate(newer, tmp_path))
    assert [g.setting for g in found.channels[0].gains] == [6, 12, 24]
    assert found.gain_of(1, 24).gain.value == 1.5
    assert found.gain_of(1, 12).gain.value == 1.01
    assert found.gain_of(2, 24).gain.value == 0.8
    assert found.clock == record().clock
    assert found.instruments == record().instruments
    assert found.valid_until_utc == record().valid_until_utc


def test_a_record_that_is_out_of_date_is_replaced_whole(tmp_path: Path) -> None:
    save_certificate(record(), tmp_path)
    later = NOW + dt.timedelta(days=400)
    newer = replace(
        record(), made_utc=later, valid_until_utc=later + dt.timedelta(days=1), channels=()
    )
    assert read_certificate(save_certificate(newer, tmp_path)) == newer


def test_two_boards_records_cannot_be_joined() -> None:
    with pytest.raises(IdentityError, match="cannot be joined"):
        record().updated(record("B-2"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"format": "something else"}, "format is 'something else'; 'emgrig calibration 1' was"),
        ({"channels": "none"}, "channels is 'none'; a list was expected"),
        ({"made_utc": "yesterday"}, "yesterday"),
        ({"made_utc": "2026-05-01T12:00:00"}, "made_utc .* with its zone was expected"),
        (
            {"board": {"serial_number": 5, "is_simulated": False}},
            "board.serial_number is 5; a text",
        ),
        (
            {"board": {"serial_number": "x" * 5000, "is_simulated": False}},
            "serial_number is 'x{30,200}…; a text in quotes of at most 255 characters was expected",
        ),
        ({"clock": {"error": {"unit": "Hz"}}}, r"clock\.error\.value is missing; a number"),
        ({"clock": {"error": plain(Result(1.0, "Hz", 0.1, 9))}}, "a result in ppm was expected"),
        ({"clok": None}, "no clok; did you mean 'clock'"),
    ],
)
def test_a_damaged_record_is_refused_with_its_place(
    tmp_path: Path, damage: dict[str, object], words: str
) -> None:
    path = tmp_path / "board-A-17.json"
    path.write_text(json.dumps({**plain(record()), **damage}))
    with pytest.raises(RecordingError, match=words) as caught:
        read_certificate(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gain_that_cannot_be_is_refused() -> None:
    text = json.dumps(plain(record())).replace("1.02", "24.0")
    content = json.loads(text)
    with pytest.raises(ValueError, match="a gain of 24 V/V, expected 1"):
        read(Certificate, content)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(Certificate))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.long
@pytest.mark.slow
@examples(30)
@given(key=st.sampled_from(sorted(plain(record()))), value=_JSON)
def test_whatever_is_in_a_record_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.json"
    path.write_text(json.dumps({**plain(record()), key: value}))
    with contextlib.suppress(RecordingError):
        read_certificate(path)


def test_the_sidecar_says_all_of_it_but_the_taps() -> None:
    entry = sidecar_entry(record(), is_applied=True)
    assert entry["is_applied"] is True
    assert entry["board"] == {"serial_number": "A-17", "is_simulated": False}
    assert "equalisers" not in entry
    json.dumps(entry, allow_nan=False)


def test_the_lead_off_current_serves_the_impedance() -> None:
    current = record().lead_off_current_a(1, "p", "24nA")
    assert current is not None
    assert current.value == pytest.approx(22e-9)
    assert record().lead_off_current_a(1, "n", "24nA") is None
    # A square wave of ± 22 nA through 10 kohm has a fundamental of 4/pi · 0.22 mV.
    t = np.arange(1600)
    wave = 22e-9 * 10e3 * 4 / np.pi * np.sin(2 * np.pi * t / 32)
    measured = measure_amplitude(wave[:, None], 1000, Excitation.HZ_31_25)
    (ohm,) = impedances(measured, [current], series_ohm=0.0)
    assert ohm.value == pytest.approx(10e3, rel=0.01)


def test_the_actual_rate_follows_from_the_clock() -> None:
    assert record().rate_hz(1000) == pytest.approx(1002)
    assert replace(record(), clock=None).rate_hz(1000) == 1000


# Making one.


@pytest.mark.long
@pytest.mark.slow
def test_a_simulated_board_is_better_with_its_record_than_without() -> None:
    with _board() as board:
        reports = [
            measure_noise(board, NoiseSettings(duration_s=10.0)),
            measure_scale(board, ScaleSettings(n_periods=4)),
            measure_clock(board, ClockSettings(duration_s=20.0)),
        ]
        made = make_certificate(board.identity, reports, now=NOW, software="test")
        true = board._connection.link.transport.board.front_ends[0].tolerances  # type: ignore[attr-defined]
    made.check("SIM-0007", NOW, is_simulated=True)
    actual = (1 + true.gain_error[:, 6]) / (1 + true.reference_error)
    level_v = np.linspace(-1e-3, 1e-3, 5)[:, None] * np.ones(8)
    read_v = (level_v + true.offset_v / 24) * actual
    found = made.apply(read_v, np.full(8, 24.0))
    # What is left is the mean of the channels, and it is common to all.
    assert np.ptp(found - level_v, axis=1).max() < 0.05e-6 < np.ptp(read_v - level_v, axis=1).max()
    assert made.clock is not None
    (equaliser,) = made.equalisers
    assert (equaliser.rate_hz, equaliser.edge_hz) == (1000, 400)
    jsonschema.validate(plain(made), schema(Certificate))


def reading(quantity: Quantity, value: float, unit: str, u: float, condition: str) -> Reading:
    inputs = Inputs.BENCH if condition.startswith("bench") else Inputs.OTHER
    return Reading(quantity, Result(value, unit, u, 10), 1, 24, 250, condition, inputs=inputs)


def test_a_gain_from_the_bench_goes_before_one_from_the_test_signal() -> None:
    with _board() as board:
        identity = board.identity
    readings = (
        reading(Quantity.MATCHING, 1.001, "V/V", 1e-6, "test signal"),
        reading(Quantity.GAIN, 1.003, "V/V", 1e-2, "test signal"),
        reading(Quantity.GAIN, 1.002, "V/V", 1e-4, "bench, dc"),
    )
    own = make_certificate(identity, [Report("", readings[:2], PROVED)], now=NOW, software="")
    assert own.gain_of(1, 24).gain.value == 1.001
    # 0.5 % and 0.2 % as rectangles: the mean of the channels is known by the data sheet only.
    assert own.gain_of(1, 24).gain.standard_uncertainty == pytest.approx(0.0031, abs=1e-4)
    both = make_certificate(identity, [Report("", readings, PROVED)], now=NOW, software="")
    assert both.gain_of(1, 24).gain.value == 1.002


def test_no_record_rests_on_an_overdue_meter_or_outlives_its_due_date() -> None:
    with _board() as board:
        identity = board.identity
    report = Report("", (reading(Quantity.GAIN, 1.0, "V/V", 1e-4, "bench"),), PROVED)
    meter = Instrument("meter", "34461A", dt.date(2026, 4, 30))
    with pytest.raises(ValueError, match="was due for calibration on 2026-04-30"):
        make_certificate(identity, [report], now=NOW, software="", instruments=[meter])
    soon = replace(meter, due=dt.date(2026, 6, 1))
    made = make_certificate(identity, [report], now=NOW, software="", instruments=[soon])
    assert made.valid_until_utc.date() == dt.date(2026, 6, 1)


@pytest.mark.slow
def test_a_board_with_a_stuck_gain_gets_no_record() -> None:
    with _board("bench&source=silence&fault=gain-stuck:channel=3,gain=12") as board:
        report = measure_scale(board, ScaleSettings(n_periods=4))
        with pytest.raises(DeviceError, match=r"channel 3 .* at gain 24.*emgrig bringup"):
            make_certificate(board.identity, [report], now=NOW, software="")


def test_nothing_makes_no_record() -> None:
    with _board() as board, pytest.raises(ValueError, match="nothing was measured"):
        make_certificate(board.identity, [], now=NOW, software="")
