"""EDF (Kemp 1992), EDF+ (Kemp & Olivan 2003) and BDF, by their definitions and by other readers."""

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from emgrig.reading.formats import edffile
from emgrig.reading.formats.edffile import EdfFile
from reading import made

RAMP = np.arange(-500, 500)


def one_signal(path: Path, **more) -> Path:
    return made.edf(path, [RAMP], 100, **more)


@pytest.mark.parametrize(("suffix", "top"), [(".edf", 1 << 15), (".bdf", 1 << 23)])
def test_a_code_is_scaled_between_the_ends(tmp_path: Path, suffix: str, top: int) -> None:
    """Physical = low + (code - digital low) * (high - low) / (digital high - digital low)."""
    codes = np.array([-top, -1, 0, 1, top - 1])
    found = open_recording(made.edf(tmp_path / f"a{suffix}", [codes], 5, physical=(-100, 100)))
    expected = -100 + (codes + top) * 200 / (2 * top - 1)
    np.testing.assert_allclose(found.values(0), expected, rtol=1e-12, atol=1e-12)
    assert found.signals[0].limits == pytest.approx((-100, 100))


@pytest.mark.parametrize(
    "unit",
    [b"uV", b"\xb5V", "µV".encode(), "μV".encode(), b"uVolt", b"microV", b"uV\0\0\0\0\0\0", b"UV"],
)
def test_microvolts_in_any_writing(tmp_path: Path, unit: bytes) -> None:
    assert open_recording(one_signal(tmp_path / "a.edf", units=[unit])).units == ("uV",)


def test_other_voltages_are_converted_and_others_kept(tmp_path: Path) -> None:
    path = made.edf(tmp_path / "a.edf", [RAMP] * 4, 100, units=["mV", "V", "g", ""])
    found = open_recording(path)
    assert found.units == ("uV", "uV", "g", "")
    assert found.values(0)[600] == pytest.approx(1e3 * found.values(2)[600])
    assert found.values(1)[600] == pytest.approx(1e6 * found.values(3)[600])
    assert open_recording(path, unit="mV").units == ("uV", "uV", "g", "uV")


def test_codes_without_a_scale_are_no_voltage(tmp_path: Path) -> None:
    path = made.edf(tmp_path / "a.edf", [RAMP] * 2, 100, physical=[(0, 0), (-1, 1)])
    bad, good = open_recording(path).signals
    assert "not calibrated" in bad.problem
    assert not bad.is_voltage
    assert good.is_voltage
    assert open_recording(path).values(0).tolist() == RAMP.tolist()


def test_labels_twice_and_empty_are_told_apart(tmp_path: Path) -> None:
    labels = ["EMG", "EMG", "", "EMG", "EMG (2)"]
    found = open_recording(made.edf(tmp_path / "a.edf", [RAMP] * 5, 100, labels=labels))
    assert found.labels == ("EMG (1)", "EMG (3)", "channel 3", "EMG (4)", "EMG (2)")
    assert any("numbered: EMG" in one for one in found.remarks)


def test_what_a_terminal_would_obey_does_not_come_out(tmp_path: Path) -> None:
    labels = ["EMG\x1b[2J", "a\nb"]
    found = open_recording(made.edf(tmp_path / "a.edf", [RAMP] * 2, 100, labels=labels))
    assert found.labels == ("EMG [2J", "a b")


def test_of_several_rates_the_emg_is_taken_and_the_rest_named(tmp_path: Path) -> None:
    path = made.edf(tmp_path / "a.edf", [np.tile(RAMP, 4), RAMP], 400, labels=["Mic", "EMG Zyg"])
    found = open_recording(path)
    assert (found.labels, found.rate_hz, found.left_out) == (("EMG Zyg",), 100, ("Mic (400 Hz)",))


@pytest.mark.parametrize(("said", "word"), [(20, "says 20"), (5, "says 5"), (-1, "does not say")])
def test_a_header_that_counts_wrongly_is_said(tmp_path: Path, said: int, word: str) -> None:
    found = open_recording(one_signal(tmp_path / "a.edf", n_said=said))
    assert found.n_samples == 1000
    assert f"10 data records are there, the header {word}" in found.remarks[0]


def test_a_cut_record_is_left_out_and_said(tmp_path: Path) -> None:
    path = one_signal(tmp_path / "a.edf")
    path.write_bytes(path.read_bytes()[:-50])
    found = open_recording(path)
    assert found.n_samples == 900
    assert any("150 bytes were left out" in one for one in found.remarks)


