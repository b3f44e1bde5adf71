"""Board time to LSL's time stamps: numbers in, numbers out; no LSL is needed."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.samples.block import Block, Epoch
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.protocol.account import Cause
from emgrig.recording.lsl import stamps as lsl_time
from emgrig.recording.lsl.stamps import SLEW, SessionTime, StampLine

RATE_HZ = 1000.0


def line_of(offset_s: float, drift_ppm: float = 0.0) -> ClockFit:
    return ClockFit(0.0, offset_s, drift_ppm, 1.0, 1.0, 1.0, 8, 8)


def block_at(
    first: int, n_samples: int, board_time_us: int, rate_hz: float = RATE_HZ, **more: object
) -> Block:
    epoch = Epoch(1, (bytes(24),), np.full(8, 12.0), np.full(8, 1e-8), rate_hz)
    codes = np.zeros((n_samples, 8), np.int32)
    return Block(codes, np.zeros((n_samples, 1), np.uint32), first, board_time_us, epoch, **more)


# A session's time.


def measured(monkeypatch: pytest.MonkeyPatch, lsl_s: list[float], unix_s: list[float]) -> float:
    """Measure with clocks that read this, one reading after the other."""
    lsl, unix = iter(lsl_s), iter(unix_s)
    monkeypatch.setattr(lsl_time, "local_clock", lambda: next(lsl))
    made = SessionTime.measure(lambda: next(unix))
    assert next(lsl, None) is None
    assert next(unix, None) is None
    return made.lsl_minus_unix_s


@pytest.mark.parametrize("fastest", [0, 7, 15])
def test_of_16_pairs_of_readings_the_one_read_fastest_counts_by_its_middle(
    monkeypatch: pytest.MonkeyPatch, fastest: int
) -> None:
    """Each takes 8 s but one, which takes 2: Unix time was read when LSL's was 1 s later."""
    lsl_s, unix_s = [100.0], []
    for k in range(16):
        unix_s.append(1000.0 + 5.0 * k)
        lsl_s.append(lsl_s[-1] + (2.0 if k == fastest else 8.0))
    expected = lsl_s[fastest] + 1.0 - unix_s[fastest]
    assert measured(monkeypatch, lsl_s, unix_s) == expected


def test_session_time_goes_both_ways() -> None:
    time = SessionTime(-1.5)
    assert (time.to_lsl(10.0), time.to_unix(8.5)) == (8.5, 10.0)


# The data rate.


def following(*points: tuple[int, int], **more: object) -> StampLine:
    """A line that has followed blocks of 16 samples: first conversion, board time in µs."""
    line = StampLine()
    for first, at_us in points:
        line.follow(block_at(first, 16, at_us, **more))
    return line


def period_s(line: StampLine, drift_ppm: float = 0.0, rate_hz: float = RATE_HZ) -> float:
    block, fit = block_at(0, 3, 0, rate_hz), line_of(0.0, drift_ppm)
    stamps_s = copy.deepcopy(line).place(block, fit).stamps_s
    assert stamps_s[2] - stamps_s[1] == pytest.approx(stamps_s[1] - stamps_s[0], abs=1e-12)
    return float(stamps_s[1] - stamps_s[0])


@pytest.mark.parametrize(("last", "is_known"), [(255, False), (256, True), (257, True)])
def test_a_rate_is_known_from_256_conversions_on(last: int, is_known: bool) -> None:
    line = following((1000, 0), (1000 + last, last * 1020))
    assert line.is_rate_known == is_known
    assert period_s(line) == pytest.approx(1.02e-3 if is_known else 1e-3)


def test_a_clock_that_stands_still_measures_nothing() -> None:
    assert not following((0, 5), (300, 5)).is_rate_known
    assert following((0, 5), (300, 6)).is_rate_known


def test_the_rate_is_that_of_the_last_256_blocks() -> None:
    line = StampLine()
    for k in range(300):  # 44 with a slow clock, then 256
        at_us = 16 * k * 1100 if k < 44 else 16 * (44 * 1100 + (k - 44) * 1010)
        line.follow(block_at(16 * k, 16, at_us))
    assert period_s(line) == pytest.approx(1.01e-3, rel=1e-9)


def test_empty_blocks_measure_nothing() -> None:
    line = following((0, 0))
    line.follow(block_at(300, 0, 400_000))
    assert not line.is_rate_known


@pytest.mark.parametrize("how", ["pause", "rate"])
def test_over_a_pause_or_another_rate_the_data_rate_is_measured_anew(how: str) -> None:
    line = following((0, 0), (300, 300 * 1020))
    changed = block_at(600, 16, 5_000_000, is_estimate=True)
    if how == "rate":
        changed = block_at(600, 16, 5_000_000, rate_hz=500.0)
    line.follow(changed)
    rate_hz = changed.epoch.rate_hz
    assert line.is_rate_known
    # The chip's clock is 2 % slow at any rate until it is measured anew.
    assert period_s(line, rate_hz=rate_hz) == pytest.approx(1.02 / rate_hz)
    line.follow(block_at(900, 16, 5_000_000 + round(300 * 1.01e6 / rate_hz), rate_hz))
    assert period_s(line, rate_hz=rate_hz) == pytest.approx(1.01 / rate_hz)


