#!/bin/sh
# The text of an annotation may be long, when someone writes down what happened. One would guess that wfdb
# keeps it, cuts it, or refuses. wfdb 4.3.1 keeps up to 255 characters. With 256 the length is written as 0
# and the text behind it all the same, so that its letters are read as annotations: one note of 256
# letters and one of a word become 130 annotations, all but the last without texts, some hundred samples
# apart, and the word stands at a sample far behind its own. Neither wrann nor rdann says a word.
# Instead: cut texts to 255 bytes before wrann, and read back what was written.
#
# Output seen:
#     wfdb 4.3.1
#     note of 255 letters: 2 annotations, the last at 2000: smile
#     note of 256 letters: 130 annotations, the last at 47255: smile
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q wfdb==4.3.1 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import wfdb

sentence = "the electrode above the brow came off and was taped on again. "
print("wfdb", version("wfdb"))
seen = []
for letters in (255, 256):
    note = (sentence * 5)[:letters]
    wfdb.wrann(
        "emg", "atr", np.array([1000, 2000]), symbol=['"'] * 2, aux_note=[note, "smile"], fs=1000
    )
    found = wfdb.rdann("emg", "atr")
    count, last, text = len(found.sample), int(found.sample[-1]), found.aux_note[-1]
    print(f"note of {letters} letters: {count} annotations, the last at {last}: {text}")
    seen.append((count, last))
sys.exit(seen[0] != (2, 2000) or seen[1][0] < 20 or seen[1][1] == 2000)
PY
