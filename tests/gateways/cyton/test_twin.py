"""The twin of a Cyton, letter by letter: what OpenBCI's firmware 3.1.2 answers and does.

Expected texts, registers and times are those of its source and of OpenBCI's documents.
"""

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.simulator.firmware.cyton.traps import TRAPS
from emgrig.simulator.transport import SimTransport
from gateways.cyton.cytons import PACKET, asked, firmware_of, read_all, transport_of
from places import ROOT
from properties import examples

#: Behind power-on: CONFIG1 250 SPS, CONFIG3, LOFF 6 nA at 31.2 Hz, CHnSET gain 24 with SRB2.
FRESH = bytes.fromhex("3E96C0EC02" + "68" * 8 + "FFFF0000000000" + "0F000000")


def registers(transport: SimTransport, chip: int = 0) -> bytes:
    """Read the chip's registers on its own wires, whatever the firmware prints."""
    return firmware_of(transport).chips.rreg(chip, 0, 24)


def packets(transport: SimTransport, seconds: float) -> list[bytes]:
    """Let a run go on for so long, and return its packets."""
    transport.clock.sleep(seconds)
    data = b""
    while True:
        try:
            data += transport.read(1 << 20, timeout_s=0.0)
        except TimeoutError:
            break
    return [data[at : at + PACKET] for at in range(0, len(data), PACKET)]


def test_it_says_who_it_is() -> None:
    transport = transport_of("cyton-daisy")
    began_s = transport.clock.now_s()
    assert asked(transport, b"v") == (
        "OpenBCI V3 8-16 channel\nOn Board ADS1299 Device ID: 0x3E\n"
        "On Daisy ADS1299 Device ID: 0x3E\nLIS3DH Device ID: 0x33\nFirmware: v3.1.2\n$$$"
    )
    assert transport.clock.now_s() - began_s > 0.5  # the document: more than half a second
    assert asked(transport, b"V") == "v3.1.5$$$"
    assert "Daisy" not in asked(transport_of(), b"v")


def test_it_prints_all_registers_in_hexadecimal_and_bits() -> None:
    transport = transport_of("cyton-daisy")
    began_s = transport.clock.now_s()
    text = asked(transport, b"?")
    assert 2.0 < transport.clock.now_s() - began_s < 3.0  # 30 ms a line
    board, daisy, accelerometer = re.split("Daisy ADS Registers|LIS3DH Registers", text)
    assert "\nCONFIG1, 01, b6, 1, 0, 1, 1, 0, 1, 1, 0\n" in board  # the clock goes to the Daisy
    assert "\nCONFIG1, 01, 96, 1, 0, 0, 1, 0, 1, 1, 0\n" in daisy
    for part in (board, daisy):
        values = bytes(int(one, 16) for one in re.findall(r"^\w+, .., (..),", part, re.MULTILINE))
        assert values[2:] == FRESH[2:]
        assert len(values) == 24
    assert "0x0f 33\n" in accelerometer


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"x1020110X", "Success: Channel set for 1$$$"),
        (b"xI020110X", "Success: Channel set for 16$$$"),
        (b"x102X", "Failure: too few chars$$$"),
        (b"x10201100", "Failure: Err: 9th char not X$$$"),
        (b"z110Z", "Success: Lead off set for 1$$$"),
        (b"z1Z", "Failure: too few chars$$$"),
        (b"z1100", "Failure: Err: 5th char not Z$$$"),
        (b"0", "Success: Configured internal test signal.$$$"),
        (b"d", "updating channel settings to default$$$"),
        (b"D", "060110$$$"),
        (b"~4", "Success: Sample rate is 1000Hz$$$"),
        (b"~7", "Failure: sample value out of bounds$$$"),
        (b"~x", "Failure: invalid sample value$$$"),
        (b"/2", "Success: analog$$$"),
        (b"//", "Success: default$$$"),
        (b"<", "Time stamp ON$$$"),
        (b">", "Time stamp OFF$$$"),
        (b"C", "no daisy to attach!8$$$"),
        (
            b"x10",
            "Timeout processing multi byte message - please send all commands at once as of v2$$$",
        ),
    ],
)
def test_each_answer_is_the_firmwares(said: bytes, answer: str) -> None:
    assert asked(transport_of(), said) == answer


