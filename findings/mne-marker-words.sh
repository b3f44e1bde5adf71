#!/bin/sh
# mne takes annotations that begin with "BAD" or "EDGE" for marks of bad stretches. One would
# guess whole words, or capitals. In mne 1.13.2 it is the first letters, in any case: the markers
# "badminton clip", "bad mood" and "edge of smile" are no events in events_from_annotations, and the
# samples under the first two are cut out by reject_by_annotation, without a word. Studies
# of faces have such names of clips, and lose a whole condition. The two rules differ: "edge of
# smile" is no event, yet its samples are kept.
# Instead: begin the texts of markers with something else ("clip badminton"), and compare the number
# of events with the number of annotations; or pass regexp=None to events_from_annotations.
#
# Output seen:
#     mne 1.13.2
#     annotations: ['badminton clip', 'bad mood', 'edge of smile', 'smile', 'clip badminton']
#     events: ['clip badminton', 'smile'] - with regexp=None: 5
#     samples of 10000 left by reject_by_annotation='omit': 9000
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q mne==1.13.2 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import mne
import numpy as np

print("mne", version("mne"))
mne.set_log_level("error")
raw = mne.io.RawArray(np.zeros((1, 10000)), mne.create_info(["EMG"], 1000.0, "emg"))
names = ["badminton clip", "bad mood", "edge of smile", "smile", "clip badminton"]
raw.set_annotations(mne.Annotations(np.arange(1, 6), [0.5] * 5, names))
found = sorted(mne.events_from_annotations(raw)[1])
every = len(mne.events_from_annotations(raw, regexp=None)[0])
left = raw.get_data(reject_by_annotation="omit").shape[1]
print("annotations:", names)
print("events:", found, "- with regexp=None:", every)
print("samples of 10000 left by reject_by_annotation='omit':", left)
sys.exit((found, every, left) != (["clip badminton", "smile"], 5, 9000))
PY
