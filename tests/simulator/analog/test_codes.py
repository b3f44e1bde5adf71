"""Codes for known inputs (SBAS499C equation 8), multiplexers, supplies, reference and faults."""

from dataclasses import replace

import numpy as np
import pytest

from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.analog.tolerances import Tolerances, oscillator_error_ppm
from emgrig.simulator.analog.world import ChannelFault, Electrode, World
from emgrig.simulator.sources.signals import Silence, sine
from simulator.front_end_bench import GAIN_BITS, SETTLED_TICK, Dc, registers, run, volts


def ideal(source: object = None, **world: object) -> AnalogueFrontEnd:
    made = replace(World.ideal(8), **world)  # type: ignore[arg-type]
    return AnalogueFrontEnd(source or Silence(8), ideal=True, world=made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gain", "volt", "code"),
    [
        (24, 1e-6, 45),
        (24, 1e-5, 447),
        (24, 1e-4, 4474),
        (24, 1e-3, 44739),
        (24, -1e-3, -44739),
        (24, 0.0, 0),
        (24, 0.2, 8388607),
        (24, -0.2, -8388608),
        (24, 0.1875, 8388607),
        (12, 0.375, 8388607),
        (24, -0.1875, -8388608),
        (6, 0.5, 5592405),  # 0.5 * 6 / 4.5 * 2**23 = 5592405.33
        (1, -4.4, -8202194),  # -4.4 / 4.5 * 2**23 = -8202193.92
    ],
)
def test_ideal_volts_become_these_codes(gain: int, volt: float, code: int) -> None:
    codes = run(ideal(Dc(volt)), 5, config1=0x93, channels=GAIN_BITS[gain])
    assert np.all(codes == code)


class Unseen:
    """Electrodes that nothing may look at."""

    n_electrodes = 8

    def volts(self, t_s: np.ndarray) -> np.ndarray:
        raise AssertionError("it was looked at")


@pytest.mark.parametrize("channels", [0x61, 0x65, 0x03, 0x04])
def test_what_is_on_the_electrodes_is_not_asked_for_where_no_input_sees_it(channels: int) -> None:
    unseen = run(AnalogueFrontEnd(Unseen(), seed=5), 40, channels=channels)
    loud = run(AnalogueFrontEnd(sine(8, 1.0, 50.0), seed=5), 40, channels=channels)
    np.testing.assert_array_equal(unseen, loud)


@pytest.mark.parametrize(
    ("config2", "gain", "code"),
    [(0xD0, 1, 3495), (0xD0, 12, 41943), (0xD0, 24, 83886), (0xD4, 24, 167772)],
)
def test_the_test_signal_has_both_levels_exactly(config2: int, gain: int, code: int) -> None:
    codes = run(ideal(), 256, config2=config2, channels=GAIN_BITS[gain] | 5)
    assert codes.max() == code
    assert codes.min() == -code
    assert np.count_nonzero(np.abs(codes[:, 0]) != code) <= 6  # three around each edge


def test_the_test_signal_at_dc_is_the_negative_level() -> None:
    assert np.all(run(ideal(), 3, config2=0xD3, channels=0x65) == -83886)


def test_no_test_signal_without_the_internal_generator() -> None:
    assert np.all(run(ideal(), 3, config2=0xC0, channels=0x65) == 0)


