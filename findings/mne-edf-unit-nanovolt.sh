#!/bin/sh
# mne scales an EDF or BDF channel to volts by the unit in the header. One would guess that a unit
# which it does not know is refused or warned of. mne 1.13.2 knows uV, the micro sign with V, mV and V;
# all others are taken for volts without a word. So 10 nV, as boards with low noise write them, are read
# as 10 V, a factor of 1e9, and "uv" in small letters is a factor of 1e6 too large although the
# raw object names the original unit as microvolts. Thresholds in microvolts, plots and exports of
# such EMG are wrong; ratios (per cent of MVC) hide it.
# Instead: look at the order of magnitude after reading and scale the array yourself (units= is
# refused where the file names a unit), or write uV into the header.
#
# Output seen:
#     mne 1.13.2
#     10 V is read as 10 V (unit named V): 1e+00 times the truth
#     10 mV is read as 0.01 V (unit named mV): 1e+00 times the truth
#     10 uV is read as 1e-05 V (unit named µV): 1e+00 times the truth
#     10 nV is read as 10 V (unit named nV): 1e+09 times the truth
#     10 uv is read as 10 V (unit named µV): 1e+06 times the truth
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q mne==1.13.2 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import mne


def field(text, width):
    return str(text).encode("ascii").ljust(width)


def volts(unit):
    """The one sample of a file that holds the value 10 in this unit."""
    rows = [("EMG", 16), ("", 80), (unit, 8), ("-100", 8), ("100", 8), (-100, 8), (100, 8),
            ("", 80), (100, 8), ("", 32)]  # fmt: skip
    head = field(0, 8) + field("X", 80) + field("X", 80) + field("01.02.24", 8)
    head += field("10.00.00", 8) + field(512, 8) + field("", 44) + field(1, 8) + field(1, 8)
    head += field(1, 4) + b"".join(field(value, width) for value, width in rows)
    with open("unit.edf", "wb") as out:
        out.write(head + (10).to_bytes(2, "little") * 100)
    raw = mne.io.read_raw_edf("unit.edf", verbose="error")
    return raw.get_data()[0, 0], raw._orig_units["EMG"]


print("mne", version("mne"))
right = {"V": 10, "mV": 1e-2, "uV": 1e-5, "nV": 1e-8, "uv": 1e-5}
factor = {}
for unit, value in right.items():
    read, named = volts(unit)
    factor[unit] = round(read / value)
    print(f"10 {unit} is read as {read:.6g} V (unit named {named}): {factor[unit]:.0e} times the truth")
sys.exit(factor != {"V": 1, "mV": 1, "uV": 1, "nV": 10**9, "uv": 10**6})
PY
