"""Figures while nothing is injected, lights, hysteresis: arrays in, numbers out."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emgrig.driver.samples.block import Block, Epoch
from emgrig.electrodes import (
    ChannelFigures,
    ContactWatch,
    Light,
    Limits,
    judge_channels,
    quiet_figures,
)
from emgrig.electrodes.lights import light_of, worst
from emgrig.filemodel import read

RATE_HZ = 1000.0
FULL_SCALE_V = 4.5 / 12


def noise(
    n_channels: int, uv: float = 2.0, seconds: float = 4.0, seed: int = 1
) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, uv * 1e-6, (round(seconds * RATE_HZ), n_channels))


def figures(volts: NDArray[np.float64], rate_hz: float = RATE_HZ) -> tuple[ChannelFigures, ...]:
    gains = np.full(volts.shape[1], 12.0)
    return quiet_figures(volts, gains=gains, vref_v=4.5, rate_hz=rate_hz)


def tone(uv_rms: float, hz: float, n: int = 4000, rate_hz: float = RATE_HZ) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = (
        np.sqrt(2) * uv_rms * 1e-6 * np.sin(2 * np.pi * hz * np.arange(n) / rate_hz)
    )
    return wave[:, None]


@pytest.mark.parametrize("hz", [50.0, 60.0, 49.75, 50.25, 60.3])
@pytest.mark.parametrize("seconds", [1.0, 3.0, 8.0])
def test_mains_is_named_and_measured_also_if_the_clock_is_off(hz: float, seconds: float) -> None:
    n = round(seconds * RATE_HZ)
    (one,) = figures(noise(1, seconds=seconds) + tone(100, hz, n))
    assert one.mains_hz == round(hz, -1)
    assert one.mains_uv_rms == pytest.approx(100, rel=0.03)
    # White noise of 2 uV over 500 Hz, and 430 Hz of them in the band.
    assert one.rest_uv_rms == pytest.approx(2 * math.sqrt(430 / 500), rel=0.15)
    assert one.mains_ratio == pytest.approx(100 / 1.85, rel=0.2)
    assert one.n_samples == n


def test_harmonics_of_mains_are_no_muscle() -> None:
    lines = tone(20, 50) + tone(15, 100) + tone(30, 150) + tone(10, 400)
    (one,) = figures(noise(1) + lines)
    assert one.rest_uv_rms == pytest.approx(2 * math.sqrt(430 / 500), rel=0.2)


def test_without_mains_none_is_named() -> None:
    for seed in range(5):
        (one,) = figures(noise(1, seed=seed))
        assert one.mains_hz is None
        assert one.mains_uv_rms is not None
        assert one.mains_uv_rms < 0.5


@pytest.mark.parametrize(
    ("rate_hz", "top_hz"), [(250.0, 112.5), (500.0, 225.0), (1000.0, 450.0), (2000.0, 450.0)]
)
def test_the_band_ends_where_the_rate_lets_it(rate_hz: float, top_hz: float) -> None:
    volts = np.random.default_rng(2).normal(0, 2e-6, (round(4 * rate_hz), 1))
    (one,) = figures(volts, rate_hz)
    assert one.band_hz == (20.0, top_hz)
    expected = 2 * math.sqrt((top_hz - 20) / (rate_hz / 2))
    assert one.rest_uv_rms == pytest.approx(expected, rel=0.12)


def test_offset_rail_and_headroom() -> None:
    volts = noise(3) + np.array([0.0, 0.3, -FULL_SCALE_V])
    volts[:, 2] = -FULL_SCALE_V
    one, two, three = figures(volts)
    assert abs(one.offset_mv) < 0.001
    assert two.offset_mv == pytest.approx(300, rel=1e-4)
    assert two.rail_percent == pytest.approx(80, rel=1e-3)
    assert two.headroom_percent == pytest.approx(20, rel=1e-3)
    assert (three.rail_percent, three.headroom_percent) == (100, 0)
    assert three.is_flat
    assert (three.mains_uv_rms, three.rest_uv_rms, three.mains_ratio) == (None, None, None)


def test_channels_with_the_same_signal_are_found_and_mains_in_common_is_none() -> None:
    volts = noise(4) + tone(200, 50)
    volts[:, 2] = volts[:, 0] + noise(1, 0.3, seed=8)[:, 0]
    volts[:, 3] = -volts[:, 0]  # P and N the other way round
    found = figures(volts)
    assert [one.same_as for one in found] == [(3, 4), (), (1, 4), (1, 3)]
    light, *_ = judge_channels(found, {}, Limits())
    assert light.light is Light.RED
    assert light.advice == "c1, c3 and c4 show the same signal: a bridge of gel, or leads mixed up"


def test_one_channel_of_some_is_looked_at() -> None:
    volts = noise(3)
    volts[:, 1] += 0.1
    (one,) = quiet_figures(volts, gains=[12.0] * 3, vref_v=4.5, rate_hz=RATE_HZ, channels=[2])
    assert (one.channel, round(one.offset_mv)) == (2, 100)


@pytest.mark.parametrize(
    ("volts", "words"),
    [
        (noise(1, seconds=0.5), "1 s or more"),
        (np.full((4000, 1), np.nan), "NaN"),
        (noise(2), "gains"),
        (noise(1)[:, 0], "gains"),
    ],
)
def test_arrays_that_tell_nothing_are_refused(volts: NDArray[np.float64], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        quiet_figures(volts, gains=[12.0], vref_v=4.5, rate_hz=RATE_HZ)
    with pytest.raises(ValueError, match="columns"):
        quiet_figures(noise(1), gains=[12.0], vref_v=4.5, rate_hz=RATE_HZ, channels=[2])


@pytest.mark.parametrize(
    ("change", "light", "words"),
    [
        ({}, Light.GREEN, ""),
        ({"rail_percent": 80.0}, Light.YELLOW, ""),
        ({"rail_percent": 95.0}, Light.RED, "c1 is at the rail (95 % of full scale)"),
        ({"is_flat": True, "mains_uv_rms": None}, Light.RED, "c1 is flat"),
        ({"mains_uv_rms": 60.0}, Light.YELLOW, ""),
        (
            {"mains_uv_rms": 200.0},
            Light.RED,
            "c1: 200 µV of 50 Hz mains: clean skin, new gel at the worse",
        ),
        ({"mains_uv_rms": 9000.0}, Light.RED, "is one of its electrodes off?"),
    ],
)
def test_what_a_channel_is_told_for(change: dict[str, float], light: Light, words: str) -> None:
    (good,) = figures(noise(1) + tone(10, 50))
    (one,) = judge_channels([replace(good, **change)], {1: "frontalis"}, Limits())  # type: ignore[arg-type]
    assert one.light is light
    assert words in one.advice
    assert bool(words) == bool(one.advice)
    assert one.name == "frontalis"


# Lights.


def test_lights_change_at_their_limits() -> None:
    def light(kohm: float) -> Light:
        return light_of(kohm, 10, 30, hysteresis=0.1)

    assert [light(v) for v in (-1, 10, 10.1, 30, 30.1, 1e9)] == [
        Light.GREEN, Light.GREEN, Light.YELLOW, Light.YELLOW, Light.RED, Light.RED,
    ]  # fmt: skip


@pytest.mark.slow
@given(
    limit=st.sampled_from([10.0, 30.0]),
    walk=st.lists(st.floats(0.905, 1.095), min_size=2, max_size=30),
)
def test_a_value_that_wanders_within_the_margin_changes_the_light_once_at_most(
    limit: float, walk: list[float]
) -> None:
    light, changes = Light.GREY, 0
    for share in walk:
        new = light_of(limit * share, 10, 30, hysteresis=0.1, previous=light)
        changes += new is not light
        light = new
    assert changes == 1  # from grey


@pytest.mark.slow
@given(st.floats(0, 1e6), st.sampled_from(list(Light)))
def test_beyond_the_margin_the_past_does_not_matter(value: float, before: Light) -> None:
    fresh = light_of(value, 10, 30, hysteresis=0.1)
    if all(abs(value / limit - 1) > 0.1001 for limit in (10, 30)):
        assert light_of(value, 10, 30, hysteresis=0.1, previous=before) is fresh


def test_the_worst_light_is_the_one_of_a_group() -> None:
    assert worst(Light.GREY, Light.GREEN) is Light.GREEN
    assert worst(Light.GREEN, Light.RED, Light.YELLOW) is Light.RED


def test_limits_are_settings_and_refused_if_they_make_no_sense() -> None:
    assert read(Limits, {"green_ohm": 5000, "yellow_ohm": 20e3}).green_ohm == 5000.0
    for table, words in (
        ({"grean_ohm": 1}, r"no grean_ohm; did you mean 'green_ohm'\?"),
        ({"green_ohm": "ten"}, "green_ohm is 'ten'; a number of 0 or more was expected"),
        ({"green_ohm": True}, "green_ohm is True; a number of 0 or more was expected"),
        ({"green_ohm": -1.0}, "green_ohm is -1.0; a number of 0 or more was expected"),
        ({"green_ohm": math.nan}, "green_ohm is nan; a number of 0 or more was expected"),
        ({"green_ohm": 40e3}, "rising order"),
        ({"hysteresis": 1.0}, "below 1"),
    ):
        with pytest.raises(ValueError, match=words):
            read(Limits, table)


# Live.


def block(volts: NDArray[np.float64], lost: int = 0, epoch: Epoch | None = None) -> Block:
    scale = FULL_SCALE_V / (1 << 23)
    codes = np.round(volts / scale).astype(np.int32)
    return Block(codes, np.zeros((len(codes), 1), np.uint32), 0, 0, epoch or EPOCH, lost)


EPOCH = Epoch(1, (b"",), np.array([12.0]), np.array([FULL_SCALE_V / (1 << 23)]), RATE_HZ)


def test_a_watch_looks_back_three_seconds_and_begins_anew_at_a_gap() -> None:
    watch = ContactWatch([1], {1: "frontalis"}, 4.5)
    assert watch.look() == ()
    for piece in np.split(noise(1, seconds=8.0), 80):
        watch.feed(block(piece))
    (one,) = watch.look()
    assert one.n_samples == 3000
    watch.feed(block(noise(1, seconds=0.5), lost=7))
    assert watch.look() == (one,)  # too little yet: what was shown stays
    watch.feed(block(noise(1, seconds=1.0)))
    (after,) = watch.look()
    assert after.n_samples == 1500
    watch.feed(block(noise(1, seconds=1.2), epoch=replace(EPOCH, number=2)))
    assert watch.look()[0].n_samples == 1200


def test_a_watch_has_hysteresis() -> None:
    def shown(watch: ContactWatch, percent: float) -> Light:
        for _ in range(4):
            watch.feed(block(noise(1, seconds=1.0) + percent / 100 * FULL_SCALE_V))
        return watch.look()[0].light

    watch = ContactWatch([1], {}, 4.5)
    lights = [shown(watch, p).value for p in (70, 80, 83, 70, 80, 67, 80)]
    # Yellow from 75 %: up at 82.5, down at 67.5 once a light is on.
    assert lights == ["green", "green", "yellow", "yellow", "yellow", "green", "green"]
