"""The clocks of a recording: its rate as measured, and the film's by the tube or by pairs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.analysis.clocks.robust_line import fit_clock_map
from emgrig.analysis.clocks.tube import align
from emgrig.analysis.clocks.tube_table import TubeTable
from emgrig.errors import RecordingError
from emgrig.reading.pairs import read_pairs
from emgrig.study.dataset import Unit, read_facts, read_tsv, seconds


@dataclass(frozen=True)
class Clock:
    """What is known of the clocks.

    Attributes
    ----------
    rate_ppm : float
        Measured rate over the nominal one, less 1, ppm; NaN if not measured.
    film : str
        What the film's map rests on: "tube", "pairs", or why there is none.
    film_ppm : float
        What the film gains against the file's time, ppm; NaN if not told.
    film_begin_s : float
        Time of the recording at which the film begins.
    film_residual_ms : float
        Median of what the map leaves.
    n_jumps : int
    to_emg_s : callable
        From film to recording, s; the same time where there is no map.
    """

    rate_ppm: float = float("nan")
    film: str = "none"
    film_ppm: float = float("nan")
    film_begin_s: float = float("nan")
    film_residual_ms: float = float("nan")
    n_jumps: int = 0
    to_emg_s: Callable[[float], float] = float


def read_clock(unit: Unit, rate_hz: float, frames_per_s: float) -> Clock:
    """Read what lies in sourcedata: the sidecar's rate, and the film's map.

    A film whose files make no map has none, and says why. Raises RecordingError if the sidecar is
    damaged.
    """
    sidecar = read_facts(unit.source("_recording.json"))
    ppm, measured_hz = _rate_ppm(sidecar, rate_hz)
    shown, readings = unit.source("_tube.tsv"), unit.source("_readings.csv")
    pairs = unit.source("_clock.csv")
    try:
        if shown is not None and readings is not None:
            return _by_tube(shown, readings, measured_hz or rate_hz, rate_hz, frames_per_s, ppm)
        if pairs is not None:
            return _by_pairs(pairs, ppm)
    except (ValueError, RecordingError) as error:
        return Clock(ppm, f"none: {error}".replace(f"{unit.root}/", ""))
    return Clock(ppm)


def _rate_ppm(sidecar: Mapping[str, Any], nominal_hz: float) -> tuple[float, float | None]:
    rate = sidecar.get("rate")
    if not isinstance(rate, dict):
        return float("nan"), None
    for key in ("measured_by_host_clock_hz", "measured_by_board_clock_hz"):
        value = rate.get(key)
        if isinstance(value, int | float) and 0.9 < value / nominal_hz < 1.1:
            return 1e6 * (value / nominal_hz - 1), float(value)
    return float("nan"), None


def _by_tube(
    shown: Path,
    readings: Path,
    measured_hz: float,
    rate_hz: float,
    frames_per_s: float,
    ppm: float,
) -> Clock:
    rows = read_tsv(shown)
    at = {
        key: [seconds(row, key, shown, i) for i, row in enumerate(rows)]
        for key in ("count", "sample")
    }
    shown_s = [float(row.get("shown", "nan")) for row in rows]
    table = TubeTable(
        np.array(at["count"], dtype=np.int64),
        np.array(at["sample"], dtype=np.int64),
        np.array(shown_s),
        measured_hz,
    )
    frames, counts = read_pairs(readings, ("frame", "count"))
    known = np.isfinite(counts)
    sync = align(
        frames[known] / frames_per_s,
        counts[known].astype(np.int64),
        table,
        frame_s=1 / frames_per_s,
    )
    return Clock(
        ppm,
        "tube",
        1e6 * (rate_hz / sync.samples_per_s - 1),
        float(sync.sample(np.zeros(1))[0]) / rate_hz,
        1000 * float(np.median(np.abs(sync.good_residuals_s))),
        len(sync.jumps),
        lambda video_s: float(sync.sample(np.array([video_s]))[0]) / rate_hz,
    )


def _by_pairs(pairs: Path, ppm: float) -> Clock:
    emg_s, video_s = read_pairs(pairs, ("emg_s", "video_s"))
    fitted = fit_clock_map(emg_s, video_s)
    return Clock(
        ppm,
        "pairs",
        1e6 * fitted.drift if fitted.is_drift_told else float("nan"),
        float(fitted.emg_s(np.zeros(1))[0]),
        1000 * fitted.residual_mad_s,
        fitted.n_jumps,
        lambda video: float(fitted.emg_s(np.array([video]))[0]),
    )
