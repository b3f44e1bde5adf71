"""Register access over the board link: the native `RegisterPort`."""

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


class NativePort:
    """Registers of one chip of a board; see `emgrig.driver.seams.RegisterPort`.

    Parameters
    ----------
    link : Link
        The link to the board.
    chip_index : int
        0 is the first chip; 255 reaches all (`command` only).
    """

    def __init__(self, link: Link, chip_index: int = 0) -> None:
        self._link = link
        self._chip_index = chip_index
        #: Settings epoch that the board named in its last answer to this port.
        self.epoch: int | None = None

    def read(self, address: int, count: int) -> bytes:
        """Read `count` registers from `address` on."""
        reply = self._link.request(
            Request.READ_REGISTERS, ReadRegisters(self._chip_index, address, count), Registers
        )
        self.epoch = reply.settings
        return reply.values

    def write(self, address: int, data: bytes) -> None:
        """Write `data` to the registers from `address` on."""
        self._follow(Request.WRITE_REGISTERS, WriteRegisters(self._chip_index, address, data))

    def command(self, opcode: int) -> None:
        """Send one single-byte opcode."""
        self._follow(Request.CHIP_COMMAND, ChipCommand(self._chip_index, opcode))

    def _follow(self, request: Request, arguments: WriteRegisters | ChipCommand) -> None:
        self.epoch = self._link.request(request, arguments, SettingsEpoch).settings


def all_chips(link: Link) -> NativePort:
    """Return a port whose commands reach every chip of the board."""
    return NativePort(link, ALL_CHIPS)
