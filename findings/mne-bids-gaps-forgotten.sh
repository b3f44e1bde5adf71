#!/bin/sh
# A BDF+ recording can mark its own gaps ("BAD_gap"), and events.tsv of BIDS lists the events of the
# experiment. One would guess that read_raw_bids gives both. With mne-bids 0.20.0 the table
# replaces the annotations of the file: the gap is gone, without a word, and
# reject_by_annotation keeps its samples. Without events.tsv the same call gives the gap. Rows whose
# trial_type is n/a (BIDS for "not known") vanish as well.
# Instead: write every BAD_ annotation into events.tsv as well, or add the file's own after
# reading (mne.io.read_raw_bdf(path.fpath).annotations).
#
# Output seen:
#     mne-bids 0.20.0 mne 1.13.2
#     annotations of the BDF+ file: ['smile', 'BAD_gap']
#     read without events.tsv:      ['smile', 'BAD_gap'] 800
#     read with it (two rows):      ['smile'] 1000
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q mne-bids==0.20.0 mne==1.13.2 edfio==0.4.18 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import mne
import mne_bids
import numpy as np

print("mne-bids", version("mne-bids"), "mne", version("mne"))
mne.set_log_level("error")
info = mne.create_info(["EMG 1", "EMG 2"], 100.0, "emg")
raw = mne.io.RawArray(1e-5 * np.random.default_rng(0).standard_normal((2, 1000)), info)
raw.info["line_freq"] = 50
raw.set_annotations(mne.Annotations([1, 5], [0.5, 2], ["smile", "BAD_gap"]))
path = mne_bids.BIDSPath(subject="01", task="faces", datatype="emg", suffix="emg", root="study")
mne_bids.write_raw_bids(
    raw, path, allow_preload=True, format="BDF", emg_placement="Other", verbose="error"
)
path.extension = ".bdf"
table = path.fpath.with_name("sub-01_task-faces_events.tsv")


def read():
    raw = mne_bids.read_raw_bids(path, verbose="error")
    kept = raw.get_data(reject_by_annotation="omit").shape[1]
    return list(raw.annotations.description), kept


rows = ("onset\tduration\ttrial_type", "1.0\t0.5\tsmile", "3.0\t0.5\tn/a")
table.write_text("\n".join(rows) + "\n")
with_table = read()
table.unlink()
without = read()
in_file = list(mne.io.read_raw_bdf(path.fpath).annotations.description)
print("annotations of the BDF+ file:", [str(text) for text in in_file])
print("read without events.tsv:     ", *without)
print("read with it (two rows):     ", *with_table)
sys.exit(
    (with_table, without) != ((["smile"], 1000), (["smile", "BAD_gap"], 800)) or len(in_file) != 2
)
PY
