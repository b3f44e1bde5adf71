"""The sinc³ response of the ADS1299, and the filter that takes its droop away.

Source: SBAS499C, 9.3.2.2 (digital decimation filter), equations 3 and 4; table 7 for the rates.
The data sheet's −3 dB column is reproduced to its last digit by the exact formula used here.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.samples import checked_channels, checked_rate
from emgrig.driver.chip.model import ADS1299

RATES_HZ = (250, 500, 1000, 2000, 4000, 8000, 16000)

SINC3_AUTOCORRELATION = (1.0, 26 / 66, 1 / 66)
"""Of white modulator noise after sinc³ and decimation, at lags of 0, 1 and 2 samples; then 0.

The filter's impulse response is a quadratic B-spline three samples long; its autocorrelation is
the quintic B-spline, whose values at the integers are 66, 26 and 1 (of 120).
"""

NOISE_BANDWIDTH_OF_RATE = 66 / 240
"""One-sided noise bandwidth of the sampled output as a share of the rate: 0.275."""


def sinc3_magnitude(
    frequency_hz: ArrayLike, rate_hz: float, *, f_clk_hz: float = ADS1299.f_clk_hz
) -> NDArray[np.float64]:
    """Return ``|H(f)|`` of the decimation filter, 1 at DC.

    Frequencies at the input, Hz, may lie above half the rate. A slow clock slows the filter with
    it, so give the actual `rate_hz` with the actual `f_clk_hz`, the master clock; the modulator
    runs at half of it.
    """
    ratio = round(f_clk_hz / 2 / checked_rate(rate_hz))
    if ratio < 1:
        raise ValueError(f"rate {rate_hz} Hz is above the modulator's {f_clk_hz / 2} Hz")
    x = np.pi * np.asarray(frequency_hz, dtype=np.float64) / (rate_hz * ratio)
    bottom = ratio * np.sin(x)
    at_pole = np.abs(np.sin(x)) < 1e-12  # DC and multiples of the modulator rate
    quotient = np.divide(np.sin(ratio * x), bottom, out=np.ones_like(x), where=~at_pole)
    return np.asarray(np.abs(quotient) ** 3)


def sinc3_noise_shape(frequency_hz: ArrayLike, rate_hz: float) -> NDArray[np.float64]:
    """Return the PSD of white modulator noise after the chip, 1 at DC, folding included.

    It lies above ``|H(f)|²`` towards half the rate (by a factor 2 there), because what was above
    half the rate has folded back.
    """
    w = 2 * np.pi * np.asarray(frequency_hz, dtype=np.float64) / checked_rate(rate_hz)
    return np.asarray((66 + 52 * np.cos(w) + 2 * np.cos(2 * w)) / 120)


def sinc3_group_delay_s(rate_hz: float, *, f_clk_hz: float = ADS1299.f_clk_hz) -> float:
    """Return the delay of the linear-phase filter, s: 1.5 data less 1.5 modulator periods."""
    ratio = round(f_clk_hz / 2 / checked_rate(rate_hz))
    return 1.5 * (ratio - 1) / (rate_hz * ratio)


def minus_3db_hz(rate_hz: float) -> float:
    """Return where sinc³ is 1/√2, Hz: 0.262 of the rate."""

    def excess(frequency_hz: float) -> float:
        return float(sinc3_magnitude(frequency_hz, rate_hz)) - math.sqrt(0.5)

    return float(scipy.optimize.brentq(excess, 0.1 * rate_hz, 0.4 * rate_hz, xtol=1e-9 * rate_hz))


@dataclass(frozen=True)
class DroopEqualiser:
    """A symmetric FIR filter that undoes the droop of sinc³.

    An odd number of `taps`: the delay is ``(n_taps - 1) / 2`` samples, at every frequency. Sinc³
    and filter together are flat from 0 to `edge_hz`, within `max_error_db`. `noise_gain` is the rms
    of the chip's white noise after the filter over before it, whole band; `noise_gain_in_band` the
    same between 0 and `edge_hz` only.
    """

    taps: NDArray[np.float64]
    rate_hz: float
    edge_hz: float
    max_error_db: float
    noise_gain: float
    noise_gain_in_band: float

    @property
    def delay_samples(self) -> int:
        """Delay that `apply` takes away again, samples."""
        return (self.taps.size - 1) // 2

    def magnitude(self, frequency_hz: ArrayLike) -> NDArray[np.float64]:
        """Return the filter's own gain at `frequency_hz`; sinc³ is not in it."""
        _, h = scipy.signal.freqz(self.taps, worN=np.atleast_1d(frequency_hz), fs=self.rate_hz)
        return np.asarray(np.abs(h))

    def apply(self, volts: ArrayLike) -> NDArray[np.float64]:
        """Filter, without delay, and return the same shape (n_samples, n_channels).

        The first and last `delay_samples` samples are computed from the record mirrored at its
        end and are less exact.
        """
        array = checked_channels(volts, n_min=self.taps.size)
        pad = self.delay_samples
        padded = np.pad(array, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
        return np.asarray(scipy.signal.oaconvolve(padded, self.taps[:, None], mode="valid", axes=0))


def droop_equaliser(
    rate_hz: float, *, edge: float = 0.4, max_error_db: float = 0.05, n_taps: int = 41
) -> DroopEqualiser:
    """Design the quietest equaliser that is flat within `max_error_db` up to ``edge * rate_hz``.

    `edge` is 0.05 to 0.45; its price is noise, since sinc³ is −7.3 dB at 0.4. A longer filter
    (`n_taps` is odd) falls faster above the edge and so lets less noise through. Raises ValueError
    if an argument is out of range, or no filter of `n_taps` taps is that flat.

    Notes
    -----
    Least squares on a grid of frequencies: the deviation from flat below the edge, and the noise
    that passes above it, where sinc³ leaves little else. The weight of the noise is made as large
    as `max_error_db` allows.
    """
    checked_rate(rate_hz)
    if not 0.05 <= edge <= 0.45:
        raise ValueError(f"edge must be 0.05 to 0.45 of the rate, not {edge}")
    if n_taps < 3 or n_taps % 2 == 0:
        raise ValueError(f"the number of taps must be odd and at least 3, not {n_taps}")
    for log_weight in np.arange(0, -8.25, -0.25):
        taps = _equaliser_taps(edge, n_taps, 10.0**log_weight)
        error_db = _flatness_db(taps, edge)
        if error_db <= max_error_db:
            return _described(taps, rate_hz, edge, error_db)
    raise ValueError(
        f"no filter of {n_taps} taps is flat within {max_error_db} dB to {edge} of the rate; "
        "allow a lower edge, a larger error or more taps"
    )


def _cosines(share: NDArray[np.float64], n_taps: int) -> NDArray[np.float64]:
    return np.cos(2 * np.pi * np.outer(share, np.arange((n_taps + 1) // 2)))


def _equaliser_taps(edge: float, n_taps: int, weight: float) -> NDArray[np.float64]:
    below = np.linspace(0, edge, 400)
    above = np.linspace(edge, 0.5, 200)[1:]
    droop = np.sinc(below) ** 3  # N is at least 64: the exact filter differs by less than 0.01 dB
    noise = weight * np.sqrt(sinc3_noise_shape(above, 1.0))
    design = np.vstack(
        [_cosines(below, n_taps) * droop[:, None], _cosines(above, n_taps) * noise[:, None]]
    )
    wanted = np.concatenate([np.ones(below.size), np.zeros(above.size)])
    half = np.linalg.lstsq(design, wanted, rcond=None)[0]
    return np.concatenate([half[:0:-1] / 2, half[:1], half[1:] / 2])


def _flatness_db(taps: NDArray[np.float64], edge: float) -> float:
    share = np.linspace(0, edge, 2001)
    _, h = scipy.signal.freqz(taps, worN=share, fs=1.0)
    return float(np.abs(20 * np.log10(np.maximum(np.abs(h) * np.sinc(share) ** 3, 1e-9))).max())


def _described(
    taps: NDArray[np.float64], rate_hz: float, edge: float, error_db: float
) -> DroopEqualiser:
    share = np.linspace(0, 0.5, 4001)
    _, h = scipy.signal.freqz(taps, worN=share, fs=1.0)
    before = sinc3_noise_shape(share, 1.0)
    after = before * np.abs(h) ** 2
    in_band = share <= edge
    return DroopEqualiser(
        taps=taps,
        rate_hz=rate_hz,
        edge_hz=edge * rate_hz,
        max_error_db=error_db,
        noise_gain=math.sqrt(np.trapezoid(after) / np.trapezoid(before)),
        noise_gain_in_band=math.sqrt(np.trapezoid(after[in_band]) / np.trapezoid(before[in_band])),
    )


@dataclass(frozen=True)
class EffectiveBand:
    """The band that a recording really has, against the one that was asked for, Hz."""

    rate_hz: float
    asked_low_hz: float
    asked_high_hz: float
    low_hz: float
    high_hz: float
    equalised_to_hz: float | None

    def __str__(self) -> str:
        text = (
            f"asked for {self.asked_low_hz:g}-{self.asked_high_hz:g} Hz; at {self.rate_hz:g} SPS "
            f"the band is {self.low_hz:.0f}-{self.high_hz:.0f} Hz (-3 dB"
        )
        if self.equalised_to_hz is None:
            return f"{text}, sinc3 included)"
        return f"{text}, sinc3 equalised to {self.equalised_to_hz:g} Hz)"


def effective_band(
    rate_hz: float,
    low_hz: float,
    high_hz: float,
    *,
    order: int | None = None,
    zero_phase: bool = False,
    equaliser: DroopEqualiser | None = None,
) -> EffectiveBand:
    """Return the −3 dB points of sinc³ and a Butterworth band-pass together.

    `low_hz` and `high_hz` are the corners that were asked for, `order` is that at each corner;
    without it the band-pass is taken as a brick wall. `zero_phase` says that the filter runs
    forwards and backwards, which squares its magnitude. The recording went through `equaliser`, if
    one is given. Raises ValueError if the corners are not ``0 <= low_hz < high_hz <= rate_hz / 2``.
    """
    if not 0 <= low_hz < high_hz <= checked_rate(rate_hz) / 2:
        raise ValueError(
            f"band {low_hz:g}-{high_hz:g} Hz does not fit below half the rate of {rate_hz:g} Hz"
        )
    f = np.linspace(0, rate_hz / 2, 50_001)
    magnitude = sinc3_magnitude(f, rate_hz)
    if equaliser is not None:
        magnitude = magnitude * equaliser.magnitude(f)
    magnitude = magnitude * _butterworth(f, low_hz, high_hz, order, 2 if zero_phase else 1)
    passed = f[magnitude >= math.sqrt(0.5)]
    if passed.size == 0:
        raise ValueError(f"nothing passes {low_hz:g}-{high_hz:g} Hz at {rate_hz:g} SPS within 3 dB")
    return EffectiveBand(
        rate_hz=rate_hz,
        asked_low_hz=low_hz,
        asked_high_hz=high_hz,
        low_hz=float(passed[0]),
        high_hz=float(passed[-1]),
        equalised_to_hz=None if equaliser is None else equaliser.edge_hz,
    )


def _butterworth(
    f: NDArray[np.float64], low_hz: float, high_hz: float, order: int | None, passes: int
) -> NDArray[np.float64]:
    if order is None:
        return ((f >= low_hz) & (f <= high_hz)).astype(np.float64)
    low_pass = (f / high_hz) ** (2 * order)
    with np.errstate(divide="ignore"):
        high_pass = np.divide(low_hz, f) ** (2 * order) if low_hz > 0 else np.zeros_like(f)
    return np.asarray(((1 + low_pass) * (1 + high_pass)) ** (-passes / 2))
