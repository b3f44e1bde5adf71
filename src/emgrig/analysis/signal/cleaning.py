"""Before the envelope: mains, the ADC's droop, and the scale within muscle and subject."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.signal import recursive
from emgrig.analysis.signal.filters import Floats, as_columns, check_rate, segments

Numbers = TypeVar("Numbers", np.float64, np.complex128)
#: Samples that are cleaned at a time.
_PART = 32_768


def mains_sections(rate_hz: float, mains_hz: float, *, width_hz: float = 2.0) -> Floats:
    """Design one notch for the mains and one for each harmonic the rate can carry.

    Parameters
    ----------
    rate_hz : float, > 0
        Sampling rate, Hz.
    mains_hz : float
        Mains frequency, Hz; below half of `rate_hz`.
    width_hz : float, > 0
        Width of each notch at -3 dB a pass, Hz.

    Returns
    -------
    ndarray of float64, shape (n_notches, 6)
        Second-order sections.
    """
    check_rate(rate_hz)
    if not 0 < width_hz < mains_hz < rate_hz / 2:
        raise ValueError(
            f"a notch of {width_hz:g} Hz at {mains_hz:g} Hz does not fit in {rate_hz:g} samples "
            "a second"
        )
    harmonics = np.arange(mains_hz, rate_hz / 2 - width_hz, mains_hz)
    if harmonics.size == 0:
        raise ValueError(
            f"{mains_hz:g} Hz lies closer than {width_hz:g} Hz to half of {rate_hz:g} Hz"
        )
    notches = [scipy.signal.iirnotch(f, f / width_hz, fs=rate_hz) for f in harmonics]
    return np.array([np.concatenate(pair) for pair in notches])


def remove_mains(
    samples: Floats, rate_hz: float, *, mains_hz: float = 50.0, width_hz: float = 2.0
) -> Floats:
    """Notch out the mains and its harmonics, without delay.

    NaN gaps are kept and never filtered across. A stretch shorter than 3 / `width_hz` s is too
    short for so narrow a notch and becomes NaN.

    Raises
    ------
    ValueError
        If the rate cannot carry the mains, or no stretch is long enough.
    """
    columns = as_columns(samples)
    sections = mains_sections(rate_hz, mains_hz, width_hz=width_hz)
    pad = int(np.ceil(3 * rate_hz / width_hz / 2))
    notched = np.full_like(columns, np.nan)
    for index in range(columns.shape[1]):
        for start, stop in segments(np.isfinite(columns[:, index])):
            if stop - start > 2 * pad:
                part = columns[start:stop, index]
                notched[start:stop, index] = recursive.both_ways(sections, part, pad)
    if np.isnan(notched).all():
        raise ValueError(
            f"no stretch without a gap is longer than {2 * pad} samples, which the notch needs"
        )
    return notched


def subtract_mains(
    samples: Floats,
    rate_hz: float,
    *,
    mains_hz: float = 50.0,
    window_s: float = 2.0,
    smooth_hz: float = 12.0,
    overwrite: bool = False,
) -> Floats:
    """Fit the mains and its harmonics to the quiet parts, and subtract them everywhere.

    A notch rings beside every burst and blurs its edges. Here each harmonic's amplitude and phase
    are averaged over `window_s`, each sample weighted by the inverse of the local power, so that a
    burst hardly counts. Give it band-passed samples.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Band-passed signal; NaN marks gaps, which stay.
    rate_hz : float, > 0
        Sampling rate, Hz.
    mains_hz : float
        Mains frequency, Hz, below half of `rate_hz`; it may wander by about 0.5 / `window_s`.
    window_s : float
        Averaging time, s; the record must be at least that long.
    smooth_hz : float
        Band of the local power, Hz.
    overwrite : bool
        Whether float64 `samples` may be used for the result, where a long record has no room for
        two.

    Raises
    ------
    ValueError
        If the rate cannot carry the mains or the record is shorter than the window.
    """
    columns = as_columns(samples)
    check_rate(rate_hz)
    window = round(window_s * rate_hz)
    if not 0 < mains_hz < rate_hz / 2 or columns.shape[0] < window:
        raise ValueError(
            f"mains of {mains_hz:g} Hz at {rate_hz:g} samples a second over {window_s:g} s cannot "
            f"be fitted to {columns.shape[0]} samples"
        )
    sections = recursive.low_pass(1, smooth_hz, rate_hz)
    n_harmonics = int(0.495 * rate_hz / mains_hz)
    # Channels are kept together in memory.
    clean = columns if overwrite else np.empty(columns.shape[::-1]).T
    for index in range(columns.shape[1]):
        x = clean[:, index]
        if not overwrite:
            x[:] = columns[:, index]
        weight = _weight(x, sections, window)
        per_sample = _true_frequency(x, weight, mains_hz / rate_hz, window)
        waiting: list[tuple[int, Floats]] = []
        for begin, found in _fitted(x, weight, window, per_sample, n_harmonics):
            # What is fitted next sees the signal as it was, from a window ahead of it on.
            while waiting and waiting[0][0] + waiting[0][1].size <= begin - window:
                _take_off(x, *waiting.pop(0))
            waiting.append((begin, found))
        for one in waiting:
            _take_off(x, *one)
    return clean


def _take_off(x: Floats, begin: int, found: Floats) -> None:
    x[begin : begin + found.size] -= found


def _fitted(
    x: Floats, weight: Floats, window: int, per_sample: float, n_harmonics: int
) -> Iterator[tuple[int, Floats]]:
    """Give the mains in a signal, part by part in order: the sum of all harmonics, each fitted.

    An average of the signal turned back by a carrier, turned forth again, is a sum over neighbours,
    each times the cosine of the turns to it. So one row of coefficients does for all harmonics;
    only beside the ends of the record, where averages use what there is, each is taken by itself.
    """
    size = max(_PART, 1 << (8 * window).bit_length())
    comb = np.fft.rfft(_coefficients(window, per_sample, n_harmonics, size)).conj()
    last = x.size - window
    first = min(window, last)
    for begin, end, is_inner in ((0, first, False), (first, last, True), (last, x.size, False)):
        for part, inner in _parts(begin, end, x.size, window, size):
            weighted, total = _weighted(x[part], weight[part], window)
            if is_inner:
                found = np.fft.irfft(np.fft.rfft(weighted, size) * comb, size)[: weighted.size]
            else:
                found = np.zeros(weighted.size)
                for harmonic in range(1, n_harmonics + 1):
                    carrier = _carrier(part, harmonic * per_sample)
                    found += 2 * (_summed(weighted * carrier, window) * carrier.conj()).real
            yield part.start + inner.start, found[inner] / total[inner]


def _coefficients(window: int, per_sample: float, n_harmonics: int, size: int) -> Floats:
    """Return what `_summed`, between carriers turned back and forth, makes of 1 at sample 0."""
    offsets = np.arange(2 * window - 1) - 2 * (window // 2)
    turns = np.arange(1, n_harmonics + 1)[:, np.newaxis] * per_sample * offsets
    triangle = window - np.abs(np.arange(1 - window, window))
    out = np.zeros(size)
    out[offsets] = 2 * triangle * np.cos(2 * np.pi * turns).sum(axis=0)
    return out


def _weight(x: Floats, sections: Floats, window: int) -> Floats:
    """Return what each sample counts, 0 to 1: the inverse of the local power, 0 in a gap."""
    room = recursive.Room.of(x, window // 4)
    room.both_ways(sections, window // 4, ends="even", before=_square)
    power = room.samples
    np.abs(power, out=power)
    np.maximum(power, 1e-12 + 1e-3 * power.mean(), out=power)
    np.divide(power.min(), power, out=power)
    power *= np.isfinite(x)
    return power


def _square(part: Floats) -> None:
    """Square in its place; a gap has no power."""
    np.nan_to_num(part, copy=False)
    part *= part


def _weighted(x: Floats, weight: Floats, window: int) -> tuple[Floats, Floats]:
    """Return the weighted signal, and what the weights add up to; in a long gap, nearly nothing."""
    weighted = np.where(weight > 0, x * weight, 0.0)
    return weighted, np.maximum(_summed(weight, window), 1e-12 * window**2)


def _carrier(part: slice, per_sample: float) -> NDArray[np.complex128]:
    turns = per_sample * np.arange(part.start, part.stop, dtype=np.float64)
    return np.asarray(np.exp(-2j * np.pi * turns), dtype=np.complex128)


def _true_frequency(x: Floats, weight: Floats, nominal: float, window: int) -> float:
    """Return the frequency that the mains has in this record, turns a sample.

    One that is off by 0.02 Hz turns by 14 degrees in 2 s; where the average is one-sided, at the
    ends of the record, that would leave a tenth of the mains.
    """
    lag = window // 2
    turned = np.complex128(0)
    before = np.empty(0, np.complex128)
    for part, inner in _parts(0, x.size, x.size, window, max(_PART, 8 * window)):
        weighted, total = _weighted(x[part], weight[part], window)
        fit = (_summed(weighted * _carrier(part, nominal), window) / total)[inner]
        joined = np.concatenate([before, fit])
        turned += (joined[:-lag].conj() * joined[lag:]).sum()  # vdot takes threads, which wait
        before = joined[-lag:]
    return float(nominal + np.angle(turned) / (2 * np.pi * lag))


def _parts(
    begin: int, end: int, n_samples: int, window: int, size: int
) -> Iterator[tuple[slice, slice]]:
    """Divide the samples from `begin` to `end` into parts that stay in the cache.

    Gives each part with `window` samples beside it, `size` in all at most, and where in that it
    lies itself.
    """
    for at in range(begin, end, size - 2 * window):
        first, behind = max(at - window, 0), min(at + size - 2 * window, end)
        yield slice(first, min(behind + window, n_samples)), slice(at - first, behind - first)


def _summed(x: NDArray[Numbers], window: int) -> NDArray[Numbers]:
    """Add up over a centred window twice, which makes a triangle; the ends use what there is."""
    ahead = window // 2
    sums = np.zeros(x.size + window, x.dtype)
    for _ in range(2):
        np.cumsum(x, out=sums[ahead + 1 : ahead + 1 + x.size])
        sums[ahead + 1 + x.size :] = sums[ahead + x.size]
        x = sums[window:] - sums[:-window]
    return x


def equalise(samples: Floats, fir: Floats) -> Floats:
    """Undo the ADC's sinc^3 droop with a symmetric FIR filter, and take its delay out.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Signal; NaN marks gaps.
    fir : ndarray of float64, shape (n_taps,)
        Linear-phase coefficients from the calibration, an odd number of them.

    Returns
    -------
    ndarray of float64, same shape
        Equalised signal, in step with the input. (n_taps - 1) / 2 samples beside each end and
        each gap are NaN: the filter has not all it needs there.

    Raises
    ------
    ValueError
        If `fir` is not symmetric and of odd length, or no stretch is as long as it.
    """
    columns = as_columns(samples)
    taps = np.asarray(fir, dtype=np.float64)
    if taps.ndim != 1 or taps.size % 2 == 0 or not np.allclose(taps, taps[::-1], rtol=1e-9):
        raise ValueError("fir must be a symmetric vector of odd length (linear phase)")
    half = taps.size // 2
    equal = np.full_like(columns, np.nan)
    for index in range(columns.shape[1]):
        for start, stop in segments(np.isfinite(columns[:, index])):
            if stop - start >= taps.size:
                part = scipy.signal.oaconvolve(columns[start:stop, index], taps, mode="valid")
                equal[start + half : stop - half, index] = part
    if np.isnan(equal).all():
        raise ValueError(f"no stretch without a gap is as long as the filter ({taps.size} samples)")
    return equal


def z_score(values: Floats, groups: Sequence[object] | NDArray[np.generic]) -> Floats:
    """Standardise values within each group (a muscle of a subject).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        One value an expression, any unit.
    groups : sequence of n labels
        For example ``[(subject, channel), ...]``.

    Returns
    -------
    ndarray of float64, shape (n,)
        (value - group mean) / group SD (n - 1). NaN where a group has fewer than two values or
        does not vary: there is no such number.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(groups) != array.size:
        raise ValueError(f"{array.size} values need as many group labels, not {len(groups)}")
    members: dict[object, list[int]] = {}
    for index, label in enumerate(groups):
        members.setdefault(label, []).append(index)
    scores = np.full(array.size, np.nan)
    for indices in members.values():
        inside = array[indices]
        spread = inside.std(ddof=1) if inside.size > 1 else 0.0
        if spread > 0:
            scores[indices] = (inside - inside.mean()) / spread
    return scores


