"""The Meower's processor on two of our chips: commands and data as datagrams, and its traps.

Written from its source, commit c5829976 (2025-10-04), and from nothing on the side of the driver.
Left out: the filters (they are off until somebody switches them on), `usr`, its access point, its
battery, and what becomes of the second chip if the first gives it no clock.
"""

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from emgrig.onboard.outlet import Link, Outlet
from emgrig.onboard.seams import BoardFacts, Client, ReadFilter
from emgrig.protocol.packets import ResetCause
from emgrig.simulator.chip.ads1299 import Pin
from emgrig.simulator.chip.core import RDATAC, RREG, SDATAC, WREG
from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.chip_bank import ChipBank
from emgrig.simulator.firmware.datagrams import DatagramOutlet

CONTROL_PORT: Final = 5000
DATA_PORT: Final = 5001
LOOP_S: Final = 0.05  #: One command is taken in each round of the main loop.
BEACON_S: Final = 1.0
SILENCE_S: Final = 10.0  #: Without a word for so long the PC is forgotten.
STAMP_S: Final = 5e-6  #: From DRDY to the time stamp, in a task.
BATTERY_V: Final = 3.9
TRAPS: Final = {
    "silent-start": "start_cnt and stop_cnt are answered by nothing (cmd_START_CONT)",
    "spi-stops": "spi ends the stream and says nothing of it (handle_SPI)",
    "silence": "10 s without a datagram from the PC end the stream, and nothing says so (update)",
}
_PER_PACKET: Final = {6: 5, 5: 10, 4: 20, 3: 28, 2: 28}  #: By the rate's code in CONFIG1.
_MOST_QUEUED: Final = 8
_MOST_LETTERS: Final = 511
_FRAME_BYTES: Final = 27  #: Of one chip.
_MOST_KEPT: Final = 1 << 17


@dataclass(eq=False)
class MeowerClient:
    """Whoever is in its network."""

    datagrams: DatagramOutlet
    is_open: bool = True

    def __post_init__(self) -> None:
        self.outlet: Outlet = self.datagrams


