"""What the chip model says of a host's faults: neither too little nor too much.

Each kind was seen with somebody's published driver on this model.
"""

import pytest

from emgrig.simulator.chip.ads1299 import Ads1299Chip, Pin
from emgrig.simulator.chip.core import POR_TICKS, ReadingOfTheDataSheet
from emgrig.simulator.chip.violations import KEPT_OF_EACH_RULE, Rule, Severity
from simulator.chip.test_spi import chip_at_first_result, frame, rules
from simulator.fake_front_end import CountingFrontEnd

TICKS_PER_MS = 2048


def chip_after(reset_low_ms: tuple[int, int], command_ms: int) -> Ads1299Chip:
    """A chip whose RESET is low in this time from power-on, and which gets SDATAC then."""
    chip = Ads1299Chip(CountingFrontEnd())
    begin_ms, end_ms = reset_low_ms
    chip.advance_to(begin_ms * TICKS_PER_MS)
    chip.set_pin(Pin.RESET, False)
    chip.advance_to(end_ms * TICKS_PER_MS)
    chip.set_pin(Pin.RESET, True)
    chip.advance_to(command_ms * TICKS_PER_MS)
    chip.transfer(b"\x11")
    return chip


def test_reset_held_low_from_power_on_breaks_no_rule() -> None:
    """All inputs are low until the supplies are stable (p. 62)."""
    assert chip_after((0, 300), 301).violations == ()


def test_a_command_too_early_is_told_although_reset_was_held_low() -> None:
    chip = chip_after((0, 10), 20)
    (told,) = chip.violations
    assert told.rule is Rule.T_POR
    assert told.text == f"command 11h {POR_TICKS - told.tick} tCLK too early after power-on; obeyed"
    assert told.tick == pytest.approx(20 * TICKS_PER_MS, abs=10)


def test_a_release_of_reset_too_early_counts_if_no_pulse_follows() -> None:
    chip = chip_after((0, 10), 200)
    assert rules(chip) == [Rule.T_POR]
    assert "RESET went high" in chip.violations[0].text
    assert chip.violations[0].tick == 10 * TICKS_PER_MS

    chip = Ads1299Chip(CountingFrontEnd())
    chip.set_pin(Pin.RESET, False)
    for ms, level in ((10, True), (150, False), (151, True)):
        chip.advance_to(ms * TICKS_PER_MS)
        chip.set_pin(Pin.RESET, level)
    chip.advance_to(152 * TICKS_PER_MS)
    chip.transfer(b"\x11")
    assert chip.violations == ()


def test_a_reset_pulse_too_early_is_told_unless_another_follows() -> None:
    chip = chip_after((5, 6), 140)
    assert rules(chip) == [Rule.T_POR]
    assert chip.violations[0].tick == 6 * TICKS_PER_MS

    chip = Ads1299Chip(CountingFrontEnd())
    chip.set_pin(Pin.RESET, False)  # pinMode, then digitalWrite
    chip.advance_to(3)
    chip.set_pin(Pin.RESET, True)
    chip.advance_to(140 * TICKS_PER_MS)
    chip.transfer(b"\x06")  # RESET, the command
    chip.wait_ticks(20)
    chip.transfer(b"\x11")
    assert chip.violations == ()


@pytest.mark.parametrize(
    ("mosi", "severity", "words"),
    [
        ("43 01 E0", Severity.LOST, "1 of 2 registers were written"),
        ("20 03 00 00", Severity.HARMLESS, "2 of 4 registers were read"),
        ("43 00", Severity.LOST, "within a command"),
    ],
)
def test_a_number_of_registers_that_is_not_what_is_sent(
    mosi: str, severity: Severity, words: str
) -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    chip.transfer(bytes.fromhex(mosi))
    (told,) = chip.violations
    assert (told.rule, told.severity) == (Rule.PARTIAL_COMMAND, severity)
    assert words in told.text
    assert chip.registers[3] == (0xE0 if "E0" in mosi else 0x60)


def clock(chip: Ads1299Chip, count: int) -> bytes:
    return bytes(chip.clock_byte(0) or 0 for _ in range(count))


