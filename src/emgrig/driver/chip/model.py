"""What the chips of the family make of volts: codes, status words, clock. Data, one entry a chip.

Source: TI SBAS499C: p. 8 (clock, reference), equation 8 and table 9 (codes), 9.4.4.2 (frame).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # registers in words need none of it
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ChipModel:
    """One kind of chip."""

    name: str
    code_bits: int  #: Of a code, two's complement.
    status_bits: int  #: Of the status word at the head of a frame.
    status_begins: int  #: Its upper four bits, always.
    vref_v: float  #: Internal reference, V.
    f_clk_hz: float  #: Nominal master clock, Hz.

    @property
    def code_min(self) -> int:
        """The lowest code; the chip clips here."""
        return -(1 << (self.code_bits - 1))

    @property
    def code_max(self) -> int:
        """The highest code; the chip clips here."""
        return (1 << (self.code_bits - 1)) - 1

    def scale_v(self, gain: "NDArray[np.float64]", vref_v: float) -> "NDArray[np.float64]":
        """Return the volts of one code: ``vref_v / (gain * 2**23)`` (equation 8).

        The data sheet's table of ideal codes has 2**23 - 1, 0.12 ppm more.
        """
        return vref_v / (gain * float(-self.code_min))

    def is_clipped(self, codes: "NDArray[np.int32]") -> "NDArray[np.bool_]":
        """Say which codes are at either end of the range."""
        import numpy as np

        return np.asarray((codes >= self.code_max) | (codes <= self.code_min))

    def is_status(self, words: "NDArray[np.uint32]") -> "NDArray[np.bool_]":
        """Say which words begin as a status word does."""
        import numpy as np

        return np.asarray(words >> (self.status_bits - 4) == self.status_begins)

    def are_status(self, first_bytes: bytes) -> bool:
        """Say whether all words begin as a status word does, by the first byte of each."""
        return not first_bytes.translate(None, self._status_first_bytes)

    @cached_property
    def _status_first_bytes(self) -> bytes:
        begins = self.status_begins << (self.status_bits - 4) >> (self.status_bits - 8)
        return bytes(range(begins, begins + 16))


ADS1299 = ChipModel(
    name="ADS1299",
    code_bits=24,
    status_bits=24,
    status_begins=0b1100,
    vref_v=4.5,
    f_clk_hz=2_048_000.0,
)
"""Also of the ADS1299-6 and ADS1299-4: they differ in channels alone."""
