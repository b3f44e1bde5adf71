"""What a board may take of us: so many events are listened to, and so long is waited.

A board that floods or drips must not hold anybody.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from emgrig.driver.seams import Clock
from emgrig.protocol.packets import EventType

EVENTS_PER_S = 1000.0
MOST_AT_ONCE = 5000.0
#: BOOT and CHIP_LOST say what samples mean: they have a budget of their own.
_GRAVE = frozenset(bytes((event,)) for event in (EventType.BOOT, EventType.CHIP_LOST))


@dataclass
class EventBudget:
    """Events that may come: so many a second, and so many at once."""

    _left: float = MOST_AT_ONCE
    _grave_left: float = MOST_AT_ONCE
    _now_s: float | None = None

    def pass_time(self, now_s: float) -> None:
        """Say what time it is, s."""
        if self._now_s is not None:
            more = max(now_s - self._now_s, 0.0) * EVENTS_PER_S
            self._left = min(self._left + more, MOST_AT_ONCE)
            self._grave_left = min(self._grave_left + more, MOST_AT_ONCE)
        self._now_s = now_s

    def take(self, event: bytes) -> bool:
        """Take one event of a type (one byte); False if there have been too many."""
        is_grave = event in _GRAVE
        left = self._grave_left if is_grave else self._left
        if left < 1.0:
            return False
        if is_grave:
            self._grave_left -= 1.0
        else:
            self._left -= 1.0
        return True


class Deadline:
    """Until when requests may take; without a limit, as long as each of them may."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at_s = math.inf

    @property
    def left_s(self) -> float:
        """How long there is still, s; infinite without a limit."""
        return self._at_s - self._clock.now_s()

    @contextmanager
    def within(self, duration_s: float) -> Iterator[None]:
        """Have what is inside end in so long, s; the outermost limit holds."""
        before = self._at_s
        self._at_s = min(before, self._clock.now_s() + duration_s)
        try:
            yield
        finally:
            self._at_s = before