@pytest.mark.parametrize("letter", "CD")
def test_marks_of_all_annotation_signals_in_any_encoding(tmp_path: Path, letter: str) -> None:
    first = [made.tal(i + 3, [("+4.5", "0.5", "Lächeln".encode("latin-1"))], 90) for i in range(10)]
    second = [made.tal("", [("+5", "", "smile µ".encode())], 90)] + [bytes(90)] * 9
    path = one_signal(tmp_path / "a.edf", tals=[first, second], reserved=f"EDF+{letter}")
    marks = open_recording(path).marks
    assert {(m.onset_s, m.duration_s, m.text) for m in marks} == {
        (1.5, 0.5, "Lächeln"), (2.0, 0.0, "smile µ"),
    }  # fmt: skip


def test_a_mark_that_cannot_be_read_whole_is_said(tmp_path: Path) -> None:
    notes = [("+1", "1e-1", b"endless"), ("+2", "0.25", b"whole"), ("soon", "1", b"timeless")]
    tals = [made.tal(0, notes, 90)] + [made.tal(i, [], 90) for i in range(1, 10)]
    found = open_recording(one_signal(tmp_path / "a.edf", tals=[tals], reserved="EDF+C"))
    assert [(m.onset_s, m.duration_s, m.text) for m in found.marks] == [
        (1.0, 0.0, "endless"), (2.0, 0.25, "whole"),
    ]  # fmt: skip
    assert "annotations left out, since their onset is no number: 1" in found.remarks
    assert "annotations whose duration is no number, read as 0: 1" in found.remarks


def test_marks_that_begin_ahead_of_the_start_are_clipped(tmp_path: Path) -> None:
    notes = [("-1", "1.5", b"BAD"), ("-2", "1", b"gone"), ("+0", "", b"here")]
    tals = [made.tal(0, notes, 90)] + [made.tal(i, [], 90) for i in range(1, 10)]
    found = open_recording(one_signal(tmp_path / "a.edf", tals=[tals], reserved="EDF+C"))
    assert [(m.onset_s, m.duration_s, m.text) for m in found.marks] == [
        (0.0, 0.0, "here"), (0.0, 0.5, "BAD"),
    ]  # fmt: skip
    assert np.isnan(found.values(0)[:50]).all()
    assert not np.isnan(found.values(0)[50:]).any()


def test_edf_plus_d_is_laid_out_by_its_stamps(tmp_path: Path) -> None:
    tals = [[made.tal(at) for at in (0, 1, 2, 3, 4, 10, 11, 12, 13, 14)]]
    found = open_recording(one_signal(tmp_path / "a.edf", tals=tals, reserved="EDF+D"))
    assert found.runs.gaps.tolist() == [[500, 1000]]
    values = found.values(0)
    assert np.isnan(values[500:1000]).all()
    assert values[1000] == pytest.approx(0.0, abs=0.06)


def test_edf_plus_d_without_stamps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"discontinuous \(EDF\+D\)"):
        open_recording(one_signal(tmp_path / "a.edf", tals=[[bytes(60)] * 10], reserved="EDF+D"))
    some = [made.tal(0), bytes(60), *(made.tal(i) for i in range(2, 10))]
    with pytest.raises(RecordingError, match="data record 2 has no time stamp"):
        open_recording(one_signal(tmp_path / "a.edf", tals=[some], reserved="EDF+D"))


def test_records_of_the_same_stamp_with_other_samples_are_refused(tmp_path: Path) -> None:
    tals = [[made.tal(at) for at in (0, 1, 2, 2, 4, 5, 6, 7, 8, 9)]]
    with pytest.raises(RecordingError, match="data records 3 and 4 both begin at 2 s"):
        open_recording(one_signal(tmp_path / "a.edf", tals=tals, reserved="EDF+D"))


