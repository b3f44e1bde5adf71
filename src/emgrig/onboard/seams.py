"""What the firmware needs of its board, and what it is to whoever is connected."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emgrig.onboard.outlet import Outlet
from emgrig.protocol.packets import Line

ReadFilter = Callable[[int], NDArray[np.bool_]]


@dataclass(frozen=True)
class BoardFacts:
    """What the firmware knows about its board; most of it is told in HELLO."""

    serial_number: str = "SIM-0001"
    firmware_version: str = "1.0.0"
    git_revision: str = "simulated"
    f_clk_hz: int = 2_048_000  #: Nominal values.
    vref_uv: int = 4_500_000
    channels_wired: int = 0x7F  #: Bit n - 1: channel n has electrodes.
    series_ohm: tuple[int, ...] = ()  #: In series with each input, Ω.
    transmit_bytes: int = 65536  #: Size of the transmit buffer.
    linger_s: float = 60.0  #: How long a run goes on without a client, s.
    mended: frozenset[str] = frozenset()  #: Traps of another firmware that this board has not.


class Client(Protocol):
    """One connection to the board."""

    outlet: Outlet  #: Towards the PC.
    is_open: bool  #: False once either side has closed it.


class BoardClock(Protocol):
    """The oscillator of the board's processor: true time to board time."""

    def restart(self, true_s: float, /) -> None:
        """Begin at 0 again: the board boots at true time `true_s`."""

    def microseconds(self, true_s: float, /) -> int:
        """Board time at true time `true_s`, µs since boot; not below 0."""

    @property
    def per_second(self) -> float:
        """Board µs in one true second."""

    @property
    def boot_s(self) -> float:
        """True time at which the board's clock shows 0, as it runs now, s."""


@dataclass(frozen=True)
class Readings:
    """What the firmware read at consecutive falls of DRDY that it saw."""

    #: int64, shape (n,); Number of the fall, counted from `Bank.begin_count`; a jump is a fall
    #: that was counted but not read in time.
    index: NDArray[np.int64]
    time_s: NDArray[np.float64]  #: float64, shape (n,); True time of the fall, s.
    data: NDArray[np.uint8]  #: uint8, shape (n, frame_bytes); The frames, all chips side by side.

    def part(self, begin: int, end: int | None) -> "Readings":
        """Rows from `begin` to before `end`."""
        rows = slice(begin, end)
        return Readings(self.index[rows], self.time_s[rows], self.data[rows])

    def only(self, read_filter: ReadFilter | None) -> "Readings":
        """Rows that `read_filter` lets through; None lets all through."""
        if read_filter is None or not len(self.index):
            return self
        kept = read_filter(len(self.index))
        return Readings(self.index[kept], self.time_s[kept], self.data[kept])


class Bank(Protocol):
    """The chips of one board, and the wires to them. Time is true time, s."""

    f_clk_hz: float  #: Frequency of the chips' clock, Hz.
    frame_bytes: int  #: Of one frame of all chips.
    channels_per_chip: int
    lines: frozenset[Line]  #: Pins that can be driven; without RESET chips are reset by opcode.

    def __len__(self) -> int:
        """Chips on the board."""

    @property
    def now_s(self) -> float:
        """True time, s."""

    @property
    def next_fall_s(self) -> float | None:
        """When the next fall of DRDY will have been seen at the latest, or None."""

    @property
    def n_falls(self) -> int:
        """Falls of DRDY that were seen since `begin_count`."""

    @property
    def n_true_falls(self) -> int:
        """Conversions of the first chip since `begin_count`, as far as anybody can know."""

    def advance_to(self, true_s: float) -> None:
        """Let time pass up to `true_s`, without reading anything."""

    def transfer(self, chip: int, mosi: bytes) -> bytes:
        """Do one transfer with one chip, slowly enough for commands; return MISO."""

    def broadcast(self, mosi: bytes) -> None:
        """Send the same bytes to all chips."""

    def set_line(self, line: Line, *, level: bool) -> None:
        """Drive a pin of all chips, one of `lines`."""

    def begin_count(self) -> None:
        """Count falls of DRDY from 0 from now on."""

    def read(self, until_s: float) -> Readings:
        """Read at each fall of DRDY until `until_s`; time is there afterwards."""
