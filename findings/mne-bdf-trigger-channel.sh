#!/bin/sh
# A board with a spare input often records a photodiode, a button or a force cell on it, and the
# channel is called "Trigger". One would guess that a name does not change the values. mne 1.13.2
# takes every BDF channel named "status" or "trigger" (in any case) for BioSemi's status word:
# it becomes a stim channel, its codes come unscaled and cut to their lower 17 bits, so an
# analogue level wraps and everything negative turns positive. In the same file "Trigger foot" is read
# as volts. Nothing is said.
# Instead: give the channel another name, or pass stim_channel=False when reading it (then the values
# are right, as this script shows).
#
# Output seen:
#     mne 1.13.2
#     written, uV:    [-300000, -1, 0, 100000, 131071, 131072, 400000]
#     'Trigger' (stim): [93216, 131071, 0, 100000, 131071, 0, 6784]
#     'Trigger foot', uV: [-300000, -1, 0, 100000, 131071, 131072, 400000]
#     'Trigger' with stim_channel=False (eeg), uV: [-300000, -1, 0, 100000, 131071, 131072, 400000]
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

CODES = [-300000, -1, 0, 100000, 131071, 131072, 400000]


def field(text, width):
    return str(text).encode("ascii").ljust(width)


rows = [
    (("Trigger", "Trigger foot"), 16), (("", ""), 80), (("uV", "uV"), 8),
    (("-8388608", "-8388608"), 8), (("8388607", "8388607"), 8), ((-8388608, -8388608), 8),
    ((8388607, 8388607), 8), (("", ""), 80), ((len(CODES), len(CODES)), 8), (("", ""), 32),
]  # fmt: skip
head = b"\xffBIOSEMI" + field("X", 80) + field("X", 80) + field("01.02.24", 8)
head += field("10.00.00", 8) + field(768, 8) + field("24BIT", 44) + field(1, 8) + field(1, 8)
head += field(2, 4) + b"".join(field(value, width) for values, width in rows for value in values)
with open("trigger.bdf", "wb") as out:
    out.write(head + b"".join(code.to_bytes(3, "little", signed=True) for code in CODES * 2))


def read(**options):
    raw = mne.io.read_raw_bdf("trigger.bdf", verbose="error", **options)
    return raw.get_channel_types()[0], raw.get_data()


print("mne", version("mne"))
kind, values = read()
print("written, uV:   ", CODES)
as_trigger = [round(value) for value in values[0]]
as_other = [round(1e6 * value) for value in values[1]]
print(f"'Trigger' ({kind}):", as_trigger)
print("'Trigger foot', uV:", as_other)
plain, values = read(stim_channel=False)
told = [round(1e6 * value) for value in values[0]]
print(f"'Trigger' with stim_channel=False ({plain}), uV:", told)
sys.exit(as_trigger != [code & 0x1FFFF for code in CODES] or as_other != CODES or told != CODES)
PY
