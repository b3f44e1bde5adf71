"""A BIDS data set: its own validator finds no error, and it says what the recording says."""

import errno
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import mne_bids
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgrig
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.errors import RecordingError
from emgrig.names import file_label
from emgrig.recording.export import staging
from emgrig.recording.export.bids import BidsOptions, export_bids, run_for
from emgrig.recording.export.bids_channels import Told
from emgrig.recording.export.source import Part, open_parts
from emgrig.recording.facts import Annotation, ElectrodeChanged, Marker
from emgrig.recording.recorder import Recorder, record
from exported import record_face, write_recording
from properties import examples

VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")


def electrode(name: str, ohm: float | None, light: str, advice: str = "") -> dict:
    channel, side = int(name[1]), name[2]
    said = {"electrode": name, "channel": channel, "side": side, "light": light}
    return {**said, "impedance_ohm": ohm, "finding": "", "advice": advice}


def channel(number: int, light: str, advice: str = "") -> dict:
    return {"channel": number, "light": light, "advice": advice}


CONTACT = {
    "format": "emgrig contact 1",
    "made_utc": "2026-11-24T20:00:00+00:00",
    "conditions": {"current": "24nA", "frequency_hz": 31.25},
    "electrodes": [
        electrode("c1p", 10012.0, "green"),
        electrode("c1n", 9100.0, "green"),
        electrode("c2p", 8000.0, "green"),
        electrode("c2n", 45000.0, "red", "clean skin, new gel at c2 negative: 45 kΩ"),
        electrode("c3p", None, "grey"),
        electrode("c4p", 20500.0, "yellow", "c4 positive is fair"),
    ],
    "channels": [channel(1, "green"), channel(2, "red"), channel(3, "grey"), channel(4, "green")],
}


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of two parts, with losses, markers, tube and contact check, named as none is."""
    path = tmp_path_factory.mktemp("face") / "anna_smith.bdf"
    record_face(path, contact=CONTACT, gain_change=True)
    return path


def validate(root: Path) -> tuple[list[str], Counter]:
    """Errors of the validator, and how often it warns of what; it works without a network."""
    if not VALIDATOR.exists():
        pytest.skip("bids-validator-deno is not installed: pip install 'emgrig[dev]'")
    done = subprocess.run(
        [VALIDATOR, root, "--format", "json", "--max-rows", "-1"],
        capture_output=True,
        text=True,
        check=False,
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    errors = [str(issue) for issue in issues if issue["severity"] == "error"]
    return errors, Counter(issue["code"] for issue in issues if issue["severity"] == "warning")


def read(root: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(root / name, sep="\t", keep_default_na=False, dtype=str)


@pytest.mark.long
@pytest.mark.slow
def test_the_validator_finds_no_error(face: Path, tmp_path: Path) -> None:
    root = tmp_path / "study"
    told = Told(10.0, "cup", "Ag/AgCl")
    options = BidsOptions(
        "01", "faces", mains_hz=50, authors=("A", "B"), told=told, with_capture=True
    )
    export_bids(open_parts([face]), root, options)
    other = tmp_path / "x.bdf"
    odd = [Annotation.of(5, Marker('say "a\tb" x=1 HED=3 stim_file=x onset=7 channel=2'))]
    codes = np.zeros((500, 3), np.int32)
    write_recording(other, codes, annotations=odd, mux="test")
    export_bids([Part(other)], root, BidsOptions("02", "bench", session="a"))
    write_recording(other, codes, names=["x", "y", "frontalis"])
    export_bids([Part(other)], root, BidsOptions("02", "bench", session="b"))
    write_recording(other, codes)
    export_bids([Part(other)], root, BidsOptions("02", "bench", session="c"))
    errors, warnings = validate(root)
    assert errors == []
    # HED version, licence and source of the data set, and the program that showed the stimuli: all
    # of them are for the people who hand it on to say.
    # 3.0.2 of the validator does not know 1.11.2 of BIDS yet.
    known = {"JSON_KEY_RECOMMENDED", "SIDECAR_KEY_RECOMMENDED", "UNKNOWN_BIDS_VERSION"}
    assert set(warnings) <= known


@pytest.mark.long
@pytest.mark.slow
def test_the_validator_can_find_an_error(face: Path, tmp_path: Path) -> None:
    export_bids(open_parts([face]), tmp_path / "a", BidsOptions("01", "faces"))
    file = tmp_path / "a/sub-01/emg/sub-01_task-faces_run-1_emg.json"
    content = json.loads(file.read_text())
    del content["PowerLineFrequency"]
    file.write_text(json.dumps(content))
    assert validate(tmp_path / "a")[0]


@pytest.mark.slow
def test_the_recording_is_copied_byte_for_byte(face: Path, tmp_path: Path) -> None:
    export_bids(open_parts([face]), tmp_path / "a", BidsOptions("01", "faces"))
    for run, source in ((1, face), (2, face.with_stem("anna_smith-2"))):
        copy = tmp_path / f"a/sub-01/emg/sub-01_task-faces_run-{run}_emg.bdf"
        assert copy.read_bytes() == source.read_bytes()
    tube = tmp_path / "a/sourcedata/sub-01/emg/sub-01_task-faces_run-1_tube.tsv"
    assert tube.read_bytes() == face.with_name("anna_smith_tube.tsv").read_bytes()


@pytest.mark.slow
def test_no_name_of_a_file_goes_along(face: Path, tmp_path: Path) -> None:
    with emgrig.connect(f"replay:{face.with_suffix('.capture')}") as board:
        record(board, tmp_path / "anna.bdf", 0.5)
    parts = [*open_parts([face]), Part(tmp_path / "anna.bdf")]
    assert "anna" in str(parts[2].section("board")["address"])
    files = export_bids(parts, tmp_path / "a", BidsOptions("01", "faces"))
    assert len(files) > 20
    for path in files:
        assert b"anna" not in path.read_bytes().lower(), path
        assert "anna" not in str(path.relative_to(tmp_path)).lower()


def test_places_that_were_measured_stay(tmp_path: Path) -> None:
    root, path = tmp_path / "a", tmp_path / "x.bdf"
    write_recording(path, np.zeros((200, 1), np.int32), names=["frontalis"])
    export_bids([Part(path)], root, BidsOptions("01", "rest"))
    folder = root / "sub-01/emg"
    table = (folder / "sub-01_electrodes.tsv").read_text()
    measured = table.replace("c1p\t85\t121", "c1p\t87.5\t119")
    (folder / "sub-01_electrodes.tsv").write_text(measured)
    (folder / "sub-01_coordsystem.json").write_text("{}")
    export_bids([Part(path)], root, BidsOptions("01", "faces"))
    assert (folder / "sub-01_electrodes.tsv").read_text() == measured != table
    assert (folder / "sub-01_coordsystem.json").read_text() == "{}"
    export_bids([Part(path)], root, BidsOptions("01", "faces", overwrite=True))
    assert (folder / "sub-01_electrodes.tsv").read_text() == table


def test_channels_are_those_of_the_registers_and_the_check(face: Path, tmp_path: Path) -> None:
    export_bids(open_parts([face]), tmp_path / "a", BidsOptions("01", "faces"))
    for run, gain_3 in ((1, "12"), (2, "24")):
        rows = read(tmp_path / "a", f"sub-01/emg/sub-01_task-faces_run-{run}_channels.tsv")
        assert list(rows["type"]) == ["EMG"] * 7
        assert set(rows["units"]) == {"uV"}
        assert list(rows["signal_electrode"]) == [f"c{n}p" for n in range(1, 8)]
        assert list(rows["reference"]) == [f"c{n}n" for n in range(1, 8)]
        assert rows["target_muscle"][3] == "levator labii superioris alaeque nasi"
        assert list(rows["gain"][:3]) == ["12", "12", gain_3]
        assert set(rows["high_cutoff"]) == {"262"}  # 0.262 of the data rate (SBAS499C, 9.3.2.1)
        assert set(rows["low_cutoff"]) == {"n/a"}
        assert list(rows["status"][:5]) == ["good", "bad", "n/a", "good", "n/a"]
        assert rows["status_description"][0] == "n/a"
        assert (
            rows["status_description"][1]
            == "channel red; clean skin, new gel at c2 negative: 45 kΩ"
        )
        assert rows["status_description"][3] == "c4 positive is fair"
        assert (
            rows["status_description"][4] == "the electrodes were not checked before the recording"
        )


def test_impedance_is_that_of_the_check_in_kilohm(face: Path, tmp_path: Path) -> None:
    export_bids(open_parts([face]), tmp_path / "a", BidsOptions("01", "faces"))
    rows = read(tmp_path / "a", "sub-01/emg/sub-01_electrodes.tsv").set_index("name")
    assert list(rows.index) == [f"c{n}{side}" for n in range(1, 8) for side in "pn"] + ["bias"]
    assert rows["impedance"]["c1p"] == "10.01"
    assert rows["impedance"]["c2n"] == "45"
    assert rows["impedance"]["c3p"] == rows["impedance"]["c7n"] == "n/a"
    assert rows["x"]["bias"] == "n/a"  # nobody said where it is
    assert float(rows["x"]["c5p"]) > 50  # the left half: x runs from right to left


def test_the_sidecar_says_what_is_known_and_no_more(face: Path, tmp_path: Path) -> None:
    export_bids(open_parts([face]), tmp_path / "a", BidsOptions("01", "faces", mains_hz=60))
    said = json.loads((tmp_path / "a/sub-01/emg/sub-01_task-faces_run-1_emg.json").read_text())
    part = Part(face)
    assert said["TaskName"] == "faces"
    assert said["SamplingFrequency"] == 1000
    assert said["PowerLineFrequency"] == 60
    assert said["EMGReference"] == "ChannelSpecific"
    assert said["EMGChannelCount"] == 7
    assert said["RecordingDuration"] == part.n_samples / 1000
    assert said["HardwareFilters"]["sinc3 of the ADS1299"]["Low-pass -3 dB cutoff (Hz)"] == 262
    assert said["DeviceSerialNumber"].startswith("SIM-")
    assert said["IsSimulated"] is True
    assert "simulated" in said["ManufacturersModelName"]
    assert said["Instructions"] == said["ElectrodeMaterial"] == "n/a"
    assert "nothing was measured" in said["EMGPlacementSchemeDescription"]


def test_a_closed_srb1_is_the_reference_of_all(tmp_path: Path) -> None:
    raw = bytearray(RegisterFile.reset().raw)
    raw[0x15] = 0x20  # MISC1: SRB1 (SBAS499C, 9.6.1.15)
    names = ["frontalis", "zygomaticus major"]
    path = tmp_path / "a.bdf"
    write_recording(path, np.zeros((200, 2), np.int32), names=names, registers=bytes(raw))
    export_bids([Part(path)], tmp_path / "b", BidsOptions("01", "rest"))
    folder = tmp_path / "b/sub-01/emg"
    assert list(read(folder, "sub-01_task-rest_channels.tsv")["reference"]) == ["SRB1", "SRB1"]
    assert list(read(folder, "sub-01_electrodes.tsv")["name"]) == ["c1p", "SRB1", "c2p"]
    said = json.loads((folder / "sub-01_task-rest_emg.json").read_text())
    assert said["EMGReference"] == "SRB1"
    assert said["EMGGround"] == "n/a"  # after a reset the bias amplifier is off
    assert said["IsSimulated"] is False


def test_an_electrode_that_was_off_is_said(tmp_path: Path) -> None:
    notes = [
        Annotation.of(100, ElectrodeChanged(True, 1, "p", "a")),
        Annotation.of(350, ElectrodeChanged(False, 1, "p", "a")),
        Annotation.of(400, ElectrodeChanged(True, 2, "n", "b")),
    ]
    path = tmp_path / "a.bdf"
    write_recording(path, np.zeros((1000, 3), np.int32), annotations=notes, contact=CONTACT)
    export_bids([Part(path)], tmp_path / "b", BidsOptions("01", "rest"))
    rows = read(tmp_path / "b/sub-01/emg", "sub-01_task-rest_channels.tsv")
    assert rows["status"][0] == "good"
    assert rows["status_description"][0] == "an electrode was off for 0.25 s"
    assert rows["status"][1] == "bad"
    assert "an electrode was off for 0.6 s" in rows["status_description"][1]


@pytest.mark.slow
def test_a_second_participant_is_added(face: Path, tmp_path: Path) -> None:
    root = tmp_path / "a"
    parts = open_parts([face])
    export_bids(parts, root, BidsOptions("01", "faces", name="Study"))
    (root / "participants.tsv").write_text("participant_id\tage\tfavourite\nsub-01\t31\ttea\n")
    (root / "README").write_text("ours")
    description = (root / "dataset_description.json").read_bytes()
    export_bids(parts, root, BidsOptions("sub-02", "faces"))
    expected = "participant_id\tage\tfavourite\nsub-01\t31\ttea\nsub-02\tn/a\tn/a\n"
    assert (root / "participants.tsv").read_text() == expected
    assert (root / "README").read_text() == "ours"
    assert (root / "dataset_description.json").read_bytes() == description
    assert json.loads(description)["Name"] == "Study"
    scans = read(root, "sub-02/sub-02_scans.tsv")
    assert list(scans["filename"]) == [f"emg/sub-02_task-faces_run-{n}_emg.bdf" for n in (1, 2)]
    starts = [part.start.replace(tzinfo=None).isoformat() + "Z" for part in parts]
    assert list(scans["acq_time"]) == starts
    errors, warnings = validate(root)
    assert errors == []
    assert warnings["TSV_ADDITIONAL_COLUMNS_UNDEFINED"] <= 1  # favourite, by whoever added it


def test_nothing_is_written_over_unasked(face: Path, tmp_path: Path) -> None:
    root, parts = tmp_path / "a", open_parts([face])
    export_bids(parts, root, BidsOptions("01", "faces"))
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(RecordingError, match=r"run-1_emg\.bdf exists; choose another"):
        export_bids(parts, root, BidsOptions("01", "faces"))
    with pytest.raises(RecordingError, match="has a dataset_description"):
        export_bids(parts, root, BidsOptions("03", "faces", name="Another"))
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    export_bids(parts, root, BidsOptions("01", "faces", first_run=3))
    assert (root / "sub-01/emg/sub-01_task-faces_run-4_emg.bdf").exists()
    options = BidsOptions("01", "faces", mains_hz=50, name="Another", overwrite=True)
    export_bids(parts, root, options)
    assert json.loads((root / "dataset_description.json").read_text())["Name"] == "Another"
    said = json.loads((root / "sub-01/emg/sub-01_task-faces_run-1_emg.json").read_text())
    assert said["PowerLineFrequency"] == 50


def test_a_check_that_comes_later_fills_in_what_was_not_known(tmp_path: Path) -> None:
    root, path = tmp_path / "a", tmp_path / "x.bdf"
    codes = np.zeros((200, 2), np.int32)
    write_recording(path, codes)
    export_bids([Part(path)], root, BidsOptions("01", "rest"))
    write_recording(path, codes, contact=CONTACT)
    export_bids([Part(path)], root, BidsOptions("01", "faces"))
    rows = read(root, "sub-01/emg/sub-01_electrodes.tsv").set_index("name")
    assert list(rows["impedance"]) == ["10.01", "9.1", "8", "45"]


def test_a_folder_of_something_else_is_refused(face: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("x")
    with pytest.raises(RecordingError, match="it is no BIDS data set"):
        export_bids([Part(face)], tmp_path, BidsOptions("01", "faces"))
    with pytest.raises(RecordingError, match="make it first"):
        export_bids([Part(face)], tmp_path / "no" / "where", BidsOptions("01", "faces"))
    with pytest.raises(RecordingError, match="is a file"):
        export_bids([Part(face)], tmp_path / "thesis.docx", BidsOptions("01", "faces"))


def test_a_full_disk_leaves_nothing(
    face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    export_bids([Part(face)], tmp_path / "old", BidsOptions("01", "faces"))
    before = sorted((tmp_path / "old").rglob("*"))
    monkeypatch.setattr(staging, "_write_all", full)
    for folder in ("new", "old"):
        with pytest.raises(RecordingError, match=r"cannot write to .*No space left"):
            export_bids([Part(face)], tmp_path / folder, BidsOptions("02", "faces"))
    assert not (tmp_path / "new").exists()
    assert sorted((tmp_path / "old").rglob("*")) == before


def test_two_exports_at_once_do_not_mix(face: Path, tmp_path: Path) -> None:
    export_bids([Part(face)], tmp_path / "a", BidsOptions("01", "faces"))
    (tmp_path / "a" / ".emgrig-unfinished").mkdir()
    with pytest.raises(RecordingError, match="another export is writing there"):
        export_bids([Part(face)], tmp_path / "a", BidsOptions("02", "faces"))
    assert not (tmp_path / "a/sub-02").exists()


def test_a_capture_or_table_that_is_gone_is_said(tmp_path: Path) -> None:
    record_face(tmp_path / "a.bdf")
    (tmp_path / "a.capture").unlink()
    options = BidsOptions("01", "faces", with_capture=True)
    with pytest.raises(RecordingError, match=r"the capture of .* is not beside it"):
        export_bids([Part(tmp_path / "a.bdf")], tmp_path / "b", options)
    (tmp_path / "a_tube.tsv").unlink()
    with pytest.raises(RecordingError, match=r"a_tube\.tsv is missing"):
        export_bids([Part(tmp_path / "a.bdf")], tmp_path / "b", BidsOptions("01", "faces"))
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
@given(st.text(max_size=8), st.sampled_from(["subject", "session", "task"]))
def test_a_label_is_letters_and_digits(label: str, what: str) -> None:
    labels = {"subject": "01", "task": "faces", "session": "", what: label}
    plain = label.removeprefix(f"{what[:3]}-" if what != "task" else "task-")
    if re.fullmatch("[0-9A-Za-z]+", plain) or (what == "session" and not plain):
        stem = BidsOptions(**labels).stem(None)
        assert re.fullmatch(r"sub-[^\W_]+(_ses-[^\W_]+)?_task-[^\W_]+", stem, re.ASCII)
        return
    with pytest.raises(ValueError, match=f"--{what} .*: expected letters and digits") as caught:
        BidsOptions(**labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subject": "Anna Smith"}, "a code such as 01 and never a name"),
        ({"mains_hz": 55}, "expected 50 or 60"),
        ({"first_run": 0}, "expected 1 or more"),
        ({"task": "two-back"}, "letters and digits only"),
    ],
)
def test_wrong_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BidsOptions(**{"subject": "01", "task": "faces", **options})


@pytest.mark.slow
def test_mne_bids_opens_the_data_set(tmp_path: Path) -> None:
    """Also with markers whose keys MNE keeps for itself."""
    record_face(tmp_path / "a.bdf")
    with emgrig.connect("sim:face") as board:
        board.apply("facial-emg")
        with Recorder(board, tmp_path / "b.bdf") as recorder, board.stream(1.0) as stream:
            for number, block in enumerate(stream):
                recorder.feed(block)
                if number == 1:
                    recorder.mark("clip begin ch_names=left hed_string=none description=smile")
    root = tmp_path / "study"
    for name, task in (("a", "faces"), ("b", "marked")):
        export_bids(
            open_parts([tmp_path / f"{name}.bdf"]), root, BidsOptions("01", task, mains_hz=50)
        )
    texts: list[str] = []
    for path in mne_bids.find_matching_paths(root, suffixes="emg", extensions=".bdf"):
        raw = mne_bids.read_raw_bids(path, verbose="error")
        assert set(raw.get_channel_types()) == {"emg"}
        assert "EMG orbic. oculi" in raw.ch_names
        texts += list(raw.annotations.description)
    assert "clip begin" in texts
    assert any(text.startswith("BAD_gap") for text in texts)
    events = (root / "sub-01/emg/sub-01_task-marked_events.tsv").read_text("utf-8")
    head = events.partition("\n")[0].split("\t")
    assert {"marker_ch_names", "marker_hed_string", "marker_description"} <= set(head)
    assert not {"description", "ch_names", "hed_string"} & set(head)


CODES = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["P01", "P-01", "P.01", "P 01", "p01", "Pä01", "P01x", "../P01", "P01/.."]
)


@pytest.mark.slow
@examples(200)
@given(CODES, CODES)
def test_two_codes_never_share_a_label(one: str, other: str) -> None:
    first, second = file_label(one), file_label(other)
    assert re.fullmatch("[0-9A-Za-z]+", first)
    assert (first == second) == (one == other)


def test_a_second_session_of_a_participant_is_the_next_run(tmp_path: Path) -> None:
    for name, second in (("a", 1), ("b", 2)):
        write_recording(tmp_path / f"{name}.bdf", np.zeros((100, 2), np.int32))
        path = tmp_path / f"{name}.json"
        sidecar = json.loads(path.read_text("utf-8"))
        sidecar["start"] = {"unix_s": 1.6e9 + second}
        path.write_text(json.dumps(sidecar), "utf-8")
    first, second = open_parts([tmp_path / "a.bdf"])[0], open_parts([tmp_path / "b.bdf"])[0]
    root, options = tmp_path / "study", BidsOptions("01", "faces")
    assert run_for(first, root, options) == (1, False)
    export_bids([first], root, replace(options, first_run=1))
    assert run_for(first, root, options) == (1, True)
    assert run_for(second, root, options) == (2, False)
    assert run_for(second, root, replace(options, task="other")) == (1, False)
