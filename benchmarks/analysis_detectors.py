"""Detectors on synthetic whole recordings: ``python -m benchmarks.analysis_detectors ANNOTATIONS``.

Ours was tuned on seeds 1 and 2; here other seeds are scored. Each detector sees
the channels that hold at least one true event, one by one, as the others can take one only; ours,
too. A hit is an IoU of at least 0.5.
"""

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emgrig.analysis.paper import synthetic
from emgrig.analysis.paper.annotations import read_annotations, recordings
from emgrig.analysis.signal.filters import Floats, Ints
from emgrig.analysis.spotting.casmemg import casmemg_code
from emgrig.analysis.spotting.detector import DetectorSettings, double_threshold
from emgrig.analysis.spotting.scoring import EventScores, score_events

SEEDS = (201, 202)
EVERY = 16
Detector = Callable[[Floats], Ints]

ANNOTATIONS = Path("../shared/data/casmemg/380_sort.xlsx")


def ours(x: Floats) -> Ints:
    return double_threshold(x, 1000.0, settings=DetectorSettings(mains_hz=50.0))[0]


def ours_without_mains(x: Floats) -> Ints:
    return double_threshold(x, 1000.0)[0]


def casmemg(x: Floats) -> Ints:
    found = casmemg_code(x)
    return found[found[:, 1] > found[:, 0]]


def neurokit(method: str) -> Detector:
    """Return a NeuroKit2 method as its documentation calls it, defaults and all."""
    import neurokit2 as nk

    def detect(x: Floats) -> Ints:
        cleaned = nk.emg_clean(x, sampling_rate=1000)
        amplitude = nk.emg_amplitude(cleaned)
        activity, _ = nk.emg_activation(
            emg_amplitude=amplitude, emg_cleaned=cleaned, sampling_rate=1000, method=method
        )
        active = activity["EMG_Activity"].to_numpy().astype(np.int8)
        edges = np.flatnonzero(np.diff(active, prepend=0, append=0))
        return edges.reshape(-1, 2).astype(np.int64)

    return detect


def bench(annotations: Path) -> dict[str, EventScores | str]:
    """Score every detector; one that fails is named with its error."""
    groups = list(recordings(read_annotations(annotations)).values())[2::EVERY]
    faces = [synthetic.recording(g, seed=seed) for seed in SEEDS for g in groups]
    tools: dict[str, Detector] = {
        "double_threshold (ours)": ours,
        "the same, mains left in": ours_without_mains,
        "casmemg_code": casmemg,
        **{f"NeuroKit2 {m}": neurokit(m) for m in ("threshold", "mixture", "biosppy", "silva")},
    }
    scores: dict[str, EventScores | str] = {}
    for name, tool in tools.items():
        start = time.perf_counter()
        try:
            scored = [pair for face in faces for pair in _scored(face, tool)]
            scores[name] = score_events(scored)
        except (ValueError, IndexError, TypeError) as error:
            scores[name] = f"{type(error).__name__}: {error}"
        _show(name, scores[name], time.perf_counter() - start)
    return scores


def _scored(
    face: synthetic.SyntheticRecording, tool: Detector
) -> list[tuple[Floats, Floats, float]]:
    length_s = face.samples_uv.shape[0] / synthetic.RATE_HZ
    return [
        (tool(face.samples_uv[:, c]) / 1000, true / 1000, length_s)
        for c, true in enumerate(face.events)
        if len(true)
    ]


def _show(name: str, score: EventScores | str, seconds: float) -> None:
    if isinstance(score, str):
        print(f"  {name:26s} failed: {score}", flush=True)
        return
    print(
        f"  {name:26s} IoU {score.mean_iou:.3f}  recall {score.recall:.3f}  "
        f"precision {score.precision:.3f}  false/min {score.false_alarms_per_min:6.2f}  "
        f"onset {1000 * score.onset_bias_s:+4.0f} offset {1000 * score.offset_bias_s:+4.0f} ms  "
        f"n {score.n_true}/{score.n_detected}  {seconds:.0f} s",
        flush=True,
    )


def main() -> bool:
    """Print the table; return whether ours leads in each figure.

    The annotations, 380_sort.xlsx of CASMEMG, may be named on the command line.
    """
    annotations = Path(sys.argv[1]) if len(sys.argv) > 1 else ANNOTATIONS
    if not annotations.is_file():
        print(f"left out: {annotations} is not there")
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = bench(annotations)
    mine = scores.pop("double_threshold (ours)")
    scores.pop("the same, mains left in")
    others = [s for s in scores.values() if isinstance(s, EventScores)]
    assert isinstance(mine, EventScores)
    leads = True
    for figure in ("mean_iou", "recall", "precision"):
        best = max(np.nan_to_num(getattr(s, figure)) for s in others)
        leads &= getattr(mine, figure) > best
        print(f"  {figure}: ours {getattr(mine, figure):.3f}, the best other {best:.3f}")
    fewest = min(s.false_alarms_per_min for s in others if s.n_detected)
    leads &= mine.false_alarms_per_min < fewest
    print(
        f"  false alarms a minute: ours {mine.false_alarms_per_min:.2f}, others from {fewest:.2f}"
    )
    return bool(leads)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
