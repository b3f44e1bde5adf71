"""The twin, held by other people's programs of pinned versions: hackeeg 0.3.0, timeflux_hackeeg.

They are installed from the registry into a folder of their own; where it cannot be reached these
tests are skipped, and say so. Their own faults are pinned here as theirs. `SECONDS=60 pytest
tests/gateways/hackeeg/test_programs.py -k hackeeg_reads` is the long run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attach.shims.test_peers import installed
from emgrig.simulator.serve import serve_tcp
from gateways.hackeeg.rig import codes_of, processor_of, transport_of

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("SECONDS", "1"))
PINNED = ("hackeeg==0.3.0", "msgpack==1.2.4", "timeflux_hackeeg==0.3.1", "timeflux==0.17.2")
#: hackeeg's own class, as its own hackeeg_stream.py uses it.
CLIENT = """
import json, sys
import hackeeg
from hackeeg import ads1299
from hackeeg.driver import GAINS, SPEEDS

port, form, n_samples = sys.argv[1], sys.argv[2], int(sys.argv[3])
board = hackeeg.HackEEGBoard(port)
board.connect()
board.stop_and_sdatac_messagepack()
board.sdatac()
board.blink_board_led()
board.wreg(ads1299.CONFIG1, SPEEDS[500] | ads1299.CONFIG1_const)
for channel in range(1, 9):
    board.wreg(ads1299.CHnSET + channel, ads1299.ELECTRODE_INPUT | GAINS[24])
asked = (0x00, 0x01, 0x03, 0x05, 0x0C, 0x14) if form == "messagepack" else (0x00,)
registers = {place: board.rreg(place).get("DATA") for place in asked}
board.messagepack_mode() if form == "messagepack" else board.jsonlines_mode()
board.start()
board.rdatac()
board.raw_serial_port.timeout = 5  # at its own 0.1 s, a computer that is busy crashes msgpack
rows = []
while len(rows) < n_samples:
    found = board.read_rdatac_response()
    if found and found.get("channel_data"):
        rows.append([found["sample_number"], found["timestamp"], found["ads_status"],
                     *found["channel_data"]])
board.stop_and_sdatac_messagepack()
print(json.dumps({"registers": registers, "rows": rows}))
"""
#: timeflux_hackeeg's own node, polled as timeflux does. Its thread never ends: `_thread` is None.
NODE = """
import json, os, sys, time
from timeflux_hackeeg.nodes.driver import HackEEG

node = HackEEG(sys.argv[1], rate=500, gain=24)
rows = []
while len(rows) < int(sys.argv[2]):
    time.sleep(0.05)
    node.o.clear()
    node.update()
    if node.o.data is not None:
        rows += node.o.data.values.tolist()
print(json.dumps({"rows": rows, "has_thread": node._thread is not None}))
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("peers"), *PINNED)


def said(peers: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Run a script beside the programs; return what it printed last.

    A client that is not answered in 0.1 s, on a busy computer, gives up: it is run again.
    """
    file = peers / "script.py"
    file.write_text(script, "utf-8")
    path = os.pathsep.join([str(peers), *sys.path])
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(file), *arguments],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS + 60,
        )
        if "JSONDecodeError" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def at(truth: NDArray[np.int64], rows: NDArray[np.int64]) -> int:
    """Return the one place at which these consecutive rows stand in the truth."""
    found = np.flatnonzero((truth == rows[0]).all(axis=1))
    assert len(found) == 1
    return int(found[0])


@pytest.mark.long
@pytest.mark.parametrize("form", ["messagepack", "jsonlines"])
def test_hackeeg_reads_every_sample_and_register_of_the_twin(peers: Path, form: str) -> None:
    """No gap, and every code is the chip's own: better than half a code."""
    board = transport_of(source="sine:1mV,7Hz").board
    n_samples = round(500 * SECONDS)
    with serve_tcp(board) as server:
        found = said(peers, CLIENT, f"socket://127.0.0.1:{server.port}", form, str(n_samples))
    rows = np.array(found["rows"], np.int64)
    number, stamp_us, status, codes = rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3:]
    assert number.tolist() == list(range(n_samples))
    assert (status >> 20 == 0b1100).all()
    truth = codes_of(np.concatenate(processor_of(board).sampling.sent))
    begin = at(truth, codes[1:])
    np.testing.assert_array_equal(codes[1:], truth[begin : begin + n_samples - 1])
    period_us = np.diff(stamp_us[1:])
    np.testing.assert_allclose(period_us, 1e6 / 500, rtol=0.01)
    # ID; CONFIG1, CH1SET and CH8SET as it wrote them; CONFIG3 and GPIO as the firmware does.
    expected = {0x00: 0x3E, 0x01: 0x95, 0x03: 0xE0, 0x05: 0x60, 0x0C: 0x60, 0x14: 0x00}
    registers = {int(place): value for place, value in found["registers"].items()}
    assert registers == {place: expected[place] for place in registers}
    assert len(registers) == (6 if form == "messagepack" else 1)


@pytest.mark.long
def test_timeflux_hackeeg_reads_every_sample_of_the_twin(peers: Path) -> None:
    board = transport_of(source="sine:1mV,7Hz").board
    with serve_tcp(board) as server:
        found = said(peers, NODE, f"socket://127.0.0.1:{server.port}", str(round(400 * SECONDS)))
    codes = np.array(found["rows"]).round().astype(np.int64)
    truth = codes_of(np.concatenate(processor_of(board).sampling.sent))
    begin = at(truth, codes)
    np.testing.assert_array_equal(codes, truth[begin : begin + len(codes)])
    assert not found["has_thread"], "fault of theirs: `_thread = Thread().start()` is None"
