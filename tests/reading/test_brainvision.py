"""BrainVision (Brain Products, core data format 1.0), and as MNE reads it."""

from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from reading import made

ONE = made.take(1000, 1000, at=100)


@pytest.mark.parametrize("kind", ["INT_16", "INT_32", "IEEE_FLOAT_32"])
@pytest.mark.parametrize("orientation", ["MULTIPLEXED", "VECTORIZED"])
def test_numbers_of_every_kind_in_both_orders(tmp_path: Path, kind: str, orientation: str) -> None:
    path = made.brainvision(
        tmp_path / "a.vhdr", np.round(ONE.values * 10), 1000, kind=kind, orientation=orientation
    )
    found = open_recording(path)
    np.testing.assert_allclose(found.matrix(), np.round(ONE.values * 10) / 10)
    assert (found.rate_hz, found.units, found.labels) == (1000, ("uV", "uV"), ("EMG 1", "EMG 2"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("unit", ["µV", "Âµ" + "V", "uV", ""])
def test_microvolts_in_any_writing(tmp_path: Path, unit: str, encoding: str) -> None:
    """No unit is microvolts, by the format's definition."""
    channels = [f"zyg,,0.5,{unit}", f"zyg,,0.5,{unit}"]
    path = made.brainvision(tmp_path / "a.vhdr", ONE.values, 500, channels=channels,
                            encoding=encoding)  # fmt: skip
    found = open_recording(path)
    assert (found.units, found.labels, found.rate_hz) == (("uV",) * 2, ("zyg (1)", "zyg (2)"), 2000)


def test_other_units_and_commas_in_names(tmp_path: Path) -> None:
    path = made.brainvision(
        tmp_path / "a.vhdr", ONE.values, 1000, channels=[r"EMG\1 left,,2,mV", "ACC,,1,g"]
    )
    found = open_recording(path)
    assert (found.labels, found.units) == (("EMG, left", "ACC"), ("uV", "g"))
    np.testing.assert_allclose(found.values(0), 2e3 * ONE.values[:, 0].astype("<i2"))


def test_any_of_the_three_files_leads_to_the_recording(tmp_path: Path) -> None:
    path = made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000)
    for suffix in (".vhdr", ".vmrk", ".eeg"):
        assert open_recording(path.with_suffix(suffix)).n_samples == 1000


def test_files_that_were_renamed_together_are_found(tmp_path: Path) -> None:
    path = made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000, markers=["Stimulus,S 1,101,1,0"])
    for suffix in (".vhdr", ".vmrk", ".eeg"):
        path.with_suffix(suffix).rename(tmp_path / f"b{suffix}")
    found = open_recording(tmp_path / "b.vhdr")
    assert [(m.onset_s, m.text) for m in found.marks] == [(0.1, "S 1")]


def test_marks_and_bad_stretches(tmp_path: Path) -> None:
    markers = ["Bad Interval,Bad min-max,201,100,1", "Comment,smile\\1 left,501,1,0",
               "Stimulus,S 1,5000,1,0"]  # fmt: skip
    found = open_recording(made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000, markers=markers))
    assert [(m.onset_s, m.duration_s, m.text) for m in found.marks] == [
        (0.2, 0.1, "Bad Interval Bad min-max"), (0.5, 0.0, "smile, left"),
    ]  # fmt: skip
    assert np.flatnonzero(np.isnan(found.values(0))).tolist() == [*range(200, 300)]


def test_segments_lie_where_their_dates_say_and_marks_with_them(tmp_path: Path) -> None:
    markers = [made.segment(0, 0.0), "Stimulus,S 1,601,1,0", made.segment(600, 3.6)]
    found = open_recording(made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000, markers=markers))
    assert found.runs.gaps.tolist() == [[600, 3600]]
    assert [m.onset_s for m in found.marks] == [3.6]


