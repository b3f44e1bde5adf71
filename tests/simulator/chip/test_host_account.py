"""What the chip model counts of a host: commands obeyed, results skipped, odd reads, DRDY falls."""

import pytest

from emgrig.simulator.chip.ads1299 import Ads1299Chip
from emgrig.simulator.chip.violations import Rule
from simulator.chip.test_spi import chip_at_first_result
from simulator.fake_front_end import CountingFrontEnd

FRAME = bytes(27)


def at_next_result(chip: Ads1299Chip, n: int = 1) -> None:
    for _ in range(n):
        chip.advance_to(chip.next_drdy_tick or 0)


@pytest.mark.parametrize("by_bytes", [False, True])
def test_results_between_two_reads_are_skipped_ones(by_bytes: bool) -> None:
    chip = chip_at_first_result()
    for _ in range(5):
        if by_bytes:
            chip.transfer(FRAME, gap_ticks=0.5)
        else:
            chip.transfer(FRAME)
        at_next_result(chip, 3)
    assert (chip.n_read, chip.n_skipped) == (5, 8)


def test_the_quick_way_counts_the_same() -> None:
    chip = chip_at_first_result()
    chip.transfer(FRAME)
    read = chip.stream(11)
    assert (chip.n_read, chip.n_skipped) == (12, 0)
    assert chip.last_read == read.data[-1].tobytes()
    assert chip.n_drdy_falls == 12
    chip.stream(4, every=3)  # 15, 18, 21, 24
    assert (chip.n_read, chip.n_skipped) == (16, 8)


@pytest.mark.parametrize("pause", [b"\x11", b"\x0a"])
def test_what_comes_while_the_host_has_stopped_reading_is_not_skipped(pause: bytes) -> None:
    """SDATAC, or STOP and START again."""
    chip = chip_at_first_result()
    chip.transfer(FRAME)
    chip.transfer(pause)
    chip.advance_to(chip.tick + 40_000)
    chip.transfer(b"\x08" if pause == b"\x0a" else b"\x10")
    at_next_result(chip)
    chip.transfer(FRAME)
    assert chip.n_read == 2
    assert chip.n_skipped == 0


def test_rdata_over_the_next_fall_reads_the_result_that_it_asked_for() -> None:
    """The read may overlap the fall; the next result is another one, and counts."""
    chip = chip_at_first_result()
    chip.transfer(b"\x11")
    chip.advance_to((chip.next_drdy_tick or 0) - 100)
    chip.transfer(b"\x12" + FRAME)  # its end lies after the fall
    assert chip.n_read == 1
    chip.transfer(b"\x12" + FRAME)
    assert (chip.n_read, chip.n_skipped) == (2, 0)


def test_reads_that_are_no_frame_are_counted_by_their_length() -> None:
    chip = chip_at_first_result()
    for n_bytes in (24, 24, 27, 30):
        chip.transfer(bytes(n_bytes))
        at_next_result(chip)
    assert chip.odd_reads == {24: 2, 30: 1}
    chip.cs_low()
    for _ in range(3):  # CS low for ever
        for _ in range(15):
            chip.clock_byte(0)
        at_next_result(chip)
    assert chip.odd_reads == {24: 2, 30: 1, 15: 3}


def test_results_whose_drdy_was_ended_by_traffic_to_others_are_told_from_others() -> None:
    """Any SCLK ends DRDY, even with CS high (p. 38)."""
    chip = chip_at_first_result()
    chip.transfer(FRAME)
    for is_hidden in (True, False, True):
        at_next_result(chip)
        assert not chip.drdy
        if is_hidden:
            chip.clock_byte(0xFF)
            chip.clock_byte(0xFF)
            assert chip.drdy
    chip.transfer(FRAME)  # the last of the three: hidden, and read all the same
    assert (chip.n_read, chip.n_skipped, chip.n_hidden) == (2, 2, 1)
    at_next_result(chip)
    chip.transfer(FRAME)
    assert (chip.n_read, chip.n_skipped, chip.n_hidden) == (3, 2, 1)


def test_commands_that_were_obeyed_and_those_that_were_not() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(300_000)
    chip.transfer(b"\x43\x00\xe0")  # in RDATAC
    chip.transfer(b"\x11")
    chip.transfer(b"\x41\x01\x96\xc0")
    chip.transfer(b"\x20\x00\x00")
    chip.transfer(b"\x11", hold_ticks=0)
    assert chip.obeyed == {0x11: 1, 0x40: 1, 0x20: 1}
    assert chip.written == {1, 2}
    told = [(one.rule, one.about) for one in chip.violations]
    assert told == [(Rule.IN_RDATAC, 0x43), (Rule.T_SCCS, 0x11)]


def test_the_byte_of_a_burst_that_was_lost_is_told_by_its_first() -> None:
    chip = Ads1299Chip(CountingFrontEnd())
    chip.advance_to(300_000)
    chip.transfer(b"\x11")
    chip.transfer(b"\x45\x02\x60\x60\x60", hold_ticks=0)
    (told,) = chip.violations
    assert (told.rule, told.about) == (Rule.T_SCCS, 0x45)


def test_falls_are_kept_as_runs_of_even_distances() -> None:
    chip = chip_at_first_result()
    first = chip.last_drdy_tick
    chip.stream(50)
    chip.transfer(b"\x11")
    chip.transfer(b"\x41\x00\x93")  # 2 kSPS: the filter begins anew
    at_next_result(chip, 4)
    slow, fast = chip.fall_runs
    assert (slow.first, slow.period) == (first, 2048)
    assert (fast.period, fast.n) == (1024, 4)
    assert slow.n + fast.n == chip.n_drdy_falls
