"""The digital half of the ADS1299: a chip model that is true to the register and to the SPI byte.

Time is counted in ticks of the chip's own master clock (tCLK, nominally 1/2.048 MHz); tick 0 is
power-on. Time moves only when the caller lets it: by `advance_to`, and by clocking bytes.
What the data sheet (SBAS499C) leaves open is listed at the top of the modules that decide it:
`register_map`, `sequencer`, `chip_core` and `serial_interface`.
"""

from dataclasses import replace
from enum import Enum
from typing import Final

from emgrig.simulator.chip.bulk import Frames as Frames
from emgrig.simulator.chip.bulk import n_in_bulk, read_in_bulk
from emgrig.simulator.chip.core import ChipCore, Mode, ReadingOfTheDataSheet
from emgrig.simulator.chip.margins import Margin
from emgrig.simulator.chip.register_map import REGISTERS, RegisterFile, identity
from emgrig.simulator.chip.sequencer import FallRun
from emgrig.simulator.chip.serial_interface import (
    CS_HIGH_TICKS,
    DECODE_TICKS,
    SUBTICKS,
    SerialInterface,
)
from emgrig.simulator.chip.violations import Rule, Severity, Violation, ViolationLog
from emgrig.simulator.seams import FrontEnd

COMMAND_SCLK_HZ: Final = 2_000_000.0
"""SCLK slow enough for commands without gaps between bytes (tSDECODE)."""
DATA_SCLK_HZ: Final = 8_000_000.0

_SCLK_LIMIT_HZ: Final = 20e6
_SCLK_LIMIT_LOW_DVDD_HZ: Final = 15e6
_LOW_DVDD_V: Final = 2.7


class Pin(Enum):
    """Inputs of the chip that the board drives."""

    START = "START"
    RESET = "RESET"
    PWDN = "PWDN"
    GPIO1 = "GPIO1"
    GPIO2 = "GPIO2"
    GPIO3 = "GPIO3"
    GPIO4 = "GPIO4"


_AS_PRINTED: Final = ReadingOfTheDataSheet()
_PULSE_TICKS: Final = 2
"""START high and RESET low for at least so many tCLK (p. 34 and 35)."""

_GPIO_BIT: Final = {Pin.GPIO1: 1, Pin.GPIO2: 2, Pin.GPIO3: 4, Pin.GPIO4: 8}


