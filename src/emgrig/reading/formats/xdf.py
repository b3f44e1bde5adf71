"""XDF, what LabRecorder writes of Lab Streaming Layer: the stream of EMG, and markers of others."""

import io
import logging
import re
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.errors import RecordingError
from emgrig.extras import require
from emgrig.files import attempt
from emgrig.reading.recording import Mark, Recording
from emgrig.reading.signals import emg_rank, signal, with_names
from emgrig.reading.timebase import agree, from_times

#: Bytes of a value of each format; a text says at least its length.
_WIDTHS = {
    b"int8": 1, b"int16": 2, b"int32": 4, b"int64": 8, b"float32": 4, b"double64": 8, b"string": 2
}  # fmt: skip


def read_xdf(path: Path, told_hz: float | None) -> Recording:
    """Read the stream that looks most like EMG; stamps as the clocks give them, not smoothed."""
    pyxdf = require("pyxdf", "xdf", f"{path}, an XDF file,")
    whole, n_beyond = _whole_chunks(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.getLogger("pyxdf").setLevel(logging.CRITICAL)
            streams, _ = pyxdf.load_xdf(io.BytesIO(whole), dejitter_timestamps=False)
    except Exception as error:  # pyxdf raises about anything for a damaged file
        raise RecordingError(
            f"{path} is damaged: {str(error) or type(error).__name__:.120}"
        ) from error
    sampled = [one for one in streams if _is_sampled(one)]
    if not sampled:
        raise RecordingError(f"{path} holds no stream of samples with 3 or more of them")
    best = max(sampled, key=_worth)
    info = best["info"]
    series = np.asarray(best["time_series"], dtype=np.float64)
    stamps = np.asarray(best["time_stamps"], dtype=np.float64)
    nominal = float(_first(info, "nominal_srate") or 0)
    rate = agree((nominal, "the stream") if nominal > 0 else None, told_hz)
    base = from_times(stamps, rate, "the time stamps", list(series.T))
    signals, renamed = with_names(_signals(info, series.shape[1]))
    others = [f"{_first(one['info'], 'name')}" for one in sampled if one is not best]
    said = [f"other streams were left out: {', '.join(others)}"] if others else []
    if n_beyond:
        said.append(f"the file is cut short; its last {n_beyond} bytes were left out")
    return Recording(
        path=path,
        source=f"XDF, stream {_first(info, 'name')}",
        signals=signals,
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=base.runs,
        column=lambda i: series[:, i],
        marks=tuple(_marks(streams, float(stamps[0]))),
        remarks=(*said, *renamed, *base.remarks),
        left_out=tuple(others),
    )


def _whole_chunks(path: Path) -> tuple[bytes, int]:
    """Return the file up to its last whole chunk, and the bytes behind it.

    pyxdf believes the number of samples that a chunk says, and makes room for them.

    Raises
    ------
    RecordingError
        If a chunk is damaged: of another kind than there is, or too short for its samples.
    """
    with attempt("read", path):
        raw = path.read_bytes()
    if raw[:4] != b"XDF:":
        raise RecordingError(f"{path} does not begin as an XDF file")
    least: dict[bytes, int] = {}
    at = 4
    while at < len(raw):
        found = _length(raw, at)
        if found is None or found[0] + found[1] > len(raw):
            break
        begin, size = found
        (tag,) = struct.unpack_from("<H", raw, begin) if size >= 2 else (0,)
        content = memoryview(raw)[begin + 2 : begin + size]
        if tag == 2:
            least[bytes(content[:4])] = _least_sample(path, bytes(content[4:]))
        n_samples = _length(content, 4) if tag == 3 else (0, 0)
        n_bytes = least.get(bytes(content[:4]), 1 << 62)
        fits = n_samples is not None and n_samples[1] * n_bytes <= len(content) - n_samples[0]
        if not 1 <= tag <= 6 or (tag == 3 and not fits):
            raise RecordingError(f"{path} is damaged: the chunk at byte {at} makes no sense")
        at = begin + size
    return raw[:at], len(raw) - at


def _length(content: bytes | memoryview, at: int) -> tuple[int, int] | None:
    """Read a number of 1, 4 or 8 bytes; return where it ends, and it; None if it is cut."""
    width = content[at] if at < len(content) else 0
    if width not in (1, 4, 8) or at + 1 + width > len(content):
        return None
    return at + 1 + width, int.from_bytes(content[at + 1 : at + 1 + width], "little")


def _least_sample(path: Path, header: bytes) -> int:
    """Return the bytes that a sample of a stream takes at least, by the stream's header."""
    count = re.search(rb"<channel_count>\s*(\d{1,6})\s*</channel_count>", header)
    kind = re.search(rb"<channel_format>\s*(\w+)\s*</channel_format>", header)
    width = None if kind is None else _WIDTHS.get(kind[1])
    if count is None or not int(count[1]) or width is None or b"<!" in header:
        raise RecordingError(f"{path} is damaged: the header of a stream makes no sense")
    return 1 + width * int(count[1])


def _first(info: Mapping[str, Any], key: str) -> str:
    value = info.get(key)
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, str) else ""


def _is_sampled(stream: Mapping[str, Any]) -> bool:
    series = stream["time_series"]
    if not isinstance(series, np.ndarray) or series.dtype.kind not in "fiu":
        return False
    return series.ndim == 2 and len(series) > 2


def _worth(stream: Mapping[str, Any]) -> tuple[int, int]:
    info = stream["info"]
    is_emg = "emg" in f"{_first(info, 'type')} {_first(info, 'name')}".lower()
    ranks = [emg_rank(one) for one in _signals(info, stream["time_series"].shape[1])]
    return 4 * is_emg + max(ranks, default=0), stream["time_series"].size


def _signals(info: Mapping[str, Any], n: int) -> list[Any]:
    """Describe the channels by the stream's XML: desc/channels/channel with label and unit."""
    described: list[Mapping[str, Any]] = []
    try:
        described = info["desc"][0]["channels"][0]["channel"]
    except (KeyError, TypeError, IndexError):
        described = []
    out = []
    for i in range(n):
        one = described[i] if i < len(described) and isinstance(described[i], Mapping) else {}
        out.append(signal(_first(one, "label"), _first(one, "unit"), f"channel {i + 1}"))
    return out


def _marks(streams: list[Mapping[str, Any]], start_s: float) -> list[Mark]:
    marks = []
    for one in streams:
        if isinstance(one["time_series"], list):
            for at, texts in zip(one["time_stamps"], one["time_series"], strict=True):
                if float(at) >= start_s:
                    marks.append(Mark(float(at) - start_s, 0.0, " ".join(map(str, texts))))
    return sorted(marks, key=lambda mark: mark.onset_s)
