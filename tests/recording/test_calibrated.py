"""A recording with a certificate: volts corrected, noted, and refused where it must be."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import edfio
import jsonschema
import numpy as np
import pytest

import emgrig
from emgrig.calibration.certificate.certificate import (
    Certificate,
    ChannelCalibration,
    GainCalibration,
    NamedBoard,
)
from emgrig.calibration.certificate.certificate_file import save_certificate
from emgrig.calibration.figures.uncertainty import Result
from emgrig.driver.board import Board
from emgrig.driver.captures.capture import CaptureReader
from emgrig.errors import IdentityError, RecordingError
from emgrig.recording.part import Samples
from emgrig.recording.recorder import record
from emgrig.recording.sidecar import schema
from emgrig.recording.timeline import Timeline

GAINS = 1 + 0.002 * np.arange(1, 8)
OFFSETS_UV = 10.0 * np.arange(-3, 4)
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def channel(number: int, setting: int = 12) -> ChannelCalibration:
    gain = Result(float(GAINS[number - 1]), "V/V", 1e-4, 1000)
    offset = Result(float(OFFSETS_UV[number - 1]), "uV", 0.1, 1000)
    return ChannelCalibration(number, (GainCalibration(setting, gain, offset, "by hand"),))


CALIBRATION = Certificate(
    board=NamedBoard("SIM-0000", is_simulated=True),
    made_utc=NOW - dt.timedelta(days=1),
    valid_until_utc=NOW + dt.timedelta(days=30),
    software="the test",
    channels=tuple(channel(number) for number in range(1, 8)),
)


@pytest.fixture
def board() -> Board:
    with emgrig.connect("sim:") as board:
        board.apply("facial-emg")
        yield board


@pytest.mark.slow
def test_the_file_has_calibrated_volts_and_the_sidecar_says_so(board: Board, tmp_path: Path):
    record(board, tmp_path / "a.bdf", 1.0, calibration=CALIBRATION)
    steps = Timeline(CaptureReader(tmp_path / "a.capture"))
    codes = np.concatenate([step.codes for step in steps if isinstance(step, Samples)])
    nominal_uv = codes * (4.5e6 / 12 / 2**23)
    expected_uv = (nominal_uv - OFFSETS_UV) / GAINS
    read = np.stack([s.data for s in edfio.read_bdf(tmp_path / "a.bdf").signals], axis=1)
    np.testing.assert_allclose(read[:1000], expected_uv, atol=0.01)  # a quarter of a code
    said = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(said, schema())
    assert said["calibration"]["is_applied"] is True
    assert said["calibration"]["board"]["serial_number"] == "SIM-0000"
    for row, gain, offset_uv in zip(said["channels"], GAINS, OFFSETS_UV, strict=True):
        assert row["scale_v"] == pytest.approx(row["nominal_scale_v"] / gain, rel=1e-12)
        assert row["offset_v"] == pytest.approx(-1e-6 * offset_uv / gain, abs=1e-18)


def test_without_a_record_the_volts_are_nominal(board: Board, tmp_path: Path):
    record(board, tmp_path / "a.bdf", 0.5)
    said = json.loads((tmp_path / "a.json").read_text())
    assert said["calibration"] is None
    assert all(row["scale_v"] == row["nominal_scale_v"] for row in said["channels"])


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"board": NamedBoard("SIM-0007", True)}, IdentityError, "is of board SIM-0007"),
        ({"board": NamedBoard("SIM-0000", False)}, IdentityError, "a real board"),
        ({"valid_until_utc": NOW - dt.timedelta(days=2)}, RecordingError, "was valid until"),
        ({"channels": (channel(1, 24),)}, ValueError, "not at gain 12"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_before_anything_is_written(
    board: Board, tmp_path: Path, changed: dict[str, object], error: type[Exception], words: str
):
    with pytest.raises(error, match=words):
        record(board, tmp_path / "a.bdf", 0.5, calibration=replace(CALIBRATION, **changed))
    assert list(tmp_path.iterdir()) == []


def test_a_saved_record_is_found_by_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from emgrig.tools.record_commands import calibration_of

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with emgrig.connect("sim:") as board:
        assert calibration_of(board, None) is None
        save_certificate(CALIBRATION)
        assert calibration_of(board, None) == CALIBRATION
        assert calibration_of(board, "none") is None
        with pytest.raises(RecordingError, match="holds no calibration of SIM-0000"):
            calibration_of(board, str(tmp_path))
