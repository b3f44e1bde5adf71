#!/bin/sh
# One would guess that `EdfWriter.writeAnnotation` writes an annotation, or says that it cannot:
# it returns 0 for success. pyedflib 0.1.42 has room for one annotation in each data record. A
# recording of 3 s has three records, so of ten annotations the last seven are lost when the file is
# closed; every call had returned 0 and nothing is raised. Texts end after 40 bytes, onsets and
# durations are rounded to 0.1 ms. Long sessions have records to spare; what loses its markers
# are the short ones: an MVC trial, a contact check, a calibration.
# Instead: call set_number_of_annotation_signals(n) before the first sample (n texts a record),
# keep texts short, and count the annotations of the file that was written.
#
# Output seen:
#     pyedflib 0.1.42
#     returned: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
#     3 s, 10 written, read back: 3
#     first: 0.0123 s (was 0.01234567), 40 characters (were 50): 'contraction 0 of ten, corrugator superci'
#     with set_number_of_annotation_signals(4): 10
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q pyedflib==0.1.42 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import pyedflib


def written(room):
    writer = pyedflib.EdfWriter("short.bdf", 1, file_type=pyedflib.FILETYPE_BDFPLUS)
    if room > 1:
        writer.set_number_of_annotation_signals(room)
    writer.setSignalHeader(0, {
        "label": "EMG", "dimension": "uV", "sample_frequency": 1000, "transducer": "",
        "physical_min": -1000, "physical_max": 1000, "digital_min": -8388608,
        "digital_max": 8388607, "prefilter": "",
    })  # fmt: skip
    writer.writeSamples([np.zeros(3000)])
    text = "contraction {} of ten, corrugator supercilii, left"
    results = [writer.writeAnnotation(0.25 * i + 0.01234567, -1, text.format(i)) for i in range(10)]
    writer.close()
    with pyedflib.EdfReader("short.bdf") as reader:
        onsets, _, texts = reader.readAnnotations()
    return results, onsets, texts


print("pyedflib", version("pyedflib"))
results, onsets, texts = written(1)
print("returned:", results)
print(f"3 s, 10 written, read back: {len(texts)}")
print(f"first: {onsets[0]} s (was 0.01234567), {len(texts[0])} characters (were 50): {str(texts[0])!r}")
enough = len(written(4)[2])
print("with set_number_of_annotation_signals(4):", enough)
cut = (len(texts[0]), float(onsets[0]))
sys.exit((results, len(texts), cut, enough) != ([0] * 10, 3, (40, 0.0123), 10))
PY
