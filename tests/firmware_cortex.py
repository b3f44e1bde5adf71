"""The firmware in C as an image for a Cortex-M, whose instructions Unicorn runs.

`CortexFirmware` is `CoreFirmware` with another processor: the core is compiled for a Cortex-M4, and
its hardware layer is a mailbox (`firmware_c/cortex_m/image.c`). Unicorn is under the GPL and not
among what emgrig needs; tests skip without it.
"""

import ctypes
import functools
import shutil
import struct
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emgrig.onboard.native import CAPABILITIES
from emgrig.onboard.seams import BoardFacts
from firmware_core import CORE, GLUE, SIZES, CoreFirmware

FLASH, RAM, CALL = 0x0800_0000, 0x2000_0000, 0x4000_0000
RAM_BYTES, STACK_BYTES = 1 << 19, 4096
HERE = Path(__file__).parent / "firmware_c" / "cortex_m"
_RETURN = FLASH + 0xF000  # where functions return to: nothing is there
_NAMES = (
    "box", "board", "texts", "ohm", "facts", "init", "emg_boot", "glue_go", "emg_connected",
    "emg_disconnected", "emg_trigger",
)  # fmt: skip
_CALLS = (
    "", "delay_us", "idle_us", "transfer", "line", "receive", "send", "blink", "show",
    "reboot",
)  # fmt: skip
_TEXT_BYTES = 97
_TOLD = struct.Struct("<QQ III")  # what the processor reads there, behind the arguments
_ARGUMENTS = struct.Struct("<6I")


def cross_compiler(cpu: str = "cortex-m4") -> list[str] | None:
    """Return a compiler for a Cortex-M and its first options, or None."""
    if shutil.which("arm-none-eabi-gcc"):
        return ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb"]
    if find_spec("ziglang"):
        target = ["-target", "thumb-freestanding-eabi", f"-mcpu={cpu.replace('-', '_')}"]
        return [sys.executable, "-m", "ziglang", "cc", *target, "-fno-sanitize=undefined"]
    return None


needs_cross_compiler = pytest.mark.skipif(
    cross_compiler() is None,
    reason="no compiler for ARM: pip install -e '.[cortex]', or install gcc-arm-none-eabi",
)
needs_cortex_m = pytest.mark.skipif(
    cross_compiler() is None or find_spec("unicorn") is None,
    reason="needs unicorn and a compiler for ARM: pip install -e '.[cortex]'",
)


