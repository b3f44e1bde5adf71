"""The header of a BDF+ file, made by edfio: limits that give the scale exactly, and records."""

import datetime as dt
import io
import math
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from edfio import Bdf, BdfSignal, EdfAnnotation, Recording
from numpy.typing import NDArray

CODE_MAX = 2**23 - 1
TICKS_PER_S = 10_000_000
_MAX_RECORD_BYTES = 61440  #: EDF+ asks for data records of at most so many bytes.
_RECORD_S = 0.1  #: Data records are about so long: the last one is filled up, so they are short.
_INNER_LIMIT = 7 * 2**20  #: The digital limits are taken in the outer eighth of the range of codes.
_LOOKED_AT = 1 << 14  #: Codes that are looked at in one go, from the outermost on.
_EXACT, _GOOD = 1e-15, 1e-10  #: Errors of a limit's voltage.
_N_RECORDS_AT = 236  #: Where the header's field for the number of data records lies (8 characters).


@dataclass(frozen=True)
class Limits:
    """Digital and physical limits of a channel; readers compute the scale from them."""

    digital_min: int
    digital_max: int
    physical_min: float  #: µV; each fits the 8 characters of its header field.
    physical_max: float

    @property
    def scale_uv(self) -> float:
        """Volts of one code as a reader computes them, µV."""
        physical = self.physical_max - self.physical_min
        return physical / (self.digital_max - self.digital_min)

    @property
    def offset_uv(self) -> float:
        """What a reader computes for code 0, µV."""
        return self.physical_min - self.digital_min * self.scale_uv


@dataclass(frozen=True)
class Channel:
    """One signal of the file."""

    label: str  #: At most 16 ASCII characters.
    scale_uv: float  #: Volts of one code, and of code 0, µV.
    transducer: str = ""  #: At most 80 ASCII characters each.
    prefilter: str = ""
    offset_uv: float = 0.0


@dataclass(frozen=True)
class FileHead:
    """What the header says."""

    channels: tuple[Channel, ...]
    rate_hz: float  #: Nominal rate.
    start_unix_s: float  #: Time of the first sample, s since 1970-01-01 UTC; the header says UTC.
    equipment: str  #: Goes into the recording field, without blanks.
    remarks: tuple[str, ...] = ()  #: More of it.


@dataclass(frozen=True)
class RecordShape:
    """How a file is cut into data records: samples of each channel, and annotation bytes."""

    n_samples: int
    ticks: int
    n_channels: int
    annotation_bytes: int = 0

    @property
    def duration(self) -> str:
        """Duration in seconds as the header says it."""
        return seconds(self.ticks)

    @property
    def n_bytes(self) -> int:
        """Bytes of a data record."""
        return 3 * self.n_samples * self.n_channels + self.annotation_bytes


@lru_cache(maxsize=64)
def header_limits(scale_uv: float, offset_uv: float = 0.0) -> Limits:
    """Choose limits whose header text gives the scale as exactly as can be.

    A header field has 8 characters, so the limits of the full range are not exact: the usual
    -187500 to 187500 µV for gain 24 shift every sample by half a code. Here the limits are the
    outermost codes, at least 7/8 of the range, whose voltage fits 8 characters exactly (always with
    a reference of 4.5 V or 2.5 V and most gains) or else to 1e-10. Codes beyond them, near
    clipping, are written as they are, and read rightly by mne, edfio and pyedflib.

    Raises
    ------
    ValueError
        If the scale is not a positive number that a header can hold.
    """
    if not 1e-6 < scale_uv < 1:
        raise ValueError(f"one code of {scale_uv} µV; expected 1e-6 to 1 µV")
    low, low_uv = _limit(-1, CODE_MAX + 1, scale_uv, offset_uv)
    high, high_uv = _limit(1, CODE_MAX, scale_uv, offset_uv)
    return Limits(low, high, low_uv, high_uv)


def _limit(sign: int, outermost: int, scale_uv: float, offset_uv: float) -> tuple[int, float]:
    """Return the outermost code of a sign whose voltage 8 characters hold well, and that, µV."""
    longest = len(str(int(sign * outermost * scale_uv + offset_uv)))
    found: dict[float, tuple[int, float]] = {}  # by the error
    for begin in range(outermost, _INNER_LIMIT - 1, -_LOOKED_AT):
        end = max(begin - _LOOKED_AT, _INNER_LIMIT - 1)
        codes = sign * np.arange(begin, end, -1, dtype=np.float64)
        exact_uv = codes * scale_uv + offset_uv
        rounded_uv = np.round(exact_uv, max(0, 8 - longest - 1))
        errors = np.abs(rounded_uv / exact_uv - 1)
        for tolerance in (_EXACT, _GOOD, float(errors.min())):
            index = int(np.argmax(errors <= tolerance))
            if errors[index] <= tolerance:
                found.setdefault(tolerance, (int(codes[index]), float(rounded_uv[index])))
        if _EXACT in found:
            break
    return found.get(_EXACT) or found.get(_GOOD) or found[min(found)]


