#!/bin/sh
# WFDB keeps free texts as comment annotations (symbol '"', NOTE). One would guess that the text of a marker
# at the first sample comes back, as a beat there does. wfdb 4.3.1 writes it and its rdann does not
# give it: every NOTE at sample 0 is taken for part of the file's head, where the sampling rate is
# kept in the same way, whatever its text. So "rest" of a protocol that begins with the
# recording is gone without a word, and with it the first condition; every later segment is counted one
# too low.
# Instead: put such a marker at sample 1, or use a symbol of another kind with the text in aux_note ("+"),
# and count annotations after writing.
#
# Output seen:
#     wfdb 4.3.1
#     written: [0, 1000, 2000] ['rest', 'smile', 'frown']
#     in the file: True
#     read: [1000, 2000] ['smile', 'frown']
#     with the symbol +: [0, 1000, 2000] ['rest', 'smile', 'frown']
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q wfdb==4.3.1 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import wfdb

samples, texts = [0, 1000, 2000], ["rest", "smile", "frown"]


def read_back(symbol):
    wfdb.wrann(
        "emg", "atr", np.array(samples), symbol=[symbol] * 3, aux_note=list(texts), fs=1000
    )
    found = wfdb.rdann("emg", "atr")
    return found.sample.tolist(), found.aux_note


print("wfdb", version("wfdb"))
print("written:", samples, texts)
plus = read_back("+")
note = read_back('"')
inside = b"rest" in Path("emg.atr").read_bytes()
print("in the file:", inside)
print("read:", *note)
print("with the symbol +:", *plus)
sys.exit(not inside or note != (samples[1:], texts[1:]) or plus != (samples, texts))
PY
