"""One chip on the bench's bus: its clock against the bench's time."""

from typing import Final

from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.chip.ads1299 import Ads1299Chip, Pin
from emgrig.simulator.chip.serial_interface import SUBTICKS

PS: Final = 1_000_000_000_000  #: Picoseconds in a second; the bench's time is counted in them.


class BusChip:
    """A chip, and how its clock follows the bench's time.

    Parameters
    ----------
    chip : Ads1299Chip
        The chip.
    front_end : AnalogueFrontEnd
        What is before it.
    clock_from : BusChip or None
        The chip whose CLK output drives this one's CLK pin; None: its own oscillator runs.
    """

    def __init__(
        self, chip: Ads1299Chip, front_end: AnalogueFrontEnd, clock_from: "BusChip | None"
    ) -> None:
        self.chip = chip
        self.front_end = front_end
        self.clock_from = clock_from
        self.is_internal = clock_from is None  #: CLKSEL is high.
        self._rate = chip.f_clk_hz * SUBTICKS / PS
        self._origin_ps = 0  # bench time of the chip's tick 0, had its clock always run
        self.is_clocked = True
        if not self._has_clock():
            self.is_clocked = False
            chip.set_clock(is_running=False)

    def run_to(self, now_ps: int) -> None:
        """Let the chip's time pass up to the bench's `now_ps`, if its clock runs."""
        if self.is_clocked:
            self.chip.run_to(round((now_ps - self._origin_ps) * self._rate))

    @property
    def now_ps(self) -> int:
        """The chip's time on the bench's scale; it may be a fraction of a clock ahead."""
        return self._origin_ps + round(self.chip.subticks / self._rate)

    def ps_of(self, tick: float) -> int:
        """Bench time at which a tick of the running clock is over."""
        return self._origin_ps - int(-tick * SUBTICKS // self._rate)

    def follow_clock(self, now_ps: int) -> None:
        """Stop or go on as the clock on CLK does; the chip's time is the bench's."""
        has_clock = self._has_clock()
        if has_clock == self.is_clocked:
            return
        self.is_clocked = has_clock
        if has_clock:
            self._origin_ps = now_ps - round(self.chip.subticks / self._rate)
        self.chip.set_clock(is_running=has_clock)

    def set_clksel(self, *, level: bool, now_ps: int) -> None:
        """Drive CLKSEL: high runs the chip's own oscillator, low takes what is on CLK."""
        self.is_internal = level
        self.follow_clock(now_ps)

    def _has_clock(self) -> bool:
        source = self.clock_from
        if self.is_internal:
            return True
        if source is None:
            return False
        return source.is_clocked and source.is_internal and source.chip.is_clock_output

    def set_pin(self, name: str, *, level: bool) -> None:
        """Drive an input pin of the chip by its name."""
        self.chip.set_pin(Pin[name], level)
