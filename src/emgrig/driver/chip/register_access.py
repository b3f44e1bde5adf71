"""The registers of one or more ADS1299: who they are, what they hold, and changes.

Commands and times are those of TI SBAS499C, table 10 and pages 9, 12 and 40.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.can import StatedChips
from emgrig.driver.chip.identity import judge
from emgrig.driver.chip.model import ADS1299
from emgrig.driver.chip.register_file import RegisterFile, field_names
from emgrig.driver.chip.registers import Config3
from emgrig.driver.chip.settings import Settings
from emgrig.driver.chip.transaction import (
    Files,
    Mended,
    Restored,
    Transaction,
    explain_registers,
    read_files,
    read_raw,
)
from emgrig.driver.seams import Clock, RegisterPort
from emgrig.errors import (
    DeviceError,
    IdentityError,
    ReadBackError,
    TransportError,
)

log = logging.getLogger(__name__)

RESET_CLOCKS = 18  #: Clock periods after RESET in which nothing may be sent (page 35).

WAKE_UP_CLOCKS = 64  #: Clock periods from WAKEUP to work: 31.25 us, typical.

REFERENCE_START_UP_S = 0.150  #: Start-up time of the internal reference, typical.

N_ID_READS = 4
"""Reads of the ID that must agree; a chip in RDATAC gives conversion data, which do not."""


class Opcode(IntEnum):
    """The single-byte commands (table 10)."""

    WAKEUP = 0x02
    STANDBY = 0x04
    RESET = 0x06
    START = 0x08
    STOP = 0x0A
    RDATAC = 0x10
    SDATAC = 0x11


class RegisterAccess:
    """What is known of the chips of a board, and how it is changed; `Ads1299` adds the words.

    Parameters
    ----------
    ports : sequence of RegisterPort
        One for each chip, in the order of their channels.
    clock : Clock
        The time in which to wait.
    f_clk_hz : float
        Master clock, Hz.
    vref_v : float
        Reference voltage, V.
    quiet : callable, optional
        Makes a context in which all chips are in SDATAC mode; on leaving, the stream goes on if it
        ran. Without it STOP and SDATAC are sent, and RDATAC and START after `start`.
    stated : StatedChips, optional
        A board without registers that we can reach: what is stated is all that is known, and all
        that would ask a chip is refused before anything is sent.
    sent_hz : float
        Samples a second, Hz, where the board sends others than its chips convert; 0: as they do.
    on_change : callable, optional
        Called with `files` each time the registers were read, before the stream goes on.
    """

    def __init__(
        self,
        ports: Sequence[RegisterPort],
        *,
        clock: Clock,
        f_clk_hz: float = ADS1299.f_clk_hz,
        vref_v: float = ADS1299.vref_v,
        quiet: Callable[[], AbstractContextManager[None]] | None = None,
        on_change: Callable[[Files], None] | None = None,
        stated: StatedChips | None = None,
        sent_hz: float = 0.0,
    ) -> None:
        if not ports:
            raise ValueError("a board has at least one chip")
        if stated is None and not (f_clk_hz > 0 and vref_v > 0):
            raise ValueError(f"f_clk_hz ({f_clk_hz}) and vref_v ({vref_v}) must be above 0")
        self.f_clk_hz = f_clk_hz
        self.vref_v = vref_v
        self.on_change = on_change
        self._ports = tuple(ports)
        self._clock = clock
        self._quiet = quiet or self._pause
        self._stated = stated
        self._sent_hz = sent_hz
        self._parts: tuple[int, ...] = stated.parts if stated else ()
        self._files: Files | None = None
        self._running = False
        self._asleep = False

    # What is known, all of it from the last read.

    @property
    def parts(self) -> tuple[int, ...]:
        """Channels of each chip; DeviceError before `identify`."""
        if not self._parts:
            raise DeviceError("it is not known which chips these are: call identify() first")
        return self._parts

    @property
    def n_channels(self) -> int:
        """Channels of all chips; DeviceError before `identify`."""
        return sum(self.parts)

    @property
    def files(self) -> Files:
        """What each chip was last read to hold.

        Raises
        ------
        DeviceError
            If that is not known: before `identify`, and after a write that the link cut short.
        """
        self._check_reachable("read registers")
        if self._files is None:
            raise DeviceError("it is not known what the registers hold: call read_registers()")
        return self._files

    @property
    def gains(self) -> NDArray[np.float64]:
        """Gain of each channel as read back, or stated, V/V, shape (n_channels,)."""
        if self._stated:
            return np.array(self._stated.stated.gains, np.float64)
        return np.concatenate([file.gains for file in self.files])

    @property
    def powered(self) -> NDArray[np.bool_]:
        """True for each channel that is on, shape (n_channels,)."""
        if self._stated:
            return np.ones(self.n_channels, np.bool_)
        return np.concatenate([file.powered for file in self.files])

    @property
    def scale_v(self) -> NDArray[np.float64]:
        """Volts of one code of each channel, by the gains read back or stated, (n_channels,)."""
        if self._stated:
            return np.array(self._stated.stated.scale_v, np.float64)
        return np.concatenate([file.scale_v(self.vref_v) for file in self.files])

    @property
    def rate_hz(self) -> float:
        """Samples per second, with `f_clk_hz`; DeviceError if the chips do not agree."""
        if self._stated:
            return self._stated.stated.rate_hz
        rates_hz = {file.rate_hz(self.f_clk_hz) for file in self.files}
        if len(rates_hz) > 1:
            raise DeviceError(f"the chips have different rates, Hz: {sorted(rates_hz)}")
        return self._sent_hz or rates_hz.pop()

    # What the chip is, and its states.

    def identify(self, *, force_channels: int | None = None) -> Files:
        """Find out which parts these are, and read their registers.

        Parameters
        ----------
        force_channels : {4, 6, 8}, optional
            Accept an unusual ID of a chip that works, and take it to have so many channels.

        Raises
        ------
        IdentityError
            If a chip does not answer or is another part; the message says what its ID points to.

        Warns
        -----
        UnusualIdentity
            If the ID is unusual and the rest looks like an ADS1299.
        """
        if force_channels not in (None, 4, 6, 8):
            raise ValueError(f"force_channels is 4, 6 or 8, not {force_channels!r}")
        with self._quiet_and_awake():
            files = []
            for chip, port in enumerate(self._ports, start=1):
                ids = {port.read(0x00, 1) for _ in range(N_ID_READS)}
                raw = read_raw(port, chip)
                if len(ids | {raw[:1]}) > 1:
                    read = ", ".join(f"{byte.hex().upper()}h" for byte in sorted(ids))
                    raise IdentityError(
                        f"chip {chip}: the ID changes from read to read ({read}): "
                        "the chip is in RDATAC, or SCLK is too fast between bytes"
                    )
                files.append(judge(raw, chip=chip, force_channels=force_channels))
            self._parts = tuple(file.n_channels for file in files)
            self._accept(tuple(files))
        log.info("ADS1299 with %s channels", self._parts)
        return self.files

    def read_registers(self) -> Files:
        """Read all registers of all chips anew."""
        parts = self.parts
        with self._quiet_and_awake():
            self._accept(self._read(parts))
        return self.files

    def reset(self) -> Files:
        """Reset all chips, and prove by reading that they are at their reset values.

        Raises
        ------
        ReadBackError
            If one is not.
        """
        parts = self.parts
        with self._quiet_and_awake():
            self._files = None
            self._command(Opcode.RESET)
            self._clock.sleep(RESET_CLOCKS / self.f_clk_hz)
            self._command(Opcode.SDATAC)
            self._accept(read_files(self._ports, parts))
            for chip, file in enumerate(self.files, start=1):
                expected = RegisterFile.reset(file.n_channels)
                for place, wrong in expected.wrong_bits(file):
                    values = expected.raw[place.address], file.raw[place.address]
                    names = field_names(place, wrong)
                    note = " after RESET" + explain_registers(file)
                    raise ReadBackError(place.name, names, *values, chip=chip, note=note)
        return self.files

    def start(self) -> None:
        """Start conversions and continuous reading of all chips, one after the other.

        Chips that must start at the same instant need the START pin, which is the board's.
        """
        self._check_awake()
        self._command(Opcode.START, Opcode.RDATAC)
        self._running = True

    def stop(self) -> None:
        """Stop conversions, and leave continuous reading."""
        self._check_awake()
        self._command(Opcode.STOP, Opcode.SDATAC)
        self._running = False

    def standby(self) -> None:
        """Stop, and switch off all but the reference; registers are kept. Then only `wakeup`."""
        self.stop()
        self._command(Opcode.STANDBY)
        self._asleep = True

    def wakeup(self) -> None:
        """Leave standby."""
        self._command(Opcode.WAKEUP)
        self._clock.sleep(WAKE_UP_CLOCKS / self.f_clk_hz)
        self._asleep = False

    # Settings.

    def apply(self, *settings: Settings) -> Files:
        """Set all of `settings` in one transaction; return what was read back.

        The internal reference gets its time to start if it was switched on.

        Raises
        ------
        ReadBackError
            If a register does not hold what was written; what was there before is restored.
        TransportError, WireError, DeviceError
            If the port failed; the message says what may be half-written. Also if the chip holds
            reserved codes that the settings leave as they are; then nothing was written.
        """
        whole = sum(settings, start=Settings())
        parts = self.parts
        if any(edit.chip_index >= len(parts) for edit in whole.edits):
            raise ValueError(f"these settings are for more chips than there are: {len(parts)}")
        with self._quiet_and_awake():
            before = self._read(parts)
            targets = tuple(whole.applied_to(file, index) for index, file in enumerate(before))
            if not whole.force:
                _refuse_illegal(targets, before)
            transaction = Transaction(self._ports, before, targets, reserved=not whole.force)
            try:
                transaction.run()
            finally:
                self._files = None
                if transaction.held is not None:
                    self._accept(transaction.held)
            if any(_reference_came_on(*pair) for pair in zip(before, self.files, strict=True)):
                self._clock.sleep(REFERENCE_START_UP_S)
        return self.files

    def restore(self, before: Files) -> Restored:
        """Put back what the registers were, and prove it by reading.

        Raises
        ------
        EmgrigError
            What `apply` raises.
        """
        found = self.read_registers()
        changes = tuple(
            Mended(chip, place.name, was=have.raw[place.address], now=want.raw[place.address])
            for chip, (want, have) in enumerate(zip(before, found, strict=True), start=1)
            for place, _ in want.wrong_bits(have)
        )
        if changes:
            self.apply(replace(Settings.of_files(before), force=True))
            found = self.read_registers()
        return Restored(before, found, changes)

    # Inside.

    def _read(self, parts: Sequence[int]) -> Files:
        """Read all registers; tell of what changed by itself, as after a brown-out."""
        files = read_files(self._ports, parts)
        for chip, (known, found) in enumerate(zip(self._files or (), files, strict=False), start=1):
            if wrong := known.wrong_bits(found):
                names = ", ".join(place.name for place, _ in wrong)
                hint = explain_registers(found)
                log.warning("chip %d: registers changed by themselves: %s%s", chip, names, hint)
        return files

    def _accept(self, files: Files) -> None:
        self._files = files
        if self.on_change is not None:
            self.on_change(files)

    def _command(self, *opcodes: Opcode) -> None:
        for chip, port in enumerate(self._ports, start=1):
            for opcode in opcodes:
                log.debug("chip %d: %s", chip, opcode.name)
                port.command(opcode)

    @contextmanager
    def _quiet_and_awake(self) -> Iterator[None]:
        self._check_awake()
        with self._quiet():
            yield

    def _check_reachable(self, what: str) -> None:
        if self._stated:
            self._stated.refuse(what)

    def _check_awake(self) -> None:
        self._check_reachable("set or read a chip")
        if self._asleep:
            raise DeviceError("the chips are in standby: call wakeup() first; nothing was sent")

    @contextmanager
    def _pause(self) -> Iterator[None]:
        """Be the `quiet` of a board that supplies none."""
        was_running = self._running
        self.stop()
        try:
            yield
        except TransportError:
            was_running = False  # there is no link to start anything over
            raise
        finally:
            if was_running:
                self.start()


def _refuse_illegal(targets: Files, before: Files) -> None:
    for chip, (target, file) in enumerate(zip(targets, before, strict=True), start=1):
        if problems := target.problems():
            raise DeviceError(
                f"chip {chip} holds {problems[0]}{explain_registers(file)}; nothing was written"
            )


def _reference_came_on(before: RegisterFile, after: RegisterFile) -> bool:
    bit = Config3.field("internal_reference").mask
    return bool(after.raw[Config3.ADDRESS] & ~before.raw[Config3.ADDRESS] & bit)
