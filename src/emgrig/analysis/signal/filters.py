"""Equations 1 to 4 of the paper: offset removal, band-pass, rectification, linear envelope.

Two named presets stand for the paper's text and for its published code (MELABIPCAS/CASMEMG at
d9f7c95), which differ; every difference is a field of `Preprocessing`.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal import recursive
from emgrig.analysis.signal.recursive import Room

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Above this size the channels are filtered on several threads; numpy releases the GIL.
_THREAD_SAMPLES = 200_000
# So many samples of all channels are turned at a time: they stay in the cache.
_TURN_SAMPLES = 4096


@dataclass(frozen=True)
class Preprocessing:
    """How a raw signal becomes an envelope."""

    name: str  #: Printed beside every result.
    #: Edges of the Butterworth band-pass, Hz (eq. 2: 20 and 450).
    band_hz: tuple[float, float] = (20.0, 450.0)
    band_order: int = 2  #: The N of ``butter(N, band)``: the band-pass has 2 N poles a pass.
    envelope_hz: float = 6.0  #: Edge of the low-pass that makes the envelope, Hz (eq. 4: 6).
    envelope_order: int = 2  #: Poles of that low-pass, a pass.
    #: Run each filter forward and backward (MATLAB's ``filtfilt``), so that nothing is delayed and
    #: the effective order doubles (-6 dB at the edges); else forward only.
    zero_phase: bool = True
    #: Whether the mean is taken off before the band-pass (eq. 1 then 2) or after it.
    mean_removed: Literal["before", "after"] = "before"
    #: Samples of odd extension at each end when `zero_phase`: MATLAB's 3 (n - 1) or scipy's 3 n, n
    #: being the number of coefficients.
    padding: Literal["matlab", "scipy"] = "matlab"

    def __post_init__(self) -> None:
        low, high = self.band_hz
        if not 0 < low < high:
            raise ValueError(f"band_hz is {self.band_hz}; it must rise from above 0")
        if self.envelope_hz <= 0 or self.band_order < 1 or self.envelope_order < 1:
            raise ValueError("envelope_hz must be above 0 and both orders at least 1")


CASMEMG_CODE = Preprocessing("casmemg_code", mean_removed="after")
"""What the published MATLAB files do."""
CASMEMG_INDICATORS = Preprocessing("casmemg_indicators")
"""What the authors' newer files for MVC% and iEMG do (folder preprocess of their repository)."""
PAPER_TEXT = Preprocessing("paper_text", zero_phase=False)
"""What section 3.1.3 says; it names no phase, so each filter is run once, forward."""


def as_columns(samples: Floats) -> Floats:
    """Return samples as float64 of shape (n_samples, n_channels); a vector is one channel.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If there are no samples, more than two dimensions, or an infinite value.
    """
    array = np.asarray(samples)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"samples are of type {array.dtype}; real numbers were expected")
    array = array.astype(np.float64, copy=False)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"samples have shape {array.shape}; (n_samples, n_channels) was expected")
    return array


def check_rate(rate_hz: float) -> None:
    """Refuse a rate that is not a positive finite number, Hz."""
    if not np.isfinite(rate_hz) or rate_hz <= 0:
        raise ValueError(f"rate_hz is {rate_hz}; a sampling rate above 0 was expected")


def check_band(band_hz: tuple[float, float], rate_hz: float) -> None:
    """Refuse a band that the rate cannot carry.

    Raises
    ------
    ValueError
        If the upper edge is at or above half of `rate_hz`.
    """
    check_rate(rate_hz)
    if band_hz[1] >= rate_hz / 2:
        raise ValueError(
            f"a band of {band_hz[0]:g}-{band_hz[1]:g} Hz does not fit in {rate_hz:g} samples a "
            f"second, which carry less than {rate_hz / 2:g} Hz; lower the upper edge"
        )


def band_sections(preset: Preprocessing, rate_hz: float) -> Floats:
    """Return the band-pass as second-order sections; refuses what `check_band` refuses."""
    check_band(preset.band_hz, rate_hz)
    return recursive.band_pass(preset.band_order, preset.band_hz, rate_hz)


def envelope_sections(preset: Preprocessing, rate_hz: float) -> Floats:
    """Return the envelope's low-pass as second-order sections."""
    check_band((0.0, preset.envelope_hz), rate_hz)
    return recursive.low_pass(preset.envelope_order, preset.envelope_hz, rate_hz)


def band_pass(samples: Floats, rate_hz: float, *, preset: Preprocessing = CASMEMG_CODE) -> Floats:
    """Remove the offset and everything outside the band (eq. 1 and 2).

    Parameters and errors are those of `envelope`; the result is not rectified.
    """
    columns = as_columns(samples)
    sections = band_sections(preset, rate_hz)
    pad = _padding(preset, 2 * preset.band_order + 1)

    def run(room: Room) -> None:
        mean = _band(room, sections, pad, preset)
        if mean:
            np.subtract(room.samples, mean, out=room.samples)

    return _by_segment(columns, pad, run)


