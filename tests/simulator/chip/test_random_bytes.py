"""Whatever is sent, the chip model does not raise and keeps its rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.simulator.chip.ads1299 import Ads1299Chip, Pin
from emgrig.simulator.chip.core import POR_TICKS
from emgrig.simulator.chip.register_map import REGISTERS
from properties import examples
from simulator.fake_front_end import CountingFrontEnd

OPCODES = [0x00, 0x02, 0x04, 0x06, 0x08, 0x0A, 0x10, 0x11, 0x12, 0x20, 0x37, 0x41, 0x45, 0x57]
BYTES = st.one_of(st.sampled_from(OPCODES), st.integers(0, 255))
STEPS = st.one_of(
    st.tuples(st.just("byte"), BYTES),
    st.tuples(st.just("byte"), BYTES),
    st.tuples(st.just("transfer"), st.lists(BYTES, max_size=40).map(bytes)),
    st.tuples(st.just("cs"), st.booleans()),
    st.tuples(st.just("wait"), st.one_of(st.integers(0, 30), st.integers(0, 40_000))),
    st.tuples(st.just("pin"), st.tuples(st.sampled_from(Pin), st.booleans())),
    st.tuples(st.just("power"), st.booleans()),
    st.tuples(st.just("stream"), st.integers(0, 5)),
)


def take_step(chip: Ads1299Chip, what: str, value: object, sclk_hz: float) -> None:
    if what == "byte":
        chip.clock_byte(value, sclk_hz=sclk_hz)
    elif what == "transfer":
        assert len(chip.transfer(value, sclk_hz=sclk_hz)) == len(value)
    elif what == "cs":
        chip.cs_low() if value else chip.cs_high()
    elif what == "wait":
        chip.advance_to(chip.tick + value)
    elif what == "pin":
        chip.set_pin(*value)
    elif what == "power":
        chip.brown_out() if value else chip.power_cycle(100)
    elif what == "stream":
        chip.cs_high()
        frames = chip.stream(value, sclk_hz=sclk_hz)
        assert frames.data.shape == (len(frames.ticks), chip.frame_bytes)


def assert_registers_within_masks(chip: Ads1299Chip) -> None:
    registers = chip.registers
    for spec in REGISTERS[chip.n_channels][1:]:
        if spec.name == "GPIO":
            continue
        assert registers[spec.address] & ~spec.writable == spec.reset & ~spec.writable, spec.name
    assert registers[0] == {4: 0x3C, 6: 0x3D, 8: 0x3E}[chip.n_channels]


@pytest.mark.slow
@examples(150)
@given(
    st.sampled_from([4, 6, 8]),
    st.lists(STEPS, max_size=40),
    st.sampled_from([1e5, 2e6, 4e6, 7.7e6, 20e6]),
    st.booleans(),
)
def test_no_input_raises_or_breaks_a_rule(
    n_channels: int, steps: list[tuple[str, object]], sclk_hz: float, strict: bool
) -> None:
    behind = Ads1299Chip(CountingFrontEnd(4), n_channels=4)
    chip = Ads1299Chip(
        CountingFrontEnd(n_channels),
        n_channels=n_channels,
        report=strict,
        enforce=strict,
        daisy_in=behind,
    )
    chip.advance_to(POR_TICKS)
    for what, value in steps:
        before, falls = chip.tick, chip.n_drdy_falls
        take_step(chip, what, value, sclk_hz)
        assert chip.tick >= before
        assert behind.tick == chip.tick
        assert chip.n_drdy_falls >= falls
        assert_registers_within_masks(chip)
        if chip.next_drdy_tick is not None:
            assert chip.next_drdy_tick > chip.tick
    assert strict or not chip.violations
    assert all(a.tick <= b.tick for a, b in zip(chip.violations, chip.violations[1:], strict=False))


@pytest.mark.slow
@examples(50)
@given(
    st.lists(st.tuples(st.just("transfer"), st.lists(BYTES, max_size=40).map(bytes)), max_size=8)
)
def test_pin_reset_recovers_from_anything(steps: list[tuple[str, bytes]]) -> None:
    front_end = CountingFrontEnd()
    chip = Ads1299Chip(front_end)
    chip.advance_to(POR_TICKS)
    for what, value in steps:
        take_step(chip, what, value, 2e6)
    chip.set_pin(Pin.RESET, False)
    chip.advance_to(chip.tick + 2)
    chip.set_pin(Pin.RESET, True)
    chip.advance_to(chip.tick + 19)
    chip.transfer(b"\x11")
    dump = chip.transfer(bytes([0x20, 0x17]) + bytes(24))[2:]
    assert dump[:6].hex() == "3e96c0600061"
    chip.transfer(bytes.fromhex("41 00 94"))
    chip.transfer(b"\x10")
    chip.set_pin(Pin.START, True)
    frames = chip.stream(5)
    assert (frames.data[:, 0] == 0xC0).all()
    assert (frames.ticks[1:] - frames.ticks[:-1] == 2048).all()
