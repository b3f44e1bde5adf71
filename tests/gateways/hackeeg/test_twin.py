"""The HackEEG twin against its firmware's transcripts, and each trap, there and mended."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emgrig.simulator.faults.named import parse_fault, switch_on
from emgrig.simulator.firmware.hackeeg.traps import TRAPS
from emgrig.simulator.firmware.spi import StuckMiso
from emgrig.simulator.transport import SimTransport
from gateways.hackeeg.rig import processor_of, transport_of


class Port:
    """A terminal on the twin's serial port."""

    def __init__(self, query: str = "") -> None:
        self.transport: SimTransport = transport_of(query)

    def said(self, text: str, *, wait_s: float = 0.0) -> bytes:
        """Write, let time pass, and return what came."""
        self.transport.write(text.encode())
        self.transport.clock.sleep(wait_s)
        out = b""
        try:
            while True:
                out += self.transport.read(1 << 16, timeout_s=0.0)
        except TimeoutError:
            return out

    def ask(self, command: str, *numbers: int, wait_s: float = 0.0) -> dict[str, Any]:
        """Ask in JSON; return the answer, which comes first."""
        line = json.dumps({"COMMAND": command, "PARAMETERS": list(numbers)}) + "\n"
        answer: dict[str, Any] = json.loads(self.said(line, wait_s=wait_s).splitlines()[0])
        return answer

    def frames(self, duration_s: float) -> list[bytes]:
        """Return payloads of MessagePack that come in so long."""
        data = self.said("", wait_s=duration_s)
        assert len(data) % 44 == 0
        return [data[at + 9 : at + 44] for at in range(0, len(data), 44)]


def streaming(query: str = "") -> Port:
    """Return a port on which MessagePack is about to come, at 500 SPS."""
    port = Port(query)
    port.said("jsonlines\n")
    for address, value in ((1, 0x95), *((n, 0x60) for n in range(5, 13))):
        port.ask("wreg", address, value)
    port.ask("messagepack")
    port.ask("start")
    return port


def number(payload: bytes) -> int:
    return int.from_bytes(payload[4:8], "little")


def test_text_mode_reads_as_the_firmware_prints() -> None:
    port = Port()
    assert port.said("nop\n") == b"200 Ok\r\n"
    assert port.said("VERSION\r\n") == b"200 v0.3.0\r\n"
    assert port.said("rreg 0\n") == b"200 Ok (Read Register 00) \r\n3E\r\n\r\n"
    assert port.said("wreg 05 60\n") == b"200 Ok (Write Register 05 60) \r\n\r\n"
    assert port.said("rreg 5\n").splitlines()[1] == b"60"
    assert port.said("rreg\n") == b"403 Error: register argument missing.\r\n\r\n"
    assert port.said("wreg 5\n") == b"404 Error: value argument missing.\r\n\r\n"
    assert port.said("rreg xx\n") == b"402 Error: expected hexidecimal digits.\r\n\r\n"
    assert port.said('{"COMMAND":"nop"}\n') == b"406 Error: Unrecognized command.\r\n\r\n"
    assert port.said("\n") == b""
    assert port.said("serialnumber\n") == b"501 Not Implemented\r\n"
    status = port.said("status\n").decode().split("\r\n")
    assert status[:3] == ["200 Ok", "Driver version: v0.3.0", "Board name: HackEEG"]
    assert status[4:] == ["Hardware type: ADS1299", "Max channels: 8",
                          "Number of active channels: 1", "", ""]  # fmt: skip
    assert port.said("help\n").startswith(b"200 Ok\r\nAvailable commands: \r\nnop\r\n")