def test_a_host_that_reads_the_first_bytes_of_each_result_tears_none() -> None:
    """CS stays low for ever, 15 bytes are read right after each fall, as on a 4-channel part."""
    chip = chip_at_first_result()
    chip.cs_low()
    for conversion in range(20):
        assert clock(chip, 15) == frame(conversion)[:15]
        chip.advance_to(chip.next_drdy_tick or 0)
    assert chip.violations == ()
    assert (chip.n_torn, chip.n_read) == (0, 0)


def test_a_host_that_reads_on_over_the_fall_tears_each_result() -> None:
    chip = chip_at_first_result()
    chip.cs_low()
    for _ in range(5):
        clock(chip, 20)
        chip.advance_to(chip.next_drdy_tick or 0)
        clock(chip, 7)
        chip.advance_to(chip.next_drdy_tick or 0)
    chip.wait_ticks(4)
    chip.cs_high()
    assert rules(chip) == [Rule.UPDATE_WINDOW] * 5
    assert chip.n_torn == 5
    assert {told.severity for told in chip.violations} == {Severity.TORN}


def test_a_command_before_the_fall_does_not_tear_the_frame_after_it() -> None:
    chip = chip_at_first_result()
    clock_and_stop = chip.transfer(bytes(27))
    assert clock_and_stop == frame(0)
    chip.cs_low()
    chip.clock_byte(0x08)
    chip.advance_to(chip.next_drdy_tick or 0)
    assert clock(chip, 27) == frame(1)
    chip.wait_ticks(4)
    chip.cs_high()
    assert chip.violations == ()
    assert (chip.n_torn, chip.n_read) == (0, 2)


@pytest.mark.parametrize(("ticks", "is_early"), [(3.9, True), (4.0, False)])
def test_four_ticks_are_four_clocks_also_in_the_middle_of_one(ticks: float, is_early: bool) -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    chip.cs_low()
    chip.clock_byte(0x11, sclk_hz=20e6)
    assert chip.time_ticks % 1 == pytest.approx(8 * 2.048 / 20)
    # the last SCLK fell a sixteenth of the byte before its end
    chip.wait_ticks(ticks - 2.048 / 20 / 2)
    chip.cs_high()
    assert (rules(chip) == [Rule.T_SCCS]) == is_early
    assert (chip.mode.name == "RDATAC") == is_early


def test_the_first_violation_is_kept_whatever_follows() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.transfer(b"\x11")  # long before tPOR is over
    chip.advance_to(POR_TICKS)
    for _ in range(1200):
        chip.transfer(b"\xff")
    assert chip.violations[0].rule is Rule.T_POR
    assert chip.violation_counts == {Rule.T_POR: 1, Rule.UNKNOWN_OPCODE: 1200}
    assert len(chip.violations) == 1 + KEPT_OF_EACH_RULE


@pytest.mark.parametrize(("is_selected", "n_told"), [(False, 0), (True, 1)])
def test_a_fast_sclk_counts_while_the_chip_is_selected(is_selected: bool, n_told: int) -> None:
    """An SD card on the bus may be clocked at 25 MHz."""
    chip = chip_at_first_result()
    if is_selected:
        chip.cs_low()
    chip.clock_byte(0, sclk_hz=25e6)
    assert rules(chip) == [Rule.SCLK_LIMIT] * n_told
    assert chip.drdy, "any SCLK takes DRDY high, CS high or not (p. 38)"


@pytest.mark.parametrize(("ticks", "n_told"), [(1.9, 1), (2.0, 0)])
def test_start_high_for_less_than_two_clocks_is_told(ticks: float, n_told: int) -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    chip.wait_ticks(0.95)
    chip.set_pin(Pin.START, True)
    chip.wait_ticks(ticks)
    chip.set_pin(Pin.START, False)
    assert rules(chip) == [Rule.START_PULSE] * n_told


def test_zeros_clocked_without_rdata_are_told() -> None:
    chip = chip_at_first_result(mode=0x11)
    assert chip.transfer(bytes(27)) == bytes(27)
    assert rules(chip) == [Rule.NO_DATA]
    chip.transfer(bytes.fromhex("20 17") + bytes(24))  # a register dump is none of that
    assert chip.n_violations == 1


