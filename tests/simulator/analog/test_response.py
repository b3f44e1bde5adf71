"""The sinc3 filter against its formula (SBAS499C, 9.3.2.1), its delay, and chunks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emgrig.simulator.analog import frontend
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.analog.world import Electrode, Mains, World
from emgrig.simulator.sources.face import Face
from emgrig.simulator.sources.signals import MultiTone, Silence, Tone
from properties import examples
from simulator.front_end_bench import (
    RATES,
    SETTLED_TICK,
    Dc,
    Step,
    amplitude,
    registers,
    run,
    volts,
)

F_CLK_HZ = 2.048e6
AMPLITUDE_V = 10e-3


def sinc3(frequency_hz: NDArray[np.float64], decimation: int) -> NDArray[np.float64]:
    x = np.pi * frequency_hz / (F_CLK_HZ / 2)
    return np.abs(np.sin(decimation * x) / (decimation * np.sin(x))) ** 3


def tones(frequencies_hz: NDArray[np.float64]) -> MultiTone:
    """Frequency i on channel i + 1."""
    rows = np.eye(8)[: len(frequencies_hz)] * AMPLITUDE_V
    return MultiTone(
        [Tone(float(f), tuple(row)) for f, row in zip(frequencies_hz, rows.tolist(), strict=True)]
    )


def seen_amplitudes(
    frequencies_hz: NDArray[np.float64], rate: int, count: int
) -> NDArray[np.complex128]:
    front_end = AnalogueFrontEnd(tones(frequencies_hz), ideal=True)
    seen = volts(run(front_end, count, config1=RATES[rate][0], channels=0x60), 24)
    fitted = [
        amplitude(seen[:, [i]], f / rate)[0] / AMPLITUDE_V for i, f in enumerate(frequencies_hz)
    ]
    return np.array(fitted)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("part", [0, 1])
def test_the_response_is_within_a_twentieth_of_a_decibel(rate: int, part: int) -> None:
    frequencies = np.geomspace(10.0, 0.45 * rate, 16)[part::2]
    count = max(1000, int(2.5 * rate / frequencies[0]))
    seen = np.abs(seen_amplitudes(frequencies, rate, count))
    error_db = 20 * np.log10(seen / sinc3(frequencies, RATES[rate][1]))
    assert np.abs(error_db).max() < 0.05


@pytest.mark.parametrize("rate", [250, 2000, 16000])
def test_the_delay_is_half_of_the_window(rate: int) -> None:
    frequencies = np.array([0.05, 0.11, 0.2, 0.3, 0.4, 0.45]) * rate
    seen = seen_amplitudes(frequencies, rate, 1500)
    # Conversion 0 looks at 1 to 4 data periods after the restart; sources are sines of true time.
    middle_s = SETTLED_TICK / F_CLK_HZ + 2.5 / rate
    expected = -1j * np.exp(2j * np.pi * frequencies * middle_s)
    assert np.abs(np.angle(seen / expected)).max() < 1e-4


@pytest.mark.parametrize(("rate", "error"), [(250, 2e-5), (1000, 1e-4), (2000, 1e-3), (8000, 1e-3)])
def test_what_is_above_half_the_rate_folds_down(rate: int, error: float) -> None:
    ratios = np.array([0.55, 0.7, 0.83, 1.1, 1.27, 1.43, 1.6])
    seen = np.abs(seen_amplitudes(ratios * rate, rate, 1000))
    np.testing.assert_allclose(seen, sinc3(ratios * rate, RATES[rate][1]), rtol=0, atol=error)


def test_multiples_of_the_rate_vanish() -> None:
    front_end = AnalogueFrontEnd(tones(np.array([1.0, 2.0, 3.0]) * 1000), ideal=True)
    seen = volts(run(front_end, 200, config1=0x94, channels=0x60), 24)
    assert np.ptp(seen, axis=0).max() < 1e-3 * AMPLITUDE_V


@pytest.mark.parametrize("rate", [250, 1000, 16000])
def test_a_step_at_a_sampling_instant(rate: int) -> None:
    period = 2 * RATES[rate][1]
    at_tick = SETTLED_TICK + (4 + 10) * period  # the end of the window of conversion 10
    source = Step((at_tick - 0.5) / F_CLK_HZ, 1e-3)
    codes = run(AnalogueFrontEnd(source, ideal=True), 20, config1=RATES[rate][0], channels=0x60)
    shares = codes[9:15, 0] / 44739
    np.testing.assert_allclose(shares, [0, 0, 1 / 6, 5 / 6, 1, 1], atol=0.003)


@pytest.mark.parametrize("rate", [250, 1000, 16000])
def test_a_change_of_registers_mixes_old_and_new_for_three_periods(rate: int) -> None:
    config1, decimation = RATES[rate]
    period = 2 * decimation
    before = registers(config1=config1, channels=0x61)
    front_end = AnalogueFrontEnd(Dc(1e-3), ideal=True)
    front_end.change(0, before)
    front_end.restart(SETTLED_TICK, before)
    first = front_end.convert(11).codes
    # Just at the end of the window of conversion 10, and again two and a half periods later.
    at_tick = SETTLED_TICK + (4 + 10) * period
    front_end.change(at_tick + 9, registers(config1=config1, channels=0x60))
    second = front_end.convert(2).codes
    front_end.change(at_tick + 5 * period // 2, registers(config1=config1, channels=0x60))
    third = front_end.convert(4).codes
    shares = np.concatenate((first, second, third))[9:, 0] / 44739
    late = 9 / period  # the change came this much after the sampling instant
    expected = [0, 0, (1 - late) ** 3 / 6, 5 / 6 - late / 2, 1, 1, 1, 1]
    np.testing.assert_allclose(shares, expected, atol=late**2 + 3e-4)


def test_a_change_of_gain_keeps_the_volts() -> None:
    front_end = AnalogueFrontEnd(Dc(1e-3), ideal=True)
    before = registers(config1=0x94, channels=0x60)
    front_end.change(0, before)
    front_end.restart(SETTLED_TICK, before)
    front_end.convert(5)
    front_end.change(SETTLED_TICK + 2048 * 8 + 1000, registers(config1=0x94, channels=0x50))
    codes = front_end.convert(8).codes[:, 0]
    assert 43000 < codes[0] < 44739
    assert np.all(np.diff(codes[:4]) < 0)
    assert np.all(codes[3:] == 22370)  # 1e-3 * 12 / 4.5 * 2**23 = 22369.6


def segments(front_end: AnalogueFrontEnd, pieces: list[int], changes: dict[int, bytes]) -> bytes:
    """Convert in pieces, with registers changed after some numbers of conversions."""
    file = registers(config1=0x93, config3=0xEC, channels=0x60, bias_p=0x7F, bias_n=0x7F)
    front_end.change(0, file)
    front_end.restart(2_000_000, file)
    borders = sorted({*np.cumsum(pieces).tolist(), *changes})
    total = sum(pieces)
    out, done = b"", 0
    for border in [b for b in borders if b <= total]:
        if border > done:
            got = front_end.convert(border - done)
            out += got.codes.tobytes() + b"|"
            done = border
        if border in changes:
            front_end.change(2_000_000 + (border + 3) * 1024 + 700, changes[border])
    return out.replace(b"|", b"")


CHANGES = {
    70: registers(config1=0x93, config3=0xEC, channels=0x50),
    71: registers(config1=0x93, config3=0xEC, channels=0x40, loff=0x02, sense_p=0x01),
    300: registers(config1=0x93, config3=0xE0, config2=0xD0, channels=[0x65] * 4 + [0x60] * 4),
}


@pytest.mark.slow
@examples(8)
@given(st.lists(st.integers(1, 300), min_size=2, max_size=12))
def test_how_conversions_are_asked_for_changes_nothing(pieces: list[int]) -> None:
    def fresh() -> AnalogueFrontEnd:
        world = World.typical(8, 4)
        world = World(world.p, world.n, mains=Mains.typical()).with_electrode(
            "IN8P", Electrode(is_connected=False)
        )
        return AnalogueFrontEnd(Face(8, 4), seed=4, world=world, f_clk_hz=2.0493e6)

    changes = {at: file for at, file in CHANGES.items() if at < sum(pieces)}
    at_once = segments(fresh(), [sum(pieces)], changes)
    assert segments(fresh(), pieces, changes) == at_once


@pytest.mark.parametrize("largest", [1024, 8192])
def test_how_many_conversions_are_made_at_once_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    def codes() -> NDArray[np.int32]:
        world = replace(World.typical(8, 4), mains=Mains.typical())
        on = {"config1": 0x93, "config3": 0xEC, "channels": 0x60}
        return run(AnalogueFrontEnd(Face(8, 4), seed=4, world=world), 5000, **on)

    usual = codes()
    monkeypatch.setattr(frontend, "_LARGEST_BLOCK", largest)
    np.testing.assert_array_equal(codes(), usual)


def test_one_by_one_is_the_same_as_at_once() -> None:
    one = AnalogueFrontEnd(Face(8, 4), seed=4)
    many = AnalogueFrontEnd(Face(8, 4), seed=4)
    whole = run(many, 200, config1=0x93, channels=0x60)
    file = registers(config1=0x93, channels=0x60)
    one.change(0, file)
    one.restart(SETTLED_TICK, file)
    single = np.concatenate([one.convert(1).codes for _ in range(200)])
    np.testing.assert_array_equal(single, whole)


def test_a_world_or_a_source_can_change_on_the_way() -> None:
    front_end = AnalogueFrontEnd(Dc(1e-3), ideal=True)
    codes = [run(front_end, 20, config1=0x94, channels=0x60)]
    for number, source in enumerate((Dc(2e-3), Silence(8)), start=1):
        front_end.set_source(SETTLED_TICK + 2048 * (20 * number + 3) + 9, source)
        codes.append(front_end.convert(20).codes)
    settled = [int(part[-1, 0]) for part in codes]
    assert settled == [44739, 89478, 0]
    assert all(np.all(part[3:, 0] == level) for part, level in zip(codes, settled, strict=True))


def test_the_clock_of_the_chip_is_the_clock_of_its_samples() -> None:
    """A chip that is 0.5 % fast sees a 100 Hz tone as 100 / 1.005 of its nominal rate."""
    source = tones(np.array([100.0]))
    front_end = AnalogueFrontEnd(source, ideal=True, f_clk_hz=1.005 * F_CLK_HZ)
    seen = volts(run(front_end, 4000, config1=0x94, channels=0x60), 24)
    right = abs(amplitude(seen[:, :1], 0.1 / 1.005)[0])
    wrong = abs(amplitude(seen[:, :1], 0.1)[0])
    assert right == pytest.approx(AMPLITUDE_V * sinc3(np.array([100 / 1.005]), 1024)[0], rel=1e-3)
    assert wrong < 0.2 * right


def test_runs_are_pieces_of_one_world_time() -> None:
    """The same ticks see the same source, however often the filter was reset before."""
    source = tones(np.array([37.0]))
    whole = run(AnalogueFrontEnd(source, ideal=True), 100, config1=0x93, channels=0x60)
    front_end = AnalogueFrontEnd(source, ideal=True)
    for begin, end in pairwise([0, 30, 60]):
        part = run(front_end, end - begin, SETTLED_TICK + begin * 1024, config1=0x93, channels=0x60)
        np.testing.assert_allclose(part, whole[begin:end], atol=1)
