"""The published parameter search, 4500 sets on 380 clips: ``python -m benchmarks.analysis_grid``.

The clips are synthetic (the recordings are not public) and 1.2 to 7 s long.
"""

import time

import numpy as np

from benchmarks._figures import figure
from emgrig.analysis.signal.filters import Floats, Ints
from emgrig.analysis.spotting.casmemg import casmemg_code
from emgrig.analysis.spotting.grid import Grid, search
from emgrig.analysis.spotting.scoring import score_as_paper, score_clips, trivial_answer


def clips(n: int = 380, seed: int = 0) -> tuple[list[Floats], Ints]:
    """Make clips of rest with one burst, 0.5 s from each end."""
    rng = np.random.default_rng(seed)
    some, truth = [], []
    for length in rng.integers(1200, 7000, size=n):
        x = rng.normal(scale=2, size=length)
        x[500 : length - 500] *= 1 + rng.lognormal(1.5, 0.7) * np.hanning(length - 1000)
        some.append(x)
        truth.append((500, length - 500))
    return some, np.array(truth)


def main() -> None:
    """Print the times and what is found."""
    some, truth = clips()
    print(f"{Grid().size} parameter sets on {len(some)} clips of 1.2-7 s")
    times = []
    for jobs in (1, 2):
        start = time.perf_counter()
        found = search(some, truth, n_jobs=jobs)
        seconds = time.perf_counter() - start
        times.append(seconds)
        print(f"  {jobs} job(s): {seconds:6.2f} s")
    start = time.perf_counter()
    for x in some[:38]:
        casmemg_code(x)
    each = (time.perf_counter() - start) / 38
    whole = each * len(some) * Grid().size
    print(f"  set by set, filtering each time: {whole:6.0f} s (from {each * 1e3:.2f} ms a clip)")
    best = max(found.detected, key=lambda row: score_clips(row, truth).mean_iou)
    lengths = np.array([x.size for x in some])
    for name, row in (("best of the grid", best), ("trivial answer", trivial_answer(lengths))):
        paper, ours = score_as_paper(row, truth), score_clips(row, truth)
        print(
            f"  {name:18s} overlap {paper.mean_overlap:.3f}  P {paper.share_above_half:.3f}  "
            f"true IoU {ours.mean_iou:.3f}"
        )
    figure("4500 parameter sets on 380 clips", min(times), "s", at_most=20)
    figure("set by set, filtering each time / ours", whole / min(times))


if __name__ == "__main__":
    main()
