#!/bin/sh
# emg_activation says when a muscle is active. One would guess that it does not matter whether the EMG is
# in volts, millivolts or microvolts: its default threshold is relative. In neurokit2 0.3.0 that holds for
# method="threshold" only. With method="mixture" (Gaussian mixture, also a relative threshold by its
# look: a probability) the same recording is active for 33 % of the time as it is, never when
# divided by a thousand, and for 2 % multiplied by a thousand. mne gives volts, boards give
# microvolts, so the result depends on who read the file, and a muscle "never active" is no error.
# Instead: use method="threshold". Scaling the envelope to its maximum or its standard deviation first does
# not help "mixture".
#
# Output seen:
#     neurokit2 0.3.0
#     threshold: 32.9, 32.9, 32.9 % of the time active, scaled by 0.001, 1, 1000
#     mixture: 0, 32.8, 2.1 % of the time active, scaled by 0.001, 1, 1000
#     contractions: 30 % of the time
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q neurokit2==0.3.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 scikit-learn==1.9.1
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

import neurokit2
import numpy as np

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
emg = 0.01 * rng.standard_normal(10000)
for begin in (1500, 4500, 7500):  # three contractions of 1 s
    emg[begin : begin + 1000] += 0.3 * rng.standard_normal(1000)


def active(scale, method):
    amplitude = neurokit2.emg_amplitude(neurokit2.emg_clean(scale * emg, sampling_rate=1000))
    activity, _ = neurokit2.emg_activation(
        emg_amplitude=amplitude, sampling_rate=1000, method=method
    )
    return round(100 * float(activity["EMG_Activity"].mean()), 1)


print("neurokit2", version("neurokit2"))
seen = {}
for method in ("threshold", "mixture"):
    seen[method] = [active(scale, method) for scale in (1e-3, 1, 1e3)]
    print(method + ": %g, %g, %g %% of the time active, scaled by 0.001, 1, 1000" % tuple(seen[method]))
print("contractions: 30 % of the time")
low, middle, high = seen["mixture"]
sys.exit(len(set(seen["threshold"])) != 1 or low != 0 or not 25 < middle < 40 or high > middle / 2)
PY
