"""Boards of others that only send frames: Cerelog, ardEEG, Knight, EEGFrontier, on our chips.

Written from what is known of their firmware (docs/boards.md has where from), and from nothing on
the side of the driver: each makes its bytes by hand, so that a mistake of the gateway's cannot be
theirs.
"""

import struct
from typing import ClassVar, Final

from emgrig.onboard.chip_control import ChipControl
from emgrig.onboard.seams import BoardFacts, Client, Readings
from emgrig.protocol.packets import ResetCause
from emgrig.simulator.chip.core import RDATAC, SDATAC, START
from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.chip_bank import ChipBank
from emgrig.simulator.firmware.port import Port, PortClient

CONFIG1: Final = 0x01
_RATE_250: Final = 0x96  #: CONFIG1: 250 SPS.
_REFERENCE_ON: Final = 0xE0  #: CONFIG3: internal reference.
_GAIN_24: Final = 0x60
_GAIN_12: Final = 0x50  #: CHnSET: normal input.
_MOST_RECEIVED: Final = 256

#: One conversion of the first chip: number since power-on, true time s, its frame.
Conversion = tuple[int, float, bytes]


class FrameFirmware:
    """A processor that reads each conversion of one chip and sends it in a form of its own.

    A derived class says how the chip is set up (`rate_code`, `gain_code`, `n_channels`), makes the
    bytes (`encode`), and takes what the PC says (`hear`).
    """

    n_channels: ClassVar[int] = 8
    gain_code: ClassVar[int] = _GAIN_24
    rate_code: ClassVar[int] = _RATE_250

    def __init__(self, bank: ChipBank, facts: BoardFacts, crystal: Crystal) -> None:
        if len(bank) != 1 or bank.buses[0].chip.n_channels != self.n_channels:
            n = self.n_channels
            raise ValueError(f"this board has one chip of {n} channels: say channels={n}")
        self.bank = bank
        self.crystal = crystal
        self._port = Port(facts.transmit_bytes)
        self.link = self._port.link
        self.sent: list[Conversion] = []  #: Ground truth: the last conversions, at most 4096.
        self.is_talking = True  #: False until the PC has said what it must.
        self._control = ChipControl(bank)
        self._heard = b""
        self._boot()

    def _boot(self) -> None:
        self.is_talking = self.talks_at_once
        self._heard = b""
        control = self._control
        control.boot()
        control.command(SDATAC)
        control.write(0, CONFIG1, bytes((self.rate_code, 0xC0, _REFERENCE_ON)))
        control.write(0, 0x05, bytes((self.gain_code,)) * self.n_channels)
        self.bank.advance_to(self.bank.now_s + 0.15)  # the reference comes up
        control.command(RDATAC)
        control.command(START)
        self.bank.begin_count()

    #: Whether it sends without being asked.
    talks_at_once: ClassVar[bool] = True

    @property
    def is_streaming(self) -> bool:
        """True while it sends frames."""
        return self.is_talking and bool(self._port.clients)

    @property
    def produced(self) -> tuple[int, ...]:
        """Conversions since power-on, as one run."""
        return (self.bank.n_true_falls,)

    def connect(self, window_bytes: int) -> PortClient:
        """Take a client whose side holds `window_bytes` that it has not read."""
        return self._port.connect(window_bytes)

    def disconnect(self, client: Client) -> None:
        """Let go of a client; a second call does nothing."""
        self._port.disconnect(client)

    def receive(self, client: Client, data: bytes) -> None:
        """Take bytes from a client."""
        if client in self._port:
            self._heard = self.hear((self._heard + data)[-_MOST_RECEIVED:])

    def advance(self, until_s: float) -> None:
        """Let time pass up to `until_s`; what is read on the way is sent."""
        readings = self.bank.read(until_s)
        frames = self._encoded(readings)
        for client in self._port.clients:
            outlet = client.outlet
            for frame in frames:
                if outlet.has_room(len(frame)):
                    outlet.send_samples([frame], 1, self.bank.now_s)
            outlet.drain(self.bank.now_s)

    def restart(self, cause: ResetCause) -> None:  # noqa: ARG002
        """Boot again."""
        self._port.restart()
        self.crystal.restart(self.bank.now_s)
        self._boot()

    def _encoded(self, readings: Readings) -> list[bytes]:
        if not self.is_talking:
            return []
        frames: list[bytes] = []
        rows = zip(readings.index.tolist(), readings.time_s.tolist(), readings.data, strict=True)
        for number, time_s, data in rows:
            made = self.encode(number, time_s, data.tobytes())
            if made is not None:
                self.sent.append((number, time_s, data.tobytes()))
                frames += [made] if made else []
        del self.sent[:-4096]
        return frames

    def encode(self, number: int, time_s: float, data: bytes) -> bytes | None:
        """Make the bytes of one conversion; empty if they wait for more, None if not sent."""
        raise NotImplementedError

    def hear(self, heard: bytes) -> bytes:
        """Take what the PC said; return what is not whole yet."""
        del heard
        return b""