def test_the_period_is_in_the_hosts_time() -> None:
    """The board's clock is 1000 ppm fast: 1020 of its µs are fewer of the host's."""
    line = following((0, 0), (300, 300 * 1020))
    assert period_s(line, drift_ppm=1000.0) == pytest.approx(1.02e-3 / 1.001, rel=1e-9)


# Where blocks lie.


def test_the_first_block_lies_where_the_fit_says_and_what_lacks_before_it_too() -> None:
    line = following((0, 0), (300, 300 * 1020))
    block = block_at(500, 2, 3_000_000, lost_before=100, cause=Cause.LINK)
    placed = line.place(block, line_of(7.0))
    np.testing.assert_allclose(placed.stamps_s, [10.0, 10.00102], atol=1e-9)
    assert placed.missing_s == pytest.approx(10.0 - 100 * 1.02e-3)


def test_what_lacks_before_a_later_block_begins_where_the_one_before_ended() -> None:
    line = StampLine()
    line.place(block_at(0, 10, 0), line_of(7.0))
    placed = line.place(block_at(50, 10, 50_000, lost_before=40), line_of(7.0))
    assert placed.missing_s == pytest.approx(7.010)
    assert placed.stamps_s[0] == pytest.approx(7.050)


def test_a_block_without_samples_says_only_what_lacks() -> None:
    line = StampLine()
    first = line.place(block_at(100, 0, 0, lost_before=100), line_of(7.0))
    assert first.stamps_s.shape == (0,)
    assert first.missing_s == pytest.approx(7.0 - 0.1)
    line.place(block_at(100, 10, 0), line_of(7.0))
    last = line.place(block_at(120, 0, 20_000, lost_before=10), line_of(9.0))
    assert last.stamps_s.shape == (0,)
    assert last.missing_s == pytest.approx(7.010)
    # It moved nothing: the next one goes on where the line was, not where the better fit says.
    placed = line.place(block_at(120, 10, 20_000), line_of(7.0))
    assert placed.stamps_s[0] == pytest.approx(7.020)


def test_events_of_a_stream_without_samples_have_a_time() -> None:
    line = StampLine()
    with pytest.raises(ValueError, match=r"^no block was placed yet$"):
        line.at(0)
    line.place(block_at(0, 0, 0), line_of(7.0))
    line.place(block_at(0, 0, 0), line_of(8.0))
    assert line.at(2_000_000) == pytest.approx(9.0)  # by the fit that was there first


@pytest.mark.parametrize("jump_s", [0.004, -0.004])
def test_a_better_fit_is_approached_from_where_the_line_is(jump_s: float) -> None:
    """After 1 s at 500 ppm, 0.5 ms of the 4 ms are done."""
    line = StampLine()
    line.place(block_at(0, 100, 0), line_of(7.0))
    placed = line.place(block_at(100, 1000, 100_000), line_of(7.0 + jump_s))
    assert placed.stamps_s[0] == pytest.approx(7.1, abs=1e-9)
    later = line.place(block_at(1100, 10, 1_100_000), line_of(7.0 + jump_s))
    done_s = math.copysign(SLEW, jump_s)
    assert later.stamps_s[0] == pytest.approx(8.1 + done_s, abs=1e-9)
    assert line.at(1_200_000) == pytest.approx(8.2 + done_s, abs=1e-5)
    assert line.at(60_000_000) == pytest.approx(8.1 + done_s, abs=1e-5)  # of another clock
    steps_s = np.diff([*placed.stamps_s, later.stamps_s[0]])
    np.testing.assert_allclose(steps_s, 1e-3 + done_s * 1e-3, atol=1e-9)


def test_a_drift_that_becomes_known_moves_nothing_at_once() -> None:
    line = StampLine()
    line.place(block_at(0, 100, 2_000_000), line_of(7.0))
    line.place(block_at(100, 100, 2_100_000), line_of(7.0))
    placed = line.place(block_at(200, 100, 2_200_000), line_of(7.0, drift_ppm=1000.0))
    # The new fit says 7 + 2.2 / 1.001, which is 2.2 ms before.
    assert placed.stamps_s[0] == pytest.approx(9.2, abs=1e-9)


@pytest.mark.parametrize("behind_s", [0.0, 5.0])
def test_a_board_that_started_anew_lies_where_its_own_fit_says(behind_s: float) -> None:
    line = StampLine()
    line.place(block_at(0, 100, 60_000_000), line_of(7.0))
    restarted = block_at(3000, 10, 500_000, lost_before=2900, cause=Cause.RESTART)
    placed = line.place(restarted, line_of(70.0 + behind_s))
    assert placed.stamps_s[0] == pytest.approx(70.5 + behind_s)


