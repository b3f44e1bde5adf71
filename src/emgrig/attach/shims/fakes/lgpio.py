"""A fake `lgpio` 0.2, as its documentation has it: lines, alerts, and SPI.

As there, which edges come is said by `gpio_claim_alert` alone, whatever `callback` is told, and
only a callback without a function counts. Debouncing is taken and changes nothing.
"""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Final

from emgrig.attach.shims.edges import Edge, Watch
from emgrig.attach.shims.fakes.gpiod2 import N_LINES
from emgrig.attach.shims.host import Host

RISING_EDGE: Final = 1
FALLING_EDGE: Final = 2
BOTH_EDGES: Final = 3
SET_ACTIVE_LOW: Final = 4
CONSTANTS: Final = {
    "RISING_EDGE": RISING_EDGE, "FALLING_EDGE": FALLING_EDGE, "BOTH_EDGES": BOTH_EDGES, "LOW": 0,
    "HIGH": 1, "TIMEOUT": 2, "SET_ACTIVE_LOW": SET_ACTIVE_LOW, "SET_OPEN_DRAIN": 8,
    "SET_OPEN_SOURCE": 16, "SET_PULL_UP": 32, "SET_PULL_DOWN": 64, "SET_PULL_NONE": 128,
    "OFF": 0, "ON": 1, "CLEAR": 0, "SET": 1, "SPI_MODE_0": 0, "SPI_MODE_1": 1, "SPI_MODE_2": 2,
    "SPI_MODE_3": 3, "OKAY": 0, "GPIO_BUSY": -79,
}  # fmt: skip
DEPTH: Final = 1024  #: Edges that the library keeps for its callbacks.
#: Bits of `gpio_get_mode`.
_IN_USE: Final = 1
_OUTPUT: Final = 2
_KINDS: Final = {"input": 1 << 8, "output": 1 << 9, "alert": 1 << 10}
_EDGES_AT: Final = 17

Callback = Callable[[int, int, int, int], object]


class error(Exception):
    """What lgpio raises."""


class Alert:
    """A callback that was asked for."""

    def __init__(self, host: Host, cancel: Callable[[], None]) -> None:
        self._host = host
        self._cancel = cancel
        self.n = 0

    def cancel(self) -> None:
        """Call no longer."""
        self._cancel()

    def tally(self) -> int:
        """Return how many edges came since the last reset."""
        self._host.look_at_clock()  # a loop that waits for it lets time pass
        return self.n

    def reset_tally(self) -> None:
        """Count from 0 again."""
        self.n = 0


