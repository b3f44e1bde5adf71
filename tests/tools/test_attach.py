"""`emgrig attach`, as a shell sees it: a program, a script, a socket, and what they end with."""

import json
import os
import shlex
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from emgrig.attach.remote.client import RemoteBench
from shell import Run

pytestmark = pytest.mark.slow

#: What a client in any language does: registers, START, frames.
CLIENT = """
import sys
from emgrig.attach.remote.client import RemoteBench
bench = RemoteBench()
bench.advance(0.2)
print("hello from the firmware")
for sent in (b"\\x11", b"\\x43\\x00\\xe0", b"\\x45\\x07" + b"\\x60" * 8, b"\\x08", b"\\x10"):
    bench.select()
    bench.exchange(sent)
    bench.advance({hold_s})
    bench.deselect()
    bench.advance(1e-3)
n = 0
while n != {n_frames}:
    bench.wait_drdy()
    bench.select()
    bench.exchange(bytes(27))
    bench.advance(3e-6)
    bench.deselect()
    n += 1
sys.exit({code})
"""
SCRIPT = """
import time
import spidev
spi = spidev.SpiDev()
spi.open(0, 0)
spi.max_speed_hz = 1_000_000
spi.mode = {mode}
time.sleep(0.2)
spi.xfer2([0x11])
print(spi.xfer2([0x20, 0, 0]))
"""
#: `env` keeps the command from being taken for a Python script; only there is it a program.
POSIX = pytest.mark.skipif(os.name != "posix", reason="env(1) and signals")


def client(folder: Path, *, hold_s: float = 3e-6, n_frames: int = 20, code: int = 0) -> str:
    path = folder / "client.py"
    path.write_text(CLIENT.format(hold_s=hold_s, n_frames=n_frames, code=code))
    return f"env {shlex.quote(sys.executable)} {shlex.quote(str(path))}"


@POSIX
def test_a_right_program_is_clean_and_its_output_passes(shell: Run, tmp_path: Path) -> None:
    said = shell(f"attach --source silence -- {client(tmp_path)}")
    assert said.code == 0
    first, *rest = said.out.splitlines()
    assert first == "hello from the firmware"
    assert rest[1] == "nothing was lost, torn or wrong"
    assert rest[-1].startswith("attach: CLEAN - SIMULATED, env ")
    assert "25 transfers, 20 results produced, 20 read" in rest[-1]


@POSIX
def test_the_cause_is_the_first_line_and_the_exit_code_1(shell: Run, tmp_path: Path) -> None:
    line = f"attach --source silence --report {tmp_path / 'r'} -- {client(tmp_path, hold_s=0)}"
    said = shell(line)
    assert said.code == 1
    assert said.out.splitlines()[2].startswith("tSCCS: CS went high ")
    (suite,) = ET.parse(tmp_path / "r/junit.xml").getroot()
    assert suite.get("failures") == "1"
    again = shell(line)
    assert again.code == 5
    assert "exists" in again.err
    assert "hello" not in again.out  # refused before anything ran


@POSIX
def test_json_is_alone_on_the_output(shell: Run, tmp_path: Path) -> None:
    said = shell(f"attach --source silence --json -- {client(tmp_path, hold_s=0)}")
    report = json.loads(said.out)
    assert report["verdict"]["simulated"] is True
    assert (report["verdict"]["exit_code"], said.code) == (1, 1)
    assert report["findings"][0]["cause"] == "tSCCS"
    assert "hello from the firmware" in said.err


@POSIX
def test_the_programs_own_failure_is_said(shell: Run, tmp_path: Path) -> None:
    said = shell(f"attach --source silence -- {client(tmp_path, code=7)}")
    assert said.code == 1
    assert "the firmware ended with exit code 7; nothing was lost" in said.out
    assert said.out.splitlines()[-1].startswith("attach: FAILED - SIMULATED")


@POSIX
def test_it_is_stopped_after_a_time_of_the_bench(shell: Run, tmp_path: Path) -> None:
    line = client(tmp_path, n_frames=-1)
    said = shell(f"attach --source silence --duration 1 -- {line}")
    assert said.code == 0
    assert "stopped after the time that was asked for" in said.out


@POSIX
def test_ctrl_c_ends_it_and_prints_the_report(tmp_path: Path) -> None:
    line = shlex.split(client(tmp_path, n_frames=-1))
    command = [sys.executable, "-m", "emgrig", "attach", "--source", "silence", "--", *line]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()  # the firmware is there
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=60)
    assert "attach: CLEAN - SIMULATED" in said
    assert said.rstrip().endswith("stopped by Ctrl-C")
    assert child.returncode == 0


@POSIX
def test_it_serves_until_ctrl_c(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/bench"
    command = [sys.executable, "-m", "emgrig", "attach", "--source", "silence", "--serve", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == address
        bench = RemoteBench(address)
        bench.transfer(b"\x11")
        bench.close()
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=60)
    assert "tSCCS: CS went high 0.70 µs" in said  # 0.2 µs of hold, half a period of SCLK
    assert child.returncode == 1


@pytest.mark.parametrize(("mode", "code"), [(1, 0), (2, 1)])
def test_a_script_with_spidev_runs_unchanged(
    shell: Run, tmp_path: Path, mode: int, code: int
) -> None:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(mode=mode))
    said = shell(f"attach --source silence -- python {shlex.quote(str(path))}")
    assert said.code == code
    assert said.out.startswith("[0, 0, 62]")  # mode 2 reads registers right
    assert "processor linux" in said.out
    assert ("SPI mode: SPI mode 2" in said.out) == (mode == 2)


def test_nothing_attached_is_no_success(shell: Run, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text("print('I know of no chip')\n")
    said = shell(f"attach --python -- {shlex.quote(str(path))}")
    assert said.code == 1
    assert "nothing attached: no chip was ever selected" in said.out


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("attach -- python none.py", 5, "there is no script none.py"),
        ("attach", 2, "say one of"),
        ("attach --serve tcp://127.0.0.1:0 -- ./x", 2, "say one of"),
        ("attach --processor z80 -- ./x", 2, "none, mcu, avr, linux"),
        ("attach --speed max -- ./x", 2, "leave --speed out"),
        ("attach --duration 0 -- ./x", 2, "more than 0"),
        ("attach --channels 5 -- ./x", 2, "all 8 channels"),
        ("attach --fault nonsense -- ./x", 2, "nonsense"),
        ("attach --wiring nowhere -- python x.py", 2, "no wiring 'nowhere'"),
        ("attach --serve nonsense", 2, "no address"),
        ("attach --serve tcp://203.0.113.1:4300", 2, "other machines"),
        ("attach -- ./no-such-firmware", 5, "cannot start ./no-such-firmware"),
    ],
)
def test_what_cannot_be_is_refused_in_words(shell: Run, line: str, code: int, words: str) -> None:
    said = shell(line)
    assert said.code == code
    assert words in " ".join(said.err.replace("│", " ").split())


def test_the_c_files_are_written(shell: Run, tmp_path: Path) -> None:
    said = shell(f"attach --c {tmp_path / 'c'}")
    assert said.code == 0
    assert (tmp_path / "c/emgrig_chip.h").is_file()
