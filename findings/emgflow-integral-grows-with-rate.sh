#!/bin/sh
# calc_iemg and calc_ssi ask for the sampling rate. One would guess that they need it to make integrals over
# time, area in uV s and energy in uV^2 s, so that the same second of the same EMG gives the same at
# any rate. EMGFlow 1.1.2 multiplies by the rate where an integral divides by it: a constant 1 uV for 1 s
# has an IEMG of 1 000 000 at 1000 Hz and 4 000 000 at 2000 Hz, and an SSI of 1e9 and 8e9, square and
# cube of the rate. Data sets, or sensors, of two rates cannot be compared, and a classifier learns
# the recorder. Recordings of one rate keep their order.
# Instead: divide IEMG by the square of the rate, SSI by its cube: then both are integrals over seconds.
#
# Output seen:
#     EMGFlow 1.1.2
#     1 uV for 1 s at 1000 Hz: IEMG 1e+06, SSI 1e+09
#     1 uV for 1 s at 2000 Hz: IEMG 4e+06, SSI 8e+09
#     divided by rate^2 and rate^3: [1.0, 1.0] and [1.0, 1.0]
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q EMGFlow==1.1.2 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import EMGFlow
import numpy as np
import pandas as pd

print("EMGFlow", version("EMGFlow"))
seen = []
for rate in (1000, 2000):
    table = pd.DataFrame({"Time": np.arange(rate) / rate, "EMG": np.ones(rate)})
    area = float(EMGFlow.calc_iemg(table, "EMG", rate))
    energy = float(EMGFlow.calc_ssi(table, "EMG", rate))
    print(f"1 uV for 1 s at {rate} Hz: IEMG {area:.0e}, SSI {energy:.0e}")
    seen.append((area / rate**2, energy / rate**3))
areas, energies = ([pair[i] for pair in seen] for i in (0, 1))
print("divided by rate^2 and rate^3:", areas, "and", energies)
sys.exit(not np.allclose(seen, 1))
PY
