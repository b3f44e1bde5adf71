"""The shims: programs as they are written for each framework, unchanged on the bench."""

from pathlib import Path

import pytest

from c_programs import POSIX, PROGRAMS, needs_compiler, run
from emgrig.attach.bench import Bench
from emgrig.attach.c.build import build
from emgrig.attach.facts import ChipFacts
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions

pytestmark = [pytest.mark.slow, needs_compiler, POSIX]


def on_bench(
    folder: Path, source: str, shim: str, *flags: str, seconds: str = "3", processor: str = "mcu"
) -> tuple[list[str], str, ChipFacts, Bench]:
    """Lines of a program, what it says on standard error, the chip's facts, and the bench."""
    program = build(
        folder / "program",
        [PROGRAMS / source],
        shim=shim,
        flags=["-Wall", "-Wextra", "-Werror", *flags],
    )
    chips = (ChipOptions(oscillator_ppm=0.0),)
    bench = Bench(
        BenchOptions(
            chips=chips, source="silence", has_reference=True, processor=PROCESSORS[processor]
        )
    )
    ran = run(program, bench, seconds=seconds)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines(), ran.stderr, bench.facts().chips[0], bench


def test_arduino(tmp_path: Path) -> None:
    pins = ("-DEMGRIG_PIN_CS=7", "-DEMGRIG_PIN_DRDY=3", "-DEMGRIG_PIN_START=4")
    lines, told, chip, bench = on_bench(tmp_path, "arduino.ino", "arduino", *pins, seconds="1")
    assert lines[:7] == [
        "waited 150", "id 0x3E", "least first 1111100", "-12", "FFFFFFFF", "3.142", "x",
    ]  # fmt: skip
    assert lines[7] == str(255 + 50 + 1 + 2)
    # 20 ms after START: no interrupt while they are off, one for all when they come on; two falls
    # in the next 8 ms at 250 SPS; the one after them 4 ms later; none once it is detached
    assert lines[8:] == ["0", "1", "3", "4", "0"]
    assert told == "emgrig_arduino: pin 4 is written, but is no OUTPUT yet\n"
    assert chip.counts == {}
    assert bench.now_s == pytest.approx(1.0, abs=0.01)


def test_stm32_hal(tmp_path: Path) -> None:
    lines, told, chip, _ = on_bench(tmp_path, "hal.c", "stm32_hal")
    assert lines == ["id 3e after 151 ms"] + ["status c0 drdy 1 led 1"] * 5
    assert (told, chip.counts) == ("", {})
    assert (chip.n_read, chip.n_missed) == (5, 0)


def test_esp_idf(tmp_path: Path) -> None:
    pins = ("-DEMGRIG_PIN_CS=5", "-DEMGRIG_PIN_DRDY=4", "-DEMGRIG_PIN_START=6")
    lines, told, chip, _ = on_bench(tmp_path, "esp.c", "esp_idf", *pins, processor="none")
    assert lines == [
        "I (emg) short 0", "I (emg) long 150", "I (emg) half 106", "I (emg) id 3e",
        "I (emg) in vain 0", *["I (emg) status c0 1"] * 6,
    ]  # fmt: skip
    assert (told, chip.counts) == ("", {})
    assert (chip.n_read, chip.n_missed) == (6, 0)


def test_c_periphery(tmp_path: Path) -> None:
    pins = ("-DEMGRIG_PIN_DRDY=17", "-DEMGRIG_PIN_START=22")
    program = "periphery.c"
    lines, told, chip, _ = on_bench(tmp_path, program, "c_periphery", *pins, processor="linux")
    assert lines[:2] == ["id 3e", "poll 0"]
    assert [line.rpartition(" ")[0] for line in lines[2:]] == ["status c0 edge 1 low 1 us"] * 4
    periods = [int(line.rpartition(" ")[2]) for line in lines[3:]]
    assert periods == pytest.approx([4000] * 3, abs=30)
    assert (told, chip.n_read) == ("", 4)


def test_a_program_without_cs_is_told_what_to_do(tmp_path: Path) -> None:
    pins = ("-DEMGRIG_PIN_DRDY=3", "-DEMGRIG_PIN_START=4")
    program = build(
        tmp_path / "program", [PROGRAMS / "arduino.ino"], shim="arduino", flags=list(pins)
    )
    ran = run(program, Bench(BenchOptions(source="silence")), seconds="0.2")
    assert "no pin is CS of a chip, so none answers; compile with -DEMGRIG_PIN_CS=" in ran.stderr
    assert "id 0x0" in ran.stdout
