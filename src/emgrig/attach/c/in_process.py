"""A shared library of firmware in this process: its calls come here without a socket."""

import ctypes
from collections.abc import Callable
from ctypes import (
    CFUNCTYPE,
    POINTER,
    c_char_p,
    c_double,
    c_int,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
    memmove,
    string_at,
)
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from emgrig.attach.bench import Bench
from emgrig.errors import RecordingError

_NO: Final = -1

_FUNCTIONS: Final = {  # in the order of emgrig_host
    "advance_us": CFUNCTYPE(c_int, c_double),
    "wait_drdy": CFUNCTYPE(c_int, c_int, c_int, c_double),
    "set_cs": CFUNCTYPE(c_int, c_int, c_int),
    "byte": CFUNCTYPE(c_int, c_int, c_int, c_double),
    "exchange": CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_int, c_double),
    "transfer": CFUNCTYPE(c_int, c_int, c_void_p, c_void_p, c_size_t, c_int, c_double),
    "wait_transfer": CFUNCTYPE(
        c_int, c_int, c_int, c_double, c_void_p, c_void_p, c_size_t, c_int, c_double
    ),
    "pin_set": CFUNCTYPE(c_int, c_int, c_char_p, c_int),
    "pin_get": CFUNCTYPE(c_int, c_int, c_char_p),
    "drdy_count": CFUNCTYPE(c_int64, c_int),
    "claim": CFUNCTYPE(c_int, c_int, c_double),
    "error": CFUNCTYPE(c_void_p),
}


class _Host(ctypes.Structure):
    """`emgrig_host` of emgrig_chip.h."""

    _fields_ = (
        ("size", c_size_t),
        ("now_us", POINTER(c_double)),
        ("falls", POINTER(c_uint32)),
        ("call_us", c_double),
        *_FUNCTIONS.items(),
    )


