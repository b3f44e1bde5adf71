"""Detectors of others, as far as they can be imported: NeuroKit2, BioSPPy, myonset.

EMGFlow, pyemgpipeline and LibEMG find no onsets. Each peer is run with its own defaults where it
has any, and with what was best on the development seeds: its parameters, its front end or ours,
and joining and dropping as ours does, or not.
"""

import importlib
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.spotting.detectors import (
    Entry,
    Find,
    FrontEnd,
    Rest,
    Settings,
    one_by_one,
)
from emgrig.analysis.signal.filters import Floats, Ints

_BOTH = {"front_end": ("own", "ours"), "tidy": (True,)}
_OURS, _TIDY = {"front_end": ("ours",), "tidy": (True,)}, {"tidy": (True,)}

LEFT_OUT = {
    "NeuroKit2 pelt": "takes some 5 s for 20 s of one channel",
    "BioSPPy abbink": "takes some minutes for 100 s of one channel",
    "BioSPPy londral": "takes 15 s for a million samples; F1 0.06 on the development slice",
    "EMGFlow, pyemgpipeline, LibEMG": "find no onsets",
}


_F, _G = {"front_end": "ours", "tidy": True}, {"front_end": "own", "tidy": True}
TUNED: dict[str, Settings] = {
    "casmemg_code": {"scale": 2.0, "run": 7, **_F},
    "NeuroKit2 threshold": {"over_rest": 24, **_G},
    "NeuroKit2 mixture": {"threshold": 0.999, **_F},
    "NeuroKit2 biosppy": {"over_rest": 11, **_F},
    "BioSPPy find_onsets": {"over_rest": 6, **_G},
    "BioSPPy silva": {"size": 30, "threshold_size": 200, "times_rest": 4.0, **_F},
    "BioSPPy hodges_bui": {"size": 50, "threshold": 2.0, **_G},
    "BioSPPy bonato": {
        "threshold": 20.0,
        "active_state_duration": 5,
        "samples_above_fail": 3,
        "fail_size": 1,
        **_F,
    },
    "BioSPPy lidierth": {
        "size": 20,
        "threshold": 3.0,
        "active_state_duration": 50,
        "fail_size": 10,
        **_F,
    },
    "BioSPPy solnik": {"threshold": 300, "active_state_duration": 5, **_G},
    "myonset single_threshold": {"th_raw": 8.0, "th_tkeo": 16, **_F},
    "myonset double_threshold": {"th_raw": 5.0, "th_tkeo": 6, **_F},
}
"""Best F1 of each grid on the tuning slice (``--tune``)."""


def available() -> list[Entry]:
    """List the entries of every peer that can be imported."""
    entries: list[Entry] = []
    for make in (_neurokit, _biosppy, _myonset):
        try:
            entries += make()
        except ImportError:
            continue
    return entries


def _each_column(clean: Callable[[Floats, float], Floats]) -> FrontEnd:
    def front_end(samples_uv: Floats, rate_hz: float) -> Floats:
        return np.stack([clean(x, rate_hz) for x in samples_uv.T], axis=1)

    return front_end


def _runs(active: Any) -> Ints:
    """Return the half-open stretches in which a vector is above 0."""
    edges = np.diff((np.asarray(active) > 0).astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges).reshape(-1, 2).astype(np.int64)