def test_json_reads_as_the_firmware_prints() -> None:
    port = Port()
    ok = b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok"}\r\n'
    assert port.said("jsonlines\n") == ok
    assert port.said("\n") == b'{"STATUS_CODE":400,"STATUS_TEXT":"Bad Request"}\r\n'
    unknown = b'{"STATUS_CODE":406,"STATUS_TEXT":"Unrecognized command"}\r\n'
    assert port.said('{"PARAMETERS":[]}\n') == unknown
    assert port.said('{"COMMAND":"standby"}\n') == unknown
    assert port.said('{"COMMAND":"nop","PARAMETERS":null}\n') == ok
    assert port.ask("rreg", 1)["DATA"] == 0x96
    assert port.said('{"COMMAND":"wreg","PARAMETERS":[5,999]}\n') == ok
    assert port.ask("rreg", 5)["DATA"] == 0, "what is no byte is 0"
    assert port.ask("version")["STATUS_TEXT"] == "v0.3.0"
    before_us = port.ask("micros")["DATA"]
    assert port.ask("micros", wait_s=0.5)["DATA"] - before_us < 1000
    assert port.ask("micros")["DATA"] - before_us == pytest.approx(5e5, rel=1e-3)
    port.ask("boardledon")
    assert port.ask("rreg", 0x14)["DATA"] & 0x88 == 0x80


def test_after_boot_two_registers_are_not_at_their_defaults() -> None:
    port = Port()
    port.said("jsonlines\n")
    assert [port.ask("rreg", address)["DATA"] for address in (1, 3, 0x14)] == [0x96, 0xE0, 0x00]


def test_it_boots_in_2600_ms_in_text_mode() -> None:
    from emgrig.protocol.packets import ResetCause

    port = Port()
    port.said("jsonlines\n")
    port.transport.board.restart(ResetCause.POWER_ON)
    assert port.said("nop\n", wait_s=2.5) == b""
    assert port.said("", wait_s=0.2) == b"Ready\r\n200 Ok\r\n"


def test_the_parser_stays_until_what_has_come_is_read() -> None:
    """A line behind `jsonlines`, in the same piece, is read as words."""
    port = Port()
    said = port.said('jsonlines\n{"COMMAND":"nop"}\n')
    assert said.splitlines()[1] == b"406 Error: Unrecognized command."
    assert port.ask("nop")["STATUS_CODE"] == 200


@pytest.mark.parametrize("form", ["jsonlines", "text"])
def test_frames_in_other_forms(form: str) -> None:
    port = streaming()
    port.ask("rdatac")
    port.said(json.dumps({"COMMAND": form}) + "\n")
    lines = port.said("", wait_s=0.1).split(b"\n")[:-1]
    assert len(lines) == pytest.approx(50, abs=5)
    if form == "jsonlines":
        assert {len(line) for line in lines} == {64}
    else:
        assert {len(line) for line in lines} == {49}
        lines = port.said("hex\n", wait_s=0.1).split(b"\r\n")[3:-1]
        assert {len(line) for line in lines} == {70}


# ---- traps --------------------------------------------------------------------------------------


def test_every_trap_is_tested_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert all(f'"&mended={name}"' in text for name in TRAPS)


@pytest.mark.parametrize(("query", "stops"), [("", False), ("&mended=stop", True)])
def test_stop(query: str, stops: bool) -> None:
    port = streaming(query)
    port.ask("rdatac", wait_s=0.1)
    port.said('{"COMMAND":"stop"}\n')
    assert (len(port.frames(0.5)) < 5) == stops


@pytest.mark.parametrize(("query", "answer"), [("", b""), ("&mended=reset", b'{"STATUS_CODE":500')])
def test_reset_with_an_unknown_id(query: str, answer: bytes) -> None:
    port = streaming(query)
    port.transport.board.bank.set_wire_fault(StuckMiso(1), [0])
    said = port.said('{"COMMAND":"reset"}\n', wait_s=3.0)
    assert said[: len(answer) or None] == answer
    assert processor_of(port.transport.board).is_hung == (not answer)
    assert bool(port.said('{"COMMAND":"nop"}\n')) == bool(answer)


@pytest.mark.parametrize(
    ("query", "expected"), [("", [0xE0, 0x00]), ("&mended=reset-writes", [0x60, 0x0F])]
)
def test_reset_writes(query: str, expected: list[int]) -> None:
    port = streaming(query)
    assert port.said('{"COMMAND":"reset"}\n', wait_s=1.0) == b""
    assert port.said("", wait_s=0.2) == b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok"}\r\n'
    assert [port.ask("rreg", address)["DATA"] for address in (3, 0x14)] == expected
    assert port.ask("rreg", 5)["DATA"] == 0x61


