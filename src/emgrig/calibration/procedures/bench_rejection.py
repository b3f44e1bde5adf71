"""What needs the bench on both inputs, or behind a resistor: CMRR and input impedance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.bench import Bench
from emgrig.calibration.figures.sinefit import fit_sine_3
from emgrig.calibration.figures.transfer import cmrr_db
from emgrig.calibration.figures.uncertainty import Bound, Result, coverage_factor, rectangular
from emgrig.calibration.procedures.acquire import (
    Account,
    Progress,
    Tracker,
    acquire,
    checked_channels,
    prepare,
    silent,
)
from emgrig.calibration.procedures.bench_transfer import SINE_S, differential, largest_level_v, sine
from emgrig.calibration.procedures.readings import Quantity, Reading, Report
from emgrig.calibration.procedures.setup import Ask, Connection, Setup, list_channels
from emgrig.driver.board import Board
from emgrig.driver.keeping import kept

CMRR_S = 20.0
IMPEDANCE_HZ = (12.0, 23.0, 37.0, 83.0, 137.0, 223.0, 311.0)
"""Where the meter's ac is at its best, and no harmonics of the mains."""


@dataclass(frozen=True)
class RejectionSettings:
    """What to measure.

    `frequency_hz` is that of the common mode, not the mains'; `imbalance_ohm` is in series with P,
    for the second figure. `series_ohm` is for the input impedance, as measured; `series_limits` are
    those of its error over its value.
    """

    gain: int = 24
    rate_hz: int = 1000
    channels: tuple[int, ...] | None = None
    frequency_hz: float = 47.0
    imbalance_ohm: float = 10e3
    series_ohm: float = 1e6
    series_limits: float = 0.01

    def __post_init__(self) -> None:
        if not 3 <= self.frequency_hz < 0.4 * self.rate_hz:
            raise ValueError(f"a frequency of {self.frequency_hz} Hz is out of range")
        if not (self.imbalance_ohm > 0 and self.series_ohm > 0 and self.series_limits >= 0):
            raise ValueError("resistors must be above 0 Ω")


def measure_cmrr(
    board: Board,
    bench: Bench,
    ask: Ask,
    settings: RejectionSettings | None = None,
    *,
    progress: Progress = silent,
) -> Report:
    """Measure the CMRR with P and N driven together, balanced and with an imbalance.

    A differential sine first tells how the generator's frequency stands to the board's clock. The
    report has dB for each channel and condition; "at least" where noise hides the response.
    """
    settings = settings or RejectionSettings()
    channels = checked_channels(board, settings.channels)
    amplitude_v = largest_level_v(board, bench, settings.gain)
    tracker = Tracker(progress, SINE_S + 2 * CMRR_S)
    readings: list[Reading] = []
    with kept(board) as keeping:
        prepare(board, gain=settings.gain, rate_hz=settings.rate_hz, mux="normal", bias=True)
        ask(differential(channels))
        tracker.say("frequency")
        _, fits, _ = sine(board, bench, amplitude_v, settings.frequency_hz, channels, tracker)
        frequency_hz = float(np.median([fit.frequency_hz for fit in fits]))
        for ohm in (0.0, settings.imbalance_ohm):
            words = f"imbalance of {ohm:g} Ω" if ohm else "balanced"
            ask(_common_mode(channels, ohm))
            tracker.say(f"CMRR, {words}")
            applied = bench.apply_sine(amplitude_v, settings.frequency_hz)
            record = acquire(board, round(CMRR_S * settings.rate_hz), tracker=tracker)
            relative = applied.level.standard_uncertainty / applied.level.value
            for channel in record.usable(channels):
                fit = fit_sine_3(record.volts[:, channel - 1], record.rate_hz, frequency_hz)
                result = cmrr_db(applied.level.value, fit, u_common_mode=relative)
                readings.append(
                    Reading(
                        Quantity.CMRR, record.counted(result), channel, settings.gain,
                        settings.rate_hz,
                        f"bench, {settings.frequency_hz:g} Hz, {words}",
                    )
                )  # fmt: skip
        bench.turn_off()
    return Report("Common-mode rejection", tuple(readings), keeping.restored)


def _common_mode(channels: Sequence[int], ohm: float) -> Setup:
    through = f", P through {ohm:g} Ω each" if ohm else ""
    return Setup(
        Connection.COMMON_MODE,
        f"put the attenuator's output on P and N of channels {list_channels(channels)} together"
        f"{through}, its ground on the bias electrode",
        tuple(channels),
        ohm,
    )


