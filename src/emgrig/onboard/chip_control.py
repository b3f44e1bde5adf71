"""What the firmware does to its chips, and the little it knows of them: what it sent and drove."""

from collections.abc import Iterable
from typing import Final

from emgrig.onboard.seams import Bank
from emgrig.protocol.answering import Refusal
from emgrig.protocol.packets import ALL_CHIPS, ErrorCode, Line

BOOT_S: Final = 0.15
"""From power to the first request: tPOR is 128 ms (SBAS499C p. 62), and the reset after it."""
RESET_S: Final = 1e-5
"""Length of a RESET pulse and the wait after it: 2 and 18 tCLK at the least (p. 35)."""
N_ADDRESSES: Final = 32
"""Addresses that fit in RREG and WREG; the chip has registers at the first 24."""

# Opcodes (SBAS499C table 10).
WAKEUP: Final = 0x02
RESET: Final = 0x06
START: Final = 0x08
STOP: Final = 0x0A
RDATAC: Final = 0x10
SDATAC: Final = 0x11
RREG: Final = 0x20  #: Or the address of the first register.
WREG: Final = 0x40


class ChipControl:
    """Opcodes, register bytes and pins."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.settings = 0  #: Epoch, 0 to 65535: +1 with whatever may have changed a register.
        self._in_rdatac = [True] * len(bank)
        self._low = {Line.START}

    def boot(self) -> None:
        """Wait for the supplies and pulse RESET; all registers are at their defaults then."""
        self.settings = 0
        self._rest()
        self._wait(BOOT_S)
        if Line.RESET in self.bank.lines:
            self.bank.set_line(Line.RESET, level=False)
            self._wait(RESET_S)
            self.bank.set_line(Line.RESET, level=True)
        else:  # in RDATAC, where the chips may be, they need not listen
            for opcode in (SDATAC, RESET):
                self.bank.broadcast(bytes((opcode,)))
        self._wait(RESET_S)
        self._in_rdatac = [True] * len(self.bank)

    def take_over(self) -> None:
        """End what a program before may have left running; the registers stay as they are."""
        self.settings = 0
        self._rest()
        for opcode in (WAKEUP, SDATAC, STOP):
            self.bank.broadcast(bytes((opcode,)))
        self._in_rdatac = [False] * len(self.bank)

    def _rest(self) -> None:
        """Put the lines as they are between runs."""
        for line, level in ((Line.START, False), (Line.PWDN, True), (Line.RESET, True)):
            if line in self.bank.lines:
                self.bank.set_line(line, level=level)
        self._low = {Line.START}

    def command(self, opcode: int, chip: int = ALL_CHIPS) -> None:
        """Send one opcode to `chip` or to all of them.

        Raises
        ------
        Refusal
            If there is no such chip; nothing was sent.
        """
        chips = self.check_chip(chip)
        if chip == ALL_CHIPS:
            self.bank.broadcast(bytes((opcode,)))
        else:
            self.bank.transfer(chip, bytes((opcode,)))
        if opcode in (RDATAC, SDATAC, RESET):
            for number in chips:
                self._in_rdatac[number] = opcode != SDATAC
        if opcode == RESET:
            self._wait(RESET_S)
            self.new_epoch()

    def leave_rdatac(self) -> None:
        """Send SDATAC to all chips, unless none is in RDATAC."""
        if any(self._in_rdatac):
            self.command(SDATAC)

    def read(self, chip: int, address: int, count: int) -> bytes:
        """Read registers.

        Raises
        ------
        Refusal
            If there is no such chip or address, or it cannot answer now; nothing was sent.
        """
        self.check_access(chip, address, count)
        return self.peek(chip, address, count)

    def check_access(self, chip: int, address: int, count: int) -> None:
        """Raise what `read` of these registers would raise."""
        if chip == ALL_CHIPS:
            raise Refusal("registers are read and written chip by chip", ErrorCode.NO_SUCH_CHIP)
        self.check_chip(chip)
        if not 1 <= count <= N_ADDRESSES or address + count > N_ADDRESSES:
            text = f"{count} registers from {address:02X}h; addresses are 00h to 1Fh"
            raise Refusal(text, ErrorCode.BAD_ARGUMENT)
        for line in (Line.RESET, Line.PWDN):
            if line in self._low:
                text = f"{line.name} is held low, the chip cannot answer; set it high first"
                raise Refusal(text, ErrorCode.CHIP_SILENT)
        if self._in_rdatac[chip]:
            text = f"chip {chip} is in RDATAC and ignores register access; send STOP or SDATAC"
            raise Refusal(text, ErrorCode.IN_RDATAC)

    def peek(self, chip: int, address: int, count: int = 1) -> bytes:
        """Read registers without asking whether that can work."""
        mosi = bytes((RREG | address, count - 1)) + bytes(count)
        return self.bank.transfer(chip, mosi)[2:]

    def write(self, chip: int, address: int, values: bytes) -> None:
        """Write registers; raises as `read`."""
        self.check_access(chip, address, len(values))
        self.bank.transfer(chip, bytes((WREG | address, len(values) - 1)) + values)
        self.new_epoch()

    def set_line(self, line: Line, *, level: bool) -> None:
        """Drive a pin of all chips; RESET and PWDN low put their registers at default.

        Raises
        ------
        Refusal
            If the pin is not wired.
        """
        if line not in self.bank.lines:
            raise Refusal(f"{line.name} is not wired on this board")
        self.bank.set_line(line, level=level)
        if level:
            self._low.discard(line)
        else:
            self._low.add(line)
        if line is not Line.START:
            self._in_rdatac = [True] * len(self.bank)
            self.new_epoch()
            self._wait(RESET_S)

    def new_epoch(self) -> None:
        """Begin another epoch: registers may have changed."""
        self.settings = (self.settings + 1) & 0xFFFF

    def check_chip(self, chip: int) -> Iterable[int]:
        """Return the chips that are meant; raises as `command`."""
        if chip == ALL_CHIPS:
            return range(len(self.bank))
        if chip >= len(self.bank):
            text = f"there is no chip {chip}; this board has {len(self.bank)}, the first is 0"
            raise Refusal(text, ErrorCode.NO_SUCH_CHIP)
        return (chip,)

    def _wait(self, duration_s: float) -> None:
        self.bank.advance_to(self.bank.now_s + duration_s)
