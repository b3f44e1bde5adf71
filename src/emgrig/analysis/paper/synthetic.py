"""A synthetic CASMEMG with truth: the bench for every detector.

The expressions lie where the annotations say, on the channel they say. What the public material
does not hold is drawn: intensities from table 3's means and SDs as a lognormal (an intensity is
positive and its SD is about its mean), rest, blinks, drift, mains and crosstalk.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.paper.annotations import Expression
from emgrig.analysis.paper.printed import TABLE_3
from emgrig.analysis.signal.filters import Floats, Ints

RATE_HZ = 1000.0
NEIGHBOURS = {0: (1,), 1: (0, 2), 2: (1, 4), 3: (4,), 4: (2, 3), 5: (6,), 6: (5,)}


@dataclass(frozen=True)
class Face:
    """One subject's muscles and surroundings."""

    rest_uv: Floats  #: shape (7,); RMS of the EMG at rest and the amplifier's noise, uV.
    mvc_uv: Floats  #: shape (7,); RMS of the EMG at maximum voluntary contraction, uV.
    mains_uv: Floats  #: shape (7,); Amplitude of the mains, uV.


@dataclass(frozen=True)
class SyntheticRecording:
    """A recording with truth."""

    samples_uv: Floats  #: shape (n_samples, 7); Raw EMG at 1000 Hz, uV, with electrode offsets.
    #: tuple of ndarray of int64, 7 of shape (n_events, 2); True onset and offset of the expressions
    #: on each channel, samples; duplicates are joined.
    events: tuple[Ints, ...]
    #: tuple of ndarray of float64, 7 of shape (n_events,); Peak intensity of each event, percent of
    #: the MVC.
    peak_percent: tuple[Floats, ...]
    face: Face


def face(subject: int, *, seed: int = 0) -> Face:
    """Draw a subject's face; the same seed and subject give the same face."""
    rng = np.random.default_rng((seed, subject))
    return Face(
        rest_uv=rng.lognormal(np.log(2.0), 0.3, 7),
        mvc_uv=rng.lognormal(np.log(200.0), 0.4, 7),
        mains_uv=rng.lognormal(np.log(2.0), 0.7, 7),
    )


def recording(
    expressions: Sequence[Expression],
    *,
    seed: int = 0,
    least_s: float = 60.0,
    mains_hz: float = 50.0,
) -> SyntheticRecording:
    """Make the recording that holds the given expressions (all of one subject and video).

    Parameters
    ----------
    expressions : sequence of Expression
        At least one; their EMG times are kept.
    seed : int
        Another seed is another face, other intensities and other noise.
    least_s : float, > 0
        Length, s; it grows to 10 s after the last expression.
    mains_hz : float, > 0
        Mains frequency, Hz.

    Raises
    ------
    ValueError
        If the expressions are none or of several recordings, or a channel is not 1 to 7.
    """
    if len({(e.subject, e.video) for e in expressions}) != 1:
        raise ValueError("expressions of exactly one recording were expected")
    if any(not 1 <= e.channel <= 7 for e in expressions):
        raise ValueError("a channel is not 1 to 7")
    subject, video = expressions[0].subject, expressions[0].video
    rng = np.random.default_rng((seed, subject, video))
    here = face(subject, seed=seed)
    last = max(e.emg_offset_ms for e in expressions)
    n_samples = max(round(least_s * RATE_HZ), last + 10_000)
    events, percent = _events(expressions, rng)
    drive = np.zeros((n_samples, 7))
    for index in range(7):
        for (onset, offset), peak in zip(events[index], percent[index], strict=True):
            shape = contraction(offset - onset, rng) * peak / 100 * here.mvc_uv[index]
            drive[onset:offset, index] += shape
            for neighbour in NEIGHBOURS[index]:
                drive[onset:offset, neighbour] += rng.uniform(0.02, 0.1) * shape
    samples = _muscle_noise(n_samples, rng) * drive
    samples += rng.normal(size=(n_samples, 7)) * here.rest_uv
    samples += _surroundings(n_samples, here, mains_hz, rng)
    _add_blinks(samples, rng)
    return SyntheticRecording(samples, events, percent, here)


