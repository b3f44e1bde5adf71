"""The envelope beside what a user would otherwise take: ``python -m benchmarks.analysis_envelope``.

Eight channels of a million samples; every figure is a ratio to bare ``scipy.signal.sosfiltfilt``
(band-pass, abs, low-pass; the faster of two memory layouts) of the same run.
"""

import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from scipy import signal

from emgrig.analysis.signal.filters import Floats, envelope

LIMIT = 1.15


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


def measure(tools: Mapping[str, Callable[[Floats], Floats]], rounds: int) -> dict[str, float]:
    """Return each tool's median time, s; the tools take turns so that all see the same machine."""
    samples = np.random.default_rng(0).normal(scale=2, size=(1_000_000, 8)) + 500.0
    times: dict[str, list[float]] = {name: [] for name in tools}
    for turn in range(rounds + 1):
        for name, tool in tools.items():
            start = time.perf_counter()
            tool(samples)
            if turn:  # the first turn warms up
                times[name].append(time.perf_counter() - start)
    return {name: float(np.median(some)) for name, some in times.items()}


def main(rounds: int = 5) -> bool:
    """Print the ratios; return whether ours stays within its limit."""
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
    base = min(medians["bare sosfiltfilt"], medians["bare, contiguous"])
    print("envelope of 8 channels x 1e6 samples, 20-450 Hz and 6 Hz, zero phase")
    for name, seconds in medians.items():
        print(f"  {name:18s} {seconds:6.3f} s   {seconds / base:5.2f} x bare")
    ok = medians["emgrig"] <= LIMIT * base
    print(f"  limit for emgrig: {LIMIT} x bare: {'held' if ok else 'BROKEN'}")
    return ok


def _ours(samples: Floats) -> Floats:
    return envelope(samples, 1000.0)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
