#!/bin/sh
# solnik_onset_detector finds when a muscle begins and ends to be active. Its threshold is a number of standard
# deviations of a rest that one gives it, so one would guess that it does not matter whether the EMG is in
# volts, millivolts or microvolts. In biosppy 2.2.4 it does: the signal that is compared is the
# Teager-Kaiser energy, which is squared, and the mean and standard deviation are those of the rest as it is, which are
# not. The same recording gives no mark at all in millivolts, about the burst in microvolts, and marks all
# over in nanovolts. hodges_bui_onset_detector, beside it, gives the same marks in all three.
# Instead: give solnik {"mean": ..., "std_dev": ...} of the rest's own Teager-Kaiser energy.
#
# Output seen:
#     biosppy 2.2.4
#     solnik: 0, 20, 35 marks, scaled by 0.001, 1, 1000
#     hodges_bui: 2, 2, 2 marks, scaled by 0.001, 1, 1000
#     solnik with the rest's energy: 30, 30, 30 marks
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q biosppy==2.2.4 peakutils==1.3.5 numpy==2.4.6 scipy==1.17.1
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

import numpy as np

warnings.simplefilter("ignore")
from biosppy.signals import emg

rng = np.random.default_rng(0)
x = rng.normal(size=5000)
x[2000:3000] *= 20  # one contraction of 1 s
options = {"sampling_rate": 1000.0, "threshold": 30}


def energy(y):
    return np.abs(y[1:-1] ** 2 - y[2:] * y[:-2])


def marks(scale, own_energy=False):
    y = scale * x
    rest = y[:1500]
    if own_energy:
        rest = {"mean": energy(rest).mean(), "std_dev": energy(rest).std()}
    found = emg.solnik_onset_detector(signal=y, rest=rest, active_state_duration=5, **options)
    return len(found["onsets"])


def other(scale):
    y = scale * x
    found = emg.hodges_bui_onset_detector(
        signal=y, rest=y[:1500], size=50, sampling_rate=1000.0, threshold=3
    )
    return len(found["onsets"])


print("biosppy", version("biosppy"))
scales = (1e-3, 1, 1e3)
solnik = [marks(s) for s in scales]
print("solnik: %d, %d, %d marks, scaled by 0.001, 1, 1000" % tuple(solnik))
hodges = [other(s) for s in scales]
print("hodges_bui: %d, %d, %d marks, scaled by 0.001, 1, 1000" % tuple(hodges))
cured = [marks(s, own_energy=True) for s in scales]
print("solnik with the rest's energy: %d, %d, %d marks" % tuple(cured))
sys.exit(solnik[0] != 0 or solnik[1] == 0 or len(set(solnik)) != 3 or len(set(hodges)) != 1 or len(set(cured)) != 1)
PY