def lost_rows(n_samples: int, percent: float, *, seed: int = 0) -> NDArray[np.bool_]:
    """Draw which samples a link loses: bursts of 1 to 10 packets of 16, about so many percent.

    Returns bool of shape (n_samples,); the same seed and length give the same.
    """
    rng = np.random.default_rng((seed, n_samples))
    n_packets = -(-n_samples // 16)
    is_lost = np.zeros(n_packets, bool)
    while is_lost.sum() < n_packets * percent / 100:
        start = rng.integers(n_packets)
        is_lost[start : start + rng.integers(1, 11)] = True
    return np.repeat(is_lost, 16)[:n_samples]


def _events(
    expressions: Sequence[Expression], rng: np.random.Generator
) -> tuple[tuple[Ints, ...], tuple[Floats, ...]]:
    events: list[list[list[int]]] = [[] for _ in range(7)]
    percent: list[list[float]] = [[] for _ in range(7)]
    for one in sorted(expressions, key=lambda e: e.emg_onset_ms):
        index = one.channel - 1
        peak = draw_intensity(one.is_micro, rng)
        if events[index] and one.emg_onset_ms <= events[index][-1][1]:
            events[index][-1][1] = max(events[index][-1][1], one.emg_offset_ms)
            continue
        events[index].append([one.emg_onset_ms, one.emg_offset_ms])
        percent[index].append(peak)
    return (
        tuple(np.array(e, dtype=np.int64).reshape(-1, 2) for e in events),
        tuple(np.array(p, dtype=np.float64) for p in percent),
    )


def draw_intensity(is_micro: bool, rng: np.random.Generator) -> float:
    """Draw a peak, percent of MVC, from a lognormal with table 3's mean and SD; at most 100."""
    summary = TABLE_3["MVC%"][1 if is_micro else 0]
    spread = np.log1p((summary.sd / summary.mean) ** 2)
    drawn = rng.lognormal(np.log(summary.mean) - spread / 2, np.sqrt(spread))
    return float(min(drawn, 100.0))


def contraction(n_samples: int, rng: np.random.Generator) -> Floats:
    """Draw the course of a contraction: a rise, a hold and a slower fall, each a raised cosine."""
    rise = max(2, round(n_samples * rng.uniform(0.1, 0.3)))
    fall = max(2, round(n_samples * rng.uniform(0.2, 0.45)))
    up = 0.5 - 0.5 * np.cos(np.pi * (np.arange(rise) + 0.5) / rise)
    down = 0.5 + 0.5 * np.cos(np.pi * (np.arange(fall) + 0.5) / fall)
    return np.concatenate([up, np.ones(max(0, n_samples - rise - fall)), down])[:n_samples]


def _muscle_noise(n_samples: int, rng: np.random.Generator) -> Floats:
    """Make interference EMG of unit RMS: most of its power lies between 30 and 200 Hz."""
    sections = scipy.signal.butter(1, (30, 200), "band", fs=RATE_HZ, output="sos")
    noise = scipy.signal.sosfilt(sections, rng.normal(size=(n_samples, 7)), axis=0)
    return np.asarray(noise / noise.std(axis=0), dtype=np.float64)


def _surroundings(n_samples: int, here: Face, mains_hz: float, rng: np.random.Generator) -> Floats:
    """Make electrode offset, drift and mains with odd harmonics."""
    t = np.arange(n_samples)[:, np.newaxis] / RATE_HZ
    offset = rng.normal(scale=5000.0, size=7)
    drift = 50 * np.sin(2 * np.pi * (rng.uniform(0.01, 0.1, 7) * t + rng.uniform(size=7)))
    mains = np.zeros((n_samples, 7))
    for harmonic, share in ((1, 1.0), (3, 0.3), (5, 0.1)):
        phase = rng.uniform(size=7)
        mains += share * np.sin(2 * np.pi * (harmonic * mains_hz * t + phase))
    return np.asarray(offset + drift + mains * here.mains_uv, dtype=np.float64)


def _add_blinks(samples: Floats, rng: np.random.Generator) -> None:
    """Add a blink every 4 s on average: a slow deflection, and a short burst of the orbicularis."""
    moments = np.cumsum(rng.exponential(4.0, 1 + samples.shape[0] // 2000) + 0.5) * RATE_HZ
    gain = np.array([0.6, 0.5, 1.0, 0.1, 0.1, 0.02, 0.02])
    for moment in moments:
        start, width = int(moment), int(rng.uniform(150, 300))
        burst = int(rng.uniform(50, 90))
        if start + width > samples.shape[0]:
            break
        slow = rng.uniform(80, 250) * np.hanning(width)[:, np.newaxis]
        samples[start : start + width] += slow * gain
        fast = rng.normal(scale=rng.uniform(5, 15), size=burst) * np.hanning(burst)
        samples[start : start + burst, 2] += fast
