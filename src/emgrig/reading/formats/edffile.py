"""EDF and BDF, with and without +, continuous or not: header, signals and annotations.

Our own few lines: edfio 0.4 refuses a file for one annotation that is no UTF-8, for annotations
whose rounding it does not like and for labels that are no ASCII, warns with paths of the library
where the header counts wrongly, ignores pauses of EDF+D, and takes eight times the file in memory.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emgrig.errors import RecordingError
from emgrig.files import attempt
from emgrig.reading.recording import (
    Mark,
)
from emgrig.sentences import counted

_HEAD = 256
#: Width of each field of a signal's header, characters.
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_LABEL, _UNIT, _P_MIN, _P_MAX, _D_MIN, _D_MAX, _COUNT = 0, 2, 3, 4, 5, 6, 8
_MOST_SIGNALS = 4096
#: Bytes of a data record that is not read whole for a few samples of it.
_LARGE_RECORD = 4 << 20
#: Bytes of records that stay mapped; of a longer file so many are at a time.
_MAPPED = 64 << 20
# The standard names no most of digits: a difference in Python has sixteen.
_ONSET = re.compile(rb"[+-]\d{1,12}(\.\d{0,40})?")
_LENGTH = re.compile(rb"\d{1,12}(\.\d{0,40})?")
#: A code of 24 bits: two bytes, and the one with the sign.
_THREE = np.dtype([("low", "<u2"), ("high", "i1")])


@dataclass(frozen=True)
class EdfSignal:
    """A signal as the header has it; `scale` is None if physical or digital range is empty."""

    label: str
    unit: str
    physical: tuple[float, float]
    digital: tuple[int, int]
    n_in_record: int
    begin: int  # bytes from the begin of a record

    @property
    def is_annotations(self) -> bool:
        """Whether it holds annotations in place of samples."""
        return self.label in ("EDF Annotations", "BDF Annotations")

    @property
    def scale(self) -> tuple[float, float] | None:
        """A code, and code 0, in the unit."""
        (p_low, p_high), (d_low, d_high) = self.physical, self.digital
        if p_low == p_high or d_low == d_high or not np.isfinite([p_low, p_high]).all():
            return None
        code = (p_high - p_low) / (d_high - d_low)
        return code, p_low - d_low * code


class EdfFile:
    """One file, its header read and its data records mapped.

    Attributes
    ----------
    path : Path
    is_bdf : bool
        24 bits a sample, not 16.
    signals : tuple of EdfSignal
        Those of annotations too.
    record_s : float
        Length of a data record, s.
    n_records, n_said : int
        Data records that are there, and that the header says (-1: not known when it was written).
    n_beyond : int
        Bytes behind the last whole data record.
    start : datetime or None
        As the header has it, without a zone.
    recording, reserved : str
        Local recording identification; first reserved field (EDF+C, EDF+D, ...).

    Raises
    ------
    RecordingError
        If it is no EDF or BDF file, is cut short in its header, or holds no data record.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with attempt("read", path), path.open("rb") as file:
            head = file.read(_HEAD)
            n_signals = self._read_head(head)
            fields = file.read(_HEAD * n_signals)
        if len(fields) < _HEAD * n_signals:
            raise self._cut(f"a header of {counted(n_signals, 'signal')} was expected")
        self._read_signals(fields, n_signals)
        size = path.stat().st_size - _HEAD * (n_signals + 1)
        n_bytes = self._width * sum(one.n_in_record for one in self.signals)
        self.n_records, self.n_beyond = divmod(size, n_bytes) if n_bytes else (0, 0)
        if not self.n_records:
            raise self._cut("data records were expected behind the header")
        shape = self.n_records, n_bytes
        self._records = np.memmap(path, np.uint8, "r", _HEAD * (n_signals + 1), shape)

    def _cut(self, expected: str) -> RecordingError:
        kind = "BDF" if self.is_bdf else "EDF"
        return RecordingError(f"{self.path} is cut short, or no {kind} file: {expected}")

    def _read_head(self, head: bytes) -> int:
        if head[:1] != b"\xff" and not re.match(rb"0[ \0]{7}", head):
            raise RecordingError(f"{self.path} does not begin as an EDF or BDF file")
        self.is_bdf = head[0] == 0xFF
        self._width = 3 if self.is_bdf else 2
        if len(head) < _HEAD:
            raise self._cut(f"{_HEAD} bytes of header were expected")
        self.recording = _text(head[88:168])
        self.reserved = _text(head[192:236])
        self.start = _start(_text(head[168:176]), _text(head[176:184]))
        self.n_said = int(self._number(head[236:244], "number of data records", -1e9, 1e12))
        self.record_s = self._number(head[244:252], "length of a data record", 0.0, 1e6)
        n_signals = self._number(head[252:256], "number of signals", 0, _MOST_SIGNALS)
        if not n_signals or n_signals != int(n_signals):
            raise RecordingError(f"{self.path} has {n_signals:g} signals by its header")
        return int(n_signals)

    def _number(self, field: bytes, what: str, low: float, high: float) -> float:
        text = _text(field).replace(",", ".")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise RecordingError(f"{self.path}: the header's {what} is {text!r}")
        return value

    def _read_signals(self, fields: bytes, n_signals: int) -> None:
        signals, begin = [], 0
        for i in range(n_signals):
            cells = []
            at = 0
            for width in _WIDTHS:
                cells.append(fields[at + i * width : at + (i + 1) * width])
                at += n_signals * width
            n = int(self._number(cells[_COUNT], f"samples of signal {i + 1}", 0, 1e8))
            physical = tuple(_float(cells[k]) for k in (_P_MIN, _P_MAX))
            digital = tuple(_float(cells[k]) for k in (_D_MIN, _D_MAX))
            whole = tuple(int(d) if np.isfinite(d) and abs(d) < 2**31 else 0 for d in digital)
            label, unit = _text(cells[_LABEL]), _text(cells[_UNIT])
            signals.append(EdfSignal(label, unit, physical, whole, n, begin))  # type: ignore[arg-type]
            begin += n * self._width
        self.signals = tuple(signals)

    def rate_hz(self, one: EdfSignal) -> float:
        """Return the rate of a signal; 0 if records have no length."""
        return one.n_in_record / self.record_s if self.record_s else 0.0

    def codes(
        self, signals: Sequence[EdfSignal], first_record: int = 0, n_records: int | None = None
    ) -> NDArray[np.int32]:
        """Decode data records of signals of one rate; int32, shape (n_samples, n_signals)."""
        n_records = self.n_records - first_record if n_records is None else n_records
        wanted = self._records[first_record : first_record + n_records]
        return self._decoded(signals, wanted).reshape(len(signals), -1).T

    def _decoded(
        self, signals: Sequence[EdfSignal], wanted: NDArray[np.uint8]
    ) -> NDArray[np.int32]:
        """Decode data records (n_records, n_bytes); (n_signals, n_records, n_in_record)."""
        out = np.empty((len(signals), len(wanted), signals[0].n_in_record), np.int32)
        for place, one in zip(out, signals, strict=True):
            octets = wanted[:, one.begin : one.begin + self._width * one.n_in_record]
            _decode(octets.reshape(*place.shape, self._width), place)
        return out

    def rows(self, signals: Sequence[EdfSignal], first: int, stop: int) -> NDArray[np.float64]:
        """Read samples of signals of one rate as `values` does; shape (n_signals, stop - first).

        The records are read and not mapped: what was looked at once does not stay in the memory.
        """
        if self._records.shape[1] > _LARGE_RECORD:
            values = np.concatenate(list(self._pieces(signals, first, stop)), axis=1)
        else:
            n = signals[0].n_in_record
            record = first // n
            codes = self._decoded(signals, self._read_records(record, -(-stop // n) - record))
            part = slice(first - record * n, stop - record * n)
            values = codes.reshape(len(signals), -1)[:, part].astype(np.float64)
        for row, one in zip(values, signals, strict=True):
            code, zero = one.scale or (1.0, 0.0)
            row *= code
            row += zero
        return values

    def _pieces(
        self, signals: Sequence[EdfSignal], first: int, stop: int
    ) -> Iterator[NDArray[np.float64]]:
        """Read no more of each data record than is wanted: one may be the whole file."""
        n, width = signals[0].n_in_record, self._width
        for record in range(first // n, -(-stop // n)):
            a, b = max(first - record * n, 0), min(stop - record * n, n)
            codes = np.empty((len(signals), b - a), np.int32)
            for place, one in zip(codes, signals, strict=True):
                octets = self._records[record, one.begin + width * a : one.begin + width * b]
                _decode(octets.reshape(-1, width), place)
            yield codes.astype(np.float64)

    def _read_records(self, first: int, n_records: int) -> NDArray[np.uint8]:
        n_bytes = self._records.shape[1]
        at = _HEAD * (len(self.signals) + 1) + first * n_bytes
        octets = np.fromfile(self.path, np.uint8, n_records * n_bytes, offset=at)
        if octets.size < n_records * n_bytes:
            raise self._cut("it was longer when it was opened")
        return octets.reshape(n_records, n_bytes)

    def _mapped(self, first: int, n_records: int) -> NDArray[np.uint8]:
        """Map some records; unless they are all, they leave the memory when nobody has them."""
        if n_records == self.n_records:
            return self._records
        n_bytes = self._records.shape[1]
        at = _HEAD * (len(self.signals) + 1) + first * n_bytes
        try:
            return np.memmap(self.path, np.uint8, "r", at, (n_records, n_bytes))
        except ValueError:
            raise self._cut("it was longer when it was opened") from None

    def values(self, one: EdfSignal) -> NDArray[np.float64]:
        """Read a signal whole, in its unit (codes if it has no scale); shape (n_samples,)."""
        code, zero = one.scale or (1.0, 0.0)
        values = np.empty(self.n_records * one.n_in_record)
        n_together = max(_MAPPED // self._records.shape[1], 1)
        for first in range(0, self.n_records, n_together):
            records = self._mapped(first, min(n_together, self.n_records - first))
            place = slice(first * one.n_in_record, (first + len(records)) * one.n_in_record)
            values[place] = self._decoded([one], records).ravel()
        values *= code
        values += zero
        return values

    @property
    def begin(self) -> dt.datetime | None:
        """When the first sample was measured: the start, and what the first record adds."""
        if self.start is None:
            return None
        for one in self.signals:
            if one.is_annotations:
                end = one.begin + self._width * one.n_in_record
                for at, _, texts in _lists(self._records[0, one.begin : end].tobytes()):
                    if texts[:1] == [""] and not math.isnan(at):
                        return self.start + dt.timedelta(seconds=at)
        return self.start

    def _each_record(self, one: EdfSignal) -> Iterator[bytes]:
        """Read the bytes of one signal, record by record, without the rest of the file."""
        n_records, n_bytes = self._records.shape
        begin = _HEAD * (len(self.signals) + 1) + one.begin
        with attempt("read", self.path), self.path.open("rb", buffering=0) as file:
            for record in range(n_records):
                file.seek(begin + record * n_bytes)
                yield file.read(self._width * one.n_in_record)

    def annotations(self) -> tuple[NDArray[np.float64], list[Mark], list[str]]:
        """Read all annotation signals.

        Returns
        -------
        onset_s : ndarray of float64, shape (n_records,)
            Time stamp of each data record, s; NaN where it has none.
        marks : list of Mark
            By time, in s from the header's start, as the file has them.
        remarks : list of str
            What could not be read of them.
        """
        onset_s = np.full(self.n_records, np.nan)
        marks: list[Mark] = []
        n_timeless = n_endless = 0
        for nth, one in enumerate(s for s in self.signals if s.is_annotations):
            for record, octets in enumerate(self._each_record(one)):
                for at, length, texts in _lists(octets):
                    if math.isnan(at):
                        n_timeless += any(texts)
                        continue
                    if nth == 0 and np.isnan(onset_s[record]) and texts[:1] == [""]:
                        onset_s[record] = at
                    n_endless += math.isnan(length)
                    lasts = 0.0 if math.isnan(length) else length
                    marks += [Mark(at, lasts, text) for text in texts if text]
        counts = (
            ("annotations left out, since their onset is no number", n_timeless),
            ("annotations whose duration is no number, read as 0", n_endless),
        )
        remarks = [f"{what}: {count}" for what, count in counts if count]
        return onset_s, sorted(marks, key=lambda one: (one.onset_s, one.duration_s)), remarks


def _decode(octets: NDArray[np.uint8], place: NDArray[np.int32]) -> None:
    """Put codes of two or three bytes, the last axis, where they belong; the last has the sign."""
    flat = octets.reshape(*octets.shape[:-2], -1)
    if octets.shape[-1] == 2:
        place[:] = flat.view("<i2")
        return
    codes = flat.view(_THREE)
    place[:] = codes["high"]
    place <<= 16
    place |= codes["low"]


def _lists(content: bytes) -> Iterator[tuple[float, float, list[str]]]:
    """Give onset, duration (0 if none) and texts of each annotation list; NaN for what is none."""
    for one in content.split(b"\0"):
        head, found, rest = one.partition(b"\x14")
        if not found:
            continue
        at, _, length = head.partition(b"\x15")
        begins = float(at) if _ONSET.fullmatch(at) else math.nan
        lasts = float(length or b"0") if _LENGTH.fullmatch(length or b"0") else math.nan
        yield begins, lasts, [_text(text) for text in rest.split(b"\x14")[:-1]]


def _text(field: bytes) -> str:
    """Decode a field: ASCII by the standard, UTF-8 or Latin-1 by those who write it."""
    bare = field.replace(b"\0", b" ").strip()
    try:
        return bare.decode("utf-8")
    except UnicodeDecodeError:
        return bare.decode("latin-1")


def _float(field: bytes) -> float:
    try:
        return float(_text(field).replace(",", "."))
    except ValueError:
        return float("nan")


def _start(date: str, time: str) -> dt.datetime | None:
    numbers = [re.findall(r"\d+", text) for text in (date, time)]
    if [len(found) for found in numbers] != [3, 3]:
        return None
    (day, month, year), clock = (list(map(int, found)) for found in numbers)
    try:
        hour, minute, second = clock
        century = 1900 if year >= 85 else 2000
        return dt.datetime(century + year, month, day, hour, minute, second)  # noqa: DTZ001 - the file has no zone
    except ValueError:
        return None
