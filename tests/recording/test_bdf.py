"""BDF+ files as mne, pyedflib and edfio read them."""

import io
from dataclasses import replace
from pathlib import Path

import edfio
import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.recording.bdf.channels import shortened
from emgrig.recording.bdf.header import (
    Channel,
    FileHead,
    Plan,
    ascii_text,
    encode_header,
    header_limits,
    record_shape,
)
from emgrig.recording.bdf.writer import BdfWriter
from emgrig.recording.facts import PlacedText
from properties import examples

GAINS = (1, 2, 4, 6, 8, 12, 24)
START_S = 1_795_000_000.25


def scale_uv(gain: float, vref_v: float = 4.5) -> float:
    """SBAS499C, equation 8."""
    return vref_v * 1e6 / gain / 2**23


def head(n_channels: int = 3, rate_hz: float = 1000.0, gain: float = 12) -> FileHead:
    names = ["EMG frontalis", "EMG corrugator s", "ch8", *map(str, range(30))]
    channels = [Channel(name, scale_uv(gain), "Ag/AgCl", "LP:262Hz") for name in names]
    return FileHead(tuple(channels[:n_channels]), rate_hz, START_S, "emgrig_simulated", ("SN-1",))


def some_codes(n_samples: int, n_channels: int) -> np.ndarray:
    codes = np.random.default_rng(1).integers(-(2**23), 2**23, (n_samples, n_channels))
    codes[0], codes[1], codes[2] = -(2**23), 2**23 - 1, 0
    return codes.astype(np.int32)


def write(
    path: Path, file_head: FileHead, codes: np.ndarray, notes: list[PlacedText], piece: int = 17
) -> Plan:
    def feed(writer: BdfWriter) -> Plan:
        waiting = list(notes)
        for begin in range(0, len(codes), piece):
            while waiting and waiting[0].sample < begin + piece:
                writer.annotate(waiting.pop(0))
            writer.write(codes[begin : begin + piece])
        for note in waiting:
            writer.annotate(note)
        return writer.finish()

    plan = feed(BdfWriter(file_head))
    with path.open("wb") as file:
        assert feed(BdfWriter(file_head, file, plan)) == plan
        assert len(encode_header(file_head, plan)) == plan.header_bytes
    assert path.stat().st_size == plan.n_bytes
    return plan


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("vref_v", [4.5, 2.5, 4.4987])
def test_the_header_holds_the_scale_to_float_precision(gain: int, vref_v: float) -> None:
    exact = scale_uv(gain, vref_v)
    limits = header_limits(exact)
    for value in (limits.physical_min, limits.physical_max):
        text = edfio._header_field.encode_float(value).decode().strip()
        assert len(text) <= 8
        assert float(text) == value
    assert -(2**23) <= limits.digital_min <= -7 * 2**20
    assert 7 * 2**20 <= limits.digital_max <= 2**23 - 1
    codes = np.array([-(2**23), -1, 0, 1, 2**23 - 1])
    read = limits.offset_uv + codes * limits.scale_uv
    tolerance = 0.0 if vref_v == 4.5 else 2e-3  # of a code; the usual limits are off by a whole one
    assert np.abs(read - codes * exact).max() <= tolerance * exact


@pytest.mark.parametrize(
    ("scale", "offset"), [(4.5e6 / 24 / 2**23, 0.0), (4.4987e6 / 24 / 2**23, 71.3), (0.0731, -1.7)]
)
def test_the_limits_are_the_outermost_codes_that_eight_characters_hold(
    scale: float, offset: float
) -> None:
    """Against all codes at once: the first exact to 1e-15, else to 1e-10, else the best."""
    limits = header_limits(scale, offset)
    for found, outermost in ((limits.digital_max, 2**23 - 1), (limits.digital_min, -(2**23))):
        codes = np.arange(7 * 2**20, abs(outermost) + 1) * np.sign(outermost)
        exact = codes * scale + offset
        decimals = max(0, 7 - len(str(int(exact[-1]))))
        errors = np.abs(np.round(exact, decimals) / exact - 1)
        tolerance = next(t for t in (1e-15, 1e-10, errors.min()) if (errors <= t).any())
        assert found == codes[errors <= tolerance][-1]


