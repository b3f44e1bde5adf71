#!/bin/sh
# BrainVision files say for each channel by what its numbers are multiplied, the resolution. One would guess
# that all readers do so, whatever the numbers are kept in. neo 0.14.6 does for integers only; floats are
# taken as they are. pybv 0.8.1, and mne through it, writes floats with a resolution of 0.1 uV when
# nothing else is asked for: 50 uV of EMG are kept as 500, and neo gives 500 uV. mne reads 50. A factor of
# ten is no error message, and 500 uV of EMG are believed. The same recording written as int16 comes out
# right.
# Instead: write with fmt="binary_int16", or resolution=1 (pybv's write_brainvision); or divide what
# neo gives: compare with the third field of "Ch1=" in the .vhdr.
#
# Output seen:
#     mne 1.13.2
#     neo 0.14.6
#     pybv 0.8.1
#     binary_float32: Ch1=EMG,,0.1,µV: 50 uV, mne reads 50 uV, neo 500 uV
#     binary_int16: Ch1=EMG,,0.1,µV: 50 uV, mne reads 50 uV, neo 50 uV
#     exported by mne: Ch1=EMG,,0.1,µV: 50 uV, mne reads 50 uV, neo 500 uV
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
volts = np.full((1, 1000), 50e-6)
seen = []


def compare(what, path):
    (channel,) = (
        line
        for line in Path(path).read_text(encoding="utf-8").splitlines()
        if line.startswith("Ch1=")
    )
    by_mne = round(mne.io.read_raw_brainvision(path).get_data()[0, 0] * 1e6)
    signal = neo.io.BrainVisionIO(path).read_block().segments[0].analogsignals[0]
    by_neo = round(float(signal[0, 0].rescale("uV")))
    seen.append((by_mne, by_neo))
    print(f"{what}: {channel}: 50 uV, mne reads {by_mne} uV, neo {by_neo} uV")


for fmt in ("binary_float32", "binary_int16"):
    pybv.write_brainvision(
        data=volts, sfreq=1000, ch_names=["EMG"], fname_base=fmt, folder_out=".", fmt=fmt
    )
    compare(fmt, fmt + ".vhdr")
raw = mne.io.RawArray(volts, mne.create_info(["EMG"], 1000.0, "emg"))
mne.export.export_raw("export.vhdr", raw)
compare("exported by mne", "export.vhdr")
sys.exit(seen != [(50, 500), (50, 50), (50, 500)])
PY
