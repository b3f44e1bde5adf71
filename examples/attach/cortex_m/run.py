"""An image for a Cortex-M4, on the bench: Unicorn runs its instructions, the bench has the chip.

    pip install unicorn ziglang     # or a cross compiler of your own, arm-none-eabi-gcc or clang
    python examples/attach/cortex_m/run.py 16     # MHz of the processor
    python examples/attach/cortex_m/run.py 168

Each instruction takes one cycle, so what the firmware's waits are worth depends on the clock.
Unicorn is under the GPL; emgrig itself does not need it.
"""

import shutil
import struct
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emgrig.attach.bench import Bench
from emgrig.attach.options import BenchOptions

HERE = Path(__file__).parent
FLASH, RAM, UNIT = 0x0800_0000, 0x2000_0000, 0x4000_0000
SCLK_HZ = 2e6
OPTIONS = ["-mthumb", "-ffreestanding", "-nostdlib", "-O1", "-Wall", "-Wextra"]
LINKED = ["-Wl,-e,reset_handler", f"-Wl,-T,{HERE / 'link.ld'}"]


def cross_compiler() -> list[str] | None:
    """Return a compiler for Cortex-M4 and its first options, or None."""
    if shutil.which("arm-none-eabi-gcc"):
        return ["arm-none-eabi-gcc", "-mcpu=cortex-m4"]
    if find_spec("ziglang"):
        target = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4"]
        return [sys.executable, "-m", "ziglang", "cc", *target]
    if shutil.which("clang") and shutil.which("ld.lld"):
        return ["clang", "--target=arm-none-eabi", "-mcpu=cortex-m4", "-fuse-ld=lld"]
    return None


def compiled() -> bytes:
    """Return the image as it lies in flash."""
    compiler = cross_compiler()
    if compiler is None:
        sys.exit("no cross compiler: pip install ziglang, or install gcc-arm-none-eabi")
    with tempfile.TemporaryDirectory() as folder:
        elf = Path(folder) / "firmware.elf"
        command = [*compiler, *OPTIONS, *LINKED, str(HERE / "firmware.c")]
        subprocess.run([*command, "-o", str(elf)], check=True)
        return flash_of(elf.read_bytes())


def flash_of(elf: bytes) -> bytes:
    """Return what an ELF file of 32 bits loads at FLASH."""
    (first,) = struct.unpack_from("<I", elf, 28)
    size, n_segments = struct.unpack_from("<HH", elf, 42)
    image = bytearray()
    for number in range(n_segments):
        kind, offset, _, at, n_bytes = struct.unpack_from("<5I", elf, first + number * size)
        if kind == 1 and at >= FLASH:  # PT_LOAD
            image.extend(bytes(max(0, at - FLASH - len(image))))
            image[at - FLASH : at - FLASH + n_bytes] = elf[offset : offset + n_bytes]
    return bytes(image)


class Processor:
    """A Cortex-M4 whose SPI unit, pins and timer are a bench."""

    def __init__(self, image: bytes, bench: Bench, clock_hz: float) -> None:
        import unicorn
        from unicorn.arm_const import UC_ARM_REG_SP, UC_CPU_ARM_CORTEX_M4

        self.bench = bench
        self.microvolts: list[float] = []
        self._cycle_s = 1 / clock_hz
        self._cycles = 0
        self._miso = 0
        core: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        core.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        core.mem_map(FLASH, 0x1_0000)
        core.mem_write(FLASH, image)
        core.mem_map(RAM, 0x8000)
        core.mmio_map(UNIT, 0x1000, self._read, None, self._write, None)
        core.hook_add(unicorn.UC_HOOK_CODE, self._count)
        stack, self._entry = struct.unpack_from("<II", image)
        core.reg_write(UC_ARM_REG_SP, stack)
        self._core = core

    def run(self) -> None:
        """Run until the firmware says that it is done."""
        self._core.emu_start(self._entry | 1, 0)

    def _count(self, *_: object) -> None:
        self._cycles += 1

    def _catch_up(self) -> None:
        """Let the time of the instructions since the last access pass."""
        self.bench.advance(self._cycles * self._cycle_s)
        self._cycles = 0

    def _read(self, _core: object, offset: int, _size: int, _: object) -> int:
        self._catch_up()
        if offset == 0x0C:
            return int(self.bench.wait_drdy(edge=True))
        return self._miso

    def _write(self, core: Any, offset: int, _size: int, value: int, _: object) -> None:
        self._catch_up()
        if offset == 0x00:
            self._miso = self.bench.byte(value & 0xFF, sclk_hz=SCLK_HZ)
        elif offset == 0x04:
            self.bench.set_pin("CS", value & 1)
        elif offset == 0x08:
            self.bench.set_pin("START", value & 1)
        elif offset == 0x10:
            self.bench.advance(value * 1e-6)
        elif offset == 0x14:
            (nanovolts,) = struct.unpack("<i", struct.pack("<I", value & 0xFFFF_FFFF))
            self.microvolts.append(nanovolts / 1e3)
            self.bench.claim(1, nanovolts / 1e3)
        elif offset == 0x18:
            core.emu_stop()


def run(clock_mhz: float) -> Processor:
    """Run the firmware on a processor of so many MHz; its bench has the facts."""
    bench = Bench(BenchOptions(source="sine:1mV,37Hz", is_wired=True))
    processor = Processor(compiled(), bench, clock_mhz * 1e6)
    processor.run()
    return processor


if __name__ == "__main__":
    done = run(float(sys.argv[1]) if len(sys.argv) > 1 else 16.0)
    chip = done.bench.facts().chips[0]
    print(f"{chip.n_read} frames read of {chip.n_produced}, {len(done.microvolts)} values")
    for breach in chip.breaches[:5]:
        print(f"{breach.at_us:.1f} µs: {breach.rule}, {breach.severity}: {breach.text}")
