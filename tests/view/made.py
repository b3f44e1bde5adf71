"""Recordings in memory that are looked at, with gaps and a large offset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emgrig.reading import Mark, Recording, Signal
from emgrig.reading.runs import Runs

RATE_HZ = 1000.0
OFFSET_UV = 120_000.0


def table(n: int, channels: int = 2, *, seed: int = 1) -> np.ndarray:
    """Return noise, a burst and mains on a large offset, uV, (n_channels, n)."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / RATE_HZ
    x = rng.normal(0, 5, (channels, n)) + 8 * np.sin(2 * np.pi * 50 * t + 1)
    x[:, n // 3 : n // 3 + 400] += rng.normal(0, 80, (channels, min(400, n - n // 3)))
    return x + OFFSET_UV * np.arange(1, channels + 1)[:, None]


def holed(x: np.ndarray, holes: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """Return it with NaN from sample to sample of a channel (-1: of all)."""
    out = x.copy()
    for channel, begin, end in holes:
        out[slice(None) if channel < 0 else channel, begin:end] = np.nan
    return out


def recording(
    x: np.ndarray, *, rate_hz: float = RATE_HZ, marks: Sequence[Mark] = (), unit: str = "uV"
) -> Recording:
    """Return a recording of an array, (n_channels, n_samples)."""
    return Recording(
        path=Path("made.bdf"),
        source="made",
        signals=tuple(Signal(f"EMG {i + 1}", unit, f"row {i}") for i in range(len(x))),
        rate_hz=rate_hz,
        rate_from="the test",
        runs=Runs.steady(x.shape[1]),
        column=lambda i: x[i],
        marks=tuple(marks),
        part=lambda indexes, begin, stop: x[list(indexes), begin:stop],
    )
