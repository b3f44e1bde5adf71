"""spidev and gpiod 2: the one module that knows them, and puts their errors into words."""

import errno
import time
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple, NoReturn

from emgrig.errors import TransportError
from emgrig.extras import require
from emgrig.gateways.spi.wiring import Gpio, Wiring

COMMAND_SCLK_HZ: Final = 1_000_000
"""Without pauses between bytes SCLK may be 2 MHz at the most: tSDECODE (SBAS499C, 9.5.3)."""
EVENT_BUFFER: Final = 1024  #: Edges that the kernel keeps; more it does not (gpio-v2 uAPI).
_HEADERS: Final = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835", "pinctrl-bcm2712")
_SEE: Final = "docs/raspberry-pi.md"


class Edge(NamedTuple):
    """DRDY of a chip fell."""

    chip: int  #: 0 is the first.
    number: int  #: The kernel's count of this line's edges, modulo 2**32.
    at_ns: int  #: The kernel's time of it, CLOCK_MONOTONIC.


class Hardware:
    """The SPI devices and GPIO lines of a wiring, open.

    Raises
    ------
    MissingExtra
        If spidev or gpiod is not installed.
    TransportError
        If something cannot be opened; the message says what to do.
    """

    def __init__(self, wiring: Wiring) -> None:
        spidev = require("spidev", "spi", "a board on this machine's SPI bus")
        self._gpiod = _gpiod()
        bench = getattr(spidev, "__bench__", None)
        self.is_simulated = bench is not None  #: On a bench of `emgrig attach`.
        self.is_virtual = bool(getattr(bench, "is_virtual", False))
        self.was_off = False  #: True: RESET or PWDN was low until now.
        self._wiring = wiring
        self._buses: list[Any] = []
        self._requests: list[Any] = []
        try:
            for chip in wiring.chips:
                self._buses.append(_open_spi(spidev, chip.device, wiring.sclk_hz))
            self._drdy = self._ask_for_drdy()
            self._outputs = self._ask_for_outputs()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of everything; a second call does nothing."""
        for request in self._requests:
            request.release()
        for bus in self._buses:
            bus.close()
        self._requests, self._buses = [], []

    def now_ns(self) -> int:
        """Now, on the clock of the edges."""
        return time.monotonic_ns()

    def sleep(self, duration_s: float) -> None:
        """Wait."""
        time.sleep(duration_s)

    def transfer(self, chip: int, mosi: list[int], *, is_command: bool) -> bytes:
        """Do one transfer with one chip; return MISO."""
        cs = self._wiring.chips[chip].cs
        sclk_hz = min(COMMAND_SCLK_HZ, self._wiring.sclk_hz) if is_command else 0
        try:
            if cs is None:
                return bytes(self._buses[chip].xfer2(mosi, sclk_hz))
            self.drive(cs, level=False)
            try:
                return bytes(self._buses[chip].xfer2(mosi, sclk_hz))
            finally:
                self.drive(cs, level=True)
        except OSError as error:
            device = self._wiring.chips[chip].device
            raise TransportError(f"{device}: a transfer failed: {_why(error)}") from error

    def drive(self, line: Gpio, *, level: bool) -> None:
        """Drive a line that is one of the wiring's outputs."""
        value = self._gpiod.line.Value
        try:
            self._outputs[line].set_value(line.offset, value.ACTIVE if level else value.INACTIVE)
        except OSError as error:
            raise TransportError(f"GPIO {line} cannot be driven: {_why(error)}") from error

    def edges(self, timeout_s: float) -> list[Edge]:
        """Wait for falls of DRDY, at most `timeout_s`, and return those that came, in order."""
        try:
            if not self._drdy.wait_edge_events(timeout_s):
                return []
            came = self._drdy.read_edge_events()
        except OSError as error:
            raise TransportError(f"the line of DRDY is lost: {_why(error)}") from error
        return [
            Edge(self._chip_of[event.line_offset], event.line_seqno, event.timestamp_ns)
            for event in came
        ]

    # ---- opening ------------------------------------------------------------------------------

    def _ask_for_drdy(self) -> Any:
        lines = [chip.drdy for chip in self._wiring.chips]
        self._chip_of = {line.offset: number for number, line in enumerate(lines)}
        module = self._gpiod.line
        settings = self._gpiod.LineSettings(
            direction=module.Direction.INPUT, edge_detection=module.Edge.FALLING
        )
        return self._request(lines, settings, event_buffer_size=EVENT_BUFFER)

    def _ask_for_outputs(self) -> dict[Gpio, Any]:
        """Drive all outputs as they are between transfers: START low, all others high."""
        wiring, line = self._wiring, self._gpiod.line
        chip_selects = [chip.cs for chip in wiring.chips]
        known = [one for one in (wiring.start, wiring.reset, wiring.pwdn, *chip_selects) if one]
        made: dict[Gpio, Any] = {}
        as_is = self._gpiod.LineSettings(direction=line.Direction.AS_IS)
        low, high = (
            self._gpiod.LineSettings(direction=line.Direction.OUTPUT, output_value=value)
            for value in (line.Value.INACTIVE, line.Value.ACTIVE)
        )
        for name in dict.fromkeys(one.chip for one in known):
            own = [one for one in known if one.chip == name]
            request = self._request(own, as_is)
            for one in own:
                if one in (wiring.reset, wiring.pwdn):
                    self.was_off |= request.get_value(one.offset) is line.Value.INACTIVE
            # all at once: gpiod 2.5 gives lines that are not named their defaults
            request.reconfigure_lines(
                {one.offset: low if one == wiring.start else high for one in own}
            )
            made.update(dict.fromkeys(own, request))
        return made

    def _request(self, lines: list[Gpio], settings: Any, **options: int) -> Any:
        name = lines[0].chip or self._header()
        path = f"/dev/{name}"
        offsets = tuple(line.offset for line in lines)
        try:
            request = self._gpiod.request_lines(
                path, consumer="emgrig", config={offsets: settings}, **options
            )
        except (OSError, ValueError) as error:
            _refuse_gpio(path, offsets, error)
        self._requests.append(request)
        return request

    def _header(self) -> str:
        """Return the GPIO chip that the header of a Raspberry Pi is on; else the first."""
        here = sorted(path.name for path in Path("/dev").glob("gpiochip*"))
        for name in here:
            try:
                with self._gpiod.Chip(f"/dev/{name}") as chip:
                    if chip.get_info().label in _HEADERS:
                        return name
            except OSError:
                continue
        return "gpiochip0"


