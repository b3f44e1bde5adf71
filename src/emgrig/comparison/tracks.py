"""One channel of a recording, and two of them brought to the same unit and band."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.calibration.figures.response import sinc3_magnitude
from emgrig.calibration.figures.samples import checked_rate, checked_record
from emgrig.calibration.figures.spectrum import EMG_BAND, Band

_UV_PER_UNIT = {"V": 1e6, "mV": 1e3, "uV": 1.0, "µV": 1.0, "μV": 1.0}
USABLE_SHARE_OF_RATE = 0.4
"""Highest frequency that is compared: beyond it sinc³ leaves less than 0.43."""

_FILTER_ORDER = 4
_PAD_S = 1.0
_MAINS_HALF_WIDTH_HZ = 1.0
_MAINS_SHARE = 0.1
_OVERSAMPLE_PAD = 512


class Response(StrEnum):
    """What a device's sampling does to the spectrum."""

    FLAT = "flat"
    SINC3 = "sinc3"


@dataclass(frozen=True)
class Track:
    """One channel of a recording.

    `samples`, shape (n_samples,), are evenly spaced, in "V", "mV" or "uV", input-referred; where
    `missing` is true they were not measured, or are marked bad, and hold anything finite.
    `response` is SINC3 for an ADS1299 that was not equalised; `low_hz` and `high_hz` are the
    corners of filters that the device itself has, None where it has none. `delay_s` is the known
    delay of the device's filters that its time does not allow for; for an ADS1299
    `emgrig.calibration.figures.response.sinc3_group_delay_s`.
    """

    name: str
    samples: NDArray[np.float64]
    rate_hz: float
    unit: str
    response: Response = Response.FLAT
    low_hz: float | None = None
    high_hz: float | None = None
    delay_s: float = 0.0
    missing: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        checked_rate(self.rate_hz)
        if self.unit not in _UV_PER_UNIT:
            raise ValueError(
                f"{self.name}: unit {self.unit!r} is not a voltage; expected V, mV or uV"
            )
        checked_record(self.samples, n_min=round(2 * self.rate_hz), name=self.name)

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return self.samples.size / self.rate_hz

    @property
    def highest_hz(self) -> float:
        """Highest frequency at which it can be compared, Hz."""
        return min(self.high_hz or math.inf, USABLE_SHARE_OF_RATE * self.rate_hz)

    def microvolts(self) -> NDArray[np.float64]:
        """Return the samples without their mean, µV."""
        centred = np.asarray(self.samples, dtype=np.float64) - np.mean(self.samples)
        return centred * _UV_PER_UNIT[self.unit]


def common_band(ours: Track, reference: Track, wanted: Band = EMG_BAND) -> Band:
    """Return the part of `wanted` that both recordings hold.

    Raises ValueError if less than an octave is left.
    """
    low = max(wanted.low_hz, ours.low_hz or 0.0, reference.low_hz or 0.0)
    high = min(wanted.high_hz, ours.highest_hz, reference.highest_hz)
    if high < 2 * low:
        raise ValueError(
            f"{ours.name} and {reference.name} have only {low:g}-{high:g} Hz in common; that is "
            "less than an octave"
        )
    return Band("common", low, high)


