"""XDF, what LabRecorder writes of Lab Streaming Layer: the stream of EMG, and markers of others."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.errors import RecordingError
from emgrig.extras import require
from emgrig.reading.recording import Mark, Recording, emg_rank, signal, with_names
from emgrig.reading.timebase import agree, from_times


def read_xdf(path: Path, told_hz: float | None) -> Recording:
    """Read the stream that looks most like EMG; stamps as the clocks give them, not smoothed."""
    pyxdf = require("pyxdf", "xdf", f"{path}, an XDF file,")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.getLogger("pyxdf").setLevel(logging.CRITICAL)
            streams, _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
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
    said = (f"other streams were left out: {', '.join(others)}",) if others else ()
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