@pytest.mark.parametrize(("config2", "period_s"), [(0xD0, 1.024), (0xD1, 0.512)])
@pytest.mark.parametrize(
    ("config1", "rate"), [(0x96, 250), (0x95, 500), (0x94, 1000), (0x93, 2000)]
)
def test_the_test_signal_counts_samples_of_the_same_clock(
    config2: int, period_s: float, config1: int, rate: int
) -> None:
    period = round(period_s * rate)
    codes = run(ideal(), 3 * period, config1=config1, config2=config2, channels=0x65)[:, 0]
    np.testing.assert_array_equal(codes[period:], codes[:-period])
    assert not np.array_equal(codes[period // 2 :], codes[: -period // 2])
    assert abs(int(np.sum(np.sign(codes[:period])))) <= 2  # half high, half low


@pytest.mark.parametrize(
    ("world", "channels", "expected"),
    [
        ({}, 0x03, [4660338, 4660338, 1537911, 1537911, *[4660338] * 4]),
        ({"dvdd_v": 1.8}, 0x03, [4660338, 4660338, 838861, 838861, *[4660338] * 4]),
        ({"temperature_c": 25.0}, 0x04, [270859] * 8),
        ({"temperature_c": 40.0}, 0x04, [284560] * 8),
        ({"temperature_c": 0.0}, 0x04, [248023] * 8),
        ({"temperature_c": 85.0}, 0x04, [325664] * 8),
        ({"temperature_c": -40.0}, 0x04, [211486] * 8),
        ({"temperature_c": 25.0}, 0x64, [6500612] * 8),
    ],
)
def test_supplies_and_temperature(
    world: dict[str, float], channels: int, expected: list[int]
) -> None:
    codes = run(ideal(**world), 3, channels=channels)
    np.testing.assert_array_equal(codes, [expected] * 3)


def test_the_flat_top_of_the_lead_off_current() -> None:
    world = World.ideal(8).with_electrode("IN1P", Electrode(51e3, 0.0, 0.0))
    world = world.with_electrode("IN2P", Electrode(0.0, 0.0, 5e3))
    front_end = AnalogueFrontEnd(Silence(8), ideal=True, world=world)
    codes = run(front_end, 3, config3=0xEC, channels=0x60, sense_p=0x03)
    assert np.all(codes[:, 0] == 13690)
    assert np.all(codes[:, 1] == 1342)
    assert np.all(codes[:, 2:] == 0)


def test_a_powered_down_channel_gives_zero() -> None:
    front_end = AnalogueFrontEnd(sine(8, 0.01, 50.0), seed=3)
    codes = run(front_end, 100, config1=0x93, channels=[0x60] * 7 + [0x81])
    assert np.all(codes[:, 7] == 0)
    assert np.all(codes[:, :7].std(axis=0) > 1e5)


@pytest.mark.parametrize("n_channels", [4, 6])
def test_smaller_parts_have_fewer_channels(n_channels: int) -> None:
    front_end = AnalogueFrontEnd(Dc(1e-3, n_channels), n_channels=n_channels, ideal=True)
    codes = run(front_end, 3, channels=0x60)
    assert codes.shape == (3, n_channels)
    assert np.all(codes == 44739)


def test_p_and_n_electrodes_subtract() -> None:
    both = [5e-3] * 8 + [2e-3] * 8
    codes = run(ideal(Dc(both, 16)), 2, channels=0x60)
    assert np.all(codes == round(3e-3 * 24 / 4.5 * 2**23))


def test_srb1_replaces_every_negative_input() -> None:
    both = [5e-3] * 8 + [2e-3] * 8
    codes = run(ideal(Dc(both, 16)), 2, channels=[0x60] * 7 + [0x61], misc1=0x20)
    assert np.all(codes[:, :7] == round(5e-3 * 24 / 4.5 * 2**23))
    assert np.all(codes[:, 7] == 0)


def test_srb2_takes_the_place_of_an_input_that_is_not_wired() -> None:
    world = World.ideal(8).with_electrode("IN1P", Electrode(is_connected=False))
    source = Dc([0.0] * 8 + [2e-3] * 8, 16)
    codes = run(ideal(source, p=world.p), 2, channels=[0x68] + [0x60] * 7)
    assert np.all(codes == round(-2e-3 * 24 / 4.5 * 2**23))  # the Cyton's inverted polarity


def test_bridged_electrodes_see_the_same() -> None:
    world = World.typical(8, seed=1)
    healthy = AnalogueFrontEnd(Dc([1e-3, -1e-3, *[0.0] * 6]), seed=1, world=world)
    apart = volts(run(healthy, 200, channels=0x60), 24).mean(axis=0)
    healthy.set_world(2 * SETTLED_TICK, replace(world, bridges=(_bridge("IN1P", "IN2P"),)))
    bridged = volts(run(healthy, 200, 2 * SETTLED_TICK, channels=0x60), 24).mean(axis=0)
    assert apart[0] - apart[1] == pytest.approx(2e-3, abs=12e-3)  # half-cells differ
    p = [world.p[0], world.p[1]]
    emf = np.array([1e-3 + p[0].half_cell_v, -1e-3 + p[1].half_cell_v])
    own = np.array([e.r_ohm + e.series_ohm for e in p])
    current = (emf[0] - emf[1]) / (own.sum() + 100.0)
    moved = bridged[:2] - apart[:2]
    np.testing.assert_allclose(moved, [-current * own[0], current * own[1]], rtol=0.01)


def _bridge(first: str, second: str) -> object:
    from emgrig.simulator.analog.world import Bridge

    return Bridge(first, second, 100.0)


@pytest.mark.parametrize(("gain", "limit"), [(12, 4.35 / 12), (24, 4.35 / 24)])
def test_the_amplifier_clips_at_the_rails(gain: int, limit: float) -> None:
    # Least supply: outputs reach 2.175 V on either side of the middle, 4.35 V between them.
    front_end = ideal(sine(8, 1.0, 10.0), avdd_v=4.75)
    seen = volts(run(front_end, 500, config1=0x93, channels=GAIN_BITS[gain]), gain)
    assert seen.max() == pytest.approx(limit, rel=1e-6)
    assert seen.min() == pytest.approx(-limit, rel=1e-6)
    small = AnalogueFrontEnd(sine(8, 0.9 * limit, 10.0), ideal=True, world=front_end.world)
    seen = volts(run(small, 500, config1=0x93, channels=GAIN_BITS[gain]), gain)
    assert seen.max() == pytest.approx(0.9 * limit, rel=2e-3)


def test_without_a_reference_codes_are_on_the_rails() -> None:
    front_end = AnalogueFrontEnd(Silence(8), seed=1)
    codes = run(front_end, 50, config3=0x60, channels=0x60)
    assert np.all((codes == 2**23 - 1) | (codes == -(2**23)))


def test_the_reference_settles_within_a_thousandth_in_150_ms() -> None:
    front_end = ideal(Dc(10e-3))
    front_end.restart(0, registers(config1=0x93, channels=0x60))
    codes = front_end.convert(800).codes[:, 0]
    expected = 10e-3 * 24 / 4.5 * 2**23
    # Conversion k is centred 2.5 + k data periods after the start: 150 ms is k = 297.5.
    assert codes[150] > 1.02 * expected
    assert codes[298] == pytest.approx(1.001 * expected, rel=3e-4)
    assert codes[-1] == pytest.approx(expected, rel=1e-6)


def test_an_external_reference_counts_while_the_internal_one_is_off() -> None:
    front_end = ideal(Dc(10e-3), external_reference_v=4.096)
    codes = run(front_end, 3, config3=0x60, channels=0x60)
    assert np.all(codes == round(10e-3 * 24 / 4.096 * 2**23))


def test_a_faulty_reference_scales_everything_but_the_test_signal() -> None:
    front_end = ideal(Dc(10e-3), reference_fault_v=4.0)
    codes = run(front_end, 3, config2=0xD3, channels=[0x60] * 7 + [0x65])
    assert np.all(codes[:, :7] == round(10e-3 * 24 / 4.0 * 2**23))
    assert np.all(codes[:, 7] == -83886)


def test_channel_faults() -> None:
    world = World.ideal(8).with_fault(1, ChannelFault.DEAD).with_fault(2, ChannelFault.RAILED)
    world = world.with_fault(3, ChannelFault.NOISY, 5.0)
    world = world.with_fault(4, ChannelFault.GAIN_STUCK, 6)
    front_end = AnalogueFrontEnd(Dc(1e-3), seed=2, world=world)
    codes = run(front_end, 4000, config1=0x93, channels=0x60)
    assert np.all(codes[:, 0] == 0)
    assert np.all(codes[:, 1] == 2**23 - 1)
    noise = codes.std(axis=0)
    assert noise[2] / noise[4] == pytest.approx(5.0, rel=0.08)
    offset = front_end.tolerances.offset_v[3] / 6  # of the gain it really has
    assert codes[:, 3].mean() == pytest.approx((1e-3 + offset) * 6 / 4.5 * 2**23, rel=0.01)
    healed = world.with_fault(1, None)
    assert healed.fault_of(1) == (None, 1.0)
    assert healed.fault_of(3) == (ChannelFault.NOISY, 5.0)


def test_offset_and_gain_errors_are_those_of_the_chip() -> None:
    front_end = AnalogueFrontEnd(Dc(50e-3), seed=7, world=World.ideal(8))
    truth = front_end.tolerances
    for gain, column in ((1, 0), (24, 6)):
        codes = run(front_end, 4000, config3=0xEC, channels=GAIN_BITS[gain])
        vref = 4.5 * (1 + truth.reference_error)
        expected = (50e-3 + truth.offset_v / gain) * (1 + truth.gain_error[:, column])
        seen = codes.mean(axis=0) * vref / gain / 2**23
        np.testing.assert_allclose(seen, expected, rtol=0, atol=0.15e-6)


@pytest.mark.parametrize("seed", range(20))
def test_every_drawn_chip_is_within_the_data_sheet(seed: int) -> None:
    chip = Tolerances.draw(8, seed)
    assert np.all(np.abs(chip.offset_v) > 300e-6)
    assert np.all(np.abs(chip.offset_v) < 750e-6)
    assert np.all(np.abs(chip.gain_error) < 0.005)
    assert np.all(np.abs(chip.lead_off_error) <= 0.2)
    assert abs(chip.reference_error) <= 0.002
    assert np.all(20 * np.log10(np.abs(chip.cmrr)) <= -109.9)
    assert abs(oscillator_error_ppm(seed)) <= 5000


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="4, 6 or 8"):
        AnalogueFrontEnd(Silence(8), n_channels=5)
    with pytest.raises(ValueError, match="7 electrodes"):
        AnalogueFrontEnd(Silence(7))
    with pytest.raises(ValueError, match="world of 4"):
        AnalogueFrontEnd(Silence(8), world=World.ideal(4))
    front_end = AnalogueFrontEnd(Silence(8))
    with pytest.raises(RuntimeError, match="restart"):
        front_end.convert(1)
    with pytest.raises(ValueError, match="24 register bytes"):
        front_end.restart(0, b"123")
    front_end.restart(0, registers())
    with pytest.raises(ValueError, match="ask for 1"):
        front_end.convert(0)
    with pytest.raises(ValueError, match="no pin 'IN9P'"):
        front_end.world.with_electrode("IN9P", Electrode())
    with pytest.raises(ValueError, match="gain stuck at 5"):
        front_end.world.with_fault(1, ChannelFault.GAIN_STUCK, 5)
    with pytest.raises(ValueError, match="channel 9"):
        front_end.world.with_fault(9, ChannelFault.DEAD)
    with pytest.raises(ValueError, match="r_ohm"):
        Electrode(r_ohm=-1.0)


def test_a_new_rate_without_a_restart_ends_the_run() -> None:
    front_end = ideal()
    front_end.restart(0, registers())
    front_end.convert(3)
    front_end.change(300_000, registers(config1=0x93))
    with pytest.raises(RuntimeError, match="restart"):
        front_end.convert(1)
