"""A board on this machine's SPI bus as a transport: `spi:` addresses."""

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from emgrig.driver.seams import Clock, RealClock
from emgrig.errors import TransportError, TransportTimeout
from emgrig.gateways.spi.bank import SpiBank
from emgrig.gateways.spi.hardware import Hardware
from emgrig.gateways.spi.wiring import Wiring, parse_address
from emgrig.onboard.native import Firmware
from emgrig.onboard.seams import BoardFacts
from emgrig.protocol.packets import Capability
from emgrig.version import __version__

log = logging.getLogger(__name__)

WINDOW_BYTES: Final = 4 << 20  #: What may wait here unread; then the firmware's buffer fills.
SLICE_S: Final = 0.005  #: A request waits so long at most while a run is on.
VIRTUAL_SLICE_S: Final = 0.25
IDLE_S: Final = 0.05
SWITCH_S: Final = 5e-5
"""Python lets another thread go on for 5 ms by itself: five results, at 1 kSPS."""


class MonotonicClock:
    """The machine's monotonic time as board time (`emgrig.onboard.seams.BoardClock`)."""

    per_second = 1e6

    def __init__(self) -> None:
        self.boot_s = 0.0

    def restart(self, true_s: float, /) -> None:
        """Begin at 0 again."""
        self.boot_s = true_s

    def microseconds(self, true_s: float, /) -> int:
        """Board time at a time of this machine, µs; not below 0."""
        return max(int((true_s - self.boot_s) * self.per_second), 0)


