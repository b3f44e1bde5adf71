#!/bin/sh
# A board on Wi-Fi often says who it is, or begins to send, as soon as somebody connects. One would guess that
# what arrives after serial_for_url("socket://host:port") has connected can be read. pyserial 3.5
# empties the input once more at the end of opening: what came between the connection and that moment is
# thrown away. It is a race of microseconds on an idle machine and is lost on a busy one (the check of another
# finding lost all of its 2000 bytes so), so a greeting is missing now and then, or the first frame
# begins in its middle. Here opening is held up for half a second where it empties the input, so that the
# outcome is sure; a plain socket gets the greeting however late it reads.
# Instead: let the board answer to a question and speak only then, or use socket.create_connection.
#
# Output seen:
#     pyserial 3.5
#     greeting read by pyserial: b''
#     greeting read by a socket: b'board 7, 8 channels\n'
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
from serial.urlhandler import protocol_socket

GREETING = b"board 7, 8 channels\n"
server = socket.create_server(("127.0.0.1", 0))
address = server.getsockname()
done = threading.Event()


def board():
    links = []
    for _ in range(2):
        link, _ = server.accept()
        link.sendall(GREETING)
        links.append(link)
    done.wait(300)


class Busy(protocol_socket.Serial):
    """The same port on a machine that has something else to do for half a second."""

    def reset_input_buffer(self):
        time.sleep(0.5)
        super().reset_input_buffer()


threading.Thread(target=board, daemon=True).start()
print("pyserial", serial.VERSION)
port = Busy(None, timeout=3)
port.port = f"socket://127.0.0.1:{address[1]}"
port.open()
by_pyserial = port.read(len(GREETING))
print("greeting read by pyserial:", by_pyserial)
plain = socket.create_connection(address)
time.sleep(0.5)
by_socket = plain.recv(100)
print("greeting read by a socket:", by_socket)
done.set()
sys.exit((by_pyserial, by_socket) != (b"", GREETING))
PY
