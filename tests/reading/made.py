"""Recordings with known true times, in the formats of others, written byte by byte.

`Take` holds what happened: which sample each row holds, and when it was taken. The writers below
put it into files as the format's definition says; none of them uses the package under test.
"""

import datetime as dt
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

IMPULSE_UV = 1000.0
#: When OpenBCI's and BrainFlow's stamps begin, Unix time, s.
UNIX_S = 1_700_000_000.0


@dataclass(frozen=True)
class Take:
    """Rows as a device gave them.

    Attributes
    ----------
    number : ndarray of int, shape (n_rows,)
        Which sample each row holds, counted by the device.
    time_s : ndarray of float64, shape (n_rows,)
        When it was taken, s.
    values : ndarray of float64, shape (n_rows, n_channels)
        uV.
    rate_hz : float
        As the device says.
    """

    number: np.ndarray
    time_s: np.ndarray
    values: np.ndarray
    rate_hz: float

    @property
    def impulse_s(self) -> float:
        """When the impulse was, s from the first row."""
        return float(self.time_s[int(self.values[:, 0].argmax())] - self.time_s[0])

    def rows(self, which: np.ndarray) -> "Take":
        """Return these rows, in this order."""
        return replace(
            self, number=self.number[which], time_s=self.time_s[which], values=self.values[which]
        )


def take(
    n: int, rate_hz: float, *, at: int | None = None, ppm: float = 0.0, channels: int = 2
) -> Take:
    """Make `n` samples of noise with an impulse at sample `at`; the clock is `ppm` too fast."""
    values = np.random.default_rng(n).normal(0, 5, (n, channels)).round(2)
    if at is not None:
        values[at] = IMPULSE_UV
    number = np.arange(n)
    return Take(number, number / (rate_hz * (1 + ppm * 1e-6)), values, rate_hz)


def without(one: Take, begin: int, end: int) -> Take:
    """Lose the rows from `begin` up to `end`; counter and clock ran on."""
    kept = np.r_[0:begin, end : len(one.number)]
    return one.rows(kept)


def paused(one: Take, at: int, lasts_s: float) -> Take:
    """Stop for a while ahead of row `at`: the clock ran on, the counter stood."""
    later = np.arange(len(one.time_s)) >= at
    return replace(one, time_s=one.time_s + later * lasts_s)


def doubled(one: Take, begin: int, end: int) -> Take:
    """Write the rows from `begin` up to `end` twice, one block behind the other."""
    return one.rows(np.r_[0:end, begin : len(one.number)])


# Text.


def table(
    path: Path,
    names: Sequence[str],
    columns: Sequence[Sequence[object]],
    *,
    separator: str = ",",
    decimal: str = ".",
    encoding: str = "utf-8",
    above: str = "",
) -> Path:
    """Write a text table; numbers as repr writes them, texts as they are."""
    lines = [above + separator.join(names)] if names else []
    for row in zip(*columns, strict=True):
        cells = [c if isinstance(c, str) else repr(float(c)).replace(".", decimal) for c in row]
        lines.append(separator.join(cells))
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def timed_table(path: Path, one: Take, stamps_s: np.ndarray | None = None) -> Path:
    """Write a CSV with a column of time."""
    stamps_s = one.time_s if stamps_s is None else stamps_s
    return table(path, ["time [s]", "zyg [uV]", "corr [uV]"], [stamps_s, *one.values.T[:2]])


_RAW = "%OpenBCI Raw EEG Data\n"
_SAID = "%Number of channels = {n}\n%Sample Rate = {rate} Hz\n"
_BOARD = "%Board = OpenBCI_GUI$BoardCytonSerial\n"
_FIRST = "%First Column = SampleIndex\n"
#: What each version of the OpenBCI GUI writes behind the channels, and in its heading.
OPENBCI = {
    2: (_RAW + "%\n%Sample Rate = {rate} Hz\n" + _FIRST, ""),
    4: (_RAW + _SAID + _FIRST + "%Last Column = Timestamp\n", ", {clock}, {ms}"),
    5: (_RAW + _SAID + _BOARD + "{zeros}\n", ", {ms}, {clock}"),
    6: ("%OpenBCI Raw EXG Data\n" + _SAID + _BOARD + "{names}\n", ", {s:.6f}, 0.0, {date} {clock}"),
}


