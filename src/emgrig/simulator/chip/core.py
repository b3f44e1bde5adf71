"""What the ADS1299 does with commands, registers and power, apart from how bits get in and out.

Readings taken where the data sheet is silent (unconfirmed on silicon):

* Power-on: commands before tPOR are reported and obeyed, conversions wait for tPOR.
* RESET stops conversions that a START command began; a START pin that is high begins new ones.
* RESET in standby is ignored by command and works by pin; STANDBY is accepted in RDATAC.
* WAKEUP resumes what ran before STANDBY, with a restarted filter, 64 tCLK later.
* Registers read past 17h give 00h and ignore writes.
* DAISY_IN comes out after a frame only: registers cannot be read through a chain.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from emgrig.simulator.chip.output_register import OutputRegister
from emgrig.simulator.chip.register_map import (
    CONFIG1,
    CONFIG3,
    GPIO,
    LOFF_STATN,
    LOFF_STATP,
    N_REGISTERS,
    RegisterFile,
    reserved_code,
)
from emgrig.simulator.chip.sequencer import UPDATE_TICKS, Sequencer
from emgrig.simulator.chip.violations import Rule, Severity, Violation, ViolationLog
from emgrig.simulator.seams import FrontEnd

POR_TICKS: Final = 1 << 18  #: tPOR: from power-on to the first RESET, tCLK (p. 62).
RESET_TICKS: Final = 18  #: From RESET to the next command or conversion, tCLK (p. 35).
WAKE_TICKS: Final = 64  #: From WAKEUP to the next conversion, tCLK (31.25 µs).

WAKEUP: Final = 0x02
STANDBY: Final = 0x04
RESET: Final = 0x06
START: Final = 0x08
STOP: Final = 0x0A
RDATAC: Final = 0x10
SDATAC: Final = 0x11
RDATA: Final = 0x12
RREG: Final = 0x20
WREG: Final = 0x40


class Mode(Enum):
    """How data leave the chip; STANDBY is apart from it, since WAKEUP returns to the old mode."""

    RDATAC = "read data continuously"
    SDATAC = "stop read data continuously"


@dataclass(frozen=True)
class ReadingOfTheDataSheet:
    """What the data sheet leaves open and other people's firmware depends on.

    The evidence for each is in the project's docs/decisions.md.
    """

    obeys_wreg_in_rdatac: bool = False  #: WREG works in RDATAC mode; by default it is ignored.
    #: RDATA in RDATAC mode begins the frame from its MSB again; by default it is ignored.
    restarts_at_rdata_in_rdatac: bool = False


def _unplaced(tick: int, rule: Rule, text: str, severity: Severity, about: int | None) -> Violation:
    return Violation(tick, rule, text, severity, about=about)


class ChipCore:
    """Registers, modes, power and conversions of one chip."""

    def __init__(
        self,
        front_end: FrontEnd,
        registers: RegisterFile,
        log: ViolationLog,
        reading: ReadingOfTheDataSheet,
        *,
        has_reference: bool | None,
    ) -> None:
        self.registers = registers
        self.log = log
        #: Makes a violation of what and when; the serial interface adds what was on SPI.
        self.log_at: Callable[[int, Rule, str, Severity, int | None], Violation] = _unplaced
        self.obeyed: Counter[int] = Counter()  #: Commands that were obeyed; RREG 20h, WREG 40h.
        self.written: set[int] = set()  #: Addresses of registers that were ever written.
        self.n_read = 0  #: Frames that were read whole.
        self.n_torn = 0  #: Frames of which what was read is wrong.
        #: Results between two that were read, while the host did not stop reading by a command.
        self.n_skipped = 0
        self.n_hidden = 0  #: Of those, whose DRDY was ended by traffic to others.
        self.odd_reads: Counter[int] = Counter()  #: Reads that were no whole frame, by their bytes.
        self.last_read: bytes | None = None  #: The frame that was read whole last.
        self.is_result_asked = False  #: RDATA came since CS went low.
        self._reading = reading
        self._has_reference = has_reference
        self._counted_fall = 0  # number of the result that was counted last
        self._loaded_fall = 0  # and of that in the output register
        self._hidden_fall = self._n_hidden_since = 0
        self._follows: int | None = None  # the result that was read last, in one go with the next
        self.sequencer = Sequencer(front_end, registers)
        self.output = OutputRegister(3 + 3 * registers.n_channels)
        self.mode = Mode.RDATAC  #: RDATAC after power-on and RESET.
        self.is_standby = False
        self.is_powered = True  #: Supplied, and PWDN is high.
        self.is_held = False  #: The RESET pin is low.
        self.is_clocked = True  #: The master clock runs.
        self.start_pin = False  #: Level of START.
        self.data_from_tick = 0  #: When data may be clocked after an RDATAC command.
        self._front_end = front_end
        self._resume = False
        self._commands = {
            WAKEUP: self._wakeup,
            STANDBY: self._standby,
            RESET: self._reset,
            START: self._start,
            STOP: self._stop,
            RDATAC: self._rdatac,
            SDATAC: self._sdatac,
            RDATA: self._rdata,
        }
        self.power_up(0)

    @property
    def is_listening(self) -> bool:
        """True if SPI reaches the chip: it is supplied, clocked and not held in reset."""
        return self.is_powered and not self.is_held and self.is_clocked

    @property
    def is_without_reference(self) -> bool:
        """True if neither the internal reference is on nor an external one is known to be there."""
        return self._has_reference is False and not self.registers.is_reference_on

    def report(
        self, tick: int, rule: Rule, text: str, severity: Severity, about: int | None = None
    ) -> None:
        """Note a violation."""
        if self.log.is_reporting:
            self.log.report(self.log_at(tick, rule, text, severity, about))

    def count_read(self, n_frames: int) -> None:
        """Count frames that were read whole; one that was read before counts once."""
        fall = self._loaded_fall
        if fall != self._counted_fall:
            if self._follows is not None:
                self.n_skipped += fall - self._follows - n_frames
                self.n_hidden += self._n_hidden_since - (self._hidden_fall == fall)
            self._n_hidden_since = 0
            self.n_read += n_frames
            self._counted_fall = self._follows = fall
            self.last_read = self.output.frame
        if self.is_without_reference:
            text = "a frame was read without a reference, inside or outside; its codes say nothing"
            self.report(self.sequencer.front_end_tick, Rule.NO_REFERENCE, text, Severity.LOST)

    def hide_drdy(self) -> None:
        """Take note that traffic to others ends the DRDY of a result that waits."""
        self._hidden_fall = self.sequencer.n_falls
        self._n_hidden_since += 1

    def is_busy(self, tick: int) -> bool:
        """Return True within the 18 tCLK after RESET, when nothing may be sent."""
        return tick < self._busy_until

    def power_up(self, tick: int) -> None:
        """Supply, or PWDN, comes up: everything at its default, tPOR begins."""
        self.is_powered = True
        self._busy_until = tick
        self._por_end = self._ready_tick = tick + POR_TICKS
        self._por_reported = False
        self._early_release: int | None = None
        self._set_defaults(tick)

    def power_down(self) -> None:
        """Supply or PWDN goes away."""
        self.is_powered = False
        self._follows = None
        self.sequencer.clear()

    def set_clock(self, tick: int, *, is_running: bool) -> None:
        """Let the master clock run or stand; a START pin that is high waits for it."""
        self.is_clocked = is_running
        if self.is_listening and self.start_pin and not self.is_standby:
            self.sequencer.start(tick, not_before=self._ready_tick)

    def set_start(self, tick: int, *, level: bool) -> None:
        """Drive the START pin."""
        if level == self.start_pin:
            return
        self.start_pin = level
        if not self.is_listening or self.is_standby:
            self._resume = False
        elif level:
            self.sequencer.start(tick, not_before=self._ready_tick)
        else:
            self._follows = None
            self.sequencer.stop(tick)

    def set_reset(self, tick: int, *, level: bool) -> None:
        """Drive the RESET pin: low resets at once and holds, high lets go."""
        if level != self.is_held or not self.is_powered:
            self.is_held = not level
            return
        self.is_held = not level
        if level:  # too early is told with the first command, if no other RESET came before it
            self._early_release = tick if tick < self._por_end else None
        self._reset(tick)

    def _report_early_release(self) -> None:
        release, self._early_release = self._early_release, None
        if release is not None:
            early = self._por_end - release
            text = f"RESET went high {early} tCLK too early after power-on, and was not low again"
            if self.log.is_reporting:
                self.log.report(Violation(release, Rule.T_POR, text))

    def execute(self, opcode: int, tick: int) -> None:
        """Obey a single-byte opcode that was decoded at `tick`.

        It is executed when it is certain that CS stayed low long enough, up to 4 tCLK later. If
        DRDY fell in between, the fall counts as earlier.
        """
        tick = max(tick, self.sequencer.front_end_tick)
        self._check_por(tick, opcode)
        command = self._commands.get(opcode)
        if command is None:
            text = f"{opcode:02X}h is no command; ignored"
            self.report(tick, Rule.UNKNOWN_OPCODE, text, Severity.LOST, opcode)
        elif self.is_standby and opcode != WAKEUP:
            text = f"command {opcode:02X}h; only WAKEUP is allowed; ignored"
            self.report(tick, Rule.IN_STANDBY, text, Severity.LOST, opcode)
        else:
            self.obeyed[opcode] += 1
            command(tick)

    def accepts_registers(self, tick: int, opcode: int) -> bool:
        """Return True if RREG or WREG may begin now; reports it if not."""
        self._check_por(tick, opcode)
        if self.is_standby:
            text = f"command {opcode:02X}h; only WAKEUP is allowed; ignored"
            self.report(tick, Rule.IN_STANDBY, text, Severity.LOST, opcode)
            return False
        if self.mode is Mode.SDATAC:
            self.obeyed[opcode & 0xE0] += 1
            return True
        is_obeyed = self._reading.obeys_wreg_in_rdatac and opcode & 0xE0 == WREG
        made = "obeyed, by the reading that was chosen" if is_obeyed else "ignored"
        severity = Severity.HARMLESS if is_obeyed else Severity.LOST
        text = f"command {opcode:02X}h before SDATAC; {made}"
        self.report(tick, Rule.IN_RDATAC, text, severity, opcode)
        if is_obeyed:
            self.obeyed[WREG] += 1
        return is_obeyed

    def dump(self, tick: int) -> bytes:
        """Return the 24 registers with their live bits."""
        values = bytearray(bytes(self.registers))
        loff_p, loff_n, bias_stat = self._front_end.comparators(tick)
        values[CONFIG3] |= bias_stat
        values[LOFF_STATP], values[LOFF_STATN] = loff_p, loff_n
        return bytes(values)

    def read_register(self, address: int, tick: int) -> int:
        """Return a register with its live bits, or 0 past 17h."""
        if address >= N_REGISTERS:
            return 0
        is_live = address in (CONFIG3, LOFF_STATP, LOFF_STATN)
        return (self.dump(tick) if is_live else bytes(self.registers))[address]

    def write_register(self, address: int, value: int, tick: int) -> None:
        """Write one register; past 17h nothing happens."""
        tick = max(tick, self.sequencer.front_end_tick)
        if address >= N_REGISTERS:
            return
        self._check_write(address, value, tick)
        self.written.add(address)
        if self.registers.write(address, value) and address != GPIO:
            self._follows = None if address == CONFIG1 else self._follows
            self.sequencer.registers_changed(tick, restart=address == CONFIG1)

    def load_latest(self) -> None:
        """Put the latest result in the output shift register."""
        self.output.load(self.sequencer.frame())
        self._loaded_fall = self.sequencer.n_falls

    def _set_defaults(self, tick: int) -> None:
        self.registers.reset()
        self.sequencer.clear()
        self.output.load(None)
        self.mode = Mode.RDATAC
        self.is_standby = self._resume = False
        self._follows = None
        tick = max(tick, self.sequencer.front_end_tick)
        self.sequencer.registers_changed(tick, restart=False)
        if self.start_pin and self.is_listening:
            self.sequencer.start(tick, not_before=self._ready_tick)

    def _reset(self, tick: int) -> None:
        self._busy_until = tick + RESET_TICKS
        self._ready_tick = max(self._ready_tick, self._busy_until)
        self._set_defaults(tick)

    def _check_por(self, tick: int, opcode: int) -> None:
        if self._por_reported:
            return
        self._por_reported = True
        if tick < self._por_end:
            early = self._por_end - tick
            text = f"command {opcode:02X}h {early} tCLK too early after power-on; obeyed"
            self.report(tick, Rule.T_POR, text, Severity.HARMLESS, opcode)
        elif opcode != RESET:
            self._report_early_release()

    def _check_write(self, address: int, value: int, tick: int) -> None:
        spec = self.registers.specs[address]
        if value & spec.reserved != spec.reserved_value:
            text = (
                f"{spec.name} = {value:02X}h: bits {spec.reserved:02X}h "
                f"must be written {spec.reserved_value:02X}h"
            )
            self.report(tick, Rule.RESERVED_BITS, text, Severity.HARMLESS, address)
        elif code := reserved_code(address, value):
            text = f"{spec.name}: {code} is not to be used"
            self.report(tick, Rule.RESERVED_CODE, text, Severity.HARMLESS, address)

    def _wakeup(self, tick: int) -> None:
        if not self.is_standby:
            return
        self.is_standby = False
        self._ready_tick = max(self._ready_tick, tick + WAKE_TICKS)
        if self.start_pin or self._resume:
            self.sequencer.start(tick, not_before=self._ready_tick)

    def _standby(self, tick: int) -> None:  # noqa: ARG002 - all commands are called alike
        self.is_standby = True
        self._follows = None
        self._resume = self.sequencer.is_running
        self.sequencer.halt()

    def _start(self, tick: int) -> None:
        if self.start_pin:
            text = "START command while the START pin is high"
            self.report(tick, Rule.START_PIN, text, Severity.HARMLESS, START)
        self.sequencer.start(tick, not_before=self._ready_tick)

    def _stop(self, tick: int) -> None:
        if self.start_pin:
            text = "STOP command while the START pin is high; conversions go on"
            self.report(tick, Rule.START_PIN, text, Severity.LOST, STOP)
        else:
            self._follows = None
            self.sequencer.stop(tick)

    def _rdatac(self, tick: int) -> None:
        falls = (self.sequencer.next_fall, self.sequencer.last_fall)
        if any(fall is not None and abs(fall - tick) < UPDATE_TICKS for fall in falls):
            text = "RDATAC within 4 tCLK of a DRDY edge; obeyed"
            self.report(tick, Rule.UPDATE_WINDOW, text, Severity.HARMLESS, RDATAC)
        self.mode = Mode.RDATAC
        self.data_from_tick = tick + UPDATE_TICKS
        self.load_latest()

    def _sdatac(self, tick: int) -> None:  # noqa: ARG002 - all commands are called alike
        self.mode = Mode.SDATAC
        self._follows = None
        self.is_result_asked = False
        self.output.load(None)

    def _rdata(self, tick: int) -> None:
        if self.mode is Mode.SDATAC:
            self.is_result_asked = True
            self.load_latest()
            if not self.output.is_result:
                text = "RDATA before the first conversion was complete; DOUT stays 0"
                self.report(tick, Rule.NO_RESULT, text, Severity.LOST, RDATA)
            return
        restarts = self._reading.restarts_at_rdata_in_rdatac
        made = "begins the frame anew, by the reading that was chosen" if restarts else "ignored"
        severity = Severity.HARMLESS if restarts else Severity.LOST
        self.report(tick, Rule.IN_RDATAC, f"RDATA in RDATAC mode; {made}", severity, RDATA)
        if restarts:
            self.output.rewind()
