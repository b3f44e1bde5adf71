import json
import re
from pathlib import Path

import edfio
import numpy as np
import pytest
from typer.testing import CliRunner

import emgrig
from emgrig.analysis.paper.annotations import Expression, write_annotations
from emgrig.analysis.paper.casmemg_files import write_casmemg_mat
from emgrig.errors import exit_code_for
from emgrig.protocol.account import Cause
from emgrig.reading import open_recording
from emgrig.recording.facts import Annotation, Gap
from emgrig.recording.recorder import record
from emgrig.tools.analyse.commands import app
from exported import write_recording
from page_check import check_page


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is None or isinstance(result.exception, SystemExit):
        return result.exit_code, result.output
    return int(exit_code_for(result.exception)), f"{result.output}error: {result.exception}\n"


@pytest.mark.slow
def test_reproduce_prints_a_verdict_for_every_number(data: Path, tmp_path: Path) -> None:
    sheet = data / "casmemg" / "380_sort.xlsx"
    code, text = run("reproduce", "--annotations", sheet, "--figures", tmp_path)
    assert code == 0
    assert "does not come out: 10\n  4.1 participants: printed 35, ours 34" in text
    assert "exact, from data: 10\nrecomputed from numbers that the paper prints: " in text
    assert "within rounding: 2" in text
    assert "trivial answer" in text
    assert len(list(tmp_path.glob("figure-*.svg"))) == 3


@pytest.mark.slow
def test_reproduce_fits_in_a_terminal_of_80_columns(data: Path) -> None:
    sheet = data / "casmemg" / "380_sort.xlsx"
    words = ["reproduce", "--annotations", str(sheet)]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "80"})
    assert max(len(line) for line in result.output.splitlines()) <= 80


@pytest.mark.slow
def test_reproduce_without_material_says_so() -> None:
    code, text = run("reproduce")
    assert code == 0
    assert "no material" in text
    for where in ("10.1109/TAFFC.2025.3575127", "MELABIPCAS/CASMEMG", "licence agreement"):
        assert where in text.replace("\n", " ")


@pytest.mark.slow
def test_the_clock_report_has_a_row_a_recording(data: Path) -> None:
    code, text = run("clock-report", "--annotations", data / "casmemg" / "380_sort.xlsx")
    assert code == 0
    assert re.search(r"jumps above 0.2 s +14, 9.9% of the steps; at 10 of them", text)
    assert "12/10" in text
    assert "(-" not in text  # no tuple of Python
    code, text = run("clock-report", "--annotations", data / "casmemg" / "380_sort.xlsx", "--json")
    told = json.loads(text)
    assert (code, told["summary"]["n_jumps"]) == (0, 14)
    assert len(told["recordings"]) == len({(r["subject"], r["video"]) for r in told["recordings"]})


@pytest.mark.slow
def test_analyse_writes_page_events_and_elan_and_scores_what_comes_back(
    tmp_path: Path,
) -> None:
    pytest.importorskip("pympi")
    x = np.random.default_rng(0).normal(scale=2, size=(20_000, 7))
    x[5000:5300, 1] *= 20
    write_casmemg_mat(tmp_path / "01_1.mat", x)
    common = ("analyse", tmp_path / "01_1.mat", "-o", tmp_path, "--face", "--video-offset", 2.5)
    code, text = run(*common, "--mvc", "2=300", "--video", tmp_path / "a.mp4")
    assert code == 0
    assert "1 candidate (burst on 1 channel), 1 of at most 500 ms" in text
    assert "channel 8 (c8): not analysed, constant at 0" in text
    table = (tmp_path / "01_1_events.tsv").read_text().splitlines()
    assert table[1].split("\t")[2:4] == ["micro", "c2"]
    assert table[1].split("\t")[6:8] == ["AU4", "n/a"]
    check_page((tmp_path / "01_1.html").read_text(), simulated=False)
    code, text = run(*common, "--elan", tmp_path / "01_1.eaf")
    assert code == 0
    assert "recall: 1.000" in text


