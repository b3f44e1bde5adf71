#!/bin/sh
# On an OpenBCI Cyton the command for the sampling rate, ~n, resets the chips: its firmware 3.1.2
# (setSampleRate) puts all channel settings back to default, gain 24. BrainFlow keeps count of gains
# to scale samples, and one would guess that it knows of this. BrainFlow 5.23.0 takes the gain from
# x...X alone: after channel 1 was set to gain 1, ~6 changes nothing in its scale, so what the board
# now sends with gain 24 comes out 24 times too large, without a word. A board is played here on a
# pseudo-terminal; it sends the same code all the time.
# Instead: say the rate first and the gains after it, or send d behind ~n (d does reset them).
#
# Output seen:
#     brainflow 5.23.0
#     code 10000 at the beginning: 223.5 uV (gain 24)
#     after x1000110X: 5364.4 uV (gain 1)
#     after ~6, which resets the board to gain 24: 5364.4 uV (gain 1)
#     after d: 223.5 uV (gain 24)
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q brainflow==5.23.0 numpy==2.4.6 setuptools==80.9.0
cd "$tmp"
"$tmp/venv/bin/python" -W ignore - <<'PY'
import os
import select
import sys
import threading
import time
import tty
from importlib.metadata import version

from brainflow.board_shim import BoardIds, BoardShim, BrainFlowInputParams

CODE = 10000


def board(end: int, is_over: threading.Event) -> None:
    """Answer as the firmware does, and send packets while the stream is on."""
    number, is_on, word, next_s = 0, False, "", 0.0
    while not is_over.is_set():
        if select.select([end], [], [], 0.002)[0]:
            for letter in os.read(end, 1024).decode("latin-1"):
                word += letter
                if word[0] in "xz" and letter not in "XZ":
                    continue
                if word == "~":
                    continue
                said = {"x": "Success: Channel set for 1", "~": "Success: Sample rate is 250Hz"}
                if word in "bs":
                    is_on, next_s = word == "b", time.monotonic()
                elif word[0] in said:
                    os.write(end, said[word[0]].encode() + b"$$$")
                elif word == "d":
                    os.write(end, b"updating channel settings to default$$$")
                else:
                    os.write(end, b"OpenBCI V3 8-16 channel\r\nOn Board ADS1299 Device ID: 0x3E\r\n"
                                  b"Firmware: v3.1.2\r\n$$$")
                word = ""
        while is_on and time.monotonic() >= next_s:
            os.write(end, bytes([0xA0, number]) + CODE.to_bytes(3, "big") * 8 + b"\0" * 6 + b"\xc0")
            number, next_s = (number + 1) % 256, next_s + 0.004


end, port = os.openpty()
tty.setraw(port)
is_over = threading.Event()
threading.Thread(target=board, args=(end, is_over), daemon=True).start()

BoardShim.disable_board_logger()
parameters = BrainFlowInputParams()
parameters.serial_port = os.ttyname(port)
shim = BoardShim(BoardIds.CYTON_BOARD, parameters)
shim.prepare_session()


def taken() -> float:
    shim.start_stream()
    time.sleep(1.0)
    data = shim.get_board_data()
    shim.stop_stream()
    return float(data[BoardShim.get_eeg_channels(BoardIds.CYTON_BOARD)[0]][-1])


def gain(uv: float) -> int:
    return round(CODE * 4.5e6 / (2**23 - 1) / uv)


print("brainflow", version("brainflow"))
found = []
for told, words in (
    ("", f"code {CODE} at the beginning"),
    ("x1000110X", "after x1000110X"),
    ("~6", "after ~6, which resets the board to gain 24"),
    ("d", "after d"),
):
    if told:
        shim.config_board(told)
    uv = taken()
    found.append(gain(uv))
    print(f"{words}: {uv:.1f} uV (gain {found[-1]})")
shim.release_session()
is_over.set()
sys.exit(found != [24, 1, 1, 24])
PY
