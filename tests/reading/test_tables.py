"""Tables of anybody's: separators, decimal comma, comments, headings, times, indices."""

from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from reading import made

ONE = made.take(400, 1000, at=100)
ZYG, CORR = ONE.values.T


@pytest.mark.parametrize(
    ("separator", "decimal"),
    [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), (" ", ".")],
)
@pytest.mark.parametrize("names", [["time", "zyg", "corr"], []])
def test_any_separator_and_decimal(
    tmp_path: Path, separator: str, decimal: str, names: list[str]
) -> None:
    path = made.table(tmp_path / "a.csv", names, [ONE.time_s, ZYG, CORR], separator=separator,
                      decimal=decimal)  # fmt: skip
    found = open_recording(path, rate_hz=1000)
    columns = found.matrix()[:, -2:]
    np.testing.assert_array_equal(columns, ONE.values)
    assert found.rate_hz == 1000


@pytest.mark.parametrize(
    ("name", "factor"),
    [("time", 1), ("Time [s]", 1), ("time_s", 1), ("t", 1), ("X [s]", 1), ("seconds", 1),
     ("time_ms", 1e3), ("Time (ms)", 1e3), ("ms", 1e3), ("timestamp", 1e3), ("time_us", 1e6),
     ("time", 1e3), ("Zeit", 1e3), ("unix time", 1)],
)  # fmt: skip
def test_a_time_of_any_name_and_unit(tmp_path: Path, name: str, factor: float) -> None:
    kept = made.without(ONE, 150, 170)
    path = made.table(tmp_path / "a.csv", [name, "zyg"], [factor * kept.time_s, kept.values[:, 0]])
    found = open_recording(path)
    assert found.rate_hz == pytest.approx(1000, rel=1e-6)
    assert found.runs.gaps.tolist() == [[150, 170]]
    assert np.nanargmax(found.values(0)) == 100


def test_units_in_headings_and_in_a_row_below(tmp_path: Path) -> None:
    path = made.table(tmp_path / "a.csv", ["t [s]", "zyg [mV]", "acc (g)", "x_uV", "y"],
                      [ONE.time_s, ZYG, CORR, ZYG, ZYG])  # fmt: skip
    found = open_recording(path)
    assert (found.labels, found.units) == (("zyg", "acc", "x", "y"), ("uV", "g", "uV", ""))
    np.testing.assert_allclose(found.values(0), 1e3 * ZYG)
    cells = [["s", *map(str, ONE.time_s)], ["mV", *map(str, ZYG)]]
    path = made.table(tmp_path / "b.csv", ["t", "zyg"], cells)
    np.testing.assert_allclose(open_recording(path).values(0), 1e3 * ZYG)


def test_a_micro_sign_in_latin_1(tmp_path: Path) -> None:
    path = made.table(tmp_path / "a.csv", ["zyg (µV)"], [ZYG], encoding="cp1252")
    assert open_recording(path, rate_hz=1000).units == ("uV",)


@pytest.mark.parametrize(
    ("above", "rate_hz"),
    [
        ("# Sampling Rate (Hz):= 1000.00\n", 1000), ("# fs = 2 kHz\n", 2000),
        ("% sampling frequency: 512,5 Hz\n", 512.5), ("Abtastrate: 500 Hz\n", 500),
        ("# device 3\n# sample rate=250\n", 250),
    ],
)  # fmt: skip
def test_a_rate_in_a_comment(tmp_path: Path, above: str, rate_hz: float) -> None:
    path = made.table(tmp_path / "a.csv", ["zyg", "corr"], [ZYG, CORR], above=above)
    assert open_recording(path).rate_hz == rate_hz
    with pytest.raises(ValueError, match="contradicts"):
        open_recording(path, rate_hz=3 * rate_hz)


def test_a_comment_that_contradicts_the_time_is_refused(tmp_path: Path) -> None:
    path = made.timed_table(tmp_path / "a.csv", ONE)
    path.write_text("# sampling rate: 500 Hz\n" + path.read_text())
    with pytest.raises(RecordingError, match="gives 1000 Hz, a comment of the file says 500 Hz"):
        open_recording(path)


