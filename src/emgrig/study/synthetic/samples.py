"""The samples of a synthetic session, and what an undisturbed recording would measure.

The muscles' own EMG is made only where something happens; rest, mains, offsets, lid potentials,
crosstalk and losses are added. Truth is taken from the muscle's own EMG alone, by scipy's filters:
not by the chain that analyses the recording.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.paper.synthetic import (
    NEIGHBOURS,
    RATE_HZ,
    Face,
    contraction,
    face,
    lost_rows,
)
from emgrig.analysis.signal.filters import Floats
from emgrig.study.synthetic.design import TrueContraction, TrueExpression, TrueSession

Samples = NDArray[np.float32]
_DELAY_S = 0.3  # from the cue to the contraction
_WARM_S = 1.0
#: What the moving lid adds on each channel, over the highest; pairs near the eye see it.
_LID = np.array([0.6, 0.3, 1.0, 0.05, 0.05, 0.0, 0.0], dtype=np.float32)
#: The mains repeats itself after so many samples: 5 periods of 50 Hz, 6 of 60 Hz.
_MAINS_SAMPLES = 100


@dataclass(frozen=True)
class TrueMeasure:
    """What an expression measures without anything else: percent of the MVC, and the iEMG."""

    mvc_percent: float  #: NaN if its channel has no MVC, or it is not seen.
    iemg_ms: float  #: Integral of the envelope over its highest in the recording, ms.


@dataclass(frozen=True)
class Made:
    """A session as samples."""

    samples_uv: Samples  #: shape (n_samples, 7); also where they are lost.
    is_lost: NDArray[np.bool_]  #: shape (n_samples,)
    mvc_uv: Floats  #: shape (7,); NaN without one.
    measures: tuple[TrueMeasure, ...]  #: One for each expression of the session.


def make(session: TrueSession, *, seed: int, mains_hz: float = 50.0) -> Made:
    """Make the samples of a session at 1000 Hz; the same seed gives the same."""
    rng = np.random.default_rng((seed, session.number, 2))
    here = face(session.number, seed=seed)
    n = round(session.length_s * RATE_HZ)
    muscle = np.zeros((n, 7), dtype=np.float32)
    samples = rng.standard_normal((n, 7), dtype=np.float32) * here.rest_uv.astype(np.float32)
    for one in session.contractions:
        _contract(muscle, samples, one, here, rng)
    for expression in session.expressions:
        _express(muscle, samples, expression, here, rng)
    levels, tops = _levels(muscle, session)
    measures = tuple(_measured(muscle, one, levels, tops) for one in session.expressions)
    samples += muscle
    _add_blinks(samples, session, rng)
    _add_surroundings(samples, here, mains_hz, rng)
    if session.dead_channel:
        samples[:, session.dead_channel - 1] = 0.0
    is_lost = np.zeros(n, bool)
    if session.lost_percent:
        is_lost = lost_rows(n, session.lost_percent, seed=(seed * 1000 + session.number))
    return Made(samples, is_lost, levels, measures)


def _noise(n_samples: int, rng: np.random.Generator) -> Floats:
    """Make interference EMG of unit RMS; most of its power lies between 30 and 200 Hz."""
    sections = scipy.signal.butter(1, (30, 200), "band", fs=RATE_HZ, output="sos")
    warm = 200
    noise = scipy.signal.sosfilt(sections, rng.standard_normal(n_samples + warm))[warm:]
    _, gain = scipy.signal.sosfreqz(sections, 2048)
    return np.asarray(noise / np.sqrt(np.mean(np.abs(gain) ** 2)), dtype=np.float64)


def _put(
    muscle: Samples,
    samples: Samples,
    channel: int,
    start: int,
    drive_uv: Floats,
    rng: np.random.Generator,
) -> None:
    """Add a muscle's EMG, and its crosstalk into the neighbours."""
    emg = (_noise(drive_uv.size, rng) * drive_uv).astype(np.float32)
    part = slice(start, start + drive_uv.size)
    muscle[part, channel - 1] += emg
    for neighbour in NEIGHBOURS[channel - 1]:
        samples[part, neighbour] += np.float32(rng.uniform(0.02, 0.1)) * emg


def _contract(
    muscle: Samples,
    samples: Samples,
    one: TrueContraction,
    here: Face,
    rng: np.random.Generator,
) -> None:
    start, end = round((one.begin_s + _DELAY_S) * RATE_HZ), round(one.end_s * RATE_HZ)
    level_uv = float(one.level * here.mvc_uv[one.channel - 1])
    _put(muscle, samples, one.channel, start, contraction(end - start, rng) * level_uv, rng)


