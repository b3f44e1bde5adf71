"""SPI of the chip: commands, frames, and what goes wrong on real boards (fact sheet, section 9)."""

import numpy as np
import pytest

from emgrig.simulator.chip.ads1299 import Ads1299Chip, Mode, Pin
from emgrig.simulator.chip.core import POR_TICKS
from emgrig.simulator.chip.violations import KEPT_OF_EACH_RULE, Rule
from emgrig.simulator.seams import Conversions
from simulator.fake_front_end import CountingFrontEnd, expected_code


def chip_at_first_result(n_channels: int = 8, mode: int = 0x10, **options: object) -> Ads1299Chip:
    """A chip at 1000 SPS whose DRDY just fell for the first time."""
    chip = Ads1299Chip(CountingFrontEnd(n_channels), n_channels=n_channels, **options)
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    chip.transfer(bytes.fromhex("41 00 94"))
    chip.transfer(b"\x08")
    chip.transfer(bytes([mode]))
    chip.advance_to(chip.next_drdy_tick or 0)
    return chip


def frame(conversion: int, n_channels: int = 8) -> bytes:
    """The frame of a conversion of `CountingFrontEnd` with no status bits."""
    codes = (expected_code(conversion, channel) for channel in range(1, n_channels + 1))
    return b"\xc0\x00\x00" + b"".join(c.to_bytes(3, "big", signed=True) for c in codes)


def rules(chip: Ads1299Chip) -> list[Rule]:
    return [violation.rule for violation in chip.violations]


@pytest.mark.parametrize(
    ("stat_p", "stat_n", "gpio", "expected"),
    [
        (0x00, 0x00, 0x0, "C0 00 00"),
        (0x00, 0x00, 0xF, "C0 00 0F"),
        (0x01, 0x00, 0x0, "C0 10 00"),
        (0x80, 0x00, 0x0, "C8 00 00"),
        (0x00, 0x01, 0x0, "C0 00 10"),
        (0x00, 0x80, 0x5, "C0 08 05"),
        (0x40, 0x02, 0x0, "C4 00 20"),
        (0x7F, 0x7F, 0x0, "C7 F7 F0"),
        (0xA5, 0x3C, 0x9, "CA 53 C9"),
        (0xFF, 0xFF, 0xF, "CF FF FF"),
    ],
)
def test_status_word(stat_p: int, stat_n: int, gpio: int, expected: str) -> None:
    front_end = CountingFrontEnd()
    front_end.stat = (stat_p, stat_n, 0)
    chip = Ads1299Chip(front_end)
    chip.advance_to(POR_TICKS)
    for bit, pin in enumerate((Pin.GPIO1, Pin.GPIO2, Pin.GPIO3, Pin.GPIO4)):
        chip.set_pin(pin, bool(gpio >> bit & 1))
    chip.set_pin(Pin.START, True)
    chip.advance_to(chip.next_drdy_tick or 0)
    chip.set_pin(Pin.GPIO1, not gpio & 1)  # latched at the fall: too late
    assert chip.transfer(bytes(27))[:3] == bytes.fromhex(expected)


def test_whole_frame_of_the_fact_sheet() -> None:
    class Fixed(CountingFrontEnd):
        def convert(self, count: int) -> Conversions:
            codes = [83886, -83886, 0, 8388607, -8388608, 1, -1, 0]
            stat = np.ones(count, np.uint8)
            return Conversions(np.tile(np.array(codes, np.int32), (count, 1)), stat, stat * 0)

    chip = Ads1299Chip(Fixed())
    chip.set_pin(Pin.START, True)
    chip.advance_to(chip.next_drdy_tick or 0)
    expected = "C01000 0147AE FEB852 000000 7FFFFF 800000 000001 FFFFFF 000000"
    assert chip.transfer(bytes(27)) == bytes.fromhex(expected)


def test_registers_read_as_zeros_until_sdatac() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    assert chip.transfer(bytes.fromhex("20 02 00 00 00")) == bytes(5)
    chip.transfer(bytes.fromhex("41 00 94"))
    assert chip.registers[1] == 0x96
    assert rules(chip) == [Rule.IN_RDATAC] * 2
    chip.transfer(b"\x11")
    assert chip.transfer(bytes.fromhex("20 00 00"))[2] == 0x3E


