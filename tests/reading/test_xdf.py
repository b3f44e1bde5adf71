"""XDF by its specification 1.0 (sccn/xdf), and as pyxdf reads it."""

from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from reading import made

pyxdf = pytest.importorskip("pyxdf", reason="pip install 'emgrig[xdf]'")

ONE = made.take(500, 250, at=100)


def stream(one: made.Take = ONE, number: int = 1, start_s: float = 70.0, **more) -> bytes:
    more = {"rate_hz": 250.0, "channels": [("zyg", "microvolts"), ("corr", "mV")], **more}
    return made.xdf_stream(number, start_s + one.time_s, one.values, **more)


def test_the_stream_is_read_as_pyxdf_reads_it(tmp_path: Path) -> None:
    path = made.xdf(tmp_path / "a.xdf", stream())
    (theirs,), _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    ours = open_recording(path)
    np.testing.assert_array_equal(ours.values(0), theirs["time_series"][:, 0])
    np.testing.assert_allclose(ours.values(1), 1e3 * theirs["time_series"][:, 1])
    assert (ours.rate_hz, ours.labels, ours.units) == (250, ("zyg", "corr"), ("uV", "uV"))


def test_labels_twice_and_missing_are_told_apart(tmp_path: Path) -> None:
    path = made.xdf(tmp_path / "a.xdf", stream(channels=[("EMG", "uV"), ("EMG", "uV")]))
    assert open_recording(path).labels == ("EMG (1)", "EMG (2)")
    path = made.xdf(tmp_path / "b.xdf", stream(channels=[]))
    found = open_recording(path)
    assert (found.labels, found.units) == (("channel 1", "channel 2"), ("", ""))
    assert open_recording(path, unit="mV").units == ("uV", "uV")


def test_the_stream_of_emg_is_taken_and_the_others_named(tmp_path: Path) -> None:
    mic = made.xdf_stream(
        2, 70 + np.arange(4000) / 1000, np.zeros((4000, 1)), name="Mic", kind="Audio", rate_hz=1000
    )
    found = open_recording(made.xdf(tmp_path / "a.xdf", mic, stream()))
    assert (found.rate_hz, found.left_out) == (250, ("Mic",))


def test_markers_count_from_the_first_sample(tmp_path: Path) -> None:
    notes = made.xdf_stream(2, np.array([69.0, 70.5, 71.0]), ["early", "smile", "bad"], rate_hz=0)
    found = open_recording(made.xdf(tmp_path / "a.xdf", stream(), notes))
    assert [(m.onset_s, m.text) for m in found.marks] == [(0.5, "smile"), (1.0, "bad")]


def test_a_gap_is_where_the_stamps_say_and_a_rate_that_contradicts_is_refused(
    tmp_path: Path,
) -> None:
    path = made.xdf(tmp_path / "a.xdf", stream(made.without(ONE, 200, 300)))
    assert open_recording(path).runs.gaps.tolist() == [[200, 300]]
    with pytest.raises(RecordingError, match=r"gives 250 Hz, the stream says 500 Hz"):
        open_recording(made.xdf(tmp_path / "b.xdf", stream(rate_hz=500.0)))


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    notes = made.xdf_stream(2, np.array([69.0]), ["early"])
    with pytest.raises(RecordingError, match=r"a\.xdf holds no stream of samples"):
        open_recording(made.xdf(tmp_path / "a.xdf", notes))
    (tmp_path / "b.xdf").write_bytes(b"XDF:")
    with pytest.raises(RecordingError, match=r"b\.xdf"):
        open_recording(tmp_path / "b.xdf")