def _express(
    muscle: Samples,
    samples: Samples,
    one: TrueExpression,
    here: Face,
    rng: np.random.Generator,
) -> None:
    if not one.channel:
        return
    start, end = round(one.onset_s * RATE_HZ), round(one.offset_s * RATE_HZ)
    peak_uv = one.drive_percent / 100 * float(here.mvc_uv[one.channel - 1])
    shape = contraction(end - start, rng)
    _put(muscle, samples, one.channel, start, shape * peak_uv, rng)
    if one.beside:
        _put(muscle, samples, one.beside, start, shape * peak_uv * one.beside_share, rng)


def _clean_envelope(muscle: Samples, channel: int, start: int, end: int) -> Floats:
    """Filter a stretch as the paper does, with run-in on both sides: 20-450 Hz, then 6 Hz."""
    warm = round(_WARM_S * RATE_HZ)
    low = max(start - warm, 0)
    x = muscle[low : end + warm, channel - 1].astype(np.float64)
    band = scipy.signal.butter(2, (20, 450), "band", fs=RATE_HZ, output="sos")
    smooth = scipy.signal.butter(2, 6, fs=RATE_HZ, output="sos")
    envelope = scipy.signal.sosfiltfilt(smooth, np.abs(scipy.signal.sosfiltfilt(band, x)))
    return np.asarray(envelope[start - low : end - low], dtype=np.float64)


def _levels(muscle: Samples, session: TrueSession) -> tuple[Floats, Floats]:
    """Return the MVC of each channel, and the highest its envelope gets in the recording, uV."""
    levels, tops = np.full(7, np.nan), np.zeros(7)
    for one in session.contractions:
        span = round(one.begin_s * RATE_HZ), round(one.end_s * RATE_HZ)
        peak = float(_clean_envelope(muscle, one.channel, *span).max())
        i = one.channel - 1
        tops[i] = max(tops[i], peak)
        if one.is_accepted and one.channel != session.dead_channel:
            levels[i] = np.fmax(levels[i], peak)
    return levels, tops


def _measured(muscle: Samples, one: TrueExpression, levels: Floats, tops: Floats) -> TrueMeasure:
    if not one.channel:
        return TrueMeasure(float("nan"), float("nan"))
    span = round(one.onset_s * RATE_HZ), round(one.offset_s * RATE_HZ)
    envelope = _clean_envelope(muscle, one.channel, *span)
    i = one.channel - 1
    top = max(float(tops[i]), float(envelope.max()))
    total = float(np.abs(envelope).sum()) / top * 1000 / RATE_HZ
    return TrueMeasure(100 * float(envelope.max()) / float(levels[i]), total)


def _add_blinks(samples: Samples, session: TrueSession, rng: np.random.Generator) -> None:
    """Add blinks: a burst of the orbicularis oculi (channel 3), and the potential of the lid."""
    for begin, end in session.blinks_s:
        start, width = round(begin * RATE_HZ), round((end - begin) * RATE_HZ)
        shape = np.hanning(width).astype(np.float32)
        part = samples[start : start + width]
        part += np.float32(rng.uniform(80, 250)) * shape[:, np.newaxis] * _LID
        burst = _noise(width, rng).astype(np.float32)
        part[:, 2] += np.float32(rng.uniform(8, 25)) * shape * burst


def _add_surroundings(
    samples: Samples, here: Face, mains_hz: float, rng: np.random.Generator
) -> None:
    """Add the offset of each electrode, its slow drift, and the mains with odd harmonics."""
    n = len(samples)
    step = 100
    t = np.arange(0, n + step, step) / RATE_HZ
    k = np.arange(_MAINS_SAMPLES) / RATE_HZ
    for i in range(7):
        drift = rng.normal(scale=5000.0) + 50 * np.sin(
            2 * np.pi * (rng.uniform(0.01, 0.1) * t + rng.uniform())
        )
        samples[:, i] += np.interp(np.arange(n), t * RATE_HZ, drift).astype(np.float32)
        wave = sum(
            share * np.sin(2 * np.pi * (harmonic * mains_hz * k + rng.uniform()))
            for harmonic, share in ((1, 1.0), (3, 0.3), (5, 0.1))
        )
        cycle = (wave * here.mains_uv[i]).astype(np.float32)
        samples[:, i] += np.resize(cycle, n)
