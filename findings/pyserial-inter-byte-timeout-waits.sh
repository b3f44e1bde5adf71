#!/bin/sh
# A frame that comes short is found by the silence behind it: inter_byte_timeout is made for that, and one
# would guess that read() then returns what there is. In pyserial 3.5 on Linux it does not. The
# value goes to the terminal driver only (VTIME, rounded down to tenths of a second), and the loop around it
# asks again until all bytes are there or `timeout` is over. Here ten bytes come at once and
# nothing else: read(27) with inter_byte_timeout=0.2 returns after the 3 s of `timeout`. With timeout=None
# it waits for ever: the rest of the frame came 2 s later and was joined to it. So a frame that
# lost a byte takes its missing one from the next, and a board that fell silent is noticed late, or never.
# Instead: read(1), then read(port.in_waiting) until nothing came for the time that counts as silence; or
# find frames by their sync byte and length, not by time.
#
# Output seen:
#     pyserial 3.5
#     timeout 3 s, 10 of 27 bytes came: read returned 10 after 3.0 s
#     no timeout, 17 more came after 2.0 s: read returned 27 after 2.0 s
#     both times inter_byte_timeout was 0.2 s
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q pyserial==3.5
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import os
import sys
import threading
import time

import serial

board, computer = os.openpty()
port = serial.Serial(os.ttyname(computer), 115200, timeout=3, inter_byte_timeout=0.2)
print("pyserial", serial.VERSION)

os.write(board, bytes(10))
start = time.monotonic()
first = len(port.read(27))
waited = time.monotonic() - start
print(f"timeout 3 s, 10 of 27 bytes came: read returned {first} after {waited:.1f} s")

port.timeout = None
threading.Timer(2, os.write, (board, bytes(17))).start()
os.write(board, bytes(10))
start = time.monotonic()
second = len(port.read(27))
joined = time.monotonic() - start
print(f"no timeout, 17 more came after 2.0 s: read returned {second} after {joined:.1f} s")
print("both times inter_byte_timeout was", port.inter_byte_timeout, "s")
port.close()
sys.exit((first, second) != (10, 27) or waited < 2.5 or joined < 1.5)
PY
