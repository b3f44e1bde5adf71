"""DRDY, START, STOP, single shot, reset, power: SBAS499C p. 34-43 and 62-65, in tCLK."""

import pytest

from emgrig.simulator.chip.ads1299 import Ads1299Chip, Mode, Pin
from emgrig.simulator.chip.core import POR_TICKS
from emgrig.simulator.chip.violations import Rule
from simulator.fake_front_end import CountingFrontEnd

# CONFIG1, tDR, tSETTLE as printed in the data sheet's tables
RATES = [
    (0x90, 128, 521),
    (0x91, 256, 1033),
    (0x92, 512, 2057),
    (0x93, 1024, 4105),
    (0x94, 2048, 8201),
    (0x95, 4096, 16393),
    (0x96, 8192, 32777),
]


def idle_chip(config1: int = 0x94, **options: object) -> Ads1299Chip:
    """A chip after tPOR, in SDATAC, with its rate set, not converting."""
    chip = Ads1299Chip(CountingFrontEnd(), **options)
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    chip.transfer(bytes([0x41, 0, config1]))
    chip.front_end = chip._core.sequencer._front_end
    return chip


def started_chip(config1: int = 0x94) -> tuple[Ads1299Chip, int]:
    chip = idle_chip(config1)
    start = chip.tick
    chip.set_pin(Pin.START, True)
    return chip, start


def falls_until(chip: Ads1299Chip, tick: int) -> list[int]:
    """DRDY falls seen by a host that watches, and does not read."""
    falls = []
    while (fall := chip.next_drdy_tick) is not None and fall <= tick:
        chip.advance_to(fall)
        falls.append(fall)
    chip.advance_to(tick)
    return falls


@pytest.mark.parametrize(("config1", "period", "settling"), RATES)
def test_first_result_is_settled_and_the_next_come_every_period(
    config1: int, period: int, settling: int
) -> None:
    chip, start = started_chip(config1)
    chip.advance_to(start + settling - 1)
    assert chip.drdy
    for n in range(4):
        fall = start + settling + n * period
        chip.advance_to(fall - 1)
        assert chip.drdy
        chip.advance_to(fall)
        assert not chip.drdy
        assert chip.n_drdy_falls == n + 1
        assert chip.last_drdy_tick == fall


def test_unread_drdy_returns_high_four_clocks_before_the_next_fall() -> None:
    chip, start = started_chip()
    fall = start + 8201 + 2048
    chip.advance_to(fall - 5)
    assert not chip.drdy
    chip.advance_to(fall - 4)
    assert chip.drdy
    chip.advance_to(fall - 1)
    assert chip.drdy
    chip.advance_to(fall)
    assert not chip.drdy


def test_start_command_counts_from_its_seventh_clock() -> None:
    chip = idle_chip()
    before = chip.tick
    chip.transfer(b"\x08", sclk_hz=2.048e6)  # one bit is one tCLK: seventh fall at 6.5
    assert chip.next_drdy_tick is not None
    assert 6 <= chip.next_drdy_tick - before - 8201 <= 7


def test_start_while_converting_has_no_effect() -> None:
    chip, start = started_chip()
    chip.set_pin(Pin.START, True)
    chip.transfer(b"\x08")
    assert chip.next_drdy_tick == start + 8201
    assert [v.rule for v in chip.violations] == [Rule.START_PIN]


@pytest.mark.parametrize(("before_fall", "further"), [(17, 0), (16, 0), (15, 1), (1, 1)])
def test_stop_completes_the_running_conversion(before_fall: int, further: int) -> None:
    chip, start = started_chip()
    fall = start + 8201 + 2048
    chip.advance_to(fall - before_fall)
    chip.set_pin(Pin.START, False)
    expected = [fall + 2048 * n for n in range(1 + further)]
    assert falls_until(chip, fall + 20_000) == expected
    assert not chip.drdy  # unread, and nothing updates it any more
    assert chip.next_drdy_tick is None


