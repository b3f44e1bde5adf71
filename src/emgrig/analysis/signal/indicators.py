"""Indicators of one expression: eq. 5 to 7 of the paper, and the usual ones beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from emgrig.analysis.signal.cleaning import period
from emgrig.analysis.signal.filters import Floats, as_columns, check_rate

PeakRule = Literal["maximum", "mean of maxima", "median of maxima", "best 0.5 s"]
#: A peak below so many times the rest level, or without a rest to tell, is no MVC unless a person
#: says that it is: noise alone comes to two or three times.
PLAUSIBLE_TIMES_REST = 10.0
#: A maximum below it, uV, was no contraction, or is in mV: amplifiers have about 0.3 to 2 µV of
#: noise in 20 to 450 Hz (comparison/amplifiers.csv), a face at rest 1 to 5 µV.
LEAST_MVC_UV = 2.0
# Surface EMG lies between amplifier noise and 10 mV peak to peak.
_ENVELOPE_UV = 0.02, 5_000.0


def strongest_channel(envelope_uv: Floats) -> int:
    """Choose the channel index whose envelope peaks highest (eq. 5).

    Equation 5 compares microvolts, so a channel with a large rest level wins over a small muscle
    that moves more in proportion; give it ``envelope / rest_level`` for the other reading.

    Raises
    ------
    ValueError
        If every channel is nothing but gaps.
    """
    columns = as_columns(envelope_uv)
    peaks = np.where(np.isnan(columns), -np.inf, columns).max(axis=0)
    if not np.isfinite(peaks).any():
        raise ValueError("every channel is nothing but gaps")
    return int(np.argmax(peaks))


def mvc_uv(
    repetitions_uv: Sequence[Floats], rate_hz: float, *, rule: PeakRule = "maximum"
) -> float:
    """Take the maximum voluntary contraction from the repetitions of part A.

    Parameters
    ----------
    repetitions_uv : sequence of ndarray, shape (n_samples,)
        Envelope of the muscle in each repetition (the paper has three), uV.
    rate_hz : float, > 0
        Sampling rate, Hz.
    rule : str
        The paper does not say which peak counts. "maximum": the highest of all repetitions
        (default: with eq. 5 it keeps MVC% at or below 100 for what part A bounds); "mean of
        maxima" or "median of maxima": over the repetitions' peaks, less prone to one artefact;
        "best 0.5 s": the highest mean over half a second, the usual rule in sports science.

    Returns
    -------
    float
        MVC, uV, above 0.

    Raises
    ------
    ValueError
        If there is no repetition, one is empty or all gaps, the rule is unknown, or the MVC comes
        out as zero or below.
    """
    if not repetitions_uv:
        raise ValueError("no repetition was given; the MVC cannot be taken")
    check_rate(rate_hz)
    mvc = join_peaks([_peak(x, rate_hz, rule) for x in repetitions_uv], rule)
    if mvc <= 0:
        raise ValueError("the MVC comes out as zero: the channel was flat in part A")
    return mvc


def join_peaks(peaks_uv: Sequence[float], rule: PeakRule) -> float:
    """Join the peaks of one or more repetitions, uV, to one, as `mvc_uv` does by a rule.

    Raises
    ------
    ValueError
        If the rule is unknown.
    """
    if rule in ("maximum", "best 0.5 s"):
        return max(peaks_uv)
    if rule == "mean of maxima":
        return float(np.mean(peaks_uv))
    if rule == "median of maxima":
        return float(np.median(peaks_uv))
    raise ValueError(f"the rule {rule!r} is unknown")


def _peak(repetition_uv: Floats, rate_hz: float, rule: PeakRule) -> float:
    x = np.asarray(repetition_uv, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or np.isnan(x).all():
        raise ValueError("a repetition is empty or nothing but gaps")
    check_microvolts(x)
    if rule != "best 0.5 s":
        return float(np.nanmax(x))
    width = round(0.5 * rate_hz)
    if x.size < width:
        raise ValueError(
            f"a repetition of {x.size / rate_hz:g} s is shorter than the 0.5 s of the rule"
        )
    means = np.convolve(x, np.full(width, 1 / width), mode="valid")
    if np.isnan(means).all():
        raise ValueError("a repetition has no half second without a gap")
    return float(np.nanmax(means))


def mvc_percent(peak_uv: float, mvc_level_uv: float) -> float:
    """Express a peak as percent of the MVC of the same muscle (eq. 6).

    Raises
    ------
    ValueError
        If the MVC is not above zero or the peak is not a number.
    """
    if not np.isfinite(mvc_level_uv) or mvc_level_uv <= 0:
        raise ValueError(
            f"the MVC is {mvc_level_uv:g} µV; MVC% needs one above zero (repeat part A)"
        )
    if not np.isfinite(peak_uv):
        raise ValueError("the peak is not a number: the expression lies in a gap")
    return 100.0 * peak_uv / mvc_level_uv


def check_microvolts(envelope_uv: Floats) -> None:
    """Refuse an envelope that cannot be facial EMG in microvolts.

    Raises
    ------
    ValueError
        If its 99th percentile lies outside 0.02 to 5 000 uV; the message names the unit it is
        probably in. An envelope of zeros passes: it is flat, not in a wrong unit.
    """
    values = np.asarray(envelope_uv)
    least, most = _ENVELOPE_UV
    # Where 2 % are above the least and none above the most, the percentile need not be sought.
    is_within = (
        values.size
        and -most <= np.fmin.reduce(values, axis=None)  # they pass over what is missing
        and np.fmax.reduce(values, axis=None) <= most
    )
    if is_within and np.count_nonzero(values >= least) > 0.02 * values.size + 2:
        return
    finite = np.abs(values[np.isfinite(values)])
    top = float(np.percentile(finite, 99)) if finite.size else 0.0
    if top == 0 or _ENVELOPE_UV[0] <= top <= _ENVELOPE_UV[1]:
        return
    guess = "volts or millivolts" if top < _ENVELOPE_UV[0] else "nanovolts or codes"
    raise ValueError(
        f"the envelope reaches {top:.3g}, which is no facial EMG in µV "
        f"({_ENVELOPE_UV[0]:g} to {_ENVELOPE_UV[1]:g}); is it in {guess}?"
    )


@dataclass(frozen=True)
class IntegratedEmg:
    """The integral of an expression (eq. 7), with its unit and what it was normalised by."""

    value: float
    unit: str
    normalised_by: str


Normalisation = Literal["none", "recording maximum", "recording range", "mvc"]


def integrated_emg(
    envelope_uv: Floats,
    interval: tuple[int, int],
    rate_hz: float,
    *,
    normalise: Normalisation = "recording range",
    mvc_level_uv: float | None = None,
    as_sum: bool = False,
) -> IntegratedEmg:
    """Integrate the envelope over an expression (eq. 7).

    The paper's values (78.8 for 0.317 s) only come out as a sum over samples at 1 kHz of an
    envelope normalised to about 0..1; the published helper code normalises by the range of the
    whole recording, which is the default. The default unit is seconds, which does not depend on
    the rate; `as_sum` gives the paper's number.

    Parameters
    ----------
    envelope_uv : ndarray of float64, shape (n_samples,)
        Envelope of the whole recording, uV.
    interval : (int, int)
        Half-open sample range of the expression.
    rate_hz : float, > 0
        Sampling rate, Hz.
    normalise : str
        "none" (result in uV s), "recording maximum", "recording range" (minimum to maximum) or
        "mvc" (needs `mvc_level_uv`).
    mvc_level_uv : float, optional
        MVC of the muscle, uV.
    as_sum : bool
        Sum over samples instead of the integral over seconds.

    Raises
    ------
    ValueError
        If the interval is empty or outside, lies in a gap, the envelope does not vary, or the
        MVC is missing.
    """
    check_rate(rate_hz)
    x = np.asarray(envelope_uv, dtype=np.float64)
    start, stop = interval
    if x.ndim != 1 or not 0 <= start < stop <= x.size:
        raise ValueError(
            f"the interval {interval} is empty, reversed or outside the {x.size} samples"
        )
    offset, scale = _normalisation(x, normalise, mvc_level_uv)
    total = float(np.abs((x[start:stop] - offset) / scale).sum())
    if not np.isfinite(total):
        raise ValueError(f"the interval {interval} holds a gap; its integral is unknown")
    plain = normalise == "none"
    if as_sum:
        return IntegratedEmg(total, "uV samples" if plain else "samples", normalise)
    return IntegratedEmg(total / rate_hz, "uV s" if plain else "s", normalise)


def _normalisation(
    x: Floats, normalise: Normalisation, mvc_level_uv: float | None
) -> tuple[float, float]:
    if normalise == "none":
        return 0.0, 1.0
    if normalise == "mvc":
        if mvc_level_uv is None or not mvc_level_uv > 0:
            raise ValueError("normalising by the MVC needs mvc_level_uv above zero")
        return 0.0, mvc_level_uv
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    offset = low if normalise == "recording range" else 0.0
    if not high > offset or high == low:
        raise ValueError("the envelope does not vary, so it cannot be normalised")
    return offset, high - offset


def root_mean_square(samples: Floats) -> Floats:
    """Take the RMS of each channel, in the unit of `samples`; gaps are left out."""
    return np.asarray(np.sqrt(np.nanmean(as_columns(samples) ** 2, axis=0)), dtype=np.float64)


def mean_absolute_value(samples: Floats) -> Floats:
    """Take the MAV of each channel, in the unit of `samples`; gaps are left out."""
    return np.asarray(np.nanmean(np.abs(as_columns(samples)), axis=0), dtype=np.float64)


def mean_and_median_frequency(samples: Floats, rate_hz: float) -> tuple[Floats, Floats]:
    """Take the mean and the median frequency of each channel's periodogram, Hz.

    Give it band-passed samples without gaps: an offset would pull both down.

    Raises
    ------
    ValueError
        If a sample is NaN or a channel has no power.
    """
    check_rate(rate_hz)
    columns = as_columns(samples)
    if not np.isfinite(columns).all():
        raise ValueError("samples hold a gap; a spectrum needs a stretch without one")
    window = np.hanning(columns.shape[0])[:, np.newaxis]
    power = np.abs(np.fft.rfft(columns * window, axis=0)) ** 2
    frequency_hz = np.fft.rfftfreq(columns.shape[0], 1 / rate_hz)
    total = power.sum(axis=0)
    if not (total > 0).all():
        raise ValueError("a channel has no power; it has no frequency")
    mean = frequency_hz @ power / total
    below = np.cumsum(power, axis=0) < total / 2
    return np.asarray(mean, dtype=np.float64), frequency_hz[below.sum(axis=0)]


def rest_level(
    envelope: Floats,
    rate_hz: float,
    *,
    rest_s: tuple[float, float] | None = None,
    percentile: float = 10.0,
) -> Floats:
    """Estimate each channel's rest level from a declared period or a low percentile.

    The median of an active record is no rest level: in gait or speech the muscle is active more
    than half of the time.

    Parameters
    ----------
    envelope : ndarray, shape (n_samples, n_channels)
        Envelope, any unit.
    rate_hz : float, > 0
        Sampling rate, Hz.
    rest_s : (float, float), optional
        Declared rest, s from the first sample; its mean is the level.
    percentile : float, 0 to below 50
        Used where no rest is declared. It lies below the mean of rest, by the spread of rest.

    Returns
    -------
    ndarray of float64, shape (n_channels,)
        Level in the unit of `envelope`; NaN for a channel of gaps only.
    """
    columns = as_columns(envelope)
    if rest_s is not None:
        part = columns[period(rest_s, rate_hz, columns.shape[0])]
        return np.array([_nan_or(np.nanmean, part[:, i]) for i in range(part.shape[1])])
    if not 0 <= percentile < 50:
        raise ValueError(f"percentile is {percentile}; a rest level needs one from 0 to below 50")
    return np.array([_nan_or(lambda x: np.nanpercentile(x, percentile), x) for x in columns.T])


def _nan_or(measure: Callable[[Floats], np.floating], x: Floats) -> float:
    return float("nan") if np.isnan(x).all() else float(measure(x))
