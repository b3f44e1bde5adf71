"""docs/firmware.md, from an empty folder: the tree, the program, and our driver over TCP."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import emgrig
from emgrig.attach.bench import Bench
from emgrig.attach.options import BenchOptions
from emgrig.attach.remote.server import serve
from emgrig.errors import RecordingError
from emgrig.firmware.new import TARGETS, firmware_files, write_firmware
from firmware_core import CORE, SOURCES, compile_core, needs_c
from firmware_real_time import run_for
from places import ROOT

DOCUMENT = (ROOT / "docs" / "firmware.md").read_text("utf-8")


@pytest.mark.long
@needs_c
@pytest.mark.skipif(os.name != "posix", reason="the program's sockets need POSIX")
def test_a_new_board_answers_and_loses_nothing(tmp_path: Path) -> None:
    """Chip model, SPI, C core, loopback TCP, our driver; the bench's time is the program's."""
    write_firmware(tmp_path / "board", "host")
    subprocess.run(["make", "-C", tmp_path / "board"], check=True, capture_output=True)
    bench = Bench(BenchOptions(source="sine:1mV,37Hz", is_wired=True))
    with serve(bench) as server:
        told = {**os.environ, "EMGRIG_ATTACH": server.address}
        command = [tmp_path / "board" / "board", "0"]
        with subprocess.Popen(command, env=told, stdout=subprocess.PIPE, text=True) as program:
            try:
                assert program.stdout is not None
                address = program.stdout.readline().strip()
                with emgrig.connect(address) as board:
                    assert board.identity.serial_number == "HOST-0001"
                    assert board.identity.is_simulated
                    (registers,) = board.chip.read_registers()
                    # SBAS499C, table 11: ID, CONFIG1 to 3
                    assert registers.raw[:4].hex() == "3e96c060"
                    board.apply("facial-emg")
                    with board.stream(0.25) as stream:
                        n_samples = sum(len(block.codes) for block in stream)
                        totals = stream.totals
            finally:
                program.terminate()
    assert (n_samples, totals.lost) == (250, 0)
    assert totals.received >= 250  # the board goes on until STOP comes
    (chip,) = bench.facts().chips
    assert (chip.counts, chip.n_missed, chip.n_torn) == ({}, 0, 0)


@pytest.mark.long
@needs_c
@pytest.mark.skipif(os.name != "posix", reason="the program's sockets need POSIX")
def test_in_real_time_nothing_is_lost_uncounted(tmp_path: Path) -> None:
    """Two chips at 16 kSPS by the clock of this machine; how many are lost is up to the machine."""
    run = run_for(0.5, tmp_path)
    assert run.edges >= 8000
    assert run.totals.received + run.totals.lost == run.edges == run.stats.conversions
    assert run.totals.lost == run.stats.missed_drdy + run.stats.transmit_overflows
    assert run.totals.received == run.stats.frames_sent
    assert run.n_samples > 0
    assert run.n_wrong == 0


@needs_c
@pytest.mark.skipif(os.name != "posix", reason="the program's clock needs POSIX")
def test_every_wait_of_a_run_ends(tmp_path: Path) -> None:
    """Also where a few microseconds of it are left: less than is worth a message to the bench."""
    host = SOURCES / "targets" / "host"
    flags = ["-O1", f"-I{host}", "-Dclock_gettime=wall_gettime", "-Dnanosleep=wall_nanosleep"]
    sources = [host / "pace.c", Path(__file__).parent / "pace_clock.c"]
    program = compile_core(tmp_path / "pace", flags, sources)
    ran = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize("target", TARGETS)
def test_a_tree_is_whole(target: str, tmp_path: Path) -> None:
    written = write_firmware(tmp_path / "mine", target)
    names = {path.relative_to(tmp_path / "mine").as_posix() for path in written}
    core = {path.name for path in CORE.iterdir()}
    place = "" if target == "esp32-arduino" else "core/"
    assert {f"{place}{name}" for name in core} <= names
    assert "README.md" in names
    assert ("mine.ino" in names) == (target == "esp32-arduino")
    assert ("emgrig/emgrig_chip.c" in names) == (target == "host")
    readme = (tmp_path / "mine" / "README.md").read_text("utf-8")
    assert "**What was tried**" in readme
    for name in re.findall(r"`([\w/.]+\.(?:c|h|cpp))`", readme):
        assert any(path.endswith(name) for path in names), name
    with pytest.raises(RecordingError, match="is not empty"):
        write_firmware(tmp_path / "mine", target)


def test_no_such_target_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no target 'avr'; there are host, esp32"):
        write_firmware(tmp_path / "new", "avr")
    assert not (tmp_path / "new").exists()


def test_every_folder_of_targets_has_a_name() -> None:
    assert {path.name for path in (SOURCES / "targets").iterdir()} == set(TARGETS)
    for target in TARGETS:
        assert firmware_files(target)


def test_the_document_names_every_target_and_every_function_of_the_hardware_layer() -> None:
    for target in TARGETS:
        assert f"`{target}`" in DOCUMENT
    header = (CORE / "emg_hal.h").read_text("utf-8")
    functions = re.findall(r"\(\*(\w+)\)\(void \*context", header)
    assert len(functions) == 10
    for name in functions:
        assert f"`{name}`" in DOCUMENT
