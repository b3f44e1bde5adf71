"""What can be entered, ours, the published baseline and the trivial answer.

Another detector is one function of this signature; ``--detector MODULE:FUNCTION`` or
``--detector FILE.py:FUNCTION`` enters it::

    def detect(samples_uv, rate_hz, rest_s):
        '''samples_uv: float64, shape (n_samples, n_channels), uV, NaN where packets were lost;
        rate_hz: Hz; rest_s: (start, end) of a declared rest, s.

        Returns one array of int64, shape (n_events, 2), a channel: onset and offset in samples,
        half open, in order.'''
        return [find(x) for x in samples_uv.T]
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import emgrig
from emgrig.analysis.signal.cleaning import subtract_mains
from emgrig.analysis.signal.filters import Floats, Ints, Preprocessing, band_pass
from emgrig.analysis.spotting.casmemg import Parameters, casmemg_code
from emgrig.analysis.spotting.company import spot
from emgrig.analysis.spotting.detector import DETECTION_BAND, DetectorSettings, double_threshold

Detect = Callable[[Floats, float, tuple[float, float]], list[Ints]]
Rest = tuple[int, int]
#: One channel without gaps, its rate, declared rest in samples, and settings.
Find = Callable[..., Ints]
FrontEnd = Callable[[Floats, float], Floats]
Settings = Mapping[str, Any]
MAINS_HZ = 50.0


@dataclass(frozen=True)
class Entry:
    """A detector, and the settings it may be run with."""

    name: str
    version: str
    #: Makes the function of settings; raises what the detector raises.
    build: Callable[[Settings], Detect]
    #: Its own defaults; None where its authors give none.
    defaults: Settings | None = field(default_factory=dict)
    #: Values that are tried on the development seeds, all of each with all others.
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def choices(self) -> list[Settings]:
        """Every combination of the grid."""
        return [
            dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())
        ]


def filled(samples_uv: Floats) -> Floats:
    """Return a copy whose gaps are bridged by straight lines: most peers cannot take a gap."""
    out = np.array(samples_uv, dtype=np.float64)
    steps = np.arange(out.shape[0])
    for x in out.T:
        gone = np.isnan(x)
        x[gone] = np.interp(steps[gone], steps[~gone], x[~gone])
    return out


def our_front_end(samples_uv: Floats, rate_hz: float, mains_hz: float = MAINS_HZ) -> Floats:
    """Band-pass and take the mains off as our detector does; offered to every peer."""
    banded = band_pass(samples_uv, rate_hz, preset=_band(rate_hz))
    return subtract_mains(banded, rate_hz, mains_hz=mains_hz)


def _band(rate_hz: float) -> Preprocessing:
    """Return our band, narrowed where the rate cannot carry it."""
    low, high = DETECTION_BAND.band_hz
    return replace(DETECTION_BAND, band_hz=(low, min(high, round(0.45 * rate_hz))))


def tidied(events: Ints, join: int, least: int) -> Ints:
    """Join events with shorter pauses than `join` samples, then drop those below `least`."""
    events = np.asarray(events, dtype=np.int64).reshape(-1, 2)
    if len(events) == 0:
        return events
    breaks = np.flatnonzero(events[1:, 0] - events[:-1, 1] >= join)
    starts = events[np.concatenate([[0], breaks + 1]), 0]
    ends = events[np.concatenate([breaks, [len(events) - 1]]), 1]
    joined = np.stack([starts, ends], axis=1)
    kept: Ints = joined[ends - starts >= max(least, 1)]
    return kept


def one_by_one(find: Find, own_front_end: FrontEnd) -> Callable[[Settings], Detect]:
    """Make a detector of channels out of one that takes a vector.

    Two settings are ours and are offered to all: ``front_end="ours"`` (default "own"), and
    ``tidy=True``, which joins over 80 ms and drops below 130 ms.
    """

    def build(settings: Settings) -> Detect:
        own = {k: v for k, v in settings.items() if k not in ("front_end", "tidy", "mains_hz")}
        mains_hz = settings.get("mains_hz", MAINS_HZ)
        is_ours = settings.get("front_end") == "ours"

        def detect(samples_uv: Floats, rate_hz: float, rest_s: tuple[float, float]) -> list[Ints]:
            bridged = filled(samples_uv)
            if is_ours:
                clean = our_front_end(bridged, rate_hz, mains_hz)
            else:
                clean = own_front_end(bridged, rate_hz)
            rest = (round(rest_s[0] * rate_hz), round(rest_s[1] * rate_hz))
            answer = [find(np.ascontiguousarray(x), rate_hz, rest, **own) for x in clean.T]
            join, least = (0.08, 0.13) if settings.get("tidy") else (0.0, 0.0)
            return [tidied(a, round(join * rate_hz), round(least * rate_hz)) for a in answer]

        return detect

    return build


def trivial(settings: Settings) -> Detect:
    """Answer without looking: an event of `length_s` every `every_s`, on every channel."""

    def detect(samples_uv: Floats, rate_hz: float, _: tuple[float, float]) -> list[Ints]:
        step, length = (round(settings[k] * rate_hz) for k in ("every_s", "length_s"))
        starts = np.arange(0, samples_uv.shape[0] - length, step)
        return [np.stack([starts, starts + length], axis=1)] * samples_uv.shape[1]

    return detect


def ours(settings: Settings) -> Detect:
    """Run `spot`: all channels side by side."""

    def detect(samples_uv: Floats, rate_hz: float, _: tuple[float, float]) -> list[Ints]:
        chosen = DetectorSettings(_band(rate_hz), **{"mains_hz": MAINS_HZ, **settings})
        return spot(samples_uv, rate_hz, settings=chosen).events

    return detect


def ours_alone(settings: Settings) -> Detect:
    """Run `double_threshold`: each channel by itself."""

    def detect(samples_uv: Floats, rate_hz: float, _: tuple[float, float]) -> list[Ints]:
        chosen = DetectorSettings(_band(rate_hz), **{"mains_hz": MAINS_HZ, **settings})
        return double_threshold(samples_uv, rate_hz, settings=chosen)

    return detect


def _casmemg(x: Floats, rate_hz: float, _: Rest, **settings: Any) -> Ints:
    found = casmemg_code(x, rate_hz=rate_hz, parameters=Parameters(**settings))
    return found[found[:, 1] > found[:, 0]]


def _as_it_is(samples_uv: Floats, _: float) -> Floats:
    return samples_uv


OURS = "emgrig spot"
HOUSE = (
    Entry(OURS, emgrig.__version__, ours),
    Entry("emgrig double_threshold", emgrig.__version__, ours_alone),
    Entry(
        "trivial: blind, at intervals",
        "",
        trivial,
        {"every_s": 1.0, "length_s": 0.4},
        {"every_s": (0.5, 1.0, 2.0), "length_s": (0.3, 0.4, 0.6)},
    ),
    Entry(
        "casmemg_code",
        "d9f7c95",
        one_by_one(_casmemg, _as_it_is),
        {},
        {
            "scale": (1.0, 1.5, 2.0, 2.5, 3.0),
            "run": (5, 7, 8),
            "front_end": ("ours",),
            "tidy": (True,),
        },
    ),
)


def entered(word: str) -> Entry:
    """Make an entry of ``MODULE:FUNCTION`` or ``FILE.py:FUNCTION``.

    Raises
    ------
    ValueError
        If there is no such module, file or function.
    """
    where, _, name = word.rpartition(":")
    try:
        if where.endswith(".py"):
            module = _of_file(Path(where).resolve())
        else:
            module = importlib.import_module(where)
        function: Detect = getattr(module, name)
    except (ImportError, OSError, AttributeError, ValueError) as error:
        raise ValueError(
            f"--detector {word}: {error}; MODULE:FUNCTION or FILE.py:FUNCTION was expected"
        ) from error
    return Entry(word, getattr(module, "__version__", ""), lambda _: function)


def _of_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("entered", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
