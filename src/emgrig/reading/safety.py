"""What a file is, before anything in it is believed: stand-ins, web pages, cut and huge ones."""

import re
import zlib
from pathlib import Path

from emgrig.errors import RecordingError
from emgrig.files import attempt

#: A text that unpacks to more is refused; half an hour of 16 channels has 300 MB.
MOST_UNPACKED = 400_000_000
#: Text that is read whole; numbers of it take as much again.
MOST_TEXT = 2_000_000_000
_HEAD = 4096

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
    if path.is_dir():
        raise RecordingError(f"{path} is a folder; the file of a recording was expected")
    if not path.exists():
        raise RecordingError(f"there is no recording {path}; check the name")
    if not path.is_file():
        raise RecordingError(f"{path} is no ordinary file; a recording was expected")
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


def decoded(path: Path, raw: bytes) -> str:
    """Decode text of any usual encoding; RecordingError for bytes that are no text."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace")
    if b"\0" in raw[:_HEAD] or b"\0" in raw[-_HEAD:]:
        raise RecordingError(f"{path} is no text and no recording of a known format")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
