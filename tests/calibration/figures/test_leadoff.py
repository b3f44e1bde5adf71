import functools
import math

import numpy as np
import pytest

from emgrig.calibration.figures.leadoff import (
    Excitation,
    block_samples,
    calibrate_current,
    impedances,
    lock_in,
    measure_amplitude,
)

# ads1299 facts, derived from the square wave and sinc3: fundamental over current times impedance
A1 = {(250, 31.25): 1.178, (500, 31.25): 1.249, (1000, 31.25): 1.267, (2000, 31.25): 1.272}


@functools.cache
def square_through_sinc3(rate: int, frequency: float, n: int, phase: float = 0.1) -> np.ndarray:
    """A square wave of +-1 as the chip samples it: 64 points a sample, three running means."""
    per_sample = 64
    t = (np.arange((n + 3) * per_sample) / per_sample) / rate
    wave = np.where((t * frequency + phase) % 1 < 0.5, 1.0, -1.0)
    for _ in range(3):
        total = np.concatenate([[0.0], np.cumsum(wave)])
        wave = (total[per_sample:] - total[:-per_sample]) / per_sample
    return wave[::per_sample][:n]


def contact(seed: int, ohm: float, current: float = 6e-9, rate: int = 1000, n: int = 3200):
    rng = np.random.default_rng(seed)
    t = np.arange(n) / rate
    volts = (
        current * ohm * square_through_sinc3(rate, 31.25, n, phase=rng.integers(1, 16) / 16 + 0.01)
    )
    volts = volts + 0.28e-6 * rng.standard_normal(n) + 0.02  # noise, and an electrode's offset
    return (volts + 100e-6 * np.sin(math.tau * 50 * t + rng.random()))[:, None]


@pytest.mark.parametrize(("rate", "frequency"), A1)
def test_the_fundamental_is_what_the_square_wave_and_sinc3_give(rate, frequency):
    n = 8 * block_samples(rate, frequency)
    blocks = lock_in(square_through_sinc3(rate, frequency, n)[:, None], rate / frequency, n)
    found = measure_amplitude(
        square_through_sinc3(rate, frequency, n)[:, None], rate, Excitation.HZ_31_25, mains_hz=None
    )
    assert abs(blocks[0, 0]) == pytest.approx(A1[rate, frequency], abs=0.001)
    assert found.volts_per_ohm_ampere == pytest.approx(A1[rate, frequency], abs=0.001)


def test_at_a_quarter_of_the_rate_the_phase_changes_the_amplitude_within_the_stated_width():
    found = [
        abs(lock_in(square_through_sinc3(1000, 250, 400, phase)[:, None], 4, 400)[0, 0])
        for phase in np.linspace(0.003, 0.25, 15)
    ]
    stated = measure_amplitude(
        square_through_sinc3(1000, 250, 400)[:, None], 1000, Excitation.RATE_OVER_4
    )
    width = stated.alias_relative * stated.volts_per_ohm_ampere
    assert stated.volts_per_ohm_ampere == pytest.approx(0.929, abs=0.001)
    assert min(found) == pytest.approx(stated.volts_per_ohm_ampere - width, abs=0.003)
    assert max(found) == pytest.approx(stated.volts_per_ohm_ampere + width, abs=0.003)


@pytest.mark.parametrize(
    ("rate", "frequency", "mains", "n"),
    [(1000, 31.25, 50, 160), (1000, 31.25, 60, 800), (1000, 31.25, None, 32),
     (250, 7.8125, None, 32), (1000, 7.8125, 60, 3200), (500, 125, None, 4)],
)  # fmt: skip
def test_blocks_hold_whole_periods_of_both(rate, frequency, mains, n):
    assert block_samples(rate, frequency, mains) == n


def test_mains_and_offset_leave_nothing_in_the_lock_in():
    t = np.arange(1600) / 1000
    volts = 0.1 + 1e-3 * np.sin(math.tau * 50 * t + 1)
    assert np.abs(lock_in(volts[:, None], 32, 160)).max() < 1e-15


def test_a_block_that_cuts_a_period_is_refused():
    with pytest.raises(ValueError, match="whole number"):
        lock_in(np.random.default_rng(0).standard_normal((1000, 1)), 32, 100)


@pytest.mark.long
@pytest.mark.slow
def test_impedance_covers_the_truth_with_a_known_current():
    hits = 0
    for seed in range(100):
        current = calibrated(seed)
        measured = measure_amplitude(contact(seed, 10e3 + 4400, 6.7e-9), 1000, Excitation.HZ_31_25)
        (found,) = impedances(measured, [current], series_ohm=4400.0)
        hits += found.contains(10e3)
    assert hits >= 93
    assert found.expanded_uncertainty < 400


