"""A fake `gpiod` 1: the binding of libgpiod 1, and the pure-Python package 1.5 of that name.

The first asks ``Chip(…).get_line(n).request(consumer=…, type=…)``, the second
``chip(…).get_line(n).request(line_request())``; both are answered.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import ClassVar, Final, Self

from emgrig.attach.shims.edges import Edge, Watch
from emgrig.attach.shims.fakes.gpiod2 import EVENTS_PER_LINE, N_LINES, check_chip
from emgrig.attach.shims.host import Host

DIR_AS_IS: Final = 1
DIR_IN: Final = 2
DIR_OUT: Final = 3
EV_FALLING: Final = 4
EV_RISING: Final = 5
EV_BOTH: Final = 6
FLAG_ACTIVE_LOW: Final = 4
CONSTANTS: Final = {
    "LINE_REQ_DIR_AS_IS": DIR_AS_IS, "LINE_REQ_DIR_IN": DIR_IN, "LINE_REQ_DIR_OUT": DIR_OUT,
    "LINE_REQ_EV_FALLING_EDGE": EV_FALLING, "LINE_REQ_EV_RISING_EDGE": EV_RISING,
    "LINE_REQ_EV_BOTH_EDGES": EV_BOTH, "LINE_REQ_FLAG_OPEN_DRAIN": 1,
    "LINE_REQ_FLAG_OPEN_SOURCE": 2, "LINE_REQ_FLAG_ACTIVE_LOW": FLAG_ACTIVE_LOW,
    "LINE_REQ_FLAG_BIAS_DISABLE": 8, "LINE_REQ_FLAG_BIAS_PULL_DOWN": 16,
    "LINE_REQ_FLAG_BIAS_PULL_UP": 32,
}  # fmt: skip
_EVENTS: Final = (EV_FALLING, EV_RISING, EV_BOTH)
_NANOSECONDS: Final = 1_000_000_000


class LineEvent:
    """An edge that was seen."""

    RISING_EDGE: ClassVar[int] = 1
    FALLING_EDGE: ClassVar[int] = 2

    def __init__(self, edge: Edge, source: "Line") -> None:
        self.type = self.RISING_EDGE if edge.is_rising else self.FALLING_EDGE
        at_ns = round(edge.at_s * _NANOSECONDS)
        self.sec, self.nsec = divmod(at_ns, _NANOSECONDS)
        self.source = source

    @property
    def event_type(self) -> int:
        """The same as `type`, as the pure-Python package has it."""
        return self.type

    @property
    def timestamp(self) -> timedelta:
        """Bench time, as the pure-Python package has it."""
        return timedelta(seconds=self.sec, microseconds=self.nsec / 1000)


@dataclass
class LineRequestConfig:
    """What is asked for, as the pure-Python package has it."""

    DIRECTION_AS_IS: ClassVar[int] = DIR_AS_IS
    DIRECTION_INPUT: ClassVar[int] = DIR_IN
    DIRECTION_OUTPUT: ClassVar[int] = DIR_OUT
    EVENT_FALLING_EDGE: ClassVar[int] = EV_FALLING
    EVENT_RISING_EDGE: ClassVar[int] = EV_RISING
    EVENT_BOTH_EDGES: ClassVar[int] = EV_BOTH
    FLAG_ACTIVE_LOW: ClassVar[int] = FLAG_ACTIVE_LOW

    consumer: str = ""
    request_type: int = 0
    flags: int = 0


class Line:
    """One line of a chip."""

    DIRECTION_INPUT: ClassVar[int] = 1
    DIRECTION_OUTPUT: ClassVar[int] = 2

    def __init__(self, host: Host, number: int) -> None:
        self._host = host
        self._number = number
        self._kind = 0
        self._flip = 0
        self._watch: Watch | None = None
        self._consumer = ""

    def offset(self) -> int:
        """Its number."""
        return self._number

    def name(self) -> str:
        """Its name."""
        return f"GPIO{self._number}"

    def consumer(self) -> str:
        """Who asked for it."""
        return self._consumer

    def is_requested(self) -> bool:
        """Return True if it was asked for."""
        return bool(self._kind)

    is_used = is_requested

    def direction(self) -> int:
        """Return DIRECTION_INPUT or DIRECTION_OUTPUT."""
        return self.DIRECTION_OUTPUT if self._kind == DIR_OUT else self.DIRECTION_INPUT

    def request(
        self,
        consumer: str | LineRequestConfig = "",
        type: int = DIR_AS_IS,
        flags: int = 0,
        default_val: int | None = None,
        default_vals: Sequence[int] | None = None,
    ) -> None:
        """Ask for the line; OSError EBUSY if it was."""
        if isinstance(consumer, LineRequestConfig):
            # there its default value stands where the type does here
            default_val = type if type != DIR_AS_IS or default_val is None else default_val
            type, flags = consumer.request_type or DIR_AS_IS, consumer.flags
            default_val = default_val if type == DIR_OUT and default_val in (0, 1) else 0
            consumer = consumer.consumer
        if self._kind:
            raise OSError(16, f"Device or resource busy: line {self._number}")
        self._consumer, self._kind = consumer, type
        self._flip = int(bool(flags & FLAG_ACTIVE_LOW))
        if type == DIR_OUT:
            given = default_vals[0] if default_vals else default_val or 0
            self._host.write(self._number, given ^ self._flip)
        if type in _EVENTS:
            rising, falling = type != EV_FALLING, type != EV_RISING
            if self._flip:
                rising, falling = falling, rising
            chip = self._host.wiring.chip_of_drdy(self._number)
            self._watch = Watch(
                self._number, chip, rising, falling, depth=EVENTS_PER_LINE, keeps_newest=False
            )
            self._host.watch(self._watch)

    def release(self) -> None:
        """Let go of it."""
        if self._watch is not None:
            self._host.unwatch(self._watch)
        self._kind, self._watch = 0, None

    def get_value(self) -> int:
        """Return its level."""
        self._check()
        return self._host.read(self._number) ^ self._flip

    def set_value(self, value: int) -> None:
        """Drive it; OSError EPERM if it is no output."""
        self._check()
        if self._kind != DIR_OUT:
            raise OSError(1, f"Operation not permitted: line {self._number} is no output")
        self._host.write(self._number, int(bool(value)) ^ self._flip)

    def event_wait(self, sec: int | timedelta = 0, nsec: int = 0) -> bool:
        """Wait for an edge; return False if the time is over."""
        watch = self._watched()
        seconds = sec.total_seconds() if isinstance(sec, timedelta) else sec + nsec / _NANOSECONDS
        return self._host.wait([watch], seconds)

    def event_read(self) -> LineEvent:
        """Take an edge; it waits if there is none."""
        watch = self._watched()
        self._host.wait([watch], None)
        return LineEvent(watch.queue.popleft(), self)

    def event_read_multiple(self) -> list[LineEvent]:
        """Take all edges that came, at least one."""
        events = [self.event_read()]
        queue = self._watched().queue
        while queue:
            events.append(LineEvent(queue.popleft(), self))
        return events

    def _check(self) -> None:
        if not self._kind:
            raise OSError(1, f"Operation not permitted: line {self._number} was not requested")

    def _watched(self) -> Watch:
        self._check()
        if self._watch is None:
            raise OSError(1, f"Operation not permitted: line {self._number} detects no edges")
        return self._watch


class LineBulk:
    """Several lines."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = list(lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def to_list(self) -> list[Line]:
        """Return the lines."""
        return list(self._lines)

    def request(
        self,
        consumer: str = "",
        type: int = DIR_AS_IS,
        flags: int = 0,
        default_vals: Sequence[int] | None = None,
    ) -> None:
        """Ask for all."""
        values = list(default_vals) if default_vals else [0] * len(self._lines)
        for line, value in zip(self._lines, values, strict=True):
            line.request(consumer, type, flags, value)

    def get_values(self) -> list[int]:
        """Return the levels."""
        return [line.get_value() for line in self._lines]

    def set_values(self, values: Sequence[int]) -> None:
        """Drive all."""
        for line, value in zip(self._lines, values, strict=True):
            line.set_value(value)

    def release(self) -> None:
        """Let go of all."""
        for line in self._lines:
            line.release()


