import gzip
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import io

from emgrig.analysis.clocks.robust_line import fit_clock_map
from emgrig.analysis.paper import printed as paper
from emgrig.analysis.paper.casmemg_files import write_casmemg_mat
from emgrig.analysis.report.candidates import Analysis, analyse
from emgrig.analysis.report.events import events_tsv
from emgrig.analysis.report.muscle_names import muscles_by_label
from emgrig.analysis.report.page import page
from emgrig.analysis.signal.quality import assess
from emgrig.errors import MissingExtra, RecordingError
from emgrig.reading import Recording, open_recording
from places import RECORDINGS

FILES = {
    "countenance_facial/femg_raw_exported_sample.txt.gz": None,
    "openbci_cyton_sample/OpenBCI_GUI-v6-blinks-jawClench-alpha.txt.gz": None,
    "subvocal_cyton_face/P006_S_Sim.csv.gz": 250.0,
    "subvocal_cyton_face/P008_F_Sim.csv.gz": 250.0,
    "uci_lower_limb/3Amar.txt.gz": None,
}


def read(name: str) -> Recording:
    (path,) = [f for f in FILES if name in f]
    return open_recording(RECORDINGS / path, rate_hz=FILES[path])


def analysed(found: Recording) -> Analysis:
    return analyse(found.matrix(), found.rate_hz, labels=found.labels, units=found.units)


@pytest.mark.parametrize(
    ("name", "rate_hz", "shape"),
    [
        ("femg", 1000.0, (13_150, 15)),
        ("OpenBCI", 250.0, (7500, 8)),
        ("P006", 250.0, (10_000, 8)),
        ("3Amar", 1000.0, (43_665, 5)),
    ],
)
def test_each_real_recording_is_read(name: str, rate_hz: float, shape: tuple[int, int]) -> None:
    found = read(name)
    assert found.matrix().shape == shape
    assert found.rate_hz == pytest.approx(rate_hz, rel=2e-3)
    assert found.rate_hz == rate_hz or found.rate_from == "the time stamps"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["femg", "OpenBCI", "P006", "P008", "3Amar"])
def test_each_real_recording_gives_a_page(name: str) -> None:
    found = read(name)
    html = page(analysed(found), title=name, remarks=found.remarks)
    assert "<svg" in html
    assert html.count("<tr") > 4
    assert not any(word in html for word in ("<script", 'src="http', "<link", "url(http"))


def test_unwired_inputs_and_mains_are_named_and_not_analysed() -> None:
    result = analysed(read("P006"))
    assert ["not wired" in q.reject for q in result.quality] == [False] * 4 + [True] * 4
    assert all("60 Hz mains" in q.remarks[0] for q in result.quality[:4])
    assert {c.channel_index for c in result.candidates} <= {0, 1, 2, 3}
    assert [strip is None for strip in result.strips] == [False] * 4 + [True] * 4
    assert "20-112 Hz only" in result.remarks[0]


@pytest.mark.slow
def test_angles_markers_and_processed_channels_are_named() -> None:
    limb = analysed(read("3Amar")).quality
    assert [bool(q.reject) for q in limb] == [False] * 4 + [True]
    face = analysed(read("femg")).quality
    assert [q.channel_index for q in face if not q.reject] == [0, 1, 2]
    assert "processed already" in face[11].reject
    assert "unit in doubt" in face[2].remarks[-1]


def test_the_zygomaticus_burst_is_found_with_its_units() -> None:
    """data/README.md: one zygomaticus burst at 12.4 s."""
    result = analysed(read("femg"))
    (one,) = [c for c in result.candidates if c.channel_index == 1]
    assert one.start_s < 12.45 < one.end_s
    assert one.units == (11, 12)


@pytest.mark.slow
def test_a_speech_record_has_far_more_candidates_than_a_silent_one() -> None:
    assert len(analysed(read("P008")).candidates) > 3 * len(analysed(read("P006")).candidates)


def quiet(n_samples: int = 20_000) -> np.ndarray:
    return np.random.default_rng(0).normal(scale=2, size=(n_samples, 1))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda x: x * 0 + 5, "constant"),
        (lambda x: x * np.nan, "nothing but gaps"),
        (lambda x: np.clip(x, -3, 3), "clipped at the rail"),
        (lambda x: np.sign(x), "few values"),
    ],
)
def test_a_bad_channel_is_named(change, word: str) -> None:
    assert word in assess(change(quiet()), 1000.0)[0].reject


