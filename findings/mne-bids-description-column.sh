#!/bin/sh
# BIDS lets events.tsv have any columns beyond onset and duration, and "description" is an
# obvious one for the text of a marker. One would guess that mne-bids, which hands such columns on
# as extras, reads it or ignores it. With mne-bids 0.20.0 and mne 1.13.2 a column called
# "description", "ch_names" or "hed_string" makes read_raw_bids raise "Key 'description' is reserved", so
# the recording cannot be opened at all, though the data set is valid. Any other name is fine.
# Instead: call the column "text" or "notes" in data sets that you write; of others, read the BDF with
# mne.io.read_raw_bdf and the table with pandas.
#
# Output seen:
#     mne-bids 0.20.0 mne 1.13.2
#     text: ['smile']
#     description: ValueError: Key 'description' is reserved and cannot be used in extras.
#     ch_names: ValueError: Key 'ch_names' is reserved and cannot be used in extras.
#     hed_string: ValueError: Key 'hed_string' is reserved and cannot be used in extras.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q mne-bids==0.20.0 mne==1.13.2 edfio==0.4.18 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

import mne
import mne_bids
import numpy as np

print("mne-bids", version("mne-bids"), "mne", version("mne"))
mne.set_log_level("error")
info = mne.create_info(["EMG 1", "EMG 2"], 100.0, "emg")
raw = mne.io.RawArray(1e-5 * np.random.default_rng(0).standard_normal((2, 1000)), info)
raw.info["line_freq"] = 50
path = mne_bids.BIDSPath(subject="01", task="faces", datatype="emg", suffix="emg", root="study")
mne_bids.write_raw_bids(
    raw, path, allow_preload=True, format="BDF", emg_placement="Other", verbose="error"
)
path.extension = ".bdf"
table = path.fpath.with_name("sub-01_task-faces_events.tsv")
seen = {}
for column in ("text", "description", "ch_names", "hed_string"):
    table.write_text(f"onset\tduration\ttrial_type\t{column}\n1.0\t0.5\tsmile\tclip 7\n")
    try:
        seen[column] = list(mne_bids.read_raw_bids(path, verbose="error").annotations.description)
    except ValueError as error:
        seen[column] = f"ValueError: {error}"
    print(f"{column}: {seen[column]}")
refused = ["is reserved" in seen[column] for column in ("description", "ch_names", "hed_string")]
sys.exit(seen["text"] != ["smile"] or refused != [True] * 3)
PY
