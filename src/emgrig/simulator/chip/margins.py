"""How near a host came to the limits of SPI, whether it broke them or not."""

from dataclasses import dataclass
from typing import Final

_NONE: Final = 1 << 80


@dataclass(frozen=True)
class Margin:
    """The smallest value of one time, in subticks of the chip's clock, and when that was."""

    value: int
    at: int


class Margins:
    """The smallest of each time that the data sheet limits, in subticks of tCLK."""

    def __init__(self) -> None:
        self._cs_low = self._cs_high = self._decode = self._before_update = _NONE
        self._at = [0, 0, 0, 0, 0]
        self._first_data = -1

    def cs_low(self, value: int, at: int) -> None:
        """From the last SCLK fall until CS rises (tSCCS ≥ 4 tCLK)."""
        if value < self._cs_low:
            self._cs_low, self._at[0] = value, at

    def decode(self, value: int, at: int) -> None:
        """From the end of one command byte to that of the next (tSDECODE ≥ 4 tCLK)."""
        if value < self._decode:
            self._decode, self._at[1] = value, at

    def cs_high(self, value: int, at: int) -> None:
        """How long CS was high (tCSH ≥ 2 tCLK)."""
        if value < self._cs_high:
            self._cs_high, self._at[2] = value, at

    def before_update(self, value: int, at: int) -> None:
        """From the last SCLK of a frame to the window before the next DRDY fall (≥ 0)."""
        if value < self._before_update:
            self._before_update, self._at[3] = value, at

    def first_data(self, value: int, at: int) -> None:
        """From a DRDY fall to the first SCLK of its frame; the largest is kept."""
        if value > self._first_data:
            self._first_data, self._at[4] = value, at

    def found(self) -> dict[str, Margin]:
        """Return what was seen: tSCCS, tSDECODE, tCSH, `before update`; `DRDY to read` (largest).

        A time that never came is left out.
        """
        values = (self._cs_low, self._decode, self._cs_high, self._before_update)
        names = ("tSCCS", "tSDECODE", "tCSH", "before update")
        found = {
            name: Margin(value, at)
            for name, value, at in zip(names, values, self._at[:4], strict=True)
            if value != _NONE
        }
        if self._first_data >= 0:
            found["DRDY to read"] = Margin(self._first_data, self._at[4])
        return found
