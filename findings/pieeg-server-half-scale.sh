#!/bin/sh
# pieeg-server 0.49.0 reads the ADS1299 of the PiEEG boards and gives microvolts; pieeg-core 0.3.0 is the
# same in Rust. Both take a code for a share of 2^24 - 1 at 4.5 V. The chip's codes are signed: at gain 1,
# which they set, 4.5 V are 2^23 codes (data sheet SBAS499C, equation 8). So all that they show, record
# and stream is half of what is at the electrodes. And a negative code is taken for the one two above it:
# -1 comes out positive.
# Instead: 4.5e6 * code / 2**23, with code = int.from_bytes(three, "big", signed=True).
#
# Output seen:
#     pieeg-server 0.49.0: half of full scale, 2250000 uV at gain 1, is given as 1125000.07
#     pieeg-server 0.49.0: the code -1, -0.54 uV, is given as 0.27
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --no-deps pieeg-server==0.49.0
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys

import pieeg_server
from pieeg_server.hardware import PiEEGHardware

half = (0x400000).to_bytes(3, "big")
minus_one = (-1).to_bytes(3, "big", signed=True)
frame = list(b"\xc0\x00\x00" + half + 7 * minus_one)
given = PiEEGHardware._decode_channels(frame)
lsb = 4.5e6 / 2**23
print(f"pieeg-server {pieeg_server.__version__}: half of full scale, {0x400000 * lsb:.0f} uV at gain 1,"
      f" is given as {given[0]}")
print(f"pieeg-server {pieeg_server.__version__}: the code -1, {-lsb:.2f} uV, is given as {given[1]}")
sys.exit(not (abs(given[0] - 1125000) < 1 and given[1] == 0.27))
PY
