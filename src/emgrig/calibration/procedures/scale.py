"""Gain, matching and offset by the chip's own means: the test signal, and inputs shorted.

The test signal is ± VREF/2400 (SBAS499C, 9.6.1.3), and codes count in VREF too, so the reference
drops out of the reading. Its level is right to ± 2 % only. What it tells well is how the channels
stand to each other: they all see the same signal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emgrig.calibration.figures import noise
from emgrig.calibration.figures.datasheet import GAINS, NOISE_UV_RMS, Outcome
from emgrig.calibration.figures.testsignal import SquareWave, measure_square_wave
from emgrig.calibration.figures.uncertainty import (
    Component,
    Result,
    combine,
    coverage_factor,
    rectangular,
)
from emgrig.calibration.procedures.acquire import (
    REFERENCE_LIMIT,
    Progress,
    Record,
    Tracker,
    acquire,
    checked_channels,
    prepare,
    silent,
)
from emgrig.calibration.procedures.noise_floor import SHORTED
from emgrig.calibration.procedures.readings import Inputs, Quantity, Reading, Report
from emgrig.driver.board import Board
from emgrig.driver.keeping import kept

TEST_LIMIT = 0.02
"""Accuracy of the test signal, SBAS499C 7.5."""
LEVELS_PER_VREF = 2400
FAST_CLOCKS = 1 << 20
NOMINAL_CLOCK_HZ = 2_048_000
ONE, TWO = 1, 2
"""Its amplitudes, in VREF/2400."""
CONDITION = "test signal"


@dataclass(frozen=True)
class ScaleSettings:
    """What to measure: None is all channels, a rate of 250 Hz has the least noise.

    The test signal's periods, 0.51 s each, are 4 or more.
    """

    gains: tuple[int, ...] = (24,)
    channels: tuple[int, ...] | None = None
    rate_hz: int = 250
    n_periods: int = 24

    def __post_init__(self) -> None:
        if not self.gains or not set(self.gains) <= set(GAINS):
            raise ValueError(f"gains are {self.gains}; the chip has {GAINS}")
        if self.rate_hz not in NOISE_UV_RMS:
            raise ValueError(f"a rate of {self.rate_hz}; the chip has {sorted(NOISE_UV_RMS)}")
        if self.n_periods < 4:
            raise ValueError(f"{self.n_periods} periods; 4 or more")

    @property
    def period_samples(self) -> int:
        """Samples in a period of the test signal; exact, since one clock makes both."""
        return self.rate_hz * FAST_CLOCKS // NOMINAL_CLOCK_HZ

    @property
    def n_samples(self) -> int:
        """Length of a record."""
        return self.period_samples * (self.n_periods + 1)


def measure_scale(
    board: Board, settings: ScaleSettings | None = None, *, progress: Progress = silent
) -> Report:
    """Measure gain, matching of the channels, linearity and offset, for each gain.

    The report has `GAIN` (V/V over the nominal scale), known as well as the test signal;
    `MATCHING`, which is far better; `LINEARITY`, the large level over twice the small one less 1;
    `TEST_PERIOD`, exact or samples were lost or invented; `OFFSET`, what the channel reads with its
    inputs shorted, in volts by the nominal scale. Raises ValueError if a setting makes no sense,
    and nothing was sent; DeviceError if a channel does not show the test signal; EmgrigError if the
    board fails: the registers are put back first.
    """
    settings = settings or ScaleSettings()
    channels = checked_channels(board, settings.channels)
    seconds = settings.n_samples / settings.rate_hz
    tracker = Tracker(progress, 3 * len(settings.gains) * seconds)
    readings: list[Reading] = []
    notes: list[str] = []
    with kept(board) as keeping:
        for gain in settings.gains:
            tracker.say(f"offset, gain {gain}")
            prepare(board, gain=gain, rate_hz=settings.rate_hz)
            shorted = acquire(board, settings.n_samples, tracker=tracker)
            readings += _offsets(shorted, shorted.usable(channels), gain)
            records = {}
            board.chip.configure(mux="test")
            for amplitude in (ONE, TWO):
                tracker.say(f"test signal x{amplitude}, gain {gain}")
                board.chip.test_signal(on=True, amplitude=amplitude, frequency="fast")
                records[amplitude] = acquire(board, settings.n_samples, tracker=tracker)
            found, missing = _gains(board, records, channels, gain, settings)
            readings += found
            notes += missing
    return Report("Gain and offset", tuple(readings), keeping.restored, notes=tuple(notes))


def _offsets(record: Record, channels: Sequence[int], gain: int) -> list[Reading]:
    if not channels:
        return []
    results = noise.offset(record.columns(channels))
    at = (gain, round(record.rate_hz), SHORTED)
    return [
        Reading(Quantity.OFFSET, record.counted(result), channel, *at, inputs=Inputs.SHORTED)
        for channel, result in zip(channels, results, strict=True)
    ]


def _gains(
    board: Board,
    records: dict[int, Record],
    channels: Sequence[int],
    gain: int,
    settings: ScaleSettings,
) -> tuple[list[Reading], list[str]]:
    waves: dict[int, dict[int, SquareWave]] = {}
    notes = []
    for channel in channels:
        try:
            waves[channel] = {
                amplitude: measure_square_wave(record.volts[:, channel - 1])
                for amplitude, record in records.items()
            }
        except ValueError as error:
            notes.append(f"channel {channel}, gain {gain}: no test signal ({error})")
    one_v = 2 * board.chip.vref_v / LEVELS_PER_VREF
    ratios = {n: wave[TWO].peak_to_peak_v.value / (TWO * one_v) for n, wave in waves.items()}
    mean = float(np.mean(list(ratios.values()))) if ratios else 1.0
    found = []
    for channel, wave in waves.items():
        at = (channel, gain, settings.rate_hz, CONDITION)
        large = records[TWO].counted(wave[TWO].peak_to_peak_v)
        small = records[ONE].counted(wave[ONE].peak_to_peak_v)
        found += [
            Reading(Quantity.GAIN, _gain(large, TWO * one_v), *at),
            Reading(Quantity.LINEARITY, _linearity(large, small), *at,
                    note="x2 level over twice the x1 level; the chip's own divider is in it"),
            _period(wave[TWO], large, settings, at),
        ]  # fmt: skip
        if len(waves) > 1:
            levels = [other[TWO].peak_to_peak_v for other in waves.values()]
            found.append(
                Reading(Quantity.MATCHING, _matching(large, levels, mean * TWO * one_v), *at)
            )
    return found, notes


def _gain(level: Result, nominal_v: float) -> Result:
    value = level.value / nominal_v
    u, _ = combine(
        [
            Component("noise", level.standard_uncertainty, 1 / nominal_v),
            Component("test signal", rectangular(TEST_LIMIT), value),
            Component("reference", rectangular(REFERENCE_LIMIT), value),
        ]
    )
    return replace(
        level,
        value=value,
        unit="V/V",
        standard_uncertainty=u,
        k=coverage_factor(math.inf),  # the test signal's limits rule
        assumptions=("test signal within its 2 %, reference within its 0.2 % (type B)",),
    )


def _matching(level: Result, levels: Sequence[Result], mean_v: float) -> Result:
    """Return a channel's level over the mean of all; type A alone."""
    others = math.sqrt(sum(other.standard_uncertainty**2 for other in levels)) / len(levels)
    u = math.hypot(level.standard_uncertainty, others) / mean_v
    note = f"mean of {len(levels)} channels; all see the same test signal"
    return replace(
        level, value=level.value / mean_v, unit="V/V", standard_uncertainty=u, assumptions=(note,)
    )


