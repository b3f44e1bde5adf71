"""What a board can do and tell, as a value that every layer above asks.

A board of ours can do all of it, and its HELLO need not say so. Behind a gateway are boards that
cannot: a request that one cannot do is refused before anything is sent, a loss that one cannot
count is an estimate and is called that, and a scale that nobody read back is *stated*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from emgrig.errors import BoardCannot, DeviceError
from emgrig.protocol import abilities as wire
from emgrig.sentences import reword, sentence

MOST_RATE_HZ = 1e6


class Registers(StrEnum):
    """Which registers can be read and written."""

    NONE = "none"
    SOME = "some"
    ALL = "all"
    ALL_READ = "all read, some written"


class StatusWord(StrEnum):
    """What is known of a frame beside its codes."""

    NONE = "none"
    LEAD_OFF = "lead-off bits"
    WHOLE = "whole"


class Counting(StrEnum):
    """How well the board counts conversions."""

    NOT = "not"
    MODULO = "modulo"
    EXACT = "exactly"


class Timing(StrEnum):
    """Whether the board has a clock: in its samples, and to be asked."""

    NONE = "none"
    SAMPLES = "in samples"
    ASKED = "in samples and asked"


class Line(StrEnum):
    """A pin of the chips."""

    START = "START"
    RESET = "RESET"
    PWDN = "PWDN"


@dataclass(frozen=True)
class Stated:
    """A scale that the board, or whoever describes it, states; nobody has read it back."""

    gains: tuple[float, ...]  #: Of each channel, V/V.
    vref_v: tuple[float, ...]  #: Reference of each channel, V.
    rate_hz: float  #: Data rate, Hz.
    code_bits: int = 24  #: Of a code; the others of its 24 bits, at the lower end, are 0.

    @property
    def code_max(self) -> int:
        """The highest code; the lowest is one step of `code_bits` further out."""
        return ((1 << self.code_bits - 1) - 1) << 24 - self.code_bits

    @property
    def scale_v(self) -> tuple[float, ...]:
        """Volts of one code of 24 bits, for each channel."""
        pairs = zip(self.vref_v, self.gains, strict=True)
        return tuple(vref_v / (gain * 2.0**23) for vref_v, gain in pairs)


@dataclass(frozen=True)
class Can:
    """What a board can do; without arguments, all of it."""

    chip: str = "ADS1299"  #: Name of the converter.
    registers: Registers = Registers.ALL
    #: Addresses, if `registers` is SOME; those that can be written, if it is ALL_READ.
    register_list: tuple[int, ...] = ()
    status: StatusWord = StatusWord.WHOLE
    counting: Counting = Counting.EXACT
    modulus: int = 0  #: Of the counter, if `counting` is MODULO.
    timing: Timing = Timing.ASKED
    time_step_us: int = 1  #: Of board time, µs.
    lines: tuple[Line, ...] = tuple(Line)
    reset: bool = True
    stated: Stated | None = None  #: None if the scale is read back.
    #: Samples a second, Hz, where the board sends others than its chips convert; 0: as they do.
    rate_hz: float = 0.0

    @classmethod
    def from_hello(cls, raw: bytes, *, n_channels: int) -> "Can":
        """Take over what a HELLO said behind its last older field.

        Parameters
        ----------
        raw : bytes
            The field `can` of HELLO; empty for a board that can do all.
        n_channels : int
            Of the whole board, 0 if it did not say.

        Raises
        ------
        WireError
            If the bytes make no sense.
        DeviceError
            If the board says of itself what cannot be.
        """
        if not raw:
            return cls()
        told = wire.Abilities.decode(raw)
        try:
            can = cls(
                chip=told.chip,
                registers=_REGISTERS[told.registers],
                register_list=told.register_list,
                status=_STATUS[told.status],
                counting=_COUNTING[told.counting],
                modulus=told.modulus,
                timing=_TIMING[told.timing],
                time_step_us=told.time_step_us,
                lines=tuple(line for n, line in enumerate(Line) if told.lines >> n & 1),
                reset=bool(told.reset),
                stated=Stated(told.gains, told.vref_v, told.rate_hz, told.code_bits)
                if told.is_stated
                else None,
                rate_hz=0.0 if told.is_stated else told.rate_hz,
            )
        except KeyError as error:
            raise DeviceError(f"the board's HELLO says {error} of what it can: unknown") from error
        if wrong := can._wrong(n_channels):
            raise DeviceError(f"the board's HELLO contradicts itself: {wrong}")
        return can

    def _wrong(self, n_channels: int) -> str:
        """Say what cannot be; empty if nothing."""
        if self.counting is Counting.MODULO and self.modulus < 2:
            return f"it counts modulo {self.modulus}"
        stated = self.stated
        if stated is None:
            if not (self.rate_hz == 0 or 1e-3 <= self.rate_hz <= MOST_RATE_HZ):
                return f"a stated data rate of {self.rate_hz:g} Hz"
            is_read = self.registers in (Registers.ALL, Registers.ALL_READ)
            return "" if is_read else "no scale is stated, none can be read"
        if not n_channels or not len(stated.gains) == len(stated.vref_v) == n_channels:
            return (
                f"{len(stated.gains)} gains and {len(stated.vref_v)} references are stated of "
                f"{n_channels} channels"
            )
        if not all(1e-3 <= value <= 1e6 for value in (*stated.gains, *stated.vref_v)):
            return "a stated gain or reference is not in 0.001 to 1000000"
        if not 1e-3 <= stated.rate_hz <= MOST_RATE_HZ:
            return f"a stated data rate of {stated.rate_hz:g} Hz"
        return "" if 2 <= stated.code_bits <= 24 else f"codes of {stated.code_bits} bits"

    def to_hello(self) -> bytes:
        """Return the field `can` of a HELLO; empty if the board can do all."""
        if self == Can():
            return b""
        stated = self.stated
        return wire.Abilities(
            chip=self.chip,
            registers=_code(_REGISTERS, self.registers),
            register_list=self.register_list,
            status=_code(_STATUS, self.status),
            counting=_code(_COUNTING, self.counting),
            modulus=self.modulus,
            timing=_code(_TIMING, self.timing),
            time_step_us=self.time_step_us,
            lines=sum(1 << n for n, line in enumerate(Line) if line in self.lines),
            reset=int(self.reset),
            is_stated=int(stated is not None),
            rate_hz=stated.rate_hz if stated else self.rate_hz,
            gains=stated.gains if stated else (),
            vref_v=stated.vref_v if stated else (),
            code_bits=stated.code_bits if stated else 24,
        ).encode()

    # What the layers above ask.

    def reaches(self, address: int, count: int) -> bool:
        """Tell whether `count` registers from `address` on can be read."""
        if self.registers is Registers.SOME:
            return set(range(address, address + count)) <= set(self.register_list)
        return self.registers is not Registers.NONE

    def writes(self, address: int, count: int = 1) -> bool:
        """Tell whether `count` registers from `address` on can be written."""
        if self.registers in (Registers.SOME, Registers.ALL_READ):
            return set(range(address, address + count)) <= set(self.register_list)
        return self.registers is Registers.ALL

    @property
    def is_loss_exact(self) -> bool:
        """True if the board counts every conversion."""
        return self.counting is Counting.EXACT

    @property
    def is_loss_counted(self) -> bool:
        """True if a loss is a count of the board's, exact or modulo, and no estimate."""
        return self.counting is not Counting.NOT

    @property
    def is_loss_known(self) -> bool:
        """True if a loss is counted, or can be told from time; False if nobody can tell."""
        return self.is_loss_counted or self.timing is not Timing.NONE

    @property
    def has_two_witnesses(self) -> bool:
        """True if board time is a witness of its own beside an exact count."""
        return self.counting is Counting.EXACT and self.timing is not Timing.NONE

    @property
    @sentence
    def scale_words(self) -> str:
        """Where the scale comes from, for a person to read."""
        return "read back" if self.stated is None else "stated, not read back"

    @property
    @sentence
    def loss_words(self) -> str:
        """How well a loss is known, for a person to read."""
        if self.counting is Counting.EXACT:
            return "counted exactly"
        if self.counting is Counting.MODULO:
            by_time = ", whole turns by board time" if self.timing is not Timing.NONE else ""
            return f"counted modulo {self.modulus}{by_time}"
        if self.timing is not Timing.NONE:
            return "an estimate by board time"
        return "not known: this board neither counts nor has a clock"

    @property
    def limits(self) -> tuple[str, ...]:
        """What this board cannot, a sentence each; empty if it can do all."""
        said = []
        if self.registers is Registers.NONE:
            said.append("no register can be read or written")
        elif self.registers is Registers.SOME:
            listed = ", ".join(f"{address:02X}h" for address in self.register_list)
            said.append(f"of the registers, only {listed} can be reached")
        elif self.registers is Registers.ALL_READ:
            said.append(f"of the registers, only {_spans(self.register_list)} can be written")
        if self.rate_hz:
            said.append(f"its samples come at {self.rate_hz:g} Hz, whatever the registers say")
        if self.stated is not None:
            said.append("gain, reference and rate are stated, not read back")
        if self.status is StatusWord.NONE:
            said.append("its samples have no status word")
        elif self.status is StatusWord.LEAD_OFF:
            said.append("of the status word, its samples have the lead-off bits alone")
        if self.counting is not Counting.EXACT:
            said.append(f"loss is {self.loss_words}")
        if self.timing is Timing.NONE:
            said.append("it has no clock")
        elif self.timing is Timing.SAMPLES:
            said.append("its clock cannot be asked; it is in the samples")
        missing = [line for line in Line if line not in self.lines]
        if missing:
            said.append(f"it cannot drive {', '.join(missing)}")
        if not self.reset:
            said.append("its chips cannot be reset")
        return tuple(map(reword, said))

    def refuse(self, serial_number: str, what: str, why: str = "") -> NoReturn:
        """Raise BoardCannot: this board cannot do `what`, and why: its first limit if not said."""
        limit = why or (self.limits[0] if self.limits else "its HELLO says so")
        raise BoardCannot(f"board {serial_number} cannot {what}: {limit}; nothing was sent")