def test_gaps_and_mains_are_remarks_not_rejections() -> None:
    x = quiet() + 20 * np.sin(2 * np.pi * 60 * np.arange(20_000) / 1000)[:, np.newaxis]
    x[100:110] = x[500:505] = np.nan
    (quality,) = assess(x, 1000.0)
    assert quality.reject == ""
    assert quality.remarks[0] == "15 samples missing in 2 gaps"
    assert quality.mains_hz == 60


def test_an_mvc_gives_percent_and_an_mvc_of_zero_is_refused() -> None:
    x = quiet()
    x[5000:5300] *= 20
    arguments = {"labels": ["Zyg"], "units": ["uV"]}
    (one,) = analyse(x, 1000.0, **arguments, mvc_uv={0: 200.0}).candidates
    assert one.mvc_percent == pytest.approx(100 * one.peak / 200)
    assert one.is_micro
    with pytest.raises(ValueError, match="MVC"):
        analyse(x, 1000.0, **arguments, mvc_uv={0: 0.0})
    with pytest.raises(ValueError, match="no EMG band"):
        analyse(x, 100.0, **arguments)


def test_volts_taken_for_microvolts_are_flagged() -> None:
    x = quiet() * 1e-6
    x[5000:5300] *= 20
    (quality,) = analyse(x, 1000.0, labels=["a"], units=["uV"]).quality
    assert "volts" in quality.remarks[-1]


def test_crosstalk_is_flagged_and_emotions_follow_the_active_channels() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(scale=2, size=(20_000, 3))
    burst = rng.normal(size=(600, 1))
    x[5000:5600] += burst * [400.0, 15.0, 300.0]
    result = analyse(x, 1000.0, labels=["oculi", "lev", "zyg"], units=["uV"] * 3)
    by_channel = {c.channel_index: c for c in result.candidates}
    assert by_channel[0].emotions == ("happiness",)
    assert [by_channel[i].crosstalk for i in range(3)] == [False, True, False]


@pytest.mark.slow
def test_the_events_table_is_bids() -> None:
    lines = events_tsv(analysed(read("femg"))).splitlines()
    assert lines[0].split("\t")[:3] == ["onset", "duration", "trial_type"]
    assert {len(line.split("\t")) for line in lines} == {len(lines[0].split("\t"))}
    assert "nan" not in "".join(lines)


def test_muscles_are_known_by_their_names() -> None:
    labels = ["Corr Raw", "Depressor anguli oris", "orbicularis oculi", "EXG 1", "Zyg"]
    assert muscles_by_label(labels) == {0: 2, 1: 7, 2: 3, 4: 5}


def test_tables_8_and_9_agree_once_the_slips_are_corrected() -> None:
    assert len(paper.slips()) == 3
    homes = {u: c for c, units in paper.CHANNEL_UNITS.items() for u in units}
    assert len(homes) == sum(len(u) for u in paper.CHANNEL_UNITS.values())
    for units, channels in paper.EMOTION_UNITS_PRINTED.values():
        assert {homes[u] for u in units} == set(channels)
    with pytest.raises(ValueError, match="1 to 7"):
        paper.likely_units(8)


def test_lost_samples_become_gaps(tmp_path: Path) -> None:
    head = "%OpenBCI\n%Sample Rate = 250 Hz\nSample Index, EXG Channel 0\n"
    (tmp_path / "a.txt").write_text(head + "254, 1.0\n255, 2.0\n3, 3.0\n")
    found = open_recording(tmp_path / "a.txt")
    np.testing.assert_array_equal(found.values(0), [1, 2, *[np.nan] * 3, 3])
    assert found.remarks[0] == "3 samples were lost and are marked as gaps"


@pytest.mark.parametrize(
    ("text", "rate", "message"),
    [
        ("a,b\n1,2\n3,4\n", None, "sampling rate"),
        ("a,b\n1,2\n3\n4,5\n", 100.0, "line 3 has 1 cells; 2 were expected"),
        ("a,b\n1,2\n3,x\n4,5\n", 100.0, "line 3 is broken: 'x'"),
        ("a,b\nx,y\nx,y\n", 100.0, "no two rows of numbers"),
        ("a\n", 100.0, "1 lines"),
        ("%OpenBCI\n\n\n", None, "OpenBCI"),
    ],
)
def test_a_text_that_is_no_recording_is_refused(
    tmp_path: Path, text: str, rate: float | None, message: str
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(RecordingError, match=message):
        open_recording(path, rate_hz=rate)


def test_the_casmemg_layout_is_written_and_read(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 7))
    write_casmemg_mat(tmp_path / "01_1.mat", x)
    back = open_recording(tmp_path / "01_1.mat").matrix()
    assert back.shape == (100, 8)
    np.testing.assert_array_equal(back[:, :7], x)


