#!/bin/sh
# The column EMG_Amplitude of emg_process is called the amplitude, "the linear envelope of the signal".
# One would guess that twice the EMG gives twice the amplitude. In neurokit2 0.3.0 it is the envelope
# of the Teager-Kaiser energy, so it goes with the square: half the EMG gives 25 %, EMG in millivolts
# instead of microvolts gives a millionth, and per cent of MVC computed from it are squared (a
# contraction of 30 % is reported as 9 %). It also depends on the sampling rate: the same EMG
# sampled at 2000 Hz gives 60 % of what it gives at 1000 Hz.
# Instead: for amplitudes take RMS or a rectified mean of EMG_Clean; use EMG_Amplitude only to find
# when a muscle was active.
#
# Output seen:
#     neurokit2 0.3.0
#     half the EMG: 25.0 % of the amplitude; 30 %: 9.0 %
#     the same EMG sampled at 2000 instead of 1000 Hz: 60 %
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q neurokit2==0.3.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

import neurokit2
import numpy as np

warnings.simplefilter("ignore")


def amplitude(emg, rate):
    columns, _ = neurokit2.emg_process(emg, sampling_rate=rate)
    return float(columns["EMG_Amplitude"].iloc[rate:-rate].mean())


rng = np.random.default_rng(0)
rate, count = 2000, 40000
frequency = np.fft.rfftfreq(count, 1 / rate)
spectrum = np.fft.rfft(rng.standard_normal(count))
spectrum[(frequency < 20) | (frequency > 400)] = 0
emg = np.fft.irfft(spectrum)  # 20 to 400 Hz, so every second sample holds all of it
print("neurokit2", version("neurokit2"))
full = amplitude(emg[::2], 1000)
half, third = (amplitude(part * emg[::2], 1000) / full for part in (0.5, 0.3))
print(f"half the EMG: {100 * half:.1f} % of the amplitude; 30 %: {100 * third:.1f} %")
faster = amplitude(emg, 2000) / full
print(f"the same EMG sampled at 2000 instead of 1000 Hz: {100 * faster:.0f} %")
sys.exit(abs(half - 0.25) > 1e-6 or abs(third - 0.09) > 1e-6 or not 0.5 < faster < 0.7)
PY
