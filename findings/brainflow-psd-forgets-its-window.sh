#!/bin/sh
# get_psd_welch and get_psd give a power spectral density, and get_band_power its integral. One would
# guess that the window only changes the leakage, and that the power of EMG in a band comes out as what it
# is: a window takes power away, and a density is divided by the mean square of the window. BrainFlow
# 5.23.0 does not divide. White noise of 1 uV RMS at 1000 Hz has 0.2 uV^2 between 100 and 200 Hz; without a
# window that is found, with Hann 0.38 of it, with Blackman-Harris 0.26. Figures of two
# windows, of two programs, or of a paper cannot be compared, and an RMS made from the band is 39 % or 49 %
# too low. Ratios of two bands with the same window are right.
# Instead: divide by the mean square of the window (Hann 0.375, Hamming 0.397, Blackman-Harris
# 0.258), or use scipy.signal.welch.
#
# Output seen:
#     brainflow 5.23.0
#     power between 100 and 200 Hz, of 0.2 uV^2:
#     NO_WINDOW: Welch 0.203, whole 0.203
#     HANNING: Welch 0.076, whole 0.076
#     HAMMING: Welch 0.080, whole 0.080
#     BLACKMAN_HARRIS: Welch 0.052, whole 0.052
#     scipy 1.17.1, Hann: 0.200
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
from brainflow import DataFilter, WindowOperations

noise = np.random.default_rng(0).standard_normal(2**17)  # uV, at 1000 Hz: 1 uV^2 up to 500 Hz
print("brainflow", version("brainflow"))
print("power between 100 and 200 Hz, of 0.2 uV^2:")
found = {}
for window in ("NO_WINDOW", "HANNING", "HAMMING", "BLACKMAN_HARRIS"):
    number = WindowOperations[window].value
    welch = DataFilter.get_psd_welch(noise, 1024, 512, 1000, number)
    whole = DataFilter.get_psd(noise, 1000, number)
    found[window] = [float(DataFilter.get_band_power(psd, 100, 200)) for psd in (welch, whole)]
    print(window + ": Welch %.3f, whole %.3f" % tuple(found[window]))
hertz, density = scipy.signal.welch(noise, 1000, "hann", 1024)
band = (hertz >= 100) & (hertz <= 200)
other = np.trapezoid(density[band], hertz[band])
print(f"scipy {version('scipy')}, Hann: {other:.3f}")
share = {"NO_WINDOW": 1, "HANNING": 0.375, "HAMMING": 0.397, "BLACKMAN_HARRIS": 0.258}
wrong = [
    window
    for window, values in found.items()
    if any(abs(value - 0.2 * share[window]) > 0.03 * 0.2 for value in values)
]
sys.exit(bool(wrong or abs(other - 0.2) > 0.006))
PY
