#!/bin/sh
# BrainVision counts the samples of markers from 1. One would guess that a reader which gives times takes
# that away, as mne 1.13.2 does. neo 0.14.6 does not: every event is one sample late, 4 ms at 250 Hz, and
# the edge of a trigger channel lies before its own marker. A stimulus at the first sample is not at 0 s.
# And a channel without a unit, which the format allows and means microvolts, comes in "u": the atomic mass
# unit, so that rescaling it to volts is refused.
# Instead: take one sample from the times of neo's events; set the units of such channels by hand.
#
# Output seen:
#     mne 1.13.2
#     neo 0.14.6
#     pybv 0.8.1
#     edge and marker were written at sample 400 of 250 Hz, 1.600 s
#     edge: 1.600 s by mne, 1.600 s by neo
#     marker: 1.600 s by mne, 1.604 s by neo
#     channel without a unit, simplified: mne V, neo kg
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q mne==1.13.2 neo==0.14.6 pybv==0.8.1 quantities==0.16.4 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

import mne
import neo
import numpy as np
import pybv

mne.set_log_level("error")
for name in ("mne", "neo", "pybv"):
    print(name, version(name))
RATE = 250
edge = np.where(np.arange(1000) < 400, 0.0, 100e-6)[np.newaxis]
pybv.write_brainvision(
    data=edge, sfreq=RATE, ch_names=["EMG"], fname_base="a", folder_out=".", fmt="binary_int16",
    events=[{"onset": 400, "duration": 1, "description": 1, "type": "Stimulus"}],
)  # fmt: skip
raw = mne.io.read_raw_brainvision("a.vhdr")
(segment,) = neo.io.BrainVisionIO("a.vhdr").read_block().segments
(signal,) = segment.analogsignals
edges = [
    raw.times[np.argmax(raw.get_data()[0] > 50e-6)],
    float(signal.times[np.argmax(signal.magnitude[:, 0] > 50)].rescale("s")),
]
marker = [float(raw.annotations.onset[0]), float(segment.events[0].times[0].rescale("s"))]
print("edge and marker were written at sample 400 of 250 Hz, 1.600 s")
print("edge: %.3f s by mne, %.3f s by neo" % tuple(edges))
print("marker: %.3f s by mne, %.3f s by neo" % tuple(marker))
head = Path("a.vhdr").read_text(encoding="utf-8")
Path("b.vhdr").write_text(head.replace(",0.1,µV", ",0.1"), encoding="utf-8")
right = np.isclose(mne.io.read_raw_brainvision("b.vhdr").get_data().max(), 100e-6)
units = neo.io.BrainVisionIO("b.vhdr").read_block().segments[0].analogsignals[0].units
unit = str(units.dimensionality.simplified)
print("channel without a unit, simplified: mne", "V" if right else "?", "neo", unit, sep=" ")
sys.exit(
    not np.allclose(edges, 1.6) or not np.allclose(marker, [1.6, 1.604]) or not right or unit != "kg"
)
PY
