"""What needs a generator and a meter on one channel's inputs: gain, response, dynamics.

The bench is on P, N is at its ground, and the bias electrode joins that ground, so the bias
amplifier holds it at mid-supply.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.bench import Applied, Bench
from emgrig.calibration.figures.datasheet import GAINS, NOISE_UV_RMS, Outcome
from emgrig.calibration.figures.measured_response import ResponseFit, fit_response
from emgrig.calibration.figures.noise import rms_relative_standard_error
from emgrig.calibration.figures.sinefit import SineFit, dynamic_performance, fit_sine_4
from emgrig.calibration.figures.transfer import fit_gain
from emgrig.calibration.figures.uncertainty import Bound, Result
from emgrig.calibration.procedures.acquire import (
    Account,
    Progress,
    Record,
    Tracker,
    acquire,
    checked_channels,
    prepare,
    silent,
)
from emgrig.calibration.procedures.readings import Curve, Inputs, Quantity, Reading, Report
from emgrig.calibration.procedures.setup import Ask, Connection, Setup, list_channels
from emgrig.driver.board import Board
from emgrig.driver.keeping import kept
from emgrig.errors import DeviceError

USED_SHARE = 0.8
"""Of the generator's largest level and of full scale."""
HEADROOM_V = 4.0
"""What the amplifier's outputs swing, both together, with P driven and N at mid-supply: the common
mode is half the signal (SBAS499C, 9.3.1.7)."""
SINE_S = 4.0
DROOP_LIMIT_DB = 0.1
METER = "meter and attenuator as good as stated"
LEAST_HZ = 12.0
"""Below 10 Hz meters know ac to 0.35 % only."""


@dataclass(frozen=True)
class BenchSettings:
    """What to measure.

    All `channels` are driven at once; None is all. `n_levels`, 5 or more, go from −max to +max;
    `n_frequencies`, 5 or more, are those of the sweep; `sine_hz` is for the dynamics.
    """

    gain: int = 24
    rate_hz: int = 1000
    channels: tuple[int, ...] | None = None
    n_levels: int = 9
    n_frequencies: int = 12
    sine_hz: float = 37.0

    def __post_init__(self) -> None:
        if self.gain not in GAINS or self.rate_hz not in NOISE_UV_RMS:
            raise ValueError(
                f"gain {self.gain} at {self.rate_hz}; the chip has {GAINS} at "
                f"{sorted(NOISE_UV_RMS)}"
            )
        if self.n_levels < 5 or self.n_frequencies < 5:
            raise ValueError("5 levels and 5 frequencies or more")
        if not 3 <= self.sine_hz < 0.4 * self.rate_hz:
            raise ValueError(f"a sine of {self.sine_hz} Hz; expected 3 to {0.4 * self.rate_hz:g}")


def differential(channels: Sequence[int], ohm: float = 0.0) -> Setup:
    """Ask for the bench on P of some channels."""
    through = f" through {ohm:g} Ω each" if ohm else ""
    return Setup(
        Connection.DIFFERENTIAL,
        f"put the attenuator's output on P of channels {list_channels(channels)}{through}, its "
        "ground on their N and on the bias electrode",
        tuple(channels),
        ohm,
    )


def largest_level_v(board: Board, bench: Bench, gain: int) -> float:
    """Return the largest level at the inputs, V: what generator and amplifier can both do."""
    from_generator = bench.generator.most_v / bench.attenuator.ratio
    full_scale = min(board.chip.vref_v, HEADROOM_V) / gain
    return USED_SHARE * min(from_generator, full_scale)


def measure_bench_gain(
    board: Board,
    bench: Bench,
    ask: Ask,
    settings: BenchSettings | None = None,
    *,
    progress: Progress = silent,
) -> Report:
    """Measure gain and integral nonlinearity against the meter, with constant levels.

    The report has `GAIN`, V/V over the nominal scale, and `LINEARITY`, ppm of full range, for each
    channel. Raises ValueError if a setting makes no sense, and nothing was sent; EmgrigError if
    board or bench fails: the registers are put back first.
    """
    settings = settings or BenchSettings()
    channels = checked_channels(board, settings.channels)
    top_v = largest_level_v(board, bench, settings.gain)
    levels_v = np.linspace(-top_v, top_v, settings.n_levels)
    tracker = Tracker(progress, settings.n_levels * 1.0)
    applied: list[Applied] = []
    account = Account()
    means: list[NDArray[np.float64]] = []
    with kept(board) as keeping:
        prepare(board, gain=settings.gain, rate_hz=settings.rate_hz, mux="normal", bias=True)
        ask(differential(channels))
        for level_v in levels_v:
            tracker.say(f"gain {settings.gain}, {level_v * 1e3:.3g} mV")
            applied.append(bench.apply_dc(float(level_v)))
            record = acquire(board, settings.rate_hz, tracker=tracker)
            _refuse_rail(record, channels, float(level_v))
            account.add(record)
            means.append(record.columns(channels).mean(axis=0))
        bench.turn_off()
    readings = _gain_readings(board, applied, np.stack(means), channels, settings, account)
    return Report("Gain by the bench", tuple(readings), keeping.restored)


