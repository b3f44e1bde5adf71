"""The SPI of the ADS1299, byte by byte and edge by edge (SBAS499C, p. 12 and 34-43).

SCLK mode 1: a bit leaves on the rising edge and is taken on the falling one. In a byte that takes 8
SCLK periods, rising edges lie at 0, 1, … periods and falling edges half a period later. Whoever
drives the edges alone (`rise`, `fall`) may run another mode, or no mode at all.

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
* A frame is torn if an SCLK falls in that window, or if the host reads on after the fall where it
  had stopped before it. A host that begins anew after the fall got what it clocked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from emgrig.simulator.chip.core import RESET, RREG, WREG, ChipCore, Mode
from emgrig.simulator.chip.margins import Margins
from emgrig.simulator.chip.sequencer import UPDATE_TICKS
from emgrig.simulator.chip.violations import Rule, Severity, Violation

SUBTICKS: Final = 10_000  #: Parts of a tCLK in which the time of SPI is counted.
DECODE_TICKS: Final = 4  #: tSDECODE and tSCCS.
CS_HIGH_TICKS: Final = 2  #: tCSH.

_DECODE: Final = DECODE_TICKS * SUBTICKS
_CS_HIGH: Final = CS_HIGH_TICKS * SUBTICKS
_UPDATE: Final = UPDATE_TICKS * SUBTICKS
_NEVER: Final = 1 << 80
_KEPT_BYTES: Final = 32
_MANY_ZEROS: Final = 9  #: So many zeros look like the reading of data: a status word and more.


@dataclass(eq=False)
class SerialInterface:
    """CS, SCLK, DIN and DOUT of one chip, and of those that feed its DAISY_IN."""

    core: ChipCore  #: What is behind it.
    #: The chip whose DOUT drives DAISY_IN; it shares CS, SCLK, DIN and the master clock.
    daisy_in: "SerialInterface | None"
    is_enforcing: bool  #: Breaches of tSDECODE and tSCCS have their effect.
    margins: Margins = field(default_factory=Margins)

    def __post_init__(self) -> None:
        self.now = 0  #: Time, in `SUBTICKS` parts of tCLK.
        self.is_selected = False  #: True while CS is low.
        self.n_transfers = 0  #: How often CS went low.
        self._last_sclk_fall = -_DECODE
        self._last_command_end = -_DECODE
        self._deselected_at = -_NEVER
        self._pending: Callable[[], None] | None = None
        self._bits = self._n_bits = self._daisy_bits = 0
        self._register: int | None = None
        self._bits_start = self._seventh_fall = 0
        self._window_fall = 0  # number of the DRDY fall in whose window a bit was clocked
        self._torn_fall = 0  # number of the fall of which a tear was told
        self.core.log_at = self._noted
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
        self.n_transfers += 1
        self._forget()
        if self.core.is_listening:
            high = self.now - self._deselected_at
            if self.n_transfers > 1:
                self.margins.cs_high(high, self.now)
            if high < _CS_HIGH:
                self._report(Rule.T_CSH, "CS was high for less than 2 tCLK", Severity.HARMLESS)
        if self.core.mode is Mode.RDATAC:
            self.core.output.rewind()
        else:
            self.core.output.load(None)
            self.core.is_result_asked = False

    def deselect(self) -> None:
        """CS goes high: what is not complete is dropped."""
        if self.daisy_in is not None:
            self.daisy_in.deselect()
        if not self.is_selected:
            return
        self._note_length()
        self._finish_last_byte()
        self._end_reading()
        is_partial = (self._command and not self._is_lost) or self._n_bits
        if is_partial and self.core.is_listening:
            self._report_part()
        self.is_selected = False
        self._deselected_at = self.now
        self._forget()

    def _report_part(self) -> None:
        """Tell that CS went high within a command, and what of it was done."""
        done = 0 if self._remaining is None else self._declared - self._remaining
        if not (done and self._is_allowed):
            text = "CS went high within a command; the rest is dropped"
            self._report(Rule.PARTIAL_COMMAND, text, Severity.LOST, self._opcode)
            return
        did, severity = ("written", Severity.LOST)
        if self._command == RREG:
            did, severity = ("read", Severity.HARMLESS)
        text = (
            f"CS went high when {done} of {self._declared} registers were {did}; the second byte "
            f"of the command is their number less 1"
        )
        self._report(Rule.PARTIAL_COMMAND, text, severity)

    def clock_byte(self, mosi: int, duration: int) -> int | None:
        """Clock 8 bits in `duration` subticks; None if DOUT is not driven."""
        start = self.now
        end = start + duration
        if not mosi and end <= self._quiet_until:
            # the rest of a frame, and nothing else can happen meanwhile
            output = self.core.output
            position = output.position
            if position + 8 < output.n_bits:  # the last byte may be more than that
                self.now = end
                self._last_sclk_fall = start + duration * 15 // 16
                output.position = position + 8
                self._n_bytes += 1
                return output.frame[position >> 3]
        return self._clock_byte(mosi, start, duration)

    def can_transfer_frame(self, n_bytes: int, total: int) -> bool:
        """Return True if `transfer_frame` may be called with these arguments."""
        core = self.core
        next_fall = core.sequencer.next_fall
        is_before_window = next_fall is None or self.now + total <= next_fall * SUBTICKS - _UPDATE
        return (
            is_before_window
            and self.daisy_in is None
            and core.mode is Mode.RDATAC
            and not self.is_selected
            and self._pending is None
            and core.is_listening
            and 8 * n_bytes <= core.output.n_bits
            and core.output.is_result
            and core.data_from_tick * SUBTICKS <= self.now
            and self.now - self._deselected_at >= _CS_HIGH
            and not core.is_without_reference
        )

    def transfer_frame(
        self, n_bytes: int, byte_time: int, gap: int, hold: int, after: int
    ) -> bytes:
        """Do a whole transfer of `n_bytes` zeros; all times in subticks.

        Only if `can_transfer_frame`: then nothing else can happen meanwhile.
        """
        output, start = self.core.output, self.now
        self.n_transfers += 1
        if self.n_transfers > 1:
            self.margins.cs_high(start - self._deselected_at, start)
        self._mark_first_data(start)
        last = start + (n_bytes - 1) * (byte_time + gap)
        self._last_sclk_fall = last + byte_time * 15 // 16
        self.core.sequencer.sclk()
        output.position = 8 * n_bytes
        if output.position == output.n_bits:
            self._mark_read()
        else:
            self.core.odd_reads[n_bytes] += 1
        self._deselected_at = last + byte_time + gap + hold
        if self._deselected_at - self._last_sclk_fall < _DECODE:
            self._n_bytes, self._has_clocked = n_bytes, True
            self.now = self._deselected_at
            self._finish_last_byte()
        else:
            self.margins.cs_low(self._deselected_at - self._last_sclk_fall, self._deselected_at)
        self._forget()
        self.now = self._deselected_at + after
        return output.frame[:n_bytes]

    def rise(self) -> int | None:
        """SCLK rises, now: the chip shifts a bit out; None if DOUT is not driven."""
        daisy = None if self.daisy_in is None else self.daisy_in.rise()
        if not (self.is_selected and self.core.is_listening):
            return None
        self._quiet_until = 0
        if self._n_bits == 0:
            self._obey()
            self._bits_start = self.now
            self._register = None
            if self._is_reading_registers:
                self._register = self.core.read_register(self._address, self.tick)
        if daisy is not None:
            self._daisy_bits = (self._daisy_bits << 1 | daisy) & 0xFF
        if self._register is not None:
            level = self._register >> (7 - self._n_bits) & 1
            self._keep_level(level)
            return level
        next_fall = self.core.sequencer.next_fall if self.core.mode is Mode.RDATAC else None
        is_updating = next_fall is not None and self.now >= next_fall * SUBTICKS - _UPDATE
        if is_updating:
            self._window_fall = self.core.sequencer.n_falls + 1
        output, repeat = self.core.output, self.core.registers.is_multiple_readback
        level = output.take(1, repeat=repeat) | is_updating
        self._keep_level(level)
        return level

    def fall(self, level: int) -> None:
        """SCLK falls, now: the chip takes the bit on DIN."""
        if self.daisy_in is not None:
            self.daisy_in.fall(level)
        self._quiet_until = 0
        self._last_sclk_fall = self.now
        self._end_drdy()
        if not (self.is_selected and self.core.is_listening):
            return
        self._bits = (self._bits << 1 | level) & 0xFF
        self._n_bits += 1
        if self._n_bits == 7:
            self._seventh_fall = self.now
        if self._n_bits < 8:
            return
        self._n_bits = 0
        mosi = self._bits
        self._check_spacing(mosi, self.now)
        if self.daisy_in is not None:
            self.core.output.push(self._daisy_bits)
        is_data = mosi == 0 and not self._command and self._register is None
        if is_data:
            self._check_data(self._bits_start)
            if self._window_fall:
                self._report_tear(self._window_fall)
            else:
                self._mark_data(8)
        self._window_fall = 0
        self._note_byte(mosi)
        self._decode(mosi, self._seventh_fall)

    @property
    def level(self) -> int | None:
        """Level of DOUT now; None if it is not driven.

        In RDATAC mode it is DRDY's until the first bit of a result is clocked (p. 38).
        """
        if not (self.is_selected and self.core.is_listening):
            return None
        output = self.core.output
        if output.position == self._level_position and (self._has_clocked or self._n_bits):
            return self._level
        if output.position:  # by the quick way
            byte, bit = divmod(output.position - 1, 8)
            return output.frame[byte] >> (7 - bit) & 1
        is_waiting = self.core.sequencer.is_drdy_low(self.tick)
        return int(self.core.mode is Mode.RDATAC and not is_waiting)

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
            and not self.core.is_without_reference
        )

    def _can_daisy_skip(self, transfer_time: int) -> bool:
        if self.daisy_in is None:
            return True
        own, other = self.core.sequencer, self.daisy_in.core.sequencer
        in_step = (own.next_fall, own.period_ticks) == (other.next_fall, other.period_ticks)
        return in_step and self.daisy_in.can_skip(transfer_time)

    def skip(self, last_fall: int, n_bytes_end: int, transfer_end: int, n_read: int) -> None:
        """Put time and SPI in the state after the frame of `last_fall` (tick) was read.

        `n_read` frames were read; what the last one left is what a transfer leaves.
        """
        if self.daisy_in is not None:
            self.daisy_in.skip(last_fall, n_bytes_end, transfer_end, n_read)
        start = last_fall * SUBTICKS
        self._last_sclk_fall = start + n_bytes_end
        self._deselected_at = start + transfer_end - CS_HIGH_TICKS * SUBTICKS
        self.n_transfers += n_read
        self.core.load_latest()
        self.core.count_read(n_read)
        self._pass_time(start + transfer_end)

    def _clock_byte(self, mosi: int, start: int, duration: int) -> int | None:
        self._quiet_until = 0
        daisy_byte = None if self.daisy_in is None else self.daisy_in.clock_byte(mosi, duration)
        self._obey()
        self._last_sclk_fall = start + duration * 15 // 16
        miso: int | None = None
        if self.is_selected and self.core.is_listening:
            self._check_spacing(mosi, start + duration * 15 // 16)
            if daisy_byte is not None:
                self.core.output.push(daisy_byte)
            miso = self._shift_out(mosi, start, duration)
            self._keep_level(miso & 1)
        self._pass_time(self._last_sclk_fall)
        if self._window_fall:  # it is torn also if the new result came within this byte
            self._is_torn, self._window_fall = True, 0
        self._end_drdy()
        if miso is not None:
            self._note_byte(mosi)
            self._decode(mosi, start + duration * 13 // 16)
        self._pass_time(start + duration)
        if not mosi and miso is not None:
            self._arm()
        return miso

    def _keep_level(self, level: int) -> None:
        self._level, self._level_position = level, self.core.output.position

    def _end_drdy(self) -> None:
        """Let DRDY go high, by whoever's SCLK."""
        sequencer = self.core.sequencer
        if sequencer.is_unread and not self.is_selected:
            self.core.hide_drdy()
        sequencer.sclk()

    def _note_length(self) -> None:
        """Note the length of a read that ends here, if it is no whole frame."""
        output = self.core.output
        n_bits = self._n_data_bits
        if output.is_result and n_bits not in (0, output.n_bits):
            self.core.odd_reads[n_bits // 8] += 1

    def _arm(self) -> None:
        """Find out until when bytes of a frame may be taken without further thought."""
        core = self.core
        if (
            self.daisy_in is None
            and core.mode is Mode.RDATAC
            and core.output.is_result
            and not (self._command or self._is_lost or self._is_torn or core.output.position % 8)
            and self._pending is None
            and core.data_from_tick * SUBTICKS <= self.now
            and core.output.position
        ):
            next_fall = core.sequencer.next_fall
            self._quiet_until = _NEVER if next_fall is None else next_fall * SUBTICKS - _UPDATE

    def _forget(self) -> None:
        self._quiet_until = 0
        self._command = 0
        self._opcode: int | None = None  # first byte of the command that came last
        self._address = 0
        self._remaining: int | None = None
        self._declared = 0
        self._is_allowed = False
        self._is_lost = False
        self._is_torn = False
        self._has_clocked = False
        self._n_bytes = 0
        self._n_zeros = 0
        self._data_from: int | None = None  # bits that had been shifted out before data were
        self._bits_before_fall = self._crossed_fall = 0
        self._sent = bytearray()
        self._bits = self._n_bits = self._daisy_bits = 0
        self._register = None
        self._window_fall = 0
        self._level = 0  # the bit that was shifted out last
        self._level_position = 0

    def _noted(
        self, tick: int, rule: Rule, text: str, severity: Severity, about: int | None
    ) -> Violation:
        # zeros of a frame that came the quick way are only counted
        sent = bytes(self._sent).ljust(min(self._n_bytes, _KEPT_BYTES), b"\0")
        return Violation(tick, rule, text, severity, self.n_transfers, self._n_bytes, sent, about)

    def _report(self, rule: Rule, text: str, severity: Severity, about: int | None = None) -> None:
        self.core.report(self.tick, rule, text, severity, about)

    def _note_byte(self, mosi: int) -> None:
        if len(self._sent) < _KEPT_BYTES:
            self._sent.extend(bytes(min(self._n_bytes, _KEPT_BYTES - 1) - len(self._sent)))
            self._sent.append(mosi)
        self._n_bytes += 1

    def _pass_time(self, time: int) -> None:
        sequencer = self.core.sequencer
        n_falls = sequencer.n_falls
        sequencer.advance(time // SUBTICKS)
        self.now = time
        if sequencer.n_falls != n_falls:
            self._quiet_until = 0
            if self.core.mode is Mode.RDATAC:
                self._note_length()
                was_end = self._end_reading()
                if 0 < self._n_data_bits < self.core.output.n_bits and not was_end:
                    self._bits_before_fall = self._n_data_bits
                    self._crossed_fall = sequencer.n_falls
                self._data_from = None
                self._is_torn = False
                self.core.load_latest()

    def _end_reading(self) -> bool:
        """Tell of a frame that was begun in the result before this one and read to its end in it.

        Whoever reads on clocks just what was left of the frame; who begins anew does not.
        """
        before, self._bits_before_fall = self._bits_before_fall, 0
        is_torn = before > 0 and before + self._n_data_bits == self.core.output.n_bits
        if is_torn:
            self._report_tear(self._crossed_fall)
        return is_torn

    def _obey(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None and self.core.is_listening:
            pending()

    def _finish_last_byte(self) -> None:
        if not self._has_clocked:
            self._obey()
            return
        wait = self.now - self._last_sclk_fall
        self.margins.cs_low(wait, self.now)
        if wait < _DECODE:
            lost = ""
            if self._pending:
                took = " is ignored" if self.is_enforcing else " may be ignored by a real chip"
                lost = f"; its last command byte{took}"
            is_lost = bool(lost) and self.is_enforcing
            severity = Severity.LOST if is_lost else Severity.HARMLESS
            text = f"CS went high less than 4 tCLK after the last SCLK{lost}"
            self._report(Rule.T_SCCS, text, severity, self._opcode if self._pending else None)
            if self.is_enforcing:
                self._pending = None
        self._obey()

    def _check_spacing(self, mosi: int, end: int) -> None:
        self._has_clocked = True
        if self._is_lost or not (self._command or mosi):
            return
        spacing = end - self._last_command_end
        if self._n_bytes:
            self.margins.decode(spacing, end)
        if spacing < _DECODE:
            made = "command lost" if self.is_enforcing else "a real chip may lose the command"
            text = f"{spacing / SUBTICKS:.2f} tCLK after the byte before; {made}"
            severity = Severity.LOST if self.is_enforcing else Severity.HARMLESS
            about = self._opcode if self._command else mosi
            self._report(Rule.T_SDECODE, f"command byte {mosi:02X}h ended {text}", severity, about)
            self._is_lost = self.is_enforcing
        self._last_command_end = end

    @property
    def _n_data_bits(self) -> int:
        """Bits of the frame in the output register that were clocked as data."""
        return 0 if self._data_from is None else self.core.output.position - self._data_from

    @property
    def _is_reading_registers(self) -> bool:
        is_data = self._command == RREG and self._remaining is not None
        return is_data and self._is_allowed and not self._is_lost

    def _shift_out(self, mosi: int, start: int, duration: int) -> int:
        core = self.core
        if self._is_reading_registers:
            return core.read_register(self._address, start // SUBTICKS)
        is_data = mosi == 0 and not self._command
        if core.mode is Mode.RDATAC:
            if is_data:
                self._check_data(start)
            next_fall = core.sequencer.next_fall
            window = None if next_fall is None else next_fall * SUBTICKS - _UPDATE
            if window is not None and start + duration * 7 // 8 >= window:
                return self._shift_out_in_window(mosi, start, duration, window)
        byte = core.output.take(8, repeat=core.registers.is_multiple_readback)
        if is_data:
            self._mark_data(8)
        return byte

    def _shift_out_in_window(self, mosi: int, start: int, duration: int, window: int) -> int:
        output, repeat = self.core.output, self.core.registers.is_multiple_readback
        fall = window + _UPDATE
        is_data = mosi == 0 and not self._command
        if is_data:
            self._window_fall = self.core.sequencer.n_falls + 1
            self._report_tear(self._window_fall)
        byte = 0
        for bit_index in range(8):
            rise = start + duration * bit_index // 8
            if rise >= fall:
                self._pass_time(rise)
            is_updating = window <= rise < fall
            byte = byte << 1 | (output.take(1, repeat=repeat) | is_updating)
        return byte

    def _mark_first_data(self, start: int) -> None:
        fall = self.core.sequencer.last_fall
        if fall is not None and self.core.sequencer.is_unread:
            self.margins.first_data(start - fall * SUBTICKS, start)

    def _mark_data(self, n_bits: int) -> None:
        """Take notice of bits of data that the output register has just shifted out."""
        output = self.core.output
        if self._data_from is None:
            self._mark_first_data(self.now)
            self._data_from = output.position - n_bits
        self._n_zeros += 1
        if output.is_result:
            n_data = self._n_data_bits
            if n_data >= output.n_bits > n_data - n_bits:
                self._mark_read()
        elif self._n_zeros == _MANY_ZEROS:
            self._report_nothing_to_read()

    def _mark_read(self) -> None:
        """Count a frame that was read whole."""
        core = self.core
        if self._is_torn:
            return
        next_fall = core.sequencer.next_fall
        if core.mode is Mode.RDATAC and next_fall is not None:
            spare = next_fall * SUBTICKS - _UPDATE - self._last_sclk_fall
            self.margins.before_update(spare, self._last_sclk_fall)
        core.count_read(1)

    def _report_nothing_to_read(self) -> None:
        if self.core.mode is Mode.SDATAC and not self.core.is_result_asked:
            text = f"{_MANY_ZEROS} zeros clocked in SDATAC mode without RDATA; DOUT stays 0"
            self._report(Rule.NO_DATA, text, Severity.LOST)
        else:
            text = "data clocked before the first conversion was complete; DOUT stays 0"
            self._report(Rule.NO_RESULT, text, Severity.LOST)

    def _check_data(self, start: int) -> None:
        if start < self.core.data_from_tick * SUBTICKS:
            text = "data clocked less than 4 tCLK after RDATAC"
            self._report(Rule.RDATAC_WAIT, text, Severity.HARMLESS)

    def _report_tear(self, fall: int) -> None:
        """Tell that a read went over the DRDY fall of this number, once."""
        self._is_torn = True
        if fall != self._torn_fall:
            self._torn_fall = fall
            self.core.n_torn += 1
            text = "a frame was being read when DRDY was about to fall; its bytes are wrong"
            self._report(Rule.UPDATE_WINDOW, text, Severity.TORN)

    def _decode(self, mosi: int, seventh_fall: int) -> None:
        if self.core.is_busy(seventh_fall // SUBTICKS):
            if mosi:
                text = f"{mosi:02X}h sent within 18 tCLK after RESET; ignored"
                self._report(Rule.RESET_BUSY, text, Severity.LOST, mosi)
            return
        if self._is_lost or not (self._command or mosi):
            return
        self._n_zeros = 0
        if self._command:
            self._decode_argument(mosi)
            return
        self._opcode = mosi
        if mosi & 0xE0 in (RREG, WREG):
            self._command, self._address = mosi & 0xE0, mosi & 0x1F
            self._is_allowed = self.core.accepts_registers(self.tick, mosi)
        else:
            edge = self._last_sclk_fall if mosi == RESET else seventh_fall
            self._pending = partial(self.core.execute, mosi, edge // SUBTICKS)
            self._note_length()
            self._data_from = None

    def _decode_argument(self, mosi: int) -> None:
        if self._remaining is None:
            self._declared = self._remaining = (mosi & 0x1F) + 1
            if self._is_allowed and self._address + self._remaining > len(
                self.core.registers.specs
            ):
                text = "register access past 17h; reads 00h, writes nothing"
                self._report(Rule.ADDRESS, text, Severity.LOST, self._opcode)
            return
        if self._command == WREG and self._is_allowed:
            tick = self._last_sclk_fall // SUBTICKS
            self._pending = partial(self.core.write_register, self._address, mosi, tick)
        self._address += 1
        self._remaining -= 1
        if self._remaining == 0:
            self._command, self._remaining = 0, None
