import gzip
import os
from pathlib import Path

import pytest

from emgrig.errors import RecordingError
from emgrig.reading import open_recording, safety
from reading import made


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 8\n", "git lfs pull"),
        (b"/annex/objects/SHA256E-s896--4d.edf\n", "git annex get"),
        (b"../../.git/annex/objects/xk/SHA256E-s896--4d.edf", "git annex get"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"\n <html><head>", "web page"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"PK\x03\x04" + bytes(60), "unpack it"),
        (b"%PDF-1.7\n", "a PDF"),
        (bytes(600), "zeros only"),
    ],
)
@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".mat", ".csv", ".txt", ".xdf", ".parquet"])
def test_what_is_no_recording_is_named(
    tmp_path: Path, content: bytes, said: str, suffix: str
) -> None:
    path = tmp_path / f"rec{suffix}"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=said) as refusal:
        open_recording(path)
    assert path.name in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is a folder"):
        open_recording(tmp_path)
    with pytest.raises(RecordingError, match="there is no recording"):
        open_recording(tmp_path / "none.edf")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rec.edf")
    with pytest.raises(RecordingError, match="no ordinary file"):
        open_recording(tmp_path / "rec.edf")


def test_gzip_of_two_members_is_one_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"zyg\n1\n") + gzip.compress(b"2\n3\n"))
    assert safety.contents(path) == b"zyg\n1\n2\n3\n"


def test_a_cut_gzip_says_so_and_a_damaged_one_too(tmp_path: Path) -> None:
    packed = gzip.compress(bytes(range(256)) * 40)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed[:-20])
    with pytest.raises(RecordingError, match=r"a.csv.gz is cut short"):
        open_recording(path)
    path.write_bytes(packed[:20] + b"\xff" * 20 + packed[40:])
    with pytest.raises(RecordingError, match=r"a.csv.gz is damaged"):
        open_recording(path)


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "MOST_UNPACKED", 100_000)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"1\n" * 60_000))
    with pytest.raises(RecordingError, match="unpacks to more than"):
        open_recording(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_text_of_any_encoding(tmp_path: Path, encoding: str) -> None:
    one = made.take(60, 100, at=20)
    path = made.table(
        tmp_path / "a.csv", ["t [s]", "zyg (µV)"], [one.time_s, one.values[:, 0]], encoding=encoding
    )
    found = open_recording(path)
    assert (found.labels, found.units) == (("zyg",), ("uV",))
    assert found.values(0).tolist() == one.values[:, 0].tolist()


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n\0\0\0\n3,4\n")
    with pytest.raises(RecordingError, match="no text"):
        open_recording(tmp_path / "a.csv")