def test_a_clock_that_began_anew_unseen_is_not_carried_on() -> None:
    line = StampLine()
    line.place(block_at(0, 100, 60_000_000), line_of(7.0))
    placed = line.place(block_at(3000, 10, 500_000), line_of(70.0))
    assert placed.stamps_s[0] == pytest.approx(70.5)


@pytest.mark.parametrize("cause", [Cause.NONE, Cause.RESTART])
def test_a_block_begins_half_a_period_after_the_last_sample_at_least(cause: Cause) -> None:
    line = StampLine()
    line.place(block_at(0, 100, 60_000_000), line_of(7.0))  # to 67.099
    placed = line.place(block_at(100, 10, 0, cause=cause), line_of(66.0))
    assert placed.stamps_s[0] == pytest.approx(67.0995)
    # It is 1.0995 s ahead of what the fit says, and comes nearer by 500 ppm of the time.
    assert placed.stamps_s[9] == pytest.approx(67.0995 + 9e-3 * (1 - SLEW))


@pytest.mark.parametrize(
    ("away_us", "found_s"),
    [(10_000_000, 77.0), (10_000_010, 67.0), (-10_000_000, 57.0), (-10_000_010, 67.0)],
)
def test_an_event_further_than_ten_seconds_from_its_block_lies_at_it(
    away_us: int, found_s: float
) -> None:
    line = StampLine()
    line.place(block_at(0, 10, 60_000_000), line_of(7.0))
    assert line.at(60_000_000 + away_us) == pytest.approx(found_s, abs=1e-6)


# Over many blocks.


def test_a_better_fit_moves_the_stamps_slowly() -> None:
    """3 ms at 500 ppm take 6 s, in either direction; no step on the way."""
    for jump_s in (3e-3, -3e-3):
        line = StampLine()
        stamps = []
        for first in range(0, 10_000, 100):
            block = block_at(first, 100, first * 1000)
            line.follow(block)
            fit = line_of(5.0 if first < 1000 else 5.0 + jump_s)
            stamps.append(line.place(block, fit).stamps_s)
        steps_s = np.diff(np.concatenate(stamps))
        assert np.abs(steps_s - 1e-3).max() < 1e-3 * SLEW * 1.01
        off_s = np.concatenate(stamps) - (5.0 + jump_s + np.arange(10_000) / 1000)
        assert abs(off_s[999]) == pytest.approx(3e-3, rel=1e-3)
        assert np.abs(off_s[7100:]).max() < 1e-6
        assert abs(off_s[4000]) > 1e-3  # slowly


def test_stamps_follow_a_board_whose_clock_is_fast() -> None:
    """2000 ppm, which is 0.2 ms over a block of 100 samples."""
    line, fit = StampLine(), line_of(5.0, drift_ppm=2000.0)
    for first in (0, 100, 200):
        stamps_s = line.place(block_at(first, 100, first * 1000), fit).stamps_s
        np.testing.assert_allclose(stamps_s, 5.0 + (first + np.arange(100)) / 1002, atol=1e-9)


def test_an_event_that_is_of_another_clock_lies_at_its_block() -> None:
    line, fit = StampLine(), line_of(5.0)
    line.place(block_at(0, 16, 60_000_000), fit)
    assert line.at(58_000_000) == pytest.approx(63.0)
    assert line.at(1_000) == pytest.approx(65.0)  # the board began to count anew


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),  # samples
            st.integers(0, 500),  # lost before
            st.integers(-2_000, 2_000),  # error of board time, µs
            st.floats(-0.5, 0.5),  # error of the fit, s
            st.floats(-300, 300),  # its drift, ppm
            st.sampled_from([Cause.LINK, Cause.PAUSE, Cause.OUTAGE, Cause.RESTART]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_stamps_never_go_back(steps: list[tuple]) -> None:
    line, conversion, last_s = StampLine(), 0, -np.inf
    for n_samples, lost, error_us, error_s, drift_ppm, cause in steps:
        conversion += lost
        at_us = max(conversion * 1000 + error_us, 0)
        cause = cause if lost else Cause.NONE
        is_estimate = cause in (Cause.PAUSE, Cause.OUTAGE, Cause.RESTART)
        block = block_at(
            conversion, n_samples, at_us, lost_before=lost, cause=cause, is_estimate=is_estimate
        )
        line.follow(block)
        placed = line.place(block, line_of(1.7e9 + error_s, drift_ppm))
        assert len(placed.stamps_s) == n_samples
        if n_samples:
            assert placed.stamps_s[0] > last_s
            assert (np.diff(placed.stamps_s) > 0).all()
            last_s = float(placed.stamps_s[-1])
        conversion += n_samples
