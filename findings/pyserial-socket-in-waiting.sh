#!/bin/sh
# serial_for_url("socket://host:port") lets a program for a serial EMG board read a board on Wi-Fi.
# One would guess that in_waiting counts the bytes which wait, as it does on a port. In pyserial 3.5 it
# asks only whether anything is there: it is 0 or 1. The usual loop `read(port.in_waiting or 1)` then
# takes one byte a call. A thousand bytes need a thousand calls; eight channels at 1000 Hz are some
# 30 000 calls a second, and a slow machine falls behind until the sender's buffer overflows. Tests of
# "are there enough bytes for a frame" (in_waiting >= 27) never come true, so such a loop gets nothing.
# Instead: read a fixed number of bytes with a short timeout (it returns what came until then), or use a
# socket of one's own.
#
# Output seen:
#     pyserial 3.5
#     2000 bytes wait, in_waiting: 1
#     read(in_waiting or 1): 1000 bytes in 1000 calls
#     read(1000): 1000 bytes in one call
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q pyserial==3.5
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import socket
import sys
import threading
import time

import serial

server = socket.create_server(("127.0.0.1", 0))
done = threading.Event()


def board():
    link, _ = server.accept()
    with link:
        link.recv(1)  # asked for data: opening the port empties its input
        link.sendall(bytes(2000))
        done.wait(300)


threading.Thread(target=board, daemon=True).start()
port = serial.serial_for_url(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout=60)
port.write(b"b")
time.sleep(3)  # all 2000 bytes are here by now
print("pyserial", serial.VERSION)
waiting = port.in_waiting
print("2000 bytes wait, in_waiting:", waiting)
got = calls = 0
while got < 1000:
    got += len(port.read(port.in_waiting or 1))
    calls += 1
print(f"read(in_waiting or 1): {got} bytes in {calls} calls")
rest = len(port.read(1000))
print(f"read(1000): {rest} bytes in one call")
done.set()
port.close()
sys.exit((waiting, calls, rest) != (1, 1000, 1000))
PY