def test_letters_reach_the_registers_that_they_should() -> None:
    transport = transport_of("cyton-daisy")
    asked(transport, b"x1150011X")  # off, gain 12, normal, no bias, SRB2, SRB1
    asked(transport, b"zQ10Z")
    board, daisy = registers(transport), registers(transport, 1)
    assert board[5] == 0x80 | 0x50 | 0x08
    assert (board[0x0D], board[0x0E], board[0x15]) == (0xFE, 0xFE, 0x20)
    assert (daisy[0x0F], daisy[0x10]) == (0x01, 0x00)
    for letter, config2 in ((b"-", 0xD0), (b"=", 0xD1), (b"p", 0xD7), (b"[", 0xD4), (b"]", 0xD5)):
        asked(transport, letter)
        for chip in (0, 1):
            assert registers(transport, chip)[2] == config2
            assert {byte & 7 for byte in registers(transport, chip)[5:13]} == {5}
    asked(transport, b"v")
    assert registers(transport) == b"\x3e\xb6" + FRESH[2:]


def test_a_packet_is_33_bytes_with_the_chips_own_codes() -> None:
    transport = transport_of()
    transport.write(b"b")
    made = packets(transport, 1.1)
    sent = firmware_of(transport).sending.sent
    assert len(made) == len(sent) == pytest.approx(1.1 * 250, abs=8)
    for number, (one, (_, frame)) in enumerate(zip(made, sent, strict=True)):
        assert (one[0], one[1], one[32]) == (0xA0, number % 256, 0xC0)
        assert one[2:26] == frame[3:27]
        assert (one[26:32] != bytes(6)) == (number % 10 == 0)  # 25 Hz


def test_times_are_milliseconds_of_the_boards_clock() -> None:
    transport = transport_of()
    asked(transport, b"<")
    transport.write(b"b")
    made = packets(transport, 1.0)
    assert [one[32] for one in made] == [0xC3] + [0xC4] * (len(made) - 1)
    millis = [int.from_bytes(one[28:32], "big") for one in made]
    assert set(np.diff(millis).tolist()) <= {3, 4, 5}
    assert millis[-1] - millis[0] == pytest.approx(4 * (len(made) - 1), rel=0.025)


def test_a_daisy_and_its_board_send_means_in_turns() -> None:
    transport = transport_of("cyton-daisy")
    transport.write(b"b")
    made = packets(transport, 0.4)
    frames = [frame for _, frame in firmware_of(transport).sending.sent]
    for number in range(1, len(made)):
        at = 3 if number % 2 else 27 + 3  # odd: the board's own
        for channel in range(8):
            place = at + 3 * channel
            pair = [
                int.from_bytes(frames[n][place : place + 3], "big", signed=True)
                for n in (number - 1, number)
            ]
            got = int.from_bytes(
                made[number][2 + 3 * channel : 5 + 3 * channel], "big", signed=True
            )
            assert got == int(sum(pair) / 2)  # Python's int() cuts towards zero, as C does


def test_a_restart_is_told_by_its_banner() -> None:
    from emgrig.protocol.packets import ResetCause

    transport = transport_of()
    transport.write(b"b")
    packets(transport, 0.2)
    transport.board.restart(ResetCause.WATCHDOG)
    text = read_all(transport, until=lambda data: data.endswith(b"$$$"))
    assert b"OpenBCI V3" in text
    assert registers(transport) == FRESH


# ---- traps --------------------------------------------------------------------------------------


def _rate_resets(transport: SimTransport) -> bool:
    asked(transport, b"x1000110X")
    asked(transport, b"~4")
    return registers(transport)[4:6] == b"\x00\x68"  # LOFF and gain are gone


def _falls_back(transport: SimTransport) -> bool:
    asked(transport, b"~4")
    transport.write(b"b")
    n_packets = len(packets(transport, 2.0))
    return n_packets < 400