@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_rdatac_gives_each_result_at_its_drdy(n_channels: int) -> None:
    chip = chip_at_first_result(n_channels)
    for conversion in range(3):
        assert chip.transfer(bytes(3 + 3 * n_channels)) == frame(conversion, n_channels)
        chip.advance_to(chip.next_drdy_tick or 0)
    assert not chip.violations


def test_rdata_gives_the_latest_result_after_its_opcode_and_sdatac_alone_zeros() -> None:
    chip = chip_at_first_result(mode=0x11)
    chip.advance_to(chip.tick + 2048)
    assert chip.transfer(bytes(27)) == bytes(27)
    assert chip.transfer(b"\x12" + bytes(27)) == b"\0" + frame(1)
    assert chip.transfer(b"\x12" + bytes(27)) == b"\0" + frame(1)
    assert chip.n_read == 1
    assert chip.transfer(bytes(27)) == bytes(27)
    assert rules(chip) == [Rule.NO_DATA, Rule.NO_DATA]


def test_rdata_may_overlap_the_next_drdy() -> None:
    chip = chip_at_first_result(mode=0x11)
    chip.advance_to((chip.next_drdy_tick or 0) - 50)
    assert chip.transfer(b"\x12" + bytes(27), sclk_hz=2.048e6) == b"\0" + frame(0)
    assert chip.n_drdy_falls == 2
    assert not chip.violations


@pytest.mark.parametrize("lead_ticks", [3, 20, 50, 100, 215])
def test_rdatac_read_that_meets_the_next_drdy_is_torn_and_reported(lead_ticks: int) -> None:
    chip = chip_at_first_result()
    chip.advance_to((chip.next_drdy_tick or 0) - lead_ticks)
    got = chip.transfer(bytes(27), sclk_hz=2.048e6)
    assert got != frame(0)
    assert rules(chip) == [Rule.UPDATE_WINDOW]
    # one bit takes one tick: up to the window the old frame, then ones, then the new frame
    bits = "".join(f"{byte:08b}" for byte in frame(0))[: lead_ticks - 4 if lead_ticks > 4 else 0]
    bits += "1" * min(4, lead_ticks)
    bits += "".join(f"{byte:08b}" for byte in frame(1))
    start = chip.last_drdy_tick
    assert start is not None
    assert f"{int.from_bytes(got, 'big'):0216b}" == bits[:216]


def test_a_gap_over_the_next_drdy_tears_the_frame_too() -> None:
    chip = chip_at_first_result()
    chip.cs_low()
    first = bytes(chip.clock_byte(0) or 0 for _ in range(10))
    chip.advance_to(chip.tick + 2048)
    rest = bytes(chip.clock_byte(0) or 0 for _ in range(17))
    chip.wait_ticks(4)
    chip.cs_high()
    assert first + rest == frame(0)[:10] + frame(1)[:17]
    assert rules(chip) == [Rule.UPDATE_WINDOW]


def test_cs_begins_the_frame_again() -> None:
    chip = chip_at_first_result()
    assert chip.transfer(bytes(5)) == frame(0)[:5]
    assert chip.transfer(bytes(27)) == frame(0)


def test_opcodes_hidden_in_dummy_bytes_are_executed() -> None:
    chip = chip_at_first_result()
    assert chip.transfer(bytes(5) + b"\x11" + bytes(4)) == frame(0)[:6] + bytes(4)
    assert chip.mode is Mode.SDATAC
    chip.transfer(b"\x10")
    chip.transfer(bytes(5) + b"\x0a" + bytes(21))
    chip.advance_to(chip.tick + 10_000)
    assert chip.next_drdy_tick is None


def test_ff_dummies_are_reported() -> None:
    chip = chip_at_first_result()
    assert chip.transfer(b"\xff" * 27) == frame(0)
    assert set(rules(chip)) == {Rule.UNKNOWN_OPCODE}


def test_reading_a_small_part_as_if_it_had_eight_channels() -> None:
    chip = chip_at_first_result(4)
    assert chip.transfer(bytes(27)) == frame(0, 4) + bytes(12)
    chip.transfer(b"\x11")
    chip.transfer(bytes.fromhex("41 00 D4"))
    chip.transfer(b"\x10")
    chip.advance_to(chip.next_drdy_tick or 0)
    assert chip.transfer(bytes(27)) == frame(1, 4) + frame(1, 4)[:12]