def compile_for_arm(sources: list[Path], words: list[str], cpu: str = "cortex-m4") -> None:
    """Compile without a C library; `words` say what for."""
    found = cross_compiler(cpu)
    assert found is not None
    options = ["-std=c99", "-Os", "-ffreestanding", "-Wall", "-Wextra", "-Werror"]
    command = [*found, *options, f"-I{HERE}", f"-I{CORE}", *map(str, sources), *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@functools.cache
def image() -> bytes:
    """The image as it lies in flash; compiled once a process."""
    with tempfile.TemporaryDirectory() as folder:
        elf = Path(folder) / "image.elf"
        link = ["-nostdlib", "-Wl,-e,image", f"-Wl,-T,{HERE / 'link.ld'}", "-o", str(elf)]
        compile_for_arm([*sorted(CORE.glob("*.c")), HERE / "image.c", GLUE], [*SIZES, *link])
        raw = elf.read_bytes()
    (first,) = struct.unpack_from("<I", raw, 28)
    size, n_segments = struct.unpack_from("<HH", raw, 42)
    flash = b""
    for number in range(n_segments):
        kind, offset, at, _, n_bytes = struct.unpack_from("<5I", raw, first + number * size)
        if kind == 1 and FLASH <= at < RAM:  # PT_LOAD
            flash = flash.ljust(at - FLASH, b"\0") + raw[offset : offset + n_bytes]
    return flash


class CortexFirmware(CoreFirmware):
    """The core on a Cortex-M4 beside the chips of a simulated board."""

    def _load(self, facts: BoardFacts) -> None:
        import unicorn
        from unicorn import arm_const

        flash = image()
        self._arm = arm_const
        self._cpu: Any = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        self._cpu.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        self._cpu.mem_map(FLASH, 0x1_0000)
        self._cpu.mem_write(FLASH, flash)
        self._cpu.mem_map(RAM, RAM_BYTES)
        self._cpu.mmio_map(CALL, 0x1000, None, None, self._called, None)
        self._at = dict(zip(_NAMES, struct.unpack_from(f"<{len(_NAMES)}I", flash), strict=True))
        self._n_edges, self._edge_us = 0, 0  # of DRDY, that the processor has not been told
        self._cpu.reg_write(arm_const.UC_ARM_REG_SP, RAM + RAM_BYTES)
        self.board = self._at["board"]
        self._describe(facts)
        names = [name for name in _NAMES if name.startswith(("emg_", "glue_"))]
        functions = {name: functools.partial(self._run, name) for name in names}
        self._core = SimpleNamespace(**functions, emg_drdy=self._edge)
        self._run("init")

    def _describe(self, facts: BoardFacts) -> None:
        chip = self.bank.buses[0].chip
        texts = (facts.serial_number, facts.firmware_version, facts.git_revision)
        for number, text in enumerate(texts):
            self._cpu.mem_write(self._at["texts"] + _TEXT_BYTES * number, text.encode() + b"\0")
        ohms = facts.series_ohm
        self._cpu.mem_write(self._at["ohm"], struct.pack(f"<{len(ohms)}I", *ohms))
        few = struct.pack("<4B", len(self.bank), chip.n_channels, 0b111, len(ohms))
        numbers = struct.pack(
            "<5IQ", facts.f_clk_hz, facts.vref_uv, facts.channels_wired, int(CAPABILITIES),
            facts.transmit_bytes, round(facts.linger_s * 1e6),
        )  # fmt: skip
        self._cpu.mem_write(self._at["facts"] + 12, few)
        self._cpu.mem_write(self._at["facts"] + 20, numbers)

    def _run(self, name: str, *arguments: int) -> int:
        """Call a function of the image."""
        cpu, arm = self._cpu, self._arm
        registers = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2)
        for register, word in zip(registers, arguments, strict=False):
            cpu.reg_write(register, int(word))
        cpu.reg_write(arm.UC_ARM_REG_LR, _RETURN | 1)
        self._tell(0)
        cpu.emu_start(self._at[name] | 1, _RETURN)
        return int(cpu.reg_read(arm.UC_ARM_REG_R0))

    def _tell(self, result: int) -> None:
        """Put into the box what the processor may look up, and raise interrupts that are due."""
        waiting = sum(1 << slot for slot, wire in self._wires.items() if wire.inbox)
        told = (self._now_us(None), self._edge_us, self._n_edges, waiting, result)
        self._n_edges = 0
        self._cpu.mem_write(self._at["box"] + _ARGUMENTS.size, _TOLD.pack(*told))

    def _edge(self, _: object, time_us: int) -> None:
        self._n_edges += 1
        self._edge_us = time_us

    def _called(self, _cpu: object, _offset: int, _size: int, which: int, _: object) -> None:
        """Answer a function of the hardware layer."""
        a, b, c, d, e, f = _ARGUMENTS.unpack(self._cpu.mem_read(self._at["box"], _ARGUMENTS.size))
        name = _CALLS[which]
        result = 0
        if name == "transfer":
            tx = bytes(self._cpu.mem_read(b, d)) if b else None
            rx = ctypes.create_string_buffer(d) if c else None
            self._transfer(None, a, tx, rx, d, e, f)
            if rx is not None:
                self._cpu.mem_write(c, rx.raw)
        elif name == "receive":
            data = ctypes.create_string_buffer(c)
            result = self._receive(None, a, data, c)
            self._cpu.mem_write(b, data.raw[:result])
        elif name == "send":
            result = self._send(None, a, bytes(self._cpu.mem_read(b, c)), c)
        elif name == "line":
            self._line(None, a, b != 0)
        elif name == "reboot":
            self._reboot(None)
        else:
            getattr(self, f"_{name}")(None, a)
        self._tell(result)
