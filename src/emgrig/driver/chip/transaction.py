"""Proved register writes: write what differs, read everything back, undo what did not hold."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from emgrig.driver.chip.identity import SILENT
from emgrig.driver.chip.register_file import RegisterFile, field_names
from emgrig.driver.chip.registers import N_REGISTERS, PLACES, Place
from emgrig.driver.seams import RegisterPort
from emgrig.errors import (
    BoardCannot,
    DeviceError,
    EmgrigError,
    ReadBackError,
    RequestRefused,
    TransportError,
    TransportTimeout,
    WireError,
)
from emgrig.protocol.packets import ErrorCode
from emgrig.sentences import sentence

log = logging.getLogger(__name__)

SDATAC = 0x11

Files = tuple[RegisterFile, ...]


@dataclass(frozen=True)
class Mended:
    """A register that had changed by itself, and holds again what it held before.

    `chip` counts from 1; `was` and `now` are bytes.
    """

    chip: int
    register: str
    was: int
    now: int

    @property
    @sentence
    def words(self) -> str:
        """The change for a person to read."""
        return f"chip {self.chip} {self.register} was {self.was:02X}h, is {self.now:02X}h again"


def mended_words(mended: tuple[Mended, ...]) -> str:
    """Say which registers were restored."""
    return "; ".join(one.words for one in mended) or "registers unchanged"


@dataclass(frozen=True)
class Restored:
    """Whether the registers are what they were."""

    before: Files  #: What they were, and what was read in the end, one a chip.
    after: Files
    changes: tuple[Mended, ...] = ()  #: What had to be put back, register by register.

    @property
    def is_proved(self) -> bool:
        """Every bit that can be written was read to be what it was."""
        return not any(
            want.wrong_bits(have) for want, have in zip(self.before, self.after, strict=True)
        )


def read_raw(port: RegisterPort, chip: int) -> bytes:
    """Read all 24 registers; DeviceError if the port gives fewer or more."""
    raw = port.read(0x00, N_REGISTERS)
    log.debug("chip %d: read %s", chip, raw.hex(" "))
    if len(raw) != N_REGISTERS:
        raise DeviceError(f"chip {chip}: asked for {N_REGISTERS} registers, got {len(raw)}")
    return raw


def read_files(ports: Sequence[RegisterPort], parts: Sequence[int]) -> Files:
    """Read all registers of all chips; `parts` are their numbers of channels."""
    return tuple(
        RegisterFile(read_raw(port, chip), n_channels)
        for chip, (port, n_channels) in enumerate(zip(ports, parts, strict=True), start=1)
    )


def explain_registers(file: RegisterFile) -> str:
    """Say what a whole file looks like that is not what it should be; nothing if nothing fits."""
    for byte, meaning in SILENT.items():
        if file.raw == bytes([byte]) * N_REGISTERS:
            return f"; all registers read {byte:02X}h: {meaning}"
    if not RegisterFile.reset(file.n_channels).wrong_bits(file):
        return "; the chip is at its reset values: a brown-out, or a glitch on RESET"
    return ""


@dataclass(eq=False)
class Transaction:
    """One proved change of the registers of all chips, in SDATAC mode."""

    ports: Sequence[RegisterPort]
    before: Files
    targets: Files
    reserved: bool = True

    def __post_init__(self) -> None:
        self._touched: list[str] = []
        #: What the chips were last read to hold; None while that is not known.
        self.held: Files | None = self.before

    def run(self) -> None:
        """Write what differs, read everything back and compare.

        Raises
        ------
        ReadBackError
            If a register does not hold what was written; what was there before is written back,
            and the message says whether that held.
        TransportError, WireError, DeviceError
            If the port failed; the message says what may be half-written.
        """
        wrong = self._write(self.targets)
        if wrong:
            raise self._undo(*wrong[0], n_more=len(wrong) - 1)

    def _write(self, targets: Files) -> list[tuple[int, Place, int]]:
        """Write, read back; return chip index, register and bits of what did not hold."""
        have = self.held
        assert have is not None
        self._need_writable(have, targets)
        self.held = None
        try:
            n_writes = sum(
                self._write_chip(chip_index, have[chip_index], target)
                for chip_index, target in enumerate(targets)
            )
            parts = [file.n_channels for file in have]
            self.held = read_files(self.ports, parts) if n_writes else have
        except EmgrigError as error:
            if _is_beyond(error) and len(self._touched) == 1:  # the first, and it was refused
                self.held = have
                text = getattr(error, "text", str(error))
                raise BoardCannot(f"the board cannot do that: {text}; nothing was sent") from error
            raise self._unfinished(error) from error
        return [
            (chip_index, place, bits)
            for chip_index, (target, found) in enumerate(zip(targets, self.held, strict=True))
            for place, bits in target.wrong_bits(found, reserved=self.reserved)
        ]

    def _need_writable(self, have: Files, targets: Files) -> None:
        """Raise BoardCannot before anything is sent, if a port says so of what is to be written."""
        for port, *pair in zip(self.ports, have, targets, strict=True):
            need_write: Callable[[int, int], None] | None = getattr(port, "need_write", None)
            if need_write is not None:
                for address, data in _bursts(*pair):
                    need_write(address, len(data))

    def _write_chip(self, chip_index: int, have: RegisterFile, target: RegisterFile) -> int:
        n_writes = 0
        for address, data in _bursts(have, target):
            first, last = PLACES[address].name, PLACES[address + len(data) - 1].name
            what = first if first == last else f"{first} to {last}"
            self._touched.append(f"chip {chip_index + 1} {what}")
            log.debug("chip %d: write %02Xh: %s", chip_index + 1, address, data.hex(" "))
            self.ports[chip_index].write(address, data)
            n_writes += 1
        return n_writes

    def _undo(self, chip_index: int, place: Place, bits: int, *, n_more: int) -> ReadBackError:
        """Write back what was there before; return the error that tells all of it."""
        assert self.held is not None
        before, found = self.before[chip_index], self.held[chip_index]
        note = f" (and {n_more} more registers)" if n_more else ""
        if found == before:
            note += "; the writes had no effect: DIN does not reach the chip, or it is in RDATAC"
        else:
            note += explain_registers(found)
        return ReadBackError(
            place.name,
            field_names(place, bits),
            self.targets[chip_index].raw[place.address],
            found.raw[place.address],
            chip=chip_index + 1,
            note=note + self._restore(),
            had_no_effect=found == before,
        )

    def _restore(self) -> str:
        try:
            for port in self.ports:
                port.command(SDATAC)  # a chip that fell back to its reset state is in RDATAC
            wrong = self._write(self.before)
        except EmgrigError as error:
            return f"; restoring the former settings failed: {error}"
        if not wrong:
            return "; the former settings are back"
        names = ", ".join(f"chip {index + 1} {place.name}" for index, place, _ in wrong)
        return f"; the former settings could not be restored: {names}"

    def _unfinished(self, error: EmgrigError) -> EmgrigError:
        """Say what may be half-written, in an error of the same family."""
        family = (TransportTimeout, TransportError, WireError, DeviceError)
        kind = next((kind for kind in family if isinstance(error, kind)), EmgrigError)
        touched = ", ".join(self._touched) or "nothing"
        return kind(f"{error}; perhaps half-written: {touched}; read the registers before use")


def _is_beyond(error: EmgrigError) -> bool:
    return isinstance(error, RequestRefused) and error.code == ErrorCode.NOT_SUPPORTED


def _bursts(have: RegisterFile, target: RegisterFile) -> Iterator[tuple[int, bytes]]:
    """Yield address and bytes of each run of registers that differ in what can be written."""
    start = None
    for place, old, new in zip(PLACES, have.raw, target.raw, strict=True):
        differs = (old ^ new) & place.writable(target.n_channels)
        if differs and start is None:
            start = place.address
        if not differs and start is not None:
            yield start, target.raw[start : place.address]
            start = None
    if start is not None:
        yield start, target.raw[start:]
