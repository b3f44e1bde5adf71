"""The firmware's answers: link protocol version 1, request by request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.protocol import packets as wire
from emgrig.protocol.framing import VERSION, PacketEncoder, PacketType
from emgrig.protocol.packets import ErrorCode, Line, Request
from properties import examples
from simulator.pc import NOTHING, RATE_2000, SDATAC, Pc, counting_board, on_board, request_bytes
from simulator.pc import start as start_run

RESET_DUMP = bytes.fromhex("3E96C060006161616161616161000000000000000F000000")
"""SBAS499C, table 11."""


@pytest.fixture
def pc() -> Pc:
    return on_board(counting_board())


def refused(reply: object) -> ErrorCode:
    assert isinstance(reply, wire.ErrorReply), reply
    assert reply.text
    return ErrorCode(reply.code)


def read_all(pc: Pc, chip: int = 0) -> bytes:
    reply = pc.ask(Request.READ_REGISTERS, wire.ReadRegisters(chip, 0, 24))
    assert isinstance(reply, wire.Registers), reply
    return reply.values


def epoch(pc: Pc) -> int:
    reply = pc.ask(Request.STATS)
    assert isinstance(reply, wire.Stats)
    return reply.settings


def test_hello_says_who_is_there() -> None:
    hello = on_board(counting_board(2, 6)).ask(Request.HELLO, wire.HelloArguments(1, "test"))
    assert isinstance(hello, wire.Hello)
    assert (hello.protocol_version, hello.chip_count, hello.channels_per_chip) == (VERSION, 2, 6)
    assert hello.f_clk_hz == 2_048_000
    assert hello.vref_uv == 4_500_000
    assert hello.capabilities & wire.Capability.SIMULATED
    assert 18 + hello.max_frames * 42 <= 4096


def test_after_boot_the_chip_is_in_rdatac_and_register_access_says_so(pc: Pc) -> None:
    reply = pc.ask(Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 24))
    assert refused(reply) is ErrorCode.IN_RDATAC
    assert isinstance(reply, wire.ErrorReply)
    assert "RDATAC" in reply.text
    assert refused(pc.ask(Request.WRITE_REGISTERS, RATE_2000)) is ErrorCode.IN_RDATAC


def test_after_sdatac_the_registers_are_those_of_the_data_sheet(pc: Pc) -> None:
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    assert read_all(pc) == RESET_DUMP


def test_a_write_reads_back_and_begins_an_epoch(pc: Pc) -> None:
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    before = epoch(pc)
    reply = pc.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(0, 0x01, b"\x94\xd0\xe0"))
    assert reply == wire.SettingsEpoch(before + 1)
    assert read_all(pc)[1:4] == b"\x94\xd0\xe0"


def test_register_access_while_streaming_is_refused(pc: Pc) -> None:
    start_run(pc)
    reply = pc.ask(Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 1))
    assert refused(reply) is ErrorCode.IN_RDATAC


def test_the_same_request_again_gets_the_same_reply_and_is_not_done_twice() -> None:
    board = counting_board()
    pc = on_board(board)
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    asked = request_bytes(77, Request.WRITE_REGISTERS, RATE_2000.encode())
    client = pc.client  # type: ignore[attr-defined]
    board.receive(client, asked)
    board.receive(client, asked)
    pc.receive()
    first, second = pc.replies()[-2:]
    assert first == second
    assert epoch(pc) == 1


def test_only_the_last_eight_requests_are_remembered(pc: Pc) -> None:
    board = counting_board()
    pc = on_board(board)
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    asked = request_bytes(500, Request.WRITE_REGISTERS, RATE_2000.encode())
    client = pc.client  # type: ignore[attr-defined]
    board.receive(client, asked)
    for _ in range(8):
        pc.ask(Request.STATS)
    board.receive(client, asked)
    assert epoch(pc) == 2


def test_the_same_id_with_another_content_is_another_request() -> None:
    board = counting_board()
    pc = on_board(board)
    client = pc.client  # type: ignore[attr-defined]
    board.receive(client, request_bytes(5, Request.CLOCK, wire.ClockArguments(1).encode()))
    board.receive(client, request_bytes(5, Request.CLOCK, wire.ClockArguments(2).encode()))
    pc.receive()
    times = [wire.ClockReading.decode(reply.data).host_time_us for reply in pc.replies()]
    assert times == [1, 2]


@pytest.mark.parametrize(
    ("request_number", "arguments", "code"),
    [
        (Request.READ_REGISTERS, wire.ReadRegisters(1, 0, 1), ErrorCode.NO_SUCH_CHIP),
        (Request.READ_REGISTERS, wire.ReadRegisters(0xFF, 0, 1), ErrorCode.NO_SUCH_CHIP),
        (Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 0), ErrorCode.BAD_ARGUMENT),
        (Request.READ_REGISTERS, wire.ReadRegisters(0, 0x1F, 2), ErrorCode.BAD_ARGUMENT),
        (Request.WRITE_REGISTERS, wire.WriteRegisters(0, 0, b""), ErrorCode.BAD_ARGUMENT),
        (Request.WRITE_REGISTERS, wire.WriteRegisters(0, 0, bytes(33)), ErrorCode.BAD_ARGUMENT),
        (Request.CHIP_COMMAND, wire.ChipCommand(3, 0x11), ErrorCode.NO_SUCH_CHIP),
        (Request.SET_LINE, wire.SetLine(9, 0), ErrorCode.BAD_ARGUMENT),
        (Request.SET_LINE, wire.SetLine(1, 2), ErrorCode.BAD_ARGUMENT),
        (Request.START, wire.StartArguments(0, 0), ErrorCode.BAD_ARGUMENT),
        (Request.START, wire.StartArguments(255, 0), ErrorCode.BAD_ARGUMENT),
        (Request.START, wire.StartArguments(16, 0x20), ErrorCode.BAD_ARGUMENT),
        (Request.HELLO, NOTHING, ErrorCode.BAD_ARGUMENT),
        (Request.CLOCK, NOTHING, ErrorCode.BAD_ARGUMENT),
    ],
)
def test_what_makes_no_sense_is_refused(
    pc: Pc, request_number: Request, arguments: wire.Message, code: ErrorCode
) -> None:
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    assert refused(pc.ask(request_number, arguments)) is code


def test_an_unknown_request_is_refused() -> None:
    board = counting_board()
    pc = on_board(board)
    board.receive(pc.client, request_bytes(1, 200, b"abc"))  # type: ignore[attr-defined]
    pc.receive()
    (reply,) = pc.replies()
    assert reply.error is not None
    assert reply.error.code == ErrorCode.UNKNOWN_REQUEST


def test_a_second_start_is_refused(pc: Pc) -> None:
    start_run(pc)
    assert refused(pc.ask(Request.START, wire.StartArguments(16, 0))) is ErrorCode.BUSY


def test_stop_without_a_run_says_run_0(pc: Pc) -> None:
    stopped = pc.ask(Request.STOP)
    assert isinstance(stopped, wire.Stopped)
    assert (stopped.run, stopped.conversions) == (0, 0)


@pytest.mark.parametrize("line", [Line.RESET, Line.PWDN])
def test_a_chip_held_by_a_pin_is_silent_and_comes_back_at_its_defaults(pc: Pc, line: Line) -> None:
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    pc.ask(Request.WRITE_REGISTERS, RATE_2000)
    pc.ask(Request.SET_LINE, wire.SetLine(line, 0))
    reply = pc.ask(Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 1))
    assert refused(reply) is ErrorCode.CHIP_SILENT
    pc.ask(Request.SET_LINE, wire.SetLine(line, 1))
    reply = pc.ask(Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 1))
    assert refused(reply) is ErrorCode.IN_RDATAC
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    assert read_all(pc) == RESET_DUMP
    assert epoch(pc) == 3


def test_reset_by_command_begins_an_epoch_and_ends_in_rdatac(pc: Pc) -> None:
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    pc.ask(Request.WRITE_REGISTERS, RATE_2000)
    assert pc.ask(Request.CHIP_COMMAND, wire.ChipCommand(0, 0x06)) == wire.SettingsEpoch(2)
    reply = pc.ask(Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 1))
    assert refused(reply) is ErrorCode.IN_RDATAC
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    assert read_all(pc) == RESET_DUMP


def test_two_chips_have_registers_of_their_own() -> None:
    pc = on_board(counting_board(2))
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    pc.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(1, 0x01, b"\x94"))
    assert read_all(pc, 0) == RESET_DUMP
    assert read_all(pc, 1)[1] == 0x94


def test_sdatac_to_one_chip_leaves_the_other_in_rdatac() -> None:
    pc = on_board(counting_board(2))
    pc.ask(Request.CHIP_COMMAND, wire.ChipCommand(1, 0x11))
    assert read_all(pc, 1) == RESET_DUMP
    reply = pc.ask(Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 1))
    assert refused(reply) is ErrorCode.IN_RDATAC


def test_the_clock_runs_as_fast_as_the_boards_crystal() -> None:
    board = counting_board(drift_ppm=100.0)
    pc = on_board(board)
    readings = []
    for _ in range(2):
        reading = pc.ask(Request.CLOCK, wire.ClockArguments(42))
        assert isinstance(reading, wire.ClockReading)
        assert reading.host_time_us == 42
        readings.append((board.now_s, reading.board_time_us))
        board.run_until(board.now_s + 100.0)
    elapsed_us = readings[1][1] - readings[0][1]
    assert elapsed_us == pytest.approx((readings[1][0] - readings[0][0]) * 1e6 + 10_000, abs=2)


def test_identify_blinks_and_the_tube_shows_its_number() -> None:
    board = counting_board()
    pc = on_board(board)
    pc.ask(Request.IDENTIFY, wire.IdentifyArguments(1500))
    assert board.firmware.blinking_until_s == pytest.approx(board.now_s + 1.5)
    pc.ask(Request.SET_COUNTER, wire.SetCounterArguments(123))
    assert board.firmware.digits == 123
    (event,) = pc.events(wire.CounterEvent)
    assert event.body == wire.CounterEvent(123)


def test_a_trigger_edge_is_an_event() -> None:
    board = counting_board()
    pc = on_board(board)
    board.firmware.trigger(2, level=True)
    pc.receive()
    (event,) = pc.events(wire.TriggerEvent)
    assert event.body == wire.TriggerEvent(2, 1)


def test_reboot_answers_first_and_then_begins_anew() -> None:
    board = counting_board()
    pc = on_board(board)
    start_run(pc)
    board.run_until(board.now_s + 0.1)
    assert pc.ask(Request.REBOOT) == NOTHING
    assert [event.body for event in pc.events(wire.BootEvent)] == [
        wire.BootEvent(wire.ResetCause.REQUESTED)
    ]
    stats = pc.ask(Request.STATS)
    assert isinstance(stats, wire.Stats)
    assert (stats.run, stats.streaming, stats.settings) == (0, 0, 0)
    assert stats.uptime_us < 200_000
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    assert read_all(pc) == RESET_DUMP


def test_damaged_requests_are_counted(pc: Pc) -> None:
    board = counting_board()
    pc = on_board(board)
    good = request_bytes(1, Request.STATS, b"")
    board.receive(pc.client, good[:-1] + bytes((good[-1] ^ 1,)))  # type: ignore[attr-defined]
    stats = pc.ask(Request.STATS)
    assert isinstance(stats, wire.Stats)
    assert stats.bad_packets == 1


@pytest.mark.slow
@examples(60)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_random_bytes_never_raise_and_the_board_still_answers(pieces: list[bytes]) -> None:
    board = counting_board()
    pc = on_board(board)
    for piece in pieces:
        board.receive(pc.client, piece)  # type: ignore[attr-defined]
    board.receive(pc.client, bytes(5000))  # type: ignore[attr-defined] - ends a packet begun
    assert isinstance(pc.ask(Request.STATS), wire.Stats)


@pytest.mark.slow
@examples(100)
@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.integers(0, 14), st.binary(max_size=40)), max_size=8
    )
)
def test_random_requests_never_raise_and_each_gets_one_reply(
    asked: list[tuple[int, int, bytes]],
) -> None:
    board = counting_board()
    pc = on_board(board)
    encode = PacketEncoder()
    client = pc.client  # type: ignore[attr-defined]
    n_replies = 0
    for number, request, arguments in asked:
        if request == Request.REBOOT:
            continue
        payload = wire.RequestHeader(number, request).encode() + arguments
        board.receive(client, encode(PacketType.REQUEST, payload))
        board.run_until(board.now_s + 0.01)
        pc.receive()
        n_replies += 1
        assert len(pc.replies()) == n_replies
        assert (pc.replies()[-1].id, pc.replies()[-1].request) == (number, request)
