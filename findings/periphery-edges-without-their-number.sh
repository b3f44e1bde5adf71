#!/bin/sh
# The DRDY pin of an ADS1299 on a Linux machine: each edge is an event, and the kernel numbers the events of
# a line (`line_seqno`), so that edges which its full buffer threw away are known as lost. One would guess
# that a library which speaks version 2 of the kernel's interface hands the number on. python-periphery
# 2.4.3 reads it (its structure has the field) and drops it: `GPIO.read_event()` returns the kind of edge and
# the time, nothing else. A loss of samples can then only be guessed from the times.
# Instead: libgpiod's own binding, `gpiod` 2, whose events carry `line_seqno`.
#
# Output seen:
#     python-periphery 2.4.3 reads ['timestamp_ns', 'id', 'offset', 'seqno', 'line_seqno', 'padding']
#     and hands on ('edge', 'timestamp')
#     gpiod 2.5.0 hands on line_seqno: True
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q python-periphery==2.4.3 gpiod==2.5.0
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import ctypes
import inspect
import sys
from importlib.metadata import version

import gpiod
import periphery
from periphery import gpio_cdev2

read = next(
    [name for name, *_ in one._fields_]
    for _, one in inspect.getmembers(gpio_cdev2, inspect.isclass)
    if issubclass(one, ctypes.Structure) and "line_seqno" in dict(f[:2] for f in one._fields_)
)
print("python-periphery", version("python-periphery"), "reads", read)
handed_on = periphery.EdgeEvent._fields
print("and hands on", handed_on)
of_gpiod = hasattr(gpiod.EdgeEvent, "line_seqno") or "line_seqno" in getattr(
    gpiod.EdgeEvent, "__dataclass_fields__", {}
)
print("gpiod", version("gpiod"), "hands on line_seqno:", of_gpiod)
if handed_on != ("edge", "timestamp") or not of_gpiod:
    sys.exit("CHANGED: the fields of an edge event")
PY
