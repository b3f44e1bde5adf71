"""A fake `RPi.GPIO` 0.7, as its wiki documents it.

Edges that come while a callback runs are one, as the kernel joins them there. PWM is refused.
"""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Final

from emgrig.attach.shims.edges import Edge, Watch
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.wiring import HEADER

BOARD: Final = 10
BCM: Final = 11
OUT: Final = 0
IN: Final = 1
LOW: Final = 0
HIGH: Final = 1
RISING: Final = 31
FALLING: Final = 32
BOTH: Final = 33
CONSTANTS: Final = {
    "BOARD": BOARD, "BCM": BCM, "OUT": OUT, "IN": IN, "LOW": LOW, "HIGH": HIGH, "RISING": RISING,
    "FALLING": FALLING, "BOTH": BOTH, "PUD_OFF": 20, "PUD_DOWN": 21, "PUD_UP": 22, "SPI": 41,
    "I2C": 42, "HARD_PWM": 43, "SERIAL": 40, "UNKNOWN": -1, "VERSION": "0.7.1", "RPI_REVISION": 3,
}  # fmt: skip
_MILLISECOND: Final = 1e-3

Channels = int | list[int] | tuple[int, ...]


class RpiGpio:
    """The module's functions on one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._numbering: int | None = None
        self._directions: dict[int, int] = {}
        self._detected: dict[int, Watch] = {}
        self._callbacks: dict[int, list[Callable[[int], object]]] = {}
        self._events: set[int] = set()

    def setmode(self, mode: int) -> None:
        """Choose how channels are numbered: BCM or BOARD."""
        if mode not in (BCM, BOARD):
            raise ValueError("unknown numbering; expected GPIO.BCM or GPIO.BOARD")
        if self._numbering not in (None, mode):
            raise ValueError("another numbering is chosen already; cleanup() ends it")
        self._numbering = mode

    def getmode(self) -> int | None:
        """Return the numbering, or None."""
        return self._numbering

    def setwarnings(self, flag: bool) -> None:
        """Take the wish; there are no warnings."""

    def setup(
        self,
        channel: Channels,
        direction: int,
        pull_up_down: int = 20,
        initial: int | None = None,
    ) -> None:
        """Make channels inputs or outputs."""
        if direction not in (IN, OUT):
            raise ValueError("unknown direction; expected GPIO.IN or GPIO.OUT")
        for one in _each(channel):
            number = self._number(one)
            self._directions[number] = direction
            if direction == OUT and initial is not None and initial >= 0:
                self._host.write(number, initial)

    def output(self, channel: Channels, value: int | bool | Iterable[int | bool]) -> None:
        """Drive channels: one level for all, or one each."""
        channels = _each(channel)
        levels = list(value) if isinstance(value, list | tuple) else [value] * len(channels)
        if len(levels) != len(channels):
            raise RuntimeError(f"{len(channels)} channels and {len(levels)} levels")
        for one, level in zip(channels, levels, strict=True):
            number = self._ready(one)
            if self._directions[number] != OUT:
                raise RuntimeError(f"channel {one} is no output; call setup() first")
            self._host.write(number, bool(level))

    def input(self, channel: int) -> int:
        """Return the level of a channel."""
        return self._host.read(self._ready(channel))

    def gpio_function(self, channel: int) -> int:
        """Return IN or OUT, as the channel was set up; IN if it was not."""
        return self._directions.get(self._number(channel), IN)

    # ---- edges ------------------------------------------------------------------------------

    def wait_for_edge(
        self, channel: int, edge: int, bouncetime: int | None = None, timeout: float | None = None
    ) -> int | None:
        """Wait for an edge, at most `timeout` ms; return the channel, or None in time."""
        number = self._ready(channel, wants_input=True)
        if number in self._detected:
            raise RuntimeError(f"edges of channel {channel} are detected already")
        watch = self._watch(number, edge)
        try:
            limit_s = None if timeout is None else timeout * _MILLISECOND
            return channel if self._host.wait([watch], limit_s) else None
        finally:
            self._host.unwatch(watch)

    def add_event_detect(
        self,
        channel: int,
        edge: int,
        callback: Callable[[int], object] | None = None,
        bouncetime: int | None = None,
    ) -> None:
        """Detect edges from now on, and call `callback` with the channel at each."""
        number = self._ready(channel, wants_input=True)
        if number in self._detected:
            raise RuntimeError(f"edges of channel {channel} are detected already")
        self._callbacks[number] = [] if callback is None else [callback]

        def come(_: Edge) -> None:
            self._events.add(number)
            for call in tuple(self._callbacks.get(number, ())):
                call(channel)

        self._detected[number] = self._watch(number, edge, come)

    def add_event_callback(
        self, channel: int, callback: Callable[[int], object], bouncetime: int | None = None
    ) -> None:
        """Have `callback` called too."""
        number = self._ready(channel)
        if number not in self._detected:
            raise RuntimeError(f"channel {channel}: call add_event_detect() first")
        self._callbacks[number].append(callback)

    def event_detected(self, channel: int) -> bool:
        """Return True if an edge came since the last call."""
        number = self._ready(channel)
        self._host.read(number)  # a look, which costs time as any
        self._host.poll()
        was_there = number in self._events
        self._events.discard(number)
        return was_there

    def remove_event_detect(self, channel: int) -> None:
        """Detect no longer."""
        self._forget(self._number(channel))

    def cleanup(self, channel: Channels | None = None) -> None:
        """Let go of channels, or of all and of the numbering."""
        numbers = tuple(self._directions) if channel is None else map(self._number, _each(channel))
        for number in tuple(numbers):
            self._forget(number)
            self._directions.pop(number, None)
        if channel is None:
            self._numbering = None

    def PWM(self, channel: int, frequency: float) -> None:
        """Refuse."""
        raise NotImplementedError("PWM is not simulated")

    def _forget(self, number: int) -> None:
        watch = self._detected.pop(number, None)
        if watch is not None:
            self._host.unwatch(watch)
        self._callbacks.pop(number, None)
        self._events.discard(number)

    def _watch(
        self, number: int, edge: int, callback: Callable[[Edge], object] | None = None
    ) -> Watch:
        if edge not in (RISING, FALLING, BOTH):
            raise ValueError("unknown edge; expected GPIO.RISING, GPIO.FALLING or GPIO.BOTH")
        chip = self._host.wiring.chip_of_drdy(number)
        watch = Watch(number, chip, edge != FALLING, edge != RISING, depth=1, callback=callback)
        self._host.watch(watch)
        return watch

    def _ready(self, channel: int, *, wants_input: bool = False) -> int:
        number = self._number(channel)
        if number not in self._directions or (wants_input and self._directions[number] != IN):
            raise RuntimeError(
                f"channel {channel} is not set up{' as an input' if wants_input else ''}; "
                "call setup() first"
            )
        return number

    def _number(self, channel: int) -> int:
        if self._numbering is None:
            raise RuntimeError("no numbering; call setmode(GPIO.BCM) or setmode(GPIO.BOARD) first")
        number = HEADER.get(channel) if self._numbering == BOARD else channel
        if number is None or not 0 <= number <= 27:
            raise ValueError(f"channel {channel} does not exist on a Raspberry Pi")
        return number


def _each(channel: Channels) -> list[int]:
    return list(channel) if isinstance(channel, list | tuple) else [channel]


def make(host: Host) -> dict[str, ModuleType]:
    """Return the modules `RPi` and `RPi.GPIO` on a host."""
    module = ModuleType("RPi.GPIO", "A fake RPi.GPIO on a bench of emgrig.")
    functions = RpiGpio(host)
    for name in dir(functions):
        if not name.startswith("_"):
            setattr(module, name, getattr(functions, name))
    for name, value in CONSTANTS.items():
        setattr(module, name, value)
    package = ModuleType("RPi", "A fake RPi on a bench of emgrig.")
    package.__path__ = []
    package.GPIO = module  # type: ignore[attr-defined]
    return {"RPi": package, "RPi.GPIO": module}
