"""The registers hold what is written, and nothing else."""

import random
from collections.abc import Iterable

from emgrig.driver.chip.register_access import RESET_CLOCKS, Opcode
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import BiasSenseP
from emgrig.errors import RequestRefused
from emgrig.hil_tests.judging.check import Layer, Need, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.protocol.packets import ErrorCode

_ALL = (Need.EVERY_REGISTER,)
FIRST = BiasSenseP.ADDRESS
N_WRITABLE = 5
"""BIAS_SENSP to LOFF_FLIP: every bit can be written (those of channels that exist)."""
N_RANDOM = {False: 24, True: 1000}
WALKING = [1 << n for n in range(8)] + [0xFF ^ 1 << n for n in range(8)]


@check(
    "B3",
    Layer.REGISTERS,
    "RESET brings the data sheet's values",
    needs=(*_ALL, Need.RESET),
)
def test_reset_values(rig: Rig, measure: Measure) -> None:
    """RESET, SDATAC, read all 24."""
    rig.command(Opcode.RESET)
    rig.clock.sleep(RESET_CLOCKS / rig.identity.f_clk_hz)
    raw = rig.read_raw()
    wrong = []
    for parts, found in zip(rig.chip.parts, raw, strict=True):
        expected = RegisterFile.reset(parts)
        wrong += [
            f"{place.name} {found[place.address]:02X}h, expected {expected.raw[place.address]:02X}h"
            for place, _ in expected.wrong_bits(RegisterFile(found, parts))
        ]
    rig.count(24 * len(raw))
    measure("registers_not_at_reset", len(wrong), note=", ".join(wrong))
    rig.prepare()


@check("B4", Layer.REGISTERS, "what is written is read back", needs=_ALL)
def test_read_back(rig: Rig, measure: Measure, is_full: bool) -> None:
    """Walking ones and zeros and random values, five registers at once and one at a time."""
    rng = random.Random(4)
    patterns = [bytes([byte ^ 0x55 * n & 0xFF for n in range(5)]) for byte in WALKING]
    patterns += [rng.randbytes(N_WRITABLE) for _ in range(N_RANDOM[is_full])]
    errors = single = 0
    for index, parts in enumerate(rig.chip.parts):
        errors += sum(_round_trip(rig, index, parts, pattern) for pattern in patterns)
        single += _one_by_one(rig, index, parts, patterns[: len(WALKING)])
    rig.count(len(patterns) * N_WRITABLE * len(rig.ports))
    measure("read_back_errors", errors)
    measure("single_byte_errors", single)
    rig.prepare()


def _round_trip(rig: Rig, index: int, parts: int, pattern: bytes) -> int:
    """Write and read five registers; return how many do not hold."""
    mask = (1 << parts) - 1
    sent = bytes(byte & mask for byte in pattern)
    port = rig.ports[index]
    port.write(FIRST, sent)
    return _n_wrong(sent, port.read(FIRST, N_WRITABLE))


def _one_by_one(rig: Rig, index: int, parts: int, patterns: Iterable[bytes]) -> int:
    mask, port, wrong = (1 << parts) - 1, rig.ports[index], 0
    for pattern in patterns:
        for offset, byte in enumerate(pattern):
            port.write(FIRST + offset, bytes([byte & mask]))
            wrong += _n_wrong(bytes([byte & mask]), port.read(FIRST + offset, 1))
    return wrong


def _n_wrong(sent: bytes, found: bytes) -> int:
    return sum(a != b for a, b in zip(sent, found, strict=True))


@check("B5", Layer.REGISTERS, "registers are not read while the chip sends data", needs=_ALL)
def test_rdatac_guard(rig: Rig, measure: Measure) -> None:
    """RDATAC, then a read: the board must refuse it. After SDATAC it must work again."""
    before = [port.read(0x00, 1) for port in rig.ports]
    rig.command(Opcode.RDATAC)
    try:
        found = rig.ports[0].read(0x00, 1)
        is_refused, answer = False, f"it reads {found.hex().upper()}h"
    except RequestRefused as refusal:
        is_refused, answer = refusal.code == ErrorCode.IN_RDATAC, f"code {refusal.code}"
    measure("rdatac_read_refused", is_refused, "", note=answer)
    rig.command(Opcode.SDATAC)
    after = [port.read(0x00, 1) for port in rig.ports]
    rig.count(2 * len(rig.ports) + 1)
    measure("id_after_sdatac", after == before, "")
