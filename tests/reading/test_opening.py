"""What is told is heard or refused, in every format; signals are chosen by name and number."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from emgrig.reading.recording import RateNotSaid
from emgrig.reading.signals import find_signal
from reading import damage, made

FORMATS = (
    "edf", "bdf-plus", "own", "table", "openbci-4", "brainflow", "opensignals", "acqknowledge",
    "brainvision", "xdf", "mat-5", "parquet",
)  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good file of every reader, of 100 or 250 Hz."""
    return damage.good_files(tmp_path_factory.mktemp("good"))


def test_every_format_is_read(files: dict[str, Path]) -> None:
    for name, path in files.items():
        found = open_recording(path)
        assert len(set(found.labels)) == len(found.labels), name
        assert found.values(0).shape == (found.n_samples,), name
        assert found.matrix().shape == (found.n_samples, len(found.signals)), name
        assert found.rate_hz in (100, 250, 1000), name


@pytest.mark.parametrize("name", FORMATS)
def test_a_told_rate_that_contradicts_is_refused_with_both(
    files: dict[str, Path], name: str
) -> None:
    rate_hz = open_recording(files[name]).rate_hz
    assert open_recording(files[name], rate_hz=rate_hz).rate_hz == rate_hz
    with pytest.raises((ValueError, RecordingError)) as refusal:
        open_recording(files[name], rate_hz=3 * rate_hz)
    said = str(refusal.value)
    assert f"{3 * rate_hz:g}" in said
    assert f"{rate_hz:g}" in said


@pytest.mark.parametrize("name", FORMATS)
def test_a_told_unit_is_heard_where_none_is_said_and_refused_where_another_is(
    files: dict[str, Path], name: str
) -> None:
    said = open_recording(files[name])
    if all(said.units):
        factor = said.signals[0].factor
        other = "mV" if factor != 1e3 else "uV"
        with pytest.raises(ValueError, match=f"--unit {other} contradicts"):
            open_recording(files[name], unit=other)
    else:
        heard = open_recording(files[name], unit="mV")
        np.testing.assert_array_equal(heard.values(0), said.values(0) * 1e3)
        assert set(heard.units) == {"uV"}


@pytest.mark.parametrize("name", FORMATS)
def test_channels_are_chosen_by_number_and_name(files: dict[str, Path], name: str) -> None:
    whole = open_recording(files[name])
    chosen = open_recording(files[name], channels=["2", whole.labels[0].upper()])
    assert chosen.labels == (whole.labels[1], whole.labels[0])
    np.testing.assert_array_equal(chosen.values(0), whole.values(1))
    with pytest.raises(ValueError, match=r"no channel 'jaw'; there are: 1 "):
        open_recording(files[name], channels=["jaw"])


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), 1e9])
def test_a_rate_that_is_none_is_refused(files: dict[str, Path], rate_hz: float) -> None:
    with pytest.raises(ValueError, match="a rate of"):
        open_recording(files["edf"], rate_hz=rate_hz)


def test_a_unit_that_is_none_is_refused(files: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="expected V, mV, uV or nV"):
        open_recording(files["edf"], unit="kg")


def test_a_file_without_a_rate_says_how_to_give_it(tmp_path: Path) -> None:
    path = made.table(tmp_path / "a.csv", ["zyg"], [[1.0, 2, 3]])
    with pytest.raises(RateNotSaid, match=r"a.csv .*--rate"):
        open_recording(path)
    assert open_recording(path, rate_hz=10).rate_from == "as told"


def test_the_content_counts_and_not_the_name(files: dict[str, Path], tmp_path: Path) -> None:
    for name in ("edf", "bdf-plus", "mat-5", "xdf", "parquet"):
        path = tmp_path / "renamed.dat"
        path.write_bytes(files[name].read_bytes())
        assert open_recording(path).labels == open_recording(files[name]).labels


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("zyg", 0),
        ("Zygomaticus", 0),
        ("zygomaticus major", 0),
        ("oculi", 1),
        ("orbicularis oris", 2),
        ("EMG zygom. major", 0),
        ("2", 1),
    ],
)
def test_a_channel_is_named_by_what_its_name_is_short_for(asked: str, index: int) -> None:
    labels = ["EMG zygom. major", "EMG orbic. oculi", "EMG orbic. oris"]
    assert find_signal(labels, asked) == index


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("orbicularis", "may be 2 EMG orbic. oculi, 3 EMG orbic. oris; name one whole"),
        ("emg", "may be 1 EMG zygom. major, 2"),
        ("jaw", "no channel 'jaw'; there are: 1 EMG zygom. major"),
        (" ", "no channel ' '"),
        ("5", "no channel '5'"),
    ],
)
def test_a_channel_that_is_none_or_several_is_not_guessed(asked: str, words: str) -> None:
    labels = ["EMG zygom. major", "EMG orbic. oculi", "EMG orbic. oris", ". ."]
    with pytest.raises(ValueError, match=re.escape(words)):
        find_signal(labels, asked)


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.capture", "emgrig convert makes the recording of it"), ("a.json", "name the recording")],
)
def test_what_lies_beside_a_recording_is_told_apart(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(RecordingError, match=words):
        open_recording(tmp_path / name)


def test_that_a_unit_is_not_said_is_said_of_every_format(tmp_path: Path) -> None:
    one = made.take(1000, 1000, at=100)
    codes = np.round(one.values * 10).astype(int).T
    np.savetxt(tmp_path / "a.csv", one.values, header="zyg,corr", comments="", delimiter=",")
    savemat(tmp_path / "a.mat", {"zyg": one.values, "fs": 1000.0})
    files = {
        "EDF": made.edf(tmp_path / "a.edf", list(codes), 100, units=["", ""]),
        "BDF": made.edf(tmp_path / "a.bdf", list(codes), 100, units=["", ""]),
        "text": tmp_path / "a.csv",
        "OpenSignals": made.opensignals(tmp_path / "o.txt", one),
        "MATLAB": tmp_path / "a.mat",
    }
    words = "the file does not say the unit of its values: amplitudes are as they stand in it"
    for name, path in files.items():
        found = open_recording(path, rate_hz=1000 if name == "text" else None)
        assert [said for said in found.remarks if words in said], name
        told = open_recording(path, rate_hz=1000 if name == "text" else None, unit="mV")
        assert not [said for said in told.remarks if "the unit" in said], name


def test_only_those_without_a_unit_are_named_and_only_of_the_chosen(tmp_path: Path) -> None:
    ramp = np.arange(-500, 500)
    path = made.edf(
        tmp_path / "a.edf", [ramp] * 6, 100, labels=list("abcdef"), units=["uV", *[""] * 4, "g"]
    )
    assert "unit of b, c, d …: amplitudes" in " ".join(open_recording(path).remarks)
    assert "unit of e: amplitudes" in " ".join(open_recording(path, channels=["a", "e"]).remarks)
    assert not open_recording(path, channels=["a", "f"]).remarks
