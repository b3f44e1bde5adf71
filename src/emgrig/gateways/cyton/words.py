"""The Cyton's language: what to say so that registers hold what they should, and what it answers.

From the documents and the source of OpenBCI's firmware 3.1 (docs/boards.md). There is no register
access: letters set channels, currents and the test signal, and ``?`` prints all registers, each in
hexadecimal and in bits, which are held against each other.
"""

import re
from dataclasses import dataclass
from typing import Final

from emgrig.driver.chip.registers import (
    N_REGISTERS,
    BiasSenseN,
    BiasSenseP,
    ChannelSettings,
    Config1,
    Config2,
    Config3,
    LeadOffControl,
    LeadOffSenseN,
    LeadOffSenseP,
    Misc1,
)
from emgrig.errors import WireError

CHANNELS: Final = "12345678QWERTYUI"
EACH: Final = 8
CONFIG2: Final = Config2.ADDRESS
CHANNEL_1: Final = ChannelSettings.ADDRESS
#: Registers that letters reach, some of them only in part.
WRITABLE: Final = (
    Config2.ADDRESS,
    *range(CHANNEL_1, CHANNEL_1 + EACH),
    BiasSenseP.ADDRESS,
    BiasSenseN.ADDRESS,
    LeadOffSenseP.ADDRESS,
    LeadOffSenseN.ADDRESS,
    Misc1.ADDRESS,
)
RATE_MASK, RATE_250 = 0x07, 0x06  #: Of CONFIG1.
LEAD_OFF: Final = 0x02  #: LOFF behind `v`: 6 nA at fCLK / 2^16, 31.25 Hz.
#: Address, bits and value of what only `v` brings back; BIAS_STAT is the chip's own.
_BEHIND_RESET: Final = (
    (Config1.ADDRESS, RATE_MASK, RATE_250),
    (Config3.ADDRESS, 0xFE, 0xEC),
    (LeadOffControl.ADDRESS, 0x0F, LEAD_OFF),
)
CONFIG2_AT_RESET: Final = 0xC0
#: CONFIG2 behind each letter.
TEST_SIGNALS: Final = {0xD0: "-", 0xD1: "=", 0xD7: "p", 0xD4: "[", 0xD5: "]"}
_SRB1 = {0x00: 0, 0x20: 1}
_LINE = re.compile(
    rb"^(\w+), ([0-9a-fA-F]{2}), ([0-9a-fA-F]{2}), ((?:[01], ){7}[01])\r?$", re.MULTILINE
)
_BOARD, _DAISY = b"Board ADS Registers", b"Daisy ADS Registers"
_VERSION = re.compile(rb"v(\d+)\.(\d+)\.(\d+)\s*\$\$\$")
_BANNER = re.compile(rb"Firmware: v(\d+)\.(\d+)\.(\d+)")

Held = tuple[bytes, ...]
"""24 register bytes of each chip, the board's first, its Daisy's second."""


class Unreachable(ValueError):
    """A setting that no letter reaches; nothing was sent."""


@dataclass(frozen=True)
class Step:
    """Something to say, and what its answer has in it."""

    say: bytes
    answer: bytes
    is_reset: bool = False  #: All settings are at default behind it.


