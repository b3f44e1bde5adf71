"""The bench: simulated chips on one SPI bus, their pins, their electrodes, and one time.

Everything that drives it comes down to these verbs: Python calls them, the C library and the
socket carry them. Time is the caller's: it passes by `advance`, by what is clocked, and by the cost
of each call on the processor that is assumed (`Processor`). With `BenchOptions.speed` it also
follows the wall clock.
"""

import time
from typing import Final, Self

from emgrig.attach.assembly import build_chips, parse_electrodes, put_fault
from emgrig.attach.bus import Bus
from emgrig.attach.bus_chip import PS, BusChip
from emgrig.attach.facts import BenchFacts, ChipFacts, Claim, ModeUse
from emgrig.attach.journal import PinChange
from emgrig.attach.options import BenchOptions
from emgrig.simulator.analog.world import OPEN, Electrode
from emgrig.simulator.chip.ads1299 import Ads1299Chip
from emgrig.simulator.faults.fault import FaultSetting
from emgrig.simulator.faults.named import FAULTS, clock_factor, drawn, parse_fault

DEFAULT_SCLK_HZ: Final = 1e6
#: Input pins of a chip, as the data sheet names them; CS, SCLK and DIN are the bus's.
INPUTS: Final = ("START", "RESET", "PWDN", "CLKSEL", "GPIO1", "GPIO2", "GPIO3", "GPIO4")
PINS: Final = (*INPUTS, "CS", "SCLK", "DIN", "DRDY", "DOUT")

_LONGEST_SLEEP_S: Final = 0.05
_MOST_CLAIMS: Final = 100_000
_INF: Final = float("inf")