def _gain_readings(
    board: Board,
    applied: Sequence[Applied],
    means_v: NDArray[np.float64],
    channels: Sequence[int],
    settings: BenchSettings,
    account: Account,
) -> list[Reading]:
    largest = max((one.level for one in applied), key=lambda level: abs(level.value))
    relative = largest.standard_uncertainty / abs(largest.value)
    condition = f"bench, dc to {abs(largest.value) * 1e3:.3g} mV"
    n = settings.n_levels * settings.rate_hz
    readings = []
    for index, channel in enumerate(channels):
        fit = fit_gain(
            [one.level.value for one in applied],
            means_v[:, index],
            full_scale_v=board.chip.vref_v / settings.gain,
            meter_relative_uncertainty=relative,
        )
        at = (channel, settings.gain, settings.rate_hz, condition)
        gain = replace(fit.gain, n_used=n, assumptions=(*fit.gain.assumptions, METER))
        note = ("noise of the means is in it",)
        inl = Result(fit.inl_ppm, "ppm", 0.0, n, assumptions=note, bound=Bound.AT_MOST)
        readings += [
            Reading(Quantity.GAIN, account.counted(gain), *at, inputs=Inputs.BENCH),
            Reading(Quantity.LINEARITY, account.counted(inl), *at, note="of full range"),
        ]
    return readings


def _refuse_rail(record: Record, channels: Sequence[int], level_v: float) -> None:
    for channel in channels:
        if channel in record.unusable:
            raise DeviceError(
                f"channel {channel} is {record.unusable[channel].words} with "
                f"{level_v * 1e3:.3g} mV on it: is the bench's ground on N and on the bias "
                "electrode?"
            )


def measure_bench_response(
    board: Board,
    bench: Bench,
    ask: Ask,
    settings: BenchSettings | None = None,
    *,
    progress: Progress = silent,
) -> Report:
    """Sweep a sine from 12 Hz to 0.45 of the rate, and fit gain, sinc³ and one analogue pole.

    The report has for each channel the largest departure from sinc³ to 0.4 of the rate (judged by
    0.1 dB), the pole, and the −3 dB point; and a curve of the departures.
    """
    settings = settings or BenchSettings()
    channels = checked_channels(board, settings.channels)
    amplitude_v = largest_level_v(board, bench, settings.gain)
    frequencies = np.geomspace(LEAST_HZ, 0.45 * settings.rate_hz, settings.n_frequencies)
    tracker = Tracker(progress, settings.n_frequencies * SINE_S)
    magnitude = np.empty((settings.n_frequencies, len(channels)))
    actual_hz = np.empty(settings.n_frequencies)
    relative = []
    account = Account()
    with kept(board) as keeping:
        prepare(board, gain=settings.gain, rate_hz=settings.rate_hz, mux="normal", bias=True)
        ask(differential(channels))
        for row, frequency_hz in enumerate(frequencies):
            tracker.say(f"response, {frequency_hz:.4g} Hz")
            applied, fits, record = sine(
                board, bench, amplitude_v, float(frequency_hz), channels, tracker
            )
            account.add(record)
            magnitude[row] = [fit.amplitude_v / applied.level.value for fit in fits]
            actual_hz[row] = fits[0].frequency_hz
            relative.append(applied.level.standard_uncertainty / applied.level.value)
        bench.turn_off()
    condition = f"bench, {settings.n_frequencies} sines of {amplitude_v * 1e3:.3g} mV peak"
    readings, errors_db = [], []
    for channel, column in zip(channels, magnitude.T, strict=True):
        fit = fit_response(actual_hz, column, settings.rate_hz, relative_uncertainty=max(relative))
        errors_db.append(fit.droop_error_db)
        at = (channel, settings.gain, settings.rate_hz, condition)
        readings += _response_readings(fit, actual_hz, max(relative), at, account)
    names = tuple(f"channel {n}" for n in channels)
    errors = np.stack(errors_db, axis=1)
    curve = Curve("measured over sinc³", "Hz", "dB", actual_hz, errors, names, is_log=False)
    return Report("Frequency response", tuple(readings), keeping.restored, (curve,))