def in_band_uv(
    track: Track, band: Band, *, equalise: bool, mains_hz: float | None = None
) -> NDArray[np.float64]:
    """Return the track in `band` without phase shift, µV, shape (n_samples,).

    The magnitude of a Butterworth filter of order 4 run forwards and backwards, and the exact
    inverse of sinc³ if the track has one and `equalise` is set. It is applied to the spectrum of
    the whole record, so that recordings of different rates get the very same filter; a digital
    filter would differ towards half the rate. With `mains_hz` that frequency and its harmonics are
    taken out, 1 Hz on each side.
    """
    values = track.microvolts()
    pad = min(values.size - 1, round(_PAD_S * track.rate_hz))
    padded = np.pad(values, pad, mode="reflect", reflect_type="odd")
    size = scipy.fft.next_fast_len(padded.size, real=True)
    f = scipy.fft.rfftfreq(size, 1 / track.rate_hz)
    with np.errstate(divide="ignore"):
        high_pass = np.divide(band.low_hz, f) ** (2 * _FILTER_ORDER)
    magnitude = 1 / ((1 + high_pass) * (1 + (f / band.high_hz) ** (2 * _FILTER_ORDER)))
    if equalise and track.response is Response.SINC3:
        # Held beyond 0.45 of the rate: there is hardly anything left to restore but noise.
        magnitude /= sinc3_magnitude(np.minimum(f, 0.45 * track.rate_hz), track.rate_hz)
    if mains_hz is not None:
        away_hz = np.abs(f - np.round(f / mains_hz) * mains_hz)
        magnitude[away_hz < _MAINS_HALF_WIDTH_HZ] = 0.0
    filtered = scipy.fft.irfft(scipy.fft.rfft(padded, size) * magnitude, size)
    return np.asarray(filtered[pad : pad + values.size])


def mains_of(track: Track, band: Band) -> float | None:
    """Return 50 or 60 if that mains has a tenth of the power in `band` or more; else None.

    Power is the median of seconds: what lies between contractions is matched, too.
    """
    power = _middle_power(in_band_uv(track, band, equalise=False), track.rate_hz)
    for mains_hz in (50.0, 60.0):
        without = in_band_uv(track, band, equalise=False, mains_hz=mains_hz)
        other = in_band_uv(track, band, equalise=False, mains_hz=110.0 - mains_hz)
        gone = power - _middle_power(without, track.rate_hz)
        if gone > _MAINS_SHARE * power and gone > power - _middle_power(other, track.rate_hz):
            return mains_hz
    return None


def _middle_power(values: NDArray[np.float64], rate_hz: float) -> float:
    n = min(values.size, round(rate_hz))
    seconds = values[: values.size // n * n].reshape(-1, n)
    return float(np.median((seconds**2).mean(axis=1)))


class Interpolator:
    """A band-limited signal that can be read at any time.

    The first of `samples`, shape (n_samples,), is at time 0; `highest_hz` is the highest frequency
    in them, at most 0.4 of the rate.

    Notes
    -----
    Oversampled to 16 points per shortest period, then a cubic spline: its error is below 1e-4 of
    the signal. What the band's filter leaves above `highest_hz` is kept too, up to half the rate:
    a recording that is compared with itself must agree with itself.
    """

    def __init__(self, samples: NDArray[np.float64], rate_hz: float, highest_hz: float) -> None:
        self._factor = max(1, math.ceil(16 * highest_hz / rate_hz))
        self._rate_hz = rate_hz * self._factor
        dense = samples
        if self._factor > 1:
            dense = _oversampled(samples, self._factor)
        self._spline = scipy.ndimage.spline_filter1d(dense, order=3, mode="mirror")
        self.end_s = (samples.size - 1) / rate_hz

    def at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signal at `time_s`; times outside the record must not be asked for."""
        where = (time_s * self._rate_hz)[None, :]
        return np.asarray(
            scipy.ndimage.map_coordinates(
                self._spline, where, order=3, mode="mirror", prefilter=False
            )
        )


def _oversampled(samples: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return `factor` points a sample, by the spectrum: exact for all below half the rate."""
    pad = min(samples.size - 1, _OVERSAMPLE_PAD)
    padded = np.pad(samples, pad, mode="reflect", reflect_type="odd")
    ramp = np.sin(np.linspace(0, np.pi / 2, pad)) ** 2  # the ends meet at 0, without a step
    padded[:pad] *= ramp
    padded[padded.size - pad :] *= ramp[::-1]
    size = scipy.fft.next_fast_len(padded.size, real=True)
    spectrum = scipy.fft.rfft(padded, size)
    if size % 2 == 0:
        spectrum[-1] /= 2  # half of it belongs to the negative frequency
    dense = scipy.fft.irfft(spectrum, size * factor) * factor
    return np.asarray(dense[pad * factor : (pad + samples.size) * factor])