class Bench:
    """Chips on one SPI bus, powered on at time 0 with all their inputs at rest.

    START is low, RESET, PWDN and CS are high, CLKSEL is high on chips that have their own clock.

    Parameters
    ----------
    options : BenchOptions
        What is on it.

    Raises
    ------
    ValueError
        If an option makes no sense.
    EmgrigError
        If the source's file cannot be read.

    Examples
    --------
    >>> bench = Bench(BenchOptions(source="silence"))
    >>> bench.advance(0.15)
    >>> _ = bench.transfer(bytes([0x11]))  # SDATAC
    >>> bench.transfer(bytes([0x20, 0, 0])).hex()  # RREG ID
    '00003e'
    """

    def __init__(self, options: BenchOptions | None = None) -> None:
        options = BenchOptions() if options is None else options
        self.options = options
        self._call_ps = round(options.processor.call_s * PS)
        self._hold_ps = round(options.processor.hold_s * PS)
        self._pause_ps = round(options.processor.pause_s * PS)
        self._is_free = not self._call_ps and options.speed is None  # a call takes no time
        self._claims: list[Claim] = []
        self._n_byte_calls = 0
        self.n_clients: int | None = None  #: Programs that connected, if it is served; else None.
        self._n_drdy_looks = [0] * len(options.chips)
        faults = drawn((parse_fault(text) for text in options.faults), options.seed)
        self._chips = build_chips(options, clock_factor(faults))
        behind = [given.daisy_from for given in options.chips if given.daisy_from is not None]
        self._bus = Bus(self._chips, behind, options.floating)
        self._wires = self._bus.wires
        self._levels = [dict.fromkeys(INPUTS, False) for _ in self._chips]
        for levels, one in zip(self._levels, self._chips, strict=True):
            levels.update(RESET=True, PWDN=True, CLKSEL=one.is_internal)
        self._wall_begin_s = time.perf_counter()
        for setting in faults:
            self._put_fault(setting)

    # ---- what is on it ---------------------------------------------------------------------

    @property
    def n_chips(self) -> int:
        """Chips on the bus."""
        return len(self._chips)

    def chip(self, index: int = 0) -> Ads1299Chip:
        """Return the chip model itself, to look at; driving it is the bench's work.

        Raises
        ------
        ValueError
            If there is no such chip.
        """
        return self._chips[self._checked(index)].chip

    # ---- time -------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Bench time since power-on, s."""
        return self._bus.now / PS

    def advance(self, duration_s: float) -> None:
        """Let time pass.

        Raises
        ------
        ValueError
            If `duration_s` is below 0 or no number.
        """
        if not 0 <= duration_s < _INF:
            raise ValueError(f"cannot advance by {duration_s} s; expected 0 or more")
        self._move_to(self._bus.now + round(duration_s * PS))

    def advance_to(self, time_s: float) -> None:
        """Let time pass up to `time_s`; a time that has passed does nothing."""
        if not abs(time_s) < _INF:
            raise ValueError(f"cannot advance to {time_s} s")
        self._move_to(round(time_s * PS))

    def next_event_s(self) -> float | None:
        """When DRDY of any chip will fall next if nothing is changed, bench s, or None."""
        falls = [self._next_fall_ps(chip) for chip in self._chips]
        known = [fall for fall in falls if fall is not None]
        return min(known) / PS if known else None

    def next_fall_s(self, chip: int = 0) -> float | None:
        """When DRDY of this chip will fall next if nothing is changed, bench s, or None."""
        fall = self._next_fall_ps(self._chips[self._checked(chip)])
        return None if fall is None else fall / PS

    def wait_drdy(self, chip: int = 0, *, timeout_s: float = 1.0, edge: bool = False) -> bool:
        """Wait until DRDY of a chip is low, or with `edge` until it falls the next time.

        Returns
        -------
        bool
            False if it did not within `timeout_s` ≥ 0.

        Raises
        ------
        ValueError
            If there is no such chip, or `timeout_s` is below 0 or no number.
        """
        if not 0 <= timeout_s < _INF:
            raise ValueError(f"timeout_s is {timeout_s}, expected 0 or more")
        if not self._is_free:
            self._spend()
        one = self._chips[self._checked(chip)]
        self._n_drdy_looks[chip] += 1
        wires = self._wires[chip]
        if not edge and not wires.drdy:
            return True
        limit = self._bus.now + round(timeout_s * PS)
        # as the wires let it be seen
        tick = wires.next_drdy_tick if one.is_clocked else None
        fall = None if tick is None else one.ps_of(tick)
        if fall is None or fall > limit:
            self._move_to(limit)
            return not edge and not wires.drdy
        self._move_to(fall)
        return True

    # ---- SPI --------------------------------------------------------------------------------

    def select(self, chip: int = 0) -> None:
        """CS of a chip goes low."""
        self._spend()
        self._bus.select(self._checked(chip))

    def deselect(self, chip: int = 0) -> None:
        """CS of a chip goes high."""
        self._spend()
        self._bus.deselect(self._checked(chip))

    def byte(self, mosi: int, *, mode: int = 1, sclk_hz: float = DEFAULT_SCLK_HZ) -> int:
        """Clock 8 bits, CS as it is.

        Parameters
        ----------
        mosi : int
            0 to 255.
        mode : int
            SPI mode of the host, 0 to 3; the chip is made for 1.
        sclk_hz : float, ≥ 1
            Frequency of SCLK.

        Returns
        -------
        int
            What the host receives; `BenchOptions.floating` in all bits if nobody drives MISO.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        if not 0 <= mosi <= 0xFF:
            raise ValueError(f"mosi is {mosi}, expected 0 to 255")
        bus = self._bus
        if mode != 1 or sclk_hz != bus.sclk_hz:
            check_clocking(mode, sclk_hz)
        if not self._is_free:
            self._spend()
        self._n_byte_calls += 1
        return bus.clock(mosi, mode, sclk_hz)

    def exchange(
        self, mosi: bytes, *, mode: int = 1, sclk_hz: float = DEFAULT_SCLK_HZ, gap_s: float = 0.0
    ) -> bytes:
        """Clock many bytes, CS as it is, with `gap_s` after each; raises as `byte`."""
        check_clocking(mode, sclk_hz, gap_s)
        self._spend()
        return self._exchange(mosi, mode, sclk_hz, gap_s)

    def transfer(
        self,
        mosi: bytes,
        *,
        chip: int = 0,
        mode: int = 1,
        sclk_hz: float = DEFAULT_SCLK_HZ,
        gap_s: float = 0.0,
    ) -> bytes:
        """Do one whole transfer: CS low, the bytes, the processor's hold time, CS high.

        Parameters
        ----------
        mosi : bytes
            What the host sends.
        chip : int
            Whose CS, 0 is the first.
        mode, sclk_hz
            As for `byte`.
        gap_s : float
            Pause after each byte, s.

        Returns
        -------
        bytes
            What the host receives, as long as `mosi`.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        check_clocking(mode, sclk_hz, gap_s)
        self._checked(chip)
        if not self._is_free:
            self._spend()
        bus = self._bus
        one = bus.only
        begin = bus.now
        is_usual = chip == 0 and mode == 1 and not (gap_s or bus.selected)
        if is_usual and one is not None and one.is_clocked:
            ticks = one.chip.f_clk_hz / PS
            miso = one.chip.transfer(
                mosi,
                sclk_hz=sclk_hz,
                hold_ticks=self._hold_ps * ticks,
                after_ticks=self._pause_ps * ticks,
            )
            if not bus.is_faultless:
                miso = self._wires[0].fault.miso(mosi, miso)
            bus.now = max(begin, one.now_ps)
            bus.journal.transfer(0, begin, bus.now, mosi, miso)
            return miso
        bus.select(chip)
        miso = self._exchange(mosi, mode, sclk_hz, gap_s)
        self._move_to(bus.now + self._hold_ps)
        bus.deselect(chip)
        self._move_to(bus.now + self._pause_ps)
        return miso

    # ---- pins -------------------------------------------------------------------------------

    def set_pin(self, name: str, level: bool | int, chip: int | None = None) -> None:
        """Drive a pin: one of `INPUTS` of one chip or of all; CS of one; SCLK or DIN of the bus.

        With SCLK and DIN a bus can be driven bit by bit; DOUT is read with `pin`.

        Raises
        ------
        ValueError
            If there is no such pin, or it is the chip's to drive.
        """
        self._spend()
        is_high = bool(level)
        if name in ("SCLK", "DIN"):
            self._bus.drive(name, is_high)
            return
        if name == "CS":
            index = self._checked(0 if chip is None else chip)
            (self._bus.deselect if is_high else self._bus.select)(index)
            return
        if name not in INPUTS:
            raise ValueError(f"no input pin {name!r}; there are {', '.join((*INPUTS, 'CS'))}")
        for index in range(len(self._chips)) if chip is None else (self._checked(chip),):
            self._drive(index, name, is_high)

    def pin(self, name: str, chip: int = 0) -> int:
        """Level of a pin, 0 or 1; DOUT is the bus's, `BenchOptions.floating` if nobody drives it.

        Raises
        ------
        ValueError
            If there is no such pin.
        """
        self._spend()
        one = self._chips[self._checked(chip)].chip
        if name == "DRDY":
            self._n_drdy_looks[chip] += 1
            return int(self._wires[chip].drdy)
        if name == "DOUT":
            return self._bus.dout()
        if name == "CS":
            return int(chip not in self._bus.selected)
        if name in self._bus.lines:
            return int(self._bus.lines[name])
        if name.startswith("GPIO") and name in INPUTS:
            return one.gpio_levels >> (int(name[4:]) - 1) & 1
        if name not in INPUTS:
            raise ValueError(f"no pin {name!r}; there are {', '.join(PINS)}")
        return int(self._levels[chip][name])

    def drdy_count(self, chip: int = 0) -> int:
        """How often DRDY of a chip fell since power-on, as an interrupt would have counted it."""
        self._n_drdy_looks[self._checked(chip)] += 1
        return self._wires[chip].n_drdy_falls

    @property
    def n_drdy_falls(self) -> int:
        """The sum of `drdy_count` over all chips: while it stays, DRDY of none has fallen."""
        if self._bus.only is not None:
            return self._wires[0].n_drdy_falls
        return sum(wires.n_drdy_falls for wires in self._wires)

    def power_cycle(self, off_s: float = 0.1) -> None:
        """Take the supply from all chips for `off_s` and bring it back: all begins anew.

        Raises
        ------
        ValueError
            If `off_s` is below 0 or no number.
        """
        if not 0 <= off_s < _INF:
            raise ValueError(f"off_s is {off_s}, expected 0 or more")
        for one in self._chips:
            off = round(off_s * one.chip.f_clk_hz) if one.is_clocked else 0
            one.chip.power_cycle(off)
        self._move_to(self._bus.now + round(off_s * PS))

    # ---- electrodes and faults --------------------------------------------------------------

    def set_source(self, text: str) -> None:
        """Change what the electrodes see; ValueError if there is no such source."""
        for one, source in zip(self._chips, parse_electrodes(text, self.options), strict=True):
            one.front_end.set_source(one.chip.tick, source)

    def put_fault(self, text: str) -> None:
        """Put a fault of chips, wires or electrodes in, now; ValueError if that cannot be."""
        for setting in drawn((parse_fault(text),), self.options.seed):
            if FAULTS[setting.name].clock_factor is not None:
                raise ValueError(f"fault {setting.name}: a clock is built in, say it at the start")
            self._put_fault(setting)

    def set_contact(self, channel: int, side: str, kohm: float | None) -> None:
        """Put an electrode on with a contact of `kohm`, or take it off (None).

        Parameters
        ----------
        channel : int
            From 1, over all chips.
        side : str
            "p" or "n".

        Raises
        ------
        ValueError
            If there is no such electrode, or `kohm` is not above 0.
        """
        channels = self.options.chips[0].channels
        if not 1 <= channel <= channels * len(self._chips) or side not in ("p", "n"):
            raise ValueError(f"no electrode {side!r} of channel {channel}")
        if kohm is not None and not 0 < kohm < float("inf"):
            raise ValueError(f"a contact of {kohm} kΩ; expected above 0, or None for off")
        index, own = divmod(channel - 1, channels)
        one = self._chips[index]
        made = OPEN if kohm is None else Electrode(r_ohm=1e3 * kohm)
        world = one.front_end.world.with_electrode(f"IN{own + 1}{side.upper()}", made)
        one.front_end.set_world(one.chip.tick, world)

    def claim(self, channel: int, microvolts: float) -> None:
        """Say what the firmware makes of a channel of the frame that it read last.

        The report compares it with what the chip's registers make of the same code, and tells
        scale, sign, gain and byte order that are wrong.

        Parameters
        ----------
        channel : int
            From 1, over all chips.
        microvolts : float
            Input-referred, as the firmware computed it.
        """
        channels = self.options.chips[0].channels
        if not 1 <= channel <= channels * len(self._chips):
            raise ValueError(f"no channel {channel}; there are 1 to {channels * len(self._chips)}")
        index, own = divmod(channel - 1, channels)
        one = self._chips[index]
        frame = one.chip.last_read
        if frame is None or len(self._claims) >= _MOST_CLAIMS:
            return
        code = int.from_bytes(frame[3 + 3 * own : 6 + 3 * own], "big", signed=True)
        setting = one.chip.registers[5 + own]
        self._claims.append(Claim(self._bus.now, channel, microvolts, code, setting, frame))

    # ---- report -----------------------------------------------------------------------------

    def facts(self) -> BenchFacts:
        """Return what has happened so far, for the report."""
        bus = self._bus
        return BenchFacts(
            options=self.options,
            duration_s=self.now_s,
            chips=tuple(
                ChipFacts.of(one.chip, one.now_ps - one.ps_of(one.chip.time_ticks), one.is_clocked)
                for one in self._chips
            ),
            events=tuple(bus.events),
            n_events=bus.n_events,
            n_transfers=bus.journal.transfers.n,
            transfers=bus.journal.kept_transfers(),
            pins=bus.journal.pins.kept(),
            claims=tuple(self._claims),
            other_modes=tuple(
                ModeUse(chip, mode, first_ps, n)
                for (chip, mode), (first_ps, n) in bus.other_modes.items()
            ),
            n_byte_calls=self._n_byte_calls,
            n_drdy_looks=tuple(self._n_drdy_looks),
            n_clients=self.n_clients,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bench as it is: there is nothing to close."""

    # ---- inside -----------------------------------------------------------------------------

    def _checked(self, chip: int) -> int:
        if not 0 <= chip < len(self._chips):
            raise ValueError(f"no chip {chip}; there are {len(self._chips)}, the first is 0")
        return chip

    def _spend(self) -> None:
        """Let the time of one call pass."""
        bus = self._bus
        if self.options.speed is not None:
            wall_s = (time.perf_counter() - self._wall_begin_s) * self.options.speed
            bus.pass_to(max(bus.now, round(wall_s * PS)))
        if self._call_ps:
            bus.pass_to(bus.now + self._call_ps)

    def _move_to(self, now_ps: int) -> None:
        """Let time pass, on the wall too if time is the wall's."""
        speed = self.options.speed
        if speed is not None:
            end_s = now_ps / PS / speed
            while (left_s := end_s - (time.perf_counter() - self._wall_begin_s)) > 0:
                time.sleep(min(left_s, _LONGEST_SLEEP_S))
        self._bus.pass_to(now_ps)

    def _next_fall_ps(self, one: BusChip) -> int | None:
        tick = one.chip.next_drdy_tick if one.is_clocked else None
        return None if tick is None else one.ps_of(tick)

    def _exchange(self, mosi: bytes, mode: int, sclk_hz: float, gap_s: float) -> bytes:
        bus, gap_ps = self._bus, round(gap_s * PS)
        miso = bytearray()
        for byte in mosi:
            miso.append(bus.clock(byte, mode, sclk_hz))
            if gap_ps:
                self._move_to(bus.now + gap_ps)
        return bytes(miso)

    def _drive(self, chip: int, name: str, level: bool) -> None:
        one, now_ps = self._chips[chip], self._bus.now
        if name == "CLKSEL":
            one.set_clksel(level=level, now_ps=now_ps)
        else:
            one.set_pin(name, level=level)
        if self._levels[chip][name] != level:
            self._levels[chip][name] = level
            self._bus.journal.pins.append(PinChange(now_ps, chip, name, level))
        self._bus.follow_clocks()

    def _put_fault(self, setting: FaultSetting) -> None:
        put_fault(setting, self._chips, self._wires, self.options.seed)
        self._bus.look_for_faults()


def check_clocking(mode: int, sclk_hz: float, gap_s: float = 0.0) -> None:
    """Raise ValueError if bytes cannot be clocked so; the ranges are those of `Bench.transfer`."""
    if mode not in (0, 1, 2, 3):
        raise ValueError(f"mode is {mode}, expected 0 to 3")
    if not 1 <= sclk_hz < _INF:
        raise ValueError(f"sclk_hz is {sclk_hz}, expected 1 or more")
    if not 0 <= gap_s < _INF:
        raise ValueError(f"gap_s is {gap_s}, expected 0 or more")
