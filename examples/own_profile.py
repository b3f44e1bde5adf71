"""A profile of one's own: two channels against a common reference, proved by read-back.

The board is that of EMGRIG_BOARD, as in EMGRIG_BOARD=sim: python own_profile.py
"""

import tempfile
from pathlib import Path

import emgrig

PROFILE = """
title = "Two channels against SRB1"

[board]
rate = 2000
reference = "internal"
srb1 = true

[defaults]
gain = 24
mux = "normal"

[channels.1]
name = "biceps brachii"

[channels.2]
name = "triceps brachii"
"""

with emgrig.plain_errors(), tempfile.TemporaryDirectory() as folder, emgrig.connect() as board:
    path = Path(folder) / "arm.toml"
    path.write_text(PROFILE, encoding="utf-8")
    before = board.chip.files[0]
    after = board.apply(path)[0]
    for change in before.differences(after):
        print(f"{change.register:12s} {change.field:12s} {change.old} -> {change.new}")
    print(f"rate {board.chip.rate_hz:g} Hz, gains {board.chip.gains}")
