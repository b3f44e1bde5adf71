"""What a host did that the data sheet forbids: the report of the chip model's strict mode."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

KEPT_VIOLATIONS: Final = 1000


class Rule(StrEnum):
    """The rules of SBAS499C that the chip model watches."""

    T_POR = "tPOR"
    T_SDECODE = "tSDECODE"
    T_SCCS = "tSCCS"
    T_CSH = "tCSH"
    SCLK_LIMIT = "SCLK limit"
    RESET_PULSE = "RESET pulse"
    RESET_BUSY = "RESET busy"
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


@dataclass(frozen=True)
class Violation:
    """One breach of a rule."""

    tick: int  #: When, tCLK since power-on of the model.
    rule: Rule  #: Which.
    text: str  #: What happened and what the chip made of it, in one line.


class ViolationLog:
    """The last violations, at most `KEPT_VIOLATIONS`; keeps nothing if it is not strict."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.n_reported = 0
        self.kept: deque[Violation] = deque(maxlen=KEPT_VIOLATIONS)

    def report(self, tick: int, rule: Rule, text: str) -> None:
        """Note one violation."""
        if self.strict:
            self.n_reported += 1
            self.kept.append(Violation(tick, rule, text))