def record_shape(rate_hz: float, n_channels: int) -> RecordShape:
    """Choose data records of about 0.1 s, a whole number of samples, of a duration that is exact.

    The duration has 8 characters; if no length fits them exactly, the nearest is taken.
    """
    wanted = min(rate_hz * _RECORD_S, _MAX_RECORD_BYTES / (3 * n_channels))
    lengths = np.arange(1, max(2, math.floor(wanted) + 1))
    durations_us = lengths / rate_hz * 1e6
    errors = np.abs(np.round(durations_us) / durations_us - 1)
    best = int(np.flatnonzero(errors <= max(1e-12, errors.min()))[-1])
    return RecordShape(int(lengths[best]), round(durations_us[best]) * 10, n_channels)


@dataclass(frozen=True)
class Plan:
    """What a file needs: the shape of its data records, and how many there are."""

    shape: RecordShape
    n_records: int

    @property
    def header_bytes(self) -> int:
        """Bytes of the header: 256 for the file, each channel, and the annotations."""
        return 256 * (self.shape.n_channels + 2)

    @property
    def n_bytes(self) -> int:
        """Bytes of the whole file."""
        return self.header_bytes + self.n_records * self.shape.n_bytes


def encode_header(head: FileHead, plan: Plan) -> bytes:
    """Return the header of a file, as edfio writes it for a file of one data record."""
    shape = plan.shape
    silence = np.zeros(shape.n_samples, np.int32)
    header_rate_hz = shape.n_samples / float(shape.duration)
    signals = [_signal(channel, silence, header_rate_hz) for channel in head.channels]
    start = dt.datetime.fromtimestamp(start_us(head) // 1_000_000, dt.UTC)
    # edfio gives the annotations of its one record just the room they take: time and text with 10
    # bytes around them.
    filler = EdfAnnotation(0, None, "x" * (shape.annotation_bytes - 10))
    bdf = Bdf(
        signals,
        recording=_recording(head, start.date()),
        starttime=start.time(),
        data_record_duration=float(shape.duration),
        annotations=[filler],
    )
    buffer = io.BytesIO()
    bdf.write(buffer)
    if len(buffer.getvalue()) != plan.header_bytes + shape.n_bytes:
        raise AssertionError("edfio lays out its records in another way than this was written for")
    whole = bytearray(buffer.getvalue()[: plan.header_bytes])
    whole[_N_RECORDS_AT : _N_RECORDS_AT + 8] = str(plan.n_records).encode().ljust(8)
    return bytes(whole)


def start_us(head: FileHead) -> int:
    """Start of a file, µs since 1970."""
    return round(head.start_unix_s * 1e6)


def _signal(channel: Channel, silence: NDArray[np.int32], rate_hz: float) -> BdfSignal:
    limits = header_limits(channel.scale_uv, channel.offset_uv)
    return BdfSignal.from_digital(
        silence,
        rate_hz,
        label=channel.label,
        transducer_type=channel.transducer,
        physical_dimension="uV",
        physical_range=(limits.physical_min, limits.physical_max),
        digital_range=(limits.digital_min, limits.digital_max),
        prefiltering=channel.prefilter,
    )


def _recording(head: FileHead, date: dt.date) -> Recording:
    """Return the recording field, cut to its 80 characters."""
    room = 80 - len("Startdate 01-JAN-2000 X X ")
    parts = []
    for part in (head.equipment, *head.remarks):
        word = "_".join(ascii_text(part, 80).split())[: max(room, 0)] or "X"[: max(room, 0)]
        if word:
            parts.append(word)
        room -= len(word) + 1
    known = date if 1985 <= date.year <= 2084 else None
    return Recording(startdate=known, equipment_code=parts[0], additional=parts[1:])


def ascii_text(text: str, length: int) -> str:
    """Return printable ASCII of at most `length` characters, near to `text`."""
    plain = unicodedata.normalize("NFKD", text.replace("µ", "u").replace("Ω", "Ohm"))
    kept = "".join(char for char in plain if not unicodedata.combining(char))
    ascii_only = kept.encode("ascii", "replace").decode()
    printable = "".join(char if char.isprintable() else " " for char in ascii_only)
    return printable[: max(length, 0)].rstrip()


def seconds(ticks: int) -> str:
    """Say a time of 100 ns ticks in seconds, exactly and without needless zeros."""
    whole, rest = divmod(ticks, TICKS_PER_S)
    return f"{whole}.{rest:07d}".rstrip("0").rstrip(".")
