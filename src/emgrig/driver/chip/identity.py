"""Which chip is it? The ID register as a key to what is wrong."""

import warnings

from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import Identity
from emgrig.errors import IdentityError

USUAL_IDS = {0x3E: 8, 0x3D: 6, 0x3C: 4}
"""ID and channels of revision 001, the one that is sold (SBAS499C, 9.6.1.1)."""

SILENT = {
    0x00: "MISO stays low: no supply, no SCLK at the chip, MISO shorted, or the chip is in RDATAC",
    0xFF: "MISO floats high: CS does not reach the chip, no supply, chip in reset, or DOUT open",
}
"""What a byte means that nobody drives, from any register."""

_OTHER_PARTS = {0x90, 0x91, 0x92, 0xD0, 0xD1, 0xD2}
_SHIFTED = "shifted by one bit: the sampling edge is off by one; use SPI mode 1 (CPOL 0, CPHA 1)"


def _meanings() -> dict[int, str]:
    """Return what a byte may be that was an ID on its way, of any of the three parts."""
    found = {
        0x20: "seen on a chip whose data rate was wrong too: check clock, CLKSEL and power-on reset"
    }
    early: dict[int, list[str]] = {}
    for one in USUAL_IDS:
        for byte in (one >> 1, one >> 1 | 0x80, one << 1 | 1):
            early.setdefault(byte, []).append(f"{one:02X}h")
        found[one << 1] = f"{one:02X}h {_SHIFTED}, most significant bit first"
        found[~one & 0xFF] = (
            f"{one:02X}h with every bit turned over: a level shifter inverts the line"
        )
    return found | {byte: f"{' or '.join(ids)} {_SHIFTED}" for byte, ids in early.items()}


_MEANINGS = _meanings()


class UnusualIdentity(UserWarning):
    """The chip works like an ADS1299, but its ID is another."""


def explain_id(byte: int) -> str:
    """Say what an ID byte means, or the first thing to suspect."""
    if byte in USUAL_IDS:
        return f"ADS1299 with {USUAL_IDS[byte]} channels"
    if byte in _OTHER_PARTS:
        return "an ADS1294, ADS1296 or ADS1298: its gain codes and reference differ"
    known = {**SILENT, **_MEANINGS}
    return known.get(byte, "no known ADS1299; if it changes with each read, the chip is in RDATAC")


def judge(raw: bytes, *, chip: int, force_channels: int | None = None) -> RegisterFile:
    """Decide from its 24 registers which part a chip is.

    An unusual ID is believed only if the other registers have their reserved bits as an ADS1299
    does; then it is warned of. The number of channels comes from the ID, or else from which CHnSET
    are not zero.

    Parameters
    ----------
    raw : bytes, length 24
        What was read from the chip.
    chip : int
        Its number on the board, for messages; 1 is the first.
    force_channels : {4, 6, 8}, optional
        What the user knows better; an unusual ID is then accepted without a word.

    Raises
    ------
    IdentityError
        If it is not an ADS1299, or does not answer.
    """
    id_byte = raw[0]
    if id_byte in USUAL_IDS:
        return RegisterFile(raw, force_channels or USUAL_IDS[id_byte])
    meaning = explain_id(id_byte)
    problem = f"chip {chip}: ID reads {id_byte:02X}h, expected 3Eh, 3Dh or 3Ch: {meaning}"
    if id_byte in SILENT or id_byte in _OTHER_PARTS:
        raise IdentityError(problem)
    if force_channels:
        return RegisterFile(raw, force_channels)
    n_channels = _count_channels(raw)
    if n_channels is None or RegisterFile(raw, n_channels).problems():
        raise IdentityError(f"{problem}; if it works, say identify(force_channels=8)")
    warnings.warn(
        f"{problem}. The other registers are those of an ADS1299 with {n_channels} channels; "
        "force_channels= silences this",
        UnusualIdentity,
        stacklevel=3,
    )
    return RegisterFile(raw, n_channels)


def _count_channels(raw: bytes) -> int | None:
    if not Identity.problems(raw[0]):
        return int(Identity.decode(raw[0]).channels.word)
    settings = raw[0x05:0x0D]
    return max((n for n in (4, 6, 8) if any(settings[n - 2 : n])), default=None)
