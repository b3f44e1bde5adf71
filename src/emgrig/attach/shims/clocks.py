"""The script's `time`: bench time in place of the machine's."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final
from unittest import mock

from emgrig.attach.shims.host import Host

#: 2026-01-01 00:00 UTC, as the simulator's virtual time has it.
EPOCH_UNIX_S: Final = 1_767_225_600.0
_NANOSECONDS: Final = 1_000_000_000
_TICKS_WRAP: Final = 1 << 30  #: Of MicroPython's tick counters.


def functions(host: Host) -> dict[str, Callable[..., object]]:
    """Return what takes the place of functions of the module `time`."""

    def seconds() -> float:
        return host.look_at_clock()

    def nanoseconds() -> int:
        return round(host.look_at_clock() * _NANOSECONDS)

    return {
        "sleep": host.sleep,
        "time": lambda: EPOCH_UNIX_S + seconds(),
        "time_ns": lambda: round(EPOCH_UNIX_S) * _NANOSECONDS + nanoseconds(),
        "monotonic": seconds,
        "monotonic_ns": nanoseconds,
        "perf_counter": seconds,
        "perf_counter_ns": nanoseconds,
    }


def of_micropython(host: Host) -> dict[str, Callable[..., object]]:
    """Return what MicroPython's `time` has besides."""

    def ticks_diff(new: int, old: int) -> int:
        half = _TICKS_WRAP // 2
        return (new - old + half) % _TICKS_WRAP - half

    return {
        "sleep_ms": lambda ms: host.sleep(ms * 1e-3),
        "sleep_us": lambda us: host.sleep(us * 1e-6),
        "ticks_ms": lambda: int(host.look_at_clock() * 1e3) % _TICKS_WRAP,
        "ticks_us": lambda: int(host.look_at_clock() * 1e6) % _TICKS_WRAP,
        "ticks_add": lambda ticks, delta: (ticks + delta) % _TICKS_WRAP,
        "ticks_diff": ticks_diff,
    }


@contextmanager
def in_front(host: Host, *, is_followed: bool = True) -> Iterator[None]:
    """Put bench time in front; with `is_followed` false only what MicroPython has besides."""
    with ExitStack() as stack:
        put = of_micropython(host) | (functions(host) if is_followed else {})
        for name, function in put.items():
            stack.enter_context(mock.patch.object(time, name, function, create=True))
        if is_followed and hasattr(signal, "pause"):
            stack.enter_context(mock.patch.object(signal, "pause", host.pause))
        yield
