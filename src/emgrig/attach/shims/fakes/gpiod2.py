"""A fake `gpiod` 2, the Python binding of libgpiod 2, as its documentation has it.

Edges carry bench time in nanoseconds and the kernel's numbers: `line_seqno` counts edges that found
no room too. Bias, drive and debouncing are taken and change nothing.
"""

import errno
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Final, Self

from emgrig.attach.shims.edges import Counter, Watch
from emgrig.attach.shims.fakes.gpiod_line import (
    Bias,
    ChipInfo,
    Clock,
    Direction,
    Drive,
    EdgeEvent,
    EdgeOf,
    EventType,
    LineInfo,
    LineSettings,
    Value,
    each,
)
from emgrig.attach.shims.host import Host

N_LINES: Final = 54  #: Of a Raspberry Pi's chip.
EVENTS_PER_LINE: Final = 16  #: What the kernel keeps unless more is asked for.

Lines = int | str | Sequence[int | str]
Config = Mapping[int | str | tuple[int | str, ...], LineSettings | None]


class ChipClosedError(Exception):
    """The chip is closed."""


class RequestReleasedError(Exception):
    """The lines were let go of."""


class LineRequest:
    """Lines that were asked for."""

    def __init__(
        self,
        host: Host,
        settings: dict[int, LineSettings],
        names: dict[int, str],
        consumer: str,
        chip_name: str,
        event_buffer_size: int,
    ) -> None:
        self._host = host
        self._settings = settings
        self._names = names
        self._counter = Counter()
        self._watches: dict[int, Watch] = {}
        self._depth = event_buffer_size or EVENTS_PER_LINE * len(settings)
        self._is_released = False
        self.consumer = consumer
        self.chip_name = chip_name
        self.reconfigure_lines({})

    def __enter__(self) -> Self:
        self._check()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __bool__(self) -> bool:
        return not self._is_released

    @property
    def offsets(self) -> list[int]:
        """Numbers of the lines."""
        return list(self._settings)

    @property
    def lines(self) -> list[int | str]:
        """The lines as they were asked for."""
        return [self._names.get(offset, offset) for offset in self._settings]

    @property
    def num_lines(self) -> int:
        """How many there are."""
        return len(self._settings)

    @property
    def fd(self) -> int:
        """Refuse: there is no file to select on."""
        raise NotImplementedError("fd of a line request is not simulated; use wait_edge_events()")

    def fileno(self) -> int:
        """Refuse, as `fd`."""
        return self.fd

    def release(self) -> None:
        """Let go of the lines."""
        self._check()
        for watch in self._watches.values():
            self._host.unwatch(watch)
        self._is_released = True

    def get_value(self, line: int | str) -> Value:
        """Return a line's logical level."""
        return self.get_values([line])[0]

    def get_values(self, lines: Sequence[int | str] | None = None) -> list[Value]:
        """Return the levels of some lines, or of all."""
        self._check()
        wanted = self.offsets if lines is None else [self._offset(line) for line in lines]
        return [
            Value(self._host.read(offset) ^ self._settings[offset].active_low) for offset in wanted
        ]

    def set_value(self, line: int | str, value: Value) -> None:
        """Drive a line."""
        self.set_values({line: value})

    def set_values(self, values: Mapping[int | str, Value]) -> None:
        """Drive lines; OSError EPERM if one is no output."""
        self._check()
        for line, value in values.items():
            offset = self._offset(line)
            settings = self._settings[offset]
            if settings.direction is not Direction.OUTPUT:
                raise OSError(errno.EPERM, f"Operation not permitted: line {offset} is no output")
            self._host.write(offset, Value(value).value ^ settings.active_low)

    def reconfigure_lines(self, config: Config) -> None:
        """Change settings of lines."""
        self._check()
        for lines, settings in config.items():
            for line in each(lines):
                self._settings[self._offset(line)] = settings or LineSettings()
        for offset, settings in self._settings.items():
            if settings.direction is Direction.OUTPUT:
                self._host.write(offset, settings.output_value.value ^ settings.active_low)
            self._watch_as(offset, settings)

    def wait_edge_events(self, timeout: timedelta | float | None = None) -> bool:
        """Wait for an edge; None waits for ever. Return False if the time is over."""
        self._check()
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        return self._host.wait(list(self._watches.values()), seconds)

    def read_edge_events(self, max_events: int | None = None) -> list[EdgeEvent]:
        """Take the edges that came, at least one: it waits if there is none."""
        self._check()
        watches = list(self._watches.values())
        self._host.wait(watches, None)
        most = max_events or self._depth
        with self._host.lock:  # another thread may let bench time pass
            waiting = sorted(
                ((edge, watch) for watch in watches for edge in watch.queue),
                key=lambda pair: pair[0].global_seqno,
            )[:most]
            for edge, watch in waiting:
                watch.queue.remove(edge)
        events = []
        for edge, _ in waiting:
            is_rising = edge.is_rising != self._settings[edge.number].active_low
            events.append(
                EdgeEvent(
                    EventType.RISING_EDGE if is_rising else EventType.FALLING_EDGE,
                    self._host.stamp_ns(edge),
                    edge.number,
                    edge.global_seqno,
                    edge.line_seqno,
                )
            )
        return events

    def _watch_as(self, offset: int, settings: LineSettings) -> None:
        old = self._watches.pop(offset, None)
        if old is not None:
            self._host.unwatch(old)
        wanted = settings.edge_detection
        if wanted is EdgeOf.NONE:
            return
        rising, falling = wanted is not EdgeOf.FALLING, wanted is not EdgeOf.RISING
        if settings.active_low:
            rising, falling = falling, rising
        chip = self._host.wiring.chip_of_drdy(offset)
        watch = Watch(offset, chip, rising, falling, depth=self._depth, counter=self._counter)
        self._watches[offset] = watch
        self._host.watch(watch)

    def _offset(self, line: int | str) -> int:
        for offset in self._settings:
            if line in (offset, self._names.get(offset)):
                return offset
        raise ValueError(f"line {line!r} is not of this request")

    def _check(self) -> None:
        if self._is_released:
            raise RequestReleasedError("the lines were let go of")


