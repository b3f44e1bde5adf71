"""GPIO's device files, for scripts that speak to the kernel themselves.

``/dev/gpiochipN`` and the first interface of its ioctls (include/uapi/linux/gpio.h): chip info,
line info, line handles, their values. Events and the second interface are refused with EINVAL and
a line that says so.
"""

import errno
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from emgrig.attach.shims.host import Host

GET_CHIPINFO: Final = 0x8044B401
GET_LINEINFO: Final = 0xC048B402
GET_LINEHANDLE: Final = 0xC16CB403
GET_LINE_VALUES: Final = 0xC040B408
SET_LINE_VALUES: Final = 0xC040B409
_MOST_LINES: Final = 64
_IN, _OUT, _ACTIVE_LOW = 1, 2, 4
_LINES_AT, _FLAGS_AT, _DEFAULTS_AT, _COUNT_AT, _FD_AT = 0, 256, 260, 356, 360
_N_LINES: Final = 54


class GpioFiles:
    """What `os.open`, `os.close` and `fcntl.ioctl` do for GPIO chips while it is in front."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._open_really = os.open
        self._close_really = os.close
        self._chips: set[int] = set()
        self._handles: dict[int, tuple[list[int], int]] = {}

    @contextmanager
    def in_front(self) -> Iterator[None]:
        """Take the place of the real ones."""
        try:
            import fcntl
        except ImportError:  # not on Windows: a script that needs it cannot run there
            yield
            return
        self._ioctl_really: Callable[..., Any] = fcntl.ioctl
        with (
            mock.patch.object(os, "open", self.open),
            mock.patch.object(os, "close", self.close),
            mock.patch.object(fcntl, "ioctl", self.ioctl),
        ):
            yield
        for fd in (*self._chips, *self._handles):
            self._close_really(fd)

    def open(self, path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        """Open a file; a GPIO chip of the wiring is ours."""
        text = path if isinstance(path, str) else ""
        if not text.startswith("/dev/gpiochip"):
            return self._open_really(path, flags, *args, **kwargs)
        if text.removeprefix("/dev/") not in self._host.wiring.gpio_chips:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", text)
        fd = self._a_file()
        self._chips.add(fd)
        return fd

    def close(self, fd: int) -> None:
        """Close a file."""
        self._chips.discard(fd)
        self._handles.pop(fd, None)
        self._close_really(fd)

    def ioctl(self, fd: Any, request: int, arg: Any = 0, mutate_flag: bool = True) -> Any:
        """Answer for GPIO; others are the kernel's."""
        number = fd if isinstance(fd, int) else fd.fileno()
        if number in self._chips:
            return self._of_chip(request & 0xFFFFFFFF, arg)
        if number in self._handles:
            return self._of_lines(number, request & 0xFFFFFFFF, arg)
        return self._ioctl_really(fd, request, arg, mutate_flag)

    def _of_chip(self, request: int, arg: Any) -> int:
        if request == GET_CHIPINFO:
            struct.pack_into("32s32sI", arg, 0, b"gpiochip", b"emgrig bench", _N_LINES)
        elif request == GET_LINEINFO:
            (offset,) = struct.unpack_from("I", arg)
            name = f"GPIO{offset}".encode()
            struct.pack_into("II32s32s", arg, 0, offset, 0, name, b"")
        elif request == GET_LINEHANDLE:
            struct.pack_into("i", arg, _FD_AT, self._take_lines(arg))
        else:
            raise _unknown(request)
        return 0

    def _take_lines(self, arg: Any) -> int:
        (n,) = struct.unpack_from("I", arg, _COUNT_AT)
        (flags,) = struct.unpack_from("I", arg, _FLAGS_AT)
        if not 1 <= n <= _MOST_LINES:
            raise OSError(errno.EINVAL, f"Invalid argument: {n} lines")
        lines = list(struct.unpack_from(f"{n}I", arg, _LINES_AT))
        if flags & _OUT:
            for index, line in enumerate(lines):
                self._host.write(line, bool(arg[_DEFAULTS_AT + index]) ^ bool(flags & _ACTIVE_LOW))
        fd = self._a_file()
        self._handles[fd] = (lines, flags)
        return fd

    def _of_lines(self, fd: int, request: int, arg: Any) -> int:
        lines, flags = self._handles[fd]
        flip = bool(flags & _ACTIVE_LOW)
        if request == GET_LINE_VALUES:
            for index, line in enumerate(lines):
                arg[index] = self._host.read(line) ^ flip
        elif request == SET_LINE_VALUES:
            if not flags & _OUT:
                raise OSError(errno.EPERM, "Operation not permitted: the lines are no outputs")
            for index, line in enumerate(lines):
                self._host.write(line, bool(arg[index]) ^ flip)
        else:
            raise _unknown(request)
        return 0

    def _a_file(self) -> int:
        return self._open_really(os.devnull, os.O_RDWR)


def _unknown(request: int) -> OSError:
    return OSError(errno.EINVAL, f"Invalid argument: ioctl {request:#010x} is not simulated")