def envelope(samples: Floats, rate_hz: float, *, preset: Preprocessing = CASMEMG_CODE) -> Floats:
    """Take the linear envelope of each channel (eq. 1 to 4).

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels) or (n_samples,)
        Raw signal in any linear unit. NaN marks missing samples: each stretch between gaps is
        filtered by itself, and stays NaN if it is too short to be filtered.
    rate_hz : float, > 0
        Sampling rate, Hz.
    preset : Preprocessing
        `CASMEMG_CODE`, `PAPER_TEXT` or one of your own.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_channels)
        Envelope in the unit of `samples`. It can dip slightly below zero beside a burst.

    Raises
    ------
    ValueError
        If the rate cannot carry the band, an input is infinite, or the whole record is shorter
        than the filter needs.
    """
    columns = as_columns(samples)
    band = band_sections(preset, rate_hz)
    low = envelope_sections(preset, rate_hz)
    band_pad = _padding(preset, 2 * preset.band_order + 1)
    low_pad = _padding(preset, preset.envelope_order + 1)

    def run(room: Room) -> None:
        mean = _band(room, band, band_pad, preset)

        def centre_and_rectify(part: Floats) -> None:
            if mean:
                np.subtract(part, mean, out=part)
            rectify(part)

        _run(room, low, low_pad, preset, centre_and_rectify)

    return _by_segment(columns, max(band_pad, low_pad), run)


def smooth(banded: Floats, rate_hz: float, *, preset: Preprocessing = CASMEMG_CODE) -> Floats:
    """Rectify and low-pass a signal that is band-passed already (eq. 3 and 4).

    Parameters and errors are those of `envelope`.
    """
    columns = as_columns(banded)
    low = envelope_sections(preset, rate_hz)
    pad = _padding(preset, preset.envelope_order + 1)
    return _by_segment(columns, pad, lambda room: _run(room, low, pad, preset, rectify))


def rectify(part: Floats) -> None:
    """Take absolute values in their place (eq. 3)."""
    np.abs(part, out=part)


def _padding(preset: Preprocessing, n_coefficients: int) -> int:
    return 3 * (n_coefficients - 1 if preset.padding == "matlab" else n_coefficients)


def _band(room: Room, sections: Floats, pad: int, preset: Preprocessing) -> float:
    """Band-pass in its place; return what is still to be taken off."""
    if preset.mean_removed == "before":
        np.subtract(room.samples, room.samples.mean(), out=room.samples)
        _run(room, sections, pad, preset)
        return 0.0
    return _run(room, sections, pad, preset) / room.samples.size


def _run(
    room: Room,
    sections: Floats,
    pad: int,
    preset: Preprocessing,
    before: Callable[[Floats], object] | None = None,
) -> float:
    """Filter in its place, and return the sum of what comes out; `before` is done to it first."""
    if preset.zero_phase:
        return room.both_ways(sections, pad, before=before)
    if before is not None:
        before(room.samples)
    room.forward(sections)
    return float(room.samples.sum())


def segments(valid: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open (start, stop) sample ranges in which `valid` is true."""
    if not valid.size:
        return []
    inner = np.flatnonzero(valid[1:] != valid[:-1]) + 1
    edges = [0] * bool(valid[0]) + inner.tolist() + [valid.size] * bool(valid[-1])
    return list(zip(edges[::2], edges[1::2], strict=True))


def _by_segment(columns: Floats, pad: int, run: Callable[[Room], object]) -> Floats:
    """Apply `run` to every gap-free stretch of every channel."""
    n_samples, n_channels = columns.shape
    if n_samples <= pad:
        raise ValueError(f"the record has {n_samples} samples; the filter needs more than {pad}")
    # Channels are kept together in memory, with room at their ends: filters run along them.
    store = np.empty((n_channels, n_samples + Room.beside(pad)))
    filtered = store[:, Room.ahead(pad) : Room.ahead(pad) + n_samples]

    def turn(first: int, stop: int) -> None:
        for begin in range(first, stop, _TURN_SAMPLES):
            part = slice(begin, min(begin + _TURN_SAMPLES, stop))
            filtered[:, part] = columns[part].T

    def one(index: int) -> None:
        _stretches(store[index], filtered[index], pad, run)

    if columns.size > _THREAD_SAMPLES and n_channels > 1:
        n_threads = min(n_channels, os.cpu_count() or 1)
        ends = np.linspace(0, n_samples, n_threads + 1).astype(np.int64).tolist()
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(turn, ends[:-1], ends[1:]))
            list(pool.map(one, range(n_channels)))
    else:
        turn(0, n_samples)
        for index in range(n_channels):
            one(index)
    return filtered.T


def _stretches(store: Floats, x: Floats, pad: int, run: Callable[[Room], object]) -> None:
    """Apply `run` to a channel in its place; `store` is it with room at its ends."""
    if is_all_finite(x):
        run(Room(store, pad))
        return
    finite = np.isfinite(x)
    if np.isinf(x).any():
        raise ValueError("samples hold an infinite value; mark what is missing with NaN")
    for start, stop in segments(finite):
        if stop - start > pad:
            room = Room.of(x[start:stop], pad)
            run(room)
            x[start:stop] = room.samples
        else:
            x[start:stop] = np.nan


def is_all_finite(x: Floats) -> bool:
    """Tell whether no value is missing or infinite; by the sum, which is, where one is."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(x.sum())) or bool(np.isfinite(x).all())
