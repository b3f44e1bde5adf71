"""The raw capture: what was appended comes back, whatever happens to the end of the file."""

import errno
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.captures import capture
from emgrig.driver.captures.capture import (
    HEADER,
    MAX_PAYLOAD_BYTES,
    CaptureReader,
    CaptureWriter,
    Record,
    RecordKind,
)
from emgrig.errors import RecordingError
from properties import examples

RECORDS = st.lists(
    st.tuples(
        st.sampled_from([RecordKind.RECEIVED, RecordKind.SENT]),
        st.integers(0, 2**63),
        st.binary(min_size=1, max_size=60),
    ),
    max_size=8,
)
HEAD_BYTES = 20


def write(path: Path, records: list[tuple[RecordKind, int, bytes]]) -> bytes:
    path.unlink(missing_ok=True)
    with CaptureWriter(path) as writer:
        for record in records:
            writer.append(*record)
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("captures")


def test_a_record_has_the_bytes_that_the_format_says(tmp_path: Path) -> None:
    data = write(tmp_path / "a.capture", [(RecordKind.SENT, 0x0102030405060708, b"xyz")])
    covered = bytes.fromhex("02 00 03000000 0807060504030201")
    crc = zlib.crc32(covered + b"xyz").to_bytes(4, "little")
    assert data == b"\x89emgrig\r\n\x1a\n\x01" + b"\xc5\x3a" + covered + crc + b"xyz"


@pytest.mark.slow
@examples(60)
@given(records=RECORDS)
def test_what_was_appended_comes_back(folder: Path, records: list) -> None:
    path = folder / "a.capture"
    write(path, records)
    reader = CaptureReader(path)
    assert list(reader) == [Record(*record) for record in records]
    assert reader.damage == ""
    assert list(reader) == [Record(*record) for record in records]  # again, from the beginning


@pytest.mark.slow
@examples(150)
@given(records=RECORDS, cut=st.integers(0, 10_000))
def test_a_file_cut_anywhere_gives_all_its_whole_records(
    folder: Path, records: list, cut: int
) -> None:
    path = folder / "cut.capture"
    data = write(path, records)
    cut = min(cut, len(data))
    path.write_bytes(data[:cut])
    ends = [len(HEADER)]
    for _, _, payload in records:
        ends.append(ends[-1] + HEAD_BYTES + len(payload))
    n_whole = sum(end <= cut for end in ends[1:])
    if not cut:
        with pytest.raises(RecordingError, match="empty"):
            CaptureReader(path)
        return
    reader = CaptureReader(path)
    assert list(reader) == [Record(*record) for record in records[:n_whole]]
    assert reader.truncated_bytes == max(cut - ends[n_whole], 0)
    assert reader.damaged_bytes == 0


@pytest.mark.slow
@examples(150)
@given(records=RECORDS.filter(bool), at=st.integers(0, 10_000), value=st.integers(1, 255))
def test_a_changed_byte_costs_no_more_than_its_record(
    folder: Path, records: list, at: int, value: int
) -> None:
    path = folder / "damaged.capture"
    data = bytearray(write(path, records))
    at = len(HEADER) + at % (len(data) - len(HEADER))
    data[at] ^= value
    path.write_bytes(data)
    reader = CaptureReader(path)
    found = list(reader)
    begins = [len(HEADER)]
    for _, _, payload in records:
        begins.append(begins[-1] + HEAD_BYTES + len(payload))
    hit = max(index for index, begin in enumerate(begins[:-1]) if begin <= at)
    expected = [Record(*record) for index, record in enumerate(records) if index != hit]
    assert found in (expected, [Record(*record) for record in records])  # a pad byte may be kept
    assert (found == expected) == bool(reader.damage)


def test_garbage_between_records_is_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.capture"
    data = write(path, [(RecordKind.SENT, 1, b"one"), (RecordKind.SENT, 2, b"two")])
    at = len(HEADER) + HEAD_BYTES + 3
    path.write_bytes(data[:at] + b"\xc5\x3a" * 30 + data[at:])
    reader = CaptureReader(path)
    assert [record.payload for record in reader] == [b"one", b"two"]
    assert reader.damaged_bytes == 60
    assert "60 damaged bytes" in reader.damage


def test_long_bytes_are_split_and_a_long_file_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "_PIECE_BYTES", 1000)
    payload = bytes(range(256)) * 700
    path = tmp_path / "a.capture"
    write(path, [(RecordKind.RECEIVED, 5, payload)])
    records = list(CaptureReader(path))
    assert [len(record.payload) for record in records] == [MAX_PAYLOAD_BYTES] * 2 + [48128]
    assert b"".join(record.payload for record in records) == payload


def test_a_note_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.capture"
    with CaptureWriter(path) as writer:
        writer.note({"note": "marker", "text": "smile µ", "conversion": 7}, 1.5)
        with pytest.raises(ValueError, match="at most 65536 fit"):
            writer.note({"text": "x" * 70_000}, 1.5)
        with pytest.raises(ValueError, match="JSON"):
            writer.note({"value": float("nan")}, 1.5)
    (record,) = CaptureReader(path)
    assert record.kind is RecordKind.NOTE
    assert record.time_us == 1_500_000
    assert record.note == {"note": "marker", "text": "smile µ", "conversion": 7}
    with pytest.raises(RecordingError, match="no JSON object"):
        _ = Record(RecordKind.NOTE, 0, json.dumps([1]).encode()).note
    with pytest.raises(RecordingError, match="no JSON"):
        _ = Record(RecordKind.NOTE, 0, b"{").note


def test_an_existing_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.capture"
    path.write_bytes(b"precious")
    with pytest.raises(RecordingError, match="exists"):
        CaptureWriter(path)
    assert path.read_bytes() == b"precious"


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file or directory"):
        CaptureWriter(tmp_path / "none" / "a.capture")
    with pytest.raises(RecordingError, match="cannot read"):
        CaptureReader(tmp_path / "a.capture")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"BIOSEMI", "no emgrig capture"), (HEADER[:-1] + b"\x09", "version 9, expected 1")],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.capture"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=message):
        CaptureReader(path)


def test_records_are_in_the_file_as_soon_as_they_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "a.capture"
    with CaptureWriter(path) as writer:
        writer.received(b"abc", 1.0)
        assert [record.payload for record in CaptureReader(path)] == [b"abc"]


class FullDisk:
    """A file that takes `room` bytes and then says that the disk is full."""

    def __init__(self, file: object, room: int) -> None:
        self.file, self.room = file, room

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(self.room, len(data))
        self.room -= taken
        return self.file.write(data[:taken])


def test_a_full_disk_is_an_error_that_keeps_the_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "a.capture"
    writer = CaptureWriter(path)
    writer._file = FullDisk(writer._file, room=50)
    writer.received(b"first", 1.0)
    with pytest.raises(RecordingError, match=r"No space left on device.*make room"):
        writer.received(b"x" * 100, 2.0)
    with pytest.raises(RecordingError, match="is closed"):
        writer.received(b"later", 3.0)
    reader = CaptureReader(path)
    assert [record.payload for record in reader] == [b"first"]
    assert reader.damage == ""