@pytest.mark.parametrize(
    ("at", "field", "said"),
    [
        (252, b"0   ", "has 0 signals"),
        (252, b"-1  ", "number of signals is '-1'"),
        (252, b"9999", "number of signals is '9999'"),
        (244, b"nan     ", "length of a data record is 'nan'"),
        (244, b"-1      ", "length of a data record is '-1'"),
        (244, b"0       ", "their rate is not known"),
        (244, b"1e-300  ", "the header says a rate of"),
        (256 + 216, b"1e9     ", "samples of signal 1 is '1e9'"),
        (256 + 216, b"0       ", "cut short|holds no signal"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(
    tmp_path: Path, at: int, field: bytes, said: str
) -> None:
    path = one_signal(tmp_path / "a.edf")
    raw = bytearray(path.read_bytes())
    raw[at : at + len(field)] = field
    path.write_bytes(raw)
    with pytest.raises(RecordingError, match=said) as refusal:
        open_recording(path)
    assert "a.edf" in str(refusal.value)


@pytest.mark.parametrize("n_bytes", [1, 100, 300, 512])
def test_a_header_cut_short_is_refused(tmp_path: Path, n_bytes: int) -> None:
    path = one_signal(tmp_path / "a.edf")
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(RecordingError, match=r"a.edf"):
        open_recording(path)


def test_the_start_and_a_start_that_is_none(tmp_path: Path) -> None:
    found = open_recording(one_signal(tmp_path / "a.edf"))
    assert found.start == dt.datetime(2024, 1, 2, 10, 11, 12)  # noqa: DTZ001 - the file has no zone
    assert open_recording(one_signal(tmp_path / "b.edf", starts="99.99.9999.99.99")).start is None


def test_records_are_read_apart(tmp_path: Path) -> None:
    file = EdfFile(one_signal(tmp_path / "a.edf"))
    assert file.codes(file.signals, 2, 3)[:, 0].tolist() == RAMP[200:500].tolist()


# Other people's writers, and their readers.


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_what_edfio_writes_is_read_as_edfio_reads_it(tmp_path: Path, suffix: str) -> None:
    edfio = pytest.importorskip("edfio", reason="pip install 'emgrig[dev]'")
    rng = np.random.default_rng(0)
    kinds = {".edf": (edfio.Edf, edfio.EdfSignal), ".bdf": (edfio.Bdf, edfio.BdfSignal)}
    whole, single = kinds[suffix]
    notes = [
        edfio.EdfAnnotation(0.25, 0.5, "smile"),
        edfio.EdfAnnotation(1 / 3, 28.4 - 28.0, "frown"),  # sixteen digits, as Python writes it
        edfio.EdfAnnotation(2, None, "ü"),
    ]
    signals = [
        single(rng.normal(0, 50, 3000), 1000, label=f"EMG {i}", physical_dimension="uV")
        for i in range(2)
    ]
    whole(signals, annotations=notes).write(tmp_path / f"a{suffix}")
    theirs = (edfio.read_edf if suffix == ".edf" else edfio.read_bdf)(tmp_path / f"a{suffix}")
    ours = open_recording(tmp_path / f"a{suffix}")
    assert ours.labels == tuple(one.label for one in theirs.signals)
    for i, one in enumerate(theirs.signals):
        np.testing.assert_allclose(ours.values(i), one.data, atol=1e-9)
    assert [m.text for m in ours.marks] == [n.text for n in theirs.annotations]
    times = [(n.onset, n.duration or 0.0) for n in theirs.annotations]
    np.testing.assert_allclose([(m.onset_s, m.duration_s) for m in ours.marks], times, atol=1e-9)


@pytest.mark.slow
def test_what_pyedflib_writes_is_read_as_pyedflib_reads_it(tmp_path: Path) -> None:
    pyedflib = pytest.importorskip("pyedflib", reason="pip install 'emgrig[dev]'")
    path = str(tmp_path / "a.bdf")
    values = np.random.default_rng(0).normal(0, 50, (2, 2000))
    with pyedflib.EdfWriter(path, 2, file_type=pyedflib.FILETYPE_BDFPLUS) as writer:
        for i in range(2):
            writer.setSignalHeader(i, {
                "label": f"EMG {i}", "dimension": "uV", "sample_frequency": 500,
                "physical_min": -3000, "physical_max": 3000, "digital_min": -8388608,
                "digital_max": 8388607, "transducer": "", "prefilter": "",
            })  # fmt: skip
        writer.writeSamples(list(values))
        writer.writeAnnotation(1.5, 0.5, "frown")
    with pyedflib.EdfReader(path) as reader:
        theirs = [reader.readSignal(i) for i in range(2)]
    ours = open_recording(path)
    np.testing.assert_allclose(ours.matrix().T, theirs, atol=1e-9)
    assert [(m.onset_s, m.duration_s, m.text) for m in ours.marks] == [(1.5, 0.5, "frown")]


@pytest.mark.slow
def test_mne_reads_the_same(tmp_path: Path) -> None:
    mne = pytest.importorskip("mne", reason="pip install 'emgrig[dev]'")
    path = made.edf(tmp_path / "a.bdf", [RAMP * 100, -RAMP], 100, physical=(-187500, 187499))
    raw = mne.io.read_raw_bdf(path, preload=True, verbose="error")
    ours = open_recording(path)
    np.testing.assert_allclose(ours.matrix().T, raw.get_data() * 1e6, atol=1e-6)
    assert ours.rate_hz == raw.info["sfreq"]


def test_a_long_file_is_mapped_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same samples, whatever is mapped at a time; none of it stays."""
    whole = EdfFile(made.edf(tmp_path / "a.edf", [RAMP, RAMP[::-1]], 100))
    expected = [whole.values(one) for one in whole.signals]
    for n_bytes in (1, 900, 1500):
        monkeypatch.setattr(edffile, "_MAPPED", n_bytes)
        for one, values in zip(whole.signals, expected, strict=True):
            np.testing.assert_array_equal(whole.values(one), values)


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be cut there")
def test_a_long_file_cut_after_it_was_opened_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edffile, "_MAPPED", 900)
    path = one_signal(tmp_path / "a.edf")
    opened = EdfFile(path)
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(RecordingError, match="longer when it was opened"):
        opened.values(opened.signals[0])
