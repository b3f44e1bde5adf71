"""The chips of one board: one clock, one START, one DRDY line to the firmware, a CS each."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.onboard.seams import Readings
from emgrig.protocol.packets import Line
from emgrig.simulator.chip.ads1299 import COMMAND_SCLK_HZ, Frames, Pin
from emgrig.simulator.firmware.spi import SpiBus, WireFault

_PINS: Final = {Line.START: Pin.START, Line.RESET: Pin.RESET, Line.PWDN: Pin.PWDN}


class ChipBank:
    """SPI to all chips of the board; the falls of DRDY of the first one are counted.

    Parameters
    ----------
    buses : sequence of SpiBus
        One a chip; all chips have the same clock and the same number of channels.
    """

    def __init__(self, buses: Sequence[SpiBus]) -> None:
        self.buses = tuple(buses)
        self.f_clk_hz = self.buses[0].chip.f_clk_hz
        self.frame_bytes = sum(bus.chip.frame_bytes for bus in self.buses)
        self._only = self.buses[0].chip if len(self.buses) == 1 else None
        self.channels_per_chip = self.buses[0].chip.n_channels
        self.lines = frozenset(Line)
        self._held: dict[int, Frames] = {}  # of other chips: what they give until a result comes
        self._last_tick: int | None = None
        self.begin_count()

    def __len__(self) -> int:
        """Chips on the board."""
        return len(self.buses)

    @property
    def now_s(self) -> float:
        """True time, s since power-on."""
        if self._only is not None:  # the usual case, and asked for often
            return self._only.tick / self.f_clk_hz
        return max(bus.tick for bus in self.buses) / self.f_clk_hz

    @property
    def next_fall_s(self) -> float | None:
        """When the firmware will see DRDY fall next, true s, or None."""
        tick = self.buses[0].next_drdy_tick
        return None if tick is None else tick / self.f_clk_hz

    @property
    def n_true_falls(self) -> int:
        """Conversions of the first chip since `begin_count`, whatever the wires let through."""
        return self.buses[0].chip.n_drdy_falls - self._true_falls_then

    def advance_to(self, true_s: float) -> None:
        """Let time pass up to `true_s`, without reading anything."""
        self._align(int(true_s * self.f_clk_hz))

    def transfer(self, chip: int, mosi: bytes) -> bytes:
        """Do one transfer with one chip, slowly enough for commands; return MISO."""
        self._align()
        miso = self.buses[chip].transfer(mosi, sclk_hz=COMMAND_SCLK_HZ)
        self._align()
        return miso

    def broadcast(self, mosi: bytes) -> None:
        """Send the same bytes to all chips at once, all CS low."""
        self._align()
        for bus in self.buses:
            bus.transfer(mosi, sclk_hz=COMMAND_SCLK_HZ)
        self._align()

    def set_pin(self, pin: Pin, *, level: bool) -> None:
        """Drive a pin of all chips."""
        self._align()
        for bus in self.buses:
            bus.set_pin(pin, level)

    def set_line(self, line: Line, *, level: bool) -> None:
        """Drive a pin of all chips."""
        self.set_pin(_PINS[line], level=level)

    def set_wire_fault(self, fault: WireFault, chips: Sequence[int]) -> None:
        """Put a fault on the wires of `chips`; falls that were not read before are forgotten."""
        for chip in chips:
            self.buses[chip].fault = fault
        self._falls_then = self.buses[0].n_drdy_falls

    def begin_count(self) -> None:
        """Count falls of DRDY from 0 from now on."""
        self.n_falls = 0
        self._falls_then = self.buses[0].n_drdy_falls
        self._true_falls_then = self.buses[0].chip.n_drdy_falls
        for number, bus in enumerate(self.buses[1:], start=1):
            held = np.frombuffer(bus.chip.held_frame, np.uint8)[None, :]
            self._held[number] = Frames(np.array([-1]), bus.fault.frames(held))
        self._last_tick = None
        self._last_index = -1

    def read(self, until_s: float) -> Readings:
        """Read at each fall of DRDY until `until_s`; time is there afterwards."""
        until_tick = int(until_s * self.f_clk_hz)
        first = self.buses[0].stream(until_tick=until_tick)
        parts = [first.data]
        for number, bus in enumerate(self.buses[1:], start=1):
            parts.append(self._beside(number, first.ticks, bus.stream(until_tick=until_tick)))
        data = first.data if len(parts) == 1 else np.concatenate(parts, axis=1)
        return Readings(self._number(first.ticks), first.ticks / self.f_clk_hz, data)

    def _number(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give each fall that was read its number among all falls that were seen."""
        bus = self.buses[0]
        seen, self._falls_then = bus.n_drdy_falls - self._falls_then, bus.n_drdy_falls
        is_gapless = seen == len(ticks) and self._last_index == self.n_falls - 1
        self.n_falls += seen
        if is_gapless or not len(ticks):
            index = self._last_index + 1 + np.arange(len(ticks), dtype=np.int64)
        else:
            period = bus.chip.period_ticks * bus.fault.drdy_divider
            before = ticks[0] - period if self._last_tick is None else self._last_tick
            steps = np.rint(np.diff(ticks, prepend=before) / period).astype(np.int64)
            index = np.minimum(self._last_index + np.cumsum(steps), self.n_falls - 1)
        if len(ticks):
            self._last_tick, self._last_index = int(ticks[-1]), int(index[-1])
        return index

    def _beside(self, chip: int, ticks: NDArray[np.int64], own: Frames) -> NDArray[np.uint8]:
        """Rows of another chip at falls of the first: its last again where nothing new came."""
        own_ticks = np.concatenate((self._held[chip].ticks, own.ticks))
        data = np.concatenate((self._held[chip].data, own.data))
        self._held[chip] = Frames(own_ticks[-1:], data[-1:])
        if np.array_equal(ticks, own.ticks):
            return own.data
        return data[np.searchsorted(own_ticks, ticks, side="right") - 1]

    def _align(self, tick: int = 0) -> None:
        """Bring all chips to the same time."""
        if len(self.buses) == 1:
            self.buses[0].advance_to(tick)
            return
        # one tick later, since a chip may be anywhere within its tick
        tick = max(tick, 1 + max(bus.tick for bus in self.buses))
        for bus in self.buses:
            bus.advance_to(tick)