def _gpiod() -> ModuleType:
    gpiod = require("gpiod", "spi", "a board on this machine's SPI bus")
    if not hasattr(gpiod, "request_lines"):
        version = getattr(gpiod, "__version__", "1")
        raise TransportError(
            f"gpiod {version} is installed, which is another interface; expected 2.1 or newer: "
            "pip install 'gpiod>=2.1'"
        )
    require("gpiod.line", "spi", "a board on this machine's SPI bus")
    return gpiod


def _open_spi(spidev: ModuleType, path: str, sclk_hz: int) -> Any:
    bus = spidev.SpiDev()
    try:
        bus.open_path(path)
        bus.mode = 1
        bus.max_speed_hz = sclk_hz
    except OSError as error:
        bus.close()
        raise TransportError(f"{path}: {_spi_words(error)}") from error
    return bus


def _spi_words(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        there = sorted(map(str, Path("/dev").glob("spidev*")))
        if there:
            return f"there is no such device; there are {', '.join(there)}"
        return (
            "there is no SPI device: switch SPI on (sudo raspi-config nonint do_spi 0) and start "
            f"the machine anew, or load the kernel's module spidev; {_SEE}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            "no permission: sudo usermod -aG spi,gpio $USER, then log in again; or the udev rule "
            f"of {_SEE}"
        )
    return f"cannot be opened: {_why(error)}"


def _refuse_gpio(path: str, offsets: Iterable[int], error: OSError | ValueError) -> NoReturn:
    lines = ", ".join(map(str, offsets))
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ENOENT:
        there = sorted(str(one) for one in Path("/dev").glob("gpiochip*"))
        words = f"there is no such GPIO chip; there are {', '.join(there) or 'none'}; {_SEE}"
    elif code in (errno.EACCES, errno.EPERM):
        words = f"no permission: sudo usermod -aG gpio $USER, then log in again; {_SEE}"
    elif code == errno.EBUSY:
        words = f"of the lines {lines} another program holds one; end it (gpioinfo says which)"
    elif code == errno.EINVAL:
        words = f"has no lines {lines} that can be used so; is it the right GPIO chip?"
    else:
        words = f"lines {lines} cannot be had: {_why(error)}"
    raise TransportError(f"{path}: {words}") from error


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
