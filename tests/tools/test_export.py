"""`emgrig export` as a shell sees it, and the .mat files it makes."""

import json
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
from scipy import io

from emgrig.protocol.account import Cause
from emgrig.reading import open_recording
from emgrig.recording.facts import Annotation, Gap
from exported import record_face, write_recording
from shell import Run


@pytest.fixture
def run(shell: Run) -> Run:
    return shell


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording without loss."""
    path = tmp_path_factory.mktemp("whole") / "whole.bdf"
    record_face(path, address="sim:face")
    return path


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with losses, in two parts."""
    path = tmp_path_factory.mktemp("lossy") / "lossy.bdf"
    record_face(path, gain_change=True)
    return path


@pytest.mark.slow
def test_all_of_it_at_once(run: Run, lossy: Path, tmp_path: Path) -> None:
    said = run(
        f"export {lossy} --csv {tmp_path}/a.csv --parquet {tmp_path}/a.parquet "
        f"--mat {tmp_path}/a.mat --hold-gaps --json "
        f"--bids {tmp_path}/study --subject 01 --task faces --mains 50"
    )
    assert said.code == 0
    made = json.loads(said.out)
    names = [Path(file).name for file in made["files"]]
    tables = ("a.csv", "a-2.csv", "a.parquet", "a-2.parquet", "a.mat", "a-2.mat")
    assert {*tables, "sub-01_task-faces_run-2_emg.bdf"} <= set(names)
    assert all(Path(file).is_file() for file in made["files"])
    assert made["n_not_measured"] > 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == len(names)  # nothing half-written, nothing unsaid


def test_a_matlab_table_without_its_extra_is_refused_before_anything_is_written(
    run: Run, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matio", None)
    said = run(f"export {whole} --csv {tmp_path}/a.csv --mat {tmp_path}/a.mat --as-table")
    assert said.code == 5
    assert "--as-table needs matio, which is not installed: " in said.err
    assert "pip install 'mat-io" in said.err
    assert not list(tmp_path.iterdir())


def test_mat_holds_the_samples_by_channel(run: Run, whole: Path, tmp_path: Path) -> None:
    said = run(f"export {whole} --mat {tmp_path}/a.mat")
    assert said.code == 0
    assert "column is 0, not recorded: 8" in said.err
    matrix = io.loadmat(tmp_path / "a.mat")["data"]
    raw = mne.io.read_raw_bdf(whole, verbose="error")
    padding = raw.annotations[-1]
    assert padding["description"].startswith("BAD_padding")
    measured = raw.get_data(stop=round(padding["onset"] * 1000)).T * 1e6
    np.testing.assert_allclose(matrix[:, :7], measured, atol=1e-9)
    assert not matrix[:, 7].any()


def test_mat_as_a_table_holds_the_same(run: Run, whole: Path, tmp_path: Path) -> None:
    assert run(f"export {whole} --mat {tmp_path}/a.mat").code == 0
    assert run(f"export {whole} --mat {tmp_path}/b.mat --as-table").code == 0
    matrix = io.loadmat(tmp_path / "a.mat")["data"]
    np.testing.assert_array_equal(open_recording(tmp_path / "b.mat").matrix(), matrix)


def test_mat_refuses_gaps_or_holds_them(run: Run, tmp_path: Path) -> None:
    codes = np.arange(1000, dtype=np.int32)[:, None] * 7
    codes[300:310] = codes[299]  # as the file holds it over a gap
    gap = Annotation.of(300, Gap(10, Cause.LINK, False, True), 10)
    write_recording(tmp_path / "a.bdf", codes, scales_uv=[0.5], annotations=[gap])
    said = run(f"export {tmp_path}/a.bdf --mat {tmp_path}/a.mat")
    assert said.code == 2
    assert "10 samples of a.bdf were not measured" in said.err
    assert "--hold-gaps" in said.err
    assert not (tmp_path / "a.mat").exists()
    said = run(f"export {tmp_path}/a.bdf --mat {tmp_path}/a.mat --hold-gaps")
    assert "10 samples that were not measured hold the one before" in said.err
    matrix = io.loadmat(tmp_path / "a.mat")["data"]
    np.testing.assert_allclose(matrix[:, 0], codes[:, 0] * 0.5, rtol=1e-9)


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("export {file}", 2, "say what to make"),
        ("export {file} --bids {folder}/x", 2, "--bids needs --subject CODE and --task LABEL"),
        ("export {file} --bids {folder}/x --subject 'Anna Smith' --task a", 2, "codes only"),
        ("export {file} --csv {folder}/a.txt", 2, "expected a name that ends in .csv"),
        ("export {file} --to {folder}/a.mat", 2, "has options of its own: --mat "),
        ("export {file} --csv {folder}/no/a.csv", 5, "does not exist; make it first"),
        ("export {file} --mat {folder}/a.mat", 2, "CASMEMG has 1000 Hz, fast.bdf 2000 Hz; record"),
        ("export {folder}/none.bdf --csv {folder}/a.csv", 5, "none.bdf does not exist"),
        ("export {folder}/fast.json --csv {folder}/a.csv", 5, "a file ending in .bdf was expected"),
    ],
)
def test_a_mistake_is_one_line(
    run: Run, tmp_path: Path, line: str, code: int, message: str
) -> None:
    write_recording(tmp_path / "fast.bdf", np.zeros((400, 2), np.int32), rate_hz=2000.0)
    before = sorted(tmp_path.iterdir())
    said = run(line.format(file=tmp_path / "fast.bdf", folder=tmp_path))
    assert said.code == code
    assert message in said.err
    assert said.err.startswith("error: ")
    assert said.err.strip().count("\n") == 0
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_made_if_one_of_it_exists(run: Run, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("old")
    line = f"export {whole} --csv {tmp_path}/a.csv --parquet {tmp_path}/a.parquet"
    said = run(line)
    assert said.code == 5
    assert "a.parquet exists" in said.err
    assert not (tmp_path / "a.csv").exists()
    assert (tmp_path / "a.parquet").read_text() == "old"
    assert run(f"{line} --overwrite").code == 0
    assert (tmp_path / "a.csv").exists()


def test_help_shows_how(run: Run) -> None:
    said = run("export --help")
    assert said.code == 0
    assert "Example: emgrig export smile.bdf --bids study" in said.out
