"""Files appear under their names when all of them are whole, or not at all."""

from pathlib import Path

import pytest

from emgrig.errors import RecordingError
from emgrig.recording.export.staging import publish


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
