#!/bin/sh
# EDF+ and BDF+ hold the start of a recording in whole seconds, and its fraction as the time of
# the first record ("+0.75"). One would guess that readers either add it or all leave it out. Three
# readers give three starts for the same file: edfio 0.4.18 says .750, mne 1.13.2 drops the
# fraction (.000), and pyedflib 0.1.42 says .075: `starttime_subsecond` counts 100 ns, and
# `getStartdatetime` makes microseconds of it by dividing by 100 where it must by 10. All three
# count annotations from the first sample, so within one file nothing is wrong; but EMG put beside
# a video, a second file or the clock of the lab is off by up to a second.
# Instead: with pyedflib add starttime_subsecond * 1e-7 s to the whole seconds; with mne read the
# first time-keeping annotation of the file, or take the start from edfio.
#
# Output seen:
#     edfio 0.4.18
#     mne 1.13.2
#     pyedflib 0.1.42
#     microseconds of the start: edfio 750000, mne 0, pyedflib 75000
#     pyedflib starttime_subsecond: 7500000
#     marker from the first sample: edfio 2 s, mne 2 s, pyedflib 2 s
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
    (("-1000", "-1"), 8), (("1000", "1"), 8), ((-32768, -32768), 8), ((32767, 32767), 8),
    (("", ""), 80), ((100, 20), 8), (("", ""), 32),
]  # fmt: skip
head = field(0, 8) + field("X X X X", 80) + field("Startdate 01-FEB-2024 X X X", 80)
head += field("01.02.24", 8) + field("10.00.00", 8) + field(768, 8) + field("EDF+C", 44)
head += field(10, 8) + field("1", 8) + field(2, 4)
head += b"".join(field(value, width) for values, width in rows for value in values)
with open("start.edf", "wb") as out:
    out.write(head)
    for i in range(10):
        note = f"+{i}.75\x14\x14\0" + ("+2.75\x14smile\x14\0" if i == 2 else "")
        out.write(bytes(200) + note.encode("ascii").ljust(40, b"\0"))

for name in ("edfio", "mne", "pyedflib"):
    print(name, version(name))
file = edfio.read_edf("start.edf")
raw = mne.io.read_raw_edf("start.edf", verbose="error")
with pyedflib.EdfReader("start.edf") as reader:
    by_pyedflib, count = reader.getStartdatetime(), reader.starttime_subsecond
    onsets = [file.annotations[0].onset, raw.annotations.onset[0], reader.readAnnotations()[0][0]]
fractions = [file.starttime.microsecond, raw.info["meas_date"].microsecond, by_pyedflib.microsecond]
print("microseconds of the start: edfio %d, mne %d, pyedflib %d" % tuple(fractions))
print("pyedflib starttime_subsecond:", count)
print("marker from the first sample: edfio %g s, mne %g s, pyedflib %g s" % tuple(onsets))
sys.exit((fractions, count, onsets) != ([750000, 0, 75000], 7500000, [2, 2, 2]))
PY