class Cerelog(FrameFirmware):
    """37 bytes a conversion, milliseconds, no number; silent until it was told the time."""

    talks_at_once = False

    def encode(self, number: int, time_s: float, data: bytes) -> bytes:
        """AB CD, 31, milliseconds, the chip's 27 bytes, sum, DC BA."""
        del number
        message = (
            bytes((31,)) + (self.crystal.microseconds(time_s) // 1000).to_bytes(4, "big") + data
        )
        return b"\xab\xcd" + message + bytes((sum(message) % 256,)) + b"\xdc\xba"

    def hear(self, heard: bytes) -> bytes:
        """Twelve bytes AA BB, 2, time, register, value, sum, CC DD begin the stream."""
        at = heard.find(b"\xaa\xbb")
        if at < 0:
            return heard[-1:]
        said = heard[at : at + 12]
        if len(said) < 12:
            return heard[at:]
        if said[2] == 2 and said[9] == sum(said[2:9]) % 256 and said[10:] == b"\xcc\xdd":
            self.is_talking = True
        return heard[at + 12 :]


class ArdEeg(FrameFirmware):
    """The chip's bytes as they are, fifty conversions at once; neither number nor time."""

    datagram_bytes: ClassVar = 50 * 27

    def __init__(self, bank: ChipBank, facts: BoardFacts, crystal: Crystal) -> None:
        self._block = b""
        super().__init__(bank, facts, crystal)

    def encode(self, number: int, time_s: float, data: bytes) -> bytes:
        """Hold 49 conversions, and send them with the fiftieth."""
        del number, time_s
        self._block += data
        if len(self._block) < 50 * 27:
            return b""
        block, self._block = self._block, b""
        return block


class Knight(FrameFirmware):
    """21 bytes, a counter of 8 bits, codes of 16 bits; its converter is played by ours."""

    gain_code = _GAIN_12
    _FULL_SCALE_OURS: Final = 4.5 / 12 / 2**23
    _FULL_SCALE_ITS: Final = 4.0 / 12 / 2**15

    def encode(self, number: int, time_s: float, data: bytes) -> bytes | None:
        """A0, counter, eight codes, lead-off P and N, C0; every second conversion, 125 SPS."""
        del time_s
        if number % 2:
            return None
        codes = [int.from_bytes(data[3 * n : 3 * n + 3], "big", signed=True) for n in range(1, 9)]
        ratio = self._FULL_SCALE_OURS / self._FULL_SCALE_ITS
        small = [min(max(round(code * ratio), -(2**15)), 2**15 - 1) for code in codes]
        status = int.from_bytes(data[:3], "big")
        loff = bytes((status >> 12 & 0xFF, status >> 4 & 0xFF))
        return b"\xa0" + bytes((number // 2 % 256,)) + struct.pack(">8h", *small) + loff + b"\xc0"


class EegFrontier(FrameFirmware):
    """44 bytes under COBS with a CRC; an index of frames sent, microseconds; talks on START."""

    n_channels = 4
    talks_at_once = False

    def __init__(self, bank: ChipBank, facts: BoardFacts, crystal: Crystal) -> None:
        self._index = 0
        super().__init__(bank, facts, crystal)

    def encode(self, number: int, time_s: float, data: bytes) -> bytes:
        """Type 1, version 1, index, time, status, four codes, flags, two counters, CRC."""
        del number
        codes = [int.from_bytes(data[3 * n : 3 * n + 3], "big", signed=True) for n in range(1, 5)]
        status, time_us = int.from_bytes(data[:3], "big"), self.crystal.microseconds(time_s)
        head = struct.pack("<BBIII", 1, 1, self._index, time_us % 2**32, status)
        raw = head + struct.pack("<4iIII", *codes, 1, 0, 0)
        self._index += 1
        return _cobs(raw + struct.pack("<H", _crc16(raw))) + b"\x00"

    def hear(self, heard: bytes) -> bytes:
        """Lines: START and STOP; others are not answered here."""
        *lines, rest = heard.split(b"\n")
        for line in lines:
            if line.strip() in (b"START", b"STOP"):
                self.is_talking = line.strip() == b"START"
        return rest


def _crc16(data: bytes) -> int:
    """CRC-16 CCITT, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _cobs(data: bytes) -> bytes:
    """Consistent overhead byte stuffing of less than 254 bytes."""
    return b"".join(bytes((len(part) + 1,)) + part for part in data.split(b"\x00"))