def openbci(
    path: Path, one: Take, index: np.ndarray, version: int, arrived_s: np.ndarray | None = None
) -> Path:
    """Write what the OpenBCI GUI writes; three columns of the accelerometer behind the channels."""
    head, tail = OPENBCI[version]
    n = one.values.shape[1]
    exg = [f"EXG Channel {i}" for i in range(n)]
    accel = [f"Accel Channel {i}" for i in range(3)]
    names = ["Sample Index", *exg, *accel, "Timestamp", "Other", "Timestamp (Formatted)"]
    zeros = ",".join(["0.0"] * (n + 4))
    text = [head.format(n=n, rate=one.rate_hz, names=", ".join(names), zeros=zeros)]
    arrived_s = one.time_s if arrived_s is None else arrived_s
    for i, row, at in zip(index, one.values, UNIX_S + arrived_s, strict=True):
        when = dt.datetime.fromtimestamp(at, dt.UTC)
        clock = f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
        behind = tail.format(clock=clock, ms=int(at * 1000), s=at, date=f"{when:%Y-%m-%d}")
        cells = ", ".join(f"{v:.2f}" for v in row)
        text.append(f"{i}, {cells}, 0.040, 0.420, 0.238{behind}\n")
    path.write_text("".join(text))
    return path


def brainflow(
    path: Path, one: Take, index: np.ndarray, arrived_s: np.ndarray | None = None
) -> Path:
    """Write what BrainFlow's write_file writes, by the number of channels (4, 8 or 16)."""
    n = one.values.shape[1]
    width, stamp = {4: (15, 13), 8: (24, 22), 16: (32, 30)}[n]
    cells = np.zeros((len(index), width))
    cells[:, 0], cells[:, 1 : n + 1] = index, one.values
    cells[:, stamp] = UNIX_S + (one.time_s if arrived_s is None else arrived_s)
    path.write_text("".join("\t".join(f"{v:.6f}" for v in row) + "\n" for row in cells))
    return path


def sd_card(path: Path, index: np.ndarray, codes: np.ndarray) -> Path:
    """Write what the OpenBCI firmware writes to its card: 8-bit index, 24-bit codes, hex."""
    rows = [
        ",".join([f"{i:02X}", *(f"{int(c) & 0xFFFFFF:06X}" for c in row)])
        for i, row in zip(index, codes, strict=True)
    ]
    path.write_text("\n".join(["%STOP AT", *rows]) + "\n")
    return path


def opensignals(path: Path, one: Take, cycle: int = 16) -> Path:
    """Write what OpenSignals writes: JSON in line 2, nSeq, then codes."""
    n = one.values.shape[1]
    names = ["nSeq", *(f"A{i + 1}" for i in range(n))]
    about = {"00:07:80": {"sensor": ["EMG"] * n, "sampling rate": one.rate_hz, "column": names}}
    lines = ["# OpenSignals Text File Format", f"# {json.dumps(about)}", "# EndOfHeader"]
    for number, row in zip(one.number, one.values, strict=True):
        lines.append("\t".join([str(number % cycle), *(str(round(512 + v)) for v in row)]) + "\t")
    path.write_text("\n".join(lines) + "\n")
    return path


def acqknowledge(path: Path, one: Take, unit: str = "mV") -> Path:
    """Write what AcqKnowledge exports, in ms a sample; values are written as they are."""
    n = one.values.shape[1]
    lines = ["rec.acq", f"{1000 / one.rate_hz:g} msec/sample", f"{n} channels"]
    for i in range(n):
        lines += [f"EMG {i + 1}", unit]
    lines += ["min," + ",".join(f"CH{i + 1}" for i in range(n)) + ","]
    lines += ["," + ",".join([str(len(one.values))] * n) + ","]
    for i, row in enumerate(one.values):
        minutes = i / one.rate_hz / 60
        lines.append(",".join([f"{minutes:.8f}", *(repr(float(v)) for v in row)]) + ",")
    path.write_text("\n".join(lines) + "\n")
    return path


