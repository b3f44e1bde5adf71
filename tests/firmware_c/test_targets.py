"""The chip sides of the targets on the bench, SPI byte by SPI byte: nothing is breached or lost."""

import ctypes
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.c.build import build, compiler
from emgrig.attach.c.files import write_c_library
from emgrig.attach.c.in_process import Firmware
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.firmware.new import write_firmware
from emgrig.protocol import packets as wire
from emgrig.protocol.decoder import Decoder, EventPacket, ReplyPacket, SamplePackets
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import ALL_CHIPS, Request
from firmware_core import CORE, SOURCES, needs_c

pytestmark = [pytest.mark.long, needs_c]

RUN = Path(__file__).parent / "bench_run.c"
STANDINS = Path(__file__).parent / "standins"
TARGETS = SOURCES / "targets"
has_arm_gcc = shutil.which("arm-none-eabi-gcc") is not None
#: Pins of the shims: numbers of ours.
PINS = {"CS": 5, "DRDY": 4, "START": 25, "RESET": 26, "PWDN": 27}


@dataclass(frozen=True)
class Target:
    """A target's chip side, and how it is compiled on the bench."""

    sources: tuple[Path, ...]
    include: Path
    shim: str | None = None
    flags: tuple[str, ...] = ()


HOST = Target(
    (TARGETS / "host" / "bench_hal.c",),
    TARGETS / "host",
    None,
    ("-DON_BENCH_HAL", "-DBENCH_EXACT=1"),
)
ESP32 = Target(
    (TARGETS / "esp32" / "main" / "chips.c",), TARGETS / "esp32" / "main", "esp_idf",
    tuple(f"-DEMGRIG_PIN_{name}={pin}" for name, pin in PINS.items()),
)  # fmt: skip
ARDUINO = Target(
    (TARGETS / "esp32-arduino" / "chips.cpp", STANDINS / "arduino_bench.cpp"),
    TARGETS / "esp32-arduino",
    "arduino",
    ESP32.flags,
)
STM32 = Target(
    (TARGETS / "stm32" / "chips.c", STANDINS / "stm32_bench.c"), TARGETS / "stm32", "stm32_hal",
    (f"-I{STANDINS / 'stm32'}",
     "-DEMGRIG_PIN_CS=4", "-DEMGRIG_PIN_DRDY=16", "-DEMGRIG_PIN_START=17",
     "-DEMGRIG_PIN_RESET=18", "-DEMGRIG_PIN_PWDN=26"),
)  # fmt: skip
RP2040 = Target(
    (TARGETS / "rp2040" / "chips.c", STANDINS / "pico_bench.c"), TARGETS / "rp2040", None,
    (f"-I{STANDINS / 'pico'}",),
)  # fmt: skip


def stream(target: Target, folder: Path, n_chips: int) -> tuple[Bench, list]:
    """Boot, set the chips to 1 kSPS, run for 0.25 s, stop; the bench and what was said."""
    sources = [*sorted(CORE.glob("*.c")), *target.sources, RUN]
    flags = [f"-I{CORE}", f"-I{target.include}", f"-DEMG_MAX_CHIPS={n_chips}u", *target.flags]
    library = build(folder / "t.so", sources, shim=target.shim, flags=flags, is_library=True)
    options = BenchOptions(
        chips=tuple(ChipOptions() for _ in range(n_chips)),
        source="sine:1mV,37Hz", is_wired=True, processor=PROCESSORS["mcu"],
    )  # fmt: skip
    bench, encode, decoder = Bench(options), PacketEncoder(), Decoder()
    items: list = []
    with Firmware(bench, library) as firmware:

        def ask(request: Request, arguments: wire.Message, wait_us: int) -> None:
            head = wire.RequestHeader(len(items) + 1, request)
            data = encode(PacketType.REQUEST, head.encode() + arguments.encode())
            firmware.call("feed", data, len(data))
            firmware.call("go", wait_us)
            room = ctypes.create_string_buffer(1 << 20)
            n_bytes = firmware.call("take", room, len(room))
            items.extend(decoder.feed(room.raw[:n_bytes]))

        firmware.call("begin")
        ask(Request.CHIP_COMMAND, wire.ChipCommand(ALL_CHIPS, 0x11), 1000)
        for chip in range(n_chips):
            ask(Request.WRITE_REGISTERS, wire.WriteRegisters(chip, 1, b"\x94\xc0\xe0"), 1000)
            ask(Request.WRITE_REGISTERS, wire.WriteRegisters(chip, 5, b"\x60"), 150_000)
            ask(Request.READ_REGISTERS, wire.ReadRegisters(chip, 0, 24), 1000)
        ask(Request.START, wire.StartArguments(16, 3), 250_000)
        ask(Request.STOP, wire.NoArguments(), 5000)
    return bench, items