class Firmware:
    """A shared library that was built with emgrig_chip.c, and the bench that it runs on.

    Its functions are called with `call`. While one runs, nothing else in this process does.

    Parameters
    ----------
    bench : Bench
        Which.
    path : path-like
        The shared library. Loading the same file twice gives the same variables: copy it, or start
        anew, for a second bench.

    Raises
    ------
    RecordingError
        If it cannot be loaded, or was built without emgrig_chip.c or with another version of it.
    """

    def __init__(self, bench: Bench, path: str | PathLike[str]) -> None:
        self.bench = bench
        self._first_error: BaseException | None = None
        self._now_us, self._falls = c_double(bench.now_s * 1e6), c_uint32(bench.n_drdy_falls)
        self._text = ctypes.create_string_buffer(512)
        try:
            #: The library itself, for what `call` cannot say.
            self.library = ctypes.PyDLL(str(Path(path).resolve()))
            set_host = self.library.emgrig_set_host
        except (OSError, AttributeError) as error:
            text = f"{fspath(path)} is no library with emgrig_chip.c in it: {error}"
            raise RecordingError(text) from error
        verbs = [form(getattr(self, f"_{name}")) for name, form in _FUNCTIONS.items()]
        self._host = _Host(
            ctypes.sizeof(_Host),
            ctypes.pointer(self._now_us),
            ctypes.pointer(self._falls),
            bench.options.processor.call_s * 1e6,
            *verbs,
        )
        set_host.argtypes = [c_void_p]
        if set_host(ctypes.addressof(self._host)) != 0:
            text = f"{fspath(path)} was built with another version of emgrig_chip.h; write it anew"
            raise RecordingError(text)

    def call(self, name: str, *arguments: object) -> int:
        """Call a function of the library that returns an int or nothing.

        Parameters
        ----------
        name : str
            Of the function.
        arguments : int, bytes, or ctypes values
            What it takes.

        Returns
        -------
        int
            What it returned; chance if it returns nothing.

        Raises
        ------
        AttributeError
            If there is no such function.
        ValueError
            If the firmware asked for what cannot be, once the function has returned: the first
            such error; the call of emgrig_chip.h returned -1.
        """
        result = int(getattr(self.library, name)(*arguments))
        self._now_us.value = self.bench.now_s * 1e6
        error, self._first_error = self._first_error, None
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Let go of the bench; a call of the library finds none then."""
        self.library.emgrig_set_host(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, what: BaseException | None, at: TracebackType | None
    ) -> None:
        """Let go of the bench."""
        self.close()

    # ---- what C calls; see emgrig_chip.h for what is returned -------------------------------

    def _do(self, verb: Callable[[], int | None]) -> int:
        """Do it; no exception can pass through C."""
        try:
            result = verb() or 0
        except BaseException as error:
            return self._refuse(error)
        self._now_us.value = self.bench.now_s * 1e6
        self._falls.value = self.bench.n_drdy_falls
        return result

    def _refuse(self, error: BaseException) -> int:
        self._first_error = self._first_error or error
        self._text.value = str(error).encode()[:511]
        return _NO

    def _advance_us(self, duration_us: float) -> int:
        return self._do(lambda: self.bench.advance(duration_us * 1e-6))

    def _wait_drdy(self, chip: int, edge: int, timeout_us: float) -> int:
        try:
            bench = self.bench
            seen = bench.wait_drdy(chip, timeout_s=timeout_us * 1e-6, edge=edge != 0)
            self._now_us.value = bench.now_s * 1e6
            self._falls.value = bench.n_drdy_falls
        except BaseException as error:
            return self._refuse(error)
        return int(seen)

    def _set_cs(self, chip: int, level: int) -> int:
        bench = self.bench
        return self._do(lambda: bench.deselect(chip) if level else bench.select(chip))

    def _byte(self, mosi: int, mode: int, sclk_hz: float) -> int:
        try:
            bench = self.bench
            miso = bench.byte(mosi, mode=mode, sclk_hz=sclk_hz)
            self._now_us.value = bench.now_s * 1e6
            self._falls.value = bench.n_drdy_falls
        except BaseException as error:
            return self._refuse(error)
        return miso

    def _exchange(self, tx: int | None, rx: int | None, n: int, mode: int, sclk_hz: float) -> int:
        def verb() -> None:
            mosi = string_at(tx, n) if tx else bytes(n)
            miso = self.bench.exchange(mosi, mode=mode, sclk_hz=sclk_hz)
            if rx:
                memmove(rx, miso, n)

        return self._do(verb)

    def _transfer(
        self, chip: int, tx: int | None, rx: int | None, n: int, mode: int, sclk_hz: float
    ) -> int:
        try:
            bench = self.bench
            mosi = string_at(tx, n) if tx else bytes(n)
            miso = bench.transfer(mosi, chip=chip, mode=mode, sclk_hz=sclk_hz)
            if rx:
                memmove(rx, miso, n)
            self._now_us.value = bench.now_s * 1e6
            self._falls.value = bench.n_drdy_falls
        except BaseException as error:
            return self._refuse(error)
        return 0

    def _wait_transfer(
        self,
        chip: int,
        edge: int,
        timeout_us: float,
        tx: int | None,
        rx: int | None,
        n: int,
        mode: int,
        sclk_hz: float,
    ) -> int:
        seen = self._wait_drdy(chip, edge, timeout_us)
        if seen != 1:
            return seen
        return 1 if self._transfer(chip, tx, rx, n, mode, sclk_hz) == 0 else _NO

    def _pin_set(self, chip: int, name: bytes, level: int) -> int:
        which = None if chip == -1 else chip
        return self._do(lambda: self.bench.set_pin(name.decode(), level != 0, which))

    def _pin_get(self, chip: int, name: bytes) -> int:
        return self._do(lambda: self.bench.pin(name.decode(), chip))

    def _drdy_count(self, chip: int) -> int:
        return self._do(lambda: self.bench.drdy_count(chip))

    def _claim(self, channel: int, microvolts: float) -> int:
        return self._do(lambda: self.bench.claim(channel, microvolts))

    def _error(self) -> int:
        return ctypes.addressof(self._text)