class Lgpio:
    """The module's functions on one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._n_handles = 0
        self._chips: set[int] = set()
        self._lines: dict[tuple[int, int], tuple[str, int]] = {}
        self._edges: dict[tuple[int, int], int] = {}
        self._spis: dict[int, tuple[int, int, int, int]] = {}

    def gpiochip_open(self, gpiochip: int) -> int:
        """Open a GPIO chip by its number; return its handle."""
        if f"gpiochip{gpiochip}" not in self._host.wiring.gpio_chips:
            raise error(f"can not open gpiochip {gpiochip}: there is none in the wiring")
        self._n_handles += 1
        self._chips.add(self._n_handles)
        return self._n_handles

    def gpiochip_close(self, handle: int) -> int:
        """Close a chip."""
        self._check(handle)
        self._chips.discard(handle)
        return 0

    def gpio_claim_input(self, handle: int, gpio: int, lFlags: int = 0) -> int:
        """Take a line as an input."""
        self._claim(handle, gpio, "input", lFlags)
        return 0

    def gpio_claim_output(self, handle: int, gpio: int, level: int = 0, lFlags: int = 0) -> int:
        """Take a line as an output, and drive it."""
        self._claim(handle, gpio, "output", lFlags)
        self.gpio_write(handle, gpio, level)
        return 0

    def gpio_claim_alert(
        self,
        handle: int,
        gpio: int,
        eFlags: int,
        lFlags: int = 0,
        notify_handle: int | None = None,
    ) -> int:
        """Take a line as an input whose edges are told."""
        if eFlags not in (RISING_EDGE, FALLING_EDGE, BOTH_EDGES):
            raise error(f"bad edge {eFlags}; expected RISING_EDGE, FALLING_EDGE or BOTH_EDGES")
        self._claim(handle, gpio, "alert", lFlags)
        self._edges[handle, gpio] = eFlags
        return 0

    def gpio_get_mode(self, handle: int, gpio: int) -> int:
        """Return how a line is used, as bits."""
        self._check(handle)
        kind, flags = self._lines.get((handle, gpio), ("", 0))
        if not kind:
            return 0
        made = _IN_USE | (_OUTPUT if kind == "output" else 0) | flags | _KINDS[kind]
        return made | self._edges.get((handle, gpio), 0) << _EDGES_AT

    def gpio_get_chip_info(self, handle: int) -> list[int | str]:
        """Return 0, how many lines the chip has, its name and what it is."""
        self._check(handle)
        return [0, N_LINES, self._host.wiring.gpio_chips[0], "emgrig bench"]

    def gpio_set_debounce_micros(self, handle: int, gpio: int, debounce_micros: int) -> int:
        """Take the wish: nothing bounces here."""
        self._check(handle)
        return 0

    def error_text(self, errnum: int) -> str:
        """Say an error in words."""
        return f"lgpio error {errnum}"

    def gpio_free(self, handle: int, gpio: int) -> int:
        """Let go of a line."""
        self._lines.pop((handle, gpio), None)
        self._edges.pop((handle, gpio), None)
        return 0

    def gpio_read(self, handle: int, gpio: int) -> int:
        """Return the level of a line; one that was not taken is taken as an input."""
        self._check(handle)
        _, flags = self._lines.setdefault((handle, gpio), ("input", 0))
        return self._host.read(gpio) ^ bool(flags & SET_ACTIVE_LOW)

    def gpio_write(self, handle: int, gpio: int, level: int) -> int:
        """Drive a line; one that was not taken is taken as an output."""
        self._check(handle)
        kind, flags = self._lines.setdefault((handle, gpio), ("output", 0))
        if kind != "output":
            raise error(f"GPIO {gpio} is no output")
        self._host.write(gpio, bool(level) ^ bool(flags & SET_ACTIVE_LOW))
        return 0

    def callback(
        self, handle: int, gpio: int, edge: int = RISING_EDGE, func: Callback | None = None
    ) -> Alert:
        """Have `func` called with chip, line, level and time in ns at each edge; else count."""
        self._check(handle)
        wanted = self._edges.get((handle, gpio), 0)

        def come(seen: Edge) -> None:
            if func is None:
                alert.n += 1
            else:
                func(handle, gpio, int(seen.is_rising), self._host.stamp_ns(seen))

        watch = Watch(
            gpio,
            self._host.wiring.chip_of_drdy(gpio),
            bool(wanted & RISING_EDGE),
            bool(wanted & FALLING_EDGE),
            depth=DEPTH,
            callback=come,
        )
        alert = Alert(self._host, lambda: self._host.unwatch(watch))
        if wanted:  # without gpio_claim_alert nothing ever comes, there as here
            self._host.watch(watch)
        return alert

    # ---- SPI --------------------------------------------------------------------------------

    def spi_open(self, spi_device: int, spi_channel: int, baud: int, spi_flags: int = 0) -> int:
        """Open an SPI device; the low two bits of `spi_flags` are the mode."""
        if not self._host.wiring.has_spi(spi_device, spi_channel):
            raise error(
                f"can not open SPI device {spi_device}.{spi_channel}: there is none in the wiring"
            )
        if baud <= 0:
            raise error(f"bad SPI speed {baud}")
        self._n_handles += 1
        self._spis[self._n_handles] = (spi_device, spi_channel, baud, spi_flags & 3)
        return self._n_handles

    def spi_close(self, handle: int) -> int:
        """Close an SPI device."""
        self._spi(handle)
        del self._spis[handle]
        return 0

    def spi_read(self, handle: int, count: int) -> tuple[int, bytearray]:
        """Receive bytes; return how many, and them."""
        return self.spi_xfer(handle, bytes(count))

    def spi_write(self, handle: int, data: bytes | str | Sequence[int]) -> int:
        """Send bytes; return how many."""
        return self.spi_xfer(handle, data)[0]

    def spi_xfer(self, handle: int, data: bytes | str | Sequence[int]) -> tuple[int, bytearray]:
        """Send and receive; return how many bytes, and those received."""
        bus, device, baud, mode = self._spi(handle)
        mosi = data.encode("latin-1") if isinstance(data, str) else bytes(data)
        chip = self._host.wiring.chip_of(bus, device)
        miso = self._host.transfer(mosi, chip=chip, mode=mode, sclk_hz=baud)
        return len(miso), bytearray(miso)

    def _spi(self, handle: int) -> tuple[int, int, int, int]:
        if handle not in self._spis:
            raise error(f"unknown handle {handle}")
        return self._spis[handle]

    def _check(self, handle: int) -> None:
        if handle not in self._chips:
            raise error(f"unknown handle {handle}")

    def _claim(self, handle: int, gpio: int, kind: str, flags: int) -> None:
        self._check(handle)
        self._lines[handle, gpio] = (kind, flags)
        self._edges.pop((handle, gpio), None)


def make(host: Host) -> ModuleType:
    """Return a module `lgpio` on a host."""
    module = ModuleType("lgpio", "A fake lgpio on a bench of emgrig.")
    functions = Lgpio(host)
    for name in dir(functions):
        if not name.startswith("_"):
            setattr(module, name, getattr(functions, name))
    module.__dict__.update(CONSTANTS, error=error)
    return module
