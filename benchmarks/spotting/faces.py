"""The set: whole recordings of seven channels with known truth, drawn from a seed.

Real are the durations and channels of the expressions (the published annotations of CASMEMG) and
the mean and SD of their intensities (table 3 of the paper). All else is a guess, and is named here:
when expressions come, rest, blinks, mains, crosstalk, low activity behind an expression, losses,
and what a poor electrode adds. A seed deals every annotated expression out once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy

from emgrig.analysis.paper.annotations import MICRO_LIMIT_MS, read_annotations
from emgrig.analysis.paper.printed import TABLE_3
from emgrig.analysis.paper.synthetic import lost_rows
from emgrig.analysis.signal.filters import Floats, Ints

RATE_HZ = 1000.0
N_CHANNELS = 7
#: Nothing was ever tuned on the second; they are scored once a version.
DEVELOPMENT_SEEDS, HELD_OUT_SEEDS = (1, 2), (701, 702)
REST_S = (0.5, 4.5)
"""Declared rest of every recording: no expression, but blinks as ever. Detectors may use it."""
ANNOTATIONS = Path(__file__).resolve().parents[3] / "shared/data/casmemg/380_sort.xlsx"

_LENGTH_S, _NEGATIVE_S = 85.0, 60.0
#: Expressions on one channel lie at least so far apart.
_APART = 400
#: Muscles that lie beside each other, by index: frontalis, corrugator, orbicularis oculi, levator
#: labii, zygomaticus, orbicularis oris, depressor anguli oris.
_NEIGHBOURS = ((1,), (0, 2), (1, 3, 4), (2, 4, 5), (2, 3, 5), (3, 4, 6), (5,))
#: What of a blink's slow deflection each channel sees.
_BLINK_GAIN = np.array([0.6, 0.5, 1.0, 0.15, 0.1, 0.02, 0.02])
_OCULI = 2


@dataclass(frozen=True)
class Template:
    """What is kept of an annotated expression."""

    duration: int  #: Samples at 1000 Hz.
    channel: int  #: Index, 0 to 6.


@dataclass(frozen=True)
class Electrodes:
    """How good the contact is."""

    name: str
    noise_uv: float  #: RMS at rest, EMG and noise, uV; channels scatter by a fifth.
    mains_uv: float  #: Amplitude of the mains, uV; channels scatter by half.
    swing: float  #: Share by which the amplitude of the mains swells and fades.
    pops_per_min: float  #: Steps of the electrode's voltage that decay within 0.1 s or so.


QUALITIES = (
    Electrodes("good", 1.2, 1.0, 0.0, 0.0),
    Electrodes("fair", 2.5, 5.0, 0.1, 0.3),
    Electrodes("poor", 5.0, 25.0, 0.3, 1.0),
)


@dataclass(frozen=True)
class Recording:
    """A recording with truth."""

    name: str
    quality: str
    samples_uv: Floats  #: shape (n_samples, 7); NaN where packets were lost.
    #: 7 of shape (n_events, 2); True onset and offset on each channel, samples, half open.
    truth: tuple[Ints, ...]
    #: shape (n_blinks, 2); When the eyelid moves, samples: for telling false alarms apart.
    blinks: Ints


def templates(annotations: Path = ANNOTATIONS) -> tuple[list[Template], str]:
    """Read the durations and channels, or make them up where the sheet is absent.

    Returns
    -------
    (list of Template, str)
        The second says which of the two it was.
    """
    if annotations.is_file():
        real = read_annotations(annotations)
        return [Template(e.duration_ms, e.channel - 1) for e in real], "380_sort.xlsx"
    # Numbers, means and SDs that section 5.1 of the paper prints; channels are equally likely.
    rng = np.random.default_rng(0)
    made = []
    for n, mean, sd, least, most in ((233, 317, 79, 200, 500), (147, 1161, 823, 501, 6400)):
        spread = np.log1p((sd / mean) ** 2)
        drawn = rng.lognormal(np.log(mean) - spread / 2, np.sqrt(spread), n)
        made += [
            Template(int(length), int(rng.integers(N_CHANNELS)))
            for length in np.clip(drawn, least, most)
        ]
    return made, "made up: lengths from the paper's printed means and SDs, any channel"


def make(seed: int, *, every: int = 1, known: Sequence[Template] | None = None) -> list[Recording]:
    """Make the recordings of a seed: 12 with expressions, 3 without any.

    Parameters
    ----------
    seed : int
        Another seed is other faces, moments, intensities and noise.
    every : int
        Take only every so manieth recording of each quality.
    known : sequence of Template, optional
        Default is what `templates` gives.
    """
    drawn = list(templates()[0] if known is None else known)
    order = np.random.default_rng(seed).permutation(len(drawn))
    hands = [[drawn[i] for i in order[nth::12]] for nth in range(12)]
    recordings = [
        _recording(seed, nth, hand, QUALITIES[nth % 3])
        for nth, hand in enumerate(hands)
        if nth // 3 % every == 0
    ]
    return recordings + [_recording(seed, 12 + i, [], QUALITIES[i]) for i in range(3)]


def _recording(seed: int, nth: int, hand: list[Template], electrodes: Electrodes) -> Recording:
    rng = np.random.default_rng((seed, nth, 20_260))
    n_samples = round((_LENGTH_S if hand else _NEGATIVE_S) * RATE_HZ)
    truth = _placed(hand, n_samples, rng)
    samples = _muscles(truth, electrodes, n_samples, rng)
    samples += _rest(electrodes, n_samples, rng)
    samples += _surroundings(electrodes, n_samples, rng)
    blinks = _add_blinks(samples, rng)
    if nth % 4 == 1:  # one in four of each quality, and a negative
        samples[lost_rows(n_samples, 0.5, seed=seed + nth)] = np.nan
    kind = "expressions" if hand else "none"
    return Recording(f"{seed}-{nth:02d}-{kind}", electrodes.name, samples, truth, blinks)


def _placed(hand: list[Template], n_samples: int, rng: np.random.Generator) -> tuple[Ints, ...]:
    """Draw when each expression comes; one in five takes a neighbour along."""
    events: list[list[tuple[int, int]]] = [[] for _ in range(N_CHANNELS)]

    def put(channel: int, onset: int, duration: int) -> bool:
        low, high = onset - _APART, onset + duration + _APART
        free = all(high < start or stop < low for start, stop in events[channel])
        inside = round(REST_S[1] * RATE_HZ) + 500 < onset and onset + duration < n_samples - 1000
        if free and inside:
            events[channel].append((onset, onset + duration))
        return free and inside

    for one in sorted(hand, key=lambda t: -t.duration):  # the long ones find a place first
        onset = 0
        while not put(one.channel, onset, one.duration):
            onset = int(rng.integers(5000, n_samples - 1000))
        if rng.uniform() < 0.2:
            beside = int(rng.choice(_NEIGHBOURS[one.channel]))
            put(beside, onset + int(rng.integers(-80, 80)), hand[rng.integers(len(hand))].duration)
    return tuple(np.array(sorted(e), dtype=np.int64).reshape(-1, 2) for e in events)


def _muscles(
    truth: tuple[Ints, ...], electrodes: Electrodes, n_samples: int, rng: np.random.Generator
) -> Floats:
    """Make each muscle's EMG, and add what its neighbours' electrodes see of it."""
    mvc_uv = rng.lognormal(np.log(200.0), 0.4, N_CHANNELS)
    own = np.zeros((n_samples, N_CHANNELS))
    for channel, events in enumerate(truth):
        for onset, offset in events.tolist():
            peak_uv = _intensity(offset - onset, rng) / 100 * mvc_uv[channel]
            shape = _contraction(offset - onset, rng) * peak_uv
            own[onset:offset, channel] += shape
            if peak_uv > 6 * electrodes.noise_uv and rng.uniform() < 0.3:
                _add_afterglow(own[:, channel], offset, shape, rng)
    carriers = _interference(n_samples, rng)
    others = _interference(n_samples, rng)
    seen = carriers * own
    tissue = scipy.signal.butter(1, 150, fs=RATE_HZ, output="sos")
    dull = scipy.signal.sosfilt(tissue, carriers, axis=0)
    for source, neighbours in enumerate(_NEIGHBOURS):
        for channel in neighbours:
            # The same motor units seen from elsewhere: alike in part, and always by the same gain.
            gain, alike = rng.uniform(0.02, 0.12), rng.uniform(0.3, 0.8)
            wave = alike * dull[:, source] + np.sqrt(1 - alike**2) * others[:, channel]
            seen[:, channel] += gain * wave * own[:, source]
    return seen


def _intensity(duration: int, rng: np.random.Generator) -> float:
    """Draw a peak, percent of MVC, from a lognormal with table 3's mean and SD; at most 100."""
    summary = TABLE_3["MVC%"][1 if duration <= MICRO_LIMIT_MS else 0]
    spread = np.log1p((summary.sd / summary.mean) ** 2)
    return float(min(rng.lognormal(np.log(summary.mean) - spread / 2, np.sqrt(spread)), 100.0))


