"""What a board can: told by HELLO, asked by every layer; a board that says nothing can do all."""

from dataclasses import replace

import pytest

from emgrig.driver.can import Can, Counting, Line, Registers, Stated, StatusWord, Timing
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.transaction import Transaction
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.native.link import Link
from emgrig.driver.native.port import NativePort
from emgrig.errors import BoardCannot, DeviceError, ExitCode, WireError, exit_code_for
from emgrig.protocol.abilities import Abilities
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import Hello
from fake_board import FakeTransport

STATED = Stated((12.0,) * 4, (4.0,) * 4, 125.0, 16)
LEAST = Can(
    chip="another",
    registers=Registers.NONE,
    status=StatusWord.NONE,
    counting=Counting.NOT,
    timing=Timing.NONE,
    lines=(),
    reset=False,
    stated=STATED,
)
SOME = replace(LEAST, registers=Registers.SOME, register_list=(5, 6, 7, 8), lines=(Line.RESET,))
HELLO = Hello(
    protocol_version=VERSION, serial_number="G-1", firmware_version="1", git_revision="a",
    chip_count=1, channels_per_chip=4, f_clk_hz=0, vref_uv=4_000_000, channels_wired=0,
    series_ohm=(), capabilities=0, max_frames=64, can=LEAST.to_hello(),
)  # fmt: skip


def test_a_board_that_says_nothing_can_do_all() -> None:
    can = Can.from_hello(b"", n_channels=8)
    assert can == Can()
    assert can.to_hello() == b""
    assert can.limits == ()
    assert can.is_loss_exact
    assert can.has_two_witnesses
    assert can.reaches(0, 24)


@pytest.mark.parametrize("can", [LEAST, SOME, replace(SOME, counting=Counting.MODULO, modulus=7)])
def test_what_a_board_says_comes_back(can: Can) -> None:
    assert Can.from_hello(can.to_hello(), n_channels=4) == can
    assert Can.from_hello(can.to_hello() + b"newer", n_channels=4) == can


def test_the_bytes_are_those_of_the_document() -> None:
    """The fields one after the other, by hand: docs/protocol.md, Abilities."""
    said = SOME.to_hello()
    assert said[:8] == b"\x07another"
    assert said[8:14] == bytes((1, 4, 5, 6, 7, 8))  # some registers: four of them
    assert said[14:16] == bytes((0, 0))  # no status word, not counted
    assert said[16:21] == bytes(5)  # no modulus, no clock
    assert said[21:25] == (1).to_bytes(4, "little")
    assert said[25:28] == bytes((0b010, 0, 1))  # RESET; no reset opcode; stated


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"registers": 4}, "says 4 of what it can"),
        ({"counting": 1, "modulus": 1}, "counts modulo 1"),
        ({"is_stated": 0}, "no scale is stated"),
        ({"gains": (1.0,) * 3}, "3 gains and 4 references are stated of 4 channels"),
        ({"gains": (0.0,) * 4}, "not in 0.001"),
        ({"vref_v": (float("nan"),) * 4}, "not in 0.001"),
        ({"rate_hz": float("inf")}, "data rate of inf"),
        ({"code_bits": 25}, "codes of 25 bits"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    told = replace(Abilities.decode(LEAST.to_hello()), **change)
    with pytest.raises(DeviceError, match=words):
        Can.from_hello(told.encode(), n_channels=4)


def test_half_of_it_is_a_wire_error() -> None:
    with pytest.raises(WireError, match="Abilities"):
        Can.from_hello(LEAST.to_hello()[:9], n_channels=4)


def test_a_stated_scale_follows_equation_8() -> None:
    """4 V at gain 12 and 16 bits: one code is 4 / (12 * 2**15), left-justified in 24 bits."""
    assert STATED.scale_v[0] * 2**8 == pytest.approx(4.0 / 12 / 2**15, rel=1e-12)
    assert STATED.code_max == (2**15 - 1) * 2**8
    assert replace(STATED, code_bits=24).code_max == 2**23 - 1


def test_the_words_say_how_well_a_loss_is_known() -> None:
    assert Can().loss_words == "counted exactly"
    assert replace(LEAST, counting=Counting.MODULO, modulus=256).loss_words == "counted modulo 256"
    assert replace(LEAST, timing=Timing.SAMPLES).loss_words == "an estimate by board time"
    assert LEAST.loss_words.startswith("not known")
    assert not LEAST.is_loss_known
    assert LEAST.scale_words == "stated, not read back"
    assert len(LEAST.limits) == 7


def test_registers_that_cannot_be_reached_are_refused_before_anything_is_sent() -> None:
    transport = FakeTransport()
    identity = BoardIdentity.from_hello(replace(HELLO, can=SOME.to_hello()))
    link = Link(transport)
    port = NativePort(link, 0, identity)
    port.command(0x11)  # SDATAC
    asked = len(transport.board.requests)
    for ask in (
        lambda: port.read(4, 2),
        lambda: port.write(0x15, b"\x00"),
        lambda: port.read(8, 2),
    ):
        with pytest.raises(BoardCannot, match="board G-1 cannot reach registers") as caught:
            ask()
        assert "only 05h, 06h, 07h, 08h can be reached" in str(caught.value)
        assert exit_code_for(caught.value) is ExitCode.DEVICE
    assert len(transport.board.requests) == asked
    assert port.read(5, 4)  # these it has


def test_a_change_that_cannot_be_written_is_refused_before_anything_is_sent() -> None:
    """Neither a write nor a transaction of which one register cannot be written sends a byte."""
    can = Can(registers=Registers.ALL_READ, register_list=(5, 6, 0x15), rate_hz=125.0)
    assert Can.from_hello(can.to_hello(), n_channels=8) == can
    assert can.limits[:2] == (
        "of the registers, only 05h to 06h, 15h can be written",
        "its samples come at 125 Hz, whatever the registers say",
    )
    transport = FakeTransport()
    identity = BoardIdentity.from_hello(replace(HELLO, can=can.to_hello()))
    port = NativePort(Link(transport), 0, identity)
    port.command(0x11)  # SDATAC
    before = RegisterFile.reset(4)
    asked = len(transport.board.requests)
    with pytest.raises(BoardCannot, match="board G-1 cannot write registers 06h to 07h"):
        port.write(6, b"\x00\x00")
    raw = bytearray(before.raw)
    raw[5], raw[0x0D] = 0x05, 0x01
    transaction = Transaction((port,), (before,), (RegisterFile(bytes(raw), 4),))
    with pytest.raises(BoardCannot, match="cannot write registers 0Dh"):
        transaction.run()
    assert transaction.held == (before,)
    assert len(transport.board.requests) == asked
    assert port.read(0, 24)


def test_another_ability_is_another_board() -> None:
    one = BoardIdentity.from_hello(HELLO)
    other = BoardIdentity.from_hello(replace(HELLO, can=SOME.to_hello()))
    assert "what it can do" in one.differences(other)
    assert str(one) == "board G-1, firmware 1 (a), 1 another, 4 channels"


def test_the_simulated_board_says_in_full_that_it_can_do_all() -> None:
    from emgrig.onboard.native import ABILITIES

    assert Can.from_hello(ABILITIES.encode(), n_channels=8) == Can()