def read_version(text: bytes) -> tuple[int, int, int] | None:
    """Return the firmware's version out of what `V` or `v` answered; None if none is there."""
    found = _VERSION.search(text) or _BANNER.search(text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def read_registers(text: bytes) -> Held:
    """Read the answer to ``?``.

    Raises
    ------
    WireError
        If a register is missing or damaged.
    """
    _, _, text = text.rpartition(_BOARD)
    board, has_daisy, daisy = text.partition(_DAISY)
    return tuple(_read_chip(part) for part in ([board, daisy] if has_daisy else [board]))


def _read_chip(text: bytes) -> bytes:
    values: dict[int, int] = {}
    for _, address, value, bits in _LINE.findall(text):
        byte = int(value, 16)
        if byte == int(bits.replace(b", ", b""), 2):
            values[int(address, 16)] = byte
    missing = [address for address in range(N_REGISTERS) if address not in values]
    if missing:
        raise WireError(
            f"the answer to ? lacks {len(missing)} of {N_REGISTERS} registers, the first of them "
            f"{missing[0]:02X}h: it was damaged on the way"
        )
    return bytes(values[address] for address in range(N_REGISTERS))


def needs_rescue(held: Held) -> bool:
    """Tell whether the board is not as ``v`` leaves it where no other letter reaches."""
    return bool(lost(held))


def lost(held: Held) -> tuple[tuple[int, int, int, int], ...]:
    """Return chip, address, and what `v` leaves and what is held, where these differ."""
    found = []
    for chip, raw in enumerate(held):
        for address, mask, value in _BEHIND_RESET:
            if raw[address] & mask != value:
                found.append((chip, address, raw[address] & ~mask & 0xFF | value, raw[address]))
    return tuple(found)


def rescue(held: Held) -> tuple[Step, ...]:
    """Return what brings rate and LOFF back: ``~`` leaves LOFF at 0, ``v`` leaves the rate."""
    steps = []
    if not all(map(_has_rate, held)):
        steps.append(Step(b"~6", b"Sample rate is 250Hz", is_reset=True))
    return (*steps, RESET)


def _has_rate(raw: bytes) -> bool:
    return raw[Config1.ADDRESS] & RATE_MASK == RATE_250


RESET: Final = Step(b"v", b"Firmware: v", is_reset=True)


def plan(held: Held, target: Held) -> tuple[Step, ...]:
    """Return what to say so that the chips hold `target`, as far as is known before a reset.

    A plan that has a reset in it ends with it: what is to be said then depends on what the board
    holds behind it.

    Raises
    ------
    Unreachable
        If no letter reaches it.
    """
    check(held, target)
    wanted = {raw[Config2.ADDRESS] for raw in target}
    steps: list[Step] = []
    has_new_signal = any(
        have[Config2.ADDRESS] != want[Config2.ADDRESS]
        for have, want in zip(held, target, strict=True)
    )
    if has_new_signal:
        if wanted == {CONFIG2_AT_RESET}:
            return (RESET,)
        letter = TEST_SIGNALS[wanted.pop()]
        steps.append(Step(letter.encode(), b"Configured internal test signal"))
    for chip, (have, want) in enumerate(zip(held, target, strict=True)):
        steps += _channel_steps(chip, have, want, all_of_them=has_new_signal)
        steps += _current_steps(chip, have, want)
    return tuple(steps)


def check(held: Held, target: Held) -> None:
    """Raise Unreachable if letters cannot make of `held` what `target` says."""
    for have, want in zip(held, target, strict=True):
        for address, (old, new) in enumerate(zip(have, want, strict=True)):
            if old != new and address not in WRITABLE:
                raise Unreachable(f"no command of a Cyton writes register {address:02X}h")
    signals = {raw[Config2.ADDRESS] for raw in target}
    if {raw[Config2.ADDRESS] for raw in held} != signals and not (
        len(signals) == 1 and signals <= {CONFIG2_AT_RESET, *TEST_SIGNALS}
    ):
        raise Unreachable(
            "CONFIG2 of a Cyton, and of its Daisy with it, can be C0h, D0h, D1h, D4h, D5h or D7h"
        )
    for want in target:
        if want[BiasSenseP.ADDRESS] != want[BiasSenseN.ADDRESS]:
            raise Unreachable("a Cyton takes P and N of a channel into the bias together")
        if want[Misc1.ADDRESS] not in _SRB1:
            raise Unreachable("MISC1 of a Cyton can be 00h or 20h")


def _channel_steps(chip: int, have: bytes, want: bytes, *, all_of_them: bool) -> list[Step]:
    srb1 = _SRB1[want[Misc1.ADDRESS]]
    changes_srb1 = have[Misc1.ADDRESS] != want[Misc1.ADDRESS]
    bias_changes = have[BiasSenseP.ADDRESS] ^ want[BiasSenseP.ADDRESS]
    bias_changes |= have[BiasSenseN.ADDRESS] ^ want[BiasSenseN.ADDRESS]
    steps = []
    for index in range(EACH):
        value = want[CHANNEL_1 + index]
        changes = have[CHANNEL_1 + index] != value or bias_changes >> index & 1
        if not (changes or all_of_them or (changes_srb1 and index == 0)):
            continue
        letter = CHANNELS[chip * EACH + index]
        gain = value >> 4 & 7
        if gain > 6:
            raise Unreachable(f"gain code {gain} of channel {chip * EACH + index + 1} is none")
        bias = want[BiasSenseP.ADDRESS] >> index & 1
        said = f"x{letter}{value >> 7}{gain}{value & 7}{bias}{value >> 3 & 1}{srb1}X"
        answer = f"Success: Channel set for {chip * EACH + index + 1}"
        steps.append(Step(said.encode(), answer.encode()))
    return steps


def _current_steps(chip: int, have: bytes, want: bytes) -> list[Step]:
    p, n = LeadOffSenseP.ADDRESS, LeadOffSenseN.ADDRESS
    changes = have[p] ^ want[p] | have[n] ^ want[n]
    steps = []
    for index in range(EACH):
        if changes >> index & 1:
            letter = CHANNELS[chip * EACH + index]
            said = f"z{letter}{want[p] >> index & 1}{want[n] >> index & 1}Z"
            answer = f"Success: Lead off set for {chip * EACH + index + 1}"
            steps.append(Step(said.encode(), answer.encode()))
    return steps