def _contraction(n_samples: int, rng: np.random.Generator) -> Floats:
    """Draw the course of a contraction: a rise, a hold and a slower fall, each a raised cosine."""
    rise = max(2, round(n_samples * rng.uniform(0.1, 0.3)))
    fall = max(2, round(n_samples * rng.uniform(0.2, 0.45)))
    up = 0.5 - 0.5 * np.cos(np.pi * (np.arange(rise) + 0.5) / rise)
    down = 0.5 + 0.5 * np.cos(np.pi * (np.arange(fall) + 0.5) / fall)
    return np.concatenate([up, np.ones(max(0, n_samples - rise - fall)), down])[:n_samples]


def _add_afterglow(drive: Floats, offset: int, shape: Floats, rng: np.random.Generator) -> None:
    """Let a low activity follow: 5 to 30 % of the peak, fading within 0.3 to 0.8 s."""
    n_samples = min(int(rng.integers(300, 800)), drive.size - offset)
    level = rng.uniform(0.05, 0.3) * shape.max()
    tail = level * np.sqrt(1 - np.arange(n_samples) / n_samples)
    drive[offset : offset + n_samples] = np.maximum(drive[offset : offset + n_samples], tail)
    last = np.flatnonzero(shape > level)[-1]  # it takes over where the fall comes down to it
    drive[offset - (shape.size - last) : offset] = np.maximum(shape[last:], level)