def test_empty_cells_quotes_and_comments_in_between(tmp_path: Path) -> None:
    rows = [f'"{a}","{b}"' for a, b in zip(ZYG, CORR, strict=True)]
    rows[50], rows[60], rows[70] = f'"",{CORR[50]}', f"NaN,{CORR[60]}", f"{ZYG[70]},"
    rows.insert(80, "# a note")
    (tmp_path / "a.csv").write_text('"zyg","corr"\n' + "\n".join(rows) + "\n\n")
    found = open_recording(tmp_path / "a.csv", rate_hz=1000)
    assert np.flatnonzero(np.isnan(found.values(0))).tolist() == [50, 60]
    assert np.flatnonzero(np.isnan(found.values(1))).tolist() == [70]
    assert found.n_samples == 400
    assert found.labels == ("zyg", "corr")


def test_labels_twice_and_empty_are_told_apart(tmp_path: Path) -> None:
    path = made.table(tmp_path / "a.csv", ["emg", "emg", ""], [ZYG, CORR, ZYG])
    assert open_recording(path, rate_hz=1000).labels == ("emg (1)", "emg (2)", "column 3")


def test_words_are_left_out_and_named(tmp_path: Path) -> None:
    path = made.table(tmp_path / "a.csv", ["zyg", "phase"], [ZYG, ["rest"] * 400])
    found = open_recording(path, rate_hz=1000)
    assert (found.labels, found.left_out) == (("zyg",), ("phase",))
    assert "left out: phase" in found.remarks


def test_two_time_bases(tmp_path: Path) -> None:
    """Delsys: each sensor has its time, and the slower ones end earlier."""
    n = 400 * 148 // 1000
    slow = [f"{i / 148:.6f}" if i < n else "" for i in range(400)]
    acc = ["1.0" if i < n else "" for i in range(400)]
    names = ["X [s]", "ACC X [g]", "X [s]", "EMG 1 [V]"]
    path = made.table(tmp_path / "a.csv", names, [slow, acc, ONE.time_s, ZYG * 1e-6])
    found = open_recording(path)
    assert (found.labels, found.rate_hz) == (("EMG 1",), 1000)
    assert found.left_out == ("ACC X (another time base)",)


@pytest.mark.parametrize("name", ["nSeq", "Sample Index", "counter", "packet number"])
def test_an_index_that_begins_anew(tmp_path: Path, name: str) -> None:
    kept = made.without(ONE, 150, 170)
    columns = [(kept.number % 256).astype(float), kept.values[:, 0]]
    found = open_recording(made.table(tmp_path / "a.csv", [name, "zyg"], columns), rate_hz=1000)
    assert (found.labels, found.runs.gaps.tolist()) == (("zyg",), [[150, 170]])


def test_a_broken_row_is_named_and_a_cut_last_one_left_out(tmp_path: Path) -> None:
    path = made.timed_table(tmp_path / "a.csv", ONE)
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows[:-1], rows[-1][:6]]))
    assert open_recording(path).n_samples == 399
    rows[200] = "0.2,x1y,3"
    path.write_text("\n".join(rows))
    with pytest.raises(RecordingError, match=r"a\.csv: line 201 is broken: 'x1y'"):
        open_recording(path)


@pytest.mark.parametrize(
    "text", ["one\n", "a,b\n", "hello\nworld\n", "a,b\n1,2\n", "\n\n\n", "a\tb\nx\ty\nz\tw\n"]
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(RecordingError, match=r"a\.csv"):
        open_recording(tmp_path / "a.csv", rate_hz=1000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [{"sep": ","}, {"sep": ";", "decimal": ","}, {"sep": "\t", "na_rep": "NA"}, {"quoting": 1}],
)
def test_what_pandas_writes_is_read_as_pandas_reads_it(tmp_path: Path, how: dict) -> None:
    pd = pytest.importorskip("pandas", reason="pip install 'emgrig[dev]'")
    frame = pd.DataFrame({"time": ONE.time_s, "zyg": ZYG, "corr": CORR})
    frame.loc[40:45, "zyg"] = np.nan
    frame.to_csv(tmp_path / "a.csv", index=False, **how)
    theirs = pd.read_csv(
        tmp_path / "a.csv", sep=how.get("sep", ","), decimal=how.get("decimal", ".")
    )
    np.testing.assert_array_equal(
        open_recording(tmp_path / "a.csv").matrix(), theirs[["zyg", "corr"]]
    )
