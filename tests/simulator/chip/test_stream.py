"""The vectorised path of the chip model against its bytes: same frames, same state after."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emgrig.simulator.chip.ads1299 import Ads1299Chip, Frames, Pin
from emgrig.simulator.chip.core import POR_TICKS
from properties import examples
from simulator.fake_front_end import CountingFrontEnd


@dataclass(frozen=True)
class SetUp:
    """How a chip is made and what is sent to it before it streams."""

    n_channels: int = 8
    commands: tuple[str, ...] = ("41 00 94", "08", "10")
    gpio: int = 0b0000
    behind: tuple[int, ...] = ()
    options: dict[str, float] = field(default_factory=dict)


SET_UPS = {
    "8 channels, 1 kSPS": SetUp(),
    "6 channels, 2 kSPS": SetUp(6, ("41 00 93", "08", "10"), gpio=0b0101),
    "4 channels, 250 SPS": SetUp(4, ("08", "10"), gpio=0b1010),
    "16 kSPS": SetUp(commands=("41 00 90", "08", "10"), options={"sclk_hz": 20e6}),
    "16 kSPS, hardly read in time": SetUp(
        commands=("41 00 90", "08", "10"), options={"sclk_hz": 3.8e6}
    ),
    "16 kSPS, read in time but the next is late": SetUp(
        commands=("41 00 90", "08", "10"), options={"sclk_hz": 3.6e6}
    ),
    "16 kSPS, read too slowly": SetUp(commands=("41 00 90", "08", "10"), options={"sclk_hz": 3e6}),
    "GPIO outputs": SetUp(commands=("41 00 94", "54 00 A0", "08", "10")),
    "gaps between bytes": SetUp(options={"gap_ticks": 1.25}),
    "SCLK too fast": SetUp(options={"sclk_hz": 30e6}),
    "too many bytes": SetUp(4, options={"frame_bytes": 27}),
    "too few bytes": SetUp(options={"frame_bytes": 4}),
    "multiple readback": SetUp(commands=("41 00 D4", "08", "10"), options={"frame_bytes": 60}),
    "daisy chain": SetUp(8, behind=(8,), options={"frame_bytes": 54}),
    "daisy chain of three": SetUp(4, behind=(6, 8), options={"frame_bytes": 65}),
    "daisy chain, second not read": SetUp(8, behind=(8,)),
    "every third": SetUp(options={"every": 3}),
    "every other, 16 kSPS": SetUp(commands=("41 00 90", "08", "10"), options={"every": 2}),
    "single shot": SetUp(commands=("41 00 94", "57 00 08", "08", "10")),
    "stopped": SetUp(commands=("41 00 94", "08", "10", "0A")),
    "never started": SetUp(commands=("41 00 94", "10")),
    "SDATAC": SetUp(commands=("41 00 94", "08")),
    "standby": SetUp(commands=("08", "04")),
    "odd clock": SetUp(options={"sclk_hz": 3_333_333.0}),
}


DAISY = SetUp(behind=(8,), commands=("41 00 94", "10"))


def make(set_up: SetUp) -> Ads1299Chip:
    chip = None
    for n_channels in (*reversed(set_up.behind), set_up.n_channels):
        front_end = CountingFrontEnd(n_channels)
        front_end.moving_stat = True
        front_end.n_converted = n_channels  # codes of the chips of a chain differ
        chip = Ads1299Chip(front_end, n_channels=n_channels, daisy_in=chip)
    assert chip is not None
    chip.advance_to(POR_TICKS)
    for bit, pin in enumerate((Pin.GPIO1, Pin.GPIO2, Pin.GPIO3, Pin.GPIO4)):
        chip.set_pin(pin, bool(set_up.gpio >> bit & 1))
    chip.transfer(b"\x11")
    for command in set_up.commands:
        chip.transfer(bytes.fromhex(command))
    return chip


def stream_by_bytes(
    chip: Ads1299Chip,
    count: int | None = None,
    until_tick: int | None = None,
    *,
    frame_bytes: int | None = None,
    every: int = 1,
    sclk_hz: float = 8e6,
    gap_ticks: float = 0.0,
) -> Frames:
    """What `Ads1299Chip.stream` promises, said a second time with `transfer` alone."""
    ticks, rows = [], []
    n_bytes = frame_bytes or chip.frame_bytes
    while count is None or len(rows) < count:
        n_more = -chip.n_drdy_falls % every or (0 if chip.is_unread else every)
        fall = chip.drdy_tick_ahead(n_more - 1) if n_more else chip.last_drdy_tick
        if fall is None or (until_tick is not None and fall > until_tick):
            if until_tick is not None:
                chip.advance_to(until_tick)
            break
        chip.advance_to(fall)
        ticks.append(fall)
        rows.append(chip.transfer(bytes(n_bytes), sclk_hz=sclk_hz, gap_ticks=gap_ticks))
    data = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), n_bytes)
    return Frames(np.array(ticks, np.int64), data)


def assert_same(one: Frames, other: Frames) -> None:
    np.testing.assert_array_equal(one.ticks, other.ticks, strict=True)
    np.testing.assert_array_equal(one.data, other.data, strict=True)


def state(chip: Ads1299Chip) -> tuple[object, ...]:
    return (
        chip._spi.now,
        chip.drdy,
        chip.is_unread,
        chip.n_drdy_falls,
        chip.last_drdy_tick,
        chip.next_drdy_tick,
        chip.violations,
        chip.registers,
        None if chip.daisy_in is None else state(chip.daisy_in),
    )


@pytest.mark.parametrize("set_up", SET_UPS.values(), ids=SET_UPS.keys())
def test_stream_equals_its_bytes(set_up: SetUp) -> None:
    fast, slow = make(set_up), make(set_up)
    for count in (1, 7, 16):
        assert_same(
            fast.stream(count, **set_up.options), stream_by_bytes(slow, count, **set_up.options)
        )
        assert state(fast) == state(slow)
    for chip in (fast, slow):
        chip.advance_to(chip.tick + 5000)
    assert fast.transfer(bytes(40)) == slow.transfer(bytes(40))
    assert state(fast) == state(slow)


@pytest.mark.parametrize(
    ("name", "n_frames"),
    [("single shot", 1), ("stopped", 1), ("never started", 0), ("standby", 0), ("SDATAC", 24)],
)
def test_a_chip_that_does_not_go_on_gives_what_it_has(name: str, n_frames: int) -> None:
    frames = make(SET_UPS[name]).stream(24)
    assert frames.data.shape == (n_frames, 27)
    assert frames.ticks.shape == (n_frames,)
    assert frames.data.any() == (name in ("single shot", "stopped"))


@pytest.mark.parametrize(
    "name", ["8 channels, 1 kSPS", "16 kSPS", "daisy chain", "every third", "multiple readback"]
)
def test_ordinary_set_ups_take_the_vectorised_path(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up = SET_UPS[name]
    chip = make(set_up)
    chip.stream(1, **set_up.options)
    monkeypatch.setattr(chip, "transfer", None)
    assert chip.stream(500, **set_up.options).data.shape[0] == 500


@pytest.mark.parametrize(("sclk_hz", "is_clean"), [(3.58e6, True), (3.55e6, False)])
def test_slowest_sclk_that_reads_a_frame_in_time(sclk_hz: float, is_clean: bool) -> None:
    """With CS low all the time, (tDR - 4 tCLK) / 216 at 16 kSPS: 3.567 MHz (p. 38, eq. 9)."""
    chip = make(SET_UPS["16 kSPS"])
    chip.cs_low()
    chip.advance_to(chip.next_drdy_tick or 0)
    chip.advance_to(chip.next_drdy_tick or 0)
    for _ in range(20):
        got = bytes(chip.clock_byte(0, sclk_hz=sclk_hz) or 0 for _ in range(27))
        first, last = (int.from_bytes(got[at : at + 3], "big", signed=True) for at in (3, 24))
        assert (abs(last - first) == 7) == is_clean  # the fake's codes count channels
        chip.advance_to(chip.next_drdy_tick or 0)
    assert (not chip.violations) == is_clean


PIECES = st.lists(
    st.one_of(
        st.tuples(st.just("count"), st.integers(0, 40)),
        st.tuples(st.just("until"), st.integers(-3000, 60_000)),
        st.tuples(st.just("both"), st.integers(0, 30_000)),
        st.tuples(st.just("wait"), st.integers(0, 40_000)),
        st.tuples(st.just("send"), st.sampled_from(["41 00 93", "0A", "08", "11", "10", "06"])),
        st.tuples(st.just("clock"), st.integers(0, 30)),
    ),
    max_size=8,
)


@pytest.mark.slow
@example([("count", 1), ("wait", 5000), ("count", 3)], 1)
@example([("count", 1), ("wait", 5000), ("until", -100), ("until", 4000)], 2)
@examples(100)
@given(PIECES, st.sampled_from([1, 2, 5]))
def test_stream_equals_its_bytes_whatever_comes_between(
    pieces: list[tuple[str, int | str]], every: int
) -> None:
    fast, slow = make(SetUp()), make(SetUp())
    for what, value in pieces:
        if what in ("count", "until", "both"):
            count = {"count": value, "until": None, "both": 5}[what]
            until = None if what == "count" else fast.tick + int(value)
            assert_same(
                fast.stream(count, until_tick=until, every=every),
                stream_by_bytes(slow, count, until, every=every),
            )
        for chip in (fast, slow):
            if what == "wait":
                chip.advance_to(chip.tick + int(value))
            elif what == "send":
                chip.transfer(bytes.fromhex(str(value)))
            elif what == "clock":
                chip.transfer(bytes(int(value)))
        assert state(fast) == state(slow)


@pytest.mark.parametrize("lag_ticks", [0, 1, 50, 2048, 4096])
def test_a_chain_out_of_step_equals_its_bytes(lag_ticks: int) -> None:
    chips = make(DAISY), make(DAISY)
    for chip in chips:
        assert chip.daisy_in is not None
        chip.set_pin(Pin.START, True)
        chip.advance_to(chip.tick + lag_ticks)
        chip.daisy_in.set_pin(Pin.START, True)
    fast, slow = chips
    for _ in range(2):
        assert_same(fast.stream(6, frame_bytes=54), stream_by_bytes(slow, 6, frame_bytes=54))
        assert state(fast) == state(slow)


@pytest.mark.parametrize("lead_ticks", [1, 2, 3, 30])
def test_cs_high_right_before_a_fall_equals_its_bytes(lead_ticks: int) -> None:
    chips = make(SetUp()), make(SetUp())
    for chip in chips:
        chip.stream(1)
        chip.cs_low()
        chip.advance_to((chip.next_drdy_tick or 0) - lead_ticks)
        chip.cs_high()
    fast, slow = chips
    assert_same(fast.stream(3), stream_by_bytes(slow, 3))
    assert state(fast) == state(slow)


def test_pieces_give_what_the_whole_gives() -> None:
    whole, pieces = make(SetUp()), make(SetUp())
    expected = whole.stream(100)
    got = [pieces.stream(n) for n in (16, 1, 33, 50)]
    np.testing.assert_array_equal(np.concatenate([f.data for f in got]), expected.data)
    np.testing.assert_array_equal(np.concatenate([f.ticks for f in got]), expected.ticks)


def test_until_tick_includes_the_fall_at_that_tick_and_passes_the_time() -> None:
    chip = make(SetUp())
    fall = chip.next_drdy_tick
    assert fall is not None
    assert len(chip.stream(until_tick=fall - 1).ticks) == 0
    assert chip.tick == fall - 1
    assert chip.stream(until_tick=fall).ticks.tolist() == [fall]
    assert chip.stream(until_tick=fall + 3 * 2048 + 500).ticks.tolist() == [
        fall + 2048,
        fall + 2 * 2048,
        fall + 3 * 2048,
    ]
    assert chip.tick == fall + 3 * 2048 + 500


def test_a_stream_cannot_begin_inside_a_transfer() -> None:
    chip = make(SetUp())
    chip.cs_low()
    with pytest.raises(ValueError, match="CS is low"):
        chip.stream(1)


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"count": -1},
        {"count": 1, "frame_bytes": 0},
        {"count": 1, "every": 0},
        {"count": 1, "sclk_hz": -1.0},
    ],
)
def test_limits_out_of_range_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        make(SetUp()).stream(**limits)


def n_calls(work: Callable[[], object]) -> int:
    """Count the functions that are called, of Python and of C."""
    count, before = 0, sys.getprofile()

    def note(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_many_frames_take_no_more_steps_than_few() -> None:
    chip = make(SET_UPS["6 channels, 2 kSPS"])
    chip.stream(1)
    few, many = (n_calls(lambda n=n: chip.stream(n)) for n in (40, 4000))
    assert many < few + 100
