"""The HackEEG's processor (firmware v0.3.0) on our chip: what it does, when, and with which traps.

Written from its source, commit 02160374, and from nothing on the side of the driver. What is left
out: the characters that a USB port hands over one by one, and its LED.
"""

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from emgrig.onboard.seams import BoardFacts, Client, ReadFilter, Readings
from emgrig.protocol.packets import ResetCause
from emgrig.simulator.chip.core import RDATA, RDATAC, RESET, SDATAC, STANDBY, START, STOP, WAKEUP
from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.chip_bank import ChipBank
from emgrig.simulator.firmware.hackeeg.lines import (
    BAD,
    Asked,
    Form,
    Parsers,
    answer,
    help_words,
    json_answer,
    number_answer,
    numbers_of,
    register_words,
    status_answer,
)
from emgrig.simulator.firmware.hackeeg.sampling import (
    MOST_FRAME_BYTES,
    READ_DELAY_S,
    Sampling,
    encoded,
)
from emgrig.simulator.firmware.hackeeg.spi import OneChip
from emgrig.simulator.firmware.hackeeg.traps import TRAPS, check_mended
from emgrig.simulator.firmware.port import Port, PortClient

VERSION: Final = "v0.3.0"
POWER_UP_S: Final = 1.512  #: arduinoSetup: 0.5, 0.01, 1, and 0.002 s.
SETUP_S: Final = 1.1  #: adsSetup, from SDATAC to the ID.
RESET_TO_SDATAC_S: Final = 13e-6
"""An estimate for a Due: CS twice, an interrupt and SPI set up; the chip needs 18 tCLK, 8.8 µs."""
REFERENCE_S: Final = 0.2  #: The board was switched on so long ago that its reference is up.
FOREVER: Final = float("inf")
_CHANNELS: Final = {0b11110: (8, "ADS1299"), 0b11100: (4, "ADS1299-4"), 0b11101: (6, "ADS1299-6")}
_OPCODES: Final = {"wakeup": WAKEUP, "standby": STANDBY, "stop": STOP}
_CONFIG3: Final = 0x03
_GPIO: Final = 0x14
_MOST_HEARD: Final = 4096
#: Commands with nothing but an answer; `version` says what this firmware is.
_ANSWERS: Final = {
    "nop": (200, "Ok"), "ledon": (200, "Ok"), "ledoff": (200, "Ok"), "version": (200, VERSION),
    "serialnumber": (501, "Not Implemented"),
}  # fmt: skip