def measure_input_impedance(
    board: Board,
    bench: Bench,
    ask: Ask,
    settings: RejectionSettings | None = None,
    *,
    progress: Progress = silent,
) -> Report:
    """Measure the input impedance from what a series resistor takes away at some frequencies.

    Only magnitudes are used, so the generator's phase need not be known: with R and C in parallel,
    ``(V1/V2)² = (1 + Rs/R)² + (2πf·Rs·C)²``, a straight line over f².

    The report has resistance, ohm, and capacitance, pF, of each channel's P input; bounds where the
    loss does not show.
    """
    settings = settings or RejectionSettings()
    channels = checked_channels(board, settings.channels)
    amplitude_v = largest_level_v(board, bench, settings.gain)
    tracker = Tracker(progress, 2 * len(IMPEDANCE_HZ) * SINE_S)
    squares = np.ones((len(IMPEDANCE_HZ), len(channels)))
    account = Account()
    with kept(board) as keeping:
        prepare(board, gain=settings.gain, rate_hz=settings.rate_hz, mux="normal", bias=True)
        for ohm in (0.0, settings.series_ohm):
            ask(differential(channels, ohm))
            for row, frequency_hz in enumerate(IMPEDANCE_HZ):
                tracker.say(f"input impedance, {ohm:g} Ω, {frequency_hz:g} Hz")
                applied, fits, record = sine(
                    board, bench, amplitude_v, frequency_hz, channels, tracker
                )
                account.add(record)
                power = -2 if ohm else 2
                # The meter's class is common to both; its scatter is not.
                level = applied.reading
                squares[row] *= [(fit.amplitude_v / level.value) ** power for fit in fits]
        bench.turn_off()
    n = 2 * len(IMPEDANCE_HZ) * round(SINE_S * settings.rate_hz)
    condition = f"bench, {settings.series_ohm:g} Ω in series with P"
    readings = []
    for index, channel in enumerate(channels):
        resistance, capacitance = _resistance_and_capacitance(squares[:, index] - 1, settings, n)
        at = (channel, settings.gain, settings.rate_hz, condition)
        readings += [
            Reading(Quantity.INPUT_RESISTANCE, account.counted(resistance), *at),
            Reading(Quantity.INPUT_CAPACITANCE, account.counted(capacitance), *at),
        ]
    return Report("Input impedance", tuple(readings), keeping.restored)


def _resistance_and_capacitance(
    loss: NDArray[np.float64], settings: RejectionSettings, n: int
) -> tuple[Result, Result]:
    """Fit the line over ω²; its scatter tells the uncertainty."""
    x = (2 * math.pi * np.array(IMPEDANCE_HZ)) ** 2
    design = np.stack([np.ones_like(x), x / x.max()], axis=1)
    (constant, slope), residual, _, _ = np.linalg.lstsq(design, loss, rcond=None)
    n_free = x.size - 2
    covariance = float(residual[0]) / n_free * np.linalg.inv(design.T @ design)
    u_constant, u_slope = np.sqrt(np.diag(covariance)).tolist()
    k = coverage_factor(n_free)
    rs, u_rs = settings.series_ohm, rectangular(settings.series_limits)
    omega = math.sqrt(float(x.max()))
    note = ("R and C in parallel; magnitudes over the meter's readings",)
    if constant < 3 * u_constant:
        share = math.sqrt(1 + max(constant, 0.0) + 3 * u_constant) - 1
        resistance = Result(rs / share, "ohm", 0.0, n, assumptions=note, bound=Bound.AT_LEAST)
    else:
        ohm = rs / (math.sqrt(1 + constant) - 1)
        relative = math.hypot(u_constant / constant, u_rs)
        resistance = Result(ohm, "ohm", ohm * relative, n, k, assumptions=note)
    if slope < 3 * u_slope:
        most_f = math.sqrt(max(slope, 0.0) + 3 * u_slope) / (omega * rs)
        capacitance = Result(most_f * 1e12, "pF", 0.0, n, assumptions=note, bound=Bound.AT_MOST)
    else:
        farad = math.sqrt(slope) / (omega * rs)
        relative = math.hypot(u_slope / slope / 2, u_rs)
        capacitance = Result(farad * 1e12, "pF", farad * 1e12 * relative, n, k, assumptions=note)
    return resistance, capacitance
