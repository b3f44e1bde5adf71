#!/bin/sh
# Faces in videos are annotated in ELAN, and a tier that subdivides another (onset, apex, offset of a
# smile) has boundaries without a time of their own: ELAN writes such a TIME_SLOT without TIME_VALUE, as
# its format allows, and shows them evenly spread. One would guess that pympi interpolates or skips
# them. pympi-ling 1.71 opens the file and lists the tier; get_annotation_data_for_tier gives None as
# begin or end, and what compares times (get_annotation_data_at_time, get_gaps_and_overlaps,
# extract) raises a TypeError that names no tier. EMG epochs by such annotations fail on the files
# of one coder and not of another.
# Instead: fill the time slots in Eaf.timeslots by linear interpolation between their neighbours
# of known time before anything else is called, as this script shows.
#
# Output seen:
#     pympi-ling 1.71
#     face: [(1000, 3000, 'smile')]
#     phase: [(1000, None, 'onset'), (None, 3000, 'apex')]
#     get_annotation_data_at_time: TypeError: '>=' not supported between instances of 'NoneType' and 'int'
#     get_gaps_and_overlaps: TypeError: '<' not supported between instances of 'NoneType' and 'int'
#     extract: TypeError: '<' not supported between instances of 'NoneType' and 'int'
#     at 1500 ms with the slot filled in: ['onset']
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q pympi-ling==1.71
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import pympi

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="ts2"/>
<TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="3000"/></TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="whole" TIER_ID="face"><ANNOTATION><ALIGNABLE_ANNOTATION
 ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts3"><ANNOTATION_VALUE>smile</ANNOTATION_VALUE>
</ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER LINGUISTIC_TYPE_REF="part" PARENT_REF="face" TIER_ID="phase">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>onset</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
<ANNOTATION_VALUE>apex</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="whole" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE CONSTRAINTS="Time_Subdivision" GRAPHIC_REFERENCES="false"
 LINGUISTIC_TYPE_ID="part" TIME_ALIGNABLE="true"/>
<CONSTRAINT DESCRIPTION="parts of the parent annotation" STEREOTYPE="Time_Subdivision"/>
</ANNOTATION_DOCUMENT>"""
with open("face.eaf", "w") as out:
    out.write(DOCUMENT)
print("pympi-ling", version("pympi-ling"))
file = pympi.Elan.Eaf("face.eaf")
whole, parts = (file.get_annotation_data_for_tier(tier) for tier in ("face", "phase"))
print("face:", whole)
print("phase:", parts)
raised = []
for name, call in (
    ("get_annotation_data_at_time", lambda: file.get_annotation_data_at_time("phase", 1500)),
    ("get_gaps_and_overlaps", lambda: list(file.get_gaps_and_overlaps("face", "phase"))),
    ("extract", lambda: file.extract(1000, 2000)),
):
    try:
        call()
    except TypeError as error:
        raised.append(name)
        print(f"{name}: TypeError: {error}")
file.timeslots["ts2"] = (file.timeslots["ts1"] + file.timeslots["ts3"]) // 2
filled = [note[2] for note in file.get_annotation_data_at_time("phase", 1500)]
print("at 1500 ms with the slot filled in:", filled)
expected = [(1000, None, "onset"), (None, 3000, "apex")]
sys.exit(sorted(parts, key=lambda note: note[2], reverse=True) != expected or len(raised) != 3 or filled != ["onset"])
PY