@pytest.mark.parametrize("mosi", [b"\x12" + bytes(27), b"\x10" + bytes(27)])
def test_data_before_the_first_result_are_told(mosi: bytes) -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    for command in (b"\x11", b"\x08", mosi):
        assert not any(chip.transfer(command))
    assert rules(chip).count(Rule.NO_RESULT) >= 1
    assert {told.severity for told in chip.violations if told.rule is Rule.NO_RESULT} == {
        Severity.LOST
    }


@pytest.mark.parametrize(
    ("has_reference", "config3", "is_told"),
    [(False, 0x60, True), (False, 0xE0, False), (True, 0x60, False), (None, 0x60, False)],
)
def test_frames_without_a_reference_are_told(
    has_reference: bool | None, config3: int, is_told: bool
) -> None:
    chip = chip_at_first_result(mode=0x11, has_reference=has_reference)
    chip.transfer(bytes((0x43, 0, config3)))
    chip.transfer(b"\x10")
    chip.advance_to(chip.next_drdy_tick or 0)
    for _ in range(3):
        chip.transfer(bytes(27))
        chip.advance_to(chip.next_drdy_tick or 0)
    assert rules(chip) == [Rule.NO_REFERENCE] * (3 * is_told)


def test_wreg_in_rdatac_by_the_other_reading() -> None:
    other = ReadingOfTheDataSheet(obeys_wreg_in_rdatac=True)
    chip = Ads1299Chip(CountingFrontEnd(), reading=other)
    chip.advance_to(POR_TICKS)
    chip.transfer(bytes.fromhex("41 00 94"))
    assert chip.registers[1] == 0x94
    assert not any(chip.transfer(bytes.fromhex("20 02 00 00 00")))  # RREG never does
    assert [told.severity for told in chip.violations] == [Severity.HARMLESS, Severity.LOST]


def test_rdata_in_rdatac_by_the_other_reading() -> None:
    """A host that sends RDATA before each frame: ignored it costs 8 bits, or begins anew."""
    for restarts in (False, True):
        chip = chip_at_first_result(
            reading=ReadingOfTheDataSheet(restarts_at_rdata_in_rdatac=restarts)
        )
        got = chip.transfer(b"\x12" + bytes(27), sclk_hz=1e6)
        assert (got[1:] == frame(0)) == restarts
        assert restarts or got[:27] == frame(0)


def test_reporting_and_enforcing_are_two_things() -> None:
    def lost_sdatac(**options: bool) -> Ads1299Chip:
        chip = Ads1299Chip(CountingFrontEnd(), **options)
        chip.advance_to(POR_TICKS)
        chip.cs_low()
        chip.clock_byte(0x11)
        chip.cs_high()  # at once: less than 4 tCLK after the last SCLK
        return chip

    assert lost_sdatac().mode.name == "RDATAC"
    only_told = lost_sdatac(enforce=False)
    assert only_told.mode.name == "SDATAC"
    assert [told.severity for told in only_told.violations] == [Severity.HARMLESS]
    only_done = lost_sdatac(report=False)
    assert only_done.mode.name == "RDATAC"
    assert only_done.violations == ()


def test_a_violation_says_in_which_transfer_and_after_which_bytes() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    chip.transfer(bytes.fromhex("43 00 00"))
    (told,) = chip.violations
    assert (told.rule, told.transfer, told.sent) == (Rule.RESERVED_BITS, 2, b"\x43\x00\x00")


def test_margins_are_seen_without_a_breach() -> None:
    chip = chip_at_first_result()
    chip.wait_ticks(100)
    chip.transfer(bytes(27), sclk_hz=2.048e6)
    assert chip.violations == ()
    margins = {name: margin.value / 10_000 for name, margin in chip.margins.items()}
    assert margins["tSCCS"] == pytest.approx(4.5, abs=0.01)
    assert margins["tCSH"] == pytest.approx(2, abs=0.01)
    assert margins["DRDY to read"] == pytest.approx(100, abs=0.01)
    # 2048 ticks from fall to fall, 100 waited, 216 - ½ of reading, 4 before the next
    assert margins["before update"] == pytest.approx(2048 - 100 - 215.5 - 4, abs=0.01)
