#!/bin/sh
# load_xdf smooths time stamps by default, "segmenting" where the stamps pause: its parameters are 1
# second and 500 samples. One would guess that whichever comes first breaks the stream. In pyxdf
# 1.17.5 it is whichever is longer: at 250 Hz a pause of up to 2 s counts as jitter, and is spread evenly
# over the whole stream. Here a board pauses for 1.9 s in the middle of 10 s: the stamps beside the
# pause move by 0.95 s, the pause is gone, and the rate comes out as 194.6 Hz. (At 1000 Hz the
# limit is 1 s.) Markers of the same file are not moved, so reaction times and epochs of EMG are wrong by
# up to that much.
# Instead: load_xdf(..., dejitter_timestamps=False) where the sender stamps each sample well, else
# jitter_break_threshold_samples=1 and a small jitter_break_threshold_seconds; and look at
# effective_srate.
#
# Output seen:
#     pyxdf 1.17.5
#     250 Hz, pause of 0.9 s: stamps wrong by up to 0.45 s, effective rate 220.3 Hz
#     250 Hz, pause of 1.9 s: stamps wrong by up to 0.95 s, effective rate 194.6 Hz
#     250 Hz, pause of 2.1 s: stamps wrong by up to 0.0 s, effective rate 250.0 Hz
#     1000 Hz, pause of 0.9 s: stamps wrong by up to 0.45 s, effective rate 881.1 Hz
#     1000 Hz, pause of 1.1 s: stamps wrong by up to 0.0 s, effective rate 1000.0 Hz
#     250 Hz, 1.9 s: without smoothing 0.0 s, with thresholds of 0.1 s and 1 sample 0.0 s
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q pyxdf==1.17.5 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import logging
import struct
import sys
from importlib.metadata import version

import numpy as np
import pyxdf


def chunk(tag, content):
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


def write(path, stamps, rate):
    """An XDF file of one stream, each sample with its own stamp."""
    head = (
        '<?xml version="1.0"?><info><name>board</name><type>EMG</type><channel_count>1'
        f"</channel_count><nominal_srate>{rate}</nominal_srate><channel_format>float32"
        "</channel_format><created_at>0</created_at></info>"
    )
    foot = (
        f'<?xml version="1.0"?><info><first_timestamp>{stamps[0]}</first_timestamp>'
        f"<last_timestamp>{stamps[-1]}</last_timestamp>"
        f"<sample_count>{len(stamps)}</sample_count></info>"
    )
    one = struct.pack("<I", 1)
    samples = b"".join(b"\x08" + struct.pack("<df", stamp, 0) for stamp in stamps)
    path_bytes = b"XDF:" + chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')
    path_bytes += chunk(2, one + head.encode())
    path_bytes += chunk(3, one + b"\x04" + struct.pack("<I", len(stamps)) + samples)
    path_bytes += chunk(6, one + foot.encode())
    with open(path, "wb") as out:
        out.write(path_bytes)


def wrong_by(rate, pause, **options):
    stamps = 100 + np.arange(10 * rate) / rate
    stamps[5 * rate :] += pause
    write("pause.xdf", stamps, rate)
    (stream,), _ = pyxdf.load_xdf("pause.xdf", **options)
    error = float(abs(stream["time_stamps"] - stamps).max())
    return round(error, 2), round(stream["info"]["effective_srate"], 1)


logging.disable(logging.ERROR)
print("pyxdf", version("pyxdf"))
seen = {}
for rate, pause in ((250, 0.9), (250, 1.9), (250, 2.1), (1000, 0.9), (1000, 1.1)):
    seen[rate, pause] = wrong_by(rate, pause)
    error, found = seen[rate, pause]
    print(f"{rate} Hz, pause of {pause} s: stamps wrong by up to {error} s, effective rate {found} Hz")
raw, small = (
    wrong_by(250, 1.9, dejitter_timestamps=False)[0],
    wrong_by(250, 1.9, jitter_break_threshold_seconds=0.1, jitter_break_threshold_samples=1)[0],
)
print(f"250 Hz, 1.9 s: without smoothing {raw} s, with thresholds of 0.1 s and 1 sample {small} s")
errors = [error for error, _ in seen.values()]
sys.exit(errors != [0.45, 0.95, 0, 0.45, 0] or raw != 0 or small != 0)
PY