@pytest.mark.parametrize("bad", [0.0, -1.0, 5.0, float("nan")])
def test_a_scale_that_no_header_holds_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="one code of"):
        header_limits(bad)


@pytest.mark.parametrize("rate_hz", [250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0])
@pytest.mark.parametrize("n_channels", [1, 8, 32])
def test_data_records_are_short_whole_and_exact(rate_hz: float, n_channels: int) -> None:
    shape = record_shape(rate_hz, n_channels)
    assert shape.n_samples / float(shape.duration) == rate_hz
    assert len(shape.duration) <= 8
    assert float(shape.duration) <= 0.1
    assert shape.n_samples * n_channels * 3 <= 61440


@pytest.mark.parametrize("f_clk_hz", [2_000_000.0, 2_100_000.0, 2_097_152.0, 1_999_997.0])
def test_odd_clocks_give_a_rate_that_is_right_to_5_ppm(f_clk_hz: float) -> None:
    rate_hz = f_clk_hz / 2048
    shape = record_shape(rate_hz, 3)
    assert shape.n_samples / float(shape.duration) == pytest.approx(rate_hz, rel=5e-6)
    plan = Plan(replace(shape, annotation_bytes=30), 7)
    header = encode_header(head(rate_hz=rate_hz), plan)
    assert len(header) == plan.header_bytes == 256 * 5
    assert header[236:252] == b"7       " + shape.duration.encode().ljust(8)


