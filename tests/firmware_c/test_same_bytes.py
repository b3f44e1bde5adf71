"""The C core and the simulator's firmware, asked the same of the same chips, say the same bytes.

Two boards of one seed get the same bytes at the same times. What they send is compared packet by
packet. Not compared: the words of an error (the document: the code decides), and how many bytes
ever waited for the link (the simulator's firmware hands packets over without a buffer where it
can). Times may differ by what a request takes.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.protocol.packets import (
    Request,
)
from emgrig.simulator.assembly import build_board
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.firmware.model import FIRMWARES
from emgrig.simulator.options import parse_query
from firmware_core import CoreFirmware, needs_c
from properties import examples
from same_bytes import N_CLIENTS, RUN_STEPS, Said, Step, play

pytestmark = [pytest.mark.long, needs_c]

#: The core reads two chips one behind the other, the simulator's firmware both at once.
TIME_TOLERANCE_US = 100


def boards(query: str) -> tuple[SimulatedBoard, SimulatedBoard]:
    """Return two boards of one kind: with the simulator's firmware, and with the core."""
    options = parse_query(query)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FIRMWARES._ours, "core", "firmware_core:CoreFirmware")
        return build_board(options), build_board(replace(options, firmware="core"))


def u8(*allowed: int) -> st.SearchStrategy[bytes]:
    """One byte, mostly one of `allowed`."""
    return st.one_of(st.sampled_from(allowed), st.integers(0, 255)).map(lambda n: bytes([n]))


def joined(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


CHIPS = u8(0, 0, 0, 1, 255)
RATES = st.sampled_from([b"\x01\x01\x94", b"\x01\x01\x93", b"\x01\x01\x96", b"\x05\x02\x50\x60"])
ARGUMENTS = {
    Request.HELLO: st.just(b"\x01\x03abc"),
    Request.READ_REGISTERS: joined(CHIPS, u8(0, 5, 23), u8(1, 24, 9)),
    Request.WRITE_REGISTERS: joined(CHIPS, RATES),
    Request.CHIP_COMMAND: joined(CHIPS, u8(0x02, 0x04, 0x06, 0x08, 0x0A, 0x10, 0x11, 0x11, 0x12)),
    Request.SET_LINE: joined(u8(1, 2, 3), u8(0, 1, 1)),
    Request.START: joined(u8(1, 7, 16), u8(3, 5)),
    Request.STOP: st.just(b""),
    Request.STATS: st.just(b""),
    Request.CLOCK: st.binary(min_size=8, max_size=8),
    Request.IDENTIFY: st.binary(min_size=2, max_size=2),
    Request.SET_COUNTER: st.binary(min_size=4, max_size=4),
    Request.REBOOT: st.just(b""),
}
USUAL = [(which, arguments) for which, arguments in ARGUMENTS.items() if which != Request.REBOOT]
ASKED = st.one_of(
    *(st.tuples(st.just(int(which)), arguments) for which, arguments in USUAL),
    st.tuples(st.integers(0, 255), st.binary(max_size=6)),
)
STEP = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, N_CLIENTS - 1), ASKED),
    st.tuples(st.just("ask"), st.just(0), ASKED),
    st.tuples(st.just("again"), st.just(0), st.just(())),
    st.tuples(st.just("run"), st.just(0), st.just(())),
    st.tuples(st.just("wait"), st.just(0), st.floats(0.0001, 0.2)),
    st.tuples(st.just("noise"), st.integers(0, N_CLIENTS - 1), st.binary(max_size=20)),
    st.tuples(st.just("reconnect"), st.integers(0, N_CLIENTS - 1), st.just(())),
)


def compare(query: str, steps: list[Step]) -> int:
    """Play `steps` on both boards, compare, and return how many packets there were."""
    ours, core = boards(query)
    assert isinstance(core.firmware, CoreFirmware)
    n_packets = 0
    for one, other in zip(play(ours, steps), play(core, steps), strict=True):
        said, said_in_c = Said(one), Said(other)
        assert said_in_c.packets == said.packets
        for time_us, time_in_c in zip(said.times_us, said_in_c.times_us, strict=True):
            assert abs(time_us - time_in_c) <= TIME_TOLERANCE_US
        n_packets += len(said.packets)
    assert core.produced == ours.produced
    return n_packets


@examples(12)
@given(st.lists(STEP, min_size=3, max_size=14))
def test_whatever_is_asked(steps: list[Step]) -> None:
    compare("bench&source=silence", steps)


@pytest.mark.parametrize("query", ["bench&source=sine:1mV,37Hz&chips=2", "face&channels=4"])
def test_runs_of_other_boards(query: str) -> None:
    assert compare(query, RUN_STEPS) > 40


@pytest.mark.parametrize("slower", [0, 1], ids=["the first is slower", "the second is slower"])
def test_two_chips_at_different_rates(slower: int) -> None:
    """A result that nothing has replaced comes again, in the second run also that of the first."""
    rates = [
        ("ask", 0, (Request.CHIP_COMMAND, b"\xff\x11")),
        ("ask", 0, (Request.WRITE_REGISTERS, bytes([slower, 1, 1, 0x95]))),  # CONFIG1: 500 SPS
        ("ask", 0, (Request.WRITE_REGISTERS, bytes([1 - slower, 1, 1, 0x94]))),  # 1 kSPS
    ]
    run = [
        ("ask", 0, (Request.START, b"\x10\x03")),
        ("wait", 0, 0.2),
        ("ask", 0, (Request.STATS, b"")),
        ("ask", 0, (Request.STOP, b"")),
    ]
    assert compare("bench&source=sine:1mV,37Hz&chips=2", [*rates, *run, *run]) > 30
