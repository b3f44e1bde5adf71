"""What was on the bus: the first and the last transfers and pin changes, with their times."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")

KEPT_AT_EACH_END: Final = 1000
"""Transfers, and changes of pins, that are kept from the beginning, and from the end."""
KEPT_BYTES: Final = 64
"""Bytes of a transfer that are kept."""


@dataclass(frozen=True)
class Transfer:
    """One time that a chip was selected."""

    number: int  #: From 1, over all chips.
    chip: int  #: Index, 0 is the first.
    begin_ps: int  #: CS went low, bench time, ps.
    end_ps: int  #: CS went high; -1 while it is low.
    n_bytes: int
    mosi: bytes  #: The first of them, at most `KEPT_BYTES`.
    miso: bytes


@dataclass(frozen=True)
class PinChange:
    """A pin that was driven, or DRDY."""

    at_ps: int
    chip: int
    name: str
    level: bool


class Ends(Generic[T]):
    """A list of which the first and the last entries are kept."""

    def __init__(self) -> None:
        self.first: list[T] = []
        self.last: deque[T] = deque(maxlen=KEPT_AT_EACH_END)
        self.n = 0  #: How many there were.

    def append(self, entry: T) -> None:
        """Add one."""
        self.n += 1
        (self.first if len(self.first) < KEPT_AT_EACH_END else self.last).append(entry)

    def kept(self) -> tuple[T, ...]:
        """Return what was kept, in order."""
        return (*self.first, *self.last)


@dataclass
class Journal:
    """What was on the bus."""

    transfers: Ends[tuple[int, int, int, int, bytes, bytes]] = field(default_factory=Ends)
    pins: Ends[PinChange] = field(default_factory=Ends)

    def transfer(self, chip: int, begin_ps: int, end_ps: int, mosi: bytes, miso: bytes) -> None:
        """Note one transfer."""
        transfers = self.transfers
        n_bytes = len(mosi)
        if n_bytes > KEPT_BYTES:
            mosi, miso = mosi[:KEPT_BYTES], miso[:KEPT_BYTES]
        transfers.append((chip, begin_ps, end_ps, n_bytes, mosi, miso))

    def kept_transfers(self) -> tuple[Transfer, ...]:
        """Return the first and the last transfers."""
        ends = self.transfers
        numbers = [*range(1, len(ends.first) + 1), *range(ends.n - len(ends.last) + 1, ends.n + 1)]
        return tuple(Transfer(n, *entry) for n, entry in zip(numbers, ends.kept(), strict=True))
