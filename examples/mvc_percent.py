"""MVC% of a recording opened with MNE. Needs MNE (`pip install mne`).

`python mvc_percent.py FILE.bdf` takes a recording; without one, a simulated face is recorded.
The reference here is the peak of each channel in the file itself. A real one is a contraction that
was asked for: give `mvc_uv` the envelope of each of its repetitions.
"""

import sys
import tempfile
from pathlib import Path

import mne
import numpy as np

import emgrig
from emgrig.analysis.signal.filters import envelope
from emgrig.analysis.signal.indicators import mvc_percent, mvc_uv
from emgrig.recording.recorder import record


def show_mvc_percent(path: Path) -> None:
    raw = mne.io.read_raw_bdf(path, verbose="error")
    rate_hz = raw.info["sfreq"]
    with_gaps = raw.get_data(reject_by_annotation="NaN", verbose="error")  # NaN in gaps and padding
    emg_uv = with_gaps.T * 1e6
    for name, channel_uv in zip(raw.ch_names, envelope(emg_uv, rate_hz).T, strict=True):
        reference_uv = mvc_uv([channel_uv], rate_hz)
        median = mvc_percent(float(np.nanmedian(channel_uv)), reference_uv)
        print(f"{name:16}  reference {reference_uv:6.1f} uV  median {median:5.1f} % of it")


with emgrig.plain_errors():
    if len(sys.argv) > 1:
        show_mvc_percent(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder, emgrig.connect("sim:face") as board:
            board.apply("facial-emg")
            record(board, Path(folder) / "face.bdf", duration_s=20.0, profile="facial-emg")
            show_mvc_percent(Path(folder) / "face.bdf")
