"""The raw capture: every byte that came and went, with host times, and notes; append only.

::

    89 "emgrig" 0D 0A 1A 0A | version 01
    C5 3A | kind u8 | 0 | length u32 | host time µs u64 | CRC-32 u32 | payload   (and so on)

Little-endian. The CRC is that of `zlib.crc32` over kind to time and the payload. A record is
written at once and unbuffered: then it is the operating system's, and a killed process loses
nothing of it. Reading holds one piece of the file at a time, and goes on behind damage.
"""

import json
import os
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Self

from emgrig.driver.captures.lock import lock
from emgrig.errors import RecordingError
from emgrig.files import attempt, why

#: As PNG's: a transfer that changes line ends or strips the eighth bit damages it visibly.
MAGIC = b"\x89emgrig\r\n\x1a\n"
VERSION = 1
HEADER = MAGIC + bytes((VERSION,))
SYNC = b"\xc5\x3a"
MAX_PAYLOAD_BYTES = 1 << 16

_HEAD = struct.Struct("<2sBxIQI")
_COVERED = struct.Struct("<BxIQ")
_PIECE_BYTES = 1 << 20

Note = dict[str, object]


class RecordKind(IntEnum):
    """What the payload of a record is."""

    RECEIVED = 1
    SENT = 2
    NOTE = 3


_KINDS = {int(kind): kind for kind in RecordKind}


@dataclass(frozen=True)
class Record:
    """One record of a capture."""

    kind: RecordKind
    time_us: int  #: Host time, µs since 1970-01-01 UTC.
    payload: bytes  #: Bytes as they came or went, or a note in JSON.

    @property
    def note(self) -> Note:
        """The note, of a record of that kind; RecordingError if the payload is no JSON object."""
        try:
            note = json.loads(self.payload)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"a note of the capture is no JSON: {error}") from error
        if not isinstance(note, dict):
            raise RecordingError(f"a note of the capture is no JSON object: {self.payload[:40]!r}")
        return note


class CaptureWriter:
    """Append records to a new file; safe to call from several threads.

    Parameters
    ----------
    path : Path
        Must not exist.

    Raises
    ------
    RecordingError
        If the file exists or cannot be made; nothing was written then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with attempt("make", path):
            self._file = path.open("xb", buffering=0)
        lock(self._file)
        self._size = 0
        self._append(HEADER)

    @property
    def size_bytes(self) -> int:
        """Bytes of the file so far, whole records only."""
        return self._size

    def received(self, data: bytes, unix_s: float) -> None:
        """Append bytes that came from the board; raises as `append` does."""
        self.append(RecordKind.RECEIVED, round(unix_s * 1e6), data)

    def sent(self, data: bytes, unix_s: float) -> None:
        """Append bytes that went to the board; raises as `append` does."""
        self.append(RecordKind.SENT, round(unix_s * 1e6), data)

    def note(self, note: Mapping[str, object], unix_s: float) -> None:
        """Append a note; raises as `append` does, and `ValueError` above 64 KiB of JSON."""
        payload = json.dumps(note, separators=(",", ":"), allow_nan=False).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"note of {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} fit")
        self.append(RecordKind.NOTE, round(unix_s * 1e6), payload)

    def append(self, kind: RecordKind, time_us: int, payload: bytes) -> None:
        """Append one record; bytes too many for one are split into several.

        Raises
        ------
        RecordingError
            If the file cannot take it, as when the disk is full. What was appended before stays
            whole and readable.
        """
        with self._lock:
            for begin in range(0, len(payload), MAX_PAYLOAD_BYTES):
                self._append(_encode(kind, time_us, payload[begin : begin + MAX_PAYLOAD_BYTES]))

    def check(self) -> None:
        """Raise RecordingError if the file is not there any more under its name."""
        with self._lock:
            if self._file.closed:
                return
            with attempt("go on with", self.path, "it was removed, or its disk is gone"):
                found, own = self.path.stat(), os.fstat(self._file.fileno())
        if (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino):
            raise RecordingError(f"{self.path} was replaced by another file while it was written")

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, data: bytes) -> None:
        if self._file.closed:
            raise RecordingError(f"{self.path} is closed")
        rest = memoryview(data)
        try:
            while rest:  # a nearly full disk takes a part and refuses the rest
                rest = rest[self._file.write(rest) or 0 :]
        except OSError as error:
            with suppress(OSError):  # the disk may be gone altogether
                os.ftruncate(self._file.fileno(), self._size)
            with suppress(OSError):
                self._file.close()
            kept = f"{self._size} bytes are kept and can be converted"
            raise RecordingError(f"cannot write {self.path}: {why(error)}; {kept}") from error
        self._size += len(data)


class CaptureReader:
    """Iterate over the records of a capture, in bounded memory; as often as wanted.

    Raises
    ------
    RecordingError
        If the file cannot be read, or is no capture of this version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: Bytes met so far that belong to no good record, with a good record behind them.
        self.damaged_bytes = 0
        #: Bytes behind the last good record, as a killed writer leaves them.
        self.truncated_bytes = 0
        self.read_bytes = 0  #: How far the iteration has read.
        with attempt("read", path), path.open("rb") as file:
            head = file.read(len(HEADER))
        if not head:
            raise RecordingError(f"{path} is empty; it was killed before anything was recorded")
        if head[: len(MAGIC)] != MAGIC[: len(head)]:
            raise RecordingError(
                f"{path} is no emgrig capture (it begins {head[:8].hex(' ').upper()})"
            )
        if head[len(MAGIC) :] not in (b"", HEADER[len(MAGIC) :]):
            found = head[len(MAGIC)]
            raise RecordingError(
                f"{path} is a capture of version {found}, expected {VERSION}: update emgrig"
            )

    def __iter__(self) -> Iterator[Record]:
        self.damaged_bytes = self.truncated_bytes = self.read_bytes = 0
        with self.path.open("rb") as file:
            file.seek(len(HEADER))
            held, at, is_end, skipped = b"", 0, False, 0
            while True:
                record, used = _record_at(held, at, is_end=is_end)
                at += used
                if record is not None:
                    self.damaged_bytes += skipped
                    skipped = 0
                    yield record
                elif used:
                    skipped += used
                elif not is_end:
                    more = file.read(_PIECE_BYTES)
                    self.read_bytes += len(more)
                    held, at, is_end = held[at:] + more, 0, not more
                else:
                    self.truncated_bytes = skipped + len(held) - at
                    return

    @property
    def damage(self) -> str:
        """What the iteration met, in words; empty if every byte belonged to a good record."""
        said = []
        if self.damaged_bytes:
            said.append(f"{self.damaged_bytes} damaged bytes were skipped")
        if self.truncated_bytes:
            said.append(f"the last record is damaged or incomplete ({self.truncated_bytes} bytes)")
        return "; ".join(said)


def _encode(kind: RecordKind, time_us: int, payload: bytes) -> bytes:
    covered = _COVERED.pack(kind, len(payload), time_us)
    crc = zlib.crc32(payload, zlib.crc32(covered))
    return SYNC + covered + crc.to_bytes(4, "little") + payload


def _record_at(held: bytes, at: int, *, is_end: bool) -> tuple[Record | None, int]:
    """Take the record at `at`: it and its bytes, or the damaged bytes to skip, or 0 for "more".

    At the end of the file, 0 says that what is left is an incomplete last record.
    """
    available = len(held) - at
    if available < _HEAD.size:
        return None, 0
    sync, kind, length, time_us, crc = _HEAD.unpack_from(held, at)
    if sync == SYNC and length <= MAX_PAYLOAD_BYTES and kind in _KINDS:
        end = at + _HEAD.size + length
        if end <= len(held):
            payload = held[at + _HEAD.size : end]
            if zlib.crc32(payload, zlib.crc32(held[at + 2 : at + 16])) == crc:
                return Record(_KINDS[kind], time_us, payload), end - at
        elif not is_end:
            return None, 0
    found = held.find(SYNC, at + 1)
    return None, (found if found >= 0 else len(held) - 1) - at