def _response_readings(
    fit: ResponseFit,
    actual_hz: NDArray[np.float64],
    relative_u: float,
    at: tuple[int, int, int, str],
    account: Account,
) -> list[Reading]:
    _, _, rate_hz, _ = at
    n = actual_hz.size * round(SINE_S * rate_hz)
    worst_db = float(np.abs(fit.droop_error_db[actual_hz <= 0.4 * rate_hz]).max())
    u_db = 20 / math.log(10) * relative_u
    departure = Result(worst_db, "dB", u_db, n, assumptions=("meter alike at all frequencies",))
    outcome = Outcome.PASS if worst_db <= DROOP_LIMIT_DB + 2 * u_db else Outcome.MARGINAL
    limit = f"to 0.4 of the rate; limit {DROOP_LIMIT_DB} dB"
    return [
        Reading(Quantity.RESPONSE_ERROR, account.counted(departure), *at, outcome, limit),
        Reading(
            Quantity.RESPONSE, account.counted(replace(fit.minus_3db, n_used=n)), *at, note="-3 dB"
        ),
        Reading(Quantity.POLE, account.counted(replace(fit.pole, n_used=n)), *at),
    ]


def sine(
    board: Board,
    bench: Bench,
    amplitude_v: float,
    frequency_hz: float,
    channels: Sequence[int],
    tracker: Tracker,
) -> tuple[Applied, list[SineFit], Record]:
    """Apply a sine, record it, and fit each channel; the frequencies are the board's clock's."""
    applied = bench.apply_sine(amplitude_v, frequency_hz)
    rate_hz = board.chip.rate_hz
    record = acquire(board, round(SINE_S * rate_hz), tracker=tracker)
    _refuse_rail(record, channels, amplitude_v)
    fits = [fit_sine_4(record.volts[:, channel - 1], rate_hz) for channel in channels]
    for channel, fit in zip(channels, fits, strict=True):
        if abs(fit.frequency_hz / frequency_hz - 1) > 0.05:
            raise DeviceError(
                f"channel {channel} shows {fit.frequency_hz:.4g} Hz where the bench makes "
                f"{frequency_hz:.4g} Hz: is it connected?"
            )
    return applied, fits, record


def measure_bench_dynamics(
    board: Board,
    bench: Bench,
    ask: Ask,
    settings: BenchSettings | None = None,
    *,
    progress: Progress = silent,
) -> Report:
    """Measure SINAD, THD, SFDR and ENOB with one sine; the generator's distortion is in them."""
    settings = settings or BenchSettings()
    channels = checked_channels(board, settings.channels)
    amplitude_v = largest_level_v(board, bench, settings.gain)
    tracker = Tracker(progress, SINE_S)
    with kept(board) as keeping:
        prepare(board, gain=settings.gain, rate_hz=settings.rate_hz, mux="normal", bias=True)
        ask(differential(channels))
        tracker.say(f"SINAD, {settings.sine_hz:g} Hz")
        _, _, record = sine(board, bench, amplitude_v, settings.sine_hz, channels, tracker)
        bench.turn_off()
    full_scale_v = board.chip.vref_v / settings.gain
    condition = f"bench, {settings.sine_hz:g} Hz, {amplitude_v * 1e3:.3g} mV peak"
    readings = []
    n = record.volts.shape[0]
    # The residual's rms is as uncertain as that of noise.
    u_db = 20 / math.log(10) * rms_relative_standard_error(n)
    for channel in channels:
        found = dynamic_performance(record.volts[:, channel - 1], record.rate_hz, full_scale_v)
        at = (channel, settings.gain, settings.rate_hz, condition)
        note = "the generator's own distortion is in it"
        values = (
            (Quantity.SINAD, found.sinad_db, "dB", u_db, note),
            (Quantity.ENOB, found.enob_full_scale_bits, "bit", u_db / 6.02, "at full scale"),
            (Quantity.THD, found.thd_db, "dB", 0.0, f"harmonics 2 to {found.highest_harmonic}"),
            (Quantity.SFDR, found.sfdr_db, "dB", 0.0, f"at {found.largest_spur_hz:.4g} Hz"),
        )
        readings += [
            Reading(quantity, record.counted(Result(value, unit, u, n)), *at, note=text)
            for quantity, value, unit, u, text in values
        ]
    return Report("Dynamics", tuple(readings), keeping.restored)
