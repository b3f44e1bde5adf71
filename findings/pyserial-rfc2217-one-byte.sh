#!/bin/sh
# A serial port on another machine (rfc2217://, as of ser2net or labgrid) should read as one's own
# does. With timeout=0 read(n) means: what is there, up to n bytes. One would guess that it does so over the
# network too. In pyserial 3.5 it returns one byte, however many wait: 27 bytes of a frame are
# here, in_waiting says 27, and read(1000) gives one, and so does read(27). A loop that polls with
# timeout=0 between other things falls behind the board, or takes every byte for a short frame.
# Instead: set a timeout of some milliseconds, with which read(port.in_waiting) gives at once all that wait.
#
# Output seen:
#     pyserial 3.5
#     own port: 27 bytes wait, read(1000) with timeout=0 gives 27
#     rfc2217://: 27 bytes wait, read(1000) with timeout=0 gives 1
#     rfc2217://: read(in_waiting) gives 1, and with timeout=0.05 the other 25
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q pyserial==3.5
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import os
import socket
import sys
import threading
import time
import tty

import serial
import serial.rfc2217


class Terminal(serial.Serial):
    """A pseudo terminal, which has no modem lines."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self):
        pass

    _update_rts_state = _update_dtr_state


def board():
    near, far = os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    return near, os.ttyname(far)


def serve(server, name):
    link, _ = server.accept()
    port = Terminal(name, 115200, timeout=0.05)
    lock = threading.Lock()

    class Out:
        def write(self, data):
            with lock:
                link.sendall(data)

    manager = serial.rfc2217.PortManager(port, Out())

    def forward():
        while True:
            data = port.read(port.in_waiting or 1)
            if data:
                Out().write(b"".join(manager.escape(data)))

    threading.Thread(target=forward, daemon=True).start()
    while data := link.recv(1000):
        port.write(b"".join(manager.filter(data)))


def waiting(port):
    end = time.monotonic() + 60
    while port.in_waiting < 27 and time.monotonic() < end:
        time.sleep(0.05)
    return port.in_waiting


print("pyserial", serial.VERSION)
near, name = board()
own = Terminal(name, 115200, timeout=0)
os.write(near, bytes(range(27)))
here, got = waiting(own), len(own.read(1000))
print(f"own port: {here} bytes wait, read(1000) with timeout=0 gives {got}")

near, name = board()
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(server, name), daemon=True).start()
port = serial.serial_for_url(f"rfc2217://127.0.0.1:{server.getsockname()[1]}", 115200, timeout=0)
os.write(near, bytes(range(27)))
there, one = waiting(port), len(port.read(1000))
print(f"rfc2217://: {there} bytes wait, read(1000) with timeout=0 gives {one}")
again = len(port.read(port.in_waiting))
port.timeout = 0.05
rest = len(port.read(port.in_waiting))
print(f"rfc2217://: read(in_waiting) gives {again}, and with timeout=0.05 the other {rest}")
sys.stdout.flush()
os._exit((here, got, there, one, again, rest) != (27, 27, 27, 1, 1, 25))
PY
