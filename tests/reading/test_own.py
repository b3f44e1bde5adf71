"""Our own recordings: BDF+ with its sidecar, and anybody's Parquet."""

import json
from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from emgrig.reading.formats import own
from emgrig.reading.recording import SIMULATED
from emgrig.recording.facts import LABELS
from reading import made

RAMP = np.arange(1000)


def ours(folder: Path, **more) -> Path:
    path = made.edf(folder / "a.bdf", [RAMP], 250, physical=(-187500, 187499))
    rate = {"nominal_hz": 250.0, "measured_by_host_clock_hz": 250.01,
            "measured_by_board_clock_hz": None}  # fmt: skip
    content = {"format": "emgrig recording 1", "rate": rate, "samples": {"padding": 40},
               "channels": [{"label": "EMG 1"}], "is_simulated": False, **more}  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(content))
    return path


def test_the_sidecar_says_padding_clock_and_who_was_recorded(tmp_path: Path) -> None:
    found = open_recording(ours(tmp_path))
    assert (found.n_samples, found.measured_hz, found.is_own) == (960, 250.01, True)
    assert not found.is_simulated
    simulated = open_recording(ours(tmp_path, is_simulated=True))
    assert simulated.remarks[0] == SIMULATED


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"channels": [{"label": "jaw"}]}, r"other channels \(EMG 1\) than its sidecar says"),
        ({"channels": [{}]}, "makes no sense"),
        ({"samples": {"padding": -1}}, "makes no sense"),
        ({"samples": {"padding": 1000}}, "1000 of them padding"),
        ({"samples": {"padding": 1e400}}, "makes no sense"),
        ({"samples": None}, "makes no sense"),
        ({"rate": {"nominal_hz": "x"}}, "makes no sense"),
    ],
)
def test_a_sidecar_that_contradicts_is_refused(tmp_path: Path, more: dict, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        open_recording(ours(tmp_path, **more))


def test_a_rate_of_the_sidecar_that_contradicts_is_refused(tmp_path: Path) -> None:
    rate = {"nominal_hz": 500.0, "measured_by_host_clock_hz": None,
            "measured_by_board_clock_hz": None}  # fmt: skip
    with pytest.raises(RecordingError, match=r"500 Hz.*250 Hz"):
        open_recording(ours(tmp_path, rate=rate))


def test_a_damaged_sidecar_of_ours_is_refused_and_one_of_others_ignored(tmp_path: Path) -> None:
    path = ours(tmp_path)
    beside = path.with_suffix(".json")
    beside.write_text(beside.read_text()[:-5])
    with pytest.raises(RecordingError, match=r"a\.json is damaged"):
        open_recording(path)
    beside.write_text('{"TaskName": "smile"}')
    assert open_recording(path).n_samples == 1000


# Parquet.


def parquet(path: Path, columns: dict, metadata: dict | None = None) -> Path:
    pa = pytest.importorskip("pyarrow", reason="pip install 'emgrig[parquet]'")
    table = pa.table(columns).replace_schema_metadata(metadata)
    pytest.importorskip("pyarrow.parquet").write_table(table, path)
    return path


ONE = made.take(400, 1000, at=100)


@pytest.mark.slow
def test_parquet_is_a_table(tmp_path: Path) -> None:
    kept = made.without(ONE, 150, 170)
    zyg, corr = kept.values.T
    columns = {"Time [ms]": 1e3 * kept.time_s, "zyg [mV]": zyg, "corr_uV": corr, "who": ["x"] * 380}
    found = open_recording(parquet(tmp_path / "a.parquet", columns))
    assert (found.labels, found.units) == (("zyg", "corr"), ("uV", "uV"))
    assert (found.rate_hz, found.runs.gaps.tolist()) == (1000, [[150, 170]])
    np.testing.assert_allclose(found.values(0)[:150], 1e3 * zyg[:150])
    assert found.left_out == ("who",)


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pip install 'emgrig[parquet]'")
    columns = [ONE.time_s, *ONE.values.T, ONE.values[:, 0] + 1]
    table = pa.table(columns, names=["time", "emg", "emg", "emg.left"])
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "a.parquet")
    found = open_recording(tmp_path / "a.parquet")
    assert found.labels == ("emg (1)", "emg (2)", "emg.left")
    np.testing.assert_array_equal(found.matrix(), np.stack(columns[1:], 1))


def test_parquet_of_every_kind_of_number(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pip install 'emgrig[parquet]'")
    numbers = np.arange(100)
    kinds = [pa.int8(), pa.uint16(), pa.int64(), pa.float16(), pa.float32(), pa.float64()]
    columns = {str(kind): pa.array(numbers.astype(kind.to_pandas_dtype())) for kind in kinds}
    columns["null"] = pa.array([None, *numbers[1:]], pa.int32())
    found = open_recording(parquet(tmp_path / "a.parquet", columns), rate_hz=100)
    for i in range(len(kinds)):
        assert found.values(i).tolist() == numbers.tolist()
    assert np.flatnonzero(np.isnan(found.values(len(kinds)))).tolist() == [0]


def test_parquet_with_stamps_of_its_own_kind(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pip install 'emgrig[parquet]'")
    stamps = pa.array((1.7e18 + 1e9 * ONE.time_s).astype("datetime64[ns]"))
    columns = {"timestamp": stamps, "zyg": ONE.values[:, 0]}
    found = open_recording(parquet(tmp_path / "a.parquet", columns))
    assert (found.labels, found.n_samples) == (("zyg",), 400)
    assert found.rate_hz == pytest.approx(1000)


def test_parquet_whose_metadata_contradict_its_time_is_refused(tmp_path: Path) -> None:
    columns = {"time_s": ONE.time_s, "zyg": ONE.values[:, 0]}
    path = parquet(tmp_path / "a.parquet", columns, {"emgrig": json.dumps({"rate_hz": 500})})
    with pytest.raises(RecordingError, match=r"gives 1000 Hz, its metadata says 500 Hz"):
        open_recording(path)


@pytest.mark.parametrize("n_bytes", [4, 40, 400])
def test_a_cut_parquet_is_refused(tmp_path: Path, n_bytes: int) -> None:
    path = parquet(tmp_path / "a.parquet", {"time_s": ONE.time_s, "a": ONE.time_s})
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(RecordingError, match=r"a\.parquet is damaged"):
        open_recording(path)


def test_what_was_not_measured_is_one_list() -> None:
    """Reading may not import recording, and to import all of reading would cost a recording."""
    assert set(own._NOT_MEASURED) == {str(kind) for kind in LABELS}


@pytest.mark.parametrize("name", ["a.edf", "a.bdf"])
def test_the_header_or_the_bids_sidecar_says_that_it_is_simulated(
    tmp_path: Path, name: str
) -> None:
    path = made.edf(
        tmp_path / name, [RAMP], 250, recording="Startdate 02-JAN-2024 X X any SIMULATED"
    )
    of_header = open_recording(path)
    assert of_header.is_simulated
    assert of_header.remarks.count(SIMULATED) == 1
    path = made.edf(tmp_path / name, [RAMP], 250)  # nothing in its header
    beside = path.with_suffix(".json")
    for text, is_simulated in (
        ('{"IsSimulated": true}', True), ('{"IsSimulated": false}', False),
        ('{"IsSimulated": 1}', False), ("[]", False), ("{", False),
    ):  # fmt: skip
        beside.write_text(text)
        found = open_recording(path)
        assert found.is_simulated is is_simulated
        assert found.remarks.count(SIMULATED) == is_simulated