@functools.cache
def calibrated(seed: int):
    rng = np.random.default_rng(seed + 5000)
    resistors = [10e3, 47e3, 100e3]
    actual = [r * (1 + 0.0058 * rng.standard_normal()) for r in resistors]
    measured = [
        measure_amplitude(contact(seed + 100 * i, r + 4400, 6.7e-9), 1000, Excitation.HZ_31_25)
        for i, r in enumerate(actual, start=1)
    ]
    return calibrate_current(
        [m.amplitude_v[0] for m in measured],
        resistors,
        measured[0],
        resistor_relative_uncertainty=0.0058,
    ).current_a


@pytest.mark.slow
def test_the_amplitude_covers_the_truth_in_noise_alone():
    truth = A1[1000, 31.25] * 6e-9 * 10e3
    hits = 0
    for seed in range(100):
        (found,) = measure_amplitude(
            contact(seed, 10e3, n=2000), 1000, Excitation.HZ_31_25
        ).amplitude_v
        # the table that the truth comes from has four digits
        hits += abs(found.value - truth) <= found.expanded_uncertainty + 0.0005 * truth
    assert hits >= 93
    # 0.28 uV with sinc3 colour over 1920 samples: sigma * sqrt(2 / n * 1.6)
    assert found.standard_uncertainty == pytest.approx(0.28e-6 * math.sqrt(3.2 / 1920), rel=0.5)


def test_current_and_series_resistance_come_out_of_known_resistors():
    measured = [
        measure_amplitude(contact(i, r + 4400, 6.7e-9), 1000, Excitation.HZ_31_25)
        for i, r in enumerate([10e3, 47e3, 100e3])
    ]
    found = calibrate_current(
        [m.amplitude_v[0] for m in measured],
        [10e3, 47e3, 100e3],
        measured[0],
        resistor_relative_uncertainty=1e-4,
    )
    assert found.current_a.contains(6.7e-9)
    assert found.series_ohm.contains(4400)
    assert found.worst_residual_relative < 0.002


@pytest.mark.slow
def test_the_calibrated_current_covers_the_truth():
    assert sum(calibrated(seed).contains(6.7e-9) for seed in range(100)) >= 93


def test_the_nominal_current_is_not_believed_beyond_its_tolerance():
    measured = measure_amplitude(contact(1, 14.4e3, 7.0e-9), 1000, Excitation.HZ_31_25)
    (found,) = impedances(measured, 6e-9, series_ohm=4400.0)
    assert found.contains(10e3)
    assert found.standard_uncertainty == pytest.approx(
        0.2 / math.sqrt(3) * 14.4e3 * 7 / 6, rel=0.05
    )
    assert any("nominal" in note for note in found.assumptions)


def test_a_shorted_input_reads_zero_within_its_uncertainty_and_is_not_clipped():
    values = [
        impedances(
            measure_amplitude(contact(s, 4400), 1000, Excitation.HZ_31_25), 6e-9, series_ohm=4400.0
        )[0]
        for s in range(20)
    ]
    assert all(v.contains(0.0) for v in values)
    assert min(v.value for v in values) < 0


@pytest.mark.parametrize("resistors", [[10e3], [10e3, 10e3]])
def test_one_resistor_cannot_tell_current_from_series_resistance(resistors):
    measured = measure_amplitude(contact(1, 14e3), 1000, Excitation.HZ_31_25)
    with pytest.raises(ValueError, match="two or more different resistors"):
        calibrate_current(
            [measured.amplitude_v[0]] * len(resistors),
            resistors,
            measured,
            resistor_relative_uncertainty=0.01,
        )


def test_a_record_of_less_than_four_blocks_is_refused():
    with pytest.raises(ValueError, match=r"fewer than 4 blocks of 160; record 0\.64 s"):
        measure_amplitude(contact(0, 1e4, n=600), 1000, Excitation.HZ_31_25)


def test_a_mains_frequency_or_current_that_cannot_be_is_refused():
    volts = contact(0, 1e4)
    with pytest.raises(ValueError, match="mains frequency"):
        measure_amplitude(volts, 1000, Excitation.HZ_31_25, mains_hz=0)
    measured = measure_amplitude(volts, 1000, Excitation.HZ_31_25)
    with pytest.raises(ValueError, match="current must be > 0"):
        impedances(measured, 0, series_ohm=0)
    with pytest.raises(ValueError, match="0 currents for 1 channels"):
        impedances(measured, [], series_ohm=0)