class Chip:
    """A GPIO chip of the wiring, by name, path or number."""

    _host: ClassVar[Host]
    OPEN_LOOKUP: ClassVar[int] = 1
    OPEN_BY_PATH: ClassVar[int] = 2
    OPEN_BY_NAME: ClassVar[int] = 3
    OPEN_BY_LABEL: ClassVar[int] = 4
    OPEN_BY_NUMBER: ClassVar[int] = 5

    def __init__(self, device: str | int, how: int = OPEN_LOOKUP) -> None:
        text = str(device)
        self._name = check_chip(self._host, f"gpiochip{text}" if text.isdecimal() else text)
        self._lines: dict[int, Line] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def name(self) -> str:
        """Its name."""
        return self._name

    def label(self) -> str:
        """Return what it is."""
        return "emgrig bench"

    def num_lines(self) -> int:
        """How many lines it has."""
        return N_LINES

    def get_line(self, offset: int) -> Line:
        """Return a line by its number."""
        if not 0 <= offset < N_LINES and self._host.wiring.line(offset) is None:
            raise OSError(22, f"Invalid argument: line {offset}")
        return self._lines.setdefault(offset, Line(self._host, offset))

    def get_lines(self, offsets: Sequence[int]) -> LineBulk:
        """Return lines by their numbers."""
        return LineBulk([self.get_line(offset) for offset in offsets])

    def find_line(self, name: str) -> Line | None:
        """Return a line by its name, GPIO and the number, or None."""
        digits = name.removeprefix("GPIO")
        return self.get_line(int(digits)) if digits.isdecimal() else None

    def close(self) -> None:
        """Let go of all its lines."""
        for line in self._lines.values():
            line.release()

    reset = close


def make(host: Host) -> dict[str, ModuleType]:
    """Return the module `gpiod` on a host."""
    module = ModuleType("gpiod", "A fake gpiod 1 on a bench of emgrig.")
    bound = type("Chip", (Chip,), {"_host": host})
    module.__dict__.update(
        CONSTANTS,
        Chip=bound,
        chip=bound,
        Line=Line,
        line=Line,
        LineBulk=LineBulk,
        LineEvent=LineEvent,
        line_event=LineEvent,
        line_request=LineRequestConfig,
        __version__="1.6",
        version_string=lambda: "1.6",
    )
    return {"gpiod": module}