@pytest.mark.parametrize(
    ("target", "n_chips"),
    [(HOST, 1), (HOST, 2), (ESP32, 1), (ARDUINO, 1), (STM32, 1), (RP2040, 1)],
    ids=["host", "host, 2 chips", "esp32", "esp32-arduino", "stm32", "rp2040"],
)
def test_a_run_breaches_nothing_and_arrives_whole(
    target: Target, n_chips: int, tmp_path: Path
) -> None:
    bench, items = stream(target, tmp_path, n_chips)
    facts = bench.facts()
    for chip in facts.chips:
        assert chip.counts == {}, chip.breaches[:3]
        assert (chip.n_missed, chip.n_torn) == (0, 0)
    boot = items[0]
    assert isinstance(boot, EventPacket)
    assert boot.body == wire.BootEvent(1)
    replies = [item for item in items if isinstance(item, ReplyPacket)]
    assert [reply.error for reply in replies] == [None] * len(replies)
    runs = [item for item in items if isinstance(item, SamplePackets)]
    stopped = wire.Stopped.decode(replies[-1].data)
    frames = np.concatenate([run.frames.reshape(-1, 27 * n_chips) for run in runs])
    assert len(frames) == stopped.conversions == facts.chips[0].n_read
    assert 240 <= len(frames) <= 260  # 1 kSPS for a quarter of a second
    first = np.concatenate(
        [(run.first_conversion[:, None] + np.arange(run.frames.shape[1])).ravel() for run in runs]
    )
    assert np.array_equal(first, np.arange(len(frames)))
    assert {int(flags) for run in runs for flags in run.flags} == {0}
    # a sine of 1 mV at gain 24: a code is 9 V / 24 / 2**24 (SBAS499C, equation 8)
    codes = frames[:, 3].astype(np.int8).astype(int) << 16
    codes += (frames[:, 4].astype(int) << 8) + frames[:, 5]
    assert np.ptp(codes[100:]) * 9 / 24 / 2**24 == pytest.approx(2e-3, rel=0.02)


@pytest.mark.parametrize(
    ("folder", "names", "standins"),
    [
        ("esp32/main", ["main.c", "wifi_link.c", "chips.c"], ["esp32", "esp_idf"]),
        ("rp2040", ["main.c", "chips.c"], ["pico"]),
        ("stm32", ["board.c", "clock_us.c", "chips.c"], ["stm32_all", "stm32_hal"]),
        ("host", ["main.c", "bench_hal.c", "pace.c"], []),
        ("esp32-arduino", ["sketch.ino", "chips.cpp"], ["arduino", "esp32"]),
    ],
    ids=["esp32", "rp2040", "stm32", "host", "esp32-arduino"],
)
def test_what_cannot_run_here_compiles_against_stand_ins(
    folder: str, names: list[str], standins: list[str], tmp_path: Path
) -> None:
    """It finds a slip of the pen and no more: their READMEs say so."""
    write_c_library(tmp_path)
    include = [STANDINS / name for name in standins if (STANDINS / name).is_dir()]
    include += [tmp_path / name for name in standins if (tmp_path / name).is_dir()]
    for name in names:
        is_cpp = not name.endswith(".c")
        language = ["-x", "c++", "-include", "Arduino.h"] if is_cpp else ["-std=gnu11"]
        command = [
            compiler(is_cpp), *language, "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
            f"-I{TARGETS / folder}", f"-I{CORE}", f"-I{tmp_path}",
            *(f"-I{one}" for one in include), TARGETS / folder / name,
        ]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), name


@pytest.mark.skipif(
    not (os.environ.get("PICO_SDK_PATH") and shutil.which("cmake") and has_arm_gcc),
    reason="needs the Pico SDK in PICO_SDK_PATH, cmake and arm-none-eabi-gcc",
)
def test_rp2040_is_an_image_with_the_real_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFLAGS", "-Wall -Wextra")
    write_firmware(tmp_path / "board", "rp2040")
    build = tmp_path / "board" / "build"
    sdk = os.environ["PICO_SDK_PATH"]
    words = [f"-DPICO_SDK_PATH={sdk}", "-DPICO_NO_PICOTOOL=1"]
    run_quietly("cmake", "-S", build.parent, "-B", build, *words)
    said = run_quietly("cmake", "--build", build)
    assert not re.search(r"board/(main|chips|core/emg_\w+)\.[ch]:.*warning", said)
    assert (build / "emg_board.elf").stat().st_size > 20_000


@pytest.mark.skipif(
    not (os.environ.get("STM32CUBE_F4_PATH") and has_arm_gcc),
    reason="needs the folder STM32CubeF4 in STM32CUBE_F4_PATH, and arm-none-eabi-gcc",
)
def test_stm32_compiles_with_the_real_headers(tmp_path: Path) -> None:
    drivers = Path(os.environ["STM32CUBE_F4_PATH"]) / "Drivers"
    hal, cmsis = drivers / "STM32F4xx_HAL_Driver" / "Inc", drivers / "CMSIS"
    shutil.copy(hal / "stm32f4xx_hal_conf_template.h", tmp_path / "stm32f4xx_hal_conf.h")
    (tmp_path / "main.h").write_text('#include "stm32f4xx_hal.h"\n')
    device = cmsis / "Device" / "ST" / "STM32F4xx" / "Include"
    include = [tmp_path, TARGETS / "stm32", CORE, hal, device, cmsis / "Include"]
    run_quietly(
        "arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-std=gnu11", "-fsyntax-only",
        "-Wall", "-Wextra", "-Werror", "-DSTM32F407xx", *(f"-I{one}" for one in include),
        *sorted(CORE.glob("*.c")), *sorted((TARGETS / "stm32").glob("*.c")),
    )  # fmt: skip


def run_quietly(*command: str | Path) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr
