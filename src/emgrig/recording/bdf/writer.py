"""BDF+ as a stream: the header is edfio's, the data records are written as they come.

edfio builds a whole file in memory; pyedflib streams, but cuts an annotation at 40 bytes and drops
those beyond one a data record. A data record is little more than its 24-bit samples side by side,
so it is written here. Formats: BDF+ is EDF+ (Kemp and Olivan 2003) with 24-bit samples.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from emgrig.recording.bdf.header import (
    TICKS_PER_S,
    FileHead,
    Plan,
    encode_header,
    record_shape,
    seconds,
    start_us,
)
from emgrig.recording.facts import Annotation, Padding, PlacedText, printable

_MIN_ANNOTATION_BYTES = 12
_PACK_SAMPLES = 1 << 14
#: 24 bits; two copies take a quarter of the time of one of three bytes each.
_OCTETS = np.dtype([("low", "<u2"), ("high", "u1")])


class _Room:
    """Finds out how many bytes of annotations a data record needs."""

    def __init__(self) -> None:
        self._head = 0
        self._texts: list[tuple[int, int]] = []  # data record, bytes

    def add(self, record: int, n_head: int, texts: Iterable[int]) -> None:
        """Count the texts of a data record, and the head of its annotations."""
        self._head = max(self._head, n_head)
        self._texts += [(record, n_bytes) for n_bytes in texts]

    def width(self, n_records: int) -> int:
        """Return the least room in which all texts find a record, each its own or a later one."""
        longest = max((n_bytes for _, n_bytes in self._texts), default=0)
        room = longest
        while not self._fits(room, n_records):
            room += max(room // 4, 1)
        return max(math.ceil((self._head + room) / 3) * 3, _MIN_ANNOTATION_BYTES)

    def _fits(self, room: int, n_records: int) -> bool:
        at, left = -1, 0
        for record, n_bytes in self._texts:
            if record > at:
                at, left = record, room
            if n_bytes > left:
                at, left = at + 1, room
            left -= n_bytes
        return at < n_records


class BdfWriter:
    """Write samples and annotations as they come.

    An annotation lands in the data record of its onset, or in one of the next if that is written or
    full. Annotations need room in every record: a first writer without a file finds out how much
    (`plan`), and the same calls to a second one write.

    Parameters
    ----------
    file : binary file, optional
        Open for writing; None to plan only.
    plan : Plan, optional
        Needed with `file`.
    """

    def __init__(
        self, head: FileHead, file: BinaryIO | None = None, plan: Plan | None = None
    ) -> None:
        self.head = head
        self.n_samples = 0  #: Of each channel, so far.
        #: What fills up the last data record, once it is finished.
        self.padding: Annotation | None = None
        self.n_records = 0
        self._file = file
        n_channels = len(head.channels)
        self._shape = plan.shape if plan else record_shape(head.rate_hz, n_channels)
        self._room = _Room()
        self._held: list[NDArray[np.int32]] = []
        self._n_held = 0
        self._waiting: list[PlacedText] = []
        self._deferred: deque[bytes] = deque()  # texts that had no room in their record
        self._start_ticks = start_us(head) % 1_000_000 * 10
        if file is None:  # the longest texts that any start can give
            self._start_ticks = TICKS_PER_S - 1
        elif plan is None:
            raise ValueError("a file is written by a plan")
        else:
            file.write(encode_header(head, plan))

    def write(self, codes: NDArray[np.int32]) -> None:
        """Append samples, int32, shape (n_samples, n_channels), -2**23 to 2**23 - 1."""
        self._held.append(codes)
        self._n_held += len(codes)
        self.n_samples += len(codes)
        if self._n_held >= _PACK_SAMPLES:
            self._pack()

    def annotate(self, annotation: PlacedText) -> None:
        """Add an annotation."""
        self._waiting.append(annotation)

    def finish(self) -> Plan:
        """Fill up the last data record with the last sample, marked `BAD_padding`; return the plan.

        The file stays open.
        """
        self._pack()
        missing = -self._n_held % self._shape.n_samples
        if missing:
            self.padding = Annotation.of(self.n_samples, Padding(), missing)
            self.annotate(self.padding)
            self._held.append(np.repeat(self._held[-1][-1:], missing, axis=0))
            self._n_held += missing
        self._waiting = [
            replace(note, sample=min(note.sample, self.n_samples)) for note in self._waiting
        ]
        self._pack(is_last=True)
        if self._file is not None:
            return Plan(self._shape, self.n_records)
        n_bytes = self._room.width(self.n_records)
        return Plan(replace(self._shape, annotation_bytes=n_bytes), self.n_records)

    def _pack(self, *, is_last: bool = False) -> None:
        """Write what fills whole data records; one is kept back for the last annotations."""
        length = self._shape.n_samples
        n_records = self._n_held // length - (not is_last)
        if n_records < 1:
            return
        codes = np.concatenate(self._held)
        whole = n_records * length
        self._held = [codes[whole:]] if len(codes) > whole else []
        self._n_held -= whole
        texts = self._texts(n_records, is_last=is_last)
        if self._file is not None:
            width = self._shape.annotation_bytes
            records = np.empty((n_records, self._shape.n_bytes), np.uint8)
            joined = b"".join(text.ljust(width, b"\0") for text in texts)
            records[:, -width:] = np.frombuffer(joined, np.uint8).reshape(n_records, width)
            records[:, :-width] = _pack_codes(codes[:whole], n_records)
            self._file.write(records.data)

    def _texts(self, n_records: int, *, is_last: bool) -> list[bytes]:
        """Return the annotation bytes of the next data records."""
        self._waiting.sort(key=lambda note: note.sample)
        texts: list[bytes] = []
        at, behind = 0, self.n_records + n_records
        record = self.n_records
        while record < behind:
            if not self._deferred:  # up to the next annotation there are only times
                quiet = behind if at == len(self._waiting) else self._record_of(self._waiting[at])
                quiet = min(quiet, behind - is_last)
                if quiet > record:
                    texts += self._heads(record, quiet)
                    record = quiet
                    continue
            (head,) = self._heads(record, record + 1)
            end = (record + 1) * self._shape.n_samples
            is_end = is_last and record == behind - 1
            while at < len(self._waiting) and (self._waiting[at].sample < end or is_end):
                self._deferred.append(self._text(self._waiting[at]).encode())
                at += 1
            texts.append(self._fill(record, head))
            record += 1
        self._waiting = self._waiting[at:]
        self.n_records += n_records
        return texts

    def _record_of(self, note: PlacedText) -> int:
        return note.sample // self._shape.n_samples

    def _heads(self, begin: int, end: int) -> list[bytes]:
        """Return what the annotations of data records begin with: their times.

        While planning only the last of them, which no other is longer than.
        """
        if self._file is None:
            begin = end - 1
        ticks, first = self._shape.ticks, self._start_ticks
        heads = []
        for at in range(first + begin * ticks, first + end * ticks, ticks):
            text = b"+%d.%07d" % divmod(at, TICKS_PER_S)
            if self._file is not None:
                text = text.rstrip(b"0").rstrip(b".")
            heads.append(text + b"\x14\x14\0")
        if self._file is None:
            self._room.add(begin, len(heads[0]), ())
        return heads

    def _fill(self, record: int, head: bytes) -> bytes:
        """Take what there is room for; while planning, all of it, and remember how much it was."""
        parts = [head]
        if self._file is None:
            self._room.add(record, len(head), map(len, self._deferred))
            self._deferred.clear()
        left = self._shape.annotation_bytes - len(head)
        while self._deferred and len(self._deferred[0]) <= left:
            left -= len(self._deferred[0])
            parts.append(self._deferred.popleft())
        return b"".join(parts)

    def _text(self, note: PlacedText) -> str:
        onset = self._onset(round(note.sample * TICKS_PER_S / self.head.rate_hz))
        duration = round(note.n_samples * TICKS_PER_S / self.head.rate_hz)
        length = f"\x15{seconds(duration)}" if duration else ""
        return f"{onset}{length}\x14{printable(note.text)}\x14\0"

    def _onset(self, ticks: int) -> str:
        text = seconds(self._start_ticks + ticks)
        if self._file is not None:
            return f"+{text}"
        whole, _, rest = text.partition(".")
        return f"+{whole}.{rest:0<7}"


def _pack_codes(codes: NDArray[np.int32], n_records: int) -> NDArray[np.uint8]:
    """Return the samples of data records, channel after channel; uint8, (n_records, n_bytes)."""
    n_channels = codes.shape[1]
    by_channel = codes.reshape(n_records, -1, n_channels).transpose(0, 2, 1)
    words = np.ascontiguousarray(by_channel, "<i4").reshape(-1)
    octets = np.empty(words.size, _OCTETS)
    octets["low"], octets["high"] = words.view("<u2")[::2], words.view(np.uint8)[2::4]
    return octets.view(np.uint8).reshape(n_records, -1)