@dataclass(frozen=True)
class StatedChips:
    """All that is known of chips whose registers cannot be reached."""

    serial_number: str  #: Of the board.
    can: Can
    stated: Stated
    parts: tuple[int, ...]  #: Channels of each chip.

    def refuse(self, what: str) -> NoReturn:
        """Raise BoardCannot: this board cannot do `what`, and why."""
        self.can.refuse(self.serial_number, what)


def _spans(addresses: tuple[int, ...]) -> str:
    """Name registers, those side by side as from first to last."""
    spans: list[list[int]] = []
    for address in sorted(addresses):
        if spans and address == spans[-1][1] + 1:
            spans[-1][1] = address
        else:
            spans.append([address, address])
    return ", ".join(
        f"{first:02X}h" if first == last else f"{first:02X}h to {last:02X}h"
        for first, last in spans
    )


_REGISTERS = dict(zip(map(int, wire.RegisterAccess), Registers, strict=True))
_STATUS = dict(zip(map(int, wire.StatusWord), StatusWord, strict=True))
_COUNTING = dict(zip(map(int, wire.Counting), Counting, strict=True))
_TIMING = dict(zip(map(int, wire.Timing), Timing, strict=True))


def _code(table: Mapping[int, StrEnum], value: StrEnum) -> int:
    return next(code for code, one in table.items() if one is value)
