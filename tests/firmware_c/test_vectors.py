"""The golden vectors of both directions, held against the C core, byte for byte.

The board here is a script: its time is set, its chip gives the bytes it is told to. Requests go in
as `vectors.json` has them, and what comes out must be the vectors of replies, samples and events.
"""

import ctypes
import json
import struct
from importlib.resources import files
from typing import Any

import pytest

from emgrig.protocol.framing import PacketType
from emgrig.protocol.packets import Line, Request, ResetCause
from firmware_core import CALLS, Facts, Hal, library, needs_c
from same_bytes import request

pytestmark = [pytest.mark.slow, needs_c]

VECTORS = {
    v["name"]: v for v in json.loads((files("emgrig.protocol") / "vectors.json").read_text())
}
FROM_BOARD = [v for v in VECTORS.values() if v["type"] != PacketType.REQUEST]
START_US, STOP_US, EVENT_US = 123_456_789, 133_456_789, 123_476_793
SETTLED_US, PERIOD_US = 4004, 1000  #: 1 kSPS (SBAS499C, table 13): 8201 tCLK, then 2048 each.
#: Opcodes (SBAS499C, table 10).
SDATAC, RDATAC, START, STOP, RREG, WREG = 0x11, 0x10, 0x08, 0x0A, 0x20, 0x40


def packet(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name]["hex"])


def field(name: str, message: str, key: str) -> Any:
    return VECTORS[name]["fields"][message][key]


class Script:
    """A board whose time is `now_us`, and whose chip gives `frame` and `registers`."""

    def __init__(self, *, n_chips: int = 1) -> None:
        self.now_us, self.frame, self.registers = 0, b"", bytes(32)
        self.inbox, self.out = bytearray(), bytearray()
        self.link = 0  #: On which the inbox arrives.
        self.asked: list[object] = []  # of the chip and of the board
        self.core = library()
        self._memory = ctypes.create_string_buffer(self.core.glue_board_bytes())
        self.board = ctypes.addressof(self._memory)
        self._hal = Hal(None, *(kind(getattr(self, f"_{name}")) for name, kind in CALLS.items()))
        self._facts = Facts(
            "µ-0042".encode(), b"2.1.0", b"1a2b3c4", n_chips, 8, 0b111, 0, None, 2_048_000,
            4_500_000, (1 << 8 * n_chips) - 1, 31, 65536, 60_000_000,
        )  # fmt: skip
        self.core.emg_board_init(
            self.board, ctypes.addressof(self._hal), ctypes.addressof(self._facts)
        )
        self.core.emg_connected(self.board, 0)

    def boot(self) -> None:
        self.core.emg_boot(self.board, ResetCause.POWER_ON)

    def next_is(self, name: str) -> None:
        """Let the next packet have the number of this vector."""
        self.core.glue_next_sequence(self.board, VECTORS[name]["sequence"])

    def take(self) -> bytes:
        taken = bytes(self.out)
        self.out.clear()
        return taken

    def ask(self, data: bytes) -> bytes:
        """Send bytes, go round, and return what was said."""
        self.inbox += data
        while self.core.glue_go(self.board) & 1:
            pass
        return self.take()

    def answer(self, name: str) -> bytes:
        """Ask as a vector does; the reply has its number, as in the vectors."""
        self.next_is(name)
        return self.ask(packet(name))

    def edges(self, n: int, time_us: int) -> None:
        """Let DRDY fall `n` times, the last time at `time_us`, before the loop comes round."""
        self.now_us = time_us
        for _ in range(n):
            self.core.emg_drdy(self.board, time_us)
        self.core.glue_go(self.board)

    def to_settings_1(self) -> None:
        """Boot, leave RDATAC, and write registers as the vector does."""
        self.boot()
        self.ask(request(100, Request.CHIP_COMMAND, b"\xff\x11"))
        self.ask(packet("request WRITE_REGISTERS"))
        self.asked.clear()

    # ---- the hardware layer -------------------------------------------------------------------

    def _now_us(self, _: object) -> int:
        return self.now_us

    def _delay_us(self, _: object, us: int) -> None:
        pass

    def _idle_us(self, _: object, us: int) -> None:
        self.now_us += us

    def _transfer(
        self, _: object, chips: int, tx: Any, rx: Any, n: int, sclk_hz: int, hold_us: int
    ) -> None:
        if not tx:
            ctypes.memmove(rx, self.frame, n)
            return
        mosi = bytes(tx[:n])
        self.asked.append((chips, mosi.hex()))
        if mosi[0] & 0xE0 == RREG:
            first = mosi[0] & 0x1F
            ctypes.memmove(rx, bytes(2) + self.registers[first : first + n - 2], n)

    def _line(self, _: object, line: int, is_high: bool) -> None:
        self.asked.append((Line(line), is_high))

    def _receive(self, _: object, link: int, data: Any, n: int) -> int:
        if link != self.link:
            return 0
        taken = bytes(self.inbox[:n])
        del self.inbox[:n]
        ctypes.memmove(data, taken, len(taken))
        return len(taken)

    def _send(self, _: object, link: int, data: Any, n: int) -> int:
        self.out += ctypes.string_at(data, n)
        return n

    def _blink(self, _: object, ms: int) -> None:
        self.asked.append(("blink", ms))

    def _show(self, _: object, count: int) -> None:
        self.asked.append(("show", count))

    def _reboot(self, _: object) -> None:
        self.asked.append("reboot")