def _paired(marks: Any) -> Ints:
    """Pair a list in which onsets and offsets alternate; a last onset without offset is dropped."""
    flat = np.asarray(marks, dtype=np.int64)
    pairs = flat[: flat.size // 2 * 2].reshape(-1, 2)
    return pairs[pairs[:, 1] > pairs[:, 0]]


def _neurokit() -> list[Entry]:
    nk = importlib.import_module("neurokit2")

    def method(name: str) -> Find:
        def find(
            x: Floats, rate_hz: float, rest: Rest, *, over_rest: float = 0, **settings: Any
        ) -> Ints:
            amplitude = nk.emg_amplitude(x)
            if over_rest:  # thresholds are amplitudes: SDs over the declared rest
                level = np.abs(x) if name == "biosppy" else amplitude
                part = level[slice(*rest)]
                spread = part.std() / (np.sqrt(50 / 3) if name == "biosppy" else 1)
                settings["threshold"] = part.mean() + over_rest * spread
                if settings["threshold"] >= level.max():
                    return np.empty((0, 2), dtype=np.int64)  # NeuroKit2 raises on a quiet channel
            return _activation(nk, name, amplitude, x, int(rate_hz), settings)

        return find

    clean = _each_column(lambda x, rate_hz: nk.emg_clean(x, sampling_rate=int(rate_hz)))
    grids: dict[str, dict[str, tuple[Any, ...]]] = {
        "threshold": {"over_rest": (3, 6, 12, 24), **_BOTH},
        "mixture": {"threshold": (0.33, 0.9, 0.999), **_BOTH},
        "biosppy": {"over_rest": (4, 6, 8, 11, 16), **_BOTH},
        "silva": {},
    }
    number = version("neurokit2")
    return [
        Entry(f"NeuroKit2 {name}", number, one_by_one(method(name), clean), {}, grid)
        for name, grid in grids.items()
    ]


def _activation(
    nk: Any, name: str, amplitude: Floats, x: Floats, rate_hz: int, settings: dict[str, Any]
) -> Ints:
    """Run ``emg_activation``, by its own parts where they can be reached.

    It walks through a table row by row, which takes 20 s for a million samples; its parts do not.
    That both answer alike is seen on 2 s around each channel's strongest moment.
    """

    def whole(part: slice) -> Ints:
        table, _ = nk.emg_activation(
            emg_amplitude=amplitude[part],
            emg_cleaned=x[part],
            sampling_rate=rate_hz,
            method=name,
            **settings,
        )
        return _runs(table["EMG_Activity"].to_numpy())

    module = importlib.import_module("neurokit2.emg.emg_activation")
    method = getattr(module, f"_emg_activation_{name}", None)
    final = getattr(module, "_emg_activation_activations", None)
    if method is None or final is None or name not in ("threshold", "mixture", "biosppy"):
        return whole(slice(None))

    def parts(part: slice) -> Ints:
        more = {"sampling_rate": rate_hz} if name == "biosppy" else {}
        options = {"threshold": "default", **settings}
        active = method(x[part] if name == "biosppy" else amplitude[part], **more, **options)
        marked = np.zeros(active.size)
        found = final(active, duration_min=int(0.05 * rate_hz))["EMG_Activity"]
        marked[np.asarray(found, dtype=np.int64)] = 1
        return _runs(marked)

    start = max(int(np.argmax(amplitude)) - rate_hz, 0)
    trial = slice(start, start + 2 * rate_hz)
    if not np.array_equal(whole(trial), parts(trial)):
        return whole(slice(None))
    return parts(slice(None))


def _biosppy() -> list[Entry]:
    emg = importlib.import_module("biosppy.signals.emg")
    tools = importlib.import_module("biosppy.signals.tools")

    def clean(x: Floats, rate_hz: float) -> Floats:
        """Filter as ``biosppy.signals.emg.emg`` does."""
        filtered, _, _ = tools.filter_signal(
            signal=x, ftype="butter", band="highpass", order=4, frequency=100, sampling_rate=rate_hz
        )
        return np.asarray(filtered - np.mean(filtered))

    def find_onsets(x: Floats, rate_hz: float, rest: Rest, *, over_rest: float = 0) -> Ints:
        part = np.abs(x[slice(*rest)])
        threshold = part.mean() + over_rest * part.std() / np.sqrt(50 / 3) if over_rest else None
        return _paired(emg.find_onsets(signal=x, sampling_rate=rate_hz, threshold=threshold)[0])

    def with_rest(name: str) -> Find:
        function = getattr(emg, f"{name}_onset_detector")

        def find(x: Floats, rate_hz: float, rest: Rest, **settings: Any) -> Ints:
            # Rest as a pair of indices is read as a signal of two samples when it is a list.
            answer = function(signal=x, rest=x[slice(*rest)], sampling_rate=rate_hz, **settings)
            return _paired(answer["onsets"])

        return find

    def silva(x: Floats, rate_hz: float, rest: Rest, *, times_rest: float, **settings: Any) -> Ints:
        threshold = times_rest * np.abs(x[slice(*rest)]).mean()
        answer = emg.silva_onset_detector(
            signal=x, sampling_rate=rate_hz, threshold=threshold, **settings
        )
        return _paired(answer["onsets"])

    number = version("biosppy")
    front_end = _each_column(clean)
    grids: dict[str, dict[str, tuple[Any, ...]]] = {
        "hodges_bui": {"size": (50, 100), "threshold": (1.5, 1.7, 2.0, 2.5), **_TIDY},
        "bonato": {
            "threshold": (12.0, 20.0, 30.0, 50.0),
            "active_state_duration": (5, 15),
            "samples_above_fail": (3,),
            "fail_size": (1, 5),
            **_OURS,
        },
        "lidierth": {
            "size": (20, 50),
            "threshold": (1.6, 2.2, 3.0, 4.0),
            "active_state_duration": (50, 100),
            "fail_size": (10,),
            **_OURS,
        },
        "solnik": {"threshold": (30, 300, 1000), "active_state_duration": (5,), **_BOTH},
    }
    entries = [
        Entry(
            "BioSPPy find_onsets",
            number,
            one_by_one(find_onsets, front_end),
            {},
            {"over_rest": (4, 6, 8, 11, 16), **_BOTH},
        ),
        Entry(
            "BioSPPy silva",
            number,
            one_by_one(silva, front_end),
            None,
            {
                "size": (30,),
                "threshold_size": (200, 600),
                "times_rest": (2.0, 3.0, 4.0, 6.0),
                **_BOTH,
            },
        ),
    ]
    return entries + [
        Entry(f"BioSPPy {name}", number, one_by_one(with_rest(name), front_end), None, grid)
        for name, grid in grids.items()
    ]


def _myonset() -> list[Entry]:
    tools = importlib.import_module("myonset.emgtools")

    def clean(x: Floats, rate_hz: float) -> Floats:
        return np.asarray(tools.hpfilter(x, sf=rate_hz))

    def method(name: str) -> Find:
        def find(x: Floats, rate_hz: float, rest: Rest, **settings: Any) -> Ints:
            times = np.arange(x.size) / rate_hz
            found = tools.get_active_sections(
                x,
                times,
                method=name,
                params=settings,
                baseline=[times[rest[0]], times[rest[1]]],
                sf=rate_hz,
            )
            return _united(found)

        return find

    grids: dict[str, dict[str, tuple[Any, ...]]] = {
        "single_threshold": {"th_raw": (3.5, 5.0, 8.0, 12.0), "th_tkeo": (8, 16, 32), **_OURS},
        "double_threshold": {"th_raw": (3.0, 5.0, 8.0), "th_tkeo": (3, 6, 12), **_OURS},
    }
    number = version("myonset")
    return [
        Entry(f"myonset {name}", number, one_by_one(method(name), _each_column(clean)), {}, grid)
        for name, grid in grids.items()
    ]


def _united(found: Any) -> Ints:
    """Put sections that overlap together, in order."""
    events = np.asarray(found, dtype=np.int64).reshape(-1, 2)
    events = events[np.argsort(events[:, 0])]
    if len(events) == 0:
        return events
    reach = np.maximum.accumulate(events[:, 1])
    fresh = np.flatnonzero(events[1:, 0] > reach[:-1]) + 1
    bounds = [0, *fresh.tolist(), len(events)]
    pairs = [(events[a, 0], reach[b - 1]) for a, b in pairwise(bounds)]
    united = np.array(pairs, dtype=np.int64)
    return united[united[:, 1] > united[:, 0]]