def _linearity(large: Result, small: Result) -> Result:
    ratio = large.value / small.value / 2
    relative = math.hypot(
        large.standard_uncertainty / large.value, small.standard_uncertainty / small.value
    )
    return replace(
        large,
        n_lost=large.n_lost + small.n_lost,
        n_rejected=large.n_rejected + small.n_rejected,
        value=(ratio - 1) * 1e6,
        unit="ppm",
        standard_uncertainty=ratio * relative * 1e6,
        k=max(large.k, small.k),
        assumptions=("the two amplitudes stand as 2 to 1",),
    )


def _period(
    wave: SquareWave, level: Result, settings: ScaleSettings, at: tuple[int, int, int, str]
) -> Reading:
    """Judge the period: it must be exact, or samples were lost or invented."""
    # An edge falls between samples, so its place is known to one of them over the whole count.
    u = rectangular(1.0) / wave.n_periods
    result = replace(
        level,
        value=wave.period_samples,
        unit="samples",
        standard_uncertainty=u,
        k=2.0,
        assumptions=("edges counted to one sample",),
    )
    is_right = abs(wave.period_samples - settings.period_samples) <= 2 / wave.n_periods
    outcome = Outcome.PASS if is_right and wave.period_spread_samples <= 2 else Outcome.FAIL
    note = f"must be {settings.period_samples}"
    return Reading(Quantity.TEST_PERIOD, result, *at, outcome, note)