@pytest.mark.slow
def test_a_clock_map_is_fitted_to_pairs_and_applied(tmp_path: Path) -> None:
    pytest.importorskip("pympi")
    x = np.random.default_rng(0).normal(scale=2, size=(20_000, 7))
    x[5000:5300, 1] *= 20
    write_casmemg_mat(tmp_path / "a.mat", x)
    (tmp_path / "pairs.csv").write_text("emg_s,video_s\n0,3\n10,13.1\n25,28.25\n")
    common = ("analyse", tmp_path / "a.mat", "-o", tmp_path, "--video", tmp_path / "a.mp4")
    code, text = run(*common, "--clock", tmp_path / "pairs.csv")
    assert code == 0
    assert "3 pairs: drift +10.00 ms/s, 0 jumps" in text
    assert 'TIME_VALUE="80' in (tmp_path / "a.eaf").read_text()  # about 5 * 1.01 + 3 s
    (tmp_path / "pairs.csv").write_text("emg_s,video_s\n0,3\n10,13.1\n")
    _, text = run(*common, "--clock", tmp_path / "pairs.csv")
    assert "2 pairs: drift not told, taken as 0" in text
    (tmp_path / "pairs.csv").write_text("emg_s\n0\n")
    code, text = run(*common, "--clock", tmp_path / "pairs.csv")
    assert code == 5
    assert "emg_s,video_s was expected (video_s is missing)" in text


