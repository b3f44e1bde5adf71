"""What a file is, before anything in it is believed: stand-ins, web pages, cut and huge ones."""

import codecs
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from emgrig.errors import RecordingError
from emgrig.files import attempt, check_there

#: A text that unpacks to more is refused; half an hour of 16 channels has 300 MB.
MOST_UNPACKED = 400_000_000
#: Text that is read whole; numbers of it take as much again.
MOST_TEXT = 2_000_000_000
_HEAD = 4096
_PART = 1 << 20

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")
)  # fmt: skip
_STAND_INS = (
    (re.compile(rb"version https://git-lfs"), "a stand-in of Git LFS: git lfs pull brings it"),
    (re.compile(rb"/?annex/objects/|.{0,200}\.git/annex/objects/", re.S),
     "a stand-in of git-annex: datalad get (or git annex get) brings the file"),
    (re.compile(rb"\s*(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body)\b", re.I | re.S),
     "a web page, saved under the name of a recording: load the file itself"),
    (re.compile(rb"\s*<\?xml\b"), "XML; no recording in XML is read"),
    (re.compile(rb"PK\x03\x04"), "a zip archive or spreadsheet: unpack it, or save it as CSV"),
    (re.compile(rb"%PDF-"), "a PDF"),
)  # fmt: skip


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file that can be a recording.

    Raises
    ------
    RecordingError
        If it is not there, is empty, or is something else that has its name.
    """
    check_there(path, "recording")
    with attempt("read", path), path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise RecordingError(f"{path} is empty; a recording was expected")
    if not head.strip(b"\0"):
        raise RecordingError(f"{path} begins with zeros only; its copy may not have been finished")
    for pattern, what in _STAND_INS:
        if pattern.match(head):
            raise RecordingError(f"{path} is no recording, it is {what}")
    return head


def contents(path: Path) -> bytes:
    """Return the bytes of a text file, unpacked if it is gzipped; RecordingError if that fails."""
    with attempt("read", path):
        if path.stat().st_size > MOST_TEXT:
            raise RecordingError(f"{path} has more than {MOST_TEXT / 1e9:g} GB of text; split it")
        raw = path.read_bytes()
    return unpacked(path, raw) if raw[:2] == b"\x1f\x8b" else raw


def unpacked(path: Path, raw: bytes) -> bytes:
    """Unpack gzip of one or several members, up to `MOST_UNPACKED` bytes."""
    parts: list[bytes] = []
    size = 0
    while raw:
        if raw[:2] != b"\x1f\x8b":
            break  # what lies behind the last member: padding
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            parts.append(stream.decompress(raw, MOST_UNPACKED + 1 - size))
        except zlib.error as error:
            raise RecordingError(
                f"{path} is damaged: its gzip does not unpack ({error})"
            ) from error
        size += len(parts[-1])
        if size > MOST_UNPACKED:
            raise RecordingError(
                f"{path} unpacks to more than {MOST_UNPACKED // 10**6} MB; unpack it yourself if "
                "that is right"
            )
        if not stream.eof:
            raise RecordingError(f"{path} is cut short: its gzip does not end")
        raw = stream.unused_data
    return b"".join(parts)


class Lines(Sequence[str]):
    """The lines of a text, decoded one by one when they are asked for.

    A list of them takes three times the file; this takes the file, and 8 bytes a line.
    """

    def __init__(self, raw: bytes, encoding: str, ends: NDArray[np.int64], chosen: range) -> None:
        self._raw, self._encoding, self._ends, self._chosen = raw, encoding, ends, chosen

    @classmethod
    def of(cls, path: Path, raw: bytes) -> "Lines":
        """Return the lines of a text of any usual encoding; RecordingError if it is no text."""
        encoding = encoding_of(path, raw)
        if encoding not in ("utf-8", "cp1252"):
            raw, encoding = raw.decode(encoding, errors="replace").encode(), "utf-8"
        if b"\n" not in raw and b"\r" in raw:
            raw = raw.replace(b"\r", b"\n")
        octets = np.frombuffer(raw, np.uint8)
        parts = range(0, octets.size, _PART)
        ends = np.concatenate([at + np.flatnonzero(octets[at : at + _PART] == 10) for at in parts])
        if not raw.endswith(b"\n"):
            ends = np.append(ends, len(raw))
        return cls(raw, encoding, ends, range(ends.size))

    def __len__(self) -> int:
        return len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> "Lines": ...

    def __getitem__(self, index: int | slice) -> "str | Lines":
        if isinstance(index, slice):
            return Lines(self._raw, self._encoding, self._ends, self._chosen[index])
        return self._line(self._chosen[index])

    def __iter__(self) -> Iterator[str]:
        return map(self._line, self._chosen)

    def _line(self, number: int) -> str:
        begin = int(self._ends[number - 1]) + 1 if number else 0
        line = self._raw[begin : int(self._ends[number])].rstrip(b"\r")
        return line.decode(self._encoding, errors="replace")


def encoding_of(path: Path, raw: bytes) -> str:
    """Return how a text is encoded; RecordingError for bytes that are no text."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return encoding
    if b"\0" in raw[:_HEAD] or b"\0" in raw[-_HEAD:]:
        raise RecordingError(f"{path} is no text and no recording of a known format")
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(raw), _PART):
            decoder.decode(raw[at : at + _PART])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def decoded(path: Path, raw: bytes) -> str:
    """Decode text of any usual encoding; RecordingError for bytes that are no text."""
    return raw.decode(encoding_of(path, raw), errors="replace")
