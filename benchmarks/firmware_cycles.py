"""The firmware in C on a Cortex-M4: instructions a frame, and cycles as estimated from them.

Unicorn runs the image of tests/firmware_cortex.py; Capstone says what each instruction is. Cycles
are those of table 3-1 of Arm's Cortex-M4 technical reference manual (100166_0001), which holds
without wait states: from the least (loads and stores in one cycle, as neighbours are; a refill of
the pipeline in 1) to the most (2 and 3). A flash slower than the processor adds to it. The mailbox
that stands for the hardware layer is in the figures, SPI is not. `pip install '.[cortex]'` first.
"""

import importlib
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

RATE_HZ = 16_000
SECONDS = 0.2
CLOCK_HZ = 100e6
SDATAC, CONFIG1, CANARY = 0x11, 1, 3

_ONE_WORD = re.compile(r"^(ldr|str)(b|h|sb|sh)?(\.w)?$")
_DIVIDE = re.compile(r"^[us]div")


def cycles_of(mnemonic: str, operands: str) -> tuple[int, int]:
    """Return the least and the most cycles of an instruction, without a refill of the pipeline.

    Of a conditional instruction, whatever its condition says: an `it` block is counted as executed.
    """
    name = re.sub(r"(eq|ne|hs|lo|mi|pl|hi|ls|ge|lt|gt|le)(\.w)?$", "", mnemonic)
    if name.startswith(("push", "pop", "ldm", "stm")):
        listed = operands[operands.index("{") + 1 : operands.index("}")].split(",")
        n = 0
        for one in listed:
            first, _, last = one.strip().partition("-")
            n += 1 if not last else int(last[1:]) - int(first[1:]) + 1
        return 1 + n, 1 + n
    if name.startswith(("ldrd", "strd")):
        return 3, 3
    if _ONE_WORD.match(mnemonic) or _ONE_WORD.match(name):
        return 1, 2
    if _DIVIDE.match(mnemonic):
        return 2, 12
    return 1, 1


class Count:
    """What ran, as blocks of instructions and which came behind which."""

    def __init__(self, cpu: Any, flash: bytes, begin: int) -> None:
        unicorn = importlib.import_module("unicorn")
        capstone = importlib.import_module("capstone")
        self._steps: Counter[tuple[int, int, int]] = Counter()
        self._last = (0, 0)
        self._flash, self._begin = flash, begin
        self._disassembler = capstone.Cs(
            capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        )
        self._cpu = cpu
        cpu.ctl_flush_tb()  # what was translated before knows of no hook
        self._hook = cpu.hook_add(unicorn.UC_HOOK_BLOCK, self._block)

    def _block(self, _cpu: object, address: int, size: int, _: object) -> None:
        self._steps[(*self._last, address)] += 1
        self._last = (address, size)

    def end(self) -> tuple[int, int, int]:
        """Stop counting; instructions, and the least and the most cycles."""
        self._cpu.hook_del(self._hook)
        n = least = most = 0
        for (address, size, then), times in self._steps.items():
            at = address - self._begin
            block = list(self._disassembler.disasm_lite(self._flash[at : at + size], address))
            if sum(length for _, length, _, _ in block) != size:
                raise AssertionError(f"not all of the block at {address:#x} is known")
            costs = [cycles_of(name, operands) for _, _, name, operands in block]
            is_taken = then != address + size
            n += times * len(block)
            least += times * (sum(cost for cost, _ in costs) + is_taken)
            most += times * (sum(cost for _, cost in costs) + 3 * is_taken)
        return n, least, most


def measure(n_chips: int, rate_hz: int, duration_s: float) -> tuple[int, tuple[int, int, int]]:
    """Return frames, and what they took, in a run of its own."""
    from emgrig.protocol.packets import Request
    from emgrig.simulator.assembly import build_board
    from emgrig.simulator.firmware.model import FIRMWARES
    from emgrig.simulator.options import parse_query

    cortex = importlib.import_module("firmware_cortex")
    request = importlib.import_module("same_bytes").request
    FIRMWARES._ours["cortex"] = "firmware_cortex:CortexFirmware"
    board = build_board(parse_query(f"bench&source=silence&chips={n_chips}&firmware=cortex"))
    client = board.connect()
    config1 = 0x90 | (16_000 // rate_hz).bit_length() - 1
    asked = [(Request.CHIP_COMMAND, bytes([255, SDATAC]))]
    asked += [
        (Request.WRITE_REGISTERS, bytes([chip, CONFIG1, 1, config1])) for chip in range(n_chips)
    ]
    for number, one in enumerate([*asked, (Request.START, bytes([16, CANARY]))]):
        board.receive(client, request(number, *one))
    board.run_until(board.now_s + 0.05)  # it has settled
    firmware: Any = board.firmware
    before = firmware.bank.n_true_falls
    count = Count(firmware._cpu, cortex.image(), cortex.FLASH)
    board.run_until(board.now_s + duration_s)
    took = count.end()
    return firmware.bank.n_true_falls - before, took


def main() -> None:
    try:
        for name in ("unicorn", "capstone"):
            importlib.import_module(name)
    except ImportError as error:
        print(f"skipped: {error.name} is not here; pip install '.[cortex]'")
        return
    for n_chips in (1, 2):
        n_frames, (n, least, most) = measure(n_chips, RATE_HZ, SECONDS)
        share = [100 * cycles / n_frames * RATE_HZ / CLOCK_HZ for cycles in (least, most)]
        print(
            f"{n_chips} chip(s), {n_frames} frames, 16 a packet: {n / n_frames:.0f} instructions, "
            f"{least / n_frames:.0f} to {most / n_frames:.0f} cycles a frame (estimated); at "
            f"{RATE_HZ} SPS {share[0]:.0f} to {share[1]:.0f} % of {CLOCK_HZ / 1e6:.0f} MHz"
        )


if __name__ == "__main__":
    main()
