"""Levels over blocks of any length are those of all samples at once."""

from dataclasses import replace

import numpy as np
import pytest

from emgrig.driver.can import Stated
from emgrig.driver.samples.block import Block, stated_epoch
from emgrig.protocol.account import Cause
from emgrig.recording.levels import Levels

STATED = Stated(gains=(24.0,) * 8, vref_v=(4.5,) * 8, rate_hz=1000.0)
FULL = 2**23


def blocks(lengths: list[int], scale: list[float]) -> list[Block]:
    """Blocks of which each second one has other settings."""
    rng = np.random.default_rng(7)
    made, first = [], 0
    for index, length in enumerate(lengths):
        stated = replace(STATED, gains=(scale[index % len(scale)],) * 8)
        epoch = stated_epoch(index % len(scale), stated, 1)
        if made and len(scale) == 1:
            epoch = made[0].epoch
        codes = rng.integers(-FULL, FULL, (length, 8)).astype(np.int32)
        codes[::3, 0], codes[1::3, 0] = FULL - 1, -FULL
        status = np.zeros((length, 1), np.uint32)
        made.append(Block(codes, status, first, first * 1000, epoch))
        first += length
    return made


@pytest.mark.parametrize(
    ("lengths", "gains"),
    [([16] * 40, [24.0]), ([500, 1, 9000, 0, 16], [24.0]), ([16, 300, 7, 5000], [24.0, 6.0])],
)
def test_they_are_those_of_all_samples(lengths: list[int], gains: list[float]) -> None:
    levels = Levels(8)
    given = blocks(lengths, gains)
    for block in given:
        levels.feed(block)
    told = levels.report(0)
    uv = np.concatenate(
        [one.codes * (4.5 / one.epoch.gain / FULL * 1e6) for one in given if one.n_samples]
    )
    codes = np.concatenate([one.codes for one in given])
    np.testing.assert_allclose(told.offset_uv, uv.mean(axis=0), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(told.rms_uv, uv.std(axis=0), rtol=1e-9)
    clipped = ((codes == FULL - 1) | (codes == -FULL)).mean(axis=0)
    np.testing.assert_array_equal(told.clipped, clipped)
    assert told.clipped[0] > 0.6
    assert np.isnan(levels.report(0).rms_uv).all(), "a report begins new levels"


def test_gaps_are_places_and_a_pause_is_none() -> None:
    first, second, third, fourth = blocks([16] * 4, [24.0])
    levels = Levels(8)
    levels.feed(first)
    levels.feed(replace(second, lost_before=48, cause=Cause.LINK))
    levels.feed(replace(third, lost_before=1000, cause=Cause.PAUSE))
    levels.feed(replace(fourth, lost_before=16, cause=Cause.BOARD))
    told = levels.report(0)
    assert (told.n_gaps, told.n_lost, told.n_paused) == (2, 64, 1000)