@pytest.mark.slow
def test_the_grid_is_one_command(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(scale=2, size=(10_000, 7))
    x[5000:5300, 1] *= 20
    write_casmemg_mat(tmp_path / "01_1.mat", x)
    one = Expression(2, 1, 1, 2, 7.5, None, 7.8, 5000, None, 5300)
    write_annotations(tmp_path / "sheet.xlsx", [one])
    code, text = run("grid", tmp_path, "--annotations", tmp_path / "sheet.xlsx", "--best", 3)
    assert code == 0
    assert "window  step  thresh.  run  back  ahead  missed  overlap  above ½  IoU" in text
    assert "IoU: intersection over union" in text
    assert "trivial answer" in text


@pytest.mark.long
@pytest.mark.slow
def test_a_synthetic_data_set_can_be_searched(made_up: list[Expression], tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.xlsx"
    write_annotations(sheet, made_up)
    code, _ = run("synthetic", tmp_path, "--annotations", sheet, "--subject", 35)
    assert code == 0
    assert len(list(tmp_path.glob("35_*.mat"))) == 4
    code, text = run("grid", tmp_path, "--annotations", tmp_path / "truth.xlsx")
    assert code == 0
    code, text = run("synthetic", tmp_path, "--annotations", sheet, "--subject", 21)
    assert code == 2
    assert "no subject 21" in text


def test_the_indicators_both_ways_over_a_folder(tmp_path: Path) -> None:
    rows = [
        Expression(2, 1, 1, 5, 0.0, None, 1.0, 5000, None, 5400),
        Expression(3, 1, 2, 3, 0.0, None, 1.0, 6000, None, 6300),
        Expression(4, 2, 1, 3, 0.0, None, 1.0, 6000, None, 6300),  # has no file
        Expression(5, 1, 1, 5, 0.0, None, 1.0, 50_000, None, 60_000),  # outside
    ]
    write_annotations(tmp_path / "a.xlsx", rows)
    is_lost = np.zeros(12_000, bool)
    is_lost[2000:2100] = True
    for video in (1, 2):
        samples = np.random.default_rng(video).normal(scale=2, size=(12_000, 7))
        lost = is_lost if video == 1 else None
        write_casmemg_mat(tmp_path / f"01_{video}.mat", samples, is_lost=lost)
    asked = ("indicators", tmp_path, "--annotations", tmp_path / "a.xlsx")
    code, text = run(*asked)
    assert code == 0
    assert "lost: 100 of 24000 samples" in text
    assert "not there: 1 of 3 recordings" in text
    assert "outside of their recording: 1 expression" in text
    text = run(*asked, "--json")[1]
    said = json.loads(text[text.index("{") :])
    assert [(one["recording"], one["late_ms"]) for one in said["expressions"]] == [
        ("01_1", 498), ("01_2", 398)
    ]  # fmt: skip
    code, text = run("indicators", tmp_path / "none", "--annotations", tmp_path / "a.xlsx")
    assert code == 5
    assert "files such as 01_1.mat were expected" in text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("analyse", "/nowhere.bdf"), "no recording /nowhere.bdf"),
        (("analyse", "/nowhere.mat"), "no recording /nowhere.mat"),
        (("reproduce", "--annotations", "/nowhere.xlsx"), "no table /nowhere.xlsx"),
        (("clock-report", "--annotations", "/nowhere.xlsx"), "no table /nowhere.xlsx"),
        (("indicators", "f", "--annotations", "/nowhere.xlsx"), "no table /nowhere.xlsx"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_the_code_for_files(
    arguments: tuple[str, ...], word: str
) -> None:
    code, text = run(*arguments)
    assert code == 5
    assert word in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("option", "word"),
    [(("--unit", "ohm"), "V, mV, uV or nV"),
     (("--mvc", "9=1"), "from 1 to 8"), (("--mvc", "1=0"), "a level above 0"),
     (("--rest", "5"), "START:END"), (("--rest", "9:3"), "reversed")],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, option: tuple[str, str], word: str
) -> None:
    x = np.random.default_rng(0).normal(scale=2, size=(10_000, 8))
    x[5000:5300, 0] *= 20
    write_casmemg_mat(tmp_path / "a.mat", x)
    code, text = run("analyse", tmp_path / "a.mat", "-o", tmp_path, *option)
    assert code == 2
    assert word in text


def test_that_the_unit_is_not_said_is_on_the_terminal_and_on_the_page(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(scale=2, size=10_000)
    np.savetxt(tmp_path / "a.csv", x, header="zyg", comments="")
    code, text = run("analyse", tmp_path / "a.csv", "--rate", 1000, "-o", tmp_path)
    assert code == 0
    words = "the file does not say the unit of its values"
    assert f"note: {words}" in text
    assert words in (tmp_path / "a.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_bdf_is_analysed_in_microvolts(tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio")
    x = np.random.default_rng(0).normal(scale=2, size=20_000)
    x[5000:5300] *= 20
    signals = [edfio.BdfSignal(x / 1000, 1000, label="EMG zygomaticus", physical_dimension="mV")]
    edfio.Bdf(signals).write(tmp_path / "a.bdf")
    code, text = run("analyse", tmp_path / "a.bdf", "-o", tmp_path)
    assert code == 0
    assert "1 candidate (" in text
    row = (tmp_path / "a_events.tsv").read_text().splitlines()[1]
    assert row.split("\t")[6:8] == ["AU11+AU12", "n/a"]


@pytest.mark.slow
def test_what_a_bdf_calls_bad_is_not_analysed(tmp_path: Path) -> None:
    """As the recorder and MNE mark it; the burst in the gap is no expression, the other is one."""
    x = np.random.default_rng(0).normal(scale=2, size=20_000)
    x[5000:5300] *= 20
    x[9000:9300] *= 20
    x[19_700:] = 500.0
    notes = [
        edfio.EdfAnnotation(5.0, None, "BAD_moment without a duration"),
        edfio.EdfAnnotation(8.9, 0.5, "BAD_gap 500 conversions: lost on the link"),
        edfio.EdfAnnotation(19.7, 0.3, "BAD_padding: fills the last record"),
    ]
    signals = [edfio.BdfSignal(x, 1000, label="EMG", physical_dimension="uV")]
    edfio.Bdf(signals, annotations=notes).write(tmp_path / "a.bdf")
    code, text = run("analyse", tmp_path / "a.bdf", "-o", tmp_path)
    assert code == 0
    assert "500 samples missing in 1 gap" in text
    (row,) = (tmp_path / "a_events.tsv").read_text().splitlines()[1:]
    assert float(row.split("\t")[0]) == pytest.approx(5.0, abs=0.1)


@pytest.mark.slow
def test_a_recording_with_a_gap_is_analysed_without_what_was_lost(tmp_path: Path) -> None:
    with emgrig.connect("sim:fault=link-cut:at=1,after=2") as board:
        board.apply("facial-emg")
        record(board, tmp_path / "cut.bdf", 8.0)
    code, text = run("analyse", tmp_path / "cut.bdf", "-o", tmp_path)
    assert code == 0
    assert "SIMULATED" in text
    check_page((tmp_path / "cut.html").read_text(encoding="utf-8"), simulated=True)
    counted = json.loads((tmp_path / "cut.json").read_text("utf-8"))["samples"]
    assert counted["filled"] > 2000
    assert text.count(f"{counted['filled']} samples missing in ") == 7


@pytest.mark.slow
def test_a_length_that_edfio_rounds_wrongly_is_read(tmp_path: Path) -> None:
    """28 691 data records of 0.1 s: asked for annotations, edfio says its slice is too long."""
    missing = Annotation.of(1_000_000, Gap(500, Cause.LINK, False, True), 500)
    codes = np.ones((2_869_100, 1), np.int32)
    write_recording(tmp_path / "long.bdf", codes, annotations=[missing])
    values = open_recording(tmp_path / "long.bdf").values(0)
    assert values.shape == (2_869_100,)
    assert np.flatnonzero(np.isnan(values)).tolist() == list(range(1_000_000, 1_000_500))


@pytest.mark.slow
def test_a_recording_of_ours_becomes_a_table_in_casmemgs_layout(tmp_path: Path) -> None:
    pytest.importorskip("matio")
    with emgrig.connect("sim:") as board:
        board.apply("facial-emg")
        record(board, tmp_path / "ours.bdf", 4.0)
    made = tmp_path / "1.mat"
    code, _ = run("analyse", tmp_path / "ours.bdf", "-o", tmp_path, "--mat", made)
    assert code == 0
    table = open_recording(made).matrix()
    assert table.shape[1] == 8
    signals = edfio.read_bdf(tmp_path / "ours.bdf").signals
    assert np.array_equal(table[:, 0], signals[0].data)
    slow = tmp_path / "slow.csv"
    slow.write_text("a,b\n" + "1,2\n-3,4\n" * 600)
    code, text = run("analyse", slow, "--rate", 250, "-o", tmp_path, "--mat", made)
    assert code == 2
    assert "1000 Hz" in text


@pytest.mark.slow
def test_the_droop_of_the_chip_is_undone_and_the_page_says_so(tmp_path: Path) -> None:
    t = np.arange(20_000) / 1000
    x = np.zeros((20_000, 7))
    x[:, 0] = np.random.default_rng(2).normal(scale=0.5, size=20_000)
    burst = (t > 5) & (t < 5.4)
    x[burst, 0] += 20 * np.sin(2 * np.pi * 300 * t[burst])  # sinc3 lets 0.63250 of it through
    write_casmemg_mat(tmp_path / "01_1.mat", x)
    peaks = []
    for more in ((), ("--equalise",)):
        line = ("analyse", tmp_path / "01_1.mat", "-o", tmp_path, "--mvc", "1=10", "--overwrite")
        code, _ = run(*line, *more)
        assert code == 0
        rows = (tmp_path / "01_1_events.tsv").read_text().splitlines()
        columns = dict(zip(rows[0].split("\t"), rows[1].split("\t"), strict=True))
        peaks.append(float(columns["mvc_percent"]))
    assert peaks[1] / peaks[0] == pytest.approx(1 / 0.63250, rel=0.01)
    assert "sinc3 droop undone" in (tmp_path / "01_1.html").read_text()


def test_a_recording_in_which_nothing_can_be_analysed_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("EMG (uV)\n" + "1\n2\n" * 3000)
    code, text = run("analyse", tmp_path / "a.csv", "--rate", 1000, "-o", tmp_path)
    assert code == 1
    assert "no channel can be analysed" in text


@pytest.mark.slow
def test_a_folder_that_lacks_recordings_says_how_many_and_which_table_is_its_own(
    data: Path, tmp_path: Path
) -> None:
    table = data / "casmemg" / "380_sort.xlsx"
    code, text = run("synthetic", tmp_path / "s", "--annotations", table, "--subject", "35")
    assert code == 0
    own = tmp_path / "s" / "truth.xlsx"
    assert f"truth: {own}, a row for each expression" in text
    assert f"next: emgrig grid {tmp_path / 's'} --annotations {own}" in text
    code, text = run("grid", tmp_path / "s", "--annotations", table)
    assert code == 5
    assert "lacks " in text
    assert f"recordings, as 01_1.mat; try --annotations {own}, the truth" in text
