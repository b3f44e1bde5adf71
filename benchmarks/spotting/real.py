"""Real recordings have no truth here: what can be checked without it, and no more.

*Stability*: 20 times, noise of a fifth of the rest level is added and every channel gets another
gain (0.5 to 2); how well does an answer agree with that to the recording itself? *Halves*: each
half is searched by itself; how well does that agree with the whole? Agreement is F1 at IoU 0.5. A
detector that finds nothing, or everything, would agree with itself: so the number of events stands
beside it. Neither says that an event is an expression.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy

from benchmarks.spotting.detectors import Detect, our_front_end
from emgrig.analysis.signal.filters import Floats, Ints, smooth
from emgrig.analysis.signal.indicators import rest_level
from emgrig.analysis.signal.quality import assess
from emgrig.analysis.spotting.scoring import intersection_over_union
from emgrig.reading import open_recording

FOLDER = Path(__file__).resolve().parents[2] / "tests/data/recordings"
N_RESAMPLINGS = 20
#: Name, path, rate where the file does not say it, channels that are EMG.
_RECORDINGS = (
    ("face, BIOPAC", "countenance_facial/femg_raw_exported_sample.txt.gz", None, (0, 1)),
    ("speech, Cyton", "subvocal_cyton_face/P008_F_Sim.csv.gz", 250.0, (0, 1, 2, 3)),
    ("silence, Cyton", "subvocal_cyton_face/P006_S_Sim.csv.gz", 250.0, (0, 1, 2, 3)),
    ("gait, thigh", "uci_lower_limb/3Amar.txt.gz", 1000.0, (0, 1, 2, 3)),
)


@dataclass(frozen=True)
class RealRecording:
    """A recording without truth."""

    name: str
    samples_uv: Floats  #: shape (n_samples, n_channels)
    rate_hz: float
    mains_hz: float  #: That was found in it, else 50 Hz.


@dataclass(frozen=True)
class RealRow:
    """How an answer agrees with itself; NaN where nothing was found."""

    recording: str
    seconds: float
    n_events: int
    stability: tuple[float, float]  #: Median and lowest of 20.
    halves: float


def read_all() -> list[RealRecording]:
    """Read the recordings that came with the checkout, without channels that are no EMG."""
    found = []
    for name, path, rate_hz, channels in _RECORDINGS:
        if (FOLDER / path).is_file():
            one = open_recording(FOLDER / path, rate_hz=rate_hz)
            samples = one.matrix(channels)
            quality = assess(samples, one.rate_hz)
            mains_hz = [q.mains_hz for q in quality if np.isfinite(q.mains_hz)]
            good = [not q.reject for q in quality]
            hz = mains_hz[0] if mains_hz else 50.0
            found.append(RealRecording(name, samples[:, good], float(one.rate_hz), hz))
    return found


def check(detect: Detect, recording: RealRecording) -> RealRow:
    """Run one detector on one recording as it is, resampled, and in halves.

    The first second is declared as rest, since nobody knows better.
    """
    samples, rate_hz = recording.samples_uv, recording.rate_hz
    rng = np.random.default_rng(20)
    whole = detect(samples, rate_hz, (0.0, 1.0))
    rectified = np.abs(our_front_end(samples, rate_hz, recording.mains_hz))
    noise = 0.2 * 1.25 * rest_level(smooth(rectified, rate_hz), rate_hz)  # 1.25: RMS over mean
    agreements = []
    for _ in range(N_RESAMPLINGS):
        gain = np.exp(rng.uniform(-np.log(2), np.log(2), samples.shape[1]))
        other = gain * (samples + noise * rng.normal(size=samples.shape))
        agreements.append(agreement(whole, detect(other, rate_hz, (0.0, 1.0))))
    middle = samples.shape[0] // 2
    first = detect(samples[:middle], rate_hz, (0.0, 1.0))
    second = [e + middle for e in detect(samples[middle:], rate_hz, (0.0, 1.0))]
    joined = [np.concatenate(pair) for pair in zip(first, second, strict=True)]
    return RealRow(
        recording.name,
        samples.shape[0] / rate_hz,
        sum(len(e) for e in whole),
        (float(np.median(agreements)), float(np.min(agreements))),
        agreement(whole, joined),
    )


def agreement(one: Sequence[Ints], other: Sequence[Ints]) -> float:
    """Return F1 at IoU 0.5 of two answers over all channels; NaN if both are empty."""
    hits = total = 0
    for a, b in zip(one, other, strict=True):
        total += len(a) + len(b)
        if len(a) and len(b):
            iou = intersection_over_union(a, b)
            pairs = scipy.optimize.linear_sum_assignment(iou, maximize=True)
            hits += int((iou[pairs] >= 0.5).sum())
    return 2 * hits / total if total else float("nan")
