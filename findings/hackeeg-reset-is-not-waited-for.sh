#!/bin/sh
# `HackEEGBoard.reset()` of the client hackeeg 0.3.0. A HackEEG board answers a reset when the chip has
# restarted, after more than a second. One would guess that the client waits for that answer, or that it
# raises something about the board. Its serial port waits 0.1 s for a line, whatever was asked; then the
# empty line is parsed as JSON: json.JSONDecodeError, from a board that is well. The answer comes later,
# and is read as the answer to the next command. Here a pseudo terminal answers as the firmware does,
# 1.1 s after "reset".
# Instead: raise `board.raw_serial_port.timeout` after making the board.
#
# Output seen:
#     hackeeg 0.3.0
#     reset: JSONDecodeError
#     with a time limit of 5 s: 200 Ok
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q hackeeg==0.3.0
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import json
import os
import pty
import sys
import threading
import time
import tty
from importlib.metadata import version

import hackeeg

ANSWER = {"STATUS_CODE": 200, "STATUS_TEXT": "Ok"}


def board():
    """Return a port, and a board behind it that answers each line."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)

    def answer():
        with os.fdopen(ours, "rb+", buffering=0) as link:
            try:
                for line in iter(link.readline, b""):
                    time.sleep(1.1 if json.loads(line)["COMMAND"] == "reset" else 0)
                    link.write(json.dumps(ANSWER).encode() + b"\r\n")
            except OSError:
                pass  # the client is gone

    threading.Thread(target=answer, daemon=True).start()
    return os.ttyname(theirs)


print("hackeeg", version("hackeeg"))
client = hackeeg.HackEEGBoard(board())
client.mode = client.JsonLinesMode
try:
    found = client.reset()
except json.JSONDecodeError as error:
    found = type(error).__name__
print("reset:", found)

patient = hackeeg.HackEEGBoard(board())
patient.mode = patient.JsonLinesMode
patient.raw_serial_port.timeout = 5
told = patient.reset()
print("with a time limit of 5 s:", told["STATUS_CODE"], told["STATUS_TEXT"])
if found != "JSONDecodeError" or told["STATUS_CODE"] != 200:
    sys.exit("CHANGED: reset is waited for, or is answered otherwise")
os._exit(0)  # the port's reader would be waited for
PY
