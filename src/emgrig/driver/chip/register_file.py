"""What the 24 registers of one chip hold: decoded, compared, shown.

A `RegisterFile` holds any bytes. What a person looks at (`render`, `differences`) never raises, so
that the dump of a sick chip can be read; what a sample is scaled with raises if it has no meaning.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from emgrig.driver.chip.bits import Bits, Register
from emgrig.driver.chip.model import ADS1299
from emgrig.driver.chip.registers import (
    N_REGISTERS,
    PLACES,
    ChannelSettings,
    Config1,
    Gpio,
    Mux,
    Place,
)

if TYPE_CHECKING:  # what is shown of registers needs none of it
    import numpy as np
    from numpy.typing import NDArray

R = TypeVar("R", bound=Register)


class RegisterRow(NamedTuple):
    """A line of the register table: address, name, byte in hex and binary, fields in words."""

    address: str
    name: str
    hex: str
    bits: str
    fields: str


class Difference(NamedTuple):
    """A field that differs between two register files."""

    address: int  #: Where it is.
    register: str  #: Names as in the data sheet; field "reserved" stands for the reserved bits.
    field: str
    old: str  #: Its values in words.
    new: str
    mask: int  #: The field's bits in the byte, and what the new byte has there.
    bits: int


@dataclass(frozen=True)
class RegisterFile:
    """The registers of one chip, immutable."""

    raw: bytes  #: bytes, length 24; ID to CONFIG4.
    n_channels: int = 8  #: 4, 6 or 8: which of the three parts it is.

    def __post_init__(self) -> None:
        if len(self.raw) != N_REGISTERS:
            raise ValueError(f"a register file has {N_REGISTERS} bytes, not {len(self.raw)}")
        if self.n_channels not in (4, 6, 8):
            raise ValueError(f"an ADS1299 has 4, 6 or 8 channels, not {self.n_channels}")

    @classmethod
    def reset(cls, n_channels: int = 8) -> Self:
        """Return what the part holds after power-up, its GPIO pins low."""
        return cls(bytes(place.reset(n_channels) for place in PLACES), n_channels)

    @classmethod
    def from_hex(cls, text: str, n_channels: int = 8) -> Self:
        """Read a dump of 24 bytes: ``3E 96 C0 …``, also with ``0x``, ``h``, commas or no spaces."""
        digits = re.sub(r"0[xX]|[\s,;:hH]", "", text)
        if not re.fullmatch(r"([0-9a-fA-F]{2})*", digits):
            raise ValueError(f"not a dump of hexadecimal bytes: {text!r}")
        return cls(bytes.fromhex(digits), n_channels)

    def get(self, register: type[R], n: int = 1) -> R:
        """Return a register decoded; `n` is the channel (1 to 8) for `ChannelSettings`.

        Raises
        ------
        DeviceError
            If the byte has a reserved code or a wrong reserved bit.
        """
        if not 1 <= n <= register.COUNT:
            raise ValueError(f"{register.__name__} has no number {n}")
        return register.decode(self.raw[register.ADDRESS + n - 1])

    def channel(self, n: int) -> ChannelSettings:
        """Return the settings of channel `n`, 1 to `n_channels`; raises as `get` does."""
        if not 1 <= n <= self.n_channels:
            raise ValueError(f"there is no channel {n}: this part has 1 to {self.n_channels}")
        return self.get(ChannelSettings, n)

    def channels(self) -> tuple[ChannelSettings, ...]:
        """Return the settings of all channels; raises as `get` does."""
        return tuple(self.channel(n + 1) for n in range(self.n_channels))

    @property
    def gains(self) -> "NDArray[np.float64]":
        """Nominal gain of each channel, V/V, shape (n_channels,); raises as `get` does."""
        import numpy as np

        return np.array([channel.gain.word for channel in self.channels()], dtype=np.float64)

    @property
    def mux(self) -> tuple[Mux, ...]:
        """What each channel measures; raises as `get` does."""
        return tuple(channel.mux for channel in self.channels())

    @property
    def powered(self) -> "NDArray[np.bool_]":
        """True for each channel that is on, shape (n_channels,); raises as `get` does."""
        import numpy as np

        return np.array([not channel.power_down for channel in self.channels()])

    def rate_hz(self, f_clk_hz: float = ADS1299.f_clk_hz) -> float:
        """Return samples per second with a master clock of `f_clk_hz`; raises as `get` does."""
        return f_clk_hz / self.get(Config1).rate.clocks

    def scale_v(self, vref_v: float = ADS1299.vref_v) -> "NDArray[np.float64]":
        """Return the volts of one code for each channel, shape (n_channels,).

        As `ChipModel.scale_v`; raises as `get` does.
        """
        return ADS1299.scale_v(self.gains, vref_v)

    def problems(self) -> tuple[str, ...]:
        """Say what is illegal in it, nothing if all is well; the ID is not judged here."""
        return tuple(
            f"{place.name} = {byte:02X}h: {problem}"
            for place, byte in zip(PLACES[1:], self.raw[1:], strict=True)
            for problem in place.problems(byte, self.n_channels)
        )

    def differences(self, new: "RegisterFile") -> list[Difference]:
        """List the fields that `new` has otherwise, by address and bit; reserved bits too."""
        return [
            difference
            for place, old_byte, new_byte in zip(PLACES, self.raw, new.raw, strict=True)
            if old_byte != new_byte
            for difference in _compare(place, old_byte, new_byte)
        ]

    def patched(self, differences: Iterable[Difference]) -> "RegisterFile":
        """Return it with the differences made."""
        raw = bytearray(self.raw)
        for difference in differences:
            raw[difference.address] &= ~difference.mask & 0xFF
            raw[difference.address] |= difference.bits
        return replace(self, raw=bytes(raw))

    def wrong_bits(
        self, found: "RegisterFile", *, reserved: bool = True
    ) -> list[tuple[Place, int]]:
        """List the registers in which `found` does not hold this file, each with the wrong bits.

        Bits that do not hold what is written are left out: read-only ones, those the part does not
        have, and the levels of GPIO inputs; without `reserved` the reserved bits too.
        """
        wrong = []
        for place, want, have in zip(PLACES, self.raw, found.raw, strict=True):
            bits = (want ^ have) & place.writable(self.n_channels)
            if place.register is Gpio:
                bits &= ~((want & 0x0F) << 4)
            if not reserved:
                bits &= ~place.register.FIXED_MASK
            if bits:
                wrong.append((place, bits))
        return wrong

    def render(self) -> tuple[RegisterRow, ...]:
        """Return the table a person reads, one row a register; whatever the bytes are."""
        return tuple(
            RegisterRow(
                f"{place.address:02X}h",
                place.name,
                f"{byte:02X}h",
                f"{byte >> 4:04b} {byte & 15:04b}",
                self._words(place, byte),
            )
            for place, byte in zip(PLACES, self.raw, strict=True)
        )

    def _words(self, place: Place, byte: int) -> str:
        if not place.exists(self.n_channels) and not byte:
            return "not on this part"
        fields = [f"{field.title(place.n)}={field.word(byte)}" for field in place.register.FIELDS]
        return "; ".join([" ".join(fields) or "reserved", *place.problems(byte, self.n_channels)])


def field_names(place: Place, wrong: int) -> str:
    """Name the fields of a register that have a bit in `wrong`, as the data sheet does."""
    names = [name for field in place.register.FIELDS for name in field.names(place.n, wrong)]
    reserved = ["reserved bits"] if wrong & place.register.FIXED_MASK else []
    return ", ".join(names + reserved)


def _compare(place: Place, old: int, new: int) -> Iterable[Difference]:
    for field in place.register.FIELDS:
        if (old ^ new) & field.mask:
            yield _difference(place, field, old, new)
    fixed = place.register.FIXED_MASK
    if (old ^ new) & fixed:
        words = f"{old & fixed:02X}h", f"{new & fixed:02X}h"
        yield Difference(place.address, place.name, "reserved", *words, fixed, new & fixed)


def _difference(place: Place, field: Bits, old: int, new: int) -> Difference:
    words = field.word(old), field.word(new)
    name = field.title(place.n)
    return Difference(place.address, place.name, name, *words, field.mask, new & field.mask)
