"""The examples in C: each has one fault that the bench shows, and is right once that is mended."""

import subprocess
from pathlib import Path

import pytest

from c_programs import EXAMPLES, POSIX, needs_compiler, run
from emgrig.attach.bench import Bench
from emgrig.attach.c.build import build
from emgrig.attach.c.in_process import Firmware
from emgrig.attach.facts import BenchFacts
from emgrig.attach.options import PROCESSORS, BenchOptions
from emgrig.simulator.chip.violations import Rule, Severity

pytestmark = [pytest.mark.slow, needs_compiler]

SKETCH = EXAMPLES / "arduino" / "emg_stream.ino"
PINS = [f"-DEMGRIG_PIN_{pin}" for pin in ("CS=10", "DRDY=2", "START=5", "RESET=9")]
DRIVER = EXAMPLES / "c_driver"

TOO_EARLY = """\
    SPI.transfer(opcode);
    digitalWrite(CS, HIGH);
"""
IN_TIME = """\
    SPI.transfer(opcode);
    delayMicroseconds(2);
    digitalWrite(CS, HIGH);
"""


def sketch(path: Path, folder: Path) -> tuple[subprocess.CompletedProcess[str], BenchFacts]:
    """Run a sketch on a microcontroller's bench for a second and a half."""
    flags = [*PINS, "-Wall", "-Wextra", "-Werror"]
    program = build(folder / "sketch", [path], shim="arduino", flags=flags)
    bench = Bench(BenchOptions(processor=PROCESSORS["mcu"], source="sine:1mV,37Hz"))
    ran = run(program, bench, seconds="1.5")
    return ran, bench.facts()


@POSIX
def test_the_sketch_raises_cs_too_early_and_loses_sdatac(tmp_path: Path) -> None:
    ran, facts = sketch(SKETCH, tmp_path)
    first = facts.chips[0].breaches[0]
    assert (first.rule, first.severity, first.sent) == (Rule.T_SCCS, Severity.LOST, b"\x11")
    # without SDATAC nothing is written: gain, rate and reference stay as they were (table 11)
    assert facts.chips[0].counts[Rule.IN_RDATAC] == 3
    assert facts.chips[0].registers[1] == 0x96
    assert "187500.0" in ran.stdout  # full scale


@POSIX
def test_the_mended_sketch_breaches_nothing_and_prints_what_is_on_the_electrodes(
    tmp_path: Path,
) -> None:
    text = SKETCH.read_text(encoding="utf-8")
    assert text.count(TOO_EARLY) == 1
    mended = tmp_path / "mended.ino"
    mended.write_text(text.replace(TOO_EARLY, IN_TIME), encoding="utf-8")
    ran, facts = sketch(mended, tmp_path)
    (chip,) = facts.chips
    assert (ran.returncode, ran.stderr, chip.counts) == (0, "", {})
    assert chip.n_missed + chip.n_torn == 0
    printed = [float(line) for line in ran.stdout.split()]
    assert len(printed) >= chip.n_read - 1 > 400
    for claim in facts.claims:  # equation 8: 2 Vref / gain / 2**24 a code
        assert claim.microvolts == pytest.approx(claim.code * 2 * 4.5e6 / 24 / 2**24, abs=0.02)
    swing = max(printed[100:]) - min(printed[100:])
    assert swing == pytest.approx(2000, rel=0.2)  # 1 mV of a sine, and mains


@pytest.mark.parametrize("is_mended", [False, True], ids=["as it is", "mended"])
def test_the_driver_in_c_halves_its_microvolts(tmp_path: Path, is_mended: bool) -> None:
    text = (DRIVER / "ads_driver.c").read_text(encoding="utf-8")
    assert text.count("16777216.0f") == 1
    source = tmp_path / "ads_driver.c"
    source.write_text(text.replace("16777216.0f", "8388608.0f") if is_mended else text)
    flags = [f"-I{DRIVER}", "-Wall", "-Wextra", "-Werror"]
    library = build(tmp_path / "d.so", [source, DRIVER / "main.c"], flags=flags, is_library=True)
    bench = Bench(BenchOptions(source="sine:1mV,37Hz", is_wired=True))
    with Firmware(bench, library) as firmware:
        assert firmware.call("stream", 300) == 300
    facts = bench.facts()
    (chip,) = facts.chips
    assert (chip.counts, chip.n_read, chip.n_missed) == ({}, 300, 0)
    assert len(facts.claims) == 300
    for claim in facts.claims:
        right = claim.code * 2 * 4.5e6 / 24 / 2**24
        assert claim.microvolts == pytest.approx(right if is_mended else right / 2, rel=1e-4)


@POSIX
def test_the_driver_in_c_is_a_program_too(tmp_path: Path) -> None:
    sources = [DRIVER / "ads_driver.c", DRIVER / "main.c"]
    program = build(tmp_path / "driver", sources, flags=[f"-I{DRIVER}"])
    bench = Bench(BenchOptions())
    ran = run(program, bench)
    assert (ran.returncode, ran.stdout) == (0, "1000 frames\n")
    assert bench.facts().chips[0].n_read == 1000
