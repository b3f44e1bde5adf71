"""CSV and Parquet hold what somebody else's reader finds in the BDF+ file."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import edfio
import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from emgrig.errors import RecordingError
from emgrig.files import whole_file
from emgrig.protocol.account import Cause
from emgrig.reading import Mark, open_recording
from emgrig.reading.formats.edffile import EdfFile
from emgrig.recording.export import tables
from emgrig.recording.export.source import Part, open_parts
from emgrig.recording.export.tables import write_csv, write_parquet
from emgrig.recording.facts import Annotation, Gap, Marker
from exported import record_face, write_recording
from properties import examples

Frames = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded face with losses."""
    path = tmp_path_factory.mktemp("face") / "face.bdf"
    record_face(path)
    return path


def tables_of(path: Path) -> Frames:
    """A recording as CSV and as Parquet, read by pandas."""
    part = Part(path)
    write_csv(part, path.with_suffix(".csv"))
    write_parquet(part, path.with_suffix(".parquet"))
    return pd.read_csv(path.with_suffix(".csv")), pd.read_parquet(path.with_suffix(".parquet"))


@pytest.mark.slow
def test_values_are_those_that_mne_reads(face: Path) -> None:
    raw = mne.io.read_raw_bdf(face, verbose="error")
    expected_uv = raw.get_data().T * 1e6
    was_bad = np.zeros(len(expected_uv), bool)
    for note in raw.annotations:
        if note["description"].startswith("BAD"):
            begin = round(note["onset"] * 1000)
            was_bad[begin : begin + round(note["duration"] * 1000)] = True
    assert 16 < was_bad.sum() < len(was_bad) / 2
    from_csv, from_parquet = tables_of(face)
    for frame, tolerance_uv in ((from_csv, 5e-4), (from_parquet, 1e-9)):
        np.testing.assert_array_equal(frame["is_gap"].astype(bool), was_bad)
        values = frame.filter(like="_uV").to_numpy()
        assert np.isnan(values[was_bad]).all()
        np.testing.assert_allclose(values[~was_bad], expected_uv[~was_bad], atol=tolerance_uv)
        np.testing.assert_allclose(frame["time_s"], np.arange(len(values)) / 1000, atol=1e-9)


def test_columns_are_named_by_muscle_and_unit(face: Path) -> None:
    for frame in tables_of(face):
        assert list(frame)[:3] == ["time_s", "frontalis_uV", "corrugator_supercilii_uV"]
        assert next(name for name in frame if name.startswith("is_")) == "is_gap"


def test_a_csv_file_of_a_simulated_board_says_so(face: Path) -> None:
    tables_of(face)
    frame = pd.read_csv(face.with_suffix(".csv"))
    assert list(frame)[-2:] == ["is_gap", "is_simulated"]
    assert (frame["is_simulated"] == 1).all()
    found = open_recording(face.with_suffix(".csv"))
    assert found.is_simulated
    assert found.labels[0] == "frontalis"
    assert set(found.units) == {"uV"}


def test_parquet_says_what_it_is_of(face: Path) -> None:
    tables_of(face)
    schema = parquet.read_schema(face.with_suffix(".parquet"))
    about = json.loads(schema.metadata[b"emgrig"])
    assert about["is_simulated"] is True
    assert about["serial_number"].startswith("SIM-")
    assert about["rate_hz"] == 1000.0
    sidecar = json.loads(schema.metadata[b"emgrig_sidecar"])
    assert sidecar == json.loads(face.with_suffix(".json").read_text(encoding="utf-8"))
    assert schema.field("zygomaticus_major_uV").metadata[b"unit"] == b"uV"


CODE_MIN, CODE_MAX = -(2**23), 2**23 - 1
CODES = st.integers(CODE_MIN, CODE_MAX) | st.sampled_from([CODE_MIN, CODE_MAX, -1, 0, 1])


@pytest.mark.slow
@examples(25)
@given(
    rows=st.lists(st.tuples(CODES, CODES), min_size=1, max_size=40),
    gains=st.tuples(*[st.sampled_from([1, 2, 4, 6, 8, 12, 24])] * 2),
    trim=st.floats(0.98, 1.02),
    offset_uv=st.floats(-50, 50),
)
def test_every_code_comes_back_from_every_table(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list,
    gains: tuple,
    trim: float,
    offset_uv: float,
) -> None:
    path = tmp_path_factory.mktemp("tables") / "codes.bdf"
    codes = np.array(rows, np.int32)
    scales = [trim * 4.5e6 / gain / 2**23 for gain in gains]
    write_recording(path, codes, scales_uv=scales, offset_uv=offset_uv)
    signals = edfio.read_bdf(path).signals
    for frame in tables_of(path):
        for i, name in enumerate(("muscle_1_uV", "muscle_2_uV")):
            s = signals[i]
            per_code = (s.physical_max - s.physical_min) / (s.digital_max - s.digital_min)
            back = (
                s.digital_min + (frame[name].to_numpy()[: len(codes)] - s.physical_min) / per_code
            )
            np.testing.assert_array_equal(np.rint(back).astype(int), codes[:, i])
            assert np.abs(back - np.rint(back)).max() < 0.11  # of a code: never near to doubt