def uci(path: Path, one: Take) -> Path:
    """Write a log of the UCI lower limb data set."""
    n = one.values.shape[1]
    lines = ["File Name: 1Amar.log"]
    lines += [
        f"Channel {i}: 'EMG {i}', {len(one.values)} values, engineering units: mV" for i in range(n)
    ]
    lines += ["\t".join(f"{v:.4f}" for v in row) for row in one.values]
    path.write_text("\n".join(lines) + "\n")
    return path


# EDF and BDF.


def tal(onset: str | float, notes: Sequence[tuple[str, str, bytes]] = (), size: int = 60) -> bytes:
    """Return the annotation bytes of a data record; notes are (onset, duration or "", text)."""
    at = onset if isinstance(onset, str) else f"{onset:+.6f}"
    out = at.encode() + b"\x14\x14\0" if at else b""
    for begin, lasts, text in notes:
        out += begin.encode() + (b"\x15" + lasts.encode() if lasts else b"")
        out += b"\x14" + text + b"\x14\0"
    assert len(out) <= size, len(out)
    return out.ljust(size, b"\0")


def field(value: object, width: int) -> bytes:
    """Return one field of the header."""
    raw = value if isinstance(value, bytes) else str(value).encode("latin-1")
    assert len(raw) <= width, raw
    return raw.ljust(width)