def _interference(n_samples: int, rng: np.random.Generator) -> Floats:
    """Make interference EMG of unit RMS: most of its power lies between 30 and 200 Hz."""
    sections = scipy.signal.butter(1, (30, 200), "band", fs=RATE_HZ, output="sos")
    noise = scipy.signal.sosfilt(sections, rng.normal(size=(n_samples, N_CHANNELS)), axis=0)
    return np.asarray(noise / noise.std(axis=0), dtype=np.float64)


def _rest(electrodes: Electrodes, n_samples: int, rng: np.random.Generator) -> Floats:
    """Make rest: noise whose level wanders by a tenth within some seconds."""
    knots = np.arange(0, n_samples + 8000, 4000)
    level = np.exp(0.1 * rng.normal(size=(knots.size, N_CHANNELS)))
    level *= electrodes.noise_uv * rng.lognormal(0, 0.2, N_CHANNELS)
    steps = np.arange(n_samples)
    wander = np.stack([np.interp(steps, knots, one) for one in level.T], axis=1)
    return np.asarray(wander * rng.normal(size=wander.shape), dtype=np.float64)


def _surroundings(electrodes: Electrodes, n_samples: int, rng: np.random.Generator) -> Floats:
    """Make offsets, drift, pops, and mains near 50 Hz with odd harmonics."""
    t = np.arange(n_samples)[:, np.newaxis] / RATE_HZ
    out = rng.normal(scale=5000.0, size=N_CHANNELS) + 50 * np.sin(
        2 * np.pi * (rng.uniform(0.01, 0.1, N_CHANNELS) * t + rng.uniform(size=N_CHANNELS))
    )
    mains_hz = 50 + rng.uniform(-0.05, 0.05)
    amplitude = electrodes.mains_uv * rng.lognormal(0, 0.5, N_CHANNELS)
    swell = 1 + electrodes.swing * np.sin(2 * np.pi * (rng.uniform(0.05, 0.2) * t))
    for harmonic, share in ((1, 1.0), (3, 0.3), (5, 0.1)):
        turns = harmonic * mains_hz * t + rng.uniform(size=N_CHANNELS)
        out = out + share * amplitude * swell * np.sin(2 * np.pi * turns)
    for channel in range(N_CHANNELS):
        for _ in range(rng.poisson(electrodes.pops_per_min * n_samples / RATE_HZ / 60)):
            at = int(rng.integers(n_samples))
            decay = np.exp(-np.arange(n_samples - at) / rng.uniform(20, 60))
            out[at:, channel] += rng.choice([-1, 1]) * rng.uniform(100, 500) * decay
    return np.asarray(out, dtype=np.float64)


def _add_blinks(samples: Floats, rng: np.random.Generator) -> Ints:
    """Add a blink every 4.5 s on average: the lid's slow wave, and a burst of the oculi.

    The burst leads the wave by some 10 ms and lasts 60 to 180 ms; corrugator and frontalis see a
    little of it.
    """
    moments = np.cumsum(rng.exponential(4.0, samples.shape[0] // 1500) + 0.5) * RATE_HZ
    blinks = []
    for moment in moments.tolist():
        start, width = int(moment), int(rng.uniform(150, 300))
        burst, lead = int(rng.uniform(60, 180)), int(rng.uniform(5, 20))
        if start + max(width, burst) + 1 > samples.shape[0] or start < lead:
            continue
        slow = rng.uniform(80, 250) * np.hanning(width)[:, np.newaxis]
        samples[start : start + width] += slow * _BLINK_GAIN
        fast = _interference(burst, rng)[:, 0] * rng.uniform(8, 40) * np.hanning(burst)
        begin = start - lead
        samples[begin : begin + burst, _OCULI] += fast
        samples[begin : begin + burst, :2] += fast[:, np.newaxis] * rng.uniform(0.02, 0.12, 2)
        blinks.append((begin, start + max(width, burst - lead)))
    return np.array(blinks, dtype=np.int64).reshape(-1, 2)