def test_a_gap_over_the_border_of_blocks_is_whole(tmp_path: Path) -> None:
    codes = np.arange(300, dtype=np.int32)[:, None]
    gap = Annotation.of(95, Gap(10, Cause.LINK, False, True), 10)
    write_recording(tmp_path / "a.bdf", codes, annotations=[gap])
    part = Part(tmp_path / "a.bdf")
    blocks = list(part.blocks(100))
    is_gap = np.concatenate([block.is_gap for block in blocks])
    assert np.flatnonzero(is_gap).tolist() == list(range(95, 105))
    assert [block.first for block in blocks] == [0, 100, 200]


def test_channels_of_the_same_name_keep_columns_apart(tmp_path: Path) -> None:
    names = ("left cheek", "left  cheek", "Ärger", "!!")
    write_recording(tmp_path / "a.bdf", np.zeros((100, 4), np.int32), names=["a", "b", "c", "d"])
    sidecar = tmp_path / "a.json"
    content = json.loads(sidecar.read_text())
    for entry, name in zip(content["channels"], names, strict=True):
        entry["name"] = name
    sidecar.write_text(json.dumps(content))
    found = tables.columns(Part(tmp_path / "a.bdf"))
    assert found == ("left_cheek_1_uV", "left_cheek_2_uV", "Ärger_uV", "4_uV")


def test_a_full_disk_leaves_nothing(
    face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables, "lines", full)
    with pytest.raises(RecordingError, match=r"cannot write .*a\.csv: No space left"):
        write_csv(Part(face), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_a_read_only_folder_is_said_with_the_name_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refused)
    with (
        pytest.raises(RecordingError, match=r"cannot write .*/a\.csv: Read-only file system"),
        whole_file(tmp_path / "a.csv"),
    ):
        refused()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM, the most memory, is Linux's")
def test_ten_minutes_take_little_memory(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).integers(-(2**20), 2**20, (600_000, 8), np.int32)
    write_recording(tmp_path / "long.bdf", codes)
    program = (
        "import sys; from pathlib import Path\n"
        "from emgrig.recording.export.source import Part\n"
        "from emgrig.recording.export.tables import write_parquet\n"
        "part = Part(Path(sys.argv[1]))\n"
        "write_parquet(part, Path(sys.argv[1]).with_suffix('.parquet'))\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "long.bdf"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 300_000  # kB
    assert parquet.read_metadata(tmp_path / "long.parquet").num_rows == 600_000


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.unlink(), "does not exist"),
        (
            lambda p: p.with_suffix(".json").unlink(),
            r"json is missing: .* emgrig convert a\.capture",
        ),
        (lambda p: p.with_suffix(".json").write_text("{"), "cannot be read"),
        (lambda p: p.with_suffix(".json").write_text('{"format": "x"}'), "is no sidecar"),
        (
            lambda p: p.with_suffix(".json").write_text('{"format": "emgrig recording 2"}'),
            "lacks annotations",
        ),
        (lambda p: p.write_bytes(p.read_bytes()[:300]), "cut short|does not begin as"),
        (lambda p: p.write_bytes(b"hello"), "cut short|does not begin as"),
        (lambda p: p.write_bytes(b""), "cut short|does not begin as"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, damage: object, message: str) -> None:
    path = tmp_path / "a.bdf"
    write_recording(path, np.zeros((100, 2), np.int32))
    damage(path)
    with pytest.raises(RecordingError, match=message) as caught:
        open_parts([path])
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_parts_of_a_recording_come_together(tmp_path: Path) -> None:
    record_face(tmp_path / "a.bdf", gain_change=True)
    first, second = open_parts([tmp_path / "a.bdf", tmp_path / "a-2.bdf"])
    assert (first.path.name, second.path.name) == ("a.bdf", "a-2.bdf")
    assert [part.channels[2].gain for part in (first, second)] == [12.0, 24.0]
    assert [part.path.name for part in open_parts([tmp_path / "a-2.bdf"])] == ["a-2.bdf"]
    (tmp_path / "a-2.bdf").unlink()
    with pytest.raises(RecordingError, match=r"a-2\.bdf does not exist"):
        open_parts([tmp_path / "a.bdf"])


@pytest.mark.slow
def test_a_length_that_edfio_rounds_wrongly_is_read(tmp_path: Path) -> None:
    """28 691 data records of 0.1 s: read whole, edfio says that its own slice is too long."""
    late = Annotation.of(2_869_000, Marker("late"))
    codes = np.zeros((2_869_100, 1), np.int32)
    write_recording(tmp_path / "long.bdf", codes, annotations=[late])
    onset_s, marks, unread = EdfFile(tmp_path / "long.bdf").annotations()
    assert unread == []
    assert marks == [Mark(onset_s[0] + 2869.0, 0.0, "late")]
    np.testing.assert_allclose(onset_s - onset_s[0], np.arange(28_691) / 10, atol=1e-6)


@pytest.mark.slow
def test_duckdb_reads_what_pandas_reads(face: Path) -> None:
    frames = tables_of(face)
    for frame, path in zip(
        frames, (face.with_suffix(".csv"), face.with_suffix(".parquet")), strict=True
    ):
        name = "zygomaticus_major_uV"
        ((count, missing, mean),) = duckdb.sql(
            f"select count(*), count(*) filter ({name} is null or isnan({name})), "
            f"avg({name}) filter (not isnan({name})) from '{path}'"
        ).fetchall()
        values = frame[name]
        assert (count, missing) == (len(values), int(values.isna().sum()))
        assert mean == pytest.approx(values.mean(), rel=1e-9)
