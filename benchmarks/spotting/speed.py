"""How long the search of one channel takes, each detector on the same band-passed signal.

``python -m benchmarks spotting_speed`` keeps the figures.
"""

import importlib
import time
from collections.abc import Callable

import numpy as np

from benchmarks._timing import seconds_in_turn
from benchmarks.spotting.detectors import our_front_end
from emgrig.analysis.spotting.detector import events_in_band

OURS = "emgrig events_in_band"
#: Ours; the others', which take seconds for as many, and are scaled.
N_SAMPLES, N_PEERS = 1_000_000, 20_000


def measured() -> dict[str, float]:
    """Return processor time, s for a million samples, the detectors running in turn."""
    x = np.random.default_rng(0).normal(size=N_SAMPLES)
    for start in range(3000, N_SAMPLES - 1000, 4200):
        x[start : start + 400] *= 8
    banded = our_front_end(x[:, np.newaxis], 1000.0)
    tools: dict[str, Callable[[], object]] = {OURS: lambda: events_in_band(banded, 1000.0)}
    for add in (_biosppy, _neurokit):
        try:
            tools |= add(banded[:N_PEERS, 0].copy())
        except ImportError:
            continue
    taken = seconds_in_turn(*tools.values(), rounds=3, clock=time.process_time)
    counts = [N_SAMPLES] + [N_PEERS] * (len(tools) - 1)
    return {name: taken_s * 1e6 / n for name, taken_s, n in zip(tools, taken, counts, strict=True)}


def _biosppy(x: object) -> dict[str, Callable[[], object]]:
    emg = importlib.import_module("biosppy.signals.emg")
    return {"BioSPPy find_onsets": lambda: emg.find_onsets(signal=x, sampling_rate=1000.0)}


def _neurokit(x: object) -> dict[str, Callable[[], object]]:
    nk = importlib.import_module("neurokit2")

    def activation() -> object:
        return nk.emg_activation(emg_cleaned=x, sampling_rate=1000, method="biosppy")

    return {"NeuroKit2 emg_activation biosppy": activation}