class Ads1299Chip:
    """One ADS1299, ADS1299-6 or ADS1299-4, powered on at tick 0 with START low.

    Parameters
    ----------
    front_end : FrontEnd
        The analogue half; it must have `n_channels` channels.
    n_channels : int
        4, 6 or 8.
    f_clk_hz : float, > 0
        True frequency of the master clock, Hz.
    rev_id : int
        Silicon revision in ID, 0 to 7.
    id_override : int or None
        The whole ID byte, for chips with an unusual one (DFh was seen on working silicon).
    report : bool
        True keeps and counts violations.
    enforce : bool
        True lets violations of tSDECODE and tSCCS have their effect; False is a chip that is
        quicker than its data sheet promises.
    has_reference : bool or None
        If a reference is connected to VREFP from outside; None: nobody knows, and nothing is said
        of frames that are read while the internal one is off.
    reading : ReadingOfTheDataSheet
        How to take what the data sheet leaves open.
    dvdd_v : float
        Digital supply, V; below 2.7 the limit of SCLK is 15 MHz instead of 20.
    daisy_in : Ads1299Chip or None
        The chip whose DOUT drives DAISY_IN. It shares CS, SCLK, DIN and the master clock, so this
        chip clocks it and moves its time; its other pins are its own.

    Raises
    ------
    ValueError
        If an argument is out of range, or the chip at DAISY_IN has another clock or time.
    """

    f_clk_hz: float
    _spi: SerialInterface

    def __init__(
        self,
        front_end: FrontEnd,
        *,
        n_channels: int = 8,
        f_clk_hz: float = 2_048_000.0,
        rev_id: int = 1,
        id_override: int | None = None,
        report: bool = True,
        enforce: bool = True,
        has_reference: bool | None = None,
        reading: ReadingOfTheDataSheet = _AS_PRINTED,
        dvdd_v: float = 3.3,
        daisy_in: "Ads1299Chip | None" = None,
    ) -> None:
        if n_channels not in REGISTERS:
            raise ValueError(f"n_channels is {n_channels}, expected one of {sorted(REGISTERS)}")
        if front_end.n_channels != n_channels:
            raise ValueError(
                f"the front end has {front_end.n_channels} channels, the chip {n_channels}"
            )
        if not f_clk_hz > 0:
            raise ValueError(f"f_clk_hz is {f_clk_hz}, expected more than 0")
        if not 0 <= rev_id <= 7 or not 0 <= (id_override or 0) <= 0xFF:
            raise ValueError("rev_id is 0 to 7, id_override 00h to FFh")
        if daisy_in is not None and (daisy_in.f_clk_hz != f_clk_hz or daisy_in._spi.now != 0):
            raise ValueError("the chip at daisy_in must be new and have the same f_clk_hz")
        self.n_channels = n_channels
        self.f_clk_hz = f_clk_hz
        self.daisy_in = daisy_in
        self._log = ViolationLog(report=report)
        chip_id = identity(n_channels, rev_id) if id_override is None else id_override
        registers = RegisterFile(n_channels, chip_id)
        self._core = ChipCore(front_end, registers, self._log, reading, has_reference=has_reference)
        behind = None if daisy_in is None else daisy_in._spi
        self._spi = SerialInterface(self._core, behind, is_enforcing=enforce)
        self._start_high_at = 0
        self._reset_low_at = 0
        self._sclk_limit_hz = _SCLK_LIMIT_HZ if dvdd_v >= _LOW_DVDD_V else _SCLK_LIMIT_LOW_DVDD_HZ
        self._fastest_sclk_hz = self._sclk_limit_hz
        self._sclk_hz = 0.0
        self._byte_time = 0

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame: 27, 21 or 15."""
        return 3 + 3 * self.n_channels

    @property
    def tick(self) -> int:
        """Now, in whole tCLK since power-on."""
        return self._spi.tick

    @property
    def drdy(self) -> bool:
        """Level of DRDY; low (False) says that a result waits."""
        return not self._core.sequencer.is_drdy_low(self.tick)

    @property
    def dout_is_driven(self) -> bool:
        """True if DOUT is driven, False if it is Hi-Z (CS high, or no power)."""
        return self._spi.is_selected and self._core.is_listening

    @property
    def n_drdy_falls(self) -> int:
        """Conversions completed since the model was made, read or not."""
        return self._core.sequencer.n_falls

    @property
    def last_drdy_tick(self) -> int | None:
        """When DRDY fell last, or None."""
        return self._core.sequencer.last_fall

    @property
    def next_drdy_tick(self) -> int | None:
        """When DRDY will fall next if nothing is changed, or None."""
        return self._core.sequencer.next_fall

    def drdy_tick_ahead(self, n: int) -> int | None:
        """When DRDY will fall for the n-th time after the next (n ≥ 0), or None."""
        return self._core.sequencer.fall_ahead(n)

    @property
    def is_unread(self) -> bool:
        """True if DRDY fell and no SCLK came since; a single shot holds DRDY low even when read."""
        return self._core.sequencer.is_unread

    @property
    def period_ticks(self) -> int:
        """Data period tDR as CONFIG1 sets it, tCLK."""
        return self._core.sequencer.period_ticks

    @property
    def mode(self) -> Mode:
        """RDATAC or SDATAC."""
        return self._core.mode

    @property
    def is_standby(self) -> bool:
        """True between STANDBY and WAKEUP."""
        return self._core.is_standby

    @property
    def registers(self) -> bytes:
        """The 24 registers, 00h to 17h, as a look from outside: no SPI, no time passes."""
        return self._core.dump(self.tick)

    @property
    def time_ticks(self) -> float:
        """Now, in tCLK since power-on, parts of one included."""
        return self._spi.now / SUBTICKS

    @property
    def dout(self) -> int | None:
        """Level of DOUT, 0 or 1; None if it is not driven. In RDATAC it is DRDY's until read."""
        return self._spi.level

    @property
    def gpio_levels(self) -> int:
        """Levels on the pins GPIO4 to GPIO1 as bits 3 to 0, whoever drives them."""
        return self._core.registers.gpio_levels

    @property
    def gpio_outputs(self) -> int:
        """Which of GPIO4 to GPIO1 the chip drives, as bits 3 to 0."""
        return ~self._core.registers.gpio_control & 0x0F

    @property
    def n_read(self) -> int:
        """Results that were read whole, each counted once."""
        return self._core.n_read

    @property
    def n_torn(self) -> int:
        """Times that a result was read over its update; what came is of two results."""
        return self._core.n_torn

    @property
    def n_skipped(self) -> int:
        """Results that were not read whole between two that were, torn ones among them.

        What was produced while the host had stopped reading (SDATAC, STOP, STANDBY, RESET, a new
        CONFIG1) is not counted.
        """
        return self._core.n_skipped

    @property
    def n_hidden(self) -> int:
        """Of the results that were skipped, those whose DRDY went high by SCLK for another chip."""
        return self._core.n_hidden

    @property
    def odd_reads(self) -> dict[int, int]:
        """Reads of results that were not just as long as a frame: how many, by their bytes."""
        return dict(self._core.odd_reads)

    @property
    def obeyed(self) -> dict[int, int]:
        """How often each command was obeyed, by opcode; RREG is 20h, WREG 40h."""
        return dict(self._core.obeyed)

    @property
    def written(self) -> frozenset[int]:
        """Addresses of registers that were ever written."""
        return frozenset(self._core.written)

    @property
    def fall_runs(self) -> tuple[FallRun, ...]:
        """When DRDY fell, as runs of even distances; the first thousand of them."""
        return tuple(replace(run) for run in self._core.sequencer.runs)

    @property
    def n_transfers(self) -> int:
        """How often CS went low."""
        return self._spi.n_transfers

    @property
    def margins(self) -> dict[str, Margin]:
        """The smallest times that were seen, in parts of `SUBTICKS` of a tCLK; see `Margins`."""
        return self._spi.margins.found()

    @property
    def violations(self) -> tuple[Violation, ...]:
        """The first violations of each rule, in order of time; none if they are not reported."""
        return self._log.kept

    @property
    def n_violations(self) -> int:
        """How many violations there were, including those that are not kept."""
        return self._log.n_reported

    @property
    def violation_counts(self) -> dict[Rule, int]:
        """How many there were of each rule."""
        return dict(self._log.counts)

    def wait_ticks(self, ticks: float) -> None:
        """Let `ticks` ≥ 0 of tCLK pass, parts of one included."""
        if not ticks >= 0:
            raise ValueError(f"ticks is {ticks}, expected 0 or more")
        self._spi.run_to(self._spi.now + round(ticks * SUBTICKS))

    def run_to(self, subticks: int) -> None:
        """Let time pass up to `subticks` parts of `SUBTICKS` of a tCLK since power-on."""
        if subticks > self._spi.now:
            self._spi.run_to(subticks)

    @property
    def subticks(self) -> int:
        """Now, in parts of `SUBTICKS` of a tCLK since power-on."""
        return self._spi.now

    def advance_to(self, tick: int) -> None:
        """Let time pass up to and including `tick`; a tick that has passed does nothing."""
        if tick * SUBTICKS > self._spi.now:
            self._spi.run_to(tick * SUBTICKS)

    def set_pin(self, pin: Pin, level: bool) -> None:
        """Drive an input pin, True for high; PWDN and RESET are high at power-on, others low."""
        core, now = self._core, self._spi.now
        if pin is Pin.START:
            if level and not core.start_pin:
                self._start_high_at = now
            elif not level and core.start_pin and core.is_listening:
                self._check_pulse(Rule.START_PULSE, "START high", self._start_high_at)
            core.set_start(self.tick, level=level)
        elif pin is Pin.RESET:
            if not level and not core.is_held:
                self._reset_low_at = now
            elif level and core.is_held and core.is_powered:
                self._check_pulse(Rule.RESET_PULSE, "RESET low", self._reset_low_at)
            core.set_reset(self.tick, level=level)
            self._spi.reset()
        elif pin is Pin.PWDN and level != core.is_powered:
            self._spi.reset()
            core.power_up(self.tick) if level else core.power_down()
        elif pin in _GPIO_BIT:
            others = core.registers.gpio_inputs & ~_GPIO_BIT[pin]
            core.registers.gpio_inputs = others | (_GPIO_BIT[pin] if level else 0)

    def _check_pulse(self, rule: Rule, what: str, since: int) -> None:
        if self._spi.now - since < _PULSE_TICKS * SUBTICKS:
            text = f"{what} for less than {_PULSE_TICKS} tCLK; taken anyway"
            self._core.report(self.tick, rule, text, Severity.HARMLESS)

    def set_clock(self, *, is_running: bool) -> None:
        """Give the chip its master clock or take it away; without it nothing in it moves.

        Time must not be let pass, nor bytes be clocked, while it is away.
        """
        self._core.set_clock(self.tick, is_running=is_running)

    @property
    def is_clock_output(self) -> bool:
        """CONFIG1.CLK_EN: the oscillator is on the CLK pin, if CLKSEL is high."""
        return self._core.is_listening and self._core.registers.is_clock_output

    @property
    def last_read(self) -> bytes | None:
        """The frame that was read whole last, or None."""
        return self._core.last_read

    @property
    def held_frame(self) -> bytes:
        """What a transfer of zeros gives in RDATAC as long as no new result comes."""
        return self._core.output.frame

    def note_sclk(self, sclk_hz: float) -> None:
        """Say how fast the edges come that follow; reported above the limit, while CS is low."""
        if self._spi.is_selected:
            self._check_sclk(sclk_hz, self.tick)

    def sclk_rise(self) -> int | None:
        """SCLK rises: the chip shifts a bit out; the bit, or None if DOUT is not driven."""
        return self._spi.rise()

    def sclk_fall(self, din: int) -> None:
        """SCLK falls: the chip takes the bit on DIN, 0 or 1."""
        self._spi.fall(din)

    def brown_out(self) -> None:
        """Let the supply dip: registers at default, RDATAC, tPOR anew; time does not pass.

        Conversions stop; if START is high they begin again after tPOR.
        """
        if self._core.is_powered:
            self._spi.reset()
            self._core.power_up(self.tick)

    def power_cycle(self, off_ticks: int = 0) -> None:
        """Take the supply away for `off_ticks` ≥ 0 and bring it back."""
        self._spi.reset()
        self._core.power_down()
        self.advance_to(self.tick + off_ticks)
        self._core.power_up(self.tick)

    def cs_low(self) -> None:
        """Select the chip."""
        self._spi.select()

    def cs_high(self) -> None:
        """Deselect the chip: a command that is not complete is dropped."""
        self._spi.deselect()

    def clock_byte(
        self, mosi: int, *, sclk_hz: float = COMMAND_SCLK_HZ, gap_ticks: float = 0.0
    ) -> int | None:
        """Clock 8 bits through, then wait `gap_ticks` ≥ 0.

        Works with CS high too (traffic to another chip on the bus): DRDY goes high, nothing else.

        Returns
        -------
        int or None
            The byte on DOUT, or None if it is Hi-Z.

        Raises
        ------
        ValueError
            If `mosi` is no byte, or `sclk_hz` or `gap_ticks` is out of range.
        """
        if not 0 <= mosi <= 0xFF:
            raise ValueError(f"mosi is {mosi}, expected 0 to 255")
        spi = self._spi
        if sclk_hz == self._sclk_hz and not gap_ticks:
            return spi.clock_byte(mosi, self._byte_time)
        duration, gap = self._byte_times(sclk_hz, gap_ticks)
        if spi.is_selected:  # what the limit is for other chips' traffic, nobody says
            self._check_sclk(sclk_hz, self.tick)
        miso = spi.clock_byte(mosi, duration)
        if gap:
            spi.run_to(spi.now + gap)
        return miso

    def transfer(
        self,
        mosi: bytes,
        *,
        sclk_hz: float = COMMAND_SCLK_HZ,
        gap_ticks: float = 0.0,
        hold_ticks: float = DECODE_TICKS,
        after_ticks: float = CS_HIGH_TICKS,
    ) -> bytes:
        """Do one whole transfer: CS low, all bytes, some tCLK, CS high, some tCLK.

        Parameters
        ----------
        mosi : bytes
            What the host sends.
        sclk_hz : float, > 0
            Frequency of SCLK.
        gap_ticks : float, ≥ 0
            Pause after each byte, tCLK.
        hold_ticks, after_ticks : float, ≥ 0
            From the end of the last byte to CS high, and how long CS is high at least, tCLK.

        Returns
        -------
        bytes
            MISO, as long as `mosi`; a line that nobody drives reads 0.

        Raises
        ------
        ValueError
            If a time or `sclk_hz` is out of range.
        """
        duration, gap = self._byte_times(sclk_hz, gap_ticks)
        if not (hold_ticks >= 0 and after_ticks >= 0):
            raise ValueError(f"hold_ticks is {hold_ticks}, after_ticks {after_ticks}; expected ≥ 0")
        hold, after = round(hold_ticks * SUBTICKS), round(after_ticks * SUBTICKS)
        self._check_sclk(sclk_hz, self.tick)
        spi = self._spi
        n_bytes = len(mosi)
        if n_bytes and mosi.count(0) == n_bytes:
            total = n_bytes * (duration + gap) + hold + after
            if spi.can_transfer_frame(n_bytes, total):
                return spi.transfer_frame(n_bytes, duration, gap, hold, after)
        spi.select()
        miso = bytearray()
        for byte in mosi:
            miso.append(spi.clock_byte(byte, duration) or 0)
            if gap:
                spi.run_to(spi.now + gap)
        spi.run_to(spi.now + hold)
        spi.deselect()
        spi.run_to(spi.now + after)
        return bytes(miso)

    def stream(
        self,
        count: int | None = None,
        *,
        every: int = 1,
        until_tick: int | None = None,
        frame_bytes: int | None = None,
        sclk_hz: float = DATA_SCLK_HZ,
        gap_ticks: float = 0.0,
    ) -> Frames:
        """Read frames as a host does that waits for DRDY and then transfers zeros.

        A result that waits unread is read first; then each next DRDY fall is waited for. A fall
        during a transfer is missed. The result and the state it leaves are the same, bit for bit,
        as with `transfer`; where nothing unusual happens it is computed without the bytes.

        Parameters
        ----------
        count : int or None
            Frames at most; fewer come if the chip stops.
        every : int, ≥ 1
            Read only the conversions whose number (`n_drdy_falls`) is a multiple of it.
        until_tick : int or None
            Only frames whose DRDY fall is not later; if `count` does not end it before, it is at
            least `until_tick` afterwards. One of the two limits must be given.
        frame_bytes : int or None
            Bytes to clock for each frame; None takes this chip's own frame.
        sclk_hz, gap_ticks : float
            As for `transfer`.

        Raises
        ------
        ValueError
            If no limit is given, a number is out of range, or CS is low.
        """
        n_bytes = self.frame_bytes if frame_bytes is None else frame_bytes
        if count is None and until_tick is None:
            raise ValueError("stream needs a count or until_tick")
        if n_bytes < 1 or every < 1 or (count is not None and count < 0):
            raise ValueError(
                f"frame_bytes is {n_bytes}, every {every}, count {count}; expected ≥ 1, ≥ 1, ≥ 0"
            )
        if self._spi.is_selected:
            raise ValueError("CS is low: end the transfer before streaming")
        bytes_time = n_bytes * sum(self._byte_times(sclk_hz, gap_ticks))
        pieces: list[Frames] = []
        left = count
        while left != 0:
            n_falls = n_in_bulk(self._spi, left, until_tick, bytes_time, every)
            if n_falls:
                first = self.drdy_tick_ahead((-self.n_drdy_falls - 1) % every)
                self._check_sclk(sclk_hz, first or self.tick)
                piece = read_in_bulk(self._spi, n_falls, n_bytes, bytes_time, every)
            elif (fall := self._wait_for_result(until_tick, every)) is not None:
                miso = self.transfer(bytes(n_bytes), sclk_hz=sclk_hz, gap_ticks=gap_ticks)
                piece = Frames.one(fall, miso)
            else:
                break
            pieces.append(piece)
            left = None if left is None else left - len(piece.ticks)
        if until_tick is not None and left != 0:
            self.advance_to(until_tick)
        return Frames.joined(pieces, n_bytes)

    def _wait_for_result(self, until_tick: int | None, every: int) -> int | None:
        n_more = -self.n_drdy_falls % every
        if n_more or not self.is_unread:
            fall = self.drdy_tick_ahead((n_more or every) - 1)
            if fall is None or (until_tick is not None and fall > until_tick):
                return None
            self.advance_to(fall)
        fall = self.last_drdy_tick
        return None if fall is None or (until_tick is not None and fall > until_tick) else fall

    def _check_sclk(self, sclk_hz: float, tick: int) -> None:
        if sclk_hz > self._fastest_sclk_hz:  # each frequency once
            self._fastest_sclk_hz = sclk_hz
            text = f"SCLK of {sclk_hz / 1e6:g} MHz, at most {self._sclk_limit_hz / 1e6:g} MHz"
            self._core.report(tick, Rule.SCLK_LIMIT, text, Severity.HARMLESS)

    def _byte_times(self, sclk_hz: float, gap_ticks: float) -> tuple[int, int]:
        if not sclk_hz > 0 or not gap_ticks >= 0:
            raise ValueError(f"sclk_hz is {sclk_hz}, gap_ticks {gap_ticks}; expected > 0 and ≥ 0")
        if sclk_hz != self._sclk_hz:
            self._byte_time = max(16, round(8 * self.f_clk_hz * SUBTICKS / sclk_hz))
            # a frequency that breaks the limit is looked at each time
            self._sclk_hz = sclk_hz if sclk_hz <= self._sclk_limit_hz else 0.0
        return self._byte_time, round(gap_ticks * SUBTICKS) if gap_ticks else 0
