"""Register access over the board link: the native `RegisterPort`."""

from dataclasses import dataclass

from emgrig.driver.can import Registers as Reach
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.native.link import Link
from emgrig.protocol.packets import (
    ALL_CHIPS,
    ChipCommand,
    ReadRegisters,
    Registers,
    Request,
    SettingsEpoch,
    WriteRegisters,
)


@dataclass(eq=False)
class NativePort:
    """Registers of one chip of a board; see `emgrig.driver.seams.RegisterPort`."""

    link: Link
    chip_index: int = 0  #: 0 is the first chip; 255 reaches all (`command` only).
    #: Of the board: what cannot be reached is refused before anything is sent.
    identity: BoardIdentity | None = None
    epoch: int | None = (
        None  #: Settings epoch that the board named in its last answer to this port.
    )

    def read(self, address: int, count: int) -> bytes:
        """Read `count` registers from `address` on; BoardCannot if they cannot be reached."""
        self._check(address, count)
        reply = self.link.request(
            Request.READ_REGISTERS, ReadRegisters(self.chip_index, address, count), Registers
        )
        self.epoch = reply.settings
        return reply.values

    def write(self, address: int, data: bytes) -> None:
        """Write `data` to the registers from `address` on; raises as `read` does."""
        self.need_write(address, len(data))
        self._follow(Request.WRITE_REGISTERS, WriteRegisters(self.chip_index, address, data))

    def command(self, opcode: int) -> None:
        """Send one single-byte opcode; BoardCannot if no chip can be reached."""
        board = self.identity
        if board is not None and board.can.registers is Reach.NONE:
            board.can.refuse(board.serial_number, f"send its chip the opcode {opcode:02X}h")
        self._follow(Request.CHIP_COMMAND, ChipCommand(self.chip_index, opcode))

    def need_write(self, address: int, count: int) -> None:
        """Raise BoardCannot if `count` registers from `address` on cannot be written."""
        board = self.identity
        if board is not None and not board.can.writes(address, count):
            verb = "write" if board.can.reaches(address, count) else "reach"
            board.can.refuse(board.serial_number, f"{verb} {_named(address, count)}")

    def _check(self, address: int, count: int) -> None:
        board = self.identity
        if board is not None and not board.can.reaches(address, count):
            board.can.refuse(board.serial_number, f"reach {_named(address, count)}")

    def _follow(self, request: Request, arguments: WriteRegisters | ChipCommand) -> None:
        self.epoch = self.link.request(request, arguments, SettingsEpoch).settings


def _named(address: int, count: int) -> str:
    if count <= 1:
        return f"registers {address:02X}h"
    return f"registers {address:02X}h to {address + count - 1:02X}h"


def all_chips(link: Link) -> NativePort:
    """Return a port whose commands reach every chip of the board."""
    return NativePort(link, ALL_CHIPS)
