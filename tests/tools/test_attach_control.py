"""`emgrig attach --control`: the bench is changed while the firmware runs."""

import socket
from pathlib import Path

import pytest

from attach.shims.scripts import SET_UP
from attach.shims.test_behaviour import BEGIN
from shell import Run

SCRIPT = """
from emgrig.simulator.control.client import ask

def swing():
    codes = []
    for _ in range(60):
        time.sleep(0.004)
        codes.append(int.from_bytes(bytes(spi.readbytes(27))[9:12], "big", signed=True))
    return max(codes[10:]) - min(codes[10:])

WRITES[3:] = [(0x05 + n, 0x60) for n in range(8)]
set_up(spi.xfer2, time.sleep)
quiet = swing()
ask("127.0.0.1:PORT", {"do": "lift", "electrode": "3P"}, timeout_s=300)
print("lifted", swing() > 20 * quiet)
"""


@pytest.mark.slow
def test_an_electrode_is_lifted_under_a_script_that_runs(shell: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = tmp_path / "script.py"
    script.write_text(SET_UP + BEGIN + SCRIPT.replace("PORT", str(port)), "utf-8")
    said = shell(f"attach --control {port} --source silence -- python {script}")
    assert f"control port: emgrig control 127.0.0.1:{port} status" in said.err
    assert "lifted True" in said.out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("attach --control x -- python a.py", "--control x"),
        ("attach --control 0.0.0.0:4399 -- python a.py", "ssh tunnel"),
    ],
)
def test_a_control_port_that_cannot_be_is_refused(line: str, words: str, shell: Run) -> None:
    said = shell(line)
    assert said.code == 2
    assert words in said.err
