#!/bin/sh
# DataFilter.write_file is BrainFlow's way to keep a recording, and read_file reads it. One would
# guess that a float64 array comes back nearly as it was. BrainFlow 5.23.0 writes every number
# with six decimals, not six digits. In microvolts that is fine (24-bit codes come back), but scaled to
# volts, as mne and BIDS want it, every sample is rounded to 1 uV: a muscle at rest (0.1 uV RMS
# here) becomes zeros, a weak contraction becomes steps. Nothing is said.
# Instead: write what the board gave (uV) and scale after reading, or use numpy.save.
#
# Output seen:
#     brainflow 5.23.0
#     EMG at rest of 0.100 uV RMS, 30 different values
#     written in uV: all codes come back: True
#     written in V: all samples zero: True
#     written [1.234567e-05, -4.6e-06, 4e-07] V, read [1.2e-05, -5e-06, 0.0]
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q brainflow==5.23.0 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from brainflow import DataFilter

code_uv = 4.5 / 24 / 2**23 * 1e6  # one code of a 24-bit board at gain 24
rest_uv = code_uv * np.round(0.1 * np.random.default_rng(0).standard_normal((1, 2000)) / code_uv)


def kept(values):
    DataFilter.write_file(values, "rest.csv", "w")
    return DataFilter.read_file("rest.csv")


print("brainflow", version("brainflow"))
codes_back = bool(np.array_equal(np.round(kept(rest_uv) / code_uv), np.round(rest_uv / code_uv)))
volts = kept(rest_uv * 1e-6)
print(f"EMG at rest of {rest_uv.std():.3f} uV RMS, {len(np.unique(rest_uv))} different values")
print("written in uV: all codes come back:", codes_back)
print("written in V: all samples zero:", not volts.any())
burst = np.array([[1.234567e-5, -4.6e-6, 0.4e-6]])
print("written", burst[0].tolist(), "V, read", kept(burst)[0].tolist())
sys.exit(not codes_back or volts.any() or kept(burst)[0].tolist() != [1.2e-5, -5e-6, 0.0])
PY
