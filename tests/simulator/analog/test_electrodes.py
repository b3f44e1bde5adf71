"""Lead-off, comparators, bias and mains: what currents do in electrodes (SBAS499C, 9.3).

Expected values are resistances times currents, by hand, or a simulation in steps of the modulator.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.analog.world import OPEN, WIRE, Electrode, Mains, World
from emgrig.simulator.sources.signals import Silence
from simulator.front_end_bench import (
    RATES,
    SETTLED_TICK,
    amplitude,
    registers,
    run,
    volts,
)

F_CLK_HZ = 2.048e6
BIASED = 0xEC  # reference, bias amplifier and internal BIASREF on
OHM = 10e3


def resistor(ohm: float) -> Electrode:
    return Electrode(r_ohm=ohm, c_f=0.0, series_ohm=0.0)


def ideal(world: World) -> AnalogueFrontEnd:
    return AnalogueFrontEnd(Silence(8), ideal=True, world=world)


def with_pins(**pins: Electrode) -> World:
    world = World.ideal(8)
    for pin, electrode in pins.items():
        world = world.with_electrode(pin, electrode)
    return world


# ---- which resistances are in the loop ----------------------------------------------------------


def test_both_sides_on_read_the_sum_of_both_electrodes() -> None:
    front_end = ideal(with_pins(IN1P=resistor(30e3), IN1N=resistor(12e3)))
    codes = run(front_end, 3, channels=0x60, loff=0x00, sense_p=0x01, sense_n=0x01)
    np.testing.assert_allclose(volts(codes, 24)[:, 0], 6e-9 * 42e3, rtol=1e-3)
    assert not codes[:, 1:].any()


def test_one_side_reads_its_own_electrode_and_returns_through_the_bias_electrode() -> None:
    world = replace(with_pins(IN1P=resistor(30e3), IN1N=resistor(12e3)), bias=resistor(50e3))
    front_end = ideal(world)
    p = run(front_end, 3, config3=BIASED, channels=0x60, loff=0x04, sense_p=0x01)
    n = run(front_end, 3, config3=BIASED, channels=0x60, loff=0x04, sense_n=0x01)
    np.testing.assert_allclose(volts(p, 24)[:, 0], 24e-9 * 30e3, rtol=1e-4)
    np.testing.assert_allclose(volts(n, 24)[:, 0], 24e-9 * 12e3, rtol=1e-4)


def test_flip_reverses_the_current() -> None:
    front_end = ideal(with_pins(IN1P=resistor(30e3)))
    codes = run(front_end, 3, config3=BIASED, channels=0x60, sense_p=0x01, flip=0x01)
    np.testing.assert_allclose(volts(codes, 24)[:, 0], -6e-9 * 30e3, rtol=1e-3)


def test_series_resistors_count() -> None:
    front_end = ideal(with_pins(IN1P=Electrode(r_ohm=30e3, c_f=0.0, series_ohm=2200.0)))
    codes = run(front_end, 3, config3=BIASED, channels=0x60, sense_p=0x01)
    np.testing.assert_allclose(volts(codes, 24)[:, 0], 6e-9 * 32.2e3, rtol=1e-3)


def test_currents_add_up_in_a_shared_reference_electrode() -> None:
    """Three channels on SRB2 at once: each reads three currents' worth of its resistance."""
    world = with_pins(IN1P=OPEN, IN2P=OPEN, IN3P=OPEN, SRB2=resistor(20e3))
    channels = [0x68] * 3 + [0x60] * 5
    codes = run(ideal(world), 3, config3=BIASED, channels=channels, sense_p=0x07)
    np.testing.assert_allclose(volts(codes, 24)[:, :3], 3 * 6e-9 * 20e3, rtol=0.01)


