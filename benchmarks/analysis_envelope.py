"""The envelope beside what a user would otherwise take: ``python -m benchmarks.analysis_envelope``.

Eight channels of a million samples; every figure is a ratio to bare ``scipy.signal.sosfiltfilt``
(band-pass, abs, low-pass; the faster of two memory layouts) of the same run: by the clock, where
ours has as many threads as there are cores, and in processor time, which counts all threads.
All in double precision: in single, an envelope at rest (2 uV) on an electrode's offset of 100 mV is
wrong by 1e-2 of itself, and by 1e-4 if the offset is taken off first; results are held to 1e-10.
"""

import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from scipy import signal

from benchmarks._figures import figure
from emgrig.analysis.signal.filters import Floats, envelope

#: Of the clock on two cores, and of processor time.
GOAL, GOAL_PROCESSOR = 0.45, 0.9


def bare(samples: Floats) -> Floats:
    band = signal.butter(2, (20, 450), "band", fs=1000, output="sos")
    low = signal.butter(2, 6, fs=1000, output="sos")
    banded = signal.sosfiltfilt(band, samples, axis=0)
    out: Floats = signal.sosfiltfilt(low, np.abs(banded), axis=0)
    return out


def bare_contiguous(samples: Floats) -> Floats:
    """Filter with each channel's samples side by side in memory, where scipy is faster."""
    return bare_rows(np.ascontiguousarray(samples.T)).T


def bare_rows(rows: Floats) -> Floats:
    band = signal.butter(2, (20, 450), "band", fs=1000, output="sos")
    low = signal.butter(2, 6, fs=1000, output="sos")
    out: Floats = signal.sosfiltfilt(low, np.abs(signal.sosfiltfilt(band, rows)))
    return out


def neurokit(samples: Floats) -> Floats:
    import neurokit2 as nk

    columns = []
    for x in samples.T:
        banded = nk.signal_filter(x, 1000, 20, 450, method="butterworth", order=2)
        columns.append(nk.signal_filter(np.abs(banded), 1000, highcut=6, order=2))
    return np.stack(columns, axis=1)


def mne_chain(samples: Floats) -> Floats:
    import mne

    information = mne.create_info(samples.shape[1], 1000.0, "emg")
    raw = mne.io.RawArray(samples.T, information, copy="both", verbose="error")
    settings = {"order": 2, "ftype": "butter"}
    raw.filter(20, 450, picks="all", method="iir", iir_params=dict(settings), verbose="error")
    raw.apply_function(np.abs, picks="all", channel_wise=False)
    raw.filter(None, 6, picks="all", method="iir", iir_params=dict(settings), verbose="error")
    return np.asarray(raw.get_data().T, dtype=np.float64)


def measure(
    tools: Mapping[str, Callable[[Floats], Floats]], rounds: int
) -> dict[str, tuple[float, float]]:
    """Return each tool's median time by the clock and of the processor, s; they take turns."""
    samples = np.random.default_rng(0).normal(scale=2, size=(1_000_000, 8)) + 500.0
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in tools}
    for turn in range(rounds + 1):
        for name, tool in tools.items():
            start, used = time.perf_counter(), time.process_time()
            tool(samples)
            taken = time.perf_counter() - start, time.process_time() - used
            if turn:  # the first turn warms up
                times[name].append(taken)
    medians = {name: np.median(some, axis=0).tolist() for name, some in times.items()}
    return {name: (wall, used) for name, (wall, used) in medians.items()}


def main(rounds: int = 5) -> None:
    """Print the ratios."""
    tools = {
        "bare sosfiltfilt": bare,
        "bare, contiguous": bare_contiguous,
        "emgrig": _ours,
        "NeuroKit2": neurokit,
        "MNE": mne_chain,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        medians = measure(tools, rounds)
    base = [min(medians[name][i] for name in list(tools)[:2]) for i in (0, 1)]
    print("envelope of 8 channels x 1e6 samples, 20-450 Hz and 6 Hz, zero phase")
    for name, (wall_s, used_s) in medians.items():
        print(
            f"  {name:18s} {wall_s:6.3f} s   {wall_s / base[0]:5.2f} x bare"
            f"   {used_s:6.3f} s of processor time   {used_s / base[1]:5.2f} x bare"
        )
    wall_s, used_s = medians["emgrig"]
    figure("envelope / bare sosfiltfilt, by the clock", wall_s / base[0], at_most=GOAL)
    ratio = used_s / base[1]
    figure("envelope / bare sosfiltfilt, processor time", ratio, at_most=GOAL_PROCESSOR)


def _ours(samples: Floats) -> Floats:
    return envelope(samples, 1000.0)


if __name__ == "__main__":
    main()
