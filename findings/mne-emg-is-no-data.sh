#!/bin/sh
# One would guess that raw.filter(20, 400) filters every channel that was recorded, or at least the
# EMG. In mne 1.13.2 a channel of type emg is not one of the "data" types that these methods pick
# by default. With EEG and EMG in one recording, filter, notch_filter and apply_hilbert leave the EMG
# as it is, compute_psd and Epochs.average leave it out, and nothing is said. (With EMG only,
# they raise. read_raw_bdf calls every channel eeg; mne-bids and set_channel_types make them emg.)
# The EMG then keeps its offset and mains, and rectified amplitudes are of those.
# Instead: say picks="emg" or picks="all" in each call.
#
# Output seen:
#     mne 1.13.2
#     mean in uV after filter(20, 400):              EEG -0.01, EMG 1000.03
#     mean in uV after filter(20, 400, picks='all'): EEG -0.01, EMG -0.00
#     EMG as it was after notch_filter, apply_hilbert: True True
#     channels of compute_psd: ['EEG'] and of Epochs.average: ['EEG']
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
rng = np.random.default_rng(0)
samples = 1e-3 + 1e-5 * rng.standard_normal((2, 10000))  # 1 mV of offset
raw = mne.io.RawArray(samples, mne.create_info(["EEG", "EMG"], 1000.0, ["eeg", "emg"]))

filtered = raw.copy().filter(20, 400).get_data().mean(axis=1)
named = raw.copy().filter(20, 400, picks="all").get_data().mean(axis=1)
print("mean in uV after filter(20, 400):              EEG %.2f, EMG %.2f" % tuple(1e6 * filtered))
print("mean in uV after filter(20, 400, picks='all'): EEG %.2f, EMG %.2f" % tuple(1e6 * named))
kept = [
    bool(np.array_equal(changed.get_data()[1], samples[1]))
    for changed in (raw.copy().notch_filter(50), raw.copy().apply_hilbert(envelope=True))
]
print("EMG as it was after notch_filter, apply_hilbert:", *kept)
spectrum = raw.compute_psd().ch_names
events = np.array([[i, 0, 1] for i in range(1000, 9000, 1000)])
average = mne.Epochs(raw, events, tmin=0, tmax=0.5, baseline=None, preload=True).average().ch_names
print("channels of compute_psd:", spectrum, "and of Epochs.average:", average)
changed = abs(filtered[0]) > 1e-6 or abs(filtered[1]) < 0.9e-3 or abs(named[1]) > 1e-6
sys.exit(changed or kept != [True, True] or spectrum != ["EEG"] or average != ["EEG"])
PY