class HackEeg:
    """See `emgrig.simulator.firmware.model.FirmwareModel`."""

    TRAPS: ClassVar = TRAPS

    def __init__(self, bank: ChipBank, facts: BoardFacts, crystal: Crystal) -> None:
        if len(bank) != 1:
            raise ValueError("a HackEEG has one chip: say chips=1")
        self.bank = bank
        self.crystal = crystal
        self._chip = OneChip(bank)
        self._port = Port(facts.transmit_bytes)
        self.link = self._port.link
        #: Given n, says which of the next n falls of DRDY the firmware reads in time; None: all.
        self.read_filter: ReadFilter | None = None
        self.is_hung = False  #: It waits for a chip for ever.
        self._mended = check_mended(facts.mended)
        #: Its frames; `sent` is ground truth.
        self.sampling = Sampling(crystal, counts_conversions="counts-reads" in self._mended)
        self._produced: list[int] = []
        self._then: Callable[[], None] | None = None  # what comes when it is no longer busy
        self._busy_until_s = 0.0  # true time
        self._heard = b""
        self._is_rdatac = False
        self._falls_then = 0  # of DRDY, when the interrupt's flag was taken back last
        self._words = {
            **dict.fromkeys(_ANSWERS, self._answer), "status": self._status,
            "micros": self._micros,
            "text": self._switch, "jsonlines": self._switch, "messagepack": self._switch,
            "boardledon": self._board_led, "boardledoff": self._board_led,
            "rreg": self._rreg, "wreg": self._wreg, "start": self._start, "stop": self._opcode,
            "rdatac": self._rdatac, "sdatac": self._sdatac, "rdata": self._rdata,
            "reset": self._reset,
        }  # fmt: skip
        #: Those that text mode alone knows.
        self._text_words = {
            "wakeup": self._opcode, "standby": self._opcode, "base64": self._coding,
            "hex": self._coding, "help": self._help,
        }  # fmt: skip
        self._boot()
        while bank.now_s < self._busy_until_s:
            self.advance(self._busy_until_s + 1e-5)
        bank.advance_to(bank.now_s + REFERENCE_S)

    # ---- the model of a firmware --------------------------------------------------------------

    @property
    def is_streaming(self) -> bool:
        """True while frames are sent."""
        return self._is_rdatac

    @property
    def produced(self) -> tuple[int, ...]:
        """Conversions in each stretch from `rdatac` to `sdatac`."""
        return tuple(self._produced)

    def connect(self, window_bytes: int) -> PortClient:
        """Take a client whose side holds `window_bytes` that it has not read."""
        return self._port.connect(window_bytes)

    def disconnect(self, client: Client) -> None:
        """Let go of a client; what runs goes on."""
        self._port.disconnect(client)

    def receive(self, client: Client, data: bytes) -> None:
        """Take bytes from a client."""
        if client in self._port:
            self._heard = (self._heard + data)[-_MOST_HEARD:]
            self._loop()

    def advance(self, until_s: float) -> None:
        """Let time pass up to `until_s`."""
        while self.bank.now_s < until_s:
            before_s = self.bank.now_s
            if before_s < self._busy_until_s:
                self.bank.advance_to(min(until_s, self._busy_until_s + 1e-6))
            elif self._is_rdatac:
                self._stream(until_s)
            else:
                self.bank.advance_to(until_s)
            if self._then is not None and self.bank.now_s >= self._busy_until_s:
                then, self._then = self._then, None
                then()
                self._loop()
            if self.bank.now_s <= before_s:  # less than a tick is left
                break
        self._port.drain(self.bank.now_s)

    def restart(self, cause: ResetCause) -> None:  # noqa: ARG002
        """Boot again."""
        self._port.restart()
        self._end_stretch()
        self.crystal.restart(self.bank.now_s)
        self._boot()

    # ---- boot ---------------------------------------------------------------------------------

    def _boot(self) -> None:
        self._form = Form.TEXT
        self._heard, self._parsers = b"", Parsers()
        self._is_hex = self._is_rdatac = self.is_hung = False
        self._n_active = self._n_channels = 0
        self._hardware, self.sampling.number, self.sampling.last = "unknown", 0, b""
        self._falls_then = self._begun_falls = 0
        self._then, self._busy_until_s = None, 0.0
        self._chip.power_up()
        self._wait(POWER_UP_S, self._after_power_up)

    def _after_power_up(self) -> None:
        self._chip.pulse_reset()
        self._set_up(self._booted, writes=True)

    def _booted(self) -> None:
        self._send(b"Ready\r\n")

    def _set_up(self, then: Callable[[], None], *, writes: bool) -> None:
        """Be adsSetup: SDATAC, wait, ask the ID, write two registers, START high."""

        def go_on() -> None:
            found = _CHANNELS.get(self._chip.read(0) & 0b11111)
            if found is None:
                self._lost_chip()
                return
            self._n_channels, self._hardware = found
            if writes:
                self._chip.write(_GPIO, 0x00)
                self._chip.write(_CONFIG3, 0xE0)
            if "stop" not in self._mended:
                self._chip.start(level=True)
            then()

        self._falls_then = self.bank.n_true_falls
        self._chip.opcode(SDATAC)
        self._wait(SETUP_S, go_on)

    def _lost_chip(self) -> None:
        """Blink for ever: the ID is of no chip that it knows."""
        if "reset" in self._mended:
            self._reply(500, "Error")
            return
        self.is_hung, self._busy_until_s, self._then = True, FOREVER, None

    def _wait(self, duration_s: float, then: Callable[[], None]) -> None:
        self._busy_until_s = self.bank.now_s + duration_s
        self._then = then

    # ---- what it hears ------------------------------------------------------------------------

    def _loop(self) -> None:
        """Be loop(): read what has come, by the parser of the mode that it began in."""
        while self._heard and self.bank.now_s >= self._busy_until_s:
            is_text = self._form is Form.TEXT
            while self._heard and self.bank.now_s >= self._busy_until_s:
                asked, self._heard = self._parsers.feed(self._heard, is_text=is_text)
                if asked is None:
                    break
                self._obey(asked, is_text=is_text)
                if asked is BAD:
                    break

    def _obey(self, asked: Asked, *, is_text: bool) -> None:
        known = self._words | self._text_words if is_text else self._words
        if asked is BAD:
            self._send(json_answer(400, "Bad Request"))
        elif (handler := known.get(asked.name)) is not None:
            handler(asked)
        elif is_text:
            self._send(b"406 Error: Unrecognized command.\r\n\r\n")
        else:
            self._send(json_answer(406, "Unrecognized command"))

    def _reply(self, code: int = 200, text: str = "Ok") -> None:
        self._send(answer(self._form, code, text))

    def _send(self, line: bytes) -> None:
        self._port.send([line], self.bank.now_s)

    def _answer(self, asked: Asked) -> None:
        self._reply(*_ANSWERS[asked.name])

    def _switch(self, asked: Asked) -> None:
        self._form = Form(asked.name)
        self._reply()

    def _status(self, asked: Asked) -> None:
        del asked
        self._detect_active()
        said = {
            "driver_version": VERSION, "board_name": "HackEEG", "maker_name": "Starcat LLC",
            "hardware_type": self._hardware, "max_channels": self._n_channels,
            "active_channels": self._n_active,
        }  # fmt: skip
        self._send(status_answer(self._form, said))

    def _micros(self, asked: Asked) -> None:
        del asked
        now_us = self.crystal.microseconds(self.bank.now_s) % (1 << 32)
        self._send(number_answer(self._form, now_us))

    def _help(self, asked: Asked) -> None:
        del asked
        self._send(help_words([*self._words, *self._text_words]))

    def _coding(self, asked: Asked) -> None:
        self._is_hex = asked.name == "hex"
        name, what = ("Hex", "hex") if self._is_hex else ("Base64", "base64")
        end = "" if self._is_hex else "."
        said = f"{name} mode on - rdata command will respond with {what} encoded data{end}"
        self._reply(200, said)

    # ---- registers ----------------------------------------------------------------------------

    def _rreg(self, asked: Asked) -> None:
        if self._form is not Form.TEXT:
            if self._is_rdatac and "rubbish" in self._mended:
                self._reply(500, "Error")
            else:
                self._send(number_answer(self._form, self._chip.read(asked.numbers[0])))
            return
        numbers, error = numbers_of(asked.words, 1)
        self._send(error or register_words("Read", numbers, self._chip.read(*numbers)))

    def _wreg(self, asked: Asked) -> None:
        if self._form is not Form.TEXT:
            self._chip.write(*asked.numbers)
            self._reply()
            return
        numbers, error = numbers_of(asked.words, 2)
        if not error:
            self._chip.write(*numbers)
        self._send(error or register_words("Write", numbers))

    def _board_led(self, asked: Asked) -> None:
        state = self._chip.read(_GPIO) & 0x77
        self._chip.write(_GPIO, state | (0x80 if asked.name == "boardledon" else 0))
        self._reply()

    # ---- runs ---------------------------------------------------------------------------------

    def _opcode(self, asked: Asked) -> None:
        self._chip.opcode(_OPCODES[asked.name])
        self._reply()

    def _start(self, asked: Asked) -> None:
        del asked
        self._chip.opcode(START)
        self.sampling.number = 0
        self.bank.begin_count()
        self._begun_falls = self._falls_then = 0
        self._reply()

    def _detect_active(self) -> None:
        if self._is_rdatac or self._n_channels < 1:
            return
        self._n_active = self._chip.n_active(self._n_channels)

    def _rdatac(self, asked: Asked) -> None:
        del asked
        self._detect_active()
        if not self._n_active and "no-active" not in self._mended:
            self._reply(502, "No Active Channels")
            return
        if not self._is_rdatac:
            self._begun_falls = self.bank.n_true_falls
        self._is_rdatac = True
        self._chip.opcode(RDATAC)
        self._reply()
        if self.bank.n_true_falls > self._falls_then and "stale-first" not in self._mended:
            self._read_at_once()

    def _read_at_once(self) -> None:
        """Read a frame since DRDY has fallen at some time: the interrupt's flag was set."""
        now_s = self.bank.now_s
        data = np.frombuffer(self._chip.frame(), np.uint8)
        self._put(np.array([now_s]), data[None], np.array([self.bank.n_true_falls]))
        self._falls_then = self.bank.n_true_falls

    def _sdatac(self, asked: Asked) -> None:
        del asked
        self._end_stretch()
        self._chip.opcode(SDATAC)
        self._reply()

    def _end_stretch(self) -> None:
        if self._is_rdatac:
            self._produced.append(self.bank.n_true_falls - self._begun_falls)
        self._is_rdatac = False
        self._falls_then = self.bank.n_true_falls

    def _rdata(self, asked: Asked) -> None:
        """Wait for DRDY, then send a frame: that which was read last."""
        del asked
        due_s = self.bank.next_fall_s
        if due_s is None:
            self.is_hung, self._busy_until_s = True, FOREVER
            return

        def go_on() -> None:
            if self._form is Form.TEXT:
                self._reply()
            frame = np.frombuffer(self._chip.frame(RDATA), np.uint8)
            now = np.array([self.bank.now_s])
            if "rdata-last" in self._mended:
                self._put(now, frame[None], np.array([self.bank.n_true_falls]))
                return
            held = np.frombuffer(self.sampling.last or bytes(8 + len(frame)), np.uint8)
            self._send_frames(held[None], float(now[0]))

        self._wait(max(due_s - self.bank.now_s, 0.0) + READ_DELAY_S, go_on)

    def _reset(self, asked: Asked) -> None:
        del asked
        self._chip.opcode(RESET)
        self.bank.advance_to(self.bank.now_s + RESET_TO_SDATAC_S)
        if "reset-in-stream" in self._mended:
            self._end_stretch()
        self._set_up(self._reply, writes="reset-writes" not in self._mended)

    # ---- frames -------------------------------------------------------------------------------

    def _stream(self, until_s: float) -> None:
        """Read at each fall of DRDY, and send; while the port takes nothing, nothing is read."""
        readings: Readings = self.bank.read(until_s).only(self.read_filter)
        self._falls_then = self.bank.n_true_falls
        if not len(readings.index):
            return
        times_s, data, index = readings.time_s, readings.data, readings.index
        n_bytes = MOST_FRAME_BYTES * len(index)
        if self._port.flows_freely(n_bytes):
            self._put(times_s, data, index)
            return
        for at, time_s in enumerate(times_s.tolist()):
            part = slice(at, at + 1)
            if self._port.has_room(MOST_FRAME_BYTES, time_s):
                self._put(times_s[part], data[part], index[part])

    def _put(
        self, times_s: NDArray[np.float64], data: NDArray[np.uint8], index: NDArray[np.int64]
    ) -> None:
        """Stamp frames as they are read, and send them."""
        self._send_frames(self.sampling.stamped(times_s, data, index), float(times_s[-1]))

    def _send_frames(self, rows: NDArray[np.uint8], now_s: float) -> None:
        self._port.send(encoded(rows, self._form, is_hex=self._is_hex), now_s)
