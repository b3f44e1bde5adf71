"""Which breach came of which: causes with their consequences, by commands that had no effect.

Nothing here reads sentences. A breach says which command it is about; a command that had no effect
explains what is missing later: registers that stay as they were, results that do not come.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from emgrig.attach.facts import Breach, ChipFacts
from emgrig.attach.report.causes import AnyCause, Cause, Weight
from emgrig.simulator.chip.violations import Rule, Severity

WAKEUP, STANDBY, RESET, START, STOP = 0x02, 0x04, 0x06, 0x08, 0x0A
RDATAC, SDATAC, RDATA, RREG, WREG = 0x10, 0x11, 0x12, 0x20, 0x40
CONFIG3: Final = 0x03

#: For each rule the commands whose loss explains it.
_EXPLAINED_BY: Final[dict[AnyCause, tuple[int, ...]]] = {
    Rule.IN_RDATAC: (SDATAC,),
    Rule.IN_STANDBY: (WAKEUP,),
    Rule.NO_DATA: (RDATAC, RDATA),
    Rule.NO_RESULT: (START,),
    Rule.NO_REFERENCE: (WREG,),
}
#: Breaches after which the command that they are about has had no effect.
_LOSES: Final = {
    Rule.T_SCCS, Rule.T_SDECODE, Rule.RESET_BUSY, Rule.IN_RDATAC, Rule.IN_STANDBY,
    Rule.PARTIAL_COMMAND,
}  # fmt: skip
#: What comes of bytes that are taken for commands, since CS rose within one.
_OF_PIECES: Final = {
    Rule.UNKNOWN_OPCODE, Rule.IN_STANDBY, Rule.IN_RDATAC, Rule.NO_DATA, Rule.NO_RESULT,
    Rule.RESET_BUSY, Rule.START_PIN, Rule.ADDRESS,
}  # fmt: skip
_LONGEST_COMMAND: Final = 34
_WEIGHTS: Final = list(Weight)


@dataclass(frozen=True)
class Event:
    """One thing that went wrong, or many of a kind."""

    what: AnyCause
    weight: Weight
    at_us: float
    text: str = ""
    transfer: int = 0
    sent: bytes = b""
    about: int | None = None
    count: int = 1

    @classmethod
    def of(cls, breach: Breach, count: int = 1) -> "Event":
        """Take a breach."""
        return cls(
            breach.rule,
            Weight(breach.severity.value),
            breach.at_us,
            breach.text,
            breach.transfer,
            breach.sent,
            breach.about,
            count,
        )


@dataclass
class Root:
    """A cause, what it did itself, and what came of it."""

    cause: AnyCause
    chip: int  #: From 1; 0 is the bus.
    own: list[Event] = field(default_factory=list)
    consequences: list[Event] = field(default_factory=list)

    @property
    def weight(self) -> Weight:
        """The worst of what it did."""
        events = [*self.own, *self.consequences]
        return min((event.weight for event in events), key=_WEIGHTS.index)

    @property
    def first(self) -> Event:
        """The first of its own that was as bad as any of them."""
        worst = min((event.weight for event in self.own), key=_WEIGHTS.index)
        return min((one for one in self.own if one.weight is worst), key=lambda one: one.at_us)

    @property
    def count(self) -> int:
        """How often, itself."""
        return sum(event.count for event in self.own)

    @property
    def lost(self) -> list[int]:
        """The commands that it lost, by their first bytes, each once, as they came."""
        return _lost_by(self.own)


def _base(opcode: int) -> int:
    return opcode & 0xE0 if opcode & 0xE0 in (RREG, WREG) else opcode


class ChipBlame:
    """Causes of one chip.

    Parameters
    ----------
    number : int
        Of the chip, from 1.
    facts : ChipFacts
        What it saw.
    mode : Event or None
        Since when it is clocked in another SPI mode; what follows comes of that.
    clocks : Event or None
        That it is read at another chip's DRDY; what is torn comes of that.
    bus : mapping or None
        Causes that are the bus's.
    """

    def __init__(
        self,
        number: int,
        facts: ChipFacts,
        mode: Event | None = None,
        clocks: Event | None = None,
        bus: Mapping[AnyCause, Root] | None = None,
    ) -> None:
        self.number = number
        self._bus = {} if bus is None else bus
        self.facts = facts
        self.roots: dict[AnyCause, Root] = {}
        self.lost: dict[int, Root] = {}  #: What lost a command, by opcode; RREG 20h, WREG 40h.
        self._mode = mode
        self._pieces_until = -1  # the transfer up to which bytes may be of a cut command
        if mode is not None:
            self.root(Cause.SPI_MODE).own.append(mode)
        if clocks is not None:
            self.root(Cause.TWO_CLOCKS).own.append(clocks)
        left = Counter(facts.counts)
        left.subtract(breach.rule for breach in facts.breaches)
        last = {breach.rule: index for index, breach in enumerate(facts.breaches)}
        for index, breach in enumerate(facts.breaches):
            is_last = last[breach.rule] == index
            self._take(breach, 1 + max(left[breach.rule], 0) if is_last else 1)

    def root(self, cause: AnyCause) -> Root:
        """Return the root of this cause, made if there is none."""
        return self.roots.setdefault(cause, Root(cause, self.number))

    def explanation(self, because: tuple[int | AnyCause, ...]) -> Root | None:
        """Return the first root of these causes, or that lost one of these commands, if any."""
        for one in because:
            if isinstance(one, int):
                found = self.lost.get(one)
            else:
                found = self.roots.get(one) or self._bus.get(one)
            if found is not None and found.weight is not Weight.HARMLESS:
                return found
        return None

    def add(self, event: Event, because: tuple[int | AnyCause, ...]) -> None:
        """Put an event under what explains it, or make it a cause of its own."""
        found = self.explanation(because)
        if found is None:
            self.root(event.what).own.append(event)
        else:
            found.consequences.append(event)

    def _take(self, breach: Breach, count: int) -> None:
        root = self._explaining(breach)
        event = Event.of(breach, count)
        if root is None:
            root = self.root(self._cause_of(breach))
            root.own.append(event)
        else:
            root.consequences.append(event)
        if breach.rule is Rule.PARTIAL_COMMAND:
            self._pieces_until = breach.transfer + _LONGEST_COMMAND
        is_lost = breach.severity is Severity.LOST and breach.rule in _LOSES
        if is_lost and breach.about is not None:
            self.lost[_base(breach.about)] = root

    def _explaining(self, breach: Breach) -> Root | None:
        """Return the cause that a breach came of, if it came of another."""
        rule = breach.rule
        if self._mode is not None and breach.at_us >= self._mode.at_us:
            return self.roots[Cause.SPI_MODE]
        if rule is Rule.UPDATE_WINDOW and Cause.TWO_CLOCKS in self.roots:
            return self.roots[Cause.TWO_CLOCKS]
        if rule in _OF_PIECES and breach.transfer <= self._pieces_until:
            return self.roots[Rule.PARTIAL_COMMAND]
        if rule is Rule.NO_REFERENCE and CONFIG3 in self.facts.written:
            return None  # it was written, without the bit
        for opcode in _EXPLAINED_BY.get(rule, ()):
            if opcode in self.lost:
                return self.lost[opcode]
        if breach.about == RDATA:
            return self.roots.get(Cause.NEVER_SDATAC)
        return None

    def _cause_of(self, breach: Breach) -> AnyCause:
        """Name the cause of a breach that came of no other."""
        rule, facts = breach.rule, self.facts
        if rule is Rule.IN_STANDBY:
            return Cause.NEVER_WOKEN
        if rule is Rule.NO_RESULT and not facts.n_produced and not facts.is_converting:
            return Cause.NEVER_STARTED
        if rule is Rule.UPDATE_WINDOW and breach.about == RDATAC:
            return Cause.RDATAC_AT_EDGE
        if rule is not Rule.IN_RDATAC:
            return rule
        if breach.about == RDATA:
            return Cause.RDATA_IN_RDATAC
        is_never = not facts.obeyed.get(SDATAC)
        return Cause.NEVER_SDATAC if is_never else Cause.IN_RDATAC


def grouped(events: list[Event]) -> Iterator[tuple[Event, int, list[int]]]:
    """Yield the first event of each kind, how many there were, and the commands that it cost."""
    kinds: dict[AnyCause, list[Event]] = {}
    for event in events:
        kinds.setdefault(event.what, []).append(event)
    for alike in sorted(kinds.values(), key=lambda one: min(event.at_us for event in one)):
        first = min(alike, key=lambda event: (_WEIGHTS.index(event.weight), event.at_us))
        yield first, sum(event.count for event in alike), _lost_by(alike)


def _lost_by(events: list[Event]) -> list[int]:
    lost = [event.about for event in events if event.weight is Weight.LOST]
    return list(dict.fromkeys(opcode for opcode in lost if opcode is not None))
