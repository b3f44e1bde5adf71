"""What became of each conversion: read in time, torn, late, or never seen; and which go together.

Nothing here knows SPI or time: edges and transfers come in with their times, ns.

A frame is good if its transfer began after its own edge and ended `MARGIN_NS` before the next one.
That is known only when the next edge has come, or when none has for a while: until then the frame
is *held*. Edges may be stamped late, so it must also have ended within `SHARE` of a data period.
Each edge carries the kernel's count, so edges that found no room in its buffer are counted too.

Two chips with two oscillators do not keep step. Their conversions go together one to one in the
order of time; where one chip converts twice between two results of the other, its earlier result
is alone. It is a conversion of the board that was missed: counted, never filled up.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from emgrig.errors import TransportError
from emgrig.gateways.spi.hardware import Edge

MARGIN_NS: Final = 50_000
"""An edge is stamped when its interrupt is served; so much later than it came, at most."""
SHARE: Final = 0.75
"""Of a data period after its edge a transfer may take; the rest is for edges that are told late."""
MOST_UNSEEN: Final = 100_000  #: Edges without an event at one time; more is a standstill.
_WRAP: Final = 1 << 32


class Standstill(TransportError):
    """So many edges are missing that the program must have stood still."""


class State(Enum):
    """What is known of a conversion's frame."""

    UNREAD = 1
    HELD = 2  #: Read; whether in time is not known yet.
    GOOD = 3
    LOST = 4


@dataclass(eq=False, slots=True)
class Conversion:
    """One edge of DRDY of one chip, and the frame that was read after it."""

    at_ns: int
    state: State = State.UNREAD
    frame: bytes = b""
    begin_ns: int = 0  #: Of the transfer.
    end_ns: int = 0

    @property
    def is_decided(self) -> bool:
        """True if its frame is good or lost."""
        return self.state is State.GOOD or self.state is State.LOST


@dataclass
class Losses:
    """Conversions of chips whose frames are not delivered, by what became of them."""

    late: int = 0  #: The next result was there before this one was read.
    torn: int = 0  #: The next result came while it was read.
    unseen: int = 0  #: Their edges found no room in the kernel's buffer.
    alone: int = 0  #: Good, but the other chip had no result to go with it.

    def clear(self) -> None:
        """Count from 0."""
        self.late = self.torn = self.unseen = self.alone = 0


class ChipEdges:
    """The conversions of one chip, in order."""

    def __init__(self, losses: Losses) -> None:
        self.newest: Conversion | None = None
        self.period_ns = 0.0  #: Between the last two edges; 0: not known.
        self._losses = losses
        self._number = 0

    def count_from(self, number: int) -> None:
        """Begin anew: the edge after `number` is the first."""
        self.newest = None
        self.period_ns = 0.0
        self._number = number

    def take(self, edge: Edge) -> list[Conversion]:
        """Take the next edge; return the conversions that are new, the last of them its own.

        Raises
        ------
        Standstill
            If so many edges are missing that it is no loss any more.
        """
        step = (edge.number - self._number) % _WRAP
        if step - 1 > MOST_UNSEEN:
            self._number = edge.number
            raise Standstill(
                f"{step - 1} conversions passed unseen: was the program stopped, or the line "
                "DRDY disturbed?"
            )
        if not step:  # told twice
            return []
        self._number = edge.number
        before, new = self.newest, Conversion(edge.at_ns)
        missing: list[Conversion] = []
        if before is not None:
            self.period_ns = (edge.at_ns - before.at_ns) / step
            missing = [
                Conversion(before.at_ns + round(self.period_ns * n), State.LOST)
                for n in range(1, step)
            ]
            self._decide(before, new, is_next=step == 1)
        else:
            missing = [Conversion(edge.at_ns, State.LOST) for _ in range(1, step)]
        self._losses.unseen += len(missing)
        self.newest = new
        return [*missing, new]

    def _decide(self, before: Conversion, new: Conversion, *, is_next: bool) -> None:
        """Say what became of a frame, now that an edge after it is known."""
        if before.state is State.UNREAD:
            self.lose(before, is_late=True)
        elif before.state is State.HELD:
            if not is_next:  # when the next one came, nobody knows
                self.lose(before, is_late=False)
            elif new.at_ns > before.end_ns + MARGIN_NS:
                self.believe(before)
            elif new.at_ns <= before.begin_ns:  # the frame that was read is the new one
                new.state, new.frame = State.HELD, before.frame
                new.begin_ns, new.end_ns = before.begin_ns, before.end_ns
                self.lose(before, is_late=True)
            else:
                self.lose(before, is_late=False)
                new.state = State.LOST  # a part of it was clocked out, too
                self._losses.torn += 1

    def believe(self, conversion: Conversion) -> None:
        """Take a frame that no edge has met, unless it took so long that one may have unseen."""
        took_ns = conversion.end_ns - conversion.at_ns
        if not self.period_ns or took_ns <= SHARE * self.period_ns:
            conversion.state = State.GOOD
        else:
            self.lose(conversion, is_late=True)

    def lose(self, conversion: Conversion, *, is_late: bool) -> None:
        """Give a frame up."""
        conversion.state, conversion.frame = State.LOST, b""
        if is_late:
            self._losses.late += 1
        else:
            self._losses.torn += 1


class Slots:
    """Conversions of the board: one of each chip."""

    def __init__(self, n_chips: int, losses: Losses) -> None:
        self._n_chips = n_chips
        self._losses = losses
        self.clear()

    def clear(self) -> None:
        """Forget all, and count from 0."""
        self._slots: deque[list[Conversion | None]] = deque()
        self._is_open = False  # the last one waits for another chip
        self._first = 0  # number of the first slot that is kept

    @property
    def count(self) -> int:
        """Slots so far that nothing more can come to."""
        return self._first + len(self._slots) - self._is_open

    def add(self, chip: int, conversion: Conversion) -> None:
        """Put a conversion where it belongs; they come in the order of time."""
        if not (self._is_open and self._slots[-1][chip] is None):
            self._slots.append([None] * self._n_chips)
        slot = self._slots[-1]
        slot[chip] = conversion
        self._is_open = None in slot

    def ready(self) -> list[tuple[int, int, bytes]]:
        """Take what is decided: number, time ns and frame of each board conversion that is good."""
        made = []
        while len(self._slots) > self._is_open:
            slot = self._slots[0]
            parts = [one for one in slot if one is not None]
            if not all(one.is_decided for one in parts):
                break
            if all(one.state is State.GOOD for one in parts):
                if len(parts) == self._n_chips:
                    frame = b"".join(one.frame for one in parts)
                    made.append((self._first, parts[0].at_ns, frame))
                else:
                    self._losses.alone += 1
            self._slots.popleft()
            self._first += 1
        return made