def test_what_the_casmemg_layout_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gap"):
        write_casmemg_mat(tmp_path / "a.mat", np.full((9, 7), np.nan))
    with pytest.raises(ValueError, match="9 channels"):
        write_casmemg_mat(tmp_path / "a.mat", np.zeros((9, 9)))
    io.savemat(tmp_path / "b.mat", {"x": np.zeros((9, 3))})
    with pytest.raises(RecordingError, match="holds no matrix of samples"):
        open_recording(tmp_path / "b.mat")
    io.savemat(tmp_path / "c.mat", {"x": np.zeros((90, 8)), "y": np.zeros((90, 8))})
    with pytest.raises(RecordingError, match=r"2 matrices \(x, y\)"):
        open_recording(tmp_path / "c.mat")
    (tmp_path / "d.mat").write_text("no mat file at all, only text of some length " * 9)
    with pytest.raises(RecordingError, match=r"no \.mat file"):
        open_recording(tmp_path / "d.mat")


def test_elan_tiers_come_back_through_the_clock_map(tmp_path: Path) -> None:
    pytest.importorskip("pympi")
    from emgrig.analysis.report.elan import read_elan, write_elan

    emg = np.arange(0, 100, 0.5)
    clock = fit_clock_map(emg, emg * 1.001 + 2.5)
    marks = {"c2": [(10.0, 10.3, "ME AU4"), (40.0, 41.0, "MaE")], "c5": []}
    path = tmp_path / "a.eaf"
    write_elan(path, marks, video=tmp_path / "face.mp4", clock=clock)
    text = path.read_text()
    assert 'TIME_VALUE="12510"' in text  # 10 * 1.001 + 2.5
    assert "face.mp4" in text
    back = read_elan(path, clock=clock)
    assert back["c2"][0] == (pytest.approx(10.0, abs=1e-3), pytest.approx(10.3, abs=1e-3), "ME AU4")
    assert back["c5"] == []
    assert write_elan(path, {"c1": [(-5.0, 1.0, "x"), (1.0, 2.0, "y")]}, clock=clock) == 1
    assert [mark[2] for mark in read_elan(path, clock=clock)["c1"]] == ["y"]
    path.write_text("no xml")
    with pytest.raises(RecordingError, match="no ELAN file"):
        read_elan(path)


def test_a_matlab_table_is_written_and_read(tmp_path: Path) -> None:
    pytest.importorskip("matio")
    samples = np.random.default_rng(3).normal(size=(50, 7))
    write_casmemg_mat(tmp_path / "table.mat", samples, as_table=True)
    write_casmemg_mat(tmp_path / "matrix.mat", samples)
    table = open_recording(tmp_path / "table.mat").matrix()
    assert table.shape == (50, 8)
    assert np.array_equal(table, open_recording(tmp_path / "matrix.mat").matrix())
    assert np.array_equal(table[:, :7], samples)


def test_a_table_without_the_extra_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matio")
    write_casmemg_mat(tmp_path / "table.mat", np.zeros((5, 7)), as_table=True)
    monkeypatch.setitem(sys.modules, "matio", None)
    with pytest.raises(MissingExtra, match=r"needs matio.*table2array"):
        open_recording(tmp_path / "table.mat").matrix()


@pytest.mark.slow
@pytest.mark.parametrize("as_table", [True, False])
def test_a_file_of_matlab_7_3_is_read_too(tmp_path: Path, as_table: bool) -> None:
    matio = pytest.importorskip("matio")
    samples = np.random.default_rng(4).normal(size=(50, 8))
    content = pd.DataFrame(samples, columns=[f"c{n}" for n in range(8)]) if as_table else samples
    matio.save_to_mat(str(tmp_path / "a.mat"), {"data": content}, version="v7.3")
    assert np.array_equal(open_recording(tmp_path / "a.mat").matrix(), samples)
