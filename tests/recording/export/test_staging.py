"""Files appear under their names when all of them are whole, or not at all."""

from pathlib import Path

import pytest

from emgrig.errors import RecordingError
from emgrig.recording.export.staging import as_json, publish, refuse_existing, whole_file


def test_a_target_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("x")
    with pytest.raises(RecordingError, match=r"none does not exist; make it first$"):
        refuse_existing(tmp_path / "none" / "a.csv", overwrite=True)
    with pytest.raises(RecordingError, match="is a folder; choose the name of a file"):
        refuse_existing(tmp_path, overwrite=True)
    with pytest.raises(RecordingError, match=r"there\.csv exists; choose another name, or say"):
        refuse_existing(there, overwrite=False)
    refuse_existing(there, overwrite=True)
    refuse_existing(tmp_path / "new.csv", overwrite=False)


def test_a_file_that_was_not_finished_leaves_the_one_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    refused = pytest.raises(RecordingError, match=r"cannot write .*a\.csv: No space left")
    with refused, whole_file(path) as unfinished:
        unfinished.write_text("half")
        raise OSError(28, "No space left on device")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.csv", "old")]
    with whole_file(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.csv", "new")]


def test_all_files_are_published_and_those_of_others_stay(tmp_path: Path) -> None:
    root, source, told = tmp_path / "data", tmp_path / "raw.bin", []
    source.write_bytes(bytes(3 << 22))  # two pieces: 8 MiB and 4
    files = {"a/b.txt": "µ", "copy.bin": source}
    publish(root, files, told.append)
    assert (root / "a/b.txt").read_bytes() == "µ".encode()
    assert (root / "copy.bin").read_bytes() == source.read_bytes()
    n_bytes = (3 << 22) + 2
    assert told == [((2 << 22) + 2) / n_bytes, 1.0, 1.0]
    publish(root, {"c.txt": "", "a/b.txt": "again"})
    assert {p.name: p.stat().st_size for p in root.rglob("*") if p.is_file()} == {
        "b.txt": 5, "copy.bin": 3 << 22, "c.txt": 0,
    }  # fmt: skip
    assert {p.name for p in root.iterdir()} == {"a", "copy.bin", "c.txt"}


def test_where_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    root = tmp_path / "data"
    gone = tmp_path / "gone.bin"
    gone.write_bytes(b"1")
    files = {"a.txt": "text", "copy.bin": gone}
    gone.unlink()
    with pytest.raises(RecordingError, match=r"cannot write to .*data: No such file"):
        publish(root, files)
    assert not root.exists()
    root.mkdir()
    (root / "old.txt").write_text("old")
    with pytest.raises(RecordingError, match="cannot write to"):
        publish(root, files)
    assert [p.name for p in root.iterdir()] == ["old.txt"]


def test_another_export_that_is_on_is_not_disturbed(tmp_path: Path) -> None:
    stage = tmp_path / ".emgrig-unfinished"
    stage.mkdir()
    (stage / "theirs").write_text("x")
    with pytest.raises(RecordingError, match="is in the way: another export is writing there"):
        publish(tmp_path, {"a.txt": "x"})
    assert [p.name for p in tmp_path.iterdir()] == [stage.name]
    assert (stage / "theirs").exists()


def test_json_is_for_people_and_has_no_nan() -> None:
    assert as_json({"µ": [1]}) == '{\n  "µ": [\n    1\n  ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(float("nan"))
