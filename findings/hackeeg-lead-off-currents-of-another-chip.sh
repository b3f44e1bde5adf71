#!/bin/sh
# The module `hackeeg.ads1299` of hackeeg 0.3.0 names the bits of the registers, to set up the lead-off
# current of an ADS1299 with. One would guess that ILEAD_OFF_18nA makes a current of 18 nA. The two bits
# are those of the ADS1298: on an ADS1299 (data sheet SBAS499C, 9.6.1.5, register LOFF) code 10b is 6 uA and
# 11b is 24 uA. So the names give 24 nA, 6 uA, 24 uA instead of 12, 18, 24 nA: up to a thousand times more
# through the electrodes than the name says. The names of the frequency are the other chip's, too: 11b, here
# FLEAD_OFF_DC, is AC at a quarter of the data rate, and 00b is DC.
# Instead: write the codes of the data sheet.
#
# Output seen:
#     hackeeg 0.3.0
#     ILEAD_OFF_6nA is code 00b: the ADS1299 makes 6 nA
#     ILEAD_OFF_12nA is code 01b: the ADS1299 makes 24 nA
#     ILEAD_OFF_18nA is code 10b: the ADS1299 makes 6 uA
#     ILEAD_OFF_24nA is code 11b: the ADS1299 makes 24 uA
#     FLEAD_OFF_DC is code 11b: the ADS1299 makes AC at a quarter of the data rate
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q hackeeg==0.3.0
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

from hackeeg import ads1299

# The data sheet of the ADS1299, register LOFF: bits 3 and 2, bits 1 and 0.
CURRENTS = {0b00: "6 nA", 0b01: "24 nA", 0b10: "6 uA", 0b11: "24 uA"}
FREQUENCIES = {
    0b00: "DC",
    0b01: "AC at 7.8 Hz",
    0b10: "AC at 31.2 Hz",
    0b11: "AC at a quarter of the data rate",
}

print("hackeeg", version("hackeeg"))
codes = {}
for name in ("ILEAD_OFF_6nA", "ILEAD_OFF_12nA", "ILEAD_OFF_18nA", "ILEAD_OFF_24nA"):
    codes[name] = getattr(ads1299, name) >> 2
    print(f"{name} is code {codes[name]:02b}b: the ADS1299 makes {CURRENTS[codes[name]]}")
codes["FLEAD_OFF_DC"] = ads1299.FLEAD_OFF_DC
made = FREQUENCIES[codes["FLEAD_OFF_DC"]]
print(f"FLEAD_OFF_DC is code {codes['FLEAD_OFF_DC']:02b}b: the ADS1299 makes {made}")
if list(codes.values()) != [0b00, 0b01, 0b10, 0b11, 0b11]:
    sys.exit("CHANGED: the codes behind these names")
PY