class Chip:
    """A GPIO chip of the wiring."""

    _host: ClassVar[Host]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._name = check_chip(self._host, self.path)
        self._is_closed = False

    def __enter__(self) -> Self:
        self._check()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __bool__(self) -> bool:
        return not self._is_closed

    def close(self) -> None:
        """Close it."""
        self._check()
        self._is_closed = True

    def get_info(self) -> ChipInfo:
        """Return its name, label and number of lines."""
        self._check()
        return ChipInfo(self._name, "emgrig bench", N_LINES)

    def line_offset_from_id(self, id: str | int) -> int:
        """Return a line's number; its name is GPIO and the number."""
        self._check()
        offset = int(id) if isinstance(id, int) or id.isdecimal() else _named(id)
        if not 0 <= offset < N_LINES and self._host.wiring.line(offset) is None:
            raise OSError(errno.ENOENT, f"No such file or directory: line {id!r}")
        return offset

    def get_line_info(self, line: int | str) -> LineInfo:
        """Return what a line is."""
        offset = self.line_offset_from_id(line)
        wired = self._host.wiring.line(offset)
        direction = Direction.INPUT if wired is None or wired.is_input else Direction.OUTPUT
        return LineInfo(offset, f"GPIO{offset}", False, "", direction, False)

    def request_lines(
        self,
        config: Config,
        consumer: str | None = None,
        event_buffer_size: int | None = None,
        output_values: Mapping[int | str, Value] | None = None,
    ) -> LineRequest:
        """Ask for lines."""
        self._check()
        settings: dict[int, LineSettings] = {}
        names: dict[int, str] = {}
        for lines, given in config.items():
            for line in each(lines):
                offset = self.line_offset_from_id(line)
                if offset in settings:
                    raise ValueError(f"line {line!r} is named twice")
                settings[offset] = given or LineSettings()
                if isinstance(line, str):
                    names[offset] = line
        for line, value in (output_values or {}).items():
            settings[self.line_offset_from_id(line)].output_value = value
        return LineRequest(
            self._host, settings, names, consumer or "?", self._name, event_buffer_size or 0
        )

    def _check(self) -> None:
        if self._is_closed:
            raise ChipClosedError("the GPIO chip is closed")


def _named(line: str) -> int:
    digits = line.removeprefix("GPIO")
    return int(digits) if digits.isdecimal() else -1


def check_chip(host: Host, path: str) -> str:
    """Return a GPIO chip's name by its path; FileNotFoundError if the wiring has none."""
    name = Path(path).name
    if name not in host.wiring.gpio_chips:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
    return name


def make(host: Host) -> dict[str, ModuleType]:
    """Return the modules `gpiod` and those inside it on a host."""
    bound = type("Chip", (Chip,), {"_host": host})

    def request_lines(
        path: str | os.PathLike[str],
        config: Config,
        consumer: str | None = None,
        event_buffer_size: int | None = None,
        output_values: Mapping[int | str, Value] | None = None,
    ) -> LineRequest:
        """Ask for lines of a chip by its path."""
        chip: Chip = bound(path)
        return chip.request_lines(config, consumer, event_buffer_size, output_values)

    def is_gpiochip_device(path: str | os.PathLike[str]) -> bool:
        """Return True if there is such a chip."""
        return Path(path).name in host.wiring.gpio_chips

    line = ModuleType("gpiod.line", "A fake gpiod.line.")
    line.__dict__.update(
        Value=Value, Direction=Direction, Bias=Bias, Drive=Drive, Edge=EdgeOf, Clock=Clock
    )
    kinds = {
        "Chip": bound, "ChipInfo": ChipInfo, "LineInfo": LineInfo, "LineRequest": LineRequest,
        "LineSettings": LineSettings, "EdgeEvent": EdgeEvent, "ChipClosedError": ChipClosedError,
        "RequestReleasedError": RequestReleasedError,
    }  # fmt: skip
    module = ModuleType("gpiod", "A fake gpiod 2 on a bench of emgrig.")
    module.__path__ = []
    module.__dict__.update(
        kinds,
        line=line,
        request_lines=request_lines,
        is_gpiochip_device=is_gpiochip_device,
        api_version="2.2",
        __version__="2.2.0",
    )
    modules = {"gpiod": module, "gpiod.line": line}
    for name, inside in {
        "chip": ("Chip",), "chip_info": ("ChipInfo",), "line_request": ("LineRequest",),
        "line_settings": ("LineSettings",), "edge_event": ("EdgeEvent",),
        "exception": ("ChipClosedError", "RequestReleasedError"),
    }.items():  # fmt: skip
        part = ModuleType(f"gpiod.{name}")
        part.__dict__.update({key: kinds[key] for key in inside})
        modules[part.__name__] = part
    return modules
