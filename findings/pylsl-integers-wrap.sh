#!/bin/sh
# Codes of an EMG board are whole numbers, so int16 or int32 are natural formats of an LSL stream.
# One would guess that a value too large for the format raises, as struct and numpy do, or stops at the
# limit. pylsl 1.18.6 (liblsl 1.18) sends it modulo 2**16 (or 2**32): 40000 arrives as -25536, from
# push_sample and from push_chunk with a numpy array, and nothing is raised. A 24-bit board with an int16
# stream looks right as long as the muscle is at rest, and shows full-scale steps in a contraction.
# (A float in a list raises TypeError, so it seems as if values were checked.)
# Instead: int32 or float32 for 24-bit codes (float32 holds them exactly, as codes); check the range
# before pushing.
#
# Output seen:
#     pylsl 1.18.6 liblsl 118
#     int16: 40000 sent, arrives as -25536 (list), -25536 (numpy); 1.5: TypeError: 'float' object cannot be interpreted as an integer
#     int32: 2147483648 sent, arrives as -2147483648 (list), -2147483648 (numpy); 1.5: TypeError: 'float' object cannot be interpreted as an integer
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q pylsl==1.18.6 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import os
import sys
import uuid
from importlib.metadata import version

session = "finding-" + uuid.uuid4().hex
with open("lsl_api.cfg", "w") as out:  # found by nobody else, and finds nobody else
    out.write("[ports]\nIPv6 = disable\n[multicast]\nResolveScope = machine\n")
    out.write(f"[lab]\nSessionID = {session}\n[log]\nlevel = -3\n")
os.environ["LSLAPICFG"] = os.path.abspath("lsl_api.cfg")

import numpy as np  # noqa: E402
import pylsl  # noqa: E402

print("pylsl", version("pylsl"), "liblsl", pylsl.library_version())


def arrives(kind, value):
    """What comes out of a stream of this format, and what a float does."""
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo(kind, "EMG", 1, 1000, kind, session + kind))
    inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", kind, timeout=20)[0])
    inlet.open_stream(20)
    outlet.wait_for_consumers(20)
    outlet.push_sample([value])
    outlet.push_chunk(np.array([[value]]))
    got = [inlet.pull_sample(20)[0][0] for _ in range(2)]
    try:
        outlet.push_sample([1.5])
        refused = ""
    except TypeError as error:
        refused = f"TypeError: {error}"
    inlet.close_stream()
    return got, refused


seen = {(kind, value): arrives(kind, value) for kind, value in (("int16", 40000), ("int32", 2**31))}
for (kind, value), (got, refused) in seen.items():
    print(f"{kind}: {value} sent, arrives as {got[0]} (list), {got[1]} (numpy); 1.5: {refused}")
values = [got for got, _ in seen.values()]
sys.exit(values != [[-25536] * 2, [-(2**31)] * 2] or not all(text for _, text in seen.values()))
PY