class SpiBoard:
    """Chips on the bus, and the firmware that runs them; without a thread.

    Raises
    ------
    MissingExtra, TransportError
        As `Hardware`.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.hardware = Hardware(wiring)
        self._title = wiring.title
        try:
            self.bank = SpiBank(self.hardware, wiring)
            capabilities = Capability.REBOOT
            if self.bank.lines:
                capabilities |= Capability.SET_LINE
            if self.hardware.is_simulated:
                capabilities |= Capability.SIMULATED
            self.firmware = Firmware(
                self.bank,
                _facts(wiring),
                MonotonicClock(),
                capabilities,
                is_cold=self.hardware.was_off,
            )
        except BaseException:
            self.hardware.close()
            raise
        self.client = self.firmware.connect(WINDOW_BYTES)

    def receive(self, data: bytes) -> None:
        """Take requests, and answer them."""
        was_on = self.firmware.is_streaming
        self.firmware.receive(self.client, data)
        losses = self.bank.losses
        if was_on and not self.firmware.is_streaming and self.firmware.streaming.run.missed:
            log.warning(
                "%s: of %d conversions %d were missed; of its chips %d results were read too late, "
                "%d were torn, %d came unseen, %d had no partner",
                self._title,
                self.firmware.streaming.run.conversions,
                self.firmware.streaming.run.missed,
                losses.late,
                losses.torn,
                losses.unseen,
                losses.alone,
            )

    def reconnect(self) -> None:
        """Let go of the client, as if its link was lost, and take another."""
        self.firmware.disconnect(self.client)
        self.client = self.firmware.connect(WINDOW_BYTES)

    def close(self) -> None:
        """End a run, and let go of the hardware."""
        with contextlib.suppress(TransportError):
            if self.firmware.is_streaming:
                self.firmware.streaming.stop()
        self.hardware.close()


class SpiTransport:
    """Bytes to and from a board on this machine's SPI bus; fits `emgrig.driver.seams.Transport`.

    A thread of its own waits for DRDY and reads. On a bench of `emgrig attach` whose time is
    virtual there is none: time passes while `read` waits.

    Raises
    ------
    ValueError
        If the address makes no sense.
    MissingExtra, TransportError
        As `Hardware`.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.clock: Clock = RealClock()
        self._wiring = parse_address(address)
        self._changed = threading.Condition()
        self._out = bytearray()
        self._asked = bytearray()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._is_anew = False
        self.board = SpiBoard(self._wiring)
        self.is_paced = not self.board.hardware.is_virtual
        self._begin()

    def _begin(self) -> None:
        self._is_closed, self._failure = False, None
        if self.is_paced:
            self._switch_s = sys.getswitchinterval()
            sys.setswitchinterval(min(self._switch_s, SWITCH_S))
            self._thread = threading.Thread(target=self._run, name=self.address, daemon=True)
            self._thread.start()

    # ---- the seam -----------------------------------------------------------------------------

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Wait for bytes, and return 1 to `max_bytes` of them; see the seam."""
        deadline_s = self.clock.now_s() + timeout_s
        with self._changed:
            while True:
                if not self.is_paced and not self._is_closed:
                    self._move()
                if self._out:
                    data = bytes(self._out[:max_bytes])
                    del self._out[:max_bytes]
                    return data
                self._check_open()
                left_s = deadline_s - self.clock.now_s()
                if left_s <= 0:
                    raise TransportTimeout(f"{self.address}: nothing came in {timeout_s:g} s")
                if self.is_paced:
                    self._changed.wait(left_s)
                else:
                    with self._words():
                        firmware = self.board.firmware
                        firmware.advance(self.board.bank.now_s + min(left_s, VIRTUAL_SLICE_S))

    def write(self, data: bytes, /) -> None:
        """Send all of `data`; see the seam."""
        with self._changed:
            self._check_open()
            if self.is_paced:
                self._asked += data
                self._changed.notify_all()
            else:
                with self._words():
                    self.board.receive(data)

    def reopen(self) -> None:
        """Begin a new connection; a run goes on, if the hardware did not fail."""
        with self._changed:
            is_well = self._failure is None and not self._is_closed
            if is_well:
                self._out.clear()
                self._asked.clear()
                if self.is_paced:
                    self._is_anew = True
                else:
                    self.board.reconnect()
        if not is_well:
            self.close()
            self._out.clear()
            self._asked.clear()
            self.board = SpiBoard(self._wiring)
            self._begin()

    def close(self) -> None:
        """End a run, and let go of the hardware; a second call does nothing."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            sys.setswitchinterval(self._switch_s)
        self.board.close()

    # ---- inside -------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._is_closed:
            raise TransportError(f"{self.address} is closed")
        if self._failure is not None:
            raise TransportError(f"{self.address}: {self._failure}") from self._failure

    @contextlib.contextmanager
    def _words(self) -> Iterator[None]:
        try:
            yield
        except TransportError as error:
            self._failure = error
            self._check_open()

    def _move(self) -> None:
        """Take from the firmware what is there; the lock is held."""
        room = WINDOW_BYTES - len(self._out)
        if room > 0:
            self._out += self.board.client.outlet.take(room)

    def _run(self) -> None:
        """Be the thread that reads the chips."""
        try:
            while not self._is_closed:
                self._round()
        except Exception as error:  # told to whoever reads or writes
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _round(self) -> None:
        board = self.board
        with self._changed:
            if not self._asked and not self._is_anew and not board.firmware.is_streaming:
                self._changed.wait(IDLE_S)
            asked, self._asked = bytes(self._asked), bytearray()
            if self._is_anew:
                self._is_anew = False
                board.reconnect()
        if asked:
            board.receive(asked)
        now_s = board.bank.now_s
        board.firmware.advance(now_s + (SLICE_S if board.firmware.is_streaming else 0.0))
        with self._changed:
            if not self._is_anew:
                self._move()
                if self._out:
                    self._changed.notify_all()


def _facts(wiring: Wiring) -> BoardFacts:
    n_channels = wiring.channels * len(wiring.chips)
    return BoardFacts(
        serial_number=wiring.name or f"{wiring.title}-{_machine()}",
        firmware_version=__version__,
        git_revision="emgrig gateway",
        channels_wired=(1 << n_channels) - 1,
        series_ohm=(wiring.series_ohm,) * n_channels if wiring.series_ohm else (),
    )


def _machine() -> str:
    """Eight digits that are this installation's, and say nothing of it (machine-id(5))."""
    try:
        known = Path("/etc/machine-id").read_bytes().strip()
    except OSError:
        return "0000"
    return blake2b(known, digest_size=4, key=b"emgrig board").hexdigest()


def open_spi(address: str, /, *, timeout_s: float = 0.0) -> SpiTransport:  # noqa: ARG001
    """Open ``spi:…`` (see `emgrig.gateways.spi.wiring.parse_address`); it is there at once."""
    return SpiTransport(address)