def test_every_pin_has_its_own_error_of_the_current() -> None:
    world = replace(World.ideal(8), p=(resistor(1e6),) * 8)
    front_end = AnalogueFrontEnd(Silence(8), seed=9, world=world)
    off = volts(run(front_end, 500, config3=BIASED, channels=0x60), 24).mean(axis=0)
    on = volts(run(front_end, 500, config3=BIASED, channels=0x60, sense_p=0xFF), 24).mean(axis=0)
    current = (on - off) / 1e6
    assert np.all(np.abs(current / 6e-9 - 1) < 0.21)
    assert np.ptp(current) > 0.05 * 6e-9
    expected = 6e-9 * (1 + front_end.tolerances.lead_off_error[:8])
    np.testing.assert_allclose(current, expected, rtol=0.01)  # gain, and 500 Mohm in parallel


# ---- chopped current ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loff", "rate", "first", "deviation"),
    [
        (0x02, 250, 1.178, 0.846),
        (0x02, 500, 1.249, 0.926),
        (0x02, 1000, 1.267, 0.964),
        (0x02, 2000, 1.272, 0.982),
        (0x01, 250, 1.267, 0.964),
        (0x01, 1000, 1.273, 0.991),
        (0x01, 2000, 1.273, 0.996),
    ],
)
def test_a_square_current_through_a_resistor(
    loff: int, rate: int, first: float, deviation: float
) -> None:
    """Amplitude of the fundamental, and total deviation, relative to I R (4 / pi times sinc3)."""
    frequency = {0x02: 31.25, 0x01: 7.8125}[loff]
    front_end = ideal(with_pins(IN1P=resistor(OHM)))
    tick = SETTLED_TICK + 12345
    codes = run(
        front_end, 1024, tick, config1=RATES[rate][0], config3=BIASED, channels=0x60, loff=loff,
        sense_p=0x01,
    )  # fmt: skip
    seen = volts(codes, 24) / (6e-9 * OHM)
    assert abs(amplitude(seen, frequency / rate)[0]) == pytest.approx(first, abs=0.003)
    assert seen[:, 0].std() == pytest.approx(deviation, abs=0.004)
    assert seen[:, 0].max() == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("rate", [250, 1000, 2000])
def test_a_quarter_of_the_rate_has_its_known_amplitude(rate: int) -> None:
    front_end = ideal(with_pins(IN1P=resistor(OHM)))
    codes = run(
        front_end, 400, config1=RATES[rate][0], config3=BIASED, channels=0x60, loff=0x03,
        sense_p=0x01,
    )  # fmt: skip
    first = abs(amplitude(volts(codes, 24), 0.25)[0]) / (6e-9 * OHM)
    assert 0.915 < first < 0.945


@pytest.mark.parametrize(
    ("loff", "rate", "magnitude"),
    [(0x02, 1000, 46.1e3), (0x01, 1000, 50.7e3), (0x03, 1000, 13.1e3)],
)
def test_the_impedance_of_the_data_sheets_electrode(loff: int, rate: int, magnitude: float) -> None:
    """51 kohm parallel to 47 nF: figures of the data sheet's model at 31.25, 7.8 and 250 Hz."""
    front_end = ideal(with_pins(IN1P=Electrode(51e3, 47e-9, 0.0)))
    codes = run(
        front_end, 1280, config1=RATES[rate][0], config3=BIASED, channels=0x60, loff=loff,
        sense_p=0x01,
    )  # fmt: skip
    frequency = {0x01: 7.8125, 0x02: 31.25, 0x03: 250.0}[loff]
    x = np.pi * frequency / 1.024e6
    response = (np.sin(1024 * x) / 1024 / np.sin(x)) ** 3
    seen = abs(amplitude(volts(codes, 24), frequency / rate)[0])
    # At a quarter of the rate the third harmonic folds onto the first: up to 2.5 %.
    assert np.pi / 4 * seen / response / 6e-9 == pytest.approx(magnitude, rel=0.03)


