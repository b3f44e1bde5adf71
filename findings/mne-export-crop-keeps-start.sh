#!/bin/sh
# A recording is cropped and exported, one file a condition. One would guess that the new file begins at the
# time of day of its first sample, as its markers are counted from there. mne 1.13.2 writes the start of the
# whole recording: the part from 120 s on of a recording of 12:00:00 says 12:00:00 in EDF and BDF, and
# its marker of 12:02:10 stands at 10 s, 12:00:10 by the file. Whoever lays the files beside a video or a log by
# the time of day is wrong by what was cut off, each file by another amount. edfio's own
# slice_between_seconds moves the start. Inside mne nothing shows: raw.first_time remembers the cut.
# Instead: raw.set_meas_date(raw.info["meas_date"] + timedelta(seconds=raw.first_time)) of the part, just
# before the export; or cut the file with edfio.
#
# Output seen:
#     edfio 0.4.18
#     mne 1.13.2
#     marker set at 12:02:10
#     bdf: start 12:00:00, marker at 10.0 s, by the file at 12:00:10
#     edf: start 12:00:00, marker at 10.0 s, by the file at 12:00:10
#     with set_meas_date: start 12:02:00, marker at 10.0 s, by the file at 12:02:10
#     cut with edfio: start 12:02:00, marker at 10.0 s, by the file at 12:02:10
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q mne==1.13.2 edfio==0.4.18 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import datetime as dt
import sys
from importlib.metadata import version

import edfio
import mne
import numpy as np

mne.set_log_level("error")
for name in ("edfio", "mne"):
    print(name, version(name))
volts = 50e-6 * np.random.default_rng(0).standard_normal((1, 300 * 250))
raw = mne.io.RawArray(volts, mne.create_info(["EMG"], 250.0, "emg"))
raw.set_meas_date(dt.datetime(2024, 2, 1, 12, tzinfo=dt.timezone.utc))
raw.set_annotations(mne.Annotations([130.0], [0.0], ["smile"]))
print("marker set at 12:02:10")
seen = []


def tell(what, start, onset):
    marked = start + dt.timedelta(seconds=onset)
    print(f"{what}: start {start:%H:%M:%S}, marker at {onset} s, by the file at {marked:%H:%M:%S}")
    seen.append(f"{start:%H:%M:%S} {marked:%H:%M:%S}")


def export(what, part, path):
    part.export(path, overwrite=True)
    file = mne.io.read_raw(path)
    tell(what, file.info["meas_date"], float(file.annotations.onset[0]))


part = raw.copy().crop(120, 180, include_tmax=False)
for ending in ("bdf", "edf"):
    export(ending, part, f"part.{ending}")
part.set_meas_date(part.info["meas_date"] + dt.timedelta(seconds=part.first_time))
export("with set_meas_date", part, "part.bdf")
raw.export("whole.edf")
whole = edfio.read_edf("whole.edf")
whole.slice_between_seconds(120, 180)
start = dt.datetime.combine(whole.startdate, whole.starttime)
tell("cut with edfio", start, float(whole.annotations[0].onset))
sys.exit(seen != ["12:00:00 12:00:10"] * 2 + ["12:02:00 12:02:10"] * 2)
PY