@pytest.mark.parametrize("vector", FROM_BOARD, ids=lambda v: v["name"])
def test_packets_towards_the_pc_are_framed_as_in_the_vectors(vector: dict) -> None:
    script, raw = Script(), bytes.fromhex(vector["hex"])
    script.next_is(vector["name"])
    assert script.core.glue_send(script.board, vector["type"], raw[8:-4], len(raw) - 12)
    assert script.take() == raw


@pytest.mark.parametrize("vector", FROM_BOARD, ids=lambda v: v["name"])
def test_packets_of_the_other_direction_are_taken_and_not_answered(vector: dict) -> None:
    script = Script()
    assert script.ask(bytes.fromhex(vector["hex"])) == b""
    stats = script.ask(packet("request STATS"))
    assert struct.unpack("<I", stats[-12:-8]) == (0,)  # bad_packets: its CRC is right


def test_hello() -> None:
    script = Script(n_chips=2)
    script.boot()
    script.take()
    assert script.answer("request HELLO") == packet("reply HELLO that says what the board can")


def test_registers_and_commands() -> None:
    script = Script()
    script.boot()
    assert script.asked[-2:] == [(Line.RESET, False), (Line.RESET, True)]
    script.ask(request(100, Request.CHIP_COMMAND, b"\xff\x11"))
    script.registers = bytes.fromhex(field("reply READ_REGISTERS", "Registers", "values"))
    script.asked.clear()
    assert script.answer("request READ_REGISTERS") == packet("reply READ_REGISTERS")
    assert script.answer("request WRITE_REGISTERS") == packet("reply WRITE_REGISTERS")
    assert script.answer("request CHIP_COMMAND") == packet("reply CHIP_COMMAND")
    assert script.answer("request SET_LINE") == packet("reply SET_LINE")
    assert script.asked == [
        (1, bytes([RREG, 23, *bytes(24)]).hex()),
        (
            1,
            bytes([WREG | 5, 7]).hex()
            + field("request WRITE_REGISTERS", "WriteRegisters", "values"),
        ),
        (1, bytes([SDATAC]).hex()),
        (Line.START, False),
    ]