def test_mne_reads_values_labels_units_rate_and_annotations(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    codes = some_codes(2500, 3)
    notes = [
        PlacedText(120, 16, "BAD_gap 16 conversions: lost on the link"),
        PlacedText(150, 0, "smile µ"),
        PlacedText(151, 0, "second in the same record"),
        PlacedText(2499, 0, "last"),
    ]
    write(path, head(), codes, notes)
    raw = mne.io.read_raw_bdf(path, verbose="error")
    assert raw.ch_names == ["EMG frontalis", "EMG corrugator s", "ch8"]
    assert raw.info["sfreq"] == 1000.0
    assert raw._orig_units == dict.fromkeys(raw.ch_names, "µV")
    assert raw.info["meas_date"].timestamp() == int(START_S)
    np.testing.assert_array_equal(raw.get_data().T, codes * (4.5 / 12 / 2**23))
    found = [(a["onset"], a["duration"], a["description"]) for a in raw.annotations]
    assert found == [
        (0.12, 0.016, "BAD_gap 16 conversions: lost on the link"),
        (0.15, 0.0, "smile µ"),
        (0.151, 0.0, "second in the same record"),
        (2.499, 0.0, "last"),
    ]
    kept = raw.get_data(reject_by_annotation="omit")
    assert kept.shape[1] == 2500 - 16


def test_pyedflib_reads_values_labels_units_rate_and_annotations(tmp_path: Path) -> None:
    pyedflib = pytest.importorskip("pyedflib", reason="the oracle pyedflib is not installed")
    path = tmp_path / "a.bdf"
    codes = some_codes(1000, 3)
    write(path, head(gain=24), codes, [PlacedText(120, 16, "BAD_gap"), PlacedText(150, 0, "smile")])
    with pyedflib.EdfReader(str(path)) as reader:
        assert reader.getSignalLabels() == ["EMG frontalis", "EMG corrugator s", "ch8"]
        assert [reader.getPhysicalDimension(index) for index in range(3)] == ["uV"] * 3
        assert reader.getSampleFrequencies().tolist() == [1000.0] * 3
        assert reader.getPrefilter(0) == "LP:262Hz"
        assert reader.getTransducer(0) == "Ag/AgCl"
        assert reader.getEquipment() == "emgrig simulated"  # it shows _ as a blank
        assert reader.starttime_subsecond == 2_500_000  # of 100 ns
        assert reader.datarecords_in_file == 10
        for index in range(3):
            np.testing.assert_array_equal(reader.readSignal(index, digital=True), codes[:, index])
            np.testing.assert_array_equal(reader.readSignal(index), codes[:, index] * scale_uv(24))
        onsets, durations, texts = reader.readAnnotations()
    assert onsets.tolist() == [0.12, 0.15]
    assert durations.tolist() == [0.016, -1.0]
    assert texts.tolist() == ["BAD_gap", "smile"]


def test_the_last_record_is_filled_up_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    codes = some_codes(1003, 2)
    write(path, head(2), codes, [])
    bdf = edfio.read_bdf(path)
    assert bdf.signals[0].digital.tolist() == codes[:, 0].tolist() + [codes[-1, 0]] * 97
    assert [tuple(a) for a in bdf.annotations] == [
        (1.003, 0.097, "BAD_padding fills the last record")
    ]


def test_annotations_that_come_late_or_lie_behind_the_end_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    notes = [PlacedText(90_000, 0, "behind"), PlacedText(5, 0, "long past")]

    def feed(writer: BdfWriter) -> Plan:
        writer.write(np.zeros((40_000, 1), np.int32))
        for note in notes:
            writer.annotate(note)
        writer.write(np.zeros((40_000, 1), np.int32))
        return writer.finish()

    plan = feed(BdfWriter(head(1)))
    with path.open("wb") as file:
        feed(BdfWriter(head(1), file, plan))
    found = [(a.onset, a.text) for a in edfio.read_bdf(path).annotations]
    assert found == [(0.005, "long past"), (80.0, "behind")]


@pytest.mark.slow
@examples(25)
@given(
    pieces=st.lists(st.integers(1, 400), min_size=1, max_size=6),
    notes=st.lists(
        st.tuples(st.integers(0, 2500), st.integers(0, 99), st.text(max_size=30)), max_size=9
    ),
)
def test_any_pieces_and_texts_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[int],
    notes: list[tuple[int, int, str]],
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.bdf"
    codes = some_codes(max(sum(pieces), 3), 2)
    write(path, head(2), codes, sorted((PlacedText(*n) for n in notes), key=lambda n: n.sample))
    bdf = edfio.read_bdf(path)
    for index in range(2):
        assert bdf.signals[index].digital[: len(codes)].tolist() == codes[:, index].tolist()
    texts = sorted(a.text for a in bdf.annotations if not a.text.startswith("BAD_padding"))
    said = ["".join(c if c.isprintable() else " " for c in text) for _, _, text in notes]
    assert texts == sorted(said)


def test_a_file_needs_a_plan() -> None:
    with pytest.raises(ValueError, match="plan"):
        BdfWriter(head(), io.BytesIO())


def test_header_texts_become_ascii() -> None:
    assert ascii_text("M. zygomaticus (größer) µ\n", 40) == "M. zygomaticus (groer) u".replace(
        "groer", "gro?er"
    )
    assert ascii_text("x" * 20, 16) == "x" * 16


def test_a_start_that_edf_cannot_hold_is_left_out(tmp_path: Path) -> None:
    early = FileHead(head().channels, 1000.0, 5.5, "emgrig")
    write(tmp_path / "a.bdf", early, some_codes(100, 3), [])
    with pytest.raises(edfio.AnonymizedDateError):
        _ = edfio.read_bdf(tmp_path / "a.bdf").startdate


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("frontalis", "frontalis"),
        ("orbicularis oculi", "orbic. oculi"),
        ("orbicularis oris", "orbicu. oris"),
        ("levator labii superioris alaeque nasi", "levator nasi"),
        ("corrugator supercilii", "corr. supe."),
        ("", ""),
    ],
)
def test_a_label_still_says_what_it_is(name: str, short: str) -> None:
    assert shortened(name, 12) == short
