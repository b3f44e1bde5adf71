#!/bin/sh
# signal_filter(method="powerline", powerline=50) is to take mains hum away. One would guess a notch: 50 Hz
# goes, perhaps its harmonics, the rest stays. In neurokit2 0.3.0 it is a moving average over one
# period of the mains, a low-pass: 25 Hz comes out at 41 %, 80 Hz at 4 %. Of EMG, here noise from 20 to
# 450 Hz, 7 % is left, so that a contraction looks like rest. The output is smooth, hum is gone, and nothing
# is said.
# Instead: scipy.signal.iirnotch, or a band-stop of one's own; keep "powerline" for slow signals (EDA).
#
# Output seen:
#     neurokit2 0.3.0
#     powerline, sines of 10, 25, 50, 80 Hz: [0.88, 0.41, 0.0, 0.04]
#     iirnotch of scipy 1.17.1: [1.0, 1.0, 0.0, 1.0]
#     EMG between 20 and 450 Hz: powerline leaves 0.07 of its RMS, iirnotch 1.00
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q neurokit2==0.3.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 scikit-learn==1.9.1
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import neurokit2
import numpy as np
import scipy.signal

RATE = 1000
MIDDLE = slice(2 * RATE, -2 * RATE)
seconds = np.arange(20 * RATE) / RATE
notch = scipy.signal.iirnotch(50, 30, RATE)


def powerline(values):
    return neurokit2.signal_filter(values, sampling_rate=RATE, method="powerline", powerline=50)


def iirnotch(values):
    return scipy.signal.filtfilt(*notch, values)


def share(values, way):
    return round(float(np.std(way(values)[MIDDLE]) / np.std(values[MIDDLE])), 2)


print("neurokit2", version("neurokit2"))
sines = [np.sin(2 * np.pi * hertz * seconds) for hertz in (10, 25, 50, 80)]
by_powerline = [share(sine, powerline) for sine in sines]
by_notch = [share(sine, iirnotch) for sine in sines]
print("powerline, sines of 10, 25, 50, 80 Hz:", by_powerline)
print(f"iirnotch of scipy {version('scipy')}:", by_notch)
band = scipy.signal.butter(4, (20, 450), "bandpass", fs=RATE, output="sos")
emg = scipy.signal.sosfilt(band, np.random.default_rng(0).standard_normal(20 * RATE))
left, kept = share(emg, powerline), share(emg, iirnotch)
print(f"EMG between 20 and 450 Hz: powerline leaves {left:.2f} of its RMS, iirnotch {kept:.2f}")
sys.exit(
    not np.allclose(by_powerline, [0.88, 0.41, 0, 0.04], atol=0.02)
    or not np.allclose(by_notch, [1, 1, 0, 1], atol=0.02)
    or left > 0.2
    or kept < 0.95
)
PY