def test_a_run_from_start_to_stop() -> None:
    script = Script()
    script.to_settings_1()
    script.now_us, script.frame = START_US, bytes.fromhex(VECTORS["samples of one frame"]["rest"])
    assert script.answer("request START") == packet("reply START")
    opcodes = [mosi[:2] for _, mosi in script.asked]
    assert opcodes == [f"{opcode:02x}" for opcode in (RREG | 3, RDATAC, START)]
    script.edges(1, START_US + SETTLED_US)
    lead_off = script.take()  # the frames of the vectors have an electrode off
    assert lead_off[3] == PacketType.EVENT
    script.next_is("samples of one frame")
    script.edges(17, START_US + SETTLED_US + 17 * PERIOD_US)
    assert script.take() == packet("samples of one frame")
    script.edges(1, START_US + SETTLED_US + 18 * PERIOD_US)
    script.next_is("samples of two frames after a missed conversion")
    last_us = STOP_US - 100_000
    script.edges(10_000 - 19, last_us)
    assert script.take() == packet("samples of two frames after a missed conversion")
    period_us = (last_us - (START_US + SETTLED_US + 18 * PERIOD_US)) // (10_000 - 19)
    script.now_us = STOP_US - (period_us + period_us // 2)  # STOP waits for a period and a half
    script.core.glue_next_sequence(script.board, VECTORS["reply STOP"]["sequence"] - 1)
    said = script.ask(packet("request STOP"))
    assert said[3] == PacketType.SAMPLES
    assert said.endswith(packet("reply STOP"))


def test_what_is_asked_when_no_run_is_on() -> None:
    script = Script()
    script.to_settings_1()
    script.now_us = STOP_US
    script.next_is("reply STOP when no run was on")
    assert script.ask(packet("request STOP")) == packet("reply STOP when no run was on")
    script.now_us = field("reply CLOCK", "ClockReading", "board_time_us")
    assert script.answer("request CLOCK") == packet("reply CLOCK")
    assert script.answer("request IDENTIFY") == packet("reply IDENTIFY, which is empty")
    script.ask(packet("request SET_COUNTER"))
    script.next_is("reply SET_COUNTER, which is empty")  # asked again, it is not done again
    again = script.ask(packet("request SET_COUNTER"))
    assert again == packet("reply SET_COUNTER, which is empty")
    assert script.asked == [("blink", 2000), ("show", 42)]
    assert script.answer("request REBOOT") == packet("reply REBOOT, which is empty")
    script.core.glue_go(script.board)
    assert script.asked[-1] == "reboot"


def test_the_counters_of_a_run() -> None:
    """10000 conversions, of which two were not read in time."""
    script = Script()
    script.to_settings_1()
    script.now_us, script.frame = START_US, b"\xc0" + bytes(26)
    script.ask(packet("request START"))
    for conversion in range(9998):
        script.edges(3 if conversion == 5000 else 1, script.now_us + PERIOD_US)
    script.ask(packet("request STOP"))
    script.now_us = STOP_US
    said, told = script.answer("request STATS"), packet("reply STATS")
    assert len(said) == len(told)
    assert said[8:-8] == told[8:-8]  # but for its CRC and how many bytes ever waited


def test_errors_have_the_codes_of_the_vectors() -> None:
    """The document: the code decides; the words are each firmware's own."""
    script = Script()
    script.boot()
    script.take()
    for name, which, arguments in (
        ("reply error in RDATAC", Request.READ_REGISTERS, b"\x00\x00\x01"),
        ("reply error unknown request", 200, b""),
    ):
        told = packet(name)
        said = script.ask(request(int.from_bytes(told[8:10], "little"), which, arguments))
        assert said[8:14] == told[8:14]
    script.ask(packet("request START"))
    script.core.emg_connected(script.board, 1)  # a second PC
    told = packet("reply error busy")
    script.link = 1
    said = script.ask(request(14, Request.HELLO, b"\x01\x00"))
    assert said[8:14] == told[8:14]


def test_events() -> None:
    script = Script()
    script.now_us = EVENT_US
    script.boot()
    said = script.take()
    script.next_is("event BOOT")
    script.boot()
    assert script.take()[8:-4] == said[8:-4] == packet("event BOOT")[8:-4]
    script.to_settings_1()
    script.now_us, script.frame = START_US, b"\xc0" + bytes(26)
    script.ask(packet("request START"))
    for conversion in range(16):
        script.edges(1, START_US + SETTLED_US + conversion * PERIOD_US)
    script.take()
    script.now_us = EVENT_US
    script.next_is("event TRIGGER")
    script.core.emg_trigger(script.board, 1, True)
    assert script.take() == packet("event TRIGGER")
    script.next_is("event COUNTER")
    said = script.ask(request(50, Request.SET_COUNTER, b"\x2b\x00\x00\x00"))
    assert said.startswith(packet("event COUNTER"))
    for name in ("event OVERFLOW", "event CHIP_LOST"):
        script.next_is(name)
        body = packet(name)[8 + 13 : -4]
        kind = field(name, "EventHeader", "event")
        script.core.glue_event(script.board, kind, 16, EVENT_US, body, len(body))
        assert script.take() == packet(name)
    script.next_is("event LEAD_OFF")
    script.frame = bytes.fromhex("c01000") + bytes(24)  # LOFF_STATP, bit 0 (SBAS499C, p. 38)
    script.edges(1, EVENT_US)
    assert script.take() == packet("event LEAD_OFF")
