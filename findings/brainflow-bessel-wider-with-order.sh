#!/bin/sh
# A Bessel low-pass keeps the shape of an EMG envelope, so one takes it with a corner and an order. One would
# guess that a higher order cuts more above the corner, as with Butterworth. In BrainFlow 5.23.0 it cuts
# less: at 200 Hz, twice the corner here, order 2 leaves 43 % of a sine, order 4 68 %, order 8 84 %. The corner given is the one of the delay at 0 Hz, so that the filter opens with its
# order; scipy.signal.bessel, with the same two numbers, leaves 0.1 % at order 8, and
# Butterworth of BrainFlow 0.2 %. Whoever raises the order to be safe gets more noise.
# Instead: use Butterworth, or filter with scipy (norm="mag" puts the corner at -3 dB).
#
# Output seen:
#     brainflow 5.23.0
#     share of a sine of 200 Hz behind a low-pass of 100 Hz
#     order 1: Bessel 0.408, Butterworth 0.408, Bessel of scipy 1.17.1 0.408
#     order 2: Bessel 0.429, Butterworth 0.196, Bessel of scipy 1.17.1 0.180
#     order 4: Bessel 0.676, Butterworth 0.040, Bessel of scipy 1.17.1 0.036
#     order 8: Bessel 0.845, Butterworth 0.002, Bessel of scipy 1.17.1 0.001
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q brainflow==5.23.0 scipy==1.17.1 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import scipy.signal
from brainflow import DataFilter, FilterTypes

RATE, CORNER, HERTZ = 1000, 100.0, 200


def share(kind, order):
    sine = np.sin(2 * np.pi * HERTZ * np.arange(10 * RATE) / RATE)
    DataFilter.perform_lowpass(sine, RATE, CORNER, order, kind.value, 0)
    return float(np.sqrt(2) * np.std(sine[5 * RATE :]))  # settled by then


print("brainflow", version("brainflow"))
print("share of a sine of 200 Hz behind a low-pass of 100 Hz")
seen = []
for order in (1, 2, 4, 8):
    bessel, butter = (share(kind, order) for kind in (FilterTypes.BESSEL, FilterTypes.BUTTERWORTH))
    sos = scipy.signal.bessel(order, CORNER, fs=RATE, output="sos")
    other = float(abs(scipy.signal.sosfreqz(sos, [HERTZ], fs=RATE)[1][0]))
    print(
        f"order {order}: Bessel {bessel:.3f}, Butterworth {butter:.3f},"
        f" Bessel of scipy {version('scipy')} {other:.3f}"
    )
    seen.append((bessel, butter, other))
wrong = not np.allclose([row[0] for row in seen], [0.408, 0.429, 0.676, 0.845], atol=0.01)
sys.exit(bool(wrong or max(seen[-1][1:]) > 0.01))
PY
