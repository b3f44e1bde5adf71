#!/bin/sh
# easy-scpi writes instruments as attributes: psu.volt() asks "VOLT?", psu.volt(3.3) sends "VOLT 3.3".
# One would guess that psu.volt = 3.3 sends it too, or is refused. In easy-scpi 0.1.7 it sets an attribute of
# the Python object: nothing goes to the instrument, and psu.volt reads 3.3 ever after, so the check
# that one writes next passes. The supply of a bench stays at what it had. The same holds for
# psu.timeout = 10000, which does not reach VISA: a slow measurement still ends after 2 s.
# Instead: always call, psu.volt(3.3), and read back with a call; the timeout is psu.instrument.timeout,
# or an argument of Instrument().
#
# Output seen:
#     easy-scpi 0.1.7
#     psu.volt = 3.3: psu.volt is 3.3, the supply says 1.00
#     psu.volt(3.3): the supply says 3.30
#     psu.timeout = 10000: VISA waits 2000 ms
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q easy-scpi==0.1.7 pyvisa==1.16.2 pyvisa-sim==0.7.1
cd "$tmp"
cat >bench.yaml <<'YAML'
spec: "1.0"
devices:
  supply:
    eom:
      TCPIP SOCKET: {q: "\n", r: "\n"}
    error: ERROR
    dialogues:
      - {q: "*IDN?", r: "supply"}
    properties:
      voltage:
        default: 1.0
        getter: {q: "VOLT?", r: "{:.2f}"}
        setter: {q: "VOLT {:.2f}"}
        specs: {type: float}
resources:
  TCPIP0::localhost::5025::SOCKET: {device: supply}
YAML
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import easy_scpi

psu = easy_scpi.Instrument(
    backend="bench.yaml@sim", read_termination="\n", write_termination="\n"
)
psu.rid = "TCPIP0::localhost::5025::SOCKET"
psu.connect()
print("easy-scpi", version("easy-scpi"))
psu.volt = 3.3
shown, supply = psu.volt, psu.query("VOLT?")
print(f"psu.volt = 3.3: psu.volt is {shown}, the supply says {supply}")
psu.disconnect()

psu = easy_scpi.Instrument(
    backend="bench.yaml@sim", read_termination="\n", write_termination="\n"
)
psu.rid = "TCPIP0::localhost::5025::SOCKET"
psu.connect()
psu.volt(3.3)
called = psu.query("VOLT?")
print("psu.volt(3.3): the supply says", called)
psu.timeout = 10000
waits = psu.instrument.timeout
print(f"psu.timeout = 10000: VISA waits {waits} ms")
psu.disconnect()
sys.exit((shown, supply, called, psu.timeout, waits) != (3.3, "1.00", "3.30", 10000, 2000))
PY
