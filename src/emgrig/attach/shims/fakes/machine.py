"""A fake `machine` of MicroPython: `SPI`, `SoftSPI` and `Pin`, as its documentation has them.

CS is a pin like the others, driven by the script. Handlers of `Pin.irq` run between the script's
own calls, never inside one.
"""

from collections.abc import Callable
from types import ModuleType
from typing import ClassVar, Final

from emgrig.attach.shims.edges import Edge, Watch
from emgrig.attach.shims.host import Host

DEFAULT_BAUD: Final = 1_000_000


class Pin:
    """A pin of the microcontroller."""

    _host: ClassVar[Host]
    IN: ClassVar[int] = 0
    OUT: ClassVar[int] = 1
    OPEN_DRAIN: ClassVar[int] = 2
    PULL_UP: ClassVar[int] = 1
    PULL_DOWN: ClassVar[int] = 2
    IRQ_RISING: ClassVar[int] = 8
    IRQ_FALLING: ClassVar[int] = 4

    def __init__(
        self,
        id: int | str,
        mode: int = -1,
        pull: int = -1,
        *,
        value: int | None = None,
    ) -> None:
        digits = str(id).removeprefix("GP").removeprefix("GPIO")
        if not digits.isdecimal():
            raise ValueError(f"pin {id!r}; expected a number, or GP and a number")
        self._number = int(digits)
        self._watch: Watch | None = None
        self.init(mode, pull, value=value)

    def init(self, mode: int = -1, pull: int = -1, *, value: int | None = None) -> None:
        """Make it an input or an output."""
        if value is not None:
            self._host.write(self._number, value)

    def value(self, x: int | None = None) -> int | None:
        """Return its level, or drive it."""
        if x is None:
            return self._host.read(self._number)
        self._host.write(self._number, bool(x))
        return None

    __call__ = value

    def on(self) -> None:
        """Drive it high."""
        self.value(1)

    def off(self) -> None:
        """Drive it low."""
        self.value(0)

    high = on
    low = off

    def toggle(self) -> None:
        """Drive it to the other level."""
        self.value(not self._host.written(self._number))

    def irq(
        self,
        handler: "Callable[[Pin], object] | None" = None,
        trigger: int = IRQ_FALLING | IRQ_RISING,
        *,
        priority: int = 1,
        wake: int | None = None,
        hard: bool = False,
    ) -> "Pin":
        """Have `handler` called with the pin at edges; None ends it."""
        if self._watch is not None:
            self._host.unwatch(self._watch)
            self._watch = None
        if handler is not None:
            call = handler

            def come(_: Edge) -> None:
                call(self)

            rising, falling = bool(trigger & self.IRQ_RISING), bool(trigger & self.IRQ_FALLING)
            chip = self._host.wiring.chip_of_drdy(self._number)
            self._watch = Watch(self._number, chip, rising, falling, depth=1, callback=come)
            self._host.watch(self._watch)
        return self


class Spi:
    """An SPI controller; `SPI` and `SoftSPI` there."""

    _host: ClassVar[Host]
    MSB: ClassVar[int] = 0
    LSB: ClassVar[int] = 1
    CONTROLLER: ClassVar[int] = 0
    MASTER: ClassVar[int] = 0

    def __init__(
        self,
        id: int = 0,
        baudrate: int = DEFAULT_BAUD,
        *,
        polarity: int = 0,
        phase: int = 0,
        bits: int = 8,
        firstbit: int = MSB,
        sck: object = None,
        mosi: object = None,
        miso: object = None,
    ) -> None:
        self.init(baudrate, polarity=polarity, phase=phase, bits=bits, firstbit=firstbit)

    def init(
        self,
        baudrate: int = DEFAULT_BAUD,
        *,
        polarity: int = 0,
        phase: int = 0,
        bits: int = 8,
        firstbit: int = MSB,
        sck: object = None,
        mosi: object = None,
        miso: object = None,
    ) -> None:
        """Set it up; ValueError for words that are not 8 bits or begin with the lowest."""
        if bits != 8 or firstbit != self.MSB:
            raise ValueError("only words of 8 bits, the most significant first, are simulated")
        if polarity not in (0, 1) or phase not in (0, 1) or not baudrate > 0:
            raise ValueError("expected polarity and phase of 0 or 1, and a baudrate above 0")
        self._baudrate = baudrate
        self._mode = polarity << 1 | phase

    def deinit(self) -> None:
        """Let go of it."""

    def read(self, nbytes: int, write: int = 0) -> bytes:
        """Receive bytes while `write` is sent."""
        return self._clock(bytes([write]) * nbytes)

    def readinto(self, buf: bytearray | memoryview, write: int = 0) -> None:
        """Fill a buffer while `write` is sent."""
        buf[:] = self._clock(bytes([write]) * len(buf))

    def write(self, buf: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        self._clock(bytes(buf))

    def write_readinto(
        self, write_buf: bytes | bytearray | memoryview, read_buf: bytearray | memoryview
    ) -> None:
        """Send one buffer and fill another of the same length."""
        if len(write_buf) != len(read_buf):
            raise ValueError("buffers must be the same length")
        read_buf[:] = self._clock(bytes(write_buf))

    def _clock(self, mosi: bytes) -> bytes:
        if not mosi:
            return b""
        return self._host.transfer(mosi, chip=None, mode=self._mode, sclk_hz=self._baudrate)


def make(host: Host) -> dict[str, ModuleType]:
    """Return the modules `machine` and `micropython` on a host."""
    module = ModuleType("machine", "A fake machine on a bench of emgrig.")
    spi = type("SPI", (Spi,), {"_host": host})
    module.__dict__.update(
        Pin=type("Pin", (Pin,), {"_host": host}),
        SPI=spi,
        SoftSPI=type("SoftSPI", (spi,), {}),
        freq=lambda *_: 125_000_000,
        idle=lambda: host.sleep(1e-4),
        disable_irq=lambda: 0,
        enable_irq=lambda _state: None,
    )

    def as_it_is(value: object) -> object:
        return value

    words = ModuleType("micropython", "A fake micropython.")
    words.__dict__.update(
        const=as_it_is,
        native=as_it_is,
        viper=as_it_is,
        alloc_emergency_exception_buf=lambda _size: None,
        schedule=lambda call, argument: call(argument),
    )
    return {"machine": module, "micropython": words}
