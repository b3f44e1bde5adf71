"""The words of `gpiod` 2's module `line`, and its settings, as its documentation has them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum


class Value(Enum):
    """Logical level of a line."""

    INACTIVE = 0
    ACTIVE = 1

    def __bool__(self) -> bool:
        return self is Value.ACTIVE


class Direction(Enum):
    """Direction of a line."""

    AS_IS = 1
    INPUT = 2
    OUTPUT = 3


class Bias(Enum):
    """Bias of a line; not simulated."""

    AS_IS = 1
    UNKNOWN = 2
    DISABLED = 3
    PULL_UP = 4
    PULL_DOWN = 5


class Drive(Enum):
    """How an output drives; not simulated."""

    PUSH_PULL = 1
    OPEN_DRAIN = 2
    OPEN_SOURCE = 3


class EdgeOf(Enum):
    """Which edges are wanted; `line.Edge` there."""

    NONE = 1
    RISING = 2
    FALLING = 3
    BOTH = 4


class Clock(Enum):
    """Whose time edges carry; bench time in any case."""

    MONOTONIC = 1
    REALTIME = 2
    HTE = 3


@dataclass
class LineSettings:
    """Settings of a line."""

    direction: Direction = Direction.AS_IS
    edge_detection: EdgeOf = EdgeOf.NONE
    bias: Bias = Bias.AS_IS
    drive: Drive = Drive.PUSH_PULL
    active_low: bool = False
    debounce_period: timedelta = field(default_factory=timedelta)
    event_clock: Clock = Clock.MONOTONIC
    output_value: Value = Value.INACTIVE


class EventType(Enum):
    """Direction of an edge; `EdgeEvent.Type` there."""

    RISING_EDGE = 1
    FALLING_EDGE = 2


@dataclass(frozen=True)
class EdgeEvent:
    """An edge that was seen."""

    Type = EventType  # a class attribute, without annotation: no field

    event_type: EventType
    timestamp_ns: int
    line_offset: int
    global_seqno: int
    line_seqno: int


@dataclass(frozen=True)
class ChipInfo:
    """What a GPIO chip is called."""

    name: str
    label: str
    num_lines: int


@dataclass(frozen=True)
class LineInfo:
    """What a line is."""

    offset: int
    name: str
    used: bool
    consumer: str
    direction: Direction
    active_low: bool
    bias: Bias = Bias.UNKNOWN
    drive: Drive = Drive.PUSH_PULL
    edge_detection: EdgeOf = EdgeOf.NONE
    event_clock: Clock = Clock.MONOTONIC
    debounced: bool = False
    debounce_period: timedelta = field(default_factory=timedelta)


def each(lines: "Sequence[int | str] | int | str") -> "tuple[int | str, ...]":
    """Return lines as a tuple: one may stand for itself."""
    return (lines,) if isinstance(lines, int | str) else tuple(lines)
