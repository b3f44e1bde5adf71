"""The chip's own square wave: level, period and duty, counted in samples.

SBAS499C, 9.6.1.3 (CONFIG2) gives ± VREF/2400 and twice that, at f_CLK/2^21 and f_CLK/2^20; the
electrical table's 1 mV and 2 mV are the same figures rounded.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.samples import checked_record
from emgrig.calibration.figures.uncertainty import Component, Result, combine, coverage_factor

_TRANSITION_SAMPLES = 4
"""Samples after an edge that sinc³ has not settled: three, and one for the edge between samples."""


@dataclass(frozen=True)
class SquareWave:
    """What the channel read of the test signal.

    `peak_to_peak_v` is high less low level, V, from the flat parts, `middle_v` their mean: the
    offset. `period_samples`, the mean over `n_periods` whole periods, is 512 at 500 SPS for
    f_CLK/2^21, and exactly so, because both come from one clock; another figure means lost or
    invented samples, and a spread (longest less shortest) of more than 2 that some lie within the
    record. `duty` is the share of the time that the level is high.
    """

    peak_to_peak_v: Result
    middle_v: float
    period_samples: float
    period_spread_samples: float
    duty: float
    n_periods: int


def measure_square_wave(volts: ArrayLike) -> SquareWave:
    """Measure the test signal in one channel, shape (n_samples,), two whole periods or more.

    Raises ValueError if there are fewer than two whole periods, or the record is refused by
    `checked_record`.
    """
    record = checked_record(volts, n_min=16)
    state = _levels_with_hysteresis(record)
    known = np.flatnonzero(state)
    changes = known[1:][np.diff(state[known]) != 0]
    rising = changes[state[changes] > 0]
    if rising.size < 3:
        raise ValueError(
            f"{max(rising.size - 1, 0)} whole periods of a square wave in {record.size} samples; "
            "two are needed: is the test signal on, and on this channel?"
        )
    means = _half_period_means(record, changes)
    is_high = state[changes[:-1]] > 0
    high, low = means[is_high], means[~is_high]
    periods = np.diff(rising)
    inside = state[rising[0] : rising[-1]]
    u, free = combine([_scatter(high, "high level"), _scatter(low, "low level")])
    return SquareWave(
        peak_to_peak_v=Result(
            float(high.mean() - low.mean()), "V", u, record.size, coverage_factor(free)
        ),
        middle_v=float(high.mean() + low.mean()) / 2,
        period_samples=float(rising[-1] - rising[0]) / periods.size,
        period_spread_samples=float(np.ptp(periods)),
        duty=float((inside > 0).sum() / np.count_nonzero(inside)),
        n_periods=int(periods.size),
    )


def _levels_with_hysteresis(record: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return 1 for high, −1 for low, 0 in between: noise on an edge must not count twice."""
    low, high = np.percentile(record, [10, 90])
    from_middle = record - (low + high) / 2
    dead = (high - low) / 4
    return np.where(from_middle > dead, 1, np.where(from_middle < -dead, -1, 0)).astype(np.int8)


def _half_period_means(
    record: NDArray[np.float64], changes: NDArray[np.intp]
) -> NDArray[np.float64]:
    ends = list(itertools.pairwise(changes))
    if min(stop - start for start, stop in ends) <= 2 * _TRANSITION_SAMPLES:
        raise ValueError("half a period is too short to have a flat part; is this the test signal?")
    return np.array(
        [record[a + _TRANSITION_SAMPLES : b - _TRANSITION_SAMPLES].mean() for a, b in ends]
    )


def _scatter(levels: NDArray[np.float64], name: str) -> Component:
    u = float(levels.std(ddof=1)) / math.sqrt(levels.size)
    return Component(name, u, 1.0, levels.size - 1)