def test_stop_right_after_a_fall_lets_one_more_complete() -> None:
    chip, start = started_chip()
    chip.advance_to(start + 8201 + 16)
    chip.set_pin(Pin.START, False)
    assert falls_until(chip, start + 50_000) == [start + 8201 + 2048]


def test_stop_command_is_ignored_while_the_start_pin_is_high() -> None:
    chip, _ = started_chip()
    chip.transfer(b"\x0a")
    chip.advance_to(chip.tick + 50_000)
    assert chip.next_drdy_tick is not None
    assert [v.rule for v in chip.violations] == [Rule.START_PIN]


def test_start_after_stop_restarts_the_filter() -> None:
    chip, start = started_chip()
    chip.advance_to(start + 8300)
    chip.set_pin(Pin.START, False)
    chip.advance_to(start + 8400)
    chip.set_pin(Pin.START, True)
    assert falls_until(chip, start + 8400 + 8201 + 2048) == [
        start + 8400 + 8201,
        start + 8400 + 8201 + 2048,
    ]


def test_single_shot_holds_drdy_low_until_the_next_start() -> None:
    chip = idle_chip()
    chip.transfer(bytes.fromhex("57 00 08"))
    chip.transfer(b"\x08")
    fall = chip.next_drdy_tick
    assert fall is not None
    assert falls_until(chip, fall + 30_000) == [fall]
    assert not chip.drdy
    assert chip.transfer(b"\x12" + bytes(27))[1] == 0xC0
    assert not chip.drdy
    chip.transfer(b"\x08")
    assert chip.drdy
    assert chip.next_drdy_tick is not None
    assert 0 < chip.tick - (chip.next_drdy_tick - 8201) < 12


def test_single_shot_restarts_on_a_start_before_it_is_done() -> None:
    chip = idle_chip()
    chip.transfer(bytes.fromhex("57 00 08"))
    chip.transfer(b"\x08")
    first = chip.next_drdy_tick
    chip.advance_to(chip.tick + 4000)
    chip.transfer(b"\x08")
    assert first is not None
    assert chip.next_drdy_tick is not None
    assert chip.next_drdy_tick > first + 3900
    assert chip.n_drdy_falls == 0


def test_change_to_single_shot_waits_for_stop_and_start() -> None:
    chip = idle_chip()
    chip.transfer(b"\x08")
    chip.transfer(bytes.fromhex("57 00 08"))
    assert len(falls_until(chip, chip.tick + 30_000)) > 5


def test_a_new_config1_restarts_the_filter_and_the_same_one_does_not() -> None:
    chip, start = started_chip()
    chip.advance_to(start + 8201 + 100)
    chip.transfer(bytes.fromhex("41 00 94"))
    assert chip.next_drdy_tick == start + 8201 + 2048
    written_after = chip.tick
    chip.transfer(bytes.fromhex("41 00 93"))
    assert chip.next_drdy_tick is not None
    assert written_after < chip.next_drdy_tick - 4105 <= chip.tick
    what, tick, registers = chip.front_end.calls[-1]
    assert (what, tick, registers[1]) == ("restart", chip.next_drdy_tick - 4105, 0x93)


def test_a_new_config1_after_stop_still_gives_only_the_last_result() -> None:
    chip, start = started_chip()
    chip.advance_to(start + 8201 + 100)
    chip.set_pin(Pin.START, False)
    chip.transfer(bytes.fromhex("41 00 93"))
    falls = falls_until(chip, chip.tick + 30_000)
    assert len(falls) == 1
    assert falls[0] > start + 8201 + 2048


def test_other_registers_do_not_restart_the_filter() -> None:
    chip, start = started_chip()
    chip.advance_to(start + 8201 + 100)
    chip.transfer(bytes.fromhex("45 00 60"))
    assert chip.next_drdy_tick == start + 8201 + 2048
    assert chip.front_end.calls[-1][0] == "change"


