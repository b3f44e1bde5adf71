"""What channels show of their electrodes while nothing is injected: arrays in, figures out.

Cheap enough to be computed some times a second on the last seconds of a stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.samples import checked_rate
from emgrig.calibration.figures.spectrum import EMG_BAND, Spectrum, welch

MAINS_HZ = (50.0, 60.0)
WINDOW_S = 3.0
"""Of a live display; the mains then has its own bins, and a movement is forgotten soon."""
SHORTEST_S = 1.0
UPPER_OF_RATE = 0.45
"""The band ends at 450 Hz or at this share of the rate."""
_HALF_WIDTH_HZ = 1.0
_HALF_WIDTH_BINS = 2.5
"""A Hann window spreads a line over ± 2 bins, and the board's clock may be off by 0.5 %."""
_SKIRT_BINS = 4.0
"""So far reaches what would still show beside a rest level of 2 % of the mains."""
_STANDS_OUT = 3.0
"""Mains is named if its power is so many times that of the noise in its place."""


@dataclass(frozen=True)
class ChannelFigures:
    """One channel, nothing injected. A figure that means nothing here is None.

    `rail_percent` is the largest absolute value over full scale; 100 is the rail. `offset_mv`, the
    mean, is the difference of the electrodes' half-cell potentials; `headroom_percent` the share of
    full scale that is left. `mains_hz` is 50 or 60, whichever stands out of the noise;
    `mains_uv_rms` the stronger of the two less the noise in its place, `mains_ratio` that over
    `rest_uv_rms`: in `band_hz` (20 to 450 Hz, or to 0.45 of the rate), mains and its harmonics
    taken out, sinc3 not equalised. `is_flat`: every sample is the same; `same_as`: channels that
    show the same signal, see `quiet_figures`.
    """

    channel: int
    rail_percent: float
    offset_mv: float
    headroom_percent: float
    mains_hz: float | None
    mains_uv_rms: float | None
    mains_ratio: float | None
    rest_uv_rms: float | None
    band_hz: tuple[float, float]
    is_flat: bool
    same_as: tuple[int, ...]
    n_samples: int


def quiet_figures(
    volts: ArrayLike,
    *,
    gains: ArrayLike,
    vref_v: float,
    rate_hz: float,
    channels: Sequence[int] | None = None,
    same_correlation: float = 0.9,
) -> tuple[ChannelFigures, ...]:
    """Compute the figures of each channel from some seconds without a gap.

    `volts`, shape (n_samples, n_channels), are input-referred; 1 s or more, 3 s are good. `gains`,
    shape (n_channels,), are read back (`Epoch.gain`). `channels` are those to look at, from 1; all
    columns without it. Channels whose signals in the band, mains taken out, are correlated more
    than `same_correlation` (with either sign) show the same: gel joins their electrodes, or one
    lead feeds both. Raises ValueError if shapes do not fit, the record is shorter than 1 s, or
    holds NaN.
    """
    array, gain = np.asarray(volts, dtype=np.float64), np.asarray(gains, dtype=np.float64)
    if array.ndim != 2 or gain.shape != array.shape[1:]:
        raise ValueError(f"{gain.shape} gains for volts of shape {array.shape}")
    if len(array) < SHORTEST_S * checked_rate(rate_hz):
        raise ValueError(
            f"{len(array)} samples at {rate_hz:g} Hz; expected {SHORTEST_S:g} s or more"
        )
    if not np.isfinite(array).all():
        raise ValueError("a sample is NaN or infinite; cut or fill the gaps first")
    numbers = list(channels or range(1, array.shape[1] + 1))
    if not set(numbers) <= set(range(1, array.shape[1] + 1)):
        raise ValueError(f"channels {numbers} of volts with {array.shape[1]} columns")
    array, gain = array[:, np.array(numbers) - 1], gain[np.array(numbers) - 1]
    share = np.abs(array).max(axis=0) * gain / vref_v
    is_flat = np.ptp(array, axis=0) == 0
    offset_v = array.mean(axis=0)
    found = _signals(array[:, ~is_flat] - offset_v[~is_flat], rate_hz, same_correlation)
    alive = [number for number, flat in zip(numbers, is_flat, strict=True) if not flat]
    signals = dict(zip(alive, found, strict=True))
    return tuple(
        _figures(
            number,
            100 * float(share[index]),
            1e3 * float(offset_v[index]),
            signals.get(number),
            (band(rate_hz), alive, len(array)),
        )
        for index, number in enumerate(numbers)
    )


def band(rate_hz: float) -> tuple[float, float]:
    """Return the band of the rest level at a rate, Hz."""
    return EMG_BAND.low_hz, min(EMG_BAND.high_hz, UPPER_OF_RATE * rate_hz)


@dataclass(frozen=True)
class _Signal:
    """What the spectrum of one channel says; `same_as` counts the channels that are not flat."""

    mains_hz: float | None
    mains_v: float
    rest_v: float
    same_as: tuple[int, ...]