@pytest.mark.parametrize(("query", "streams"), [("", True), ("&mended=reset-in-stream", False)])
def test_reset_in_a_stream(query: str, streams: bool) -> None:
    port = streaming(query)
    port.ask("rdatac", wait_s=0.1)
    port.said('{"COMMAND":"reset"}\n', wait_s=1.2)
    frames = port.frames(0.5)
    assert bool(frames) == streams
    assert {frame[8] >> 4 for frame in frames} <= {0}, "the chip is in SDATAC: no status word"


@pytest.mark.parametrize(("query", "code"), [("", 502), ("&mended=no-active", 200)])
def test_no_active_channel(query: str, code: int) -> None:
    port = streaming(query)
    for address in range(5, 13):
        port.ask("wreg", address, 0x61)
    assert port.ask("rdatac")["STATUS_CODE"] == code


@pytest.mark.parametrize(("query", "counts"), [("", False), ("&mended=counts-reads", True)])
def test_what_the_number_counts(query: str, counts: bool) -> None:
    port = streaming(query)
    port.ask("rdatac", wait_s=0.1)
    processor = processor_of(port.transport.board)
    processor.read_filter = lambda n: np.arange(n) % 2 == 0
    numbers = [number(frame) for frame in port.frames(0.5)]
    assert set(np.diff(numbers)[5:].tolist()) == ({2} if counts else {1})


@pytest.mark.parametrize(("query", "code"), [("", 200), ("&mended=rubbish", 500)])
def test_registers_in_a_stream(query: str, code: int) -> None:
    port = streaming(query)
    port.ask("rdatac")
    port.frames(0.1)
    answer = port.ask("rreg", 0)
    assert answer["STATUS_CODE"] == code
    assert answer.get("DATA") != 0x3E


@pytest.mark.parametrize(("query", "is_early"), [("", True), ("&mended=stale-first", False)])
def test_the_first_frame(query: str, is_early: bool) -> None:
    port = streaming(query)
    port.transport.clock.sleep(0.0987)
    said = port.said('{"COMMAND":"rdatac"}\n')
    assert (b"\x82\xa1C" in said) == is_early


@pytest.mark.parametrize(("query", "is_new"), [("", False), ("&mended=rdata-last", True)])
def test_rdata(query: str, is_new: bool) -> None:
    port = streaming(query)
    port.ask("rdatac", wait_s=0.1)
    port.said('{"COMMAND":"sdatac"}\n')
    last = processor_of(port.transport.board).sampling.last
    port.transport.clock.sleep(0.3)
    (frame,) = [port.said('{"COMMAND":"rdata"}\n', wait_s=0.01)[9:]]
    assert (frame != last) == is_new
    assert len(frame) == 35


def test_a_trap_that_there_is_not_is_one_line() -> None:
    with pytest.raises(ValueError, match="mended=nonsense: a HackEEG has the traps stop, reset"):
        transport_of("&mended=stop+nonsense")
    with pytest.raises(ValueError, match="cerelog has no trap to be mended"):
        SimTransport("firmware=cerelog&mended=stop")


# ---- the port -----------------------------------------------------------------------------------


def test_a_port_that_takes_nothing_stops_the_board_and_the_number() -> None:
    """USB holds the firmware back: frames that it did not read are missing in time alone."""
    port = streaming()
    port.ask("rdatac", wait_s=0.1)
    port.frames(0.1)
    link = port.transport.board.firmware.link
    link.is_stalled = True
    assert port.said("", wait_s=10.0) == b""
    link.is_stalled = False
    frames = port.frames(1.0)
    assert set(np.diff([number(frame) for frame in frames]).tolist()) == {1}
    stamps = np.diff([int.from_bytes(frame[:4], "little") for frame in frames])
    assert stamps.max() > 5e6


def test_missed_reads_can_be_put_in() -> None:
    port = streaming()
    board = port.transport.board
    switch_on(board, [parse_fault("reads-missed:rate=0.5")], 1)
    port.ask("rdatac")
    assert 150 < len(port.frames(1.0)) < 350