def test_a_change_of_rate_keeps_the_other_registers() -> None:
    chip = idle_chip()
    chip.transfer(bytes.fromhex("44 00 02"))
    before = chip.registers
    chip.transfer(bytes.fromhex("41 00 93"))
    assert chip.registers == before[:1] + b"\x93" + before[2:]


def test_reset_command_restores_defaults_and_rdatac_and_stops() -> None:
    chip = idle_chip()
    chip.transfer(bytes.fromhex("45 00 60"))
    chip.transfer(b"\x08")
    chip.transfer(b"\x06")
    assert chip.registers[5] == 0x61
    assert chip.registers[1] == 0x96
    assert chip.mode is Mode.RDATAC
    assert chip.next_drdy_tick is None


def test_reset_pin_does_the_same_and_a_start_pin_begins_again_18_clocks_later() -> None:
    chip, _ = started_chip()
    chip.advance_to(chip.tick + 9000)
    chip.set_pin(Pin.RESET, False)
    assert chip.drdy
    assert chip.next_drdy_tick is None
    assert chip.transfer(bytes(3)) == bytes(3)
    released = chip.tick
    chip.set_pin(Pin.RESET, True)
    assert chip.next_drdy_tick == released + 18 + 32777
    assert not chip.violations


def test_reset_command_counts_from_its_eighth_clock() -> None:
    chip, _ = started_chip()
    begin = chip.tick
    chip.transfer(b"\x06", sclk_hz=20_480)  # one bit is 100 tCLK: eighth fall at 750
    assert chip.next_drdy_tick is not None
    assert 750 <= chip.next_drdy_tick - 32777 - 18 - begin <= 751


def test_commands_within_18_clocks_of_reset_are_ignored_and_reported() -> None:
    chip = idle_chip()
    chip.transfer(b"\x06")
    chip.transfer(b"\x11")
    assert chip.mode is Mode.RDATAC
    assert [v.rule for v in chip.violations] == [Rule.RESET_BUSY]
    chip.advance_to(chip.tick + 18)
    chip.transfer(b"\x11")
    assert chip.mode is Mode.SDATAC


def test_a_short_reset_pulse_is_reported() -> None:
    chip = idle_chip()
    chip.set_pin(Pin.RESET, False)
    chip.advance_to(chip.tick + 1)
    chip.set_pin(Pin.RESET, True)
    assert [v.rule for v in chip.violations] == [Rule.RESET_PULSE]


def test_commands_before_tpor_are_reported_once_and_obeyed() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS // 4)  # the old 2^16 of Rev. A
    chip.transfer(b"\x11")
    assert chip.transfer(bytes.fromhex("20 00 00"))[2] == 0x3E
    assert [v.rule for v in chip.violations] == [Rule.T_POR]
    chip.transfer(b"\x08")
    assert chip.next_drdy_tick == POR_TICKS + 32777


def test_start_tied_high_converts_at_250_sps_after_power_on() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.set_pin(Pin.START, True)
    falls = falls_until(chip, POR_TICKS + 60_000)
    assert falls == [POR_TICKS + 32777 + 8192 * n for n in range(4)]
    assert falls[0] / 2.048e6 == pytest.approx(0.150, rel=0.05)  # "150 ms typ" to DRDY low


@pytest.mark.parametrize("is_pin", [True, False])
def test_brown_out_loses_registers_and_conversions(is_pin: bool) -> None:
    chip = idle_chip()
    chip.transfer(bytes.fromhex("45 00 60"))
    if is_pin:
        chip.set_pin(Pin.START, True)
    else:
        chip.transfer(b"\x08")
    chip.advance_to(chip.tick + 10_000)
    now = chip.tick
    chip.brown_out()
    assert chip.tick == now
    assert chip.drdy
    assert chip.mode is Mode.RDATAC
    assert chip.registers[5] == 0x61
    assert chip.next_drdy_tick == (now + POR_TICKS + 32777 if is_pin else None)


