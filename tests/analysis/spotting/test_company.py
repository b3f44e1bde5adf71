"""Channels side by side, on signals whose truth is planted."""

import numpy as np
import pytest

from emgrig.analysis.spotting.company import CompanySettings, blink_waves, spot
from emgrig.analysis.spotting.detector import double_threshold

RATE_HZ = 1000.0
STRONG = ((3000, 3600), (8000, 8400), (13_000, 14_000), (19_000, 19_500))
ALONE = (23_000, 23_400)


def rest(n_channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=2, size=(27_000, n_channels))


def burst(start: int, stop: int, rms: float, seed: int) -> np.ndarray:
    """Make a burst in a record of 27 s that rises and falls within 60 ms."""
    shape = np.zeros(27_000)
    shape[start:stop] = rms
    shape = np.convolve(shape, np.hanning(60) / np.hanning(60).sum(), "same")
    return shape * np.random.default_rng(seed).normal(size=shape.size)


def face_with_leak(share: float = 0.1) -> np.ndarray:
    """Plant four bursts on channel 0, of which channel 1 sees a share, and one on channel 1."""
    x = rest()
    for seed, (start, stop) in enumerate(STRONG):
        source = burst(start, stop, 80.0, seed)
        x[:, 0] += source
        x[:, 1] += share * source
    x[:, 1] += burst(*ALONE, 30.0, 9)
    return x


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_what_leaks_from_a_neighbour_is_left_out_and_named(scale: float) -> None:
    x = face_with_leak() * scale
    assert len(double_threshold(x, RATE_HZ)[1]) == 5
    found = spot(x, RATE_HZ)
    assert len(found.events[0]) == 4
    (own,) = found.events[1].tolist()
    np.testing.assert_allclose(own, ALONE, atol=60)
    assert [(o.channel_index, o.reason, o.source_index) for o in found.left_out] == [
        (1, "crosstalk", 0)
    ] * 4
    # The ratio's lower quartile over an event lies a little below the share itself.
    assert 0.06 < found.shares[0, 1] < 0.11
    assert found.shares[1, 0] == 0


def test_a_muscle_that_is_active_beside_a_stronger_one_is_kept() -> None:
    x = face_with_leak()
    x[:, 1] += burst(13_200, 13_700, 40.0, 11)
    found = spot(x, RATE_HZ)
    assert len(found.events[1]) == 2
    np.testing.assert_allclose(found.events[1][0], (13_200, 13_700), atol=80)


def test_muscles_that_are_always_active_together_are_both_kept() -> None:
    x = rest()
    for seed, (start, stop) in enumerate(STRONG):
        x[:, 0] += burst(start, stop, 80.0, seed)
        x[:, 1] += burst(start, stop, 40.0, 20 + seed)
    found = spot(x, RATE_HZ)
    assert [len(e) for e in found.events] == [4, 4]
    assert found.left_out == []


def blinking(waves: bool) -> np.ndarray:
    """Plant eight bursts of 0.12 s, with or without the eyelid's wave, and one of 0.4 s."""
    x = rest(1)
    for seed, start in enumerate(range(1500, 22_000, 2700)):
        x[:, 0] += burst(start, start + 160, 40.0, seed)
        if waves:
            x[start + 20 : start + 270, 0] += 150 * np.hanning(250)
    x[:, 0] += burst(*ALONE, 30.0, 9)
    return x


def test_bursts_that_come_with_the_wave_of_an_eyelid_are_blinks() -> None:
    found = spot(blinking(waves=True), RATE_HZ)
    (own,) = found.events[0].tolist()
    np.testing.assert_allclose(own, ALONE, atol=60)
    assert [o.reason for o in found.left_out] == ["blink"] * 8


def test_short_bursts_without_a_wave_are_events() -> None:
    found = spot(blinking(waves=False), RATE_HZ)
    assert len(found.events[0]) == 9
    assert found.left_out == []


def test_one_wave_that_a_burst_happens_to_meet_makes_no_blink() -> None:
    x = blinking(waves=False)
    x[1520:1770, 0] += 150 * np.hanning(250)
    assert len(spot(x, RATE_HZ).events[0]) == 9


def test_waves_of_an_eyelid_are_found_where_they_are() -> None:
    x = rest(1)[:, 0] + 400.0
    tops = [2000, 9000, 15_000]
    for top in tops:
        x[top - 120 : top + 120] -= 120 * np.hanning(240)  # the sign depends on the electrodes
    x[4000:4100] = np.nan
    waves, heights = blink_waves(x, RATE_HZ, CompanySettings())
    assert (heights > 50).all()
    np.testing.assert_allclose(waves.mean(axis=1), tops, atol=15)
    assert np.ptp(waves, axis=1).tolist() == pytest.approx([240] * 3, abs=60)


def test_gaps_stay_gaps_and_a_dead_channel_has_nothing() -> None:
    x = np.column_stack([face_with_leak(), np.full(27_000, 5.0), np.full(27_000, np.nan)])
    x[13_400:13_500] = np.nan
    found = spot(x, RATE_HZ)
    assert [len(e) for e in found.events] == [5, 1, 0, 0]
    assert not any(np.isnan(x[start:stop, 0]).any() for start, stop in found.events[0])


@pytest.mark.parametrize(
    "bad", [{"most_share": 1.0}, {"margin": -1.0}, {"wave_hz": (8.0, 1.0)}, {"wave_s": (0.0, 0.3)}]
)
def test_rules_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"expected|must rise"):
        CompanySettings(**bad)  # type: ignore[arg-type]
