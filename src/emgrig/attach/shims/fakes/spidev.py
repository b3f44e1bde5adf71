"""A fake `spidev`, the Python module py-spidev 3.x, as its README documents it.

What its documentation leaves open is as the module does it on a Raspberry Pi: `xfer` is one
transfer with CS low all through, like `xfer2`; a byte is taken modulo 256; modes of the wire that
the Pi's controller lacks (`lsbfirst`, `threewire`, `loop`) are refused with EINVAL.
"""

import errno
import os
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import ClassVar, Final, Self, SupportsInt

from emgrig.attach.shims.host import Host

BUFFER_BYTES: Final = 4096  #: The kernel module's `bufsiz`.
DEFAULT_HZ: Final = 125_000_000  #: What a Raspberry Pi's device tree gives to /dev/spidev.
_MICROSECOND: Final = 1e-6


class SpiDev:
    """An SPI device of the wiring."""

    _host: ClassVar[Host]

    def __init__(self, bus: int | None = None, client: int | None = None) -> None:
        self._device: tuple[int, int] | None = None
        self._mode = 0
        self._is_cs_high = False
        self._has_no_cs = False
        self._max_speed_hz = DEFAULT_HZ
        if bus is not None and client is not None:
            self.open(bus, client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, bus: int, device: int) -> None:
        """Open ``/dev/spidevBUS.DEVICE``; FileNotFoundError if the wiring has none."""
        if not self._host.wiring.has_spi(bus, device):
            path = f"/dev/spidev{bus}.{device}"
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        self._device = (bus, device)

    def open_path(self, path: str | os.PathLike[str]) -> None:
        """Open a device by its path."""
        bus, _, device = os.fspath(path).removeprefix("/dev/spidev").partition(".")
        if not (bus.isdecimal() and device.isdecimal()):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", os.fspath(path))
        self.open(int(bus), int(device))

    def close(self) -> None:
        """Close it; a second call does nothing."""
        self._device = None

    def fileno(self) -> int:
        """Return -1: there is no file."""
        return -1

    # ---- settings ---------------------------------------------------------------------------

    @property
    def mode(self) -> int:
        """SPI mode, 0 to 3."""
        return self._mode

    @mode.setter
    def mode(self, value: int) -> None:
        if not 0 <= int(value) <= 3:
            raise TypeError(f"mode is {value}, expected 0 to 3")
        self._mode = int(value)

    @property
    def max_speed_hz(self) -> int:
        """Frequency of SCLK, Hz."""
        return self._max_speed_hz

    @max_speed_hz.setter
    def max_speed_hz(self, value: SupportsInt) -> None:
        if not 0 < int(value) <= 0xFFFFFFFF:
            raise _refused("max_speed_hz", int(value))
        self._max_speed_hz = int(value)

    @property
    def bits_per_word(self) -> int:
        """8; the Pi's controller has no other."""
        return 8

    @bits_per_word.setter
    def bits_per_word(self, value: int) -> None:
        if value not in (0, 8):
            raise _refused("bits_per_word", value)

    @property
    def cshigh(self) -> bool:
        """True: CS is low when idle and high in a transfer."""
        return self._is_cs_high

    @cshigh.setter
    def cshigh(self, value: bool) -> None:
        self._is_cs_high = bool(value)
        if (chip := self._chip()) is not None:
            self._host.drive_cs(chip, level=not value)

    @property
    def no_cs(self) -> bool:
        """True: the kernel leaves CS alone."""
        return self._has_no_cs

    @no_cs.setter
    def no_cs(self, value: bool) -> None:
        self._has_no_cs = bool(value)

    @property
    def lsbfirst(self) -> bool:
        """False: the most significant bit first."""
        return False

    @lsbfirst.setter
    def lsbfirst(self, value: bool) -> None:
        _refuse_true("lsbfirst", value)

    @property
    def threewire(self) -> bool:
        """False: MISO and MOSI are two lines."""
        return False

    @threewire.setter
    def threewire(self, value: bool) -> None:
        _refuse_true("threewire", value)

    @property
    def loop(self) -> bool:
        """False: no loop-back."""
        return False

    @loop.setter
    def loop(self, value: bool) -> None:
        _refuse_true("loop", value)

    # ---- transfers --------------------------------------------------------------------------

    def xfer(
        self,
        values: Sequence[SupportsInt],
        speed_hz: int = 0,
        delay_usec: int = 0,
        bits_per_word: int = 0,
    ) -> list[int]:
        """Send and receive with CS low all through; `delay_usec` is before CS goes high."""
        self.bits_per_word = bits_per_word
        mosi = _bytes(values, BUFFER_BYTES)
        return list(self._clock(mosi, speed_hz or self._max_speed_hz, delay_usec))

    xfer2 = xfer

    def xfer3(
        self,
        values: Sequence[SupportsInt],
        speed_hz: int = 0,
        delay_usec: int = 0,
        bits_per_word: int = 0,
    ) -> tuple[int, ...]:
        """As `xfer2`, of any length: CS goes high after each 4096 bytes."""
        self.bits_per_word = bits_per_word
        miso = bytearray()
        for mosi in _chunks(_bytes(values, None)):
            miso += self._clock(mosi, speed_hz or self._max_speed_hz, delay_usec)
        return tuple(miso)

    def readbytes(self, n: int) -> list[int]:
        """Receive `n` bytes; MOSI is low."""
        if not 0 < n <= BUFFER_BYTES:
            raise OverflowError(f"{n} bytes asked for, expected 1 to {BUFFER_BYTES}")
        return list(self._clock(bytes(n), self._max_speed_hz, 0))

    def writebytes(self, values: Sequence[SupportsInt]) -> None:
        """Send bytes; at most 4096."""
        self._clock(_bytes(values, BUFFER_BYTES), self._max_speed_hz, 0)

    def writebytes2(self, values: Sequence[SupportsInt] | bytes) -> None:
        """Send bytes of a list or a buffer, of any length; CS goes high after each 4096."""
        for mosi in _chunks(_bytes(values, None)):
            self._clock(mosi, self._max_speed_hz, 0)

    def _chip(self) -> int | None:
        if self._device is None:
            raise OSError(errno.EBADF, "Bad file descriptor: the SPI device is not open")
        return self._host.wiring.chip_of(*self._device)

    def _clock(self, mosi: bytes, sclk_hz: int, delay_usec: int) -> bytes:
        chip = self._chip()
        return self._host.transfer(
            mosi,
            chip=None if self._has_no_cs else chip,
            mode=self._mode,
            sclk_hz=sclk_hz,
            hold_s=delay_usec * _MICROSECOND,
            is_cs_high=self._is_cs_high,
        )


