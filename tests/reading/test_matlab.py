"""MATLAB's files of version 4 to 7.3, as scipy, h5py, EEGLAB, FieldTrip and BIOPAC lay them out."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from emgrig.reading.recording import RateNotSaid
from reading import made

ONE = made.take(900, 500, at=100, channels=4)


def mat(path: Path, /, **content) -> Path:
    savemat(path, {"data": ONE.values, "fs": 500.0, **content})
    return path


@pytest.mark.parametrize("how", [{"format": "4"}, {}, {"do_compression": True}, {"oned_as": "row"}])
def test_the_matrix_is_read_as_scipy_reads_it(tmp_path: Path, how: dict) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"data": ONE.values, "fs": 500.0}, **how)
    found = open_recording(path)
    np.testing.assert_array_equal(found.matrix(), loadmat(path)["data"])
    assert (found.rate_hz, found.rate_from) == (500, "fs")
    assert set(found.units) == {""}


@pytest.mark.parametrize(
    ("said", "rate_hz"),
    [
        ({"fs": 500.0}, 500), ({"Fs": np.array([[500]], np.uint16)}, 500), ({"srate": 500.0}, 500),
        ({"fsample": 500}, 500), ({"isi": 2.0, "isi_units": "ms"}, 500), ({"isi": 2.0}, 500),
        ({"dt": 0.002}, 500), ({"samplingInterval": 0.002}, 500),
    ],
)  # fmt: skip
def test_a_rate_in_any_writing(tmp_path: Path, said: dict, rate_hz: float) -> None:
    savemat(tmp_path / "a.mat", {"data": ONE.values, **said})
    assert open_recording(tmp_path / "a.mat").rate_hz == rate_hz


def test_rates_that_contradict_are_refused_with_both(tmp_path: Path) -> None:
    path = mat(tmp_path / "a.mat", srate=250.0)
    with pytest.raises(RecordingError, match=r"fs says 500 Hz, srate says 250 Hz"):
        open_recording(path)
    path = mat(tmp_path / "b.mat", isi=4.0, isi_units="ms")
    with pytest.raises(RecordingError, match=r"fs says 500 Hz, isi says 250 Hz"):
        open_recording(path)
    path = mat(tmp_path / "c.mat", t=ONE.time_s * 2)
    with pytest.raises(RecordingError, match=r"the variable t gives 250 Hz, fs says 500 Hz"):
        open_recording(path)


def test_a_rate_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"fs says a rate of 1e\+30 Hz"):
        open_recording(mat(tmp_path / "a.mat", fs=1e30))
    savemat(tmp_path / "b.mat", {"data": ONE.values})
    with pytest.raises(RateNotSaid, match="--rate"):
        open_recording(tmp_path / "b.mat")


@pytest.mark.parametrize("factor", [1.0, 1e3])
def test_a_vector_of_time_rules_in_s_and_ms(tmp_path: Path, factor: float) -> None:
    kept = made.without(ONE, 300, 350)
    savemat(tmp_path / "a.mat", {"data": kept.values, "time": kept.time_s * factor})
    found = open_recording(tmp_path / "a.mat")
    assert (found.rate_hz, found.runs.gaps.tolist()) == (500, [[300, 350]])


def test_rows_that_stand_twice_are_left_out(tmp_path: Path) -> None:
    twice = made.doubled(ONE, 300, 350)
    savemat(tmp_path / "a.mat", {"data": twice.values, "t": twice.time_s})
    np.testing.assert_array_equal(open_recording(tmp_path / "a.mat").matrix(), ONE.values)


def test_channels_in_rows_are_turned_and_said(tmp_path: Path) -> None:
    found = open_recording(mat(tmp_path / "a.mat", data=ONE.values.T))
    np.testing.assert_array_equal(found.matrix(), ONE.values)
    assert "taken as channels" in found.remarks[0]
    with pytest.raises(RecordingError, match="which are the samples"):
        open_recording(mat(tmp_path / "b.mat", data=ONE.values[:12, :].repeat(3, 1)))


@pytest.mark.parametrize("unit", ["mV", np.array(["mV"] * 4), np.array(["mV"] * 4, object)])
def test_units_and_labels_in_any_layout(tmp_path: Path, unit: object) -> None:
    labels = np.array(["zyg", "corr", "zyg", ""], object)
    found = open_recording(mat(tmp_path / "a.mat", units=unit, labels=labels))
    assert found.units == ("uV",) * 4
    assert found.labels == ("zyg (1)", "corr", "zyg (2)", "channel 4")
    np.testing.assert_allclose(found.values(1), 1e3 * ONE.values[:, 1])


def test_eeglab(tmp_path: Path) -> None:
    """EEG.data (channels, points), EEG.srate, EEG.chanlocs.labels; EEG.times in ms."""
    chanlocs = np.array([(f"E{i}",) for i in range(4)], dtype=[("labels", object)])
    times = 1e3 * ONE.time_s
    eeg = {"data": ONE.values.T, "srate": 500.0, "chanlocs": chanlocs, "times": times}
    savemat(tmp_path / "a.mat", {"EEG": eeg})
    found = open_recording(tmp_path / "a.mat")
    assert (found.labels, found.rate_hz) == (("E0", "E1", "E2", "E3"), 500)
    np.testing.assert_array_equal(found.matrix(), ONE.values)


def test_fieldtrip_of_one_trial(tmp_path: Path) -> None:
    trial, time = np.empty((1, 1), object), np.empty((1, 1), object)
    trial[0, 0], time[0, 0] = ONE.values.T, ONE.time_s[np.newaxis]
    label = np.array([[f"M{i}"] for i in range(4)], object)
    data = {"trial": trial, "time": time, "label": label, "fsample": 500.0}
    savemat(tmp_path / "a.mat", {"data": data})
    found = open_recording(tmp_path / "a.mat")
    assert (found.labels, found.rate_hz) == (("M0", "M1", "M2", "M3"), 500)


def test_the_paper_s_eight_and_eleven_columns(tmp_path: Path) -> None:
    """CASMEMG: 1000 Hz, uV; 11 columns are 8 of EMG, packet order (-1: lost), time, sync."""
    eight = made.take(900, 1000, at=100, channels=8).values
    savemat(tmp_path / "a.mat", {"data": eight})
    found = open_recording(tmp_path / "a.mat")
    assert (found.rate_hz, set(found.units)) == (1000, {"uV"})
    order = np.arange(900.0)
    order[500:520] = order[-3:] = -1
    eleven = np.column_stack([eight, order, np.zeros(900), np.zeros(900)])
    savemat(tmp_path / "b.mat", {"data": eleven})
    found = open_recording(tmp_path / "b.mat")
    assert (found.n_samples, len(found.signals)) == (900, 8)
    assert np.flatnonzero(np.isnan(found.values(0))).tolist() == [*range(500, 520), 897, 898, 899]


def test_of_two_matrices_the_emg_is_taken_and_the_other_named(tmp_path: Path) -> None:
    content = {"mic": np.zeros((8000, 1)), "emg": ONE.values, "fs_emg": 500.0, "fs": 4000.0}
    savemat(tmp_path / "a.mat", content)
    found = open_recording(tmp_path / "a.mat")
    np.testing.assert_array_equal(found.matrix(), ONE.values)
    assert (found.rate_hz, found.left_out) == (500, ("mic",))
    assert found.remarks[0] == "left out: mic"


def test_several_matrices_are_refused_by_name(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"left": ONE.values, "right": ONE.values, "fs": 500.0})
    with pytest.raises(RecordingError, match=r"2 matrices \(left, right\)"):
        open_recording(tmp_path / "a.mat")
    savemat(tmp_path / "b.mat", {"fs": 500.0, "note": "hello"})
    with pytest.raises(RecordingError, match="no matrix of samples"):
        open_recording(tmp_path / "b.mat")


@pytest.mark.slow
def test_matlab_7_3(tmp_path: Path) -> None:
    """HDF5: transposed, with the class as an attribute."""
    h5py = pytest.importorskip("h5py", reason="pip install 'emgrig[matlab]'")
    pytest.importorskip("matio", reason="pip install 'emgrig[matlab]'")
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in (("data", ONE.values.T), ("fs", np.array([[500.0]]))):
            file.create_dataset(name, data=value).attrs["MATLAB_class"] = np.bytes_("double")
    raw = bytearray(path.read_bytes())
    raw[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path.write_bytes(raw)
    found = open_recording(path)
    np.testing.assert_array_equal(found.matrix(), ONE.values)
    assert found.rate_hz == 500


@pytest.mark.parametrize("n_bytes", [1, 100, 128, 140, 600, 2000])
@pytest.mark.parametrize("packed", [False, True])
def test_a_cut_file_is_refused(tmp_path: Path, n_bytes: int, packed: bool) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"data": ONE.values, "fs": 500.0}, do_compression=packed)
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(RecordingError, match=r"a\.mat"):
        open_recording(path)