def _counts_sent(transport: SimTransport) -> bool:
    firmware_of(transport).read_filter = lambda n: np.arange(n) % 3 != 0
    transport.write(b"b")
    numbers = [one[1] for one in packets(transport, 1.0)]
    return set(np.diff(numbers).tolist()) <= {1, -255}


def _success_first(transport: SimTransport) -> bool:
    asked(transport, b"x1000110X")
    return registers(transport)[5] == 0x68  # not written yet


def _coerced(transport: SimTransport) -> bool:
    asked(transport, b"x90!0110X")
    return registers(transport)[5] == 0x68 and "Success" in asked(transport, b"xa0!0110X")


def _off_forgotten(transport: SimTransport) -> bool:
    transport.write(b"1")
    packets(transport, 0.1)
    asked(transport, b"0")
    packets(transport, 0.1)
    return registers(transport)[5] == 0x69


def _srb1_skipped(transport: SimTransport) -> bool:
    asked(transport, b"x1060111X")
    packets(transport, 0.1)
    firmware_of(transport).chips.wreg(0, 0x15, 0x00)
    asked(transport, b"0")
    packets(transport, 0.1)
    return registers(transport)[0x15] == 0x00


def _reset_in_stream(transport: SimTransport) -> bool:
    transport.write(b"b")
    packets(transport, 0.1)
    transport.write(b"v")
    read_all(transport, until=lambda data: data.endswith(b"$$$"))
    return asked(transport, b"?") == ""


def _first_mean(transport: SimTransport) -> bool:
    transport.write(b"b")
    first = packets(transport, 0.2)[0]
    _, frame = firmware_of(transport).sending.sent[0]
    own = int.from_bytes(frame[30:33], "big", signed=True)
    return int.from_bytes(first[2:5], "big", signed=True) == int(own / 2)


def _babbles(transport: SimTransport) -> bool:
    transport.write(b"b")
    packets(transport, 0.1)
    transport.write(b"V")
    return b"v3.1.5$$$" in b"".join(packets(transport, 0.1))


SHOWN: dict[str, Callable[[SimTransport], bool]] = {
    "rate-resets": _rate_resets,
    "start-falls-back": _falls_back,
    "counts-sent": _counts_sent,
    "success-first": _success_first,
    "coerced": _coerced,
    "off-forgotten": _off_forgotten,
    "srb1-skipped": _srb1_skipped,
    "reset-in-stream": _reset_in_stream,
    "first-mean": _first_mean,
    "babbles": _babbles,
}


def test_every_trap_is_shown_here() -> None:
    assert set(SHOWN) == set(TRAPS)


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_there_and_gone_when_it_is_mended(trap: str) -> None:
    board = "cyton-daisy" if trap == "first-mean" else "cyton"
    assert SHOWN[trap](transport_of(board))
    assert not SHOWN[trap](transport_of(board, more=f"&mended={trap}"))


def test_the_document_lists_the_traps() -> None:
    text = (ROOT / "docs" / "boards.md").read_text("utf-8")
    for trap, what in TRAPS.items():
        assert f"| `{trap}` | {what} |" in text


def test_a_trap_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="mended=sleep: a Cyton has the traps rate-resets, "):
        transport_of(more="&mended=sleep")
    with pytest.raises(ValueError, match="the firmware native has no trap"):
        SimTransport("bench&mended=coerced")
    with pytest.raises(ValueError, match="say chips=2"):
        SimTransport("bench&firmware=cyton&chips=3")


@pytest.mark.slow
@examples(30)
@given(st.lists(st.binary(max_size=12), max_size=6), st.sampled_from(["cyton", "cyton-daisy"]))
def test_any_letters_leave_it_answering(said: list[bytes], board: str) -> None:
    transport = transport_of(board)
    for piece in said:
        transport.write(piece)
        packets(transport, 0.3)
    packets(transport, 1.1)  # a word that was begun is forgotten
    transport.write(b"s")
    packets(transport, 6.0)
    assert asked(transport, b"V").endswith("v3.1.5$$$")