def _figures(
    channel: int,
    rail_percent: float,
    offset_mv: float,
    signal: _Signal | None,
    common: tuple[tuple[float, float], list[int], int],
) -> ChannelFigures:
    band_hz, alive, n_samples = common
    known = signal is not None
    return ChannelFigures(
        channel=channel,
        rail_percent=rail_percent,
        offset_mv=offset_mv,
        headroom_percent=max(0.0, 100 - rail_percent),
        mains_hz=signal.mains_hz if signal else None,
        mains_uv_rms=1e6 * signal.mains_v if signal else None,
        mains_ratio=signal.mains_v / signal.rest_v if signal and signal.rest_v > 0 else None,
        rest_uv_rms=1e6 * signal.rest_v if signal else None,
        band_hz=band_hz,
        is_flat=not known,
        same_as=tuple(alive[other] for other in signal.same_as) if signal else (),
        n_samples=n_samples,
    )


def _signals(volts: NDArray[np.float64], rate_hz: float, same_correlation: float) -> list[_Signal]:
    if volts.shape[1] == 0:
        return []
    spectrum = welch(volts, rate_hz, segment_s=len(volts) / rate_hz / 2)
    width_hz = max(_HALF_WIDTH_HZ, _HALF_WIDTH_BINS * spectrum.bin_hz)
    hz, mains_v2, stands_out = mains_line(spectrum, half_width_hz=width_hz)
    power = _rest_power(spectrum, hz, rate_hz)
    same = np.abs(_correlations(volts, rate_hz, width_hz)) > same_correlation
    np.fill_diagonal(same, val=False)
    return [
        _Signal(
            mains_hz=float(hz[index]) if stands_out[index] else None,
            mains_v=float(np.sqrt(mains_v2[index])),
            rest_v=float(np.sqrt(max(power[index], 0.0))),
            same_as=tuple(np.flatnonzero(same[index]).tolist()),
        )
        for index in range(volts.shape[1])
    ]


def _rest_power(
    spectrum: Spectrum, mains_hz: NDArray[np.float64], rate_hz: float
) -> NDArray[np.float64]:
    """Return the power in the band of each channel without its mains and their harmonics, V²."""
    width_hz = max(_HALF_WIDTH_HZ, _SKIRT_BINS * spectrum.bin_hz)
    low_hz, high_hz = band(rate_hz)
    power, _ = spectrum.band_power(low_hz, high_hz)
    for line_hz in MAINS_HZ:
        has_it = mains_hz == line_hz
        if not has_it.any():
            continue
        for harmonic_hz in np.arange(line_hz, high_hz - width_hz, line_hz):
            line_v2, _ = _line(spectrum, float(harmonic_hz), width_hz)
            power[has_it] -= np.maximum(line_v2[has_it], 0.0)
    return np.asarray(power)


def mains_line(
    spectrum: Spectrum, *, half_width_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Find the stronger of the lines at 50 and 60 Hz in each channel.

    A tone farther away than `half_width_hz` is not taken for mains. Returns arrays of shape
    (n_channels,): the frequency, 50 or 60; the power of the line less the noise in its place, V²,
    not below 0; and whether it is more than noise.
    """
    lines = [_line(spectrum, hz, half_width_hz) for hz in MAINS_HZ]
    power, noise = (np.stack(parts) for parts in zip(*lines, strict=True))
    best = np.argmax(power, axis=0)
    every = np.arange(power.shape[1])
    chosen = np.maximum(power[best, every], 0.0)
    return np.array(MAINS_HZ)[best], chosen, chosen > _STANDS_OUT * noise[best, every]


def _line(
    spectrum: Spectrum, hz: float, half_width_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return power of a line less the noise in its place, and that noise, V², by channel."""
    power, _ = spectrum.band_power(hz - half_width_hz, hz + half_width_hz)
    reach_hz = 6 * half_width_hz
    begin, stop = np.searchsorted(spectrum.frequency_hz, (hz - reach_hz, hz + reach_hz))
    away = np.abs(spectrum.frequency_hz[begin:stop] - hz)
    beside = (away > 2 * half_width_hz) & (away < reach_hz)
    noise = np.median(spectrum.psd[begin:stop][beside], axis=0) * 2 * half_width_hz
    return power - noise, noise


def _correlations(
    volts: NDArray[np.float64], rate_hz: float, width_hz: float
) -> NDArray[np.float64]:
    """Correlate the channels in the band, without mains; shape (n_channels, n_channels)."""
    n = len(volts)
    lines = np.fft.rfft(volts * np.hanning(n)[:, None], axis=0)
    hz = np.fft.rfftfreq(n, 1 / rate_hz)
    low_hz, high_hz = band(rate_hz)
    is_used = (hz >= low_hz) & (hz <= high_hz)
    for mains_hz in MAINS_HZ:
        is_used &= np.abs(hz - mains_hz * np.round(hz / mains_hz)) > width_hz
    used = lines[is_used]
    used = used / np.maximum(np.sqrt((np.abs(used) ** 2).sum(axis=0)), np.finfo(np.float64).tiny)
    correlations: NDArray[np.float64] = (used.conj().T @ used).real
    return correlations
