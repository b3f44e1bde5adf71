"""Record, and open the file with MNE: labels, units, gaps. Needs MNE (`pip install mne`)."""

import tempfile
from pathlib import Path

import mne

import emgrig
from emgrig.recording.recorder import record

with emgrig.plain_errors(), tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "smile.bdf"
    with emgrig.connect("sim:fault=packets-lost:rate=0.03") as board:
        board.apply("facial-emg")
        record(board, path, duration_s=3.0, profile="facial-emg")
    raw = mne.io.read_raw_bdf(path, verbose="error")
    print(raw.ch_names, raw.info["sfreq"], "Hz")
    for note in raw.annotations:
        print(f"{note['onset']:.3f} s: {note['description']}")
    assert any(note["description"].startswith("BAD_gap") for note in raw.annotations)