def daisy_pair() -> tuple[Ads1299Chip, Ads1299Chip]:
    second = Ads1299Chip(CountingFrontEnd(6), n_channels=6)
    first = Ads1299Chip(CountingFrontEnd(8), daisy_in=second)
    first.advance_to(POR_TICKS)
    for command in ("11", "41 00 94", "08", "10"):
        first.transfer(bytes.fromhex(command))
    first.advance_to(first.next_drdy_tick or 0)
    return first, second


def test_daisy_chain_gives_the_second_chip_right_after_the_first() -> None:
    first, second = daisy_pair()
    assert second.tick == first.tick
    assert second.registers[1] == 0x94
    assert first.transfer(bytes(52)) == frame(0, 8) + frame(0, 6) + bytes(4)


def test_daisy_chain_is_lost_in_multiple_readback() -> None:
    first, _ = daisy_pair()
    first.transfer(b"\x11")
    first.transfer(bytes.fromhex("41 00 D4"))
    first.transfer(b"\x10")
    first.advance_to(first.next_drdy_tick or 0)
    assert first.transfer(bytes(54)) == frame(1) * 2


def test_registers_of_the_second_chip_cannot_be_read() -> None:
    first, _ = daisy_pair()
    first.transfer(b"\x11")
    assert first.transfer(bytes([0x20, 0]) + bytes(60))[2:] == b"\x3e" + bytes(59)


def test_chips_of_a_chain_must_share_their_clock() -> None:
    second = Ads1299Chip(CountingFrontEnd())
    with pytest.raises(ValueError, match="daisy_in"):
        Ads1299Chip(CountingFrontEnd(), f_clk_hz=2.0e6, daisy_in=second)


def test_command_is_lost_if_cs_rises_too_early() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    for hold_ticks, mode in ((0, Mode.RDATAC), (3, Mode.RDATAC), (4, Mode.SDATAC)):
        chip.cs_low()
        chip.clock_byte(0x11)
        chip.advance_to(chip.tick + hold_ticks)
        chip.cs_high()
        chip.advance_to(chip.tick + 10)
        assert chip.mode is mode
    assert rules(chip) == [Rule.T_SCCS] * 2


def test_register_access_above_four_megahertz_fails_without_gaps() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    read = bytes.fromhex("20 01 00 00")
    assert chip.transfer(read, sclk_hz=4.0e6)[2:].hex() == "3e96"
    assert not chip.violations
    assert chip.transfer(read, sclk_hz=8.0e6)[2:].hex() == "0000"
    chip.transfer(bytes.fromhex("41 00 94"), sclk_hz=16e6)
    assert chip.registers[1] == 0x96
    assert rules(chip) == [Rule.T_SDECODE, Rule.T_SDECODE]
    # the data sheet's own example: 16 MHz and 1.46 µs between bytes
    assert chip.transfer(read, sclk_hz=16e6, gap_ticks=1.5e-6 * 2.048e6)[2:].hex() == "3e96"


def test_four_megahertz_is_too_fast_for_a_slow_oscillator() -> None:
    chip = Ads1299Chip(CountingFrontEnd(), f_clk_hz=2.048e6 * 0.975)
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    chip.transfer(bytes.fromhex("20 00 00"), sclk_hz=4.0e6)
    assert rules(chip) == [Rule.T_SDECODE]
    chip.transfer(bytes.fromhex("20 00 00"), sclk_hz=3.9e6)
    assert rules(chip) == [Rule.T_SDECODE]


def test_frames_may_be_clocked_at_twenty_megahertz_and_no_faster() -> None:
    chip = chip_at_first_result()
    assert chip.transfer(bytes(27), sclk_hz=20e6) == frame(0)
    assert not chip.violations
    chip.transfer(bytes(27), sclk_hz=25e6)
    assert rules(chip) == [Rule.SCLK_LIMIT]
    slow = chip_at_first_result(dvdd_v=1.8)
    slow.transfer(bytes(27), sclk_hz=20e6)
    assert rules(slow) == [Rule.SCLK_LIMIT]


def test_a_tolerant_chip_reports_nothing_and_forgives_timing() -> None:
    chip = Ads1299Chip(CountingFrontEnd(), report=False, enforce=False)
    chip.cs_low()
    chip.clock_byte(0x11)
    chip.cs_high()
    assert chip.transfer(bytes.fromhex("20 00 00"), sclk_hz=20e6)[2] == 0x3E
    assert not chip.violations