def edf(
    path: Path,
    codes: Sequence[np.ndarray],
    n_in_record: int,
    *,
    record_s: float | str = 1,
    labels: Sequence[object] = (),
    units: Sequence[object] = (),
    physical: tuple[float, float] | Sequence[tuple[float, float]] = (-3276.8, 3276.7),
    tals: Sequence[Sequence[bytes]] = (),
    reserved: str = "",
    n_said: int | None = None,
    starts: str = "02.01.2410.11.12",
    recording: str = "Startdate 02-JAN-2024 X X X",
) -> Path:
    """Write EDF (or BDF, by its name) of 16-bit (24-bit) codes, one array a signal.

    A signal may be longer or shorter than the first: it then has more or fewer in each record.
    `tals` are signals of annotations: for each its bytes, one a data record.
    """
    is_bdf = path.suffix == ".bdf"
    width = 3 if is_bdf else 2
    n_records = len(codes[0]) // n_in_record if codes else len(tals[0])
    counts = [len(c) // n_records for c in codes] + [len(t[0]) // width for t in tals]
    m = len(codes)
    ends = [physical] * m if not physical or np.ndim(physical[0]) == 0 else list(physical)
    top = 1 << 8 * width - 1
    kind = "BDF" if is_bdf else "EDF"
    names = [*(labels or [f"EMG {i + 1}" for i in range(m)]), *[f"{kind} Annotations"] * len(tals)]
    words = [*(units or ["uV"] * m), *[""] * len(tals)]
    lows = [*(f"{e[0]:.8g}"[:8] for e in ends), *["-1"] * len(tals)]
    highs = [*(f"{e[1]:.8g}"[:8] for e in ends), *["1"] * len(tals)]
    head = field(b"\xffBIOSEMI" if is_bdf else "0", 8) + field("X X X X", 80)
    head += field(recording, 80) + field(starts, 16)
    head += field(256 * (len(names) + 1), 8) + field(reserved, 44)
    head += field(n_records if n_said is None else n_said, 8)
    head += field(record_s, 8) + field(len(names), 4)
    same = [""] * len(names)
    for column, size in (
        (names, 16), (same, 80), (words, 8), (lows, 8), (highs, 8), ([-top] * len(names), 8),
        ([top - 1] * len(names), 8), (same, 80), (counts, 8), (same, 32),
    ):  # fmt: skip
        head += b"".join(field(value, size) for value in column)
    parts = [head]
    for record in range(n_records):
        for one, n in zip(codes, counts, strict=False):
            raw = one[record * n : (record + 1) * n].astype("<i4").reshape(-1, 1)
            parts.append(raw.view("u1")[:, :width].tobytes())
        parts += [notes[record] for notes in tals]
    path.write_bytes(b"".join(parts))
    return path


# Other binary formats.


def brainvision(
    path: Path,
    values: np.ndarray,
    interval_us: float,
    *,
    markers: Sequence[str] = (),
    channels: Sequence[str] = (),
    kind: str = "INT_16",
    orientation: str = "MULTIPLEXED",
    encoding: str = "utf-8",
) -> Path:
    """Write .vhdr, .vmrk and .eeg; `markers`, `channels`: what stands behind Mk1= and Ch1=."""
    n = values.shape[1]
    channels = channels or [f"EMG {i + 1},,0.1,µV" for i in range(n)]
    head = [
        "Brain Vision Data Exchange Header File Version 1.0", "", "[Common Infos]",
        f"DataFile={path.stem}.eeg", f"MarkerFile={path.stem}.vmrk", "DataFormat=BINARY",
        f"DataOrientation={orientation}", f"NumberOfChannels={n}",
        f"SamplingInterval={interval_us:.10g}", "", "[Binary Infos]", f"BinaryFormat={kind}", "",
        "[Channel Infos]", *(f"Ch{i}={text}" for i, text in enumerate(channels, 1)),
    ]  # fmt: skip
    path.write_text("\n".join(head) + "\n", encoding=encoding)
    marks = ["Brain Vision Data Exchange Marker File, Version 1.0", "", "[Marker Infos]"]
    marks += [f"Mk{i}={text}" for i, text in enumerate(markers, 1)]
    path.with_suffix(".vmrk").write_text("\n".join(marks) + "\n", encoding=encoding)
    dtype = {"INT_16": "<i2", "INT_32": "<i4", "IEEE_FLOAT_32": "<f4"}[kind]
    laid = values if orientation == "MULTIPLEXED" else values.T
    path.with_suffix(".eeg").write_bytes(np.ascontiguousarray(laid).astype(dtype).tobytes())
    return path


def segment(row: int, when_s: float) -> str:
    """Return a marker of a new segment that begins with row `row`, from 0."""
    when = dt.datetime(2024, 1, 2, 10, 11, 12, tzinfo=dt.UTC) + dt.timedelta(seconds=when_s)
    return f"New Segment,,{row + 1},1,0,{when:%Y%m%d%H%M%S%f}"


def xdf_stream(
    number: int,
    stamps_s: np.ndarray,
    values: np.ndarray | list[str],
    *,
    name: str = "EMG",
    kind: str = "EMG",
    rate_hz: float = 0.0,
    channels: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Return the chunks of one stream: header, samples with a stamp each, footer."""
    is_text = isinstance(values, list)
    n = 1 if is_text else values.shape[1]
    described = "".join(
        f"<channel><label>{label}</label><unit>{unit}</unit></channel>" for label, unit in channels
    )
    xml = (
        f'<?xml version="1.0"?><info><name>{name}</name><type>{kind}</type>'
        f"<channel_count>{n}</channel_count><nominal_srate>{rate_hz:g}</nominal_srate>"
        f"<channel_format>{'string' if is_text else 'double64'}</channel_format>"
        f"<desc><channels>{described}</channels></desc></info>"
    )
    samples = struct.pack("<BI", 4, len(values))
    for at, row in zip(stamps_s, values, strict=True):
        samples += struct.pack("<Bd", 8, at)
        if is_text:
            text = str(row).encode()
            samples += struct.pack("<BI", 4, len(text)) + text
        else:
            samples += np.asarray(row, "<f8").tobytes()
    chunks = ((2, xml.encode()), (3, samples), (6, b'<?xml version="1.0"?><info></info>'))
    return b"".join(_chunk(tag, struct.pack("<I", number) + content) for tag, content in chunks)


def _chunk(tag: int, content: bytes) -> bytes:
    return struct.pack("<BIH", 4, len(content) + 2, tag) + content


def xdf(path: Path, *streams: bytes) -> Path:
    """Write an XDF file (sccn/xdf, specification 1.0)."""
    head = _chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')
    path.write_bytes(b"XDF:" + head + b"".join(streams))
    return path