@pytest.mark.parametrize(
    ("markers", "said"),
    [
        (["New Segment,,1,1,0,20240102101112000000", "New Segment,,501,1,0"], "does not say"),
        ([made.segment(0, 0), made.segment(500, 0.2)], "begins before the one ahead ends"),
        ([made.segment(0, 0), made.segment(500, 3e10)], "its times put 1000 rows"),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(
    tmp_path: Path, markers: list[str], said: str
) -> None:
    with pytest.raises(RecordingError, match=said):
        open_recording(made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000, markers=markers))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("SamplingInterval=1000", "SamplingInterval=0", "samplinginterval is '0'"),
        ("SamplingInterval=1000", "SamplingInterval=1e-9", "says a rate of 1e[+]15 Hz"),
        ("SamplingInterval=1000", "", "samplinginterval is 'missing'"),
        ("NumberOfChannels=2", "NumberOfChannels=1e8", "numberofchannels is 1e[+]08"),
        ("NumberOfChannels=2", "NumberOfChannels=7", "is cut short"),
        ("BINARY", "ASCII", "export them as binary"),
        ("INT_16", "INT_64", "BinaryFormat 'INT_64'"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(RecordingError, match=said):
        open_recording(path)


@pytest.mark.parametrize("resolution", ["x", "inf", "nan", "0"])
def test_a_channel_without_a_resolution_is_no_voltage_and_ends_nothing(
    tmp_path: Path, resolution: str
) -> None:
    channels = [f"zyg,,{resolution},µV", "corr,,0.1,µV"]
    path = made.brainvision(tmp_path / "a.vhdr", ONE.values * 10, 1000, channels=channels)
    bad, good = open_recording(path).signals
    assert (bad.is_voltage, good.is_voltage) == (False, True)
    assert f"not calibrated, its resolution is '{resolution}'" in bad.problem


def test_a_bad_stretch_goes_on_behind_a_pause(tmp_path: Path) -> None:
    markers = [made.segment(0, 0.0), "Bad Interval,x,551,100,1", made.segment(600, 3.6)]
    found = open_recording(made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000, markers=markers))
    assert np.flatnonzero(~np.isnan(found.values(0))).tolist() == [*range(550), *range(3650, 4000)]


def test_a_header_that_counts_wrongly_is_said(tmp_path: Path) -> None:
    path = made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000)
    path.write_text(path.read_text().replace("NumberOf", "DataPoints=1200\nNumberOf"))
    path.with_suffix(".eeg").write_bytes(path.with_suffix(".eeg").read_bytes()[:-1])
    found = open_recording(path)
    assert found.remarks == ("999 samples are there, the header says 1200",)


def test_what_is_not_beside_the_header_is_named(tmp_path: Path) -> None:
    path = made.brainvision(tmp_path / "a.vhdr", ONE.values, 1000)
    path.with_suffix(".vmrk").unlink()
    assert "no markers: " in open_recording(path).remarks[0]
    path.with_suffix(".eeg").unlink()
    with pytest.raises(RecordingError, match=r"names a\.eeg, which is not beside it"):
        open_recording(path)


@pytest.mark.slow
def test_mne_reads_the_same(tmp_path: Path) -> None:
    mne = pytest.importorskip("mne", reason="pip install 'emgrig[dev]'")
    path = made.brainvision(tmp_path / "a.vhdr", np.round(ONE.values * 10), 1000,
                            markers=[made.segment(0, 0.0), "Stimulus,S  1,101,1,0"])  # fmt: skip
    raw = mne.io.read_raw_brainvision(path, preload=True, verbose="error")
    ours = open_recording(path)
    np.testing.assert_allclose(ours.matrix().T, raw.get_data() * 1e6, atol=1e-9)
    theirs = [(a["onset"], a["description"]) for a in raw.annotations]
    assert [(m.onset_s, f"Stimulus/{m.text}") for m in ours.marks] == [
        one for one in theirs if "Segment" not in one[1]
    ]