class Meower:
    """See `emgrig.simulator.firmware.model.FirmwareModel`; what is received is one datagram."""

    TRAPS: ClassVar = TRAPS
    datagram_bytes: ClassVar = 0  #: They are framed, with their ports.

    def __init__(self, bank: ChipBank, facts: BoardFacts, crystal: Crystal) -> None:
        if len(bank) != 2 or bank.frame_bytes != 2 * _FRAME_BYTES:
            raise ValueError("a Meower has two chips of 8 channels: say chips=2")
        if unknown := sorted(facts.mended - set(TRAPS)):
            raise ValueError(f"mended={unknown[0]}: a Meower has the traps {', '.join(TRAPS)}")
        self.bank = bank
        self.crystal = crystal
        self.link = Link()
        #: Given n, says which of the next n falls of DRDY the firmware reads in time; None: all.
        self.read_filter: ReadFilter | None = None
        self.sent: deque[NDArray[np.uint8]] = deque()  #: Ground truth: frames, in pieces.
        self._n_kept = 0
        self._facts = facts
        self._clients: list[MeowerClient] = []
        self._produced: list[int] = []
        self._sys: dict[str, Callable[[list[str]], None]] = {
            "start_cnt": self._start, "stop_cnt": self._stop, "adc_reset": self._adc_reset,
            "esp_reboot": self._reboot, "digitalgain": self._digital_gain,
            "filters_on": self._switch, "filters_off": self._switch,
        }  # fmt: skip
        self._boot()

    def _boot(self) -> None:
        self._queue: deque[str] = deque(maxlen=_MOST_QUEUED)
        self._has_peer = self._is_reading = self._wants_stream = False
        self._gain_bits = 0
        self._heard_s = self._beacon_s = self.bank.now_s
        self._per_packet = 5
        self._waiting = np.empty((0, 52), np.uint8)
        self._set_up_chips()
        self._loop_s = self.bank.now_s + LOOP_S

    # ---- the model of a firmware --------------------------------------------------------------

    @property
    def is_streaming(self) -> bool:
        """True while it reads conversions; also while it waits for a PC, which it calls for."""
        return self._is_reading

    @property
    def produced(self) -> tuple[int, ...]:
        """Conversions in each stretch in which it read."""
        return tuple(self._produced)

    def connect(self, window_bytes: int) -> MeowerClient:
        """Take whoever is in its network."""
        outlet = DatagramOutlet(self.link, self._facts.transmit_bytes, window_bytes)
        client = MeowerClient(outlet)
        self._clients.append(client)
        return client

    def disconnect(self, client: Client) -> None:
        """Let go of a client; a second call does nothing."""
        if isinstance(client, MeowerClient) and client in self._clients:
            client.is_open = False
            self._clients.remove(client)

    def receive(self, client: Client, data: bytes) -> None:
        """Take one datagram."""
        if client not in self._clients or data == b"MEOW_MEOW":
            return
        if data == b"WOOF_WOOF":
            self._has_peer, self._heard_s = True, self.bank.now_s
        elif self._has_peer and len(data) <= _MOST_LETTERS and len(self._queue) < _MOST_QUEUED:
            self._queue.append(data.split(b"\0")[0].decode("latin-1"))
            self._heard_s = self.bank.now_s

    def advance(self, until_s: float) -> None:
        """Let time pass up to `until_s`."""
        while self.bank.now_s < until_s:
            before_s = self.bank.now_s
            step_s = min(until_s, self._loop_s)
            if self._is_reading:
                self._read(step_s)
            else:
                self.bank.advance_to(step_s)
            if self.bank.now_s >= self._loop_s - 1e-6:
                self._loop_s = max(self._loop_s, self.bank.now_s) + LOOP_S
                self._loop()
            if self.bank.now_s <= before_s:
                break
        for client in self._clients:
            client.outlet.drain(self.bank.now_s)

    def restart(self, cause: ResetCause) -> None:  # noqa: ARG002
        """Boot again."""
        self._end_stretch()
        self.crystal.restart(self.bank.now_s)
        self._boot()

    # ---- the main loop ------------------------------------------------------------------------

    def _loop(self) -> None:
        now_s = self.bank.now_s
        if self._has_peer and now_s - self._heard_s > SILENCE_S:
            self._has_peer = False
            if "silence" not in self._facts.mended:
                self._wants_stream = False
            self._queue.clear()
        if not self._has_peer and now_s - self._beacon_s >= BEACON_S:
            self._beacon_s = now_s
            self._send(CONTROL_PORT, b"MEOW_MEOW")
        if self._queue:
            self._obey(self._queue.popleft())

    def _send(self, port: int, payload: bytes) -> None:
        for client in self._clients:
            client.datagrams.send_datagram(port, payload, self.bank.now_s)

    def _reply(self, text: str) -> None:
        self._send(CONTROL_PORT, text.encode() + b"\r\n")

    def _obey(self, line: str) -> None:
        words = line.split()
        family = words[0].lower() if words else ""
        if family == "spi":
            self._spi(words[1:])
        elif family == "sys":
            self._system(words[1:])
        elif family:
            self._reply("ERR: got unknown family, expected (spi|sys|usr)")

    def _system(self, words: list[str]) -> None:
        handler = self._sys.get(words[0].lower()) if words else None
        if handler is None:
            got = f"got '{words[0]}', expected (adc_reset|…)" if words else "missing command"
            self._reply(f"ERR: sys - {got}")
            return
        handler(words)

    def _switch(self, words: list[str]) -> None:
        self._reply(f"OK: {words[0].lower()}")

    def _digital_gain(self, words: list[str]) -> None:
        said = words[1] if len(words) > 1 else ""
        gains = {str(1 << bits): bits for bits in range(9)}
        if said not in gains:
            self._reply("ERR: digitalgain - must be 1,2,4,...256 (power of two)")
            return
        self._gain_bits = gains[said]
        self._reply(f"OK: digitalgain set to {said}")

    def _reboot(self, words: list[str]) -> None:
        del words
        self._reply("OK: rebooting…")
        self.restart(ResetCause.REQUESTED)

    # ---- chips --------------------------------------------------------------------------------

    def _xfer(self, target: str, mosi: bytes) -> bytes:
        """Do a transfer: MISO is the first chip's, and 27 bytes behind comes the other's.

        That registers pass through the chain like this is what the firmware's own
        `read_Register_Daisy` relies on; the data sheet does not say it.
        """
        if target == "S":
            self.bank.transfer(1, mosi)
            return bytes(len(mosi))  # its DOUT goes to the first chip alone
        if target == "M":
            return self.bank.transfer(0, mosi)
        if len(mosi) == 1:
            self.bank.broadcast(mosi)
            return bytes(1)
        first, second = (self.bank.transfer(chip, mosi) for chip in (0, 1))
        return (first[:_FRAME_BYTES] + second)[: len(mosi)]

    def _set_up_chips(self) -> None:
        """Be ads1299_full_reset and BCI_preset."""
        bank = self.bank
        for pin, level in ((Pin.START, False), (Pin.PWDN, False), (Pin.RESET, False)):
            bank.set_pin(pin, level=level)
        bank.advance_to(bank.now_s + 0.15)
        for pin in (Pin.PWDN, Pin.RESET):
            bank.set_pin(pin, level=True)
        bank.advance_to(bank.now_s + 0.15)
        bank.set_pin(Pin.RESET, level=False)
        bank.advance_to(bank.now_s + 1e-5)
        bank.set_pin(Pin.RESET, level=True)
        bank.advance_to(bank.now_s + 1e-3)
        self._xfer("B", bytes((SDATAC,)))
        self._xfer("B", bytes((WREG | 0x03, 0, 0xE0)))
        self._xfer("M", bytes((WREG | 0x01, 0, 0xB6)))
        self._xfer("S", bytes((WREG | 0x01, 0, 0x96)))
        bank.advance_to(bank.now_s + 0.05)
        self._xfer("B", bytes((WREG | 0x02, 0, 0xD4)))
        for channel in range(8):
            self._xfer("B", bytes((WREG | 0x05 + channel, 0, 0x08)))
        self._xfer("M", bytes((WREG | 0x03, 0, 0xEC)))
        self._xfer("S", bytes((WREG | 0x03, 0, 0xE8)))
        bank.advance_to(bank.now_s + 0.2)  # it was switched on a while ago

    def _adc_reset(self, words: list[str]) -> None:
        del words
        self._end_stretch()
        self._wants_stream = False
        self._set_up_chips()

    def _spi(self, words: list[str]) -> None:
        if self._is_reading and "spi-stops" in self._facts.mended:
            self._reply("ERR: spi - a stream is on")
            return
        self._stop_reading()
        target = (words[0].upper() if words else "")[:1]
        if target not in ("B", "M", "S"):
            self._reply("ERR: spi - missing target (BOTH|MASTER|SLAVE)")
            return
        try:
            length, *values = (int(word, 0) for word in words[1:])
        except ValueError:
            self._reply("ERR: spi - invalid length (1-256)")
            return
        if not 1 <= length <= 255 or len(values) < length:
            too_few = "too few data bytes" if 1 <= length <= 255 else "invalid length (1-256)"
            self._reply(f"ERR: spi - {too_few}")
            return
        mosi = bytes(value & 0xFF for value in values[:length])
        self._send(CONTROL_PORT, self._xfer(target, mosi))

    # ---- runs ---------------------------------------------------------------------------------

    def _start(self, words: list[str]) -> None:
        del words
        rate_code = self._xfer("M", bytes((RREG | 0x01, 0, 0)))[2] & 0x07
        self._per_packet = _PER_PACKET.get(rate_code, self._per_packet)
        self.bank.set_pin(Pin.START, level=True)
        self._xfer("B", bytes((RDATAC,)))
        self.bank.begin_count()
        self._waiting = self._waiting[:0]
        self._is_reading = self._wants_stream = True
        if "silent-start" in self._facts.mended:
            self._reply("OK: start_cnt")

    def _stop(self, words: list[str]) -> None:
        del words
        self._stop_reading()
        self._wants_stream = False
        if "silent-start" in self._facts.mended:
            self._reply("OK: stop_cnt")

    def _stop_reading(self) -> None:
        self._xfer("B", bytes((SDATAC,)))
        self.bank.set_pin(Pin.START, level=False)
        self._end_stretch()

    def _end_stretch(self) -> None:
        if self._is_reading:
            self._produced.append(self.bank.n_true_falls)
        self._is_reading = False

    def _read(self, until_s: float) -> None:
        """Read at each fall of DRDY, strip the status words, stamp, and send packet by packet."""
        readings = self.bank.read(until_s).only(self.read_filter)
        if not len(readings.index):
            return
        self.sent.append(readings.data)
        self._n_kept += len(readings.data)
        while self._n_kept > _MOST_KEPT:
            self._n_kept -= len(self.sent.popleft())
        rows = np.empty((len(readings.index), 52), np.uint8)
        both = readings.data.reshape(-1, 2, _FRAME_BYTES)[:, :, 3:]
        rows[:, :48] = self._gained(both.reshape(-1, 48))
        shown_us = (readings.time_s + STAMP_S - self.crystal.boot_s) * self.crystal.per_second
        stamps = np.maximum(shown_us, 0).astype(np.int64) >> 3 & 0xFFFFFFFF
        rows[:, 48:] = stamps.astype("<u4").view(np.uint8).reshape(-1, 4)
        self._waiting = np.concatenate([self._waiting, rows])
        while len(self._waiting) >= self._per_packet:
            packet, self._waiting = np.split(self._waiting, [self._per_packet])
            if self._wants_stream:
                self._send(DATA_PORT, packet.tobytes() + struct.pack("<f", BATTERY_V))

    def _gained(self, octets: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Apply the digital gain as the firmware does: shifted in 32 bits, cut at 24."""
        if not self._gain_bits:
            return octets
        codes = octets.reshape(-1, 16, 3).astype(np.uint32) @ np.array([1 << 24, 1 << 16, 1 << 8])
        shifted = (codes << self._gain_bits & 0xFFFFFFFF).astype(np.uint32).view(np.int32) >> 8
        made: NDArray[np.uint8] = shifted.astype(">i4").view(np.uint8).reshape(-1, 16, 4)
        return made[:, :, 1:].reshape(-1, 48)
