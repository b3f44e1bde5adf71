"""Conversions by time stamps that are late by what a board did meanwhile."""

from itertools import pairwise

import numpy as np
import pytest

from emgrig.gateways.grid import TimeGrid
from emgrig.gateways.stamps import ClockLine


def placed(
    times_us: np.ndarray, steps: np.ndarray | None = None, *, period_us: float, pieces: int = 1
) -> np.ndarray:
    """Place all frames, in pieces, each with the next frame to look at."""
    steps = np.ones(len(times_us), np.int64) if steps is None else steps
    grid = TimeGrid()
    grid.begin(period_us)
    edges = np.linspace(0, len(times_us), pieces + 1).astype(int).tolist()
    found = [grid.place(steps[a : b + 1], times_us[a : b + 1], b - a) for a, b in pairwise(edges)]
    return np.concatenate(found)


def stamped(
    conversion: np.ndarray, period_us: float, seed: int, *, late: float, step_us: int = 1
) -> np.ndarray:
    """Return stamps: each conversion's time, and up to `late` of a period more."""
    rng = np.random.default_rng(seed)
    time_us = (conversion + rng.uniform(0, late, len(conversion))) * period_us + rng.uniform(0, 1e6)
    return (time_us // step_us).astype(np.int64) * step_us


@pytest.mark.parametrize("seed", range(20))
def test_every_conversion_that_was_not_read_is_counted_in_its_place(seed: int) -> None:
    """Oscillators are off by up to 2.5 % (SBAS499C, 7.5), stamps late by up to half a period."""
    rng = np.random.default_rng(seed)
    nominal_us = 1e6 / rng.choice([250, 500, 1000, 2000, 4000, 16_000])
    kept = rng.random(20_000) > rng.choice([0.0, 0.001, 0.02])
    kept[:50] = True  # what is lost before the period is known is known less well
    conversion = np.flatnonzero(kept)
    off = 1 + rng.uniform(-0.025, 0.025)
    times_us = stamped(conversion, nominal_us * off, seed, late=0.5)
    pieces = int(rng.integers(1, 60))
    found = placed(times_us, period_us=nominal_us, pieces=pieces)
    np.testing.assert_array_equal(found, conversion)


def test_the_boards_own_count_adds_what_was_lost_on_the_way() -> None:
    """Frames 100 to 104 were sent and lost; 200 to 209 were never read, and not counted."""
    conversion = np.r_[0:100, 105:200, 210:400]
    steps = np.ones(len(conversion), np.int64)
    steps[100] = 6
    times_us = stamped(conversion, 1000.0, 0, late=0.3)
    np.testing.assert_array_equal(placed(times_us, steps, period_us=1000.0), conversion)


def test_a_single_stamp_that_cannot_be_says_nothing() -> None:
    """A bit of one stamp was flipped: no loss is made of it, and the count goes on."""
    times_us = stamped(np.arange(1000), 1000.0, 1, late=0.2)
    times_us[500] += 1 << 22
    times_us[700] -= 1 << 18
    np.testing.assert_array_equal(placed(times_us, period_us=1000.0), np.arange(1000))


def test_a_clock_that_is_set_back_makes_no_sample_wrong() -> None:
    times_us = stamped(np.arange(2000), 1000.0, 2, late=0.2)
    times_us[1000:] -= 700_000
    np.testing.assert_array_equal(placed(times_us, period_us=1000.0), np.arange(2000))


def test_a_temperature_that_drifts_is_followed() -> None:
    """300 ppm in ten minutes at 1 kSPS."""
    period_us = 1000.0 * (1 + 300e-6 * np.linspace(0, 1, 600_000))
    times_us = np.cumsum(period_us).astype(np.int64)
    found = placed(times_us, period_us=1000.0, pieces=300)
    np.testing.assert_array_equal(found, np.arange(600_000))


def test_a_clock_of_32_bits_goes_on() -> None:
    line = ClockLine(unit_us=8)
    first = line.place((1 << 32) - 10, 0.0)
    assert line.place(5, 120e-6) - first == 15 * 8
    raw = np.array([(1 << 32) - 1, 0, 3])
    assert np.diff(line.follow(raw, 200.0 + 8 * 2**32 * 1e-6)).tolist() == [8, 24]
    whole_turns = line.place(0, 300.0 + 3 * 8 * 2**32 * 1e-6) - first
    assert whole_turns == pytest.approx(3 * 8 * 2**32, rel=1e-3)