def baseline_corrected(samples: Floats, rate_hz: float, baseline_s: tuple[float, float]) -> Floats:
    """Subtract each channel's mean over a declared period.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Envelope, any unit.
    rate_hz : float, > 0
        Sampling rate, Hz.
    baseline_s : (float, float)
        Start and end of the period, s from the first sample.

    Raises
    ------
    ValueError
        If the period is empty, reversed, outside the record or all NaN in a channel.
    """
    columns = as_columns(samples)
    part = columns[period(baseline_s, rate_hz, columns.shape[0])]
    if np.isnan(part).all(axis=0).any():
        raise ValueError(f"a channel has nothing but gaps in the baseline {baseline_s} s")
    return np.asarray(columns - np.nanmean(part, axis=0), dtype=np.float64)


def period(interval_s: tuple[float, float], rate_hz: float, n_samples: int) -> slice:
    """Turn a period in seconds into a slice; refuses one that is reversed, empty or outside."""
    check_rate(rate_hz)
    start, stop = (round(edge * rate_hz) for edge in interval_s)
    if not 0 <= start < stop <= n_samples:
        raise ValueError(
            f"the period {interval_s[0]:g} to {interval_s[1]:g} s is empty, reversed or outside "
            f"the record of {n_samples / rate_hz:g} s"
        )
    return slice(start, stop)
