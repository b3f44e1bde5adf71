"""The SPI bus of a bench: its chips and their wires, which are selected, SCLK and DIN, one time.

Nothing is checked here and nothing costs a processor's time: that is the bench's.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from emgrig.attach.bus_chip import PS, BusChip
from emgrig.attach.facts import BusEvent
from emgrig.attach.journal import Journal
from emgrig.simulator.firmware.spi import NoFault, SpiBus

_MOST_EVENTS: Final = 1000


class Bus:
    """Chips on one SPI bus, all of them deselected, SCLK and DIN low, at time 0.

    Parameters
    ----------
    chips : sequence of BusChip
        In the order of their numbers.
    behind : iterable of int
        Numbers of those that are clocked with the chip whose DAISY_IN they drive.
    floating : int
        Level of MISO when nobody drives it, 0 or 1.
    """

    def __init__(self, chips: Sequence[BusChip], behind: Iterable[int], floating: int) -> None:
        self.chips = chips
        self.wires = [SpiBus(one.chip) for one in chips]
        self.now = 0  #: Time since power-on, ps.
        self.lines = {"SCLK": False, "DIN": False}  #: Levels that the host gives them.
        self.selected: list[int] = []  #: Chips whose CS is low.
        self.sclk_hz = float("nan")  #: Of the byte before; NaN: of none yet.
        self.only = chips[0] if len(chips) == 1 else None  #: The chip, if there is but one.
        self.is_faultless = True  #: No wire has a fault.
        self.journal = Journal()
        self.events: list[BusEvent] = []  #: The first of what happened to the bus itself.
        self.n_events = 0  #: All of them.
        #: By chip and SPI mode that is not the chip's: time of the first byte, ps, and how many.
        self.other_modes: dict[tuple[int, int], tuple[int, int]] = {}
        self._byte_ps = 0
        self._behind = frozenset(behind)
        self._floating = floating
        self._idle_miso = -floating & 0xFF
        self._open: dict[int, tuple[int, bytearray, bytearray]] = {}
        self._has_clock_lines = any(one.clock_from is not None for one in chips)

    # ---- time -------------------------------------------------------------------------------

    def pass_to(self, now_ps: int) -> None:
        """Let time pass on all chips; a time that has passed does nothing."""
        if now_ps <= self.now:
            return
        self.now = now_ps
        for one in self.chips:
            one.run_to(now_ps)

    def follow_clocks(self) -> None:
        """Stop or go on with the chips that have their clock from another one, as it does."""
        if self._has_clock_lines:
            for one in self.chips:
                one.follow_clock(self.now)

    # ---- CS ---------------------------------------------------------------------------------

    def select(self, chip: int) -> None:
        """CS of a chip goes low."""
        if chip in self.selected:
            return
        if self.lines["SCLK"]:
            self._note("SCLK high", "CS fell while SCLK was high; the chip wants it low", chip)
        self.selected.append(chip)
        self.chips[chip].chip.cs_low()
        self._open[chip] = (self.now, bytearray(), bytearray())

    def deselect(self, chip: int) -> None:
        """CS of a chip goes high: its transfer is over."""
        if chip not in self.selected:
            return
        self.selected.remove(chip)
        self.chips[chip].chip.cs_high()
        begin, mosi, miso = self._open.pop(chip)
        self.journal.transfer(chip, begin, self.now, bytes(mosi), bytes(miso))
        self.follow_clocks()

    # ---- SCLK, DIN and DOUT -----------------------------------------------------------------

    def clock(self, mosi: int, mode: int, sclk_hz: float) -> int:
        """Clock one byte through all chips on the bus, CS as it is; what the host receives."""
        if sclk_hz != self.sclk_hz:
            self.sclk_hz, self._byte_ps = sclk_hz, round(8 * PS / sclk_hz)
        end = self.now + self._byte_ps
        only = self.only
        if mode != 1:
            for chip in self.selected:
                first_ps, n_bytes = self.other_modes.get((chip, mode), (self.now, 0))
                self.other_modes[chip, mode] = first_ps, n_bytes + 1
                self.chips[chip].chip.note_sclk(sclk_hz)
            miso = self._clock_by_edges(mosi, mode, end)
        elif only is not None and only.is_clocked:
            got = only.chip.clock_byte(mosi, sclk_hz=sclk_hz)
            miso = self._idle_miso if got is None else got
        else:
            driven: list[int] = []
            for index, one in enumerate(self.chips):
                if one.is_clocked and index not in self._behind:
                    got = one.chip.clock_byte(mosi, sclk_hz=sclk_hz)
                    if got is not None:
                        driven.append(got)
            miso = self._joined(driven)
        if only is not None and (now_ps := only.now_ps) > end:
            end = now_ps
        self.now = end
        for chip in self.selected:
            _, sent, received = self._open[chip]
            sent.append(mosi)
            received.append(miso)
            if not self.is_faultless:
                miso = self.wires[chip].fault.miso(bytes(sent), bytes(received))[-1]
        return miso

    def drive(self, name: str, level: bool) -> None:
        """Drive SCLK or DIN."""
        was = self.lines[name]
        self.lines[name] = level
        if name == "SCLK" and was != level:
            self._edge(level)

    def dout(self) -> int:
        """Level of MISO."""
        driven = [self.chips[chip].chip.dout for chip in self.selected]
        known = [level for level in driven if level is not None]
        if not known:
            return self._floating
        if len(known) > 1:
            self._note_contention(len(known))
        return min(known)

    def _joined(self, driven: list[int]) -> int:
        """Level on MISO when several chips may drive it."""
        if not driven:
            return self._idle_miso
        joined = driven[0]
        if len(driven) > 1:
            self._note_contention(len(driven))
            for value in driven[1:]:
                joined &= value
        return joined

    def _clock_by_edges(self, mosi: int, mode: int, end: int) -> int:
        """Clock one byte as a host in mode 0, 2 or 3 does.

        The chip shifts out on a rise and takes DIN on a fall. Where host and chip use the same
        edge, each sees what was there before it.
        """
        begin, miso = self.now, 0
        for bit_index in range(8):
            bit = mosi >> (7 - bit_index) & 1
            for half in range(2):
                self.pass_to(begin + (end - begin) * (2 * bit_index + half + 1) // 16)
                is_rise = (half == 0) == (mode == 0)
                if half == 0 and mode in (0, 2):
                    self.lines["DIN"] = bool(bit)
                is_sampling = half == (1 if mode == 3 else 0)
                if is_sampling:
                    miso = miso << 1 | self.dout()
                self._edge(is_rise)
                if half == 0 and mode == 3:
                    self.lines["DIN"] = bool(bit)
        self.pass_to(end)
        return miso

    def _edge(self, is_rise: bool) -> None:
        din = int(self.lines["DIN"])
        for index, one in enumerate(self.chips):
            if one.is_clocked and index not in self._behind:
                one.chip.sclk_rise() if is_rise else one.chip.sclk_fall(din)

    # ---- what is wrong ----------------------------------------------------------------------

    def look_for_faults(self) -> None:
        """Take note of which wires have a fault now."""
        self.is_faultless = all(type(one.fault) is NoFault for one in self.wires)

    def _note_contention(self, n_driving: int) -> None:
        self._note("contention", f"{n_driving} chips drive MISO at once; CS of one only")

    def _note(self, kind: str, text: str, chip: int = 0) -> None:
        self.n_events += 1
        if len(self.events) < _MOST_EVENTS:
            self.events.append(BusEvent(self.now, kind, text, chip))
