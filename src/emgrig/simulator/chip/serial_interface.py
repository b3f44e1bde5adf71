"""The SPI of the ADS1299, byte by byte (SBAS499C, p. 12 and 34-43).

SCLK mode 1: a bit leaves on the rising edge and is taken on the falling one. In a byte that takes 8
SCLK periods, rising edges lie at 0, 1, … periods and falling edges half a period later.

Readings taken where the data sheet is silent (unconfirmed on silicon):

* RREG and WREG that are not allowed (RDATAC, standby) are ignored together with their bytes.
* A byte of a command that ends less than 4 tCLK after the one before it: the command is lost, and
  nothing is decoded until CS goes high.
* Each byte of WREG takes effect by itself.
* Bytes after RREG's second are not decoded; all other zeros are no command.
* In SDATAC mode DOUT is 0 but for RREG and RDATA; CS high ends an RDATA.
* CS low begins an RDATAC frame from its MSB again.
* In RDATAC mode, bits clocked in the update window are 1 (DOUT follows DRDY); at the DRDY fall the
  new frame replaces the old one, at whatever bit that is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from emgrig.simulator.chip.core import RESET, RREG, WREG, ChipCore, Mode
from emgrig.simulator.chip.sequencer import UPDATE_TICKS
from emgrig.simulator.chip.violations import Rule

SUBTICKS: Final = 10_000  #: Parts of a tCLK in which the time of SPI is counted.
DECODE_TICKS: Final = 4  #: tSDECODE and tSCCS.
CS_HIGH_TICKS: Final = 2  #: tCSH.

_DECODE: Final = DECODE_TICKS * SUBTICKS


@dataclass(eq=False)
class SerialInterface:
    """CS, SCLK, DIN and DOUT of one chip, and of those that feed its DAISY_IN."""

    core: ChipCore  #: What is behind it.
    #: The chip whose DOUT drives DAISY_IN; it shares CS, SCLK, DIN and the master clock.
    daisy_in: "SerialInterface | None"

    def __post_init__(self) -> None:
        self.now = 0  #: Time, in `SUBTICKS` parts of tCLK.
        self.is_selected = False  #: True while CS is low.
        self._last_sclk_fall = -_DECODE
        self._last_command_end = -_DECODE
        self._deselected_at = -_DECODE
        self._pending: Callable[[], None] | None
        self.reset()

    @property
    def tick(self) -> int:
        """Time in whole tCLK."""
        return self.now // SUBTICKS

    def run_to(self, time: int) -> None:
        """Let time pass, in subticks."""
        if self.daisy_in is not None:
            self.daisy_in.run_to(time)
        if self._pending is not None and time >= self._last_sclk_fall + _DECODE:
            self._pass_time(max(self.now, self._last_sclk_fall + _DECODE))
            self._obey()
        self._pass_time(time)

    def reset(self) -> None:
        """Forget what was clocked since CS went low (power-on, RESET pin)."""
        self._pending = None
        self._forget()

    def select(self) -> None:
        """CS goes low."""
        if self.daisy_in is not None:
            self.daisy_in.select()
        if self.is_selected:
            return
        self.is_selected = True
        is_early = self.now - self._deselected_at < CS_HIGH_TICKS * SUBTICKS
        if is_early and self.core.is_listening:
            self._report(Rule.T_CSH, "CS was high for less than 2 tCLK")
        self._forget()
        if self.core.mode is Mode.RDATAC:
            self.core.output.rewind()
        else:
            self.core.output.load(None)

    def deselect(self) -> None:
        """CS goes high: what is not complete is dropped."""
        if self.daisy_in is not None:
            self.daisy_in.deselect()
        if not self.is_selected:
            return
        self._finish_last_byte()
        if self._command and not self._is_lost and self.core.is_listening:
            self._report(Rule.PARTIAL_COMMAND, "CS went high within a command; the rest is dropped")
        self.is_selected = False
        self._deselected_at = self.now
        self._forget()

    def clock_byte(self, mosi: int, duration: int) -> int | None:
        """Clock 8 bits in `duration` subticks; None if DOUT is not driven."""
        daisy_byte = None if self.daisy_in is None else self.daisy_in.clock_byte(mosi, duration)
        start = self.now
        self._obey()
        miso: int | None = None
        if self.is_selected and self.core.is_listening:
            self._check_spacing(mosi, start + duration * 15 // 16)
            if daisy_byte is not None:
                self.core.output.push(daisy_byte)
            miso = self._shift_out(mosi, start, duration)
        self._last_sclk_fall = start + duration * 15 // 16
        self._pass_time(self._last_sclk_fall)
        self.core.sequencer.sclk()
        if miso is not None:
            self._decode(mosi, start + duration * 13 // 16)
        self._pass_time(start + duration)
        return miso

    def can_skip(self, transfer_time: int) -> bool:
        """Return True if frames may be made without the bytes, with the same result.

        `transfer_time` is in subticks, from a DRDY fall until the next transfer may begin; a
        transfer that ends before the next fall has its last byte before the update window.
        """
        sequencer = self.core.sequencer
        next_fall = sequencer.next_fall
        return (
            self._can_daisy_skip(transfer_time)
            and self.core.is_listening
            and self.core.mode is Mode.RDATAC
            and not (self.is_selected or sequencer.is_unread or self._pending)
            and sequencer.is_streaming
            and next_fall is not None
            and next_fall * SUBTICKS - self._deselected_at >= CS_HIGH_TICKS * SUBTICKS
            and transfer_time < sequencer.period_ticks * SUBTICKS
        )

    def _can_daisy_skip(self, transfer_time: int) -> bool:
        if self.daisy_in is None:
            return True
        own, other = self.core.sequencer, self.daisy_in.core.sequencer
        in_step = (own.next_fall, own.period_ticks) == (other.next_fall, other.period_ticks)
        return in_step and self.daisy_in.can_skip(transfer_time)

    def skip(self, last_fall: int, n_bytes_end: int, transfer_end: int) -> None:
        """Put time and SPI in the state after the frame of `last_fall` (tick) was read."""
        if self.daisy_in is not None:
            self.daisy_in.skip(last_fall, n_bytes_end, transfer_end)
        start = last_fall * SUBTICKS
        self._last_sclk_fall = start + n_bytes_end
        self._deselected_at = start + transfer_end - CS_HIGH_TICKS * SUBTICKS
        self.core.load_latest()
        self._pass_time(start + transfer_end)

    def _forget(self) -> None:
        self._command = 0
        self._address = 0
        self._remaining: int | None = None
        self._is_allowed = False
        self._is_lost = False
        self._is_torn = False
        self._tear_reported = False
        self._has_clocked = False

    def _report(self, rule: Rule, text: str) -> None:
        self.core.log.report(self.tick, rule, text)

    def _pass_time(self, time: int) -> None:
        sequencer = self.core.sequencer
        n_falls = sequencer.n_falls
        sequencer.advance(time // SUBTICKS)
        self.now = time
        if sequencer.n_falls != n_falls and self.core.mode is Mode.RDATAC:
            self._is_torn = self.is_selected and self.core.output.is_mid_frame
            self.core.load_latest()

    def _obey(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None and self.core.is_listening:
            pending()

    def _finish_last_byte(self) -> None:
        is_early = self._has_clocked and self.now - self._last_sclk_fall < _DECODE
        if is_early:
            lost = "; its last command byte is ignored" if self._pending else ""
            self._report(Rule.T_SCCS, f"CS went high less than 4 tCLK after the last SCLK{lost}")
        if is_early and self.core.log.strict:
            self._pending = None
        self._obey()

    def _check_spacing(self, mosi: int, end: int) -> None:
        self._has_clocked = True
        if self._is_lost or not (self._command or mosi):
            return
        if end - self._last_command_end < _DECODE:
            text = f"{(end - self._last_command_end) / SUBTICKS:.2f} tCLK after the byte before"
            self._report(Rule.T_SDECODE, f"command byte {mosi:02X}h ended {text}; command lost")
            self._is_lost = self.core.log.strict
        self._last_command_end = end

    @property
    def _is_reading_registers(self) -> bool:
        is_data = self._command == RREG and self._remaining is not None
        return is_data and self._is_allowed and not self._is_lost

    def _shift_out(self, mosi: int, start: int, duration: int) -> int:
        core = self.core
        if self._is_reading_registers:
            return core.read_register(self._address, start // SUBTICKS)
        if core.mode is Mode.RDATAC:
            if mosi == 0 and not self._command:
                self._check_data(start)
            next_fall = core.sequencer.next_fall
            window = None if next_fall is None else (next_fall - UPDATE_TICKS) * SUBTICKS
            if window is not None and start + duration * 7 // 8 >= window:
                return self._shift_out_in_window(mosi, start, duration, window)
        return core.output.take(8, repeat=core.registers.is_multiple_readback)

    def _shift_out_in_window(self, mosi: int, start: int, duration: int, window: int) -> int:
        output, repeat = self.core.output, self.core.registers.is_multiple_readback
        fall = window + UPDATE_TICKS * SUBTICKS
        if mosi == 0 and not self._command:
            self._report_tear()
        byte = 0
        for bit_index in range(8):
            rise = start + duration * bit_index // 8
            if rise >= fall:
                self._pass_time(rise)
            is_updating = window <= rise < fall
            byte = byte << 1 | (output.take(1, repeat=repeat) | is_updating)
        return byte

    def _check_data(self, start: int) -> None:
        if self._is_torn:
            self._report_tear()
        if start < self.core.data_from_tick * SUBTICKS:
            self._report(Rule.RDATAC_WAIT, "data clocked less than 4 tCLK after RDATAC")

    def _report_tear(self) -> None:
        if not self._tear_reported:
            self._tear_reported = True
            text = "a frame was being read when DRDY was about to fall; its bytes are wrong"
            self._report(Rule.UPDATE_WINDOW, text)

    def _decode(self, mosi: int, seventh_fall: int) -> None:
        if self.core.is_busy(seventh_fall // SUBTICKS):
            if mosi:
                text = f"{mosi:02X}h sent within 18 tCLK after RESET; ignored"
                self._report(Rule.RESET_BUSY, text)
            return
        if self._is_lost or not (self._command or mosi):
            return
        if self._command:
            self._decode_argument(mosi)
        elif mosi & 0xE0 in (RREG, WREG):
            self._command, self._address = mosi & 0xE0, mosi & 0x1F
            self._is_allowed = self.core.accepts_registers(self.tick, mosi)
        else:
            edge = self._last_sclk_fall if mosi == RESET else seventh_fall
            self._pending = partial(self.core.execute, mosi, edge // SUBTICKS)

    def _decode_argument(self, mosi: int) -> None:
        if self._remaining is None:
            self._remaining = (mosi & 0x1F) + 1
            if self._is_allowed and self._address + self._remaining > len(
                self.core.registers.specs
            ):
                self._report(Rule.ADDRESS, "register access past 17h; reads 00h, writes nothing")
            return
        if self._command == WREG and self._is_allowed:
            tick = self._last_sclk_fall // SUBTICKS
            self._pending = partial(self.core.write_register, self._address, mosi, tick)
        self._address += 1
        self._remaining -= 1
        if self._remaining == 0:
            self._command, self._remaining = 0, None
