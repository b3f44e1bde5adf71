"""How far one has come with a board: its link, who it says it is, and what happened meanwhile.

What talks to the board is `Rig`; this much is known of a link that was refused, too, and needs
neither the driver nor numpy.
"""

from typing import TYPE_CHECKING

from emgrig.errors import RecordingError, TransportError
from emgrig.hil_tests.judging.incident import Incident
from emgrig.hil_tests.judging.measurement import Samples

if TYPE_CHECKING:
    from emgrig.driver.chip.ads1299 import Ads1299
    from emgrig.driver.connection import Connection
    from emgrig.driver.native.board_identity import BoardIdentity
    from emgrig.driver.native.link import Link
    from emgrig.driver.native.port import NativePort
    from emgrig.driver.seams import Clock


def canary(n_channels: int) -> int:
    """Return what LOFF_FLIP holds while the suite works; without currents it does nothing."""
    return 0xA5 & (1 << n_channels) - 1


class Contact:
    """One board for one run of the suite, as far as it is known.

    `no_address` says why the address leads nowhere, if it makes no sense or names no file.
    `is_open`: somebody answered, and said who it is; `is_identified`: the chips are ADS1299. The
    rest is of the check that is on; the plugin sets it to nothing before each: samples, incidents,
    frames that the board said it threw away, and latenesses of captures, s.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.before: tuple[bytes, ...] = ()
        self.streamed_before = False
        self.is_open = self.is_identified = False
        self.no_address: ValueError | RecordingError | None = None
        self._link: Link | None = None
        self._connection: Connection | None = None
        self.forget()

    def forget(self) -> None:
        """Begin a check: nothing was measured, nothing has happened."""
        self.samples = Samples()
        self.incidents: list[Incident] = []
        self.n_thrown_away = 0
        self.stalls_s: list[float] = []

    @property
    def connection(self) -> "Connection":
        """The driver's connection; TransportError if nobody ever answered."""
        if self._connection is None:
            raise TransportError(f"{self.address} is not open")
        return self._connection

    @property
    def link(self) -> "Link":
        """The link; TransportError if it was never opened."""
        if self._link is None:
            raise TransportError(f"{self.address} is not open")
        return self._link

    @property
    def is_linked(self) -> bool:
        """True if the link could be opened, whoever is at the other end."""
        return self._link is not None

    @property
    def identity(self) -> "BoardIdentity":
        """Who the board says it is."""
        return self.connection.identity

    @property
    def ports(self) -> "tuple[NativePort, ...]":
        """Bare register access, one a chip."""
        return self.connection.ports

    @property
    def chip(self) -> "Ads1299":
        """Its chips, to be set up in words."""
        return self.connection.chip

    @property
    def clock(self) -> "Clock":
        """The time in which the board and this program live."""
        return self.link.transport.clock

    @property
    def n_channels(self) -> int:
        """Channels of all chips."""
        return self.chip.n_channels

    @property
    def channels(self) -> range:
        """Numbers of all channels."""
        return range(1, self.n_channels + 1)

    @property
    def wired(self) -> tuple[int, ...]:
        """Channels that have electrodes, as the board says; all if it does not say."""
        return tuple(n for n in self.identity.channels_wired if n <= self.n_channels) or tuple(
            self.channels
        )

    @property
    def has_registers(self) -> bool:
        """True if the chips' registers can be read and written."""
        return self.identity.can.stated is None

    def close(self) -> None:
        """Close the link; a second call does nothing."""
        if self._link is not None:
            self._link.close()
