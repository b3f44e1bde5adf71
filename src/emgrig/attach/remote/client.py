"""A bench that is somewhere else: the same verbs over a socket."""

import os
import socket
import struct
from typing import Any, Final, Self

from emgrig.attach.bench import DEFAULT_SCLK_HZ
from emgrig.attach.remote.address import VARIABLE, Address
from emgrig.attach.remote.wire import (
    ALL_CHIPS,
    BY_NAME,
    HEAD,
    LENGTH,
    MAGIC,
    MOST_BYTES,
    MOST_S,
    VERSION,
    Status,
)
from emgrig.errors import RecordingError, TransportError, WireError

_CHUNK: Final = 1 << 16
_NOTHING: Final = b""
_HEADS: Final = {
    name: struct.Struct("<IB" + verb.request.numbers.format.removeprefix("<"))
    for name, verb in BY_NAME.items()
}


class RemoteBench:
    """The verbs of `emgrig.attach.bench.Bench`, with the same arguments, results and ValueErrors.

    Parameters
    ----------
    address : str or None
        ``unix:/path`` or ``tcp://HOST:PORT``; None takes it from the environment variable
        EMGRIG_ATTACH, as ``emgrig attach`` sets it.

    Raises
    ------
    ValueError
        If it is no address, or none is given.
    TransportError
        If nobody answers; every verb raises it once the link is lost.
    WireError
        If it is no bench, or speaks another version; every verb raises it if an answer is none.
    """

    def __init__(self, address: str | None = None) -> None:
        text = os.environ.get(VARIABLE, "") if address is None else address
        if not text:
            raise ValueError(f"no address of a bench; run under `emgrig attach`, or set {VARIABLE}")
        where = Address.parse(text)
        self.address = text
        self._now_s, self._falls = 0.0, 0
        self._where = where
        hello = self._connect()
        _, self.n_chips, self.channels, self.call_s, speed = hello
        #: Seconds of bench time in a second of the wall's; None: time is the callers' alone.
        self.speed: float | None = speed or None

    def _connect(self) -> tuple[Any, ...]:
        """Open the link; return what the bench says of itself."""
        where = self._where
        self._is_midway = False  # an answer was not taken to its end: Ctrl-C, for one
        self._link = socket.socket(where.family, socket.SOCK_STREAM)
        try:
            self._link.connect(where.of_socket)
            if not where.path:
                self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self._link.close()
            raise TransportError(f"no bench at {self.address}: {error.strerror}") from error
        try:
            answer = self._ask("hello", MAGIC, VERSION)
            return BY_NAME["hello"].answer.numbers.unpack(answer)
        except (ValueError, struct.error) as error:
            self.close()
            raise WireError(f"{self.address} is no bench of this version: {error}") from error
        except (WireError, TransportError):
            self.close()
            raise

    def close(self) -> None:
        """Hang up; the bench stays as it is."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()

    # ---- time -------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Bench time as of the last answer, s; asking costs nothing."""
        return self._now_s

    @property
    def n_drdy_falls(self) -> int:
        """Falls of DRDY of all chips together as of the last answer, modulo 2**32."""
        return self._falls

    def advance(self, duration_s: float) -> None:
        """See `Bench.advance`."""
        while duration_s > MOST_S and duration_s != float("inf"):
            self._ask("advance", MOST_S)
            duration_s -= MOST_S
        self._ask("advance", duration_s)

    def advance_to(self, time_s: float) -> None:
        """See `Bench.advance_to`."""
        while MOST_S < time_s - self._now_s != float("inf"):
            self._ask("advance", MOST_S)
        self._ask("advance_to", time_s)

    def next_event_s(self) -> float | None:
        """See `Bench.next_event_s`."""
        (time_s,) = BY_NAME["next_event"].answer.numbers.unpack(self._ask("next_event"))
        return None if time_s != time_s else float(time_s)

    def wait_drdy(self, chip: int = 0, *, timeout_s: float = 1.0, edge: bool = False) -> bool:
        """See `Bench.wait_drdy`."""
        while timeout_s > MOST_S and timeout_s != float("inf"):
            if self._ask("wait_drdy", chip, int(edge), MOST_S) == b"\x01":
                return True
            timeout_s -= MOST_S
        return self._ask("wait_drdy", chip, int(edge), timeout_s) == b"\x01"

    # ---- SPI --------------------------------------------------------------------------------

    def select(self, chip: int = 0) -> None:
        """See `Bench.select`."""
        self._ask("select", chip)

    def deselect(self, chip: int = 0) -> None:
        """See `Bench.deselect`."""
        self._ask("deselect", chip)

    def byte(self, mosi: int, *, mode: int = 1, sclk_hz: float = DEFAULT_SCLK_HZ) -> int:
        """See `Bench.byte`."""
        return self._ask("byte", mosi, mode, sclk_hz)[0]

    def exchange(
        self, mosi: bytes, *, mode: int = 1, sclk_hz: float = DEFAULT_SCLK_HZ, gap_s: float = 0.0
    ) -> bytes:
        """See `Bench.exchange`."""
        return self._ask("exchange", mode, sclk_hz, gap_s, rest=mosi)

    def transfer(
        self,
        mosi: bytes,
        *,
        chip: int = 0,
        mode: int = 1,
        sclk_hz: float = DEFAULT_SCLK_HZ,
        gap_s: float = 0.0,
    ) -> bytes:
        """See `Bench.transfer`."""
        return self._ask("transfer", chip, mode, sclk_hz, gap_s, rest=mosi)

    def wait_transfer(
        self,
        mosi: bytes,
        *,
        chip: int = 0,
        timeout_s: float = 1.0,
        edge: bool = False,
        mode: int = 1,
        sclk_hz: float = DEFAULT_SCLK_HZ,
        gap_s: float = 0.0,
    ) -> bytes | None:
        """`wait_drdy` and `transfer` in one round trip; None if DRDY was not seen."""
        arguments = (chip, int(edge), timeout_s, mode, sclk_hz, gap_s)
        answer = self._ask("wait_transfer", *arguments, rest=mosi)
        return answer[1:] if answer[0] else None

    # ---- pins -------------------------------------------------------------------------------

    def set_pin(self, name: str, level: bool | int, chip: int | None = None) -> None:
        """See `Bench.set_pin`."""
        if chip == ALL_CHIPS:
            raise ValueError(f"no chip {chip}; there are {self.n_chips}, the first is 0")
        which = ALL_CHIPS if chip is None else chip
        self._ask("set_pin", int(bool(level)), which, rest=_text(name))

    def pin(self, name: str, chip: int = 0) -> int:
        """See `Bench.pin`."""
        return self._ask("pin", chip, rest=_text(name))[0]

    def drdy_count(self, chip: int = 0) -> int:
        """See `Bench.drdy_count`."""
        return int.from_bytes(self._ask("drdy_count", chip), "little")

    def power_cycle(self, off_s: float = 0.1) -> None:
        """See `Bench.power_cycle`."""
        self._ask("power_cycle", off_s)

    # ---- electrodes and faults --------------------------------------------------------------

    def set_source(self, text: str) -> None:
        """See `Bench.set_source`."""
        self._ask("set_source", rest=_text(text))

    def put_fault(self, text: str) -> None:
        """See `Bench.put_fault`."""
        self._ask("put_fault", rest=_text(text))

    def set_contact(self, channel: int, side: str, kohm: float | None) -> None:
        """See `Bench.set_contact`."""
        if kohm is not None and kohm != kohm:
            raise ValueError(f"a contact of {kohm} kΩ; expected above 0, or None for off")
        letter = ord(side) if len(side) == 1 and side.isascii() else 0
        self._ask("set_contact", channel, letter, float("nan") if kohm is None else kohm)

    def claim(self, channel: int, microvolts: float) -> None:
        """See `Bench.claim`."""
        self._ask("claim", channel, microvolts)

    # ---- inside -----------------------------------------------------------------------------

    def _ask(self, name: str, *numbers: float | bytes, rest: bytes = _NOTHING) -> bytes:
        head = _HEADS[name]
        n_bytes = head.size - LENGTH.size + len(rest)
        if n_bytes > MOST_BYTES:
            raise ValueError(f"{name} of {n_bytes} bytes, expected at most {MOST_BYTES}")
        try:
            asked = head.pack(n_bytes, BY_NAME[name].code, *numbers)
        except struct.error as error:
            raise ValueError(f"{name}{numbers}: {error}") from error
        if self._is_midway:  # on a new link, so that no old answer is taken for a new one
            self._link.close()
            self._connect()
        self._is_midway = True
        try:
            self._link.sendall(asked + rest)
            answer = self._received()
        except OSError as error:
            raise TransportError(f"the bench at {self.address} is gone: {error}") from error
        self._is_midway = False
        status, self._now_s, self._falls = HEAD.unpack_from(answer)
        if status == Status.DONE:
            return answer[HEAD.size :]
        said = answer[HEAD.size :].decode(errors="replace")
        if status == Status.REFUSED:
            raise ValueError(said)
        raise WireError(said) if status == Status.NOT_UNDERSTOOD else RecordingError(said)

    def _received(self) -> bytes:
        answer = self._link.recv(_CHUNK)
        while answer:
            if len(answer) >= 4:
                end = 4 + LENGTH.unpack_from(answer)[0]
                if end == len(answer) and end >= 4 + HEAD.size:
                    return answer[4:]
                if len(answer) > end or end < 4 + HEAD.size:
                    raise WireError(f"what {self.address} sent is no answer of a bench")
            piece = self._link.recv(_CHUNK)
            answer = answer + piece if piece else b""
        raise TransportError(f"the bench at {self.address} hung up")


def _text(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
