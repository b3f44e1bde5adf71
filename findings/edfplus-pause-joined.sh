#!/bin/sh
# EDF+D and BDF+D say in every record when it began, so a recording may pause. One would guess
# that a reader leaves room for the pause, warns, or refuses. pyedflib 0.1.42 refuses. mne 1.13.2
# and edfio 0.4.18 put the records side by side without a word, and keep the annotations at their
# true times: behind a pause of 3 s every marker stands 3 s of samples too late. Here the ramp of
# the signal is 700 where the marker is set, and both readers show 1000 at the marker. Epochs
# of EMG cut by these markers are of the wrong moments; near the end mne drops the markers
# (that it says), edfio keeps them behind the last sample.
# Instead: read the header's field (bytes 192 to 235) first; of EDF+D, place each record by its own
# time. To write a recording with a pause, fill it and annotate the filling, or begin a new file.
#
# Output seen:
#     edfio 0.4.18
#     mne 1.13.2
#     pyedflib 0.1.42
#     mne: 2000 samples, smile at 10.0 s, signal there 1000
#     edfio: 2000 samples, smile at 10.0 s, signal there 1000
#     pyedflib: pause.edf: The file is discontinuous and cannot be read
#     recorded at the marker: 700
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q edfio==0.4.18 mne==1.13.2 pyedflib==0.1.42 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import edfio
import mne
import pyedflib


def field(text, width):
    return str(text).encode("ascii").ljust(width)


rows = [
    (("EMG", "EDF Annotations"), 16), (("", ""), 80), (("uV", ""), 8),
    (("-32768", "-1"), 8), (("32767", "1"), 8), ((-32768, -32768), 8), ((32767, 32767), 8),
    (("", ""), 80), ((100, 20), 8), (("", ""), 32),
]  # fmt: skip
head = field(0, 8) + field("X X X X", 80) + field("Startdate 01-FEB-2024 X X X", 80)
head += field("01.02.24", 8) + field("10.00.00", 8) + field(768, 8) + field("EDF+D", 44)
head += field(20, 8) + field("1", 8) + field(2, 4)
head += b"".join(field(value, width) for values, width in rows for value in values)
with open("pause.edf", "wb") as out:
    out.write(head)
    for i in range(20):
        began = i if i < 5 else i + 3  # a pause of 3 s after five records of 1 s
        note = f"+{began}\x14\x14\0" + (f"+{began}\x14smile\x14\0" if i == 7 else "")
        out.write(b"".join((100 * i + j).to_bytes(2, "little") for j in range(100)))
        out.write(note.encode("ascii").ljust(40, b"\0"))

for name in ("edfio", "mne", "pyedflib"):
    print(name, version(name))
raw = mne.io.read_raw_edf("pause.edf", verbose="error")
at = int(raw.annotations.onset[0] * 100)
by_mne = round(raw.get_data()[0, at] * 1e6)
print(f"mne: {raw.n_times} samples, smile at {raw.annotations.onset[0]} s, signal there {by_mne}")
file = edfio.read_edf("pause.edf")
onset = file.annotations[0].onset
by_edfio = round(file.signals[0].data[int(onset * 100)])
print(f"edfio: {len(file.signals[0].data)} samples, smile at {onset} s, signal there {by_edfio}")
try:
    pyedflib.EdfReader("pause.edf")
    refused = ""
except OSError as error:
    refused = str(error)
print("pyedflib:", refused)
print("recorded at the marker: 700")
sys.exit((by_mne, by_edfio) != (1000, 1000) or "discontinuous" not in refused)
PY
