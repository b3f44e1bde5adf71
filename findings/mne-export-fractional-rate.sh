#!/bin/sh
# The measured rate of a board is seldom a whole number (999.9 Hz), and mne exports such recordings to EDF and
# BDF. One would guess that any length can be exported: at a whole rate mne fills up the last record, with
# a warning. mne 1.13.2 fills up for whole rates only. At 999.9 or 62.5 Hz each record has floor(rate)
# samples, and a recording that is no multiple of that raises "not exactly divisible by
# data_record_duration" after all else was done: 10 s at 62.5 Hz fail, 620 samples (9.92 s) work. Tests
# with 1000 Hz never see it.
# Instead: cut or fill the recording to a multiple of floor(rate) samples before export_raw, as this
# script shows, or resample to a whole rate.
#
# Output seen:
#     mne 1.13.2 edfio 0.4.18
#     1000.0 Hz, 10000 samples: 10000 samples read back
#     1000.0 Hz, 10007 samples: 11000 samples read back
#     1000.0 Hz, 10000 samples: 10000 samples read back
#     999.9 Hz, 9999 samples: _Signal duration of 10.000000900901s is not exactly divisible by data_record_duration of 0.9991s
#     999.9 Hz, 9997 samples: _Signal duration of 9.998000700701s is not exactly divisible by data_record_duration of 0.9991s
#     999.9 Hz, 9990 samples: 9990 samples read back
#     62.5 Hz, 625 samples: _Signal duration of 10.0s is not exactly divisible by data_record_duration of 0.992s
#     62.5 Hz, 627 samples: _Signal duration of 10.032s is not exactly divisible by data_record_duration of 0.992s
#     62.5 Hz, 620 samples: 620 samples read back
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q mne==1.13.2 edfio==0.4.18 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import math
import sys
import warnings
from importlib.metadata import version

import mne
import numpy as np

warnings.simplefilter("ignore")
mne.set_log_level("error")


def exported(rate, count):
    samples = 1e-5 * np.random.default_rng(0).standard_normal((1, count))
    raw = mne.io.RawArray(samples, mne.create_info(["EMG"], rate, "emg"))
    try:
        mne.export.export_raw("emg.bdf", raw, overwrite=True)
    except ValueError as error:
        return str(error)
    return int(mne.io.read_raw_bdf("emg.bdf").n_times)


print("mne", version("mne"), "edfio", version("edfio"))
seen = []
for rate in (1000.0, 999.9, 62.5):
    whole = 10 * math.floor(rate)
    for count in (int(10 * rate), whole + 7, whole):
        seen.append(exported(rate, count))
        told = f"{seen[-1]} samples read back" if isinstance(seen[-1], int) else seen[-1]
        print(f"{rate} Hz, {count} samples: {told}")
refused = ["not exactly divisible" in str(result) for result in seen]
sys.exit(refused != [False] * 3 + [True, True, False] * 2)
PY
