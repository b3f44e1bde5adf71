"""A front end without analogue: every code says which conversion, channel and run it is of."""

import numpy as np

from emgrig.simulator.seams import Conversions


class CountingFrontEnd:
    """Codes count conversions since the first restart; status bits follow the same count.

    Attributes
    ----------
    calls : list of tuple
        Every `restart` and `change`, with its tick and the registers.
    """

    def __init__(self, n_channels: int = 8) -> None:
        self.n_channels = n_channels
        self.calls: list[tuple[str, int, bytes]] = []
        self.stat = (0, 0, 0)
        self.moving_stat = False
        self.n_converted = 0
        self._time = 0
        self._last_fall = self._period = 0

    def restart(self, tick: int, registers: bytes) -> None:
        self._note("restart", tick, registers)
        self._period = 128 << min(registers[1] & 7, 6)
        self._last_fall = tick + 3 * self._period + 9

    def change(self, tick: int, registers: bytes) -> None:
        self._note("change", tick, registers)

    def convert(self, count: int) -> Conversions:
        assert count >= 1
        n = self.n_converted + np.arange(count)
        self.n_converted += count
        self._last_fall += count * self._period
        self._time = self._last_fall
        sign = np.where(n % 2, -1, 1)[:, None]
        codes = sign * ((n[:, None] % 2**15) * 256 + np.arange(1, self.n_channels + 1))
        mask = (1 << self.n_channels) - 1
        loff_p = (n * 37 if self.moving_stat else n * 0 + self.stat[0]) & mask
        loff_n = (n * 59 if self.moving_stat else n * 0 + self.stat[1]) & mask
        return Conversions(codes.astype(np.int32), loff_p.astype(np.uint8), loff_n.astype(np.uint8))

    def next_row(self) -> tuple[Conversions, int]:
        return self.convert(1), 0

    def comparators(self, tick: int) -> tuple[int, int, int]:
        return self.stat

    def _note(self, what: str, tick: int, registers: bytes) -> None:
        assert len(registers) == 24
        assert tick >= self._time, "time goes back"
        self._time = tick
        self.calls.append((what, tick, registers))


def expected_code(conversion: int, channel: int) -> int:
    """What `CountingFrontEnd` gives for a conversion (from 0) and a channel (1 to 8)."""
    magnitude = conversion % 2**15 * 256 + channel
    return -magnitude if conversion % 2 else magnitude