def test_partial_commands_are_dropped() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    for partial in ("41", "41 00", "20", "20 00"):
        chip.transfer(bytes.fromhex(partial))
    chip.transfer(bytes.fromhex("41 02 95"))
    assert chip.registers[1:4].hex() == "95c060"  # bytes that came took effect
    assert rules(chip) == [Rule.PARTIAL_COMMAND] * 5
    assert chip.transfer(bytes.fromhex("20 00 00"))[2] == 0x3E


def test_several_commands_in_one_transfer() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    got = chip.transfer(bytes.fromhex("11 41 00 94 21 00 00 08"))
    assert got[6] == 0x94
    assert chip.next_drdy_tick is not None
    assert not chip.violations


def test_a_command_counts_when_time_passes_before_cs_rises() -> None:
    chip = chip_at_first_result(mode=0x11)
    chip.cs_low()
    chip.clock_byte(0x10)
    chip.advance_to(chip.tick + 3000)
    assert chip.mode is Mode.RDATAC
    chip.cs_high()
    assert not chip.violations


@pytest.mark.parametrize("command", ["06", "41 00 95", "45 00 60", "08", "0A", "04"])
@pytest.mark.parametrize("config4", [0x00, 0x08])
def test_a_command_that_meets_a_drdy_fall_keeps_the_order_of_time(
    command: str, config4: int
) -> None:
    """The fake front end refuses to go back in time."""
    for lead_ticks in range(45):
        chip = chip_at_first_result(mode=0x11)
        for before in ("0A", f"57 00 {config4:02X}", "08"):
            chip.transfer(bytes.fromhex(before))
        chip.advance_to((chip.next_drdy_tick or 0) - lead_ticks)
        falls = chip.n_drdy_falls
        chip.transfer(bytes.fromhex(command))
        assert chip.n_drdy_falls - falls in (0, 1)
        if command in ("06", "04"):
            assert chip.next_drdy_tick is None


def test_data_right_after_rdatac_and_rdatac_at_the_edge_are_reported() -> None:
    chip = chip_at_first_result(mode=0x11)
    chip.advance_to(chip.tick + 100)
    assert chip.transfer(b"\x10" + bytes(27)) == b"\0" + frame(0)
    assert rules(chip) == [Rule.RDATAC_WAIT]
    chip.transfer(b"\x11")
    chip.advance_to((chip.next_drdy_tick or 0) - 8)
    chip.transfer(b"\x10")
    assert rules(chip) == [Rule.RDATAC_WAIT, Rule.UPDATE_WINDOW]


def test_rdata_in_rdatac_is_reported_and_changes_nothing() -> None:
    chip = chip_at_first_result()
    assert chip.transfer(b"\x12" + bytes(26)) == frame(0)
    assert rules(chip) == [Rule.IN_RDATAC]


def test_a_short_cs_high_is_reported() -> None:
    chip = chip_at_first_result()
    chip.transfer(bytes(27))
    chip.cs_low()
    chip.cs_high()
    chip.cs_low()
    assert rules(chip) == [Rule.T_CSH]


def test_dout_is_driven_only_while_cs_is_low() -> None:
    chip = chip_at_first_result()
    assert not chip.dout_is_driven
    chip.cs_low()
    assert chip.dout_is_driven


def test_the_list_of_violations_is_bounded() -> None:
    chip = chip_at_first_result()
    for _ in range(50):
        chip.transfer(b"\xff" * 27)
    assert len(chip.violations) == KEPT_OF_EACH_RULE
    assert chip.n_violations == 50 * 27


@pytest.mark.parametrize("mosi", [-1, 256])
def test_a_byte_out_of_range_is_refused(mosi: int) -> None:
    with pytest.raises(ValueError):
        chip_at_first_result().clock_byte(mosi)


@pytest.mark.parametrize("options", [{"sclk_hz": 0.0}, {"gap_ticks": -1.0}])
def test_timing_out_of_range_is_refused(options: dict[str, float]) -> None:
    chip = chip_at_first_result()
    with pytest.raises(ValueError):
        chip.transfer(b"\x00", **options)
    assert not chip.drdy