def chopped_by_steps(
    rate: int, count: int, restart_tick: int, electrode: Electrode
) -> NDArray[np.float64]:
    """The same in small steps: exponentials of R and C, three running means, every N-th value."""
    decimation = RATES[rate][1]
    step_ticks, period = 2 * decimation // 64, 1 << 16
    lead_in = 3 * period
    begin = restart_tick - lead_in
    ticks = begin + step_ticks * (np.arange((lead_in + (count + 4) * 2 * decimation) // step_ticks))
    current = np.where((ticks + step_ticks / 2) % period < period / 2, 6e-9, -6e-9)
    keep = np.exp(-step_ticks / F_CLK_HZ / (electrode.r_ohm * electrode.c_f))
    level, seen = 0.0, np.empty(len(ticks))
    for index, amps in enumerate(current):
        middle = level * np.sqrt(keep) + amps * electrode.r_ohm * (1 - np.sqrt(keep))
        seen[index] = middle + amps * electrode.series_ohm
        level = level * keep + amps * electrode.r_ohm * (1 - keep)
    box = np.full(64, 1 / 64)
    filtered = np.convolve(np.convolve(np.convolve(seen, box), box), box)
    ends = (lead_in + (4 + np.arange(count)) * 2 * decimation) // step_ticks - 2
    return filtered[ends]


@pytest.mark.parametrize("rate", [500, 2000])
def test_the_chopped_wave_through_a_capacitance_has_the_right_shape(rate: int) -> None:
    electrode = Electrode(r_ohm=40e3, c_f=30e-9, series_ohm=2200.0)
    tick = 125 * (1 << 16) + 7 * 2 * RATES[rate][1] + 64
    codes = run(
        ideal(with_pins(IN1P=electrode)), 64, tick, config1=RATES[rate][0], config3=BIASED,
        channels=0x60, loff=0x02, sense_p=0x01,
    )  # fmt: skip
    expected = chopped_by_steps(rate, 64, tick, electrode)
    assert np.ptp(expected) > 400e-6
    np.testing.assert_allclose(volts(codes, 24)[:, 0], expected, atol=0.005 * np.ptp(expected))


# ---- comparators --------------------------------------------------------------------------------


def status(
    world: World, ideal_chip: bool = True, **values: int | list[int]
) -> tuple[int, int, int]:
    front_end = AnalogueFrontEnd(Silence(8), ideal=ideal_chip, seed=1, world=world)
    file = registers(**values)
    front_end.change(0, file)
    front_end.restart(SETTLED_TICK, file)
    got = front_end.convert(5)
    assert len(set(got.loff_p.tolist())) == 1
    asked = front_end.comparators(SETTLED_TICK + 1_000_000)
    assert asked[:2] == (int(got.loff_p[0]), int(got.loff_n[0]))
    return asked


def test_open_electrodes_trip_the_comparators() -> None:
    world = World.typical(8, 1).with_electrode("IN2P", OPEN).with_electrode("IN5N", OPEN)
    on = {"config3": BIASED, "channels": 0x60, "config4": 0x02}
    assert status(world, False, **on, sense_p=0xFF, sense_n=0xFF)[:2] == (0x02, 0x10)
    assert status(world, False, **on, sense_p=0xFD, sense_n=0x0F)[:2] == (0, 0)
    assert status(world, False, **(on | {"config4": 0}), sense_p=0xFF, sense_n=0xFF) == (0, 0, 0)


def test_flip_exchanges_the_thresholds() -> None:
    world = with_pins(IN1P=OPEN)
    front_end = {"config3": BIASED, "channels": 0x60, "config4": 0x02, "flip": 0x01}
    assert status(world, False, **front_end, sense_p=0x01)[0] == 0x01


@pytest.mark.parametrize(
    ("loff", "ohm", "is_off"),
    [
        (0x08, 370e3, 0),  # 6 uA, 95 %: trips at 2.25 V / 6 uA = 375 kohm
        (0x08, 380e3, 1),
        (0x0C, 93e3, 0),  # 24 uA: 93.8 kohm
        (0x0C, 95e3, 1),
        (0xE8, 166e3, 0),  # 6 uA, 70 %: 1 V / 6 uA = 167 kohm
        (0xE8, 168e3, 1),
        (0xE4, 10e6, 0),  # nanoamperes never trip through a contact
    ],
)
def test_the_resistance_at_which_a_comparator_trips(loff: int, ohm: float, is_off: int) -> None:
    world = with_pins(IN3P=resistor(ohm))
    on = {"config3": BIASED, "channels": 0x00, "config4": 0x02, "loff": loff}
    assert status(world, **on, sense_p=0x04)[0] == is_off << 2


def test_without_the_bias_electrode_one_sided_current_lifts_the_body() -> None:
    """Nothing returns the current: the body goes to the rail, and every input with it."""
    world = World.typical(8, 1)
    on = {"channels": 0x60, "config4": 0x02, "loff": 0x08}
    assert status(world, False, **on, config3=0xE0, sense_p=0xFF)[0] == 0xFF
    assert status(world, False, **on, config3=BIASED, sense_p=0xFF)[0] == 0


def test_bias_lead_off() -> None:
    on = {"config3": 0xE2, "channels": 0x60, "config4": 0x02, "loff": 0x00}
    attached = World.typical(8, 1)
    assert status(attached, False, **on)[2] == 0
    assert status(replace(attached, bias=OPEN), False, **on)[2] == 1
    assert status(replace(attached, bias=OPEN), False, **(on | {"config3": 0xE0}))[2] == 0


# ---- open inputs, bias, mains -------------------------------------------------------------------


def test_an_open_input_with_current_is_on_the_rail() -> None:
    world = World.typical(8, 1).with_electrode("IN1P", OPEN).with_electrode("IN2N", OPEN)
    front_end = AnalogueFrontEnd(Silence(8), seed=1, world=world)
    codes = run(front_end, 20, config3=BIASED, channels=0x60, sense_p=0xFF, sense_n=0xFF)
    assert np.all(codes[:, :2] == 2**23 - 1)
    assert np.all(np.abs(codes[:, 2:]) < 2**21)


def test_the_bias_measurement_reads_the_middle_of_the_supply() -> None:
    front_end = AnalogueFrontEnd(Silence(8), seed=1)
    codes = run(
        front_end, 100, config3=0xFC, channels=[0x62] + [0x60] * 7, bias_p=0xFE, bias_n=0xFE
    )
    assert abs(volts(codes, 24)[:, 0].mean()) < 50e-3


def test_bias_drp_drives_the_body_through_an_electrode() -> None:
    """With the bias electrode gone, the P electrode of channel 8 takes its place."""
    mains = Mains(50.0, body_v=0.1)
    gone = replace(World.typical(8, 1), bias=OPEN, mains=mains)
    values = {"config3": BIASED, "bias_p": 0x7F, "bias_n": 0x7F}
    floating = mains_amplitude(gone, **values, channels=0x60)[:7].max()
    driven = mains_amplitude(gone, **values, channels=[0x60] * 7 + [0x66])[:7].max()
    assert driven < 0.05 * floating


def mains_amplitude(
    world: World, hertz: float | None = None, **values: int | list[int]
) -> NDArray[np.float64]:
    """Amplitude at the mains frequency, or at another one, V at gain 24."""
    front_end = AnalogueFrontEnd(Silence(8), seed=1, world=world)
    codes = run(front_end, 4000, config1=0x94, **values)
    return np.abs(amplitude(volts(codes, 24), (hertz or world.mains.frequency_hz) / 1000))


@pytest.mark.parametrize("hertz", [50.0, 60.0])
def test_mains_pickup_is_the_imbalance_times_the_current(hertz: float) -> None:
    poor, good = Electrode(100e3, 20e-9, 0.0), Electrode(10e3, 47e-9, 0.0)
    world = World((poor, *(good,) * 7), (good,) * 8, mains=Mains(hertz, cable_a=1e-9))
    seen = mains_amplitude(world, config3=BIASED, channels=0x60)

    def impedance(e: Electrode) -> complex:
        return e.r_ohm / (1 + 2j * np.pi * hertz * e.r_ohm * e.c_f)

    x = np.pi * hertz / 1.024e6
    response = (np.sin(1024 * x) / 1024 / np.sin(x)) ** 3
    expected = abs(impedance(poor) - impedance(good)) * 1e-9 * response
    assert seen[0] == pytest.approx(expected, rel=0.01)
    assert seen[0] > 50e-6
    assert seen[1:].max() < 0.05e-6


def test_common_mode_becomes_a_difference_by_the_input_capacitance() -> None:
    """20 pF and 90 kohm at 50 Hz: 565 ppm; a bias amplifier takes the common mode away."""
    poor, good = resistor(100e3), resistor(10e3)
    world = World((poor, *(good,) * 7), (good,) * 8, mains=Mains(50.0, body_v=0.1))
    free = mains_amplitude(world, config3=0xE0, channels=0x60)
    held = mains_amplitude(world, config3=BIASED, channels=0x60, bias_p=0x7F, bias_n=0x7F)
    seen_v = 0.1 * 2 * np.pi * 50 * 20e-12 * 90e3 * 0.98773
    # The sixteen inputs load the body's 200 pF: it keeps 200 / (200 + 16 * 20) of its voltage.
    assert free[0] == pytest.approx(seen_v * 200 / (200 + 18 * 20), rel=0.1)
    assert held[0] < 0.02 * free[0]


BIAS_LOOP = {"channels": 0x60, "bias_p": 0x7F, "bias_n": 0x7F}
"""Channels 1 to 7 in the bias loop."""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_bias_electrode_or_amplifier_mains_rise_on_every_channel(seed: int) -> None:
    """200 pF of body against 18 pins of 20 pF: 0.36 V, so 2.2 nA flow where 0.3 nA flowed."""
    held = replace(World.typical(8, seed), mains=Mains.typical())
    healthy = mains_amplitude(held, config3=BIASED, **BIAS_LOOP)
    no_electrode = mains_amplitude(replace(held, bias=OPEN), config3=BIASED, **BIAS_LOOP)
    no_amplifier = mains_amplitude(held, config3=0xE0, **BIAS_LOOP)
    assert healthy[:7].max() < 3e-6
    for seen in (no_electrode, no_amplifier):
        assert (seen[:7] > 5 * healthy[:7]).all()


def test_much_mains_on_a_free_body_drives_the_amplifiers_into_their_rails() -> None:
    """10 V behind the body: 3.6 V of common mode, where 2.3 V is the most (SBAS499C, p. 22)."""
    held = replace(World.typical(8, 1), mains=replace(Mains.typical(), body_v=10.0))
    third = {"config3": BIASED, "hertz": 150.0, **BIAS_LOOP}
    assert mains_amplitude(held, **third)[:7].max() < 0.1e-6
    assert mains_amplitude(replace(held, bias=OPEN), **third)[:7].min() > 5e-6


def test_an_open_input_picks_up_far_more_mains_than_a_contact() -> None:
    mains = Mains.typical(50.0)
    world = replace(World.typical(8, 1), mains=mains).with_electrode("IN1P", OPEN)
    seen = mains_amplitude(world, config3=BIASED, channels=0x60, bias_p=0x7F, bias_n=0x7F)
    assert seen[0] > 5e-3
    assert seen[1:].max() < 50e-6


def test_a_single_sided_bias_moves_by_the_amplified_offset() -> None:
    """With P alone in the loop the amplified half-cell difference enters the body's voltage."""
    world = replace(World.ideal(8), p=(replace(WIRE, half_cell_v=40e-3), *World.ideal(8).p[1:]))
    front_end = ideal(world)
    paired = run(front_end, 2, config3=0xFC, channels=[0x60] * 7 + [0x02], bias_p=0x01, bias_n=0x01)
    alone = run(front_end, 2, config3=0xFC, channels=[0x60] * 7 + [0x02], bias_p=0x01)
    # P output is V_body + 40 mV * 25 / 2 (gain 24): the loop takes 1 M / 220 k of it back.
    loop = 1e6 / 220e3
    expected = -loop / (1 + loop) * 40e-3 * 25 / 2
    assert volts(alone, 1)[0, 7] == pytest.approx(expected, rel=0.01)
    assert abs(volts(paired, 1)[0, 7]) < 41e-3