def _bytes(values: Iterable[SupportsInt], most: int | None) -> bytes:
    if isinstance(values, int | str) or not hasattr(values, "__len__"):
        raise TypeError(f"{type(values).__name__}: expected a list of bytes")
    made = bytes(values) if isinstance(values, bytes | bytearray) else None
    if made is None:
        made = bytes(int(value) & 0xFF for value in values)
    if not made:
        raise TypeError("the list is empty; expected at least one byte")
    if most is not None and len(made) > most:
        raise OverflowError(f"{len(made)} bytes, expected at most {most}")
    return made


def _chunks(mosi: bytes) -> list[bytes]:
    return [mosi[begin : begin + BUFFER_BYTES] for begin in range(0, len(mosi), BUFFER_BYTES)]


def _refused(name: str, value: object) -> OSError:
    return OSError(errno.EINVAL, f"Invalid argument: {name} = {value}")


def _refuse_true(name: str, value: object) -> None:
    if value:
        raise _refused(name, value)


def make(host: Host) -> ModuleType:
    """Return a module `spidev` on a host."""
    module = ModuleType("spidev", "A fake spidev on a bench of emgrig.")
    module.SpiDev = type("SpiDev", (SpiDev,), {"_host": host})  # type: ignore[attr-defined]
    module.__version__ = "3.8"  # type: ignore[attr-defined]
    module.__bench__ = host  # type: ignore[attr-defined] # says that it is none, and whose time it is
    return module
