"""What a host did that the data sheet forbids, or that leads nowhere: the chip model's report."""

import heapq
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

KEPT_OF_EACH_RULE: Final = 100
"""The first so many violations of each rule are kept; all are counted."""


class Rule(StrEnum):
    """The rules of SBAS499C that the chip model watches."""

    T_POR = "tPOR"
    T_SDECODE = "tSDECODE"
    T_SCCS = "tSCCS"
    T_CSH = "tCSH"
    SCLK_LIMIT = "SCLK limit"
    RESET_PULSE = "RESET pulse"
    RESET_BUSY = "RESET busy"
    START_PULSE = "START pulse"
    START_PIN = "START pin"
    IN_RDATAC = "not in RDATAC"
    IN_STANDBY = "not in STANDBY"
    RDATAC_WAIT = "wait after RDATAC"
    UPDATE_WINDOW = "update window"
    PARTIAL_COMMAND = "partial command"
    UNKNOWN_OPCODE = "unknown opcode"
    ADDRESS = "register address"
    RESERVED_BITS = "reserved bits"
    RESERVED_CODE = "reserved code"
    NO_DATA = "no data in SDATAC"
    NO_RESULT = "no result yet"
    NO_REFERENCE = "no reference"


class Severity(StrEnum):
    """What came of it."""

    LOST = "lost"  #: Something that was sent had no effect, or what was read says nothing.
    TORN = "torn"  #: Bytes that were read are wrong.
    HARMLESS = "harmless"  #: The chip did what was meant; a real one may not.


SECTIONS: Final[dict[Rule, str]] = {
    Rule.T_POR: "SBAS499C p. 62, power-up sequencing",
    Rule.T_SDECODE: "SBAS499C p. 12, timing requirements",
    Rule.T_SCCS: "SBAS499C p. 12, timing requirements",
    Rule.T_CSH: "SBAS499C p. 12, timing requirements",
    Rule.SCLK_LIMIT: "SBAS499C p. 12, timing requirements",
    Rule.RESET_PULSE: "SBAS499C p. 35, reset",
    Rule.RESET_BUSY: "SBAS499C p. 35, reset",
    Rule.START_PULSE: "SBAS499C p. 34, start",
    Rule.START_PIN: "SBAS499C p. 40, commands",
    Rule.IN_RDATAC: "SBAS499C p. 40-41, commands",
    Rule.IN_STANDBY: "SBAS499C p. 40, commands",
    Rule.RDATAC_WAIT: "SBAS499C p. 41, RDATAC",
    Rule.UPDATE_WINDOW: "SBAS499C p. 41, RDATAC",
    Rule.PARTIAL_COMMAND: "SBAS499C p. 38, chip select",
    Rule.UNKNOWN_OPCODE: "SBAS499C p. 40, table 10",
    Rule.ADDRESS: "SBAS499C p. 44, table 11",
    Rule.RESERVED_BITS: "SBAS499C p. 44-60, registers",
    Rule.RESERVED_CODE: "SBAS499C p. 44-60, registers",
    Rule.NO_DATA: "SBAS499C p. 40-41, commands",
    Rule.NO_RESULT: "SBAS499C p. 34, start",
    Rule.NO_REFERENCE: "SBAS499C p. 24, reference",
}
"""Where the data sheet says so."""


@dataclass(frozen=True)
class Violation:
    """One breach of a rule."""

    tick: int  #: When, whole tCLK since power-on of the model.
    rule: Rule  #: Which.
    text: str  #: What happened and what the chip made of it, in one line.
    severity: Severity = Severity.HARMLESS  #: What came of it.
    transfer: int = 0  #: Which time CS was low, from 1; 0 before the first.
    n_bytes: int = 0  #: Bytes that were whole since CS went low.
    sent: bytes = b""  #: The first of them on DIN, at most 32.
    #: The command it is about, by its first byte; of register rules the address; None: neither.
    about: int | None = None


class ViolationLog:
    """The first violations of each rule, and how many there were.

    Parameters
    ----------
    report : bool
        False keeps and counts nothing.
    """

    def __init__(self, *, report: bool) -> None:
        self.is_reporting = report
        self.counts: Counter[Rule] = Counter()  #: Of each rule, those no longer kept included.
        self._kept: dict[Rule, list[tuple[int, int, Violation]]] = {}
        self._n = 0

    @property
    def n_reported(self) -> int:
        """How many violations there were."""
        return self._n

    @property
    def kept(self) -> tuple[Violation, ...]:
        """The first `KEPT_OF_EACH_RULE` of each rule, in order of time."""
        return tuple(entry[2] for entry in heapq.merge(*self._kept.values()))

    def report(self, violation: Violation) -> None:
        """Note one violation."""
        if not self.is_reporting:
            return
        self._n += 1
        self.counts[violation.rule] += 1
        of_rule = self._kept.setdefault(violation.rule, [])
        if len(of_rule) < KEPT_OF_EACH_RULE:
            of_rule.append((violation.tick, self._n, violation))
