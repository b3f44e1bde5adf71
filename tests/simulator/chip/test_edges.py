"""SCLK edge by edge against whole bytes: two ways of computing the same SPI."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.simulator.chip.ads1299 import Ads1299Chip
from emgrig.simulator.chip.core import POR_TICKS
from emgrig.simulator.chip.serial_interface import SUBTICKS
from properties import examples
from simulator.chip.test_spi import chip_at_first_result, frame
from simulator.fake_front_end import CountingFrontEnd

CLK_HZ = 2_048_000


def transfer_by_edges(chip: Ads1299Chip, mosi: bytes, sclk_hz: float) -> bytes:
    """What `Ads1299Chip.transfer` does, with rising edges at 0, 1, … and falls half way between."""
    chip.cs_low()
    duration = round(8 * CLK_HZ * SUBTICKS / sclk_hz)
    miso = bytearray()
    for byte in mosi:
        start, value = chip.subticks, 0
        for bit in range(8):
            chip.run_to(start + duration * bit // 8)
            value = value << 1 | (chip.sclk_rise() or 0)
            chip.run_to(start + duration * (2 * bit + 1) // 16)
            chip.sclk_fall(byte >> (7 - bit) & 1)
        chip.run_to(start + duration)
        miso.append(value)
    chip.wait_ticks(4)
    chip.cs_high()
    chip.wait_ticks(2)
    return bytes(miso)


def seen(chip: Ads1299Chip) -> tuple[object, ...]:
    told = [(v.rule, v.text, v.severity, v.transfer) for v in chip.violations]
    return (
        chip.tick, chip.drdy, chip.mode, chip.registers, chip.n_drdy_falls, chip.n_read,
        chip.n_torn, told,
    )  # fmt: skip


BYTES = st.one_of(
    st.sampled_from([0x00, 0x00, 0x02, 0x04, 0x08, 0x0A, 0x10, 0x11, 0x12, 0x20, 0x43]),
    st.integers(0, 255),
)
STEPS = st.one_of(
    st.tuples(st.just("send"), st.lists(BYTES, max_size=12).map(bytes)),
    st.tuples(st.just("read"), st.integers(1, 60)),
    st.tuples(st.just("wait"), st.integers(0, 3000)),
    st.tuples(st.just("drdy"), st.integers(-300, 60)),
)


@pytest.mark.slow
@examples(60)
@given(st.lists(STEPS, max_size=14), st.sampled_from([1.024e6, 2.048e6, 3.9e6]))
def test_edges_give_what_bytes_give(steps: list[tuple[str, object]], sclk_hz: float) -> None:
    quick, slow = chip_at_first_result(), chip_at_first_result()
    for what, value in steps:
        if what in ("send", "read"):
            mosi = value if isinstance(value, bytes) else bytes(value)
            assert quick.transfer(mosi, sclk_hz=sclk_hz) == transfer_by_edges(slow, mosi, sclk_hz)
        else:
            base = quick.tick if what == "wait" else quick.next_drdy_tick or quick.tick
            for chip in (quick, slow):
                chip.advance_to(base + value)
        assert seen(quick) == seen(slow)


def test_dout_is_drdy_until_a_bit_of_the_result_is_clocked() -> None:
    """Data ready on one wire (p. 38): DOUT falls with DRDY in RDATAC mode while CS is low."""
    chip = chip_at_first_result()
    chip.transfer(bytes(27))
    chip.cs_low()
    assert chip.dout == 1
    chip.advance_to(chip.next_drdy_tick or 0)
    assert chip.dout == 0
    for byte in frame(1):
        assert chip.clock_byte(0) == byte
        assert chip.dout == byte & 1
    chip.wait_ticks(4)
    chip.cs_high()
    assert chip.dout is None


def test_a_bit_at_a_time_dout_shows_the_bit() -> None:
    chip = chip_at_first_result()
    chip.cs_low()
    for bit in f"{int.from_bytes(frame(0)[:3], 'big'):024b}":
        assert chip.sclk_rise() == int(bit) == chip.dout
        chip.wait_ticks(0.5)
        chip.sclk_fall(0)
        chip.wait_ticks(0.5)
    assert chip.drdy


def test_a_byte_that_is_not_whole_when_cs_rises_is_told() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    chip.cs_low()
    for _ in range(7):
        chip.sclk_rise()
        chip.wait_ticks(1)
        chip.sclk_fall(0)
        chip.wait_ticks(1)
    chip.wait_ticks(4)
    chip.cs_high()
    assert [v.rule for v in chip.violations] == ["partial command"]