def test_power_cycle_and_the_pwdn_pin_are_a_new_power_on() -> None:
    chip = idle_chip()
    chip.transfer(bytes.fromhex("45 00 60"))
    now = chip.tick
    chip.power_cycle(1000)
    assert chip.tick == now + 1000
    assert chip.registers[5] == 0x61
    chip.set_pin(Pin.PWDN, False)
    chip.cs_low()
    assert not chip.dout_is_driven
    assert chip.clock_byte(0x11) is None
    chip.cs_high()
    chip.advance_to(chip.tick + 3)
    chip.set_pin(Pin.PWDN, True)
    chip.transfer(b"\x11")
    assert [v.rule for v in chip.violations] == [Rule.T_POR]


def test_standby_stops_all_but_wakeup_and_keeps_registers() -> None:
    chip = idle_chip()
    chip.transfer(bytes.fromhex("45 00 60"))
    chip.transfer(b"\x08")
    chip.advance_to(chip.tick + 9000)
    chip.transfer(b"\x04")
    assert chip.is_standby
    assert chip.drdy
    assert chip.next_drdy_tick is None
    for command in ("20 00 00", "45 00 61", "08", "10", "12", "06", "04"):
        assert not any(chip.transfer(bytes.fromhex(command)))
    assert {v.rule for v in chip.violations} == {Rule.IN_STANDBY}
    assert chip.n_violations == 7
    chip.transfer(b"\x02")
    assert chip.registers[5] == 0x60
    assert chip.mode is Mode.SDATAC
    assert chip.next_drdy_tick is not None
    assert 64 + 8201 - 12 < chip.next_drdy_tick - chip.tick < 64 + 8201


def test_wakeup_out_of_standby_does_nothing() -> None:
    chip = idle_chip()
    before = (chip.mode, chip.registers)
    chip.transfer(b"\x02")
    assert (chip.mode, chip.registers) == before
    assert not chip.violations


def test_sclk_raises_drdy_even_with_cs_high() -> None:
    chip, start = started_chip()
    chip.advance_to(start + 8201)
    assert chip.clock_byte(0x55) is None
    assert chip.drdy
    chip.advance_to(start + 8201 + 2048)
    assert not chip.drdy
    chip.transfer(b"\x11")
    assert chip.drdy
    assert not chip.violations


def test_time_does_not_go_back() -> None:
    chip, start = started_chip()
    chip.advance_to(start + 9000)
    chip.advance_to(start)
    assert chip.tick == start + 9000


def test_a_long_unread_wait_converts_all_of_it() -> None:
    chip, start = started_chip(0x90)
    chip.advance_to(start + 521 + 128 * 9_999)
    assert chip.n_drdy_falls == 10_000
    assert chip.front_end.n_converted == 10_000


@pytest.mark.parametrize("how", ["brown-out", "RESET pin", "PWDN pin"])
def test_a_command_does_not_survive_power_or_reset(how: str) -> None:
    chip = idle_chip()
    chip.transfer(b"\x10")
    chip.cs_low()
    chip.clock_byte(0x11)
    if how == "brown-out":
        chip.brown_out()
    else:
        pin = Pin.RESET if how == "RESET pin" else Pin.PWDN
        chip.set_pin(pin, False)
        chip.advance_to(chip.tick + 2)
        chip.set_pin(pin, True)
    chip.advance_to(chip.tick + 40)
    chip.cs_high()
    assert chip.mode is Mode.RDATAC


def test_stop_command_stops_in_rdatac_too() -> None:
    chip = idle_chip()
    chip.transfer(b"\x08")
    chip.transfer(b"\x10")
    chip.stream(3)
    chip.transfer(b"\x0a")
    assert len(chip.stream(10).ticks) == 1
    assert chip.n_drdy_falls == 4
    assert not chip.violations
